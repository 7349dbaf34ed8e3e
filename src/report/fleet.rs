//! The shards of a fleet, as one of them knew them at its end, or as all of them were in the whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// Of so many shards each has a line in a summary; of more, those that are unlike the others.
const LINES: usize = 16;

/// What is known of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FleetReport {
    /// The topic in which its shards met.
    pub topic: String,
    /// The shard that this report is of; absent in the report of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u16>,
    /// How many shards the run has.
    pub of: u16,
    /// When the run started, by the clock of the broker that has the topic; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Each shard, by its number.
    pub shards: Vec<ShardReport>,
    /// The clocks of the verifiers' machines, where others than the shards read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<ClockReport>,
}

/// What is known of a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShardReport {
    /// Its number, from 1.
    pub number: u16,
    /// What had become of it.
    pub state: ShardState,
    /// The machine it ran on; empty where nothing was heard of it.
    pub host: String,
    /// Which of its incarnations it was, from 1; 0 where nothing was heard of it.
    pub attempt: u32,
    /// Events that it was to send; absent where that was not known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
    /// Events that had come due, by its last word.
    pub scheduled: u64,
    /// Of these, handed to the client.
    pub sent: u64,
    /// Of these, acked.
    pub acked: u64,
    /// Events that it had read back.
    pub seen: u64,
    /// The exit code of its own verdict; absent where it told none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What makes it unlike the others; in the whole alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<String>,
    /// Its clock; known of the shard whose report this is, and of all in the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
}

/// What had become of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShardState {
    /// Nothing was ever heard of it.
    #[default]
    Absent,
    /// It had not ended.
    Running,
    /// It had ended by itself.
    Ended,
    /// Nothing was heard of it for 30 s, though it had not ended.
    Lost,
}

/// The wall clock of a shard's machine against that of the broker which has the fleet's topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReport {
    /// Before the start.
    pub before: ClockOffset,
    /// From the records of each second of the run; where they contradict one another, since the clock went or was set, what the narrowest
    /// of them says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<ClockOffset>,
    /// After the end; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ClockOffset>,
    /// How far the clock went away from the broker's while the run lasted: after less before, negative where it gained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_us: Option<i64>,
}

/// How far a clock is from another, and how well that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    /// The broker's clock less the shard's.
    pub offset_us: i64,
    /// The true offset is at most so far from that.
    pub bound_us: u64,
}

impl FleetReport {
    /// The clock of the shard whose report this is.
    #[must_use]
    pub fn own_clock(&self) -> Option<ClockReport> {
        self.shards.iter().find(|shard| Some(shard.number) == self.shard)?.clock
    }

    /// In words, by what each line is of: the fleet, and in the whole each shard.
    #[must_use]
    pub fn sentences(&self) -> Vec<(String, Vec<String>)> {
        let met = format!("{} met in {}", figures::counted(self.of.into(), "shard"), self.topic);
        let started = self.started_at.iter().map(|at| format!("start {at} by the broker's clock"));
        let mut lines = vec![("fleet".to_owned(), std::iter::once(met).chain(started).collect())];
        let shown = |shard: &&ShardReport| match self.shard {
            Some(own) => shard.number == own || shard.state == ShardState::Lost,
            None => self.shards.len() <= LINES || shard.state != ShardState::Ended || !shard.deviations.is_empty(),
        };
        lines.extend(self.readers.iter().map(|clock| (" reader".to_owned(), vec![clock.sentence()])));
        let shards = self.shards.iter().filter(shown);
        lines.extend(shards.map(|shard| (format!(" shard {}", shard.number), shard.sentences(self.shard))));
        lines
    }
}

impl ShardReport {
    /// `own`: the shard whose report tells it, where it is not that of the whole.
    fn sentences(&self, own: Option<u16>) -> Vec<String> {
        let mut said = Vec::new();
        if !self.host.is_empty() {
            said.push(format!("on {}", self.host));
        }
        if self.attempt > 1 {
            said.push(format!("attempt {}", self.attempt));
        }
        if own != Some(self.number) {
            let planned = self.planned.map_or_else(String::new, |planned| format!(" of {}", figures::count(planned)));
            said.push(format!("{}{planned} events due", figures::count(self.scheduled)));
        }
        match self.state {
            ShardState::Absent => said.push("NEVER CAME".to_owned()),
            ShardState::Lost => said.push("LOST".to_owned()),
            ShardState::Running | ShardState::Ended => {}
        }
        said.extend(self.clock.map(ClockReport::sentence));
        said.extend(self.deviations.iter().cloned());
        said
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds within hours are exact")]
fn as_ms(us: i64) -> f64 {
    us as f64 / 1_000.0
}

impl ClockReport {
    /// In words.
    fn sentence(self) -> String {
        let ms = |us: i64| format!("{:+.2} ms", as_ms(us));
        let ClockOffset { offset_us, bound_us } = self.before;
        let bound = figures::duration_us(bound_us);
        let drift = self.drift_us.map_or_else(String::new, |drift| format!(", {} until the end", ms(drift)));
        format!("broker's clock {} (\u{b1} {bound}){drift}", ms(offset_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_has_a_line_for_each_shard_and_a_shard_one_for_itself_and_those_that_were_lost() {
        let shard = |number: u16, state: ShardState| ShardReport {
            number,
            state,
            host: format!("host-{number}"),
            attempt: 1,
            planned: Some(1_500),
            scheduled: 750,
            ..ShardReport::default()
        };
        let before = ClockOffset { offset_us: -250_120, bound_us: 310 };
        let clock = Some(ClockReport { before, during: None, after: Some(before), drift_us: Some(15) });
        let first = ShardReport { clock, ..shard(1, ShardState::Ended) };
        let shards = vec![first, shard(2, ShardState::Ended), shard(3, ShardState::Lost)];
        let fleet =
            FleetReport { topic: "t".to_owned(), shard: None, of: 3, started_at: None, shards, readers: Vec::new() };
        let lines = |fleet: &FleetReport| {
            fleet
                .sentences()
                .into_iter()
                .map(|(name, said)| format!("{name}: {}", said.join(" | ")))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            lines(&fleet),
            [
                "fleet: 3 shards met in t",
                " shard 1: on host-1 | 750 of 1,500 events due | broker's clock -250.12 ms (\u{b1} 0.31 ms), +0.01 ms until the end",
                " shard 2: on host-2 | 750 of 1,500 events due",
                " shard 3: on host-3 | 750 of 1,500 events due | LOST",
            ]
        );
        assert_eq!(lines(&FleetReport { shard: Some(1), ..fleet }).len(), 3);
    }
}
