//! Topics that are read while a run sends their records into others: a [`Recorder`] on a thread of its own, whose records go to the run's
//! source instead of a file.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::anonymise::{self, Anonymised, Anonymiser};
use crate::capture::Captured;
use crate::capture::recorder::recorded::{EndedBy, Recorded};
use crate::capture::recorder::{Keep, RecordError, Recorder};
use crate::report::{MirrorFailure, Mirrored, Pseudonyms};
use crate::source::mirrored::Mirror;
use crate::source::recorded::Stamping;

/// Where records go that are read.
struct Intake(Arc<Mirror>);

impl Keep for Intake {
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()> {
        self.0.put(record);
        Ok(())
    }

    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn wants_ends(&self) -> bool {
        true
    }

    fn reached(&mut self, topic: &str, partition: i32) {
        self.0.end_of(topic, partition);
    }

    fn end(&mut self) {
        self.0.end();
    }
}

/// Nothing more comes in where this goes, however that is.
impl Drop for Intake {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What came of reading.
struct Read {
    outcome: Result<Recorded, RecordError>,
    anonymised: Option<anonymise::Report>,
}

/// The reading side. Dropping it ends it.
#[derive(Debug)]
pub struct Reading {
    mirror: Arc<Mirror>,
    thread: Option<JoinHandle<Read>>,
}

impl Reading {
    /// Reads what `recorder` is to read into `mirror`, until that is closed or all is read. `is_hurried` tells whether nobody waits any more
    /// to hear what became of every offset.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(
        recorder: Recorder,
        anonymiser: Option<Anonymiser>,
        mirror: Arc<Mirror>,
        is_hurried: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (intake, closed) = (Intake(Arc::clone(&mirror)), Arc::clone(&mirror));
        let read = move || {
            let mut keep = Anonymised::new(intake, anonymiser);
            let asked = || match (closed.is_closed(), is_hurried()) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => 2,
            };
            let outcome = recorder.record(&mut keep, &asked, &mut |_| {});
            Read { outcome, anonymised: keep.report() }
        };
        let thread = thread::Builder::new().name("mirror".to_owned()).spawn(read)?;
        Ok(Self { mirror, thread: Some(thread) })
    }

    /// Ends reading, and tells what was read and what of it was let go; what became of the rest is in the run's ledger.
    #[must_use]
    pub fn finish(mut self) -> Mirrored {
        let config = self.mirror.config();
        let mut told = Mirrored {
            topics: config.topics.keys().cloned().collect(),
            speed: config.speed.as_f64(),
            copies: config.copies,
            stampless: config.stamp == Stamping::None,
            ..Mirrored::default()
        };
        let read = self.end();
        let counts = self.mirror.told();
        told.read = counts.read;
        told.events = counts.read * u64::from(told.copies);
        told.not_sent = counts.not_sent;
        (told.back, told.out_of_turn, told.gaps_capped) = (counts.back, counts.out_of_turn, counts.gaps_capped);
        let waits = self.mirror.waits();
        (told.longest_wait_us, told.last_wait_us) = (waits.longest.as_micros(), waits.last.as_micros());
        let Some(Read { outcome, anonymised }) = read else {
            told.failure = Some(MirrorFailure::Data("the thread that read panicked".to_owned()));
            return told;
        };
        match outcome {
            Ok(recorded) => {
                why(recorded.ended_by).clone_into(&mut told.ended_by);
                told.offsets = recorded.there;
                told.recorded = recorded.records;
                let missing = recorded.missing.classes().into_iter().filter(|(_, count, _)| *count > 0);
                told.missing = missing.map(|(name, count, _)| (name.to_owned(), count)).collect();
                told.failure = recorded.failure.map(MirrorFailure::Cluster);
            }
            Err(RecordError::Kafka(error)) => told.failure = Some(MirrorFailure::Cluster(error.to_string())),
            Err(RecordError::Wait(error)) => told.failure = Some(MirrorFailure::Cluster(error.to_string())),
            // What is read is written nowhere: it is the replacing of values that fails.
            Err(RecordError::Write(error)) => told.failure = Some(MirrorFailure::Data(error.to_string())),
        }
        let Some(anonymised) = anonymised else { return told };
        told.smallest_group = anonymised.smallest_group.map(|group| group.smallest);
        told.anonymised = anonymised.fields.into_iter().map(pseudonyms).collect();
        told
    }

    fn end(&mut self) -> Option<Read> {
        self.mirror.close();
        self.thread.take()?.join().ok()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.end();
    }
}

const fn why(ended_by: EndedBy) -> &'static str {
    match ended_by {
        EndedBy::End => "end",
        EndedBy::Idle => "idle",
        EndedBy::NumRecords => "num_records",
        EndedBy::Interrupt => "run",
        EndedBy::Failure => "failure",
    }
}

fn pseudonyms(of: anonymise::FieldReport) -> Pseudonyms {
    Pseudonyms {
        field: of.field,
        method: of.method,
        values: of.values,
        unfit: of.unfit,
        distinct_before: of.distinct_before,
        distinct_after: of.distinct_after,
        or_more: of.or_more,
    }
}
