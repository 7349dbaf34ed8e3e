//! The figures of sections that not every report has: what the client measured of itself, how faithful a replay was, faults.

use crate::figures::as_f64;
use crate::{
    gate::{
        bound::AtLeast,
        unit::Dimension::{self, Count, Percent, Rate, Ratio, Size, Time},
    },
    report::{
        Availability, Client, Fidelity, GroupReport, LagReport, LatencyParts, Payload, Process, Replay, RunReport,
        Transactions, drift::DriftVerdict, reading::Reading,
    },
};

/// The value of a figure in the base unit of its dimension, or why there is none.
pub type Value = Result<f64, &'static str>;

/// A figure of the whole run.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its path.
    pub name: &'static str,
    /// What it counts in.
    pub dimension: Dimension,
    /// Its value in a report.
    pub read: fn(&RunReport) -> Value,
    /// Whether that is a lower bound only.
    pub at_least: fn(&RunReport) -> Option<AtLeast>,
}

const fn figure(name: &'static str, dimension: Dimension, read: fn(&RunReport) -> Value) -> Figure {
    Figure { name, dimension, read, at_least: |_| None }
}

/// The mean, the worst p99 and the largest of what librdkafka measures in windows.
macro_rules! windows {
    ($name:literal, $dimension:expr, $field:ident, $scale:literal) => {
        [
            figure(concat!($name, ".mean"), $dimension, |report| Ok(number(client(report)?.$field.mean)? * $scale)),
            figure(concat!($name, ".worst_p99"), $dimension, |report| {
                Ok(count(client(report)?.$field.worst_p99)? * $scale)
            }),
            figure(concat!($name, ".max"), $dimension, |report| Ok(count(client(report)?.$field.max)? * $scale)),
        ]
    };
}

/// All of them, by section.
pub(super) static SECTIONS: [&[Figure]; 16] = [
    &REPLAY,
    &FIDELITY,
    &READING,
    &PROCESS,
    &AVAILABILITY,
    &FAULTS,
    &TRANSACTIONS,
    &CLIENT,
    &windows!("client.queue", Time, queue_us, 1.0),
    &windows!("client.socket", Time, socket_us, 1.0),
    &windows!("client.round_trip", Time, round_trip_us, 1.0),
    &windows!("client.throttle", Time, throttle_ms, 1e3),
    &windows!("client.batch_bytes", Size, batch_bytes, 1.0),
    &windows!("client.batch_messages", Count, batch_messages, 1.0),
    &READERS,
    &OTHERS,
];

static REPLAY: [Figure; 6] = [
    figure("replay.rows", Count, |report| Ok(as_f64(replay(report)?.rows))),
    figure("replay.bad_rows", Count, |report| Ok(as_f64(replay(report)?.bad_rows))),
    figure("replay.bad_property_rows", Count, |report| Ok(as_f64(replay(report)?.bad_property_rows))),
    figure("replay.gaps_capped", Count, |report| Ok(as_f64(replay(report)?.gaps_capped))),
    figure("replay.descents", Count, |report| Ok(as_f64(replay(report)?.descents))),
    figure("replay.duplicate_rows", Count, |report| Ok(as_f64(replay(report)?.duplicate_rows))),
];

static FIDELITY: [Figure; 10] = [
    figure("replay.fidelity.events", Count, |report| Ok(as_f64(fidelity(report)?.events))),
    figure("replay.fidelity.off_p50", Time, |report| quantile(fidelity(report)?.off_p50_us)),
    figure("replay.fidelity.off_p99", Time, |report| quantile(fidelity(report)?.off_p99_us)),
    figure("replay.fidelity.off_max", Time, |report| count(fidelity(report)?.off_max_us)),
    figure("replay.fidelity.ks_distance", Ratio, |report| number(fidelity(report)?.ks_distance)),
    figure("replay.fidelity.ks_distance_1us", Ratio, |report| number(fidelity(report)?.ks_distance_1us)),
    figure("replay.fidelity.moved", Percent, |report| match fidelity(report)? {
        Fidelity { events: 0, .. } => Err("nothing was sent"),
        sent => Ok(sent.moved_percent),
    }),
    figure("replay.fidelity.peak_recorded", Rate, |report| count(fidelity(report)?.peak_recorded_per_s)),
    figure("replay.fidelity.peak_replayed", Rate, |report| count(fidelity(report)?.peak_replayed_per_s)),
    Figure {
        name: "replay.fidelity.inversions",
        dimension: Count,
        read: |report| fidelity(report)?.inversions.map(as_f64).ok_or("nothing was read back (no verifier)"),
        at_least: |report| {
            let open = report.ledger.unread + report.ledger.unattributed + report.ledger.unwitnessed;
            (open > 0).then_some(AtLeast::Unread(open))
        },
    },
];

static READING: [Figure; 17] = [
    figure("reading.records", Count, |report| Ok(as_f64(reading(report)?.records))),
    figure("reading.events", Count, |report| Ok(as_f64(reading(report)?.events))),
    figure("reading.rate", Rate, |report| said(reading(report)?.records_per_s)),
    figure("reading.missing", Count, |report| said(reading(report)?.missing.map(as_f64))),
    figure("reading.damaged", Count, |report| said(reading(report)?.damaged.map(as_f64))),
    figure("reading.below_start", Count, |report| Ok(as_f64(reading(report)?.below_start))),
    figure("reading.awaited", Count, |report| Ok(as_f64(reading(report)?.awaited.unwrap_or(0)))),
    figure("reading.other_layout", Count, |report| Ok(as_f64(reading(report)?.other_layout))),
    figure("reading.open", Count, |report| Ok(as_f64(reading(report)?.open))),
    figure("reading.hidden", Count, |report| Ok(as_f64(reading(report)?.hidden))),
    figure("reading.cut_off", Count, |report| Ok(as_f64(reading(report)?.cut_off))),
    figure("reading.lag", Count, |report| said(reading(report)?.lag.map(as_f64))),
    figure("reading.skipped", Count, |report| Ok(as_f64(reading(report)?.skipped))),
    figure("reading.untimed", Count, |report| Ok(as_f64(reading(report)?.untimed))),
    figure("reading.untracked", Count, |report| Ok(as_f64(reading(report)?.untracked))),
    figure("reading.forgotten", Count, |report| Ok(as_f64(reading(report)?.forgotten))),
    figure("reading.lane_count", Count, |report| Ok(as_f64(reading(report)?.lane_count))),
];

static AVAILABILITY: [Figure; 7] = [
    acks("availability.ack_stalls", Count, |report| Ok(as_f64(availability(report)?.ack.stalls))),
    acks("availability.longest_ack_stall", Time, |report| Ok(availability(report)?.ack.longest_s * 1e6)),
    acks("availability.ack_stalled", Time, |report| Ok(availability(report)?.ack.stalled_s * 1e6)),
    reads("availability.read_stalls", Count, |report| Ok(as_f64(read_back(report)?.read.stalls))),
    reads("availability.longest_read_stall", Time, |report| Ok(read_back(report)?.read.longest_s * 1e6)),
    reads("availability.read_stalled", Time, |report| Ok(read_back(report)?.read.stalled_s * 1e6)),
    figure("availability.leader_changes", Count, |report| Ok(as_f64(read_back(report)?.leader_changes))),
];

/// A figure of acks: more of a merged run's processes may have waited for them than are counted.
const fn acks(name: &'static str, dimension: Dimension, read: fn(&RunReport) -> Value) -> Figure {
    Figure { name, dimension, read, at_least: more_acks_stalled }
}

/// The same of reads.
const fn reads(name: &'static str, dimension: Dimension, read: fn(&RunReport) -> Value) -> Figure {
    Figure { name, dimension, read, at_least: more_reads_stalled }
}

static PROCESS: [Figure; 5] = [
    figure("process.hiccups", Count, |report| Ok(as_f64(process(report)?.hiccups))),
    figure("process.hiccups_total", Time, |report| Ok(process(report)?.hiccups_total_s * 1e6)),
    figure("process.longest_hiccup", Time, |report| Ok(process(report)?.longest_hiccup_s * 1e6)),
    figure("process.throttled", Time, |report| quota(process(report)?.throttled_s.map(|seconds| seconds * 1e6))),
    figure("process.throttled_periods", Count, |report| quota(process(report)?.throttled_periods.map(as_f64))),
];

static FAULTS: [Figure; 2] = [
    figure("faults.stalled_partitions", Count, |report| {
        most(report, |report| report.faults.iter().map(|fault| Ok(as_f64(fault.stalled_partitions))).collect())
    }),
    figure("faults.first_ack_after", Time, |report| {
        most(report, |report| {
            let after = report.faults.iter().map(|fault| match (fault.stalled_partitions, fault.first_ack_after_s) {
                (0, _) => Ok(0.0),
                (_, Some(after_s)) => Ok(after_s * 1e6),
                (_, None) => Err("a partition that stalled by a fault was never acked again"),
            });
            after.collect()
        })
    }),
];

static TRANSACTIONS: [Figure; 7] = [
    figure("transactions.begun", Count, |report| Ok(as_f64(transactions(report)?.counts.begun))),
    figure("transactions.committed", Count, |report| Ok(as_f64(transactions(report)?.counts.committed))),
    figure("transactions.aborted", Count, |report| Ok(as_f64(transactions(report)?.counts.aborted))),
    figure("transactions.failed", Count, |report| Ok(as_f64(transactions(report)?.counts.failed))),
    figure("transactions.failed_events", Count, |report| Ok(as_f64(transactions(report)?.counts.failed_events))),
    figure("transactions.unknown", Count, |report| Ok(as_f64(transactions(report)?.counts.unknown))),
    figure("transactions.waited", Time, |report| Ok(transactions(report)?.waited_s * 1e6)),
];

static CLIENT: [Figure; 7] = [
    figure("client.retries", Count, |report| Ok(as_f64(client(report)?.retries))),
    figure("client.timeouts", Count, |report| Ok(as_f64(client(report)?.timeouts))),
    figure("client.most_queued", Count, |report| Ok(as_f64(client(report)?.most_queued))),
    figure("client.parts.slip", Time, |report| number(parts(report)?.slip)),
    figure("client.parts.client_queue", Time, |report| Ok(parts(report)?.client_queue)),
    figure("client.parts.network_and_broker", Time, |report| Ok(parts(report)?.network_and_broker)),
    figure("client.parts.fetch_and_deliver", Time, |report| number(parts(report)?.fetch_and_deliver)),
];

static READERS: [Figure; 5] = [
    figure("group.rebalances", Count, |report| Ok(as_f64(group(report)?.rebalance_count))),
    figure("group.rebalance_longest", Time, |report| Ok(ended(report)?.rebalance_longest_s * 1e6)),
    figure("group.rebalance_total", Time, |report| Ok(ended(report)?.rebalance_total_s * 1e6)),
    figure("lag.at_end", Count, |report| lag(report, |lag| lag.at_end)),
    Figure {
        name: "lag.highest",
        dimension: Count,
        read: |report| lag(report, |lag| lag.highest),
        at_least: |report| {
            let joined = report.joined_seconds.clone().unwrap_or_default();
            let seconds = || report.timeline.iter().filter(|row| row.at_s > joined.most.at_s);
            let (of, known) =
                (seconds().count() as u64, seconds().filter(|row| row.group_lag.is_some()).count() as u64);
            let (of, known) = (of + joined.count, known + joined.known.group_lag.unwrap_or(0));
            // Of a warm-up that was joined it is known at least whether something is missing.
            let missing = u64::from(report.timeline.iter().any(|row| row.group_lag.is_none()));
            let seconds = of.saturating_sub(known).max(missing);
            (seconds > 0).then_some(AtLeast::Unknown { seconds, of })
        },
    },
];

static OTHERS: [Figure; 4] = [
    figure("payload.mean", Size, |report| Ok(payload(report)?.mean_bytes)),
    figure("payload.compressed_ratio", Ratio, |report| number(payload(report)?.compressed_ratio)),
    figure("run.wall_clock_drift", Time, |report| Ok(as_f64(report.run.wall_clock_drift_us.unsigned_abs()))),
    figure("drift.drifting", Count, |report| match &report.drift {
        Some(drift) if drift.verdict != DriftVerdict::Unevaluated => {
            Ok(as_f64(drift.series.iter().map(|series| u64::from(series.verdict == DriftVerdict::Drifting)).sum()))
        }
        _ => Err("fewer than ten minutes are known"),
    }),
];

fn number(value: Option<f64>) -> Value {
    value.ok_or("the report holds no number for it")
}

fn count(value: Option<u64>) -> Value {
    number(value.map(as_f64))
}

fn quantile(value: Option<u64>) -> Value {
    value.map(as_f64).ok_or("too few samples")
}

fn said(value: Option<f64>) -> Value {
    value.ok_or("nothing can be said of it")
}

fn replay(report: &RunReport) -> Result<&Replay, &'static str> {
    report.replay.as_ref().filter(|replay| replay.rows > 0).ok_or("the run replayed nothing")
}

fn fidelity(report: &RunReport) -> Result<&Fidelity, &'static str> {
    replay(report)?.fidelity.as_ref().ok_or("the run did not keep the recorded times")
}

fn reading(report: &RunReport) -> Result<&Reading, &'static str> {
    report.reading.as_ref().ok_or("no verifier read alone (loadgen verify)")
}

fn process(report: &RunReport) -> Result<&Process, &'static str> {
    report.process.as_ref().ok_or("the report does not tell what kept this process from running")
}

fn quota(value: Option<f64>) -> Value {
    value.ok_or("this process had no CPU quota")
}

/// The group, where all its rebalances have a length.
fn ended(report: &RunReport) -> Result<&GroupReport, &'static str> {
    let group = group(report)?;
    if group.lasting_rebalances() > 0 { Err("a rebalance had not ended when the group did") } else { Ok(group) }
}

fn availability(report: &RunReport) -> Result<&Availability, &'static str> {
    report.availability.as_ref().ok_or("the report does not tell stalls")
}

/// The stalls of a run that was read back.
fn read_back(report: &RunReport) -> Result<&Availability, &'static str> {
    if report.latency_us.end_to_end.is_none() { Err("nothing was read back") } else { availability(report) }
}

/// The largest of a value over the faults; each of them must have been injected.
fn most(report: &RunReport, values: fn(&RunReport) -> Result<Vec<f64>, &'static str>) -> Value {
    if report.faults.iter().any(|fault| fault.not_run.is_some()) {
        return Err("a fault was not injected");
    }
    values(report)?.into_iter().reduce(f64::max).ok_or("the run had no fault to inject")
}

/// Processes of a merged run that waited for acks longer than all of them at once.
fn more_acks_stalled(report: &RunReport) -> Option<AtLeast> {
    let found = report.availability.as_ref()?;
    Some(found.parts_beyond(|part| part.ack, found.ack)).filter(|beyond| *beyond > 0).map(AtLeast::Parts)
}

/// The same of reads.
fn more_reads_stalled(report: &RunReport) -> Option<AtLeast> {
    let found = report.availability.as_ref()?;
    Some(found.parts_beyond(|part| part.read, found.read)).filter(|beyond| *beyond > 0).map(AtLeast::Parts)
}

fn transactions(report: &RunReport) -> Result<&Transactions, &'static str> {
    report.transactions.as_ref().ok_or("the run was not transactional")
}

fn client(report: &RunReport) -> Result<&Client, &'static str> {
    report.client.as_ref().ok_or("the Kafka client told nothing of itself")
}

fn parts(report: &RunReport) -> Result<&LatencyParts, &'static str> {
    client(report)?.parts_us.as_ref().ok_or("a part of the latency is not known, or events went without an answer")
}

fn group(report: &RunReport) -> Result<&GroupReport, &'static str> {
    report.group.as_ref().ok_or("no group read")
}

fn lag(report: &RunReport, read: fn(&LagReport) -> Option<u64>) -> Value {
    said(read(report.lag.as_ref().ok_or("no group's lag was watched (--lag-group)")?).map(as_f64))
}

fn payload(report: &RunReport) -> Result<&Payload, &'static str> {
    report.payload.as_ref().ok_or("the report does not tell sizes")
}
