//! What must come out downstream, computed from the input log alone, and what became of it.
//!
//! An [`Expectation`] is declared; the [`Oracle`] folds the records of the source, partition by partition in offset order, into what
//! a stream processor must have written, takes the records that it did write, and puts each expected result into one class.
//! It knows nothing of Kafka and of no clock: both are told to it.
//!
//! Time is Kafka Streams': a task's stream time is the largest event time that it has taken; an event enters a window when the
//! window's end plus grace lies above the stream time, its own included, and is dropped otherwise; a window is written when stream
//! time has reached its end plus grace, which only a later record can do. Behind a repartition a task takes the records of all
//! partitions of the source in an order that no log tells: what must and what may have been counted are then two bounds.

mod by_key;
mod class;
mod decimal;
mod declare;
mod each;
mod expected;
mod explain;
mod fold;
mod list;
mod oracle;
mod outcome;
mod range;
mod scores;
mod sessions;
mod source;
mod spill;
mod stream_time;
#[cfg(test)]
mod tests;
mod total;
mod wording;

use crate::wire::fields as body;
pub use decimal::Decimal;
pub use declare::{DeclareError, Emit, ExpectConfig, Expectation, Named, OutputConfig, RunFacts, WindowConfig};
pub use explain::Explainer;
pub use oracle::{Oracle, Record};
pub use source::{Closing, Log};
