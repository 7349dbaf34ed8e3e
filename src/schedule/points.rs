//! The points of a rate curve as a table: one line for each, a time since the start and a rate.
//!
//! ```csv
//! time,rate
//! 0,100/s
//! 1m30s,2500
//! ```
//! A time without a unit is in seconds. The first line may be a heading; empty lines and those that start with `#` are
//! passed over.

use super::rate::{Level, RateError};
use crate::clock::Nanos;
use crate::units::{self, UnitError};

/// Why a table holds no curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {cause}")]
pub struct PointsError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub cause: PointError,
}

/// Why a line is no point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// Not two fields.
    #[error("a point is a time and a rate with a comma between them, as in 30s,1000/s")]
    Fields,
    /// No time.
    #[error("{0}; a number alone is in seconds")]
    Time(#[from] UnitError),
    /// No rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// Earlier than the line before.
    #[error("{at} is earlier than {before} before it")]
    Unsorted {
        /// This line's time.
        at: Nanos,
        /// The time of the point before it.
        before: Nanos,
    },
}

/// Reads the points of a table.
///
/// # Errors
/// The first line that is no point, or is earlier than the one before it.
pub fn read(table: &str) -> Result<Vec<(Nanos, Level)>, PointsError> {
    let mut points: Vec<(Nanos, Level)> = Vec::new();
    let mut heading_allowed = true;
    for (index, line) in table.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let refused = |cause| PointsError { line: index + 1, cause };
        let heading = heading_allowed && line.starts_with(|c: char| c.is_alphabetic() || c == '"');
        heading_allowed = false;
        if heading {
            continue;
        }
        let (at, level) = point(line).map_err(refused)?;
        if let Some(&(before, _)) = points.last().filter(|(before, _)| *before > at) {
            return Err(refused(PointError::Unsorted { at, before }));
        }
        points.push((at, level));
    }
    Ok(points)
}

fn point(line: &str) -> Result<(Nanos, Level), PointError> {
    let (time, rate) = line.split_once(',').ok_or(PointError::Fields)?;
    let time = time.trim();
    let bare = time.ends_with(|c: char| c.is_ascii_digit());
    let at = if bare { units::duration(&format!("{time}s")) } else { units::duration(time) }
        .map_err(|_| UnitError::Duration(time.to_owned()))?;
    Ok((at.into(), rate.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(table: &str) -> String {
        read(table).unwrap_err().to_string()
    }

    #[test]
    fn points_are_read_with_or_without_heading_and_units() {
        let expected = [(0, "100"), (1_500, "0"), (90_000, "2500")];
        let expected: Vec<_> =
            expected.iter().map(|(ms, level)| (Nanos::from_millis(*ms), level.parse().unwrap())).collect();
        assert_eq!(read("time,rate\n0,100/s\n1.5,0\n1m30s, 2500 \n").unwrap(), expected);
        assert_eq!(read("\u{feff}# a day\n\n0s,100\r\n1500ms,0/s\r\n90,2500").unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_no_point_is_named() {
        assert_eq!(refusal("0,1\n10,-5"), "line 2: \"-5\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m");
        assert_eq!(refusal("t,r\n5,1\n\n4,1"), "line 4: 4s is earlier than 5s before it");
        assert!(refusal("0;1").starts_with("line 1: a point is a time and a rate"));
        assert!(refusal("-1,1").contains("\"-1\" is no duration"));
        assert!(refusal("time,rate\nrate,time").starts_with("line 2: \"rate\" is no duration"));
    }
}
