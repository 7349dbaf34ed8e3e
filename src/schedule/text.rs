//! How rates, speeds and spans stand in files: as text with a unit, read back exactly as it was written.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::rate::{Level, Rate, Speed};
use crate::clock::Nanos;
use crate::units;

/// A span of time that is read and written with its unit: `30s`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Nanos);

impl FromStr for Span {
    type Err = units::UnitError;

    fn from_str(text: &str) -> Result<Self, units::UnitError> {
        units::duration(text).map(|duration| Self(duration.into()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::of_duration(self.0.into()))
    }
}

/// Takes a text, or a bare number as if it were one.
struct FromText<T>(PhantomData<T>);

impl<T> Visitor<'_> for FromText<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! text_in_files {
    ($($kind:ty),*) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(FromText(PhantomData))
            }
        }
    )*};
}
text_in_files!(Rate, Level, Speed, Span);

macro_rules! written_as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}
written_as_text!(Rate, Level, Span);

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_decimal())
    }
}

/// Levels as a list, or as one text with spaces between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels(pub Vec<Level>);

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Levels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rates")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Levels, E> {
                text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map(Levels).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<Levels, A::Error> {
                let mut list = Vec::new();
                while let Some(level) = levels.next_element()? {
                    list.push(level);
                }
                Ok(Levels(list))
            }
        }
        deserializer.deserialize_any(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_written_in_the_largest_whole_unit() {
        assert_eq!(Span(Nanos::from_secs(7200)).to_string(), "2h");
        assert_eq!(Span(Nanos::from_secs(90)).to_string(), "90s");
        assert_eq!(Span(Nanos(1_500)).to_string(), "1500ns");
        assert_eq!(Span(Nanos::ZERO).to_string(), "0s");
    }

    proptest! {
        #[test]
        fn a_span_is_read_back_as_it_was_written(ns in any::<u64>()) {
            prop_assert_eq!(Span(Nanos(ns)).to_string().parse::<Span>().unwrap(), Span(Nanos(ns)));
        }

        #[test]
        fn a_speed_is_read_back_as_it_was_written(nano in 1_u64..1_000_000_000_000_000) {
            let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
            let speed: Speed = text.parse().unwrap();
            prop_assert_eq!(speed.to_decimal().parse::<Speed>().unwrap().as_f64().to_bits(), speed.as_f64().to_bits());
        }
    }
}
