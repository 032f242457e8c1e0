//! Which actions does quell bring?
//!
//! One line each: name, risk, direction and parameters. Part of [`super`].

use std::borrow::Cow;

use super::{ActionSpec, Direction, Need, Parameter, ParameterKind, Risk, Upstream};

type Given = (&'static str, Kind, Need, &'static str);

/// [`ParameterKind`], as a constant may hold it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Integer(i64, i64),
    Duration,
    Matchers,
    Objects,
    Names,
    Flag,
}

/// A built-in action, as a constant may hold it.
#[derive(Debug)]
pub struct BuiltIn {
    name: &'static str,
    upstream: Upstream,
    risk: Risk,
    direction: Direction,
    help: &'static str,
    parameters: &'static [Given],
}

use Direction::{Adds, Neutral, Reduces};
use Need::{Optional, Required};
use Risk::{R0, R1, R2};
use Upstream::{Alertmanager, Kubernetes, Terraform};

const fn action(
    name: &'static str,
    upstream: Upstream,
    risk: Risk,
    direction: Direction,
    help: &'static str,
    parameters: &'static [Given],
) -> BuiltIn {
    BuiltIn {
        name,
        upstream,
        risk,
        direction,
        help,
        parameters,
    }
}

const SILENCE: Given = ("id", Kind::Text, Required, "the silence");
const REASON: Given = ("reason", Kind::Text, Required, "why, for whoever reads it");
const WORKLOAD: Given = (
    "target",
    Kind::Objects,
    Required,
    "deployment, statefulset or daemonset",
);
const NODE: Given = ("node", Kind::Text, Required, "the node");
const POD: Given = ("target", Kind::Names, Required, "the pod");
const CRON_JOB: Given = ("target", Kind::Names, Required, "the CronJob");
const APP: Given = (
    "app",
    Kind::Text,
    Required,
    "NAMESPACE/NAME, or the name alone",
);
const ROLLOUT: Given = ("target", Kind::Names, Required, "the Rollout");
const FLUX: Given = (
    "target",
    Kind::Objects,
    Required,
    "Kustomization or HelmRelease",
);
const DIRECTORY: Given = (
    "dir",
    Kind::Text,
    Required,
    "the folder of the configuration",
);

/// Every built-in action.
pub const BUILT_IN: &[BuiltIn] = &[
    action(
        "silence.create",
        Alertmanager,
        R1,
        Neutral,
        "silence alerts for a while",
        &[
            (
                "matchers",
                Kind::Matchers,
                Required,
                "at least two, one of which does not match everything",
            ),
            (
                "duration",
                Kind::Duration,
                Required,
                "at most 4h unless the policy says otherwise",
            ),
            REASON,
        ],
    ),
    action(
        "silence.extend",
        Alertmanager,
        R1,
        Neutral,
        "let a silence last longer",
        &[SILENCE, ("duration", Kind::Duration, Required, "from now")],
    ),
    action(
        "silence.expire",
        Alertmanager,
        R1,
        Reduces,
        "end a silence now",
        &[SILENCE],
    ),
    action(
        "k8s.rollout.restart",
        Kubernetes,
        R2,
        Neutral,
        "replace every pod of a workload, in its own pace",
        &[WORKLOAD],
    ),
    action(
        "k8s.rollout.undo",
        Kubernetes,
        R2,
        Reduces,
        "go back to an earlier revision",
        &[
            WORKLOAD,
            (
                "to",
                Kind::Integer(1, i64::MAX),
                Optional,
                "the revision; none means the one before",
            ),
        ],
    ),
    action(
        "k8s.rollout.pause",
        Kubernetes,
        R1,
        Reduces,
        "stop a rollout where it is",
        &[WORKLOAD],
    ),
    action(
        "k8s.rollout.resume",
        Kubernetes,
        R1,
        Adds,
        "let a paused rollout go on",
        &[WORKLOAD],
    ),
    action(
        "k8s.scale",
        Kubernetes,
        R2,
        Neutral,
        "change how many replicas there are",
        &[
            WORKLOAD,
            (
                "replicas",
                Kind::Integer(0, 10_000),
                Required,
                "how many there should be",
            ),
        ],
    ),
    action(
        "k8s.node.cordon",
        Kubernetes,
        R1,
        Neutral,
        "let no new pod start on a node",
        &[NODE],
    ),
    action(
        "k8s.node.uncordon",
        Kubernetes,
        R1,
        Adds,
        "let pods start on a node again",
        &[NODE],
    ),
    action(
        "k8s.node.drain",
        Kubernetes,
        R2,
        Neutral,
        "move every pod off a node, one by one, within their disruption budgets",
        &[NODE],
    ),
    action(
        "k8s.pod.delete",
        Kubernetes,
        R2,
        Neutral,
        "delete a pod, past its disruption budget",
        &[POD],
    ),
    action(
        "k8s.pod.evict",
        Kubernetes,
        R2,
        Neutral,
        "evict a pod, within its disruption budget",
        &[POD],
    ),
    action(
        "k8s.cronjob.suspend",
        Kubernetes,
        R1,
        Reduces,
        "start no more jobs",
        &[CRON_JOB],
    ),
    action(
        "k8s.cronjob.resume",
        Kubernetes,
        R1,
        Adds,
        "start jobs again",
        &[CRON_JOB],
    ),
    action(
        "k8s.hpa.bounds",
        Kubernetes,
        R1,
        Neutral,
        "change the bounds of an autoscaler",
        &[
            (
                "target",
                Kind::Names,
                Required,
                "the HorizontalPodAutoscaler",
            ),
            (
                "min",
                Kind::Integer(0, 10_000),
                Optional,
                "the least replicas",
            ),
            (
                "max",
                Kind::Integer(1, 10_000),
                Optional,
                "the most replicas",
            ),
        ],
    ),
    action(
        "k8s.quota.set",
        Kubernetes,
        R2,
        Neutral,
        "change what a namespace may use",
        &[
            ("target", Kind::Names, Required, "the ResourceQuota"),
            (
                "hard.*",
                Kind::Text,
                Required,
                "the new limit: hard.requests.cpu=20",
            ),
        ],
    ),
    action(
        "argocd.app.refresh",
        Kubernetes,
        R0,
        Neutral,
        "compare with git again",
        &[APP],
    ),
    action(
        "argocd.app.sync",
        Kubernetes,
        R2,
        Adds,
        "apply what git declares",
        &[
            APP,
            (
                "revision",
                Kind::Text,
                Optional,
                "the commit; none means the one that is compared with",
            ),
            (
                "prune",
                Kind::Flag,
                Optional,
                "also delete what git no longer declares",
            ),
        ],
    ),
    action(
        "argocd.app.rollback",
        Kubernetes,
        R2,
        Reduces,
        "go back to an earlier deployment",
        &[
            APP,
            (
                "to",
                Kind::Integer(0, i64::MAX),
                Required,
                "the id of its history",
            ),
        ],
    ),
    action(
        "argocd.app.terminate",
        Kubernetes,
        R2,
        Reduces,
        "end the running operation",
        &[APP],
    ),
    action(
        "rollouts.promote",
        Kubernetes,
        R2,
        Adds,
        "take the next step",
        &[
            ROLLOUT,
            ("full", Kind::Flag, Optional, "skip every step that is left"),
        ],
    ),
    action(
        "rollouts.abort",
        Kubernetes,
        R1,
        Reduces,
        "go back to the stable version",
        &[ROLLOUT],
    ),
    action(
        "rollouts.retry",
        Kubernetes,
        R1,
        Adds,
        "try an aborted rollout again",
        &[ROLLOUT],
    ),
    action(
        "flux.reconcile",
        Kubernetes,
        R2,
        Adds,
        "apply what its source declares, now",
        &[FLUX],
    ),
    action(
        "flux.suspend",
        Kubernetes,
        R1,
        Reduces,
        "apply nothing more",
        &[
            FLUX,
            ("reason", Kind::Text, Required, "why, for whoever finds it"),
        ],
    ),
    action(
        "flux.resume",
        Kubernetes,
        R2,
        Adds,
        "apply again; may bring what waited",
        &[FLUX],
    ),
    action(
        "terraform.plan",
        Terraform,
        R0,
        Neutral,
        "make a plan and keep it for apply",
        &[DIRECTORY],
    ),
    action(
        "terraform.apply",
        Terraform,
        R2,
        Adds,
        "apply exactly the plan that was made",
        &[
            DIRECTORY,
            (
                "plan",
                Kind::Text,
                Required,
                "the plan's digest, as terraform.plan told it",
            ),
        ],
    ),
];

pub(super) fn built_in() -> Vec<ActionSpec> {
    let specs = BUILT_IN.iter().map(|one| ActionSpec {
        name: Cow::Borrowed(one.name),
        help: Cow::Borrowed(one.help),
        upstream: one.upstream,
        risk: one.risk,
        direction: one.direction,
        parameters: one.parameters.iter().map(parameter).collect(),
    });
    specs.collect()
}

fn parameter((name, kind, need, help): &Given) -> Parameter {
    Parameter {
        name: Cow::Borrowed(name),
        kind: match *kind {
            Kind::Text => ParameterKind::Text,
            Kind::Integer(min, max) => ParameterKind::Integer { min, max },
            Kind::Duration => ParameterKind::Duration,
            Kind::Matchers => ParameterKind::Matchers,
            Kind::Objects => ParameterKind::Objects,
            Kind::Names => ParameterKind::Names,
            Kind::Flag => ParameterKind::Flag,
        },
        need: *need,
        help: Cow::Borrowed(help),
    }
}
