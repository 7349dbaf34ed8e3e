use super::super::fixture::bundle;
use super::super::{CompareError, Options, compare};
use super::*;

fn aspects(base: &Bundle, new: &Bundle) -> Vec<Aspect> {
    let found = differences(std::slice::from_ref(base), std::slice::from_ref(new));
    found.into_iter().map(|difference| difference.aspect).collect()
}

#[test]
fn two_runs_of_the_same_thing_differ_in_nothing() {
    assert_eq!(aspects(&bundle("a", 40, 1), &bundle("b", 40, 2)), []);
}

#[test]
fn each_difference_is_found_by_its_name() {
    type Edit = fn(&mut Bundle);
    let edits: [(Aspect, Edit); 19] = [
        (Aspect::SameRun, |b| b.report.run.id = "a".to_owned()),
        (Aspect::Schema, |b| b.report.schema_version += 1),
        (Aspect::Outcome, |b| b.report.verdict.code = 5),
        (Aspect::Interrupted, |b| b.report.run.interrupted = true),
        (Aspect::Embedded, |b| b.report.run.embedded = true),
        (Aspect::Source, |b| b.report.run.source = "retail_rocket".to_owned()),
        (Aspect::Schedule, |b| b.report.run.schedule = "replay".to_owned()),
        (Aspect::Rate, |b| b.report.offered.rate_per_s = Some(1100.0)),
        (Aspect::Duration, |b| b.report.run.measured_s *= 2.0),
        (Aspect::Payload, |b| b.report.offered.bytes *= 2),
        (Aspect::Mix, |b| b.report.by_type.get_mut("view").unwrap().share_percent = 90.0),
        (Aspect::Topics, |b| b.report.environment.topics[0].partitions = 12),
        (Aspect::Machine, |b| b.report.environment.cores = 64),
        (Aspect::Verifier, |b| b.report.latency_us.end_to_end = None),
        (Aspect::Tool, |b| b.report.tool.version = "9".to_owned()),
        (Aspect::Client, |b| b.report.tool.librdkafka = "9".to_owned()),
        (Aspect::ClientConfig, |b| {
            b.report.environment.client_config.insert("linger.ms".to_owned(), "50".to_owned());
        }),
        (Aspect::Brokers, |b| b.report.environment.brokers.push("127.0.0.2:9092".to_owned())),
        (Aspect::Lanes, |b| b.report.run.lanes = 4),
    ];
    assert_eq!(edits.map(|(aspect, _)| aspect), Aspect::ALL);
    for (aspect, edit) in edits {
        let mut new = bundle("b", 40, 2);
        edit(&mut new);
        assert_eq!(aspects(&bundle("a", 40, 1), &new), [aspect]);
        assert_eq!(aspect.name().parse(), Ok(aspect));
    }
}

#[test]
fn a_setting_that_only_names_the_client_is_no_difference() {
    let mut new = bundle("b", 40, 2);
    new.report.environment.client_config.insert("client.id".to_owned(), "other".to_owned());
    assert_eq!(aspects(&bundle("a", 40, 1), &new), []);
}

#[test]
fn a_difference_refuses_unless_it_is_allowed_and_is_named_then() {
    let base = [bundle("a", 40, 1)];
    let mut new = [bundle("b", 40, 2)];
    new[0].report.environment.cores = 64;
    let CompareError::NotComparable(refused) = compare(&base, &new, &Options::default()).unwrap_err() else {
        unreachable!("it is refused for the machine");
    };
    assert_eq!(refused[0].to_string(), "machine: 2 cores, linux x86_64 → 64 cores, linux x86_64");
    let allowed = Options { allow: [Aspect::Machine].into(), ..Options::default() };
    assert_eq!(compare(&base, &new, &allowed).unwrap().warnings, refused);
}

#[test]
fn runs_of_one_side_must_resemble_each_other_too() {
    let mut odd = bundle("b", 40, 2);
    odd.report.run.lanes = 3;
    let found = differences(&[bundle("a", 40, 1), odd], &[bundle("c", 40, 3)]);
    assert_eq!(found[0].to_string(), "lanes within BASE: 1 lane → 3 lanes");
}
