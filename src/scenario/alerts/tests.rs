//! Alerts that make sense, and those that do not.

use std::path::Path;

use super::*;
use crate::gate::{GateConfig, Names};
use crate::scenario::Scenario;

fn gates() -> Gates {
    let named = GateConfig { name: Some("speed".to_owned()), ..GateConfig::of_rule("response_time.p99 < 250ms") };
    Gates::new(&[named, GateConfig::of_rule("lost == 0")], &[], &Names::default()).unwrap()
}

fn environment() -> Environment {
    let secret = ("HOOK".into(), "hunter2".into());
    Environment::new([secret], None, Path::new("/nonexistent/.env")).unwrap()
}

type Read = Result<(Vec<Alert>, Vec<String>, Vec<AlertConfig>), ConfigError>;

fn read(text: &str, usual: Option<&str>) -> Read {
    let text = format!("[source]\nkind = \"synthetic\"\n{text}");
    let mut configs = Scenario::parse(&text, Path::new("x.toml"))?.alerts;
    let (alerts, warnings) = alerts_of(&mut configs, usual, &gates(), &environment())?;
    Ok((alerts, warnings, configs))
}

#[test]
fn an_alert_says_who_is_told_of_what() {
    let (alerts, warnings, written) = read(
        "[[alert]]\nname = \"A\"\ngate = \"speed\"\nurl = \"http://me:hunter2@am:9093/\"\nfor = \"10s\"\nresend = \"1m\"\n\
         labels = { team = \"x\" }\n[[alert]]\nname = \"B\"\ngate = \"lost==0\"\non = \"unevaluated\"\nto = \"webhook\"\n\
         url = \"https://host/hook\"\nsecret_env = \"HOOK\"\n",
        None,
    )
    .unwrap();
    assert_eq!((alerts.len(), warnings.len()), (2, 0));
    assert_eq!((alerts[0].gate.as_deref(), alerts[1].gate.as_deref()), (Some("speed"), Some("lost == 0")));
    assert_eq!((alerts[0].hold, alerts[0].resend), (Duration::from_secs(10), Duration::from_secs(60)));
    assert!(matches!(&alerts[0].receiver, Receiver::Alertmanager(address) if address.user_info.is_some()));
    assert!(alerts[1].on_unevaluated && !alerts[0].on_unevaluated);
    let scenario = Scenario { alerts: written.clone(), ..Scenario::default() };
    let text = scenario.to_toml().unwrap();
    assert!(!text.contains("hunter2") && text.contains("http://am:9093\""), "{text}");
    assert_eq!(Scenario::parse(&text, Path::new("x.toml")).unwrap().alerts, written);
}

#[test]
fn the_option_is_where_alerts_go_that_say_nothing_and_else_one_of_all_gates() {
    let (plain, ..) = read("", Some("http://am:9093")).unwrap();
    assert_eq!((plain.len(), plain[0].name.as_str(), &plain[0].gate), (1, USUAL_NAME, &None));
    let open = "[[alert]]\nname = \"A\"\ngate = \"all\"\n";
    let (alerts, ..) = read(open, Some("http://am:9093")).unwrap();
    assert_eq!((alerts.len(), alerts[0].receiver.url()), (1, "http://am:9093"));
    let own = format!("{open}url = \"http://own:9093\"\n");
    let (alerts, ..) = read(&own, Some("http://am:9093")).unwrap();
    assert_eq!(
        alerts.iter().map(|alert| alert.receiver.url()).collect::<Vec<_>>(),
        ["http://own:9093", "http://am:9093"]
    );
    let (alerts, warnings, _) = read(open, None).unwrap();
    assert!(alerts.is_empty() && warnings[0].contains("--alert URL"), "{warnings:?}");
}

#[test]
fn an_alert_that_makes_no_sense_is_refused_with_what_to_write() {
    let refused = |keys: &str| {
        let error = read(&format!("[[alert]]\n{keys}\n"), None).unwrap_err();
        let told = format!("{error} | {}", error.hint().unwrap_or_default());
        assert!(!told.contains("hunter2"), "{told}");
        told
    };
    for (keys, told) in [
        ("name = \"A\"\ngate = \"sped\"", "there is no gate \"sped\" | did you mean speed?"),
        ("name = \"A\"\ngate = \"no_violatoin\"", "did you mean no_violation?"),
        ("name = \"A\"\ngate = \"zebra_stripes\"", "there are speed, lost == 0, "),
        ("gate = \"speed\"", "an [[alert]] has no name"),
        ("name = \"A\"\nurl = \"am:9093\"", "the url of alert A does not begin with http:// or https://"),
        ("name = \"A\"\nurl = \"http://am/?token=hunter2\"", "has more than a path behind its host"),
        ("name = \"A\"\nurl = \"http://hunter2@am\"", "has a login that is not user:password"),
        ("name = \"A\"\nresend = \"0s\"", "resend and deadline must be above 0s"),
        ("name = \"A\"\nlabels = { run_id = \"x\" }", "the label run_id is loadgen's own"),
        ("name = \"A\"\nlabels = { \"a-b\" = \"x\" }", "\"a-b\" is no name of a label"),
        ("name = \"A\"\nurl = \"http://am\"\nsecret_env = \"HOOK\"", "an Alertmanager takes no signature"),
        ("name = \"A\"\nto = \"webhook\"\nsecret_env = \"HOOK\"", "a webhook needs an url"),
        ("name = \"A\"\nto = \"webhook\"\nurl = \"http://h\"", "a webhook is signed, and has no secret"),
        ("name = \"A\"\nto = \"webhook\"\nurl = \"http://h\"\nsecret_env = \"NONE\"", "the variable NONE is not set"),
        ("name = \"A\"\nto = \"webhook\"\nurl = \"http://h\"\nsecret_file = \"/nonexistent/s\"", "/nonexistent/s"),
        ("name = \"A\"\nto = \"pager\"", "\"pager\" is none of alertmanager, webhook"),
        ("name = \"A\"\nsecret = \"hunter2\"", "unknown key \"secret\""),
        ("name = \"A\"\n[[alert]]\nname = \"A\"", "two alerts are named \"A\""),
    ] {
        let found = refused(keys);
        assert!(found.contains(told), "{keys}: {found}");
    }
    assert!(read("", Some("http://x?y")).unwrap_err().to_string().starts_with("the url of --alert has more"));
}
