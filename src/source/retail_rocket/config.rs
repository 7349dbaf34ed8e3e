//! What to replay: the file, which of its rows, how often, and how much room the sorting may take.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::row::{EARLIEST_MS, Moment};
use crate::input::BadRowPolicy;
use crate::units;

/// The `[source]` table of a replay. Speed and rate are not here: they belong to the schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The CSV, plain, gzip, zstd, or alone in a zip; `-` is standard input. Written `file` in scenarios.
    #[serde(rename = "file", alias = "path")]
    pub path: PathBuf,
    /// What to do with a row that cannot be used.
    pub bad_rows: BadRowPolicy,
    /// At most this many rows of the recording, the earliest ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Only rows recorded at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// Only rows recorded before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// An idle gap longer than this is played as this long.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<Duration>,
    /// Leave out rows that repeat another row in every column.
    pub dedup: bool,
    /// Only this share of the visitors, chosen by a hash of their id: whole users, so their sessions stay whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_sample: Option<Share>,
    /// Each visitor becomes this many, with shifted times.
    pub amplify: u32,
    /// How often the recording is played.
    #[serde(rename = "loop")]
    pub rounds: Rounds,
    /// A Retail Rocket `category_tree.csv`, whose leaves become the categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_tree: Option<PathBuf>,
    /// Retail Rocket's `item_properties_part1.csv` and `..._part2.csv`: category, price and availability of items over time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub item_properties: Vec<PathBuf>,
    /// Whether changes of availability are events of their own, where `item_properties` tell them.
    #[serde(skip_serializing_if = "is_true")]
    pub inventory: bool,
    /// Bytes that sorting may take before it spills to `temp_dir`.
    #[serde(with = "units::size_text")]
    pub sort_memory: u64,
    /// Where a recording larger than `sort_memory` is sorted; the system's folder for temporary files if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_dir: Option<PathBuf>,
    /// The run's seed, from which the shifts of `amplify` come.
    #[serde(skip)]
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            bad_rows: BadRowPolicy::Fail,
            limit: None,
            from: None,
            until: None,
            max_gap: None,
            dedup: false,
            users_sample: None,
            amplify: 1,
            rounds: Rounds::ONCE,
            category_tree: None,
            item_properties: Vec::new(),
            inventory: true,
            sort_memory: 1 << 30,
            temp_dir: None,
            seed: 0,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_true(value: &bool) -> bool {
    *value
}

/// How often a recording is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "NumberOrText")]
pub enum Rounds {
    /// This many times, at least once.
    Count(u32),
    /// Until something else ends the run.
    Forever,
}

impl Rounds {
    /// No repetition.
    pub const ONCE: Self = Self::Count(1);
}

impl Default for Rounds {
    fn default() -> Self {
        Self::ONCE
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl FromStr for Rounds {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.trim() {
            "forever" => Ok(Self::Forever),
            number => match number.parse() {
                Ok(count) if count > 0 => Ok(Self::Count(count)),
                _ => Err(ValueError::Rounds(text.to_owned())),
            },
        }
    }
}

/// A share above 0 and at most 1, written `1%` or `0.01`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "NumberOrText")]
pub struct Share(f64);

impl Share {
    /// `fraction`, where it is above 0 and at most 1.
    #[must_use]
    pub fn new(fraction: f64) -> Option<Self> {
        (fraction > 0.0 && fraction <= 1.0).then_some(Self(fraction))
    }

    /// The share as a fraction.
    #[must_use]
    pub const fn fraction(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Share {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let trimmed = text.trim();
        let fraction = match trimmed.strip_suffix('%') {
            Some(percent) => percent.trim_end().parse::<f64>().map(|percent| percent / 100.0),
            None => trimmed.parse(),
        };
        fraction.ok().and_then(Self::new).ok_or_else(|| ValueError::Share(text.to_owned()))
    }
}

impl FromStr for Moment {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let trimmed = text.trim();
        if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            // Ten digits are a time in seconds, which as ms would silently select everything or nothing.
            return match trimmed.parse() {
                Ok(ms) if ms >= EARLIEST_MS.cast_signed() => Ok(Self(ms)),
                _ => Err(ValueError::Moment(text.to_owned())),
            };
        }
        match trimmed.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_millisecond())),
            Err(_) => Err(ValueError::Moment(text.to_owned())),
        }
    }
}

/// Why a text is no value of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// No number of rounds.
    #[error("\"{0}\" is no number of rounds: write a number from 1, or forever")]
    Rounds(String),
    /// No share.
    #[error("\"{0}\" is no share: write 1% or 0.01; above 0, at most 100%")]
    Share(String),
    /// No time.
    #[error("\"{0}\" is no time: write 2015-06-01T00:00:00Z or milliseconds since 1970 (13 digits)")]
    Moment(String),
}

/// TOML gives some of these values as numbers, others as text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Whole(i64),
    Fraction(f64),
    Text(String),
}

impl NumberOrText {
    fn read<T: FromStr<Err = ValueError>>(self) -> Result<T, ValueError> {
        match self {
            Self::Whole(number) => number.to_string().parse(),
            Self::Fraction(number) => number.to_string().parse(),
            Self::Text(text) => text.parse(),
        }
    }
}

macro_rules! number_or_text {
    ($($kind:ty => $written:expr;)*) => {$(
        impl TryFrom<NumberOrText> for $kind {
            type Error = ValueError;
            fn try_from(value: NumberOrText) -> Result<Self, ValueError> {
                value.read()
            }
        }

        impl From<$kind> for NumberOrText {
            fn from(value: $kind) -> Self {
                $written(value)
            }
        }
    )*};
}

number_or_text! {
    Share => |share: Share| NumberOrText::Fraction(share.0);
    Moment => |moment: Moment| NumberOrText::Text(moment.to_string());
    Rounds => |rounds: Rounds| match rounds {
        Rounds::Count(count) => NumberOrText::Whole(count.into()),
        Rounds::Forever => NumberOrText::Text(rounds.to_string()),
    };
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        NumberOrText::from(*self).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        NumberOrText::deserialize(from)?.read().map_err(de::Error::custom)
    }
}

pub(in crate::source) mod optional_duration {
    //! `max_gap = "1s"`.

    use super::{Duration, units};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(in crate::source) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(duration) => to.serialize_str(&units::of_duration(*duration)),
            None => to.serialize_none(),
        }
    }

    pub(in crate::source) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| units::duration(&text).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!("1%".parse(), Ok(Share(0.01)));
        assert_eq!("0.5".parse(), Ok(Share(0.5)));
        assert_eq!("forever".parse(), Ok(Rounds::Forever));
        assert_eq!("3".parse(), Ok(Rounds::Count(3)));
        assert_eq!("2015-06-01T00:00:00Z".parse(), Ok(Moment(1_433_116_800_000)));
        assert_eq!("2015-06-01T02:00:00.001+02:00".parse(), Ok(Moment(1_433_116_800_001)));
        assert_eq!("1433116800000".parse(), Ok(Moment(1_433_116_800_000)));
    }

    #[test]
    fn values_that_mean_nothing_are_refused() {
        for text in ["0", "0%", "101%", "-1%", "NaN", "", "%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        for text in ["0", "-1", "often", ""] {
            assert!(text.parse::<Rounds>().is_err(), "{text}");
        }
        for text in ["1433116800", "2015-06-01", "yesterday", "", "-5", "99999999999999999999"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_configuration_survives_toml() {
        let config = Config {
            path: "events.csv".into(),
            bad_rows: BadRowPolicy::Skip,
            limit: Some(5),
            from: Some(Moment(1_433_116_800_001)),
            until: Some(Moment(1_433_203_200_000)),
            max_gap: Some(Duration::from_millis(1500)),
            dedup: true,
            users_sample: Share::new(0.25),
            amplify: 3,
            rounds: Rounds::Forever,
            category_tree: Some("tree.csv".into()),
            item_properties: vec!["a.csv".into()],
            inventory: false,
            sort_memory: 256 << 20,
            temp_dir: Some("/var/tmp".into()),
            seed: 0,
        };
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config, "{text}");
        assert!(text.contains("max_gap = \"1500ms\""), "{text}");
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn a_key_that_does_not_exist_is_refused() {
        let error = toml::from_str::<Config>("flie = \"events.csv\"").unwrap_err();
        assert!(error.to_string().contains("flie"), "{error}");
    }

    #[test]
    fn numbers_and_texts_both_serve_in_toml() {
        let config: Config =
            toml::from_str("loop = 4\nusers_sample = \"10%\"\nfrom = 1433116800000\nsort_memory = \"64MiB\"").unwrap();
        assert_eq!(config.rounds, Rounds::Count(4));
        assert_eq!(config.users_sample, Share::new(0.1));
        assert_eq!(config.from, Some(Moment(1_433_116_800_000)));
        assert_eq!(config.sort_memory, 64 << 20);
    }
}
