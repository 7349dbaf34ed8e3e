//! What can be said of each lane at the end: what was seen, what is missing, what may still come.

use super::apart::told_apart;
use super::streams::{ByName, Stream, Streams, name_of};
use crate::event::stamp::DueTime;

/// What is known of a lane at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSeen {
    /// The run's tag.
    pub tag: u16,
    /// The lane.
    pub lane: u16,
    /// The first sequence seen.
    pub first: u64,
    /// The last sequence seen.
    pub last: u64,
    /// Events seen, each once.
    pub seen: u64,
    /// Sequences in between that were not seen and should have been.
    pub missing: u64,
    /// Sequences in between that may still be on their way, or lie where was not read.
    pub open: u64,
    /// Sequences in between that may lie below where reading began.
    pub below: u64,
    /// When the first was due.
    pub first_due: DueTime,
    /// When the last was due.
    pub last_due: DueTime,
    /// Whether another run with the same tag was there at the same time and some events may be of either, so that its gaps say
    /// nothing.
    pub mixed: bool,
}

/// What was read of a topic, as far as it bears on what can be missing.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// Partitions that were not read to their end.
    pub unread: &'a [usize],
    /// Partitions that have, or had, records below where reading began.
    pub begun_late: &'a [usize],
    /// What was due later may still be on its way.
    pub cutoff: DueTime,
    /// Lanes whose first event was due later than that have nothing below where reading began.
    pub ready: DueTime,
}

impl Extent<'_> {
    /// The account of each of `streams` that `counts`, as far as this lets it be told.
    pub(super) fn account(&self, streams: &Streams, counts: impl Fn(&Stream) -> bool) -> Vec<LaneSeen> {
        let mut lanes = Vec::new();
        for named in streams.by_name() {
            let counted: Vec<&Stream> = named.filter(|stream| counts(stream)).collect();
            match counted.first() {
                Some(Stream { tag, lane, .. }) if self.can_be_told_apart(streams, &counted) => {
                    let segments = counted.iter().flat_map(|stream| stream.sequences.segments()).collect();
                    lanes.extend(told_apart(*tag, *lane, segments, self));
                }
                _ => lanes.extend(counted.into_iter().map(|stream| self.lane(stream, streams))),
            }
        }
        lanes.sort_by_key(|lane| (lane.first_due, lane.tag, lane.lane));
        self.rejoined(lanes)
    }

    /// Whether the runs of a name are told apart once more, now that all is read: where there may be several, all of the topic was
    /// read, and nothing was forgotten.
    fn can_be_told_apart(&self, streams: &Streams, named: &[&Stream]) -> bool {
        let is_whole = self.unread.is_empty() && self.begun_late.is_empty();
        let is_known = |stream: &&Stream| stream.sequences.forgotten() == 0;
        !streams.of_one_run && is_whole && named.len() > 1 && named.iter().all(is_known)
    }

    fn lane(&self, stream: &Stream, streams: &Streams) -> LaneSeen {
        let sequences = &stream.sequences;
        let (first_due, last_due) = sequences.due();
        // What is missing beyond the highest sequence read in a partition may lie in the part that was not.
        let highest = |partition: &usize| stream.order.highest(0, *partition).unwrap_or(0);
        let bound = self.unread.iter().map(highest).min().unwrap_or(u64::MAX);
        // And what is missing before the lowest may lie below where reading began.
        let lowest = |partition: &usize| stream.order.lowest(0, *partition).unwrap_or(u64::MAX);
        let low = self.begun_late.iter().map(lowest).max().filter(|_| first_due < self.ready).unwrap_or(0);
        let gaps = sequences.gaps(self.cutoff, low, bound);
        LaneSeen {
            tag: stream.tag,
            lane: stream.lane,
            first: sequences.first(),
            last: sequences.last(),
            seen: sequences.seen(),
            missing: gaps.missing,
            open: gaps.open,
            below: gaps.below,
            first_due,
            last_due,
            mixed: stream.is_doubtful && streams.overlaps(stream),
        }
    }

    /// Joins what was cut apart and still goes on as one run: a part follows the nearest earlier one that it can follow.
    fn rejoined(&self, lanes: Vec<LaneSeen>) -> Vec<LaneSeen> {
        let mut whole: Vec<LaneSeen> = Vec::with_capacity(lanes.len());
        let mut by_name: ByName<Vec<usize>> = ByName::default();
        for part in lanes {
            let places = by_name.entry(name_of(part.tag, part.lane)).or_default();
            let can_follow = |at: &&usize| whole[**at].last < part.first && whole[**at].last_due <= part.first_due;
            let before = places.iter().filter(can_follow).max_by_key(|at| whole[**at].last).copied();
            let Some(before) = before.map(|at| &mut whole[at]) else {
                places.push(whole.len());
                whole.push(part);
                continue;
            };
            let between = part.first - before.last - 1;
            if self.unread.is_empty() && part.first_due <= self.cutoff {
                before.missing += between;
            } else {
                before.open += between;
            }
            (before.last, before.last_due) = (part.last, part.last_due);
            before.seen += part.seen;
            before.missing += part.missing;
            before.open += part.open;
            before.below += part.below;
            before.mixed |= part.mixed;
        }
        whole
    }
}
