//! A mix of event types as people write it: `view=50,addtocart=20`. Which types there are is another's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Table;

/// The mix of event types, as relative weights by names: `view=3,search=1` is three views to one search.
///
/// A mix is named as a whole: **a type that is not named has weight 0**, on the command line and in a scenario alike.
/// (Were unnamed types to keep their defaults, `view=1` would send 20 times as many carts as views, unasked. So naming only
/// zeros is an error that says so, not a silent change of something else.)
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mix(pub Vec<(String, f64)>);

/// Why weights are no mix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// A part without `=`.
    #[error("\"{0}\" is no weight: write TYPE=NUMBER, as in view=50,addtocart=20")]
    NotAPair(String),
    /// A name that is no event type.
    #[error("weight \"{name}\": \"{name}\" is no event type ({known})")]
    Unknown {
        /// The name.
        name: String,
        /// Those that are.
        known: String,
    },
    /// A part's value is no number.
    #[error("weight \"{0}\": what follows the = is not a number")]
    NotANumber(String),
    /// A weight that cannot be one.
    #[error("the weight of {name} is {value}: a weight is a number from 0 up to 1e12")]
    OutOfRange {
        /// The type.
        name: String,
        /// Its weight.
        value: f64,
    },
    /// A type is named twice.
    #[error("the weight of {0} is given twice")]
    Twice(String),
    /// Nothing would ever be sent.
    #[error(
        "every weight is 0: a type that is not named has weight 0, so name those that shall come, as in view=50,search=10"
    )]
    AllZero,
}

impl Mix {
    /// The heaviest weight that is accepted; sums then stay exact enough for the lightest to count.
    const HEAVIEST: f64 = 1e12;

    /// These weights.
    ///
    /// # Errors
    /// A negative, infinite, too large or undefined weight, a name twice, or nothing but zeros.
    pub fn new(weights: Vec<(String, f64)>) -> Result<Self, WeightsError> {
        for (at, (name, value)) in weights.iter().enumerate() {
            if !(0.0..=Self::HEAVIEST).contains(value) {
                return Err(WeightsError::OutOfRange { name: name.clone(), value: *value });
            }
            if weights[..at].iter().any(|(other, _)| other == name) {
                return Err(WeightsError::Twice(name.clone()));
            }
        }
        if weights.iter().all(|(_, weight)| *weight == 0.0) {
            return Err(WeightsError::AllZero);
        }
        Ok(Self(weights))
    }

    /// The weight of each of these types, in their order.
    ///
    /// # Errors
    /// A weight of a type that is none of them.
    pub fn of<'a>(&self, types: impl Iterator<Item = &'a str> + Clone) -> Result<Vec<f64>, WeightsError> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| types.clone().all(|known| known != name)) {
            let known = types.collect::<Vec<_>>().join(", ");
            return Err(WeightsError::Unknown { name: name.clone(), known });
        }
        let weight = |name| self.0.iter().find(|(known, _)| known == name).map_or(0.0, |(_, weight)| *weight);
        Ok(types.map(weight).collect())
    }
}

impl FromStr for Mix {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let part = |part: &str| {
            let (name, value) = part.split_once('=').ok_or_else(|| WeightsError::NotAPair(part.to_owned()))?;
            let value: f64 = value.trim().parse().map_err(|_| WeightsError::NotANumber(part.to_owned()))?;
            Ok((name.trim().to_owned(), value))
        };
        Self::new(text.split(',').map(|text| part(text.trim())).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Mix {
    /// The form that [`FromStr`] reads; types of weight 0 are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.iter().filter(|(_, weight)| *weight > 0.0).map(|(name, weight)| format!("{name}={weight}"));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

/// A table, one key for each type.
impl Serialize for Mix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, weight)| (name, weight)))
    }
}

impl<'de> Deserialize<'de> for Mix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let one = |(name, value): (String, toml::Value)| {
            value
                .clone()
                .try_into()
                .map(|weight| (name.clone(), weight))
                .map_err(|_| WeightsError::NotANumber(format!("{name} = {value}")))
        };
        let weights = Table::deserialize(deserializer)?.into_iter().map(one).collect::<Result<_, _>>();
        weights.and_then(Self::new).map_err(serde::de::Error::custom)
    }
}

/// Draws types by their weights.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    /// Cumulated shares, of 2^63; that of the last one with a weight is 2^63, which is above every 63-bit number.
    thresholds: Box<[u64]>,
}

impl Picker {
    const ONE: u64 = 1 << 63;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares lie in 0..=1 and are exact to 2^-53, which no run can tell from exact"
    )]
    pub(super) fn new(weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        let mut cumulated = 0.0;
        let last = weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0);
        let threshold = |(at, weight): (usize, &f64)| {
            cumulated += weight;
            if at >= last { Self::ONE } else { ((cumulated / sum * Self::ONE as f64) as u64).min(Self::ONE) }
        };
        Self { thresholds: weights.iter().enumerate().map(threshold).collect() }
    }

    /// The place that a random word stands for.
    pub(super) fn pick(&self, word: u64) -> usize {
        let point = word >> 1;
        self.thresholds.partition_point(|threshold| point >= *threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_weight_is_never_drawn() {
        for only in 0..3 {
            let mut weights = [0.0; 3];
            weights[only] = 0.001;
            let picker = Picker::new(&weights);
            assert!([0, 1, u64::MAX / 2, u64::MAX].iter().all(|word| picker.pick(*word) == only));
        }
        let ends = Picker::new(&[0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!((ends.pick(0), ends.pick(u64::MAX)), (1, 3));
    }

    #[test]
    fn a_mix_survives_being_written() {
        let mix: Mix = "order=3, payment=0.25".parse().unwrap();
        assert_eq!(mix.to_string().parse::<Mix>().unwrap(), mix);
        assert_eq!(toml::from_str::<Mix>(&toml::to_string(&mix).unwrap()).unwrap(), mix);
        assert_eq!(
            toml::from_str::<Mix>("order = \"3\"").unwrap_err().message(),
            "weight \"order = \"3\"\": what follows the = is not a number"
        );
    }
}
