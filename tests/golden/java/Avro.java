import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;

/** `value`, in Avro's JSON encoding, as the bytes that Avro writes, and as the JSON that AvroData and JsonConverter make of them. */
final class Avro {
    private Avro() {
    }

    static void run(ObjectNode given, ObjectNode outcome) {
        Schema schema = new Schema.Parser().parse(given.get("schema").toString());
        byte[] bytes;
        Object value;
        try {
            bytes = write(schema, given.get("value").toString());
            value = new GenericDatumReader<Object>(schema).read(null, DecoderFactory.get().binaryDecoder(bytes, null));
        } catch (IOException error) {
            throw new IllegalTableException("not Avro", error);
        }
        try (JsonConverter converter = new JsonConverter()) {
            Map<String, String> config = new HashMap<>(Kinds.config(given));
            config.putIfAbsent("schemas.enable", "false");
            converter.configure(config, false);
            SchemaAndValue data = new AvroData(new AvroDataConfig(config)).toConnectData(schema, value);
            byte[] json = data == null ? null : converter.fromConnectData("topic", data.schema(), data.value());
            outcome.put("json", json == null ? null : new String(json, StandardCharsets.UTF_8));
        } catch (RuntimeException error) {
            outcome.put("error", error.getClass().getName());
            outcome.put("message", String.valueOf(error.getMessage()).replaceAll("@[0-9a-f]{5,}", "@"));
        }
        outcome.put("base64", Base64.getEncoder().encodeToString(bytes));
    }

    private static byte[] write(Schema schema, String json) throws IOException {
        Object value = new GenericDatumReader<Object>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, json));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<Object>(schema).write(value, encoder);
        encoder.flush();
        return out.toByteArray();
    }
}
