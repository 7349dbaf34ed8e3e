//! JSON: one object per event, in a canonical layout.
//!
//! Canonical means: the fields in the order of the record, no spaces, a decimal with exactly its scale's digits, a UUID in lower
//! case, bytes in base64 (RFC 4648), a date as `YYYY-MM-DD`, times as whole numbers of their unit, the value of a union as it is,
//! and an optional field without a value left out. [`Plan::scan`] reads this layout fast; [`Plan::rewrite`] brings any other
//! layout of the same values into it.

mod plan;
mod rewrite;
mod scan;
mod write;

pub use plan::{Plan, PlanError};
pub use rewrite::{Misfit, give};
pub use scan::Scanned;
pub use write::Writer;

#[cfg(test)]
mod tests;
