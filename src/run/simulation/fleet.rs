//! A run of several lanes, and the same as several processes of one lane each: what `merge` makes of what these leave behind is what the one
//! process found out, the ledger event by event and each latency bucket by bucket. Each process has a world of its own, in which a request that
//! is sent at the same moment takes the same time: real ones would differ by chance.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use hdrhistogram::Histogram;

use super::cluster::Shared;
use super::member::Address;
use super::plan::{Plan, Planned};
use super::stage::{conducted, config, judged};
use crate::bundle::{self, Bundle};
use crate::clock::virtual_time;
use crate::ledger::rules::Rules;
use crate::merge::{self, Judgement, Part, PartHistograms, PartRows};
use crate::recording::{LatencyKind, Recording};
use crate::report::RunReport;
use crate::run::simulation::act::Act;
use crate::run::{Config, Lanes};

const KINDS: [LatencyKind; 6] = [
    LatencyKind::Slip,
    LatencyKind::Lateness,
    LatencyKind::Blocked,
    LatencyKind::ServiceTime,
    LatencyKind::ResponseTime,
    LatencyKind::EndToEnd,
];
const LANES: u16 = 4;

/// A process of the run with `count` lanes from that one on, and the bundle that it leaves in `folder`.
fn process(plan: &Plan, first: u16, count: u16, folder: &Path) -> Part {
    let plan = &Plan { lanes: count, others: LANES - count, ..plan.clone() };
    let config = Config { lanes: Lanes { first, count, all: LANES }, ..config(plan) };
    let folder = folder.join(format!("lane-{first}-of-{count}"));
    let mut kept = Bundle::create_at(&folder, "").unwrap();
    let outcome = virtual_time::simulate(|| {
        let cluster = Shared::new(plan);
        cluster.open().latencies_by_moment = true;
        virtual_time::inhabit(Arc::new(cluster.clone()));
        let address = Address::of(&cluster);
        let mut each_second = |tick: &super::super::Tick<'_>| {
            kept.row(tick.row).unwrap();
            kept.latencies(&tick.interval.whole(), &KINDS, tick.now).unwrap();
            ControlFlow::Continue(())
        };
        let outcome = conducted(plan, &config, Rules::ALL, (&cluster, &address), &mut each_second).unwrap();
        let outcome = judged(outcome);
        kept.last_latencies(&outcome.measured, &outcome.report.environment.event_types, &KINDS).unwrap();
        drop(cluster.open());
        outcome
    });
    kept.finish().unwrap();
    let recording =
        PartHistograms::There(Arc::new(move || bundle::recorded_in(&folder).map_err(|error| error.to_string())));
    Part { name: format!("lane {first}"), report: outcome.report, recording, rows: PartRows::InReport }
}

/// The run as one process of four lanes, and as `merge` adds up four of one.
fn both(plan: &Plan) -> ((RunReport, Recording), (RunReport, Recording)) {
    let folder = tempfile::tempdir().unwrap();
    let one = process(plan, 0, LANES, folder.path());
    let shards: Vec<Part> = (0..LANES).map(|lane| process(plan, lane, 1, folder.path())).collect();
    // Histograms of a simulated run are coarser, and so are their sums.
    virtual_time::simulate(|| {
        let PartHistograms::There(recorded) = one.recording else { panic!("it was read") };
        let merged = merge::merge(shards, |_| Judgement::default()).unwrap();
        ((one.report, recorded().unwrap()), (merged.report, merged.recording))
    })
}

type Buckets = Vec<(u64, u64)>;

/// Values and how often each was recorded.
fn buckets(of: &Histogram<u64>) -> Buckets {
    // What a simulated run records is coarser than what `merge` adds up.
    let mut fine = Histogram::new(3).unwrap();
    fine.add(of).unwrap();
    fine.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect()
}

fn all_buckets(kinds: &BTreeMap<LatencyKind, Histogram<u64>>) -> Vec<(LatencyKind, Buckets)> {
    kinds.iter().map(|(kind, of)| (*kind, buckets(of))).collect()
}

fn are_the_same(plan: &Plan) -> RunReport {
    let ((one, recorded), (merged, added)) = both(plan);
    assert_eq!(merged.ledger, one.ledger);
    assert_eq!(merged.latency_us, one.latency_us);
    for kind in KINDS {
        let (whole, sum) = (recorded.whole(kind).unwrap().unwrap(), added.whole(kind).unwrap().unwrap());
        assert!(!whole.is_empty());
        assert_eq!(buckets(&whole), buckets(&sum), "{kind}");
    }
    let by_type =
        |of: &Recording| of.by_type.iter().map(|(name, of)| (name.clone(), all_buckets(of))).collect::<Vec<_>>();
    assert_eq!(by_type(&recorded), by_type(&added));
    let phases = |of: &Recording| of.phases.iter().map(all_buckets).collect::<Vec<_>>();
    assert_eq!(phases(&recorded), phases(&added));
    assert_eq!(merged.findings.duplicates, one.findings.duplicates);
    // The one process counts the last instant as a second of its own, in which nothing was left to do.
    let done = |report: &RunReport| {
        let rows = report.timeline.iter().map(|row| (row.sent, row.acked, row.seen));
        rows.filter(|row| *row != (0, 0, 0)).collect::<Vec<_>>()
    };
    assert_eq!(done(&merged), done(&one));
    one
}

/// Each event is at its end before the next one is due: what one lane sends does not wait behind what another one does.
fn one_at_a_time(seed: u64) -> Plan {
    Plan {
        events: 400,
        rate: 50,
        partitions: 3,
        linger_ms: 0,
        copy_ms: 1,
        latency_us: (300, 8_000),
        ..Plan::calm(seed)
    }
}

#[test]
fn four_processes_come_to_the_figures_of_one_with_four_lanes() {
    let one = are_the_same(&one_at_a_time(7));
    assert_eq!((one.ledger.scheduled, one.ledger.verified), (400, 400));
    let response = one.latency_us.response_time;
    assert!(
        response.p90 > response.p50 && response.p50.is_some(),
        "latencies differ from event to event: {response:?}"
    );
}

#[test]
fn and_so_they_do_where_events_are_refused() {
    let acts = vec![Planned { at_ms: 1_800, act: Act::Refuse { written: false, ms: 1_400 } }];
    let one = are_the_same(&Plan { acts, ..one_at_a_time(8) });
    assert!(one.ledger.refused > 50 && one.ledger.verified > 300, "{:?}", one.ledger);
}
