//! Alerts: gates that are broken, told to others while a run goes on and at its end.
//!
//! [`watch`] decides once a second, and at the end, what is raised, repeated and resolved; [`courier`] carries such notices, those
//! of each alert on a thread of its own behind a queue with bounds, so that nobody who is away or slow holds the run up.

mod body;
mod courier;
mod notice;
mod signature;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::{self, Clock as _, Monotonic, Nanos};
use crate::http::{Address, Secret};
use crate::report::GateResult;
use crate::report::alerts::{AlertReport, Incident};
use courier::Courier;
use notice::Notice;
use watch::{Change, Rule, Watch};

/// The name of the gates of an alert that is about all of them.
pub const ALL: &str = "all";

/// Labels that an alert has by itself.
pub const OWN_LABELS: [&str; 5] = ["alertname", "gate", "run", "run_id", "shard"];

/// Raised alerts that are told one by one; the counts have all.
const TOLD: usize = 100;

/// An alert of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// The name or the rule of its gate; `None`: each of them raises one.
    pub gate: Option<String>,
    /// Who is told.
    pub receiver: Receiver,
    /// Labels beside [`OWN_LABELS`].
    pub labels: BTreeMap<String, String>,
    /// Annotations; one of loadgen's own names takes its place.
    pub annotations: BTreeMap<String, String>,
    /// How long a gate must be broken while the run goes on.
    pub hold: Duration,
    /// How often it is told again while it lasts.
    pub resend: Duration,
    /// The longest time in which a notice is tried; at the end the run waits as long for the last ones.
    pub deadline: Duration,
    /// Whether a gate that is unevaluated at the end raises it too.
    pub on_unevaluated: bool,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// An Alertmanager, by its API v2.
    Alertmanager(Address),
    /// Anybody who takes what an Alertmanager sends, signed with a secret.
    Webhook(Address, Secret),
}

impl Receiver {
    /// Where it is, as it may be shown.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Alertmanager(address) | Self::Webhook(address, _) => &address.url,
        }
    }

    /// Its word in scenarios and reports.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Alertmanager(_) => "alertmanager",
            Self::Webhook(..) => "webhook",
        }
    }
}

impl Alert {
    fn is_about(&self, gate: &GateResult) -> bool {
        self.gate.as_ref().is_none_or(|wanted| gate.name.as_ref() == Some(wanted) || gate.rule == *wanted)
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = self.gate.as_deref().unwrap_or("any gate");
        let hold = match self.hold {
            Duration::ZERO => format!("is broken: {what}"),
            hold => format!("has been broken for {hold:?}: {what}"),
        };
        let also = if self.on_unevaluated { ", or cannot be evaluated at the end" } else { "" };
        let whom = match &self.receiver {
            Receiver::Alertmanager(address) => format!("the Alertmanager at {}", address.url),
            Receiver::Webhook(address, _) => format!("the webhook at {}", address.url),
        };
        let Self { name, deadline, resend, .. } = self;
        format!(
            "{name} is told to {whom} when this {hold}{also}; tried for {deadline:?}, told again every {resend:?} while it \
             lasts, and once more when it is over"
        )
    }
}

/// Of which run an alert tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub run: String,
    /// Its id; empty where there is none.
    pub run_id: String,
    /// Which of its processes this is, where there are several.
    pub shard: Option<String>,
}

/// The alerts of a run that goes on.
#[derive(Debug)]
pub struct Alerts {
    each: Vec<Live>,
    /// By which notices are tried and waited for.
    clock: Monotonic,
    /// When the run was seen last, since its start.
    now: Nanos,
}

#[derive(Debug)]
struct Live {
    alert: Alert,
    watch: Watch,
    courier: Courier,
    /// When each alert was raised, in ns since the Unix epoch.
    raised: Vec<u64>,
    /// The first of them, for the report.
    incidents: Vec<Incident>,
    repeated: u64,
    resolved: u64,
}

impl Alerts {
    /// Makes ready to tell. What keeps it from that is told, and counted as alerts that were dropped: the run goes on.
    #[must_use]
    pub fn start(alerts: &[Alert], about: &About) -> Self {
        let clock = Monotonic::start();
        let live = |(place, alert): (usize, &Alert)| Live {
            alert: alert.clone(),
            watch: Watch::new(Rule { hold: alert.hold.into(), resend: alert.resend.into() }),
            courier: Courier::start(alert, about, place, clock),
            raised: Vec::new(),
            incidents: Vec::new(),
            repeated: 0,
            resolved: 0,
        };
        Self { each: alerts.iter().enumerate().map(live).collect(), clock, now: Nanos::ZERO }
    }

    /// Whether there is anybody to tell.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.each.is_empty()
    }

    /// The gates as they stand `now`, since the start of the run, while it goes on. Nobody is waited for.
    pub fn second(&mut self, gates: &[GateResult], now: Nanos) {
        self.now = now;
        for live in &mut self.each {
            live.see(gates, now, false, self.clock.now());
        }
    }

    /// The gates as they ended. Waits until that is told, each alert's deadline at most, and not on once `hurried`.
    pub fn end(mut self, gates: &[GateResult], hurried: &dyn Fn() -> bool) -> Vec<AlertReport> {
        let clock = self.clock;
        for live in &mut self.each {
            live.see(gates, self.now, true, clock.now());
            live.courier.close();
        }
        let began = clock.now();
        self.each.into_iter().map(|live| live.told(began, hurried)).collect()
    }
}

impl Live {
    fn see(&mut self, gates: &[GateResult], now: Nanos, at_end: bool, clock: Nanos) {
        let Self { alert, watch, .. } = self;
        let about = gates.iter().filter(|gate| alert.is_about(gate));
        let changes: Vec<_> = about
            .filter_map(|gate| {
                let change = if at_end { watch.end(gate, now, alert.on_unevaluated) } else { watch.see(gate, now) };
                change.map(|change| (change, gate))
            })
            .collect();
        for (change, gate) in changes {
            self.tell(change, gate, now, clock);
        }
    }

    fn tell(&mut self, change: Change, gate: &GateResult, now: Nanos, clock: Nanos) {
        let at_s = now.as_secs_f64();
        let number = match change {
            Change::Raised => {
                let number = self.raised.len();
                self.raised.push(clock::wall_unix_ns());
                self.watch.number(gate, number);
                if number < TOLD {
                    let gate_name = watch::called(gate).to_owned();
                    self.incidents.push(Incident { gate: gate_name, raised_s: at_s, ..Incident::default() });
                }
                number
            }
            Change::Repeated(number) => {
                self.repeated += 1;
                number
            }
            Change::Resolved(number) => {
                self.resolved += 1;
                self.incidents.get_mut(number).into_iter().for_each(|incident| incident.resolved_s = Some(at_s));
                number
            }
        };
        let began_ns = self.raised.get(number).copied().unwrap_or_default();
        self.courier.hand_over(Notice::new(change, gate, number, began_ns, clock));
    }

    /// What came of all of it, once it is told or its time is up.
    fn told(self, began: Nanos, hurried: &dyn Fn() -> bool) -> AlertReport {
        let Self { alert, courier, mut incidents, raised, repeated, resolved, .. } = self;
        let (fates, error) = courier.wait(began + alert.deadline.into(), hurried);
        let fate = |number: usize| fates.get(number).copied().unwrap_or_default();
        let mut report = AlertReport {
            name: alert.name,
            to: alert.receiver.as_str().to_owned(),
            url: alert.receiver.url().to_owned(),
            raised: raised.len() as u64,
            repeated,
            resolved,
            error,
            ..AlertReport::default()
        };
        for fate in (0..raised.len()).map(fate) {
            *report.of_mut(fate.outcome()) += 1;
            report.resolved_sent += u64::from(fate.resolution_sent);
        }
        for (number, incident) in incidents.iter_mut().enumerate() {
            incident.outcome = fate(number).outcome();
        }
        report.incidents = incidents;
        report
    }
}

/// Whether a webhook can be signed with that.
#[must_use]
pub fn signs(secret: &Secret) -> bool {
    signature::key(secret).is_ok()
}

#[cfg(test)]
mod tests;
