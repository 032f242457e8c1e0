//! May we do this?
//!
//! One question of a `SelfSubjectAccessReview`, and what its answer means. Asked by [`super::cluster`] while
//! planning, for exactly the verbs that a plan uses.

use serde_json::{Value, json};

use crate::domain::plan::{Holds, Precondition};
use crate::domain::text::{Untrusted, shown};

/// Where it is asked.
pub(super) const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// What somebody may or may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// `patch`
    pub(crate) verb: String,
    /// `apps`; empty for the core.
    pub(crate) group: String,
    /// `deployments`
    pub(crate) resource: String,
    /// `scale`
    pub(crate) subresource: Option<String>,
    /// None for what is in no namespace.
    pub(crate) namespace: Option<String>,
    /// None for any.
    pub(crate) name: Option<String>,
}

impl Access {
    /// A verb on a resource of a group.
    pub(crate) fn to(verb: &str, group: &str, resource: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: None,
            namespace: None,
            name: None,
        }
    }

    /// On a part of it that has rights of its own: `scale`, `eviction`, `status`.
    pub(crate) fn part(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// In a namespace.
    pub(crate) fn within(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// On one object.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// `may patch deployments/scale payments-api in payments`
    pub(super) fn words(&self) -> String {
        let mut words = format!("may {} {}", self.verb, self.resource);
        if let Some(part) = &self.subresource {
            words.push('/');
            words.push_str(part);
        }
        for (before, name) in [(" ", &self.name), (" in ", &self.namespace)] {
            if let Some(name) = name {
                words.push_str(before);
                words.push_str(&shown(name));
            }
        }
        words
    }

    /// What is asked.
    pub(super) fn review(&self) -> Value {
        // A subresource within `resource` (`pods/eviction`) is answered, and means nothing.
        let mut asked =
            json!({ "verb": self.verb, "group": self.group, "resource": self.resource });
        let parts = [
            ("subresource", &self.subresource),
            ("namespace", &self.namespace),
            ("name", &self.name),
        ];
        for (field, value) in parts {
            if let Some(value) = value {
                asked[field] = json!(value);
            }
        }
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": asked },
        })
    }

    /// What was answered.
    pub(super) fn judged(&self, answer: &Value) -> Precondition {
        let status = &answer["status"];
        let text = |field: &str| status[field].as_str().filter(|text| !text.is_empty());
        let (state, detail) = match (status["allowed"].as_bool(), text("evaluationError")) {
            (Some(true), _) => (Holds::Yes, text("reason").unwrap_or("the server says so")),
            (Some(false), Some(error)) => (Holds::Unknown, error),
            (Some(false), None) => {
                let nobody = "nothing allows it: ask who gives rights in this cluster";
                (Holds::No, text("reason").unwrap_or(nobody))
            }
            (None, _) => (
                Holds::Unknown,
                "the server's review says neither yes nor no",
            ),
        };
        self.found(state, detail)
    }

    /// What could be found out.
    pub(super) fn found(&self, state: Holds, detail: &str) -> Precondition {
        Precondition {
            what: Untrusted::line(&self.words()),
            state,
            detail: Untrusted::line(detail),
        }
    }
}
