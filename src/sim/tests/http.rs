//! Does it work over real HTTP on loopback?

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::*;
use crate::sim::{Faults, Options, Sim};

/// A clock that a test sets, in milliseconds since the start.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn set_secs(&self, secs: i64) {
        self.0.store(secs * 1000, Ordering::SeqCst);
    }
}

async fn sim(hand: &Hand) -> Sim {
    let hand = hand.clone();
    let clock = move || {
        let now_ms = STARTED_MS + hand.0.load(Ordering::SeqCst);
        DateTime::from_timestamp_millis(now_ms).unwrap()
    };
    let started = DateTime::from_timestamp_millis(STARTED_MS).unwrap();
    Sim::bind(Options {
        seed: SEED,
        started,
        clock: Arc::new(clock),
        faults: Faults::default(),
    })
    .await
    .unwrap()
}

fn client() -> Client {
    // Another test of this process may have installed it already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    Client::builder().no_proxy().build().unwrap()
}

async fn get(client: &Client, base: &Url, path: &str) -> reqwest::Result<(u16, String)> {
    let answer = client.get(base.join(path).unwrap()).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn the_story_is_told_over_http() {
    let hand = Hand::default();
    let sim = sim(&hand).await;
    let ([first, second], prometheus_url) = (sim.alertmanagers(), sim.prometheus());
    let client = client();
    let script = async {
        for at_secs in [0, 10, 190, 450, 730] {
            hand.set_secs(at_secs);
            for (base, path, own) in [
                (
                    &first,
                    "api/v2/alerts",
                    alertmanager(Replica::First, "/api/v2/alerts", at_secs),
                ),
                (
                    &second,
                    "api/v2/alerts",
                    alertmanager(Replica::Second, "/api/v2/alerts", at_secs),
                ),
                (
                    &prometheus_url,
                    "api/v1/rules",
                    prometheus("/api/v1/rules", at_secs),
                ),
            ] {
                let (status, body) = get(&client, base, path).await.unwrap();
                assert_eq!((status, body), (200, own.body), "{base}{path} at {at_secs}");
            }
        }
        let posted = client
            .post(prometheus_url.join("api/v1/query").unwrap())
            .form(&[("query", "count(up)")])
            .send();
        let posted: Value = posted.await.unwrap().json().await.unwrap();
        assert_eq!(posted["data"]["resultType"], "vector");
        assert_eq!(
            get(&client, &first, "-/ready").await.unwrap(),
            (200, "OK".to_owned())
        );
    };
    tokio::select! {
        served = sim.serve() => panic!("it serves until it is dropped: {served:?}"),
        () = script => {}
    }
}

#[tokio::test]
async fn a_deaf_replica_closes_connections_old_and_new() {
    let hand = Hand::default();
    let sim = sim(&hand).await;
    let [first, second] = sim.alertmanagers();
    let client = client();
    let script = async {
        let path = "api/v2/status";
        // Leaves a connection open for the next request.
        assert_eq!(get(&client, &second, path).await.unwrap().0, 200);
        hand.set_secs(250);
        assert_eq!(get(&client, &second, path).await.unwrap().0, 503);
        hand.set_secs(300);
        assert!(get(&client, &second, path).await.is_err());
        assert!(get(&client, &second, path).await.is_err());
        assert_eq!(get(&client, &first, path).await.unwrap().0, 200);
        hand.set_secs(360);
        assert_eq!(get(&client, &second, path).await.unwrap().0, 200);
    };
    tokio::select! {
        served = sim.serve() => panic!("it serves until it is dropped: {served:?}"),
        () = script => {}
    }
}

#[tokio::test]
async fn dropping_it_closes_every_connection() {
    let sim = sim(&Hand::default()).await;
    let address = sim.prometheus().socket_addrs(|| None).unwrap()[0];
    let script = async {
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"GET /-/ready HTTP/1.1\r\nhost: sim\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        open.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        open
    };
    let mut open = tokio::select! {
        served = sim.serve() => panic!("it serves until it is dropped: {served:?}"),
        open = script => open,
    };
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"Prometheus Server is Ready.\n"));
    assert!(TcpStream::connect(address).await.is_err());
}
