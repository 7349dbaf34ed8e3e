//! The events that did not end verified, one by one, and a few examples of each class.

use super::Unverified;
use super::unverified::{HELD_ABORTED, HIDDEN, NOT_REPLICATED};
use crate::ledger::class::Class;
use crate::report::Findings;
use crate::verify::{Damaged, findings};

/// Events that did not end verified, told one by one, at most.
const TOLD: usize = 100_000;

/// Takes down the events that did not end verified, as far as there is room.
#[derive(Debug)]
pub(in crate::run) struct Listing<'a> {
    topic: &'a str,
    damaged: &'a [Damaged],
    told: Vec<Unverified>,
}

impl<'a> Listing<'a> {
    /// Of a run that writes to `topic`; `damaged` is what was read and was not whole.
    pub(in crate::run) const fn new(topic: &'a str, damaged: &'a [Damaged]) -> Self {
        Self { topic, damaged, told: Vec::new() }
    }

    /// Takes one down. Whether there is room for more.
    pub(in crate::run) fn add(&mut self, one: Unverified, findings: &mut Findings) -> bool {
        findings.seen_then_gone += u64::from(one.seen_then_gone);
        findings.not_replicated += u64::from(one.reason.as_deref() == Some(NOT_REPLICATED));
        findings.behind_transaction += u64::from(one.reason.as_deref() == Some(HIDDEN));
        findings.held_aborted += u64::from(one.reason.as_deref() == Some(HELD_ABORTED));
        if one.class == Class::Aborted {
            // As planned, and many: they need no examples, and must not take the room of those that went wrong.
            if self.told.len() < TOLD / 2 {
                self.told.push(one);
            }
            return true;
        }
        findings::keep(&mut findings.examples, one.class.as_str(), || {
            let damaged = self.damaged.iter().find(|d| (d.lane, d.sequence) == (one.lane, one.sequence));
            match damaged.filter(|_| one.class == Class::Corrupt) {
                Some(damaged) => damaged.example.clone(),
                None => one.example(self.topic),
            }
        });
        if self.told.len() < TOLD {
            self.told.push(one);
        }
        self.told.len() < TOLD
    }

    /// All that were taken down.
    pub(in crate::run) fn into_told(self) -> Vec<Unverified> {
        self.told
    }
}
