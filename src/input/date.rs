//! Dates as programs write them.

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// A date that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The instant.
    pub at: Timestamp,
    /// Whether it says where; one that does not is taken as UTC.
    pub has_offset: bool,
}

/// RFC 3339, or the same with a space, or without an offset: `2015-05-30 15:33:21.117`. The time of day to the second at
/// least: what lacks it would put a whole day into one instant.
#[must_use]
pub fn date(text: &[u8]) -> Option<Date> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let bytes = text.as_bytes();
    let at = |places: &[usize], wanted: &[u8]| {
        places.iter().all(|place| bytes.get(*place).is_some_and(|byte| wanted.contains(byte)))
    };
    if bytes.len() < 19 || !at(&[4, 7], b"-") || !at(&[10], b"Tt ") || !at(&[13, 16], b":") {
        return None;
    }
    let (local, rest) = text.split_at_checked(19)?;
    let decimals = rest.strip_prefix('.').map_or(0, |digits| 1 + digits.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, offset) = rest.split_at_checked(decimals)?;
    if decimals == 1 || decimals > 10 {
        return None;
    }
    let time = format!("{}T{}{fraction}", &local[..10], &local[11..]);
    match offset {
        "" => {
            let local: DateTime = time.parse().ok()?;
            Some(Date { at: local.to_zoned(TimeZone::UTC).ok()?.timestamp(), has_offset: false })
        }
        "Z" | "z" | " UTC" => Some(Date { at: format!("{time}Z").parse().ok()?, has_offset: true }),
        offset if offset.starts_with(['+', '-']) => {
            Some(Date { at: format!("{time}{offset}").parse().ok()?, has_offset: true })
        }
        _ => None,
    }
}

/// Digits with what stands between the parts of dates.
#[must_use]
pub fn looks_like_a_date(text: &[u8]) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = text.trim_ascii().to_ascii_lowercase();
    let count = |separator: u8| text.iter().skip(1).filter(|byte| **byte == separator).count();
    let months = || MONTHS.iter().any(|month| text.windows(3).any(|part| part == month.as_bytes()));
    let separated = count(b'/') == 2 || count(b'-') >= 2 || count(b'.') >= 2 || count(b':') >= 1;
    text.iter().any(u8::is_ascii_digit) && (separated || months())
}
