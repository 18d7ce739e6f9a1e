import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;

/** What AWS's own library makes of a filter pattern and an event. */
final class Filters {
    private Filters() {
    }

    static void run(ObjectNode given, ObjectNode outcome) {
        String pattern = text(given.path("pattern"));
        String problem = JsonRuleCompiler.check(pattern);
        if (problem != null) {
            // What follows tells the place in the text.
            throw new IllegalArgumentException(problem.lines().findFirst().orElse(""));
        }
        Machine machine = Machine.builder().build();
        try {
            machine.addRule("pattern", pattern);
            outcome.put("result", !machine.rulesForJSONEvent(text(given.path("event"))).isEmpty());
        } catch (Exception error) {
            throw new IllegalTableException("not to be asked of event-ruler: " + error, error);
        }
    }

    /** A string is JSON text: for numbers and duplicate keys as they are written. */
    private static String text(JsonNode node) {
        return node.isTextual() ? node.textValue() : node.toString();
    }
}
