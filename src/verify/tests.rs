use std::collections::VecDeque;
use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::topic_book::TopicBook;
use super::*;
use crate::clock::{Manual, Monotonic};
use crate::kafka::headers::Headers;
use crate::kafka::slots::Slots;
use crate::kafka::{Judged, Notice, Record, Timestamp, TopicIdentity, Wait};

/// A reader of one partition that does as it is told.
#[derive(Debug, Default)]
struct Scripted {
    /// What is delivered: a record, the end of the partition, or that the position is out of range.
    delivered: VecDeque<Says>,
    /// The ends that are told, one after the other; the last one stays.
    ends: VecDeque<Option<Watermarks>>,
    /// Delivered once the last of these ends has been told.
    at_last: Vec<Says>,
    /// The topic's id now.
    id: Option<String>,
    resumed: Arc<AtomicUsize>,
    /// A clock that moves on by each wait, and stands still meanwhile.
    clock: Manual,
    /// Where the verifier records: whoever samples it must not wait for a call that may take its time.
    recorder: Option<Recorder>,
}

impl Scripted {
    fn takes_its_time(&self) {
        assert!(self.recorder.as_ref().is_none_or(Recorder::is_free), "the statistics are locked meanwhile");
    }
}

#[derive(Clone, Copy, Debug)]
enum Says {
    Record(i64),
    End(i64),
    OutOfRange(i64),
    /// Nothing, for so many waits.
    Nothing(u32),
    /// The process was stopped for so long.
    Stopped(Nanos),
}

impl Reader for Scripted {
    fn assign(&mut self, _topic: &str, _starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.takes_its_time();
        Ok(())
    }
    fn resume(&mut self, _topic: &str, _positions: &[(i32, i64)], _given_up: &[i32]) -> Result<(), KafkaError> {
        self.takes_its_time();
        self.resumed.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
    fn seek(&mut self, _topic: &str, _partition: i32, _offset: i64, _timeout: Duration) -> Result<(), KafkaError> {
        Ok(())
    }
    fn judged(&mut self, _read: &[Judged]) {}

    fn take(&mut self, _most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let Some(says) = self.delivered.pop_front() else { return 0 };
        each(match says {
            Says::Nothing(waits) => {
                if waits > 1 {
                    self.delivered.push_front(Says::Nothing(waits - 1));
                }
                return 0;
            }
            Says::Stopped(length) => {
                self.clock.advance(length);
                return 0;
            }
            Says::Record(offset) => Delivered::Record(Record {
                partition: 0,
                offset,
                timestamp: Timestamp::Create(1),
                key: Some(b"k"),
                body: Some(b"{}"),
                headers: Headers::default(),
                leader_epoch: 0,
            }),
            Says::End(offset) => Delivered::EndOfPartition { partition: 0, offset },
            Says::OutOfRange(offset) => Delivered::Error { partition: 0, code: Code::AutoOffsetReset, offset },
        });
        1
    }
    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        self.takes_its_time();
        self.clock.advance(timeout.into());
        Ok(())
    }
    fn notices(&mut self, _notice: &mut dyn FnMut(Notice)) {
        self.takes_its_time();
    }
    fn ends(&mut self, _topic: &str, partitions: &[i32], _wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        self.takes_its_time();
        let told = if self.ends.len() > 1 { self.ends.pop_front().flatten() } else { self.ends[0] };
        if self.ends.len() == 1 {
            self.delivered.extend(self.at_last.drain(..));
        }
        vec![told.ok_or(Code::OperationTimedOut); partitions.len()]
    }
    fn identities(&mut self, topics: &[&str], _wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.takes_its_time();
        Ok(vec![Ok(TopicIdentity { id: self.id.clone(), partitions: 1 }); topics.len()])
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one that is not told is none")]
const fn ends(high: i64, stable: i64) -> Option<Watermarks> {
    Some(Watermarks { low: 0, high, stable })
}

/// A verifier that starts at `from`; it is asked to end when it has begun, and up to where this was acked.
fn read(reader: Scripted, from: i64, acked: Option<i64>, patience: Duration) -> VerifierEnd<TopicBook> {
    run(Monotonic::start(), reader, from, Until::default(), Some((acked, patience)))
}

/// The same on the reader's own clock: what it waits takes no time.
fn read_in_its_time(reader: Scripted, until: Until, asked: Option<(Option<i64>, Duration)>) -> VerifierEnd<TopicBook> {
    run(reader.clock.clone(), reader, 0, until, asked)
}

fn run<C: Clock>(
    clock: C,
    mut reader: Scripted,
    from: i64,
    until: Until,
    asked: Option<(Option<i64>, Duration)>,
) -> VerifierEnd<TopicBook> {
    let (drain, recorder) = (Arc::new(Drain::default()), Recorder::new(1, 7, 1));
    reader.recorder = Some(recorder.clone());
    let slots = Arc::new(Slots::of_one("t", 1));
    let catalogue = Arc::new(crate::shop::catalogue().unwrap());
    let inspector = Inspector::new(TopicBook::new(None, 1), catalogue, "t", slots, false);
    let setup = Setup {
        topic: "t".to_owned(),
        clock,
        recorder,
        control: Arc::default(),
        traffic: Arc::new(Traffic::new(1, None)),
        drain: Arc::clone(&drain),
        topics: Arc::new(Topics::new(vec![("t".to_owned(), Some("first".to_owned()))])),
        patience: Patience { stall_threshold: Duration::MAX, ..Patience::default() },
    };
    let now = setup.clock.now();
    let verifier = Verifier::new(setup, Box::new(reader), inspector, &[(from, 0)], until).unwrap();
    if let Some((acked, patience)) = asked {
        let deadline = now + Nanos::from(patience);
        drain.request(Request { highest_acked: vec![acked], deadline, ..Request::default() });
    }
    verifier.run()
}

const LONG: Duration = Duration::from_secs(120);

#[test]
fn a_drain_waits_for_the_high_watermark_to_pass_what_was_acked() {
    let told = [None, ends(2, 2), ends(2, 2), ends(2, 2), ends(4, 4)];
    let delivered = [Says::Record(0), Says::Record(1), Says::End(2)];
    let at_last = vec![Says::Record(2), Says::Record(3), Says::End(4)];
    let reader = Scripted { delivered: delivered.into(), ends: told.into(), at_last, ..Scripted::default() };
    let end = read(reader, 0, Some(3), LONG);
    let state = &end.partitions[0];
    assert_eq!((end.by, end.records, state.position), (EndedBy::Request, 4, 4));
    assert_eq!((state.log_end, state.truncation, end.unfinished), (Some(4), None, vec![]));
}

#[test]
fn an_end_that_was_asked_for_before_more_was_read_is_no_end() {
    // All comes at once when the high watermark moves on, before it is asked for again.
    let delivered = [Says::Record(0), Says::Record(1), Says::End(2), Says::Record(2), Says::Record(3)];
    let reader = Scripted { delivered: delivered.into(), ends: [ends(2, 2), ends(4, 4)].into(), ..Scripted::default() };
    let end = read(reader, 0, Some(3), LONG);
    assert_eq!((end.partitions[0].position, end.partitions[0].log_end), (4, Some(4)));
}

#[test]
fn what_stays_above_the_high_watermark_is_no_truncation() {
    let delivered = [Says::Record(0), Says::Record(1), Says::End(2)];
    let reader = Scripted { delivered: delivered.into(), ends: [ends(2, 2)].into(), ..Scripted::default() };
    let end = read(reader, 0, Some(3), Duration::from_millis(200));
    assert_eq!((end.partitions[0].truncation, end.unfinished), (None, vec![0]));
}

#[test]
fn a_reader_of_committed_records_does_not_wait_for_what_others_transactions_hide() {
    let delivered = [Says::Record(0), Says::Record(1), Says::End(2)];
    let reader = Scripted { delivered: delivered.into(), ends: [ends(9, 2)].into(), ..Scripted::default() };
    let end = read(reader, 0, Some(1), LONG);
    let state = &end.partitions[0];
    assert_eq!((state.log_end, state.hidden_from, end.unfinished), (Some(9), Some(2), vec![]));
}

#[test]
fn a_reader_does_not_go_on_in_a_topic_that_was_made_anew() {
    let resumed = Arc::new(AtomicUsize::new(0));
    let reader = Scripted {
        delivered: [Says::Record(7), Says::OutOfRange(8)].into(),
        ends: [ends(3, 3)].into(),
        id: Some("second".to_owned()),
        resumed: Arc::clone(&resumed),
        ..Scripted::default()
    };
    let end = read(reader, 7, Some(9), LONG);
    let state = &end.partitions[0];
    assert_eq!((end.by, state.position, state.skipped, state.cut_off), (EndedBy::Anew, 8, 0, 0));
    assert_eq!(resumed.load(Ordering::Acquire), 0, "no record of the new log is jumped over, or committed past");
}

#[test]
fn a_log_that_was_cut_off_is_read_on_at_its_end_and_what_went_is_counted() {
    let resumed = Arc::new(AtomicUsize::new(0));
    let reader = Scripted {
        delivered: [Says::Record(7), Says::OutOfRange(8)].into(),
        ends: [ends(3, 3)].into(),
        id: Some("first".to_owned()),
        resumed: Arc::clone(&resumed),
        ..Scripted::default()
    };
    let end = read(reader, 7, Some(9), Duration::from_millis(500));
    let state = &end.partitions[0];
    assert_eq!((state.position, state.skipped, state.cut_off, state.reached()), (3, 0, 5, 8));
    assert_eq!((state.truncation, resumed.load(Ordering::Acquire)), (Some(Truncation::Position), 1));
}

#[test]
fn what_a_group_had_committed_before_its_log_aged_cuts_nothing_off() {
    let aged = Some(Watermarks { low: 3, high: 8, stable: 8 });
    let cut_off_at = |offset| {
        let delivered = [Says::Record(7), Says::OutOfRange(offset)].into();
        let reader = Scripted { delivered, ends: [aged].into(), id: Some("first".to_owned()), ..Scripted::default() };
        let end = read(reader, 7, Some(9), Duration::from_millis(500));
        let state = &end.partitions[0];
        assert_eq!((state.position, state.log_start, state.skipped, state.cut_off), (8, 3, 0, 0));
        state.truncation
    };
    assert_eq!(cut_off_at(0), None, "its member was sent back to what the log no longer has");
    assert_eq!([5, 8, -1].map(cut_off_at), [Some(Truncation::Position); 3]);
}

#[test]
fn a_time_in_which_this_process_was_stopped_is_no_idleness() {
    // Idle after 5 s: 4 s of silence, a minute in which nobody looked, and what had come meanwhile half a second later.
    let delivered = [
        Says::Record(0),
        Says::End(1),
        Says::Nothing(80),
        Says::Stopped(Nanos::from_secs(60)),
        Says::Nothing(10),
        Says::Record(1),
        Says::End(2),
    ];
    let reader = Scripted { delivered: delivered.into(), ends: [ends(2, 2)].into(), ..Scripted::default() };
    let clock = reader.clock.clone();
    let until = Until { idle: Some(Duration::from_secs(5)), ..Until::default() };
    let end = read_in_its_time(reader, until, None);
    assert_eq!((end.by, end.records), (EndedBy::Idle, 2));
    let idle = clock.now() - end.last_record;
    assert!((Nanos::from_secs(5)..Nanos::from_secs(6)).contains(&idle), "{idle}");
}

#[test]
fn the_deadline_of_a_drain_does_not_run_while_this_process_is_stopped() {
    let what_comes = |stopped: &[Says]| {
        let silence = stopped.iter().copied().chain([Says::Nothing(40), Says::Record(0), Says::End(1)]);
        let reader = Scripted { delivered: silence.collect(), ends: [ends(1, 1)].into(), ..Scripted::default() };
        read_in_its_time(reader, Until::default(), Some((Some(0), Duration::from_secs(10))))
    };
    assert_eq!(what_comes(&[]).unfinished, Vec::<i32>::new());
    let stopped = what_comes(&[Says::Nothing(20), Says::Stopped(Nanos::from_secs(600))]);
    assert_eq!((stopped.records, stopped.unfinished), (1, vec![]), "the cluster had not had its 10 s");
    let silent = what_comes(&[Says::Nothing(200)]);
    assert_eq!((silent.records, silent.unfinished), (0, vec![0]), "it has had them");
}

#[test]
fn the_statistics_are_free_whenever_the_cluster_or_a_group_is_waited_for() {
    // A reset, a topic that is asked for, ends that are not known at once, and waits between: each of these looks by itself.
    let delivered = [Says::Record(7), Says::OutOfRange(8), Says::Nothing(30), Says::End(3)];
    let reader = Scripted {
        delivered: delivered.into(),
        ends: [None, ends(3, 3), ends(3, 3)].into(),
        id: Some("first".to_owned()),
        ..Scripted::default()
    };
    let resumed = Arc::clone(&reader.resumed);
    let end = run(reader.clock.clone(), reader, 7, Until::default(), Some((Some(9), Duration::from_secs(20))));
    assert_eq!((end.records, resumed.load(Ordering::Acquire)), (1, 1));
}
