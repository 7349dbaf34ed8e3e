//! `.hgrm`: a percentile distribution as text, as HdrHistogram's Java `outputPercentileDistribution` prints it with a scaling
//! ratio of 1000: us in, ms out. HdrHistogram's plotFiles page draws such files.

use std::io::{self, Write};

use hdrhistogram::Histogram;

use crate::figures::as_f64;

/// Lines for each halving of the distance to 100 %; HdrHistogram's own tools use 5 as well.
const TICKS_PER_HALF_DISTANCE: f64 = 5.0;
const US_PER_MS: f64 = 1e3;

/// Writes the distribution of `histogram` (in us) in ms.
///
/// The steps are those of Java's `PercentileIterator`. The crate's own iterator takes the next larger value where a step falls
/// exactly between two, and so would disagree with the quantiles of the report.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(mut out: impl Write, histogram: &Histogram<u64>) -> io::Result<()> {
    write!(out, "{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let total = histogram.len();
    let (mut percent, mut counted) = (0.0, 0);
    for step in histogram.iter_recorded() {
        counted += step.count_at_value();
        let value = ms(step.value_iterated_to());
        while share_percent(counted, total) >= percent {
            let fraction = percent / 100.0;
            writeln!(out, "{value:>12.3} {fraction:>2.12} {counted:>10} {:>14.2}", 1.0 / (1.0 - fraction))?;
            percent += step_after(percent);
            if counted == total {
                writeln!(out, "{value:>12.3} {:>2.12} {counted:>10}", 1.0)?;
                break;
            }
        }
    }
    write_trailer(out, histogram)
}

/// How far the next line's percentile is from `percent`: half the distance to 100 % in each half of it.
fn step_after(percent: f64) -> f64 {
    let halvings = (100.0 / (100.0 - percent)).log2().floor() + 1.0;
    100.0 / (TICKS_PER_HALF_DISTANCE * halvings.exp2())
}

fn share_percent(part: u64, whole: u64) -> f64 {
    100.0 * as_f64(part) / as_f64(whole)
}

fn ms(us: u64) -> f64 {
    as_f64(us) / US_PER_MS
}

fn write_trailer(mut out: impl Write, histogram: &Histogram<u64>) -> io::Result<()> {
    let (mean, deviation) = (histogram.mean() / US_PER_MS, histogram.stdev() / US_PER_MS);
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    writeln!(out, "#[Max     = {:>12.3}, Total count    = {:>12}]", ms(histogram.max()), histogram.len())?;
    writeln!(out, "#[Buckets = {:>12}, SubBuckets     = {:>12}]", histogram.buckets(), sub_buckets(histogram))
}

/// The smallest power of two that tells values apart to the histogram's significant digits.
fn sub_buckets(histogram: &Histogram<u64>) -> u32 {
    (2 * 10_u32.pow(u32::from(histogram.sigfig()))).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(histogram: &Histogram<u64>) -> String {
        let mut out = Vec::new();
        write(&mut out, histogram).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_distribution_is_printed_as_hdrhistogram_prints_it() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for us in [500, 1_500, 1_500, 40_000] {
            histogram.record(us).unwrap();
        }
        // As printed by HdrHistogram 2.2.2 (Java) for the same samples.
        insta::assert_snapshot!(text(&histogram));
    }

    #[test]
    fn nothing_is_printed_of_an_empty_one_but_its_frame() {
        let lines: Vec<String> = text(&Histogram::new(3).unwrap()).lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[1], "");
        assert!(lines[2..].iter().all(|line| line.starts_with("#[")), "{lines:?}");
        assert!(lines[3].contains("Total count    =            0"), "{lines:?}");
    }
}
