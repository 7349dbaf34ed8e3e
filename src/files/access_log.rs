//! Lines of access logs in the Common and the Combined Log Format (Apache HTTP Server 2.4, "Log Files"):
//! `host ident user [time] "request" status bytes "referer" "user agent"`. What a server adds behind them is passed over.

use std::ops::Range;

use super::problem::RowProblem;

/// The fields of a line. `method`, `path` and `protocol` are the parts of `request`.
pub const FIELDS: [&str; 12] = [
    "host",
    "ident",
    "user",
    "time",
    "request",
    "method",
    "path",
    "protocol",
    "status",
    "bytes",
    "referer",
    "user_agent",
];

/// Where each of [`FIELDS`] stands.
pub(super) type Spans = [Option<Range<usize>>; FIELDS.len()];

/// Finds the fields of a line.
pub(super) fn parse(line: &str) -> Result<Spans, RowProblem> {
    let mut rest = Rest { line, at: 0 };
    let mut spans = Spans::default();
    for (place, close) in [(0, ' '), (1, ' '), (2, ' ')] {
        spans[place] = Some(rest.until(close).ok_or(RowProblem::AccessLog(FIELDS[place]))?);
    }
    spans[3] = Some(rest.between('[', ']').ok_or(RowProblem::AccessLog("time"))?);
    let request = rest.quoted().ok_or(RowProblem::AccessLog("request"))?;
    parts(line, &request, &mut spans);
    spans[4] = Some(request);
    spans[8] = Some(rest.word().ok_or(RowProblem::AccessLog("status"))?);
    spans[9] = Some(rest.word().ok_or(RowProblem::AccessLog("bytes"))?);
    spans[10] = rest.quoted();
    spans[11] = rest.quoted();
    Ok(spans)
}

/// `GET /path HTTP/1.1` in its parts; whatever else was sent stays in one piece.
fn parts(line: &str, request: &Range<usize>, spans: &mut Spans) {
    let text = &line[request.clone()];
    let Some((method, rest)) = text.split_once(' ') else { return };
    let Some((path, protocol)) = rest.rsplit_once(' ') else { return };
    let path_at = request.start + method.len() + 1;
    spans[5] = Some(request.start..request.start + method.len());
    spans[6] = Some(path_at..path_at + path.len());
    spans[7] = Some(request.end - protocol.len()..request.end);
}

struct Rest<'a> {
    line: &'a str,
    at: usize,
}

impl Rest<'_> {
    fn spaces(&mut self) {
        self.at += self.line[self.at..].len() - self.line[self.at..].trim_start_matches(' ').len();
    }

    /// What stands before `close`, of which there is something.
    fn until(&mut self, close: char) -> Option<Range<usize>> {
        self.spaces();
        let length = self.line[self.at..].find(close).filter(|length| *length > 0)?;
        let at = self.at..self.at + length;
        self.at = at.end + 1;
        Some(at)
    }

    /// What stands before the next space, or the end.
    fn word(&mut self) -> Option<Range<usize>> {
        self.spaces();
        let length = self.line[self.at..].find(' ').unwrap_or(self.line.len() - self.at);
        let at = self.at..self.at + length;
        self.at = at.end;
        (length > 0).then_some(at)
    }

    fn between(&mut self, open: char, close: char) -> Option<Range<usize>> {
        self.spaces();
        self.line[self.at..].starts_with(open).then_some(())?;
        self.at += 1;
        self.until(close)
    }

    /// What stands between quotes; one behind a backslash ends nothing.
    fn quoted(&mut self) -> Option<Range<usize>> {
        self.spaces();
        self.line[self.at..].starts_with('"').then_some(())?;
        let from = self.at + 1;
        let mut escaped = false;
        let length = self.line[from..].bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        self.at = from + length + 1;
        Some(from..from + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(line: &str) -> Vec<Option<&str>> {
        parse(line).unwrap().map(|at| at.map(|at| &line[at])).to_vec()
    }

    #[test]
    fn the_examples_of_apaches_manual_are_read() {
        // https://httpd.apache.org/docs/2.4/logs.html
        let common = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let time = Some("10/Oct/2000:13:55:36 -0700");
        let request = Some("GET /apache_pb.gif HTTP/1.0");
        let parts = [Some("GET"), Some("/apache_pb.gif"), Some("HTTP/1.0")];
        let before = [Some("127.0.0.1"), Some("-"), Some("frank"), time, request];
        let expected = [&before[..], &parts, &[Some("200"), Some("2326"), None, None]].concat();
        assert_eq!(fields(common), expected);
        let combined = format!(r#"{common} "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#);
        assert_eq!(
            fields(&combined)[10..],
            [Some("http://www.example.com/start.html"), Some("Mozilla/4.08 [en] (Win98; I ;Nav)")]
        );
    }

    #[test]
    fn what_clients_send_for_a_request_and_what_servers_add_does_no_harm() {
        let line = r#"::1 - - [10/Oct/2000:13:55:36 -0700] "\x16\x03 \"x" 400 - "-" "say \"hi\"" 0.003 "10.0.0.1""#;
        let fields = fields(line);
        assert_eq!(
            (fields[4], fields[5], fields[8], fields[9]),
            (Some(r#"\x16\x03 \"x"#), None, Some("400"), Some("-"))
        );
        assert_eq!(fields[11], Some(r#"say \"hi\""#));
        for (line, lacks) in [
            ("", "host"),
            ("a b", "ident"),
            ("a b c d", "time"),
            ("a b c [d", "time"),
            ("a b c [d] GET", "request"),
            ("a b c [d] \"GET", "request"),
            ("a b c [d] \"GET\"", "status"),
            ("a b c [d] \"GET\" 200", "bytes"),
        ] {
            assert_eq!(parse(line), Err(RowProblem::AccessLog(lacks)), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_line_or_none(line in ".{0,80}") {
            if let Ok(spans) = parse(&line) {
                for at in spans.into_iter().flatten() {
                    prop_assert!(line.get(at).is_some());
                }
            }
        }

        #[test]
        fn a_line_has_the_fields_that_it_was_made_of(
            words in proptest::collection::vec("[!#-Z^-~]{1,9}", 5), quoted in proptest::collection::vec("[ !#-\\[\\]-~]{1,20}", 3),
            time in "[!-Z^-~][ -Z^-~]{0,30}",
        ) {
            let line = format!(
                "{} {} {} [{time}] \"{}\" {} {} \"{}\" \"{}\"",
                words[0], words[1], words[2], quoted[0], words[3], words[4], quoted[1], quoted[2]
            );
            let found = fields(&line);
            let expected =
                [&words[0], &words[1], &words[2], &time, &quoted[0], &words[3], &words[4], &quoted[1], &quoted[2]];
            let found: Vec<_> = [0, 1, 2, 3, 4, 8, 9, 10, 11].iter().map(|place| found[*place].unwrap()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
