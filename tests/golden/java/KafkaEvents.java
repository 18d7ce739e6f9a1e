import com.amazonaws.services.lambda.runtime.events.KafkaEvent;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import com.amazonaws.services.lambda.runtime.serialization.events.LambdaEventSerializers;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** An event as a handler that takes a KafkaEvent gets it. */
final class KafkaEvents {
    private KafkaEvents() {
    }

    static void run(ObjectNode given, ObjectNode outcome) {
        PojoSerializer<KafkaEvent> serializer =
            LambdaEventSerializers.serializerFor(KafkaEvent.class, KafkaEvents.class.getClassLoader());
        KafkaEvent event = serializer.fromJson(given.get("event").toString());
        JsonNode printed = Notation.JSON.valueToTree(event);
        outcome.set("event", printed);
    }
}
