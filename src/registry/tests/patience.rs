//! What may pass is asked again until time is up; what is an answer is taken.

use std::thread;
use std::time::Duration;

use super::super::stub::{Mood, Stub};
use super::super::{Access, Registry, Trouble};
use super::{access, client, impatient, is_unreachable, question, view};

#[test]
fn a_registry_that_nobody_answers_at_is_told_with_its_address_when_time_is_up() {
    let nowhere = Stub::nowhere();
    let error = question(&impatient(&nowhere));
    assert!(is_unreachable(&error), "{error}");
    assert!(error.to_string().contains(&nowhere) && error.to_string().contains("orders-value"), "{error}");
    assert!(error.hint().contains("--schema-registry") && !error.is_an_answer());
}

#[test]
fn a_registry_that_hangs_or_hangs_up_is_not_waited_for_longer_than_was_said() {
    let stub = Stub::start();
    for mood in [Mood::Hangs, Mood::HangsUp] {
        stub.set(mood.clone());
        assert!(is_unreachable(&question(&impatient(&stub.url()))), "{mood:?}");
    }
    // Of an answer that was begun, too.
    stub.set(Mood::Answers(200, "Content-Length: 100\r\n", "[".to_owned()));
    let error = question(&impatient(&stub.url()));
    assert!(!error.is_an_answer(), "{error}");
}

#[test]
fn what_a_registry_cannot_answer_now_is_asked_again() {
    for status in [429, 500, 502, 503, 504] {
        let stub = Stub::start();
        stub.set(Mood::AnswersFirst(2, status, r#"{"error_code":50001,"message":"backend"}"#.to_owned()));
        assert_eq!(client(&stub).register("t", &view(), false), Ok(1), "{status}");
        assert_eq!(stub.asked().len(), 3);
    }
    let stub = Stub::start();
    stub.set(Mood::Answers(500, "", r#"{"error_code":50001,"message":"backend"}"#.to_owned()));
    let error = question(&impatient(&stub.url()));
    assert_eq!(error.trouble, Trouble::Busy(500, "50001: backend".to_owned()));
    assert!(stub.asked().len() > 1 && !error.is_an_answer());
}

#[test]
fn a_refusal_is_not_asked_for_again() {
    for status in [400, 403, 404, 409, 418, 422] {
        let stub = Stub::start();
        stub.set(Mood::Answers(status, "", "{}".to_owned()));
        question(&client(&stub));
        assert_eq!(stub.asked().len(), 1, "{status}");
    }
}

#[test]
fn a_registry_says_itself_when_it_wants_to_be_asked_again() {
    let stub = Stub::start();
    stub.set(Mood::Answers(429, "Retry-After: 3600\r\n", String::new()));
    let error = question(&client(&stub));
    assert_eq!(error.trouble, Trouble::Busy(429, String::new()));
    assert_eq!(stub.asked().len(), 1, "an hour is longer than is waited");
}

#[test]
fn the_next_address_is_asked_where_one_does_not_answer_and_kept_from_then_on() {
    let (first, second) = (Stub::start(), Stub::start());
    first.set(Mood::Answers(503, "", String::new()));
    let all = format!("{},{},{}", Stub::nowhere(), first.url(), second.url());
    let registry = Registry::new(&Access::at(&all).unwrap()).unwrap();
    assert_eq!(registry.register("t", &view(), false), Ok(1));
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    registry.versions("t").unwrap();
    assert_eq!((first.asked().len(), second.asked().len()), (1, 2));
}

#[test]
fn an_address_that_hangs_leaves_the_next_one_its_share_of_the_time() {
    let (hangs, well) = (Stub::start(), Stub::start());
    hangs.set(Mood::Hangs);
    let access =
        Access { timeout: Duration::from_secs(2), ..Access::at(&format!("{},{}", hangs.url(), well.url())).unwrap() };
    assert_eq!(Registry::new(&access).unwrap().register("t", &view(), false), Ok(1));
}

#[test]
fn a_registry_that_was_away_is_found_again_and_what_was_known_is_known_in_between() {
    let mut stub = Stub::start();
    let registry = Registry::new(&Access { timeout: Duration::from_secs(60), ..access(&stub) }).unwrap();
    registry.register("t", &view(), false).unwrap();
    let found = registry.lookup("t", &view(), false).unwrap();
    stub.stop();
    assert_eq!(*registry.schema(1).unwrap(), view());
    assert_eq!(registry.lookup("t", &view(), false).unwrap(), found);
    let asks = thread::spawn(move || registry.versions("t"));
    stub.start_again();
    assert_eq!(asks.join().unwrap().unwrap(), [1]);
}
