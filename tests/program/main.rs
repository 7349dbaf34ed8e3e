//! The program and its library where no broker but the embedded one is needed.
//!
//! Many of the tests wait for a run to end: `scripts/test` runs several at a time.

#[path = "../support/at_work.rs"]
mod at_work;
#[path = "../support/page.rs"]
mod page;
#[path = "../support/registry.rs"]
mod registry_stub;
mod shell;

mod alerts;
mod architecture;
mod archives;
mod bad_plans;
mod cli_commands;
mod cli_configuration;
mod cli_errors;
mod collect;
mod dataset;
mod embedded;
mod ends;
mod faults;
mod files;
mod fleet;
mod html_report;
mod image;
mod item_properties;
mod live_view;
mod own_events;
mod readers;
mod recording_errors;
mod replayed_files;
mod reports;
mod results;
mod retail_rocket;
mod rounds;
mod schemas;
mod selftest;
mod transactions;
