use super::*;
use crate::scenario::source::SourceConfig;
use crate::settings::values::Property;
use crate::verdict::ExitCode;

fn refusal(text: &str) -> (String, Option<String>) {
    let error = Scenario::parse(text, Path::new("steady.toml")).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
    (error.to_string(), error.hint())
}

fn refused(text: &str, message: &str, hint: &str) {
    let (found, found_hint) = refusal(text);
    assert_eq!((found.as_str(), found_hint.as_deref().unwrap_or_default()), (message, hint), "{text}");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
    const SOURCE: &str = "[source]\nkind = \"synthetic\"\n";
    refused(&format!("lnaes = 2\n{SOURCE}"), "steady.toml line 1: unknown key \"lnaes\"", "did you mean lanes?");
    refused(&format!("{SOURCE}usres = 5\n"), "steady.toml line 3: unknown key \"usres\"", "did you mean users?");
    refused(
        &format!("{SOURCE}\n[kafka]\ntopic = \"t\"\ntopics = \"t\""),
        "steady.toml line 6: unknown key \"topics\"",
        "did you mean topic?",
    );
    refused(
        &format!("{SOURCE}[[phase]]\nrate = 5\n[[phase]]\nspede = 1"),
        "steady.toml line 6: unknown key \"spede\"",
        "did you mean speed?",
    );
    refused(
        &format!("{SOURCE}[[gate]]\nrule = \"lost == 0\"\nabrot = true"),
        "steady.toml line 5: unknown key \"abrot\"",
        "did you mean abort?",
    );
    refused(
        &format!("{SOURCE}[verify]\nxyzzy = 1"),
        "steady.toml line 4: unknown key \"xyzzy\"",
        "known here: enabled, group, consumers, group_protocol, assignor, commit, commit_interval, chaos_rebalance, \
         isolation, drain_deadline, reader_schema, expect, expect_deadline, close_windows",
    );
}

#[test]
fn a_source_must_say_its_kind() {
    refused(
        "name = \"x\"",
        "steady.toml line 1: there is no [source]",
        "[source] with kind = \"synthetic\" or \"retail_rocket\" says where events come from",
    );
    refused(
        "\n[source]\nusers = 5",
        "steady.toml line 2: [source] has no kind: write kind = \"synthetic\" or kind = \"retail_rocket\", or events = \"orders.toml\"",
        "",
    );
    refused(
        "[source]\nkind = \"retail_rocket\"",
        "steady.toml line 1: [source] has no path: write path = \"events.csv\"",
        "",
    );
    refused(
        "[source]\nkind = \"retailrocket\"",
        "steady.toml line 2: \"retailrocket\" is no kind of source",
        "the kinds are synthetic, own, retail_rocket and recorded",
    );
}

#[test]
fn values_that_cannot_be_are_named_with_their_line() {
    const SOURCE: &str = "[source]\nkind = \"synthetic\"\n";
    for (text, message) in [
        (
            format!("rate = 0\n{SOURCE}"),
            "steady.toml line 1: a rate must be above 0 and at most 1000000000/s, \"0\" is not",
        ),
        (
            format!("\nrate = -5\n{SOURCE}"),
            "steady.toml line 2: \"-5\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m",
        ),
        (
            format!("lanes = 70000\n{SOURCE}"),
            "steady.toml line 1: invalid value: integer `70000`, expected a number from 0 to 65535",
        ),
        (
            format!("duration = 5\n{SOURCE}"),
            "steady.toml line 1: \"5\" is no duration: write 250ms, 5s, 1m30s, 2h or 7d",
        ),
        (format!("{SOURCE}[kafka]\nacks = \"two\""), "steady.toml line 4: \"two\" is none of all, 1, 0"),
        (format!("pacing = \"hop\"\n{SOURCE}"), "steady.toml line 1: \"hop\" is none of sleep, spin"),
    ] {
        refused(&text, message, "");
    }
    let speed = refusal(&format!("speed = 0\n{SOURCE}")).0;
    assert!(speed.starts_with("steady.toml line 1: a speed must be a number above 0"), "{speed}");
    let broken = refusal(&format!("{SOURCE}users = \n")).0;
    assert!(broken.starts_with("steady.toml line 3: "), "{broken}");
}

#[test]
fn numbers_and_texts_are_both_read_where_a_unit_can_stand() {
    let read = |text: &str| Scenario::parse(text, Path::new("s")).unwrap();
    let source = "[source]\nkind = \"synthetic\"\n[kafka]\n";
    let by_number = read(&format!("rate = 500\nspeed = 0.5\n{source}acks = 1\n[kafka.client]\nretries = 3\nx = true"));
    let by_text = read(&format!(
        "rate = \"500/s\"\nspeed = \"0.5x\"\n{source}acks = \"1\"\n[kafka.client]\nretries = \"3\"\nx = \"true\""
    ));
    assert_eq!(by_number, by_text);
}

#[test]
fn a_missing_scenario_is_named() {
    let error = Scenario::load(Path::new("/nonexistent/steady.toml")).unwrap_err();
    assert!(error.to_string().starts_with("scenario /nonexistent/steady.toml cannot be read: "), "{error}");
    assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
}

#[test]
fn relative_paths_are_relative_to_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replay.toml");
    std::fs::write(
        &path,
        "[source]\nkind = \"retail_rocket\"\npath = \"../d/x.csv\"\n[kafka]\ncommand_config = \"c.properties\"",
    )
    .unwrap();
    let scenario = Scenario::load(&path).unwrap();
    let SourceConfig::RetailRocket(config) = &scenario.source else { panic!("{scenario:?}") };
    assert_eq!(config.path, folder.path().join("../d/x.csv"));
    assert_eq!(scenario.settings.target.cluster.command_config, Some(folder.path().join("c.properties")));
    assert_eq!(scenario.settings.limits.setup.basics.name.as_deref(), Some("replay"));
}

#[test]
fn secrets_are_not_written() {
    let mut scenario = Scenario::default();
    scenario.settings.target.cluster.client = vec![Property::Set("sasl.password".to_owned(), "hunter2".to_owned())];
    let text = scenario.to_toml().unwrap();
    assert!(!text.contains("hunter2") && text.contains("\"sasl.password\" = \"[redacted]\""), "{text}");
}
