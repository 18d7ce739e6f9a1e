import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** Schemas and values as lossless JSON, described in tests/golden/README.md; tests/support/golden.py is its twin. */
final class Notation {
    static final ObjectMapper JSON = JsonMapper.builder()
        .enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
        .build();

    private Notation() {
    }

    static void put(ObjectNode outcome, SchemaAndValue data) {
        outcome.set("schema", notation(data.schema()));
        outcome.set("value", notation(data.value(), data.schema()));
    }

    // --- schemas --------------------------------------------------------------------------------------------------

    static Schema schema(JsonNode node) {
        if (node == null || node.isNull()) {
            return null;
        }
        if (node.isTextual()) {
            String text = node.textValue();
            boolean optional = text.endsWith("?");
            SchemaBuilder builder = named(optional ? text.substring(0, text.length() - 1) : text);
            return (optional ? builder.optional() : builder).build();
        }
        SchemaBuilder builder = builder(node);
        if (node.has("optional")) {
            builder.optional();
        }
        if (node.has("name")) {
            builder.name(node.get("name").textValue());
        }
        if (node.has("version")) {
            builder.version(node.get("version").intValue());
        }
        if (node.has("doc")) {
            builder.doc(node.get("doc").textValue());
        }
        node.path("parameters").properties().forEach(it -> builder.parameter(it.getKey(), it.getValue().textValue()));
        node.path("fields").properties().forEach(it -> builder.field(it.getKey(), schema(it.getValue())));
        if (node.has("default")) {
            builder.defaultValue(value(node.get("default"), builder));
        }
        return builder.build();
    }

    private static SchemaBuilder named(String text) {
        return switch (text) {
            case "Date" -> Date.builder();
            case "Time" -> Time.builder();
            case "Timestamp" -> Timestamp.builder();
            default -> text.startsWith("Decimal:")
                ? Decimal.builder(Integer.parseInt(text.substring("Decimal:".length())))
                : SchemaBuilder.type(type(text));
        };
    }

    private static SchemaBuilder builder(JsonNode node) {
        Schema.Type type = type(node.path("type").asText());
        return switch (type) {
            case ARRAY -> SchemaBuilder.array(schema(node.get("values")));
            case MAP -> SchemaBuilder.map(schema(node.get("keys")), schema(node.get("values")));
            default -> SchemaBuilder.type(type);
        };
    }

    private static Schema.Type type(String name) {
        for (Schema.Type type : Schema.Type.values()) {
            if (type.getName().equals(name)) {
                return type;
            }
        }
        throw new IllegalTableException("unknown type " + name);
    }

    static JsonNode notation(Schema schema) {
        if (schema == null) {
            return JSON.nullNode();
        }
        String text = shortNotation(schema);
        if (text != null) {
            return JSON.getNodeFactory().textNode(text);
        }
        ObjectNode node = JSON.createObjectNode();
        node.put("type", schema.type().getName());
        if (schema.isOptional()) {
            node.put("optional", true);
        }
        if (schema.name() != null) {
            node.put("name", schema.name());
        }
        if (schema.version() != null) {
            node.put("version", schema.version());
        }
        if (schema.doc() != null) {
            node.put("doc", schema.doc());
        }
        if (schema.parameters() != null && !schema.parameters().isEmpty()) {
            schema.parameters().forEach(node.putObject("parameters")::put);
        }
        switch (schema.type()) {
            case STRUCT -> schema.fields().forEach(it -> node.withObject("/fields").set(it.name(), notation(it.schema())));
            case ARRAY -> node.set("values", notation(schema.valueSchema()));
            case MAP -> node.<ObjectNode>set("keys", notation(schema.keySchema())).set("values", notation(schema.valueSchema()));
            default -> { }
        }
        if (schema.defaultValue() != null) {
            node.set("default", notation(schema.defaultValue(), schema));
        }
        return node;
    }

    private static String shortNotation(Schema schema) {
        List<String> texts = new ArrayList<>(List.of("Date", "Time", "Timestamp"));
        if (Decimal.LOGICAL_NAME.equals(schema.name())) {
            texts.add("Decimal:" + schema.parameters().get(Decimal.SCALE_FIELD));
        }
        if (schema.type().isPrimitive()) {
            texts.add(schema.type().getName());
        }
        for (String text : texts) {
            for (String mark : List.of("", "?")) {
                Schema candidate = schema(JSON.getNodeFactory().textNode(text + mark));
                // A builder, as some classes hand them out, equals no schema.
                Schema plain = schema instanceof SchemaBuilder ? ((SchemaBuilder) schema).build() : schema;
                if (candidate.equals(plain)) {
                    return text + mark;
                }
            }
        }
        return null;
    }

    // --- values ---------------------------------------------------------------------------------------------------

    static Object value(JsonNode node, Schema schema) {
        if (node == null || node.isNull()) {
            return null;
        }
        if (node.isTextual()) {
            return node.textValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        if (node.isNumber()) {
            return number(node, schema);
        }
        if (node.isArray()) {
            List<Object> list = new ArrayList<>();
            node.forEach(it -> list.add(value(it, schema == null ? null : schema.valueSchema())));
            return list;
        }
        if (node.size() == 1 && node.fieldNames().next().startsWith("$")) {
            return tagged(node.fieldNames().next(), node.elements().next(), schema);
        }
        if (schema != null && schema.type() == Schema.Type.STRUCT) {
            Struct struct = new Struct(schema);
            node.properties().forEach(it -> struct.put(it.getKey(), value(it.getValue(), schema.field(it.getKey()).schema())));
            return struct;
        }
        Map<Object, Object> map = new LinkedHashMap<>();
        node.properties().forEach(it -> map.put(it.getKey(), value(it.getValue(), schema == null ? null : schema.valueSchema())));
        return map;
    }

    private static Object number(JsonNode node, Schema schema) {
        Schema.Type type = schema == null ? (node.isIntegralNumber() ? Schema.Type.INT64 : Schema.Type.FLOAT64) : schema.type();
        return switch (type) {
            case INT8 -> node.decimalValue().byteValueExact();
            case INT16 -> node.decimalValue().shortValueExact();
            case INT32 -> node.decimalValue().intValueExact();
            case INT64 -> node.decimalValue().longValueExact();
            case FLOAT32 -> node.floatValue();
            case FLOAT64 -> node.doubleValue();
            default -> throw new IllegalTableException("a number for " + type + ": use a tag to say which");
        };
    }

    private static Object tagged(String tag, JsonNode node, Schema schema) {
        return switch (tag) {
            case "$int8" -> node.decimalValue().byteValueExact();
            case "$int16" -> node.decimalValue().shortValueExact();
            case "$int32" -> node.decimalValue().intValueExact();
            case "$int64" -> node.decimalValue().longValueExact();
            case "$big" -> new BigInteger(node.textValue());
            case "$float32" -> Float.valueOf(node.asText());
            case "$float64" -> Double.valueOf(node.asText());
            case "$decimal" -> new BigDecimal(node.textValue());
            case "$bytes" -> Base64.getDecoder().decode(node.textValue());
            case "$instant" -> new java.util.Date(node.longValue());
            case "$map" -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                node.forEach(it -> map.put(
                    value(it.get(0), schema == null ? null : schema.keySchema()),
                    value(it.get(1), schema == null ? null : schema.valueSchema())));
                yield map;
            }
            default -> throw new IllegalTableException("unknown tag " + tag);
        };
    }

    static JsonNode notation(Object value, Schema schema) {
        Schema.Type type = schema == null ? null : schema.type();
        if (value == null) {
            return JSON.nullNode();
        } else if (value instanceof String || value instanceof Boolean) {
            return JSON.valueToTree(value);
        } else if (value instanceof Byte) {
            return type == Schema.Type.INT8 ? JSON.valueToTree(value) : tag("int8", value);
        } else if (value instanceof Short) {
            return type == Schema.Type.INT16 ? JSON.valueToTree(value) : tag("int16", value);
        } else if (value instanceof Integer) {
            return type == Schema.Type.INT32 ? JSON.valueToTree(value) : tag("int32", value);
        } else if (value instanceof Long) {
            return type == Schema.Type.INT64 || type == null ? JSON.valueToTree(value) : tag("int64", value);
        } else if (value instanceof Double && Double.isFinite((Double) value) && (type == Schema.Type.FLOAT64 || type == null)) {
            return JSON.valueToTree(value);
        } else if (value instanceof List) {
            ArrayNode array = JSON.createArrayNode();
            ((List<?>) value).forEach(it -> array.add(notation(it, schema == null ? null : schema.valueSchema())));
            return array;
        } else if (value instanceof Map) {
            return map((Map<?, ?>) value, schema);
        } else if (value instanceof Struct) {
            ObjectNode node = JSON.createObjectNode();
            for (Field field : ((Struct) value).schema().fields()) {
                node.set(field.name(), notation(((Struct) value).getWithoutDefault(field.name()), field.schema()));
            }
            return node;
        }
        return tagged(value);
    }

    private static JsonNode tagged(Object value) {
        if (value instanceof BigInteger) {
            return tag("big", value.toString());
        } else if (value instanceof Float) {
            return tag("float32", value.toString());
        } else if (value instanceof Double) {
            return tag("float64", value.toString());
        } else if (value instanceof BigDecimal) {
            return tag("decimal", value.toString());
        } else if (value instanceof byte[]) {
            return tag("bytes", Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof ByteBuffer) {
            byte[] bytes = new byte[((ByteBuffer) value).remaining()];
            ((ByteBuffer) value).duplicate().get(bytes);
            return tag("bytes", Base64.getEncoder().encodeToString(bytes));
        } else if (value instanceof java.util.Date) {
            return tag("instant", ((java.util.Date) value).getTime());
        }
        throw new IllegalTableException("no notation for " + value.getClass());
    }

    private static JsonNode map(Map<?, ?> map, Schema schema) {
        Schema values = schema == null ? null : schema.valueSchema();
        if (map.keySet().stream().allMatch(it -> it instanceof String && !((String) it).startsWith("$"))) {
            ObjectNode node = JSON.createObjectNode();
            map.forEach((key, value) -> node.set((String) key, notation(value, values)));
            return node;
        }
        ArrayNode pairs = JSON.createArrayNode();
        map.forEach((key, value) -> pairs.addArray()
            .add(notation(key, schema == null ? null : schema.keySchema()))
            .add(notation(value, values)));
        return tag("map", pairs);
    }

    private static ObjectNode tag(String name, Object value) {
        return JSON.createObjectNode().set("$" + name, JSON.valueToTree(value));
    }
}
