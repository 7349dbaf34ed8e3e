//! One expectation at work: what it takes of the input and finds in the output.

use std::borrow::Cow;

use super::body;
use super::by_key::Adding as _;
use super::class::Tally;
use super::declare::{Added, Emit, Expectation, JsonPath, What};
use super::each::Each;
use super::fold::Fold;
use super::oracle::Record;
use super::outcome::Outcome;
use super::sessions::Sessions;
use super::source::Event;
use super::spill::{OutputRecord, Spill};

/// Where a score says which model made it.
const MODEL: &str = "model";

#[derive(Debug)]
pub(super) struct Expected {
    pub(super) expectation: Expectation,
    pub(super) kept: Judge,
    /// What came since memory was full.
    pub(super) spill: Option<Spill>,
    /// Records of its output that it selected, and those that it could not read.
    pub(super) records: (u64, u64),
}

#[derive(Debug)]
pub(super) enum Judge {
    Each(Box<Each>),
    Added(Box<Fold>),
    Sessions(Box<Sessions>),
}

impl Judge {
    /// The event time at which all windows of the run are closed that are written when they close; `None` where there are none.
    pub(super) fn closes_at(&self) -> Option<i64> {
        match self {
            Self::Added(fold) => fold.closes_at(),
            Self::Sessions(sessions) => sessions.closes_at(),
            Self::Each(_) => None,
        }
    }

    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Each(each) => each.weight(),
            Self::Added(fold) => fold.weight(),
            Self::Sessions(sessions) => sessions.weight(),
        }
    }
}

impl Expected {
    pub(super) fn take(&mut self, event: Event<'_>) {
        match (&mut self.kept, &mut self.spill) {
            (Judge::Each(each), None) => each.take(event),
            (Judge::Added(fold), None) => fold.take(event),
            (Judge::Sessions(sessions), None) => sessions.take(event),
            (Judge::Each(each), Some(spill)) => each.spill_event(spill, event),
            (Judge::Added(fold), Some(spill)) => spill.event(event, fold.note(event)),
            (Judge::Sessions(sessions), Some(spill)) => spill.event(event, sessions.note(event)),
        }
    }

    fn came(&mut self, came: OutputRecord<'_>) {
        match (&mut self.kept, &mut self.spill) {
            (Judge::Each(each), None) => each.see(came),
            (Judge::Added(fold), None) => fold.see(came),
            (Judge::Sessions(sessions), None) => sessions.see(came),
            (Judge::Each(each), Some(spill)) => each.spill_came(spill, came),
            (Judge::Added(_) | Judge::Sessions(_), Some(spill)) => spill.came(&came),
        }
    }

    /// Counts and forgets what is long known. What lies on the disk may change what is in memory.
    pub(super) fn tidy(&mut self, known_to: i64) {
        match &mut self.kept {
            _ if self.spill.is_some() => {}
            Judge::Added(fold) => fold.tidy(known_to),
            Judge::Sessions(sessions) => sessions.tidy(known_to),
            Judge::Each(_) => {}
        }
    }

    /// Keeps what comes from now on on the disk.
    pub(super) fn begin_to_spill(&mut self) {
        let name = &self.expectation.name;
        match Spill::new() {
            Ok(spill) => {
                tracing::warn!(
                    "expectation \"{name}\": more is open than is kept in memory: from now on it goes to the folder for temporary \
                     files, and its results are told at the end, after --expect-deadline"
                );
                self.spill = Some(spill);
            }
            Err(error) => {
                tracing::warn!(
                    "expectation \"{name}\": more is open than is to be kept in memory, and a temporary file cannot be made: {error}"
                );
            }
        }
    }

    fn tally(&mut self) -> &mut Tally {
        match &mut self.kept {
            Judge::Each(each) => each.tally(),
            Judge::Added(fold) => fold.tally(),
            Judge::Sessions(sessions) => sessions.tally(),
        }
    }

    pub(super) fn see(&mut self, record: &Record<'_>) {
        // A session that grows takes back what it was before.
        if record.body.is_none() && matches!(&self.kept, Judge::Sessions(sessions) if sessions.emit() == Emit::Updates)
        {
            return;
        }
        // Any other tombstone takes a result back that nobody asked to be taken back; it has no key that could be read.
        let body = record.body.unwrap_or_default();
        let has = |(path, text): &(Vec<Box<str>>, String)| {
            body::at(body, path).and_then(body::text).as_deref() == Some(text.as_bytes())
        };
        if !self.expectation.only.iter().all(has) {
            return;
        }
        self.records.0 += 1;
        if self.read(record, body).is_none() {
            self.records.1 += 1;
            self.tally().count_unreadable();
        }
    }

    fn read(&mut self, record: &Record<'_>, body: &[u8]) -> Option<()> {
        let at = record.at_ms;
        let (key, span, outcome) = match &self.expectation.what {
            What::Each { at, scores: None, .. } => (body::text(body::at(body, at)?)?, (0, 0), Outcome::Score(0.0)),
            What::Each { at, scores: Some(rules), .. } => {
                let id = body::text(body::at(body, at)?)?;
                let score = std::str::from_utf8(body::number(body::at(body, &rules.at)?)).ok()?;
                let score = score.parse().ok().filter(|score: &f64| !score.is_nan())?;
                (id, (0, 0), Outcome::Score(score))
            }
            What::Added(added) => {
                let (key, outcome) = result(added, body)?;
                let start = match (added.window, span(added, body)?) {
                    (None, _) => 0,
                    (Some(window), (Some(start), Some(end))) => {
                        (end.checked_sub(start)? == window.size).then_some(start)?
                    }
                    (Some(_), (Some(start), None)) => start,
                    (Some(window), (None, Some(end))) => end.checked_sub(window.size)?,
                    (Some(_), (None, None)) => return None,
                };
                (key, (start, 0), outcome)
            }
            What::Sessions(added, _) => {
                let (key, outcome) = result(added, body)?;
                let (start, end) = span(added, body)?;
                (key, start.zip(end).filter(|(start, end)| start <= end)?, outcome)
            }
        };
        if let Judge::Each(each) = &mut self.kept
            && let Some(scores) = each.scores()
        {
            scores.tell(&key, body);
            if let Some(model) = body::at(body, &[MODEL.into()]).and_then(body::text) {
                scores.note_model(&model);
            }
        }
        self.came(OutputRecord { key: &key, span, outcome, at });
        Some(())
    }
}

/// Key and value of a result.
fn result<'a>(added: &Added, body: &'a [u8]) -> Option<(Cow<'a, [u8]>, Outcome)> {
    Some((body::text(body::at(body, &added.at)?)?, Outcome::read(added, body)?))
}

/// From when to when it is, as far as it is to say so; `None` where it does not.
fn span(added: &Added, body: &[u8]) -> Option<(Option<i64>, Option<i64>)> {
    let whole = |path: &Option<JsonPath>| match path {
        Some(path) => body::whole(body::at(body, path)?).map(Some),
        None => Some(None),
    };
    Some((whole(&added.start)?, whole(&added.end)?))
}
