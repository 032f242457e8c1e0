//! What did Argo CD deploy, and what differs from git?
//!
//! Called by [`super::delivery`]. One poll lists the applications that the token may see, and for a few
//! of those that drift it asks what exactly differs. It never writes, and it does not use the `fields`
//! parameter: that knows a short list of fields only, which has neither the history nor the revision
//! nor the time of the comparison, and leaves out everything else without a word.

mod application;
mod paths;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use self::application::{Application, Context, Difference, ResourceKey, changes, drifts};
use self::paths::{Paths, paths};
use super::http::HttpClient;
use super::rest::{Kept, Listed, sorted_out};
use super::wire::decode;
use crate::config::delivery::{ArgocdSettings, DeclaredPlace};
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::drift::DriftKind;
use crate::domain::source::{ErrorKind, SourceError, SourceName};
use crate::domain::text::Untrusted;

const APPLICATIONS: &str = "/api/v1/applications";
/// What differs exactly is one request for each application, and a large answer.
const MAX_COMPARED: usize = 20;

/// The client of one.
pub struct Argocd {
    http: HttpClient,
    name: SourceName,
    settings: ArgocdSettings,
    place: DeclaredPlace,
    /// By the qualified names of the applications that drift.
    compared: HashMap<String, Compared>,
    kept: Kept,
}

/// What exactly differs of an application, as of one comparison.
struct Compared {
    stamp: Stamp,
    result: Result<HashMap<ResourceKey, Paths>, SourceError>,
}

/// Another comparison has another one.
#[derive(PartialEq)]
struct Stamp {
    reconciled_at: Option<DateTime<Utc>>,
    revision: String,
}

#[derive(Deserialize)]
struct List {
    /// Null where there is none.
    items: Option<Vec<Listed<Application>>>,
}

#[derive(Deserialize)]
struct ManagedResources {
    items: Option<Vec<ManagedResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedResource {
    #[serde(flatten)]
    key: ResourceKey,
    /// JSON as text, `null` where there is no such object.
    normalized_live_state: Option<String>,
    predicted_live_state: Option<String>,
}

impl Argocd {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// A certificate file or a header of the settings does not hold.
    pub fn new(
        name: &SourceName,
        settings: &ArgocdSettings,
        place: &DeclaredPlace,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            http: HttpClient::new(&settings.endpoint)?,
            name: name.clone(),
            settings: settings.clone(),
            place: place.clone(),
            compared: HashMap::new(),
            kept: Kept::default(),
        })
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed. Every time in it is
    /// Argo CD's own.
    ///
    /// # Errors
    /// Why there are no applications. Anything else that fails is in the answer.
    pub async fn poll(&mut self, _now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let (applications, odd) = sorted_out(self.read().await?);
        let mut limits: Vec<String> = odd;
        for line in &mut limits {
            line.insert_str(0, "an application was left out: ");
        }
        if applications.is_empty() && limits.is_empty() {
            limits.push(
                "no application: Argo CD leaves out what the token may not read without a word"
                    .to_owned(),
            );
        }
        let web: Url = self.settings.endpoint.url.clone();
        let (source, place) = (self.name.clone(), self.place.clone());
        let context = Context {
            source: &source,
            place: &place,
            web: Some(&web),
        };
        let mut answer = DeliveryAnswer::default();
        let mut differing: Vec<(&Application, Vec<Difference>)> = Vec::new();
        for application in &applications {
            answer
                .changes
                .extend(changes(application, &context, &mut limits));
            let found = drifts(application, &context);
            if !found.is_empty() {
                differing.push((application, found));
            }
        }
        limits.extend(self.compare(&differing).await);
        for (application, found) in differing {
            let app = application.qualified_name();
            let known = self.compared.get(&app).map(|compared| &compared.result);
            answer.drifts.extend(found.into_iter().map(|difference| {
                let Difference {
                    mut drift,
                    resource,
                } = difference;
                if let (Some(Ok(known)), Some(key)) = (known, &resource)
                    && let Some(found) = known.get(key)
                {
                    found.tell(&mut drift);
                }
                drift
            }));
        }
        answer.parts.push(Part {
            what: Untrusted::line("applications"),
            state: PartState::Read(applications.len()),
        });
        answer.limits = limits.iter().map(|line| Untrusted::line(line)).collect();
        Ok(self.kept.keep(answer))
    }

    async fn read(&self) -> Result<Vec<Listed<Application>>, SourceError> {
        let projects = self.settings.projects.iter();
        let mut params: Vec<(&str, &str)> = projects.map(|p| ("projects", &**p)).collect();
        params.extend(self.settings.selector.iter().map(|s| ("selector", &**s)));
        let body = self.http.get(APPLICATIONS, &params).await?;
        let text = body.whole().await?;
        Ok(decode::<List>(text.as_bytes(), 0)?
            .items
            .unwrap_or_default())
    }

    /// Asks what exactly differs of applications that drift and were compared anew. Gives back what to
    /// say of those that could not be asked.
    async fn compare(&mut self, differing: &[(&Application, Vec<Difference>)]) -> Vec<String> {
        let drifting: Vec<(String, &Application)> = differing
            .iter()
            .filter(|(_, found)| found.iter().any(is_drift))
            .map(|(application, _)| (application.qualified_name(), *application))
            .collect();
        self.compared
            .retain(|app, _| drifting.iter().any(|(name, _)| name == app));
        let mut left = MAX_COMPARED;
        let mut waiting = 0;
        let mut unwilling = None;
        for (app, application) in &drifting {
            let stamp = Stamp {
                reconciled_at: application.status.reconciled_at,
                revision: application
                    .declared_revision()
                    .map_or_else(String::new, |r| r.words()),
            };
            if self
                .compared
                .get(app)
                .is_some_and(|known| known.stamp == stamp)
            {
                continue;
            }
            if left == 0 || unwilling.is_some() {
                // What was found in the comparison before says nothing of this one.
                self.compared.remove(app);
                waiting += 1;
                continue;
            }
            left -= 1;
            let result = self.managed_resources(application).await;
            if let Err(why) = &result {
                let goes_on = matches!(
                    why.kind,
                    ErrorKind::Refused | ErrorKind::Malformed | ErrorKind::TooLarge
                );
                if !goes_on {
                    unwilling = Some(why.clone());
                }
            }
            self.compared
                .insert(app.clone(), Compared { stamp, result });
        }
        let failures: Vec<&SourceError> = self
            .compared
            .values()
            .filter_map(|compared| compared.result.as_ref().err())
            .collect();
        let mut limits = Vec::new();
        // Which one is named must not change from poll to poll.
        if let Some(why) = failures.iter().map(ToString::to_string).min() {
            let count = failures.len();
            limits.push(format!(
                "what exactly differs of {count} applications is not known: {why}"
            ));
        }
        if waiting > 0 {
            limits.push(format!(
                "what exactly differs of {waiting} applications is asked at the next polls"
            ));
        }
        limits
    }

    async fn managed_resources(
        &self,
        application: &Application,
    ) -> Result<HashMap<ResourceKey, Paths>, SourceError> {
        let path = format!(
            "{APPLICATIONS}/{}/managed-resources",
            application.metadata.name
        );
        let namespace = application.metadata.namespace.iter();
        let params: Vec<_> = namespace.map(|ns| ("appNamespace", &**ns)).collect();
        let text = self.http.get(&path, &params).await?.whole().await?;
        let items = decode::<ManagedResources>(text.as_bytes(), 0)?.items;
        let items = items.unwrap_or_default().into_iter();
        Ok(items
            .map(|item| {
                let live = item.normalized_live_state.as_deref();
                let predicted = item.predicted_live_state.as_deref();
                let found = paths(&item.key.kind, live, predicted);
                (item.key, found)
            })
            .collect())
    }
}

fn is_drift(difference: &Difference) -> bool {
    difference.drift.kind == DriftKind::Drift && difference.resource.is_some()
}
