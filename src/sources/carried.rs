//! What came of a request that somebody else made up and a client of ours only carried?
//!
//! Whether it never left or nobody knows what became of it decides what may be done next. Returned by the
//! HTTP and the Kubernetes client to `control`, which alone makes requests that change something.

use http::HeaderMap;

use crate::domain::source::SourceError;

/// A request, but for who asks.
#[derive(Clone)]
pub struct Request {
    /// The verb.
    pub verb: http::Method,
    /// Under the server's base, with its query, percent-encoded.
    pub path: String,
    /// Further headers, the content type among them.
    pub headers: Vec<(String, String)>,
    /// What is sent; nothing where it is empty.
    pub body: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: http::StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, bounded. One that ends early is `Lost`, whatever the status said.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Clone, Debug)]
pub enum NoAnswer {
    /// Not one byte of the request left: nothing was done.
    NotSent(SourceError),
    /// Some of it may have arrived: nobody knows whether it was done.
    Lost(SourceError),
}
