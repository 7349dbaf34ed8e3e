//! What is counted and timed while a run goes on: one [`Shard`] per thread, taken once a second by the sampler.
//!
//! A thread locks its own shard once per batch, the sampler once a second, so nobody waits for anybody.

mod answer_batch;
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
pub use answer_batch::AnswerBatch;
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
            let mut batch = AnswerBatch::default();
            for (phase, at) in [(0, ms(900)), (1, ms(1))] {
                shard.record_answer(&mut batch, phase, TypeIndex(0), at, at);
                shard.record_no_answer(phase, TypeIndex(0), at, at);
                shard.record_sight(phase, TypeIndex(0), at);
                shard.record_no_sight(phase, TypeIndex(0), at);
            }
            shard.count(&batch);
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
    fn answers_that_came_at_once_are_counted_as_if_they_had_come_one_by_one() {
        // Types that share a place, phases that change, and latencies that come back.
        let answers = (0..400_u64).map(|n| {
            let phase = usize::from(n >= 100) + usize::from(n >= 300);
            let kind = TypeIndex([0, 8, 0, 3, 16][(n % 5) as usize]);
            (phase, kind, Nanos(n / 50 * 1_000_000), Nanos(n / 7 % 3 * 1_000_000))
        });
        let mut at_once = Shard::new(3, 17, 1);
        let mut one_by_one = Shard::new(3, 17, 1);
        (at_once.warm_ups, one_by_one.warm_ups) = (1, 1);
        let mut batch = AnswerBatch::default();
        for (phase, kind, service, response) in answers {
            at_once.record_answer(&mut batch, phase, kind, service, response);
            let mut alone = AnswerBatch::default();
            one_by_one.record_answer(&mut alone, phase, kind, service, response);
            one_by_one.count(&alone);
        }
        at_once.count(&batch);
        let told = |shard: &Shard| {
            let of_phases = shard
                .phases
                .iter()
                .map(|phase| [Kind::ServiceTime, Kind::ResponseTime].map(|kind| phase.latency(kind).distribution()));
            let of_types = shard.kinds.iter().map(|kind| kind.response_time.distribution());
            (of_phases.collect::<Vec<_>>(), of_types.collect::<Vec<_>>())
        };
        assert_eq!(told(&at_once), told(&one_by_one));
        let counts: Vec<u64> = at_once.phases.iter().map(|phase| phase.latency(Kind::ResponseTime).count()).collect();
        assert_eq!(counts, [100, 200, 100]);
        assert_eq!(at_once.kinds.iter().map(|kind| kind.response_time.count()).sum::<u64>(), 300);
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
