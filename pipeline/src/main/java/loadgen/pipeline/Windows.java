package loadgen.pipeline;

import java.time.Duration;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.TimeWindows;

/** The windows of the aggregations, in event time. */
final class Windows {
    static final Duration TUMBLING = Duration.ofSeconds(10);
    static final Duration HOPPING = Duration.ofSeconds(60);
    static final Duration HOP = Duration.ofSeconds(10);
    static final Duration GAP = Duration.ofSeconds(30);

    private static final Duration UNWRITTEN = Duration.ofMinutes(30);

    private Windows() {}

    /**
     * How long windows are kept, in event time. Kafka Streams' own default is their size and grace alone, and it looks for those that have
     * closed at most once a second of the clock. With that, tasks that caught up after a takeover left windows out (4.4).
     */
    static Duration retention(TimeWindows windows) {
        return Duration.ofMillis(windows.size() + windows.gracePeriodMs()).plus(UNWRITTEN);
    }

    /** The same of sessions. */
    static Duration retention(SessionWindows windows) {
        return Duration.ofMillis(windows.inactivityGap() + windows.gracePeriodMs()).plus(UNWRITTEN);
    }

    static SessionWindows sessions(Duration grace) {
        return SessionWindows.ofInactivityGapAndGrace(GAP, grace);
    }

    static TimeWindows tumbling(Duration grace) {
        return TimeWindows.ofSizeAndGrace(TUMBLING, grace);
    }

    static TimeWindows hopping(Duration grace) {
        return TimeWindows.ofSizeAndGrace(HOPPING, grace).advanceBy(HOP);
    }
}
