//! Was the generator the limit? Five checks on the run's own figures; where one fails, the run is not valid.
//!
//! | check | fails where | reason for the threshold |
//! |---|---|---|
//! | `generator_on_time` | lateness p99 above 5 ms | An idle core wakes a sleeping lane within 1.5 ms. At 5 ms the generator adds more than a healthy broker takes. |
//! | `generator_kept_rate` | less than 99 % of the planned rate was offered, and waiting for the cluster explains less than half of the missing time | 1 % is ten times the pacing's tolerance. A lane that waits for room in the client's queue offers less for the cluster's sake; that is the cluster's figure, not ours. |
//! | `generator_had_cpu` | this process used 95 % or more of all its processors in more than one second out of ten, under a planned rate | Without idle time every event waits for a processor first, acks and reads too, which lateness does not show. |
//! | `client_queue_had_room` | in more than one second out of twenty (and in two at least) events waited 5 ms or more for room in the client's queue although 99 % of the acks in that second came within 50 ms | Acks that prompt would have emptied a queue of the default size: it is too small for this rate, or the client too slow. |
//! | `histograms_in_range` | a sample lay above a histogram's range | It was recorded at the range's end: the upper quantiles are too small. |

use super::{
    builtin::BuiltIn,
    evaluate::Validity,
    metric::{Kind, Quantile},
    reading::full_rows,
};
use crate::figures::{self, as_f64, counted, duration_us, rate};
use crate::report::{GateOutcome, LatencySummary, RunReport, TimelineRow, processors};

/// The thresholds of the checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Highest lateness p99, in us.
    pub lateness_p99_us: u64,
    /// Lowest share of the planned rate, in percent.
    pub achieved_percent: f64,
    /// Share of all processors from which on a second counts as starved, in percent.
    pub starved_percent: f64,
    /// Share of starved seconds that is still healthy, in percent.
    pub starved_seconds_percent: f64,
    /// Wait for room in the client's queue from which on a second counts as blocked, in us.
    pub blocked_us: u64,
    /// Service time p99 up to which the broker acks promptly, in us.
    pub prompt_service_us: u64,
    /// Share of seconds blocked despite prompt acks that is still healthy, in percent.
    pub blocked_seconds_percent: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lateness_p99_us: 5_000,
            achieved_percent: 99.0,
            starved_percent: 95.0,
            starved_seconds_percent: 10.0,
            blocked_us: 5_000,
            prompt_service_us: 50_000,
            blocked_seconds_percent: 5.0,
        }
    }
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which check.
    pub check: BuiltIn,
    /// What it asked, written like a rule.
    pub rule: String,
    /// How it ended.
    pub outcome: GateOutcome,
    /// The figure it looked at.
    pub value: Option<f64>,
    /// What was found, in words; `None` for a pass.
    pub reason: Option<String>,
}

impl Finding {
    const fn pass(check: BuiltIn, rule: String, value: f64) -> Self {
        Self { check, rule, outcome: GateOutcome::Pass, value: Some(value), reason: None }
    }

    const fn fail(check: BuiltIn, rule: String, value: f64, reason: String) -> Self {
        Self { check, rule, outcome: GateOutcome::Fail, value: Some(value), reason: Some(reason) }
    }

    const fn unevaluated(check: BuiltIn, rule: String, reason: String) -> Self {
        Self { check, rule, outcome: GateOutcome::Unevaluated, value: None, reason: Some(reason) }
    }
}

/// The checks that apply to a run. A check without its figures (a rate `unlimited` has no lateness) is left out.
#[must_use]
pub fn checks(report: &RunReport, limits: &Limits) -> Vec<Finding> {
    if report.is_alone() {
        // Nothing was generated here.
        return Vec::new();
    }
    if report.ledger.scheduled == 0 {
        let open =
            |check: BuiltIn| Finding::unevaluated(check, rule(check, limits), "nothing was scheduled".to_owned());
        return BuiltIn::HEALTH.map(open).to_vec();
    }
    let found = [
        report.latency_us.lateness.map(|lateness| on_time(&lateness, limits)),
        report.offered.achieved_percent.map(|achieved| kept_rate(report, achieved, limits)),
        had_cpu(report, limits),
        had_room(report, limits),
        Some(in_range(report, limits)),
    ];
    let mut found: Vec<Finding> = found.into_iter().flatten().collect();
    // One cause is enough for all three of them, so it is told once.
    let of_time = [BuiltIn::GeneratorOnTime, BuiltIn::GeneratorKeptRate, BuiltIn::GeneratorHadCpu];
    let failed = |finding: &&mut Finding| finding.outcome == GateOutcome::Fail && of_time.contains(&finding.check);
    if let (Some(first), Some(why)) = (found.iter_mut().find(failed), kept_from_running(report)) {
        first.reason = first.reason.take().map(|reason| format!("{reason} ({why})"));
    }
    found
}

/// What kept this process from running, in words; `None` where nothing is known to have.
fn kept_from_running(report: &RunReport) -> Option<String> {
    let process = report.process.as_ref()?;
    let told = [process.hiccup_sentence(), process.throttled_sentence(&report.environment)];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What may help where these checks failed, in one sentence.
#[must_use]
pub fn way_on(failed: &[BuiltIn], report: &RunReport) -> Option<String> {
    let has = |check: BuiltIn| failed.contains(&check);
    let throttled =
        report.process.as_ref().and_then(|process| process.throttled_s).is_some_and(|seconds| seconds > 0.0);
    let of_time = has(BuiltIn::GeneratorOnTime) || has(BuiltIn::GeneratorKeptRate) || has(BuiltIn::GeneratorHadCpu);
    let mut helps = Vec::new();
    if throttled && of_time {
        helps.push("a higher CPU quota".to_owned());
    }
    if of_time {
        helps.push("less other load on this machine".to_owned());
    }
    if has(BuiltIn::GeneratorOnTime) {
        helps.push("--pacing spin, where a core is free".to_owned());
    }
    if has(BuiltIn::GeneratorKeptRate) || has(BuiltIn::GeneratorHadCpu) {
        helps.push("more --lanes, or --shard over several machines".to_owned());
    }
    let off: Vec<String> = failed.iter().map(|check| format!("--gate-off {check}")).collect();
    helps.push(format!("{} judges the figures as they are", off.join(" ")));
    (!failed.is_empty()).then(|| format!("what may help: {}", helps.join("; ")))
}

/// What a check asks, written like a rule.
fn rule(check: BuiltIn, limits: &Limits) -> String {
    match check {
        BuiltIn::GeneratorOnTime => lateness_rule("p99", limits),
        BuiltIn::GeneratorKeptRate => format!("offered.achieved >= {}%", limits.achieved_percent),
        BuiltIn::GeneratorHadCpu => format!("starved seconds <= {}%", limits.starved_seconds_percent),
        BuiltIn::ClientQueueHadRoom => {
            format!("seconds blocked despite prompt acks <= {}%", limits.blocked_seconds_percent)
        }
        _ => "samples above range == 0".to_owned(),
    }
}

fn lateness_rule(quantile: &str, limits: &Limits) -> String {
    let limit = limits.lateness_p99_us;
    let limit = if limit.is_multiple_of(1_000) { format!("{}ms", limit / 1_000) } else { format!("{limit}us") };
    format!("lateness.{quantile} <= {limit}")
}

/// Whether the run's figures say anything about the cluster, by the checks that are not in `off`.
#[must_use]
pub fn validity(report: &RunReport, limits: &Limits, off: impl Fn(BuiltIn) -> bool) -> Validity {
    let failed: Vec<String> = checks(report, limits)
        .into_iter()
        .filter(|finding| finding.outcome == GateOutcome::Fail && !off(finding.check))
        .filter_map(|finding| finding.reason)
        .collect();
    if failed.is_empty() { Validity::Valid } else { Validity::Invalid(failed.join("; ")) }
}

/// Judged by p99, in a short run by the highest quantile that exists. Where even the largest sample is within the limit, every
/// quantile is.
fn on_time(lateness: &LatencySummary, limits: &Limits) -> Finding {
    let check = BuiltIn::GeneratorOnTime;
    let limit = limits.lateness_p99_us;
    let highest = Quantile::ALL.into_iter().rev().filter(|quantile| *quantile <= Quantile::P99);
    let judged = highest
        .filter(|quantile| lateness.count >= quantile.samples_needed())
        .find_map(|quantile| quantile.of(lateness).map(|value| (quantile.as_str(), value)));
    match (judged, lateness.max) {
        (Some((name, value)), _) if value <= limit => Finding::pass(check, lateness_rule(name, limits), as_f64(value)),
        (Some((name, value)), _) => {
            let reason = format!(
                "events were sent late: lateness {name} {}, at most {} is healthy",
                duration_us(value),
                duration_us(limit)
            );
            Finding::fail(check, lateness_rule(name, limits), as_f64(value), reason)
        }
        (None, Some(max)) if max <= limit => Finding::pass(check, lateness_rule("max", limits), as_f64(max)),
        (None, _) => {
            let reason = format!("{} of lateness are too few", counted(lateness.count, "sample"));
            Finding::unevaluated(check, rule(check, limits), reason)
        }
    }
}

fn kept_rate(report: &RunReport, achieved: f64, limits: &Limits) -> Finding {
    let check = BuiltIn::GeneratorKeptRate;
    let rule = rule(check, limits);
    let offered = &report.offered;
    let missing_s = report.run.measured_s * f64::from(report.run.lanes.max(1)) * (1.0 - achieved / 100.0);
    let transactions_s = report.transactions.as_ref().map_or(0.0, |transactions| transactions.waited_s);
    let waited_s = offered.client_blocked_s + transactions_s;
    if achieved >= limits.achieved_percent || waited_s >= missing_s / 2.0 {
        return Finding::pass(check, rule, achieved);
    }
    let planned = offered.rate_per_s.map_or_else(String::new, |planned| format!(" of {}", rate(planned)));
    let held_back = if offered.capped_s >= missing_s / 2.0 {
        ", the rest held back by its ceiling (--max-rate)"
    } else if offered.flow_control_s >= missing_s / 2.0 {
        ", held back for the verifier by the embedded broker's small log"
    } else {
        ""
    };
    let reason = format!("it offered {}{planned}{held_back}", rate(offered.achieved_rate_per_s));
    Finding::fail(check, rule, achieved, reason)
}

fn had_cpu(report: &RunReport, limits: &Limits) -> Option<Finding> {
    let check = BuiltIn::GeneratorHadCpu;
    report.offered.rate_per_s?;
    let cores = as_f64(u64::try_from(report.environment.cores).ok()?.max(1));
    let allowed = report.environment.cpu_quota.map_or(cores, |quota| quota.min(cores));
    let used = |row: &TimelineRow, length: f64| row.cpu_ms.map(|ms| as_f64(ms) / (length * 10.0 * allowed));
    let percents: Vec<f64> = full_rows(report).filter_map(|(row, length)| used(row, length)).collect();
    let (starved, share) = share_of(&percents, |percent| *percent >= limits.starved_percent)?;
    if share <= limits.starved_seconds_percent {
        return Some(Finding::pass(check, rule(check, limits), share));
    }
    let seconds = counted(u64::try_from(percents.len()).unwrap_or(u64::MAX), "second");
    let all = report.environment.cpu_quota.filter(|quota| *quota < cores);
    let all = all.map_or_else(
        || "all of its processors".to_owned(),
        |quota| format!("all of the {} that its quota allows", processors(quota)),
    );
    let reason = format!("this process used {all} in {} of {seconds}", figures::count(starved));
    Some(Finding::fail(check, rule(check, limits), share, reason))
}

/// The wait for room is slip less its other parts; all p99s of a second are of about the same events where a lane was blocked.
fn had_room(report: &RunReport, limits: &Limits) -> Option<Finding> {
    let check = BuiltIn::ClientQueueHadRoom;
    if report.transactions.is_some() {
        // Lanes wait at the end of each transaction, however promptly its events were acked: not for room.
        return None;
    }
    let wait = |row: &TimelineRow| {
        let others = row.lateness_p99_us?.saturating_add(row.capped_p99_us.unwrap_or(0));
        Some((row.slip_p99_us?.saturating_sub(others), row.service_p99_us?))
    };
    let seconds: Vec<(u64, u64)> = full_rows(report).filter_map(|(row, _)| wait(row)).collect();
    let blocked = |(wait, service): &(u64, u64)| *wait >= limits.blocked_us && *service <= limits.prompt_service_us;
    let (times, share) = share_of(&seconds, blocked)?;
    if share <= limits.blocked_seconds_percent || times < 2 {
        return Some(Finding::pass(check, rule(check, limits), share));
    }
    let reason = format!(
        "the client's queue was full in {} although the broker acked promptly \
         (queue.buffering.max.messages and .max.kbytes are too small for this rate, or it needs more lanes)",
        counted(times, "second"),
    );
    Some(Finding::fail(check, rule(check, limits), share, reason))
}

fn in_range(report: &RunReport, limits: &Limits) -> Finding {
    let check = BuiltIn::HistogramsInRange;
    let saturated = |kind: &Kind| kind.of(&report.latency_us).map_or(0, |summary| summary.saturated);
    let worst = Kind::ALL.into_iter().map(|kind| (saturated(&kind), kind)).max_by_key(|(samples, _)| *samples);
    match worst {
        Some((samples, kind)) if samples > 0 => {
            let reason = format!("{} of {} lay above the histogram's range", counted(samples, "sample"), kind.as_str());
            Finding::fail(check, rule(check, limits), as_f64(samples), reason)
        }
        _ => Finding::pass(check, rule(check, limits), 0.0),
    }
}

/// How many of `all` are `wanted`, and in percent; `None` of nothing.
fn share_of<T>(all: &[T], wanted: impl Fn(&T) -> bool) -> Option<(u64, f64)> {
    let (found, of) = (all.iter().filter(|one| wanted(one)).count(), u64::try_from(all.len()).ok()?);
    let found = u64::try_from(found).ok()?;
    (of > 0).then(|| (found, as_f64(found) * 100.0 / as_f64(of)))
}
