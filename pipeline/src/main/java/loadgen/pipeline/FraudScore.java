package loadgen.pipeline;

import java.time.Duration;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * How likely an event is part of a fraud, by rules alone: one score for each event of raw-events, keyed by its user.
 *
 * @param score 0 to 1
 * @param scoredAt ms since the Unix epoch, by this machine's clock
 */
record FraudScore(String eventId, String userId, double score, String model, long scoredAt, Features features) {
    static final String MODEL = "rules-1";

    /** Rules over what a user did within a minute; the strongest that applies is the score. */
    static double score(Features features, Event event) {
        double score = 0;
        if (features.smallPurchases() >= 3) {
            score = Math.max(score, 0.9); // cards are tried out with small sums
        }
        if (features.purchases() >= 5) {
            score = Math.max(score, 0.8); // a card is emptied
        }
        if (event.isTransaction() && features.devices() >= 2 && features.categories() >= 3) {
            score = Math.max(score, 0.7); // somebody else's account
        }
        if (features.steadyViews()) {
            score = Math.max(score, 0.6); // a bot
        }
        if (features.purchases() >= 2) {
            score = Math.max(score, 0.3);
        }
        return score;
    }

    static void score(KStream<String, Event> events, Settings settings) {
        events.processValues(new Scorer(settings))
                .processValues(TaskHeader::new)
                .to(settings.topics().fraudScores(), Produced.with(Serdes.String(), Json.serde(FraudScore.class)));
    }

    private record Scorer(Settings settings) implements FixedKeyProcessorSupplier<String, Event, FraudScore> {
        private static final String HISTORY = "fraud-history";
        private static final Duration SWEEP = Duration.ofSeconds(60);

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(Stores.keyValueStoreBuilder(
                    Pipeline.store(settings, HISTORY), Serdes.String(), Json.serde(Features.History.class)));
        }

        @Override
        public FixedKeyProcessor<String, Event, FraudScore> get() {
            return new FixedKeyProcessor<>() {
                private FixedKeyProcessorContext<String, FraudScore> context;
                private KeyValueStore<String, Features.History> histories;

                @Override
                public void init(FixedKeyProcessorContext<String, FraudScore> context) {
                    this.context = context;
                    histories = context.getStateStore(HISTORY);
                    context.schedule(SWEEP, PunctuationType.STREAM_TIME, this::sweep);
                }

                @Override
                public void process(FixedKeyRecord<String, Event> record) {
                    Event event = record.value();
                    if (event.userId() == null || event.eventId() == null) {
                        return;
                    }
                    Features.History history = histories.get(event.userId());
                    history = (history == null ? Features.History.EMPTY : history).with(event, settings.grace());
                    histories.put(event.userId(), history);
                    Features features = Features.of(history, event);
                    context.forward(record.withValue(new FraudScore(
                            event.eventId(),
                            event.userId(),
                            score(features, event),
                            MODEL,
                            context.currentSystemTimeMs(),
                            features)));
                }

                /** Users who have gone take no room. */
                private void sweep(long streamTime) {
                    long oldest = streamTime - settings.grace().toMillis() - Features.WINDOW.toMillis();
                    try (KeyValueIterator<String, Features.History> all = histories.all()) {
                        while (all.hasNext()) {
                            var user = all.next();
                            var events = user.value.events();
                            if (events.get(events.size() - 1).timestamp() <= oldest) {
                                histories.delete(user.key);
                            }
                        }
                    }
                }
            };
        }
    }
}
