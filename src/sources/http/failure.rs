//! What went wrong with a request, in terms of what can be done about it?
//!
//! Turns reqwest's errors and the many shapes of error answers into a [`SourceError`]. Texts name
//! the host or the path, never the user, the query or a header.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use chrono::DateTime;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;
use url::Url;

use super::body::Body;
use super::credentials::Hidden;
use super::head::Rate;
use crate::domain::source::{ErrorKind, SourceError};

/// Of a refusal's body, this much is looked at.
const MAX_EXPLANATION_BYTES: usize = 16 * 1024;
/// Of a foreign message, this much is passed on.
const MAX_MESSAGE_CHARS: usize = 200;
/// A server that counts and does not say when to come back wants to be left alone for so long.
const RATE_LIMITED_FOR: Duration = Duration::from_mins(1);
/// No server may send us away for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// A failed request. The status tells a missing endpoint from a failing one.
#[derive(Clone, Debug)]
pub struct HttpError {
    /// The refusal's status, if there was an answer.
    pub status: Option<u16>,
    /// What happened.
    pub error: SourceError,
}

impl From<SourceError> for HttpError {
    fn from(error: SourceError) -> Self {
        Self {
            status: None,
            error,
        }
    }
}

impl From<HttpError> for SourceError {
    fn from(failed: HttpError) -> Self {
        failed.error
    }
}

/// A client that cannot be built.
pub(super) fn of_client(error: &reqwest::Error) -> SourceError {
    SourceError::new(ErrorKind::Tls, &innermost(error))
}

/// A request without an answer.
pub(super) fn of_request(peer: &str, error: &reqwest::Error) -> SourceError {
    if let Some(tls) = find::<rustls::Error>(error) {
        let hint = match tls {
            rustls::Error::InvalidMessage(_) => " (does it speak plain http?)",
            _ => "",
        };
        return SourceError::new(ErrorKind::Tls, &format!("{peer}: {tls}{hint}"));
    }
    if error.is_builder() {
        return SourceError::new(ErrorKind::Local, &innermost(error));
    }
    let reason = reason(error);
    if error.is_connect() && error.is_timeout() {
        return SourceError::new(
            ErrorKind::Unreachable,
            &format!("{peer}: no connection in time"),
        );
    }
    if error.is_connect() {
        return SourceError::new(ErrorKind::Unreachable, &format!("{peer}: {reason}"));
    }
    let is_tls = error.url().is_some_and(|url| url.scheme() == "https");
    // A server that wants a certificate of ours says so only after the handshake (TLS 1.3). What
    // comes of its refusal is a race: the alert as text, a reset, or nothing but the end.
    let hint = if is_tls {
        " (does it ask for a client certificate?)"
    } else {
        ""
    };
    if let Some(io) = find::<io::Error>(error) {
        if is_tls && io.kind() == io::ErrorKind::InvalidData {
            return SourceError::new(ErrorKind::Tls, &format!("{peer}: {reason}"));
        }
        return SourceError::new(ErrorKind::Unreachable, &format!("{peer}: {reason}{hint}"));
    }
    // Connected, and something came back or the connection was closed.
    let closed = reason.contains("closed") || reason.contains("canceled");
    if closed {
        let detail = format!("{peer}: the connection was closed before an answer{hint}");
        return SourceError::new(ErrorKind::Unreachable, &detail);
    }
    let detail = format!("{peer} does not speak HTTP: {reason}");
    SourceError::new(ErrorKind::Malformed, &detail)
}

pub(super) fn no_answer(peer: &str, timeout: Duration) -> SourceError {
    let detail = format!("{peer}: no answer within {timeout:?}");
    SourceError::new(ErrorKind::TimedOut, &detail)
}

pub(super) fn cut_off(timeout: Duration, read_bytes: u64) -> SourceError {
    let detail = format!("the answer was not complete within {timeout:?}: {read_bytes} bytes came");
    SourceError::new(ErrorKind::TimedOut, &detail)
}

pub(super) fn too_large(max_bytes: u64) -> SourceError {
    const MIB: u64 = 1024 * 1024;
    let cap = if max_bytes.is_multiple_of(MIB) {
        format!("{} MiB", max_bytes / MIB)
    } else {
        format!("{max_bytes} bytes")
    };
    let detail = format!("more than the {cap} that `max_response_mib` allows");
    SourceError::new(ErrorKind::TooLarge, &detail)
}

/// A body that broke off.
pub(super) fn of_body(error: &reqwest::Error, read_bytes: u64) -> SourceError {
    let is_broken_gzip = find::<io::Error>(error).is_some_and(|io| {
        matches!(
            io.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        )
    });
    let detail = if error.is_decode() && is_broken_gzip {
        format!("the compression is broken after {read_bytes} bytes")
    } else {
        format!("the answer ends early after {read_bytes} bytes")
    };
    SourceError::new(ErrorKind::Malformed, &detail)
}

/// An answer that is not 2xx.
pub(super) async fn of_answer(url: &Url, mut body: Body, hidden: &Hidden) -> HttpError {
    let status = body.status();
    let code = status.as_u16();
    let reason = status.canonical_reason().unwrap_or("unknown status");
    let at = url.path();

    let detail = if status.is_redirection() {
        let target = redirect_target(url, body.headers());
        format!("{code} {reason} at {at}: redirects to {target}, which quell does not follow")
    } else {
        let bytes = body.beginning(MAX_EXPLANATION_BYTES).await;
        match explanation(&bytes, hidden) {
            Some(text) => format!("{code} {reason} at {at}: {text}"),
            None => format!("{code} {reason} at {at}"),
        }
    };
    let kind = match status {
        StatusCode::FORBIDDEN if is_rate_limit(body.headers(), &detail) => ErrorKind::Busy,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Busy,
        _ => ErrorKind::Refused,
    };
    let mut error = SourceError::new(kind, &detail);
    if kind == ErrorKind::Busy {
        error.retry_after = retry_after(body.headers());
        if status == StatusCode::FORBIDDEN {
            error.retry_after.get_or_insert(RATE_LIMITED_FOR);
        }
    }
    HttpError {
        status: Some(code),
        error,
    }
}

/// Whether a body is HTML (or XML): neither JSON nor a plain message begins like this.
pub(in crate::sources) fn is_web_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// `a web page ("Sign in")`
pub(in crate::sources) fn describe_page(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let title = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title.trim())
        .filter(|title| !title.is_empty());
    match title {
        Some(title) => format!("a web page (\"{}\")", message_line(title)),
        None => "a web page".to_owned(),
    }
}

/// The message in an error body, whichever of the shapes it has: Alertmanager's JSON string or
/// `{code, message}`, Prometheus's `{status, errorType, error}`, a bare `{status}`, plain text.
fn explanation(bytes: &[u8], hidden: &Hidden) -> Option<String> {
    if is_web_page(bytes) {
        let page = hidden.mask(&String::from_utf8_lossy(bytes));
        return Some(describe_page(page.as_bytes()));
    }
    let text = match serde_json::from_slice(bytes) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(fields)) => {
            let field = |name: &str| fields.get(name).and_then(Value::as_str);
            let message = field("error").or_else(|| field("message"));
            match (field("errorType"), message.or_else(|| field("status"))) {
                (Some(kind), Some(message)) => format!("{kind}: {message}"),
                (_, message) => message?.to_owned(),
            }
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    Some(message_line(&hidden.mask(&text))).filter(|line| !line.is_empty())
}

/// The first line that says something, bounded.
pub(in crate::sources) fn message_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Where a redirect points, without user, query and fragment.
fn redirect_target(from: &Url, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut target) = location.and_then(|location| from.join(location).ok()) else {
        return "nowhere".to_owned();
    };
    if target.has_authority() {
        // Both only fail for URLs that cannot have a user.
        let _no_user = target.set_username("");
        let _no_password = target.set_password(None);
    }
    target.set_query(None);
    target.set_fragment(None);
    message_line(target.as_str())
}

/// Whether a 403 is about how often was asked, not about who asks: GitHub says both with it.
fn is_rate_limit(headers: &HeaderMap, detail: &str) -> bool {
    headers.contains_key(RETRY_AFTER)
        || Rate::of(headers).is_some_and(|rate| rate.remaining == 0)
        || detail.to_ascii_lowercase().contains("rate limit")
}

/// Seconds, or a date that is read against the server's own clock. Without it, when the server
/// begins to count anew.
pub(in crate::sources) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let date = || DateTime::parse_from_rfc2822(text(DATE)?.trim()).ok();
    let Some(asked) = text(RETRY_AFTER).map(str::trim) else {
        let rate = Rate::of(headers).filter(|rate| rate.remaining == 0)?;
        let wait = rate.resets_at - date()?.to_utc();
        return Some(wait.to_std().unwrap_or_default().min(MAX_RETRY_AFTER));
    };
    let wait = if let Ok(seconds) = asked.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTime::parse_from_rfc2822(asked).ok()?;
        (until - date()?).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The reason at the bottom of the chain, without the layers that only pass it on.
fn reason(error: &reqwest::Error) -> String {
    match find::<io::Error>(error) {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ if error.is_dns() => "the host name cannot be resolved".to_owned(),
        _ => innermost(error),
    }
}

/// What the last of a chain of causes says, in one bounded line.
pub(in crate::sources) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let last = chain(error).last();
    last.map_or_else(String::new, |error| message_line(&error.to_string()))
}

/// The first error of a kind in a chain of causes.
pub(in crate::sources) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and its causes. An [`io::Error`] does not name the error it wraps as its source.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}
