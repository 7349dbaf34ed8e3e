//! Whole runs in a virtual world: the code of a run as it is, on simulated clients of a simulated cluster, in virtual time, and a
//! judge who knows what became of each event. docs/simulation.md says what is simulated, on what evidence, and what is not.

mod act;
mod acts;
mod brokers;
mod client;
mod cluster;
mod compare;
mod fates;
mod fleet;
mod forge;
mod found;
mod group;
mod judge;
mod log;
mod member;
mod plan;
mod producer;
mod reader;
mod reading;
mod registry;
mod stage;
mod tests;
mod transactions;
