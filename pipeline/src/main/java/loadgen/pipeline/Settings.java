package loadgen.pipeline;

import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is built, from the properties whose names begin with "pipeline."; all other properties are those of Kafka Streams.
 *
 * @param grace how long after its end a window still takes late events
 */
record Settings(Set<Part> parts, Emit emit, Store store, Defect.Kind defect, Duration grace, Topics topics) {
    static final String PREFIX = "pipeline.";

    /** The topologies, each of which can be left out. */
    enum Part {
        TYPES,
        CATEGORIES,
        SESSIONS,
        STOCK,
        TOP,
        FRAUD
    }

    /** When a window's result is written: once, when it closes, or with each change that a commit finds. */
    enum Emit {
        FINAL,
        UPDATES
    }

    /** Where state is kept. */
    enum Store {
        MEMORY,
        ROCKSDB
    }

    /** The names of the topics. */
    record Topics(String events, String metrics, String inventory, String recommendations, String fraudScores) {}

    static Settings of(Properties properties) {
        String parts = value(properties, "parts", "types,categories,sessions,stock,top,fraud");
        Set<Part> chosen = Arrays.stream(parts.split(","))
                .map(name -> word(Part.class, "parts", name))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Part.class)));
        return new Settings(
                chosen,
                word(Emit.class, "emit", value(properties, "emit", "final")),
                word(Store.class, "store", value(properties, "store", "memory")),
                word(Defect.Kind.class, "defect", value(properties, "defect", "none")),
                Duration.ofMillis(number("grace.ms", value(properties, "grace.ms", "5000"))),
                new Topics(
                        value(properties, "topic.events", "raw-events"),
                        value(properties, "topic.metrics", "metrics"),
                        value(properties, "topic.inventory", "inventory"),
                        value(properties, "topic.recommendations", "recommendations"),
                        value(properties, "topic.fraud-scores", "fraud-scores")));
    }

    private static String value(Properties properties, String name, String otherwise) {
        return properties.getProperty(PREFIX + name, otherwise).trim();
    }

    private static <E extends Enum<E>> E word(Class<E> type, String name, String value) {
        try {
            return Enum.valueOf(type, value.trim().toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException error) {
            String known = Arrays.stream(type.getEnumConstants())
                    .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "));
            throw new IllegalArgumentException(PREFIX + name + "=" + value + ": not one of " + known);
        }
    }

    private static long number(String name, String value) {
        try {
            long number = Long.parseLong(value);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException error) {
            // Told below, as a negative number is.
        }
        throw new IllegalArgumentException(PREFIX + name + "=" + value + ": not a number of milliseconds");
    }
}
