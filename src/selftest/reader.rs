//! The faulty layer between broker and verifier.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Bench;
use super::fault::Fault;
use super::plan::{DELETED_IN, LANES, LEADER_AFTER, Plan};
use crate::event::stamp::Stamp;
use crate::kafka::headers::Headers;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Record, Timestamp, TopicIdentity, Wait, Watermarks};
use crate::run::wiring::Reading;
use crate::verify::reader::Reader;

/// Something delivered that outlives its batch.
#[derive(Clone, Debug)]
enum Delivery {
    Record(DeliveredRecord),
    End { partition: i32, offset: i64 },
    Error { partition: i32, code: Code, offset: i64 },
}

#[derive(Clone, Debug)]
struct DeliveredRecord {
    partition: i32,
    offset: i64,
    timestamp: Timestamp,
    key: Option<Vec<u8>>,
    body: Option<Vec<u8>>,
    headers: Box<[u8]>,
    leader_epoch: i32,
    /// Read while the clock is set back.
    clock_back: bool,
}

/// Reads from a consumer, but for what the plan has in store.
#[derive(Debug)]
pub(super) struct FaultyReader {
    bench: Arc<Bench>,
    consumer: Box<dyn Reader>,
    reading: Reading,
    queue: VecDeque<Delivery>,
    /// Records met in the partition whose first ones are deleted.
    met: u64,
    /// Offset of the first one there that is left.
    log_start: Option<i64>,
    /// The highest sequence of each lane met in the partition whose last records are withheld.
    highest: HashMap<u16, u64>,
    withholding: bool,
}

impl FaultyReader {
    pub(super) fn new(bench: Arc<Bench>, reading: Reading, consumer: Box<dyn Reader>) -> Self {
        Self {
            bench,
            consumer,
            reading,
            queue: VecDeque::new(),
            met: 0,
            log_start: None,
            highest: HashMap::new(),
            withholding: false,
        }
    }

    fn fill(&mut self, most: usize) {
        let mut taken = Vec::new();
        self.consumer.take(most, &mut |delivered| taken.push(keep(&delivered)));
        for kept in taken {
            match kept {
                Delivery::Record(record) => self.treat(record),
                Delivery::End { partition, offset } if partition == self.bench.plan.withheld_in() => {
                    if self.reading == Reading::Again || !self.withholding {
                        let offset = self.bench.end.get().map_or(offset, |end| offset.min(*end));
                        self.queue.push_back(Delivery::End { partition, offset });
                    }
                }
                other => self.queue.push_back(other),
            }
        }
    }

    fn treat(&mut self, mut record: DeliveredRecord) {
        let headers = Headers::packed(&record.headers);
        let stamp_of = |value| self.bench.forge.place.stamp_of(value, headers);
        let stamp = record.body.as_deref().and_then(stamp_of).filter(|stamp| stamp.tag == self.bench.run.tag());
        let fault = stamp.and_then(|stamp| self.bench.fault((stamp.lane, stamp.sequence)));
        record.leader_epoch = record.leader_epoch.max(0);
        if self.reading == Reading::Again {
            let is_above = record.partition == self.bench.plan.withheld_in()
                && self.bench.end.get().is_some_and(|end| record.offset >= *end);
            if fault != Some(Fault::CutOff) && !is_above {
                self.queue.push_back(Delivery::Record(record));
            }
            return;
        }
        if record.partition == DELETED_IN && self.is_deleted(&mut record, stamp) {
            return;
        }
        if record.partition == self.bench.plan.withheld_in() && self.is_withheld(record.offset, stamp) {
            return;
        }
        match fault {
            Some(Fault::Skipped) => {}
            Some(Fault::ReadTwice) => self.queue.extend([Delivery::Record(record.clone()), Delivery::Record(record)]),
            Some(Fault::ClockBack) => {
                self.queue.push_back(Delivery::Record(DeliveredRecord { clock_back: true, ..record }));
            }
            Some(Fault::CutOff) => self.queue.push_back(Delivery::Record(record)),
            _ => return self.queue.push_back(Delivery::Record(record)),
        }
        if let Some(fault) = fault {
            self.bench.injected(fault);
        }
    }

    /// Takes the first records away, and lets another leader take over later.
    fn is_deleted(&mut self, record: &mut DeliveredRecord, stamp: Option<Stamp>) -> bool {
        let Some(stamp) = stamp else { return false };
        self.met += 1;
        if self.met <= self.bench.plan.deleted {
            self.bench.suffers((stamp.lane, stamp.sequence), Fault::Deleted);
            return true;
        }
        self.log_start.get_or_insert(record.offset);
        if self.met > LEADER_AFTER {
            record.leader_epoch += 1;
        }
        false
    }

    /// Keeps back what comes after every lane has come far enough, and has the high watermark stand still when they have come further.
    fn is_withheld(&mut self, offset: i64, stamp: Option<Stamp>) -> bool {
        let Some(stamp) = stamp else { return self.withholding };
        let have_all =
            |highest: &HashMap<u16, u64>, from: u64| (0..LANES).all(|lane| highest.get(&lane) >= Some(&from));
        let was_withholding = self.withholding;
        if was_withholding {
            let is_above = have_all(&self.highest, Plan::unreplicated_from());
            if is_above {
                self.bench.end.get_or_init(|| offset);
            }
            let fault = if is_above { Fault::NotReplicated } else { Fault::Withheld };
            self.bench.suffers((stamp.lane, stamp.sequence), fault);
        }
        let highest = self.highest.entry(stamp.lane).or_default();
        *highest = (*highest).max(stamp.sequence);
        self.withholding = was_withholding || have_all(&self.highest, Plan::withheld_from());
        was_withholding
    }
}

impl Reader for FaultyReader {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.queue.clear();
        self.consumer.assign(topic, starts)
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        self.queue.retain(|kept| kept.partition() != partition);
        self.consumer.seek(topic, partition, offset, timeout)
    }

    fn resume(&mut self, topic: &str, positions: &[(i32, i64)], given_up: &[i32]) -> Result<(), KafkaError> {
        self.queue.clear();
        self.consumer.resume(topic, positions, given_up)
    }

    fn judged(&mut self, read: &[Judged]) {
        self.consumer.judged(read);
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        if self.queue.is_empty() {
            self.fill(most);
        }
        let mut taken = 0;
        while taken < most {
            let Some(kept) = self.queue.pop_front() else { break };
            let back = matches!(&kept, Delivery::Record(record) if record.clock_back);
            if back && taken > 0 {
                // The reader looks at its clock once a batch: this one is a batch of its own.
                self.queue.push_front(kept);
                break;
            }
            self.bench.clock_back.store(back, Ordering::Release);
            each(kept.deliver());
            self.bench.clock_back.store(false, Ordering::Release);
            taken += 1;
            if back {
                break;
            }
        }
        taken
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        if self.queue.is_empty() { self.consumer.wait(timeout) } else { Ok(()) }
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        self.consumer.notices(notice);
    }

    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        let ends = self.consumer.ends(topic, partitions, wait);
        let forged = |(partition, ends): (&i32, Result<Watermarks, Code>)| {
            let mut ends = ends?;
            if *partition == DELETED_IN {
                ends.low = self.log_start.map_or(ends.low, |low| low.max(ends.low));
            }
            if *partition == self.bench.plan.withheld_in() {
                // Nobody is told before it is known.
                let end = self.bench.end.get().ok_or(Code::OperationTimedOut)?;
                (ends.high, ends.stable) = (ends.high.min(*end), ends.stable.min(*end));
            }
            Ok(ends)
        };
        partitions.iter().zip(ends).map(forged).collect()
    }

    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.consumer.identities(topics, wait)
    }
}

impl Delivery {
    const fn partition(&self) -> i32 {
        match self {
            Self::Record(DeliveredRecord { partition, .. })
            | Self::End { partition, .. }
            | Self::Error { partition, .. } => *partition,
        }
    }

    fn deliver(&self) -> Delivered<'_> {
        match self {
            Self::Record(record) => Delivered::Record(Record {
                partition: record.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                body: record.body.as_deref(),
                headers: Headers::packed(&record.headers),
                leader_epoch: record.leader_epoch,
            }),
            Self::End { partition, offset } => Delivered::EndOfPartition { partition: *partition, offset: *offset },
            Self::Error { partition, code, offset } => {
                Delivered::Error { partition: *partition, code: *code, offset: *offset }
            }
        }
    }
}

fn keep(delivered: &Delivered<'_>) -> Delivery {
    match *delivered {
        Delivered::Record(record) => Delivery::Record(DeliveredRecord {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            body: record.body.map(<[u8]>::to_vec),
            headers: record.headers.to_packed(),
            leader_epoch: record.leader_epoch,
            clock_back: false,
        }),
        Delivered::EndOfPartition { partition, offset } => Delivery::End { partition, offset },
        Delivered::Error { partition, code, offset } => Delivery::Error { partition, code, offset },
    }
}
