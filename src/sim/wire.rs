//! How do a request and its answer look to the handlers?
//!
//! The handlers are plain functions from a [`Request`] to an [`Answer`], so that a test can ask for
//! any time without a socket. [`super::server`] carries them over HTTP.

use axum::http::{Method, StatusCode};
use serde_json::Value;

/// What a peer is asked.
#[derive(Debug)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    /// Decoded parameters of the query string, then those of a form body, in order.
    pub parameters: Vec<(String, String)>,
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
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
        Answer {
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }

    pub(super) fn plain(status: StatusCode, body: &str) -> Answer {
        Answer {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
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
