//! Why a group's coordinator does not take a member, and from when on that is an answer.

use super::{Code, lacks_right};
use crate::clock::Nanos;

/// How long a refusal that may pass is waited out: a member of another kind may be on its way out.
const MAY_PASS: Nanos = Nanos::from_secs(3);

/// Why a group does not have a member, or has it no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The coordinator's answer.
    pub code: Code,
    /// The client's words.
    pub text: String,
    /// Whether it stays so; else another member's leaving may change it.
    is_final: bool,
    /// Since when, by the member's clock.
    since: Nanos,
}

impl Refusal {
    /// What an error that a client told at `now` says against its member, which was `refused` before; `None` where it says nothing
    /// against it.
    #[must_use]
    pub fn heard(refused: Option<&Self>, code: Code, text: &str, fatal: bool, now: Nanos) -> Option<Self> {
        let since = refused.map_or(now, |refusal| refusal.since);
        let refusal = Self { code, text: text.to_owned(), is_final: fatal || lacks_right(code), since };
        (fatal || is_refusal(code)).then_some(refusal)
    }

    /// Whether a member that is given partitions afterwards is refused all the same.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.is_final
    }

    /// Whether it is the coordinator's answer at `now`: it stays so, or has been so for a while.
    #[must_use]
    pub fn counts(&self, now: Nanos) -> bool {
        self.is_final || now >= self.since + MAY_PASS
    }
}

/// Whether the coordinator says by this that it does not take the member as it is.
const fn is_refusal(code: Code) -> bool {
    lacks_right(code)
        || matches!(
            code,
            Code::InconsistentGroupProtocol
                | Code::GroupMaxSizeReached
                | Code::InvalidSessionTimeout
                | Code::UnsupportedAssignor
                | Code::UnsupportedVersion
                | Code::FencedInstanceId
                | Code::UnreleasedInstanceId
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(before: Option<&Refusal>, code: Code, fatal: bool, at_s: u64) -> Option<Refusal> {
        Refusal::heard(before, code, "words", fatal, Nanos::from_secs(at_s))
    }

    #[test]
    fn a_fenced_member_and_one_without_a_right_are_refused_at_once() {
        for (code, fatal) in [(Code::FencedInstanceId, true), (Code::GroupAuthorizationFailed, false)] {
            let refusal = heard(None, code, fatal, 7).unwrap();
            assert!(refusal.is_final() && refusal.counts(Nanos::from_secs(7)), "{code:?}");
            assert_eq!((refusal.code, refusal.text.as_str()), (code, "words"));
        }
    }

    #[test]
    fn a_refusal_that_may_pass_counts_when_it_has_lasted_however_often_it_is_repeated() {
        let first = heard(None, Code::GroupMaxSizeReached, false, 10).unwrap();
        let again = heard(Some(&first), Code::GroupMaxSizeReached, false, 12).unwrap();
        let counts = |at_s| again.counts(Nanos::from_secs(at_s));
        assert_eq!((again.is_final(), counts(12), counts(13)), (false, false, true));
    }

    #[test]
    fn what_says_nothing_of_the_member_is_no_refusal() {
        for code in [Code::AllBrokersDown, Code::OperationTimedOut, Code::UnknownTopicOrPartition] {
            assert_eq!(heard(None, code, false, 1), None, "{code:?}");
        }
    }
}
