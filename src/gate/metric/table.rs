//! The one table: every metric there is. Rules are resolved by it.

use std::sync::LazyLock;

use super::{Column, Fold, Kind, Metric, Part, Source, Stat, sections::SECTIONS};
use crate::figures::as_f64;
use crate::{
    gate::unit::Dimension,
    ledger::Class,
    report::{Estimate, ExpectReport, Findings, Offered, PartitionReport, ScoresReport, TimelineRow, TypeReport},
};

/// A count of `T` with its name.
type Count<T> = (&'static str, fn(&T) -> u64);

/// A number of `T` with its name and what it counts in.
type Number<T, V> = (&'static str, Dimension, fn(&T) -> V);

const fn column(name: &'static str, dimension: Dimension, read: fn(&TimelineRow) -> Option<u64>) -> Column {
    Column { name, dimension, latency: None, unit: 1, read }
}

const fn latency_column(name: &'static str, latency: Kind, read: fn(&TimelineRow) -> Option<u64>) -> Column {
    Column { name, dimension: Dimension::Time, latency: Some(latency), unit: 1, read }
}

static COLUMNS: [Column; 23] = [
    column("scheduled", Dimension::Count, |row| Some(row.scheduled)),
    column("sent", Dimension::Count, |row| Some(row.sent)),
    column("acked", Dimension::Count, |row| Some(row.acked)),
    column("seen", Dimension::Count, |row| Some(row.seen)),
    column("failed", Dimension::Count, |row| Some(row.failed)),
    column("refused", Dimension::Count, |row| Some(row.refused)),
    column("outstanding", Dimension::Count, |row| Some(row.outstanding)),
    column("backlog", Dimension::Count, |row| row.backlog),
    column("unread", Dimension::Count, |row| row.unread),
    column("group_lag", Dimension::Count, |row| row.group_lag),
    latency_column("response_p50", Kind::ResponseTime, |row| row.response_p50_us),
    latency_column("response_p90", Kind::ResponseTime, |row| row.response_p90_us),
    latency_column("response_p99", Kind::ResponseTime, |row| row.response_p99_us),
    latency_column("response_max", Kind::ResponseTime, |row| row.response_max_us),
    latency_column("service_p99", Kind::ServiceTime, |row| row.service_p99_us),
    latency_column("end_to_end_p90", Kind::EndToEnd, |row| row.end_to_end_p90_us),
    latency_column("end_to_end_p99", Kind::EndToEnd, |row| row.end_to_end_p99_us),
    latency_column("slip_p90", Kind::Slip, |row| row.slip_p90_us),
    latency_column("slip_p99", Kind::Slip, |row| row.slip_p99_us),
    latency_column("lateness_p99", Kind::Lateness, |row| row.lateness_p99_us),
    latency_column("capped_p99", Kind::Capped, |row| row.capped_p99_us),
    Column { unit: 1_000, ..column("cpu", Dimension::Time, |row| row.cpu_ms) },
    Column { unit: 1_024, ..column("rss", Dimension::Size, |row| row.rss_kib) },
];

/// Every metric there is.
#[must_use]
pub fn metrics() -> &'static [Metric] {
    static TABLE: LazyLock<Vec<Metric>> = LazyLock::new(|| {
        let mut table = Vec::new();
        for part in [Part::Run, Part::Phase] {
            add_ledger(&mut table, part);
            add_offered(&mut table, part);
            add_latencies(&mut table, part, &Kind::ALL);
        }
        add_findings(&mut table);
        add_timeline(&mut table);
        add_event_type(&mut table);
        add_partitions(&mut table, Part::Run);
        add_partitions(&mut table, Part::Topic);
        add_expectation(&mut table);
        add_sections(&mut table);
        table
    });
    &TABLE
}

fn add(table: &mut Vec<Metric>, part: Part, name: impl Into<String>, dimension: Dimension, source: Source) {
    table.push(Metric { part, name: name.into(), dimension, source });
}

fn add_ledger(table: &mut Vec<Metric>, part: Part) {
    add(table, part, "scheduled", Dimension::Count, Source::Scheduled);
    for class in Class::ALL {
        add(table, part, class.as_str(), Dimension::Count, Source::Class(class));
    }
}

fn add_findings(table: &mut Vec<Metric>) {
    let findings: [Count<Findings>; 18] = [
        ("duplicates", |findings| findings.duplicates),
        ("duplicates_resent", |findings| findings.duplicates_resent),
        ("duplicates_rewritten", |findings| findings.duplicates_rewritten),
        ("duplicates_undecided", |findings| findings.duplicates_undecided),
        ("duplicates_reread", |findings| findings.duplicates_reread),
        ("reordered", |findings| findings.reordered),
        ("invalid", |findings| findings.invalid),
        ("misplaced", |findings| findings.misplaced),
        ("foreign", |findings| findings.foreign),
        ("sibling", |findings| findings.sibling),
        ("seen_then_gone", |findings| findings.seen_then_gone),
        ("not_replicated", |findings| findings.not_replicated),
        ("behind_transaction", |findings| findings.behind_transaction),
        ("held_aborted", |findings| findings.held_aborted),
        ("re_encoded", |findings| findings.re_encoded),
        ("not_readable_by_reader", |findings| findings.not_readable_by_reader),
        ("awaits_schema", |findings| findings.awaits_schema),
        ("negative_latency", |findings| findings.negative_latency),
    ];
    for (name, read) in findings {
        add(table, Part::Run, name, Dimension::Count, Source::Finding(read));
    }
}

fn add_offered(table: &mut Vec<Metric>, part: Part) {
    let offered: [Number<Offered, Option<f64>>; 7] = [
        ("offered.achieved", Dimension::Percent, |offered| offered.achieved_percent),
        ("offered.rate", Dimension::Rate, |offered| offered.rate_per_s),
        ("offered.achieved_rate", Dimension::Rate, |offered| {
            // One event has no rate.
            Some(offered.achieved_rate_per_s).filter(|rate| *rate > 0.0 || offered.scheduled > 1)
        }),
        ("offered.bytes", Dimension::Size, |offered| Some(as_f64(offered.bytes))),
        ("offered.client_blocked", Dimension::Time, |offered| Some(offered.client_blocked_s * 1e6)),
        ("offered.capped", Dimension::Time, |offered| Some(offered.capped_s * 1e6)),
        ("offered.flow_control", Dimension::Time, |offered| Some(offered.flow_control_s * 1e6)),
    ];
    for (name, dimension, read) in offered {
        add(table, part, name, dimension, Source::Offered(read));
    }
}

fn add_latencies(table: &mut Vec<Metric>, part: Part, kinds: &[Kind]) {
    for kind in kinds {
        for stat in Stat::ALL {
            let name = format!("{}.{}", kind.as_str(), stat.as_str());
            add(table, part, name, stat.dimension(), Source::Latency(*kind, stat));
        }
    }
}

fn add_timeline(table: &mut Vec<Metric>) {
    for column in &COLUMNS {
        for fold in Fold::ALL {
            let name = format!("timeline.{}.{}", column.name, fold.as_str());
            add(table, Part::Run, name, column.dimension, Source::Timeline(column, fold));
        }
    }
}

fn add_event_type(table: &mut Vec<Metric>) {
    let numbers: [(Number<TypeReport, f64>, bool); 4] = [
        (("sent", Dimension::Count, |report| as_f64(report.sent)), false),
        (("verified", Dimension::Count, |report| as_f64(report.verified)), true),
        (("invalid", Dimension::Count, |report| as_f64(report.invalid)), true),
        (("share", Dimension::Percent, |report| report.share_percent), false),
    ];
    for ((name, dimension, read), by_verifier) in numbers {
        add(table, Part::EventType, name, dimension, Source::EventType(read, by_verifier));
    }
    add_latencies(table, Part::EventType, &Kind::KEPT_BY_TYPE);
}

fn add_partitions(table: &mut Vec<Metric>, part: Part) {
    add(table, part, "partitions.skew", Dimension::Ratio, Source::Skew);
    add(
        table,
        part,
        "partitions.longest_ack_gap",
        Dimension::Time,
        Source::Gap(|partition| partition.longest_ack_gap_us),
    );
    add(
        table,
        part,
        "partitions.longest_read_gap",
        Dimension::Time,
        Source::Gap(|partition| partition.longest_read_gap_us),
    );
    let totals: [(Count<PartitionReport>, bool); 3] = [
        (("partitions.sent", |partition| partition.sent), false),
        (("partitions.acked", |partition| partition.acked), false),
        (("partitions.seen", |partition| partition.seen), true),
    ];
    for ((name, read), by_verifier) in totals {
        add(table, part, name, Dimension::Count, Source::Total(read, by_verifier));
    }
}

fn add_expectation(table: &mut Vec<Metric>) {
    let counts: [Count<ExpectReport>; 13] = [
        ("expected", |report| report.expected),
        ("right", |report| report.right),
        ("wrong", |report| report.wrong),
        ("missing", |report| report.missing),
        ("twice", |report| report.twice),
        ("late", |report| report.late),
        ("accepted_late", |report| report.accepted_late),
        ("open", |report| report.open),
        ("undecided", |report| report.undecided),
        ("unexpected", |report| report.unexpected),
        ("superseded", |report| report.superseded),
        ("unreadable", |report| report.unreadable),
        ("too_late", |report| report.too_late),
    ];
    for (name, read) in counts {
        add(table, Part::Expectation, name, Dimension::Count, Source::Results(read));
    }
    for stat in Stat::ALL {
        let name = format!("latency.{}", stat.as_str());
        add(table, Part::Expectation, name, stat.dimension(), Source::ResultLatency(stat));
    }
    add_scores(table);
}

/// How good scores are by one figure.
type Judged = fn(&ScoresReport) -> Option<Estimate>;

fn add_scores(table: &mut Vec<Metric>) {
    let counts: [Count<ScoresReport>; 9] = [
        ("detected", |scores| scores.detected),
        ("missed", |scores| scores.missed),
        ("false_alarm", |scores| scores.false_alarm),
        ("quiet", |scores| scores.quiet),
        ("not_written", |scores| scores.not_written),
        ("fraudulent", |scores| scores.fraudulent),
        ("episodes", |scores| scores.episodes),
        ("episodes_detected", |scores| scores.episodes_detected),
        ("skewed", |scores| scores.skew.as_ref().map_or(0, |skew| skew.differing)),
    ];
    for (name, read) in counts {
        add(table, Part::Expectation, name, Dimension::Count, Source::ScoreCount(read));
    }
    let figures: [(&str, Judged); 7] = [
        ("precision", |scores| scores.precision),
        ("recall", |scores| scores.recall),
        ("recall_within", |scores| scores.recall_within),
        ("f1", |scores| scores.f1),
        ("auc_pr", |scores| scores.auc_pr),
        ("precision_at_k", |scores| scores.precision_at_k),
        ("recall_at_1_percent", |scores| scores.recall_at_1_percent),
    ];
    for (name, read) in figures {
        add(table, Part::Expectation, name, Dimension::Ratio, Source::Score(read));
    }
    for stat in Stat::ALL {
        let name = format!("detection.{}", stat.as_str());
        add(table, Part::Expectation, name, stat.dimension(), Source::Detection(stat));
    }
}

fn add_sections(table: &mut Vec<Metric>) {
    for figure in SECTIONS.into_iter().flatten() {
        add(table, Part::Run, figure.name, figure.dimension, Source::Figure(figure));
    }
}
