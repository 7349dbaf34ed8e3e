//! A real Alertmanager (Debian: prometheus-alertmanager), in a folder and on a port of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{report, shell};
use crate::at_work::AtWork;
use crate::shell::PATIENCE;

/// Set to 1 to leave this out on a machine without one.
const SKIP: &str = "LOADGEN_SKIP_ALERTMANAGER";

struct Alertmanager {
    program: AtWork,
    address: String,
    folder: TempDir,
}

impl Alertmanager {
    /// Starts one; `None` where [`SKIP`] says so.
    fn start() -> Option<Self> {
        if std::env::var(SKIP).is_ok_and(|value| value == "1") {
            println!("left out: {SKIP}=1");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let config = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("prometheus-alertmanager");
        command.args(["--config.file=config.yml", "--storage.path=data", "--cluster.listen-address="]);
        command.arg(format!("--web.listen-address={free}")).current_dir(folder.path());
        command.stdout(Stdio::null()).stderr(log);
        let one = Self { program: AtWork::start(&mut command), address: free.to_string(), folder };
        let said = || fs::read_to_string(one.folder.path().join("log")).unwrap_or_default();
        one.program.wait_for_or_tell("Alertmanager", PATIENCE, said, || one.get("/-/ready").is_some());
        Some(one)
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.0 200").then(|| body.to_owned())
    }

    /// The alerts that it has.
    fn alerts(&self) -> Vec<Value> {
        self.get("/api/v2/alerts").and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default()
    }
}

#[test]
fn an_alert_reaches_an_alertmanager_while_the_run_goes_on_and_is_resolved_in_it() {
    let Some(alertmanager) = Alertmanager::start() else { return };
    let shell =
        shell("[[alert]]\nname = \"Idle\"\ngate = \"busy\"\nresend = \"10m\"\nlabels = { severity = \"page\" }\n");
    let url = format!("http://{}", alertmanager.address);
    let running = shell.start(&["run", "x.toml", "--no-progress", "--alert", &url]);
    running.wait_for("alert", || !alertmanager.alerts().is_empty());
    let alert = alertmanager.alerts().remove(0);
    assert_eq!(alert["status"]["state"], "active");
    assert_eq!((&alert["labels"]["alertname"], &alert["labels"]["severity"]), (&"Idle".into(), &"page".into()));
    // Its end, as it was told, is 40 minutes away: that it goes means that it was resolved.
    running.wait_for("resolved alert", || alertmanager.alerts().is_empty());
    running.wait().ends_with_code(0);
    let told = &report(&shell)["alerts"][0];
    assert_eq!((&told["sent"], &told["resolved_sent"]), (&1.into(), &1.into()), "{told}");
}
