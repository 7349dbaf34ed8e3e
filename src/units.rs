//! Values with units, as people write them: `5s`, `250ms`, `16MiB`, `99.9%`.

pub mod exact;

use std::time::Duration;

/// Why a text is no value with a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No duration.
    #[error("\"{0}\" is no duration: write 250ms, 5s, 1m30s, 2h or 7d")]
    Duration(String),
    /// No size.
    #[error("\"{0}\" is no size: write 512, 64KiB, 16MiB or 2GiB")]
    Size(String),
}

const DURATION_UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZE_UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// A duration as [`duration`] reads it, in the largest unit up to hours of which it is a whole multiple: `90s`, `2h`.
#[must_use]
pub fn of_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    let mut units = DURATION_UNITS.into_iter().rev().filter(|(unit, _)| *unit != "d");
    let whole = units.find(|(_, scale)| nanos.is_multiple_of(u128::from(*scale)));
    let (unit, scale) = whole.unwrap_or(("ns", 1));
    format!("{}{unit}", nanos / u128::from(scale))
}

/// Reads `250ms`, `5s`, `1m30s`, `1.5h`, `7d`. A bare number is refused: its unit would be a guess.
///
/// # Errors
/// Where the text is none of these.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let refused = || UnitError::Duration(text.to_owned());
    let mut rest = text.trim();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refused)?;
        let (number, after) = rest.split_at(number_ends);
        let after = after.trim_start();
        let unit_ends = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_ends);
        let scale = unit_of(&DURATION_UNITS, usual(unit)).ok_or_else(refused)?;
        let part = scaled(number, scale).ok_or_else(refused)?;
        total = total.checked_add(part).ok_or_else(refused)?;
        rest = after.trim_start();
    }
    if text.trim().is_empty() { Err(refused()) } else { Ok(Duration::from_nanos(total)) }
}

/// Reads `512`, `64KiB`, `16MiB`, `2GiB` (also KB, MB, GB as powers of ten), in bytes.
///
/// # Errors
/// Where the text is none of these.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let refused = || UnitError::Size(text.to_owned());
    let trimmed = text.trim();
    let number_ends = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(number_ends);
    let scale = unit_of(&SIZE_UNITS, &unit.trim().to_ascii_lowercase()).ok_or_else(refused)?;
    scaled(number, scale).ok_or_else(refused)
}

pub mod size_text {
    //! Bytes as settings have them: `sort_memory = "256MiB"`.

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes them.
    ///
    /// # Errors
    /// What the format refuses.
    pub fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.to_string())
    }

    /// Reads them.
    ///
    /// # Errors
    /// A text that is no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        super::size(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Other spellings of a unit of time.
fn usual(unit: &str) -> &str {
    match unit {
        "µs" | "usec" => "us",
        "msec" => "ms",
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hour" | "hours" => "h",
        "day" | "days" => "d",
        other => other,
    }
}

fn unit_of(units: &[(&str, u64)], name: &str) -> Option<u64> {
    units.iter().find(|(unit, _)| *unit == name).map(|(_, scale)| *scale)
}

/// `number * scale` in whole units, for a decimal of at most 18 digits.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let units = u128::from(whole.parse::<u64>().ok()?) * u128::from(scale);
    let part = if fraction.is_empty() {
        0
    } else {
        let tenths = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        u128::from(fraction.parse::<u64>().ok()?) * u128::from(scale) / tenths
    };
    u64::try_from(units + part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_their_largest_whole_unit() {
        for (nanos, text) in [
            (0, "0s"),
            (1_500, "1500ns"),
            (250_000_000, "250ms"),
            (90_000_000_000, "90s"),
            (7_200_000_000_000, "2h"),
            (172_800_000_000_000, "48h"),
        ] {
            assert_eq!(of_duration(Duration::from_nanos(nanos)), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_written_duration_reads_as_the_same(nanos in 0_u64..=u64::MAX) {
            let written = Duration::from_nanos(nanos);
            proptest::prop_assert_eq!(duration(&of_duration(written)), Ok(written));
        }
    }

    #[test]
    fn durations_are_read_with_their_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(duration("1min 30 sec"), Ok(Duration::from_secs(90)));
        for text in ["", "5", "s", "-5s", "5 parsecs", "1.2.3s", "99999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(size("16MiB"), Ok(16 << 20));
        assert_eq!(size("1.5 KiB"), Ok(1536));
        assert_eq!(size("2GB"), Ok(2_000_000_000));
        assert!(size("16 elephants").is_err());
        assert!(size("").is_err());
    }
}
