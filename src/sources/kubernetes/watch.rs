//! What has changed since the list?
//!
//! One watch: a stream of lines that is only read while somebody polls it. Nothing runs in between:
//! what comes then waits in the connection. Called by [`super::feed`], which keeps what is told.

use std::borrow::Cow;
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Body;
use super::failure::Status;
use super::list::{key, read};
use super::store::{Key, Read, Scope};
use crate::sources::http::HttpError;

/// One object is never larger: etcd keeps 1.5 MiB of it.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// What a watch keeps for the next line; there are many watches.
const MAX_IDLE_BYTES: usize = 256 * 1024;

/// A watch that is open, or being opened.
pub(super) struct Watch {
    state: State,
    lines: Lines,
    /// When it last gave a sign of life.
    pub(super) heard_at: DateTime<Utc>,
}

enum State {
    Opening(BoxFuture<'static, Result<Body, HttpError>>),
    Streaming(Body),
}

/// What a watch gives.
pub(super) enum Sign {
    /// The server accepted it.
    Opened,
    /// One line, without its end.
    Line(Vec<u8>),
    /// The server or the network has ended it.
    Ended,
    /// It was not accepted.
    Refused(HttpError),
    /// A line beyond all measure.
    Endless,
}

impl Watch {
    pub(super) fn new(
        opening: BoxFuture<'static, Result<Body, HttpError>>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            state: State::Opening(opening),
            lines: Lines::default(),
            heard_at: now,
        }
    }

    pub(super) fn is_opening(&self) -> bool {
        matches!(self.state, State::Opening(_))
    }

    /// The next sign. After any but `Opened` and `Line` it is over.
    pub(super) fn poll_sign(&mut self, cx: &mut Context<'_>) -> Poll<Sign> {
        let body = match &mut self.state {
            State::Streaming(body) => body,
            State::Opening(opening) => {
                return match opening.as_mut().poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(body)) => {
                        self.state = State::Streaming(body);
                        Poll::Ready(Sign::Opened)
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Sign::Refused(error)),
                };
            }
        };
        loop {
            if let Some(line) = self.lines.next() {
                return Poll::Ready(Sign::Line(line));
            }
            if self.lines.bytes.len() > MAX_LINE_BYTES {
                return Poll::Ready(Sign::Endless);
            }
            match body.poll_chunk(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(chunk))) => self.lines.push(&chunk),
                // Half a line is no news: the next watch begins before it.
                Poll::Ready(None | Some(Err(_))) => return Poll::Ready(Sign::Ended),
            }
        }
    }
}

/// Finds the ends of lines in what comes in pieces.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Up to here there is no end of a line.
    searched: usize,
    /// Up to here it was handed out.
    taken: usize,
}

impl Lines {
    fn push(&mut self, chunk: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.bytes.shrink_to(MAX_IDLE_BYTES);
            self.searched -= self.taken;
            self.taken = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let rest = &self.bytes[self.searched..];
            let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.bytes.len();
                return None;
            };
            let end = self.searched + length;
            let line = self.bytes[self.taken..end].trim_ascii().to_vec();
            (self.searched, self.taken) = (end + 1, end + 1);
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

/// What one line tells.
pub(super) enum Told {
    Put(Key, Read),
    Gone(Key),
    /// Nothing but how far the watch has come.
    Mark,
    /// The server ends the watch.
    Fault(Status),
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    metadata: VersionedMeta<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionedMeta<'a> {
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
}

/// Reads a line; gives how far the watch has come with it.
pub(super) fn tell(scope: &Scope, line: &[u8]) -> Result<(Told, String), String> {
    let event: Event<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let json = event.object.get();
    if event.kind == "ERROR" {
        let status: Status = serde_json::from_str(json).map_err(|error| error.to_string())?;
        return Ok((Told::Fault(status), String::new()));
    }
    let versioned: Versioned<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let version = versioned.metadata.resource_version.into_owned();
    let told = match &*event.kind {
        "ADDED" | "MODIFIED" => {
            let (key, read) = read(scope, json)?;
            Told::Put(key, read)
        }
        "DELETED" => Told::Gone(key(scope, json)?),
        "BOOKMARK" => Told::Mark,
        other => return Err(format!("an event of the unknown type {other}")),
    };
    Ok((told, version))
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_found_wherever_the_pieces_are_cut() {
        let text = b"one\n\ntwo\r\nthree\nfo";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next() {
                    found.push(String::from_utf8_lossy(&line).into_owned());
                }
            }
            assert_eq!(found, ["one", "two", "three"], "in pieces of {size}");
            assert_eq!(lines.bytes.len() - lines.taken, 2);
        }
    }
}
