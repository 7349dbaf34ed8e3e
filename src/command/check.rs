//! `check`: is this scenario usable, what does it plan, and can this machine plausibly do it?

mod calibration;
mod examples;

use std::fmt::Write as _;

use serde::Serialize;

use super::dry_run::{self, forecast};
use super::planned_faults::{self, PlannedFault};
use super::planned_load::{self, load, schedule};
use super::{Done, Failure, formats, planned_gates};
use crate::alert::Alert;
use crate::cli::check::CheckArgs;
use crate::clock::Nanos;
use crate::dataset::preview::Preview;
use crate::figures::{self, as_f64, whole};
use crate::report::processors;
use crate::scenario::plan::Plan;
use crate::scenario::{Environment, RunRequest, resolve};
use crate::schedule::{Schedule, chart};
use crate::settings::outcome::Output;
use crate::source::Source;
use crate::verdict::ExitCode;
use calibration::Calibration;
use examples::{Example, examples};

/// Columns and lines of the picture.
const CHART: (usize, usize) = (90, 12);
/// The client and the verifier need processor time too: a plan above this part of what the generator reaches alone is unlikely
/// to be kept.
const COMFORT: f64 = 0.5;

/// Whether this machine can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Plausible {
    /// The peak is well below what the generator reaches.
    Yes,
    /// It is below, but the client and the verifier need room as well.
    Doubtful,
    /// It is above.
    No,
    /// There is no planned rate to compare with.
    NoRate,
}

impl Plausible {
    fn of(peak: Option<f64>, reached: f64) -> Self {
        match peak {
            None => Self::NoRate,
            Some(peak) if peak > reached => Self::No,
            Some(peak) if peak > reached * COMFORT => Self::Doubtful,
            Some(_) => Self::Yes,
        }
    }
}

/// What was found out.
#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    events: Option<u64>,
    duration_s: Option<f64>,
    peak_per_s: Option<f64>,
    /// Of keys and bodies; estimated from the events of the calibration.
    bytes: Option<u64>,
    bytes_each: f64,
    lanes: u16,
    gates: usize,
    /// Who is told of what, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<String>,
    /// What the generator reaches with nothing behind it, events per second.
    calibration_per_s: f64,
    /// The processors that a quota allows this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_quota: Option<f64>,
    plausible: Plausible,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<PlannedFault>,
    /// What is expected downstream, each in a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expectations: Vec<String>,
    warnings: Vec<String>,
    /// One event of each type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<Example>,
    #[serde(skip)]
    picture: String,
}

pub(super) fn check(args: CheckArgs, environment: &Environment) -> Result<Done, Failure> {
    let mut options = args.options;
    // Nothing is run, so nothing has to be allowed.
    options.limits.dry_run = Some(true);
    let wanted = args.scenario.map_or(RunRequest::Synthetic, RunRequest::Scenario);
    let mut resolved = resolve(&wanted, options, environment)?;
    if resolved.dump {
        return Ok(Done::told(resolved.client.dump()));
    }
    formats::unasked(&mut resolved.plan)?;
    let plan = &resolved.plan;
    let source = load(plan)?;
    let schedule = schedule(plan, &source)?;
    let calibration = Calibration::make(plan, &source)?;
    let checked = Checked::new(plan, &source, &schedule, calibration, resolved.warnings)?;
    let output = match plan.presentation.output {
        Output::Text => checked.text(),
        Output::Json => serde_json::to_string_pretty(&checked)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?,
    };
    Ok(Done::told(output))
}

impl Checked {
    fn new(
        plan: &Plan,
        source: &Source,
        schedule: &Schedule,
        calibration: Calibration,
        warnings: Vec<String>,
    ) -> Result<Self, Failure> {
        let Calibration { per_s, cpu_quota, bytes_each } = calibration;
        let (events, duration_s, peak_per_s, picture) = match source {
            Source::Recorded(recorded) => {
                let ends = planned_load::ends(source, schedule).map(Nanos::as_secs_f64);
                let events = planned_load::planned(plan, schedule, source);
                (events, ends, schedule.peak(), dry_run::recorded(plan, recorded, schedule))
            }
            Source::Synthetic(_) | Source::Own(_) | Source::Mirrored(_) | Source::Web(_) => {
                let duration_s = schedule.ends_at().map(Nanos::as_secs_f64);
                (schedule.count(), duration_s, schedule.peak(), chart::chart(schedule, CHART.0, CHART.1))
            }
            Source::RetailRocket(recording) => {
                let forecast = forecast(plan, recording, schedule)?;
                let preview = Preview { facts: recording.facts(), forecast: &forecast }.to_string();
                let peak = forecast.peak_1s_per_s.or(schedule.peak());
                (forecast.events, forecast.wall_ns.map(Nanos::as_secs_f64), peak, preview)
            }
        };
        Ok(Self {
            name: plan.run.name.clone(),
            events,
            duration_s,
            peak_per_s,
            bytes: events.map(|events| whole(bytes_each * as_f64(events))),
            bytes_each,
            lanes: plan.run.lanes.count,
            gates: plan.gates.gates.len(),
            alerts: plan.alerts.iter().map(Alert::sentence).collect(),
            calibration_per_s: per_s,
            cpu_quota,
            plausible: Plausible::of(peak_per_s, per_s),
            faults: planned_faults::of(plan, schedule),
            expectations: (plan.run.downstream.expectations.iter())
                .map(|expected| format!("{}: {expected}", expected.name))
                .collect(),
            warnings: warnings
                .into_iter()
                .chain(planned_faults::permission(plan).map(ToOwned::to_owned))
                .chain(planned_gates::undecidable(plan, schedule, source))
                .collect(),
            examples: examples(plan, source)?,
            picture,
        })
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        self.write(&mut out).unwrap_or_default();
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "VALID  scenario \"{}\"\n", self.name)?;
        for line in self.picture.lines() {
            writeln!(out, " {line}")?;
        }
        let events =
            self.events.map_or_else(|| "endless events".to_owned(), |events| figures::counted(events, "event"));
        let lasts = self.duration_s.map_or_else(|| "without an end in time".to_owned(), figures::span_s);
        let peak = self.peak_per_s.map_or_else(|| "as fast as it goes".to_owned(), figures::rate);
        writeln!(out, "\n plans       {events}, {lasts}, at most {peak}")?;
        let all = self.bytes.map_or_else(String::new, |bytes| format!("{}, ", figures::bytes(bytes)));
        let peak = self
            .peak_per_s
            .map_or_else(String::new, |peak| format!(", at most {}/s", figures::bytes(whole(peak * self.bytes_each))));
        writeln!(out, " bytes       {all}{} an event{peak}", figures::bytes(whole(self.bytes_each)))?;
        writeln!(out, " gates       {}", self.gates)?;
        for alert in &self.alerts {
            writeln!(out, " alert       {alert}")?;
        }
        for example in &self.examples {
            write!(out, "{example}")?;
        }
        if let Some(quota) = self.cpu_quota {
            let quota = processors(quota);
            writeln!(
                out,
                " quota       {quota}, by this process's control group; the rate below is what lasts under it"
            )?;
        }
        for fault in &self.faults {
            writeln!(out, " fault       {}", fault.sentence())?;
        }
        for expectation in &self.expectations {
            writeln!(out, " expects     {expectation}")?;
        }
        for warning in &self.warnings {
            writeln!(out, " warning     {warning}")?;
        }
        writeln!(out, "\n{}", self.answer())
    }

    /// Whether this machine can do it, in one sentence that a ticket can quote.
    fn answer(&self) -> String {
        let reached = format!(
            "{} with {} and nothing behind",
            figures::rate(self.calibration_per_s),
            figures::counted(self.lanes.into(), "lane")
        );
        let peak = self.peak_per_s.map_or_else(String::new, figures::rate);
        match self.plausible {
            Plausible::Yes => format!("PLAUSIBLE  this machine generates {reached}; the plan needs {peak} at most."),
            Plausible::Doubtful => format!(
                "DOUBTFUL  this machine generates {reached}; the plan needs {peak}, and the Kafka client and the verifier need \
                 processor time too. loadgen capacity finds out."
            ),
            Plausible::No => format!(
                "NOT PLAUSIBLE  this machine generates {reached}; the plan needs {peak}. More --lanes help where cores are \
                 free, else --shard divides the run among machines."
            ),
            Plausible::NoRate => {
                format!("NO RATE  nothing is planned to compare with; this machine generates {reached}.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_plausible_with_room_for_the_client_and_not_above_what_the_generator_reaches() {
        for (peak, plausible) in [
            (Some(1_000.0), Plausible::Yes),
            (Some(50_000.0), Plausible::Yes),
            (Some(50_001.0), Plausible::Doubtful),
            (Some(100_000.0), Plausible::Doubtful),
            (Some(100_001.0), Plausible::No),
            (None, Plausible::NoRate),
        ] {
            assert_eq!(Plausible::of(peak, 100_000.0), plausible, "{peak:?}");
        }
    }
}
