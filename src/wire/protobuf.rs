//! Protobuf (proto3): <https://protobuf.dev/programming-guides/encoding/>.
//!
//! A [`Schema`] is a `.proto` text and one message of it. A [`Plan`] binds a record to that message once; a [`Writer`] and [`read`]
//! go by it. How the shapes are mapped:
//!
//! | shape | field |
//! |---|---|
//! | optional | `optional`, a message, or a `oneof` that may be empty |
//! | UUID, decimal, constant | `string` |
//! | date, time of day, local timestamp | `int32` or `int64` in its unit |
//! | timestamp | `google.protobuf.Timestamp` |
//! | fixed | `bytes` |
//! | enum | an enum whose 0 stands for "unspecified", so that a symbol is always written |
//! | union | `oneof` |
//! | an array, a map, an optional or a union where a field cannot be one | a message with that one field |
//!
//! The writer leaves out what has its default value where the field has no presence, as all implementations do, and writes an
//! entry of a map with its key and its value, as C++, Java and Python do. Fields stand in the record's order, which for the record
//! that a schema describes is that of their numbers.
//!
//! The reader is stricter than the specification asks where no writer has a reason: a symbol that the enum does not have, a
//! boolean beyond 1 and a 32-bit number of more than 32 bits are refused. It takes fields in any order, repeated numbers packed or
//! not, the last of several values of one field, parts of one message put together, and unknown fields, which it counts.

mod bind;
mod cursor;
mod decimal;
mod imports;
mod message;
mod ordered;
mod plan;
mod scalar;
mod scattered;
mod schema;
mod several;
mod steps;
mod text;
mod write;

use super::sink::Sink;
use super::{Malformed, Written};

pub use imports::{Imports, imported};
pub use plan::Plan;
pub use scattered::Read;
pub use schema::{Pick, Schema};
pub use several::joined;
pub use write::Writer;

/// Reads the whole of `body` and hands its values to `sink`.
///
/// # Errors
/// Why the body is not what the schema says. A sink may have got the values before that place.
pub fn read<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Result<Written, Malformed> {
    read_closely(plan, body, sink).map(|read| read.written)
}

/// As [`read`], and says more.
///
/// # Errors
/// As for [`read`].
pub fn read_closely<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Result<Read, Malformed> {
    match ordered::read(plan, body, &mut ()) {
        Some(written) => {
            if !S::TAKES_NOTHING {
                ordered::read(plan, body, sink);
            }
            Ok(Read { written, unknown_fields: 0, in_order: true })
        }
        None => scattered::read(plan, body, sink),
    }
}

#[cfg(test)]
pub(super) mod tests;
