//! A capacity search for a terminal: the interval, what set it, and every probe.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::capacity::record::{Record, Searched};
use crate::capacity::usl::Usl;
use crate::capacity::{Answer, CapacityReport, End, Left, Probe, ProbeVerdict};
use crate::figures::{self, as_f64};
use crate::report::processors;
use crate::width::{self, FULL, hanging};

/// Columns of the bar that shows how 99 % of response time rises with the rate.
const BAR: usize = 8;

/// Fewer columns than these have no room for a backlog: where one grows, the reason of a failure says so.
const WITH_BACKLOG: usize = 68;

/// Fewer columns than these have no room for the quantile of a gate, which takes so many.
const WITH_GATED: usize = 79;
const GATED: usize = 10;

/// All of it in lines of at most `columns`, ending with a line break.
#[must_use]
pub fn render(record: &Record, columns: usize) -> String {
    let mut out = String::new();
    write(record, columns, &mut out).unwrap_or_default();
    out
}

fn write(record: &Record, columns: usize, out: &mut String) -> std::fmt::Result {
    for searched in &record.searches {
        writeln!(out, "{}", beside("", &headline(record, searched), columns))?;
    }
    if let (Some(varied), mut left) = (&record.varied, record.not_begun().peekable())
        && left.peek().is_some()
    {
        let left: Vec<String> = left.map(|number| number.to_string()).collect();
        writeln!(out, "CAPACITY  {varied} {}: not begun", left.join(", "))?;
    }
    writeln!(out)?;
    let embedded = if record.embedded { " (not Kafka: these figures are this client's only)" } else { "" };
    writeln!(out, "{}", beside(" target     ", &format!("{}{embedded}", record.target), columns))?;
    if let Some(quota) = record.cpu_quota {
        let quota = format!("{}, by its control group's quota", processors(quota));
        writeln!(out, "{}", beside(" generator  ", &quota, columns))?;
    }
    writeln!(out, "{}", beside(" probes     ", &probes(record), columns))?;
    let kept = format!("nothing lost, backlog not growing, generator healthy{}", and_gates(&record.gates));
    writeln!(out, "{}", beside(" kept       ", &kept, columns))?;
    if record.gates.is_empty() {
        writeln!(out, "            no --gate was given, so latency set no limit")?;
    }
    for searched in &record.searches {
        writeln!(out)?;
        if let (Some(varied), Some(number)) = (&record.varied, searched.number) {
            writeln!(out, " {varied} {number}")?;
        }
        table(&searched.found, columns, out)?;
    }
    match (&record.scaling, &record.varied) {
        (Some(scaling), Some(varied)) => write_scaling(scaling, varied, columns, out),
        _ => Ok(()),
    }
}

/// `text` behind `lead`, and below itself where it does not fit.
fn beside(lead: &str, text: &str, columns: usize) -> String {
    hanging(lead, text, if lead.is_empty() { "CAPACITY  ".len() } else { lead.len() }, columns)
}

/// How long each probe takes, and what comes before and after it.
pub(super) fn probes(record: &Record) -> String {
    let each = figures::span_s(record.probe_s);
    let settled = if record.settle_s > 0.0 {
        format!("after {} to settle", figures::span_s(record.settle_s))
    } else {
        "without settling".to_owned()
    };
    format!("{each} each, {settled}; drained in between")
}

fn and_gates(gates: &[String]) -> String {
    gates.iter().fold(String::new(), |mut text, gate| {
        text.push_str(", ");
        text.push_str(gate);
        text
    })
}

/// The answer in one sentence that a ticket can quote.
#[must_use]
pub fn headline(record: &Record, searched: &Searched) -> String {
    let of = match (&record.varied, searched.number) {
        (Some(varied), Some(number)) => format!("{varied} {number}: "),
        _ => String::new(),
    };
    format!("CAPACITY  {of}{}", sentence(&searched.found))
}

fn sentence(found: &CapacityReport) -> String {
    let low = |verb: &str| found.low.as_ref().map_or_else(|| "nothing passed".to_owned(), |low| passed(low, verb));
    let high = || found.high.as_ref().map_or_else(String::new, |high| format!("; {}", failed(high)));
    match found.answer {
        Answer::SystemLimit => {
            let (Some(from), Some(to), Some(width)) = (&found.low, &found.high, found.width_percent()) else {
                return low("passed");
            };
            format!(
                "{} … {} ({} wide): {}{}",
                figures::count(from.rate),
                figures::rate(as_f64(to.rate)),
                percent(width),
                passed(from, "passed"),
                format_args!(", {}", failed(to))
            )
        }
        Answer::GeneratorLimit => match &found.low {
            Some(low) => format!(
                "at least {}, where this generator was the limit, so the system's is not known{}",
                figures::rate(as_f64(low.rate)),
                high()
            ),
            None => format!(
                "this generator cannot offer the lowest rate tried, so nothing is known of the system{}",
                high()
            ),
        },
        Answer::AboveMax => format!("above what was allowed: {}", low("passed")),
        Answer::FailsAtLowest => format!("below the lowest rate tried{}", high()),
        Answer::Unevaluated => format!("not known: probes could not be judged; {}{}", low("passed"), high()),
        Answer::Unsteady => format!(
            "not known: this machine is noisier than the question, the generator gave out below rates that had passed; {}{}. \
             Less other load on this machine, a longer --probe, --pacing spin or a coarser --precision may help",
            low("passed"),
            high()
        ),
        Answer::OutOfTime => format!("not sure yet, the time was up: {}{}", low("passed"), high()),
        Answer::Interrupted => format!("not sure yet, it was stopped: {}{}", low("passed"), high()),
    }
}

fn percent(value: f64) -> String {
    format!("{} %", figures::trimmed(value, 2))
}

fn passed(end: &End, verb: &str) -> String {
    format!("{} {verb} {}", figures::rate(as_f64(end.rate)), times(end.probes))
}

/// That the system failed at the rate, or that the generator could not offer it: two different things.
fn failed(end: &End) -> String {
    let why = end.reasons.first().map_or_else(String::new, |reason| format!(": {reason}"));
    let (generator, system) = (end.generator, end.probes.saturating_sub(end.generator));
    let told = match (system, generator) {
        (system, 0) => format!("failed {}", times(system)),
        (0, generator) => format!("stopped the generator {}", times(generator)),
        (system, generator) => format!("failed {} and stopped the generator {}", times(system), times(generator)),
    };
    format!("{} {told}{why}", figures::rate(as_f64(end.rate)))
}

fn times(probes: u32) -> String {
    match probes {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

fn table(found: &CapacityReport, columns: usize, out: &mut String) -> std::fmt::Result {
    let p99s = || found.probes.iter().filter_map(|probe| probe.outcome.p99_us);
    let range = (columns >= FULL).then(|| (p99s().min().unwrap_or(1), p99s().max().unwrap_or(1)));
    let bar = if range.is_some() { format!("  {:BAR$}", "p99") } else { String::new() };
    let gated = gated(found).filter(|_| columns >= WITH_GATED);
    let (above, below) = gated.map_or(("", ""), |path| path.split_once('.').unwrap_or(("", path)));
    let above = match above {
        "end_to_end" => "end-to-end",
        "service_time" => "service",
        _ => "",
    };
    let of_gate = |text: &str| if gated.is_some() { format!(" {text:>GATED$}") } else { String::new() };
    writeln!(out, "{}", format!("{:27}{:>18}{}", "", "response time", of_gate(above)).trim_end())?;
    let backlog = if columns < WITH_BACKLOG { "" } else { " backlog/s" };
    writeln!(out, " probe    rate/s achieved/s      p50      p99{}{backlog}{bar}  result", of_gate(below))?;
    for (number, probe) in found.probes.iter().enumerate() {
        let value = gated.map(|path| time(probe.outcome.gated_us.get(path).copied()));
        row(number + 1, probe, (&value.map_or_else(String::new, |value| of_gate(&value)), range), columns, out)?;
    }
    if let Some(knee) = found.knee {
        let (rate, p99) = (figures::rate(knee.rate), figures::duration_s(knee.p99_us / 1e6));
        let knee = format!("latency leaves its plateau near {rate}, where p99 of response time is {p99}");
        writeln!(out, "{}", beside("  knee        ", &knee, columns))?;
    }
    for contradiction in &found.contradictions {
        writeln!(out, "{}", beside("  but         ", contradiction, columns))?;
    }
    writeln!(out, "  took        {} of probes", figures::span_s(found.took_s.round()))
}

/// The quantile that decides beside those that are always shown: of several, the first.
pub(super) fn gated(found: &CapacityReport) -> Option<&str> {
    found.probes.iter().find_map(|probe| probe.outcome.gated_us.keys().next()).map(String::as_str)
}

/// A probe, with its cell of the gate and the range of the bars.
fn row(
    number: usize,
    probe: &Probe,
    (gated, p99s): (&str, Option<(u64, u64)>),
    columns: usize,
    out: &mut String,
) -> std::fmt::Result {
    let outcome = &probe.outcome;
    let bar = p99s.map_or_else(String::new, |range| {
        let bar = outcome.p99_us.map_or_else(String::new, |us| bar(us, range));
        format!("  {bar:BAR$}")
    });
    let backlog = if columns < WITH_BACKLOG { String::new() } else { format!(" {:>9}", self::backlog(probe)) };
    let decimals = usize::from(outcome.achieved_per_s < 100_000.0);
    let cells = format!(
        "{number:>6} {:>9} {:>10} {:>8} {:>8}{gated}{backlog}{bar}  {}",
        figures::count(probe.rate),
        figures::number(outcome.achieved_per_s, decimals),
        time(outcome.p50_us),
        time(outcome.p99_us),
        word(outcome.verdict),
    );
    with_reasons(&cells, probe, columns, out)
}

fn time(us: Option<u64>) -> String {
    us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us)
}

/// How fast the backlog grew: of the two, the one that grows faster.
fn backlog(probe: &Probe) -> String {
    let slopes = [probe.outcome.outstanding, probe.outcome.unread].into_iter().flatten();
    let slope = slopes.max_by(|one, other| one.per_s.total_cmp(&other.per_s));
    slope.map_or_else(
        || figures::NONE.to_owned(),
        |slope| if slope.per_s.abs() < 0.5 { "0".to_owned() } else { format!("{:+.0}", slope.per_s) },
    )
}

/// The cells of a probe with why it did not pass: behind them, or below where there is no room.
fn with_reasons(cells: &str, probe: &Probe, columns: usize, out: &mut String) -> std::fmt::Result {
    let reasons = probe.outcome.reasons.join("; ");
    if reasons.is_empty() {
        return writeln!(out, "{cells}");
    }
    let whole = format!("{cells}: {reasons}");
    if whole.width() <= columns {
        return writeln!(out, "{whole}");
    }
    writeln!(out, "{cells}\n{}", hanging("        ", &reasons, 8, columns))
}

/// A probe that has just ended, in a row that stands for itself.
#[must_use]
pub fn ended(number: usize, probe: &Probe, columns: usize) -> String {
    let outcome = &probe.outcome;
    let backlog = if columns < WITH_GATED { String::new() } else { format!("  backlog {:>4}/s", self::backlog(probe)) };
    let cells = format!(
        " probe {number:>2} {:>10}  response p50 {:>7}  p99 {:>7}{backlog}  {}",
        figures::rate(as_f64(probe.rate)),
        time(outcome.p50_us),
        time(outcome.p99_us),
        word(outcome.verdict),
    );
    let mut out = String::new();
    with_reasons(&cells, probe, columns, &mut out).unwrap_or_default();
    width::fit(out.trim_end_matches('\n'), columns)
}

/// How much of a search is probably left.
#[must_use]
pub fn left(left: &Left) -> String {
    let (about, probes) =
        (if left.at_least { "at least" } else { "about" }, u64::try_from(left.probes).unwrap_or(u64::MAX));
    format!("{about} {} to go, {}", figures::counted(probes, "probe"), figures::span_s(left.takes_s.round()))
}

/// The result of a probe in a word.
#[must_use]
pub const fn word(verdict: ProbeVerdict) -> &'static str {
    match verdict {
        ProbeVerdict::Passed => "passed",
        ProbeVerdict::Failed => "FAILED",
        ProbeVerdict::GeneratorLimit => "GENERATOR",
        ProbeVerdict::Unevaluated => "UNEVALUATED",
    }
}

/// Longer by the logarithm: latencies at a limit differ by powers of ten.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a bar of a few columns"
)]
fn bar(us: u64, (least, most): (u64, u64)) -> String {
    let log = |us: u64| as_f64(us.max(1)).log10();
    let span = log(most) - log(least);
    let share = if span > 0.0 { (log(us) - log(least)) / span } else { 0.0 };
    "█".repeat(1 + (share * (BAR - 1) as f64).round() as usize)
}

fn write_scaling(scaling: &Usl, varied: &str, columns: usize, out: &mut String) -> std::fmt::Result {
    let law = format!(
        "Universal Scalability Law over {varied}: one alone {}, contention {}, coherency {}; {} off on average",
        figures::rate(scaling.single.value),
        percent(scaling.contention.value * 100.0),
        percent(scaling.coherency.value * 100.0),
        percent(scaling.residual * 100.0)
    );
    writeln!(out, "\n{}", beside(" scaling    ", &law, columns))?;
    match (scaling.peak_at, scaling.highest) {
        (Some(at), Some(highest)) => {
            let peak = figures::trimmed(at, 1);
            writeln!(out, "            highest with {peak} {varied}: {}", figures::rate(highest))
        }
        (None, Some(highest)) => writeln!(out, "            never above {}", figures::rate(highest)),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(in crate::output::capacity) mod tests;
