//! Stretches of the timeline in which the cluster answered nothing though events were waiting for an answer.

use crate::report::TimelineRow;

/// A stretch without an ack while events were outstanding. Times in seconds since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stall {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
}

impl Stall {
    pub(super) fn seconds(&self) -> f64 {
        self.until_s - self.from_s
    }
}

/// The stalls in order of time. Rows are a second each, so a stall shorter than that is not seen here.
pub(super) fn stalls(timeline: &[TimelineRow]) -> Vec<Stall> {
    let mut stalls: Vec<Stall> = Vec::new();
    let mut before_s = 0.0;
    for row in timeline {
        // Who is refused has an answer.
        if row.acked == 0 && row.refused == 0 && row.outstanding > 0 {
            match stalls.last_mut() {
                #[expect(clippy::float_cmp, reason = "the end of the row before, copied")]
                Some(stall) if stall.until_s == before_s => stall.until_s = row.at_s,
                _ => stalls.push(Stall { from_s: before_s, until_s: row.at_s }),
            }
        }
        before_s = row.at_s;
    }
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_s: f64, acked: u64, outstanding: u64) -> TimelineRow {
        TimelineRow { at_s, acked, outstanding, ..TimelineRow::default() }
    }

    #[test]
    fn seconds_without_an_ack_are_one_stall_while_events_wait() {
        let timeline =
            [row(1.0, 5, 1), row(2.0, 0, 6), row(3.0, 0, 11), row(4.0, 11, 0), row(5.0, 0, 0), row(6.0, 0, 1)];
        let expected = [Stall { from_s: 1.0, until_s: 3.0 }, Stall { from_s: 5.0, until_s: 6.0 }];
        assert_eq!(stalls(&timeline), expected);
    }

    #[test]
    fn a_second_in_which_events_were_refused_is_no_silence() {
        let refused = TimelineRow { refused: 40, failed: 40, ..row(1.0, 0, 6) };
        let given_up = TimelineRow { failed: 40, ..row(2.0, 0, 6) };
        assert_eq!(stalls(&[refused, given_up]), [Stall { from_s: 1.0, until_s: 2.0 }]);
    }

    #[test]
    fn silence_with_nothing_outstanding_is_no_stall() {
        assert_eq!(stalls(&[row(1.0, 0, 0), row(2.0, 0, 0)]), []);
    }
}
