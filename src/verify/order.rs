//! Order: within a lane and a partition, first sightings come in rising sequence.

/// The last sequence seen of each lane in each partition.
#[derive(Debug)]
pub(super) struct Order {
    last: Vec<Option<u64>>,
    partitions: usize,
}

impl Order {
    pub(super) fn new(lanes: usize, partitions: usize) -> Self {
        Self { last: vec![None; lanes * partitions], partitions }
    }

    /// Notes a first sighting; returns the sequence before it where that was a later one.
    pub(super) fn see(&mut self, lane: usize, partition: usize, sequence: u64) -> Option<u64> {
        if partition >= self.partitions {
            return None;
        }
        let last = self.last.get_mut(lane * self.partitions + partition)?;
        match *last {
            Some(before) if before > sequence => Some(before),
            _ => {
                *last = Some(sequence);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_that_goes_back_is_reordered() {
        let mut order = Order::new(2, 2);
        assert_eq!(order.see(0, 0, 5), None);
        assert_eq!(order.see(0, 1, 2), None, "another partition has an order of its own");
        assert_eq!(order.see(1, 0, 1), None, "and so has another lane");
        assert_eq!(order.see(0, 0, 4), Some(5));
        assert_eq!(order.see(0, 0, 6), None);
    }
}
