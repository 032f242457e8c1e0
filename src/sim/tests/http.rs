//! Does it work over real HTTP on loopback?

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::*;
use crate::sim::{Fault, Faults, Options, Sim};

/// A clock that a test sets, in milliseconds since the start.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn set_secs(&self, secs: i64) {
        self.0.store(secs * 1000, Ordering::SeqCst);
    }
}

async fn sim(hand: &Hand) -> Sim {
    sim_with(hand, Faults::default()).await
}

async fn sim_with(hand: &Hand, faults: Faults) -> Sim {
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
        faults,
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

#[tokio::test]
async fn writes_go_wrong_as_they_are_told_to() {
    let hand = Hand::default();
    hand.set_secs(650);
    let faults = Faults::default();
    let retry_after_secs = 7;
    faults.on_write(1, Fault::LoseReply);
    faults.on_write(2, Fault::Refuse429 { retry_after_secs });
    faults.on_write(3, Fault::FailAfterwards);
    let sim = sim_with(&hand, faults.clone()).await;
    let cart = "apis/apps/v1/namespaces/web/deployments/cart";
    let url = sim.kubernetes().join(cart).unwrap();
    let client = client();
    let script = async {
        let mark = |value: &'static str, query: &str| {
            let mut url = url.clone();
            url.set_query(Some(query));
            client
                .patch(url)
                .header("content-type", "application/merge-patch+json")
                .body(format!(
                    "{{\"metadata\":{{\"annotations\":{{\"mark\":\"{value}\"}}}}}}"
                ))
                .send()
        };
        let held = async || {
            let answer = client.get(url.clone()).send().await.unwrap();
            assert_eq!(answer.headers()["date"], "Fri, 21 Nov 2025 08:16:35 GMT");
            let held: Value = answer.json().await.unwrap();
            held["metadata"]["annotations"]["mark"].clone()
        };
        // A dry run is no write.
        assert_eq!(mark("0", "dryRun=All").await.unwrap().status(), 200);
        assert!(mark("1", "fieldManager=quell").await.is_err());
        assert_eq!(held().await, "1", "it was done all the same");
        let refused = mark("2", "").await.unwrap();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "7");
        assert_eq!(held().await, "1");
        assert_eq!(mark("3", "").await.unwrap().status(), 500);
        assert_eq!(held().await, "3");
        assert_eq!(mark("4", "").await.unwrap().status(), 200);
        assert_eq!(faults.writes(), 4);
    };
    tokio::select! {
        served = sim.serve() => panic!("it serves until it is dropped: {served:?}"),
        () = script => {}
    }
}
