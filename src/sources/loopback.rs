//! What would a broken, slow or hostile server answer?
//!
//! For tests only: an HTTP server on loopback that answers the very bytes it was given, whole or
//! not, over plain TCP or TLS. Each connection carries one request. It notes what it was asked.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

use crate::config::settings::{Auth, Endpoint, Tls};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The verb.
    pub(crate) verb: String,
    /// With the query, as sent.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    /// As long as its `Content-Length` says.
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name)?;
        Some(&found.1)
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// All values of a parameter, decoded.
    pub(crate) fn params(&self, name: &str) -> Vec<String> {
        let url = Url::parse("http://test")
            .unwrap()
            .join(&self.target)
            .unwrap();
        let pairs = url.query_pairs().filter(|(n, _)| n == name);
        pairs.map(|(_, value)| value.into_owned()).collect()
    }
}

/// What goes out.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone, Debug)]
enum Then {
    Close,
    /// Say nothing more until the client goes.
    Hold,
    /// One chunk for each that the test sends, and the end when it hangs up.
    Stream(Arc<Mutex<Receiver<Vec<u8>>>>),
}

impl Reply {
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status("200 OK", "", body)
    }

    /// `headers` is lines without the last line end.
    pub(crate) fn status(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let length = body.as_ref().len();
        Self::cut_short(status, headers, body, length)
    }

    /// Says another length than it sends.
    pub(crate) fn cut_short(
        status: &str,
        headers: &str,
        body: impl AsRef<[u8]>,
        length: usize,
    ) -> Self {
        let separator = if headers.is_empty() { "" } else { "\r\n" };
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}{separator}{headers}\r\n\r\n"
        );
        Self::raw([head.as_bytes(), body.as_ref()].concat())
    }

    /// The chunked parts as given; no end is added.
    pub(crate) fn chunked(headers: &str, parts: impl AsRef<[u8]>) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked{headers}\r\n\r\n"
        );
        Self::raw([head.as_bytes(), parts.as_ref()].concat())
    }

    /// A body that the test goes on writing, for one connection.
    pub(crate) fn streamed() -> (Sender<Vec<u8>>, Self) {
        let (sender, receiver) = channel();
        let mut reply = Self::chunked("", "");
        reply.then = Then::Stream(Arc::new(Mutex::new(receiver)));
        (sender, reply)
    }

    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            then: Then::Close,
        }
    }

    pub(crate) fn then_hold(mut self) -> Self {
        self.then = Then::Hold;
        self
    }
}

/// The connections and what was asked.
#[derive(Default)]
struct Book {
    requests: Vec<Request>,
    open: usize,
    most_open: usize,
}

/// Its threads end with the test's process.
pub(crate) struct Server {
    pub(crate) url: Url,
    book: Arc<Mutex<Book>>,
}

impl Server {
    pub(crate) fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start("http", answer, Some)
    }

    /// TLS with a configuration of the test.
    pub(crate) fn tls(config: ServerConfig, reply: Reply) -> Self {
        let config = Arc::new(config);
        let wrap = move |stream| {
            let connection = ServerConnection::new(config.clone()).ok()?;
            Some(StreamOwned::new(connection, stream))
        };
        Self::start("https", move |_| reply.clone(), wrap)
    }

    fn start<S: Read + Write>(
        scheme: &str,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Mutex::new(Book::default()));
        let (answer, wrap) = (Arc::new(answer), Arc::new(wrap));
        let server = Self {
            url: Url::parse(&format!("{scheme}://{address}")).unwrap(),
            book: book.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, wrap, book) = (answer.clone(), wrap.clone(), book.clone());
                let stream = stream.unwrap();
                std::thread::spawn(move || {
                    // A client that breaks off is a case of the tests, not a fault of the server.
                    let _end = wrap(stream).map(|stream| serve(stream, &*answer, &book));
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.book.lock().unwrap().requests.clone()
    }

    /// The paths asked for since the last call.
    pub(crate) fn take_paths(&self) -> Vec<String> {
        let requests = std::mem::take(&mut self.book.lock().unwrap().requests);
        requests.iter().map(|r| r.path().to_owned()).collect()
    }

    /// How many requests were under way at the same time, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.book.lock().unwrap().most_open
    }
}

fn serve(
    mut stream: impl Read + Write,
    answer: &dyn Fn(&Request) -> Reply,
    book: &Mutex<Book>,
) -> std::io::Result<()> {
    let request = read_request(&mut stream)?;
    {
        let mut book = book.lock().unwrap();
        book.requests.push(request.clone());
        book.open += 1;
        book.most_open = book.most_open.max(book.open);
    }
    let reply = answer(&request);
    // Before the answer: the client may ask again the moment it has it.
    book.lock().unwrap().open -= 1;
    stream.write_all(&reply.bytes)?;
    stream.flush()?;
    match reply.then {
        Then::Close => {}
        Then::Hold => {
            let _gone = stream.read(&mut [0; 16]);
        }
        Then::Stream(chunks) => {
            for chunk in chunks.lock().unwrap().iter() {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(&chunk)?;
                stream.write_all(b"\r\n")?;
                stream.flush()?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
    }
    Ok(())
}

fn read_request(stream: &mut impl Read) -> std::io::Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
    let (verb, target) = (first.next().unwrap(), first.next().unwrap());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers
        .map(|(n, v)| (n.to_lowercase(), v.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Request {
        verb,
        target,
        headers,
        body,
    })
}

/// A reply for each path, which a test changes between two polls. Any other path is a 404.
#[derive(Clone, Default)]
pub(crate) struct Routes(Arc<Mutex<HashMap<String, Reply>>>);

impl Routes {
    pub(crate) fn of(routes: &[(&str, &str)]) -> Self {
        let made = Self::default();
        for (path, body) in routes {
            made.set(path, Reply::ok(body));
        }
        made
    }

    pub(crate) fn set(&self, path: &str, reply: Reply) {
        self.0.lock().unwrap().insert(path.to_owned(), reply);
    }

    pub(crate) fn serve(&self) -> Server {
        let routes = self.clone();
        Server::answering(move |request| routes.reply(request))
    }

    pub(crate) fn reply(&self, request: &Request) -> Reply {
        let found = self.0.lock().unwrap().get(request.path()).cloned();
        found.unwrap_or_else(|| Reply::status("404 Not Found", "", "404 page not found\n"))
    }
}

/// An endpoint with nothing special.
pub(crate) fn endpoint(url: &Url) -> Endpoint {
    Endpoint {
        url: url.clone(),
        auth: Auth::None,
        tls: Tls::default(),
        headers: Vec::new(),
        proxy: None,
        timeout: std::time::Duration::from_secs(20),
        max_response_bytes: 16 * 1024 * 1024,
    }
}
