//! Events: their types as data ([`catalogue`]), their identity ([`stamp`]), and how they are written and read back.
//!
//! Nothing here knows what an event is about. A source hands values over, in the order of its type's fields; [`encode`] stamps
//! them and writes them in a format of [`crate::wire`], [`decode`] reads and checks what lies in a topic.

pub mod catalogue;
pub mod decode;
pub mod encode;
pub mod invalid;
pub mod padding;
pub mod stamp;

/// What an event's key is made of: a number whose text is the record's key, which decides the partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u64);
