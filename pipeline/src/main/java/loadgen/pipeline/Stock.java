package loadgen.pipeline;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * What is left of an item, keyed by it: {@value #INITIAL} pieces at first, less those that transactions took. Below zero it is oversold.
 */
record Stock(String itemId, long sold, long stock) {
    static final long INITIAL = 1_000;

    static void keep(KStream<String, Event> events, Settings settings) {
        Materialized<String, Long, KeyValueStore<Bytes, byte[]>> kept = Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("stock")
                .withKeySerde(Serdes.String())
                .withValueSerde(Serdes.Long());
        events.filter((user, event) -> event.isTransaction())
                .groupBy((user, event) -> event.itemId(), Grouped.with("stock", Serdes.String(), Json.serde(Event.class)))
                .aggregate(() -> 0L, (item, event, sold) -> sold + event.quantity(), kept)
                .toStream()
                .mapValues((item, sold) -> new Stock(item, sold, INITIAL - sold))
                .processValues(TaskHeader::new)
                .to(settings.topics().inventory(), Produced.with(Serdes.String(), Json.serde(Stock.class)));
    }
}
