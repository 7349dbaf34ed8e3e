//! What became of the results that were expected downstream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LatencySummary, ScoresReport};
use crate::figures;

/// One expectation and the classes of its results. The classes sum to `expected`; what follows them is counted beside them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectReport {
    /// Its name.
    pub name: String,
    /// What it says, in a sentence.
    pub sentence: String,
    /// The topic that the results were to come to.
    pub topic: String,
    /// Results that the input log asks for.
    pub expected: u64,
    /// As the input log has them.
    pub right: u64,
    /// Another value.
    pub wrong: u64,
    /// Due, and not seen when the time was up.
    pub missing: u64,
    /// Written more than once, where each is to be written once.
    pub twice: u64,
    /// Without events that may have come too late to it behind a repartition.
    pub late: u64,
    /// With events that came too late and had to be dropped: a task that was restarted has forgotten its time.
    pub accepted_late: u64,
    /// Not due: only a later record would have closed the window.
    pub open: u64,
    /// Nobody knows what they had to be.
    pub undecided: u64,
    /// Records of the topic that nothing in the input log asks for.
    pub unexpected: u64,
    /// Records that a later one for the same result took the place of, where results are updated.
    pub superseded: u64,
    /// Records of the topic in which key, window or value was not found.
    pub unreadable: u64,
    /// Events that came too late to their windows and had to be dropped, by the order of the input log; once for each window.
    #[serde(default)]
    pub too_late: u64,
    /// Why results are undecided, and whether there are more of them is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_undecided: Option<String>,
    /// From the end of a window, or the due time of an event, to the result; in us. Absent where event times are not this run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<LatencySummary>,
    /// How good the results are, where they are scores of fraud; the right ones alone are divided there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<ScoresReport>,
    /// Results that are not right, the first few of each class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ExpectExample>,
    /// Where nothing is wrong but that results lack events: partitions had to be so many ms apart behind the repartition for all of these to have
    /// come too late, which is more than was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_apart_ms: Option<u64>,
    /// Ranges of the input that, lost or taken twice, explain all that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained: Vec<ExpectRange>,
}

/// A range of offsets of the input, lost or taken twice, that explains results that are wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectRange {
    /// The topic of the input.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Whether it was not taken; otherwise it was taken twice.
    pub is_lost: bool,
    /// Whether no result of an event behind it came: it was not taken yet.
    #[serde(default)]
    pub is_behind: bool,
    /// The offset of the first event; where several ranges explain it, of the first of them.
    pub from: i64,
    /// That of the last one.
    pub to: i64,
    /// How far it may begin before: the events between add nothing to what is expected.
    pub may_begin_at: i64,
    /// And how far it may end behind.
    pub may_end_at: i64,
    /// How many ranges between the two explain it.
    pub ranges: u64,
    /// Events from the first to the last that add to what is expected.
    pub events: u64,
    /// Those of them that came out wrong: fewer, where one of two results of an event was never written.
    pub affected: u64,
    /// When the first was written, in ms since the Unix epoch.
    pub written_from_ms: i64,
    /// When the last was.
    pub written_until_ms: i64,
}

impl ExpectRange {
    /// Whether the same happened to some event of both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let is_same = self.topic == other.topic && self.partition == other.partition && self.is_lost == other.is_lost;
        is_same && self.from <= other.to && other.from <= self.to
    }

    /// Its offsets, and how many of their events tell.
    fn offsets(&self) -> String {
        let Self { from, to, ranges, events, affected, .. } = self;
        let offset = |offset: i64| figures::count(u64::try_from(offset).unwrap_or_default());
        let (from, to) = (offset(*from), offset(*to));
        let what = if *ranges == 1 {
            format!("offsets {from} to {to}")
        } else {
            format!("one of {} ranges between offsets {from} and {to}", figures::count(*ranges))
        };
        if affected < events {
            format!("{what}, as {} of their {} events tell", figures::count(*affected), figures::count(*events))
        } else {
            what
        }
    }

    /// Ranges with which the same happened, in a sentence.
    fn told(ranges: &[Self]) -> String {
        let Some((first, others)) = ranges.split_first() else { return String::new() };
        let time = |ms: Option<i64>| {
            let ms = ms.unwrap_or_default();
            jiff::Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| time.to_string())
        };
        let until = || time(ranges.iter().map(|range| range.written_until_ms).max());
        let (what, how, written) = if first.is_behind {
            ("had not come to", "", String::new())
        } else if first.is_lost {
            let from = time(ranges.iter().map(|range| range.written_from_ms).min());
            ("left out", "", format!(", written from {from} to {}", until()))
        } else {
            ("took", " twice", format!(", after {}", until()))
        };
        let mut told = format!("the task of {}-{} {what} {}{how}", first.topic, first.partition, first.offsets());
        for other in others {
            told = format!("{told}, that of {}-{} {}", other.topic, other.partition, other.offsets());
        }
        told + &written
    }
}

/// One result that is not right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectExample {
    /// Its class.
    pub class: String,
    /// Its key.
    pub key: String,
    /// When its window begins, RFC 3339; absent where there are no windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_start: Option<String>,
    /// What came, the last of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What was expected, or the least and the most of it.
    pub expected: String,
}

impl ExpectReport {
    /// The classes with their names, in the order of reports.
    #[must_use]
    pub const fn classes(&self) -> [(&'static str, u64); 8] {
        [
            ("right", self.right),
            ("wrong", self.wrong),
            ("missing", self.missing),
            ("twice", self.twice),
            ("late", self.late),
            ("accepted_late", self.accepted_late),
            ("open", self.open),
            ("undecided", self.undecided),
        ]
    }
}

impl ExpectReport {
    /// What is counted beside them.
    #[must_use]
    pub const fn beside(&self) -> [(&'static str, u64); 4] {
        [
            ("unexpected", self.unexpected),
            ("superseded", self.superseded),
            ("unreadable", self.unreadable),
            ("too_late", self.too_late),
        ]
    }
}

impl ExpectExample {
    fn told(&self) -> String {
        let window =
            self.window_start.as_ref().map_or_else(String::new, |start| format!(" in the window from {start}"));
        let got = self.got.as_deref().unwrap_or("nothing");
        format!("{}{window}: {got} instead of {}", self.key, self.expected)
    }
}

impl ExpectReport {
    fn first(&self, class: &str) -> Option<&ExpectExample> {
        self.examples.iter().find(|example| example.class == class)
    }

    /// Whether nothing is known of it, but why.
    #[must_use]
    pub const fn is_unjudged(&self) -> bool {
        self.expected == 0 && self.unexpected == 0 && self.why_undecided.is_some()
    }

    /// What must not have happened, in a sentence; `None` where nothing of it did.
    #[must_use]
    pub fn violation(&self) -> Option<String> {
        let classes = [
            ("wrong", self.wrong, "wrong"),
            ("missing", self.missing, "missing"),
            ("twice", self.twice, "written more than once"),
            ("unexpected", self.unexpected, "that nothing in the input asks for"),
        ];
        let bad: Vec<_> = classes.into_iter().filter(|(_, count, _)| *count > 0).collect();
        let (class, ..) = bad.first()?;
        if self.missing > 0 && self.seen() + self.unreadable == 0 {
            let (results, topic) = (self.results(), &self.topic);
            return Some(format!(
                "{}: nothing of {results} came to {topic} until --expect-deadline had passed",
                self.name
            ));
        }
        let counts: Vec<String> =
            bad.iter().map(|(_, number, words)| format!("{} {words}", figures::count(*number))).collect();
        let example = self.first(class).map_or_else(String::new, |example| format!("; the first: {}", example.told()));
        let (results, counts) = (self.results(), counts.join(", "));
        Some(format!("{}: of {results} in {} {counts}{example}", self.name, self.topic))
    }

    /// What explains all that is wrong, in a sentence; `None` where nothing does.
    #[must_use]
    pub fn explanation(&self) -> Option<String> {
        let alike =
            |one: &ExpectRange, other: &ExpectRange| (one.is_behind, one.is_lost) == (other.is_behind, other.is_lost);
        let ranges = self.explained.chunk_by(alike).map(ExpectRange::told);
        let late = self.needs_apart_ms.map(|ms| {
            let apart = figures::duration_us(ms.saturating_mul(1_000));
            format!("late and not wrong if partitions came {apart} apart to where they are added up, which is more than apart says")
        });
        let told: Vec<String> = ranges.chain(late).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Why nobody can say whether it is met, in a sentence; `None` where somebody can.
    #[must_use]
    pub fn unsaid(&self) -> Option<String> {
        let why = if self.undecided > 0 {
            let why = self.why_undecided.as_deref().unwrap_or("what they had to be is not known");
            format!("{} undecided: {why}", figures::counted(self.undecided, "result"))
        } else if let Some(why) = &self.why_undecided {
            format!("what the rest of the input asks for is not known: {why}")
        } else if self.unreadable > 0 && self.unreadable == self.seen() + self.unreadable {
            format!("none of the {} of {} could be read", figures::counted(self.unreadable, "record"), self.topic)
        } else if self.expected == 0 {
            "the input asks for no result".to_owned()
        } else if self.open == self.expected {
            format!("none of {} was due: no window has closed", self.results())
        } else {
            return None;
        };
        Some(format!("{}: {why}", self.name))
    }

    /// What was allowed, in a sentence; `None` where nothing had to be.
    #[must_use]
    pub fn allowed(&self) -> Option<String> {
        let late = (self.late > 0).then(|| {
            format!("{} without events that may have come too late behind the repartition", figures::count(self.late))
        });
        let accepted = (self.accepted_late > 0).then(|| {
            let count = figures::count(self.accepted_late);
            format!("{count} with events that came too late, which a task takes that was restarted")
        });
        let counts: Vec<String> = late.into_iter().chain(accepted).collect();
        let class = if self.late > 0 { "late" } else { "accepted_late" };
        let example = self.first(class).map_or_else(String::new, |example| format!("; the first: {}", example.told()));
        (!counts.is_empty()).then(|| format!("{}: of {} {}{example}", self.name, self.results(), counts.join(", ")))
    }

    fn results(&self) -> String {
        figures::counted(self.expected, "result")
    }

    const fn seen(&self) -> u64 {
        self.right + self.wrong + self.twice + self.late + self.accepted_late + self.unexpected
    }

    /// The classes that are not empty, and what is counted beside them, for a line.
    #[must_use]
    pub fn line(&self) -> String {
        let beside =
            [("unexpected", self.unexpected), ("superseded", self.superseded), ("unreadable", self.unreadable)];
        let told = |classes: &[(&str, u64)]| {
            let some = classes.iter().filter(|(_, number)| *number > 0);
            some.map(|(name, number)| format!("{} {}", figures::count(*number), name.replace('_', " "))).collect()
        };
        let (classes, beside): (Vec<String>, Vec<String>) = (told(&self.classes()), told(&beside));
        let mut line = format!("{} expected", self.results());
        if !classes.is_empty() {
            line = format!("{line}: {}", classes.join(", "));
        }
        if !beside.is_empty() {
            line = format!("{line}; beside them {}", beside.join(", "));
        }
        if self.too_late > 0 {
            line = format!("{line}; {} came too late", figures::counted(self.too_late, "event"));
        }
        line
    }
}
