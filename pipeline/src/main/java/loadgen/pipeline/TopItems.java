package loadgen.pipeline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The items of a category of which most pieces were sold, keyed by the category, most sold first; of equals the one whose id sorts first.
 * Written when the list changes.
 */
record TopItems(String category, List<Item> items) {
    /** The length of the list. */
    static final int LENGTH = 10;

    record Item(String itemId, long sold) {}

    private static final Comparator<Item> ORDER =
            Comparator.comparingLong(Item::sold).reversed().thenComparing(Item::itemId);

    /**
     * The list with this item's new number. Numbers only grow, so that no other item can come in, and an item of the list that is not
     * this one keeps its number.
     */
    TopItems with(Item item) {
        List<Item> list = new ArrayList<>(items);
        list.removeIf(other -> other.itemId().equals(item.itemId()));
        list.add(item);
        list.sort(ORDER);
        return new TopItems(category, List.copyOf(list.subList(0, Math.min(LENGTH, list.size()))));
    }

    static void keep(KStream<String, Event> events, Settings settings) {
        events.filter((user, event) -> event.isTransaction() && event.category() != null)
                .selectKey((user, event) -> event.category())
                .repartition(Repartitioned.<String, Event>as("top").withKeySerde(Serdes.String()).withValueSerde(Json.serde(Event.class)))
                .processValues(new Counter(settings))
                .processValues(TaskHeader::new)
                .to(settings.topics().recommendations(), Produced.with(Serdes.String(), Json.serde(TopItems.class)));
    }

    private record Counter(Settings settings) implements FixedKeyProcessorSupplier<String, Event, TopItems> {
        private static final String SOLD = "top-sold";
        private static final String LISTS = "top-lists";

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(
                    Stores.keyValueStoreBuilder(Pipeline.store(settings, SOLD), Serdes.String(), Serdes.Long()),
                    Stores.keyValueStoreBuilder(Pipeline.store(settings, LISTS), Serdes.String(), Json.serde(TopItems.class)));
        }

        @Override
        public FixedKeyProcessor<String, Event, TopItems> get() {
            return new FixedKeyProcessor<>() {
                private FixedKeyProcessorContext<String, TopItems> context;
                private KeyValueStore<String, Long> sold;
                private KeyValueStore<String, TopItems> lists;

                @Override
                public void init(FixedKeyProcessorContext<String, TopItems> context) {
                    this.context = context;
                    sold = context.getStateStore(SOLD);
                    lists = context.getStateStore(LISTS);
                }

                @Override
                public void process(FixedKeyRecord<String, Event> record) {
                    Event event = record.value();
                    String key = event.category().length() + ":" + event.category() + event.itemId();
                    Long before = sold.get(key);
                    long now = (before == null ? 0 : before) + event.quantity();
                    sold.put(key, now);
                    TopItems list = lists.get(event.category());
                    TopItems next = (list == null ? new TopItems(event.category(), List.of()) : list).with(new Item(event.itemId(), now));
                    if (!next.equals(list)) {
                        lists.put(event.category(), next);
                        context.forward(record.withValue(next));
                    }
                }
            };
        }
    }
}
