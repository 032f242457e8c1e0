//! How do a request and its answer look to the handlers?
//!
//! The handlers are plain functions from a [`Request`] to an [`Answer`], those of writes to a
//! [`Written`], so that a test can ask for any time without a socket. [`super::server`] carries them over HTTP.

use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::deeds::Deeds;

/// What a peer is asked.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    /// Decoded parameters of the query string, then those of a form body, in order.
    pub parameters: Vec<(String, String)>,
    /// As `Content-Type` says, without its parameters.
    pub content_type: String,
    pub user_agent: String,
    pub body: Vec<u8>,
}

impl Request {
    /// The first value of a parameter.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What a peer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
    /// Headers beside those that every answer has.
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
        Answer {
            status,
            content_type: "application/json",
            body: body.to_string(),
            headers: Vec::new(),
        }
    }

    pub(super) fn plain(status: StatusCode, body: &str) -> Answer {
        Answer {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
            headers: Vec::new(),
        }
    }

    /// Adds details to a `Status`.
    pub(super) fn details(&mut self, details: &Value) {
        if let Ok(mut status) = serde_json::from_str::<Value>(&self.body) {
            status["details"] = details.clone();
            self.body = status.to_string();
        }
    }
}

/// Why a call to Prometheus fails, as its API names it.
pub(super) enum Failure {
    /// 400.
    BadData(String),
    /// 422.
    Execution(String),
}

/// The data of a call to Prometheus.
pub(super) type Outcome = Result<Value, Failure>;

/// What Prometheus says of a parameter that it cannot use.
pub(super) fn bad(parameter: &str, reason: &str) -> Failure {
    Failure::BadData(format!("invalid parameter \"{parameter}\": {reason}"))
}

/// What a write comes to: its answer, and the log of deeds with it if it was done.
#[derive(Debug)]
pub(super) struct Written {
    pub answer: Answer,
    pub deeds: Option<Deeds>,
}

impl From<Answer> for Written {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            deeds: None,
        }
    }
}

impl Written {
    /// Done at this time.
    pub(super) fn done(answer: Answer, mut deeds: Deeds, at_ms: i64) -> Self {
        deeds.last_ms = Some(at_ms);
        Self {
            answer,
            deeds: Some(deeds),
        }
    }
}
