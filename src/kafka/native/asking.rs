//! Asking a cluster and waiting for the answer: until it comes, time is up, or the client has said why it will not come.

use std::time::Duration;

use super::super::trouble::{Brokers, Obstacle, Trouble, Troubles};
use super::super::{Code, KafkaError, Notice, Wait, Watermarks, lacks_right};
use super::Client;
use crate::clock::{Clock, Monotonic, Nanos};

/// The first wait for an answer before the client's words are looked at. Where a broker is there but slow each further one is
/// twice as long, so that the last has half of all the time.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Between two questions that were answered at once.
const ASK_AGAIN: Nanos = Nanos::from_millis(20);
/// The longest wait for the address of a leader that does not answer.
const WHO_LEADS: Duration = Duration::from_secs(2);

/// Why there is no answer.
pub(super) struct NoAnswer {
    code: Code,
    waited: Duration,
    trouble: Option<Box<Trouble>>,
}

/// A code as a result.
pub(super) fn done(code: Code) -> Result<(), Code> {
    if code == Code::NoError { Ok(()) } else { Err(code) }
}

impl Client {
    /// Asks until there is an answer that will stay, `timeout` has passed, or waiting cannot help.
    pub(super) fn patiently<T>(
        &self,
        timeout: Duration,
        brokers: Brokers,
        mut ask: impl FnMut(Duration) -> Result<T, Code>,
    ) -> Result<T, NoAnswer> {
        let clock = Monotonic::start();
        let deadline = Nanos::from(timeout);
        let (mut troubles, mut wait) = (Troubles::default(), FIRST_WAIT);
        loop {
            let left = Duration::from(deadline.saturating_since(clock.now()));
            let code = match ask(left.min(wait)) {
                Ok(answer) => return Ok(answer),
                Err(code) => code,
            };
            match code {
                // No broker is there: to ask again costs nothing.
                Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve => {}
                Code::OperationTimedOut => wait *= 2,
                code if may_pass(code) => {}
                code => return Err(NoAnswer { code, waited: clock.now().into(), trouble: None }),
            }
            while let Some(event) = self.event(Duration::ZERO) {
                match event.notice() {
                    Some(Notice::Statistics(_)) | None => {}
                    Some(notice) => {
                        tracing::debug!(target: "librdkafka", "{notice:?}");
                        troubles.hear(&notice);
                    }
                }
            }
            let now = clock.now();
            if now >= deadline || troubles.is_hopeless(brokers, now.into()) {
                return Err(NoAnswer { code, waited: now.into(), trouble: troubles.told() });
            }
            clock.sleep_until((now + ASK_AGAIN).min(deadline));
        }
    }

    /// Any of the brokers that the client was given.
    pub(super) fn any_broker(&self) -> Brokers {
        Brokers::AnyOf(self.address.split(',').filter(|broker| !broker.trim().is_empty()).count())
    }

    /// What to say where no broker answers, or one refuses.
    pub(super) fn no_answer(&self, failed: NoAnswer, what: impl FnOnce() -> String) -> KafkaError {
        let NoAnswer { code, waited, trouble } = failed;
        match code {
            Code::OperationTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve => {
                KafkaError::Unreachable { address: self.address.clone(), waited, trouble }
            }
            code => KafkaError::Refused { what: what(), code },
        }
    }

    /// Both ends of these partitions (topic and number), in their order, as soon as all leaders tell them. One that has just been
    /// elected may say no at first.
    pub(super) fn first_ends(&self, places: &[(&str, i32)], timeout: Duration) -> Result<Vec<Watermarks>, KafkaError> {
        let mut known: Vec<Option<Watermarks>> = vec![None; places.len()];
        let mut failing = ("", 0);
        let failed = self.patiently(timeout, Brokers::TheLeader, |wait| {
            let open: Vec<usize> = (0..places.len()).filter(|place| known[*place].is_none()).collect();
            let asked: Vec<(&str, i32)> = open.iter().map(|place| places[*place]).collect();
            let mut failed: Option<(usize, Code)> = None;
            for (place, answer) in open.into_iter().zip(self.ends(&asked, false, Wait::of(wait))) {
                match answer {
                    Ok(ends) => known[place] = Some(ends),
                    // What will stay is told before what may pass.
                    Err(code) if failed.is_none_or(|(_, first)| may_pass(first) && !may_pass(code)) => {
                        failed = Some((place, code));
                    }
                    Err(_) => {}
                }
            }
            failed.map_or(Ok(()), |(place, code)| {
                failing = places[place];
                Err(code)
            })
        });
        let Err(failed) = failed else { return Ok(known.into_iter().flatten().collect()) };
        let (topic, partition) = failing;
        let NoAnswer { code, waited, trouble } = failed;
        if lacks_right(code) {
            return Err(KafkaError::Refused { what: format!("asking for the ends of topic \"{topic}\""), code });
        }
        let unavailable = KafkaError::PartitionUnavailable { topic: topic.to_owned(), partition, waited, code };
        if !matches!(
            code,
            Code::OperationTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve
        ) {
            return Err(unavailable);
        }
        let Ok(cluster) = self.metadata(topic, WHO_LEADS) else {
            // Nobody answers any more.
            let address = self.address.clone();
            return Err(KafkaError::Unreachable { address, waited, trouble });
        };
        let leader = cluster.topic.leaders.get(&partition).copied().filter(|id| *id >= 0);
        let known = leader.zip(leader.and_then(|leader| {
            cluster.ids.iter().zip(&cluster.brokers).find(|(id, _)| **id == leader).map(|(_, address)| address)
        }));
        let Some((id, address)) = known else { return Err(unavailable) };
        // What is in the way of another broker is none of this one's.
        let trouble = trouble.filter(|trouble| trouble.address == *address && trouble.obstacle != Obstacle::Other);
        let (topic, address, bootstrap) = (topic.to_owned(), address.clone(), self.address.clone());
        Err(KafkaError::LeaderUnreachable { topic, partition, id, address, bootstrap, waited, code, trouble })
    }
}

/// Whether a leader that is being elected, or a topic that has just been made, answers so.
const fn may_pass(code: Code) -> bool {
    matches!(
        code,
        Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownLeaderEpoch
            | Code::FencedLeaderEpoch
            | Code::OffsetNotAvailable
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::Consumer;
    use super::*;
    use crate::kafka::Settings;

    const LONG: Duration = Duration::from_secs(600);

    fn asked(servers: &str, more: &[(&str, &str)], timeout: Duration) -> KafkaError {
        let all = [("bootstrap.servers", servers), ("group.id", "g")];
        let settings: Settings =
            all.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Consumer::new(&settings).unwrap().metadata("t", timeout).unwrap_err()
    }

    fn obstacle(error: &KafkaError) -> Option<Obstacle> {
        match error {
            KafkaError::Unreachable { trouble, .. } => trouble.as_ref().map(|trouble| trouble.obstacle),
            _ => None,
        }
    }

    /// A port on which nothing listens.
    fn closed_port() -> String {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
    }

    /// An address at which every question is answered by these words, on a thread that ends with the test's process.
    fn answering(words: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                drop(stream.read(&mut [0; 64]));
                drop(stream.write_all(words));
            }
        });
        address
    }

    #[test]
    fn a_refused_connection_is_told_as_one_long_before_the_time_is_up() {
        let address = closed_port();
        let error = asked(&address, &[], LONG);
        assert_eq!(obstacle(&error), Some(Obstacle::Refused), "{error}");
        let said = error.to_string();
        assert!(said.contains("Connection refused") && !said.contains("brokers are down"), "{said}");
        assert!(!said.contains("600"), "{said}");
    }

    #[test]
    fn a_name_without_an_address_is_told_as_one() {
        let error = asked("no-such-host.invalid:9092", &[], LONG);
        assert_eq!(obstacle(&error), Some(Obstacle::Unresolved), "{error}");
    }

    #[test]
    fn what_speaks_http_is_not_taken_for_a_broker_that_is_down() {
        let error = asked(&answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), &[], LONG);
        assert_eq!(obstacle(&error), Some(Obstacle::NotKafka), "{error}");
    }

    #[test]
    fn a_listener_without_tls_is_told_at_once() {
        let tls = [("security.protocol", "ssl")];
        let error = asked(&answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), &tls, LONG);
        assert_eq!(obstacle(&error), Some(Obstacle::NotTls), "{error}");
    }

    #[test]
    fn silence_is_waited_out_and_called_no_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = asked(&listener.local_addr().unwrap().to_string(), &[], Duration::from_millis(400));
        assert_eq!(obstacle(&error), None, "{error}");
        assert!(error.to_string().starts_with("no answer from 127.0.0.1:"), "{error}");
    }
}
