//! What holds of any settings: the strongest level decides, and a resolved scenario resolves to itself.

use proptest::prelude::*;

use super::*;

/// One setting at one level, as an option and as a variable.
#[derive(Clone, Debug)]
struct Given {
    option: &'static str,
    values: [Option<u32>; 3],
}

fn any_given() -> impl Strategy<Value = Vec<Given>> {
    let value = || proptest::option::of(1_u32..200);
    let one = |option: &'static str| {
        (value(), value(), value()).prop_map(move |(a, b, c)| Given { option, values: [a, b, c] })
    };
    let settings: Vec<_> = ["seed", "num-records", "lanes", "partitions", "replication-factor"].map(one).into();
    settings
}

fn variable(option: &str) -> String {
    format!("LOADGEN_{}", option.to_uppercase().replace('-', "_"))
}

#[test]
fn the_strongest_level_decides_the_pace_alone() {
    let options = ["--speed 7", "--fit 7s", "--rate 7/s"];
    let variables = [("PRODUCER_SPEED", "7"), ("LOADGEN_FIT", "7s"), ("LOADGEN_RATE", "7/s")];
    let paces = [speed("7"), Pace::Fit(Duration::from_secs(7)), Pace::Rate("7".parse().unwrap())];
    let one_or_none = || (0..3).map(Some).chain([None]);
    for option in one_or_none() {
        for process in one_or_none() {
            for file in one_or_none() {
                let words = option.map_or("", |which: usize| options[which]);
                let level = |said: Option<usize>| said.map(|which| variables[which]).into_iter().collect::<Vec<_>>();
                let plan = resolved(&format!("replay f.csv {words}"), &level(process), &level(file)).unwrap().plan;
                let strongest = option.or(process).or(file);
                let expected = strongest.map_or(speed("1"), |which| paces[which].clone());
                assert_eq!(plan.pace, expected, "{option:?} {process:?} {file:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_strongest_level_that_says_anything_decides(given in any_given()) {
        let level = |index: usize| given.iter().filter_map(move |one| Some((one.option, one.values[index]?)));
        let words: Vec<String> = level(0).map(|(option, value)| format!("--{option} {value}")).collect();
        let variables = |index| level(index).map(|(option, value)| (variable(option), value.to_string())).collect::<Vec<_>>();
        let (process, file) = (variables(1), variables(2));
        let process: Vec<(&str, &str)> = process.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let file: Vec<(&str, &str)> = file.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let plan = resolved(&format!("synth {}", words.join(" ")), &process, &file).unwrap().plan;
        for one in &given {
            let strongest = one.values.iter().flatten().next().copied();
            let (found, default) = match one.option {
                "seed" => (plan.run.seed, 1),
                "num-records" => (plan.limit.unwrap_or(0), 0),
                "lanes" => (u64::from(plan.run.lanes.count), 1),
                "partitions" => (u64::try_from(plan.run.kafka.partitions).unwrap(), 3),
                _ => (u64::try_from(plan.run.kafka.replication_factor).unwrap(), 1),
            };
            prop_assert_eq!(found, strongest.map_or(default, u64::from), "{}", one.option);
        }
    }

    #[test]
    fn a_resolved_scenario_gives_the_same_plan_again(
        given in any_given(),
        pace in 0_usize..5,
        rate in 1_u32..10_000,
        period in 1_u32..5_000,
    ) {
        let words: Vec<String> =
            given.iter().filter_map(|one| Some(format!(" --{} {}", one.option, one.values[0]?))).collect();
        let words = words.concat();
        let words = match pace {
            0 => format!("synth --rate {rate}/{period}ms --speed 0.7 --duration 3h{words}"),
            1 => format!("synth --rate unlimited --duration 61s{words}"),
            2 => format!("replay /d/f.csv --speed 2.5 --max-gap 1m30s{words}"),
            3 => format!("replay /d/f.csv --fit {period}ms --no-verify{words}"),
            _ => format!("replay /d/f.csv --rate {rate}/{period}ms --acks 1 -X client.id=x{words}"),
        };
        let first = resolved(&words, &[], &[]).unwrap();
        let text = first.scenario.to_toml().unwrap();
        let again = Scenario::parse(&text, Path::new("scenario.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, &text).unwrap();
        let second = resolved(&format!("run {}", path.display()), &[], &[]).unwrap();
        prop_assert_eq!(&again.source, &first.scenario.source);
        let mut second = second.plan;
        // The scenario is where it is said now.
        second.bootstrap_said_by.clone_from(&first.plan.bootstrap_said_by);
        prop_assert_eq!(second, first.plan, "{}", text);
    }
}
