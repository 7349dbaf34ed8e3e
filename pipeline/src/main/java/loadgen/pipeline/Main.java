package loadgen.pipeline;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The application: {@code java loadgen.pipeline.Main FILE.properties}. It ends with 1 where it could not go on, and with 2 where it could not begin. */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);
    private static final Duration CLOSE = Duration.ofSeconds(15);

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 1) {
            System.err.println("usage: java loadgen.pipeline.Main FILE.properties");
            System.exit(2);
        }
        CountDownLatch ended = new CountDownLatch(1);
        KafkaStreams streams = start(Path.of(arguments[0]), ended);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE), "close"));
        ended.await();
        streams.close(CLOSE);
        System.exit(1);
    }

    private static KafkaStreams start(Path file, CountDownLatch ended) {
        try (InputStream input = Files.newInputStream(file)) {
            Properties properties = new Properties();
            properties.load(input);
            Settings settings = Settings.of(properties);
            Properties config = Pipeline.config(properties, settings);
            KafkaStreams streams = new KafkaStreams(Pipeline.topology(config, settings), config);
            streams.setUncaughtExceptionHandler(error -> {
                LOG.error("a thread ended", error);
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.setStateListener((now, before) -> {
                LOG.info("state {}", now);
                if (now == KafkaStreams.State.ERROR) {
                    ended.countDown();
                }
            });
            Health.serve(properties, streams);
            streams.start();
            return streams;
        } catch (IOException | RuntimeException error) {
            LOG.error("cannot begin: {}", error.getMessage());
            System.exit(2);
            throw new IllegalStateException(error);
        }
    }
}
