//! Parts whose results downstream somebody judged, all of them or none.

use super::*;
use crate::report::ExpectReport;

fn told(right: u64, why: Option<&str>) -> ExpectReport {
    let why_undecided = why.map(ToOwned::to_owned);
    ExpectReport { name: "sold".to_owned(), expected: right, right, why_undecided, ..ExpectReport::default() }
}

/// Two parts that leave it to others, and those who judged it.
fn whole(judges: &[(&str, ExpectReport)]) -> Result<Vec<ExpectReport>, MergeError> {
    let mut parts = two();
    for part in &mut parts {
        part.report.expectations = vec![told(0, Some("others judge it"))];
    }
    let id = parts[0].report.run.id.clone();
    let judge = |(run, report): &(&str, ExpectReport)| {
        let mut part = Part { name: (*run).to_owned(), ..Part::default() };
        part.report.run.id = if run.starts_with("another") { (*run).to_owned() } else { id.clone() };
        part.report.expectations = vec![report.clone()];
        part
    };
    let readers = Readers { judges: judges.iter().map(judge).collect(), ..Readers::default() };
    merge_with(parts.to_vec(), &[], &readers, judged).map(|merged| merged.report.expectations)
}

#[test]
fn what_nobody_judged_is_not_left_out() {
    assert_eq!(whole(&[]), Ok(vec![told(0, Some("others judge it"))]));
}

#[test]
fn who_judged_it_speaks_for_all_and_judges_must_agree() {
    let (seven, eight) = (told(7, None), told(8, None));
    assert_eq!(whole(&[("one", seven.clone())]), Ok(vec![seven.clone()]));
    let unread = told(0, Some("nothing was read"));
    let all = [("one", unread.clone()), ("two", seven.clone()), ("three", seven.clone()), ("four", unread)];
    assert_eq!(whole(&all), Ok(vec![seven.clone()]));
    let (expectation, first, other) = ("sold".to_owned(), "one".to_owned(), "two".to_owned());
    let apart = MergeError::JudgedApart { expectation, first, other };
    assert_eq!(whole(&[("one", seven.clone()), ("two", eight)]), Err(apart));
    let refused = whole(&[("another", seven)]).unwrap_err().to_string();
    assert!(refused.contains("the run's id is"), "{refused}");
}
