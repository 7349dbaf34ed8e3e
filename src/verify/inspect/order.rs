//! Whether the first sightings of a key's events lie in the order in which they were sent.

use super::Inspector;
use crate::event::decode::Decoded;
use crate::event::stamp::Stamp;
use crate::kafka::Record;
use crate::ledger::rules::Rule;
use crate::report::Example;
use crate::verify::book::Book;
use crate::verify::findings::EXAMPLES;
use crate::verify::order::{Late, Place};

/// A reordered record, among the examples, that still lacks the record after it.
#[derive(Debug)]
pub(super) struct AwaitsNext {
    lane: u16,
    partition: i32,
    example: usize,
}

impl<B: Book> Inspector<B> {
    pub(super) fn judge_order(&mut self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp) {
        let Ok(partition) = usize::try_from(record.partition) else { return };
        let place = Place { sequence: stamp.sequence, offset: record.offset };
        let late = self.book.place(stamp, partition, place);
        if let Some(Late { overtaken_by, .. }) = late {
            self.overtaking.note(stamp.lane, record.partition, overtaken_by);
        }
        if !self.awaiting_next.is_empty() {
            self.tell_follower(stamp.lane, record.partition, place);
        }
        let Some(Late { overtaken_by, after }) = late.filter(|_| self.rules.has(Rule::Order)) else { return };
        self.findings.0.reordered += 1;
        let examples = self.findings.count_of("reordered");
        if examples < EXAMPLES {
            let what = format!(
                "sequence {} lies after sequence {} (offset {}), which was sent later; right before it lies sequence {} \
                 (offset {})",
                stamp.sequence, overtaken_by.sequence, overtaken_by.offset, after.sequence, after.offset
            );
            let told = self.example(record, Some((stamp, decoded)), &what);
            self.findings.example("reordered", || Example { other_offset: Some(overtaken_by.offset), ..told });
        }
        if self.findings.count_of("reordered") > examples {
            self.awaiting_next.push(AwaitsNext { lane: stamp.lane, partition: record.partition, example: examples });
        }
    }

    /// Adds the record after it to a reordered one.
    fn tell_follower(&mut self, lane: u16, partition: i32, place: Place) {
        let Self { awaiting_next, findings, .. } = self;
        awaiting_next.retain(|open| {
            if (open.lane, open.partition) != (lane, partition) {
                return true;
            }
            findings.add_to("reordered", open.example, || {
                format!(", right after it sequence {} (offset {})", place.sequence, place.offset)
            });
            false
        });
    }
}
