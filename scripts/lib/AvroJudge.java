import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.Incompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** What Avro for Java says of schemas and bodies: scripts/compare-avro asks it, one JSON object per line, and gets one back. */
public final class AvroJudge {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode question) throws IOException {
        var answer = JSON.createObjectNode();
        var writer = schema(question.get("writer"));
        var reader = question.has("reader") ? schema(question.get("reader")) : writer;
        answer.put("form", SchemaNormalization.toParsingForm(writer));
        answer.put("fingerprint", String.format("%016x", SchemaNormalization.parsingFingerprint64(writer)));
        if (question.has("reader")) {
            compatibility(reader, writer, answer);
        }
        if (question.has("bodies")) {
            bodies(question.get("bodies"), reader, writer, answer.putArray("bodies"));
        }
        return answer;
    }

    private static Schema schema(JsonNode text) {
        return new Schema.Parser().parse(text.asText());
    }

    private static void compatibility(Schema reader, Schema writer, ObjectNode answer) {
        SchemaCompatibility.SchemaPairCompatibility found;
        try {
            found = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
        } catch (AvroRuntimeException ambiguous) {
            answer.put("compatible", false);
            return;
        }
        answer.put("compatible", found.getType() == SchemaCompatibilityType.COMPATIBLE);
        var differences = answer.putArray("differences");
        for (Incompatibility difference : found.getResult().getIncompatibilities()) {
            differences.add(difference.getType() + " " + difference.getLocation() + " " + difference.getMessage());
        }
    }

    /** What a body says, as the reader's schema writes it; null where it cannot be read, or is not read to its end. */
    private static void bodies(JsonNode bodies, Schema reader, Schema writer, ArrayNode answers) throws IOException {
        var from = new Reader(writer, reader);
        var to = new GenericDatumWriter<Object>(reader);
        BinaryEncoder encoder = null;
        for (JsonNode body : bodies) {
            try {
                // Of a plain array the reader knows how long it is, and refuses collections whose entries need more bytes in its own
                // schema than the writer's took: ints as doubles, nulls as a union.
                var bytes = new BufferedInputStream(new ByteArrayInputStream(HexFormat.of().parseHex(body.asText())));
                BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
                Object value = from.read(null, decoder);
                if (!decoder.isEnd()) {
                    answers.addNull();
                    continue;
                }
                var again = new ByteArrayOutputStream();
                encoder = EncoderFactory.get().binaryEncoder(again, encoder);
                to.write(value, encoder);
                encoder.flush();
                answers.add(HexFormat.of().formatHex(again.toByteArray()));
            } catch (Exception | OutOfMemoryError error) {
                answers.addNull();
            }
        }
    }

    /** Keeps the order of a map's entries. */
    private static final class Reader extends GenericDatumReader<Object> {
        Reader(Schema writer, Schema reader) {
            super(writer, reader);
        }

        @Override
        protected Object newMap(Object old, int size) {
            return new LinkedHashMap<Object, Object>(size);
        }
    }
}
