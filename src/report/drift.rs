//! Whether something got worse as the run went on: the findings of [`soak`](crate::soak).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::{self, whole};

/// Whether something drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// It rises, by more than chance and by enough to matter.
    Drifting,
    /// It does not.
    Steady,
    /// Fewer than ten minutes are known.
    Unevaluated,
}

/// One watched value over the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesDrift {
    /// Its name in the timeline, unit included.
    pub name: String,
    /// Whether it drifts.
    pub verdict: DriftVerdict,
    /// Its trend, in its own unit per second; absent where nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
    /// How much more it is at the end than at the start, by its trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// The same in percent of the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_percent: Option<f64>,
}

/// What a soak found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// Drifting if anything does; steady if everything is; else unevaluated.
    pub verdict: DriftVerdict,
    /// Each value that the timeline holds.
    pub series: Vec<SeriesDrift>,
}

/// A trend.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// The slope per second.
    pub per_s: f64,
    /// Its bounds: the true slope lies within them in 95 of 100 cases.
    pub low_per_s: f64,
    /// The upper one.
    pub high_per_s: f64,
    /// The fitted value at the first point.
    pub start: f64,
    /// The fitted value at the last point.
    pub end: f64,
    /// Standard deviations by which the order of the points differs from chance; positive: they rise.
    pub score: f64,
    /// How many points it is made from.
    pub points: usize,
}

impl Drift {
    /// What drifts, one sentence each; else one that says that nothing does, and over how much. `None` where nothing can be said.
    #[must_use]
    pub fn sentences(&self) -> Option<Vec<String>> {
        match self.verdict {
            DriftVerdict::Unevaluated => None,
            DriftVerdict::Steady => {
                let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
                Some(vec![format!("steady: no trend that matters in {}", names.join(", "))])
            }
            DriftVerdict::Drifting => Some(
                self.series.iter().filter_map(SeriesDrift::sentence).map(|text| format!("DRIFTING: {text}")).collect(),
            ),
        }
    }
}

impl SeriesDrift {
    /// How it drifts, where it does.
    fn sentence(&self) -> Option<String> {
        let (trend, change) = (self.trend.filter(|_| self.verdict == DriftVerdict::Drifting)?, self.change?);
        let name = self.name.strip_suffix("_us").or(self.name.strip_suffix("_kib")).unwrap_or(&self.name);
        let shown = |value: f64| {
            let value = value.max(0.0);
            if self.name.ends_with("_kib") {
                figures::bytes(whole(value * 1024.0))
            } else {
                figures::duration_us(whole(value))
            }
        };
        let percent = self.change_percent.map_or_else(String::new, |percent| format!(" ({percent:+.0} %)"));
        Some(format!(
            "{name} rose from {} to {}, by {}{percent}, {} a minute",
            shown(trend.start),
            shown(trend.end),
            shown(change),
            shown(trend.per_s * 60.0)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drifts_is_told_with_its_amount_and_what_is_not_known_is_not_told() {
        let trend =
            |start, end, per_s| Trend { per_s, low_per_s: 0.0, high_per_s: 0.0, start, end, score: 9.0, points: 30 };
        let series = |name: &str, verdict, trend: Trend| SeriesDrift {
            name: name.to_owned(),
            verdict,
            trend: Some(trend),
            change: Some(trend.end - trend.start),
            change_percent: Some((trend.end - trend.start) / trend.start * 100.0),
        };
        let latency = series("response_p99_us", DriftVerdict::Drifting, trend(10_000.0, 39_000.0, 16.667));
        let memory = series("rss_kib", DriftVerdict::Steady, trend(80_000.0, 80_100.0, 0.05));
        let mut drift = Drift { verdict: DriftVerdict::Drifting, series: vec![latency, memory] };
        assert_eq!(
            drift.sentences().unwrap(),
            ["DRIFTING: response_p99 rose from 10.0 ms to 39.0 ms, by 29.0 ms (+290 %), 1.00 ms a minute"]
        );
        drift.verdict = DriftVerdict::Steady;
        assert_eq!(drift.sentences().unwrap(), ["steady: no trend that matters in response_p99_us, rss_kib"]);
        drift.verdict = DriftVerdict::Unevaluated;
        assert_eq!(drift.sentences(), None);
    }
}
