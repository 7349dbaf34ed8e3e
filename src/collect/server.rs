//! Connections: bounded in number, cut off where they are slow, and ended in good order.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Collector;
use super::answer::answer;

/// What is told to who finds all connections taken.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// The longest wait, at the end, for requests that are under way.
const LAST: Duration = Duration::from_secs(5);
/// The largest head of a request.
const HEAD: usize = 32 << 10;

/// Takes connections until `ends` says so, and lets go of them when what was under way is answered.
pub(super) async fn serve(
    listener: TcpListener,
    collector: Arc<Collector>,
    mut ends: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(collector.config.connections));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = over(&mut ends) => break,
            Some(_) = connections.join_next() => continue,
        };
        let stream = match stream {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: it passes when connections end.
                tracing::debug!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            collector.tally.turned_away_connection();
            // Where it cannot be said at once, it is not said.
            drop(stream.try_write(NO_PLACE));
            continue;
        };
        let (collector, ends) = (Arc::clone(&collector), ends.clone());
        connections.spawn(async move {
            connection(stream, collector, ends).await;
            drop(place);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Who is not done by then is cut off.
    tokio::time::timeout(LAST, all).await.unwrap_or_default();
    Ok(())
}

/// Waits for the end.
async fn over(ends: &mut watch::Receiver<bool>) {
    // Where nobody can say so any more, it has come.
    drop(ends.wait_for(|ends| *ends).await);
}

async fn connection(stream: TcpStream, collector: Arc<Collector>, ends: watch::Receiver<bool>) {
    let _open = collector.tally.connected();
    // Answers are small, and wait for nothing.
    stream.set_nodelay(true).unwrap_or_default();
    let Some(tls) = &collector.tls else { return requests(stream, &collector, ends).await };
    match tokio::time::timeout(collector.config.head_deadline, TlsAcceptor::from(Arc::clone(tls)).accept(stream)).await
    {
        Ok(Ok(stream)) => requests(stream, &collector, ends).await,
        Ok(Err(error)) => {
            tracing::debug!("a connection did not come to speak TLS: {error}");
            collector.tally.broken_connection();
        }
        Err(_) => collector.tally.broken_connection(),
    }
}

/// Answers the requests of a connection, one after the other.
async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    collector: &Arc<Collector>,
    mut ends: watch::Receiver<bool>,
) {
    let service = service_fn(|request| {
        let collector = Arc::clone(collector);
        async move { Ok::<_, Infallible>(answer(request, &collector).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(collector.config.head_deadline)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over(&mut ends) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
        collector.tally.broken_connection();
    }
}
