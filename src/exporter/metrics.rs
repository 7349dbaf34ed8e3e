//! A snapshot as metrics: OpenMetrics 1.0 for who accepts it, else Prometheus's older text format 0.0.4.
//!
//! Labels are bounded by topic, partition, event type, expectation and class; no user or item is ever one.

use std::fmt::{self, Write};
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::{Snapshot, results};
use crate::kafka::native::librdkafka_version;
use crate::ledger::Class;
use crate::measure::client::WindowSum;
use crate::measure::{ClientSums, PartitionShard, process};
use crate::report::latency::Kind;

/// What a scrape accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Text,
}

impl Format {
    /// The form for an `Accept` header: OpenMetrics only where it is named, as Prometheus does.
    pub(super) fn asked_for(accept: &str) -> Self {
        let wants = |part: &str| {
            let mut words = part.split(';').map(str::trim);
            words.next() == Some("application/openmetrics-text") && !words.any(|word| matches!(word, "q=0" | "q=0.0"))
        };
        if accept.split(',').any(|part| wants(part.trim())) { Self::OpenMetrics } else { Self::Text }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The metrics of a snapshot, and `more` of them in OpenMetrics.
pub(super) fn render(snapshot: &Arc<Snapshot>, format: Format, more: &str) -> Result<String, fmt::Error> {
    let shard = snapshot.shard.iter().map(|shard| ("shard".into(), shard.clone().into()));
    let mut registry = Registry::with_labels(shard);
    registry.register_collector(Box::new(SnapshotCollector(Arc::clone(snapshot))));
    let mut open = String::new();
    text::encode_registry(&mut open, &registry)?;
    open.push_str(more);
    text::encode_eof(&mut open)?;
    match format {
        Format::OpenMetrics => Ok(open),
        Format::Text => older(&open),
    }
}

/// In the older format the name of a counter ends with `_total` already where it is declared, and there are no units.
fn older(open: &str) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        let declares_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        let is_help_of_counter = line.starts_with("# HELP ") && lines.peek().is_some_and(|next| declares_counter(next));
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        }
        if is_help_of_counter || declares_counter(line) {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (hash, what, name, rest) = (word(), word(), word(), word());
            writeln!(out, "{hash} {what} {name}_total {rest}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(out)
}

#[derive(Debug)]
struct SnapshotCollector(Arc<Snapshot>);

impl Collector for SnapshotCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        let snapshot = &*self.0;
        about(&mut page, snapshot)?;
        events(&mut page, snapshot)?;
        reading(&mut page, snapshot)?;
        by_type(&mut page, snapshot)?;
        by_partition(&mut page, snapshot)?;
        latencies(&mut page, snapshot)?;
        client(&mut page, &snapshot.client)?;
        results::tell(&mut page, &snapshot.results)?;
        end(&mut page, snapshot)?;
        this_process(&mut page)
    }
}

/// Writes one metric after the other.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    pub(super) fn open<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        unit: Option<&'s Unit>,
        of: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, unit, of)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.open(name, help, None, MetricType::Counter)?)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        ConstCounter::new(value).encode(self.open(name, help, Some(&Unit::Seconds), MetricType::Counter)?)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        ConstGauge::new(value).encode(self.open(name, help, None, MetricType::Gauge)?)
    }

    /// A counter with one label.
    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let mut metric = self.open(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            let labels = [(label, of)];
            ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn about(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    let mut metric = page.open("loadgen_build_info", "The program, as labels", None, MetricType::Gauge)?;
    let build = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("librdkafka", librdkafka_version())];
    ConstGauge::new(1_i64).encode(metric.encode_family(&build)?)?;
    let mut metric = page.open("loadgen_run_info", "The run, as labels", None, MetricType::Gauge)?;
    let run = [("name", snapshot.name.as_str()), ("topic", snapshot.topic.as_str())];
    ConstGauge::new(1_i64).encode(metric.encode_family(&run)?)?;
    let help = "Time since the start of the schedule, at the last sample";
    let unit = Unit::Seconds;
    ConstGauge::new(snapshot.at_s).encode(page.open("loadgen_run_elapsed", help, Some(&unit), MetricType::Gauge)?)
}

fn events(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    if snapshot.only_reads() {
        return Ok(());
    }
    for (name, help, value) in [
        ("loadgen_events_scheduled", "Events that came due", snapshot.scheduled),
        ("loadgen_events_sent", "Events handed to the Kafka client", snapshot.sent),
        ("loadgen_events_acked", "Events that the cluster confirmed", snapshot.acked),
    ] {
        page.counter(name, help, value)?;
    }
    let failed = [("refused", snapshot.refused), ("unanswered", snapshot.unanswered)];
    page.counters("loadgen_events_failed", "Events refused, or given up without an answer", "reason", failed)?;
    let help = "Keys and bodies handed to the Kafka client";
    let unit = Unit::Bytes;
    ConstCounter::new(snapshot.sent_bytes).encode(page.open(
        "loadgen_sent",
        help,
        Some(&unit),
        MetricType::Counter,
    )?)?;
    page.gauge("loadgen_events_outstanding", "Events sent, without an answer", snapshot.outstanding)?;
    if let Some(lag) = snapshot.last_second.group_lag {
        page.gauge("loadgen_group_lag_records", "Lag of the consumer group named with --lag-group", lag)?;
    }
    let blocked = "Time that lanes waited for room in the client's queue";
    page.seconds("loadgen_client_blocked", blocked, snapshot.blocked_s)?;
    if snapshot.latencies.iter().any(|(kind, _)| *kind == Kind::Capped) {
        page.seconds("loadgen_capped", "Time that lanes waited for the ceiling", snapshot.capped_s)?;
    }
    page.seconds("loadgen_held_back", "Time that lanes held back for the embedded broker", snapshot.held_back_s)
}

/// What the verifier tells; absent without one.
fn reading(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    if !snapshot.is_read_back() {
        return Ok(());
    }
    let found = snapshot.found;
    for (name, help, value) in [
        ("loadgen_events_consumed", "Events of this run that were read back, each once", snapshot.seen),
        ("loadgen_events_duplicated", "Events seen at a second offset", found.duplicates),
        ("loadgen_events_reordered", "Events seen after a later one of their lane and partition", found.reordered),
        ("loadgen_events_corrupt", "Records whose content does not match their stamp", found.damaged),
        ("loadgen_records_invalid", "Records that break the schema", found.invalid),
        ("loadgen_records_foreign", "Records of other producers", found.foreign),
        ("loadgen_negative_latency", "Records that seemed to be seen before they were due", found.negative_latency),
    ] {
        page.counter(name, help, value)?;
    }
    if let Some(gaps) = snapshot.gaps {
        let help = "Sequences not seen between the first and the last of each lane: missing, or still on their way";
        page.gauge("loadgen_sequence_gaps", help, gaps)?;
    }
    match snapshot.unread {
        Some(lag) => page.gauge("loadgen_consumer_lag_records", "Events acked and not yet read back", lag),
        // A series that is not there says that it is not known; 0 would say that all is read.
        None => Ok(()),
    }
}

fn by_type(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    let of = |count: fn(&super::snapshot::OfType) -> u64| {
        snapshot.by_type.iter().map(move |(name, of_type)| (name.as_str(), count(of_type))).collect::<Vec<_>>()
    };
    let label = "event_type";
    if !snapshot.only_reads() {
        page.counters("loadgen_type_events_sent", "Events handed to the client, by type", label, of(|of| of.sent))?;
    }
    if !snapshot.is_read_back() {
        return Ok(());
    }
    page.counters("loadgen_type_events_verified", "First sightings, by type", label, of(|of| of.verified))?;
    page.counters("loadgen_type_records_invalid", "Records that break the schema, by type", label, of(|of| of.invalid))
}

fn by_partition(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    type Count = fn(&PartitionShard) -> u64;
    let all: [(&str, &str, Count); 3] = [
        ("loadgen_partition_events_sent", "Events handed to the client for a partition", |of| of.sent),
        ("loadgen_partition_events_acked", "Events confirmed in a partition", |of| of.acked),
        ("loadgen_partition_events_consumed", "Events read back from a partition", |of| of.seen),
    ];
    let known = if snapshot.is_read_back() { 3 } else { 2 };
    let unknown = if snapshot.only_reads() { 2 } else { 0 };
    for (name, help, count) in all.into_iter().take(known).skip(unknown) {
        let mut metric = page.open(name, help, None, MetricType::Counter)?;
        for (topic, partition, counts) in &snapshot.partitions {
            let labels = [("topic", topic.clone()), ("partition", partition.to_string())];
            ConstCounter::new(count(counts)).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn latencies(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    for (kind, buckets) in &snapshot.latencies {
        let (name, help) = match kind {
            Kind::Slip => ("loadgen_schedule_slip", "Sent - due"),
            Kind::Lateness => ("loadgen_schedule_lateness", "The generator's own part of slip"),
            Kind::Blocked => ("loadgen_schedule_blocked", "The part of slip spent waiting for the client's queue"),
            Kind::Capped => ("loadgen_schedule_capped", "The part of slip spent waiting for the ceiling"),
            Kind::ServiceTime => ("loadgen_service_latency", "Acked - sent"),
            Kind::ResponseTime => ("loadgen_response_latency", "Acked - due"),
            Kind::EndToEnd => ("loadgen_e2e_latency", "Seen - due"),
            Kind::CommitTime => ("loadgen_commit_latency", "Committed - due, of events in transactions"),
            Kind::CommitCall => ("loadgen_commit_call", "From asking for a commit to its confirmation"),
        };
        let mut metric = page.open(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(buckets.sum_s(), buckets.count(), &buckets.steps(), None)?;
    }
    Ok(())
}

/// What the Kafka client measured of itself: sums and counts, from which a mean over any time follows. Absent until it says
/// something.
fn client(page: &mut Page<'_>, sums: &ClientSums) -> fmt::Result {
    if sums.told().is_none() {
        return Ok(());
    }
    page.gauge("loadgen_client_queue_messages", "Messages that wait in the Kafka client", sums.queued_messages())?;
    let help = "Bytes of messages that wait in the Kafka client";
    let metric = page.open("loadgen_client_queue", help, Some(&Unit::Bytes), MetricType::Gauge)?;
    ConstGauge::new(sums.queued_bytes()).encode(metric)?;
    page.counter("loadgen_client_retries", "Requests sent again", sums.retries())?;
    page.counter("loadgen_client_request_timeouts", "Requests without an answer in time", sums.timeouts())?;
    let seconds: [(&str, &str, WindowSum, f64); 4] = [
        ("loadgen_client_queue_latency", "From accepted to put into a request, by message", sums.queue_us, 1e6),
        ("loadgen_client_socket_latency", "From put into a request to the socket, by request", sums.socket_us, 1e6),
        ("loadgen_client_round_trip", "From the socket to the answer, by request", sums.round_trip_us, 1e6),
        ("loadgen_client_throttle", "How long brokers told the client to hold back", sums.throttle_ms, 1e3),
    ];
    for (name, help, sum, scale) in seconds {
        summary(page, name, help, Some(&Unit::Seconds), sum, scale)?;
    }
    summary(page, "loadgen_client_batch", "Bytes of a batch", Some(&Unit::Bytes), sums.batch_bytes, 1.0)?;
    summary(page, "loadgen_client_batch_messages", "Messages of a batch", None, sums.batch_messages, 1.0)
}

/// A sum with its count, as a histogram of one bucket: the encoder has no summaries.
#[expect(clippy::cast_precision_loss, reason = "a sum needs 15 digits, not 19")]
fn summary(
    page: &mut Page<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    sum: WindowSum,
    scale: f64,
) -> fmt::Result {
    let mut metric = page.open(name, help, unit, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(sum.sum as f64 / scale, sum.count, &[(f64::INFINITY, sum.count)], None)
}

/// What only a run's end knows is absent before.
fn end(page: &mut Page<'_>, snapshot: &Snapshot) -> fmt::Result {
    if let Some(ledger) = snapshot.ledger.as_ref().filter(|_| !snapshot.only_reads()) {
        let help = format!("Events {}", Class::Lost.meaning());
        page.counter("loadgen_events_lost", &help, ledger.of(Class::Lost))?;
        let classes = Class::ALL.into_iter().map(|class| (class.as_str(), ledger.of(class)));
        let help = "Scheduled events by how they ended; the classes sum to the schedule";
        page.counters("loadgen_ledger_events", help, "class", classes)?;
    }
    if let Some(verdict) = &snapshot.verdict {
        let mut metric = page.open("loadgen_run_exit_code", "The run's verdict", None, MetricType::Gauge)?;
        let labels = [("name", verdict.name.as_str())];
        ConstGauge::new(i64::from(verdict.code)).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn this_process(page: &mut Page<'_>) -> fmt::Result {
    page.seconds("process_cpu", "Processor time of loadgen", process::cpu_time().as_secs_f64())?;
    if let Some(kib) = process::resident_kib() {
        let metric =
            page.open("process_resident_memory", "Memory of loadgen", Some(&Unit::Bytes), MetricType::Gauge)?;
        ConstGauge::new(kib * 1024).encode(metric)?;
    }
    Ok(())
}
