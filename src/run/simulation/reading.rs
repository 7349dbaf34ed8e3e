//! The verifier alone on the stage: a process of its own that reads what the run writes, joined with it or not.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::cluster::Shared;
use super::member::{Address, Member};
use super::plan::{Plan, Reads};
use super::reader::Consumer;
use super::registry;
use super::stage::{CONNECTS, TOPIC, going_on, group, target};
use crate::kafka::{Code, KafkaError, Settings};
use crate::run::alone::{self, Config, Offset, Prepared, ProducerRun, Ready};
use crate::run::target::Target;
use crate::run::topic_watch::Watcher;
use crate::run::{Detail, Downstream, Interrupts, Outcome, RunError};
use crate::settings::verification::{Isolation, ReadBack, Verification};
use crate::verify::Until;
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;

/// How the producer's run ended, once it has.
#[derive(Clone, Default)]
pub(super) struct Produced(Arc<Mutex<Option<Result<crate::report::RunReport, String>>>>);

impl Produced {
    pub(super) fn end(&self, how: Result<crate::report::RunReport, String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(how);
    }

    fn ended(&self) -> Result<Option<crate::report::RunReport>, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().transpose()
    }
}

/// The topic as it is when reading begins.
fn found(target: Target, cluster: &Shared) -> Result<Target, RunError> {
    let mut opened = cluster.open();
    let identity = opened.identity().map_err(|code| match code {
        Code::UnknownTopicOrPartition => {
            KafkaError::TopicMissing { topic: TOPIC.to_owned(), address: "simulated:9092".to_owned() }
        }
        code => {
            opened.was_denied = true;
            KafkaError::Refused { what: "describing the topic".to_owned(), code }
        }
    })?;
    drop(opened);
    let topics = Arc::new(Topics::new(vec![(TOPIC.to_owned(), identity.id.clone())]));
    let mut target = Target { topics, ..target };
    for known in &mut target.clusters {
        known.topic.id.clone_from(&identity.id);
    }
    Ok(target)
}

/// Reads as the plan says what the run that writes those answers writes.
pub(super) fn read(
    plan: &Plan,
    cluster: &Shared,
    address: &Address,
    answers: &Path,
    produced: &Produced,
) -> Result<Outcome, RunError> {
    let isolation = if plan.committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let is_joined = matches!(plan.reads, Reads::Joined { .. });
    let asked = produced.clone();
    let run = is_joined.then(|| {
        ProducerRun::open(answers.to_owned(), Arc::new(move || asked.ended()))
            .map_err(|source| RunError::Answers { path: answers.to_owned(), source })
    });
    let config = Config {
        name: "simulated".to_owned(),
        bootstrap: address.0.clone(),
        topics: vec![TOPIC.to_owned()],
        catalogue: registry::catalogue(plan, cluster),
        schemas: Vec::new(),
        client: Settings::new(),
        connect_timeout: CONNECTS,
        offset: Offset::Earliest,
        run: Some(plan.run()),
        verify: Verification {
            group: plan.group.map(group),
            back: ReadBack { drain_deadline: Duration::from_millis(plan.drain_ms), isolation, ..ReadBack::default() },
        },
        until: match plan.reads {
            Reads::Alone { idle_ms } => Until { idle: Some(Duration::from_millis(idle_ms)), ..Until::default() },
            _ => Until::default(),
        },
        producer: run.transpose()?,
        detail: Detail::default(),
        downstream: Downstream::default(),
        sightings: None,
        reference: None,
    };
    let target = found(target(plan, address), cluster)?;
    let committed = vec![None; plan.partitions];
    let prepared = Prepared::of(&config, target, Settings::new(), &committed)?;
    let assigned = |live| Box::new(Consumer::new(cluster.clone(), live, plan.committed)) as Box<dyn Reader>;
    let reader = prepared.target.members_of::<Member>(true);
    let (slots, topics, asked) =
        (Arc::clone(&prepared.target.slots), Arc::clone(&prepared.target.topics), cluster.clone());
    let ready = Ready {
        reader: reader.unwrap_or_else(|| assigned(true)),
        asker: assigned(false),
        topic_watcher: Watcher::by(&slots, &topics, move || Some(vec![asked.open().identity()])),
        auditor: None,
        open: &|_, isolation| Ok(Box::new(Consumer::new(cluster.clone(), false, isolation == "read_committed"))),
        prepared,
    };
    let interrupts = if is_joined { Arc::new(Interrupts::default()) } else { Arc::clone(&cluster.open().interrupts) };
    alone::read(&config, ready, &interrupts, &mut going_on)
}
