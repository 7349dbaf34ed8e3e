//! Ctrl-C and SIGTERM: the first asks a run to drain and report, the second to end at once.

use std::sync::Arc;
use std::thread;

use super::Failure;
use crate::run::Interrupts;
use crate::verdict::ExitCode;

/// Listens from now on, for the rest of the process's life.
pub(super) fn listen() -> Result<Arc<Interrupts>, Failure> {
    let interrupts = Arc::new(Interrupts::default());
    let raised = Arc::clone(&interrupts);
    let failed =
        |error: std::io::Error| Failure::new(ExitCode::RunInvalid, format!("signals cannot be listened to: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                while next_signal().await.is_ok() {
                    raised.raise();
                }
            });
        })
        .map_err(failed)?;
    Ok(interrupts)
}

#[cfg(unix)]
async fn next_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn next_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
