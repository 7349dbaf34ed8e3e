//! The program and its library against real Kafka brokers, started through `scripts/kafka`: one that tests share, and clusters for those that kill,
//! pause or configure brokers; against a real schema registry, started through `scripts/registry`; and with the Kafka Streams application of
//! `scripts/pipeline`. Fleets run under a control plane of Kubernetes, too (`scripts/kubernetes`), where that is asked for.
//!
//! Clusters of three brokers share the machine with what is measured: `scripts/test` runs two tests at a time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "../support/at_work.rs"]
mod at_work;
#[path = "../program/html_report/browser.rs"]
#[expect(dead_code, clippy::print_stdout, reason = "tests of pages use more of it, and say what is left out")]
mod browser;
mod cluster;
#[path = "../support/page.rs"]
mod page;
mod program;

mod attribution;
mod brokers;
mod chaos;
mod collect;
mod downstream;
mod downstream_formats;
mod evolution;
mod files;
mod fleet;
mod formats;
mod fraud;
mod headers;
mod imports;
mod keys;
mod kubernetes;
mod mirror;
mod own_events;
mod pipeline;
mod record;
mod recorded_copy;
mod registry;
mod schemas;
mod score;
mod storage;
mod third_opinion;
mod transactions;
mod unions;
mod verify_alone;

use std::time::Duration;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(420);
