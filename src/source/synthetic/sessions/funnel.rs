//! The funnel: what a user does next, as probabilities.

use serde::{Deserialize, Serialize};

use super::super::ConfigError;
use crate::shop::Kind;

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

    /// Its start, and what comes after each type.
    ///
    /// # Errors
    /// A probability out of 0..=1, a row of more than 1, or a start that is not 1.
    pub(super) fn checked(&self) -> Result<(Vec<f64>, Vec<Vec<f64>>), ConfigError> {
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
        let after = self.rows().map(|(_, next)| next.probabilities().to_vec()).to_vec();
        Ok((self.start.probabilities().to_vec(), after))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Weights;
    use super::super::SessionsConfig;
    use super::*;

    #[test]
    fn default_sessions_come_near_the_default_weights() {
        let figures = SessionsConfig::default().figures().unwrap();
        assert!((9.5..10.5).contains(&figures.events_per_session), "{figures:?}");
        for ((kind, seen), share) in Kind::OF_USERS.into_iter().zip(figures.shares).zip(Weights::default().shares()) {
            assert!((seen - share).abs() < 0.01, "{kind}: {seen} instead of {share}");
        }
    }

    #[test]
    fn an_impossible_funnel_is_refused_with_its_row() {
        let refused = |change: fn(&mut Funnel)| {
            let mut funnel = Funnel::default();
            change(&mut funnel);
            SessionsConfig { funnel, ..SessionsConfig::default() }.figures().unwrap_err().to_string()
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
}
