//! What is kept of pods, nodes, events, autoscalers, budgets and quotas?
//!
//! Only what may be trouble: of a healthy pod nothing but where it runs. Read by [`super`], told by
//! `tell`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::meta::WireMeta;
use super::{Body, Condition, Object, Packed, condition};

/// What may be wrong with a pod.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Pod {
    pub(in super::super) node: Option<Box<str>>,
    /// It failed as a whole: reason and message.
    pub(in super::super) failed: Option<(Box<str>, Box<str>)>,
    /// No node takes it: why, and since when.
    pub(in super::super) unschedulable: Option<(Box<str>, Option<DateTime<Utc>>)>,
    /// Since when it is not ready.
    pub(in super::super) unready_since: Option<DateTime<Utc>>,
    /// Those that wait for more than their start, or have ended at least once.
    pub(in super::super) containers: Box<[Container]>,
}

/// A container that is not simply running.
#[derive(Clone, Debug)]
pub(in super::super) struct Container {
    pub(in super::super) name: Box<str>,
    pub(in super::super) restarts: u64,
    /// Why it waits: reason and message.
    pub(in super::super) waiting: Option<(Box<str>, Box<str>)>,
    /// How it last ended: the reason (`OOMKilled`) or the exit code, and when.
    pub(in super::super) ended: Option<(Box<str>, Option<DateTime<Utc>>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a pod's spec")]
pub(super) struct WirePodSpec {
    node_name: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a pod's status")]
pub(super) struct WirePodStatus {
    phase: Option<Box<str>>,
    reason: Option<Box<str>>,
    message: Option<Box<str>>,
    #[serde(default, deserialize_with = "super::list")]
    conditions: Box<[Condition]>,
    container_statuses: Option<Vec<WireContainer>>,
    init_container_statuses: Option<Vec<WireContainer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContainer {
    #[serde(default, deserialize_with = "super::nullable")]
    name: Box<str>,
    restart_count: Option<u64>,
    state: Option<WireState>,
    last_state: Option<WireState>,
}

#[derive(Deserialize)]
struct WireState {
    waiting: Option<WireWaiting>,
    terminated: Option<WireTerminated>,
}

#[derive(Deserialize)]
struct WireWaiting {
    #[serde(default, deserialize_with = "super::nullable")]
    reason: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    message: Box<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTerminated {
    #[serde(default, deserialize_with = "super::nullable")]
    reason: Box<str>,
    exit_code: Option<i64>,
    #[serde(default, deserialize_with = "super::time")]
    finished_at: Option<DateTime<Utc>>,
}

/// How every container begins: nothing is wrong with it yet.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl Pod {
    pub(super) fn new(spec: Option<WirePodSpec>, status: Option<WirePodStatus>) -> Self {
        let node = spec.and_then(|spec| spec.node_name);
        let Some(status) = status else {
            return Self {
                node,
                ..Self::default()
            };
        };
        let scheduled = condition(&status.conditions, "PodScheduled");
        let scheduled = scheduled.filter(|c| &*c.reason == "Unschedulable");
        let ready = condition(&status.conditions, "Ready").filter(|c| &*c.status != "True");
        let inits = status.init_container_statuses.into_iter().flatten();
        let containers = inits.chain(status.container_statuses.into_iter().flatten());
        Self {
            node,
            unschedulable: scheduled.map(|c| (c.message.clone(), c.last_transition_time)),
            unready_since: ready.and_then(|c| c.last_transition_time),
            failed: (status.phase.as_deref() == Some("Failed")).then(|| {
                let text = |text: Option<Box<str>>| text.unwrap_or_default();
                (text(status.reason), text(status.message))
            }),
            containers: containers.filter_map(WireContainer::kept).collect(),
        }
    }
}

impl WireContainer {
    fn kept(self) -> Option<Container> {
        let (waiting, ended) = self
            .state
            .map_or((None, None), |s| (s.waiting, s.terminated));
        let waiting = waiting.filter(|w| !STARTING.contains(&&*w.reason) && !w.reason.is_empty());
        let ended = ended.or_else(|| self.last_state.and_then(|state| state.terminated));
        // An end without fault is how jobs and preparations end.
        let ended = ended.filter(|end| end.exit_code != Some(0));
        let restarts = self.restart_count.unwrap_or_default();
        if waiting.is_none() && ended.is_none() {
            return None;
        }
        Some(Container {
            name: self.name,
            restarts,
            waiting: waiting.map(|w| (w.reason, w.message)),
            ended: ended.map(|end| {
                let is_named = !end.reason.is_empty() && &*end.reason != "Error";
                let code = || format!("exit code {}", end.exit_code.unwrap_or(-1));
                let reason = if is_named {
                    end.reason.clone()
                } else {
                    code().into()
                };
                (reason, end.finished_at)
            }),
        })
    }
}

/// What may be wrong with a node.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Node {
    pub(in super::super) is_cordoned: bool,
    pub(in super::super) has_status: bool,
    pub(in super::super) conditions: Box<[Condition]>,
}

#[derive(Deserialize)]
#[serde(expecting = "a node's spec")]
pub(super) struct WireNodeSpec {
    unschedulable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(expecting = "a status with conditions")]
pub(super) struct WireConditions {
    #[serde(default, deserialize_with = "super::list")]
    conditions: Box<[Condition]>,
}

impl Node {
    pub(super) fn new(spec: Option<WireNodeSpec>, status: Option<WireConditions>) -> Self {
        let has_status = status.is_some();
        let conditions = status.map(|status| status.conditions).unwrap_or_default();
        let is_told = |c: &Condition| {
            let good = if &*c.kind == "Ready" { "True" } else { "False" };
            &*c.status != good
        };
        Self {
            is_cordoned: spec.and_then(|spec| spec.unschedulable) == Some(true),
            has_status,
            conditions: conditions.into_iter().filter(is_told).collect(),
        }
    }
}

/// A warning.
#[derive(Clone, Debug)]
pub(in super::super) struct Event {
    /// Kind, namespace and name of what it is about.
    pub(in super::super) kind: Box<str>,
    pub(in super::super) namespace: Option<Box<str>>,
    pub(in super::super) name: Box<str>,
    pub(in super::super) reason: Box<str>,
    pub(in super::super) message: Box<str>,
    pub(in super::super) count: u64,
    pub(in super::super) first: Option<DateTime<Utc>>,
    pub(in super::super) last: Option<DateTime<Utc>>,
    /// The server is asked for warnings only; whoever does not select sends the others too.
    pub(in super::super) is_warning: bool,
}

/// `core/v1`: an older reporter fills in `count` and the timestamps, a newer one `series`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an event")]
struct WireEvent {
    metadata: WireMeta,
    involved_object: Option<WireObject>,
    #[serde(default, deserialize_with = "super::nullable")]
    reason: Box<str>,
    #[serde(default, deserialize_with = "super::nullable")]
    message: Box<str>,
    #[serde(rename = "type")]
    kind: Option<Box<str>>,
    count: Option<u64>,
    series: Option<WireSeries>,
    #[serde(default, deserialize_with = "super::time")]
    first_timestamp: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::time")]
    last_timestamp: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::time")]
    event_time: Option<DateTime<Utc>>,
}

#[derive(Default, Deserialize)]
struct WireObject {
    #[serde(default, deserialize_with = "super::nullable")]
    kind: Box<str>,
    namespace: Option<Box<str>>,
    #[serde(default, deserialize_with = "super::nullable")]
    name: Box<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSeries {
    count: Option<u64>,
    #[serde(default, deserialize_with = "super::time")]
    last_observed_time: Option<DateTime<Utc>>,
}

impl Event {
    pub(super) fn read(json: &str) -> serde_json::Result<Object> {
        let wire: WireEvent = serde_json::from_str(json)?;
        let about = wire.involved_object.unwrap_or_default();
        let series = wire.series.as_ref();
        let last = series.and_then(|series| series.last_observed_time);
        let meta = wire.metadata.short();
        let event = Self {
            kind: about.kind,
            namespace: about.namespace.filter(|name| !name.is_empty()),
            name: about.name,
            reason: wire.reason,
            message: wire.message,
            count: wire
                .count
                .or_else(|| series.and_then(|series| series.count))
                .unwrap_or(1),
            is_warning: wire.kind.as_deref() != Some("Normal"),
            first: wire.first_timestamp.or(wire.event_time),
            last: [last, wire.last_timestamp, wire.event_time, meta.created]
                .into_iter()
                .flatten()
                .next(),
        };
        Ok(Object {
            meta,
            body: Body::Event(Box::new(event)),
        })
    }
}

/// A horizontal pod autoscaler.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Autoscaler {
    /// Kind and name of what it scales.
    pub(in super::super) target: (Box<str>, Box<str>),
    pub(in super::super) min: i64,
    pub(in super::super) max: i64,
    pub(in super::super) desired: Option<i64>,
    pub(in super::super) current: Option<i64>,
    pub(in super::super) last_scaled: Option<DateTime<Utc>>,
    pub(in super::super) conditions: Box<[Condition]>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an autoscaler's spec")]
pub(super) struct WireScaler {
    scale_target_ref: Option<WireObject>,
    min_replicas: Option<i64>,
    max_replicas: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an autoscaler's status")]
pub(super) struct WireScalerStatus {
    desired_replicas: Option<i64>,
    current_replicas: Option<i64>,
    #[serde(default, deserialize_with = "super::time")]
    last_scale_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "super::list")]
    conditions: Box<[Condition]>,
}

impl Autoscaler {
    pub(super) fn new(spec: Option<WireScaler>, status: Option<WireScalerStatus>) -> Self {
        let mut made = Self::default();
        if let Some(spec) = spec {
            let target = spec.scale_target_ref.unwrap_or_default();
            made.target = (target.kind, target.name);
            made.min = spec.min_replicas.unwrap_or(1);
            made.max = spec.max_replicas.unwrap_or_default();
        }
        if let Some(status) = status {
            made.desired = status.desired_replicas;
            made.current = status.current_replicas;
            made.last_scaled = status.last_scale_time;
            made.conditions = status.conditions;
        }
        made
    }
}

/// A pod disruption budget.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Budget {
    /// Labels of the pods it covers.
    pub(in super::super) selects: Packed,
    pub(in super::super) status: Option<BudgetStatus>,
    pub(in super::super) since: Option<DateTime<Utc>>,
}

/// How much may be disrupted now.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a budget's status")]
pub(in super::super) struct BudgetStatus {
    pub(in super::super) disruptions_allowed: Option<i64>,
    pub(in super::super) current_healthy: Option<i64>,
    pub(in super::super) desired_healthy: Option<i64>,
    pub(in super::super) expected_pods: Option<i64>,
    #[serde(default, deserialize_with = "super::list")]
    conditions: Box<[Condition]>,
}

#[derive(Deserialize)]
#[serde(expecting = "a budget's spec")]
pub(super) struct WireBudget {
    selector: Option<WireSelector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSelector {
    #[serde(default)]
    match_labels: Packed,
}

impl Budget {
    pub(super) fn new(spec: Option<WireBudget>, mut status: Option<BudgetStatus>) -> Self {
        let conditions = status.as_mut().map(|s| std::mem::take(&mut s.conditions));
        let allowed = conditions.as_deref().unwrap_or_default();
        let allowed = condition(allowed, "DisruptionAllowed").filter(|c| &*c.status == "False");
        Self {
            selects: spec
                .and_then(|spec| spec.selector)
                .map(|selector| selector.match_labels)
                .unwrap_or_default(),
            since: allowed.and_then(|c| c.last_transition_time),
            status,
        }
    }
}

/// How much a namespace may use, and uses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Quota {
    pub(in super::super) hard: Packed,
    pub(in super::super) used: Packed,
}
