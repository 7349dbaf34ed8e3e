//! What was run: schedule, offered load, target, phases, event types, partitions.

use super::page::{Page, table};
use crate::figures::{self, as_f64};
use crate::report::{GroupReport, LagReport, Offered, PartitionReport, PhaseReport, Replay, RunReport, Synthetic};

/// The command that makes such a run.
pub(in crate::output) fn command(report: &RunReport) -> &'static str {
    if report.is_alone() {
        return "verify";
    }
    match report.run.source.as_str() {
        "web" => "collect",
        "mirrored" => "mirror",
        "retail_rocket" => "replay",
        _ if report.replay.is_some() => "replay",
        _ => "synth",
    }
}

pub(super) fn run(report: &RunReport) -> Vec<String> {
    let run = &report.run;
    let mut parts = vec![format!("{} \"{}\"", command(report), run.name)];
    if !run.id.is_empty() {
        parts.push(format!("id {}", run.id));
    }
    parts.push(run.started_at.clone());
    parts.extend(run.seed.map(|seed| format!("seed {seed}")));
    if !report.is_alone() {
        parts.push(figures::counted(u64::from(run.lanes), "lane"));
    }
    parts
}

/// A rate without due times.
const UNLIMITED: &str = "as fast as it goes";

/// Whether nothing had a due time: then there is no slip. A run that was killed, or of which one event was sent, may lack a
/// planned rate for other reasons.
fn has_no_due_times(report: &RunReport) -> bool {
    report.run.schedule == "unlimited" || (report.latency_us.slip.is_none() && !report.run.partial)
}

/// The planned rate in words, where there is one to tell.
pub(in crate::output) fn planned(report: &RunReport) -> String {
    match report.offered.rate_per_s {
        Some(planned) => figures::rate(planned),
        None if has_no_due_times(report) => UNLIMITED.to_owned(),
        None => NOT_KNOWN.to_owned(),
    }
}

/// What was handed over, where that is known: a run that was killed has not said.
pub(in crate::output) fn handed_over(report: &RunReport) -> String {
    match report.offered.bytes {
        0 if report.run.partial => NOT_KNOWN.to_owned(),
        size => figures::bytes(size),
    }
}

const NOT_KNOWN: &str = "not known";

pub(super) fn schedule(report: &RunReport) -> Vec<String> {
    let run = &report.run;
    let mut parts = match (&report.replay, report.offered.rate_per_s) {
        (Some(replay), _) if run.schedule == "replay" => recorded(replay),
        (_, Some(planned)) => vec![format!("{}, {}", run.schedule, figures::rate(planned))],
        (_, None) if run.schedule.is_empty() => vec![NOT_KNOWN.to_owned()],
        (_, None) if has_no_due_times(report) => vec![format!("{}, {UNLIMITED}", run.schedule)],
        (_, None) => vec![run.schedule.clone()],
    };
    parts.extend(report.replay.as_ref().map(left_out).unwrap_or_default());
    parts.push(figures::span_s(run.measured_s));
    parts.extend(report.synthetic.as_ref().and_then(sessions));
    if run.warm_up_s > 0.0 {
        parts.push(format!("first {} not judged (warm-up)", figures::span_s(run.warm_up_s)));
    }
    parts
}

/// How much faster than its own time the shop ran is a question of the rate; the natural one is the answer.
fn sessions(synthetic: &Synthetic) -> Option<String> {
    let (events, session_s) = (synthetic.events_per_session?, synthetic.session_s?);
    let natural = figures::rate(synthetic.natural_rate_per_s?);
    let length = figures::span_s(session_s);
    Some(format!("sessions of {} events in {length}, real time at {natural}", figures::number(events, 1)))
}

fn recorded(replay: &Replay) -> Vec<String> {
    let speed = replay.speed.map_or_else(String::new, |speed| format!(" {}", figures::speed(speed)));
    let mut parts = vec![format!("replay{speed} of {} … {}", replay.first_recorded, replay.last_recorded)];
    if replay.gaps_capped > 0 {
        parts.push(format!("{} played shorter", figures::counted(replay.gaps_capped, "gap")));
    }
    parts
}

/// The rows of a recording that are not played because they cannot be used: at every pace.
fn left_out(replay: &Replay) -> Vec<String> {
    let untyped = (replay.bad_rows > 0).then(|| format!("{} left out", figures::counted(replay.bad_rows, "bad row")));
    let events = replay.left_out.told().or(untyped);
    let properties = (replay.bad_property_rows > 0)
        .then(|| format!("{} of item properties left out", figures::counted(replay.bad_property_rows, "bad row")));
    events.into_iter().chain(properties).collect()
}

pub(super) fn offered(report: &RunReport) -> Vec<String> {
    let offered = &report.offered;
    let handed_over = match handed_over(report) {
        unknown if unknown == NOT_KNOWN => "what was handed over is not known".to_owned(),
        size => format!("{size} handed over"),
    };
    let mut parts = vec![rates(offered), handed_over];
    if let Some((payload, to)) = report.payload.and_then(|payload| Some((payload, payload.padded_to_bytes?))) {
        let ratio =
            payload.compressed_ratio.map_or_else(|| figures::NONE.to_owned(), |ratio| figures::number(ratio, 2));
        parts.push(format!("bodies padded to {}, of which zstd leaves {ratio}", figures::bytes(to)));
    }
    if offered.client_blocked_s > 0.0 {
        parts.push(format!("{} kept waiting by a full client queue", figures::duration_s(offered.client_blocked_s)));
    }
    if offered.capped_s > 0.0 {
        parts.push(format!("{} held back by the ceiling (--max-rate)", figures::duration_s(offered.capped_s)));
    }
    if offered.flow_control_s > 0.0 {
        parts.push(format!(
            "{} held back for the embedded broker's small log",
            figures::duration_s(offered.flow_control_s)
        ));
    }
    parts
}

/// Whether a replay kept the recording's own timeline; empty where there is none to keep.
pub(super) fn fidelity(report: &RunReport) -> Vec<String> {
    let Some(fidelity) = report.replay.as_ref().and_then(|replay| replay.fidelity.as_ref()) else { return Vec::new() };
    let us = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us);
    let mut parts = vec![fidelity.verdict().to_owned()];
    parts.extend(fidelity.reasons.iter().cloned());
    parts.push(format!(
        "off the ideal timeline p50 {}, p99 {}, max {}",
        us(fidelity.off_p50_us),
        us(fidelity.off_p99_us),
        us(fidelity.off_max_us)
    ));
    if let Some(distance) = fidelity.ks_distance {
        parts.push(format!("inter-arrivals {} apart (KS at 1 ms)", figures::number(distance, 4)));
    }
    if let (Some(recorded), Some(replayed)) = (fidelity.peak_recorded_per_s, fidelity.peak_replayed_per_s) {
        let (recorded, replayed) = (figures::count(recorded), figures::count(replayed));
        parts.push(format!("busiest second {replayed} of {recorded}"));
    }
    let moved = figures::percent(fidelity.moved_percent);
    parts.push(format!("{moved} % in another second"));
    parts.push(match fidelity.inversions {
        Some(0) => "every user in order".to_owned(),
        Some(count) => format!("{} out of order", figures::count(count)),
        None => "order not read back".to_owned(),
    });
    parts
}

fn rates(offered: &Offered) -> String {
    let achieved = figures::rate(offered.achieved_rate_per_s);
    match (offered.rate_per_s, offered.achieved_percent) {
        (Some(planned), Some(percent)) => {
            format!("{achieved} of {} planned ({} %)", figures::rate(planned), figures::percent(percent))
        }
        _ => format!("{achieved} achieved"),
    }
}

pub(super) fn target(report: &RunReport) -> Vec<String> {
    let environment = &report.environment;
    let mut parts: Vec<String> = environment
        .topics
        .iter()
        .map(|topic| {
            let copies = topic.replication_factor.map_or_else(String::new, |factor| format!(", RF {factor}"));
            match topic.partitions {
                // Named, and not asked for.
                0 => topic.name.clone(),
                partitions => {
                    let partitions = figures::counted(u64::try_from(partitions).unwrap_or(0), "partition");
                    format!("{}, {partitions}{copies}", topic.name)
                }
            }
        })
        .collect();
    parts.push(match environment.brokers.as_slice() {
        [] if report.run.embedded => "embedded broker".to_owned(),
        known => brokers(known),
    });
    let config = |key: &str| environment.client_config.get(key).map(String::as_str);
    let mut client: Vec<String> = config("acks").map(|acks| format!("acks={acks}")).into_iter().collect();
    if config("enable.idempotence") == Some("true") {
        client.push("idempotent".to_owned());
    }
    client.extend(config("compression.type").or_else(|| config("compression.codec")).map(str::to_owned));
    if !client.is_empty() {
        parts.push(client.join(" "));
    }
    parts
}

/// How far a group that somebody else runs was behind.
pub(super) fn lag(lag: &LagReport) -> Vec<String> {
    let told = match (lag.at_end, lag.highest, &lag.error) {
        (Some(at_end), Some(highest), _) => {
            format!("{} behind at the end, at most {}", figures::counted(at_end, "record"), figures::count(highest))
        }
        (_, Some(highest), Some(error)) => {
            format!("not known at the end ({error}), at most {} before", figures::count(highest))
        }
        (_, _, Some(error)) => format!("not known: {error}"),
        _ if lag.partitions.iter().all(Option::is_none) => "it has committed nothing in these topics".to_owned(),
        _ => {
            let known: u64 = lag.partitions.iter().flatten().sum();
            let without = lag.partitions.iter().filter(|lag| lag.is_none()).count();
            let (known, all) = (figures::counted(known, "record"), lag.partitions.len());
            format!("at least {known} behind at the end: it has committed nothing in {without} of {all} partitions")
        }
    };
    vec![format!("group {}: {told}", lag.group)]
}

/// The consumer group that read, and how often its partitions changed hands.
pub(super) fn group(group: &GroupReport) -> Vec<String> {
    let how = [Some(group.protocol.as_str()), group.assignor.as_deref()].into_iter().flatten().collect::<Vec<_>>();
    let members = figures::counted(group.consumers.into(), "member");
    let mut parts = vec![
        format!("group {}, {members} ({}), commits {}", group.name, how.join(", "), group.commit),
        match group.rebalance_count {
            0 => "no rebalance".to_owned(),
            count => rebalances(count, group),
        },
    ];
    parts.extend(group.group_errors.iter().map(|(name, count)| format!("{count} × {name}")));
    parts
}

/// How long rebalances took. One that had not ended when the group did has no length.
fn rebalances(count: u64, group: &GroupReport) -> String {
    let lasting = group.lasting_rebalances();
    let told = figures::counted(count, "rebalance");
    if lasting >= count {
        return format!("{told}, not ended when the group did");
    }
    let lasted =
        if lasting > 0 { format!(", {} not ended when the group did", figures::count(lasting)) } else { String::new() };
    let (total, longest) =
        (figures::duration_s(group.rebalance_total_s), figures::duration_s(group.rebalance_longest_s));
    format!("{told}, {total} in all, the longest {longest}{lasted}")
}

fn brokers(brokers: &[String]) -> String {
    match brokers {
        [] => "broker not known".to_owned(),
        [only] => format!("broker {only}"),
        [first, ..] => format!("{} ({first}, …)", figures::counted(brokers.len() as u64, "broker")),
    }
}

/// The largest partition against the mean, and the longest silences.
pub(super) fn partitions(report: &RunReport) -> Vec<String> {
    let partitions = &report.partitions;
    let mut parts = vec![partitions.len().to_string()];
    let acked: u64 = partitions.iter().map(|partition| partition.acked).sum();
    let most = partitions.iter().map(|partition| partition.acked).max().unwrap_or(0);
    if let Some(share) = figures::ratio(most, acked) {
        #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
        let skew = share * partitions.len() as f64;
        parts.push(format!("skew {} (max / mean of acked)", figures::number(skew, 2)));
    }
    parts.extend(gap("ack", partitions, |partition| partition.longest_ack_gap_us));
    parts.extend(gap("read", partitions, |partition| partition.longest_read_gap_us));
    parts
}

fn gap(what: &str, partitions: &[PartitionReport], of: impl Fn(&PartitionReport) -> u64) -> Option<String> {
    let worst = partitions.iter().max_by_key(|partition| of(partition)).filter(|partition| of(partition) > 0)?;
    Some(format!("longest {what} gap {} (partition {})", figures::duration_us(of(worst)), worst.partition))
}

pub(super) fn phases(page: &mut Page, report: &RunReport) {
    let title = |phase: &PhaseReport| format!("{}{}", phase.name, if phase.warm_up { " (warm-up)" } else { "" });
    let heads = ["events", "planned", "achieved", "lost", "response p50", "p99 (ms)"];
    let rows: Vec<_> = report
        .phases
        .iter()
        .map(|phase| {
            let response = &phase.latency_us.response_time;
            let cells = [
                figures::count(phase.offered.scheduled),
                phase.offered.rate_per_s.map_or_else(|| figures::NONE.to_owned(), figures::rate),
                figures::rate(phase.offered.achieved_rate_per_s),
                figures::count(phase.ledger.lost),
                ms(response.p50),
                ms(response.p99),
            ];
            (title(phase), cells)
        })
        .collect();
    table(page, "phases", heads, &rows, &[1, 3]);
}

/// The types of event that a verifier alone saw.
pub(super) fn event_types_read(page: &mut Page, report: &RunReport) {
    let heads = ["seen", "share %", "invalid", "e2e p50", "p99", "max (ms)"];
    let mut types: Vec<_> = report.by_type.iter().collect();
    types.sort_by_key(|(_, of)| std::cmp::Reverse(of.verified));
    let rows: Vec<_> = types
        .into_iter()
        .map(|(name, of)| {
            let end_to_end = &of.latency_us.end_to_end;
            let cells = [
                figures::count(of.verified),
                figures::percent(of.share_percent),
                figures::count(of.invalid),
                ms(end_to_end.p50),
                ms(end_to_end.p99),
                ms(end_to_end.max),
            ];
            (name.clone(), cells)
        })
        .collect();
    table(page, "event types", heads, &rows, &[1]);
}

pub(super) fn event_types(page: &mut Page, report: &RunReport) {
    let expected = report.by_type.values().any(|of| of.expected_share_percent.is_some());
    let share = if expected { "% (expected)" } else { "share %" };
    let heads = ["sent", share, "verified", "invalid", "response p50", "p99 (ms)"];
    let mut types: Vec<_> = report.by_type.iter().collect();
    types.sort_by_key(|(_, of)| std::cmp::Reverse(of.sent));
    let read_back = report.latency_us.end_to_end.is_some();
    let if_read = |number: u64| if read_back { figures::count(number) } else { figures::NONE.to_owned() };
    let rows: Vec<_> = types
        .into_iter()
        .map(|(name, of)| {
            let response = &of.latency_us.response_time;
            let cells = [
                figures::count(of.sent),
                match of.expected_share_percent {
                    Some(expected) => {
                        format!("{} ({})", figures::percent(of.share_percent), figures::number(expected, 1))
                    }
                    None => figures::percent(of.share_percent),
                },
                if_read(of.verified),
                if_read(of.invalid),
                ms(response.p50),
                ms(response.p99),
            ];
            (name.clone(), cells)
        })
        .collect();
    table(page, "event types", heads, &rows, &[1, 2]);
}

pub(super) fn topics(page: &mut Page, report: &RunReport) {
    let heads = ["sent", "acked", "seen", "verified", "lost", "invalid"];
    let rows: Vec<_> = report
        .by_topic
        .iter()
        .map(|(name, of)| {
            let lost = of.not_verified.get("lost").copied().unwrap_or(0);
            (name.clone(), [of.sent, of.acked, of.seen, of.verified, lost, of.invalid].map(figures::count))
        })
        .collect();
    table(page, "topics", heads, &rows, &[1, 2]);
}

fn ms(us: Option<u64>) -> String {
    us.map_or_else(|| figures::NONE.to_owned(), |us| figures::significant(as_f64(us) / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RebalanceReport;

    #[test]
    fn a_rebalance_that_had_not_ended_is_not_told_as_one_of_no_time() {
        let rebalance = |length_s| RebalanceReport { length_s, ..RebalanceReport::default() };
        let of = |lengths: &[Option<f64>]| {
            let rebalances = lengths.iter().copied().map(rebalance).collect();
            let group =
                GroupReport { rebalances, rebalance_total_s: 3.0, rebalance_longest_s: 2.0, ..GroupReport::default() };
            super::rebalances(lengths.len() as u64, &group)
        };
        assert_eq!(of(&[None]), "1 rebalance, not ended when the group did");
        assert_eq!(of(&[Some(1.0), Some(2.0)]), "2 rebalances, 3.00 s in all, the longest 2.00 s");
        let one = of(&[Some(1.0), Some(2.0), None]);
        assert_eq!(one, "3 rebalances, 3.00 s in all, the longest 2.00 s, 1 not ended when the group did");
    }
}
