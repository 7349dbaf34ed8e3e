//! Units of limits: what may stand behind a number, and what it counts in.

use std::fmt;

/// What a metric counts in. A limit must be of the metric's dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Whole things; written without a unit.
    Count,
    /// A share of one number to another; written without a unit.
    Ratio,
    /// A share of a hundred.
    Percent,
    /// A time; values are in us.
    Time,
    /// Events per second.
    Rate,
    /// A size; values are in bytes.
    Size,
}

impl Dimension {
    /// The units a limit of this dimension is written in; empty where it takes none.
    #[must_use]
    pub fn units(self) -> Vec<Unit> {
        Unit::ALL.into_iter().filter(|unit| *unit != Unit::Plain && unit.fits(self)).collect()
    }

    /// The unit a value of this dimension is compared and reported in.
    #[must_use]
    pub const fn base(self) -> Unit {
        match self {
            Self::Count | Self::Ratio => Unit::Plain,
            Self::Percent => Unit::Percent,
            Self::Time => Unit::Us,
            Self::Rate => Unit::PerSecond,
            Self::Size => Unit::Bytes,
        }
    }
}

/// What stands behind a limit's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing.
    Plain,
    /// Percent.
    Percent,
    /// Events per second.
    PerSecond,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
    /// Bytes.
    Bytes,
    /// 1024 bytes.
    KiB,
    /// 1024 KiB.
    MiB,
    /// 1024 MiB.
    GiB,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 10] = [
        Self::Plain,
        Self::Percent,
        Self::PerSecond,
        Self::Us,
        Self::Ms,
        Self::S,
        Self::Bytes,
        Self::KiB,
        Self::MiB,
        Self::GiB,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Percent => "%",
            Self::PerSecond => "/s",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
            Self::Bytes => "B",
            Self::KiB => "KiB",
            Self::MiB => "MiB",
            Self::GiB => "GiB",
        }
    }

    /// The unit written so, if there is one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// Whether a limit with this unit can be compared with a value of that dimension.
    #[must_use]
    pub const fn fits(self, dimension: Dimension) -> bool {
        matches!(
            (self, dimension),
            (Self::Plain, Dimension::Count | Dimension::Ratio)
                | (Self::Percent, Dimension::Percent)
                | (Self::PerSecond, Dimension::Rate)
                | (Self::Us | Self::Ms | Self::S, Dimension::Time)
                | (Self::Bytes | Self::KiB | Self::MiB | Self::GiB, Dimension::Size)
        )
    }

    /// How many of its dimension's base unit one of these is.
    #[must_use]
    pub const fn scale(self) -> f64 {
        match self {
            Self::Plain | Self::Percent | Self::PerSecond | Self::Us | Self::Bytes => 1.0,
            Self::Ms => 1e3,
            Self::S => 1e6,
            Self::KiB => 1024.0,
            Self::MiB => 1_048_576.0,
            Self::GiB => 1_073_741_824.0,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_fits_some_dimension_and_is_read_as_it_is_written() {
        let all =
            [Dimension::Count, Dimension::Ratio, Dimension::Percent, Dimension::Time, Dimension::Rate, Dimension::Size];
        for unit in Unit::ALL {
            assert_eq!(Unit::from_text(unit.as_str()), Some(unit));
            assert!(all.iter().any(|dimension| unit.fits(*dimension)), "{unit:?}");
        }
        for dimension in all {
            assert!(dimension.base().fits(dimension));
        }
    }
}
