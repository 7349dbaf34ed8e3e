package loadgen.pipeline;

import java.math.BigDecimal;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.KeyValueMapper;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;

/** Count and revenue of the events of a window or a session. */
record Totals(long count, BigDecimal revenue) {
    static final Totals NONE = new Totals(0, BigDecimal.ZERO);

    Totals plus(Event event) {
        return new Totals(count + 1, revenue.add(event.revenue()));
    }

    Totals plus(Totals other) {
        return new Totals(count + other.count, revenue.add(other.revenue));
    }

    /**
     * A line of the topic metrics, keyed by what was counted.
     *
     * @param metric which of the aggregations
     * @param name the event type, the category or the user
     * @param windowStart first ms of the window, since the Unix epoch
     * @param windowEnd first ms after it; of a session, the time of its last event
     */
    record Line(String metric, String name, long windowStart, long windowEnd, long count, BigDecimal revenue) {
        static Line of(String metric, Windowed<String> window, Totals totals) {
            return new Line(
                    metric,
                    window.key(),
                    window.window().start(),
                    window.window().end(),
                    totals.count,
                    totals.revenue);
        }
    }

    /** Counts the events by the name that `by` gives them, window by window, into the topic metrics. */
    static void count(
            KStream<String, Event> events,
            String metric,
            KeyValueMapper<String, Event, String> by,
            TimeWindows windows,
            Settings settings) {
        Materialized<String, Totals, WindowStore<Bytes, byte[]>> kept = Materialized.<String, Totals, WindowStore<Bytes, byte[]>>as(metric)
                .withKeySerde(Serdes.String())
                .withValueSerde(Json.serde(Totals.class))
                .withRetention(Windows.retention(windows));
        KTable<Windowed<String>, Totals> counted = events.groupBy(by, Grouped.with(metric, Serdes.String(), Json.serde(Event.class)))
                .windowedBy(windows)
                .emitStrategy(strategy(settings))
                .aggregate(() -> NONE, (name, event, totals) -> totals.plus(event), kept);
        write(counted, metric, settings);
    }

    /** Counts the events of each session of a user, into the topic metrics. Users are the keys of the events, so nothing is sent on. */
    static void sessions(KStream<String, Event> events, String metric, Settings settings) {
        SessionWindows windows = Windows.sessions(settings.grace());
        Materialized<String, Totals, SessionStore<Bytes, byte[]>> kept = Materialized.<String, Totals, SessionStore<Bytes, byte[]>>as(metric)
                .withKeySerde(Serdes.String())
                .withValueSerde(Json.serde(Totals.class))
                .withRetention(Windows.retention(windows));
        KTable<Windowed<String>, Totals> counted = events.groupByKey(Grouped.with(Serdes.String(), Json.serde(Event.class)))
                .windowedBy(windows)
                .emitStrategy(strategy(settings))
                .aggregate(() -> NONE, (user, event, totals) -> totals.plus(event), (user, one, other) -> one.plus(other), kept);
        write(counted, metric, settings);
    }

    private static EmitStrategy strategy(Settings settings) {
        return settings.emit() == Settings.Emit.FINAL ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
    }

    private static void write(KTable<Windowed<String>, Totals> counted, String metric, Settings settings) {
        counted.toStream()
                // A session that grew takes back what it was: what it has become comes behind it.
                .filter((window, totals) -> totals != null)
                .map((window, totals) -> KeyValue.pair(window.key(), Line.of(metric, window, totals)))
                .processValues(TaskHeader::new)
                .to(settings.topics().metrics(), Produced.with(Serdes.String(), Json.serde(Line.class)));
    }
}
