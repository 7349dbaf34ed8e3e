package loadgen.pipeline;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What the pipeline makes of a file of events, for whoever wants to compare: {@code scripts/pipeline drive EVENTS RESULTS}. Each line of
 * EVENTS is the body of an event, each line of RESULTS a topic, a tab and the body of a result.
 */
@EnabledIfSystemProperty(named = "drive.events", matches = ".+")
class DriveFileTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final List<String> TOPICS = List.of("metrics", "inventory", "recommendations", "fraud-scores");

    /** So many events are taken before results are written on. */
    private static final int STEP = 1_000;

    @Test
    void resultsOfAFileAreWritten() throws IOException {
        Path results = Path.of(System.getProperty("drive.results"));
        try (Stream<String> events = Files.lines(Path.of(System.getProperty("drive.events")));
                BufferedWriter output = Files.newBufferedWriter(results);
                Driven driven = new Driven()) {
            int taken = 0;
            for (String body : (Iterable<String>) events::iterator) {
                driven.body(MAPPER.readTree(body).path("user_id").asText(), body);
                taken++;
                if (taken % STEP == 0) {
                    write(driven, output);
                }
            }
            write(driven, output);
            assertTrue(taken > 0, "there is no event in the file");
        }
    }

    private static void write(Driven driven, BufferedWriter output) throws IOException {
        for (String topic : TOPICS) {
            for (JsonNode body : driven.read(topic)) {
                output.write(topic + "\t" + body + "\n");
            }
        }
    }
}
