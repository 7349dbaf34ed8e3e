use std::collections::VecDeque;
use std::io;

use super::partition::{CLOCK_STEP_MS, END};
use super::*;
use crate::event::KeyId;
use crate::event::encode::Encoder;
use crate::kafka::headers::Headers;
use crate::kafka::{Code, Judged, KafkaError, Notice, TopicIdentity, Wait, Watermarks};
use crate::shop::{Detail, Device, Event, ItemId, Session, Telling, TextId, UserId, Vocabulary};
use std::sync::{Arc, LazyLock};

const RUN: RunId = RunId(0x1234_5678_9abc_def0);

/// One record of a log in memory.
static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(crate::shop::catalogue().unwrap()));

fn ours() -> Ours<'static> {
    Ours { run: RUN, catalogue: &CATALOGUE, numbering: Numbering::default(), homes: None, rules: Rules::ALL }
}

#[derive(Clone, Debug)]
struct Kept {
    offset: i64,
    key: Vec<u8>,
    body: Vec<u8>,
    create_ms: i64,
}

fn event(sequence: u64, user: u64) -> (Vec<u8>, Vec<u8>) {
    event_due(1_000_000, sequence, user)
}

fn event_due(due_ns: u64, sequence: u64, user: u64) -> (Vec<u8>, Vec<u8>) {
    let event = Event {
        user: UserId(user),
        recorded_ms: None,
        detail: Detail::View { item: ItemId(1), category: TextId(0), session: Session(1), device: Device::Mobile },
    };
    let mut arena = Vec::new();
    let values = Telling { event: &event, texts: &Vocabulary::default(), timestamp_ms: 1 };
    let kind = event.kind().type_index();
    Encoder::new(RUN, 0, Arc::clone(&CATALOGUE)).encode(&mut arena, kind, &values, sequence, due_ns);
    (user.to_string().into_bytes(), arena)
}

fn kept(offset: i64, sequence: u64, user: u64) -> Kept {
    let (key, body) = event(sequence, user);
    Kept { offset, key, body, create_ms: 7 }
}

/// A partition in memory that counts what it is asked for.
#[derive(Debug, Default)]
struct Log {
    records: Vec<Kept>,
    queue: VecDeque<usize>,
    end_told: bool,
    seeks: usize,
    read: usize,
    /// Its high watermark, where that is not right after the last record; and what its leader refuses to be read from on.
    high: Option<i64>,
    refuses_from: Option<i64>,
    refused: bool,
    /// Where it starts.
    low: i64,
}

impl Log {
    fn go_to(&mut self, offset: i64) {
        let offset = if offset == END { i64::MAX } else { offset };
        self.refused = self.refuses_from.is_some_and(|from| offset >= from) || offset < self.low;
        let first = self.records.partition_point(|record| record.offset < offset);
        self.queue = (first..self.records.len()).collect();
        self.end_told = false;
    }
}

impl Reader for Log {
    fn assign(&mut self, _topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.go_to(starts[0].1);
        Ok(())
    }
    fn seek(&mut self, _topic: &str, _partition: i32, offset: i64, _timeout: Duration) -> Result<(), KafkaError> {
        self.seeks += 1;
        self.go_to(offset);
        Ok(())
    }
    fn judged(&mut self, _read: &[Judged]) {}

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        if std::mem::take(&mut self.refused) {
            each(Delivered::Error { partition: 0, code: Code::AutoOffsetReset, offset: 0 });
            return 1;
        }
        let taken: Vec<usize> = self.queue.drain(..most.min(self.queue.len())).collect();
        for index in &taken {
            let Kept { offset, key, body, create_ms } = &self.records[*index];
            self.read += 1;
            each(Delivered::Record(Record {
                partition: 0,
                offset: *offset,
                timestamp: Timestamp::Create(*create_ms),
                key: Some(key),
                body: Some(body),
                headers: Headers::default(),
                leader_epoch: 0,
            }));
        }
        if self.queue.is_empty() && !self.end_told {
            self.end_told = true;
            let offset = self.high.unwrap_or_else(|| self.records.last().map_or(0, |record| record.offset + 1));
            each(Delivered::EndOfPartition { partition: 0, offset });
        }
        taken.len()
    }
    fn wait(&mut self, _timeout: Duration) -> io::Result<()> {
        Ok(())
    }
    fn notices(&mut self, _notice: &mut dyn FnMut(Notice)) {}
    fn ends(&mut self, _topic: &str, partitions: &[i32], _wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        vec![Ok(Watermarks { low: self.low, ..Watermarks::default() }); partitions.len()]
    }
    fn identities(
        &mut self,
        _topics: &[&str],
        _wait: Wait<'_>,
    ) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        Ok(Vec::new())
    }
}

fn wanted(offset: i64, sequence: u64, user: u64) -> AckedEvent {
    AckedEvent {
        partition: 0,
        offset,
        lane: 0,
        sequence,
        key: Some(KeyId::of_number(user)),
        due_ms: Some(CLOCK_STEP_MS),
    }
}

fn ask(log: &mut Log, questions: &Search) -> SearchResult {
    read_again(log, "t", ours(), questions, Duration::from_secs(60), |_, _| {})
}

#[test]
fn each_offset_is_compared_with_the_event_that_should_lie_there() {
    let records = vec![kept(1, 1, 5), kept(2, 99, 5), kept(4, 4, 5)];
    let mut log = Log { records, high: Some(10), ..Log::default() };
    log.records.push(Kept { body: b"rubbish".to_vec(), ..kept(5, 5, 5) });
    let questions = Search {
        wanted: vec![wanted(5, 5, 5), wanted(1, 1, 5), wanted(2, 2, 5), wanted(3, 3, 5), wanted(9, 9, 5)],
        ..Search::default()
    };
    let answers = ask(&mut log, &questions);
    let expected =
        [(1, LookUp::Present), (2, LookUp::Gone), (3, LookUp::Gone), (5, LookUp::Unparsable), (9, LookUp::Gone)];
    assert_eq!(answers.at, expected.map(|(sequence, found)| ((0, sequence), found)).into());
    assert_eq!(answers.unfinished, Vec::<i32>::new());
}

#[test]
fn what_was_acked_at_or_above_the_high_watermark_is_not_gone() {
    let mut log = Log { records: vec![kept(1, 1, 5)], high: Some(3), ..Log::default() };
    let questions = Search { wanted: vec![wanted(2, 2, 5), wanted(3, 3, 5), wanted(4, 4, 5)], ..Search::default() };
    let answers = ask(&mut log, &questions);
    let found = [2, 3, 4].map(|sequence| answers.at[&(0, sequence)]);
    assert_eq!(found, [LookUp::Gone, LookUp::NotReplicated, LookUp::NotReplicated]);
}

#[test]
fn a_log_ends_where_its_leader_refuses_to_be_read_from_and_not_at_its_high_watermark() {
    let ends = BTreeMap::from([(0, 3)]);
    let mut replicated = Log { high: Some(3), refuses_from: Some(4), ..Log::default() };
    assert_eq!(look_above(&mut replicated, "t", &ends), [(0, Above::Nothing)].into());
    let mut goes_on = Log { high: Some(3), refuses_from: Some(9), ..Log::default() };
    assert_eq!(look_above(&mut goes_on, "t", &ends), [(0, Above::More)].into());
    let mut has_moved = Log { records: vec![kept(4, 4, 5)], ..Log::default() };
    assert_eq!(look_above(&mut has_moved, "t", &ends), [(0, Above::More)].into());
    let mut has_aged = Log { records: vec![kept(9, 9, 5)], low: 7, ..Log::default() };
    assert_eq!(
        look_above(&mut has_aged, "t", &ends),
        [(0, Above::Aged(7))].into(),
        "it is refused below its start, too"
    );
}

#[test]
fn another_producers_rubbish_at_the_offset_is_no_damage_of_the_event() {
    let rubbish =
        |key: &[u8], create_ms| Kept { key: key.to_vec(), body: b"{\"x\":1}".to_vec(), create_ms, ..kept(1, 1, 5) };
    let day = 24 * 3_600_000;
    let event = |key| AckedEvent { key, due_ms: Some(day), ..wanted(1, 1, 5) };
    let own = Some(KeyId::of_number(5));
    let mine = Kept { create_ms: day, body: event_due(day.unsigned_abs() * 1_000_000, 1, 5).1, ..kept(1, 1, 5) };
    let damaged = Kept { body: on_another_device(&mine.body), ..mine.clone() };
    for (what, record, wanted, expected) in [
        ("of another key", rubbish(b"6", day), event(own), LookUp::Gone),
        ("of the event's key, but older than it", rubbish(b"5", 7), event(own), LookUp::Gone),
        ("of the event's key and time", rubbish(b"5", day + 1), event(own), LookUp::Unparsable),
        ("of a key that is not known", rubbish(b"6", day), event(None), LookUp::Nothing),
        ("the event", mine.clone(), event(own), LookUp::Present),
        ("the event, damaged", damaged.clone(), event(own), LookUp::Unparsable),
        (
            "the event, its key damaged too",
            Kept { key: b"6".to_vec(), ..damaged.clone() },
            event(own),
            LookUp::Unparsable,
        ),
        (
            "an event of another run with this one's tag, damaged",
            Kept { body: on_another_device(&kept(1, 1, 5).body), ..damaged },
            event(own),
            LookUp::Gone,
        ),
        ("another event", Kept { create_ms: day, ..kept(1, 2, 5) }, event(own), LookUp::Gone),
    ] {
        let mut log = Log { records: vec![record], ..Log::default() };
        let questions = Search { wanted: vec![wanted], ..Search::default() };
        assert_eq!(ask(&mut log, &questions).at[&(0, 1)], expected, "{what}");
    }
}

/// The same event of another device: its content no longer matches its stamp.
fn on_another_device(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let changed = text.replace("mobile", "tablet");
    assert_ne!(text, changed, "the event is of a mobile");
    changed.into_bytes()
}

#[test]
fn two_events_acked_at_one_offset_are_told_apart() {
    let mut log = Log { records: vec![kept(7, 1, 5)], ..Log::default() };
    let questions = Search { wanted: vec![wanted(7, 1, 5), wanted(7, 2, 5)], ..Search::default() };
    let answers = ask(&mut log, &questions);
    assert_eq!((answers.at[&(0, 1)], answers.at[&(0, 2)]), (LookUp::Present, LookUp::Gone));
}

#[test]
fn keys_that_are_no_numbers_are_told_apart_as_numbers_are() {
    let of_key =
        |offset, key: &str| Kept { key: key.as_bytes().to_vec(), body: b"{\"x\":1}".to_vec(), ..kept(offset, 9, 5) };
    let wanted_of = |offset, sequence, key: &str| AckedEvent {
        key: Some(KeyId::of_text(key.as_bytes())),
        due_ms: Some(0),
        ..wanted(offset, sequence, 5)
    };
    let mut log = Log { records: vec![of_key(3, "cust-000007"), of_key(4, "cust-000008")], ..Log::default() };
    let questions = Search {
        wanted: vec![
            wanted_of(1, 1, "cust-000007"),
            wanted_of(2, 2, "cust-000009"),
            wanted_of(4, 4, "cust-000008"),
            wanted_of(3, 3, "cust-7"),
        ],
        compacted: true,
        ..Search::default()
    };
    let answers = ask(&mut log, &questions);
    let expected = [(1, LookUp::Superseded), (2, LookUp::Gone), (3, LookUp::Gone), (4, LookUp::Unparsable)];
    assert_eq!(answers.at, expected.map(|(sequence, found)| ((0, sequence), found)).into());
}

#[test]
fn in_a_compacted_topic_a_later_record_of_the_key_explains_absence() {
    let records = vec![kept(10, 10, 5), kept(11, 11, 6), kept(12, 12, 6)];
    let mut log = Log { records, ..Log::default() };
    let questions = Search {
        wanted: vec![wanted(3, 3, 6), wanted(4, 4, 7), wanted(5, 5, 5)],
        compacted: true,
        ..Search::default()
    };
    let answers = ask(&mut log, &questions);
    let found = [3, 4, 5].map(|sequence| answers.at[&(0, sequence)]);
    assert_eq!(found, [LookUp::Superseded, LookUp::Gone, LookUp::Superseded]);
}

#[test]
fn in_a_compacted_topic_absence_without_a_key_is_not_explained() {
    let mut log = Log { records: vec![kept(10, 10, 5), kept(12, 12, 6)], high: Some(15), ..Log::default() };
    let keyless = |offset, sequence| AckedEvent { key: None, ..wanted(offset, sequence, 0) };
    let questions =
        Search { wanted: vec![keyless(3, 3), keyless(12, 12), keyless(14, 14)], compacted: true, ..Search::default() };
    let answers = ask(&mut log, &questions);
    let found = [3, 12, 14].map(|sequence| answers.at[&(0, sequence)]);
    assert_eq!(found, [LookUp::Nothing, LookUp::Present, LookUp::Gone], "nothing came after 14 to take its place");
}

#[test]
fn a_hundred_thousand_lost_events_cost_one_pass_and_no_read_each() {
    let lost = 100_000_i64;
    let records = (0..2 * lost).filter(|offset| offset % 2 == 0).map(|offset| kept(offset, u64::MAX >> 30, 5));
    let mut log = Log { records: records.collect(), high: Some(2 * lost), ..Log::default() };
    let questions = Search {
        wanted: (0..lost).map(|n| wanted(2 * n + 1, u64::try_from(n).unwrap(), 5)).collect(),
        ..Search::default()
    };
    let answers = ask(&mut log, &questions);
    assert_eq!(answers.at.len(), 100_000);
    assert!(answers.at.values().all(|found| *found == LookUp::Gone));
    assert_eq!(log.seeks, 0, "they lie close together");
    assert!(log.read <= 100_000, "{} records read", log.read);
}

#[test]
fn offsets_far_apart_are_reached_by_jumps() {
    let mut log = Log { records: (0..100_000).map(|offset| kept(offset, 0, 5)).collect(), ..Log::default() };
    let questions =
        Search { wanted: vec![wanted(5, 1, 5), wanted(50_000, 2, 5), wanted(99_000, 3, 5)], ..Search::default() };
    let answers = ask(&mut log, &questions);
    assert_eq!(answers.at.len(), 3);
    assert!(log.seeks <= 3 && log.read <= 3 * BATCH, "{} jumps, {} records", log.seeks, log.read);
}

#[test]
fn a_stretch_is_read_whole_and_gives_the_copies_in_it() {
    let mut log = Log { records: vec![kept(0, 1, 5), kept(1, 2, 5), kept(2, 1, 5), kept(3, 4, 5)], ..Log::default() };
    log.records[2].create_ms = 8;
    let questions = Search {
        stretches: vec![Stretch { partition: 0, from: 0, end: 3 }],
        copies_of: [(0, 1)].into(),
        ..Search::default()
    };
    let mut seen = Presence::default();
    let answers =
        read_again(&mut log, "t", ours(), &questions, Duration::from_secs(60), |_, OwnEvent { stamp, .. }| {
            seen.note(stamp.sequence);
        });
    let copy = |offset, create_ms| Copy { partition: 0, offset, create_ms: Some(create_ms) };
    assert_eq!(answers.copies, [((0, 1), vec![copy(0, 7), copy(2, 8)])].into());
    assert!(seen.has(1) && seen.has(2) && !seen.has(4), "what lies past the stretch is not looked at");
}

#[test]
fn what_a_fresh_reader_of_committed_records_goes_past_is_held_as_aborted_and_not_the_first_readers_fault() {
    // 1 and 2 lie in the log; of committed records there are 2 and, behind an open transaction from 3 on, nothing more.
    let questions = || Search {
        wanted: vec![wanted(1, 1, 5), wanted(2, 2, 5), wanted(3, 3, 5), wanted(4, 4, 5)],
        ..Search::default()
    };
    let mut all = Log { records: vec![kept(1, 1, 5), kept(2, 2, 5), kept(3, 3, 5), kept(5, 5, 5)], ..Log::default() };
    let mut result = ask(&mut all, &questions());
    let mut committed = Log { records: vec![kept(2, 2, 5)], high: Some(3), ..Log::default() };
    read_committed_again(Some(&mut committed), "t", ours(), questions(), &mut result, ASK, |_, _| {});
    let expected = [
        (1, LookUp::HeldAborted),
        (2, LookUp::Present),
        (3, LookUp::Nothing),
        // Another record lies beyond it, and none at its offset: what all records show stands.
        (4, LookUp::Gone),
    ];
    assert_eq!(result.at, expected.map(|(sequence, found)| ((0, sequence), found)).into());
}

#[test]
fn without_a_reader_of_committed_records_nobody_is_accused() {
    let mut log = Log { records: vec![kept(1, 1, 5)], ..Log::default() };
    let questions = || Search { wanted: vec![wanted(1, 1, 5)], ..Search::default() };
    let mut result = ask(&mut log, &questions());
    assert_eq!(result.at[&(0, 1)], LookUp::Present);
    read_committed_again(None, "t", ours(), questions(), &mut result, ASK, |_, _| {});
    assert_eq!(result.at[&(0, 1)], LookUp::Nothing);
}
