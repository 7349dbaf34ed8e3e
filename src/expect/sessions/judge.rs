//! What became of each session.

use super::piece::{Fate, Piece, Session, Settled};
use super::{Emission, Key};
use crate::expect::class::{Class, Ending, Mismatch, Tally};
use crate::expect::declare::{Added, Emit, Gap};
use crate::expect::stream_time::{HOLDS_BACK, Own, StreamTimes};
use crate::report::ExpectExample;

/// What decides about sessions.
pub(super) struct Judge<'a> {
    pub(super) added: &'a Added,
    pub(super) gap: Gap,
    pub(super) times: &'a StreamTimes,
    pub(super) own: Own,
}

/// Whether what came may be of a session.
type Rule<'a> = dyn Fn(&Settled, &Emission) -> bool + 'a;

/// A session that was expected, or what came in its place.
struct Judged<'a> {
    class: Class,
    is_own: bool,
    span: (i64, i64),
    expected: String,
    seen: Option<&'a Emission>,
    superseded: u64,
}

impl Judge<'_> {
    /// Whether something of it is to come, or to come once more.
    pub(super) fn waits(&self, key: &Key) -> bool {
        let waits = |judged: &Judged<'_>| match judged.class {
            Class::Missing => true,
            Class::Wrong | Class::Late | Class::AcceptedLate => self.added.emit == Emit::Updates,
            _ => false,
        };
        let (judged, _) = self.judged(key);
        judged.iter().any(|judged| judged.is_own && waits(judged))
    }

    /// Whether nothing came of a session of the run.
    pub(super) fn lacks(&self, key: &Key) -> bool {
        self.judged(key).0.iter().any(|judged| judged.is_own && judged.seen.is_none())
    }

    pub(super) fn count(&self, tally: &mut Tally, name: &[u8], key: &Key, ending: Ending<'_>) {
        let (judged, unexpected) = self.judged(key);
        if judged.iter().all(|judged| judged.class != Class::AcceptedLate) {
            tally.count_too_late(key.late.iter().filter(|piece| piece.is_own).map(|piece| piece.total.events).sum());
        }
        let told = |start: i64, seen: Option<&Emission>, expected: String| {
            let got = seen.map(|seen| format!("{} until {}", seen.last, Mismatch::time(seen.end)));
            Mismatch { key: name, start_ms: Some(start), got, expected }.into()
        };
        for judged in judged.into_iter().filter(|judged| judged.is_own) {
            let Judged { class, span: (start, end), expected, seen, superseded, .. } = judged;
            tally.count_superseded(superseded);
            let class = if ending.unknown.is_some() && class != Class::Open { Class::Undecided } else { class };
            if ending.is_timed {
                self.time(tally, key.task, end, class, (seen, ending.at));
            }
            tally.count(class, || told(seen.map_or(start, |seen| seen.start), seen, expected));
        }
        for seen in unexpected.into_iter().filter(|seen| ending.unknown.is_none() && seen.start >= self.own.first) {
            tally.count_unexpected(|| told(seen.start, Some(seen), "none".to_owned()));
        }
    }

    /// What is known by now of the sessions of a key.
    pub(super) fn so_far(&self, tally: &mut Tally, key: &Key, at: i64, is_timed: bool) {
        for Judged { class, span: (_, end), seen, .. } in self.judged(key).0.into_iter().filter(|judged| judged.is_own)
        {
            // An update may be followed by another one.
            let seen_at = seen.filter(|_| self.added.emit == Emit::Final).map(|seen| seen.first_at);
            let class = class.so_far(seen_at, at);
            tally.count(class, ExpectExample::default);
            if class != Class::Open && is_timed {
                self.time(tally, key.task, end, class, (seen, at));
            }
        }
    }

    /// How long a session took that ended then, or was waited for until now, where that tells anything.
    fn time(&self, tally: &mut Tally, task: usize, end: i64, class: Class, (seen, now): (Option<&Emission>, i64)) {
        let over = end + self.gap.gap;
        match seen {
            _ if self.added.emit != Emit::Final => {}
            _ if !self.own.times(over, self.times.came_to(task, self.gap.closes(end))) => {}
            Some(seen) => tally.seen_after(seen.first_at - over),
            None if class == Class::Missing => tally.waited(now - over),
            None => {}
        }
    }

    /// What is known of its pieces when no more of them come. Those that must have been dropped are left out.
    fn known(&self, task: usize, session: &Session) -> Settled {
        let Some(apart) = self.added.apart_ms else {
            return Settled { pieces: session.pieces().to_vec(), is_exact: true };
        };
        let (_, closed) = self.times.came_to(task, self.gap.closes(session.end()));
        let fate = |piece: &Piece| match piece.fate {
            Fate::By(_, last) => {
                let (beyond_grace, _) = self.times.came_to(task, piece.from + self.gap.grace + 1);
                if last.saturating_add(apart) < beyond_grace { Fate::Sure } else { Fate::Loose }
            }
            known => known,
        };
        let is_dropped =
            |piece: &Piece| matches!(piece.fate, Fate::By(first, _) if first.saturating_sub(apart) > closed);
        let kept = session.pieces().iter().filter(|piece| !is_dropped(piece));
        Settled { pieces: kept.map(|piece| Piece { fate: fate(piece), ..piece.clone() }).collect(), is_exact: false }
    }

    /// Whether a record has come with which the session must have been written.
    fn is_due(&self, task: usize, end: i64) -> bool {
        let closed = || self.times.came_to(task, self.gap.closes(end)).1;
        self.added.emit == Emit::Updates || self.times.last_at(task) >= closed().saturating_add(HOLDS_BACK)
    }

    /// What became of the sessions of a key, and what nothing of it asks for.
    fn judged<'a>(&self, key: &'a Key) -> (Vec<Judged<'a>>, Vec<&'a Emission>) {
        let known: Vec<Settled> = key.sessions.iter().map(|session| self.known(key.task, session)).collect();
        let mut left: Vec<Option<&Emission>> = key.seen.iter().map(Some).collect();
        let mut of: Vec<Vec<&Emission>> = vec![Vec::new(); known.len()];
        // The whole of a session before parts of it, and these before what only lies in it.
        let is_one_enough = self.added.emit == Emit::Final;
        let rules: [(&Rule<'_>, bool); 3] = [
            (&|known, seen| self.is_right(known, seen), false),
            (&|known, seen| self.may_be(known, &key.late, seen), false),
            (&meets, is_one_enough),
        ];
        for (rule, needs_none) in rules {
            for (known, of) in known.iter().zip(&mut of) {
                for place in &mut left {
                    if let Some(seen) = place.filter(|seen| (of.is_empty() || !needs_none) && rule(known, seen)) {
                        of.push(seen);
                        *place = None;
                    }
                }
            }
        }
        let mut judged = Vec::new();
        for ((session, known), of) in key.sessions.iter().zip(&known).zip(of) {
            self.judge(key, session, known, &of, &mut judged);
        }
        // What only events that came too late make: a task that was restarted takes them.
        let late = Settled { pieces: Vec::new(), is_exact: false };
        let mut unexpected = Vec::new();
        for seen in left.into_iter().flatten() {
            let span = (seen.start, seen.end);
            match late.allows(&key.late, self.gap.gap, span, &seen.last) {
                Some(true) => judged.push(Judged {
                    class: Class::AcceptedLate,
                    is_own: key.late.iter().any(|piece| piece.is_own),
                    span,
                    expected: "none".to_owned(),
                    seen: Some(seen),
                    superseded: 0,
                }),
                _ => unexpected.push(seen),
            }
        }
        (judged, unexpected)
    }

    /// Whether it is all of a session. Where the order is known, what had closed before may be in it or not.
    fn is_right(&self, known: &Settled, seen: &Emission) -> bool {
        let is = |fate: Option<Fate>| {
            known.span(fate) == Some((seen.start, seen.end)) && known.total(fate).is(&seen.last) == Some(true)
        };
        is(None) || (self.added.apart_ms.is_none() && is(Some(Fate::Sure)))
    }

    fn may_be(&self, known: &Settled, late: &[Piece], seen: &Emission) -> bool {
        let allows = |late| known.allows(late, self.gap.gap, (seen.start, seen.end), &seen.last) == Some(true);
        allows(&[]) || allows(late)
    }

    /// The classes of a session of which these came; the right one, where it came, is the first of them.
    fn judge<'a>(
        &self,
        key: &Key,
        session: &Session,
        known: &Settled,
        of: &[&'a Emission],
        judged: &mut Vec<Judged<'a>>,
    ) {
        let Some((start, end)) = known.span(None) else { return };
        let (sure, all) = (known.total(Some(Fate::Sure)), known.total(None));
        let expected = || {
            let may = known.total(Some(Fate::Loose));
            format!("{} until {}", sure.told_with(&may), Mismatch::time(end))
        };
        let one = |class, seen: Option<&'a Emission>, superseded| Judged {
            class,
            is_own: session.is_own(),
            span: seen.map_or((start, end), |seen| (seen.start, seen.end)),
            expected: expected(),
            seen,
            superseded,
        };
        if of.is_empty() {
            let class = match () {
                () if !self.is_due(key.task, end) => Class::Open,
                // It may have become a part of another one before it was looked for.
                () if sure.events == 0 || session.is_held => Class::Late,
                () => Class::Missing,
            };
            judged.push(one(class, None, 0));
            return;
        }
        let class = |seen: &Emission| match () {
            () if all.is_unknown => Class::Undecided,
            () if self.added.emit == Emit::Final && seen.times > 1 => Class::Twice,
            () if self.is_right(known, seen) => Class::Right,
            () if known.allows(&[], self.gap.gap, (seen.start, seen.end), &seen.last) == Some(true) => Class::Late,
            () if self.may_be(known, &key.late, seen) => Class::AcceptedLate,
            () => Class::Wrong,
        };
        if self.added.emit == Emit::Updates {
            // The last one counts: the right one where it came, and else what came last.
            let right = of.iter().copied().find(|seen| self.is_right(known, seen));
            let Some(last) = right.or_else(|| of.iter().copied().max_by_key(|seen| (seen.end, seen.first_at))) else {
                return;
            };
            let all: u64 = of.iter().map(|seen| seen.times).sum();
            judged.push(one(class(last), Some(last), all - 1));
            return;
        }
        // Sure events that are in none of those that came.
        let is_told = |piece: &Piece| of.iter().any(|seen| seen.start <= piece.until && piece.from <= seen.end);
        let is_left = known.pieces.iter().any(|piece| piece.fate == Fate::Sure && !is_told(piece));
        judged.extend(of.iter().map(|seen| one(class(seen), Some(seen), 0)));
        if is_left {
            judged.push(one(if self.is_due(key.task, end) { Class::Missing } else { Class::Open }, None, 0));
        }
    }
}

fn meets(known: &Settled, seen: &Emission) -> bool {
    known.span(None).is_some_and(|(start, end)| seen.start <= end && start <= seen.end)
}
