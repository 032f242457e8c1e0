//! How do requests reach the handlers over HTTP?
//!
//! One listener per peer. A deaf replica takes a connection and closes it as soon as something is
//! asked, on connections that were open before as well. Writes are done one after another and make the
//! next world, from which everything is answered then. Called by [`super::Sim`]; it decides nothing
//! about contents.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use url::form_urlencoded;

use super::cluster::{self, WATCH_STEP_MS, Watch};
use super::faults::{Fault, Faults};
use super::replica::Replica;
use super::story::Hearing;
use super::wire::{Answer, Request};
use super::world::World;
use super::{Clock, alertmanager, prometheus};

/// Who answers on a listener.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    Alertmanager(Replica),
    Prometheus,
    Kubernetes,
    Argocd,
}

/// What the handler of one listener needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub world: Arc<Mutex<Arc<World>>>,
    pub clock: Clock,
    pub peer: Peer,
    pub faults: Faults,
}

impl Desk {
    /// The world as it is, and the time in it.
    fn present(&self) -> (Arc<World>, i64) {
        let world = Arc::clone(&self.world.lock().unwrap_or_else(PoisonError::into_inner));
        let now_ms = world.since_start_ms((self.clock)());
        let present_ms = world.deeds.present_ms(now_ms);
        (world, present_ms)
    }

    fn answer(&self, request: &Request) -> Answer {
        let (world, now_ms) = self.present();
        match self.peer {
            Peer::Alertmanager(replica) => alertmanager::answer(&world, replica, request, now_ms),
            Peer::Prometheus => prometheus::answer(&world, request, now_ms),
            Peer::Kubernetes => cluster::answer(&world, request, now_ms),
            Peer::Argocd => cluster::argocd_answer(&world, request, now_ms),
        }
    }

    /// Whether a request may change something. A query that is posted does not.
    fn takes_as_write(&self, request: &Request) -> bool {
        matches!(self.peer, Peer::Alertmanager(_) | Peer::Kubernetes)
            && request.method != Method::GET
            && request.method != Method::HEAD
    }

    /// Does a write. Whoever writes at the same time waits.
    fn write(&self, request: &Request) -> Answer {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = world.since_start_ms((self.clock)());
        let now_ms = world.deeds.present_ms(now_ms);
        let written = match self.peer {
            Peer::Alertmanager(replica) => alertmanager::written(&world, replica, request, now_ms),
            _ => cluster::written(&world, request, now_ms),
        };
        if let Some(deeds) = written.deeds {
            *world = Arc::new(world.with(deeds));
        }
        written.answer
    }

    fn is_deaf(&self) -> bool {
        match self.peer {
            Peer::Alertmanager(replica) => replica.hearing(self.present().1) == Hearing::Deaf,
            Peer::Prometheus | Peer::Kubernetes | Peer::Argocd => false,
        }
    }

    /// The present as HTTP writes it.
    fn date(&self) -> String {
        (self.clock)()
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }
}

/// Told to a connection that ends before its answer.
#[derive(Debug, Clone, Default)]
struct Cut(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().cut.clone()
    }
}

/// Serves one peer until dropped; connections that are still open then are closed, too.
pub(super) async fn serve(listener: TcpListener, desk: Desk) -> io::Result<()> {
    let router = Router::new().fallback(handle).with_state(desk.clone());
    let (held, dropped) = oneshot::channel::<()>();
    let until_dropped = async move {
        // Nothing is ever sent: the channel ends when this function's future is dropped.
        let _ = dropped.await;
    };
    let door = Door { listener, desk };
    let served = axum::serve(door, router.into_make_service_with_connect_info::<Cut>())
        .with_graceful_shutdown(until_dropped)
        .await;
    drop(held);
    served
}

async fn handle(
    State(desk): State<Desk>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = request(method, &uri, &headers, &body);
    if let Peer::Kubernetes = desk.peer {
        match Watch::of(&request, desk.present().1) {
            Some(Ok(watch)) => return watched(desk, watch),
            Some(Err(refusal)) => return response(refusal, &desk),
            None => {}
        }
    }
    if !desk.takes_as_write(&request) {
        return response(desk.answer(&request), &desk);
    }
    let counts = request.first("dryRun").is_none() && !request.path.contains("/selfsubject");
    let fault = counts.then(|| desk.faults.count()).flatten();
    let answer = match fault {
        None => desk.write(&request),
        Some(Fault::Refuse429 { retry_after_secs }) => refused(retry_after_secs),
        Some(Fault::LoseReply) => {
            cut.0.store(true, Ordering::SeqCst);
            desk.write(&request)
        }
        Some(Fault::FailAfterwards) => {
            desk.write(&request);
            Answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
        }
        Some(Fault::Slow(time)) => {
            let answer = desk.write(&request);
            tokio::time::sleep(time).await;
            answer
        }
    };
    response(answer, &desk)
}

/// What the handlers read of a request. Only a form's body has parameters.
fn request(method: Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Request {
    let text = |name: HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let content_type = text(header::CONTENT_TYPE);
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_form = content_type == "application/x-www-form-urlencoded";
    let in_query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let in_form = form_urlencoded::parse(if is_form { body } else { &[] });
    let parameters = in_query
        .chain(in_form)
        .map(|(k, v)| (k.into_owned(), v.into_owned()));
    Request {
        method,
        path: uri.path().to_owned(),
        parameters: parameters.collect(),
        content_type: content_type.to_owned(),
        user_agent: text(header::USER_AGENT),
        body: body.to_vec(),
    }
}

/// 429 of a server that has too much to do.
fn refused(retry_after_secs: u32) -> Answer {
    let message = "Too many requests, please try again later.\n";
    let mut answer = Answer::plain(StatusCode::TOO_MANY_REQUESTS, message);
    answer
        .headers
        .push(("retry-after", retry_after_secs.to_string()));
    answer
}

/// A watch is answered line by line until it is over or nobody listens.
fn watched(desk: Desk, watch: Watch) -> Response {
    let date = desk.date();
    let step = Duration::from_millis(WATCH_STEP_MS);
    let mut clock = tokio::time::interval(step);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let lines = stream::unfold(
        (desk, watch, clock),
        async |(desk, mut watch, mut clock)| {
            loop {
                clock.tick().await;
                let (world, now_ms) = desk.present();
                let lines = watch.lines(&world, now_ms)?;
                if !lines.is_empty() {
                    return Some((Ok::<_, Infallible>(lines), (desk, watch, clock)));
                }
            }
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::DATE, date),
    ];
    (headers, Body::from_stream(lines)).into_response()
}

fn response(answer: Answer, desk: &Desk) -> Response {
    let headers = [
        (header::CONTENT_TYPE, answer.content_type.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::DATE, desk.date()),
    ];
    let mut response = (answer.status, headers, answer.body).into_response();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A listener whose connections break while its peer is deaf.
struct Door {
    listener: TcpListener,
    desk: Desk,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, from) = Listener::accept(&mut self.listener).await;
        (
            Line {
                stream,
                desk: self.desk.clone(),
                cut: Cut::default(),
            },
            from,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
struct Line {
    stream: TcpStream,
    desk: Desk,
    cut: Cut,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() && self.desk.is_deaf() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.0.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
