//! Everything that has a name in reports, gates and exit codes has a definition.

mod ungated;

use super::*;
use crate::{
    gate::{
        BuiltIn, Names, Rule,
        metric::{Kind, Part, Stat, table::metrics},
    },
    ledger::Class,
    report::{Findings, GateOutcome, exit_code::ExitCode},
};

fn of_sort(name: &str, sort: Sort) -> bool {
    lookup(name).iter().any(|definition| definition.sort == sort)
}

#[test]
fn every_class_latency_finding_result_and_exit_code_is_defined() {
    for class in Class::ALL {
        assert!(of_sort(class.as_str(), Sort::Class), "{}", class.as_str());
    }
    for latency in Kind::ALL {
        assert!(of_sort(latency.as_str(), Sort::Latency), "{}", latency.as_str());
    }
    for stat in Stat::ALL {
        assert!(of_sort(stat.as_str(), Sort::Statistic), "{}", stat.as_str());
    }
    let findings = serde_json::to_value(Findings::default()).unwrap();
    for name in findings.as_object().unwrap().keys().filter(|name| *name != "examples") {
        assert!(of_sort(name, Sort::Finding), "{name}");
    }
    for built_in in BuiltIn::ALL.into_iter().map(BuiltIn::as_str).chain([BuiltIn::HEALTH_NAME]) {
        assert!(of_sort(built_in, Sort::BuiltInGate), "{built_in}");
    }
    for outcome in [GateOutcome::Pass, GateOutcome::Fail, GateOutcome::Unevaluated] {
        let name = serde_json::to_value(outcome).unwrap();
        assert!(of_sort(name.as_str().unwrap(), Sort::GateResult), "{name}");
    }
    for code in ExitCode::BY_PRECEDENCE {
        assert!(of_sort(code.as_str(), Sort::ExitCode), "{code}");
        assert!(of_sort(&code.code().to_string(), Sort::ExitCode), "{code}");
    }
}

#[test]
fn every_path_of_a_gate_is_explained_by_its_parts() {
    for metric in metrics() {
        let path = match metric.part {
            Part::Run => metric.name.clone(),
            Part::Phase => format!("phase.cool.down.{}", metric.name),
            Part::EventType => format!("by_type.view.{}", metric.name),
            Part::Topic => format!("topic.raw-events.{}", metric.name),
            Part::Expectation => format!("expect.by-type.{}", metric.name),
        };
        let found = lookup(&path);
        assert!(!found.is_empty(), "{path}");
        assert_eq!(found.len() > 1 && found[0].sort == Sort::Part, metric.part != Part::Run, "{path}: {found:?}");
    }
    let names: Vec<_> = lookup("phase.peak.response_time.p99").iter().map(|definition| definition.name).collect();
    assert_eq!(names, ["phase", "response_time", "quantile"]);
}

#[test]
fn the_page_and_its_readers_get_one_sentence_or_two_without_gaps() {
    for definition in all() {
        let texts = [Some(definition.definition), definition.clock, definition.excludes, definition.rule];
        for text in texts.into_iter().flatten() {
            assert!(text.ends_with('.'), "{}: {text}", definition.name);
            assert!(!text.contains("  ") && text.is_ascii(), "{}: {text}", definition.name);
        }
    }
}

#[test]
fn no_two_definitions_of_one_sort_share_a_name() {
    let mut names: Vec<(&str, &str)> = all()
        .flat_map(|definition| {
            definition.aliases.iter().chain([&definition.name]).map(|name| (definition.sort.as_str(), *name))
        })
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn the_nearest_name_is_told_for_an_unknown_one() {
    assert_eq!(nearest("lots"), Some("lost"));
    assert_eq!(nearest("respone_time"), Some("response_time"));
    assert_eq!(nearest("generator_heathy"), Some("generator_healthy"));
    assert_eq!(nearest("zebra"), None);
    assert!(lookup("zebra").is_empty() && lookup("").is_empty() && lookup("phase.peak").len() == 1);
}

#[test]
fn the_table_of_gates_names_every_metric() {
    let table = gates();
    for metric in metrics() {
        let last = metric.name.rsplit('.').next().unwrap_or_default();
        assert!(table.contains(last), "{metric}");
    }
}

#[test]
fn the_examples_in_the_table_are_rules() {
    let names = Names {
        phases: vec!["peak".into()],
        topics: Vec::new(),
        types: vec!["view".into()],
        expectations: vec!["by-type".into()],
    };
    for example in super::table::EXAMPLES {
        assert_eq!(Rule::parse(example, &names).unwrap().to_string(), example);
    }
}
