package loadgen.pipeline;

import java.time.Duration;
import org.apache.kafka.streams.kstream.TimeWindows;

/** The windows of the aggregations, in event time. */
final class Windows {
    static final Duration TUMBLING = Duration.ofSeconds(10);
    static final Duration HOPPING = Duration.ofSeconds(60);
    static final Duration HOP = Duration.ofSeconds(10);

    private Windows() {}

    static TimeWindows tumbling(Duration grace) {
        return TimeWindows.ofSizeAndGrace(TUMBLING, grace);
    }

    static TimeWindows hopping(Duration grace) {
        return TimeWindows.ofSizeAndGrace(HOPPING, grace).advanceBy(HOP);
    }
}
