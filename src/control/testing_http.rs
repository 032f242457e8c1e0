//! What the tests of this room share: settings, requests and a server on loopback that notes what came.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::config::Overrides;
use crate::config::paths::Paths;
use crate::config::settings::{Auth, Endpoint, Settings, Tls};
use crate::domain::action::{ActionRequest, Occasion, Requester};
use crate::domain::plan::{ActionId, Seed};
use crate::domain::text::Untrusted;

/// From the text of a config file.
pub(super) fn settings(text: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::below(folder.path());
    std::fs::create_dir_all(&paths.config).unwrap();
    std::fs::write(paths.config_file(), text).unwrap();
    let loaded = crate::config::load(&Overrides::default(), &paths, &["dark", "default"]);
    loaded.unwrap().settings
}

/// An endpoint with nothing special.
pub(super) fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url::Url::parse(url).unwrap(),
        auth: Auth::None,
        tls: Tls::default(),
        headers: Vec::new(),
        proxy: None,
        timeout: Duration::from_secs(10),
        max_response_bytes: 1024 * 1024,
    }
}

pub(super) fn request(action: &str, parameters: &[(&str, &str)]) -> ActionRequest {
    let pairs = parameters.iter();
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ActionRequest {
        action: action.to_owned(),
        parameters: pairs.collect::<BTreeMap<_, _>>(),
        by: Requester {
            name: Untrusted::line("dana"),
            host: Untrusted::line("bastion-1"),
        },
        occasion: Occasion::default(),
    }
}

pub(super) fn seed(number: u8, at: DateTime<Utc>) -> Seed {
    Seed {
        id: ActionId::new([number; 16]),
        at,
    }
}

/// What came in.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// `POST /api/v2/silences`
    pub(super) line: String,
    /// Names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Answers each request with bytes. Its threads end with the test's process.
pub(super) struct Fake {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(super) fn answering(answer: impl Fn(&Asked) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(one) = read_request(&mut stream) else {
                    continue;
                };
                let reply = answer(&one);
                noted.lock().unwrap().push(one);
                // A client that breaks off is a case of the tests.
                let _end = stream.write_all(reply.as_bytes());
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Those that change something.
    pub(super) fn writes(&self) -> Vec<Asked> {
        let all = self.asked().into_iter();
        all.filter(|one| !one.line.starts_with("GET ")).collect()
    }
}

pub(super) fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn read_request(stream: &mut impl Read) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Asked {
        line,
        headers,
        body,
    })
}
