//! The rules, each silent unless the figures leave one reading.

use super::evidence::Evidence;
use crate::figures::{as_f64, clock, counted, duration_us, number, percent, ratio, span_s, trimmed};
use crate::output::stalls::Stall;
use crate::report::{LatencySummary, ReadThrottling, client_errors};

/// Lateness that a healthy generator stays below, us.
const LATENESS_US: u64 = 5_000;
/// A silence of a partition that is worth a word, us.
const SILENCE_US: u64 = 1_000_000;
/// How much fuller than the mean a partition is before it is called hot.
const SKEW: f64 = 1.5;
/// Lag that is worth a word, as a share of a second's events.
const LAG_SHARE: f64 = 0.5;

/// The share of the run that a quota must have taken away to be worth a word.
const THROTTLED: f64 = 0.01;

/// This process was stopped, or got no processor: whatever was slow then was here.
pub(super) fn not_running(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let process = report.process.as_ref()?;
    let throttled_s = process.throttled_s.unwrap_or(0.0);
    let throttled = (throttled_s > report.run.measured_s * THROTTLED)
        .then(|| process.throttled_sentence(&report.environment))
        .flatten();
    let told: Vec<String> = process.hiccup_sentence().into_iter().chain(throttled).collect();
    (!told.is_empty()).then(|| format!("{}; what was slow then is this machine's part", told.join("; ")))
}

/// The generator's own lateness is most of the response time, and not for some seconds only.
pub(super) fn generator_late(evidence: &Evidence) -> Option<String> {
    let latency = &evidence.report.latency_us;
    let late = latency.lateness.as_ref()?.p90?;
    let response = latency.response_time.p90?;
    (late >= LATENESS_US && late * 2 >= response).then(|| {
        format!(
            "the generator was late: lateness p90 is {} of a response p90 of {}, so the figures are this machine's",
            duration_us(late),
            duration_us(response)
        )
    })
}

/// What clients said that explains what became of events.
pub(super) fn client_errors(evidence: &Evidence) -> Option<String> {
    client_errors::finding(evidence.report)
}

/// A quota slowed the reading side down.
pub(super) fn read_throttling(evidence: &Evidence) -> Option<String> {
    evidence.report.read_throttling.as_ref().map(ReadThrottling::sentence)
}

/// Nothing was acked for a while though events were waiting.
pub(super) fn stall(evidence: &Evidence) -> Option<String> {
    let stall = evidence.longest_stall()?;
    let within = |at_s: f64| at_s > stall.from_s && at_s <= stall.until_s;
    let waiting = evidence.rows.iter().filter(|row| within(row.at_s)).map(|row| row.outstanding).max()?;
    let more = match evidence.stalls.len() {
        1 => String::new(),
        stalls => format!(", the longest of {stalls} stalls"),
    };
    let carried =
        carried_quantile(evidence, stall).map_or_else(String::new, |name| format!("; {name} and beyond come from it"));
    let cause = cause(evidence, stall.from_s, stall.until_s);
    Some(format!(
        "no ack from {} to {}{more}, while {} waited{carried}{cause}",
        clock(stall.from_s),
        clock(stall.until_s),
        counted(waiting, "event"),
    ))
}

/// The lowest quantile of response time that lies among the events of a stall.
fn carried_quantile(evidence: &Evidence, stall: Stall) -> Option<&'static str> {
    let response = &evidence.report.latency_us.response_time;
    let felt = |us: Option<u64>| us.is_some_and(|us| duration_below(stall.seconds() / 10.0, us));
    [
        ("p50", response.p50),
        ("p90", response.p90),
        ("p95", response.p95),
        ("p99", response.p99),
        ("p99.9", response.p999),
        ("p99.99", response.p9999),
    ]
    .into_iter()
    .find(|(_, us)| felt(*us))
    .map(|(name, _)| name)
}

fn duration_below(seconds: f64, us: u64) -> bool {
    let span = as_f64(us) / 1e6;
    seconds <= span
}

/// Whose fault it is, where lateness says so, and what was noted at the time.
fn cause(evidence: &Evidence, from_s: f64, until_s: f64) -> String {
    let within = |at_s: f64| at_s > from_s && at_s <= until_s;
    let late = evidence.rows.iter().filter(|row| within(row.at_s)).filter_map(|row| row.lateness_p99_us).max();
    let innocent = late.filter(|late| *late < LATENESS_US);
    let side = innocent.map_or_else(String::new, |late| {
        let stayed = duration_us(late);
        format!("; lateness stayed at {stayed}, so the broker side is the cause{}", or_here(evidence, from_s, until_s))
    });
    let mark = evidence.mark(from_s, until_s).map_or_else(String::new, |mark| format!(" ({mark})"));
    format!("{side}{mark}")
}

/// Where this machine was short of processors too, nothing here can tell the two apart.
fn or_here(evidence: &Evidence, from_s: f64, until_s: f64) -> String {
    evidence.shortage(from_s, until_s).map_or_else(String::new, |short| format!(", or this machine: {short}"))
}

/// One partition was silent while the others went on.
pub(super) fn partition_silent(evidence: &Evidence) -> Option<String> {
    if !evidence.stalls.is_empty() {
        return None;
    }
    // A gap has no time of its own: where this process was late for as long, or did not run, it may be its own silence.
    let late = evidence.report.latency_us.lateness.as_ref().and_then(|lateness| lateness.max).unwrap_or(0);
    let absent = evidence.report.process.as_ref().map_or(0.0, |process| process.longest_hiccup_s);
    let partitions = &evidence.report.partitions;
    let worst = partitions.iter().max_by_key(|partition| partition.longest_ack_gap_us)?;
    let next = partitions
        .iter()
        .filter(|partition| (&partition.topic, partition.partition) != (&worst.topic, worst.partition))
        .map(|partition| partition.longest_ack_gap_us)
        .max()?;
    let own = late * 2 >= worst.longest_ack_gap_us || !duration_below(absent * 2.0, worst.longest_ack_gap_us);
    (worst.longest_ack_gap_us >= SILENCE_US && next * 4 <= worst.longest_ack_gap_us && !own).then(|| {
        format!(
            "partition {} was not acked for {} while the others went on (at most {}): look at its leader",
            worst.partition,
            duration_us(worst.longest_ack_gap_us),
            duration_us(next)
        )
    })
}

/// Response time rose for some seconds, and one part of it rose with it.
pub(super) fn latency_rose(evidence: &Evidence) -> Option<String> {
    let (episode, peak, usual) = evidence.rise(|row| row.response_p99_us)?;
    let rise = peak - usual;
    let late = episode.most(|row| row.lateness_p99_us);
    let slip = episode.most(|row| row.slip_p99_us);
    let capped = episode.most(|row| row.capped_p99_us);
    let service = episode.most(|row| row.service_p99_us);
    let mark = evidence.mark(episode.from_s, episode.until_s);
    let part = if late * 10 <= rise && slip * 10 <= rise && service * 2 >= peak {
        let (stayed, or_here) = (duration_us(slip), or_here(evidence, episode.from_s, episode.until_s));
        format!("service time rose with it and slip stayed at {stayed}, so the broker side is the cause{or_here}")
    } else if late * 2 >= rise {
        let short = evidence.shortage(episode.from_s, episode.until_s);
        let short = short.map_or_else(String::new, |short| format!(": {short}"));
        format!("lateness rose with it to {}, so this machine is the cause{short}", duration_us(late))
    } else if capped * 2 >= rise {
        "the wait was for the ceiling: more was due than --max-rate lets through".to_owned()
    } else if late * 10 <= rise && slip * 2 >= rise {
        "the wait was for room in the client's queue: acks came slower than events were due".to_owned()
    } else {
        return None;
    };
    let when = mark.map_or_else(String::new, |mark| format!(" ({mark})"));
    Some(format!(
        "response p99 rose from {} to {} from {} to {}{when}: {part}",
        duration_us(usual),
        duration_us(peak),
        clock(episode.from_s),
        clock(episode.until_s),
    ))
}

/// Lanes waited for room in the client's queue.
pub(super) fn queue_full(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let waited = report.offered.client_blocked_s;
    let lanes = f64::from(report.run.lanes.max(1));
    if report.run.measured_s <= 0.0 || waited / lanes / report.run.measured_s < 0.01 || !evidence.stalls.is_empty() {
        return None;
    }
    let room = report.environment.client_config.get("queue.buffering.max.messages");
    let room = room.map_or_else(String::new, |room| format!(" of {room} messages"));
    let blocked = report.latency_us.blocked.as_ref().and_then(|blocked| blocked.p99);
    let felt = blocked.map_or_else(String::new, |blocked| format!(", blocked p99 {}", duration_us(blocked)));
    Some(format!(
        "the client's queue{room} was full for {} in all{felt}: acks came slower than events were due",
        span_s(waited)
    ))
}

/// The ceiling held events back.
pub(super) fn capped(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let waited = report.offered.capped_s;
    let lanes = f64::from(report.run.lanes.max(1));
    if report.run.measured_s <= 0.0 || waited / lanes / report.run.measured_s < 0.01 {
        return None;
    }
    let capped = report.latency_us.capped.as_ref().and_then(|capped| capped.p99);
    let felt = capped.map_or_else(String::new, |capped| format!(", capped p99 {}", duration_us(capped)));
    Some(format!(
        "more was due than the ceiling (--max-rate) lets through: it held lanes back for {} in all{felt}",
        span_s(waited)
    ))
}

/// The reading side fell behind while acks came as usual.
pub(super) fn reading_behind(evidence: &Evidence) -> Option<String> {
    let (episode, peak, usual) = evidence.rise(|row| row.end_to_end_p99_us)?;
    let response = episode.most(|row| row.response_p99_us);
    let lag = episode.rows.iter().filter_map(|row| row.unread).max()?;
    let acked = episode.rows.iter().map(|row| row.acked).max()?;
    let behind = ratio(lag, acked).is_some_and(|share| share >= LAG_SHARE);
    (response * 4 <= peak && behind).then(|| {
        format!(
            "end-to-end p99 rose from {} to {} from {} to {} with a lag of {} while response p99 stayed at {}: the \
             reading side is the cause",
            duration_us(usual),
            duration_us(peak),
            clock(episode.from_s),
            clock(episode.until_s),
            counted(lag, "event"),
            duration_us(response),
        )
    })
}

/// A quantile that is only a bound, as events without an answer are among its samples.
pub(super) fn censored_tail(evidence: &Evidence) -> Option<String> {
    let latency = &evidence.report.latency_us;
    let named = [("response", Some(&latency.response_time)), ("end-to-end", latency.end_to_end.as_ref())];
    named.into_iter().find_map(|(name, summary)| {
        let summary = summary?;
        let (quantile, bound) = bounded_quantile(summary)?;
        Some(format!(
            "{name} {quantile} is at least {}: {} without an answer, counted as long as they were waited for",
            duration_us(bound),
            counted(summary.censored, "event"),
        ))
    })
}

fn bounded_quantile(summary: &LatencySummary) -> Option<(&'static str, u64)> {
    let from = summary.censored_from.filter(|_| summary.censored > 0)?;
    [
        ("p50", summary.p50),
        ("p90", summary.p90),
        ("p95", summary.p95),
        ("p99", summary.p99),
        ("p99.9", summary.p999),
        ("p99.99", summary.p9999),
    ]
    .into_iter()
    .find_map(|(name, us)| us.filter(|us| *us >= from).map(|us| (name, us)))
}

/// One partition got much more than its share.
pub(super) fn partition_skew(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let partitions = &report.partitions;
    let acked: u64 = partitions.iter().map(|partition| partition.acked).sum();
    let hot = partitions.iter().max_by_key(|partition| partition.acked)?;
    let share = ratio(hot.acked, acked)?;
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let skew = share * partitions.len() as f64;
    if partitions.len() < 2 || skew < SKEW || acked < 1_000 {
        return None;
    }
    let key = report.hot_keys.first().filter(|key| key.share_percent >= 50.0 * share);
    let key = key.map_or_else(String::new, |key| format!("; one key alone makes {} %", percent(key.share_percent)));
    Some(format!(
        "partition {} got {} times the mean ({} % of all acks): keys, not brokers, decide where the load goes{key}",
        hot.partition,
        number(skew, 2),
        percent(share * 100.0),
    ))
}

/// The embedded broker's small log held the lanes back.
pub(super) fn flow_control(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let held = report.offered.flow_control_s;
    let lanes = f64::from(report.run.lanes.max(1));
    (report.run.measured_s > 0.0 && held / lanes / report.run.measured_s >= 0.05).then(|| {
        format!(
            "lanes held back for {} in all for the embedded broker's small log: a real Kafka would not ask for it",
            span_s(held)
        )
    })
}

/// Most of the service time is the client's own wait for a fuller batch.
pub(super) fn linger(evidence: &Evidence) -> Option<String> {
    let report = evidence.report;
    let linger_ms: f64 = report.environment.client_config.get("linger.ms")?.parse().ok()?;
    let service = report.latency_us.service_time.p50?;
    let partitions: i32 = report.environment.topics.iter().map(|topic| topic.partitions).sum();
    let per_batch = report.offered.achieved_rate_per_s * linger_ms / 1e3 / f64::from(partitions.max(1));
    let share = linger_ms * 1e3 / as_f64(service);
    (linger_ms >= 1.0 && (0.6..=1.5).contains(&share) && per_batch < 20.0).then(|| {
        format!("service p50 of {} is mostly the client's linger.ms={}", duration_us(service), trimmed(linger_ms, 1))
    })
}
