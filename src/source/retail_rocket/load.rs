//! From a file to rows that can be played: read, checked, given their sessions, selected, sorted by time.

use std::io;

use crate::clock::Nanos;

use super::Recording;
use super::config::{Config, Rounds, Share};
use super::copies::{Amplify, MOST_COPIES, longest_shift};
use super::error::LoadError;
use super::facts::{Facts, Quantiles};
use super::goods::Goods;
use super::hash::salted;
use super::problem::FileKind;
use super::properties::{Properties, PropertyFacts};
use super::read::read;
use super::row::{Action, ByTime, ByVisitor, Moment, Row, Rows};
use super::table;
use super::timeline::{Plan, Timeline};
use super::visits::{Occurrence, Visits};
use crate::input::Input;
use crate::sorting::{Order, Place, Sorted, Sorter};

const SAMPLE: u64 = 6;
/// Below this the blocks of a merge would not fit.
const LEAST_SORT_MEMORY: u64 = 1 << 20;

pub(super) fn load(config: &Config) -> Result<Recording, LoadError> {
    check(config)?;
    load_from(config, table::open(&config.path, FileKind::Events)?)
}

pub(super) fn load_from(config: &Config, input: Input) -> Result<Recording, LoadError> {
    let (mut goods, vocabulary) = Goods::load(config)?;
    let file = input.name.clone();
    let place = Place { folder: config.temp_dir.clone().unwrap_or_else(std::env::temp_dir), file: file.clone() };
    let memory = usize::try_from(config.sort_memory).unwrap_or(usize::MAX);

    let mut by_visitor = Sorter::<ByVisitor>::new(memory, place.clone());
    let least = sample_bound(config.users_sample);
    let reading = read(input, config.bad_rows, |row| match least {
        Some(bound) if salted(SAMPLE, row.user.into()) >= bound => Ok(()),
        _ => Ok(by_visitor.push(row)?),
    })?;

    let mut selection = Selection::new(config);
    let stock = Stock { properties: goods.properties.as_ref().filter(|_| config.inventory), after_rows: reading.rows };
    let rows = arrange(by_visitor.finish()?, &mut selection, &stock, memory, &place, config.limit)?;
    let visits = &selection.visits;
    if rows.is_empty() {
        return Err(nothing_selected(config, file, reading.rows, visits));
    }

    let spilled = |source: io::Error| LoadError::from(place.failed(0, source));
    let shift_ms = longest_shift(&rows, config.amplify).map_err(spilled)?;
    let mut plan = Plan {
        amplify: Amplify { copies: config.amplify, seed: config.seed, shift_ms },
        rounds: Rounds::ONCE,
        max_gap_ns: config.max_gap.map_or(u64::MAX, |gap| Nanos::from(gap).0),
        next_user: u64::from(visits.highest_user) + 1,
        next_transaction: u64::from(visits.highest_transaction) + 1,
        next_session: visits.highest_session,
        round_ms: 0,
        round_offset: Nanos::ZERO,
    };
    let round = Round::survey(&rows, &plan, &mut goods).map_err(spilled)?;
    plan.rounds = config.rounds;
    (plan.round_ms, plan.round_offset) = round.until_the_next();

    let facts = Facts {
        file,
        bytes: reading.bytes,
        encoding: reading.encoding,
        rows: reading.rows,
        rows_by_type: reading.rows_by_type(),
        bad_rows: reading.bad,
        order_fills: reading.order_fills,
        dated_rows: reading.dated,
        descents: reading.descents,
        duplicate_rows: visits.duplicates,
        duplicates_dropped: selection.dropped,
        visitors: visits.visitors,
        sessions: visits.sessions,
        events_per_visitor: Quantiles::of(&visits.visitors_by_events),
        hottest_visitors: selection.visits.hottest.into_keys(),
        selected_rows: rows.len() - round.stock,
        equal_times: round.equal_times,
        first_ms: round.first_ms.cast_signed(),
        last_ms: round.last_ms.cast_signed(),
        span_recorded_ms: round.last_ms - round.first_ms,
        gaps_capped: round.gaps_capped,
        derived_fields: goods.derived_fields(),
        properties: goods
            .properties
            .as_ref()
            .map(|properties| PropertyFacts { inventory_events: round.stock, ..properties.facts.clone() }),
        longest_shift_ms: shift_ms,
    };
    Ok(Recording::new(rows, plan, round.span, goods, vocabulary, facts))
}

fn check(config: &Config) -> Result<(), LoadError> {
    let refuse = |setting, problem: &str| Err(LoadError::Setting { setting, problem: problem.to_owned() });
    if config.amplify == 0 {
        return refuse("amplify", "must be 1 or more: 1 plays each visitor once");
    }
    if config.amplify > MOST_COPIES {
        let problem = format!("must be at most {MOST_COPIES}: the copies of a row wait for their time in memory");
        return Err(LoadError::Setting { setting: "amplify", problem });
    }
    if config.rounds == Rounds::Count(0) {
        return refuse("loop", "must be 1 or more, or forever");
    }
    if config.limit == Some(0) {
        return refuse("limit", "must be 1 or more");
    }
    if config.max_gap.is_some_and(|gap| gap.is_zero()) {
        return refuse("max_gap", "must be above 0; --rate unlimited plays without any gaps");
    }
    if config.sort_memory < LEAST_SORT_MEMORY {
        return refuse("sort_memory", "must be 1MiB or more");
    }
    if config.amplify > 1 && config.inventory && !config.item_properties.is_empty() {
        return refuse("amplify", "multiplies users, and there is one stock for all of them: set inventory = false");
    }
    match (config.from, config.until) {
        (Some(from), Some(until)) if from >= until => refuse("until", "must be after from"),
        _ => Ok(()),
    }
}

/// The hash below which a visitor is in the sample; `None`: all are.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64, above 0 and below 1")]
fn sample_bound(share: Option<Share>) -> Option<u64> {
    share.map(Share::fraction).filter(|fraction| *fraction < 1.0).map(|fraction| (fraction * 2_f64.powi(64)) as u64)
}

/// Which rows are played.
struct Selection {
    visits: Visits,
    from_ms: i64,
    until_ms: i64,
    dedup: bool,
    dropped: u64,
    /// First and last time taken.
    span_ms: Option<(u64, u64)>,
}

/// The rows that tell of availability.
struct Stock<'a> {
    properties: Option<&'a Properties>,
    /// Ordinals from here on are free.
    after_rows: u64,
}

impl Stock<'_> {
    /// Those within the time that visitors' rows span.
    fn rows(&self, span_ms: Option<(u64, u64)>) -> impl Iterator<Item = Row> {
        let found = self.properties.zip(span_ms).zip(u32::try_from(self.after_rows).ok());
        found.into_iter().flat_map(|((properties, (from, to)), ordinal)| properties.stock_rows(from, to, ordinal))
    }
}

impl Selection {
    fn new(config: &Config) -> Self {
        Self {
            visits: Visits::default(),
            from_ms: config.from.map_or(i64::MIN, |from| from.0),
            until_ms: config.until.map_or(i64::MAX, |until| until.0),
            dedup: config.dedup,
            dropped: 0,
            span_ms: None,
        }
    }

    /// Sessions are numbered over the whole recording, so that a window does not renumber them.
    fn takes(&mut self, row: &mut Row) -> bool {
        let met = self.visits.meet(row);
        let in_window = (self.from_ms..self.until_ms).contains(&row.time_ms().cast_signed());
        let dropped = self.dedup && met == Occurrence::Again;
        self.dropped += u64::from(dropped);
        let takes = in_window && !dropped;
        if takes {
            let (at, span) = (row.time_ms(), self.span_ms.get_or_insert((u64::MAX, 0)));
            *span = (span.0.min(at), span.1.max(at));
        }
        takes
    }
}

/// Selects rows visitor by visitor, then sorts them by time.
fn arrange(
    sorted: Sorted<ByVisitor>,
    selection: &mut Selection,
    stock: &Stock<'_>,
    memory: usize,
    place: &Place,
    limit: Option<u64>,
) -> Result<Rows, LoadError> {
    let by_time = match sorted {
        Sorted::Memory(mut rows) => {
            rows.retain_mut(|row| selection.takes(row));
            let mut more = stock.rows(selection.span_ms).peekable();
            if more.peek().is_none() {
                rows.sort_unstable_by(<ByTime as Order>::compare);
                Sorted::Memory(rows)
            } else {
                let mut by_time = Sorter::<ByTime>::new(memory, place.clone());
                rows.into_iter().chain(more).try_for_each(|row| by_time.push(row))?;
                by_time.finish()?
            }
        }
        Sorted::Spilled(merge) => {
            // The merge holds blocks of its own beside the rows that are sorted anew.
            let mut by_time = Sorter::<ByTime>::new(memory / 2, place.clone());
            for row in merge {
                let mut row = row?;
                if selection.takes(&mut row) {
                    by_time.push(row)?;
                }
            }
            stock.rows(selection.span_ms).try_for_each(|row| by_time.push(row))?;
            by_time.finish()?
        }
    };
    selection.visits.finish();
    Ok(Rows::of(by_time, limit, place)?)
}

/// One round as it is played.
struct Round {
    events: u64,
    first_ms: u64,
    last_ms: u64,
    span: Nanos,
    gaps_capped: u64,
    equal_times: u64,
    /// Changes of availability.
    stock: u64,
}

impl Round {
    fn survey(rows: &Rows, plan: &Plan, goods: &mut Goods) -> io::Result<Self> {
        let mut timeline = Timeline::new(rows);
        let mut round =
            Self { events: 0, first_ms: 0, last_ms: 0, span: Nanos::ZERO, gaps_capped: 0, equal_times: 0, stock: 0 };
        while let Some(event) = timeline.next(rows, plan)? {
            if round.events == 0 {
                round.first_ms = event.time_ms;
            } else {
                round.equal_times += u64::from(event.time_ms == round.last_ms);
            }
            round.events += 1;
            match event.action {
                Action::Stock => round.stock += 1,
                _ if goods.properties.is_some() => goods.count(event.item, event.within_round_ms),
                _ => {}
            }
            round.last_ms = event.time_ms;
            round.span = event.offset;
            round.gaps_capped += u64::from(event.capped);
        }
        Ok(round)
    }

    /// The next round starts one mean gap after the last event, as recorded and as played; a second after a lone one.
    fn until_the_next(&self) -> (u64, Nanos) {
        let span_ms = self.last_ms - self.first_ms;
        match self.events - 1 {
            0 => (1000, Nanos::from_secs(1)),
            gaps => (
                span_ms + (span_ms / gaps).max(1),
                self.span + Nanos((self.span.0 / gaps).max(Nanos::from_millis(1).0)),
            ),
        }
    }
}

fn nothing_selected(config: &Config, file: String, rows: u64, visits: &Visits) -> LoadError {
    let mut parts = Vec::new();
    parts.extend(config.from.map(|from| format!("from {from}")));
    parts.extend(config.until.map(|until| format!("until {until}")));
    parts.extend(config.users_sample.map(|share| format!("users_sample {share}")));
    LoadError::NothingSelected {
        file,
        rows,
        // With no visitor in the sample there is no time to name but the epoch.
        first: Moment(visits.first_ms.unwrap_or(0).cast_signed()),
        last: Moment(visits.last_ms.cast_signed()),
        selection: parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    const TEXT: &str = "timestamp,visitorid,event,itemid,transactionid\n1433000000117,1,view,2,\n";

    #[test]
    fn a_file_that_is_written_to_while_it_is_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), TEXT).unwrap();
        let input = table::open(file.path(), FileKind::Events).unwrap();
        OpenOptions::new().append(true).open(file.path()).unwrap().write_all(b"1433000000118,1,view,2,\n").unwrap();
        let error = load_from(&Config::default(), input).unwrap_err();
        assert!(error.to_string().ends_with(" changed while it was read (71 bytes before, 95 after)"), "{error}");
        assert!(error.hint().unwrap().contains("read a copy"));
    }

    #[test]
    fn what_is_read_from_a_pipe_needs_no_file() {
        let text = Box::new(TEXT.as_bytes());
        let input = Input::from_reader("standard input".to_owned(), text, None).unwrap();
        let recording = load_from(&Config::default(), input).unwrap();
        assert_eq!((recording.len(), recording.facts().bytes), (Some(1), None));
        let broken = Box::new("timestamp,visitorid,event,itemid,transactionid\nx,1,view,2,\n".as_bytes());
        let input = Input::from_reader("standard input".to_owned(), broken, None).unwrap();
        let error = load_from(&Config::default(), input).unwrap_err();
        assert_eq!(error.to_string(), "standard input line 2: timestamp \"x\" is not a number");
    }
}
