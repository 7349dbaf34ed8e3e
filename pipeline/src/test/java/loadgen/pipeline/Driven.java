package loadgen.pipeline;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/** The pipeline without a broker: bodies in, results out, as JSON. */
final class Driven implements AutoCloseable {
    private static final ObjectMapper MAPPER = new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    private final TopologyTestDriver driver;
    private final TestInputTopic<String, String> events;
    private int made;

    Driven(String... properties) {
        Properties all = new Properties();
        for (String property : properties) {
            String[] parts = property.split("=", 2);
            all.setProperty(parts[0], parts[1]);
        }
        Settings settings = Settings.of(all);
        Properties config = Pipeline.config(all, settings);
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, "driven");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
        config.put(StreamsConfig.STATE_DIR_CONFIG, "target/state/" + UUID.randomUUID());
        // Windows that have closed are written with the next event, and not once a second of this machine's time.
        config.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
        driver = new TopologyTestDriver(Pipeline.topology(config, settings), config);
        events = driver.createInputTopic("raw-events", new StringSerializer(), new StringSerializer());
    }

    void body(String user, String body) {
        events.pipeInput(user, body);
    }

    /** An event of that type and event time, with further fields as JSON. */
    void event(String user, String type, long timestamp, String further) {
        body(user, """
                {"event_id":"e%d","event_type":"%s","timestamp":%d,"user_id":"%s"%s}"""
                .formatted(made++, type, timestamp, user, further.isEmpty() ? "" : "," + further));
    }

    void view(long timestamp) {
        event("u", "view", timestamp, "\"item_id\":\"1\",\"category\":\"media/books\"");
    }

    void sale(String user, long timestamp, String category, String item, String price, int quantity) {
        event(user, "transaction", timestamp, "\"item_id\":\"%s\",\"category\":\"%s\",\"price\":%s,\"quantity\":%d"
                .formatted(item, category, price, quantity));
    }

    /** What has come out since the last look. */
    List<JsonNode> read(String topic) {
        return driver.createOutputTopic(topic, new StringDeserializer(), new StringDeserializer()).readRecordsToList().stream()
                .map(record -> {
                    if (record.headers().lastHeader(TaskHeader.NAME) == null) {
                        throw new AssertionError("a result without its task");
                    }
                    return parse(record.value());
                })
                .toList();
    }

    /** One field of each of them, as text. */
    List<String> read(String topic, String... fields) {
        return read(topic).stream()
                .map(line -> String.join(" ", List.of(fields).stream().map(field -> line.path(field).asText()).toList()))
                .toList();
    }

    private static JsonNode parse(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void close() {
        driver.close();
    }
}
