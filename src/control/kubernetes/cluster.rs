//! Which clusters are there, and what does one of them say to a question, a dry run or a write?
//!
//! [`Cluster`] is one API server of the settings; it is opened when it is first needed. [`Cluster::send`] is
//! the one place that sends a write, once. [`Cluster::may`] and [`Cluster::dry_run`] also send POST or PATCH,
//! of which nothing is kept there. Used by every family of this folder and by `servers`.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::Value;
use tokio::sync::{OnceCell, RwLock};
use tokio::time::Instant;

use super::access::{self, Access};
use super::answers;
use crate::config::delivery::{DeclaredPlace, DeliveryAccess, KubernetesSettings};
use crate::config::settings::Settings;
use crate::control::NoPlan;
use crate::domain::action::{ActionRequest, CLUSTER};
use crate::domain::change::Subject;
use crate::domain::check::Seen;
use crate::domain::label::Labels;
use crate::domain::plan::{DryRun, Holds, HttpWrite, Precondition, Verb};
use crate::domain::record::StepOutcome;
use crate::domain::service::Services;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::{Untrusted, shown};

use crate::sources::carried::{self, Answer, NoAnswer};
use crate::sources::kubernetes::KubernetesClient;

/// What was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// The object or list; none where there is none (404).
    pub(crate) value: Option<Value>,
    /// The server's clock.
    pub(crate) server_date: Option<DateTime<Utc>>,
}

/// One API server.
pub(crate) struct Cluster {
    name: SourceName,
    place: DeclaredPlace,
    settings: KubernetesSettings,
    client: OnceCell<RwLock<KubernetesClient>>,
    /// What its clock said last, and when that was.
    clock: Mutex<Option<(DateTime<Utc>, Instant)>>,
}

impl Cluster {
    pub(super) fn new(
        name: &SourceName,
        place: &DeclaredPlace,
        settings: &KubernetesSettings,
    ) -> Self {
        Self {
            name: name.clone(),
            place: place.clone(),
            settings: settings.clone(),
            client: OnceCell::new(),
            clock: Mutex::default(),
        }
    }

    /// As the config names it.
    pub(crate) fn name(&self) -> &SourceName {
        &self.name
    }

    /// The environment, where the config says which.
    pub(crate) fn env(&self) -> Option<&str> {
        self.place.env.as_deref()
    }

    /// Asks for an object or a list.
    ///
    /// # Errors
    /// Anything but 2xx and 404, in words.
    pub(crate) async fn get(&self, path: &str) -> Result<Fetched, NoPlan> {
        let told = |error: &SourceError| NoPlan::new(format!("{}: {error}", self.name));
        let answer = self.ask(path).await.map_err(|error| told(&error))?;
        let value = match answer.status {
            StatusCode::NOT_FOUND => None,
            _ => Some(parsed(&answer).map_err(|error| told(&error))?),
        };
        Ok(Fetched {
            value,
            server_date: answers::date(&answer.headers),
        })
    }

    /// What the server says now, for a check or a search for evidence.
    ///
    /// # Errors
    /// Anything but 2xx and the server's own word that there is no such thing.
    pub(crate) async fn read(&self, path: &str) -> Result<Seen, SourceError> {
        let answer = self.ask(path).await?;
        if answer.status != StatusCode::NOT_FOUND {
            return parsed(&answer).map(Seen::Value);
        }
        if answers::is_not_found(&answer) {
            return Ok(Seen::NotFound);
        }
        let detail = "404, but not of the API server itself: is there a proxy in between?";
        Err(SourceError::new(ErrorKind::Refused, detail))
    }

    /// What tells the cluster from another of the same name: the uid of the namespace `kube-system`, and
    /// where that may not be read, the server's address and its authorities.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(crate) async fn identity(&self) -> Result<String, NoPlan> {
        let told = |error: &SourceError| NoPlan::new(format!("{}: {error}", self.name));
        let path = "/api/v1/namespaces/kube-system";
        match self.ask(path).await {
            Ok(answer) if answer.status.is_success() => {
                let namespace = parsed(&answer).map_err(|error| told(&error))?;
                if let Some(uid) = namespace["metadata"]["uid"].as_str() {
                    return Ok(uid.to_owned());
                }
            }
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Unauthorized => {}
            Err(error) => return Err(told(&error)),
        }
        let client = self.client().await.map_err(|error| told(&error))?;
        Ok(client.read().await.address())
    }

    /// Whether we may do this.
    pub(crate) async fn may(&self, access: &Access) -> Precondition {
        let request = carried::Request {
            verb: http::Method::POST,
            path: access::PATH.to_owned(),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: access.review().to_string().into_bytes(),
        };
        match self.try_out(request).await {
            Ok(answer) if answer.status.is_success() => match parsed(&answer) {
                Ok(review) => access.judged(&review),
                Err(error) => access.found(Holds::Unknown, &error.to_string()),
            },
            Ok(answer) => {
                let detail = format!("the review was refused: {}", answer.status);
                access.found(Holds::Unknown, &detail)
            }
            Err(NoAnswer::NotSent(error) | NoAnswer::Lost(error)) => {
                access.found(Holds::Unknown, &error.to_string())
            }
        }
    }

    /// The very request, of which the server keeps nothing.
    pub(crate) async fn dry_run(&self, write: &HttpWrite) -> DryRun {
        let mut request = request(write);
        // Only in the query: a dry run that only the body names looks real in audit logs.
        request
            .path
            .push(if request.path.contains('?') { '&' } else { '?' });
        request.path.push_str("dryRun=All");
        // But a DELETE with a body takes its options from that body alone: it would really delete.
        if write.verb == Verb::Delete && !write.body.is_empty() {
            let Ok(Value::Object(mut options)) = serde_json::from_slice(&request.body) else {
                return answers::not_rehearsed(
                    "the body of this DELETE cannot say that it is a dry run",
                );
            };
            options.insert("dryRun".to_owned(), serde_json::json!(["All"]));
            request.body = Value::Object(options).to_string().into_bytes();
        }
        answers::dry_run(write, self.try_out(request).await)
    }

    /// Sends a write, once, whatever the answer.
    pub(crate) async fn send(&self, write: &HttpWrite) -> StepOutcome {
        let answer = self.carry(request(write)).await;
        if let Ok(answer) = &answer
            && answer.status == StatusCode::UNAUTHORIZED
        {
            // For whoever plans again. This write is not sent a second time.
            let _renewed = self.renew().await;
        }
        answers::outcome(write, answer)
    }

    /// By how much the server's clock is ahead of ours, in seconds.
    pub(crate) fn ahead_secs(&self, now: DateTime<Utc>) -> Option<i64> {
        let heard = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let (date, at) = heard?;
        let since = chrono::TimeDelta::from_std(at.elapsed()).ok()?;
        Some((date + since - now).num_seconds())
    }

    async fn client(&self) -> Result<&RwLock<KubernetesClient>, SourceError> {
        let open = async || KubernetesClient::new(&self.settings).await.map(RwLock::new);
        self.client.get_or_try_init(open).await
    }

    async fn renew(&self) -> Result<(), SourceError> {
        self.client().await?.write().await.renew().await
    }

    async fn ask(&self, path: &str) -> Result<Answer, SourceError> {
        let client = self.client().await?;
        let mut asked = client.read().await.get(path).await;
        if asked.as_ref().is_err_and(|e| e.status == Some(401)) {
            self.renew().await?;
            asked = client.read().await.get(path).await;
        }
        let answer = asked?;
        self.note_clock(&answer);
        Ok(answer)
    }

    /// A request of which nothing is kept: with renewed credentials it may be asked again.
    async fn try_out(&self, request: carried::Request) -> Result<Answer, NoAnswer> {
        let answer = self.carry(request.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.renew().await.map_err(NoAnswer::NotSent)?;
        self.carry(request).await
    }

    async fn carry(&self, request: carried::Request) -> Result<Answer, NoAnswer> {
        let client = self.client().await.map_err(NoAnswer::NotSent)?;
        let answer = client.read().await.carry(request).await?;
        self.note_clock(&answer);
        Ok(answer)
    }

    fn note_clock(&self, answer: &Answer) {
        if let Some(date) = answers::date(&answer.headers) {
            let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
            *clock = Some((date, Instant::now()));
        }
    }
}

/// Every cluster of the settings.
pub(crate) struct Clusters {
    all: Vec<Cluster>,
    services: Services,
}

impl Clusters {
    /// From the settings. Opens no connection and reads no kubeconfig.
    pub(crate) fn new(settings: &Settings) -> Self {
        let sources = settings.delivery.sources.iter();
        let clusters = sources.filter_map(|source| match &source.access {
            DeliveryAccess::Kubernetes(access) => {
                Some(Cluster::new(&source.name, &source.place, access))
            }
            _ => None,
        });
        Self {
            all: clusters.collect(),
            services: settings.delivery.services(),
        }
    }

    /// The one that a request means: by `cluster=`, else the only one.
    ///
    /// # Errors
    /// There is none, or it is not clear which.
    pub(crate) fn pick(&self, request: &ActionRequest) -> Result<&Cluster, NoPlan> {
        let names = || {
            let names: Vec<String> = self.all.iter().map(|c| shown(c.name())).collect();
            names.join(", ")
        };
        if let Some(wanted) = request.get(CLUSTER) {
            let is_meant = |c: &&Cluster| c.place.cluster.as_deref() == Some(wanted);
            let by_place: Vec<&Cluster> = self.all.iter().filter(is_meant).collect();
            return match (self.named(wanted), by_place.as_slice()) {
                (Some(cluster), _) => Ok(cluster),
                (None, [cluster]) => Ok(*cluster),
                _ => {
                    let (wanted, names) = (shown(wanted), names());
                    Err(NoPlan::new(format!(
                        "no cluster `{wanted}`: there is {names}"
                    )))
                }
            };
        }
        match self.all.as_slice() {
            [one] => Ok(one),
            [] => Err(NoPlan::new(
                "the config has no Kubernetes cluster: add one with [[kubernetes]]",
            )),
            _ => {
                let why = format!("say which cluster is meant with cluster=NAME: {}", names());
                Err(NoPlan::new(why))
            }
        }
    }

    /// The service that an object belongs to, by the same rules as what is shown of it.
    pub(crate) fn service(
        &self,
        cluster: &Cluster,
        kind: &str,
        object: &Value,
    ) -> Option<Untrusted> {
        let meta = &object["metadata"];
        let text = |field: &str| meta[field].as_str().unwrap_or_default();
        let own = meta["labels"].as_object();
        let own = own.into_iter().flatten();
        let own = own.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let mut pairs: Vec<(&str, &str)> = own.collect();
        let place = &cluster.place;
        pairs.extend([
            ("cluster", place.cluster.as_deref().unwrap_or(&cluster.name)),
            ("source", &cluster.name),
            ("kind", kind),
            ("name", text("name")),
            ("namespace", text("namespace")),
        ]);
        pairs.extend(place.region.as_deref().map(|region| ("region", region)));
        let line = |text: &str| Untrusted::line(text);
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (line(name), line(value)));
        let mut subject = Subject {
            target: line(text("name")),
            service: place.service.as_deref().map(line),
            env: None,
            labels: Labels::new(pairs.collect()),
        };
        self.services.place(&mut subject);
        subject.service
    }

    /// The one of a name, as the config names it.
    pub(crate) fn named(&self, name: &str) -> Option<&Cluster> {
        self.all.iter().find(|cluster| &**cluster.name() == name)
    }
}

fn request(write: &HttpWrite) -> carried::Request {
    let verb = match write.verb {
        Verb::Get => http::Method::GET,
        Verb::Post => http::Method::POST,
        Verb::Put => http::Method::PUT,
        Verb::Patch => http::Method::PATCH,
        Verb::Delete => http::Method::DELETE,
    };
    let content_type = write.content_type.iter();
    let mut headers: Vec<_> = content_type
        .map(|kind| ("Content-Type".to_owned(), kind.clone()))
        .collect();
    headers.extend(write.headers.iter().cloned());
    carried::Request {
        verb,
        path: write.path.clone(),
        headers,
        body: write.body.clone().into_bytes(),
    }
}

fn parsed(answer: &Answer) -> Result<Value, SourceError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let detail = format!("the answer is not JSON: {error}");
        SourceError::new(ErrorKind::Malformed, &detail)
    })
}

#[cfg(test)]
pub(super) mod tests;
