//! How fast a run goes, and for how long: rates, shapes, phases, durations.

use super::*;

fn rate_of(plan: &Plan) -> String {
    match &plan.pace {
        Pace::Phases(phases) => format!("{:?}", phases.iter().map(|phase| &phase.shape).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

#[test]
fn speed_multiplies_a_synthetic_rate_whoever_says_it() {
    assert_eq!(rate_of(&plan("synth --rate 10/s --speed 100")), rate_of(&plan("synth --rate 1000/s")));
    let by_variable = resolved("synth --rate 10/s", &[], &[("PRODUCER_SPEED", "100")]).unwrap().plan;
    assert_eq!(rate_of(&by_variable), rate_of(&plan("synth --rate 1000/s")));
    let too_fast = error("synth --rate 1000000/s --speed 1000000", &[], &[]);
    assert_eq!(too_fast.to_string(), "the rate of a phase times 1000000x is no rate");
}

#[test]
fn a_rate_over_a_scenario_replaces_its_phases_for_as_long() {
    const PHASES: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nname = \"a\"\nrate = \"5/s\"\nduration = \"10s\"\n\
                          [[phase]]\nname = \"b\"\nrate = \"50/s\"\nduration = \"20s\"";
    let kept = run_of(PHASES, "--speed 2", &[]).unwrap();
    let Pace::Phases(phases) = &kept.plan.pace else { panic!("{:?}", kept.plan.pace) };
    assert_eq!(phases.len(), 2);
    let replaced = run_of(PHASES, "--rate 7/s", &[]).unwrap();
    let Pace::Phases(phases) = &replaced.plan.pace else { panic!("{:?}", replaced.plan.pace) };
    assert_eq!(phases.len(), 1);
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(30)));
    assert_eq!(replaced.warnings, ["--rate replaces the 2 phases of the scenario"]);
}

#[test]
fn a_duration_cuts_phases_and_never_stretches_several() {
    const PHASES: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nname = \"a\"\nrate = \"5/s\"\nduration = \"10s\"\n\
                          [[phase]]\nname = \"b\"\nrate = \"50/s\"\nduration = \"20s\"";
    let lengths = |words: &str| -> Vec<u64> {
        let Pace::Phases(phases) = run_of(PHASES, words, &[]).unwrap().plan.pace else { panic!() };
        phases.iter().map(|phase| phase.duration.unwrap().0 / 1_000_000_000).collect()
    };
    assert_eq!(lengths(""), [10, 20]);
    assert_eq!(lengths("--duration 25s"), [10, 15]);
    assert_eq!(lengths("--duration 10s"), [10]);
    assert_eq!(lengths("--duration 30s"), [10, 20]);
    let longer = run_of(PHASES, "--duration 1m", &[]).unwrap_err();
    assert_eq!(longer.to_string(), "--duration (the command line): the phases end 30s earlier");
    assert_eq!(longer.hint().as_deref(), Some("make the last phase longer, or leave the duration out"));
    let Pace::Phases(one) = plan("synth --duration 90s").pace else { panic!() };
    assert_eq!(one[0].duration, Some(crate::clock::Nanos::from_secs(90)));
}

#[test]
fn what_a_duration_cuts_off_is_told() {
    const THREE: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nrate = \"5/s\"\nduration = \"10s\"\n\
                         [[phase]]\nname = \"climb\"\nschedule = \"steps\"\nrates = [1, 2]\neach = \"10s\"\n\
                         [[phase]]\nname = \"last\"\nrate = \"5/s\"";
    let warnings = |words: &str| run_of(THREE, words, &[]).unwrap().warnings;
    assert_eq!(warnings("--duration 1m"), [""; 0]);
    assert_eq!(warnings("--duration 30s"), ["--duration cuts off phase 3 (\"last\")"]);
    assert_eq!(warnings("--duration 15s"), ["--duration cuts off phase 2 (\"climb\") after 5s, phase 3 (\"last\")"]);
    assert_eq!(
        warnings("--duration 4s"),
        ["--duration cuts off phase 1 (constant) after 4s, phase 2 (\"climb\"), phase 3 (\"last\")"]
    );
}

#[test]
fn a_stronger_level_may_cut_a_spike_that_its_own_level_may_not() {
    const SPIKE: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"spike\"\nbase = 10\npeak = 20\n\
                         at = \"30s\"\nhold = \"5s\"\n";
    let too_long = "the spike (`at` + `rise` + `hold` + `fall`) ends 35s into the phase, which ends after 20s";
    let cut = run_of(SPIKE, "--duration 20s", &[]).unwrap();
    assert_eq!(cut.warnings, ["--duration cuts off phase 1 (spike) after 20s"]);
    let Pace::Phases(phases) = &cut.plan.pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(20)));
    let again = run_of(&cut.scenario.to_toml().unwrap(), "", &[]).unwrap();
    assert_eq!((again.plan.pace, again.warnings.len()), (cut.plan.pace, 0), "the run can be repeated from its folder");
    let refusals: [fn() -> Result<Resolved, ConfigError>; 4] = [
        || run_of(&format!("{SPIKE}duration = \"20s\""), "", &[]),
        || run_of(&format!("duration = \"20s\"\n{SPIKE}"), "", &[]),
        || resolved("synth --shape spike:base=10,peak=20,at=30s,hold=5s --duration 20s", &[], &[]),
        || resolved("synth --shape spike:base=10,peak=20,at=30s,hold=5s", &[("LOADGEN_DURATION", "20s")], &[]),
    ];
    for refused in refusals.map(|refused| refused().unwrap_err()) {
        let said = refused.to_string();
        assert!(said.starts_with("phase 1") && said.contains(too_long), "{said}");
    }
}

#[test]
fn the_points_of_a_file_tell_how_long_its_phase_lasts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,100/s\n").unwrap();
    let scenario = folder.path().join("day.toml");
    let text = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"curve\"\nfile = \"day.csv\"\n\
                [[phase]]\nrate = 5\nduration = \"20s\"";
    std::fs::write(&scenario, text).unwrap();
    let run = |words: &str| resolved(&format!("run {} {words}", scenario.display()), &[], &[]).unwrap().plan;
    let Pace::Phases(phases) = run("--duration 25s").pace else { panic!() };
    let lengths: Vec<_> = phases.iter().map(|phase| phase.duration.unwrap().as_secs_f64()).collect();
    assert_eq!(lengths, [10.0, 15.0]);
    let Pace::Phases(phases) = run("--rate 7").pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(30)));
}

#[test]
fn shapes_are_phases_on_the_command_line() {
    let by_hand = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"ramp\"\nfrom = 10\nto = 100\nduration = \"10s\"\n\
                   [[phase]]\nschedule = \"poisson\"\nrate = 7\nduration = \"5s\"";
    let written = run_of(by_hand, "", &[]).unwrap().plan;
    let typed = plan("synth --shape ramp:10..100,duration=10s --shape poisson:7,duration=5s");
    assert_eq!(typed.pace, written.pace);
    let by_variable = resolved("synth", &[("LOADGEN_SHAPE", "ramp:10..100,duration=10s\npoisson:7,duration=5s")], &[]);
    assert_eq!(by_variable.unwrap().plan.pace, written.pace);
    let one = plan("synth --shape ramp:10..100 --duration 10s");
    assert_eq!(rate_of(&one), rate_of(&plan("synth --shape ramp:10..100,over=10s --duration 10s")));
    let both = error("synth --shape poisson:7 --rate 5", &[], &[]);
    assert_eq!(both.to_string(), "--rate and --shape exclude each other, and the command line has both");
    let by_level = resolved("synth --shape poisson:7", &[("LOADGEN_RATE", "5")], &[]).unwrap().plan;
    assert_eq!(by_level.pace, plan("synth --shape poisson:7").pace);
    let replayed = error("synth --shape replay:7", &[], &[]);
    assert_eq!(replayed.to_string(), "schedule \"replay\" is for recordings, and these events are synthetic");
}

#[test]
fn speed_multiplies_every_rate_of_a_shape() {
    let shapes = [
        ("ramp:10..100", "ramp:30..300"),
        ("steps:10,20,each=10s", "steps:30,60,each=10s"),
        ("steps:10..30,step=10,each=10s", "steps:30..90,step=30,each=10s"),
        ("sine:mean=10,amplitude=5,period=2s", "sine:mean=30,amplitude=15,period=2s"),
        ("spike:base=0,peak=50,at=1s,hold=1s", "spike:base=0,peak=150,at=1s,hold=1s"),
        ("poisson:10", "poisson:30"),
        ("bursts:10,on=1s,off=1s,base=1", "bursts:30,on=1s,off=1s,base=3"),
    ];
    for (shape, faster) in shapes {
        let multiplied = plan(&format!("synth --duration 30s --speed 3 --shape {shape}"));
        assert_eq!(multiplied.pace, plan(&format!("synth --duration 30s --shape {faster}")).pace, "{shape}");
    }
}

#[test]
fn a_cut_ramp_rises_as_it_would_have() {
    let two = "synth --shape constant:5,duration=10s --shape ramp:0..100,duration=10s";
    let Pace::Phases(phases) = plan(&format!("{two} --duration 15s")).pace else { panic!() };
    assert_eq!(phases[1].duration, Some(crate::clock::Nanos::from_secs(5)));
    let Pace::Phases(whole) = plan(two).pace else { panic!() };
    assert_eq!(phases[1].shape, whole[1].shape);
    let steps = "synth --shape constant:5,duration=10s --shape steps:1,2,duration=10s";
    let Pace::Phases(phases) = plan(&format!("{steps} --duration 15s")).pace else { panic!() };
    let Pace::Phases(whole) = plan(steps).pace else { panic!() };
    assert_eq!(phases[1].shape, whole[1].shape);
}

#[test]
fn a_curve_is_read_once_and_kept_with_the_results() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,100/s\n").unwrap();
    let scenario = folder.path().join("day.toml");
    std::fs::write(&scenario, "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"curve\"\nfile = \"day.csv\"")
        .unwrap();
    let resolved = resolved(&format!("run {}", scenario.display()), &[], &[]).unwrap();
    let Pace::Phases(phases) = &resolved.plan.pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(10)));
    assert!(
        resolved.scenario.settings.pace.phase[0].points.is_some()
            && resolved.scenario.settings.pace.phase[0].file.is_none()
    );
    let missing = error(&format!("synth --shape curve:file={}/none.csv", folder.path().display()), &[], &[]);
    assert!(
        missing.to_string().starts_with(&format!("rate curve {}/none.csv cannot be read: ", folder.path().display()))
    );
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,-5\n").unwrap();
    let negative = error(&format!("run {}", scenario.display()), &[], &[]).to_string();
    assert!(negative.contains("day.csv line 2: \"-5\" is no rate"), "{negative}");
}
