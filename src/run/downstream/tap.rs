//! What the run's verifier reads of the input, handed on to who judges results: the log is read once.
//!
//! That is exact where the verifier reads by assignment and committed records alone, as the oracle has to: each partition comes whole and
//! in the order of its log. What lies before the verifier's start the oracle reads by itself, and where it does not come
//! after, or the verifier has ended, it reads on by itself from where it stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;
use std::{fmt, io};

use crate::kafka::headers::Headers;
use crate::kafka::{
    Code, Delivered, Judged, KafkaError, Notice, Record, Refusal, Timestamp, TopicIdentity, Wait, Watermarks,
};
use crate::verify::reader::Reader;

/// As much may wait to be judged; the verifier waits for nobody.
const MOST_BYTES: usize = 64 << 20;
/// A batch that took more is not used again.
const USUAL_BYTES: usize = 4 << 20;
/// Batches that are taken at once, at most.
const AT_ONCE: usize = 32;

/// Some of what was delivered.
#[derive(Debug, Default)]
struct Batch {
    items: Vec<Item>,
    bodies: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Record { slot: i32, offset: i64, timestamp: Timestamp, length: Option<usize> },
    End { slot: i32, offset: i64 },
    Error { slot: i32, code: Code, offset: i64 },
}

/// What both sides know.
#[derive(Debug, Default)]
struct Pending {
    bytes: AtomicUsize,
    is_cut: AtomicBool,
}

/// The verifier's side.
#[derive(Debug)]
pub(in crate::run) struct Tap {
    /// By the verifier's slot, the one under which it is handed on.
    slots: Vec<Option<i32>>,
    batch: Batch,
    /// `None` where it was cut: too much was waiting.
    out: Option<Sender<Batch>>,
    emptied: Receiver<Batch>,
    pending: Arc<Pending>,
}

/// The side of who judges.
#[derive(Debug)]
pub(super) struct Feed {
    from: Receiver<Batch>,
    emptied: Sender<Batch>,
    pending: Arc<Pending>,
}

/// A tap, and what comes out of it. `slots`: by the verifier's slot, the one under which it is handed on.
pub(super) fn tap(slots: Vec<Option<i32>>) -> (Tap, Feed) {
    let ((out, from), (back, emptied)) = (channel(), channel());
    let pending = Arc::new(Pending::default());
    let tap = Tap { slots, batch: Batch::default(), out: Some(out), emptied, pending: Arc::clone(&pending) };
    (tap, Feed { from, emptied: back, pending })
}

impl Batch {
    fn bytes(&self) -> usize {
        self.bodies.len() + self.items.len() * size_of::<Item>()
    }

    fn clear(&mut self) {
        self.items.clear();
        self.bodies.clear();
    }
}

impl Tap {
    /// The same reader, with the tap in it, where there is one.
    pub(in crate::run) fn on(tap: Option<Self>, reader: Box<dyn Reader>) -> Box<dyn Reader> {
        match tap {
            Some(tap) => Box::new(Tapped { reader, tap }),
            None => reader,
        }
    }

    fn copy(&mut self, delivered: &Delivered<'_>) {
        let (Delivered::Record(Record { partition: slot, .. })
        | Delivered::EndOfPartition { partition: slot, .. }
        | Delivered::Error { partition: slot, .. }) = delivered;
        let Some(slot) = usize::try_from(*slot).ok().and_then(|slot| *self.slots.get(slot)?) else { return };
        let Batch { items, bodies } = &mut self.batch;
        items.push(match delivered {
            Delivered::Record(Record { offset, timestamp, body, .. }) => {
                bodies.extend_from_slice(body.unwrap_or_default());
                Item::Record { slot, offset: *offset, timestamp: *timestamp, length: body.map(<[u8]>::len) }
            }
            Delivered::EndOfPartition { offset, .. } => Item::End { slot, offset: *offset },
            Delivered::Error { code, offset, .. } => Item::Error { slot, code: *code, offset: *offset },
        });
    }

    fn hand_on(&mut self) {
        let Some(out) = self.out.as_ref().filter(|_| !self.batch.items.is_empty()) else { return };
        let bytes = self.batch.bytes();
        if self.pending.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES {
            self.pending.is_cut.store(true, Ordering::Relaxed);
            (self.out, self.batch) = (None, Batch::default());
            return;
        }
        let next = self.emptied.try_recv().unwrap_or_default();
        if out.send(std::mem::replace(&mut self.batch, next)).is_err() {
            // Nobody wants it any more.
            self.out = None;
        }
    }
}

impl Feed {
    /// Gives what has come, some of it where it is much. Returns how many records and other things that was, whether there may be
    /// more, and whether nothing will come any more.
    pub(super) fn take(&self, mut each: impl FnMut(Delivered<'_>)) -> Given {
        let mut given = Given::default();
        for _ in 0..AT_ONCE {
            let mut batch = match self.from.try_recv() {
                Ok(batch) => batch,
                Err(error) => {
                    given.is_over = error == TryRecvError::Disconnected;
                    return given;
                }
            };
            given.count += batch.items.len();
            self.pending.bytes.fetch_sub(batch.bytes(), Ordering::Relaxed);
            let mut bodies = &batch.bodies[..];
            for item in &batch.items {
                each(match *item {
                    Item::Record { slot, offset, timestamp, length } => {
                        let (body, rest) = bodies.split_at(length.unwrap_or(0));
                        bodies = rest;
                        let (key, body) = (None, length.map(|_| body));
                        let headers = Headers::default();
                        Delivered::Record(Record {
                            partition: slot,
                            offset,
                            timestamp,
                            key,
                            body,
                            headers,
                            leader_epoch: -1,
                        })
                    }
                    Item::End { slot, offset } => Delivered::EndOfPartition { partition: slot, offset },
                    Item::Error { slot, code, offset } => Delivered::Error { partition: slot, code, offset },
                });
            }
            if batch.bodies.capacity() <= USUAL_BYTES {
                batch.clear();
                // Without a tap it is let go of.
                self.emptied.send(batch).unwrap_or_default();
            }
        }
        given.has_more = true;
        given
    }

    /// Whether the tap was cut, so that some of what was read is not handed on.
    pub(super) fn is_cut(&self) -> bool {
        self.pending.is_cut.load(Ordering::Relaxed)
    }
}

/// What a feed has given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) count: usize,
    pub(super) has_more: bool,
    pub(super) is_over: bool,
}

/// A reader of which somebody else gets what it reads, too.
struct Tapped {
    reader: Box<dyn Reader>,
    tap: Tap,
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.fmt(f)
    }
}

impl Reader for Tapped {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.reader.assign(topic, starts)
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        self.reader.seek(topic, partition, offset, timeout)
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let Self { reader, tap } = self;
        if tap.out.is_none() {
            return reader.take(most, each);
        }
        let taken = reader.take(most, &mut |delivered| {
            tap.copy(&delivered);
            each(delivered);
        });
        tap.hand_on();
        taken
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        self.reader.wait(timeout)
    }

    fn judged(&mut self, read: &[Judged]) {
        self.reader.judged(read);
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        self.reader.notices(notice);
    }

    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        self.reader.ends(topic, partitions, wait)
    }

    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.reader.identities(topics, wait)
    }

    fn resume(&mut self, topic: &str, positions: &[(i32, i64)], given_up: &[i32]) -> Result<(), KafkaError> {
        self.reader.resume(topic, positions, given_up)
    }

    fn is_settled(&self) -> bool {
        self.reader.is_settled()
    }

    fn holds(&self, partition: i32) -> bool {
        self.reader.holds(partition)
    }

    fn unsettled(&self, waited: Duration) -> Option<KafkaError> {
        self.reader.unsettled(waited)
    }

    fn refusal(&self) -> Option<Refusal> {
        self.reader.refusal()
    }

    fn drain(&mut self) {
        self.reader.drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, body: Option<&[u8]>) -> Delivered<'_> {
        let (timestamp, headers) = (Timestamp::Create(7), Headers::default());
        Delivered::Record(Record { partition, offset, timestamp, key: None, body, headers, leader_epoch: -1 })
    }

    fn told(feed: &Feed) -> (Vec<String>, Given) {
        let mut told = Vec::new();
        let given = feed.take(|delivered| told.push(format!("{delivered:?}")));
        (told, given)
    }

    #[test]
    fn what_was_read_is_handed_on_in_its_order_under_the_slots_of_who_judges() {
        let (mut tap, feed) = tap(vec![Some(4), None, Some(2)]);
        for delivered in [
            record(0, 1, Some(b"one")),
            record(1, 5, Some(b"nobody's")),
            record(2, 3, None),
            record(0, 2, Some(b"")),
            Delivered::EndOfPartition { partition: 2, offset: 9 },
            Delivered::Error { partition: 0, code: Code::AutoOffsetReset, offset: 3 },
        ] {
            tap.copy(&delivered);
        }
        tap.hand_on();
        let expected = [
            record(4, 1, Some(b"one")),
            record(2, 3, None),
            record(4, 2, Some(b"")),
            Delivered::EndOfPartition { partition: 2, offset: 9 },
            Delivered::Error { partition: 4, code: Code::AutoOffsetReset, offset: 3 },
        ];
        let (got, given) = told(&feed);
        assert_eq!(got, expected.map(|delivered| format!("{delivered:?}")));
        assert_eq!(given, Given { count: 5, has_more: false, is_over: false });
        assert_eq!(feed.pending.bytes.load(Ordering::Relaxed), 0);
        tap.copy(&record(0, 3, Some(b"last")));
        tap.hand_on();
        drop(tap);
        let (got, given) = told(&feed);
        assert_eq!((got.len(), given), (1, Given { count: 1, has_more: false, is_over: true }));
    }

    #[test]
    fn a_tap_that_nobody_empties_is_cut_and_what_was_handed_on_before_is_whole() {
        let (mut tap, feed) = tap(vec![Some(0)]);
        let body = vec![0; 1 << 20];
        let mut offset = 0;
        while !feed.is_cut() {
            tap.copy(&record(0, offset, Some(&body)));
            tap.hand_on();
            offset += 1;
        }
        assert!(tap.out.is_none() && tap.batch.items.is_empty());
        let (mut offsets, mut given) = (Vec::new(), Given { has_more: true, ..Given::default() });
        while given.has_more {
            given = feed.take(|delivered| match delivered {
                Delivered::Record(record) => offsets.push(record.offset),
                other => panic!("{other:?}"),
            });
        }
        assert!(given.is_over);
        assert_eq!(offsets, (0..offset - 1).collect::<Vec<_>>());
    }
}
