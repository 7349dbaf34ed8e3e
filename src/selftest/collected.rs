//! The self-test's fourth run: events that come in over HTTP, are answered, and suffer something between their answer
//! and the log. What each client was told must be what is so as far as the cluster's answers go, and what is not so
//! must be found.

mod client;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::forge::{Forge, Forged, IdPlace};
use super::tamper::{Harm, HarmPlan, HarmWiring, Harmed, Outgoing};
use super::{Config, Fault, Row, SelfTestError, Wire, run_config, table, unended};
use crate::clock::Nanos;
use crate::collect::{self, Server};
use crate::event::stamp::RunId;
use crate::exporter::Exporter;
use crate::report::Collected;
use crate::run::{self, Interrupts, Lanes, Outcome};
use crate::schedule::{Phase, Schedule, Shape};
use crate::settings::formats::Format;
use crate::source::Source;
use crate::source::web::{self, Inlet, RESERVED};
use client::{Client, Told};

/// What befalls its events. Two of them come in one request, and it befalls the first.
const PLAN: HarmPlan = HarmPlan {
    run: "HTTP",
    events: 300,
    harms: &[
        Harm::Dropped,
        Harm::Unanswered,
        Harm::AnswerLost,
        Harm::Refused,
        Harm::RefusedButWritten,
        Harm::Damaged,
        Harm::OtherKey,
        Harm::Twice,
        Harm::Swapped,
        Harm::Held,
    ],
    are_twins: false,
};
/// Events of one request.
const TOGETHER: u64 = 2;
/// Events that may wait, and bytes of requests.
const ROOM: (usize, usize) = (10, 1 << 20);
/// Requests of each kind that is not taken.
const BAD: u64 = 5;
/// The longest that it goes on.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the client of an event must be told.
const fn told(harm: Option<Harm>) -> Told {
    match harm {
        Some(Harm::Unanswered | Harm::AnswerLost) => Told::Status(503),
        Some(Harm::Refused | Harm::RefusedButWritten) => Told::Status(502),
        Some(Harm::Held) => Told::Nothing,
        _ => Told::Status(200),
    }
}

/// Makes the run, and tells what was done against what was found.
pub(super) fn rows(config: &Config, interrupts: &Interrupts) -> Result<Vec<Row>, SelfTestError> {
    let ended = |error: &dyn std::fmt::Display| SelfTestError::Ended(error.to_string());
    let types = web::Config { pass_through: true, ..web::Config::default() };
    let catalogue = Arc::new(types.catalogue().map_err(|error| ended(&error))?);
    let id = RunId(rand::random());
    let wire = Wire::from(Format::Json);
    let forge = Forge::new(Arc::clone(&catalogue), id, wire).with_ids_at(IdPlace::first_member(RESERVED[0]));
    let wiring = HarmWiring {
        rules: config.rules,
        harmed: Harmed::new(PLAN),
        damage: Arc::new(move |harm, event| damaged(&forge, harm, event)),
    };
    let inlet = Arc::new(Inlet::new(Arc::clone(&catalogue), ROOM.0, ROOM.1, Some(PLAN.events)));
    let exporter = Arc::new(Exporter::start(None, None).map_err(|error| ended(&error))?);
    let server = Server::start(collecting(), Arc::clone(&inlet), exporter).map_err(|error| ended(&error))?;
    let phases = vec![Phase::new("selftest", Shape::Arrivals, None)];
    let schedule = Schedule::new(phases, None).map_err(|error| ended(&error))?;
    let of_run = run::Config { catalogue, lanes: Lanes::only(1), ..run_config(config, id) };
    let is_over = AtomicBool::new(false);
    let (sent, outcome) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| Client::new(&server, &wiring.harmed, &is_over).send_all());
        let mut going_on = |tick: &run::Tick<'_>| {
            let is_late = tick.now >= Nanos::from(DEADLINE);
            let has_failed = sending.is_finished() && !are_all_taken(&server);
            if is_late || has_failed {
                ControlFlow::Break("requests did not go through".to_owned())
            } else {
                ControlFlow::Continue(())
            }
        };
        let outcome =
            run::run_through(&wiring, &of_run, &Source::Web(Arc::clone(&inlet)), schedule, interrupts, &mut going_on);
        is_over.store(true, Ordering::Release);
        (sending.join(), outcome)
    });
    let (collected, outcome) = (server.finish(), outcome?);
    let sent = sent.map_err(|_| ended(&"the client panicked"))?.map_err(|error| ended(&error))?;
    unended(&outcome)?;
    let is_told = |n: u64| sent.told(n / TOGETHER) == Some(told(PLAN.of(n)));
    Ok(wiring.harmed.rows(&outcome, is_told).into_iter().chain(sums(&sent, &collected, &outcome)).collect())
}

/// Whether all events were taken.
fn are_all_taken(server: &Server) -> bool {
    server.so_far().events.taken == PLAN.events
}

/// What the clients were told, what the collector says that it told, and what the ledger has.
fn sums(sent: &client::Sent, collected: &Collected, outcome: &Outcome) -> Vec<Row> {
    let events = &collected.events;
    let requests = |of: Told| {
        let harm_of = |request: u64| PLAN.of(request * TOGETHER);
        (0..PLAN.events / TOGETHER).filter(|request| told(harm_of(*request)) == of).count() as u64
    };
    let told_failed = requests(Told::Status(502)) + requests(Told::Status(503));
    let victims = |harms: &[Harm]| harms.iter().map(|harm| PLAN.victims(*harm).count() as u64).sum::<u64>();
    let (refused, unanswered, untold) = (
        victims(&[Harm::Refused, Harm::RefusedButWritten]),
        victims(&[Harm::Unanswered, Harm::AnswerLost]),
        TOGETHER * requests(Told::Nothing),
    );
    let acked = PLAN.events - refused - unanswered - untold;
    [
        ("received", PLAN.events, events.taken),
        ("told as acked", acked, sent.acked),
        ("told as refused", refused, sent.refused),
        ("told as unanswered", unanswered, sent.unanswered),
        ("answered 200", TOGETHER * requests(Told::Status(200)), events.told_acked),
        ("answered 502 or 503", TOGETHER * told_failed, events.told_failed),
        ("client gone", untold, events.untold),
        ("no event: 400", BAD, events.invalid),
        ("too many at once: 413", BAD * (ROOM.0 as u64 + 1), events.turned_away),
        ("does not sum", 0, u64::from(collected.broken(&outcome.report.ledger).is_some())),
    ]
    .map(|(name, expected, found)| table::total(&format!("{}: {name}", PLAN.run), expected, found))
    .into()
}

fn collecting() -> collect::Config {
    collect::Config {
        listen: "127.0.0.1:0".to_owned(),
        allow_origin: Vec::new(),
        pass_through: true,
        key_field: Vec::new(),
        is_async: false,
        max_body: ROOM.1,
        connections: 16,
        head_deadline: DEADLINE,
        body_deadline: DEADLINE,
        answer_deadline: DEADLINE,
        identity: None,
    }
}

fn damaged(forge: &Forge, harm: Harm, event: &Outgoing) -> Outgoing {
    let whole = Forged { key: event.key.clone(), value: event.value.clone(), headers: Box::default() };
    let fault = if harm == Harm::OtherKey { Fault::KeyBit } else { Fault::ValueBit };
    // What cannot be forged stays as it is, and is missed in the table.
    let Forged { key, value, .. } = forge.forge(fault, &whole).unwrap_or(whole);
    Outgoing { key, value, ..event.clone() }
}
