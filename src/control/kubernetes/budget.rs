//! What do the disruption budgets say of a pod?
//!
//! Called by [`super::pod`] and [`super::drain`]; pure.

use serde_json::Value;

use super::draft::{list, number, text};
use crate::domain::check::at;

/// A `PodDisruptionBudget`, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Budget {
    pub(super) namespace: String,
    pub(super) name: String,
    /// How many pods may leave now.
    pub(super) allowed: i64,
    /// Whether pods that are not ready may always leave.
    frees_unready: bool,
    selector: Selector,
}

/// Which pods it covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Selector {
    labels: Vec<(String, String)>,
    /// Key, operator, values.
    rules: Vec<(String, String, Vec<String>)>,
}

/// What all of them say of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// None covers it.
    Free,
    /// The one of this name lets it go.
    Allowed(String),
    /// The one of this name does not, now.
    Waits(String),
    /// More than one covers it: the server evicts no such pod.
    TwoBudgets(String),
}

/// Those of a list that cover anything.
pub(super) fn budgets(objects: &[Value]) -> Vec<Budget> {
    objects.iter().filter_map(budget).collect()
}

fn budget(object: &Value) -> Option<Budget> {
    // Without a selector it covers nothing; with an empty one it covers everything.
    let selector = at(object, "/spec/selector").filter(|s| s.is_object())?;
    let labels = at(selector, "/matchLabels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let labels =
        labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
    let rules = list(selector, "/matchExpressions").iter().map(|rule| {
        let values = list(rule, "/values").iter().filter_map(Value::as_str);
        (
            text(rule, "/key").to_owned(),
            text(rule, "/operator").to_owned(),
            values.map(str::to_owned).collect(),
        )
    });
    Some(Budget {
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        allowed: number(object, "/status/disruptionsAllowed"),
        frees_unready: text(object, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow",
        selector: Selector {
            labels: labels.collect(),
            rules: rules.collect(),
        },
    })
}

/// What they say of a pod.
pub(super) fn verdict(budgets: &[Budget], pod: &Value) -> Verdict {
    let over: Vec<&Budget> = budgets.iter().filter(|b| b.covers(pod)).collect();
    match over.as_slice() {
        [] => Verdict::Free,
        [one] => {
            let is_ready = text(pod, "/status/conditions/[type=Ready]/status") == "True";
            let lets_go = one.allowed > 0 || (one.frees_unready && !is_ready);
            if lets_go {
                Verdict::Allowed(one.name.clone())
            } else {
                Verdict::Waits(one.name.clone())
            }
        }
        several => {
            let names: Vec<&str> = several.iter().map(|b| &*b.name).collect();
            Verdict::TwoBudgets(names.join(", "))
        }
    }
}

impl Budget {
    fn covers(&self, pod: &Value) -> bool {
        let labels = at(pod, "/metadata/labels");
        let value = |key: &str| labels.and_then(|all| all.get(key)).and_then(Value::as_str);
        text(pod, "/metadata/namespace") == self.namespace
            && self
                .selector
                .labels
                .iter()
                .all(|(key, wanted)| value(key) == Some(wanted))
            && self.selector.rules.iter().all(|(key, operator, values)| {
                let is_listed = value(key).is_some_and(|v| values.iter().any(|one| one == v));
                match &**operator {
                    "In" => is_listed,
                    "NotIn" => !is_listed,
                    "Exists" => value(key).is_some(),
                    "DoesNotExist" => value(key).is_none(),
                    _ => true,
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::kubernetes::recorded;
    use serde_json::json;

    fn pod(name: &str) -> Value {
        recorded::item("lists/pods-payments.json", name)
    }

    #[test]
    fn recorded_budgets_are_applied_to_recorded_pods() {
        let known = budgets(&recorded::items("lists/pdb-all.json"));
        let api = verdict(&known, &pod("payments-api-56454f688-4xj2m"));
        assert_eq!(api, Verdict::Waits("payments-api".to_owned()));
        let db = verdict(&known, &pod("ledger-db-0"));
        assert_eq!(db, Verdict::Allowed("ledger-db".to_owned()));
        let worker = verdict(&known, &pod("payments-worker-5cf796464c-2mw74"));
        assert_eq!(worker, Verdict::Free);
    }

    #[test]
    fn two_budgets_over_one_pod_are_seen() {
        let mut all = recorded::items("lists/pdb-all.json");
        all.push(json!({
            "metadata": { "namespace": "payments", "name": "everything" },
            "spec": { "selector": {} }, "status": { "disruptionsAllowed": 5 },
        }));
        let both = verdict(&budgets(&all), &pod("ledger-db-0"));
        assert_eq!(
            both,
            Verdict::TwoBudgets("ledger-db, everything".to_owned())
        );
    }

    #[test]
    fn selectors_mean_what_the_server_means() {
        let covers = |spec: Value| {
            let object = json!({
                "metadata": { "namespace": "payments", "name": "b" },
                "spec": spec, "status": {},
            });
            verdict(&budgets(&[object]), &pod("ledger-db-0")) != Verdict::Free
        };
        let rule = |operator: &str, values: Value| {
            json!({ "selector": { "matchExpressions": [
                { "key": "app", "operator": operator, "values": values },
            ] } })
        };
        assert!(!covers(json!({})));
        assert!(covers(json!({ "selector": {} })));
        assert!(covers(rule("In", json!(["ledger-db", "x"]))));
        assert!(!covers(rule("In", json!(["x"]))));
        assert!(!covers(rule("NotIn", json!(["ledger-db"]))));
        assert!(covers(rule("Exists", json!([]))));
        assert!(!covers(rule("DoesNotExist", json!([]))));
    }

    #[test]
    fn unready_pods_may_leave_where_the_budget_says_so() {
        let object = |policy: &str| {
            json!({
                "metadata": { "namespace": "payments", "name": "b" },
                "spec": { "selector": {}, "unhealthyPodEvictionPolicy": policy }, "status": {},
            })
        };
        let crashing = pod("payments-worker-5cf796464c-2mw74");
        let of = |policy| verdict(&budgets(&[object(policy)]), &crashing);
        assert_eq!(of("AlwaysAllow"), Verdict::Allowed("b".to_owned()));
        assert_eq!(of("IfHealthyBudget"), Verdict::Waits("b".to_owned()));
    }
}
