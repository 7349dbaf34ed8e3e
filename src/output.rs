//! Everything that shows a report to somebody: on a terminal, in a browser, in a CI, in another tool's format. It reads plain data
//! and changes none.

pub mod benchmark;
pub mod capacity;
pub mod compare;
pub mod console;
mod decomposition;
pub mod files;
mod form;
pub mod github;
pub mod headline;
pub mod hgrm;
pub mod html;
pub mod junit;
mod latencies;
pub mod markdown;
mod stalls;
pub mod why;

pub use form::{Form, FormError};
