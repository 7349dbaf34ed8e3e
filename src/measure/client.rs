//! What librdkafka itself measures: how long messages wait in its queue, how long brokers take, and how it batches.
//!
//! It tells this as JSON, every `statistics.interval.ms`; its STATISTICS.md names the fields. Each window covers the time since
//! the one before, so counts and sums add up over a run. Quantiles do not: of these the worst window's is kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::{Client, Windows};

/// The part of the statistics that is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Statistics {
    msg_cnt: u64,
    msg_size: u64,
    brokers: BTreeMap<String, Broker>,
    topics: BTreeMap<String, Topic>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Broker {
    int_latency: Window,
    outbuf_latency: Window,
    rtt: Window,
    throttle: Window,
    txretries: u64,
    req_timeouts: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Topic {
    batchsize: Window,
    batchcnt: Window,
}

/// A rolling window of librdkafka's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Window {
    cnt: u64,
    sum: i64,
    max: i64,
    p99: i64,
}

/// Windows, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSum {
    /// Samples.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The largest.
    pub max: u64,
    /// The worst window's 99 %.
    pub worst_p99: u64,
}

impl WindowSum {
    fn add(&mut self, window: Window) {
        let positive = |value: i64| u64::try_from(value).unwrap_or(0);
        self.count += window.cnt;
        self.sum += positive(window.sum);
        if window.cnt > 0 {
            self.max = self.max.max(positive(window.max));
            self.worst_p99 = self.worst_p99.max(positive(window.p99));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean needs 15 digits, not 19")]
    fn told(self) -> Windows {
        let known = self.count > 0;
        Windows {
            count: self.count,
            mean: known.then(|| self.sum as f64 / self.count as f64),
            worst_p99: known.then_some(self.worst_p99),
            max: known.then_some(self.max),
        }
    }
}

/// What the producers of a run measured, over all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSums {
    /// From accepted to written into a request, in us, a sample for each message: `int_latency`.
    pub queue_us: WindowSum,
    /// From there to the socket, in us, a sample for each request: `outbuf_latency`.
    pub socket_us: WindowSum,
    /// From there to the answer, in us, a sample for each request: `rtt`.
    pub round_trip_us: WindowSum,
    /// The time for which brokers told the client to hold back, in ms, a sample for each answer: `throttle`.
    pub throttle_ms: WindowSum,
    /// Bytes of a batch, headers included: `batchsize`.
    pub batch_bytes: WindowSum,
    /// Messages of a batch: `batchcnt`.
    pub batch_messages: WindowSum,
    /// Messages that wait in the client, of each lane.
    queued: BTreeMap<usize, Queued>,
    /// The most messages that waited in all lanes together.
    pub most_queued: u64,
    /// Retries and time-outs so far, of each lane and broker.
    troubles: BTreeMap<(usize, String), Troubles>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queued {
    messages: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Troubles {
    retries: u64,
    timeouts: u64,
}

impl ClientSums {
    /// Takes what lane `lane`'s client said. Windows that do not count (`judged`) leave no trace in the sums.
    pub fn note(&mut self, lane: usize, statistics: &str, judged: bool) {
        let said: Statistics = match serde_json::from_str(statistics) {
            Ok(said) => said,
            Err(error) => {
                tracing::debug!("the client's statistics cannot be read: {error}");
                return;
            }
        };
        self.queued.insert(lane, Queued { messages: said.msg_cnt, bytes: said.msg_size });
        self.most_queued = self.most_queued.max(self.queued_messages());
        for (name, broker) in said.brokers {
            let troubles = Troubles { retries: broker.txretries, timeouts: broker.req_timeouts };
            self.troubles.insert((lane, name), troubles);
            if judged {
                self.queue_us.add(broker.int_latency);
                self.socket_us.add(broker.outbuf_latency);
                self.round_trip_us.add(broker.rtt);
                self.throttle_ms.add(broker.throttle);
            }
        }
        for topic in said.topics.values().filter(|_| judged) {
            self.batch_bytes.add(topic.batchsize);
            self.batch_messages.add(topic.batchcnt);
        }
    }

    /// Messages that wait in the clients now.
    #[must_use]
    pub fn queued_messages(&self) -> u64 {
        self.queued.values().map(|queued| queued.messages).sum()
    }

    /// Their bytes.
    #[must_use]
    pub fn queued_bytes(&self) -> u64 {
        self.queued.values().map(|queued| queued.bytes).sum()
    }

    /// Requests that were sent again.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.troubles.values().map(|troubles| troubles.retries).sum()
    }

    /// Requests that got no answer in time.
    #[must_use]
    pub fn timeouts(&self) -> u64 {
        self.troubles.values().map(|troubles| troubles.timeouts).sum()
    }

    /// For the report; `None` where the client said nothing.
    #[must_use]
    pub fn told(&self) -> Option<Client> {
        (!self.queued.is_empty()).then(|| Client {
            parts_us: None,
            queue_us: self.queue_us.told(),
            socket_us: self.socket_us.told(),
            round_trip_us: self.round_trip_us.told(),
            throttle_ms: self.throttle_ms.told(),
            batch_bytes: self.batch_bytes.told(),
            batch_messages: self.batch_messages.told(),
            most_queued: self.most_queued,
            retries: self.retries(),
            timeouts: self.timeouts(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"{"name":"rdkafka#producer-1","msg_cnt":7,"msg_size":900,"other":[1,{"a":2}],
        "brokers":{
          "127.0.0.1:9092/1":{"txretries":2,"req_timeouts":1,
            "int_latency":{"min":1,"max":900,"avg":50,"sum":500,"cnt":10,"p99":800},
            "rtt":{"max":4000,"sum":6000,"cnt":2,"p99":3900},"throttle":{"max":30,"sum":30,"cnt":2,"p99":30}},
          "GroupCoordinator":{"txretries":0}},
        "topics":{"t":{"batchsize":{"max":400,"sum":700,"cnt":2,"p99":400},"batchcnt":{"max":6,"sum":10,"cnt":2,"p99":6}}}}"#;

    #[test]
    fn windows_add_up_and_running_counts_do_not() {
        let mut sums = ClientSums::default();
        sums.note(0, SAID, true);
        sums.note(0, SAID, true);
        sums.note(1, SAID, false);
        assert_eq!(sums.queue_us, WindowSum { count: 20, sum: 1_000, max: 900, worst_p99: 800 });
        assert_eq!((sums.retries(), sums.timeouts()), (4, 2), "two lanes, each with the last count it told");
        assert_eq!((sums.queued_messages(), sums.queued_bytes(), sums.most_queued), (14, 1_800, 14));
        let told = sums.told().unwrap();
        assert_eq!((told.batch_messages.mean, told.batch_bytes.mean), (Some(5.0), Some(350.0)));
        assert_eq!((told.round_trip_us.mean, told.socket_us), (Some(3_000.0), Windows::default()));
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_silence_is_no_figure() {
        let mut sums = ClientSums::default();
        sums.note(0, "{", true);
        assert_eq!(sums.told(), None);
    }
}
