//! Files of recorded events: what is in one ([`info`]), and making one ([`generate`]).

pub mod generate;
pub mod info;
mod shape;
