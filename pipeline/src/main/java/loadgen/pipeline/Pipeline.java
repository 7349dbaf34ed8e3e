package loadgen.pipeline;

import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/** The topologies over raw-events. */
final class Pipeline {
    /** About 180 events of the shop. */
    private static final String FETCH_BYTES = "65536";

    private Pipeline() {}

    /** What Kafka Streams has to know, with what this application cannot do without. */
    static Properties config(Properties properties, Settings settings) {
        Properties config = new Properties();
        properties.stringPropertyNames().stream()
                .filter(name -> !name.startsWith(Settings.PREFIX))
                .forEach(name -> config.put(name, properties.getProperty(name)));
        config.putIfAbsent(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        // A body that is not JSON is left out, told in the log, and counted in dropped-records-total.
        config.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
        config.put("processing.exception.handler.global.enabled", "true");
        // A consumer hands over all that it was given of one partition before it turns to the next. Where the application is behind,
        // partitions would come apart by as much of their time, and events be late behind a repartition that were not.
        config.putIfAbsent(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), FETCH_BYTES);
        config.put(
                StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                settings.store() == Settings.Store.MEMORY
                        ? BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class
                        : BuiltInDslStoreSuppliers.RocksDBDslStoreSuppliers.class);
        return config;
    }

    static Topology topology(Properties config, Settings settings) {
        StreamsBuilder builder = new StreamsBuilder(new TopologyConfig(new StreamsConfig(config)));
        Consumed<String, Event> consumed = Consumed.with(Serdes.String(), Json.serde(Event.class)).withTimestampExtractor(new EventTime());
        KStream<String, Event> all = builder.stream(settings.topics().events(), consumed)
                .filter((user, event) -> event != null && event.eventType() != null);
        KStream<String, Event> events = settings.defect() == Defect.Kind.NONE
                ? all
                : all.processValues(() -> new Defect(settings.defect(), settings.grace()));
        for (Settings.Part part : settings.parts()) {
            switch (part) {
                case TYPES -> Totals.count(
                        events, "by-type", (user, event) -> event.eventType(), Windows.tumbling(settings.grace()), settings);
                case CATEGORIES -> Totals.count(
                        events.filter((user, event) -> event.category() != null),
                        "by-category",
                        (user, event) -> event.category(),
                        Windows.hopping(settings.grace()),
                        settings);
                case SESSIONS -> Totals.sessions(events, "by-session", settings);
                case STOCK -> Stock.keep(events, settings);
                case TOP -> TopItems.keep(events, settings);
                case FRAUD -> FraudScore.score(events, settings);
            }
        }
        return builder.build(config);
    }

    static KeyValueBytesStoreSupplier store(Settings settings, String name) {
        return settings.store() == Settings.Store.MEMORY
                ? Stores.inMemoryKeyValueStore(name)
                : Stores.persistentKeyValueStore(name);
    }

    /** The time in the body; an event without one is left out, as a negative time tells Kafka Streams. */
    private static final class EventTime implements TimestampExtractor {
        @Override
        public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
            return record.value() instanceof Event event && event.timestamp() != null ? event.timestamp() : -1;
        }
    }
}
