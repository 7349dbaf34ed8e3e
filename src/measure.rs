//! What is counted and timed while a run goes on: one [`Shard`] per thread, taken once a second by the sampler.
//!
//! A thread locks its own shard once per batch, the sampler once a second, so nobody waits for anybody.

pub mod cgroup;
pub mod client;
pub mod latency;
mod presence;
pub mod process;
mod recorder;
mod shard;
mod throttle;

pub use crate::report::AbortCause;
pub use crate::report::latency::Kind;
pub use client::ClientSums;
pub use latency::LatencyHistogram;
pub use presence::{Absence, Hiccups, Presence};
pub use recorder::{Recorder, Sampler};
pub use shard::{FindingCounts, KindShard, PartitionShard, PhaseShard, Shard, Side, Stall};
pub use throttle::ReadThrottle;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use crate::event::catalogue::TypeIndex;
    use crate::report::latency::Kind;

    #[test]
    fn what_only_warms_up_is_kept_by_phase_alone() {
        let ms = Nanos::from_millis;
        let recorder = Recorder::new(2, 1, 1).after_warm_ups(1);
        let mut sampler = Sampler::new(vec![recorder.clone()], 2, 1, 1);
        for _second in 0..2 {
            let mut shard = recorder.open();
            for (phase, at) in [(0, ms(900)), (1, ms(1))] {
                shard.record_answer(phase, TypeIndex(0), at, at);
                shard.record_no_answer(phase, TypeIndex(0), at, at);
                shard.record_sight(phase, TypeIndex(0), at);
                shard.record_no_sight(phase, TypeIndex(0), at);
            }
            drop(shard);
            let interval = sampler.sample();
            for latency in [Kind::ServiceTime, Kind::ResponseTime, Kind::EndToEnd] {
                assert_eq!(interval.whole().latency(latency).summary().max, Some(1_000));
                assert_eq!(interval.with_warm_up().latency(latency).count(), 4);
                assert_eq!(interval.phases[0].latency(latency).summary().censored, 1);
            }
        }
        let view = &sampler.total().kinds[0];
        assert_eq!((view.response_time.count(), view.end_to_end.count()), (4, 4));
        assert_eq!(view.response_time.summary().max, Some(1_000));
        assert_eq!(sampler.total().whole().latency(Kind::ResponseTime).summary().count, 4);
    }

    #[test]
    fn samples_add_up_to_the_total_and_nothing_counts_twice() {
        let recorders = [Recorder::new(1, 1, 2), Recorder::new(1, 1, 2)];
        let mut sampler = Sampler::new(recorders.to_vec(), 1, 1, 2);
        for round in 1..=3_u64 {
            for recorder in &recorders {
                let mut shard = recorder.open();
                shard.sent += round;
                shard.phases[0].latency_mut(Kind::ResponseTime).record(Nanos::from_millis(round));
                shard.partitions[1].acked += 1;
            }
            assert_eq!(sampler.sample().sent, 2 * round);
        }
        assert_eq!(sampler.sample().sent, 0);
        let total = sampler.total();
        assert_eq!((total.sent, total.partitions[1].acked), (12, 6));
        assert_eq!(total.whole().latency(Kind::ResponseTime).summary().count, 6);
    }
}
