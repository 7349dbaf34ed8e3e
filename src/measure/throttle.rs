//! How long brokers told a consumer to hold back, which a quota makes them do.

use serde::Deserialize;

use crate::clock::Nanos;

/// The part of librdkafka's statistics that is about throttling.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Statistics {
    brokers: std::collections::BTreeMap<String, Broker>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Broker {
    throttle: Window,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Window {
    cnt: u64,
    sum: i64,
    max: i64,
}

/// What a consumer was told to hold back, over a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadThrottle {
    /// Answers that told a time.
    pub answers: u64,
    /// The times they told together, ms.
    pub sum_ms: u64,
    /// The longest of them, ms.
    pub longest_ms: u64,
    /// Windows of the statistics in which one was told, and all of them.
    pub throttled: u64,
    /// All windows.
    pub windows: u64,
    /// When one was told first and last.
    pub from_until: Option<(Nanos, Nanos)>,
}

impl ReadThrottle {
    /// Takes what a client said at that time.
    pub fn note(&mut self, statistics: &str, now: Nanos) {
        let Ok(said) = serde_json::from_str::<Statistics>(statistics) else { return };
        let windows = said.brokers.values().map(|broker| broker.throttle);
        let (mut answers, mut sum, mut longest) = (0, 0, 0);
        for window in windows.filter(|window| window.cnt > 0) {
            answers += window.cnt;
            sum += u64::try_from(window.sum).unwrap_or(0);
            longest = longest.max(u64::try_from(window.max).unwrap_or(0));
        }
        self.windows += 1;
        self.answers += answers;
        self.sum_ms += sum;
        self.longest_ms = self.longest_ms.max(longest);
        if longest > 0 {
            self.throttled += 1;
            let first = self.from_until.map_or(now, |(first, _)| first);
            self.from_until = Some((first, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_that_told_a_time_make_a_quota() {
        let said = |sum: i64, max: i64| {
            format!(
                r#"{{"brokers":{{"b:1/1":{{"throttle":{{"cnt":4,"sum":{sum},"max":{max}}}}},"GroupCoordinator":{{}}}}}}"#
            )
        };
        let mut throttle = ReadThrottle::default();
        throttle.note(&said(0, 0), Nanos(1));
        assert_eq!((throttle.from_until, throttle.windows), (None, 1));
        throttle.note(&said(900, 400), Nanos(2));
        throttle.note(&said(100, 100), Nanos(5));
        throttle.note("{", Nanos(6));
        let told = ReadThrottle {
            answers: 12,
            sum_ms: 1_000,
            longest_ms: 400,
            throttled: 2,
            windows: 3,
            from_until: Some((Nanos(2), Nanos(5))),
        };
        assert_eq!(throttle, told);
    }
}
