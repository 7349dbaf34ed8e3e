package loadgen.pipeline;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What a user did in the minute up to an event, that event included: of the events that the task had taken by then.
 *
 * @param purchases transactions
 * @param smallPurchases those below {@link #SMALL}
 * @param amount what they brought in
 * @param largest the largest of them
 * @param devices different devices
 * @param categories different categories
 * @param steadyViews whether at least {@link #STEADY} views came at the same distance, to a tenth
 */
record Features(
        int events,
        int views,
        int carts,
        int purchases,
        int smallPurchases,
        BigDecimal amount,
        BigDecimal largest,
        int devices,
        int categories,
        boolean steadyViews) {

    static final Duration WINDOW = Duration.ofSeconds(60);
    static final BigDecimal SMALL = BigDecimal.valueOf(5);
    private static final int STEADY = 10;

    /** The user's history: events in the order of their times. */
    record History(List<Event> events) {
        static final History EMPTY = new History(List.of());

        /** With this event, and without those that no event within the grace can look back to. */
        History with(Event event, Duration grace) {
            List<Event> kept = new ArrayList<>(events);
            int place = kept.size();
            while (place > 0 && kept.get(place - 1).timestamp() > event.timestamp()) {
                place--;
            }
            kept.add(place, event);
            long newest = kept.get(kept.size() - 1).timestamp();
            long oldest = newest - grace.toMillis() - WINDOW.toMillis();
            kept.removeIf(other -> other.timestamp() <= oldest);
            return new History(kept);
        }
    }

    static Features of(History history, Event event) {
        long from = event.timestamp() - WINDOW.toMillis();
        List<Event> window = history.events().stream()
                .filter(other -> other.timestamp() > from && other.timestamp() <= event.timestamp())
                .toList();
        List<BigDecimal> amounts = window.stream().filter(Event::isTransaction).map(Event::revenue).toList();
        List<Long> views = window.stream().filter(other -> other.isOf("view")).map(Event::timestamp).toList();
        return new Features(
                window.size(),
                views.size(),
                (int) window.stream().filter(other -> other.isOf(Event.ADD_TO_CART)).count(),
                amounts.size(),
                (int) amounts.stream().filter(amount -> amount.compareTo(SMALL) < 0).count(),
                amounts.stream().reduce(BigDecimal.ZERO, BigDecimal::add),
                amounts.stream().max(BigDecimal::compareTo).orElse(BigDecimal.ZERO),
                (int) window.stream().map(Event::deviceType).filter(Objects::nonNull).distinct().count(),
                (int) window.stream().map(Event::category).filter(Objects::nonNull).distinct().count(),
                areSteady(views));
    }

    private static boolean areSteady(List<Long> times) {
        if (times.size() < STEADY) {
            return false;
        }
        long shortest = Long.MAX_VALUE;
        long longest = 0;
        for (int i = 1; i < times.size(); i++) {
            long gap = times.get(i) - times.get(i - 1);
            shortest = Math.min(shortest, gap);
            longest = Math.max(longest, gap);
        }
        return (longest - shortest) * 10 <= longest;
    }
}
