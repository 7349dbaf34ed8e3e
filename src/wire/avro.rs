//! Avro: <https://avro.apache.org/docs/1.12.0/specification/>.
//!
//! A [`Schema`] is the text of an Avro schema of one record. A [`Plan`] binds a record to it once; a [`Writer`] and [`read`] go by
//! it. How the shapes are mapped:
//!
//! | shape | type |
//! |---|---|
//! | optional | a union with null, which stands first unless the default is another |
//! | UUID | `uuid` on `string`, or on `fixed(16)` |
//! | decimal | `decimal` on `bytes` |
//! | date, time, timestamp | `date`, `time-millis` and so on, `timestamp-…`, `local-timestamp-…` |
//! | constant | `string` |
//! | whole number | `int` where 32 bits are enough, else `long` |
//! | union | a union; null among several branches makes it optional |
//!
//! A schema of somebody else's may also have decimals on `fixed`, UUIDs on `bytes`, and null at any place of a union. `duration` is
//! a fixed of 12 bytes; unknown logical types are what they stand on, as everywhere.
//!
//! The writer writes all entries of an array or a map as one block, numbers in as few bytes as they need, and of a decimal as few
//! as hold its sign: the bytes that the Java and the Rust implementation write. The reader takes any number of blocks, with or
//! without their sizes, and numbers in more bytes than they need, up to the ten of 64 bits, or the five of 32 (an `int`, the index
//! of a branch or a symbol): no writer does that, but Java reads them to just these limits, Rust up to ten bytes always, and Python
//! without a limit. What others are lax about is refused: a tenth byte that says more than the 64th bit, a block whose size is
//! another than it says, a decimal without a byte or beyond its precision, a UUID without hyphens.
//!
//! A [`Resolution`] reads with the schema of the writer and gives the values of a reader's; [`compatible`] says whether it always can.

mod bind;
mod canonical;
mod compatibility;
mod decimal;
mod default;
mod plain;
mod plan;
mod read;
mod resolve;
mod schema;
mod steps;
mod text;
mod union;
mod write;

use super::sink::Sink;
use super::{Malformed, Written};

pub use bind::index_length;
pub use compatibility::compatible;
pub use plan::Plan;
pub use resolve::{Resolution, Unreadable};
pub use schema::Schema;
pub use union::{Alone, alone, joined, parted};
pub use write::Writer;

/// Reads the whole of `body` and hands its values to `sink`.
///
/// # Errors
/// Why the body is not what the schema says. A sink may have got the values before that place.
pub fn read<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Result<Written, Malformed> {
    read::read(plan, body, sink)
}

#[cfg(test)]
mod tests;
