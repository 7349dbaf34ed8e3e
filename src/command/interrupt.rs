//! Ctrl-C, SIGTERM and SIGHUP: the first asks a run to drain and report, the second to end at once.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

use super::Failure;
use crate::run::Interrupts;
use crate::verdict::ExitCode;

/// Listens from now on, for the rest of the process's life.
pub(super) fn listen() -> Result<Arc<Interrupts>, Failure> {
    let interrupts = Arc::new(Interrupts::default());
    let failed =
        |error: io::Error| Failure::new(ExitCode::RunInvalid, format!("signals cannot be listened to: {error}"));
    hear(Arc::clone(&interrupts)).map_err(failed)?;
    Ok(interrupts)
}

fn hear(interrupts: Arc<Interrupts>) -> io::Result<()> {
    let runtime = runtime()?;
    // Made once, so that no signal comes while nobody listens.
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    let listening = move || {
        runtime.block_on(async {
            while signals.next().await {
                interrupts.raise();
            }
        });
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listening).map(drop)
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().build()
}

#[cfg(unix)]
use unix::Signals;
#[cfg(unix)]
pub(super) use unix::outlive_file_limits;

#[cfg(unix)]
mod unix {
    use std::{fs, io};

    use rustix::process::Signal as Number;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals {
        interrupted: Signal,
        terminated: Signal,
        /// A terminal that was closed; `None` where that was to be outlived (`nohup`).
        hung_up: Option<Signal>,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupted: signal(SignalKind::interrupt())?,
                terminated: signal(SignalKind::terminate())?,
                hung_up: if is_ignored(Number::HUP) { None } else { Some(signal(SignalKind::hangup())?) },
            })
        }

        /// Waits for one; `false` where none can come any more.
        pub(super) async fn next(&mut self) -> bool {
            let Self { interrupted, terminated, hung_up } = self;
            let hung_up = async {
                match hung_up {
                    Some(hung_up) => hung_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                heard = interrupted.recv() => heard,
                heard = terminated.recv() => heard,
                heard = hung_up => heard,
            };
            heard.is_some()
        }
    }

    /// Whether this process was started with that signal ignored. Where the system does not say, it was not.
    fn is_ignored(signal: Number) -> bool {
        fs::read_to_string("/proc/self/status").is_ok_and(|status| is_in_mask(&status, signal))
    }

    /// By the mask `SigIgn` (proc(5)): bit 0 is signal 1.
    fn is_in_mask(status: &str, signal: Number) -> bool {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
    }

    /// A write beyond `ulimit -f` fails from now on, as on a full disk, instead of ending the process: a signal that is caught
    /// does not kill, and the handler stays. Programs that are started from here have the default again.
    pub(in crate::command) fn outlive_file_limits() -> io::Result<()> {
        let runtime = super::runtime()?;
        let _entered = runtime.enter();
        signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_signal_that_comes_while_nobody_waits_is_heard() {
            let runtime = super::super::runtime().unwrap();
            let _entered = runtime.enter();
            // From here on it does not end this process.
            let mut signals = Signals::new().unwrap();
            let raise = || rustix::process::kill_process(rustix::process::getpid(), Number::TERM).unwrap();
            raise();
            assert!(runtime.block_on(signals.next()), "the first");
            raise();
            assert!(runtime.block_on(signals.next()), "the second, which came when the first had been heard");
        }

        #[test]
        fn a_signal_that_was_ignored_at_the_start_is_known_by_its_bit() {
            let status = |mask: &str| format!("SigCgt:\tffffffffffffffff\nSigIgn:\t{mask}\n");
            assert!(is_in_mask(&status("0000000000000001"), Number::HUP));
            assert!(is_in_mask(&status("0000000000001001"), Number::HUP), "SIGPIPE beside it");
            assert!(!is_in_mask(&status("0000000000001000"), Number::HUP));
            assert!(is_in_mask(&status("0000000000004000"), Number::TERM));
            assert!(!is_in_mask("no mask at all", Number::HUP));
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

#[cfg(not(unix))]
pub(super) fn outlive_file_limits() -> io::Result<()> {
    Ok(())
}
