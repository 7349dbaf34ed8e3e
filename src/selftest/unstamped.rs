//! The self-test's third run: records without stamps, known by their places and by what they hold. Every two neighbours
//! hold the same, so that nothing but its place tells one from the other.

use std::sync::Arc;

use super::tamper::{Harm, HarmPlan, HarmWiring, Harmed, Outgoing};
use crate::capture::Captured;
use crate::event::catalogue::{Catalogue, CatalogueError};
use crate::kafka::Timestamp;
use crate::kafka::headers::Headers;
use crate::ledger::rules::Rules;
use crate::source::Source;
use crate::source::mirrored::{self, Mirror};
use crate::source::recorded::Stamping;

/// What befalls its events.
const PLAN: HarmPlan = HarmPlan {
    run: "no stamp",
    events: 300,
    harms: &[
        Harm::Dropped,
        Harm::Unanswered,
        Harm::AnswerLost,
        Harm::Damaged,
        Harm::Twice,
        Harm::Swapped,
        Harm::Beside,
    ],
    are_twins: true,
};

/// The records of the run, of `topic` with so many partitions.
pub(super) fn source(topic: &str, partitions: i32) -> Source {
    let topics = [(topic.to_owned(), partitions)].into();
    let config = mirrored::Config { topics, stamp: Stamping::None, ..mirrored::Config::default() };
    let mirror = Mirror::new(config, mirrored::ROOM);
    for (n, offset) in (0..PLAN.events).zip(0..) {
        let (key, value) = (format!("key {}", n / 2), format!("value {}", n / 2));
        let partition = i32::try_from(n / 2).unwrap_or(0) % partitions;
        mirror.put(&Captured {
            topic,
            partition,
            offset,
            leader_epoch: None,
            timestamp: Timestamp::Create(offset),
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: Headers::default(),
        });
    }
    mirror.end();
    Source::Mirrored(Arc::new(mirror))
}

/// The types of its events.
pub(super) fn catalogue(topic: &str) -> Result<Arc<Catalogue>, CatalogueError> {
    Catalogue::opaque([topic.to_owned()], false).map(Arc::new)
}

/// The layer before the broker.
pub(super) fn wiring(rules: Rules) -> HarmWiring {
    let damage = |_: Harm, event: &Outgoing| Outgoing { value: b"another value".to_vec(), ..event.clone() };
    HarmWiring { rules, harmed: Harmed::new(PLAN), damage: Arc::new(damage) }
}
