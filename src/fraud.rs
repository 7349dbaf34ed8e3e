//! How likely an event is part of a fraud: what is looked at, and the model that makes a score of it.
//!
//! [`Window`] keeps what the users and items of one partition did lately and makes [`Features`] of each event; it is a function of the
//! partition's records in the order of their offsets, so that whoever reads them again gets the same ones. [`Model`] walks the trees of a
//! model that `LightGBM` trained.

mod event;
mod features;
mod model;

pub use event::{Event, Reader, Type};
pub use features::{Features, KEPT, NAMES, SPAN_MS, Window};
pub use model::{Model, ModelError};
