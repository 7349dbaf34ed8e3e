//! Fields of the recording's files as values: numbers, ids, times, and what stands for nothing. The same for all files.

use super::problem::RowProblem;
use super::row::{EARLIEST_MS, LATEST_MS};
use crate::input::{date, looks_like_a_date, shown};

/// The name of the column with times.
pub(super) const TIME: &str = "timestamp";
/// Times from this on (the year 5138 in ms) are taken for micro- or nanoseconds.
const SURELY_FINER: u64 = 100_000_000_000_000;
/// What programs write where there is no number, beside -1 and 0: pandas, R, `MySQL`, Python, JSON.
const NOTHING: [&[u8]; 8] = [b"nan", b"null", b"none", b"nil", b"na", b"n/a", b"<na>", b"\\n"];

/// How a time was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// Milliseconds since 1970.
    Number,
    /// A date with an offset.
    Date,
    /// A date without one, taken as UTC.
    DateWithoutOffset,
}

/// A time in ms since the Unix epoch.
#[inline]
pub(super) fn time(text: &[u8]) -> Result<(u64, TimeForm), RowProblem> {
    match digits(text) {
        Some(time @ EARLIEST_MS..=LATEST_MS) => Ok((time, TimeForm::Number)),
        _ => unusual_time(text),
    }
}

#[cold]
fn unusual_time(text: &[u8]) -> Result<(u64, TimeForm), RowProblem> {
    let problem = match number(TIME, text) {
        Ok(time @ EARLIEST_MS..=LATEST_MS) => return Ok((time, TimeForm::Number)),
        Ok(value @ ..EARLIEST_MS) => return Err(RowProblem::Seconds { value }),
        Ok(value @ SURELY_FINER..) => return Err(RowProblem::FinerThanMilliseconds { value }),
        Ok(value) => return Err(RowProblem::TooLate { value }),
        Err(problem) => problem,
    };
    if let Some(date) = date(text) {
        let form = if date.has_offset { TimeForm::Date } else { TimeForm::DateWithoutOffset };
        return match u64::try_from(date.at.as_millisecond()) {
            Ok(time @ ..=LATEST_MS) => Ok((time, form)),
            Ok(value) => Err(RowProblem::TooLate { value }),
            Err(_) => Err(RowProblem::TooEarly { value: shown(text) }),
        };
    }
    match problem {
        RowProblem::NotANumber { column, value } | RowProblem::Fraction { column, value }
            if looks_like_a_date(text) =>
        {
            Err(RowProblem::Date { column, value })
        }
        problem => Err(problem),
    }
}

/// An id of at most 32 bits.
pub(super) fn id(column: &'static str, text: &[u8]) -> Result<u32, RowProblem> {
    let value = number(column, text)?;
    u32::try_from(value).map_err(|_| RowProblem::IdTooLarge { column, value })
}

/// Whether a field says that there is no value: blank, or what programs fill in where a number is missing.
pub(super) fn is_nothing(text: &[u8]) -> bool {
    let trimmed = text.trim_ascii();
    trimmed.is_empty() || is_fill(trimmed)
}

fn is_fill(trimmed: &[u8]) -> bool {
    matches!(trimmed, b"-1" | b"-1.0") || NOTHING.iter().any(|nothing| trimmed.eq_ignore_ascii_case(nothing))
}

/// Whether it is 0, the fill of programs that have no other word for a missing number.
pub(super) fn is_zero(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), b"0" | b"0.0")
}

/// A whole number of at most 19 digits.
#[inline]
pub(super) fn number(column: &'static str, text: &[u8]) -> Result<u64, RowProblem> {
    digits(text).map_or_else(|| unusual_number(column, text), Ok)
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0, |value: u64, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + u64::from(digit))
    })
}

/// What other programs make of a number: spaces around it, pandas' `8693.0`, a spreadsheet's `1.43322E+12`.
#[cold]
fn unusual_number(column: &'static str, text: &[u8]) -> Result<u64, RowProblem> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return Err(RowProblem::Blank { column });
    }
    if let Some(value) = digits(trimmed.strip_suffix(b".0").unwrap_or(trimmed)) {
        return Ok(value);
    }
    let value = shown(text);
    let numeric = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_digit)
            && part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
            && part.split(|byte| *byte == b'.').count() <= 2
    };
    let unsigned = trimmed.strip_prefix(b"-").unwrap_or(trimmed);
    if let Some(e) = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        let exponent = unsigned[e + 1..].strip_prefix(b"+").or_else(|| unsigned[e + 1..].strip_prefix(b"-"));
        if numeric(&unsigned[..e]) && numeric(exponent.unwrap_or(&unsigned[e + 1..])) {
            return Err(RowProblem::Scientific { column, value, dates_in: None });
        }
    }
    match numeric(unsigned) {
        true if unsigned.len() < trimmed.len() => Err(RowProblem::Negative { column, value }),
        true if unsigned.contains(&b'.') => Err(RowProblem::Fraction { column, value }),
        _ => Err(RowProblem::NotANumber { column, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_to_the_millisecond_in_utc_unless_an_offset_is_said() {
        use TimeForm::{Date, DateWithoutOffset, Number};
        for (text, time_ms, form) in [
            ("1433000001117", 1_433_000_001_117, Number),
            (" 1433000001117.0", 1_433_000_001_117, Number),
            ("2015-05-30 15:33:21.117", 1_433_000_001_117, DateWithoutOffset),
            ("2015-05-30T15:33:21.117", 1_433_000_001_117, DateWithoutOffset),
            ("2015-05-30T15:33:21Z", 1_433_000_001_000, Date),
            ("2015-05-30 15:33:21.117999+00:00", 1_433_000_001_117, Date),
            ("2015-05-30T17:33:21.117+02:00", 1_433_000_001_117, Date),
            ("2015-05-30 15:33:21.117000 UTC", 1_433_000_001_117, Date),
            ("1970-01-01T00:00:00Z", 0, Date),
        ] {
            assert_eq!(time(text.as_bytes()), Ok((time_ms, form)), "{text}");
        }
    }

    #[test]
    fn dates_in_other_forms_are_called_dates() {
        for text in [
            "30/05/2015 15:33",
            "05/30/2015",
            "2015-05-30",
            "2015-05-30 15:33",
            "May 30, 2015",
            "30.05.2015",
            "15:33:21",
            "2015-13-30 15:33:21",
            "2015-05-30 15:33:21 CEST",
            "2015-05-30 15:33:21.",
            "20150530T153321Z-x-y",
        ] {
            let problem = time(text.as_bytes()).unwrap_err();
            assert!(matches!(problem, RowProblem::Date { .. }), "{text}: {problem}");
            assert!(
                problem.remedy().unwrap().contains("2015-05-30 15:33:21.117"),
                "both forms that are read are named"
            );
        }
        for text in ["yesterday", "x", "-5", "8.5", "1-2"] {
            assert!(!matches!(time(text.as_bytes()).unwrap_err(), RowProblem::Date { .. }), "{text}");
        }
        assert!(matches!(time(b"1969-12-31 23:59:59"), Err(RowProblem::TooEarly { .. })));
        assert!(matches!(time(b"2200-01-01 00:00:00"), Err(RowProblem::TooLate { .. })));
    }

    #[test]
    fn fills_for_a_missing_number_are_nothing_and_zero_is_a_number() {
        for text in ["", "  ", "-1", "-1.0", "NaN", "nan", "null", "NULL", "None", "\\N", "NA", "<NA>", " None "] {
            assert!(is_nothing(text.as_bytes()), "{text}");
        }
        for text in ["0", "0.0", "-2", "unknown", "7", "."] {
            assert!(!is_nothing(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn long_and_foreign_fields_are_shown_in_one_short_line() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 500]).chars().count(), 41);
        assert_eq!(shown(&[0xff]), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn a_time_is_the_same_as_number_and_as_date(time_ms in EARLIEST_MS..=LATEST_MS, minutes in -720_i32..840) {
            let at = Timestamp::from_millisecond(time_ms.cast_signed()).unwrap();
            prop_assert_eq!(time(time_ms.to_string().as_bytes()), Ok((time_ms, TimeForm::Number)));
            prop_assert_eq!(time(format!("{time_ms}.0").as_bytes()), Ok((time_ms, TimeForm::Number)));
            prop_assert_eq!(time(format!("{at:.3}").as_bytes()), Ok((time_ms, TimeForm::Date)));
            let elsewhere = at.to_zoned(jiff::tz::Offset::from_seconds(minutes * 60).unwrap().to_time_zone());
            let text = elsewhere.strftime("%Y-%m-%d %H:%M:%S%.6f%:z").to_string();
            prop_assert_eq!(time(text.as_bytes()), Ok((time_ms, TimeForm::Date)), "{}", text);
            let utc = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
            prop_assert_eq!(time(utc.as_bytes()), Ok((time_ms, TimeForm::DateWithoutOffset)), "{}", utc);
        }

        #[test]
        fn whatever_the_text_a_field_is_a_value_or_a_problem_that_names_it(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            for problem in [time(&text).err(), number("x", &text).err()].into_iter().flatten() {
                prop_assert!(!problem.to_string().contains('\n'));
            }
        }
    }
}
