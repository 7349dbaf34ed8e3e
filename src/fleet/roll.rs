//! What the topic says of one run: a fold over its records, the same for everybody who reads them in their order.

use std::collections::BTreeMap;

use super::record::{Announcement, End, Progress, Ready, Record, Who};
use super::{LOST_AFTER, MARGIN};
use crate::report::fleet::{ClockOffset, ClockReport};

/// A longer time in which nobody says anything counts as so much: shards speak once a second.
const LONGEST_PAUSE_MS: i64 = 5_000;

/// What is known of a shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shard {
    /// Who has its seat; none, where nobody came.
    pub who: Option<Who>,
    /// What its holder is ready for, and when it said so, in ms by the broker's clock.
    pub ready: Option<(Ready, i64)>,
    /// How far it was when it last said so.
    pub progress: Progress,
    /// When it was last heard of, in ms in which somebody was heard.
    heard_ms: i64,
    /// How it ended.
    pub ended: Option<End>,
}

impl Shard {
    /// How far the broker's clock is from the one by which its events are due, by its last word on that.
    #[must_use]
    pub fn due_clock(&self) -> Option<ClockOffset> {
        // That clock is set to the broker's when the run starts, as well as it is known by then.
        let at_start = || {
            let (ready, _) = self.ready.as_ref()?;
            Some(ClockOffset { offset_us: 0, ..ready.clock?.before })
        };
        self.progress.due_clock.or_else(at_start)
    }

    /// What it has measured of its clock, by its last word on that.
    #[must_use]
    pub fn clock(&self) -> Option<ClockReport> {
        let before = || self.ready.as_ref()?.0.clock;
        self.ended.as_ref().and_then(|end| end.clock).or_else(before)
    }
}

/// What is known of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Roll {
    of: u16,
    shards: BTreeMap<u16, Shard>,
    start_ms: Option<i64>,
    unlike: Option<String>,
    newest_ms: i64,
    /// Ms in which somebody was heard: where the cluster is away, nobody is, and nobody is lost for it.
    awake_ms: i64,
}

impl Roll {
    /// Of a run of so many shards, before anything was said.
    #[must_use]
    pub fn new(of: u16) -> Self {
        Self { of, shards: BTreeMap::new(), start_ms: None, unlike: None, newest_ms: 0, awake_ms: 0 }
    }

    /// Notes a record of the run, stamped by the broker.
    pub fn note(&mut self, record: Record, stamp_ms: i64) {
        if stamp_ms > self.newest_ms {
            self.awake_ms += (stamp_ms - self.newest_ms).min(LONGEST_PAUSE_MS);
            self.newest_ms = stamp_ms;
        }
        let Record { who, said } = record;
        if who.of != self.of && self.unlike.is_none() {
            self.unlike =
                Some(format!("shard {}/{} ({who}) is one of {}, not of {}", who.shard, who.of, who.of, self.of));
            return;
        }
        let awake_ms = self.awake_ms;
        let shard = self.shards.entry(who.shard).or_default();
        // What an incarnation says that was fenced is no longer the shard's.
        if shard.who.as_ref().is_some_and(|holder| holder.attempt > who.attempt) {
            return;
        }
        shard.heard_ms = awake_ms;
        match said {
            Announcement::Entered => *shard = Shard { who: Some(who), heard_ms: awake_ms, ..Shard::default() },
            Announcement::Clock | Announcement::HandedIn(_) => {}
            Announcement::Ready(ready) => {
                shard.ready = Some((ready, stamp_ms));
                self.compare(who.shard);
                self.seal();
            }
            Announcement::Beat(progress) => shard.progress = progress,
            Announcement::Ended(end) => (shard.progress, shard.ended) = (end.progress, Some(end)),
        }
    }

    /// Notes that a shard said what this version does not know: one of another version, which is no shard of this run.
    pub fn note_unread(&mut self, who: &Who) {
        if self.unlike.is_none() && self.start_ms.is_none() {
            let version = env!("CARGO_PKG_VERSION");
            self.unlike = Some(format!(
                "shard {} ({who}) says what loadgen {version} does not know: it is of another version",
                who.shard
            ));
        }
    }

    /// When the run starts, in ms by the broker's clock, once that is settled: a margin after the last of all shards stood ready.
    #[must_use]
    pub const fn start_ms(&self) -> Option<i64> {
        self.start_ms
    }

    /// Why these are not shards of one run, if they are not.
    #[must_use]
    pub fn unlike(&self) -> Option<&str> {
        self.unlike.as_deref()
    }

    /// Which incarnation of a shard the next one is.
    #[must_use]
    pub fn next_attempt(&self, shard: u16) -> u32 {
        self.shards.get(&shard).and_then(|shard| shard.who.as_ref()).map_or(1, |who| who.attempt + 1)
    }

    /// What is known of each shard, by its number.
    pub fn shards(&self) -> impl Iterator<Item = (u16, Shard)> + '_ {
        (1..=self.of).map(|number| (number, self.shards.get(&number).cloned().unwrap_or_default()))
    }

    /// Shards that do not stand ready, and what is known of each.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let waited_for = self.shards().filter(|(_, shard)| shard.ready.is_none() || shard.ended.is_some());
        waited_for
            .map(|(number, shard)| match (&shard.who, &shard.ended) {
                (None, _) => format!("shard {number} (nothing was heard of it)"),
                (Some(who), Some(end)) if end.why.is_empty() => format!("shard {number} ({who}, has ended)"),
                (Some(who), Some(end)) => format!("shard {number} ({who}, has ended: {})", end.why),
                (Some(who), None) => format!("shard {number} ({who}, is preparing)"),
            })
            .collect()
    }

    /// Shards of a run that has begun of which nothing has been heard for too long, though they have not ended.
    pub fn lost(&self) -> impl Iterator<Item = (u16, Shard)> + '_ {
        let after = i64::try_from(LOST_AFTER.as_millis()).unwrap_or(i64::MAX);
        // Before the start it is the deadline that counts.
        let begun = self.start_ms.is_some();
        self.shards().filter(move |(_, shard)| begun && shard.ended.is_none() && self.awake_ms - shard.heard_ms > after)
    }

    /// Whether all shards have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shards().all(|(_, shard)| shard.ended.is_some())
    }

    fn seal(&mut self) {
        let able = self.shards().filter(|(_, shard)| shard.ended.is_none());
        let ready: Vec<i64> = able.filter_map(|(_, shard)| shard.ready.map(|(_, at)| at)).collect();
        if self.start_ms.is_none() && self.unlike.is_none() && ready.len() == usize::from(self.of) {
            let margin = i64::try_from(MARGIN.as_millis()).unwrap_or(i64::MAX);
            self.start_ms = ready.into_iter().max().map(|last| last.saturating_add(margin));
        }
    }

    /// A shard against the first other one that is ready.
    fn compare(&mut self, number: u16) {
        let ready = |shard: &u16| self.shards.get(shard).and_then(|shard| shard.ready.as_ref()).map(|(ready, _)| ready);
        let other = self.shards.keys().find(|other| **other != number && ready(other).is_some());
        if self.unlike.is_some() {
            return;
        }
        if let Some(other) = other.copied()
            && let (Some(one), Some(two)) = (ready(&other), ready(&number))
        {
            self.unlike = difference(other, one, number, two);
        }
    }
}

/// What differs between two shards.
fn difference(one: u16, a: &Ready, two: u16, b: &Ready) -> Option<String> {
    let told = |what: &str, of_one: &str, of_two: &str| {
        Some(format!("{what} is {of_one} in shard {one} and {of_two} in shard {two}"))
    };
    if a.version != b.version {
        return told("the version of loadgen", &a.version, &b.version);
    }
    if a.seed != b.seed {
        return told("the seed", &a.seed.to_string(), &b.seed.to_string());
    }
    if a.lanes != b.lanes {
        return told("the number of lanes", &a.lanes.to_string(), &b.lanes.to_string());
    }
    if a.name != b.name {
        return told("the run's name", &a.name, &b.name);
    }
    let (mut ours, mut theirs) = (a.scenario.lines(), b.scenario.lines());
    loop {
        let (line, other) = match (ours.next(), theirs.next()) {
            (None, None) => return None,
            (line, other) if line == other => continue,
            different => different,
        };
        // A line that one of them has and the other has not puts all that follows out of step.
        let missing =
            |line: Option<&str>, there: &str| line.is_some_and(|line| !there.lines().any(|other| other == line));
        let quoted = |line: Option<&str>| line.map_or_else(|| "at its end".to_owned(), |line| format!("`{line}`"));
        let alone = |line: Option<&str>, has: u16, lacks: u16| {
            Some(format!("the scenario has {} in shard {has} and not in shard {lacks}", quoted(line)))
        };
        return match (missing(line, &b.scenario), missing(other, &a.scenario)) {
            (true, false) => alone(line, one, two),
            (false, true) => alone(other, two, one),
            _ => told("the scenario", &quoted(line), &quoted(other)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(shard: u16, attempt: u32) -> Who {
        Who { run: "1".to_owned(), shard, of: 2, attempt, host: format!("host-{shard}"), pid: 9 }
    }

    fn ready(seed: u64, scenario: &str) -> Announcement {
        Announcement::Ready(Ready { seed, scenario: scenario.to_owned(), planned: Some(10), ..Ready::default() })
    }

    fn roll(said: impl IntoIterator<Item = (u16, u32, Announcement, i64)>) -> Roll {
        let mut roll = Roll::new(2);
        for (shard, attempt, said, at) in said {
            roll.note(Record { who: who(shard, attempt), said }, at);
        }
        roll
    }

    #[test]
    fn the_start_is_a_margin_after_the_last_readiness_and_no_later_word_moves_it() {
        let two = [(1, 1, Announcement::Entered, 100), (1, 1, ready(1, "a"), 200), (2, 1, Announcement::Entered, 900)];
        let mut waiting = roll(two);
        assert_eq!(
            (waiting.start_ms(), waiting.missing()),
            (None, vec!["shard 2 (process 9 on host-2, attempt 1, is preparing)".to_owned()])
        );
        waiting.note(Record { who: who(2, 1), said: ready(1, "a") }, 1_000);
        assert_eq!((waiting.start_ms(), waiting.missing().len()), (Some(6_000), 0));
        waiting.note(Record { who: who(1, 2), said: Announcement::Entered }, 1_001);
        waiting.note(Record { who: who(1, 2), said: ready(1, "a") }, 1_002);
        assert_eq!(waiting.start_ms(), Some(6_000));
    }

    #[test]
    fn a_second_incarnation_takes_the_place_of_the_first_and_what_that_says_later_counts_for_nothing() {
        let roll = roll([
            (1, 1, Announcement::Entered, 100),
            (1, 1, ready(1, "a"), 200),
            (1, 2, Announcement::Entered, 300),
            (1, 1, Announcement::Beat(Progress { sent: 9, ..Progress::default() }), 310),
            (2, 1, Announcement::Entered, 400),
            (2, 1, ready(1, "a"), 500),
        ]);
        assert_eq!(roll.start_ms(), None, "the second has not said that it is ready");
        assert_eq!(roll.next_attempt(1), 3);
        let (_, first) = roll.shards().next().unwrap();
        assert_eq!((first.progress.sent, first.who.unwrap().attempt), (0, 2));
    }

    #[test]
    fn shards_of_different_runs_are_named_with_what_differs() {
        let both = |other: Announcement| roll([(1, 1, ready(1, "name = \"a\"\nrate = \"5/s\""), 1), (2, 1, other, 2)]);
        let seeds = both(ready(2, ""));
        assert_eq!(seeds.unlike(), Some("the seed is 1 in shard 1 and 2 in shard 2"));
        assert_eq!(seeds.start_ms(), None);
        let rates = both(ready(1, "name = \"a\"\nrate = \"6/s\""));
        assert_eq!(rates.unlike(), Some("the scenario is `rate = \"5/s\"` in shard 1 and `rate = \"6/s\"` in shard 2"));
        let more = both(ready(1, "name = \"a\"\npayload_bytes = 9\nrate = \"5/s\""));
        assert_eq!(more.unlike(), Some("the scenario has `payload_bytes = 9` in shard 2 and not in shard 1"));
        let less = both(ready(1, "rate = \"5/s\""));
        assert_eq!(less.unlike(), Some("the scenario has `name = \"a\"` in shard 1 and not in shard 2"));
        let mut sizes = Roll::new(3);
        sizes.note(Record { who: who(1, 1), said: Announcement::Entered }, 1);
        assert_eq!(sizes.unlike(), Some("shard 1/2 (process 9 on host-1, attempt 1) is one of 2, not of 3"));
    }

    #[test]
    fn a_shard_of_another_version_is_named_and_no_start_is_agreed_on_with_it() {
        let later = Announcement::Ready(Ready { version: "9.9.9".to_owned(), ..Ready::default() });
        let versions = roll([(1, 1, ready(0, ""), 1), (2, 1, later, 2)]);
        assert_eq!(versions.unlike(), Some("the version of loadgen is  in shard 1 and 9.9.9 in shard 2"));
        let said = r#"{"run":"1","shard":2,"of":2,"attempt":1,"host":"host-2","pid":9,"said":"standing_by"}"#;
        let mut waiting = roll([(1, 1, ready(1, "a"), 1)]);
        waiting.note_unread(&Record::read(said.as_bytes()).unwrap_err().unwrap());
        waiting.note(Record { who: who(2, 1), said: ready(1, "a") }, 3);
        let told = waiting.unlike().unwrap();
        assert!(told.starts_with("shard 2 (process 9 on host-2, attempt 1) says what loadgen "), "{told}");
        assert_eq!(waiting.start_ms(), None);
        assert_eq!(Record::read(b"{}"), Err(None));
    }

    #[test]
    fn a_shard_that_says_nothing_for_too_long_is_lost_unless_it_has_ended() {
        let mut begun = roll([(1, 1, ready(1, "a"), 0), (2, 1, ready(1, "a"), 0)]);
        let beat = |begun: &mut Roll, at: i64| {
            begun.note(Record { who: who(1, 1), said: Announcement::Beat(Progress::default()) }, at);
            begun.lost().map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert!((1..=30).all(|second| beat(&mut begun, second * 1_000).is_empty()));
        let mut after_an_outage = begun.clone();
        assert_eq!(beat(&mut begun, 30_001), [2]);
        after_an_outage.note(Record { who: who(2, 1), said: Announcement::Beat(Progress::default()) }, 30_000);
        assert!(beat(&mut after_an_outage, 300_000).is_empty(), "nobody was heard meanwhile");
        begun.note(Record { who: who(2, 1), said: Announcement::Ended(End::default()) }, 300_002);
        assert_eq!((begun.lost().count(), begun.is_over()), (0, false));
    }
}
