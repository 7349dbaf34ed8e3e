//! A schema registry of a test's own: it keeps schemas in memory, and misbehaves where it is told to.
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a part of tests, of which each takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    /// As a registry does.
    #[default]
    Well,
    /// It gives this answer to everything: status, further header lines, body.
    Answers(u16, &'static str, String),
    /// It gives this answer so many times, then behaves well.
    AnswersFirst(u32, u16, String),
    /// It reads the question and closes the connection.
    HangsUp,
    /// It reads the question and never answers.
    Hangs,
}

/// A question that it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    /// All of them, their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Inside {
    mood: Mood,
    /// Only who says this is let in.
    authorization: Option<String>,
    /// Nobody may register or change anything.
    read_only: bool,
    subjects: BTreeMap<String, Vec<u32>>,
    schemas: Vec<Value>,
    levels: BTreeMap<String, String>,
    /// What is said of every schema.
    verdict: Option<Value>,
    asked: Vec<Asked>,
    open: Vec<TcpStream>,
    is_stopped: bool,
}

/// A registry on a port of its own.
pub struct Stub {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    listener: Option<JoinHandle<()>>,
    scheme: &'static str,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Stub {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// One that speaks TLS.
    pub fn with_tls(config: rustls::ServerConfig) -> Self {
        Self::start_with(Some(Arc::new(config)))
    }

    fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stub = Self {
            address: listener.local_addr().unwrap(),
            inside: Arc::default(),
            listener: None,
            scheme: if tls.is_some() { "https" } else { "http" },
            tls,
        };
        stub.listen(listener);
        stub
    }

    fn listen(&mut self, listener: TcpListener) {
        let (inside, tls) = (Arc::clone(&self.inside), self.tls.clone());
        self.listener = Some(thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let mut locked = inside.lock().unwrap();
                if locked.is_stopped {
                    return;
                }
                locked.open.push(connection.try_clone().unwrap());
                let (inside, tls) = (Arc::clone(&inside), tls.clone());
                thread::spawn(move || serve(connection, tls, &inside));
            }
        }));
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The same with a login, as a URL has it.
    pub fn url_of(&self, user_info: &str) -> String {
        format!("{}://{user_info}@{}", self.scheme, self.address)
    }

    /// Where nobody listens: refused connections.
    pub fn nowhere() -> String {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", taken.local_addr().unwrap())
    }

    pub fn set(&self, mood: Mood) {
        self.inside.lock().unwrap().mood = mood;
    }

    /// Lets in only who says this in `Authorization`.
    pub fn let_in(&self, authorization: &str) {
        self.inside.lock().unwrap().authorization = Some(authorization.to_owned());
    }

    pub fn take_rights_away(&self) {
        self.inside.lock().unwrap().read_only = true;
    }

    /// What it says of the compatibility of every schema.
    pub fn judges(&self, is_compatible: bool, messages: &[&str]) {
        let verdict = json!({ "is_compatible": is_compatible, "messages": messages });
        self.inside.lock().unwrap().verdict = Some(verdict);
    }

    pub fn set_level(&self, subject: &str, level: &str) {
        self.inside.lock().unwrap().levels.insert(subject.to_owned(), level.to_owned());
    }

    /// Registers what nobody else could: the body of a question.
    pub fn register(&self, subject: &str, body: &Value) -> u32 {
        self.inside.lock().unwrap().register(subject, body)
    }

    /// The questions until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside.lock().unwrap().asked.clone()
    }

    /// Ends it: connections break, new ones are refused. What it knows stays.
    pub fn stop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.inside.lock().unwrap().is_stopped = true;
        drop(TcpStream::connect(self.address));
        listener.join().unwrap();
        for connection in self.inside.lock().unwrap().open.drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
    }

    /// Starts it again on its port.
    pub fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.inside.lock().unwrap().is_stopped = false;
        self.listen(listener);
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop();
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn serve(connection: TcpStream, tls: Option<Arc<rustls::ServerConfig>>, inside: &Mutex<Inside>) {
    let stream: Box<dyn Stream> = match tls {
        Some(config) => {
            let session = rustls::ServerConnection::new(config).unwrap();
            Box::new(rustls::StreamOwned::new(session, connection))
        }
        None => Box::new(connection),
    };
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream) {
        let (status, headers, body) = {
            let mut inside = inside.lock().unwrap();
            inside.asked.push(asked.clone());
            match inside.mood.clone() {
                Mood::Well => inside.answer(&asked),
                Mood::Answers(status, headers, body) => (status, headers, body),
                Mood::AnswersFirst(times, status, body) => {
                    inside.mood =
                        if times > 1 { Mood::AnswersFirst(times - 1, status, body.clone()) } else { Mood::Well };
                    (status, "", body)
                }
                Mood::HangsUp => return,
                Mood::Hangs => continue,
            }
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n{headers}\r\n");
        if stream.get_mut().write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(ToOwned::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let authorization = headers.get("authorization").cloned();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { method, path, authorization, headers, body: String::from_utf8(body).unwrap() })
}

type Answered = (u16, &'static str, String);

fn refusal(status: u16, code: u32, message: &str) -> Answered {
    (status, "", json!({ "error_code": code, "message": message }).to_string())
}

impl Inside {
    fn answer(&mut self, asked: &Asked) -> Answered {
        if self.authorization.is_some() && self.authorization != asked.authorization {
            return refusal(401, 40101, "User cannot access the resource.");
        }
        let path = asked.path.split('?').next().unwrap().to_owned();
        let words: Vec<String> =
            path[1..].split('/').map(|word| word.replace("%2F", "/").replace("%20", " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let body = || serde_json::from_str::<Value>(&asked.body).unwrap();
        let changes =
            matches!((asked.method.as_str(), words.as_slice()), ("PUT", _) | ("POST", ["subjects", _, "versions"]));
        if changes && self.read_only {
            return refusal(403, 40301, "User is denied operation Write on Subject");
        }
        let well = |value: Value| (200, "", value.to_string());
        match (asked.method.as_str(), words.as_slice()) {
            // Whoever takes alerts answers so, too.
            ("POST", ["api", "v2", "alerts"] | ["hook"]) => (200, "", String::new()),
            ("GET", ["subjects"]) => well(self.subjects.keys().cloned().collect()),
            ("GET", ["schemas", "ids", id]) => match self.schema(id.parse().unwrap()) {
                Some(schema) => well(schema.clone()),
                None => refusal(404, 40403, &format!("Schema {id} not found")),
            },
            ("GET", ["schemas", "ids", id, "versions"]) => well(self.places(id.parse().unwrap())),
            ("GET", ["config"]) => {
                well(json!({ "compatibilityLevel": self.levels.get("").map_or("BACKWARD", |level| level) }))
            }
            ("GET", ["config", subject]) => match self.levels.get(*subject) {
                Some(level) => well(json!({ "compatibilityLevel": level })),
                None => refusal(
                    404,
                    40408,
                    &format!("Subject '{subject}' does not have subject-level compatibility configured"),
                ),
            },
            ("PUT", ["config", subject]) => {
                let level = body()["compatibility"].as_str().unwrap().to_owned();
                self.levels.insert((*subject).to_owned(), level.clone());
                well(json!({ "compatibility": level }))
            }
            ("POST", ["compatibility", "subjects", ..]) => {
                well(self.verdict.clone().unwrap_or_else(|| json!({ "is_compatible": true })))
            }
            ("POST", ["subjects", subject, "versions"]) => {
                if self.verdict.as_ref().is_some_and(|verdict| verdict["is_compatible"] == false) {
                    return refusal(409, 409, "Schema being registered is incompatible with an earlier schema");
                }
                well(json!({ "id": self.register(subject, &body()) }))
            }
            (_, ["subjects", subject, rest @ ..]) => {
                let Some(ids) = self.subjects.get(*subject) else {
                    return refusal(404, 40401, &format!("Subject '{subject}' not found."));
                };
                let version = match rest {
                    [] => {
                        ids.iter().position(|id| self.schema(*id) == Some(&body())).ok_or((40403, "Schema not found"))
                    }
                    ["versions"] => return well((1..=ids.len()).collect()),
                    ["versions", "latest"] => Ok(ids.len() - 1),
                    ["versions", number] => {
                        let number: usize = number.parse().unwrap();
                        (1..=ids.len()).contains(&number).then(|| number - 1).ok_or((40402, "Version not found."))
                    }
                    _ => panic!("{path}"),
                };
                match version {
                    Ok(version) => {
                        let mut found = self.schema(ids[version]).unwrap().clone();
                        found["subject"] = (*subject).into();
                        found["version"] = (version + 1).into();
                        found["id"] = ids[version].into();
                        well(found)
                    }
                    Err((code, message)) => refusal(404, code, message),
                }
            }
            _ => (404, "", "<html>no such page</html>".to_owned()),
        }
    }

    fn schema(&self, id: u32) -> Option<&Value> {
        self.schemas.get(usize::try_from(id).unwrap().checked_sub(1)?)
    }

    fn places(&self, id: u32) -> Value {
        let versions = |(subject, ids): (&String, &Vec<u32>)| {
            let at = ids.iter().position(|known| *known == id)?;
            Some(json!({ "subject": subject, "version": at + 1 }))
        };
        self.subjects.iter().filter_map(versions).collect()
    }

    fn register(&mut self, subject: &str, body: &Value) -> u32 {
        let known = self.schemas.iter().position(|schema| schema == body);
        let place = known.unwrap_or_else(|| {
            self.schemas.push(body.clone());
            self.schemas.len() - 1
        });
        let id = u32::try_from(place + 1).unwrap();
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if !versions.contains(&id) {
            versions.push(id);
        }
        id
    }
}
