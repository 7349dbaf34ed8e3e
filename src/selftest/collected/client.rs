//! Who sends the events, one request after the other, and keeps what was answered.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{BAD, DEADLINE, PLAN, ROOM, TOGETHER, told};
use crate::clock::{Clock as _, Monotonic, Nanos};
use crate::collect::Server;
use crate::selftest::tamper::Harmed;

/// Between two looks at what is waited for.
const LOOK: Nanos = Nanos::from_millis(5);

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has gone before.
    Nothing,
    /// That status.
    Status(u16),
}

/// What came of all requests.
#[derive(Debug, Default)]
pub(super) struct Sent {
    answers: Vec<Told>,
    /// Events that were told to be acked, refused, or without an answer.
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
}

impl Sent {
    /// What was told of a request of events, by its number.
    pub(super) fn told(&self, request: u64) -> Option<Told> {
        self.answers.get(usize::try_from(request).ok()?).copied()
    }
}

/// The client.
pub(super) struct Client<'a> {
    server: &'a Server,
    harmed: &'a Harmed,
    /// Whether the run is over, however it was.
    is_over: &'a AtomicBool,
    clock: Monotonic,
}

impl<'a> Client<'a> {
    pub(super) fn new(server: &'a Server, harmed: &'a Harmed, is_over: &'a AtomicBool) -> Self {
        Self { server, harmed, is_over, clock: Monotonic::start() }
    }

    /// Sends all events, and what is none.
    pub(super) fn send_all(&self) -> io::Result<Sent> {
        let mut connection = self.connect()?;
        self.wait(|| connection.ask("GET", "/healthz", "").is_ok_and(|(status, _)| status == 200))?;
        for _ in 0..BAD {
            expect(connection.post("[1]")?.0, 400)?;
            let many = ["{}"; ROOM.0 + 1].join(",");
            expect(connection.post(&format!("[{many}]"))?.0, 413)?;
            // Who sends too much is not listened to any more.
            connection = self.connect()?;
        }
        let mut sent = Sent::default();
        for request in 0..PLAN.events / TOGETHER {
            let first = request * TOGETHER;
            let events: Vec<String> =
                (first..first + TOGETHER).map(|n| format!(r#"{{"userId":"u{request}","n":{n}}}"#)).collect();
            let body = format!("[{}]", events.join(","));
            if told(PLAN.of(first)) == Told::Nothing {
                self.send_and_go(&body, first + TOGETHER)?;
                sent.answers.push(Told::Nothing);
                continue;
            }
            let (status, answer) = connection.post(&body)?;
            let answer: serde_json::Value = serde_json::from_str(&answer)?;
            let count = |name: &str| answer.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
            sent.acked += count("acked");
            sent.refused += count("refused");
            sent.unanswered += count("unanswered") + count("not_sent");
            sent.answers.push(Told::Status(status));
        }
        Ok(sent)
    }

    /// Sends a request, and goes when its events are taken, and before they are answered.
    fn send_and_go(&self, body: &str, taken: u64) -> io::Result<()> {
        let gone = self.server.so_far().abandoned;
        let mut connection = self.connect()?;
        connection.send("POST", "/events", body)?;
        self.wait(|| self.server.so_far().events.taken == taken)?;
        drop(connection);
        self.wait(|| self.server.so_far().abandoned > gone)?;
        self.harmed.release();
        Ok(())
    }

    fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.server.address())?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Waits until it is so, as long as that can come to be.
    fn wait(&self, mut is_so: impl FnMut() -> bool) -> io::Result<()> {
        let until = self.clock.now() + Nanos::from(DEADLINE);
        while !is_so() {
            if self.is_over.load(Ordering::Acquire) || self.clock.now() >= until {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the collector did not come to what is waited for",
                ));
            }
            self.clock.sleep_until(self.clock.now() + LOOK);
        }
        Ok(())
    }
}

fn expect(status: u16, wanted: u16) -> io::Result<()> {
    let other = || io::Error::other(format!("a request was answered with {status}, and {wanted} is right"));
    (status == wanted).then_some(()).ok_or_else(other)
}

/// A connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn post(&mut self, body: &str) -> io::Result<(u16, String)> {
        self.ask("POST", "/events", body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        self.send(method, path, body)?;
        self.answer()
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: selftest\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes())
    }

    fn answer(&mut self) -> io::Result<(u16, String)> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("\"{}\" is no answer", line.trim_end())))?;
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        String::from_utf8(body).map(|body| (status, body)).map_err(io::Error::other)
    }
}
