//! `loadgen`: puts load on a Kafka event pipeline and tells the truth about what came out of it.

pub mod capacity;
pub mod cli;
pub mod clock;
pub mod dataset;
pub mod compare;
pub mod event;
pub mod gate;
pub mod kafka;
pub mod ledger;
pub mod logging;
pub mod measure;
pub mod recording;
pub mod report;
pub mod scenario;
pub mod schedule;
pub mod soak;
pub mod source;
pub mod units;
pub mod verdict;
