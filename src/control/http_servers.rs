//! What does an Alertmanager or a control plane over HTTP answer to a write?
//!
//! One client for each of them, made when it is first needed, with the login of the settings.
//! [`HttpServers::send`] sends a write of a plan once and says what its answer means; an answer that is not
//! clear is in doubt, never a failure. Called by [`super::servers`] and by the two families that plan for
//! these servers.

use std::fmt::Display;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{alertmanager, http_plane};
use crate::config::settings::{Endpoint, Settings};
use crate::domain::check::{Read, Seen};
use crate::domain::plan::{HttpWrite, Verb};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::{Untrusted, shown};
use crate::sources::HttpServer;
use crate::sources::carried::{Answer, NoAnswer, Request};

/// Of a foreign message, this much is passed on.
const MAX_MESSAGE_CHARS: usize = 200;

/// Every Alertmanager and every control plane over HTTP.
pub(super) struct HttpServers {
    known: Vec<Known>,
}

struct Known {
    name: SourceName,
    kind: Kind,
    endpoint: Endpoint,
    client: OnceLock<HttpServer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Alertmanager,
    Plane,
}

/// What a server said to a question.
pub(super) struct Heard {
    /// 2xx or 404.
    pub(super) status: StatusCode,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body, if it is JSON.
    pub(super) value: Value,
}

impl Heard {
    /// A header, as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How far the server's clock is ahead of ours, in seconds.
    pub(super) fn ahead_secs(&self, now: DateTime<Utc>) -> Option<i64> {
        let date = DateTime::parse_from_rfc2822(self.header("date")?).ok()?;
        Some((date.to_utc() - now).num_seconds())
    }
}

impl HttpServers {
    /// From the settings. Opens no connection and reads no secret.
    pub(super) fn new(settings: &Settings) -> Self {
        let replicas = settings.alertmanagers.iter();
        let replicas = replicas.map(|am| (&am.name, Kind::Alertmanager, &am.endpoint));
        let planes = settings.actions.control_planes.iter();
        let planes = planes.map(|plane| (&plane.name, Kind::Plane, &plane.endpoint));
        let known = replicas.chain(planes).map(|(name, kind, endpoint)| Known {
            name: name.clone(),
            kind,
            endpoint: endpoint.clone(),
            client: OnceLock::new(),
        });
        Self {
            known: known.collect(),
        }
    }

    /// Sends a write once. None: the server is none of these.
    pub(super) async fn send(&self, write: &HttpWrite) -> Option<StepOutcome> {
        let known = self.find(&write.server)?;
        Some(match known.kind {
            Kind::Alertmanager => alertmanager::send(self, write).await,
            Kind::Plane => http_plane::send(self, write).await,
        })
    }

    /// What a server says now. None: the server is none of these.
    pub(super) async fn read(&self, read: &Read) -> Option<Result<Seen, SourceError>> {
        self.find(&read.server)?;
        let heard = self.ask(&read.server, &read.path).await;
        Some(heard.map(|heard| match heard.status {
            StatusCode::NOT_FOUND => Seen::NotFound,
            _ => Seen::Value(heard.value),
        }))
    }

    /// Asks for JSON. A 404 is an answer; any other refusal is an error.
    pub(super) async fn ask(&self, server: &str, path: &str) -> Result<Heard, SourceError> {
        let client = self.client(server)?;
        let request = Request {
            verb: http::Method::GET,
            path: path.to_owned(),
            headers: vec![("Accept".to_owned(), "application/json".to_owned())],
            body: Vec::new(),
        };
        let answer = match client.carry(&request).await {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent(error) | NoAnswer::Lost(error)) => return Err(error),
        };
        let is_missing = answer.status == StatusCode::NOT_FOUND
            // Alertmanager 0.25 says so of a silence that it does not know.
            || answer.status.is_server_error() && said(&answer).contains("not found");
        if !answer.status.is_success() && !is_missing {
            return Err(refused(&answer, path));
        }
        let value = serde_json::from_slice(&answer.body);
        let value = match value {
            Ok(value) => value,
            Err(_) if is_missing => Value::Null,
            Err(_) => {
                let path = path.split('?').next().unwrap_or_default();
                let detail = format!("{path} does not answer with JSON: {}", said(&answer));
                return Err(SourceError::new(ErrorKind::Malformed, &detail));
            }
        };
        let status = if is_missing {
            StatusCode::NOT_FOUND
        } else {
            answer.status
        };
        Ok(Heard {
            status,
            headers: answer.headers,
            value,
        })
    }

    /// Sends a write as it stands, and gives back the answer to one that was taken.
    ///
    /// # Errors
    /// The outcome, where the answer is another or none.
    pub(super) async fn deliver(&self, write: &HttpWrite) -> Result<Answer, StepOutcome> {
        let client = self.client(&write.server).map_err(not_sent)?;
        let mut headers = write.headers.clone();
        let content_type = write.content_type.iter();
        headers.extend(content_type.map(|kind| ("Content-Type".to_owned(), kind.clone())));
        let request = Request {
            verb: method(write.verb),
            path: write.path.clone(),
            headers,
            body: write.body.clone().into_bytes(),
        };
        match client.carry(&request).await {
            Err(NoAnswer::NotSent(why)) => Err(not_sent(why)),
            Err(NoAnswer::Lost(why)) => Err(in_doubt(why)),
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => Err(meaning(&answer)),
        }
    }

    fn find(&self, server: &str) -> Option<&Known> {
        self.known.iter().find(|known| *known.name == *server)
    }

    fn client(&self, server: &str) -> Result<&HttpServer, SourceError> {
        let Some(known) = self.find(server) else {
            let detail = format!("no server `{server}`");
            return Err(SourceError::new(ErrorKind::Local, &detail));
        };
        if let Some(client) = known.client.get() {
            return Ok(client);
        }
        let made = HttpServer::new(&known.endpoint)?;
        Ok(known.client.get_or_init(|| made))
    }
}

fn method(verb: Verb) -> http::Method {
    match verb {
        Verb::Get => http::Method::GET,
        Verb::Post => http::Method::POST,
        Verb::Put => http::Method::PUT,
        Verb::Patch => http::Method::PATCH,
        Verb::Delete => http::Method::DELETE,
    }
}

/// What an answer means that is not 2xx. A server that fails may have done it: only a clear refusal is one.
pub(super) fn meaning(answer: &Answer) -> StepOutcome {
    let status = answer.status;
    let refusal = match status.as_u16() {
        300..=399 => {
            return refusal(
                Refusal::Other,
                format!("{} redirects, which is not followed", numbered(status)),
            );
        }
        401 | 403 | 407 => Refusal::Forbidden,
        404 | 410 => Refusal::Gone,
        409 | 412 | 428 => Refusal::Changed,
        429 => Refusal::Busy,
        400 | 405 | 406 | 411 | 413 | 414 | 415 | 422 | 431 => Refusal::Invalid,
        // A gateway gave up on a request that it may have passed on.
        408 | 499 => return in_doubt(words_of(answer)),
        402..=498 => Refusal::Other,
        _ => return in_doubt(words_of(answer)),
    };
    let mut why = words_of(answer);
    let wait = answer.headers.get(http::header::RETRY_AFTER);
    if let Some(wait) = wait.and_then(|value| value.to_str().ok()) {
        why = format!("{why}; it may be asked again after {}", shown(wait));
    }
    self::refusal(refusal, why)
}

pub(super) fn applied(note: impl Display) -> StepOutcome {
    StepOutcome::Applied { note: line(note) }
}

pub(super) fn not_sent(why: impl Display) -> StepOutcome {
    StepOutcome::NotSent { why: line(why) }
}

pub(super) fn in_doubt(why: impl Display) -> StepOutcome {
    StepOutcome::InDoubt { why: line(why) }
}

pub(super) fn refusal(refusal: Refusal, why: impl Display) -> StepOutcome {
    let why = line(why);
    StepOutcome::Refused { refusal, why }
}

fn line(text: impl Display) -> Untrusted {
    Untrusted::line(&text.to_string())
}

/// `409 Conflict: the object has been modified`
pub(super) fn words_of(answer: &Answer) -> String {
    let said = said(answer);
    let status = numbered(answer.status);
    if said.is_empty() {
        status
    } else {
        format!("{status}: {said}")
    }
}

fn numbered(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("unknown status");
    format!("{} {reason}", status.as_u16())
}

/// What an answer says, in one bounded line: a JSON string, the message of an object, or plain text.
fn said(answer: &Answer) -> String {
    let text = match serde_json::from_slice(&answer.body) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(fields)) => {
            let field = |name: &&str| fields.get(*name).and_then(Value::as_str);
            let message = ["message", "error", "detail", "title", "status"];
            message.iter().find_map(field).unwrap_or("").to_owned()
        }
        Ok(_) => String::new(),
        Err(_) if answer.body.trim_ascii_start().first() == Some(&b'<') => "a web page".to_owned(),
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn refused(answer: &Answer, path: &str) -> SourceError {
    let kind = match answer.status.as_u16() {
        401 | 403 => ErrorKind::Unauthorized,
        429 | 503 => ErrorKind::Busy,
        _ => ErrorKind::Refused,
    };
    let path = path.split('?').next().unwrap_or_default();
    SourceError::new(kind, &format!("{path}: {}", words_of(answer)))
}
