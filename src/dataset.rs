//! Files of recorded events: what is in one ([`info`]), what replaying it will be ([`preview`]), what is like it ([`like`]), making one
//! ([`generate`]).

pub mod generate;
pub mod info;
pub mod like;
pub mod preview;
mod screen;
mod shape;
