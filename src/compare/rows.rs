//! The comparison itself: which quantities can be judged, their draws, and a row for each.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::curves::curves;
use super::dependence::{block_length, dependence, mean, missed};
use super::inference::{Moved, common_reach, estimate, judge};
use super::quantity::{Point, Quantity};
use super::resample::{Pair, draw_runs, drawn, draws};
use super::sample::{Draw, Sampler};
use super::{
    Better, Change, Comparison, Difference, MIN_SECONDS, Method, NamedSeries, Options, Row, SideReport, Verdict,
};
use crate::figures::as_f64;

/// Fewer samples beyond a quantile than these, and it does not exist.
const MIN_BEYOND: f64 = 10.0;

/// Where the variance is more than so many times what blocks see of it, intervals rest on extrapolation.
const TOO_MUCH_MISSED: f64 = 1.5;

const TOO_PERSISTENT: &str = "Neighbouring seconds resemble each other for so long that these runs hold few independent \
                              ones: the intervals may be too narrow. Longer runs would tell.";

/// Both sides, ready to be drawn from.
struct Sides {
    base: Vec<Sampler>,
    new: Vec<Sampler>,
    seconds: usize,
}

/// What each second adds to the logarithm of NEW / BASE of a quantity that can be judged.
type Influence = Vec<f64>;

/// Compares runs that are known to be comparable and to hold at least one second each.
pub(super) fn comparison(
    mut base: Vec<NamedSeries>,
    mut new: Vec<NamedSeries>,
    warnings: Vec<Difference>,
    options: &Options,
) -> Comparison {
    let (base_report, new_report) = (side_report(&base), side_report(&new));
    let seconds = base.iter().chain(&new).map(|run| run.series.seconds.len()).min().unwrap_or(0);
    let mut notes = notes(&base, &new, seconds);
    for run in base.iter_mut().chain(&mut new) {
        run.series.truncate(seconds);
    }
    let samplers = |runs: &[NamedSeries]| runs.iter().map(|run| Sampler::new(&run.series)).collect();
    let mut sides = Sides { base: samplers(&base), new: samplers(&new), seconds };

    let wanted = if options.only.is_empty() { Quantity::all() } else { options.only.clone() };
    let wanted = wanted.into_iter().filter(|quantity| base.iter().chain(&new).any(|run| run.has(*quantity)));
    let verdicts: Vec<(Quantity, Result<Influence, String>)> = wanted
        .map(|quantity| {
            let refused = refusal(quantity, base.iter().chain(&new), seconds);
            (quantity, refused.map_or_else(|| sides.influence(quantity), Err))
        })
        .collect();

    let judged = verdicts.iter().filter_map(|(_, judged)| judged.as_ref().ok());
    let block = block_length(judged.map(|influence| dependence(influence)), seconds);
    let mut rng = StdRng::seed_from_u64(options.seed);
    let draws = draws(seconds, block, options.draws, &mut rng);
    let runs = draw_runs(base.len(), new.len(), options.draws, &mut rng);

    let mut rows = Vec::new();
    let mut pending = Vec::new();
    let mut deviations = Vec::new();
    let mut most_missed = 1.0_f64;
    for (quantity, judged) in verdicts {
        let mut row = sides.row(quantity, &base, &new);
        match judged.and_then(|influence| sides.draw(quantity, &draws).map(|pair| (influence, pair))) {
            Err(reason) => row.reason = Some(reason),
            Ok((influence, pair)) => {
                let missed = missed(&influence, dependence(&influence), block);
                most_missed = most_missed.max(missed);
                let within = pair.within();
                let estimate = estimate(&pair, &within, as_f64(seconds as u64) / as_f64(block as u64), missed);
                row.change_percent = Some(estimate.change.exp_m1() * 100.0);
                let several = base.len() + new.len() > 2;
                deviations.push(if several { pair.hierarchical(&runs) } else { within });
                pending.push((rows.len(), estimate));
            }
        }
        rows.push(row);
    }
    if most_missed > TOO_MUCH_MISSED {
        notes.push(TOO_PERSISTENT.to_owned());
    }
    let reach = common_reach(&deviations, options.confidence);
    for (index, estimate) in pending {
        let (change, moved) = judge(estimate, reach, options);
        rows[index].settle(change, moved);
    }
    Comparison {
        schema_version: 1,
        base: base_report,
        new: new_report,
        method: Method {
            confidence: options.confidence,
            margin: options.margin,
            draws: options.draws,
            seed: options.seed,
            seconds,
            block_s: block,
            reach,
        },
        verdict: overall(&rows),
        rows,
        warnings,
        notes,
        curves: curves(&base, &new),
    }
}

fn side_report(runs: &[NamedSeries]) -> SideReport {
    SideReport {
        runs: runs.iter().map(|run| run.name.clone()).collect(),
        seconds: runs.iter().map(|run| run.series.seconds.len()).collect(),
    }
}

fn notes(base: &[NamedSeries], new: &[NamedSeries], seconds: usize) -> Vec<String> {
    let mut notes = Vec::new();
    // Where nothing is judged, no interval is in need of explanation.
    if seconds >= MIN_SECONDS && base.len() == 1 && new.len() == 1 {
        notes.push(
            "One run a side: the intervals hold the noise within these two runs, not what differs from one run of the \
             same thing to the next. Several runs a side would tell."
                .to_owned(),
        );
    }
    if base.iter().chain(new).any(|run| run.series.seconds.len() > seconds) {
        notes.push(format!("The runs differ in length: the first {seconds} s of each are compared."));
    }
    notes
}

impl NamedSeries {
    /// Whether it recorded what `quantity` is computed of.
    fn has(&self, quantity: Quantity) -> bool {
        match quantity {
            Quantity::Latency(kind, _) => self.series.latencies.contains_key(&kind),
            Quantity::AchievedRate | Quantity::AckedRate => true,
            Quantity::CpuPerThousand => self.series.seconds.iter().all(|second| second.cpu_ms.is_some()),
        }
    }

    /// Samples beyond the quantile; without end for what is no quantile.
    fn beyond(&self, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Latency(_, Point::MaxPerSecond | Point::Max) => f64::INFINITY,
            Quantity::Latency(kind, point) => {
                let samples = self.series.latencies.get(&kind).map_or(0, super::series::Samples::total);
                as_f64(samples) * (1.0 - point.level())
            }
            _ => f64::INFINITY,
        }
    }

    /// Whether a value of this run is a lower bound.
    fn at_least(&self, quantity: Quantity, value: f64) -> bool {
        let Quantity::Latency(kind, _) = quantity else { return false };
        let from = self.series.latencies.get(&kind).and_then(|samples| samples.at_least_from);
        from.is_some_and(|from| value >= as_f64(from))
    }
}

/// Why a quantity is not judged; `None` where it is.
fn refusal<'a>(
    quantity: Quantity,
    runs: impl Iterator<Item = &'a NamedSeries> + Clone,
    seconds: usize,
) -> Option<String> {
    if let Some(run) = runs.clone().find(|run| !run.has(quantity)) {
        return Some(format!("{} did not record it", run.name));
    }
    if matches!(quantity, Quantity::Latency(_, Point::Max)) {
        return Some("one sample has no interval; see max_per_second".to_owned());
    }
    if seconds < MIN_SECONDS {
        return Some(format!("{seconds} s are too short, {MIN_SECONDS} s are needed"));
    }
    let few = runs.into_iter().find(|run| run.beyond(quantity) < MIN_BEYOND - 1e-9)?;
    Some(format!("{} has fewer than 10 samples beyond it", few.name))
}

impl Sides {
    /// The influence of each second on ln(NEW / BASE).
    fn influence(&mut self, quantity: Quantity) -> Result<Influence, String> {
        let nothing = || "a run has nothing to compute it of".to_owned();
        let mut influence = vec![0.0; self.seconds];
        for (runs, sign) in [(&mut self.new, 1.0), (&mut self.base, -1.0)] {
            let weight = sign / as_f64(runs.len() as u64);
            for run in runs {
                let of_run = run.influence(quantity).ok_or_else(nothing)?;
                influence.iter_mut().zip(of_run).for_each(|(all, one)| *all += weight * one);
            }
        }
        Ok(influence)
    }

    fn draw(&mut self, quantity: Quantity, draws: &[Draw]) -> Result<Pair, String> {
        let too_few = || "too few seconds hold anything to compute it of".to_owned();
        let base = drawn(&mut self.base, quantity, self.seconds, draws).ok_or_else(too_few)?;
        let new = drawn(&mut self.new, quantity, self.seconds, draws).ok_or_else(too_few)?;
        Ok(Pair { base, new })
    }

    /// The row with its values, not yet judged.
    fn row(&mut self, quantity: Quantity, base: &[NamedSeries], new: &[NamedSeries]) -> Row {
        let whole = Draw::whole(self.seconds);
        let of = |samplers: &mut [Sampler], runs: &[NamedSeries]| {
            if runs.iter().any(|run| run.beyond(quantity) < MIN_BEYOND - 1e-9) {
                return (None, false);
            }
            let values: Option<Vec<f64>> = samplers.iter_mut().map(|run| run.value(quantity, &whole)).collect();
            let Some(values) = values else { return (None, false) };
            let at_least = runs.iter().zip(&values).any(|(run, value)| run.at_least(quantity, *value));
            (Some(geometric_mean(&values)), at_least)
        };
        let (base, base_at_least) = of(&mut self.base, base);
        let (new, new_at_least) = of(&mut self.new, new);
        Row {
            quantity,
            unit: quantity.unit().to_owned(),
            better: quantity.better(),
            base,
            new,
            base_at_least,
            new_at_least,
            change_percent: base.zip(new).map(|(base, new)| (new / base - 1.0) * 100.0),
            change: None,
            verdict: Verdict::NotJudged,
            reason: None,
        }
    }
}

fn geometric_mean(values: &[f64]) -> f64 {
    match values {
        [one] => *one,
        many => mean(&many.iter().map(|value| value.ln()).collect::<Vec<_>>()).exp(),
    }
}

impl Row {
    /// Sets the verdict. A lower bound can be too high, but it cannot be shown to be low enough.
    fn settle(&mut self, change: Change, moved: Moved) {
        let verdict = moved.verdict(self.better == Better::Higher);
        let holds = match verdict {
            Verdict::Worse => !self.base_at_least,
            Verdict::Better => !self.new_at_least,
            _ => !self.base_at_least && !self.new_at_least,
        };
        self.change = Some(change);
        self.verdict = if holds { verdict } else { Verdict::Inconclusive };
        if !holds {
            self.reason = Some("events without an answer reach it: it is at least so much".to_owned());
        }
    }
}

/// Worse before better before inconclusive before no difference; inconclusive where nothing was judged.
fn overall(rows: &[Row]) -> Verdict {
    let any = |verdict| rows.iter().any(|row| row.verdict == verdict);
    [Verdict::Worse, Verdict::Better, Verdict::Inconclusive, Verdict::NoDifference]
        .into_iter()
        .find(|verdict| any(*verdict))
        .unwrap_or(Verdict::Inconclusive)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Simulated, bundle, named, simulated};
    use super::super::{CompareError, compare};
    use super::*;
    use crate::recording::LatencyKind;

    fn options() -> Options {
        Options { draws: 200, ..Options::default() }
    }

    fn find(comparison: &Comparison, name: &str) -> Row {
        comparison.rows.iter().find(|row| row.quantity.to_string() == name).unwrap().clone()
    }

    #[test]
    fn swapping_the_sides_swaps_better_and_worse_and_mirrors_the_interval() {
        let plan = Simulated { noise: 0.01, seconds: 60, ..Simulated::default() };
        let base = || vec![named(simulated(plan, 1))];
        let new = || vec![named(simulated(Simulated { factor: 1.3, ..plan }, 2))];
        let forth = find(&comparison(base(), new(), Vec::new(), &options()), "response_time.p90");
        let back = find(&comparison(new(), base(), Vec::new(), &options()), "response_time.p90");
        assert_eq!((forth.verdict, back.verdict), (Verdict::Worse, Verdict::Better));
        let logarithm = |percent: f64| (percent / 100.0).ln_1p();
        let (forth, back) = (forth.change.unwrap(), back.change.unwrap());
        assert!((logarithm(forth.low_percent) + logarithm(back.high_percent)).abs() < 1e-9);
    }

    #[test]
    fn the_same_bundles_and_seed_give_the_same_figures() {
        let once = || compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options()).unwrap();
        assert_eq!(once(), once());
    }

    #[test]
    fn the_comparison_survives_json() {
        let comparison = compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options()).unwrap();
        let json = serde_json::to_string(&comparison).unwrap();
        let back: Comparison = serde_json::from_str(&json).unwrap();
        // Floats may come back an ulp off, so what is read as text tells whether anything is lost.
        assert_eq!(
            crate::output::compare::text::text(&back, &[], 100),
            crate::output::compare::text::text(&comparison, &[], 100)
        );
        assert_eq!((back.warnings, back.curves.len()), (comparison.warnings, comparison.curves.len()));
    }

    #[test]
    fn a_quantile_is_that_of_the_whole_runs_histogram() {
        let base = bundle("a", 40, 1);
        let mut whole = hdrhistogram::Histogram::<u64>::new(3).unwrap();
        for interval in &base.recording.intervals[&LatencyKind::ResponseTime] {
            whole.add(&interval.histogram).unwrap();
        }
        let comparison = compare(&[base], &[bundle("b", 40, 2)], &options()).unwrap();
        for (name, level) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            let shown = find(&comparison, &format!("response_time.{name}")).base.unwrap();
            let exact = as_f64(whole.value_at_quantile(level));
            let width = as_f64(whole.equivalent_range(whole.value_at_quantile(level)));
            assert!((shown - exact).abs() <= width, "{name}: {shown} {exact}");
        }
    }

    #[test]
    fn a_run_that_is_too_short_is_shown_but_not_judged() {
        let comparison = compare(&[bundle("a", 20, 1)], &[bundle("b", 20, 2)], &options()).unwrap();
        assert_eq!(comparison.verdict, Verdict::Inconclusive);
        assert!(comparison.rows.iter().all(|row| row.verdict == Verdict::NotJudged && row.base.is_some()));
    }

    #[test]
    fn a_quantile_without_ten_samples_beyond_it_is_neither_shown_nor_judged() {
        let thin = |id, seed| {
            let mut bundle = bundle(id, 40, seed);
            for interval in bundle.recording.intervals.values_mut().flatten() {
                let mut few = hdrhistogram::Histogram::new(3).unwrap();
                interval
                    .histogram
                    .iter_recorded()
                    .take(50)
                    .for_each(|step| few.record(step.value_iterated_to()).unwrap());
                interval.histogram = few;
            }
            bundle
        };
        let comparison = compare(&[thin("a", 1)], &[thin("b", 2)], &options()).unwrap();
        let row = find(&comparison, "response_time.p999");
        assert_eq!((row.base, row.verdict), (None, Verdict::NotJudged));
        assert_eq!(row.reason.unwrap(), "run-a has fewer than 10 samples beyond it");
        assert_ne!(find(&comparison, "response_time.p99").verdict, Verdict::NotJudged);
    }

    #[test]
    fn a_quantile_among_unanswered_events_is_a_lower_bound_and_never_shows_no_difference() {
        let mut new = bundle("b", 40, 2);
        new.report.latency_us.response_time.censored = 500;
        new.report.latency_us.response_time.censored_from = Some(6400);
        let comparison = compare(&[bundle("a", 40, 1)], &[new], &options()).unwrap();
        let row = find(&comparison, "response_time.p99");
        assert!(row.new_at_least && !row.base_at_least);
        assert_eq!(row.verdict, Verdict::Inconclusive);
        assert_eq!(find(&comparison, "response_time.p50").verdict, Verdict::NoDifference);
    }

    #[test]
    fn without_a_verifier_there_is_no_end_to_end_row_and_on_one_side_only_it_is_not_judged() {
        let blind = |id, seed| {
            let mut bundle = bundle(id, 40, seed);
            bundle.recording.intervals.remove(&LatencyKind::EndToEnd);
            bundle
        };
        let neither = compare(&[blind("a", 1)], &[blind("b", 2)], &options()).unwrap();
        assert!(neither.rows.iter().all(|row| !row.quantity.to_string().starts_with("end_to_end")));
        let one = compare(&[bundle("a", 40, 1)], &[blind("b", 2)], &options()).unwrap();
        assert_eq!(find(&one, "end_to_end.p99").reason.unwrap(), "run-b did not record it");
    }

    #[test]
    fn what_was_sent_during_the_warm_up_and_after_the_schedule_is_no_rate() {
        let mut base = bundle("a", 40, 1);
        base.report.run.warm_up_s = 5.0;
        base.report.run.measured_s = 39.0;
        base.report.timeline[2].sent = 1_000_000;
        base.report.timeline[39].acked = 1_000_000;
        let mut new = bundle("b", 40, 2);
        new.report.run.warm_up_s = 5.0;
        new.report.run.measured_s = 39.0;
        let comparison = compare(&[base], &[new], &options()).unwrap();
        assert_eq!(comparison.base.seconds, [34]);
        assert_eq!(find(&comparison, "achieved_rate").base, Some(1000.0));
        assert_eq!(find(&comparison, "acked_rate").base, Some(1000.0));
    }

    #[test]
    fn only_the_wanted_quantities_are_judged() {
        let only = vec!["p99".parse().unwrap()];
        let options = Options { only, ..options() };
        let comparison = compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options).unwrap();
        assert_eq!(comparison.rows.len(), 1);
    }

    #[test]
    fn nothing_to_compare_and_options_out_of_range_are_refused() {
        let run = || [bundle("a", 40, 1)];
        assert_eq!(compare(&[], &run(), &options()).unwrap_err().to_string(), "BASE has no run");
        let mut empty = bundle("b", 40, 2);
        empty.report.timeline.clear();
        assert_eq!(compare(&run(), &[empty], &options()), Err(CompareError::Empty("run-b".to_owned())));
        let wrong = [
            Options { margin: 0.0, ..options() },
            Options { margin: f64::NAN, ..options() },
            Options { confidence: 1.0, ..options() },
            Options { draws: 10, ..options() },
        ];
        for options in wrong {
            let refused = compare(&run(), &[bundle("b", 40, 2)], &options);
            assert!(matches!(refused, Err(CompareError::Option { .. })), "{refused:?}");
        }
    }

    #[test]
    fn runs_of_unequal_length_say_how_much_of_them_is_compared_however_short_they_are() {
        let side = |seconds| vec![named(simulated(Simulated { seconds, ..Simulated::default() }, 1))];
        for (shorter, longer) in [(12, 24), (40, 50)] {
            let notes = comparison(side(shorter), side(longer), Vec::new(), &options()).notes;
            let told = format!("The runs differ in length: the first {shorter} s of each are compared.");
            assert!(notes.contains(&told), "{notes:?}");
        }
        assert_eq!(comparison(side(12), side(12), Vec::new(), &options()).notes, Vec::<String>::new());
    }

    #[test]
    fn persistence_that_the_runs_are_too_short_for_is_said() {
        let said = |rho, seconds| {
            let plan = Simulated { seconds, rho, ..Simulated::default() };
            let side = |seed| vec![named(simulated(plan, seed))];
            comparison(side(1), side(2), Vec::new(), &options()).notes.contains(&TOO_PERSISTENT.to_owned())
        };
        assert!(said(0.95, 60));
        assert!(!said(0.0, 60) && !said(0.6, 300));
    }
}
