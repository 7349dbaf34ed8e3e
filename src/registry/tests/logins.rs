//! Who asks, and that nobody hears of it who should not.

use std::fs;

use super::super::stub::Stub;
use super::super::{Access, BadAccess, Login, Registry, Trouble};
use super::{access, client, question, view};
use crate::http::BadFile;

/// `me:hunter2` in base64.
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

#[test]
fn a_user_and_password_are_sent_from_the_setting_and_from_the_address() {
    let stub = Stub::start();
    stub.let_in(BASIC);
    let from_setting = Access { login: Login::basic("me:hunter2").unwrap(), ..access(&stub) };
    let from_address = Access::at(&stub.url_of("me:hunter2")).unwrap();
    let both = Access { login: Login::basic("somebody:else").unwrap(), ..from_address.clone() };
    for access in [from_setting, from_address, both] {
        Registry::new(&access).unwrap().register("t", &view(), false).unwrap();
    }
}

#[test]
fn a_login_that_is_missing_or_wrong_is_told_without_the_password_and_not_tried_twice() {
    let stub = Stub::start();
    stub.let_in(BASIC);
    let error = question(&client(&stub));
    assert!(matches!(error.trouble, Trouble::NotLoggedIn { as_whom: "nobody", .. }), "{error}");
    assert!(error.hint().contains("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"), "{}", error.hint());
    assert_eq!(stub.asked().len(), 1);
    let wrong = Registry::new(&Access::at(&stub.url_of("me:hunter3")).unwrap()).unwrap();
    let error = question(&wrong);
    assert!(matches!(error.trouble, Trouble::NotLoggedIn { as_whom: "a user and password", .. }), "{error}");
    let told = format!("{error} {} {error:?} {wrong:?}", error.hint());
    assert!(told.contains("401") && told.contains("40101") && !told.contains("hunter3"), "{told}");
    assert!(!told.contains("bWU6aHVudGVyMw"), "{told}");
    assert!(!error.is_an_answer());
    assert_eq!(stub.asked().len(), 2);
}

#[test]
fn a_right_that_was_taken_away_is_told_with_the_subject_it_is_missing_on() {
    let stub = Stub::start();
    stub.take_rights_away();
    let error = client(&stub).register("t-value", &view(), false).unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotAllowed(_)), "{error}");
    assert!(error.to_string().contains("40301") && error.hint().contains("t-value"), "{error} {}", error.hint());
    assert!(!error.is_an_answer());
}

#[test]
fn a_token_that_was_replaced_is_read_again_when_the_old_one_is_refused() {
    let stub = Stub::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "first\n").unwrap();
    stub.let_in("Bearer first");
    let registry = Registry::new(&Access { login: Login::Token(path.clone()), ..access(&stub) }).unwrap();
    registry.register("t", &view(), false).unwrap();
    stub.let_in("Bearer second");
    fs::write(&path, "second").unwrap();
    assert_eq!(registry.versions("t").unwrap(), [1]);
    assert_eq!(registry.versions("t").unwrap(), [1]);
    let said: Vec<_> = stub.asked().into_iter().map(|asked| asked.authorization.unwrap()).collect();
    assert_eq!(said, ["Bearer first", "Bearer first", "Bearer second", "Bearer second"]);

    stub.let_in("Bearer third");
    let error = registry.versions("t").unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotLoggedIn { as_whom: "a token", .. }), "{error}");
    assert_eq!(stub.asked().len(), 5, "the same token is not tried twice");
    fs::remove_file(&path).unwrap();
    let error = registry.versions("t").unwrap_err();
    assert!(error.to_string().contains("token"), "{error}");
    assert!(!format!("{error} {error:?} {registry:?}").contains("second"), "{registry:?}");
}

#[test]
fn a_token_file_that_holds_none_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    for text in ["", " \n", "hunter2 hunter2", "hunter2\nX-Other: header", "hunter2\u{e9}"] {
        fs::write(&path, text).unwrap();
        let access = Access { login: Login::Token(path.clone()), ..Access::at("http://host").unwrap() };
        let error = Registry::new(&access).unwrap_err();
        assert!(matches!(error, BadAccess::File(BadFile { what: "the token file", .. })), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let access = Access { login: Login::Token(folder.path().join("none")), ..Access::at("http://host").unwrap() };
    assert!(Registry::new(&access).unwrap_err().to_string().contains("none"));
}
