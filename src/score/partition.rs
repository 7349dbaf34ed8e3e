//! What a scorer knows of a partition.

use crate::fraud::{Event, Features, Window};

/// What a scorer knows of a partition that it has.
#[derive(Debug, Default)]
pub(super) struct Partition {
    window: Window,
    /// What lies before has its score.
    from: i64,
    /// Where it reads on.
    position: i64,
    /// Whether it was read on since the last commit.
    is_ahead: bool,
}

impl From<Option<i64>> for Partition {
    /// One of which the group has read so much.
    fn from(committed: Option<i64>) -> Self {
        Self { from: committed.unwrap_or(0), ..Self::default() }
    }
}

impl Partition {
    /// Whether the record of an offset has no score yet.
    pub(super) const fn is_new(&self, offset: i64) -> bool {
        offset >= self.from
    }

    /// A record that is no event.
    pub(super) fn pass(&mut self, offset: i64) {
        self.position = offset + 1;
        self.is_ahead |= self.is_new(offset);
    }

    /// What is to be looked at in an event.
    pub(super) fn look(&mut self, offset: i64, event: &Event<'_>) -> Features {
        self.pass(offset);
        self.window.take(offset, event)
    }

    pub(super) fn users(&self) -> usize {
        self.window.users()
    }

    /// What is to be committed: how far it was read, and from where on one has to read to know as much.
    pub(super) fn progress(&self, slot: i32) -> Option<(i32, i64, i64)> {
        self.is_ahead.then(|| (slot, self.position, self.window.first_offset().unwrap_or(self.position)))
    }

    /// That is committed.
    pub(super) const fn settle(&mut self) {
        self.is_ahead = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_its_score_is_looked_at_again_and_not_scored() {
        let mut partition = Partition::from(Some(5));
        let event = Event { at_ms: 1, ..Event::default() };
        for offset in 3..5 {
            partition.look(offset, &event);
            assert!(!partition.is_new(offset));
        }
        assert_eq!(partition.progress(2), None, "nothing new is known");
        partition.look(5, &event);
        assert!(partition.is_new(5));
        assert_eq!(partition.progress(2), Some((2, 6, 3)));
        partition.settle();
        assert_eq!(partition.progress(2), None);
        partition.pass(6);
        assert_eq!(partition.progress(2), Some((2, 7, 3)));
    }
}
