use super::*;

fn config(scenario: &str) -> PhaseConfig {
    toml::from_str(scenario).unwrap()
}

fn phase(scenario: &str) -> Phase {
    config(scenario).try_into().unwrap()
}

fn refusal(scenario: &str) -> PhaseError {
    Phase::try_from(config(scenario)).unwrap_err()
}

#[test]
fn every_schedule_is_made_from_its_fields() {
    let seconds = |s| Some(Nanos::from_secs(s));
    for (scenario, name, duration, count) in [
        ("rate = \"10/s\"\nduration = \"60s\"", "constant", seconds(60), Some(600)),
        ("schedule = \"ramp\"\nfrom = 0\nto = 100\nduration = \"10s\"", "ramp", seconds(10), Some(500)),
        (
            "schedule = \"ramp\"\nfrom = 0\nto = 100\nover = \"10s\"\nduration = \"20s\"",
            "ramp",
            seconds(20),
            Some(1_500),
        ),
        (
            "schedule = \"ramp\"\nfrom = 1\nto = 10\ngrowth = \"exponential\"\nduration = \"100s\"",
            "ramp",
            seconds(100),
            Some(391),
        ),
        ("schedule = \"steps\"\nrates = [1, 2, 3]\neach = \"10s\"", "steps", seconds(30), Some(60)),
        ("schedule = \"steps\"\nrates = [1, 2, 3]\nduration = \"30s\"", "steps", seconds(30), Some(60)),
        ("schedule = \"steps\"\nfrom = 3\nto = 1\nstep = 1\neach = \"10s\"", "steps", seconds(30), Some(60)),
        (
            "schedule = \"sine\"\nmean = 10\namplitude = 5\nperiod = \"4s\"\nduration = \"8s\"",
            "sine",
            seconds(8),
            Some(80),
        ),
        (
            "schedule = \"spike\"\nbase = 1\npeak = 11\nat = \"10s\"\nrise = \"2s\"\nhold = \"5s\"\nduration = \"30s\"",
            "spike",
            seconds(30),
            Some(100),
        ),
        ("schedule = \"poisson\"\nrate = 10\nseed = 1", "poisson", None, None),
        (
            "schedule = \"bursts\"\nrate = 10\non = \"1s\"\noff = \"9s\"\nduration = \"20s\"",
            "bursts",
            seconds(20),
            Some(20),
        ),
        ("schedule = \"replay\"\nspeed = \"100x\"", "replay", None, None),
        ("schedule = \"curve\"\npoints = [[\"0s\", 0], [\"10s\", \"100/s\"]]", "curve", seconds(10), Some(500)),
        ("schedule = \"unlimited\"", "unlimited", None, None),
    ] {
        let phase = phase(scenario);
        assert_eq!((phase.shape.name(), phase.duration), (name, duration), "{scenario}");
        assert_eq!(phase.duration.and_then(|span| phase.shape.due_before(span)), count, "{scenario}");
    }
}

#[test]
fn what_makes_no_phase_is_refused_by_its_field() {
    for (scenario, message) in [
        ("", "schedule \"constant\" needs `rate`"),
        ("schedule = \"ramp\"\nfrom = 1\nduration = \"1s\"", "schedule \"ramp\" needs `to`"),
        ("schedule = \"ramp\"\nfrom = 1\nto = 2", "schedule \"ramp\" needs `duration`"),
        (
            "schedule = \"ramp\"\nfrom = 0\nto = 0\nduration = \"1s\"",
            "this rate is 0 all the time, so nothing would ever be due",
        ),
        (
            "schedule = \"ramp\"\nfrom = 0\nto = 2\ngrowth = \"exponential\"\nduration = \"1s\"",
            "an exponential ramp cannot start or end at 0/s: give a rate above that, or growth = \"linear\"",
        ),
        (
            "rate = 1\namplitude = 1",
            "schedule \"constant\" has no use for `amplitude`; beside name, duration, until and warm_up it takes `rate`",
        ),
        (
            "schedule = \"unlimited\"\nrate = 1",
            "schedule \"unlimited\" has no use for `rate`; beside name, duration, until and warm_up it takes nothing",
        ),
        ("rate = 1\nduration = \"0s\"", "`duration` must be longer than 0s"),
        (
            "schedule = \"sine\"\nmean = 1\namplitude = 2\nperiod = \"1s\"",
            "an amplitude of 2/s is above the mean of 1/s: the rate would fall below 0",
        ),
        (
            "schedule = \"steps\"\nrates = [1]\nfrom = 1\neach = \"1s\"",
            "schedule \"steps\" takes `rates` or `from`, not both",
        ),
        (
            "schedule = \"steps\"\nfrom = 1\nto = 10\nstep = 4\neach = \"1s\"",
            "no whole number of steps of 4/s (at most 10000) leads from 1/s to 10/s",
        ),
        ("schedule = \"steps\"\nrates = [1]", "schedule \"steps\" needs `each`"),
        ("schedule = \"curve\"", "schedule \"curve\" needs `points`"),
        ("schedule = \"curve\"\nfile = \"day.csv\"", "the points in day.csv have not been read"),
        (
            "schedule = \"curve\"\npoints = [[\"0s\", 1], [\"5s\", 1], [\"4s\", 1]]",
            "point 3 of the curve, at 4s, is earlier than the one before it",
        ),
    ] {
        assert_eq!(refusal(scenario).to_string(), message);
    }
}

#[test]
fn values_that_are_none_are_refused_while_reading() {
    for (scenario, message) in [
        ("rate = \"fast\"", "\"fast\" is no rate"),
        ("rate = -5", "\"-5\" is no rate"),
        ("rate = 0", "a rate must be above 0"),
        ("rate = 20000000000", "at most 1000000000/s"),
        ("rate = 1\nduration = 60", "\"60\" is no duration"),
        ("rate = 1\nspeeed = 1", "unknown field `speeed`"),
        ("schedule = \"zigzag\"", "unknown variant `zigzag`"),
        ("schedule = \"curve\"\npoints = [[\"0s\", -1]]", "\"-1\" is no rate"),
    ] {
        let error = toml::from_str::<PhaseConfig>(scenario).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_bad_phase_is_named_by_its_place() {
    let configs = vec![config("rate = 1"), config("name = \"peak\"\nschedule = \"ramp\"\nfrom = 1")];
    let error = phases(configs).unwrap_err();
    assert_eq!(error.to_string(), "phase 2 (\"peak\"): schedule \"ramp\" needs `to`");
}

#[test]
fn unnamed_phases_of_one_kind_are_numbered() {
    let configs = ["rate = 1", "rate = 2\nname = \"busy\"", "rate = 3", "schedule = \"unlimited\""].map(config);
    let names: Vec<_> = phases(configs.into()).unwrap().into_iter().map(|phase| phase.name).collect();
    assert_eq!(names, ["constant-1", "busy", "constant-3", "unlimited"]);
}

#[test]
fn what_is_written_is_read_back() {
    let scenario = "name = \"day\"\nschedule = \"curve\"\nduration = \"90s\"\nwarm_up = true\n\
                    points = [[\"0s\", \"0/s\"], [\"1500ms\", \"0.5/s\"]]\n";
    let config = config(scenario);
    assert_eq!(toml::to_string(&config).unwrap(), scenario);
    assert!(Phase::try_from(config).unwrap().warm_up);
}

#[test]
fn points_from_a_file_take_its_place() {
    let mut config = config("schedule = \"curve\"\nfile = \"day.csv\"");
    assert_eq!(config.curve_file(), Some(std::path::Path::new("day.csv")));
    config.set_points(vec![(Nanos::ZERO, Level::Zero), (Nanos::from_secs(2), "100".parse().unwrap())]);
    assert_eq!(config.curve_file(), None);
    assert_eq!(Phase::try_from(config).unwrap().duration, Some(Nanos::from_secs(2)));
}
