//! Times as files have them: numbers in some unit since 1970, dates, or a form that the user names.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::problem::RowProblem;
use super::unit::Unit;
use crate::input::{date, looks_like_a_date, shown};

/// How times are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeFormat {
    /// As the first one shows: a date, or a number whose range tells its unit.
    #[default]
    Inferred,
    /// Numbers since 1970, also with decimals.
    Number(Unit),
    /// RFC 3339, or the same with a space or without an offset.
    Rfc3339,
    /// A form of `strftime`.
    Pattern(String),
}

/// A format of another name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no format of times: write s, ms, us, ns, rfc3339, or a form such as '%d/%m/%Y %H:%M:%S'{problem}"
)]
pub struct UnknownFormat {
    text: String,
    problem: String,
}

impl FromStr for TimeFormat {
    type Err = UnknownFormat;
    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        if let Some(unit) = Unit::ALL.into_iter().find(|unit| unit.option() == text) {
            return Ok(Self::Number(unit));
        }
        let unknown = |problem| UnknownFormat { text: text.to_owned(), problem };
        match text {
            "rfc3339" => Ok(Self::Rfc3339),
            pattern if pattern.contains('%') => {
                let any = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
                strtime::format(pattern, &any).map_err(|error| unknown(format!(": {error}")))?;
                Ok(Self::Pattern(pattern.to_owned()))
            }
            _ => Err(unknown(String::new())),
        }
    }
}

impl TimeFormat {
    /// Whether nobody said it.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        matches!(self, Self::Inferred)
    }
}

impl TryFrom<String> for TimeFormat {
    type Error = UnknownFormat;
    fn try_from(text: String) -> Result<Self, UnknownFormat> {
        text.parse()
    }
}

impl From<TimeFormat> for String {
    /// As `--time-format` has it.
    fn from(format: TimeFormat) -> Self {
        match format {
            TimeFormat::Inferred => Self::new(),
            TimeFormat::Number(unit) => unit.option().to_owned(),
            TimeFormat::Rfc3339 => "rfc3339".to_owned(),
            TimeFormat::Pattern(pattern) => pattern,
        }
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inferred => f.write_str("as the first one shows"),
            Self::Number(unit) => unit.fmt(f),
            Self::Rfc3339 => f.write_str("dates"),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}

/// Reads the times of one field, and remembers how they are written.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) field: String,
    pub(super) format: TimeFormat,
    /// How many had no offset and were taken as UTC.
    pub(super) without_offset: u64,
}

impl Times {
    pub(super) const fn new(field: String, format: TimeFormat) -> Self {
        Self { field, format, without_offset: 0 }
    }

    /// Microseconds since 1970.
    pub(super) fn read(&mut self, text: &str) -> Result<i64, RowProblem> {
        let told = if self.format == TimeFormat::Inferred { Some(self.told(text)?) } else { None };
        let format = told.as_ref().unwrap_or(&self.format);
        let (at_us, has_offset) = match format {
            TimeFormat::Inferred | TimeFormat::Rfc3339 => {
                let date = date(text.as_bytes()).ok_or_else(|| self.not_a_date(text))?;
                (date.at.as_microsecond(), date.has_offset)
            }
            TimeFormat::Number(unit) => (self.number(*unit, text)?, true),
            TimeFormat::Pattern(pattern) => by_pattern(pattern, text).map_err(|error| RowProblem::Pattern {
                field: self.field.clone(),
                value: shown(text.as_bytes()),
                problem: error.to_string(),
            })?,
        };
        if at_us < 0 {
            return Err(RowProblem::TooEarly { field: self.field.clone(), value: shown(text.as_bytes()) });
        }
        self.without_offset += u64::from(!has_offset);
        // Only a time that was read shows how they are written.
        if let Some(format) = told {
            self.format = format;
        }
        Ok(at_us)
    }

    fn told(&self, text: &str) -> Result<TimeFormat, RowProblem> {
        if date(text.as_bytes()).is_some() {
            return Ok(TimeFormat::Rfc3339);
        }
        let (whole, _) = decimal(text).ok_or_else(|| self.not_a_date(text))?;
        let unit = Unit::of(whole).ok_or_else(|| self.not_a_time(text))?;
        Ok(TimeFormat::Number(unit))
    }

    fn number(&self, unit: Unit, text: &str) -> Result<i64, RowProblem> {
        let (whole, nanos) = decimal(text).ok_or_else(|| self.not_a_time(text))?;
        match Unit::of(whole) {
            Some(looks_like) if looks_like != unit => {
                let (field, value) = (self.field.clone(), shown(text.as_bytes()));
                return Err(RowProblem::OtherUnit { field, value, looks_like, unit });
            }
            _ => {}
        }
        let ns = (i128::from(whole) * 1_000_000_000 + i128::from(nanos)) / i128::from(unit.per_second());
        i64::try_from(ns / 1_000).map_err(|_| self.not_a_time(text))
    }

    fn not_a_time(&self, text: &str) -> RowProblem {
        RowProblem::NotATime { field: self.field.clone(), value: shown(text.as_bytes()) }
    }

    fn not_a_date(&self, text: &str) -> RowProblem {
        if looks_like_a_date(text.as_bytes()) {
            RowProblem::Date { field: self.field.clone(), value: shown(text.as_bytes()) }
        } else {
            self.not_a_time(text)
        }
    }
}

/// The whole part of a number, and nine digits of its decimals.
fn decimal(text: &str) -> Option<(u64, u32)> {
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) {
        return None;
    }
    let nine: String = decimals.chars().chain(std::iter::repeat('0')).take(9).collect();
    Some((whole.parse().ok()?, nine.parse().ok()?))
}

/// Microseconds since 1970, and whether the text says where.
fn by_pattern(pattern: &str, text: &str) -> Result<(i64, bool), jiff::Error> {
    let parts = strtime::parse(pattern, text.trim())?;
    if parts.offset().is_some() || parts.timestamp().is_some() {
        return Ok((parts.to_timestamp()?.as_microsecond(), true));
    }
    Ok((parts.to_datetime()?.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT_US: i64 = 1_433_000_001_117_250;

    fn read(format: &str, text: &str) -> Result<i64, RowProblem> {
        let format = if format.is_empty() { TimeFormat::Inferred } else { format.parse().unwrap() };
        Times::new("ts".to_owned(), format).read(text)
    }

    #[test]
    fn the_range_of_a_number_tells_its_unit() {
        for text in ["1433000001.11725", "1433000001117.25", "1433000001117250", "1433000001117250000"] {
            assert_eq!(read("", text), Ok(AT_US), "{text}");
        }
        for (text, whole) in [("1433000001", 1_433_000_001_000_000), ("1433000001117", 1_433_000_001_117_000)] {
            assert_eq!(read("", text), Ok(whole));
        }
    }

    #[test]
    fn seconds_where_milliseconds_are_meant_are_refused_by_name() {
        let problem = read("ms", "1433000001").unwrap_err();
        assert_eq!(problem.to_string(), "ts 1433000001 looks like seconds, not milliseconds");
        assert!(problem.hint().starts_with("--time-format s "), "{}", problem.hint());
        // What the first row shows holds for the rest.
        let mut times = Times::new("ts".to_owned(), TimeFormat::Inferred);
        assert!(times.read("1433000001117").is_ok());
        assert!(matches!(times.read("1433000001"), Err(RowProblem::OtherUnit { looks_like: Unit::Seconds, .. })));
        // Small numbers are times of a clock that began elsewhere, once their unit is said.
        assert!(matches!(read("", "17"), Err(RowProblem::NotATime { .. })));
        assert_eq!(read("s", "17.5"), Ok(17_500_000));
    }

    #[test]
    fn a_time_that_cannot_be_read_does_not_decide_how_the_others_are_written() {
        let mut times = Times::new("ts".to_owned(), TimeFormat::Inferred);
        assert!(times.read("soon").is_err());
        assert!(times.read("1433000001").is_ok());
    }

    #[test]
    fn dates_without_an_offset_are_taken_as_utc_and_counted() {
        let mut times = Times::new("ts".to_owned(), TimeFormat::Inferred);
        assert_eq!(times.read("2015-05-30 15:33:21.11725"), Ok(AT_US));
        assert_eq!(times.read("2015-05-30T17:33:21.11725+02:00"), Ok(AT_US));
        assert_eq!(times.without_offset, 1);
        let mut times = Times::new("ts".to_owned(), "%d/%m/%Y %H:%M:%S%.f".parse().unwrap());
        assert_eq!(times.read("30/05/2015 15:33:21.11725"), Ok(AT_US));
        assert_eq!(times.without_offset, 1);
    }

    #[test]
    fn a_form_of_ones_own_is_read_with_its_offset_and_checked_before_anything_is_read() {
        assert_eq!(read("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700"), Ok(971_211_336_000_000));
        let problem = read("%d/%m/%Y", "2015-05-30").unwrap_err();
        assert!(
            problem.to_string().starts_with("ts \"2015-05-30\" is not written as --time-format says: "),
            "{problem}"
        );
        for wrong in ["minutes", "%Q%", "", "rfc822"] {
            assert!(wrong.parse::<TimeFormat>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn other_texts_are_told_apart() {
        assert!(matches!(read("", "30/05/2015 15:33"), Err(RowProblem::Date { .. })));
        assert!(matches!(read("rfc3339", "30/05/2015 15:33"), Err(RowProblem::Date { .. })));
        assert!(matches!(read("", "1.4e12"), Err(RowProblem::NotATime { .. })));
        assert!(matches!(read("", "-5"), Err(RowProblem::NotATime { .. })));
        assert!(matches!(read("", "1969-12-31 23:59:59"), Err(RowProblem::TooEarly { .. })));
    }

    proptest! {
        #[test]
        fn a_time_is_the_same_in_every_unit_and_as_a_date(at_us in 100_000_000_000_000_i64..18_000_000_000_000_000) {
            let at = jiff::Timestamp::from_microsecond(at_us).unwrap();
            let (s, part) = (at_us / 1_000_000, at_us % 1_000_000);
            for text in [format!("{s}.{part:06}"), at_us.to_string(), format!("{at_us}000"), format!("{at:.6}")] {
                prop_assert_eq!(read("", &text), Ok(at_us), "{}", text);
            }
        }

        #[test]
        fn whatever_the_text_it_is_a_time_or_a_problem_on_one_line(text in ".{0,40}", format in 0..4_usize) {
            let format = ["", "ms", "rfc3339", "%Y %j %H"][format];
            if let Err(problem) = read(format, &text) {
                prop_assert!(!problem.to_string().contains('\n'));
            }
        }
    }
}
