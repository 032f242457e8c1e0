//! What can be watched when there is no platform at hand?
//!
//! A simulated one on loopback that speaks the HTTP shapes of the real peers: two Alertmanagers of
//! one cluster, a Prometheus with series, rules and alerts, and a Kubernetes API with workloads and
//! Argo CD's applications; and the files in which its services' SLOs are written. It tells the story of a bad rollout
//! for `quell demo` and for tests. Everything it says is a pure function of the seed, the time since
//! the start, what was written to it so far and the request; what was written is forgotten when it ends,
//! and it never leaves this machine. The sources and actions speak to it over HTTP and do not know it.

mod alertmanager;
mod background;
mod background_rules;
mod catalogue;
mod cluster;
mod curve;
mod deeds;
mod faults;
mod labels;
mod matcher;
mod platform;
mod plot;
mod prometheus;
mod promql;
mod recorded;
mod replica;
mod routing;
mod rule;
mod rules;
mod rules_api;
mod schedule;
mod seed;
mod series;
mod server;
mod silences;
mod slo_series;
mod slos;
mod story;
#[cfg(test)]
mod tests;
mod text;
mod wire;
mod world;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use url::Url;

pub use faults::{Fault, Faults};
use replica::Replica;
use server::{Desk, Peer};
pub use slos::slo_files;
use world::World;

/// Where the simulation takes the time from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What a simulation depends on.
#[derive(Clone)]
pub struct Options {
    /// Names, ids and the shape of the traffic follow from it.
    pub seed: u64,
    /// When the story opens. Series reach back before it.
    pub started: DateTime<Utc>,
    /// The present. The story follows it, backwards too.
    pub clock: Clock,
    /// What goes wrong with writes; the default is nothing.
    pub faults: Faults,
}

/// A simulated platform that holds its ports, ready to be served.
pub struct Sim {
    alertmanagers: [(TcpListener, Url); 2],
    prometheus: (TcpListener, Url),
    kubernetes: (TcpListener, Url),
    argocd: (TcpListener, Url),
    world: Arc<Mutex<Arc<World>>>,
    clock: Clock,
    faults: Faults,
}

impl Sim {
    /// Builds the platform and takes three free ports on 127.0.0.1. From now on connections are
    /// accepted; they are answered once [`Sim::serve`] runs.
    ///
    /// # Errors
    /// No port could be bound.
    pub async fn bind(options: Options) -> io::Result<Sim> {
        let world = World::new(options.seed, options.started)
            .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))?;
        Ok(Sim {
            alertmanagers: [listen().await?, listen().await?],
            prometheus: listen().await?,
            kubernetes: listen().await?,
            argocd: listen().await?,
            world: Arc::new(Mutex::new(Arc::new(world))),
            clock: options.clock,
            faults: options.faults,
        })
    }

    /// The base URLs of the cluster's two replicas.
    #[must_use]
    pub fn alertmanagers(&self) -> [Url; 2] {
        self.alertmanagers.each_ref().map(|(_, url)| url.clone())
    }

    /// The base URL of the Prometheus.
    #[must_use]
    pub fn prometheus(&self) -> Url {
        self.prometheus.1.clone()
    }

    /// The base URL of the Kubernetes API.
    #[must_use]
    pub fn kubernetes(&self) -> Url {
        self.kubernetes.1.clone()
    }

    /// The base URL of Argo CD's own API.
    #[must_use]
    pub fn argocd(&self) -> Url {
        self.argocd.1.clone()
    }

    /// Answers requests until the future is dropped.
    ///
    /// # Errors
    /// A listener failed for good.
    pub async fn serve(self) -> io::Result<()> {
        let Sim {
            alertmanagers: [(first, _), (second, _)],
            prometheus: (third, _),
            kubernetes: (fourth, _),
            argocd: (fifth, _),
            world,
            clock,
            faults,
        } = self;
        let desk = |peer| Desk {
            world: Arc::clone(&world),
            clock: Arc::clone(&clock),
            faults: faults.clone(),
            peer,
        };
        tokio::try_join!(
            server::serve(first, desk(Peer::Alertmanager(Replica::First))),
            server::serve(second, desk(Peer::Alertmanager(Replica::Second))),
            server::serve(third, desk(Peer::Prometheus)),
            server::serve(fourth, desk(Peer::Kubernetes)),
            server::serve(fifth, desk(Peer::Argocd)),
        )?;
        Ok(())
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("alertmanagers", &self.alertmanagers())
            .field("prometheus", &self.prometheus())
            .field("kubernetes", &self.kubernetes())
            .field("argocd", &self.argocd())
            .finish_non_exhaustive()
    }
}

/// A free loopback port and the URL by which it is reached.
async fn listen() -> io::Result<(TcpListener, Url)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let url = Url::parse(&format!("http://{address}/")).map_err(io::Error::other)?;
    Ok((listener, url))
}
