//! Whether a lane keeps the rhythm of a recording: the gaps between its events as planned and as sent.

use crate::clock::Nanos;
use crate::measure::LatencyHistogram;

const SECOND_NS: u64 = 1_000_000_000;

/// Gaps between neighbouring events of lanes that replay. Bounded, whatever the recording's length.
#[derive(Clone, Debug, Default)]
pub struct Rhythm {
    /// Due time of the event drawn before.
    pub(crate) last_due: Option<Nanos>,
    /// When the event before was handed over.
    pub(crate) last_sent: Option<Nanos>,
    /// Between the due times of neighbours: the recorded gaps, compressed.
    pub due: LatencyHistogram,
    /// Between the times at which neighbours were handed over.
    pub sent: LatencyHistogram,
    /// Events handed over.
    pub events: u64,
    /// Of these, the ones handed over in another second of the run than they were due in.
    pub moved: u64,
    /// Events due before the one drawn before them: none, where the source keeps the recorded order.
    pub backward: u64,
}

impl Rhythm {
    /// Notes an event in the order of drawing. Handing over is another order: that of partitions, within a batch.
    pub(crate) fn note_drawn(&mut self, due: Nanos) {
        if let Some(last) = self.last_due.replace(due) {
            self.backward += u64::from(due < last);
            self.due.record(due.saturating_since(last));
        }
    }

    /// Notes an event in the order of handing over.
    pub(crate) fn note_sent(&mut self, due: Nanos, sent: Nanos) {
        if let Some(last) = self.last_sent.replace(sent) {
            self.sent.record(sent - last);
        }
        self.events += 1;
        self.moved += u64::from(due.0 / SECOND_NS != sent.0 / SECOND_NS);
    }

    /// Adds another lane's.
    pub fn add(&mut self, other: &Self) {
        self.due.add(&other.due);
        self.sent.add(&other.sent);
        self.events += other.events;
        self.moved += other.moved;
        self.backward += other.backward;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_as_planned_and_as_sent() {
        let mut rhythm = Rhythm::default();
        let ms = Nanos::from_millis;
        for (due, sent) in [(0, 1), (990, 1_010), (1_500, 1_501), (1_400, 1_502)] {
            rhythm.note_drawn(ms(due));
            rhythm.note_sent(ms(due), ms(sent));
        }
        assert_eq!((rhythm.events, rhythm.moved, rhythm.backward), (4, 1, 1));
        assert_eq!((rhythm.due.count(), rhythm.sent.count()), (3, 3));
        assert_eq!(rhythm.sent.histogram().min(), 1_000);
    }
}
