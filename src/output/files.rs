//! The files of a bundle that show its report: for people, for a CI, and each latency's distribution.

use std::io;
use std::path::Path;

use hdrhistogram::Histogram;

use super::{hgrm, html, junit};
use crate::bundle::{self, Bundle, BundleError};
use crate::report::RunReport;
use crate::report::latency::Kind;

/// The page for people.
pub const PAGE: &str = html::FILE;
/// The test cases for a CI.
pub const CASES: &str = "junit.xml";

/// Writes the page, and what a CI shows.
///
/// # Errors
/// Where one of them cannot be written.
pub fn write(folder: &Path, report: &RunReport) -> Result<(), BundleError> {
    let failed = |source: io::Error| BundleError { path: folder.to_owned(), source };
    let (mut cases, mut page) = (Vec::new(), Vec::new());
    junit::write(&mut cases, report).map_err(failed)?;
    bundle::write_whole(&folder.join(CASES), &cases)?;
    html::write(&mut page, report).map_err(failed)?;
    bundle::write_whole(&folder.join(PAGE), &page)
}

/// Writes each latency's distribution, where `whole` has one.
///
/// # Errors
/// Where one cannot be made or written.
pub fn write_distributions(
    bundle: &Bundle,
    whole: impl Fn(Kind) -> Result<Option<Histogram<u64>>, String>,
) -> Result<(), BundleError> {
    let failed = |source: io::Error| BundleError { path: bundle.folder().to_owned(), source };
    for kind in Kind::ALL {
        let whole = whole(kind).map_err(|error| failed(io::Error::other(error)))?;
        if let Some(histogram) = whole.filter(|histogram| !histogram.is_empty()) {
            let mut text = Vec::new();
            hgrm::write(&mut text, &histogram).map_err(failed)?;
            bundle.write(&format!("{kind}.hgrm"), &text)?;
        }
    }
    Ok(())
}
