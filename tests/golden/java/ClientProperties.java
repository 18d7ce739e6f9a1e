import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** The properties of one of Kafka's clients: type, default, and what its validator says of itself. */
final class ClientProperties {
    private ClientProperties() {
    }

    static void run(JsonNode given, ObjectNode outcome) {
        ObjectNode properties = outcome.putObject("properties");
        new TreeMap<>(definition(given.path("class").asText()).configKeys()).forEach((name, key) -> {
            if (!key.internalConfig) {
                ObjectNode property = properties.putObject(name);
                property.put("type", key.type.name());
                property.put("default", key.hasDefault() && key.defaultValue != null ? ConfigDef.convertToString(key.defaultValue, key.type) : null);
                // A lambda's own name differs from run to run.
                boolean isNamed = key.validator != null && !key.validator.toString().contains("$$Lambda");
                property.put("valid", isNamed ? key.validator.toString() : null);
            }
        });
    }

    private static ConfigDef definition(String name) {
        try {
            return (ConfigDef) Class.forName(name).getMethod("configDef").invoke(null);
        } catch (ReflectiveOperationException error) {
            throw new IllegalTableException("no definition in " + name, error);
        }
    }
}
