//! A second of a run as a few lines that need no key: absolute numbers, each with its name.

use unicode_width::UnicodeWidthStr;

use crate::figures::{self, as_f64};
use crate::measure::LatencyHistogram;
use crate::report::latency::Kind;
use crate::report::{ExpectReport, LatencySummary};
use crate::run::{Stage, Tick};

/// What is shown of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Glance {
    /// Events, by what became of them.
    pub(super) counts: Vec<String>,
    /// Events per second; none where nothing is sent any more.
    pub(super) rate: Option<String>,
    pub(super) response: LatencySummary,
    pub(super) end_to_end: LatencySummary,
    pub(super) lag: Option<String>,
    pub(super) group_lag: Option<String>,
    pub(super) slip: LatencySummary,
}

impl Glance {
    /// Of a tick that ends a row of so many seconds.
    pub(super) fn of(tick: &Tick<'_>, seconds: f64, verifying: bool) -> Self {
        let (row, whole) = (tick.row, tick.interval.with_warm_up());
        let of = |kind| LatencyHistogram::summary(whole.latency(kind));
        let done = if tick.gaps.is_some() { row.seen } else { row.sent };
        let sending = tick.stage != Stage::Draining && seconds > 0.0;
        Self {
            counts: match tick.gaps {
                Some(gaps) => read(tick, gaps),
                None => counts(tick, verifying),
            }
            .into_iter()
            .chain(results(tick.results))
            .collect(),
            rate: sending.then(|| format!("{}/s", figures::count(figures::whole(as_f64(done) / seconds)))),
            response: of(Kind::ResponseTime),
            end_to_end: of(Kind::EndToEnd),
            lag: verifying.then(|| format!("lag {}", lag(row.unread))),
            group_lag: row.group_lag.map(|lag| format!("group lag {}", figures::count(lag))),
            slip: of(Kind::Slip),
        }
    }

    /// How fast it goes, in at most `columns`: what is told least goes where they are few.
    pub(super) fn speeds(&self, columns: usize) -> String {
        let draining = || "draining: waiting for what is still on its way".to_owned();
        let rate = self.rate.clone().unwrap_or_else(draining);
        let short = |name: &str, of: &LatencySummary| high(of).map(|high| format!("{name} {high}"));
        let response = short("response", &self.response);
        let long = response.as_ref().map(|_| {
            let part = |name: &str, us: Option<u64>| us.map(|us| format!("{name} {}", figures::duration_us(us)));
            let max = part("max", self.response.max).filter(|max| high(&self.response).as_ref() != Some(max));
            let p50 = part("p50", self.response.p50).filter(|p50| high(&self.response).as_ref() != Some(p50));
            let parts: Vec<_> = [p50, high(&self.response), max].into_iter().flatten().collect();
            format!("response {}", parts.join(", "))
        });
        let (seen, slip) = (short("end-to-end", &self.end_to_end), short("slip", &self.slip));
        let (lag, group_lag) = (self.lag.clone(), self.group_lag.clone());
        let ways = [
            vec![long.clone(), seen.clone(), lag.clone(), group_lag.clone(), slip.clone()],
            vec![response.clone(), seen.clone(), lag.clone(), group_lag.clone(), slip],
            vec![response.clone(), seen, lag, group_lag.clone()],
            vec![response.clone(), group_lag],
            vec![response],
        ];
        let told =
            |parts: Vec<Option<String>>| dotted(std::iter::once(rate.clone()).chain(parts.into_iter().flatten()));
        let last = ways.len() - 1;
        let fitting = ways.into_iter().enumerate().map(|(place, way)| (place, told(way)));
        let mut fitting = fitting.filter(|(place, text)| *place == last || text.width() <= columns);
        fitting.next().map(|(_, text)| text).unwrap_or_default()
    }
}

/// The highest quantile that enough samples are known of; the largest sample where there are only a few.
fn high(of: &LatencySummary) -> Option<String> {
    let known = [("p99", of.p99), ("p90", of.p90), ("p50", of.p50), ("max", of.max)];
    let (name, us) = known.into_iter().find_map(|(name, us)| Some((name, us?)))?;
    Some(format!("{name} {}", figures::duration_us(us)))
}

pub(super) fn dotted(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(" · ")
}

fn named(name: &str, count: u64) -> String {
    format!("{name} {}", figures::count(count))
}

fn counts(tick: &Tick<'_>, verifying: bool) -> Vec<String> {
    let total = tick.total;
    let mut counts = vec![named("due", tick.scheduled), named("sent", total.sent), named("acked", total.acked)];
    counts.extend(verifying.then(|| named("seen", total.seen)));
    let failed = [("refused", total.refused), ("unanswered", total.unanswered)];
    counts.extend(failed.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| named(name, count)));
    counts
}

/// What a verifier alone has read so far.
fn read(tick: &Tick<'_>, gaps: u64) -> Vec<String> {
    let (total, found) = (tick.total, tick.total.found);
    let mut counts = vec![
        format!("{} seen", figures::counted(total.seen, "event")),
        named("open gaps", gaps),
        named("invalid", found.invalid),
        named("foreign", found.foreign),
        named("duplicates", found.duplicates),
        named("reordered", found.reordered),
    ];
    counts.extend(tick.awaited.map(|awaited| still_awaited(awaited, tick.row.unread)));
    counts
}

/// What is still to come of as many records as were asked for. Where everything is read, only somebody who writes can bring them.
fn still_awaited(awaited: u64, lag: Option<u64>) -> String {
    let all_read = if lag == Some(0) && awaited > 0 { "all is read, " } else { "" };
    format!("{all_read}{} more awaited", figures::count(awaited))
}

/// What came out downstream so far, of all that is expected.
pub(super) fn results(results: &[ExpectReport]) -> Vec<String> {
    if results.is_empty() {
        return Vec::new();
    }
    let sum = |of: fn(&ExpectReport) -> u64| results.iter().map(of).sum::<u64>();
    let (expected, right) = (sum(|of| of.expected), sum(|of| of.right));
    let bad = [("wrong", sum(|of| of.wrong)), ("twice", sum(|of| of.twice))];
    let bad = bad.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| named(name, count));
    let right = format!("results {} of {} right", figures::count(right), figures::count(expected));
    std::iter::once(right).chain(bad).collect()
}

/// How far reading is behind, where that is known.
fn lag(unread: Option<u64>) -> String {
    unread.map_or_else(|| figures::NONE.to_owned(), figures::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance() -> Glance {
        let of = |p50, p99, max| LatencySummary { p50: Some(p50), p99, max: Some(max), ..LatencySummary::default() };
        Glance {
            rate: Some("23,100/s".to_owned()),
            response: of(6_700, Some(9_600), 41_000),
            end_to_end: of(7_100, Some(10_900), 46_300),
            lag: Some("lag 228".to_owned()),
            slip: of(540, Some(1_100), 3_120),
            ..Glance::default()
        }
    }

    #[test]
    fn what_is_told_least_goes_where_columns_are_few() {
        let long = "23,100/s · response p50 6.70 ms, p99 9.60 ms, max 41.0 ms · end-to-end p99 10.9 ms · lag 228";
        assert_eq!(glance().speeds(120), format!("{long} · slip p99 1.10 ms"));
        assert_eq!(glance().speeds(80), "23,100/s · response p99 9.60 ms · end-to-end p99 10.9 ms · lag 228");
        assert!((60..120).all(|columns| glance().speeds(columns).width() <= columns));
    }

    #[test]
    fn a_quantile_that_is_not_known_gives_way_to_the_highest_that_is() {
        let mut glance = glance();
        glance.response =
            LatencySummary { p50: Some(3_000), p90: Some(4_000), max: Some(9_000), ..LatencySummary::default() };
        assert!(glance.speeds(120).contains("response p50 3.00 ms, p90 4.00 ms, max 9.00 ms"));
        assert!(glance.speeds(80).contains("response p90 4.00 ms ·"), "{}", glance.speeds(80));
        glance.response = LatencySummary { max: Some(9_000), ..LatencySummary::default() };
        assert!(glance.speeds(120).contains("response max 9.00 ms ·"), "{}", glance.speeds(120));
    }

    #[test]
    fn of_what_is_expected_downstream_it_says_how_much_came_and_what_was_bad() {
        let of = |expected, right, wrong| ExpectReport { expected, right, wrong, ..ExpectReport::default() };
        assert_eq!(results(&[]), Vec::<String>::new());
        assert_eq!(results(&[of(2_000, 1_200, 0), of(7, 6, 0)]), ["results 1,206 of 2,007 right"]);
        assert_eq!(results(&[of(7, 4, 2)]), ["results 4 of 7 right", "wrong 2"]);
    }

    #[test]
    fn where_nothing_is_sent_any_more_there_is_no_rate() {
        let glance = Glance { rate: None, lag: Some("lag 3".to_owned()), ..Glance::default() };
        assert_eq!(glance.speeds(100), "draining: waiting for what is still on its way · lag 3");
    }

    #[test]
    fn a_lag_that_is_not_known_is_told_as_not_known() {
        assert_eq!([Some(1_200), Some(0), None].map(lag), ["1,200", "0", "-"]);
    }

    #[test]
    fn that_all_is_read_and_more_is_awaited_is_told() {
        assert_eq!(still_awaited(40, Some(0)), "all is read, 40 more awaited");
        assert_eq!(still_awaited(40, Some(7)), "40 more awaited");
        assert_eq!(still_awaited(40, None), "40 more awaited", "whether all is read is not known");
        assert_eq!(still_awaited(0, Some(0)), "0 more awaited");
    }
}
