//! A headless Chromium, driven through `chromedriver`: the W3C `WebDriver` protocol is JSON over plain HTTP/1.1.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Set to 1 to leave these tests out on a machine without a browser.
pub(crate) const SKIP: &str = "LOADGEN_SKIP_BROWSER";
/// The longest that one command may take.
const DEADLINE: Duration = Duration::from_secs(60);
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// How a page is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) dark: bool,
    /// As it is laid out on paper.
    pub(crate) paper: bool,
}

/// A browser of its own, with a fresh profile, gone when dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Goes with the browser.
    profile: TempDir,
}

impl Browser {
    /// Starts one; `None` where [`SKIP`] says so.
    pub(crate) fn start() -> Option<Self> {
        if std::env::var(SKIP).is_ok_and(|value| value == "1") {
            println!("left out: {SKIP}=1");
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = driver();
        let mut browser = Self { driver, port, session: String::new(), profile };
        let folder = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments: Vec<&str> = FLAGS.into_iter().chain([folder.as_str()]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let started = browser.ask("POST", "/session", &wanted);
        browser.session = format!("/session/{}", started["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Opens a file and forgets what was logged before.
    pub(crate) fn open(&self, path: &std::path::Path, look: Look) {
        let metrics = json!({ "width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": look.width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if look.dark { "dark" } else { "light" };
        let medium = if look.paper { "print" } else { "" };
        let media = json!({ "media": medium, "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media);
        self.log("browser");
        self.log("performance");
        self.visit(&format!("file://{}", path.display()));
    }

    /// Goes to an address.
    pub(crate) fn visit(&self, url: &str) {
        self.say("POST", "/url", &json!({ "url": url }));
    }

    /// Clicks so many times where the middle of an element is.
    pub(crate) fn click(&self, selector: &str, times: usize) {
        let found = self.say("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let clicks = ["pointerDown", "pointerUp"].map(|act| json!({ "type": act, "button": 0 }));
        let mut actions = vec![json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": found })];
        actions.extend(clicks.iter().cycle().take(2 * times).cloned());
        let pointer =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.say("POST", "/actions", &json!({ "actions": [pointer] }));
    }

    /// What the console of the page said since it was opened, or since this was asked last.
    pub(crate) fn console(&self) -> Vec<String> {
        let said = self.log("browser");
        said.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Addresses that the page asked for since it was opened.
    pub(crate) fn requests(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for entry in self.log("performance") {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let event = &event["message"];
            if event["method"] == "Network.requestWillBeSent" {
                addresses.push(event["params"]["request"]["url"].as_str().unwrap().to_owned());
            }
        }
        addresses
    }

    /// The value of a script's `return`.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.say("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Moves the mouse along points given as shares of an element's box; with `pressed`, from the first to the last of
    /// them with the button down.
    pub(crate) fn mouse(&self, selector: &str, points: &[(f64, f64)], pressed: bool) {
        self.script(&format!(
            "document.querySelector({selector:?}).scrollIntoView({{ block: 'center', behavior: 'instant' }})"
        ));
        let area = self.script(&format!(
            "const box = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [box.left, box.top, box.width, box.height]"
        ));
        let side = |place: usize| area[place].as_f64().unwrap();
        let move_to = |(x, y): (f64, f64)| {
            let (x, y) = ((side(0) + side(2) * x).round(), (side(1) + side(3) * y).round());
            json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y })
        };
        let mut actions: Vec<Value> = points.iter().map(|point| move_to(*point)).collect();
        if pressed {
            actions.insert(1, json!({ "type": "pointerDown", "button": 0 }));
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let pointer =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.say("POST", "/actions", &json!({ "actions": [pointer] }));
    }

    /// Presses a key where the focus is; names as the protocol has them, in its private use characters.
    pub(crate) fn press(&self, key: char) {
        let actions = [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        self.say("POST", "/actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] }));
    }

    /// The whole page as a PNG in base64.
    pub(crate) fn screenshot(&self) -> String {
        let page = &self.devtools("Page.getLayoutMetrics", &json!({}))["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": page["width"], "height": page["height"], "scale": 1 });
        let shot = self.devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true, "clip": clip }));
        shot["data"].as_str().unwrap().to_owned()
    }

    /// The page on A4 as a PDF in base64.
    pub(crate) fn print(&self) -> String {
        let page = json!({ "page": { "width": 21.0, "height": 29.7 } });
        self.say("POST", "/print", &page).as_str().unwrap().to_owned()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.say("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.say("POST", "/se/log", &json!({ "type": kind })).as_array().unwrap().clone()
    }

    fn say(&self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, &format!("{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = http(self.port, method, path, &body.to_string());
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {path}: no answer in {DEADLINE:?}: {error}"));
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{method} {path}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty()
            && let Err(error) = http(self.port, "DELETE", &self.session, "{}")
        {
            println!("the browser was not closed: {error}");
        }
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

/// A chromedriver on a free port, which it names on its output.
fn driver() -> (Child, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap_or_else(|error| {
        panic!(
            "chromedriver does not start ({error}): apt-get install chromium chromium-driver, or set {SKIP}=1 to leave \
             the browser tests out"
        )
    });
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
        .unwrap_or_else(|| panic!("chromedriver ended without a port: is the package chromium installed?"));
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port)
}

fn http(port: u16, method: &str, path: &str, body: &str) -> io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}
