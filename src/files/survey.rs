//! What the rows of files of events come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::{Config, FileFormat};
use super::error::FileError;
use super::how::{FieldsRead, MOST_CLOCKS};
use super::moment::{ByTime, Moment};
use super::preset::{Clock, Preset};
use super::read::{Read, Row, read};
use super::spread::{Counted, Spread};
use super::tally::Tally;
use crate::input::{BadRows, Encoding};
use crate::sorting::{Place, Rows, Sorter};

/// How many of the hottest keys are kept.
pub(super) const HOTTEST: usize = 10;
/// Types that are counted one by one.
const MOST_TYPES: usize = 1_000;
/// The type of a row without one.
const NO_TYPE: &str = "none";

/// What files of events hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// The files, in the order in which they were read, with their lengths in bytes.
    pub files: Vec<(String, Option<u64>)>,
    /// How the bytes of the first one are wrapped.
    pub encoding: Encoding,
    /// What they are.
    pub format: Option<FileFormat>,
    /// The program that wrote them.
    pub preset: Option<Preset>,
    /// Which fields were read, and how.
    pub found: Option<FieldsRead>,
    /// Rows that can be used.
    pub rows: u64,
    /// The same by type.
    pub by_type: BTreeMap<String, u64>,
    /// Rows of more types than are counted.
    pub other_types: u64,
    /// The first time, ms since the Unix epoch.
    pub first_ms: i64,
    /// The last one.
    pub last_ms: i64,
    /// From the first to the last, µs.
    pub span_us: u64,
    /// Rows a second from the first to the last; `None` where all have one time.
    pub mean_rate_per_s: Option<f64>,
    /// Rows in the busiest second.
    pub busiest_second: u64,
    /// Rows in the busiest minute.
    pub busiest_minute: u64,
    /// From a row to the next one in the order of time, µs.
    pub gap_us: Option<Spread>,
    /// Rows with a time before that of the row before them.
    pub back: u64,
    /// How far they go back at most, µs.
    pub furthest_back_us: u64,
    /// Rows with the time of the one before them, in the order of time.
    pub equal_times: u64,
    /// Distinct keys, as far as they were counted.
    pub keys: u64,
    /// Rows of more keys than are counted.
    pub other_keys: u64,
    /// Rows without a key.
    pub without_key: u64,
    /// Rows of a key.
    pub rows_per_key: Option<Spread>,
    /// The keys with the most rows.
    pub hottest_keys: Vec<HotKey>,
    /// The clocks that do not drive, against the one that does.
    pub skews: Vec<Skew>,
    /// Rows left out.
    pub bad_rows: BadRows,
}

/// A key and how many rows it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKey {
    /// The key.
    pub key: String,
    /// Its rows.
    pub rows: u64,
}

/// How a clock goes against the one that drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// Whose clock it is.
    pub clock: Option<Clock>,
    /// Its field.
    pub field: String,
    /// Rows that have both times.
    pub rows: u64,
    /// By how much it is behind the driving one, µs; below zero where it is ahead of it.
    pub behind_us: Option<Spread>,
    /// Rows in which it is ahead.
    pub ahead: u64,
}

/// Reads the files that `config` names.
///
/// # Errors
/// Where a file, one of its rows or a setting cannot be used.
pub fn survey(config: &Config) -> Result<Survey, FileError> {
    let folder = config.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let file = config.files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let place = Place { folder, file };
    let memory = usize::try_from(config.sort_memory).unwrap_or(usize::MAX);
    let mut moments = Sorter::<ByTime>::new(memory, place.clone());
    let mut seen = SurveyTally::default();
    let read = read(config, |row| {
        moments.push(Moment { at_us: row.at_us, ordinal: seen.rows })?;
        seen.add(row);
        Ok::<_, FileError>(Ok(()))
    })?;
    let moments = Rows::of(moments.finish()?, None, &place)?;
    let walk = Walk::over(&moments).map_err(|source| moments.failed(source))?;
    Ok(survey_of(config, read, &seen, &walk))
}

fn survey_of(config: &Config, read: Read, seen: &SurveyTally, walk: &Walk) -> Survey {
    let clocks = read.found.as_ref().map(|found| found.clocks.as_slice()).unwrap_or_default();
    let skew = |(clock, skew): (&super::ClockFacts, &Behind)| Skew {
        clock: clock.clock,
        field: clock.field.clone(),
        rows: skew.rows,
        behind_us: skew.us.spread(),
        ahead: skew.ahead,
    };
    let skews = clocks.iter().zip(&seen.behind).skip(1).map(skew).collect();
    let span_us = walk.last_us.abs_diff(walk.first_us);
    let mut rows_per_key = Counted::default();
    seen.keys.counts().for_each(|(_, rows)| rows_per_key.add(rows.cast_signed()));
    #[expect(clippy::cast_precision_loss, reason = "a rate needs 15 digits, not 19")]
    let mean_rate_per_s = (span_us > 0).then(|| read.rows as f64 * 1e6 / span_us as f64);
    let hottest = seen.keys.hottest(HOTTEST).into_iter();
    Survey {
        files: read.files,
        encoding: read.encoding,
        format: read.format,
        preset: config.preset,
        rows: read.rows,
        by_type: seen.types.counts().map(|(kind, rows)| (kind.to_owned(), rows)).collect(),
        other_types: seen.types.beyond(),
        first_ms: walk.first_us.div_euclid(1_000),
        last_ms: walk.last_us.div_euclid(1_000),
        span_us,
        mean_rate_per_s,
        busiest_second: walk.busiest_second.most,
        busiest_minute: walk.busiest_minute.most,
        gap_us: walk.gap_us.spread(),
        back: seen.back,
        furthest_back_us: seen.furthest_back_us,
        equal_times: walk.equal_times,
        keys: seen.keys.len(),
        other_keys: seen.keys.beyond(),
        without_key: seen.without_key,
        rows_per_key: rows_per_key.spread(),
        hottest_keys: hottest.map(|(key, rows)| HotKey { key: key.to_owned(), rows }).collect(),
        skews,
        bad_rows: read.bad,
        found: read.found,
    }
}

/// What is counted in the order of the files.
#[derive(Default)]
struct SurveyTally {
    rows: u64,
    previous_us: i64,
    back: u64,
    furthest_back_us: u64,
    types: Tally,
    keys: Tally,
    without_key: u64,
    behind: [Behind; MOST_CLOCKS],
}

#[derive(Default)]
struct Behind {
    rows: u64,
    us: Counted,
    ahead: u64,
}

impl SurveyTally {
    fn add(&mut self, row: &Row<'_>) {
        if self.rows > 0 && row.at_us < self.previous_us {
            self.back += 1;
            self.furthest_back_us = self.furthest_back_us.max(row.at_us.abs_diff(self.previous_us));
        }
        self.previous_us = row.at_us;
        self.rows += 1;
        self.types.add_up_to(MOST_TYPES, row.kind.as_deref().unwrap_or(NO_TYPE));
        match &row.key {
            Some(key) => self.keys.add(key),
            None => self.without_key += 1,
        }
        for (behind, at_us) in self.behind.iter_mut().zip(row.clocks).skip(1) {
            let Some(at_us) = at_us else { continue };
            behind.rows += 1;
            behind.us.add(row.at_us - at_us);
            behind.ahead += u64::from(row.at_us < *at_us);
        }
    }
}

/// What one walk in the order of time counts.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) first_us: i64,
    pub(super) last_us: i64,
    pub(super) gap_us: Counted,
    pub(super) equal_times: u64,
    pub(super) busiest_second: Busiest<1_000_000>,
    pub(super) busiest_minute: Busiest<60_000_000>,
}

impl Walk {
    pub(super) fn over(moments: &Rows<Moment>) -> std::io::Result<Self> {
        let (mut walk, mut reader, mut is_first) = (Self::default(), moments.reader(), true);
        while let Some(Moment { at_us, .. }) = reader.next(moments)? {
            if std::mem::take(&mut is_first) {
                walk.first_us = at_us;
            } else {
                walk.gap_us.add(at_us - walk.last_us);
                walk.equal_times += u64::from(at_us == walk.last_us);
            }
            walk.last_us = at_us;
            walk.busiest_second.add(at_us);
            walk.busiest_minute.add(at_us);
        }
        Ok(walk)
    }
}

/// The window of so many µs by the clock that has the most rows.
#[derive(Default)]
pub(super) struct Busiest<const US: i64> {
    window: i64,
    rows: u64,
    pub(super) most: u64,
}

impl<const US: i64> Busiest<US> {
    fn add(&mut self, at_us: i64) {
        let window = at_us.div_euclid(US);
        self.rows = if window == self.window { self.rows + 1 } else { 1 };
        self.window = window;
        self.most = self.most.max(self.rows);
    }
}
