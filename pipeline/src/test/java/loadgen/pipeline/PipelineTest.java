package loadgen.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PipelineTest {
    private static final String[] COUNTED = {"window_start", "name", "count", "revenue"};

    @ParameterizedTest
    @ValueSource(strings = {"memory", "rocksdb"})
    void aWindowIsWrittenOnceWhenItCloses(String store) {
        try (Driven driven = new Driven("pipeline.parts=types", "pipeline.store=" + store)) {
            driven.view(1_000);
            driven.view(9_999);
            driven.view(10_000);
            driven.view(14_999);
            assertEquals(List.of(), driven.read("metrics"), "the window of second 0 takes late events until second 15");
            driven.view(15_000);
            assertEquals(List.of("0 view 2 0"), driven.read("metrics", COUNTED));
        }
    }

    @Test
    void aLateEventCountsUntilItsWindowHasClosed() {
        try (Driven driven = new Driven("pipeline.parts=types")) {
            driven.view(14_000);
            driven.view(9_000);
            driven.view(15_000);
            driven.view(9_500);
            driven.view(30_000);
            assertEquals(List.of("0 view 1 0", "10000 view 2 0"), driven.read("metrics", COUNTED));
        }
    }

    @Test
    void revenueIsExact() {
        try (Driven driven = new Driven("pipeline.parts=types")) {
            driven.sale("u", 1_000, "media", "1", "0.10", 3);
            driven.sale("v", 2_000, "media", "2", "0.2", 1);
            driven.sale("v", 3_000, "media", "2", "99999999.99", 7);
            driven.sale("u", 99_000, "media", "1", "1", 1);
            assertEquals(List.of("0 transaction 3 700000000.43"), driven.read("metrics", COUNTED));
        }
    }

    @Test
    void anEventIsInEachHoppingWindowOfItsCategory() {
        try (Driven driven = new Driven("pipeline.parts=categories")) {
            driven.view(61_000);
            driven.event("u", "search", 62_000, "\"query\":\"x\"");
            driven.view(300_000);
            List<String> starts = driven.read("metrics", "window_start", "window_end", "name", "count");
            assertEquals(
                    List.of(
                            "10000 70000 media/books 1",
                            "20000 80000 media/books 1",
                            "30000 90000 media/books 1",
                            "40000 100000 media/books 1",
                            "50000 110000 media/books 1",
                            "60000 120000 media/books 1"),
                    starts,
                    "and a search has no category");
        }
    }

    @Test
    void updatesComeWithEachChange() {
        try (Driven driven = new Driven("pipeline.parts=types", "pipeline.emit=updates")) {
            driven.view(1_000);
            driven.view(2_000);
            assertEquals(List.of("0 view 1 0", "0 view 2 0"), driven.read("metrics", COUNTED));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "rocksdb"})
    void aSessionIsWrittenOnceWhenItsUserHasBeenStillForLongEnough(String store) {
        try (Driven driven = new Driven("pipeline.parts=sessions", "pipeline.store=" + store)) {
            driven.view(1_000);
            driven.view(31_000);
            driven.sale("v", 40_000, "media", "1", "2.50", 2);
            driven.view(20_000);
            driven.sale("v", 66_000, "media", "1", "1.00", 1);
            assertEquals(List.of(), driven.read("metrics"), "the session that ended at second 31 takes late events until second 66");
            driven.sale("v", 66_001, "media", "1", "1.00", 1);
            List<String> sessions = driven.read("metrics", "window_start", "window_end", "metric", "name", "count", "revenue");
            assertEquals(List.of("1000 31000 by-session u 3 0"), sessions);
            driven.view(30_500);
            driven.view(35_900);
            driven.event("w", "view", 200_000, "");
            assertEquals(
                    List.of("1000 35900 by-session u 4 0", "40000 66001 by-session v 3 7"),
                    driven.read("metrics", "window_start", "window_end", "metric", "name", "count", "revenue"),
                    "what lies in a session that has closed is dropped; an event later than the grace makes a longer one of it");
        }
    }

    @Test
    void aSessionThatGrowsIsWrittenAnewAsUpdate() {
        try (Driven driven = new Driven("pipeline.parts=sessions", "pipeline.emit=updates")) {
            driven.view(1_000);
            driven.view(2_000);
            assertEquals(
                    List.of("1000 1000 1", "1000 2000 2"), driven.read("metrics", "window_start", "window_end", "count"));
        }
    }

    @Test
    void stockIsWhatTransactionsLeave() {
        try (Driven driven = new Driven("pipeline.parts=stock")) {
            driven.sale("u", 1, "media", "7", "1.00", 3);
            driven.view(2);
            driven.sale("v", 3, "media", "7", "1.00", 998);
            assertEquals(List.of("7 3 997", "7 1001 -1"), driven.read("inventory", "item_id", "sold", "stock"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "rocksdb"})
    void theMostSoldItemsOfACategoryAreListed(String store) {
        try (Driven driven = new Driven("pipeline.parts=top", "pipeline.store=" + store)) {
            for (int item = 1; item <= TopItems.LENGTH + 2; item++) {
                driven.sale("u", item, "media", "item-" + (10 + item), "1.00", 1);
            }
            driven.sale("u", 20, "sports", "item-99", "1.00", 1);
            driven.sale("u", 21, "media", "item-22", "1.00", 1);
            List<JsonNode> lists = driven.read("recommendations");
            assertEquals(TopItems.LENGTH + 2, lists.size(), "an item that does not come into the list changes nothing");
            JsonNode items = lists.get(lists.size() - 1).get("items");
            assertEquals(TopItems.LENGTH, items.size());
            assertEquals("{\"item_id\":\"item-22\",\"sold\":2}", items.get(0).toString());
            assertEquals("item-11", items.get(1).get("item_id").asText(), "of equals the one whose id sorts first");
            assertEquals("item-19", items.get(9).get("item_id").asText());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "rocksdb"})
    void eachEventGetsOneScoreOverTheMinuteBeforeIt(String store) {
        try (Driven driven = new Driven("pipeline.parts=fraud", "pipeline.store=" + store)) {
            for (int second = 1; second <= 3; second++) {
                driven.sale("thief", second * 1_000L, "media", "1", "1.99", 1);
            }
            driven.view(4_000);
            driven.sale("thief", 63_500, "media", "1", "1.99", 1);
            driven.sale("thief", 62_000, "media", "1", "1.99", 1);
            List<String> scores = driven.read("fraud-scores", "event_id", "user_id", "score");
            assertEquals(
                    List.of("e0 thief 0", "e1 thief 0.3", "e2 thief 0.9", "e3 u 0", "e4 thief 0", "e5 thief 0.3"),
                    scores,
                    "a minute later all is forgotten but what is late");
        }
    }

    @Test
    void viewsAtTheSameDistanceAreABots() {
        try (Driven driven = new Driven("pipeline.parts=fraud")) {
            for (int view = 0; view < 10; view++) {
                driven.view(1_000 + view * 2_000L + view % 2);
            }
            List<String> scores = driven.read("fraud-scores", "score");
            assertEquals(List.of("0", "0.6"), scores.subList(8, 10));
        }
    }

    @Test
    void whatIsNoEventIsLeftOut() {
        try (Driven driven = new Driven()) {
            for (String body : List.of("", "no JSON", "[]", "{}", "{\"event_type\":\"view\"}", "{\"event_type\":7,\"timestamp\":\"x\"}")) {
                driven.body("u", body);
            }
            driven.view(1_000);
            driven.view(100_000);
            assertEquals(
                    List.of("0 view 1 0"),
                    driven.read("metrics", COUNTED).stream().filter(line -> line.startsWith("0 view")).toList());
            assertEquals(2, driven.read("fraud-scores").size());
        }
    }

    private static long counted(String defect, int events) {
        try (Driven driven = new Driven("pipeline.parts=types", "pipeline.defect=" + defect)) {
            for (int n = 0; n < events; n++) {
                driven.view(n);
            }
            driven.view(500_000);
            return driven.read("metrics").get(0).get("count").asLong();
        }
    }

    @Test
    void aDefectLosesOrDoublesOneRowOfEvents() {
        assertEquals(3_000, counted("none", 3_000));
        assertEquals(3_000 - Defect.LENGTH, counted("lose", 3_000));
        assertEquals(3_000 + Defect.LENGTH, counted("double", 3_000));
    }

    @Test
    void aDefectCountsTooLateEventsInTheWrongWindow() {
        try (Driven driven = new Driven("pipeline.parts=types", "pipeline.defect=late")) {
            driven.view(1_000);
            driven.view(40_000);
            driven.view(39_000);
            driven.view(2_000);
            driven.view(500_000);
            assertEquals(List.of("0 view 1 0", "30000 view 1 0", "40000 view 2 0"), driven.read("metrics", COUNTED));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"parts=type", "emit=never", "store=disk", "defect=all", "grace.ms=-1", "grace.ms=soon"})
    void aSettingThatCannotBeIsNamed(String property) {
        String name = Settings.PREFIX + property;
        Exception error = assertThrows(IllegalArgumentException.class, () -> new Driven(name));
        assertTrue(error.getMessage().startsWith(name + ": not "), error.getMessage());
    }
}
