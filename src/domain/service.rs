//! Which service does something belong to, and how near are two services to each other?
//!
//! Alerts, SLOs, changes and drift are joined by service. A mapping rule of the config says it first,
//! then the labels do. What depends on what comes from the config and from a Backstage catalogue.
//! Pure; the files are read by `sources`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::Subject;
use super::label::Labels;
use super::matcher::Matchers;
use super::text::Untrusted;

/// One service, as the config or a catalogue declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The name that alerts give it.
    pub name: Untrusted,
    /// Who looks after it.
    pub owner: Option<Untrusted>,
    /// The system it is part of.
    pub system: Option<Untrusted>,
    /// What it needs to work, by name.
    pub depends_on: Vec<Untrusted>,
    /// Whether everything else runs on it: ingress, DNS, the cluster itself.
    pub is_platform: bool,
    /// Where that is declared: a file, or the config.
    pub declared_in: Untrusted,
}

/// What carries these labels belongs to this service.
#[derive(Clone, Debug)]
pub struct MappingRule {
    /// Over the labels of an alert or of a [`Subject`].
    pub matchers: Matchers,
    /// The service's name.
    pub service: Untrusted,
}

/// All services, and how to find the one that something belongs to.
#[derive(Clone, Debug)]
pub struct Services {
    services: HashMap<Untrusted, Service>,
    rules: Vec<MappingRule>,
}

/// How near a change is to what alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// It is of the same service.
    Same,
    /// It is of something that the service directly needs.
    DirectDependency,
    /// It is of something that everything runs on.
    Platform,
    /// It is of something that a direct dependency needs.
    TwoHops,
    /// It is of the same service in another environment.
    OtherEnvironment,
    /// Nobody says how they belong together.
    Unknown,
}

/// The label by which an application says which workload it deploys, if it is one alone.
pub const WORKLOAD_LABEL: &str = "workload";

/// Kinds of objects that run a program.
pub const WORKLOAD_KINDS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Rollout"];

/// Labels that name the service of a Kubernetes object or of a pushed change, the first that is there.
const SERVICE_LABELS: [&str; 9] = [
    "service",
    "backstage.io/kubernetes-id",
    "app.kubernetes.io/name",
    "app_kubernetes_io_name",
    "app",
    "k8s-app",
    "app.kubernetes.io/instance",
    WORKLOAD_LABEL,
    "name",
];

/// Labels that name the environment.
const ENV_LABELS: [&str; 4] = [
    "env",
    "environment",
    "stage",
    "app.kubernetes.io/environment",
];

impl Default for Services {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl Services {
    /// From declarations. Two of the same name become one: what the first leaves open, the second says.
    #[must_use]
    pub fn new(declared: Vec<Service>, rules: Vec<MappingRule>) -> Self {
        let mut services: HashMap<Untrusted, Service> = HashMap::new();
        for service in declared {
            match services.get_mut(&service.name) {
                None => {
                    services.insert(service.name.clone(), service);
                }
                Some(known) => known.add(service),
            }
        }
        Self { services, rules }
    }

    /// These, and what others declare.
    #[must_use]
    pub fn with<'a>(self: &Arc<Self>, more: impl Iterator<Item = &'a Service>) -> Arc<Self> {
        let mut more = more.peekable();
        if more.peek().is_none() {
            return self.clone();
        }
        let known = self.services.values().cloned();
        let all = known.chain(more.cloned()).collect();
        Arc::new(Self::new(all, self.rules.clone()))
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<&Service> {
        let mut all: Vec<&Service> = self.services.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, name: &Untrusted) -> Option<&Service> {
        self.services.get(name)
    }

    /// The service that a mapping rule gives to these labels.
    #[must_use]
    pub fn mapped(&self, labels: &Labels) -> Option<&Untrusted> {
        let rule = self.rules.iter().find(|rule| rule.matchers.matches(labels));
        rule.map(|rule| &rule.service)
    }

    /// Fills in the service and the environment that a source was not told.
    pub fn place(&self, subject: &mut Subject) {
        if let Some(service) = self.mapped(&subject.labels) {
            subject.service = Some(service.clone());
        }
        let first = |names: &[&str]| {
            let found = names.iter().find_map(|name| subject.labels.get(name));
            found.filter(|value| !value.is_empty()).cloned()
        };
        let service = subject.service.take().or_else(|| first(&SERVICE_LABELS));
        let env = subject.env.take().or_else(|| first(&ENV_LABELS));
        subject.service = service;
        subject.env = env;
    }

    /// How near each service is to one: everything it needs within two hops, and the platform. What
    /// is not in it is [`Relation::Unknown`].
    #[must_use]
    pub fn around(&self, service: &Untrusted) -> HashMap<&Untrusted, Relation> {
        let mut near: HashMap<&Untrusted, Relation> = HashMap::new();
        let platforms = self.services.values().filter(|s| s.is_platform);
        near.extend(platforms.map(|s| (&s.name, Relation::Platform)));
        let needs = |name: &Untrusted| {
            let service = self.services.get(name);
            service.map_or(&[][..], |service| &*service.depends_on)
        };
        let direct: HashSet<&Untrusted> = needs(service).iter().collect();
        for second in direct.iter().flat_map(|name| needs(name)) {
            near.entry(second).or_insert(Relation::TwoHops);
        }
        near.extend(
            direct
                .into_iter()
                .map(|name| (name, Relation::DirectDependency)),
        );
        near.remove(service);
        near
    }
}

impl Service {
    fn add(&mut self, other: Self) {
        self.owner = self.owner.take().or(other.owner);
        self.system = self.system.take().or(other.system);
        self.is_platform |= other.is_platform;
        for name in other.depends_on {
            if !self.depends_on.contains(&name) {
                self.depends_on.push(name);
            }
        }
    }
}

/// Whether two names of environments may be the same: `prod` is `production`.
#[must_use]
pub fn is_same_env(a: &Untrusted, b: &Untrusted) -> bool {
    let full = |name: &Untrusted| {
        let name = name.raw().to_ascii_lowercase();
        match &*name {
            "prod" | "prd" | "live" => "production".to_owned(),
            "stage" | "stg" | "preprod" | "pre-production" => "staging".to_owned(),
            "dev" => "development".to_owned(),
            _ => name,
        }
    };
    a == b || full(a) == full(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Untrusted {
        Untrusted::line(text)
    }

    fn service(name: &str, needs: &[&str]) -> Service {
        Service {
            name: line(name),
            depends_on: needs.iter().map(|name| line(name)).collect(),
            ..Service::default()
        }
    }

    #[test]
    fn nearness_follows_what_a_service_needs_and_never_what_needs_it() {
        let mut ingress = service("ingress", &[]);
        ingress.is_platform = true;
        let services = Services::new(
            vec![
                service("checkout", &["payments", "cart"]),
                service("payments", &["ledger", "cart", "checkout"]),
                ingress,
                service("report", &["checkout"]),
            ],
            Vec::new(),
        );
        let checkout = line("checkout");
        let near = services.around(&checkout);
        let of = |name: &str| near.get(&line(name)).copied();
        assert_eq!(of("payments"), Some(Relation::DirectDependency));
        assert_eq!(of("cart"), Some(Relation::DirectDependency));
        assert_eq!(of("ledger"), Some(Relation::TwoHops));
        assert_eq!(of("ingress"), Some(Relation::Platform));
        assert_eq!(of("report"), None);
        assert_eq!(of("checkout"), None, "a cycle does not lead back to it");
    }

    #[test]
    fn a_rule_wins_over_what_a_source_says_and_labels_fill_the_rest() {
        let rule = MappingRule {
            matchers: Matchers::parse(r#"namespace="shop""#).unwrap_or_default(),
            service: line("storefront"),
        };
        let services = Services::new(Vec::new(), vec![rule]);
        let mut subject = Subject {
            labels: Labels::of(&[("namespace", "shop"), ("app", "web"), ("env", "prod")]),
            ..Subject::default()
        };
        services.place(&mut subject);
        assert_eq!(subject.service, Some(line("storefront")));
        assert_eq!(subject.env, Some(line("prod")));
        subject.labels = Labels::of(&[("app.kubernetes.io/name", "api"), ("name", "api-7")]);
        subject.service = None;
        services.place(&mut subject);
        assert_eq!(subject.service, Some(line("api")));
        assert_eq!(subject.env, Some(line("prod")), "what is known stays");
    }

    #[test]
    fn short_and_long_names_of_an_environment_are_the_same() {
        assert!(is_same_env(&line("prod"), &line("Production")));
        assert!(!is_same_env(&line("prod"), &line("staging")));
    }
}
