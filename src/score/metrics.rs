//! `/metrics` of a scorer: its figures in Prometheus' text format, for one who asks at a time.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Figures;

/// Who does not say what is asked for within this is left.
const PATIENCE: Duration = Duration::from_secs(2);
/// No request for metrics is longer.
const LONGEST: usize = 8 << 10;

/// Serves figures until it is dropped.
#[derive(Debug)]
pub struct Metrics {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Metrics {
    /// Listens at `address`, `HOST:PORT`.
    ///
    /// # Errors
    /// Where nobody can listen there.
    pub fn serve(address: &str, figures: Arc<Figures>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let (address, is_over) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&is_over);
        let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                if let Err(error) = stream.and_then(|stream| answer(stream, &figures)) {
                    tracing::debug!("a scrape ended early: {error}");
                }
            }
        })?;
        Ok(Self { address, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Wakes the thread, which waits for somebody.
        let woken = TcpStream::connect_timeout(&self.address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken)
            && thread.join().is_err()
        {
            tracing::error!("the thread that served metrics panicked");
        }
    }
}

fn answer(mut stream: TcpStream, figures: &Figures) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < LONGEST {
        match stream.read(&mut part)? {
            0 => break,
            read => request.extend_from_slice(&part[..read]),
        }
    }
    let (status, body) = match request.split(|byte| *byte == b' ').nth(1) {
        Some(b"/metrics") if request.starts_with(b"GET ") => ("200 OK", text(figures)),
        Some(b"/healthz") if request.starts_with(b"GET ") => ("200 OK", "ok\n".to_owned()),
        _ => ("404 Not Found", "there are /metrics and /healthz\n".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn text(figures: &Figures) -> String {
    let mut text = String::new();
    for (name, help, value) in figures.values() {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing into a String cannot fail.
        writeln!(
            text,
            "# HELP loadgen_score_{name} {help}\n# TYPE loadgen_score_{name} {kind}\nloadgen_score_{name} {value}"
        )
        .unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Scored;
    use super::*;

    fn asked(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn who_asks_is_told_what_was_done() {
        let figures = Arc::new(Figures::default());
        let metrics = Metrics::serve("127.0.0.1:0", Arc::clone(&figures)).unwrap();
        figures.add(Scored::event(0.7));
        figures.add(Scored::event(0.1));
        let told = asked(metrics.address(), "GET /metrics HTTP/1.1\r\n\r\n");
        assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
        assert!(
            told.contains("\nloadgen_score_events_scored_total 2\n") && told.contains("alarms_total 1\n"),
            "{told}"
        );
        assert!(asked(metrics.address(), "GET / HTTP/1.1\r\n\r\n").contains("404"));
        assert!(asked(metrics.address(), "POST /metrics HTTP/1.1\r\n\r\n").contains("404"));
    }
}
