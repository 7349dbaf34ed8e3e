//! A program at work: it does not outlive its test, and who waits for what it must do learns at once where it has ended.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![allow(missing_docs, unreachable_pub, reason = "a part of tests")]

use std::cell::RefCell;
use std::io::Read;
use std::process::{Child, Command, ExitStatus};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};

/// How long nobody looks.
const PAUSE: Nanos = Nanos::from_millis(20);

/// Looks until `what` is there.
///
/// # Panics
/// When it is not there in time.
pub fn wait_until(what: &str, patience: Duration, mut there: impl FnMut() -> bool) {
    let clock = Monotonic::start();
    while !there() {
        assert!(clock.now() < Nanos::from(patience), "no {what} in {patience:?}");
        clock.sleep_until(clock.now() + PAUSE);
    }
}

/// A program that was started, and is ended with its test, however that ends.
pub struct AtWork {
    child: RefCell<Child>,
    stdout: Collected,
    stderr: Collected,
}

/// What comes out of a pipe, once all of it has come.
type Collected = RefCell<Option<JoinHandle<String>>>;

/// How a program ended, and what it wrote into its pipes.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl AtWork {
    /// Starts it. What it writes into pipes is read as it comes.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
        Self { child: RefCell::new(child), stdout: RefCell::new(stdout), stderr: RefCell::new(stderr) }
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child.borrow_mut().try_wait().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.borrow().id()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{name}: {sent}");
    }

    /// Looks until it has brought `what` about.
    ///
    /// # Panics
    /// When it has ended without, or time is up.
    pub fn wait_for(&self, what: &str, patience: Duration, there: impl FnMut() -> bool) {
        self.wait_for_or_tell(what, patience, || take(&self.stderr), there);
    }

    /// The same of a program whose words are somewhere else.
    pub fn wait_for_or_tell(
        &self,
        what: &str,
        patience: Duration,
        said: impl Fn() -> String,
        mut there: impl FnMut() -> bool,
    ) {
        wait_until(what, patience, || {
            // What is there was there when it ended, at the latest; its last words may still be on their way.
            let ended = self.ended();
            if there() {
                return true;
            }
            if let Some(status) = ended {
                let clock = Monotonic::start();
                clock.sleep_until(PAUSE);
                assert!(there(), "no {what}: the program ended first, {status}:\n{}", said());
            }
            ended.is_some()
        });
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When time is up.
    pub fn finish(self, patience: Duration) -> Ended {
        wait_until("end of the program", patience, || self.ended().is_some());
        let status = self.ended().unwrap();
        Ended { status, stdout: take(&self.stdout), stderr: take(&self.stderr) }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        // Most have ended by then.
        drop(child.kill());
        drop(child.wait());
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// Waits until a pipe is closed: by a program that has ended, and by all that it started.
fn take(pipe: &Collected) -> String {
    pipe.take().map_or_else(String::new, |text| text.join().unwrap())
}
