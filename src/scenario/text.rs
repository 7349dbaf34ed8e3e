//! Values with units in scenarios: read from `"5s"`, `"10000/s"` or a bare number, written so that reading gives the same.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserializer;
use serde::de::Error as _;

/// A duration in the form that [`crate::units::duration`] reads, without loss.
#[must_use]
pub fn of_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 6] = [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    let (scale, unit) = UNITS.into_iter().find(|(scale, _)| nanos.is_multiple_of(*scale)).unwrap_or((1, "ns"));
    format!("{}{unit}", nanos / scale)
}

/// A text, or the text of a number.
struct TextVisitor;

impl serde::de::Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<String, E> {
        Ok(flag.to_string())
    }
}

/// Reads a value from a text, or from a number as if it were one.
///
/// # Errors
/// Where the value does not take it.
pub(crate) fn read<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: Deserializer<'de>,
{
    let text = deserializer.deserialize_any(TextVisitor)?;
    text.parse().map_err(D::Error::custom)
}

/// For `#[serde(with)]` on an optional duration.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_str(&super::of_duration(*value)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = deserializer.deserialize_any(super::TextVisitor)?;
        crate::units::duration(&text).map(Some).map_err(D::Error::custom)
    }
}

/// For `#[serde(with)]` on a table whose values may be texts, numbers or true and false.
pub(crate) mod table {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer};

    struct Text(String);

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(super::TextVisitor).map(Self)
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, String>, D::Error> {
        let texts = BTreeMap::<String, Text>::deserialize(deserializer)?;
        Ok(texts.into_iter().map(|(key, Text(text))| (key, text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_duration_reads_as_the_same(nanos in 0_u64..=u64::MAX) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(crate::units::duration(&of_duration(duration)), Ok(duration));
        }
    }

    #[test]
    fn durations_are_written_in_their_largest_whole_unit() {
        assert_eq!(of_duration(Duration::from_secs(7200)), "2h");
        assert_eq!(of_duration(Duration::from_secs(90)), "90s");
        assert_eq!(of_duration(Duration::from_millis(250)), "250ms");
        assert_eq!(of_duration(Duration::ZERO), "0s");
    }
}
