//! Random numbers by counter: the i-th number of event n is a function of (key, n, i), so any event can be had at once.
//!
//! This is `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014) run in
//! counter mode as Salmon et al. describe ("Parallel random numbers: as easy as 1, 2, 3", SC 2011): its state is a Weyl
//! sequence, so the state before the k-th number is `key + k * GAMMA`, and one multiplication jumps to it.

use std::convert::Infallible;

use rand::TryRng;

/// The step of the Weyl sequence: the odd integer closest to 2^64 / golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// How many numbers belong to one event. Events use about ten; a rejection loop that ran past the last one would go on
/// with the next event's numbers, still a function of the counter.
const PER_EVENT: u64 = 64;

/// What a key is for: keys of different purposes never share their numbers.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(super) enum Purpose {
    /// The events of a lane.
    Events = 1,
    /// What a user is like.
    Users = 2,
    /// What an item is like.
    Items = 3,
    /// The order of texts and categories.
    Texts = 4,
    /// What a search query finds.
    Queries = 5,
    /// When sessions come, and whose they are.
    Arrivals = 6,
    /// What happens in a session.
    Sessions = 7,
    /// What belongs to a key of declared events.
    Keys = 8,
    /// Which events of a lane are fraudulent.
    Fraud = 9,
    /// What happens in an episode of fraud.
    FraudSteps = 10,
}

/// The key of `purpose` under `seed`; `part` tells lanes apart.
pub(super) const fn key(seed: u64, purpose: Purpose, part: u64) -> u64 {
    mix(mix(mix(seed) ^ purpose as u64).wrapping_add(part.wrapping_mul(GAMMA)))
}

/// A fixed random word for `id`: equal key and id give equal words.
pub(super) const fn word_of(key: u64, id: u64) -> u64 {
    mix(key.wrapping_add(id.wrapping_mul(GAMMA)))
}

/// `word` scaled to `0..bound` by multiplication (Lemire 2019); its bias of at most `bound / 2^64` is far below what any run
/// can tell.
pub(super) const fn below(word: u64, bound: u64) -> u64 {
    ((word as u128 * bound as u128) >> 64) as u64
}

/// Stafford's variant 13 of the `MurmurHash3` finalizer, the output function of `SplitMix64`.
pub(super) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The numbers of one event, in order.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    state: u64,
}

impl Stream {
    /// The numbers of event `n` under `key`.
    pub(super) const fn of_event(key: u64, n: u64) -> Self {
        Self { state: key.wrapping_add(n.wrapping_mul(PER_EVENT.wrapping_mul(GAMMA))) }
    }

    /// The numbers of a session, of which there may be any number: started at a random place of the whole sequence, so that
    /// the numbers of two sessions overlap only by a chance of one in 2^64 for each number drawn.
    pub(super) const fn scattered(key: u64, session: u64) -> Self {
        Self { state: word_of(key, session) }
    }

    /// The next number.
    pub(super) const fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.word() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        // The reference implementation's first outputs for the seed 1234567 (prng.di.unimi.it/splitmix64.c).
        let mut stream = Stream { state: 1_234_567 };
        let words: Vec<u64> = (0..5).map(|_| stream.word()).collect();
        assert_eq!(
            words,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn jumping_to_an_event_gives_what_running_there_gives() {
        let mut running = Stream::of_event(42, 0);
        for _ in 0..PER_EVENT * 1000 {
            running.word();
        }
        assert_eq!(running.word(), Stream::of_event(42, 1000).word());
    }

    #[test]
    fn keys_differ_by_seed_purpose_and_part() {
        let keys = [
            key(1, Purpose::Events, 0),
            key(2, Purpose::Events, 0),
            key(1, Purpose::Users, 0),
            key(1, Purpose::Events, 1),
            key(0, Purpose::Events, 0),
        ];
        for (i, a) in keys.iter().enumerate() {
            for b in &keys[i + 1..] {
                assert_ne!(a, b);
            }
        }
    }

    #[test]
    fn scaling_reaches_both_ends_and_no_further() {
        assert_eq!(below(0, 24), 0);
        assert_eq!(below(u64::MAX, 24), 23);
        assert_eq!(below(u64::MAX, 1), 0);
    }
}
