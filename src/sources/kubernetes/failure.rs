//! What went wrong with a request to an API server, in terms of what can be done about it?
//!
//! Turns kube's errors, `Status` objects and plain texts into a [`SourceError`]. Called by
//! [`super::client`]. No text holds a query, a header or a secret.

use std::io;
use std::time::Duration;

use http::StatusCode;
use http::response::Parts;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::source::{ErrorKind, SourceError};
use crate::sources::http::{
    HttpError, describe_page, find, innermost, is_web_page, message_line, retry_after,
};

/// Of a refusal's body, this much is looked at.
pub(super) const MAX_EXPLANATION_BYTES: usize = 64 * 1024;

/// Kubernetes' own words for a failure, as far as they are used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) message: String,
    pub(super) details: Option<Details>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Details {
    pub(super) retry_after_seconds: u64,
}

impl Status {
    /// As an answer with that code would have been classified.
    pub(super) fn error(&self) -> HttpError {
        let text = message_line(&self.message);
        let mut error = SourceError::new(kind(self.code), &format!("{}: {text}", self.code));
        let secs = self.details.as_ref().map(|d| d.retry_after_seconds);
        error.retry_after = secs.filter(|secs| *secs > 0).map(Duration::from_secs);
        HttpError {
            status: Some(self.code),
            error,
        }
    }
}

/// An answer that is not 2xx.
pub(super) fn of_answer(
    path: &str,
    head: &Parts,
    body: &[u8],
    hidden: &[SecretString],
) -> HttpError {
    let code = head.status.as_u16();
    let reason = head.status.canonical_reason().unwrap_or("unknown status");
    let said = if head.status.is_redirection() {
        Some("redirects, which quell does not follow".to_owned())
    } else {
        Some(explanation(body)).filter(|text| !text.is_empty())
    };
    let detail = match said {
        Some(text) => format!("{code} {reason} at {path}: {}", mask(&text, hidden)),
        None => format!("{code} {reason} at {path}"),
    };
    let mut error = SourceError::new(kind(code), &detail);
    error.retry_after = retry_after(&head.headers);
    HttpError {
        status: Some(code),
        error,
    }
}

fn kind(code: u16) -> ErrorKind {
    match StatusCode::from_u16(code) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => ErrorKind::Unauthorized,
        Ok(
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT,
        ) => ErrorKind::Busy,
        _ => ErrorKind::Refused,
    }
}

/// The message of a `Status`, else the first line of whatever it is.
fn explanation(body: &[u8]) -> String {
    if is_web_page(body) {
        return describe_page(body);
    }
    match serde_json::from_slice::<Status>(body) {
        Ok(status) if !status.message.is_empty() => message_line(&status.message),
        _ => message_line(&String::from_utf8_lossy(body)),
    }
}

fn mask(text: &str, hidden: &[SecretString]) -> String {
    let secrets = hidden.iter().map(ExposeSecret::expose_secret);
    secrets
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

/// A request without an answer.
pub(super) fn of_request(peer: &str, error: &kube::Error) -> SourceError {
    let tell = |kind, what: &str| SourceError::new(kind, &format!("{peer}: {what}"));
    if find::<kube::client::AuthError>(error).is_some() {
        return tell(ErrorKind::Local, &innermost(error));
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        let hint = match tls {
            rustls::Error::InvalidMessage(_) => " (does it speak plain http?)",
            _ => "",
        };
        return tell(ErrorKind::Tls, &format!("{tls}{hint}"));
    }
    let reason = innermost(error);
    if let Some(io) = find::<io::Error>(error) {
        let what = match io.kind() {
            io::ErrorKind::TimedOut => "no connection in time".to_owned(),
            kind if io.raw_os_error().is_some() => kind.to_string(),
            _ => reason,
        };
        return tell(ErrorKind::Unreachable, &what);
    }
    if ["closed", "canceled", "incomplete", "dispatch"]
        .iter()
        .any(|sign| reason.contains(sign))
    {
        let hint = "the connection was closed before an answer (does it ask for TLS, or for a \
                    client certificate?)";
        return tell(ErrorKind::Unreachable, hint);
    }
    let lower = reason.to_lowercase();
    if ["tunnel", "proxy", "socks"]
        .iter()
        .any(|sign| lower.contains(sign))
    {
        return tell(ErrorKind::Unreachable, &reason);
    }
    let detail = format!("{peer} does not speak HTTP: {reason}");
    SourceError::new(ErrorKind::Malformed, &detail)
}

/// A client that cannot be built.
pub(super) fn of_client(error: &kube::Error) -> SourceError {
    // Their URL may hold a password.
    if let kube::Error::ProxyProtocolUnsupported { proxy_url }
    | kube::Error::ProxyProtocolDisabled { proxy_url, .. } = error
    {
        let host = proxy_url.host().unwrap_or_default();
        let port = proxy_url.port_u16().map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        let detail = format!("the proxy {host}{port}: only http, https and socks5 can be used");
        return SourceError::new(ErrorKind::Local, &detail);
    }
    let kind = match error {
        kube::Error::RustlsTls(_) => ErrorKind::Tls,
        _ => ErrorKind::Local,
    };
    let (whole, cause) = (error.to_string(), innermost(error));
    if whole.contains(&cause) {
        SourceError::new(kind, &message_line(&whole))
    } else {
        SourceError::new(kind, &format!("{}: {cause}", message_line(&whole)))
    }
}

/// An answer that breaks off.
pub(super) fn of_body(error: &kube::Error, read_bytes: usize) -> SourceError {
    let why = innermost(error);
    let detail = format!("the answer ends early after {read_bytes} bytes: {why}");
    SourceError::new(ErrorKind::Malformed, &detail)
}

pub(super) fn no_answer(peer: &str, timeout: Duration) -> SourceError {
    let detail = format!("{peer}: no complete answer within {timeout:?}");
    SourceError::new(ErrorKind::TimedOut, &detail)
}

pub(super) fn too_large(max_bytes: usize) -> SourceError {
    let detail = format!(
        "more than {} MiB in one answer: lower `page_size`",
        max_bytes / (1024 * 1024)
    );
    SourceError::new(ErrorKind::TooLarge, &detail)
}
