//! A synthetic source like a recording: sessions, funnel, think times and skews fitted to it, and how well they fit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::figures::as_f64;
use crate::report::Likeness;
use crate::shop::{Detail, Event, Kind};
use crate::source::retail_rocket::{Config as Recorded, Facts, LoadError, Recording};
use crate::source::synthetic::{
    Config, ConfigError, Funnel, MOST_CONCURRENT, MOST_MEMBERS, MOST_SESSION_USERS, Model, Next, SessionsConfig,
    Synthetic, Think, ThinkTime,
};

/// Most events drawn to see how well the fit is.
const MOST_DRAWN: u64 = 10_000_000;
/// Ranks are summed up in so many steps, each a constant factor apart.
const RANK_STEPS: u32 = 400;
/// The shortest mean think time that the model takes.
const SHORTEST_THINK: Duration = Duration::from_millis(1);

/// A source like a recording, and how like it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    /// What to draw from.
    pub config: Config,
    /// How well it fits.
    pub likeness: Likeness,
    /// What is known of the recording.
    pub recorded: Facts,
}

/// Why nothing could be fitted.
#[derive(Debug, thiserror::Error)]
pub enum LikeError {
    /// The recording cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What was fitted is no source.
    #[error("a source like this recording cannot be made: {0}")]
    Source(#[from] ConfigError),
}

/// Fits a source to the recording that `recorded` names; `seed` draws the events that it is compared by.
///
/// # Errors
/// A recording that cannot be read, or that no source can be like.
pub fn like(recorded: &Recorded, seed: u64) -> Result<Like, LikeError> {
    let recording = Arc::new(Recording::load(recorded)?);
    let mut found = Marginals::default();
    let mut lane = recording.lane(0, 1);
    for _ in 0..recording.round_len() {
        let Some(drawn) = lane.draw() else { break };
        found.add(&drawn.event);
    }
    let config = found.fitted(recording.facts().span_recorded_ms);
    let source = Arc::new(Synthetic::new(&config, seed)?);
    let mut made = Marginals::default();
    let mut lane = source.lane(0, 1)?;
    for _ in 0..found.events().min(MOST_DRAWN) {
        made.add(&lane.draw().event);
    }
    let likeness = Likeness {
        file: recording.facts().file.clone(),
        rows: recording.facts().selected_rows,
        bad_rows: recording.facts().bad_rows.count,
        types: found.types_apart(&made),
        ks_events_per_session: kolmogorov_smirnov(&found.lengths(), &made.lengths()),
        ks_sessions_per_user: kolmogorov_smirnov(&found.sessions_per_user(), &made.sessions_per_user()),
        ks_events_per_item: kolmogorov_smirnov(&found.events_per_item(), &made.events_per_item()),
        ks_think_time: found.think_apart(&config.sessions.think),
    };
    Ok(Like { config, likeness, recorded: recording.facts().clone() })
}

/// A session as far as it has come.
#[derive(Clone, Copy, Debug)]
struct Visit {
    kind: Kind,
    last_ms: Option<i64>,
    events: u64,
}

/// What is counted of a stream of events.
#[derive(Debug, Default)]
struct Marginals {
    kinds: [u64; Kind::USERS_COUNT],
    starts: [u64; Kind::USERS_COUNT],
    steps: [[u64; Kind::USERS_COUNT]; Kind::USERS_COUNT],
    /// Think times by the type that follows: how often each number of ms.
    thinking_ms: [BTreeMap<u64, u64>; Kind::USERS_COUNT],
    visits: HashMap<(u64, u32), Visit>,
    items: HashMap<u64, u64>,
}

impl Marginals {
    fn add(&mut self, event: &Event) {
        let (item, session) = match event.detail {
            Detail::View { item, session, .. }
            | Detail::AddToCart { item, session, .. }
            | Detail::Review { item, session, .. } => (Some(item), Some(session)),
            Detail::Transaction { item, session, .. } => (Some(item), session),
            Detail::Search { session, .. } | Detail::Filter { session, .. } => (None, Some(session)),
            Detail::Inventory { .. } => return,
        };
        let kind = event.kind();
        self.kinds[kind.index()] += 1;
        if let Some(item) = item {
            *self.items.entry(item.0).or_default() += 1;
        }
        let Some(session) = session else { return };
        let now = Visit { kind, last_ms: event.recorded_ms, events: 1 };
        match self.visits.get_mut(&(event.user.0, session.0)) {
            None => {
                self.starts[kind.index()] += 1;
                self.visits.insert((event.user.0, session.0), now);
            }
            Some(visit) => {
                self.steps[visit.kind.index()][kind.index()] += 1;
                if let (Some(last_ms), Some(now_ms)) = (visit.last_ms, event.recorded_ms) {
                    *self.thinking_ms[kind.index()].entry(now_ms.abs_diff(last_ms)).or_default() += 1;
                }
                *visit = Visit { events: visit.events + 1, ..now };
            }
        }
    }

    fn events(&self) -> u64 {
        self.kinds.iter().sum()
    }

    fn lengths(&self) -> BTreeMap<u64, u64> {
        counted(self.visits.values().map(|visit| visit.events))
    }

    fn sessions_per_user(&self) -> BTreeMap<u64, u64> {
        let mut users: HashMap<u64, u64> = HashMap::new();
        for (user, _) in self.visits.keys() {
            *users.entry(*user).or_default() += 1;
        }
        counted(users.into_values())
    }

    fn events_per_item(&self) -> BTreeMap<u64, u64> {
        counted(self.items.values().copied())
    }

    /// Half of the sum of the differences between the shares of the types.
    fn types_apart(&self, other: &Self) -> f64 {
        let share = |kinds: &[u64; Kind::USERS_COUNT], kind: usize| ratio(kinds[kind], kinds.iter().sum());
        (0..Kind::USERS_COUNT).map(|kind| (share(&self.kinds, kind) - share(&other.kinds, kind)).abs()).sum::<f64>()
            / 2.0
    }

    fn fitted(&self, span_ms: u64) -> Config {
        let defaults = Config::default();
        let think = self.think();
        let (users, user_skew) =
            fit(&self.sessions_per_user(), MOST_SESSION_USERS).unwrap_or((defaults.users, defaults.user_skew));
        let (items, item_skew) =
            fit(&self.events_per_item(), MOST_MEMBERS).unwrap_or((defaults.items, defaults.item_skew));
        let sessions = SessionsConfig { concurrent: self.concurrent(span_ms), funnel: self.funnel(), think };
        Config { model: Model::Sessions, users, items, user_skew, item_skew, sessions, ..defaults }
    }

    /// What follows what. Rounded to ten digits, so that a row whose sessions all go on sums to 1 and not a little more.
    fn funnel(&self) -> Funnel {
        let next = |counts: &[u64; Kind::USERS_COUNT], of: u64| {
            let mut next = Next::default();
            for (kind, count) in Kind::OF_USERS.into_iter().zip(counts) {
                if let Some(probability) = next.of_mut(kind) {
                    *probability = (ratio(*count, of) * 1e10).floor() / 1e10;
                }
            }
            next
        };
        let after = |kind: Kind| next(&self.steps[kind.index()], self.kinds[kind.index()]);
        let mut start = next(&self.starts, self.starts.iter().sum());
        // What rounding took away goes to the commonest.
        let missing = 1.0 - start.probabilities().iter().sum::<f64>();
        let commonest = Kind::OF_USERS.into_iter().max_by_key(|kind| self.starts[kind.index()]);
        if let Some(probability) = commonest.and_then(|kind| start.of_mut(kind)) {
            *probability += missing;
        }
        Funnel {
            start,
            after_view: after(Kind::View),
            after_addtocart: after(Kind::AddToCart),
            after_transaction: after(Kind::Transaction),
            after_search: after(Kind::Search),
            after_filter: after(Kind::Filter),
            after_review: after(Kind::Review),
        }
    }

    /// The means of the think times; the defaults of types that never follow another one.
    fn think(&self) -> Think {
        let mut think = Think::default();
        for (kind, times) in Kind::OF_USERS.into_iter().zip(&self.thinking_ms) {
            let count: u64 = times.values().sum();
            if count == 0 {
                continue;
            }
            let total: u64 = times.iter().map(|(ms, count)| ms * count).sum();
            if let Some(place) = think.of_mut(kind) {
                *place = ThinkTime(Duration::from_millis(total / count).max(SHORTEST_THINK));
            }
        }
        think
    }

    /// Sessions at once, on average: the time of all sessions together, divided by that of the recording.
    fn concurrent(&self, span_ms: u64) -> u32 {
        let together: u64 = self.thinking_ms.iter().flatten().map(|(ms, count)| ms * count).sum();
        u32::try_from(together / span_ms.max(1)).unwrap_or(MOST_CONCURRENT).clamp(1, MOST_CONCURRENT)
    }

    /// The distance between the recorded think times and the exponential ones that the model draws.
    #[expect(clippy::cast_precision_loss, reason = "times and counts far below 2^52")]
    fn think_apart(&self, think: &Think) -> Option<f64> {
        let means = think.means_us();
        let counts = self.thinking_ms.each_ref().map(|times| times.values().sum::<u64>());
        let all: u64 = counts.iter().sum();
        if all == 0 {
            return None;
        }
        let mut together: BTreeMap<u64, u64> = BTreeMap::new();
        for (ms, count) in self.thinking_ms.iter().flatten() {
            *together.entry(*ms).or_default() += count;
        }
        let model = |ms: f64| -> f64 {
            let below = |(count, mean_us): (&u64, &f64)| ratio(*count, all) * (1.0 - (-ms * 1e3 / mean_us).exp());
            counts.iter().zip(&means).map(below).sum()
        };
        let (mut seen, mut farthest) = (0, 0.0_f64);
        for (ms, count) in together {
            // Recorded times are whole milliseconds: within one, nothing can be told apart.
            let before = ratio(seen, all) - model(ms as f64);
            seen += count;
            farthest = farthest.max(before.abs().min((ratio(seen, all) - model(ms as f64 + 1.0)).abs().max(before)));
            farthest = farthest.max((ratio(seen, all) - model(ms as f64 + 1.0)).abs());
        }
        Some(farthest)
    }
}

/// How many members, and which Zipf exponent, make counts most like these: those of members with at least one.
fn fit(counts: &BTreeMap<u64, u64>, most: u64) -> Option<(u64, f64)> {
    let active: u64 = counts.values().sum();
    let all: u64 = counts.iter().map(|(count, members)| count * members).sum();
    if active < 2 {
        return None;
    }
    let candidates = (0..=75_u32).map(|step| f64::from(step) * 0.02);
    let fitted = candidates.map(|skew| {
        let members = members_for(skew, active, all, most);
        (members, skew, apart(counts, active, all, members, skew))
    });
    fitted.min_by(|(.., a), (.., b)| a.total_cmp(b)).map(|(members, skew, _)| (members, skew))
}

/// So many members that `active` of them have at least one of `all` draws, on average.
fn members_for(skew: f64, active: u64, all: u64, most: u64) -> u64 {
    let (mut few, mut many) = (active, active.saturating_mul(1_000).min(most).max(active));
    while few < many {
        let middle = few + (many - few) / 2;
        if at_least(1, skew, middle, all) < as_f64(active) { few = middle + 1 } else { many = middle }
    }
    few
}

/// The distance between the recorded distribution of counts and that of Zipf's law.
fn apart(counts: &BTreeMap<u64, u64>, active: u64, all: u64, members: u64, skew: f64) -> f64 {
    let drawn = at_least(1, skew, members, all);
    let (mut seen, mut farthest) = (0, 0.0_f64);
    for (count, with) in counts.iter().take(30) {
        seen += with;
        let model = 1.0 - at_least(count + 1, skew, members, all) / drawn;
        farthest = farthest.max((ratio(seen, active) - model).abs());
    }
    farthest
}

/// How many of `members` are drawn at least `count` times in `all` draws, on average: counts are nearly Poisson distributed.
fn at_least(count: u64, skew: f64, members: u64, all: u64) -> f64 {
    let last = as_f64(members);
    let factor = last.powf(1.0 / f64::from(RANK_STEPS));
    let mut steps = Vec::with_capacity(RANK_STEPS as usize);
    let mut from = 1.0_f64;
    let mut bound = 1.0_f64;
    while from <= last {
        bound *= factor;
        let to = bound.ceil().max(from + 1.0).min(last + 1.0);
        let middle = f64::midpoint(from, to - 1.0);
        steps.push((to - from, middle.powf(-skew)));
        from = to;
    }
    let weight: f64 = steps.iter().map(|(ranks, weight)| ranks * weight).sum();
    steps.iter().map(|(ranks, of_one)| ranks * (1.0 - poisson_below(count, as_f64(all) * of_one / weight))).sum()
}

/// P(fewer than `count`) for a Poisson distribution.
fn poisson_below(count: u64, mean: f64) -> f64 {
    let (mut term, mut sum) = ((-mean).exp(), 0.0);
    for n in 0..count {
        sum += term;
        term *= mean / as_f64(n + 1);
    }
    sum.min(1.0)
}

fn counted(values: impl Iterator<Item = u64>) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

/// The largest difference between two cumulated distributions; `None` where one is empty.
fn kolmogorov_smirnov(one: &BTreeMap<u64, u64>, other: &BTreeMap<u64, u64>) -> Option<f64> {
    let totals = [one, other].map(|counts| counts.values().sum::<u64>());
    if totals.contains(&0) {
        return None;
    }
    let mut values: Vec<u64> = one.keys().chain(other.keys()).copied().collect();
    values.sort_unstable();
    values.dedup();
    let (mut seen, mut farthest) = ([0, 0], 0.0_f64);
    for value in values {
        seen[0] += one.get(&value).copied().unwrap_or(0);
        seen[1] += other.get(&value).copied().unwrap_or(0);
        farthest = farthest.max((ratio(seen[0], totals[0]) - ratio(seen[1], totals[1])).abs());
    }
    Some(farthest)
}

fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { as_f64(part) / as_f64(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_skew_are_found_again() {
        for (members, skew) in [(500_u64, 0.0_f64), (800, 0.5), (1_000, 0.8)] {
            let weights: Vec<f64> = (1..=members).map(|rank| as_f64(rank).powf(-skew)).collect();
            let sum: f64 = weights.iter().sum();
            // Counts as they come out on average, over the members that have one.
            let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
            let mut carried = 0.0;
            for count in 1..80 {
                let with: f64 = weights
                    .iter()
                    .map(|weight| {
                        let mean = 3_000.0 * weight / sum;
                        poisson_below(count + 1, mean) - poisson_below(count, mean)
                    })
                    .sum::<f64>()
                    + carried;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
                let whole_members = with.floor() as u64;
                carried = with - with.floor();
                if whole_members > 0 {
                    counts.insert(count, whole_members);
                }
            }
            let (found, exponent) = fit(&counts, MOST_MEMBERS).unwrap();
            assert!((exponent - skew).abs() < 0.1, "{exponent} instead of {skew}");
            assert!(found.abs_diff(members) * 4 < members, "{found} instead of {members}");
        }
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        let of = |values: &[u64]| counted(values.iter().copied());
        assert_eq!(kolmogorov_smirnov(&of(&[1, 2]), &of(&[1, 2])), Some(0.0));
        assert_eq!(kolmogorov_smirnov(&of(&[1, 1, 1, 5]), &of(&[1, 5, 5, 5])), Some(0.5));
        assert_eq!(kolmogorov_smirnov(&of(&[]), &of(&[1])), None);
    }
}
