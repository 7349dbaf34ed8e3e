//! Whole numbers that other programs must not round. Readers of JSON that keep numbers as IEEE 754 doubles, as JavaScript and jq
//! do, know them up to 2^53 - 1 (RFC 8259, section 6): what is larger is written as text. Both are read.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest number that every reader keeps.
const SAFE: u64 = (1 << 53) - 1;

/// A whole number as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub u64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > SAFE { serializer.collect_str(&self.0) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either).map(Self)
    }
}

struct Either;

impl Visitor<'_> for Either {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0, as a number or as text")
    }

    fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// Writes a number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    Exact(*number).serialize(serializer)
}

/// Reads a number.
///
/// # Errors
/// What is no whole number from 0 on.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Exact::deserialize(deserializer).map(|number| number.0)
}

/// Numbers that may be absent.
pub mod option {
    use super::{Deserialize, Deserializer, Exact, Serialize, Serializer};

    /// Writes a number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Exact).serialize(serializer)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// What is no whole number from 0 on.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Option::<Exact>::deserialize(deserializer)?.map(|number| number.0))
    }
}

/// Lists of numbers.
pub mod list {
    use super::{Deserialize, Deserializer, Exact, Serializer};

    /// Writes the numbers.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(numbers: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().copied().map(Exact))
    }

    /// Reads the numbers.
    ///
    /// # Errors
    /// What is no whole number from 0 on.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        Ok(Vec::<Exact>::deserialize(deserializer)?.into_iter().map(|number| number.0).collect())
    }
}

/// How a JSON Schema describes such a number.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum NumberOrText {
    /// Up to 2^53 - 1.
    Number(u64),
    /// Beyond: its digits.
    Text(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Seeds {
        #[serde(with = "super")]
        one: u64,
        #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
        maybe: Option<u64>,
        #[serde(with = "list")]
        many: Vec<u64>,
    }

    #[test]
    fn what_others_would_round_is_text_and_both_are_read() {
        let seeds = Seeds { one: SAFE, maybe: Some(SAFE + 1), many: vec![0, u64::MAX] };
        let json = serde_json::to_string(&seeds).unwrap();
        assert_eq!(json, r#"{"one":9007199254740991,"maybe":"9007199254740992","many":[0,"18446744073709551615"]}"#);
        assert_eq!(serde_json::from_str::<Seeds>(&json).unwrap(), seeds);
        let toml = toml::to_string(&seeds).unwrap();
        assert_eq!(toml::from_str::<Seeds>(&toml).unwrap(), seeds);
        let as_numbers = r#"{"one":"7","maybe":11612894159568589514,"many":["1"]}"#;
        let read: Seeds = serde_json::from_str(as_numbers).unwrap();
        assert_eq!(read, Seeds { one: 7, maybe: Some(11_612_894_159_568_589_514), many: vec![1] });
        for wrong in ["-1", "1.5", "\"\"", "\"-1\"", "\"1e3\"", "18446744073709551616", "true"] {
            let json = format!("{{\"one\":{wrong},\"many\":[]}}");
            assert!(serde_json::from_str::<Seeds>(&json).is_err(), "{wrong}");
        }
    }
}
