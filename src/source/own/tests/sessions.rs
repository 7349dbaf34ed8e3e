//! Declared types in sessions.

use std::collections::HashMap;

use super::*;
use crate::source::synthetic::Model;

const STEPS: &str = r#"
[visit]
key = "user"
start = 0.75
next = { visit = 0.5, order = 0.25 }
think = "20s"
fields = { id = "uuid", type = { constant = "visit" }, user = { pool = 500, skew = 0.5 }, session = { like = "uuid", per = "session" } }

[order]
key = "user"
start = 0.25
next = { payment = 1 }
fields = { id = "uuid", type = { constant = "order" }, user = { pool = 500, skew = 0.5 }, session = { like = "uuid", per = "session" } }

[payment]
key = "user"
think = "90s"
fields = { id = "uuid", type = { constant = "payment" }, user = { pool = 500, skew = 0.5 }, session = { like = "uuid", per = "session" } }
"#;

fn sessions(text: &str) -> Config {
    Config { model: Some(Model::Sessions), concurrent: Some(100), ..config(text) }
}

fn drawn(own: &Arc<Own>, lane: u16, lanes: u16, count: usize) -> Vec<Event> {
    let mut lane = own.lane(lane, lanes).unwrap();
    (0..count).map(|_| lane.draw().event).collect()
}

#[test]
fn types_come_as_often_as_the_steps_say_and_a_session_is_of_one_key() {
    let own = Arc::new(Own::new(&sessions(STEPS), 3).unwrap());
    let events = drawn(&own, 0, 1, 60_000);
    let mut seen = [0.0_f64; 3];
    let mut of_session: HashMap<u64, Vec<Event>> = HashMap::new();
    for event in &events {
        seen[event.kind().index()] += 1.0 / 60_000.0;
        of_session.entry(event.session).or_default().push(*event);
    }
    // 1.5 visits, 0.25 + 0.375 orders, as many payments.
    let all = 1.5 + 2.0 * 0.625;
    for (seen, expected) in seen.iter().zip([1.5 / all, 0.625 / all, 0.625 / all]) {
        assert!((seen - expected).abs() < 0.01, "{seen} instead of {expected}");
    }
    for steps in of_session.values() {
        assert!(steps.iter().all(|event| event.key == steps[0].key));
        let kinds: Vec<u16> = steps.iter().map(|event| event.kind().0).collect();
        assert!(kinds.is_sorted(), "{kinds:?}");
    }
    let (first, other) = (value(&own, &events[0]), value(&own, &events[0]));
    assert_eq!(first, other);
    let session = |event: &Event| match value(&own, event) {
        Value::Record(fields) => fields[3].clone(),
        value => panic!("{value:?}"),
    };
    let longest = of_session.values().max_by_key(|steps| steps.len()).unwrap();
    assert!(longest.len() > 3 && longest.iter().all(|event| session(event) == session(&longest[0])));
    let others = of_session.values().filter(|steps| session(&steps[0]) == session(&longest[0])).count();
    assert_eq!(others, 1);
}

#[test]
fn an_event_of_a_session_is_a_function_of_its_lane_and_number() {
    let own = Arc::new(Own::new(&sessions(STEPS), 8).unwrap());
    let events = drawn(&own, 1, 3, 1_000);
    assert!(events.iter().all(|event| event.key.unwrap() % 3 == 1));
    let mut lane = own.lane(1, 3).unwrap();
    for n in [999, 500, 501, 3] {
        lane.skip_to(n);
        assert_eq!(lane.draw().event, events[usize::try_from(n).unwrap()]);
    }
}

#[test]
fn steps_that_cannot_be_are_told() {
    let told = |text: &str| Own::new(&sessions(text), 1).map(drop).unwrap_err().to_string();
    assert_eq!(
        told(&STEPS.replace("start = 0.75", "start = 0.5")),
        "sessions start with a type of all with a probability of 0.75, and not of 1"
    );
    assert_eq!(
        told(&STEPS.replace("visit = 0.5", "visit = 0.8")),
        "visit.next: what comes next sums to 1.05: at most 1, the rest leave"
    );
    assert_eq!(told(&STEPS.replace("payment = 1", "paymnt = 1")), "order.next.paymnt: \"paymnt\" is no event type");
    assert_eq!(
        told(&STEPS.replace("visit = 0.5, order = 0.25", "visit = 1")),
        "sessions do not end: let some leave, by a `next` that sums to less than 1"
    );
    assert!(told(&STEPS.replace("\"20s\"", "\"0s\"")).starts_with("visit.think: 0ns is no mean think time"));
    assert!(told(&STEPS.replace("\"20s\"", "\"20\"")).starts_with("visit.think: \"20\" is no duration"));
    assert!(
        told(&STEPS.replacen("pool = 500", "pool = 400", 1))
            .starts_with("a session is of one key, so the keys of all types")
    );
    let crowd = Config { concurrent: Some(0), ..sessions(STEPS) };
    assert!(Own::new(&crowd, 1).unwrap_err().to_string().starts_with("concurrent: 0 sessions: there must be 1 to"));
    assert!(Own::new(&config(STEPS), 1).is_ok(), "without sessions the steps say nothing");
}
