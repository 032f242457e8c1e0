//! Would the pods of a node fit elsewhere?
//!
//! A rough count: requests against what other ready nodes have free, largest pods first, with node selectors
//! and taints, without affinities, topology and volumes. It can say that pods will not find a place, never
//! that they will. Called by [`super::node`] and [`super::drain`]; pure.

use serde_json::Value;

use super::draft::{list, text};
use crate::domain::check::at;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Counted: other nodes that take pods, and the pods that fit on none of them.
    Counted { others: usize, without: Vec<String> },
    /// Not counted, and why.
    Unknown(String),
}

/// What a pod asks for, or a node has free.
#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    cpu: f64,
    memory: f64,
    pods: f64,
}

/// Counts whether `leaving` would fit on the nodes other than `node`, beside `all` pods that are there.
pub(super) fn room(node: &str, nodes: &[Value], all: &[Value], leaving: &[&Value]) -> Room {
    let takes = |one: &&Value| text(one, "/metadata/name") != node && takes_pods(one);
    let mut others: Vec<(&Value, Amount)> = nodes
        .iter()
        .filter(takes)
        .map(|one| (one, free(one, all)))
        .collect();
    let count = others.len();
    let mut leaving: Vec<(&Value, Amount)> =
        leaving.iter().map(|pod| (*pod, requests(pod))).collect();
    leaving.sort_by(|(_, a), (_, b)| b.memory.total_cmp(&a.memory));
    let mut without = Vec::new();
    for (pod, asks) in leaving {
        let place = others
            .iter_mut()
            .find(|(one, free)| fits(asks, *free) && may_run_on(pod, one));
        match place {
            Some((_, free)) => {
                free.cpu -= asks.cpu;
                free.memory -= asks.memory;
                free.pods -= 1.0;
            }
            None => without.push(pod_name(pod)),
        }
    }
    without.sort();
    Room::Counted {
        others: count,
        without,
    }
}

/// `namespace/name`
pub(super) fn pod_name(pod: &Value) -> String {
    let (namespace, name) = (
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name"),
    );
    format!("{namespace}/{name}")
}

/// Whether a pod has ended.
pub(super) fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

fn takes_pods(node: &Value) -> bool {
    let is_cordoned = at(node, "/spec/unschedulable").and_then(Value::as_bool) == Some(true);
    !is_cordoned && text(node, "/status/conditions/[type=Ready]/status") == "True"
}

fn free(node: &Value, all: &[Value]) -> Amount {
    let name = text(node, "/metadata/name");
    let mut left = Amount {
        cpu: quantity(at(node, "/status/allocatable/cpu")),
        memory: quantity(at(node, "/status/allocatable/memory")),
        pods: quantity(at(node, "/status/allocatable/pods")),
    };
    let there = |pod: &&Value| text(pod, "/spec/nodeName") == name && !is_over(pod);
    for pod in all.iter().filter(there) {
        let asks = requests(pod);
        left.cpu -= asks.cpu;
        left.memory -= asks.memory;
        left.pods -= 1.0;
    }
    left
}

fn requests(pod: &Value) -> Amount {
    let mut sum = Amount::default();
    for container in list(pod, "/spec/containers") {
        sum.cpu += quantity(at(container, "/resources/requests/cpu"));
        sum.memory += quantity(at(container, "/resources/requests/memory"));
    }
    for container in list(pod, "/spec/initContainers") {
        sum.cpu = sum
            .cpu
            .max(quantity(at(container, "/resources/requests/cpu")));
        sum.memory = sum
            .memory
            .max(quantity(at(container, "/resources/requests/memory")));
    }
    sum
}

fn fits(asks: Amount, free: Amount) -> bool {
    asks.cpu <= free.cpu && asks.memory <= free.memory && free.pods >= 1.0
}

fn may_run_on(pod: &Value, node: &Value) -> bool {
    let wanted = at(pod, "/spec/nodeSelector").and_then(Value::as_object);
    let labels = at(node, "/metadata/labels");
    let selected = wanted.is_none_or(|wanted| {
        wanted
            .iter()
            .all(|(key, value)| labels.and_then(|l| l.get(key)) == Some(value))
    });
    let repels = |taint: &Value| {
        let keeps_out = matches!(text(taint, "/effect"), "NoSchedule" | "NoExecute");
        keeps_out
            && !list(pod, "/spec/tolerations")
                .iter()
                .any(|t| tolerates(t, taint))
    };
    selected && !list(node, "/spec/taints").iter().any(repels)
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = text(toleration, "/effect");
    let key = text(toleration, "/key");
    let is_of_effect = effect.is_empty() || effect == text(taint, "/effect");
    let is_of_key = key.is_empty() || key == text(taint, "/key");
    let is_of_value = text(toleration, "/operator") == "Exists"
        || text(toleration, "/value") == text(taint, "/value");
    is_of_effect && is_of_key && is_of_value
}

/// `250m`, `4`, `1.5Gi`; 0 for what is none.
fn quantity(value: Option<&Value>) -> f64 {
    let text = match value {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Number(number)) => return number.as_f64().unwrap_or(0.0),
        _ => return 0.0,
    };
    let units = [
        ("Ki", 1024.0),
        ("Mi", 1024.0 * 1024.0),
        ("Gi", 1024.0 * 1024.0 * 1024.0),
        ("Ti", 1024.0 * 1024.0 * 1024.0 * 1024.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let found = units
        .iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|rest| (rest, *factor)));
    let (number, factor) = found.unwrap_or((text, 1.0));
    number.parse::<f64>().map_or(0.0, |number| number * factor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use serde_json::json;

    fn node(name: &str, cpu: &str) -> Value {
        json!({
            "metadata": { "name": name, "labels": { "disk": "ssd" } }, "spec": {},
            "status": {
                "allocatable": { "cpu": cpu, "memory": "1Gi", "pods": "10" },
                "conditions": [{ "type": "Ready", "status": "True" }],
            },
        })
    }

    fn pod(name: &str, on: &str, cpu: &str) -> Value {
        json!({
            "metadata": { "name": name, "namespace": "shop" },
            "spec": { "nodeName": on, "containers": [{ "resources": { "requests": { "cpu": cpu } } }] },
            "status": { "phase": "Running" },
        })
    }

    fn without(nodes: &[Value], pods: &[Value]) -> Vec<String> {
        let leaving: Vec<&Value> = pods
            .iter()
            .filter(|p| text(p, "/spec/nodeName") == "a")
            .collect();
        match room("a", nodes, pods, &leaving) {
            Room::Counted { without, .. } => without,
            Room::Unknown(why) => vec![why],
        }
    }

    #[test]
    fn what_other_pods_use_is_not_free() {
        let nodes = [node("a", "2"), node("b", "1")];
        let fits = [pod("x", "a", "600m")];
        assert!(without(&nodes, &fits).is_empty());
        let full = [pod("x", "a", "600m"), pod("y", "b", "500m")];
        assert_eq!(without(&nodes, &full), ["shop/x"]);
        let two = [pod("x", "a", "600m"), pod("z", "a", "600m")];
        assert_eq!(without(&nodes, &two).len(), 1);
    }

    #[test]
    fn cordoned_tainted_and_unselected_nodes_take_nothing() {
        let pods = [pod("x", "a", "1m")];
        let mut cordoned = node("b", "1");
        cordoned["spec"]["unschedulable"] = json!(true);
        assert_eq!(without(&[cordoned], &pods), ["shop/x"]);
        let mut tainted = node("b", "1");
        tainted["spec"]["taints"] = json!([{ "key": "gpu", "effect": "NoSchedule" }]);
        assert_eq!(without(std::slice::from_ref(&tainted), &pods), ["shop/x"]);
        let mut tolerant = pods[0].clone();
        tolerant["spec"]["tolerations"] = json!([{ "key": "gpu", "operator": "Exists" }]);
        assert!(without(&[tainted], &[tolerant]).is_empty());
        let mut choosy = pods[0].clone();
        choosy["spec"]["nodeSelector"] = json!({ "disk": "spinning" });
        assert_eq!(without(&[node("b", "1")], &[choosy]), ["shop/x"]);
    }

    #[test]
    fn quantities_are_read_with_their_units() {
        let of = |text: &str| quantity(Some(&json!(text)));
        assert!((of("250m") - 0.25).abs() < 1e-9);
        assert!((of("2Ki") - 2048.0).abs() < 1e-9);
        assert!((of("3k") - 3000.0).abs() < 1e-9);
        assert!((of("x")).abs() < 1e-9);
    }
}
