//! What is sent: an alert as Alertmanager's API v2 takes it, and as its own webhooks (version 4) tell it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::notice::Notice;
use super::{About, Alert};

/// How often an alert may go untold before an Alertmanager takes it for over, in times of its `resend`: Prometheus' own number.
const LASTS: u64 = 4;
/// The end of an alert that lasts, as Alertmanager's webhooks have it.
const NEVER: &str = "0001-01-01T00:00:00Z";

fn labels(alert: &Alert, about: &About, notice: &Notice) -> BTreeMap<String, String> {
    let mut labels = alert.labels.clone();
    let own = [
        ("alertname", alert.name.as_str()),
        ("gate", &notice.gate),
        ("run", &about.run),
        ("run_id", &about.run_id),
        ("shard", about.shard.as_deref().unwrap_or_default()),
    ];
    // A label without a value is none.
    labels.extend(
        own.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.into(), value.into())),
    );
    labels
}

fn annotations(alert: &Alert, notice: &Notice) -> BTreeMap<String, String> {
    let mut annotations = notice.annotations.clone();
    annotations.extend(alert.annotations.clone());
    annotations
}

/// RFC 3339, to the millisecond.
fn time(unix_ns: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
    time.round(jiff::Unit::Millisecond).unwrap_or(time).to_string()
}

/// The body for `/api/v2/alerts`. One that lasts ends by itself where nobody tells it again, such as a run that was killed.
pub(super) fn for_alertmanager(alert: &Alert, about: &About, notice: &Notice) -> Value {
    let lasts = u64::try_from(alert.resend.as_nanos()).unwrap_or(u64::MAX).saturating_mul(LASTS);
    let ends = if notice.is_over() { notice.over_ns() } else { notice.told_ns.saturating_add(lasts) };
    json!([{
        "labels": labels(alert, about, notice),
        "annotations": annotations(alert, notice),
        "startsAt": time(notice.began_ns),
        "endsAt": time(ends),
    }])
}

/// The body that an Alertmanager's webhook has, with one alert.
pub(super) fn for_webhook(alert: &Alert, about: &About, notice: &Notice) -> Value {
    let (labels, annotations) = (labels(alert, about, notice), annotations(alert, notice));
    let status = if notice.is_over() { "resolved" } else { "firing" };
    let ends = if notice.is_over() { time(notice.over_ns()) } else { NEVER.to_owned() };
    let group: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let group = format!("{{}}:{{{}}}", group.join(", "));
    json!({
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": alert.name,
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": time(notice.began_ns),
            "endsAt": ends,
            "generatorURL": "",
            "fingerprint": format!("{:016x}", xxh3_64(group.as_bytes())),
        }],
    })
}
