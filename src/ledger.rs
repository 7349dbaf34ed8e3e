//! The ledger: every scheduled event ends in exactly one class, and the classes sum to the schedule.

pub mod class;

pub use class::Class;
