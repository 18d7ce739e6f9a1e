import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/** What is done with a case, by the table's `kind`. */
final class Kinds {
    private static final String TOPIC = "topic";

    private Kinds() {
    }

    static JsonNode run(ObjectNode given) {
        ObjectNode outcome = Notation.JSON.createObjectNode();
        try {
            switch (given.path("kind").asText()) {
                case "json-write" -> write(given, outcome);
                case "json-read", "convert" -> read(given, outcome);
                case "header" -> header(given, outcome);
                case "transform" -> transform(given, outcome);
                case "predicate" -> predicate(given, outcome);
                case "filter" -> Filters.run(given, outcome);
                case "avro" -> Avro.run(given, outcome);
                case "client-properties" -> ClientProperties.run(given, outcome);
                case "kafka-event" -> KafkaEvents.run(given, outcome);
                case "to-string" -> toText(given, outcome);
                default -> throw new IllegalTableException("unknown kind " + given.path("kind"));
            }
        } catch (IllegalTableException error) {
            throw error;
        } catch (RuntimeException error) {
            outcome.removeAll();
            outcome.put("error", error.getClass().getName());
            // Addresses of objects differ from run to run.
            outcome.put("message", String.valueOf(error.getMessage()).replaceAll("@[0-9a-f]{5,}", "@"));
        }
        return outcome;
    }

    private static void write(ObjectNode given, ObjectNode outcome) {
        try (JsonConverter converter = new JsonConverter()) {
            Map<String, String> config = config(given);
            config.putIfAbsent("schemas.enable", "false");
            converter.configure(config, false);
            Schema schema = Notation.schema(given.get("schema"));
            byte[] json = converter.fromConnectData(TOPIC, schema, Notation.value(given.get("value"), schema));
            outcome.put("json", json == null ? null : new String(json, StandardCharsets.UTF_8));
        }
    }

    private static void toText(ObjectNode given, ObjectNode outcome) {
        outcome.put("text", Notation.value(given.get("value"), Notation.schema(given.get("schema"))).toString());
    }

    private static void read(ObjectNode given, ObjectNode outcome) {
        String name = given.path("class").asText("org.apache.kafka.connect.json.JsonConverter");
        Converter converter = instance(Converter.class, name);
        converter.configure(config(given), false);
        Notation.put(outcome, converter.toConnectData(TOPIC, bytes(given)));
    }

    private static void header(ObjectNode given, ObjectNode outcome) {
        String name = given.path("class").asText("org.apache.kafka.connect.storage.SimpleHeaderConverter");
        HeaderConverter converter = instance(HeaderConverter.class, name);
        Map<String, String> config = config(given);
        config.put("converter.type", "header");
        converter.configure(config);
        SchemaAndValue data = converter.toConnectHeader(TOPIC, "header", bytes(given));
        // As ConnectHeaders.add takes it.
        Notation.put(outcome, data == null ? SchemaAndValue.NULL : data);
    }

    private static void transform(ObjectNode given, ObjectNode outcome) {
        @SuppressWarnings("unchecked")
        Transformation<SinkRecord> transformation = instance(Transformation.class, given.path("class").asText());
        transformation.configure(config(given));
        outcome.set("record", Records.notation(transformation.apply(Records.record(given.path("record")))));
    }

    private static void predicate(ObjectNode given, ObjectNode outcome) {
        @SuppressWarnings("unchecked")
        Predicate<SinkRecord> predicate = instance(Predicate.class, given.path("class").asText());
        predicate.configure(config(given));
        outcome.put("result", predicate.test(Records.record(given.path("record"))));
    }

    static Map<String, String> config(ObjectNode given) {
        Map<String, String> config = new HashMap<>();
        given.path("config").properties().forEach(it -> config.put(it.getKey(), it.getValue().asText()));
        return config;
    }

    /** `text` in UTF-8, or `base64`; without both, null. */
    private static byte[] bytes(ObjectNode given) {
        if (given.hasNonNull("base64")) {
            return Base64.getDecoder().decode(given.get("base64").textValue());
        }
        return given.hasNonNull("text") ? given.get("text").textValue().getBytes(StandardCharsets.UTF_8) : null;
    }

    private static <T> T instance(Class<T> kind, String name) {
        try {
            return kind.cast(Class.forName(name).getDeclaredConstructor().newInstance());
        } catch (ReflectiveOperationException error) {
            throw new IllegalTableException("no class " + name, error);
        }
    }
}
