//! `fleet watch`: how the shards of a run are, once a second, until all have ended or are lost.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::failed;
use crate::cli::fleet::FleetWatch;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::command::{Done, Failure};
use crate::figures;
use crate::fleet::gather::Listener;
use crate::fleet::roll::{Roll, Shard};
use crate::scenario::Environment;

/// How often the table is shown: on a terminal, and where each one stays.
const EACH: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// A shard whose lateness is so many times that of the middle one is a straggler, and below so many us none is.
const STRAGGLES: (u64, u64) = (3, 5_000);

pub(super) fn watch(args: FleetWatch, environment: &Environment) -> Result<Done, Failure> {
    let cluster = args.options.cluster.clone();
    let options = environment.complete(args.options)?;
    let topic = super::topic(options.fleet_topic, cluster, environment)?;
    let name = topic.name.clone();
    let told = |error| failed(&error, &name);
    let mut listener = Listener::open(topic, &args.run.to_string()).map_err(told)?;
    let mut err = io::stderr();
    let on_terminal = err.is_terminal();
    let each = if on_terminal { EACH.0 } else { EACH.1 };
    let (clock, mut shown) = (Monotonic::start(), 0);
    let mut next = clock.now();
    loop {
        listener.listen().map_err(told)?;
        let Some(roll) = listener.roll() else { continue };
        let lost: Vec<u16> = roll.lost().map(|(number, _)| number).collect();
        if roll.shards().all(|(number, shard)| shard.ended.is_some() || lost.contains(&number)) || listener.is_silent()
        {
            return Ok(Done::told(table(roll, listener.is_silent())));
        }
        if clock.now() >= next {
            next = clock.now() + Nanos::from(each);
            let table = table(roll, false);
            let back = if on_terminal && shown > 0 { format!("\x1b[{shown}A\x1b[J") } else { String::new() };
            shown = table.lines().count();
            // Who cannot see it has no less of a fleet.
            drop(write!(err, "{back}{table}"));
        }
    }
}

fn table(roll: &Roll, silent: bool) -> String {
    let lost: Vec<u16> = roll.lost().map(|(number, _)| number).collect();
    let mut slips: Vec<u64> = roll.shards().filter_map(|(_, shard)| shard.progress.slip_p99_us).collect();
    slips.sort_unstable();
    let middle = slips.len().checked_sub(1).and_then(|last| slips.get(last / 2)).copied().unwrap_or(0);
    let head = ["shard", "at", "due", "acked", "seen", "failed", "slip p99", "response p99", "state"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (number, shard) in roll.shards() {
        let at = shard.progress;
        let span = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), figures::duration_us);
        let straggles =
            at.slip_p99_us.is_some_and(|slip| slip > STRAGGLES.1 && slip > middle.saturating_mul(STRAGGLES.0));
        rows.push(vec![
            number.to_string(),
            format!("{} s", at.at_s),
            figures::count(at.scheduled),
            figures::count(at.acked),
            figures::count(at.seen),
            figures::count(at.failed),
            span(at.slip_p99_us),
            span(at.response_p99_us),
            state(&shard, lost.contains(&number) || silent, roll.start_ms().is_some(), straggles),
        ]);
    }
    let widths: Vec<usize> =
        (0..head.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            if column + 1 == row.len() { cell.clone() } else { format!("{cell:>width$}  ", width = widths[column]) }
        };
        row.iter().enumerate().map(cell).collect::<String>() + "\n"
    };
    rows.iter().map(line).collect()
}

fn state(shard: &Shard, lost: bool, begun: bool, straggles: bool) -> String {
    let on = shard.who.as_ref().map_or_else(String::new, |who| match who.attempt {
        0 | 1 => format!(" on {}", who.host),
        attempt => format!(" on {}, attempt {attempt}", who.host),
    });
    match (&shard.ended, &shard.who, &shard.ready) {
        (Some(end), ..) if shard.progress.scheduled > 0 || end.why.is_empty() => {
            format!("ended with {}{on}", end.exit_code)
        }
        (Some(end), ..) => format!("ended with {}{on}: {}", end.exit_code, end.why),
        (None, None, _) => "not heard of".to_owned(),
        (None, ..) if lost => format!("LOST{on}"),
        (None, _, None) => format!("preparing{on}"),
        (None, _, Some(_)) if !begun => format!("ready{on}"),
        (None, ..) if straggles => format!("STRAGGLES{on}"),
        (None, ..) => format!("running{on}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::record::{Announcement, Progress, Ready, Record, Who};

    #[test]
    fn a_table_has_a_line_for_each_shard_and_names_the_one_that_straggles() {
        let mut roll = Roll::new(3);
        let mut note = |shard: u16, said: Announcement| {
            let who = Who { run: "1".to_owned(), shard, of: 3, attempt: 1, host: "a".to_owned(), pid: 1 };
            roll.note(Record { who, said }, 1);
        };
        for shard in 1..=3 {
            note(shard, Announcement::Entered);
            note(shard, Announcement::Ready(Ready::default()));
            let slip_p99_us = Some(if shard == 2 { 48_000 } else { 900 });
            note(
                shard,
                Announcement::Beat(Progress {
                    at_s: 3,
                    scheduled: 3_000,
                    acked: 2_990,
                    slip_p99_us,
                    ..Progress::default()
                }),
            );
        }
        let table = table(&roll, false);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "shard   at    due  acked  seen  failed  slip p99  response p99  state");
        assert_eq!(lines[1], "    1  3 s  3,000  2,990     0       0   0.90 ms             -  running on a");
        assert_eq!(lines[2], "    2  3 s  3,000  2,990     0       0   48.0 ms             -  STRAGGLES on a");
        assert_eq!(lines.len(), 4);
    }
}
