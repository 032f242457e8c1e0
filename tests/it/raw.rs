//! What does quell do with a server that misbehaves? A tiny HTTP/1.1 server on loopback that answers
//! exactly what it is told: cut, endless, slow, enormous, refused, redirected, or nothing at all.
//!
//! It speaks through plain sockets and threads of its own, so a test may block while it serves, and
//! nothing between the test and the wire repairs what is meant to be broken. It never does TLS or
//! keeps a connection for a second request.
//!
//! ```ignore
//! let server = RawServer::start(|request| match request.path.as_str() {
//!     "/api/v2/status" => Answer::json(r#"{"cluster":{"status":"disabled"}}"#),
//!     "/api/v2/silences" => Answer::Silent,
//!     _ => Answer::too_many_requests(7),
//! });
//! quell.run(&["alerts", "--alertmanager", server.url()]);
//! assert_eq!(server.requests()[0].method, "GET");
//! ```

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the server says to one request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A whole and honest answer.
    Whole {
        /// The HTTP status.
        status: u16,
        /// Headers beside `Content-Length` and `Connection`.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// 200 with a `Content-Length` that is `missing` bytes longer than `body`; then the connection
    /// ends.
    CutShort {
        /// What is sent of the body.
        body: Vec<u8>,
        /// How many bytes never come.
        missing: usize,
    },
    /// 200 and then one space every so often, for as long as the client listens.
    Dripping {
        /// The time between two bytes.
        every: Duration,
    },
    /// 200 and a legal empty JSON list, with so much white space inside that it has this many bytes:
    /// only a limit on the size refuses it.
    Enormous {
        /// The length of the body.
        bytes: u64,
    },
    /// The request is read and the connection closed.
    Closed,
    /// The request is read and nothing follows.
    Silent,
}

impl Answer {
    /// 200 with a JSON body.
    pub fn json(body: &str) -> Self {
        Self::text(200, body).with("Content-Type", "application/json")
    }

    /// Any status with a plain-text body, as Alertmanager's own 503 has.
    pub fn text(status: u16, body: &str) -> Self {
        Self::Whole {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// 429 that asks for a pause of some seconds.
    pub fn too_many_requests(retry_after_s: u32) -> Self {
        Self::text(429, "slow down").with("Retry-After", &retry_after_s.to_string())
    }

    /// 302 to somewhere else.
    pub fn redirect(location: &str) -> Self {
        Self::text(302, "").with("Location", location)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, ...
    pub method: String,
    /// Path and query, still encoded.
    pub path: String,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// The server: it listens from `start` until it is dropped, and every connection ends with it.
pub struct RawServer {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    open: Vec<Connection>,
    ended: bool,
}

/// What the server needs to end a connection that is still being served.
struct Connection {
    stream: TcpStream,
    /// Dropped at the end: it wakes an answer that waits between two bytes.
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RawServer {
    /// Listens on a free loopback port and asks `script` for the answer to each request.
    pub fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("cannot listen: {e}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|e| panic!("cannot listen: {e}"));
        let shared = Arc::new(Shared {
            script: Box::new(script),
            state: Mutex::default(),
        });
        let listening = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            url: format!("http://{address}"),
            shared,
            listening: Some(listening),
        }
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        // Wakes the listener, which sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        let open = std::mem::take(&mut self.shared.state().open);
        for Connection {
            stream,
            stop,
            thread,
        } in open
        {
            drop(stop);
            // An error says that the client has gone already.
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let mut state = shared.state();
        if state.ended {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(served) = stream.try_clone() else {
            continue;
        };
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(shared);
            move || {
                // An error is a client that went away, which is its right; the test sees its side.
                let _ = serve(&served, &stopped, &shared);
                let _ = served.shutdown(Shutdown::Both);
            }
        });
        state.open.push(Connection {
            stream,
            stop,
            thread,
        });
    }
}

fn serve(stream: &TcpStream, stopped: &Receiver<()>, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let Some(request) = read_request(&mut reader)? else {
        return Ok(());
    };
    shared.state().requests.push(request.clone());
    let mut writer = stream;
    match (shared.script)(&request) {
        Answer::Whole {
            status,
            headers,
            body,
        } => {
            let headers: Vec<String> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\r\n"))
                .collect();
            let length = body.len() as u64;
            writer.write_all(head(status, &headers.concat(), length).as_bytes())?;
            writer.write_all(&body)
        }
        Answer::CutShort { body, missing } => {
            let promised = (body.len() + missing) as u64;
            writer.write_all(head(200, "", promised).as_bytes())?;
            writer.write_all(&body)
        }
        Answer::Dripping { every } => {
            writer.write_all(head(200, "", u64::from(u32::MAX)).as_bytes())?;
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                writer.write_all(b" ")?;
            }
            Ok(())
        }
        Answer::Enormous { bytes } => {
            writer.write_all(head(200, "", bytes).as_bytes())?;
            let spaces = io::repeat(b' ').take(bytes.saturating_sub(2));
            io::copy(&mut b"[".chain(spaces).chain(&b"]"[..]), &mut writer).map(drop)
        }
        Answer::Closed => Ok(()),
        Answer::Silent => {
            // Returns when the client hangs up or the server ends.
            io::copy(&mut reader, &mut io::sink()).map(drop)
        }
    }
}

fn head(status: u16, headers: &str, length: u64) -> String {
    format!(
        "HTTP/1.1 {status} As Told\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

/// Reads the head of a request; `None` if the client said nothing. A body is left unread.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                let header = (name.to_lowercase(), value.trim().to_owned());
                request.headers.push(header);
            }
            None => return Ok(Some(request)),
        }
    }
}

mod tests {
    use super::*;
    use crate::peers::http_client;

    async fn get(server: &RawServer, path: &str) -> reqwest::Response {
        let client = http_client()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = client.unwrap_or_else(|e| panic!("no client: {e}"));
        let url = format!("{}{path}", server.url());
        let sent = client.get(url).header("X-Scope-OrgID", "a").send().await;
        sent.unwrap_or_else(|e| panic!("no answer: {e:?}"))
    }

    #[tokio::test]
    async fn whole_answers_arrive_as_told_and_requests_are_kept() {
        let server = RawServer::start(|request| match request.path.as_str() {
            "/json?a=b" => Answer::json("[1]"),
            "/slow-down" => Answer::too_many_requests(7),
            "/elsewhere" => Answer::redirect("http://example.invalid/"),
            _ => Answer::text(503, "limit reached"),
        });
        let json = get(&server, "/json?a=b").await;
        assert_eq!(json.headers()["content-type"], "application/json");
        assert_eq!(json.text().await.ok().as_deref(), Some("[1]"));
        let slow_down = get(&server, "/slow-down").await;
        assert_eq!(
            (
                slow_down.status().as_u16(),
                &slow_down.headers()["retry-after"]
            ),
            (429, &"7".parse().unwrap_or_else(|e| panic!("{e}")))
        );
        let elsewhere = get(&server, "/elsewhere").await;
        assert_eq!(elsewhere.status(), 302);
        assert_eq!(elsewhere.headers()["location"], "http://example.invalid/");
        let refused = get(&server, "/").await;
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.text().await.ok().as_deref(), Some("limit reached"));

        let requests = server.requests();
        let paths: Vec<&str> = requests
            .iter()
            .map(|request| request.path.as_str())
            .collect();
        assert_eq!(paths, ["/json?a=b", "/slow-down", "/elsewhere", "/"]);
        assert_eq!(requests[0].method, "GET");
        assert_eq!(requests[0].header("x-scope-orgid"), Some("a"));
    }

    #[tokio::test]
    async fn a_cut_body_is_an_error_after_its_first_bytes() {
        let server = RawServer::start(|_| Answer::CutShort {
            body: b"[{\"labels\":".to_vec(),
            missing: 100,
        });
        let mut answer = get(&server, "/").await;
        assert_eq!(answer.content_length(), Some(111));
        let first = answer.chunk().await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(first.as_deref(), Some(&b"[{\"labels\":"[..]));
        assert!(answer.chunk().await.is_err());
    }

    #[tokio::test]
    async fn a_dripping_body_goes_on_and_ends_with_the_server() {
        let server = RawServer::start(|_| Answer::Dripping {
            every: Duration::from_millis(1),
        });
        let mut answer = get(&server, "/").await;
        for _ in 0..20 {
            let chunk = answer.chunk().await.unwrap_or_else(|e| panic!("{e}"));
            assert!(chunk.is_some_and(|bytes| bytes.iter().all(|byte| *byte == b' ')));
        }
        drop(server);
        while answer.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    }

    #[tokio::test]
    async fn an_enormous_body_is_legal_and_as_long_as_told() {
        let server = RawServer::start(|_| Answer::Enormous { bytes: 3_000_000 });
        let body = get(&server, "/")
            .await
            .bytes()
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(body.len(), 3_000_000);
        let list: Vec<u8> = serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{e}"));
        assert!(list.is_empty());
    }

    #[tokio::test]
    async fn a_closed_and_a_silent_connection_bring_no_answer() {
        let server = RawServer::start(|request| match request.path.as_str() {
            "/closed" => Answer::Closed,
            _ => Answer::Silent,
        });
        let client = http_client().timeout(Duration::from_millis(200)).build();
        let client = client.unwrap_or_else(|e| panic!("{e}"));
        let closed = client.get(format!("{}/closed", server.url())).send().await;
        assert!(closed.is_err_and(|error| !error.is_timeout()));
        let silent = client.get(format!("{}/silent", server.url())).send().await;
        assert!(silent.is_err_and(|error| error.is_timeout()));
    }
}
