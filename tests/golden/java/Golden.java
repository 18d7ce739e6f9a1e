import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Runs Kafka Connect's classes over tables of inputs: Golden TABLES EXPECTED [NAME ...]. See tests/golden/README.md. */
public final class Golden {
    private Golden() {
    }

    public static void main(String[] arguments) throws IOException {
        Path tables = Path.of(arguments[0]);
        Path expected = Path.of(arguments[1]);
        List<String> names = Arrays.asList(arguments).subList(2, arguments.length);
        for (String name : names.isEmpty() ? all(tables) : names) {
            JsonNode table = Notation.JSON.readTree(Files.readString(tables.resolve(name + ".json")));
            Files.writeString(expected.resolve(name + ".json"), outcomes(name, (ObjectNode) table));
        }
    }

    private static Iterable<String> all(Path tables) throws IOException {
        try (var files = Files.list(tables)) {
            return files.map(it -> it.getFileName().toString().replace(".json", "")).collect(java.util.stream.Collectors.toCollection(TreeSet::new));
        }
    }

    /** An object of one line a case, so that differences are easily read. */
    private static String outcomes(String name, ObjectNode table) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, ObjectNode> one : cases(table).entrySet()) {
            JsonNode outcome;
            try {
                outcome = Kinds.run(one.getValue());
            } catch (IllegalTableException error) {
                throw new IllegalTableException(name + ": " + one.getKey() + ": " + error.getMessage(), error);
            }
            lines.add("  " + write(Notation.JSON.getNodeFactory().textNode(one.getKey())) + ": " + write(outcome));
        }
        return "{\n" + String.join(",\n", lines) + "\n}\n";
    }

    /** `cases` by their names and `texts` by themselves, each with what the table says for all. */
    private static Map<String, ObjectNode> cases(ObjectNode table) {
        Map<String, ObjectNode> cases = new java.util.LinkedHashMap<>();
        ObjectNode common = table.deepCopy().without(List.of("cases", "texts"));
        table.path("cases").properties().forEach(it ->
            cases.put(it.getKey(), common.deepCopy().setAll((ObjectNode) it.getValue())));
        table.path("texts").forEach(it -> cases.put(it.textValue(), common.deepCopy().set("text", it)));
        return cases;
    }

    private static String write(JsonNode node) throws IOException {
        return Notation.JSON.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsString(node);
    }
}
