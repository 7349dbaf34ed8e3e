//! The funnel: what a user does next, as probabilities, and what follows from them for the whole run.
//!
//! This is the customer behaviour model graph of Menascé, Almeida, Fonseca and Mendes ("A methodology for workload
//! characterization of e-commerce sites", ACM EC 1999), which TPC-W's transition tables are an instance of: a Markov chain over the types of
//! event, with a start and an end. How often each type comes is its expected number of visits.

use serde::{Deserialize, Serialize};

use super::super::super::stream::below;
use super::super::ConfigError;
use crate::shop::Kind;

/// A session that has not surely ended after that many events never will, for a person's purposes.
const LONGEST: u32 = 100_000;

/// What is left of a session's probability when it counts as surely ended.
const NEGLIGIBLE: f64 = 1e-12;

/// What users do next after each type of event.
///
/// The defaults make sessions of ten events whose types come nearly as often as the default weights say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Funnel {
    /// What a session starts with; sums to 1.
    pub start: Next,
    /// After a view.
    pub after_view: Next,
    /// After putting an item into the cart.
    pub after_addtocart: Next,
    /// After a purchase. A further transaction is another line of the same order.
    pub after_transaction: Next,
    /// After a search.
    pub after_search: Next,
    /// After a filter.
    pub after_filter: Next,
    /// After a review.
    pub after_review: Next,
}

impl Default for Funnel {
    fn default() -> Self {
        let next = |view, addtocart, transaction, search, filter, review| Next {
            view,
            addtocart,
            transaction,
            search,
            filter,
            review,
        };
        Self {
            start: next(0.60, 0.0, 0.0, 0.40, 0.0, 0.0),
            after_view: next(0.44, 0.38, 0.0, 0.08, 0.05, 0.0),
            after_addtocart: next(0.425, 0.05, 0.425, 0.0, 0.0, 0.0),
            after_transaction: next(0.29, 0.0, 0.15, 0.0, 0.0, 0.26),
            after_search: next(0.50, 0.0, 0.0, 0.15, 0.30, 0.0),
            after_filter: next(0.66, 0.0, 0.0, 0.07, 0.21, 0.0),
            after_review: next(0.33, 0.0, 0.0, 0.0, 0.0, 0.13),
        }
    }
}

/// Probabilities of the next event's type. A type that is not named does not come; what is missing to 1 is the probability
/// of leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Next {
    /// Looks at an item.
    pub view: f64,
    /// Puts the item at hand into the cart.
    pub addtocart: f64,
    /// Buys what is in the cart, or else the item at hand.
    pub transaction: f64,
    /// Searches.
    pub search: f64,
    /// Narrows the list down.
    pub filter: f64,
    /// Rates what was bought, or else the item at hand.
    pub review: f64,
}

impl Next {
    /// In the order of [`Kind::OF_USERS`].
    pub(crate) const fn probabilities(&self) -> [f64; Kind::USERS_COUNT] {
        [self.view, self.addtocart, self.transaction, self.search, self.filter, self.review]
    }

    /// That of one type; `None` for inventory, which no user causes.
    pub(crate) const fn of_mut(&mut self, kind: Kind) -> Option<&mut f64> {
        Some(match kind {
            Kind::View => &mut self.view,
            Kind::AddToCart => &mut self.addtocart,
            Kind::Transaction => &mut self.transaction,
            Kind::Search => &mut self.search,
            Kind::Filter => &mut self.filter,
            Kind::Review => &mut self.review,
            Kind::Inventory => return None,
        })
    }
}

impl Funnel {
    fn rows(&self) -> [(&'static str, &Next); Kind::USERS_COUNT] {
        [
            ("after_view", &self.after_view),
            ("after_addtocart", &self.after_addtocart),
            ("after_transaction", &self.after_transaction),
            ("after_search", &self.after_search),
            ("after_filter", &self.after_filter),
            ("after_review", &self.after_review),
        ]
    }

    /// What is drawn next after an event of each type.
    pub(super) fn after(&self) -> [NextPicker; Kind::USERS_COUNT] {
        self.rows().map(|(_, next)| NextPicker::new(next))
    }

    /// Expected number of events of each type in a session, in the order of [`Kind::OF_USERS`].
    ///
    /// # Errors
    /// A probability out of 0..=1, a row of more than 1, a start that is not 1, or sessions that do not end.
    pub fn visits(&self) -> Result<[f64; Kind::USERS_COUNT], ConfigError> {
        for (row, next) in self.rows().into_iter().chain([("start", &self.start)]) {
            let probabilities = next.probabilities();
            for (kind, probability) in Kind::OF_USERS.into_iter().zip(probabilities) {
                if !(0.0..=1.0).contains(&probability) {
                    return Err(ConfigError::Probability { row, kind, probability });
                }
            }
            let sum: f64 = probabilities.iter().sum();
            if sum > 1.0 + 1e-9 || (row == "start" && sum < 1.0 - 1e-9) {
                return Err(ConfigError::FunnelRow { row, sum });
            }
        }
        let after = self.rows().map(|(_, next)| next.probabilities());
        let mut now = self.start.probabilities();
        let mut visits = [0.0; Kind::USERS_COUNT];
        for _ in 0..LONGEST {
            let mut next = [0.0; Kind::USERS_COUNT];
            for (kind, &probability) in now.iter().enumerate() {
                visits[kind] += probability;
                for (to, step) in next.iter_mut().zip(after[kind]) {
                    *to += probability * step;
                }
            }
            if next.iter().sum::<f64>() < NEGLIGIBLE {
                return Ok(visits);
            }
            now = next;
        }
        Err(ConfigError::EndlessSessions { events: LONGEST })
    }
}

/// Draws what comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextPicker {
    /// Cumulated probabilities in 2^-53.
    thresholds: [u64; Kind::USERS_COUNT],
}

impl NextPicker {
    const ONE: u64 = 1 << 53;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "probabilities lie in 0..=1 and are scaled to 2^53"
    )]
    pub(super) fn new(next: &Next) -> Self {
        let mut cumulated = 0.0;
        let thresholds = next.probabilities().map(|probability| {
            cumulated += probability;
            // A row may miss 1 by rounding; nobody leaves for that.
            if cumulated > 1.0 - 1e-9 { Self::ONE } else { (cumulated * Self::ONE as f64) as u64 }
        });
        Self { thresholds }
    }

    /// The type that comes next, or `None` for leaving.
    pub(super) fn pick(&self, word: u64) -> Option<Kind> {
        let point = below(word, Self::ONE);
        let index: usize = self.thresholds.iter().map(|&threshold| usize::from(point >= threshold)).sum();
        Kind::OF_USERS.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Weights;
    use super::*;

    #[test]
    fn default_sessions_come_near_the_default_weights() {
        let visits = Funnel::default().visits().unwrap();
        let events: f64 = visits.iter().sum();
        assert!((9.5..10.5).contains(&events), "{events} events in a session");
        for ((kind, visits), share) in Kind::OF_USERS.into_iter().zip(visits).zip(Weights::default().shares()) {
            assert!((visits / events - share).abs() < 0.01, "{kind}: {} instead of {share}", visits / events);
        }
    }

    #[test]
    fn visits_are_those_of_the_geometric_distribution() {
        let stay = Next { view: 0.75, ..Next::default() };
        let funnel = Funnel { start: Next { view: 1.0, ..Next::default() }, after_view: stay, ..Funnel::default() };
        let visits = funnel.visits().unwrap();
        assert!((visits[0] - 4.0).abs() < 1e-9, "{visits:?}");
        assert!(visits[1..].iter().all(|&visits| visits < 1e-9));
    }

    #[test]
    fn an_impossible_funnel_is_refused_with_its_row() {
        let refused = |change: fn(&mut Funnel)| {
            let mut funnel = Funnel::default();
            change(&mut funnel);
            funnel.visits().unwrap_err().to_string()
        };
        assert_eq!(
            refused(|funnel| funnel.after_view.search = -0.1),
            "sessions.funnel.after_view: the probability of search is -0.1, it must lie in 0..=1"
        );
        assert!(refused(|funnel| funnel.after_view.view = f64::NAN).contains("the probability of view is NaN"));
        assert_eq!(
            refused(|funnel| funnel.after_review = Next { view: 0.75, search: 0.75, ..Next::default() }),
            "sessions.funnel.after_review sums to 1.5: at most 1 (the rest leave), and start exactly 1"
        );
        assert!(refused(|funnel| funnel.start.view = 0.1).starts_with("sessions.funnel.start sums to 0.5"));
        assert_eq!(
            refused(|funnel| funnel.after_view = Next { view: 1.0, ..Next::default() }),
            "sessions.funnel: sessions do not end: after 100000 events users are still there; let some leave (rows that sum to less than 1)"
        );
    }

    #[test]
    fn leaving_gets_what_is_missing() {
        let picker = NextPicker::new(&Next { view: 0.5, filter: 0.25, ..Next::default() });
        assert_eq!(picker.pick(0), Some(Kind::View));
        assert_eq!(picker.pick(u64::MAX / 2 + 1), Some(Kind::Filter));
        assert_eq!(picker.pick(u64::MAX / 4 * 3 + 3), None);
        assert_eq!(picker.pick(u64::MAX), None);
        let tenths = Next { view: 0.1, addtocart: 0.2, transaction: 0.3, search: 0.1, filter: 0.2, review: 0.1 };
        assert_eq!(NextPicker::new(&tenths).pick(u64::MAX), Some(Kind::Review));
    }
}
