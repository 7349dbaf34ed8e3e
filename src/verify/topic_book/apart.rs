//! Telling runs of one tag apart once more, when all is read: what was taken for one run's event before the others of its run had
//! come may be another's.

use super::{Extent, LaneSeen};
use crate::event::stamp::DueTime;
use crate::verify::sequences::Segment;

/// What a sequence that is left out costs, in mean steps of a run's due times: of two runs that an event can be of, one is that
/// it follows at once, unless it is late by more than that.
const LEFT_OUT: f64 = 8.0;
/// Two runs between which there is less than that, in steps, may both be the event's.
const DOUBT: f64 = 4.0;

/// One run, as far as it has been told.
#[derive(Debug)]
struct Chain {
    segments: Vec<Segment>,
    is_doubtful: bool,
}

impl Chain {
    fn ends(&self) -> Option<(Segment, Segment)> {
        Some((*self.segments.first()?, *self.segments.last()?))
    }

    fn can_go_on(&self, next: &Segment) -> bool {
        self.segments.last().is_some_and(|last| last.last < next.first && last.last_due <= next.first_due)
    }

    /// The mean step of its due times; `None` of a run of which one event is known.
    #[expect(clippy::cast_precision_loss, reason = "compared roughly")]
    fn pace(&self) -> Option<f64> {
        let (first, last) = self.ends()?;
        let known = last.last - first.first;
        (known > 0).then(|| ((last.last_due.ticks() - first.first_due.ticks()) as f64 / known as f64).max(1.0))
    }

    /// How ill a segment follows this run, in steps. `pace` is that of others, where this one has none.
    #[expect(clippy::cast_precision_loss, reason = "compared roughly")]
    fn misfit(&self, next: &Segment, pace: Option<f64>) -> Option<f64> {
        let last = self.segments.last()?;
        let steps = next.first - last.last;
        let ticks = (next.first_due.ticks() - last.last_due.ticks()) as f64;
        let off = self.pace().or(pace).map_or(0.0, |step| (ticks - step * steps as f64).abs() / step);
        Some(off + LEFT_OUT * (steps - 1) as f64)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (Some((first, last)), Some((other_first, other_last))) = (self.ends(), other.ends()) else { return false };
        first.first_due <= other_last.last_due && other_first.first_due <= last.last_due
    }

    fn seen(&self, tag: u16, lane: u16, extent: &Extent<'_>, mixed: bool) -> Option<LaneSeen> {
        let (first, last) = self.ends()?;
        let (mut missing, mut open) = (0, 0);
        let mut note = |count: u64, due: DueTime| if due <= extent.cutoff { missing += count } else { open += count };
        for pair in self.segments.windows(2) {
            note(pair[1].first - pair[0].last - 1, pair[1].first_due);
        }
        for segment in &self.segments {
            note((segment.last - segment.first + 1).saturating_sub(segment.seen), segment.last_due);
        }
        Some(LaneSeen {
            tag,
            lane,
            first: first.first,
            last: last.last,
            seen: self.segments.iter().map(|segment| segment.seen).sum(),
            missing,
            open,
            below: 0,
            first_due: first.first_due,
            last_due: last.last_due,
            mixed,
        })
    }
}

/// The runs that one name's events are of: in the order of their due times each goes on with the run that it follows best.
pub(super) fn told_apart(tag: u16, lane: u16, mut segments: Vec<Segment>, extent: &Extent<'_>) -> Vec<LaneSeen> {
    segments.sort_by_key(|segment| (segment.first_due, segment.first));
    let mut chains: Vec<Chain> = Vec::new();
    for segment in segments {
        let able = || chains.iter().enumerate().filter(|(_, chain)| chain.can_go_on(&segment));
        let pace = able().filter_map(|(_, chain)| chain.pace()).max_by(f64::total_cmp);
        let misfits = able().filter_map(|(at, chain)| Some((chain.misfit(&segment, pace)?, at)));
        let latest = |at: usize| chains[at].segments.last().map(|last| last.last_due);
        let mut best: Vec<(f64, usize)> = misfits.collect();
        // Of two that it follows alike it is the later one's: runs follow each other.
        best.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| latest(b.1).cmp(&latest(a.1))));
        let Some((misfit, at)) = best.first().copied() else {
            chains.push(Chain { segments: vec![segment], is_doubtful: false });
            continue;
        };
        if let Some((other_misfit, other)) = best.get(1).copied()
            && other_misfit - misfit < DOUBT
            && chains[at].overlaps(&chains[other])
        {
            chains[at].is_doubtful = true;
            chains[other].is_doubtful = true;
        }
        chains[at].segments.push(segment);
    }
    let is_mixed = |at: usize| {
        let others = chains.iter().enumerate().filter(|(other, _)| *other != at);
        chains[at].is_doubtful && others.into_iter().any(|(_, other)| chains[at].overlaps(other))
    };
    (0..chains.len()).filter_map(|at| chains[at].seen(tag, lane, extent, is_mixed(at))).collect()
}
