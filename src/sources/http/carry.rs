//! What came of a request that `control` made up?
//!
//! [`HttpServer`] is the same server as the read side knows it: its TLS, login and headers, its deadline, no
//! redirect. It never asks twice, except after a 401, which says clearly that nothing was done, when the
//! credentials have changed since. Each request has a connection of its own: one that was kept open may be
//! closed by the other side while a write is on its way, and then nobody knows what became of it.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use secrecy::SecretString;
use tokio::time::Instant;

use super::credentials::Hidden;
use super::{Body, HttpClient, Reuse, failure};
use crate::config::settings::Endpoint;
use crate::domain::source::{ErrorKind, SourceError};
use crate::sources::carried::{Answer, NoAnswer, Request};

/// No write is waited for any longer, however patient the reads are.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A server to which `control` may send what it made up.
#[derive(Clone)]
pub struct HttpServer(HttpClient);

impl HttpServer {
    /// Prepares it. Reads the certificate files, opens no connection, reads no secret.
    ///
    /// # Errors
    /// As `HttpClient::new`.
    pub fn new(endpoint: &Endpoint) -> Result<Self, SourceError> {
        HttpClient::with(endpoint, Reuse::Never).map(Self)
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// `NotSent` only where it is certain that not one byte of it left.
    pub async fn carry(&self, request: &Request) -> Result<Answer, NoAnswer> {
        self.0.carry(request).await
    }
}

impl HttpClient {
    /// Sends a request once, whatever its verb.
    pub(super) async fn carry(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let inner = &*self.0;
        let url = exactly(&inner.base, &request.path).map_err(NoAnswer::NotSent)?;
        let is_read = request.verb == http::Method::GET;
        let timeout = if is_read {
            inner.timeout
        } else {
            inner.timeout.min(MAX_WRITE_TIMEOUT)
        };
        let deadline = Instant::now() + timeout;
        let secrets = inner.credentials.current().await;
        let secrets = secrets.map_err(NoAnswer::NotSent)?;
        let first = self
            .once(&url, request, &secrets, (deadline, timeout))
            .await?;
        if first.status != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        // The refusal stands where newer credentials cannot be had.
        match inner.credentials.newer_than(&secrets).await {
            Ok(Some(newer)) => self.once(&url, request, &newer, (deadline, timeout)).await,
            Ok(None) | Err(_) => Ok(first),
        }
    }

    async fn once(
        &self,
        url: &Url,
        request: &Request,
        secrets: &[SecretString],
        (deadline, timeout): (Instant, Duration),
    ) -> Result<Answer, NoAnswer> {
        let inner = &*self.0;
        let mut built = inner.client.request(request.verb.clone(), url.clone());
        built = built.headers(inner.headers.clone());
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        if !request.body.is_empty() {
            built = built.body(request.body.clone());
        }
        let built = inner.credentials.put_on(built, secrets).build();
        let built = built.map_err(|e| NoAnswer::NotSent(failure::of_request(&inner.peer, &e)))?;
        let hidden = Hidden::of(&built, secrets);
        let response = match tokio::time::timeout_at(deadline, inner.client.execute(built)).await {
            Ok(Ok(response)) => response,
            // No connection, or no TLS over it: the request itself comes after both.
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                return Err(NoAnswer::NotSent(failure::of_request(&inner.peer, &error)));
            }
            Ok(Err(error)) => {
                return Err(NoAnswer::Lost(failure::of_request(&inner.peer, &error)));
            }
            Err(_) => return Err(NoAnswer::Lost(failure::no_answer(&inner.peer, timeout))),
        };
        let mut body = Body::new(response, deadline, timeout, inner.max_bytes);
        let (status, headers) = (body.status(), body.headers().clone());
        let bytes = body.bytes().await.map_err(NoAnswer::Lost)?;
        Ok(Answer {
            status,
            headers,
            body: hidden.mask_bytes(bytes),
        })
    }
}

/// The URL of a path under the base, unless it would become another path on its way: dots that climb,
/// backslashes and control characters are read differently by different servers.
fn exactly(base: &Url, path: &str) -> Result<Url, SourceError> {
    let refused = || {
        let detail = format!("`{path}` is no plain path under {}", base.path());
        SourceError::new(ErrorKind::Local, &detail)
    };
    let (path_only, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if !path_only.starts_with('/') || path_only.starts_with("//") || !is_plain(path) {
        return Err(refused());
    }
    let wanted = format!("{}{path_only}", base.path().trim_end_matches('/'));
    let mut url = base.clone();
    url.set_path(&wanted);
    url.set_query(query);
    url.set_fragment(None);
    if url.path() != wanted || url.host() != base.host() {
        return Err(refused());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]
    use std::io::Write;

    use super::*;
    use crate::config::secret::Secret;
    use crate::config::settings::Auth;
    use crate::sources::loopback::{Reply, Server, endpoint};

    fn post(path: &str) -> Request {
        Request {
            verb: "POST".parse().unwrap(),
            path: path.to_owned(),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: b"{}".to_vec(),
        }
    }

    async fn sent(url: &Url, path: &str) -> Result<Answer, NoAnswer> {
        let server = HttpServer::new(&endpoint(url)).unwrap();
        server.carry(&post(path)).await
    }

    fn not_sent(result: Result<Answer, NoAnswer>) -> SourceError {
        match result {
            Err(NoAnswer::NotSent(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    fn lost(result: Result<Answer, NoAnswer>) -> SourceError {
        match result {
            Err(NoAnswer::Lost(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn every_answer_comes_back_as_it_is_and_no_redirect_is_followed() {
        for status in [
            "200 OK",
            "409 Conflict",
            "500 Internal Server Error",
            "302 Found",
        ] {
            let headers = "Location: http://169.254.169.254/latest";
            let server = Server::answering(move |_| Reply::status(status, headers, "said"));
            let answer = sent(&server.url, "/v1/x?dryRun=true").await.unwrap();
            assert_eq!(answer.status.as_str(), &status[..3]);
            assert_eq!(answer.body, b"said");
            let requests = server.requests();
            assert_eq!(requests.len(), 1);
            assert_eq!(requests[0].target, "/v1/x?dryRun=true");
            assert_eq!(requests[0].header("content-type"), Some("application/json"));
        }
    }

    #[tokio::test]
    async fn nobody_there_means_that_nothing_was_sent() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", free.local_addr().unwrap())).unwrap();
        drop(free);
        not_sent(sent(&url, "/v1/x").await);
        let unknown = Url::parse("http://nowhere.invalid/").unwrap();
        not_sent(sent(&unknown, "/v1/x").await);
        // A server that speaks no TLS never sees the request.
        let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let https = format!("https://{}", plain.local_addr().unwrap());
        let answers = std::thread::spawn(move || {
            let (mut stream, _) = plain.accept().unwrap();
            let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        let error = not_sent(sent(&Url::parse(&https).unwrap(), "/v1/x").await);
        assert_eq!(error.kind, ErrorKind::Tls);
        answers.join().unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_whole_is_lost() {
        for reply in [
            Reply::raw(""),
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"),
            Reply::cut_short("200 OK", "", "{", 10),
            Reply::chunked("", "5\r\nab"),
        ] {
            let server = Server::answering(move |_| reply.clone());
            lost(sent(&server.url, "/v1/x").await);
            assert_eq!(server.requests().len(), 1, "a write is never sent twice");
        }
        let mut slow = endpoint(&Server::answering(|_| Reply::raw("").then_hold()).url);
        slow.timeout = Duration::from_millis(200);
        let server = HttpServer::new(&slow).unwrap();
        let mut request = post("/v1/x");
        request.body.clear();
        let error = lost(server.carry(&request).await);
        assert_eq!(error.kind, ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn no_path_leaves_the_place_it_was_given() {
        let server = Server::answering(|_| Reply::ok("reached"));
        let mut below = endpoint(&server.url);
        below.url = server.url.join("/api/").unwrap();
        let client = HttpServer::new(&below).unwrap();
        for path in [
            "/../admin",
            "/v1/../../admin",
            "/v1/%2e%2e/%2E%2e/admin",
            "/v1/.%2e/x",
            "/./x",
            "//evil.example/x",
            "@evil.example/x",
            "v1/x",
            "",
            "/v1\\..\\..\\admin",
            "/v1/x\r\nX-Evil: 1",
            "/v1/x HTTP/1.1",
            "/v1/x#frag",
            "/v1/ü",
            "http://evil.example/",
        ] {
            not_sent(client.carry(&post(path)).await);
        }
        assert_eq!(server.requests().len(), 0);
        client
            .carry(&post("/v1/a%2F..%2Fb%40c?x=..%2F"))
            .await
            .unwrap();
        assert_eq!(
            server.requests()[0].target,
            "/api/v1/a%2F..%2Fb%40c?x=..%2F"
        );
    }

    #[tokio::test]
    async fn newer_credentials_are_tried_once_and_no_answer_repeats_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "old-t0ken").unwrap();
        let path = file.clone();
        let server = Server::answering(move |request| {
            let token = request.header("authorization").unwrap().to_owned();
            std::fs::write(&path, "new-t0ken").unwrap();
            Reply::status("401 Unauthorized", "", format!("bad token: {token}"))
        });
        let mut there = endpoint(&server.url);
        there.auth = Auth::Bearer(Secret::File(file));
        let client = HttpServer::new(&there).unwrap();
        let answer = client.carry(&post("/v1/x")).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.body, b"bad token: Bearer ***");
        let tokens: Vec<_> = server.requests();
        let tokens: Vec<_> = tokens.iter().map(|r| r.header("authorization")).collect();
        assert_eq!(tokens, [Some("Bearer old-t0ken"), Some("Bearer new-t0ken")]);
    }

    #[tokio::test]
    async fn a_header_that_cannot_be_sent_stops_the_request() {
        let server = Server::answering(|_| Reply::ok(""));
        let client = HttpServer::new(&endpoint(&server.url)).unwrap();
        let mut request = post("/v1/x");
        request
            .headers
            .push(("If-Match".to_owned(), "a\r\nX: 1".to_owned()));
        not_sent(client.carry(&request).await);
        assert_eq!(server.requests().len(), 0);
    }
}
