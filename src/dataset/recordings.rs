//! What is in recordings of topics, on one screen.

use std::collections::BTreeMap;
use std::fmt;

use super::screen::{self, frequency, line};
use crate::figures::{self, as_f64, counted};
use crate::files::Spread;
use crate::files::captured::{Holding, Holdings, PartitionHoldings};
use crate::source::retail_rocket::Moment;

/// How many of the hottest keys the screen shows.
const SHOWN: usize = 3;
/// How many partitions are shown one by one.
const MOST_PARTITIONS: usize = 20;

/// Shows what recordings hold, ending in a line feed.
#[must_use]
pub fn text(holdings: &Holdings) -> String {
    Screen(holdings).to_string()
}

struct Screen<'a>(&'a Holdings);

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.0;
        let count = figures::count;
        line(f, if of.files.len() == 1 { "file" } else { "files" }, &files(of))?;
        let mut words = vec![count(of.records), figures::bytes(of.bytes)];
        let parts = [
            (of.tombstones, "tombstones"),
            (of.with_headers, "with headers"),
            (of.without_key, "without a key"),
            (of.again, "more than once"),
        ];
        words.extend(
            parts
                .iter()
                .filter(|(records, _)| *records > 0)
                .map(|(records, what)| format!("{} {what}", count(*records))),
        );
        line(f, "records", &words.join(", "))?;
        partitions(f, of)?;
        if of.records > of.without_time {
            times(f, of)?;
        }
        let clocks = [
            (of.create_times, "their producers'"),
            (of.log_append_times, "their brokers'"),
            (of.without_time, "nobody's"),
        ];
        let clocks: Vec<String> = clocks
            .iter()
            .filter(|(records, _)| *records > 0)
            .map(|(records, whose)| format!("{} by {whose} clock", count(*records)))
            .collect();
        line(f, "clocks", &clocks.join(", "))?;
        line(f, "order", &order(of))?;
        let more = if of.other_keys > 0 { "more than " } else { "" };
        line(f, "keys", &format!("{more}{}", count(of.keys)))?;
        if !of.hottest_keys.is_empty() {
            let hottest = of.hottest_keys.iter().take(SHOWN).map(|hot| (&hot.key, hot.rows));
            line(f, "hottest keys", &screen::keys(hottest, of.records))?;
        }
        line(f, "bad blocks", &bad_blocks(&of.files))
    }
}

fn files(of: &Holdings) -> String {
    let name = |file: Option<&Holding>| file.map_or_else(String::new, |file| file.file.clone());
    let mut words = vec![match of.files.as_slice() {
        [file] => file.file.clone(),
        files => format!("{} from {} to {}", files.len(), name(files.first()), name(files.last())),
    }];
    words.push(figures::bytes(of.files.iter().map(|file| file.bytes).sum()));
    match (of.files.iter().filter(|file| !file.ended).count(), of.files.len()) {
        (0, _) => {}
        (_, 1) => words.push("not ended".to_owned()),
        (open, _) => words.push(format!("{open} of them not ended")),
    }
    let cut_off: u64 = of.files.iter().map(|file| file.cut_off_bytes).sum();
    if cut_off > 0 {
        words.push(format!("{} cut off behind the last whole block", figures::bytes(cut_off)));
    }
    words.join(", ")
}

fn partitions(f: &mut fmt::Formatter<'_>, of: &Holdings) -> fmt::Result {
    let mut by_topic: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for partition in &of.partitions {
        let topic = by_topic.entry(&partition.topic).or_default();
        (topic.0, topic.1) = (topic.0 + 1, topic.1 + partition.records);
    }
    for (at, (topic, (partitions, records))) in by_topic.iter().enumerate() {
        let partitions = counted(*partitions, "partition");
        line(
            f,
            if at == 0 { "topics" } else { "" },
            &format!("{topic}: {} in {partitions}", figures::count(*records)),
        )?;
    }
    for (at, partition) in of.partitions.iter().take(MOST_PARTITIONS).enumerate() {
        let PartitionHoldings { topic, partition, records, first, last, absent, again } = partition;
        let absent = if *absent > 0 { format!(", {} of no record", figures::count(*absent)) } else { String::new() };
        let again = if *again > 0 { format!(", {} more than once", figures::count(*again)) } else { String::new() };
        let text =
            format!("{topic} {partition}: {}, offsets {first} to {last}{absent}{again}", figures::count(*records));
        line(f, if at == 0 { "partitions" } else { "" }, &text)?;
    }
    match of.partitions.len().saturating_sub(MOST_PARTITIONS) {
        0 => Ok(()),
        others => line(f, "", &format!("and {others} more (--output json has all)")),
    }
}

fn times(f: &mut fmt::Formatter<'_>, of: &Holdings) -> fmt::Result {
    let span = screen::span_ms(of.last_ms.abs_diff(of.first_ms));
    line(f, "span", &format!("{span} from {} to {}", Moment(of.first_ms), Moment(of.last_ms)))?;
    if let Some(mean) = of.mean_rate_per_s {
        let (second, minute) = (figures::count(of.busiest_second), as_f64(of.busiest_minute) / 60.0);
        line(
            f,
            "rate",
            &format!("mean {}, busiest second {second}/s, busiest minute {}", frequency(mean), frequency(minute)),
        )?;
    }
    if let Some(Spread { p50, p90, p99, max, .. }) = of.gap_us {
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(|us| screen::span_ms(us.unsigned_abs() / 1_000));
        line(f, "gaps", &format!("p50 {p50}, p90 {p90}, p99 {p99}, longest {max}"))?;
    }
    line(f, "equal times", &format!("{} with the time of the one before", counted(of.equal_times, "record")))
}

fn order(of: &Holdings) -> String {
    let Some(Spread { p50, p99, max, .. }) = of.back_ms else { return "by time in each partition".to_owned() };
    let [p50, p99, max] = [p50, p99, max].map(|ms| screen::span_ms(ms.unsigned_abs()));
    format!(
        "{} earlier than one before in the partition, by p50 {p50}, p99 {p99}, at most {max}: clocks differ, or a producer was late; a replay \
         keeps the order",
        counted(of.back, "record")
    )
}

fn bad_blocks(files: &[Holding]) -> String {
    let damaged: Vec<&Holding> = files.iter().filter(|file| file.bad_blocks > 0).collect();
    let Some(first) = damaged.first() else { return "0".to_owned() };
    let blocks: u64 = damaged.iter().map(|file| file.bad_blocks).sum();
    let bytes = figures::bytes(damaged.iter().map(|file| file.bad_bytes).sum());
    format!(
        "{} left out, {bytes}, in {}, the first one {}",
        figures::count(blocks),
        counted(damaged.len() as u64, "file"),
        first.file
    )
}
