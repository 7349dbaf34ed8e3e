//! `--tui` on a real terminal: a pty, in the session of the program that runs in it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::at_work::{AtWork, wait_until};
use loadgen::kafka::embedded::Embedded;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use tempfile::TempDir;

/// The longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(60);
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A program in a terminal.
struct Session {
    master: File,
    slave: File,
    program: AtWork,
    /// Where it works; goes with it.
    _folder: TempDir,
    before: Termios,
    written: Arc<Mutex<String>>,
}

impl Session {
    /// Starts `program` on a terminal of so many columns and rows.
    fn start(program: &str, args: &[&str], variables: &[(&str, &str)], size: (u16, u16)) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let (ws_col, ws_row) = size;
        tcsetwinsize(&slave, Winsize { ws_col, ws_row, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("setsid");
        command.args(["--ctty", program]).args(args).current_dir(&folder).env_clear();
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", path).env("TERM", "xterm").envs(variables.iter().copied());
        let program = AtWork::start(command.stdin(end()).stdout(end()).stderr(end()));
        let master = File::from(master);
        let written = Arc::new(Mutex::new(String::new()));
        let (kept, mut from) = (Arc::clone(&written), master.try_clone().unwrap());
        // Ends when the last writer of the terminal has closed it.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = from.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { master, slave, program, _folder: folder, before, written }
    }

    fn loadgen(args: &[&str], size: (u16, u16)) -> Self {
        // A busy machine makes a generator late, which is nothing that these tests are about.
        let run = ["synth", "--rate", "200/s", "--duration", "10m", "--tui", "--log-level", "info"];
        let run = [&run[..], &["--gate-off", "generator_healthy"]].concat();
        Self::start(env!("CARGO_BIN_EXE_loadgen"), &[&run[..], args].concat(), &[], size)
    }

    fn seen(&self) -> String {
        self.written.lock().unwrap().clone()
    }

    /// Waits until `text` has been written, wherever the cursor went between its words.
    fn wait_for(&self, text: &str) {
        let so_far = || words(&self.seen());
        self.program.wait_for_or_tell(&format!("{text:?}"), PATIENCE, so_far, || so_far().contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end, and holds that the terminal is what it was.
    fn ends(self) -> (ExitStatus, String) {
        wait_until("end of the program", PATIENCE, || self.program.ended().is_some());
        let status = self.program.ended().unwrap();
        let after = tcgetattr(&self.slave).unwrap();
        let modes = |of: &Termios| (of.local_modes, of.input_modes, of.output_modes);
        assert_eq!(modes(&after), modes(&self.before), "{}", self.seen());
        assert!(after.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
        // What it wrote last may still be on its way through the terminal.
        let is_back = |seen: &str| seen.matches(ENTER).count() == seen.matches(LEAVE).count();
        wait_until("the terminal given back", PATIENCE, || is_back(&self.seen()));
        (status, self.seen())
    }
}

/// What was written without the terminal's orders (ECMA-48 control sequences), its words one blank apart.
fn words(written: &str) -> String {
    let mut parts = written.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| {
        let order = part.find(|of: char| of.is_ascii_alphabetic()).map_or(part.len(), |end| end + 1);
        text + " " + &part[order..]
    });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn keys_hold_and_hurry_a_run_and_q_reports_it_and_gives_the_terminal_back() {
    let mut session = Session::loadgen(&[], (100, 45));
    session.wait_for("slip");
    session.press("p");
    session.wait_for("held by hand");
    session.press("p++");
    session.wait_for("rate set by hand to 120 % of the plan");
    session.press("?");
    session.wait_for("back to the plan");
    session.press("q");
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(130), "{}", words(&seen));
    let report = seen.split(LEAVE).nth(1).unwrap();
    assert!(words(report).contains("120 % of the plan, held for"), "{report}");
}

#[test]
fn a_second_ctrl_c_ends_the_run_at_once_and_gives_the_terminal_back() {
    let mut session = Session::loadgen(&[], (80, 24));
    session.wait_for("slip");
    session.press("\u{3}\u{3}");
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(130), "{}", words(&seen));
}

#[test]
fn sigterm_reports_the_run_and_gives_the_terminal_back() {
    let session = Session::loadgen(&[], (80, 24));
    session.wait_for("slip");
    session.program.signal("TERM");
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(130), "{}", words(&seen));
    assert!(seen.split(LEAVE).nth(1).unwrap().contains("INTERRUPTED"), "{}", words(&seen));
}

#[test]
fn all_probes_of_a_search_have_one_view_and_their_outcomes_stay_behind_it() {
    let search = ["capacity", "-b", "nowhere", "--start", "100/s", "--probe", "1s", "--settle", "0s", "--tui"];
    let mut session = Session::start(env!("CARGO_BIN_EXE_loadgen"), &search, &[], (100, 30));
    // So short a probe is not judged; what came of the first is in the view of the second.
    session.press("+");
    session.wait_for("UNEVALUATED");
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(4), "{}", words(&seen));
    assert!(words(&seen).contains("the rate stays: a probe keeps its rate"), "{}", words(&seen));
    assert_eq!(seen.matches(ENTER).count(), 1, "{}", words(&seen));
    let after = words(seen.split(LEAVE).nth(1).unwrap());
    assert!(after.contains("probe 1 100/s response p50") && after.contains("CAPACITY"), "{after}");
}

#[test]
fn a_reading_has_a_view_without_what_is_sent() {
    let broker = Embedded::start("raw-events", 3).unwrap();
    let mut session =
        Session::start(env!("CARGO_BIN_EXE_loadgen"), &["verify", "-b", broker.address(), "--tui"], &[], (100, 30));
    session.wait_for("every event that was read");
    session.press("q");
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(130), "{}", words(&seen));
    assert!(!words(&seen).contains("offered"), "{}", words(&seen));
}

#[test]
fn an_error_before_the_first_event_is_read_on_a_terminal_as_it_was() {
    // Nobody listens on port 1.
    let session = Session::loadgen(&["-b", "127.0.0.1:1", "--connect-timeout", "1s"], (80, 24));
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(6), "{}", words(&seen));
    assert!(seen.split(LEAVE).nth(1).unwrap().contains("error:"), "{}", words(&seen));
}

#[test]
fn a_terminal_that_is_too_small_shows_a_sentence_and_the_run_goes_on() {
    let session = Session::loadgen(&["--num-records", "300"], (50, 8));
    session.wait_for("This terminal is 50 x 8");
    let (status, seen) = session.ends();
    assert!([0, 4, 5].contains(&status.code().unwrap()), "{}", words(&seen));
    assert!(seen.split(LEAVE).nth(1).unwrap().contains("300"), "{}", words(&seen));
}

/// Only a part of the next test: it breaks while it has the terminal.
#[test]
fn breaks_with_the_view_open() {
    use loadgen::progress::{Progress, Screen, Shown};
    use loadgen::run::Interrupts;
    if std::env::var_os("LOADGEN_TEST_BREAKS").is_some() {
        let shown = Shown { title: "breaks", total: None, ends_s: None, verifying: true, reading: false, fixed: None };
        let screen = Screen::take(&shown, Arc::new(Interrupts::default())).unwrap();
        let _view = Progress::on(screen, &shown);
        panic!("in the middle of it");
    }
}

#[test]
fn a_panic_is_read_on_a_terminal_as_it_was() {
    let itself = std::env::current_exe().unwrap();
    let args = ["--exact", "live_view::breaks_with_the_view_open", "--nocapture", "--test-threads", "1"];
    let session = Session::start(itself.to_str().unwrap(), &args, &[("LOADGEN_TEST_BREAKS", "1")], (80, 24));
    let (status, seen) = session.ends();
    assert_eq!(status.code(), Some(101), "{}", words(&seen));
    let (before, after) = seen.rsplit_once(LEAVE).unwrap();
    assert!(after.contains("in the middle of it") && !before.contains("in the middle of it"), "{}", words(&seen));
}

#[test]
fn without_a_terminal_there_are_plain_lines_and_a_word_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = ["synth", "--rate", "200/s", "--num-records", "1100", "--tui"];
    let output =
        Command::new(env!("CARGO_BIN_EXE_loadgen")).args(run).current_dir(&folder).env_clear().output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("--tui needs a terminal: stderr is no terminal; plain lines instead"), "{err}");
    assert!(err.contains("  due ") && err.contains(" · sent "), "{err}");
    assert!(!err.contains(ENTER), "{err}");
}
