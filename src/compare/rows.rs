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
        results: Vec::new(),
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
mod tests;
