//! Files of recorded events: what is in one ([`info`], [`rows`], [`recordings`]), what replaying it will be ([`preview`]), what is like it ([`like`]), making one
//! ([`generate`]), making another one of it ([`convert`]).

pub mod convert;
pub mod generate;
pub mod info;
pub mod like;
pub mod preview;
pub mod recordings;
pub mod rows;
mod screen;
mod shape;
