//! What else has a say in a workload: autoscalers, disruption budgets, quotas, and who declares it?
//!
//! Fetched once for each namespace of a plan; what may not be read is unknown, and never taken for nothing.
//! The rules here judge; they ask nobody.

use serde_json::Value;

use super::place::{Kind, Place};
use super::proposal::holds;
use super::quantity::Quantity;
use crate::control::kubernetes::Cluster;
use crate::domain::check::at;
use crate::domain::plan::{Holds, Precondition};
use crate::domain::text::shown;

/// A list that was asked for.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    These(Vec<Value>),
    /// Why nobody knows.
    Unheard(String),
}

impl Heard {
    /// Asks for a list.
    pub(super) async fn of(cluster: &Cluster, path: &str) -> Self {
        match cluster.get(path).await {
            Ok(fetched) => {
                let items = fetched.value.as_ref().map(|list| list["items"].clone());
                match items {
                    Some(Value::Array(items)) => Self::These(items),
                    None => Self::These(Vec::new()),
                    Some(_) => Self::Unheard("the answer is no list".to_owned()),
                }
            }
            Err(why) => Self::Unheard(why.to_string()),
        }
    }

    fn items(&self) -> &[Value] {
        match self {
            Self::These(items) => items,
            Self::Unheard(_) => &[],
        }
    }
}

/// What stands around the workloads of a namespace.
#[derive(Clone, Debug)]
pub(super) struct Around {
    pub(super) autoscalers: Heard,
    pub(super) budgets: Heard,
    pub(super) quotas: Heard,
}

impl Around {
    /// Asks for all of it.
    pub(super) async fn of(cluster: &Cluster, namespace: &str) -> Self {
        let list = |base: &str, plural: &str| format!("{base}/namespaces/{namespace}/{plural}");
        let autoscalers = list("/apis/autoscaling/v2", "horizontalpodautoscalers");
        let budgets = list("/apis/policy/v1", "poddisruptionbudgets");
        let quotas = list("/api/v1", "resourcequotas");
        Self {
            autoscalers: Heard::of(cluster, &autoscalers).await,
            budgets: Heard::of(cluster, &budgets).await,
            quotas: Heard::of(cluster, &quotas).await,
        }
    }

    /// Whether an autoscaler would put a number of replicas back.
    pub(super) fn autoscaler(&self, place: &Place) -> Precondition {
        const WHAT: &str = "no autoscaler owns the replicas";
        let owner = self.autoscalers.items().iter().find(|hpa| {
            hpa["spec"]["scaleTargetRef"]["kind"] == place.kind.proper()
                && hpa["spec"]["scaleTargetRef"]["name"] == *place.name
        });
        match (&self.autoscalers, owner) {
            (Heard::Unheard(why), _) => holds(WHAT, Holds::Unknown, why),
            (Heard::These(_), None) => holds(WHAT, Holds::Yes, "none targets it"),
            (Heard::These(_), Some(hpa)) => {
                let (min, max) = (
                    number(hpa, "/spec/minReplicas", 1),
                    number(hpa, "/spec/maxReplicas", 0),
                );
                let name = word(hpa, "/metadata/name");
                let detail = format!(
                    "HPA {name} owns replicas ({min}..{max}): it will put it back; change its \
                     bounds with k8s.hpa.bounds"
                );
                holds(WHAT, Holds::No, &detail)
            }
        }
    }

    /// The disruption budgets over pods with these labels, in words: `payments-api (at least 3)`.
    pub(super) fn budgets(&self, labels: &Value) -> Result<Vec<Budget>, &str> {
        if let Heard::Unheard(why) = &self.budgets {
            return Err(why);
        }
        let covers = |budget: &&Value| {
            let selector = &budget["spec"]["selector"];
            selector.is_object() && selects(selector, labels)
        };
        let found = self.budgets.items().iter().filter(covers);
        Ok(found.map(Budget::of).collect())
    }

    /// Whether so many more pods of a template fit into the quotas: no dry run says so.
    pub(super) fn room(&self, more: i64, template: &Value) -> Precondition {
        const WHAT: &str = "the quota has room";
        if let Heard::Unheard(why) = &self.quotas {
            return holds(WHAT, Holds::Unknown, why);
        }
        if self.quotas.items().is_empty() {
            return holds(WHAT, Holds::Yes, "the namespace has no quota");
        }
        let mut short = Vec::new();
        let mut unread = Vec::new();
        for quota in self.quotas.items() {
            let name = word(quota, "/metadata/name");
            let Some(hard) = quota["status"]["hard"].as_object() else {
                unread.push(name);
                continue;
            };
            for (resource, limit) in hard {
                let Some(each) = needed(resource, template) else {
                    continue;
                };
                let used = at(
                    quota,
                    &format!("/status/used/{}", super::patch::escaped(resource)),
                );
                let amount = |value: Option<&Value>| Quantity::parse(value?.as_str()?);
                let (Some(limit), Some(used)) = (amount(Some(limit)), amount(used)) else {
                    unread.push(format!("{name} {}", shown(resource)));
                    continue;
                };
                if used.milli() + each * i128::from(more) > limit.milli() {
                    let (used, limit) = (used.canonical(), limit.canonical());
                    let resource = shown(resource);
                    short.push(format!(
                        "{name} allows {resource}={limit}, {used} is used: {more} more pods do not fit"
                    ));
                }
            }
        }
        if !short.is_empty() {
            return holds(WHAT, Holds::No, &short.join("; "));
        }
        if !unread.is_empty() {
            let detail = format!("not readable: {}", unread.join(", "));
            return holds(WHAT, Holds::Unknown, &detail);
        }
        holds(WHAT, Holds::Yes, &format!("{more} more pods fit"))
    }
}

/// A disruption budget.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) words: String,
    /// How many it wants healthy, as its controller counts it.
    pub(super) wanted: i64,
}

impl Budget {
    fn of(budget: &Value) -> Self {
        let name = word(budget, "/metadata/name");
        let bound = |field: &str| budget["spec"].get(field).map(plain);
        let bound = match (bound("minAvailable"), bound("maxUnavailable")) {
            (Some(least), _) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most} away"),
            (None, None) => "no bound".to_owned(),
        };
        Self {
            words: format!("{name} ({bound})"),
            wanted: number(budget, "/status/desiredHealthy", 0),
        }
    }
}

/// Whether pods with these labels are selected.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let wanted = selector["matchLabels"].as_object();
    let mut wanted = wanted.into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array();
    let mut expressions = expressions.into_iter().flatten();
    wanted.all(|(key, value)| label(key) == value.as_str())
        && expressions.all(|expression| {
            let found = label(expression["key"].as_str().unwrap_or_default());
            let values = expression["values"].as_array();
            let mut values = values.into_iter().flatten().filter_map(Value::as_str);
            let is_one = found.is_some_and(|found| values.any(|value| value == found));
            match expression["operator"].as_str() {
                Some("In") => is_one,
                Some("NotIn") => !is_one,
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}

/// How much of a quota's resource a pod of a template takes, in thousandths. None for what pods do not
/// count for.
fn needed(resource: &str, template: &Value) -> Option<i128> {
    let (kind, name) = match resource {
        "pods" | "count/pods" => return Some(1000),
        "cpu" | "memory" | "ephemeral-storage" => ("requests", resource),
        _ => resource.split_once('.')?,
    };
    if !matches!(kind, "requests" | "limits") {
        return None;
    }
    let of = |list: &str| -> Vec<i128> {
        let containers = template["spec"][list].as_array();
        let containers = containers.into_iter().flatten();
        let amounts = containers.filter_map(|c| {
            // Where only a limit is given, it is requested, too.
            let given = &c["resources"][kind][name];
            let given = if given.is_null() {
                &c["resources"]["limits"][name]
            } else {
                given
            };
            let amount = given
                .as_str()
                .map_or_else(|| given.to_string(), str::to_owned);
            Some(Quantity::parse(&amount)?.milli())
        });
        amounts.collect()
    };
    let running: i128 = of("containers").iter().sum();
    let starting = of("initContainers").into_iter().max().unwrap_or(0);
    Some(running.max(starting))
}

/// Who else puts an object back to what they declare.
pub(super) fn owner(object: &Value) -> Option<Precondition> {
    let meta = &object["metadata"];
    let label = |key: &str| meta["labels"].get(key).and_then(Value::as_str);
    let note = |key: &str| meta["annotations"].get(key).and_then(Value::as_str);
    let of_flux = |kind: &str, group: &str| {
        let name = label(&format!("{group}/name"))?;
        let namespace = label(&format!("{group}/namespace")).unwrap_or("?");
        Some(format!("Flux {kind} {}/{}", shown(namespace), shown(name)))
    };
    let tracked = note("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    let by_label = || {
        let is_argo = label("argocd.argoproj.io/instance");
        is_argo.or_else(|| {
            // Helm and others use this label, too.
            let applies = |entry: &Value| entry["manager"] == "argocd-controller";
            let managers = meta["managedFields"].as_array();
            let is_applied = managers.is_some_and(|all| all.iter().any(applies));
            label("app.kubernetes.io/instance").filter(|_| is_applied)
        })
    };
    let argo = tracked.or_else(by_label);
    let found = argo
        .map(|app| format!("Argo CD app {}", shown(app)))
        .or_else(|| of_flux("Kustomization", "kustomize.toolkit.fluxcd.io"))
        .or_else(|| of_flux("HelmRelease", "helm.toolkit.fluxcd.io"))
        .or_else(|| {
            let owners = meta["ownerReferences"].as_array()?;
            let owner = owners.iter().find(|o| o["controller"] == true)?;
            Some(format!("{} {}", word(owner, "/kind"), word(owner, "/name")))
        })?;
    let detail = format!("{found} owns it: it may be put back; change it at its source, too");
    Some(holds("nobody puts it back", Holds::Warns, &detail))
}

/// A text of an object, safe to show.
pub(super) fn word(object: &Value, place: &str) -> String {
    shown(at(object, place).and_then(Value::as_str).unwrap_or("?"))
}

/// A whole number of an object.
pub(super) fn number(object: &Value, place: &str, default: i64) -> i64 {
    at(object, place).and_then(Value::as_i64).unwrap_or(default)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        other => other.to_string(),
    }
}

/// How many replicas are wanted, of a kind that counts them.
pub(super) fn replicas(kind: Kind, object: &Value) -> i64 {
    match kind {
        Kind::DaemonSet => number(object, "/status/desiredNumberScheduled", 0),
        _ => number(object, "/spec/replicas", 1),
    }
}
