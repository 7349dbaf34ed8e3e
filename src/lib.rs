//! `loadgen`: puts load on a Kafka event pipeline and tells the truth about what came out of it.
//!
//! The map of the house, in the order in which an event meets it:
//!
//! ```text
//! source ──► schedule ──► event::encode ──► lane ──► publish ──► Kafka ──► verify ──► ledger.seen
//! (what)     (when due)   (the stamp)       (hot loop)   │ delivery report              │
//!                                                        └──► ledger.acked ──────────► judge ──► report ──► gate ──► verdict
//! ```
//! `command` wires the parts together for the command line, `run` is one run from preparing to judging.

// What a user says, and what is done about it.
pub mod cli;
pub mod command;
pub mod logging;
pub mod scenario;
pub mod settings;

// One run.
pub mod alert;
pub mod collect;
pub mod exporter;
pub mod fleet;
pub mod mirror;
pub mod progress;
pub mod run;
pub mod score;
pub mod selftest;

// What is sent, and when.
pub mod anonymise;
pub mod capture;
pub mod dataset;
pub mod files;
pub mod schedule;
pub mod shop;
pub mod source;

// The way of an event.
pub mod control;
pub mod event;
pub mod expect;
pub mod fraud;
pub mod kafka;
pub mod lane;
pub mod publish;
pub mod registry;
pub mod verify;

// What is known of it.
pub mod ledger;
pub mod measure;

// What is told.
pub mod bundle;
pub mod capacity;
pub mod compare;
pub mod explain;
pub mod gate;
pub mod merge;
pub mod output;
pub mod recording;
pub mod report;
pub mod soak;
pub mod verdict;

// What everything stands on.
pub mod clock;
pub mod figures;
pub mod http;
pub mod input;
pub mod sorting;
pub mod spelling;
pub mod units;
pub mod width;
pub mod wire;
