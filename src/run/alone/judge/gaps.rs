//! What is missing of the lanes that were read.

use super::Config;
use crate::report::reading::LaneReading;
use crate::run::summary;
use crate::verify::PartitionState;
use crate::verify::topic_book::{Extent, LaneSeen, TopicBook};

/// What is missing, and of which lanes.
pub(super) struct Gaps {
    pub(super) lanes: Vec<LaneSeen>,
    pub(super) missing: Option<u64>,
    pub(super) open: u64,
    pub(super) below: u64,
    pub(super) unknown: Option<String>,
    pub(super) judged: bool,
}

impl Gaps {
    pub(super) fn of(
        config: &Config,
        is_compacted: bool,
        book: &TopicBook,
        states: &[PartitionState],
        extent: &Extent<'_>,
    ) -> Self {
        let lanes = book.account(extent);
        let shared = config.verify.group.is_some() && states.iter().any(|state| !state.is_held || state.jumped > 0);
        let mixed = lanes.iter().find(|lane| lane.mixed);
        let is_another = states.iter().any(|state| state.is_another);
        let is_cut_off = states.iter().any(|state| state.cut_off > 0);
        let may_be_compacted = is_compacted && lanes.iter().any(|lane| lane.missing > 0);
        let unknown = match mixed {
            _ if is_another => Some("a topic was deleted and made anew".to_owned()),
            _ if is_cut_off => Some("a log was cut off below what had been read of it".to_owned()),
            _ if may_be_compacted => Some("in a compacted topic later records may have taken their places".to_owned()),
            _ if shared => Some("other members of the group have read some of the records".to_owned()),
            Some(lane) => Some(format!(
                "two runs with the tag {} were there at the same time, and some events may be of either: --run-id tells them \
                 apart",
                tag_of(lane.tag)
            )),
            None => None,
        };
        let judged = lanes.iter().filter(|lane| !lane.mixed);
        let missing = judged.clone().map(|lane| lane.missing).sum();
        Self {
            missing: (unknown.is_none()).then_some(missing),
            open: lanes.iter().map(|lane| lane.open).sum(),
            below: lanes.iter().map(|lane| lane.below).sum(),
            unknown,
            judged: !(shared || is_another || is_cut_off || may_be_compacted),
            lanes,
        }
    }
}

pub(super) fn lane_reading(lane: &LaneSeen, judged: bool) -> LaneReading {
    LaneReading {
        tag: tag_of(lane.tag),
        lane: lane.lane,
        first: lane.first,
        last: lane.last,
        seen: lane.seen,
        missing: (judged && !lane.mixed).then_some(lane.missing),
        open: lane.open,
        first_due: summary::instant(lane.first_due.unix_ns()),
        last_due: summary::instant(lane.last_due.unix_ns()),
    }
}

/// A tag as it stands in a run's id: the first ten bits, as the first three digits with the last one's lower bits zero.
pub(super) fn tag_of(tag: u16) -> String {
    format!("{:03x}", tag << 2)
}
