package loadgen.pipeline;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** Writes into each result's header "task" which task made it. */
final class TaskHeader<V> implements FixedKeyProcessor<String, V, V> {
    static final String NAME = "task";

    private FixedKeyProcessorContext<String, V> context;

    @Override
    public void init(FixedKeyProcessorContext<String, V> context) {
        this.context = context;
    }

    @Override
    public void process(FixedKeyRecord<String, V> record) {
        record.headers().remove(NAME).add(NAME, context.taskId().toString().getBytes(StandardCharsets.US_ASCII));
        context.forward(record);
    }
}
