//! Which version of its schema an event is written by: a function of the phase, the lane and the event's number in it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::declared::Version;

/// Which versions each phase of a run has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    seed: u64,
    /// For each phase its versions, each with the words below which it is chosen.
    phases: Vec<Vec<(u64, Version)>>,
}

impl Rollout {
    /// The versions of the phases, each with its weight; a phase without any has the types' own.
    #[must_use]
    pub fn new(seed: u64, phases: &[Vec<(Version, f64)>]) -> Self {
        let phases = phases.iter().map(|mix| {
            let sum: f64 = mix.iter().map(|(_, weight)| weight).sum();
            let mut reached = 0.0;
            let below = mix.iter().map(|(version, weight)| {
                reached += weight / sum;
                (share(reached), *version)
            });
            below.collect()
        });
        Self { seed, phases: phases.collect() }
    }

    /// The version of a lane's event of that number, which is one of that phase.
    #[must_use]
    pub fn version(&self, phase: usize, lane: u16, sequence: u64) -> Version {
        match self.phases.get(phase).map_or(&[][..], Vec::as_slice) {
            [] => Version::default(),
            [(_, only)] => *only,
            mix => {
                let [low, high] = lane.to_le_bytes();
                let mut number = [low, high, 0, 0, 0, 0, 0, 0, 0, 0];
                number[2..].copy_from_slice(&sequence.to_le_bytes());
                let word = xxh3_64_with_seed(&number, self.seed);
                mix.iter()
                    .find(|(below, _)| word < *below)
                    .or(mix.last())
                    .map_or_else(Version::default, |(_, one)| *one)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64, saturating at its end")]
fn share(share: f64) -> u64 {
    (share * 18_446_744_073_709_551_616.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_as_often_as_their_weights_say_and_the_same_each_time() {
        let mix = vec![(Version(1), 70.0), (Version(2), 30.0)];
        let rollout = Rollout::new(7, &[vec![], vec![(Version(2), 1.0)], mix.clone()]);
        assert_eq!(rollout.version(0, 0, 5), Version(0));
        assert_eq!(rollout.version(1, 0, 5), Version(2));
        assert_eq!(rollout.version(9, 0, 5), Version(0), "a phase of which nothing is said");
        let of_lane = |rollout: &Rollout, lane| (0..100_000).map(|n| rollout.version(2, lane, n)).collect::<Vec<_>>();
        let drawn = of_lane(&rollout, 0);
        let second = drawn.iter().filter(|version| **version == Version(2)).count();
        assert!((29_000..31_000).contains(&second), "{second}");
        assert_eq!(of_lane(&Rollout::new(7, &[vec![], vec![], mix.clone()]), 0), drawn);
        assert_ne!(of_lane(&rollout, 1), drawn);
        assert_ne!(of_lane(&Rollout::new(8, &[vec![], vec![], mix]), 0), drawn);
    }
}
