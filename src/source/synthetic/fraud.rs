//! Fraud on purpose: short scripted episodes woven into the streams of users.
//!
//! The events of a lane are cut into blocks. What is fraudulent in a block, by which pattern and in which episode, is a function of
//! (configuration, seed, lane, lanes, block): [`Truth`] tells it of any event without drawing one, and the lane's [`Weave`] puts the
//! steps into the places that it names. No event says so itself.
//!
//! The patterns are caricatures of what the literature describes (Le Borgne et al., "Reproducible Machine Learning for Credit Card
//! Fraud Detection", chapter 3, and its like): what a scorer makes of them tells whether it works, not how good it is in earnest.

mod block;
mod config;
mod script;
mod truth;
mod weave;

pub use config::{FraudConfig, MOST_FRAUD, MOST_SPACING, Pattern};
pub use truth::{Episode, Label, Truth};

pub(super) use script::mix;
pub(super) use weave::Weave;

#[cfg(test)]
mod tests;
