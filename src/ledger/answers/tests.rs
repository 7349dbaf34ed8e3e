//! What is written is what is read back.

use std::sync::Arc;

use proptest::prelude::*;

use super::write::CHUNK;
use super::*;
use crate::event::stamp::DueTime;
use crate::ledger::{Ledger, Marks};

fn written(marks: &[u8], order: &[usize], compacted: bool) -> (Vec<Answered>, End, Vec<Line>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let sink =
        Sink::create(&path, Head { compacted, ..Head::new("7".to_owned(), 1, vec![("t".to_owned(), 5)], vec![9; 5]) })
            .unwrap();
    let sink = Arc::new(sink);
    let ledger = Ledger::new(0, 1, false);
    let book = ledger.lane(0).unwrap();
    book.reserve(marks.len() as u64);
    let mut lane = LaneAnswers::new(0, Arc::clone(&sink));
    let open = book.open();
    for sequence in 0..marks.len() as u64 {
        open.draw(sequence, DueTime::from_unix_ns(sequence));
    }
    let mut offsets = [100_i64; 5];
    for at in order {
        let (sequence, mark) = (*at as u64, Marks(marks[*at]));
        open.mark(sequence, mark);
        let place = (mark.has(Marks::ACKED) && at % 7 != 0).then(|| {
            let partition = at % 5;
            offsets[partition] += 1 + i64::try_from(at % 3).unwrap();
            let (slot, offset) = (i32::try_from(partition).unwrap(), offsets[partition]);
            Placed { partition: slot, offset, key: KeyId::of_number(1_000 + sequence) }
        });
        if mark.has(Marks::ACKED) || mark.has(Marks::REFUSED) {
            lane.settle(sequence, place, &open);
        }
    }
    lane.end(marks.len() as u64, &[0], &open);
    sink.finish().unwrap();
    assert_eq!(head(&path).unwrap().starts, vec![9; 5]);
    let mut lines = Vec::new();
    read(&path, &mut |line| {
        lines.push(line);
        Ok(())
    })
    .unwrap();
    let mut all: Vec<Answered> = Vec::new();
    let mut end = None;
    for line in &lines {
        match line {
            Line::Answers(answers) => all.extend(answers.each().unwrap()),
            Line::End(found) => end = Some(found.clone()),
            Line::Head(_) => {}
        }
    }
    all.sort_by_key(|event| event.sequence);
    (all, end.unwrap(), lines)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_answered_is_read_back_whatever_the_order_of_the_answers(
        (marks, order) in proptest::collection::vec(
            prop_oneof![8 => Just(3_u8), 1 => Just(0_u8), 1 => Just(1), 1 => Just(4), 1 => Just(5), 1 => Just(35)],
            0..9_000,
        ).prop_flat_map(|marks| {
            let order: Vec<usize> = (0..marks.len()).collect();
            (Just(marks), Just(order).prop_shuffle())
        }),
        compacted: bool,
    ) {
        let (all, end, _) = written(&marks, &order, compacted);
        prop_assert_eq!(end.drawn, marks.len() as u64);
        prop_assert_eq!(all.len(), marks.len());
        for (at, event) in all.iter().enumerate() {
            let marks = Marks(marks[at]);
            prop_assert_eq!((event.sequence, event.answer), (at as u64, marks.answer()));
            prop_assert_eq!(event.aborted, marks.has(Marks::ABORTED));
            let user = (compacted && event.place.is_some()).then_some(KeyId::of_number(1_000 + at as u64));
            prop_assert_eq!(event.key, user, "users are told where the topic is compacted, of what has a place");
            prop_assert_eq!(event.place.is_some(), marks.has(Marks::ACKED) && at % 7 != 0);
            let is_right = |(partition, offset)| usize::try_from(partition) == Ok(at % 5) && offset > 100;
            prop_assert!(event.place.is_none_or(is_right));
        }
    }
}

#[test]
fn a_lane_whose_events_are_all_answered_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::create(&folder.path().join("a"), Head::new(String::new(), 1, Vec::new(), Vec::new())).unwrap();
    let ledger = Ledger::new(0, 1, false);
    let book = ledger.lane(0).unwrap();
    let mut lane = LaneAnswers::new(0, Arc::new(sink));
    for sequence in 0..10 * CHUNK {
        book.reserve(sequence + 1);
        let open = book.open();
        open.draw(sequence, DueTime::from_unix_ns(sequence));
        open.mark(sequence, Marks(Marks::HANDED | Marks::ACKED));
        lane.settle(sequence, Some(Placed { partition: 0, offset: 1, key: KeyId::of_number(1) }), &open);
    }
    assert!(lane.open.is_empty() && lane.base == 10);
}

#[test]
fn what_an_overload_left_out_is_written_by_blocks_and_read_by_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let sink = Arc::new(Sink::create(&path, Head::new("7".to_owned(), 1, Vec::new(), Vec::new())).unwrap());
    let ledger = Ledger::new(0, 1, false);
    let book = ledger.lane(0).unwrap();
    let mut lane = LaneAnswers::new(0, Arc::clone(&sink));
    let (block, due) = (crate::ledger::BLOCK as u64, DueTime::from_unix_ns(7));
    book.reserve(1);
    book.open().draw(0, due);
    book.open().mark(0, Marks(Marks::HANDED | Marks::ACKED));
    lane.settle(0, Some(Placed { partition: 0, offset: 5, key: KeyId::of_number(1) }), &book.open());
    book.leave_out(1..block, due, due);
    book.leave_out(block..2 * block, due, due);
    book.leave_out(2 * block..3 * block, due, due);
    book.leave_out(3 * block..3 * block + 9, due, due);
    lane.end(3 * block + 9, &[0], &book.open());
    sink.finish().unwrap();
    let (mut lines, mut events) = (0_u64, Vec::new());
    read(&path, &mut |line| {
        if let Line::Answers(answers) = line {
            lines += 1;
            events.extend(answers.each().unwrap());
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(lines, block / CHUNK + 2 + 1, "two blocks are two lines");
    let expected = (0..3 * block + 9).map(|sequence| (sequence, sequence > 0));
    assert!(events.iter().map(|event| (event.sequence, event.answer == Answer::NotHanded)).eq(expected));
}

#[test]
fn what_is_no_such_file_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::fs::write(&path, "plain").unwrap();
    assert!(head(&path).is_err());
    std::fs::write(
        &path,
        zstd::bulk::compress(b"{\"end\":{\"lane\":0,\"drawn\":1,\"phase_starts\":[]}}\n", 1).unwrap(),
    )
    .unwrap();
    assert_eq!(head(&path).unwrap_err().to_string(), "its first line is no head");
    let line = "{\"head\":{\"version\":9,\"run\":\"\",\"topics\":[],\"starts\":[]}}\n";
    std::fs::write(&path, zstd::bulk::compress(line.as_bytes(), 1).unwrap()).unwrap();
    assert_eq!(head(&path).unwrap_err().to_string(), "its format is version 9, this loadgen knows 2");
}
