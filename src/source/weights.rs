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
