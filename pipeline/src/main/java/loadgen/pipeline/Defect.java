package loadgen.pipeline;

import java.time.Duration;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A fault built in on purpose, so that whoever judges the pipeline can show that they find it. It works on each task's events in the
 * order of their offsets, before anything else does, and the log names the offsets.
 */
final class Defect implements FixedKeyProcessor<String, Event, Event> {
    private static final Logger LOG = LoggerFactory.getLogger(Defect.class);

    /** How many events a task takes rightly first, and how many in a row it then takes wrongly, once in its life. */
    static final int FROM = 1_000;

    static final int LENGTH = 200;

    /** What goes wrong. */
    enum Kind {
        NONE,
        /** A row of events is not processed. */
        LOSE,
        /** A row of events is processed twice. */
        DOUBLE,
        /** Events that come too late are counted at the time that the task has reached, where they should be dropped. */
        LATE
    }

    private final Kind kind;
    private final Duration grace;
    private FixedKeyProcessorContext<String, Event> context;
    private long taken;
    private long streamTime = Long.MIN_VALUE;
    private long first;

    Defect(Kind kind, Duration grace) {
        this.kind = kind;
        this.grace = grace;
    }

    @Override
    public void init(FixedKeyProcessorContext<String, Event> context) {
        this.context = context;
    }

    @Override
    public void process(FixedKeyRecord<String, Event> record) {
        streamTime = Math.max(streamTime, record.timestamp());
        if (kind == Kind.LATE) {
            boolean isTooLate = record.timestamp() <= streamTime - grace.toMillis() - Windows.TUMBLING.toMillis();
            context.forward(isTooLate ? record.withTimestamp(streamTime) : record);
            return;
        }
        boolean isWrong = taken >= FROM && taken < FROM + LENGTH;
        if (isWrong) {
            tell();
        }
        taken++;
        if (isWrong && kind == Kind.LOSE) {
            return;
        }
        context.forward(record);
        if (isWrong && kind == Kind.DOUBLE) {
            context.forward(record);
        }
    }

    private void tell() {
        RecordMetadata at = context.recordMetadata().orElseThrow();
        if (taken == FROM) {
            first = at.offset();
        }
        if (taken == FROM + LENGTH - 1) {
            LOG.warn("defect {}: task {}, {}-{}, offsets {} to {}", kind, context.taskId(), at.topic(), at.partition(), first, at.offset());
        }
    }
}
