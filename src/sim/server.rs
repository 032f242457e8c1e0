//! How do requests reach the handlers over HTTP?
//!
//! One listener per peer. A deaf replica takes a connection and closes it as soon as something is
//! asked, on connections that were open before as well. Called by [`super::Sim`]; it decides nothing
//! about contents.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use url::form_urlencoded;

use super::cluster::{self, WATCH_STEP_MS, Watch};
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
    pub world: Arc<World>,
    pub clock: Clock,
    pub peer: Peer,
}

impl Desk {
    fn now_ms(&self) -> i64 {
        self.world.since_start_ms((self.clock)())
    }

    fn answer(&self, request: &Request) -> Answer {
        match self.peer {
            Peer::Alertmanager(replica) => {
                alertmanager::answer(&self.world, replica, request, self.now_ms())
            }
            Peer::Prometheus => prometheus::answer(&self.world, request, self.now_ms()),
            Peer::Kubernetes => cluster::answer(&self.world, request, self.now_ms()),
            Peer::Argocd => cluster::argocd_answer(&self.world, request, self.now_ms()),
        }
    }

    fn is_deaf(&self) -> bool {
        match self.peer {
            Peer::Alertmanager(replica) => replica.hearing(self.now_ms()) == Hearing::Deaf,
            Peer::Prometheus | Peer::Kubernetes | Peer::Argocd => false,
        }
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
    let served = axum::serve(door, router)
        .with_graceful_shutdown(until_dropped)
        .await;
    drop(held);
    served
}

async fn handle(State(desk): State<Desk>, method: Method, uri: Uri, body: Bytes) -> Response {
    let in_query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let in_form = form_urlencoded::parse(&body);
    let parameters = in_query
        .chain(in_form)
        .map(|(k, v)| (k.into_owned(), v.into_owned()));
    let request = Request {
        method,
        path: uri.path().to_owned(),
        parameters: parameters.collect(),
    };
    if let Peer::Kubernetes = desk.peer {
        match Watch::of(&request, desk.now_ms()) {
            Some(Ok(watch)) => return watched(desk, watch),
            Some(Err(refusal)) => return response(refusal),
            None => {}
        }
    }
    response(desk.answer(&request))
}

/// A watch is answered line by line until it is over or nobody listens.
fn watched(desk: Desk, watch: Watch) -> Response {
    let step = Duration::from_millis(WATCH_STEP_MS);
    let mut clock = tokio::time::interval(step);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let lines = stream::unfold(
        (desk, watch, clock),
        async |(desk, mut watch, mut clock)| {
            loop {
                clock.tick().await;
                let lines = watch.lines(&desk.world, desk.now_ms())?;
                if !lines.is_empty() {
                    return Some((Ok::<_, Infallible>(lines), (desk, watch, clock)));
                }
            }
        },
    );
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, Body::from_stream(lines)).into_response()
}

fn response(answer: Answer) -> Response {
    let headers = [
        (header::CONTENT_TYPE, answer.content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (answer.status, headers, answer.body).into_response()
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
