//! How much of an answer has come, and may more come?
//!
//! A [`Body`] is read chunk by chunk as it arrives, or whole. It stops at the deadline and at the
//! cap, which counts unpacked bytes, so that neither a drip nor a gzip bomb gets further.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use super::failure;
use super::head::Head;
use crate::domain::source::{ErrorKind, SourceError};

/// An answer whose head has come.
pub struct Body {
    response: Response,
    deadline: Instant,
    timeout: Duration,
    max_bytes: u64,
    read_bytes: u64,
}

impl Body {
    pub(super) fn new(
        response: Response,
        deadline: Instant,
        timeout: Duration,
        max_bytes: u64,
    ) -> Self {
        Self {
            response,
            deadline,
            timeout,
            max_bytes,
            read_bytes: 0,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// What it tells besides its body.
    #[must_use]
    pub fn head(&self) -> Head {
        Head::of(self.headers())
    }

    /// The next part, `None` at the end. Never an empty one.
    ///
    /// # Errors
    /// `TimedOut`, `TooLarge`, or `Malformed` when it ends early or is a web page.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        // Said by the server beforehand: do not even begin.
        if self.response.content_length() > Some(self.max_bytes) {
            return Err(failure::too_large(self.max_bytes));
        }
        let is_first = self.read_bytes == 0;
        let Some(chunk) = self.next().await? else {
            return Ok(None);
        };
        if is_first && failure::is_web_page(&chunk) {
            let page = failure::describe_page(&chunk);
            let detail = format!("{page}, not this API: a proxy's login page, or a wrong path?");
            return Err(SourceError::new(ErrorKind::Malformed, &detail));
        }
        Ok(Some(chunk))
    }

    /// The next part, whatever it is.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        loop {
            let chunk = match tokio::time::timeout_at(self.deadline, self.response.chunk()).await {
                Err(_) => return Err(failure::cut_off(self.timeout, self.read_bytes)),
                Ok(Err(error)) => return Err(failure::of_body(&error, self.read_bytes)),
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(chunk))) => chunk,
            };
            self.read_bytes += chunk.len() as u64;
            if self.read_bytes > self.max_bytes {
                return Err(failure::too_large(self.max_bytes));
            }
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Body::chunk`], and `Malformed` when it is not UTF-8.
    pub async fn whole(mut self) -> Result<String, SourceError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            SourceError::new(ErrorKind::Malformed, &format!("byte {at}: not UTF-8"))
        })
    }

    /// All of it, whatever it is.
    pub(super) async fn bytes(&mut self) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Its beginning, or as much of that as comes: for a refusal, whose body only explains it.
    pub(super) async fn beginning(&mut self, max_bytes: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < max_bytes
            && let Ok(Some(chunk)) = self.next().await
        {
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(max_bytes);
        bytes
    }
}
