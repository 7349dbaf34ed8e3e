//! What came in and what was answered, counted so that it adds up.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;

use crate::report::{Collected, CollectedEvents};

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    told: Mutex<Collected>,
    open: AtomicU64,
}

impl Tally {
    fn told(&self, note: impl FnOnce(&mut Collected)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was counted so far.
    pub(super) fn so_far(&self) -> Collected {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection is made; it is open until what is returned goes.
    pub(super) fn connected(&self) -> Connected<'_> {
        let open = self.open.fetch_add(1, Ordering::AcqRel) + 1;
        self.told(|told| {
            told.connections += 1;
            told.most_connections = told.most_connections.max(open);
        });
        Connected(self)
    }

    pub(super) fn turned_away_connection(&self) {
        self.told(|told| told.connections_refused += 1);
    }

    pub(super) fn broken_connection(&self) {
        self.told(|told| told.connections_broken += 1);
    }

    /// A request has begun.
    pub(super) fn begun(&self) -> Request<'_> {
        self.told(|told| told.requests += 1);
        Request { tally: self, taken: 0, not_taken: None, status: None }
    }

    /// In OpenMetrics, without its end: what the engine does not count.
    pub(super) fn metrics(&self, waiting: (usize, usize)) -> String {
        let told = self.so_far();
        let mut page = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
            // Writing to a text cannot fail.
            let of = if kind == "counter" { "_total" } else { "" };
            write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or_default();
            for (labels, value) in samples {
                writeln!(page, "{name}{of}{labels} {value}").unwrap_or_default();
            }
        };
        let one = |value: u64| [(String::new(), value)];
        let statuses: Vec<_> =
            told.answered.iter().map(|(status, count)| (format!("{{status=\"{status}\"}}"), *count)).collect();
        family("loadgen_collect_requests", "counter", "Requests that were answered, by status.", &statuses);
        family("loadgen_collect_abandoned", "counter", "Requests whose client had gone.", &one(told.abandoned));
        let CollectedEvents { taken, told_acked, told_taken, told_failed, untold, invalid, turned_away, .. } =
            told.events;
        let fates = [
            ("acked", told_acked),
            ("taken", told_taken),
            ("failed", told_failed),
            ("untold", untold),
            ("invalid", invalid),
            ("turned_away", turned_away),
        ];
        let fates = fates.map(|(fate, count)| (format!("{{told=\"{fate}\"}}"), count));
        family("loadgen_collect_events", "counter", "Events of requests, by what the client was told.", &fates);
        family("loadgen_collect_taken", "counter", "Events that were taken to be published.", &one(taken));
        family("loadgen_collect_waiting_events", "gauge", "Events without an answer.", &one(waiting.0 as u64));
        family("loadgen_collect_waiting_bytes", "gauge", "Bytes of requests without one.", &one(waiting.1 as u64));
        let open = self.open.load(Ordering::Acquire);
        family("loadgen_collect_connections", "gauge", "Connections that are open.", &one(open));
        let refused = one(told.connections_refused);
        family("loadgen_collect_connections_refused", "counter", "Connections that were turned away.", &refused);
        page
    }
}

/// A connection that is open.
#[derive(Debug)]
pub(super) struct Connected<'a>(&'a Tally);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A request that is being answered. Dropped before that, its client has gone.
#[derive(Debug)]
pub(super) struct Request<'a> {
    tally: &'a Tally,
    taken: u64,
    not_taken: Option<NotTaken>,
    status: Option<StatusCode>,
}

/// Why events were not taken, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotTaken {
    Invalid(u64),
    TurnedAway(u64),
}

impl Request<'_> {
    pub(super) fn took(&mut self, events: usize) {
        self.taken = events as u64;
        self.tally.told(|told| told.events.taken += events as u64);
    }

    pub(super) const fn did_not_take(&mut self, events: NotTaken) {
        self.not_taken = Some(events);
    }

    pub(super) const fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let Self { taken, not_taken, status, .. } = *self;
        self.tally.told(|told| {
            let events = &mut told.events;
            let fate = match status {
                Some(StatusCode::OK) => &mut events.told_acked,
                Some(StatusCode::ACCEPTED) => &mut events.told_taken,
                Some(_) => &mut events.told_failed,
                None => &mut events.untold,
            };
            *fate += taken;
            match not_taken {
                Some(NotTaken::Invalid(count)) => events.invalid += count,
                Some(NotTaken::TurnedAway(count)) => events.turned_away += count,
                None => {}
            }
            match status {
                Some(status) => *told.answered.entry(status.as_str().to_owned()).or_default() += 1,
                None => told.abandoned += 1,
            }
        });
    }
}
