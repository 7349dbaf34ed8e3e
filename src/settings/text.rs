//! Values with units in scenarios: read from `"5s"`, `"10000/s"` or a bare number, written so that reading gives the same.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserializer;
use serde::de::Error as _;

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

/// Reads `"250ms"` or `"1m30s"`.
///
/// # Errors
/// What is no duration.
pub(crate) fn read_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = deserializer.deserialize_any(TextVisitor)?;
    crate::units::duration(&text).map_err(D::Error::custom)
}

/// For `#[serde(with)]` on an optional duration.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_str(&crate::units::of_duration(*value)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::read_duration(deserializer).map(Some)
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
