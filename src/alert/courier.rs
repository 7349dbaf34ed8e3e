//! Carries the notices of one alert, on a thread of its own: tried until they are taken, refused, or their time is up.

use std::sync::mpsc::{Receiver as Queue, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::http::{Request, header};

use super::notice::Notice;
use super::watch::Change;
use super::{About, Alert, Receiver, body, signature};
use crate::clock::{self, Clock as _, Monotonic, Nanos};
use crate::http::{Address, Answer, Client, Failed, Trust, shown};
use crate::report::alerts::Outcome;

/// Notices that wait; what comes beyond is dropped, and counted.
const WAITING: usize = 64;
/// The wait before a notice is tried again; each wait is twice the one before, up to the longest.
const FIRST_PAUSE: Nanos = Nanos::from_millis(100);
const LONGEST_PAUSE: Nanos = Nanos::from_secs(2);
/// Below this nothing can be asked.
const LEAST: Nanos = Nanos::from_millis(1);
/// How long a request may outlast its limit, and how often it is looked whether somebody hurries.
const GRACE: Nanos = Nanos::from_millis(500);
const LOOK: Duration = Duration::from_millis(50);

/// What became of the notices of one raised alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    tried: bool,
    sent: bool,
    pub(super) resolution_sent: bool,
}

impl Fate {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self { sent: true, .. } => Outcome::Sent,
            Self { tried: true, .. } => Outcome::Failed,
            Self { .. } => Outcome::Dropped,
        }
    }
}

/// What the thread has done.
#[derive(Debug, Default)]
struct Tally {
    fates: Vec<Fate>,
    /// The first thing that went wrong.
    error: Option<String>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    has_ended: Condvar,
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Fate)) {
        let mut tally = self.tally();
        if tally.fates.len() <= number {
            tally.fates.resize(number + 1, Fate::default());
        }
        if let Some(fate) = tally.fates.get_mut(number) {
            change(fate);
        }
    }

    /// Tells the first thing that goes wrong, and keeps it.
    fn wrong(&self, alert: &str, whom: &Receiver, why: String) {
        let mut tally = self.tally();
        if tally.error.is_none() {
            tracing::warn!("alert {alert}: {} at {} {why}; the run goes on", whom.as_str(), whom.url());
            tally.error = Some(why);
        }
    }
}

/// Takes notices and carries them.
#[derive(Debug)]
pub(super) struct Courier {
    queue: Option<SyncSender<Notice>>,
    shared: Arc<Shared>,
    name: String,
    whom: Receiver,
    clock: Monotonic,
}

impl Courier {
    pub(super) fn start(alert: &Alert, about: &About, place: usize, clock: Monotonic) -> Self {
        let shared = Arc::new(Shared::default());
        let (sender, queue) = sync_channel(WAITING);
        let (name, whom) = (alert.name.clone(), alert.receiver.clone());
        let started = Carrier::new(alert, about, place, clock, &shared).and_then(|carrier| {
            let thread = thread::Builder::new().name(format!("alert-{place}"));
            thread.spawn(move || carrier.carry(&queue)).map_err(|error| format!("cannot be told: {error}"))
        });
        let queue = match started {
            Ok(_) => Some(sender),
            Err(why) => {
                shared.wrong(&name, &whom, why);
                shared.tally().ended = true;
                None
            }
        };
        Self { queue, shared, name, whom, clock }
    }

    /// Takes a notice to carry. Where there is no room for it, it is dropped.
    pub(super) fn hand_over(&self, notice: Notice) {
        self.shared.change(notice.number, |_| {});
        if self.queue.as_ref().is_some_and(|queue| queue.try_send(notice).is_err()) {
            let why = format!("takes them too slowly: {WAITING} wait, and what comes beyond is dropped");
            self.shared.wrong(&self.name, &self.whom, why);
        }
    }

    /// Takes no more.
    pub(super) fn close(&mut self) {
        self.queue = None;
    }

    /// What became of each alert, and what went wrong first: once all is carried, at `until` or when somebody hurries.
    pub(super) fn wait(self, until: Nanos, hurried: &dyn Fn() -> bool) -> (Vec<Fate>, Option<String>) {
        let mut tally = self.shared.tally();
        while !tally.ended && self.clock.now() < until + GRACE && !hurried() {
            tally = self.shared.has_ended.wait_timeout(tally, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if !tally.ended && tally.error.is_none() {
            tally.error = Some("did not take the last of them before the end".to_owned());
        }
        (tally.fates.clone(), tally.error.clone())
    }
}

/// The thread's own.
struct Carrier {
    client: Client,
    alert: Alert,
    about: About,
    /// Begins the id of each notice.
    prefix: String,
    /// Of the signature, where there is one.
    key: Option<Vec<u8>>,
    clock: Monotonic,
    shared: Arc<Shared>,
}

/// What became of one try.
enum Tried {
    Taken,
    /// It may be taken the next time.
    NotYet(String, Option<Nanos>),
    Refused(String),
}

impl Carrier {
    fn new(alert: &Alert, about: &About, place: usize, clock: Monotonic, shared: &Arc<Shared>) -> Result<Self, String> {
        let (address, key) = match &alert.receiver {
            Receiver::Alertmanager(address) => (address, None),
            Receiver::Webhook(address, secret) => {
                let key = signature::key(secret).map_err(|_| "has a secret that is no base64 behind whsec_".to_owned());
                (address, Some(key?))
            }
        };
        let client = Client::new([address], &Trust::default()).map_err(|error| format!("cannot be told: {error}"))?;
        // A receiver knows by it what it has had already; no dot may stand in it, as that is what the signature is over.
        let run =
            if about.run_id.is_empty() { format!("{:016x}", rand::random::<u64>()) } else { about.run_id.clone() };
        let part = about.shard.as_ref().map_or_else(String::new, |part| format!("-{}", part.replace('/', "of")));
        Ok(Self {
            client,
            alert: alert.clone(),
            about: about.clone(),
            prefix: format!("{run}{part}-{place}"),
            key,
            clock,
            shared: Arc::clone(shared),
        })
    }

    fn carry(&self, queue: &Queue<Notice>) {
        for (count, notice) in queue.iter().enumerate() {
            let id = format!("{}-{count}", self.prefix);
            match self.carry_one(&notice, &id) {
                Ok(()) => self.shared.change(notice.number, |fate| match notice.change {
                    Change::Resolved(_) => fate.resolution_sent = true,
                    Change::Raised | Change::Repeated(_) => fate.sent = true,
                }),
                Err(why) => self.shared.wrong(&self.alert.name, &self.alert.receiver, why),
            }
        }
        self.shared.tally().ended = true;
        self.shared.has_ended.notify_all();
    }

    fn carry_one(&self, notice: &Notice, id: &str) -> Result<(), String> {
        let deadline = notice.queued + self.alert.deadline.into();
        let mut pause = FIRST_PAUSE;
        let mut last = "has not answered those before it in time".to_owned();
        loop {
            let left = deadline.saturating_since(self.clock.now());
            if left < LEAST {
                return Err(last);
            }
            if !notice.is_over() {
                self.shared.change(notice.number, |fate| fate.tried = true);
            }
            let wait = match self.attempt(notice, id, left.into()) {
                Tried::Taken => return Ok(()),
                Tried::Refused(why) => return Err(why),
                Tried::NotYet(why, wait) => {
                    last = why;
                    wait
                }
            };
            let again = self.clock.now() + wait.unwrap_or(pause).max(pause);
            if again >= deadline {
                return Err(last);
            }
            self.clock.sleep_until(again);
            pause = (pause + pause).min(LONGEST_PAUSE);
        }
    }

    fn attempt(&self, notice: &Notice, id: &str, limit: Duration) -> Tried {
        let (alert, about) = (&self.alert, &self.about);
        let request = Request::builder().method("POST").header(header::CONTENT_TYPE, "application/json");
        let (request, body, Address { url, user_info }) = match &alert.receiver {
            Receiver::Alertmanager(address) => (request, body::for_alertmanager(alert, about, notice), address),
            Receiver::Webhook(address, _) => (request, body::for_webhook(alert, about, notice), address),
        };
        let body = body.to_string();
        let request = match &self.key {
            None => request.uri(format!("{url}/api/v2/alerts")),
            Some(key) => {
                // Of this try: receivers refuse what was signed long ago.
                let now_s = clock::wall_unix_ns() / 1_000_000_000;
                request
                    .uri(url)
                    .header("webhook-id", id)
                    .header("idempotency-key", id)
                    .header("webhook-timestamp", now_s)
                    .header("webhook-signature", signature::signature(key, id, now_s, &body))
            }
        };
        let request = match request.body(Some(body)) {
            Ok(request) => request,
            Err(error) => return Tried::Refused(format!("cannot be asked: {}", shown(&error.to_string()))),
        };
        let login = user_info.as_ref().map(crate::http::Secret::as_basic);
        match self.client.ask(request, login.as_ref(), limit) {
            Ok(answer) => judged(&answer),
            Err(Failed::TimedOut) => Tried::NotYet(format!("gave no answer within {:?}", alert.deadline), None),
            Err(Failed::Unreachable(why)) => Tried::NotYet(format!("does not answer: {why}"), None),
            Err(Failed::Tls(why)) => Tried::Refused(format!("has no connection that can be trusted: {why}")),
            Err(Failed::Unreadable(why)) => Tried::Refused(format!("is not understood: {why}")),
            Err(Failed::NoHeader) => Tried::Refused("has a login with signs that no request can carry".to_owned()),
        }
    }
}

/// What an answer says of a notice.
fn judged(answer: &Answer) -> Tried {
    /// How much of its words is told.
    const WORDS: usize = 200;
    let words: String = shown(&String::from_utf8_lossy(&answer.body)).chars().take(WORDS).collect();
    let words = if words.is_empty() { words } else { format!(": {words}") };
    match answer.status {
        200..=299 => Tried::Taken,
        status @ (429 | 500..) => Tried::NotYet(format!("answers with status {status}{words}"), answer.retry_after),
        300..=399 => Tried::Refused("sends on to another address, which is not followed".to_owned()),
        status => Tried::Refused(format!("answers with status {status}{words}")),
    }
}
