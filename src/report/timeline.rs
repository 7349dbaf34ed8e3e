//! The timeline as text: `timeline.ndjson`, one JSON object a line, and CSV for spreadsheets.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::TimelineRow;

/// Appends one row to `timeline.ndjson`, as the run goes on.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_ndjson_row(mut out: impl Write, row: &TimelineRow) -> io::Result<()> {
    // One write of a whole line, so that a killed run leaves whole lines.
    let mut line = serde_json::to_vec(row)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Reads `timeline.ndjson`. An unfinished last line, as a killed run leaves it, is left out.
///
/// # Errors
/// The first line that is no row, with its number.
pub fn read_ndjson(text: &[u8]) -> io::Result<Vec<TimelineRow>> {
    let finished = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = text[..finished].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(place, line)| {
            let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {error}", place + 1));
            serde_json::from_slice(line).map_err(wrong)
        })
        .collect()
}

/// Writes the timeline as CSV: a header, then a line for each row; what is not known is empty, marks are joined by `; `.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_csv(out: impl Write, timeline: &[TimelineRow]) -> io::Result<()> {
    let rows = timeline.iter().map(columns).collect::<Result<Vec<_>, _>>()?;
    let header = header(&rows)?;
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(&header)?;
    for row in rows {
        csv.write_record(header.iter().map(|name| row.get(name).map_or_else(String::new, cell)))?;
    }
    csv.flush()
}

/// The row's fields in their order, so that a new field of [`TimelineRow`] is a new column by itself.
fn columns(row: &TimelineRow) -> serde_json::Result<Map<String, Value>> {
    match serde_json::to_value(row)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

/// The names of all fields of a row, also those that are left out where they are empty.
fn header(rows: &[Map<String, Value>]) -> serde_json::Result<Vec<String>> {
    let full = TimelineRow { marks: vec![String::new()], ..TimelineRow::default() };
    let mut names: Vec<String> = columns(&full)?.keys().cloned().collect();
    for name in rows.iter().flat_map(Map::keys) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(names)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<TimelineRow> {
        let marks = vec!["client: \"timed out\", retried".to_owned(), "stall 3.0 s".to_owned()];
        vec![
            TimelineRow { at_s: 1.0, sent: 10_000, response_p99_us: Some(10_110), ..TimelineRow::default() },
            TimelineRow { at_s: 2.5, marks, ..TimelineRow::default() },
        ]
    }

    #[test]
    fn ndjson_reads_back_and_an_unfinished_line_is_left_out() {
        let mut text = Vec::new();
        for row in rows() {
            write_ndjson_row(&mut text, &row).unwrap();
        }
        assert_eq!(text.split_inclusive(|byte| *byte == b'\n').count(), 2);
        assert_eq!(read_ndjson(&text).unwrap(), rows());
        assert_eq!(read_ndjson(&text[..text.len() - 3]).unwrap(), rows()[..1]);
        assert_eq!(read_ndjson(b"").unwrap(), []);
        assert!(read_ndjson(b"\n{}\n").unwrap_err().to_string().starts_with("line 2: missing field"));
    }

    #[test]
    fn csv_has_a_column_for_each_field_and_leaves_the_unknown_empty() {
        let mut out = Vec::new();
        write_csv(&mut out, &rows()).unwrap();
        let mut csv = csv::Reader::from_reader(out.as_slice());
        let header = csv.headers().unwrap().clone();
        let records: Vec<_> = csv.records().map(Result::unwrap).collect();
        let of = |row: usize, name: &str| &records[row][header.iter().position(|column| column == name).unwrap()];
        assert_eq!(
            (of(0, "at_s"), of(0, "sent"), of(0, "response_p99_us"), of(0, "marks")),
            ("1.0", "10000", "10110", "")
        );
        assert_eq!((of(1, "at_s"), of(1, "response_p99_us")), ("2.5", ""));
        assert_eq!(of(1, "marks"), "client: \"timed out\", retried; stall 3.0 s");
    }

    #[test]
    fn csv_of_nothing_is_its_header() {
        let mut out = Vec::new();
        write_csv(&mut out, &[]).unwrap();
        assert!(out.starts_with(b"at_s,scheduled,sent,acked,seen,"), "{}", String::from_utf8_lossy(&out));
    }
}
