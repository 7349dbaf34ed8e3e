//! The search as a machine that says which rate to probe next. It has no memory but the probes, so it can be taken up
//! again from a record of them.

mod report;

use std::collections::BTreeMap;

use super::{Answer, AskedRate, Left, Probe, ProbeOutcome, ProbeVerdict, SearchConfig, SearchError};
use crate::figures::as_f64;

/// How many times a confirmed interval that came out too wide is divided again.
const MOST_ROUNDS: u32 = 2;

/// How much wider than asked for the interval is made where the same rate passed and failed close to the limit. In
/// simulations (see the tests) this, with the repeats that find it out, keeps the limit inside the interval in 97 of 100
/// searches for a noise of 3 % at a precision of 5 %; without, in 93.
const NOISY: f64 = 1.8;

/// Probes in which the generator gave out although a clearly higher rate had passed, from which on the search is given up: one
/// or two are hiccups.
const MOST_UNSTEADY: u32 = 3;

/// Rates at which probes are unclear, beyond which nothing more is tried.
const MOST_UNCLEAR: usize = 6;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A probe at this rate, in events per second.
    Probe(u64),
    /// Nothing: see [`Search::report`].
    Done(Answer),
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    config: SearchConfig,
    probes: Vec<Probe>,
    tallies: BTreeMap<u64, Tally>,
    stage: Stage,
    rounds: u32,
    /// Probes in which the generator gave out although a clearly higher rate had passed.
    unsteady: u32,
    interrupted: bool,
}

/// The outcomes at one rate.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: u32,
    failed: u32,
    limited: u32,
    unevaluated: u32,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Doubling. `below` passed.
    Climb { rate: u64, below: Option<u64> },
    /// `low` passed, `high` did not: in between.
    Divide { low: u64, high: u64 },
    /// `low` passed and `high` did not, once each, and they are close: once more.
    Repeat { low: u64, high: u64 },
    /// Making sure of both ends.
    Confirm { low: Edge, high: Edge },
    /// Nothing more to do; the ends, where both are sure.
    Done { answer: Answer, ends: Option<(u64, u64)> },
}

/// An end that is being made sure of, and how many times it had to be moved outwards.
#[derive(Clone, Copy, Debug)]
struct Edge {
    rate: u64,
    moves: u32,
}

impl Tally {
    fn bad(self) -> u32 {
        self.failed + self.limited
    }

    /// The answer where this is the lowest rate, and it is bad.
    fn below_which_nothing_is(self) -> Answer {
        if self.limited > self.failed { Answer::GeneratorLimit } else { Answer::FailsAtLowest }
    }

    /// Whether probes at this rate say nothing, however often they are made.
    fn is_unclear(self) -> bool {
        self.unevaluated >= 2 && self.judged() < 2
    }

    fn judged(self) -> u32 {
        self.passed + self.bad()
    }
}

impl Search {
    /// A search that begins with its first probe.
    ///
    /// # Errors
    /// Where the settings make no search.
    pub fn new(config: SearchConfig) -> Result<Self, SearchError> {
        let SearchConfig { start, max, precision, max_time_s } = config;
        if start == 0 {
            return Err(SearchError::NoStart);
        }
        if let Some(max) = max.filter(|max| *max <= start) {
            return Err(SearchError::UpsideDown { start, max });
        }
        if !(0.005..=0.5).contains(&precision) {
            return Err(SearchError::Precision(precision));
        }
        if max_time_s.is_nan() || max_time_s <= 0.0 {
            return Err(SearchError::NoTime(max_time_s));
        }
        Ok(Self {
            config,
            probes: Vec::new(),
            tallies: BTreeMap::new(),
            stage: Stage::Climb { rate: start, below: None },
            rounds: 0,
            unsteady: 0,
            interrupted: false,
        })
    }

    /// A search that goes on after `known` probes. More time than was allowed when they were made may be allowed now.
    ///
    /// # Errors
    /// Where the settings make no search, or would not have led to these probes.
    pub fn resume(config: SearchConfig, known: Vec<Probe>) -> Result<Self, SearchError> {
        let mut search = Self::new(config)?;
        for (index, probe) in known.into_iter().enumerate() {
            let wanted = search.wanted();
            if wanted != Some(probe.rate) {
                let (number, found, wanted) = (index + 1, probe.rate, AskedRate(wanted));
                return Err(SearchError::Foreign { number, found, wanted });
            }
            search.record(probe.outcome);
        }
        Ok(search)
    }

    /// Every probe, in the order in which they were made: what [`Search::resume`] takes.
    #[must_use]
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// What comes next.
    #[must_use]
    pub fn step(&self) -> Step {
        match (self.stage, self.wanted()) {
            (Stage::Done { answer, .. }, _) => Step::Done(answer),
            _ if self.interrupted => Step::Done(Answer::Interrupted),
            (_, Some(rate)) if self.took_s() + self.next_takes_s() <= self.config.max_time_s => Step::Probe(rate),
            _ => Step::Done(Answer::OutOfTime),
        }
    }

    /// Takes the outcome of the probe at the rate that [`Search::step`] named. After the end it changes nothing.
    pub fn record(&mut self, outcome: ProbeOutcome) {
        let Some(rate) = self.wanted() else { return };
        let tally = self.tallies.entry(rate).or_default();
        match outcome.verdict {
            ProbeVerdict::Passed => tally.passed += 1,
            ProbeVerdict::Failed => tally.failed += 1,
            ProbeVerdict::GeneratorLimit => tally.limited += 1,
            ProbeVerdict::Unevaluated => tally.unevaluated += 1,
        }
        let (tally, verdict) = (*tally, outcome.verdict);
        self.probes.push(Probe { rate, outcome });
        if verdict == ProbeVerdict::GeneratorLimit && self.has_passed_above(rate) {
            self.unsteady += 1;
            if self.unsteady >= MOST_UNSTEADY {
                self.stage = done(Answer::Unsteady);
                return;
            }
        }
        if verdict == ProbeVerdict::Unevaluated {
            // Twice without a judgement: a third time would not be better.
            if tally.is_unclear() {
                self.stage = self.around_unclear();
            }
            return;
        }
        self.stage = match self.stage {
            Stage::Climb { below, .. } => self.climb(rate, below, tally),
            Stage::Divide { high, .. } if verdict == ProbeVerdict::Passed => self.divide(rate, high),
            Stage::Divide { low, .. } => self.divide(low, rate),
            Stage::Repeat { low, high } => self.divide(low, high),
            Stage::Confirm { low, high } => self.confirm(low, high),
            stage @ Stage::Done { .. } => stage,
        };
    }

    /// Whether a rate has passed that lies farther above this one than twice the interval that is aimed at: within, noise of the
    /// generator is to be expected.
    fn has_passed_above(&self, rate: u64) -> bool {
        let clearly = scaled(rate, (1.0 + self.config.precision).powi(2));
        self.tallies.range(clearly.max(rate + 1)..).any(|(_, tally)| tally.passed > 0)
    }

    /// Ends the search before its time.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Seconds spent in probes.
    #[must_use]
    pub fn took_s(&self) -> f64 {
        self.probes.iter().map(|probe| probe.outcome.took_s).sum()
    }

    /// What is probably left: what it would take if the limit lay in the middle of what is open. Nothing is known of that
    /// before the first probe, and a search that still climbs may climb on.
    #[must_use]
    pub fn left(&self) -> Option<Left> {
        let last = self.probes.last()?;
        let middle = |low: u64, high: u64| (as_f64(low) * as_f64(high)).sqrt();
        let (limit, at_least) = match self.stage {
            Stage::Climb { rate, .. } if self.config.max == Some(rate) => (as_f64(rate), true),
            Stage::Climb { rate, below } => (middle(below.unwrap_or(rate / 2), rate), true),
            Stage::Divide { low, high } | Stage::Repeat { low, high } => (middle(low, high), false),
            Stage::Confirm { low, high } => (middle(low.rate, high.rate), false),
            Stage::Done { .. } => return Some(Left { probes: 0, takes_s: 0.0, at_least: false }),
        };
        let mut ahead = self.clone();
        while let Step::Probe(rate) = ahead.step() {
            let verdict = if as_f64(rate) <= limit { ProbeVerdict::Passed } else { ProbeVerdict::Failed };
            ahead.record(ProbeOutcome { verdict, ..last.outcome.clone() });
        }
        let probes = ahead.probes.len() - self.probes.len();
        Some(Left { probes, takes_s: ahead.took_s() - self.took_s(), at_least })
    }

    /// Probably as long as the longest so far.
    fn next_takes_s(&self) -> f64 {
        self.probes.iter().map(|probe| probe.outcome.took_s).fold(0.0, f64::max)
    }

    fn tally(&self, rate: u64) -> Tally {
        self.tallies.get(&rate).copied().unwrap_or_default()
    }

    /// The rate that the stage needs to know more about.
    fn wanted(&self) -> Option<u64> {
        match self.stage {
            Stage::Climb { rate, .. } => Some(rate),
            Stage::Divide { low, high } => {
                let (from, to) = self.widest(low, high);
                Some(scaled(from, (as_f64(to) / as_f64(from)).sqrt()))
            }
            Stage::Repeat { low, high } => {
                Some(if self.tally(low).judged() < 2 && !self.tally(low).is_unclear() { low } else { high })
            }
            Stage::Confirm { low, high } => {
                // By turns, so that a slow change of the system meets both ends alike.
                let low_next = self.tally(low.rate).passed <= self.tally(high.rate).bad();
                let low_next = !self.is_sure_low(low.rate) && (low_next || self.is_sure_high(high.rate));
                Some(if low_next { low.rate } else { high.rate })
            }
            Stage::Done { .. } => None,
        }
    }

    /// Right at the limit it takes long to see a backlog grow, so probes there may be unclear: the search goes on below and
    /// above such rates. Where most are, the probes are too short to judge anything.
    fn around_unclear(&mut self) -> Stage {
        if self.tallies.values().filter(|tally| tally.is_unclear()).count() > MOST_UNCLEAR {
            return done(Answer::Unevaluated);
        }
        match self.stage {
            Stage::Divide { low, high } | Stage::Repeat { low, high } => self.divide(low, high),
            Stage::Confirm { low, high } => self.confirm(low, high),
            // Rates a factor of two apart are not all at the limit: something else is the matter.
            Stage::Climb { .. } | Stage::Done { .. } => done(Answer::Unevaluated),
        }
    }

    /// Of the stretches between `low`, the unclear rates above it, and `high`, the wider one of the first and the last: what
    /// lies between unclear rates is unclear too.
    fn widest(&self, low: u64, high: u64) -> (u64, u64) {
        let unclear =
            || self.tallies.range(low + 1..high).filter(|(_, tally)| tally.is_unclear()).map(|(rate, _)| *rate);
        match (unclear().next(), unclear().next_back()) {
            (Some(first), Some(last)) => {
                let first_is_wider = as_f64(first) / as_f64(low) >= as_f64(high) / as_f64(last);
                if first_is_wider { (low, first) } else { (last, high) }
            }
            _ => (low, high),
        }
    }

    /// One pass leads on; a break is repeated until one of the two has happened twice.
    fn climb(&mut self, rate: u64, below: Option<u64>, tally: Tally) -> Stage {
        let at_max = rate == self.highest();
        if tally.passed >= 2 || (tally.passed == 1 && tally.bad() == 0 && !at_max) {
            if at_max {
                return done(Answer::AboveMax);
            }
            return Stage::Climb { rate: rate.saturating_mul(2).min(self.highest()), below: Some(rate) };
        }
        match below {
            _ if tally.bad() < 2 => Stage::Climb { rate, below },
            Some(low) => self.divide(low, rate),
            None => done(tally.below_which_nothing_is()),
        }
    }

    /// Between a rate that passed and one that did not: a narrower pair; or, where they are close enough, both once more;
    /// then the two ends to make sure of, half the precision away from the middle on both sides, or more if the two
    /// outcomes at one of them differ.
    fn divide(&mut self, low: u64, high: u64) -> Stage {
        let ratio = as_f64(high) / as_f64(low);
        let (from, to) = self.widest(low, high);
        if as_f64(to) / as_f64(from) > 1.0 + self.config.precision / 2.0 && to - from > 1 {
            return Stage::Divide { low, high };
        }
        let enough = |tally: Tally| tally.judged() >= 2 || tally.is_unclear();
        if !enough(self.tally(low)) || !enough(self.tally(high)) {
            return Stage::Repeat { low, high };
        }
        let noisy = self.tally(low).bad() > 0 || self.tally(high).passed > 0;
        let width = self.config.precision * if noisy { NOISY } else { 1.0 };
        let aside = ratio.max(1.0 + width).sqrt();
        let below = scaled(low, ratio.sqrt() / aside).clamp(self.config.start, low);
        let above = scaled(low, ratio.sqrt() * aside).clamp(high, self.highest());
        self.confirm(Edge { rate: below, moves: 0 }, Edge { rate: above, moves: 0 })
    }

    /// Moves an end outwards where an outcome speaks against it, until both are sure.
    fn confirm(&mut self, mut low: Edge, mut high: Edge) -> Stage {
        let speaks_against_low = |tally: Tally| tally.bad() > 0 || tally.is_unclear();
        let speaks_against_high = |tally: Tally| tally.passed > 0 || tally.is_unclear();
        while low.rate > self.config.start && speaks_against_low(self.tally(low.rate)) {
            let rate = scaled(low.rate, 1.0 / self.stride(low)).clamp(self.config.start, low.rate - 1);
            low = Edge { rate, moves: low.moves + 1 };
        }
        while high.rate < self.highest() && speaks_against_high(self.tally(high.rate)) {
            let rate = scaled(high.rate, self.stride(high)).clamp(high.rate + 1, self.highest());
            high = Edge { rate, moves: high.moves + 1 };
        }
        if self.tally(low.rate).bad() >= 2 {
            return done(self.tally(low.rate).below_which_nothing_is());
        }
        if self.tally(high.rate).passed >= 2 {
            return done(Answer::AboveMax);
        }
        if self.tally(low.rate).is_unclear() || self.tally(high.rate).is_unclear() {
            // There is no way further out.
            return done(Answer::Unevaluated);
        }
        if !self.is_sure_low(low.rate) || !self.is_sure_high(high.rate) {
            return Stage::Confirm { low, high };
        }
        let ratio = as_f64(high.rate) / as_f64(low.rate);
        if ratio > (1.0 + self.config.precision).powi(2) && high.rate - low.rate > 1 && self.rounds < MOST_ROUNDS {
            self.rounds += 1;
            return Stage::Divide { low: low.rate, high: high.rate };
        }
        let above = self.tally(high.rate);
        let answer = if above.limited > above.failed { Answer::GeneratorLimit } else { Answer::SystemLimit };
        Stage::Done { answer, ends: Some((low.rate, high.rate)) }
    }

    /// Passed twice, and nothing says otherwise; at the lowest rate, from where there is no way down, at most one thing.
    fn is_sure_low(&self, rate: u64) -> bool {
        let tally = self.tally(rate);
        tally.passed >= 2 && (tally.bad() == 0 || (rate == self.config.start && tally.bad() == 1))
    }

    /// Failed twice, or the generator was the limit twice, and no pass says otherwise; at the highest rate, at most one.
    fn is_sure_high(&self, rate: u64) -> bool {
        let tally = self.tally(rate);
        (tally.failed >= 2 || tally.limited >= 2)
            && (tally.passed == 0 || (rate == self.highest() && tally.passed == 1))
    }

    /// By how much an end is moved: half the precision at first, twice as much each time.
    fn stride(&self, edge: Edge) -> f64 {
        1.0 + self.config.precision / 2.0 * f64::from(1_u32 << edge.moves.min(10))
    }

    fn highest(&self) -> u64 {
        self.config.max.unwrap_or(u64::MAX)
    }
}

const fn done(answer: Answer) -> Stage {
    Stage::Done { answer, ends: None }
}

/// `rate * factor`, to the nearest whole rate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are positive, and the cast saturates"
)]
fn scaled(rate: u64, factor: f64) -> u64 {
    ((as_f64(rate) * factor).round() as u64).max(1)
}
