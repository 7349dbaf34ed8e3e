//! What does not fit into memory: from then on each event and each result is kept on the disk, in the order in which it came, and what
//! becomes of them is found at the end, a part of the keys at a time.
//!
//! What is in memory by then stays there: what is on the disk goes on where that ends, so a part of the keys comes out as it would have.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, Hash, RandomState};
use std::io;
use std::os::unix::fs::FileExt;

use super::decimal::Decimal;
use super::outcome::{Item, Outcome};
use super::source::Event;

/// Parts that the keys are in.
pub(super) const PARTS: usize = 64;
/// Bytes of a part that are written at once.
const BLOCK: usize = 64 << 10;

/// What is kept of a result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OutputRecord<'a> {
    /// Its key, or the id of its event.
    pub(super) key: &'a [u8],
    /// From when to when it is; 0 where that is not told.
    pub(super) span: (i64, i64),
    pub(super) outcome: Outcome,
    /// When it was seen, in ms.
    pub(super) at: i64,
}

/// An event, with how far its task's partition had come; or a result.
#[derive(Debug)]
pub(super) enum SpilledEntry<'a> {
    Event(Event<'a>, i64),
    OutputRecord(OutputRecord<'a>),
}

/// What lies on the disk.
#[derive(Debug)]
pub(super) struct Spill {
    /// Without a name: the system takes it away with the process.
    file: File,
    written: u64,
    parts: Vec<Part>,
    hasher: RandomState,
    failed: Option<io::Error>,
}

#[derive(Debug, Default)]
struct Part {
    buffer: Vec<u8>,
    /// Where its blocks are, and how long each is.
    blocks: Vec<(u64, usize)>,
}

impl Spill {
    /// In the folder for temporary files.
    pub(super) fn new() -> io::Result<Self> {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Ok(Self { file: tempfile::tempfile()?, written: 0, parts, hasher: RandomState::new(), failed: None })
    }

    /// The part of a key.
    pub(super) fn part(&self, key: &[u8]) -> usize {
        usize::try_from(self.hasher.hash_one(key)).unwrap_or(usize::MAX) % PARTS
    }

    /// What went wrong: then nothing is known of what was told.
    pub(super) fn failed(&self) -> Option<String> {
        self.failed
            .as_ref()
            .map(|error| format!("more was open than is kept in memory, and the disk did not take it: {error}"))
    }

    /// Keys by their parts.
    pub(super) fn parted<K: Eq + Hash, V>(
        &self,
        keys: HashMap<K, V>,
        bytes: impl Fn(&K) -> Box<[u8]>,
    ) -> Vec<HashMap<K, V>> {
        let mut parts: Vec<HashMap<K, V>> = (0..PARTS).map(|_| HashMap::new()).collect();
        for (key, value) in keys {
            if let Some(part) = parts.get_mut(self.part(&bytes(&key))) {
                part.insert(key, value);
            }
        }
        parts
    }

    pub(super) fn event(&mut self, event: Event<'_>, most: i64) {
        let part = self.part(event.key);
        let Some(Part { buffer, .. }) = self.parts.get_mut(part) else { return };
        let Event { partition, offset, at, ts, key, item, value, is_own } = event;
        buffer.push(0);
        put_bytes(buffer, key);
        let partition = i64::try_from(partition).unwrap_or(i64::MAX);
        for number in [partition, offset, at, ts, most] {
            put(buffer, number);
        }
        buffer.push(u8::from(is_own) | u8::from(item.is_some()) << 1 | u8::from(value.is_some()) << 2);
        if let Some(item) = item {
            put_bytes(buffer, item);
        }
        if let Some(value) = value {
            put_decimal(buffer, value);
        }
        self.write_full(part);
    }

    pub(super) fn came(&mut self, came: &OutputRecord<'_>) {
        let part = self.part(came.key);
        let Some(Part { buffer, .. }) = self.parts.get_mut(part) else { return };
        buffer.push(1);
        put_bytes(buffer, came.key);
        for number in [came.span.0, came.span.1, came.at] {
            put(buffer, number);
        }
        match &came.outcome {
            Outcome::Number(number) => {
                buffer.push(0);
                put_decimal(buffer, *number);
            }
            Outcome::Score(score) => {
                buffer.push(1);
                put(buffer, score.to_bits().cast_signed());
            }
            Outcome::List(list) => {
                buffer.push(2);
                put(buffer, i64::try_from(list.len()).unwrap_or(i64::MAX));
                for Item { name, number } in list {
                    put_bytes(buffer, name);
                    put_decimal(buffer, *number);
                }
            }
        }
        self.write_full(part);
    }

    fn write_full(&mut self, part: usize) {
        if self.parts.get(part).is_some_and(|part| part.buffer.len() >= BLOCK) {
            self.write(part);
        }
    }

    fn write(&mut self, part: usize) {
        let Some(Part { buffer, blocks }) = self.parts.get_mut(part) else { return };
        if buffer.is_empty() {
            return;
        }
        match self.file.write_all_at(buffer, self.written) {
            Ok(()) => blocks.push((self.written, buffer.len())),
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
        self.written += buffer.len() as u64;
        buffer.clear();
    }

    /// Tells once more what was told of a part, in its order.
    pub(super) fn tell(&mut self, part: usize, mut of: impl FnMut(SpilledEntry<'_>)) {
        self.write(part);
        let blocks = self.parts.get_mut(part).map(|part| std::mem::take(&mut part.blocks)).unwrap_or_default();
        let mut block = Vec::new();
        for (at, length) in blocks {
            block.resize(length, 0);
            if let Err(error) = self.file.read_exact_at(&mut block, at) {
                self.failed.get_or_insert(error);
                return;
            }
            let mut rest = &block[..];
            while let Some(told) = read(&mut rest) {
                of(told);
            }
        }
    }
}

fn put(buffer: &mut Vec<u8>, number: i64) {
    buffer.extend_from_slice(&number.to_le_bytes());
}

fn put_decimal(buffer: &mut Vec<u8>, number: Decimal) {
    buffer.extend_from_slice(&number.bits().to_le_bytes());
}

fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) {
    put(buffer, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    buffer.extend_from_slice(bytes);
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<i64> {
    take(rest).copied().map(i64::from_le_bytes)
}

fn decimal(rest: &mut &[u8]) -> Option<Decimal> {
    take(rest).copied().map(|bits| Decimal::from_bits(u128::from_le_bytes(bits)))
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// What is told next; `None` at the end.
fn read<'a>(rest: &mut &'a [u8]) -> Option<SpilledEntry<'a>> {
    let [kind] = *take(rest)?;
    let key = bytes(rest)?;
    if kind == 0 {
        let partition = usize::try_from(number(rest)?).ok()?;
        let (offset, at, ts, most) = (number(rest)?, number(rest)?, number(rest)?, number(rest)?);
        let [flags] = *take(rest)?;
        let item = if flags & 2 == 0 { None } else { Some(bytes(rest)?) };
        let value = if flags & 4 == 0 { None } else { Some(decimal(rest)?) };
        let event = Event { partition, offset, at, ts, key, item, value, is_own: flags & 1 == 1 };
        return Some(SpilledEntry::Event(event, most));
    }
    let (span, at) = ((number(rest)?, number(rest)?), number(rest)?);
    let outcome = match *take(rest)? {
        [0] => Outcome::Number(decimal(rest)?),
        [1] => Outcome::Score(f64::from_bits(number(rest)?.cast_unsigned())),
        _ => {
            let mut list = Vec::new();
            for _ in 0..number(rest)? {
                list.push(Item { name: bytes(rest)?.into(), number: decimal(rest)? });
            }
            Outcome::List(list)
        }
    };
    Some(SpilledEntry::OutputRecord(OutputRecord { key, span, outcome, at }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcomes() -> impl Strategy<Value = Outcome> {
        let decimal = any::<u64>().prop_map(Decimal::whole);
        let item = (prop::collection::vec(any::<u8>(), 0..9), any::<u64>());
        let list = prop::collection::vec(item, 0..4).prop_map(|list| {
            let item = |(name, number): (Vec<u8>, u64)| Item { name: name.into(), number: Decimal::whole(number) };
            Outcome::List(list.into_iter().map(item).collect())
        });
        prop_oneof![decimal.prop_map(Outcome::Number), (0.0..1.0).prop_map(Outcome::Score), list]
    }

    proptest! {
        /// Enough of them for several blocks of some parts.
        #[test]
        fn each_part_is_told_again_as_it_was_told(
            told in prop::collection::vec((prop::collection::vec(0..4_u8, 0..3), any::<[i64; 5]>(), outcomes(), any::<[bool; 3]>()), 1..60),
        ) {
            let mut spill = Spill::new().unwrap();
            let mut expected: Vec<Vec<String>> = vec![Vec::new(); PARTS];
            for (key, [offset, at, ts, most, end], outcome, [is_own, has_item, is_event]) in &told {
                let part = spill.part(key);
                if *is_event {
                    let value = outcome.number();
                    let item = has_item.then_some(&key[..]);
                    let event = Event { partition: 3, offset: *offset, at: *at, ts: *ts, key, item, value, is_own: *is_own };
                    spill.event(event, *most);
                    expected[part].push(format!("{:?}", SpilledEntry::Event(event, *most)));
                } else {
                    let came = OutputRecord { key, span: (*ts, *end), outcome: outcome.clone(), at: *at };
                    spill.came(&came);
                    expected[part].push(format!("{:?}", SpilledEntry::OutputRecord(came)));
                }
                if ts % 3 == 0 {
                    spill.write(part);
                }
            }
            for (part, expected) in expected.iter().enumerate() {
                let mut found = Vec::new();
                spill.tell(part, |told| found.push(format!("{told:?}")));
                prop_assert_eq!(&found, expected);
            }
            prop_assert!(spill.failed().is_none());
        }
    }
}
