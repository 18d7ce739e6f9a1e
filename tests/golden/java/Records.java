import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.sink.SinkRecord;

/** Records in the notation of the tables. */
final class Records {
    private static final long TIMESTAMP = 1_700_000_000_000L;

    private Records() {
    }

    static SinkRecord record(JsonNode node) {
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : node.path("headers")) {
            Schema schema = Notation.schema(header.get("schema"));
            headers.add(header.path("name").textValue(), Notation.value(header.get("value"), schema), schema);
        }
        Schema keySchema = Notation.schema(node.get("key_schema"));
        Schema valueSchema = Notation.schema(node.get("value_schema"));
        Long timestamp = node.has("timestamp") ? (node.get("timestamp").isNull() ? null : node.get("timestamp").longValue()) : Long.valueOf(TIMESTAMP);
        return new SinkRecord(
            node.path("topic").asText("topic"),
            node.path("partition").asInt(0),
            keySchema,
            Notation.value(node.get("key"), keySchema),
            valueSchema,
            Notation.value(node.get("value"), valueSchema),
            node.path("offset").asLong(0),
            timestamp,
            timestamp == null ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME,
            headers);
    }

    static JsonNode notation(SinkRecord record) {
        if (record == null) {
            return Notation.JSON.nullNode();
        }
        ObjectNode node = Notation.JSON.createObjectNode();
        node.put("topic", record.topic());
        node.put("partition", record.kafkaPartition());
        node.put("timestamp", record.timestamp());
        node.set("key_schema", Notation.notation(record.keySchema()));
        node.set("key", Notation.notation(record.key(), record.keySchema()));
        node.set("value_schema", Notation.notation(record.valueSchema()));
        node.set("value", Notation.notation(record.value(), record.valueSchema()));
        ArrayNode headers = node.putArray("headers");
        record.headers().forEach(it -> {
            ObjectNode header = headers.addObject().put("name", it.key());
            header.set("schema", Notation.notation(it.schema()));
            header.set("value", Notation.notation(it.value(), it.schema()));
        });
        return node;
    }
}
