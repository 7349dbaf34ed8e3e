//! How often each type of event comes: `view=50,addtocart=20,...`, and the draw of a type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::weights::{Mix, WeightsError};
use crate::shop::Kind;

/// The mix of the shop's types: a [`Mix`] of these.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Named", into = "Named")]
pub struct Weights([f64; Kind::USERS_COUNT]);

impl Weights {
    /// Weights in the order of [`Kind::OF_USERS`].
    ///
    /// # Errors
    /// As [`Mix::new`].
    pub fn new(weights: [f64; Kind::USERS_COUNT]) -> Result<Self, WeightsError> {
        Mix::new(Kind::OF_USERS.into_iter().map(|kind| kind.to_string()).zip(weights).collect())?;
        Ok(Self(weights))
    }

    /// The weight of `kind`, as it was given.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> f64 {
        self.0[kind.index()]
    }

    /// The share of all events that each type gets, in the order of [`Kind::OF_USERS`]; they sum to 1.
    #[must_use]
    pub fn shares(&self) -> [f64; Kind::USERS_COUNT] {
        let sum: f64 = self.0.iter().sum();
        self.0.map(|weight| weight / sum)
    }
}

impl TryFrom<&Mix> for Weights {
    type Error = WeightsError;

    fn try_from(mix: &Mix) -> Result<Self, WeightsError> {
        let mut weights = mix.of(Kind::OF_USERS.iter().map(|kind| kind.as_str()))?.into_iter();
        Ok(Self(Kind::OF_USERS.map(|_| weights.next().unwrap_or_default())))
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self([50.0, 20.0, 10.0, 10.0, 7.0, 3.0])
    }
}

impl FromStr for Weights {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        Self::try_from(&text.parse::<Mix>()?)
    }
}

impl fmt::Display for Weights {
    /// The form that [`FromStr`] reads; types of weight 0 are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for kind in Kind::OF_USERS {
            if self.of(kind) > 0.0 {
                write!(f, "{separator}{kind}={}", self.of(kind))?;
                separator = ",";
            }
        }
        Ok(())
    }
}

/// Weights as a table, one key for each type.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Named {
    view: f64,
    addtocart: f64,
    transaction: f64,
    search: f64,
    filter: f64,
    review: f64,
}

impl TryFrom<Named> for Weights {
    type Error = WeightsError;
    fn try_from(named: Named) -> Result<Self, WeightsError> {
        Self::new([named.view, named.addtocart, named.transaction, named.search, named.filter, named.review])
    }
}

impl From<Weights> for Named {
    fn from(Weights([view, addtocart, transaction, search, filter, review]): Weights) -> Self {
        Self { view, addtocart, transaction, search, filter, review }
    }
}

/// Draws types by their shares. Linear over six thresholds, which is faster than an alias table of six.
#[derive(Clone, Copy, Debug)]
pub(super) struct KindPicker {
    /// Cumulated shares in 2^-63; equal to the one before where the weight is 0.
    thresholds: [u64; Kind::USERS_COUNT],
}

impl KindPicker {
    /// 2^63: the scale of the thresholds, so that the last one is above every 63-bit number.
    const ONE: u64 = 1 << 63;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares lie in 0..=1 and are exact to 2^-53, which no run can tell from exact"
    )]
    pub(super) fn new(weights: &Weights) -> Self {
        let sum: f64 = weights.0.iter().sum();
        let mut cumulated = 0.0;
        let thresholds = weights.0.map(|weight| {
            cumulated += weight;
            ((cumulated / sum * Self::ONE as f64) as u64).min(Self::ONE)
        });
        Self { thresholds }
    }

    /// The type that a random word stands for.
    pub(super) fn pick(&self, word: u64) -> Kind {
        let point = word >> 1;
        let index: usize = self.thresholds.iter().map(|&threshold| usize::from(point >= threshold)).sum();
        Kind::OF_USERS[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "the weights are stored as given")]
    fn a_mix_names_all_types_that_come() {
        let weights: Weights = "view=3, search=1".parse().unwrap();
        assert_eq!(weights.of(Kind::View), 3.0);
        assert_eq!(weights.of(Kind::AddToCart), 0.0);
        assert_eq!(weights.shares(), [0.75, 0.0, 0.0, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn errors_name_the_bad_part() {
        let message = |text: &str| text.parse::<Weights>().unwrap_err().to_string();
        assert_eq!(message("view=5,cart"), "\"cart\" is no weight: write TYPE=NUMBER, as in view=50,addtocart=20");
        assert_eq!(message(""), "\"\" is no weight: write TYPE=NUMBER, as in view=50,addtocart=20");
        assert_eq!(
            message("view=5,carts=1"),
            "weight \"carts\": \"carts\" is no event type (view, addtocart, transaction, search, filter, review)"
        );
        assert_eq!(message("view=many"), "weight \"view=many\": what follows the = is not a number");
        assert_eq!(message("view=-1"), "the weight of view is -1: a weight is a number from 0 up to 1e12");
        assert_eq!(message("view=NaN"), "the weight of view is NaN: a weight is a number from 0 up to 1e12");
        assert_eq!(message("search=inf"), "the weight of search is inf: a weight is a number from 0 up to 1e12");
        assert_eq!(message("view=1,view=2"), "the weight of view is given twice");
        assert!(message("view=0,search=0").starts_with("every weight is 0"));
        assert!(message("review=0").contains("a type that is not named has weight 0"));
    }

    #[test]
    fn a_table_reads_like_the_command_line() {
        let table: Weights = toml::from_str("view = 50\naddtocart = 20.5").unwrap();
        assert_eq!(table, "view=50,addtocart=20.5".parse().unwrap());
        assert!(toml::from_str::<Weights>("view = 0").unwrap_err().to_string().contains("every weight is 0"));
        assert!(toml::from_str::<Weights>("view = -3").unwrap_err().to_string().contains("the weight of view is -3"));
        assert!(toml::from_str::<Weights>("views = 1").unwrap_err().to_string().contains("views"));
    }

    #[test]
    fn weights_survive_being_written() {
        for weights in [Weights::default(), "review=0.25".parse().unwrap()] {
            assert_eq!(weights.to_string().parse::<Weights>().unwrap(), weights);
            assert_eq!(toml::from_str::<Weights>(&toml::to_string(&weights).unwrap()).unwrap(), weights);
        }
    }

    #[test]
    fn a_type_of_weight_zero_is_never_drawn() {
        for only in Kind::OF_USERS {
            let picker = KindPicker::new(&format!("{only}=0.001").parse().unwrap());
            for word in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                assert_eq!(picker.pick(word), only);
            }
        }
        let ends = KindPicker::new(&"addtocart=1,filter=1".parse().unwrap());
        assert_eq!(ends.pick(0), Kind::AddToCart);
        assert_eq!(ends.pick(u64::MAX), Kind::Filter);
    }
}
