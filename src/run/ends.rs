//! How the threads of a run ended, and what is known of them together.

use crate::clock::{Anchor, Monotonic};
use crate::kafka::errors::ErrorLog;
use crate::kafka::{Code, Refusal, lacks_right};
use crate::lane::rhythm::Rhythm;
use crate::lane::{LaneEnd, LaneError};
use crate::measure::ReadThrottle;
use crate::verify::{EndedBy, Inspected, PartitionState, VerifierEnd};

/// How the threads ended.
pub(super) struct Ends {
    pub(super) lanes: Vec<LaneEnd>,
    /// What the verifier found.
    pub(super) verifier: Option<Inspected>,
    /// The partitions as the verifier left them.
    pub(super) partitions: Vec<PartitionState>,
    /// Those it did not read to their end by the drain's deadline.
    pub(super) unfinished: Vec<i32>,
    /// What its client said that went wrong.
    pub(super) errors: Option<ErrorLog>,
    pub(super) throttle: ReadThrottle,
    /// What the cluster did that ended the reading.
    pub(super) reader_ended: Option<String>,
    pub(super) clock: Monotonic,
    pub(super) anchor: Anchor,
}

impl Ends {
    pub(super) fn new<B>(
        lanes: Vec<LaneEnd>,
        verifier: Option<VerifierEnd<B>>,
        clock: Monotonic,
        anchor: Anchor,
    ) -> Self {
        let reader_ended = verifier.as_ref().and_then(reader_ended);
        let (mut errors, mut throttle) = (None, ReadThrottle::default());
        let (verifier, partitions, unfinished) = match verifier {
            Some(VerifierEnd { by, inspected, mut partitions, unfinished, errors: said, throttle: told, .. }) => {
                (errors, throttle) = (Some(said), told);
                if by != EndedBy::Request {
                    forget_early_ends(&mut partitions, &highest_acked(&lanes));
                }
                // A reader that something else ended reached no deadline.
                (Some(inspected), partitions, if by == EndedBy::Request { unfinished } else { Vec::new() })
            }
            None => (None, Vec::new(), Vec::new()),
        };
        Self { lanes, verifier, partitions, unfinished, errors, throttle, reader_ended, clock, anchor }
    }
}

/// What the cluster did that ended reading, in words; `None` where it did nothing of the sort.
pub(super) fn reader_ended<B>(end: &VerifierEnd<B>) -> Option<String> {
    match end.by {
        EndedBy::Denied(code) if lacks_right(code) => {
            Some(format!("reading cannot go on: {code}: the client's principal has no right Read on the topic"))
        }
        EndedBy::Denied(code) => Some(format!("reading cannot go on: {code}")),
        EndedBy::Refused(code) => Some(refused(code, end.refusal.as_ref())),
        _ => None,
    }
}

/// Why the group does not have its reader any more: by the coordinator's answer, in the client's words.
fn refused(code: Code, refusal: Option<&Refusal>) -> String {
    let words = refusal.map_or_else(String::new, |refusal| format!(": {}", refusal.text));
    let hint = match code {
        Code::FencedInstanceId | Code::UnreleasedInstanceId => {
            "; another member has its group.instance.id: each process needs one of its own, or none"
        }
        Code::InconsistentGroupProtocol => "; the group's other members have another assignor or group protocol",
        Code::GroupMaxSizeReached => "; the broker's group.max.size allows no more members",
        _ => "",
    };
    format!("the group does not have its reader any more: {code}{words}{hint}")
}

/// A verifier that ends before the lanes do (a second interrupt) asks for the ends of the logs while acks still come: what was
/// acked at or past such an end was written after it was asked for, and nothing is known of it.
fn forget_early_ends(partitions: &mut [PartitionState], highest_acked: &[Option<i64>]) {
    for (state, acked) in partitions.iter_mut().zip(highest_acked) {
        if state.log_end.is_some_and(|end| *acked >= Some(end)) {
            state.log_end = None;
        }
    }
}

/// The highest acked offset of each partition over all lanes.
pub(super) fn highest_acked(lanes: &[LaneEnd]) -> Vec<Option<i64>> {
    let mut highest: Vec<Option<i64>> = Vec::new();
    for lane in lanes {
        if highest.len() < lane.highest_acked.len() {
            highest.resize(lane.highest_acked.len(), None);
        }
        for (mine, theirs) in highest.iter_mut().zip(&lane.highest_acked) {
            *mine = (*mine).max(*theirs);
        }
    }
    highest
}

/// That of all lanes together.
pub(super) fn rhythm(lanes: &[LaneEnd]) -> Option<Rhythm> {
    let mut sum: Option<Rhythm> = None;
    for rhythm in lanes.iter().filter_map(|lane| lane.rhythm.as_ref()) {
        sum.get_or_insert_default().add(rhythm);
    }
    sum
}

/// What ended lanes before their schedule did, where nothing else had.
pub(super) fn note_ends(lanes: &[LaneEnd], cluster_error: &mut Option<String>, ended_by: &mut Option<String>) {
    for error in lanes.iter().filter_map(|lane| lane.error.as_ref()) {
        let by = match error {
            LaneError::TopicGone(_) | LaneError::NotAllowed(_) | LaneError::Fatal(..) | LaneError::Transaction(_) => {
                &mut *cluster_error
            }
            LaneError::TooLate(_) | LaneError::SequencesUsedUp(_) => &mut *ended_by,
        };
        by.get_or_insert_with(|| error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;

    #[test]
    fn an_end_that_was_asked_for_before_the_last_ack_is_no_end() {
        let told = |end| PartitionState { log_end: end, ..PartitionState::default() };
        let mut states = [70, 71, 72, 70].map(|end| told(Some(end))).to_vec();
        states.push(told(None));
        forget_early_ends(&mut states, &[Some(70), Some(70), Some(70), None, Some(70)]);
        let ends: Vec<_> = states.iter().map(|state| state.log_end).collect();
        assert_eq!(ends, [None, Some(71), Some(72), Some(70), None]);
    }

    #[test]
    fn a_reader_that_its_group_refuses_ends_with_the_coordinators_reason() {
        let code = Code::FencedInstanceId;
        let told = refused(code, Refusal::heard(None, code, "fenced by another", true, Nanos::ZERO).as_ref());
        assert!(
            told.contains(&format!("{code}: fenced by another; another member has its group.instance.id")),
            "{told}"
        );
    }
}
