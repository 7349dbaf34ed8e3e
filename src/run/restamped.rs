//! A reader of records without stamps: what it knows to be an event of the run it gives on with the stamp that the event would have, in the
//! header where others carry it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::wiring::Reading;
use crate::clock::Nanos;
use crate::event::KeyId;
use crate::event::catalogue::Catalogue;
use crate::event::opaque::Raw;
use crate::event::stamp::{RunId, Stamp};
use crate::kafka::headers::Headers;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Record, Refusal, TopicIdentity, Wait, Watermarks};
use crate::ledger::unstamped::{ContentId, Known, Unstamped, Whose};
use crate::verify::UnjudgedRecord;
use crate::verify::reader::Reader;

/// The longest wait for answers before it is looked again.
const LOOK: Duration = Duration::from_millis(1);
/// As much waits for answers; beyond it nothing more is taken from the client.
const MOST_BYTES: usize = 64 << 20;

/// How records of the run are known.
#[derive(Clone, Debug)]
pub(super) struct Recognition {
    pub(super) known: Arc<Unstamped>,
    pub(super) run: RunId,
    pub(super) catalogue: Arc<Catalogue>,
}

/// Gives stamps to records that have none.
#[derive(Debug)]
pub(super) struct Restamped {
    reader: Box<dyn Reader>,
    recognition: Recognition,
    reading: Reading,
    held: HeldBack,
}

/// What waits for the answers of events, or may not be given on.
#[derive(Debug, Default)]
struct HeldBack {
    /// By partition, in the order of its log.
    waiting: BTreeMap<i32, VecDeque<Item>>,
    bytes: usize,
    /// Partitions of which something is not known any more: of what follows there nothing may be claimed either.
    withheld: BTreeSet<i32>,
}

/// Something delivered that outlives its batch.
#[derive(Debug)]
enum Item {
    Record(UnjudgedRecord),
    End(i64),
    Error(Code, i64),
}

impl HeldBack {
    fn forget(&mut self, partition: i32) {
        self.withheld.remove(&partition);
        for item in self.waiting.remove(&partition).unwrap_or_default() {
            if let Item::Record(record) = item {
                self.bytes -= record.bytes();
            }
        }
    }

    fn push(&mut self, partition: i32, item: Item) {
        if let Item::Record(record) = &item {
            self.bytes += record.bytes();
        }
        self.waiting.entry(partition).or_default().push_back(item);
    }
}

impl Recognition {
    /// Gives a record on, with its stamp where it is known; false where that shows only later, or never.
    fn give(&self, record: &Record<'_>, reading: Reading, each: &mut dyn FnMut(Delivered<'_>)) -> Result<(), Whose> {
        let raw = Raw::from(record);
        let content = ContentId(raw.content());
        let headers = match self.known.whose(record.partition, record.offset, content, reading == Reading::Again) {
            Whose::Ours(Known { kind, stamp, .. }) => raw.headers_with(kind, stamp),
            Whose::Changed(known) if record.key.map(KeyId::of_text).unwrap_or_default() == known.key => {
                self.damaged(raw, known)
            }
            Whose::Changed(_) | Whose::Nobodys => {
                each(Delivered::Record(*record));
                return Ok(());
            }
            later => return Err(later),
        };
        each(Delivered::Record(Record { headers: Headers::packed(&headers), ..*record }));
        Ok(())
    }

    /// Headers with the stamp of an event whose record holds something else: with a check that it does not fit.
    fn damaged(&self, raw: Raw<'_>, Known { kind, stamp, .. }: Known) -> Vec<u8> {
        let headers = raw.headers_with(kind, stamp);
        let told = Raw { headers: Headers::packed(&headers), ..raw };
        let Ok(decoded) = self.catalogue.decode_record(told) else { return headers };
        let fits = decoded.check(self.run, stamp, raw.key.unwrap_or_default());
        raw.headers_with(kind, Stamp { check: fits ^ 1, ..stamp })
    }
}

impl Restamped {
    pub(super) fn new(reader: Box<dyn Reader>, recognition: Recognition, reading: Reading) -> Self {
        Self { reader, recognition, reading, held: HeldBack::default() }
    }

    /// Gives on what has waited and is known by now. Returns how much that was.
    fn give_held(&mut self, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let Self { recognition, reading, held: HeldBack { waiting, bytes, .. }, .. } = self;
        let mut given = 0;
        for (partition, items) in waiting.iter_mut() {
            let partition = *partition;
            while let Some(item) = items.front() {
                match item {
                    Item::Record(record) => {
                        if recognition.give(&record.record(), *reading, each).is_err() {
                            break;
                        }
                        *bytes -= record.bytes();
                    }
                    Item::End(offset) => each(Delivered::EndOfPartition { partition, offset: *offset }),
                    Item::Error(code, offset) => each(Delivered::Error { partition, code: *code, offset: *offset }),
                }
                items.pop_front();
                given += 1;
            }
        }
        waiting.retain(|_, items| !items.is_empty());
        given
    }
}

impl Reader for Restamped {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.held = HeldBack::default();
        self.reader.assign(topic, starts)
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        self.held.forget(partition);
        self.reader.seek(topic, partition, offset, timeout)
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let mut given = self.give_held(each);
        if self.held.bytes >= MOST_BYTES {
            return given;
        }
        let Self { reader, recognition, reading, held } = self;
        reader.take(most, &mut |delivered| {
            let (partition, item) = match delivered {
                Delivered::Record(record) if held.withheld.contains(&record.partition) => return,
                Delivered::EndOfPartition { partition, .. } if held.withheld.contains(&partition) => return,
                Delivered::Record(record) => {
                    let partition = record.partition;
                    if !held.waiting.contains_key(&partition) {
                        match recognition.give(&record, *reading, each) {
                            Ok(()) => return given += 1,
                            Err(Whose::Forgotten) => {
                                held.withheld.insert(partition);
                                return;
                            }
                            Err(_) => {}
                        }
                    }
                    (partition, Item::Record(UnjudgedRecord::of(&record, Nanos::ZERO)))
                }
                Delivered::EndOfPartition { partition, offset } if held.waiting.contains_key(&partition) => {
                    (partition, Item::End(offset))
                }
                Delivered::Error { partition, code, offset } if held.waiting.contains_key(&partition) => {
                    (partition, Item::Error(code, offset))
                }
                other => {
                    each(other);
                    given += 1;
                    return;
                }
            };
            held.push(partition, item);
        });
        given
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = if self.held.waiting.is_empty() { timeout } else { timeout.min(LOOK) };
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
        self.held = HeldBack::default();
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
