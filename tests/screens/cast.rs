//! Who plays: a night with everything an on-call engineer meets, as two replicas, a Prometheus
//! and a folder of runbooks tell it.

use chrono::{DateTime, TimeDelta, Utc};
use quell::domain::claim::{Claim, Claims, Occurrence};
use quell::domain::label::Labels;
use quell::domain::matcher::Matchers;
use quell::domain::observed::{
    AlertmanagerAnswer, ObservedAlert, PrometheusAnswer, QueryAnswer, ReplicaState, ReplicaStatus,
    RuleAlert, RuleAlertState, RuleHealth, Series, Silence, Suppression,
};
use quell::domain::runbook::{FrontMatter, Library, Origin, Runbook, Version};
use quell::domain::slo_measured::BurnAnswer;
use quell::domain::text::Untrusted;
use quell::runbooks::prose;
use std::sync::Arc;

/// What all sources say.
#[derive(Clone, Default)]
pub struct Cast {
    pub am_1: AlertmanagerAnswer,
    pub am_2: AlertmanagerAnswer,
    pub prom: PrometheusAnswer,
    pub burn: BurnAnswer,
    pub library: Library,
    pub claims: Claims,
}

/// Two minutes past two, on a Saturday.
pub fn now() -> DateTime<Utc> {
    "2026-11-21T02:02:00Z".parse().unwrap()
}

pub fn ago(secs: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(secs)
}

/// An alert as a replica has it: firing, routed to the pager.
pub fn alert(
    age_secs: i64,
    labels: &[(&str, &str)],
    annotations: &[(&str, &str)],
) -> ObservedAlert {
    let labels = Labels::of(labels);
    let blocks = annotations
        .iter()
        .map(|(name, text)| (Untrusted::line(name), Untrusted::block(text)));
    ObservedAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: Labels::new(blocks.collect()),
        starts_at: ago(age_secs),
        ends_at: None,
        updated_at: Some(ago(30)),
        state: ReplicaState::Active,
        suppression: Suppression::default(),
        receivers: vec![Untrusted::line("pager")],
        generator_url: Some(Untrusted::line(
            "https://prometheus.eu-1.example.net/graph?g0.expr=up",
        )),
    }
}

/// The same, but nobody hears of it.
fn quiet(alert: ObservedAlert, suppression: Suppression) -> ObservedAlert {
    ObservedAlert {
        state: ReplicaState::Suppressed,
        suppression,
        ..alert
    }
}

fn by_silence(id: &str) -> Suppression {
    Suppression {
        silenced_by: vec![Untrusted::line(id)],
        ..Suppression::default()
    }
}

/// A replica of the cluster am-1, am-2.
pub fn replica(
    name: &str,
    alerts: Vec<ObservedAlert>,
    silences: Vec<Silence>,
) -> AlertmanagerAnswer {
    AlertmanagerAnswer {
        alerts,
        silences,
        status: ReplicaStatus {
            version: Some(Untrusted::line("0.28.1")),
            cluster_state: Some(Untrusted::line("ready")),
            peer_name: Some(Untrusted::line(name)),
            peers: ["am-1", "am-2"].map(Untrusted::line).into(),
        },
        limits: Vec::new(),
    }
}

fn pages() -> Vec<ObservedAlert> {
    let mut pages = vec![
        alert(
            240,
            &[
                ("alertname", "CheckoutErrorBudgetBurn"),
                ("severity", "page"),
                ("service", "checkout-api"),
                ("env", "prod"),
                ("cluster", "eu-1"),
                ("team", "payments"),
            ],
            &[
                (
                    "summary",
                    "checkout-api burns its error budget 14.6 times too fast",
                ),
                (
                    "description",
                    "38% of the budget is left. At this rate it is gone in 19 hours.\nThe last rollout began seven minutes before it.",
                ),
                ("quell_runbook", "bad-rollout"),
                ("dashboard", "https://grafana.example.net/d/checkout"),
            ],
        ),
        alert(
            1_860,
            &[
                ("alertname", "TelemetryIngestBacklog"),
                ("severity", "critical"),
                ("service", "otel-collector"),
                ("env", "prod"),
                ("cluster", "eu-1"),
                ("team", "observability"),
            ],
            &[("summary", "telemetry arrives 9 minutes late")],
        ),
        alert(
            7_300,
            &[
                ("alertname", "EtcdHasNoLeader"),
                ("severity", "critical"),
                ("instance", "10.1.4.7:2379"),
            ],
            &[("summary", "etcd member 10.1.4.7 has no leader")],
        ),
        alert(
            200_000,
            &[
                (
                    "alertname",
                    "KubernetesPersistentVolumeClaimIsAlmostFullAndGrowsFasterThanUsual",
                ),
                ("severity", "critical"),
                ("service", "warehouse-replication-coordinator-of-the-eu"),
                ("namespace", "warehouse-replication"),
                ("team", "data-platform-reliability"),
            ],
            &[(
                "summary",
                "the volume of warehouse-replication-coordinator-of-the-eu-0 will be full within two hours if it keeps growing as it did during the last six hours",
            )],
        ),
    ];
    pages.extend((0..12).map(|pod| {
        let name = format!("checkout-api-7f9c{pod:02}");
        alert(
            360 + pod,
            &[
                ("alertname", "CheckoutHighErrorRate"),
                ("severity", "page"),
                ("service", "checkout-api"),
                ("env", "prod"),
                ("cluster", "eu-1"),
                ("team", "payments"),
                ("pod", &name),
            ],
            &[
                ("summary", "more than 5% of the requests fail"),
                (
                    "runbook_url",
                    "https://github.com/example/runbooks/blob/release-41/bad-rollout.md#undo-it",
                ),
            ],
        )
    }));
    pages
}

/// Only the first replica has it.
fn one_sided() -> ObservedAlert {
    alert(
        900,
        &[
            ("alertname", "PostgresReplicationLag"),
            ("severity", "critical"),
            ("service", "orders-db"),
            ("cluster", "eu-1"),
            ("team", "storage"),
        ],
        &[("summary", "the replica of orders-db is 45 s behind")],
    )
}

fn tickets_and_info() -> Vec<ObservedAlert> {
    let ticket = |age, name: &str, service: &str, summary: &str| {
        alert(
            age,
            &[
                ("alertname", name),
                ("severity", "warning"),
                ("service", service),
                ("team", "platform"),
            ],
            &[("summary", summary)],
        )
    };
    vec![
        ticket(
            86_500,
            "CertificateExpiresSoon",
            "ingress",
            "the certificate of shop.example.net expires in 6 days",
        ),
        ticket(
            43_000,
            "DiskWillFillIn24h",
            "build-cache",
            "/var/cache on build-3 fills by tomorrow",
        ),
        alert(
            5_000,
            &[
                ("alertname", "BatchJobLate"),
                ("service", "etl"),
                ("team", "data"),
            ],
            &[("description", "no summary here, only a description")],
        ),
        alert(
            600,
            &[("alertname", "磁盘已满"), ("severity", "warning")],
            &[],
        ),
        alert(
            1_000_000,
            &[("alertname", "Watchdog"), ("severity", "none")],
            &[("summary", "always fires; its absence is the news")],
        ),
        alert(
            3_700,
            &[
                ("alertname", "DeploymentFinished"),
                ("severity", "info"),
                ("service", "search"),
            ],
            &[("summary", "search 9.4.0 is out")],
        ),
    ]
}

fn quiet_ones() -> Vec<ObservedAlert> {
    let labels = |name: &'static str, severity: &'static str, service: &'static str| {
        [
            ("alertname", name),
            ("severity", severity),
            ("service", service),
            ("team", "platform"),
        ]
    };
    let inhibitor = alert(
        7_300,
        &[
            ("alertname", "EtcdHasNoLeader"),
            ("severity", "critical"),
            ("instance", "10.1.4.7:2379"),
        ],
        &[],
    );
    vec![
        quiet(
            alert(
                4_000,
                &labels("NodeDiskPressure", "critical", "node-17"),
                &[],
            ),
            by_silence("5a1e"),
        ),
        quiet(
            alert(700, &labels("SearchLatencyHigh", "page", "search"), &[]),
            by_silence("ac4d"),
        ),
        quiet(
            alert(
                7_200,
                &labels("ApiServerSlow", "critical", "apiserver"),
                &[],
            ),
            Suppression {
                inhibited_by: vec![Untrusted::line(&inhibitor.fingerprint.to_string())],
                ..Suppression::default()
            },
        ),
        quiet(
            alert(9_000, &labels("ReportQueueLong", "warning", "reports"), &[]),
            Suppression {
                muted_by: vec![Untrusted::line("weekends")],
                ..Suppression::default()
            },
        ),
    ]
}

fn silences() -> Vec<Silence> {
    let silence = |id: &str, by: &str, comment: &str| Silence {
        id: Untrusted::line(id),
        matchers: Untrusted::line("service=\"node-17\""),
        created_by: Untrusted::line(by),
        comment: Untrusted::line(comment),
        starts_at: ago(3_000),
        ends_at: ago(-3_600),
    };
    vec![
        silence("5a1e", "dana", "disk swap, see OPS-4411"),
        silence("ac4d", "ilya", "ACK! looking at the index"),
    ]
}

pub fn rule_alert(
    age_secs: i64,
    labels: &[(&str, &str)],
    state: RuleAlertState,
    value: &str,
) -> RuleAlert {
    RuleAlert {
        labels: Labels::of(labels),
        annotations: Labels::default(),
        state,
        active_at: ago(age_secs),
        value: Untrusted::line(value),
    }
}

pub fn rule(name: &str, query: &str, last_error: Option<&str>) -> RuleHealth {
    RuleHealth {
        group: Untrusted::line("checkout"),
        name: Untrusted::line(name),
        query: Untrusted::line(query),
        for_secs: 120.0,
        last_error: last_error.map(Untrusted::line),
        evaluated_at: Some(ago(9)),
    }
}

fn prometheus() -> PrometheusAnswer {
    use RuleAlertState::{Firing, Pending};
    PrometheusAnswer {
        alerts: vec![
            rule_alert(
                360,
                &[
                    ("alertname", "CheckoutErrorBudgetBurn"),
                    ("severity", "page"),
                    ("service", "checkout-api"),
                    ("team", "payments"),
                ],
                Firing,
                "1.4600000000000001e+01",
            ),
            rule_alert(
                1_000_000,
                &[("alertname", "Watchdog"), ("severity", "none")],
                Firing,
                "1e+00",
            ),
            rule_alert(
                40,
                &[
                    ("alertname", "KubePodCrashLooping"),
                    ("severity", "critical"),
                    ("service", "checkout-api"),
                ],
                Pending,
                "3e+00",
            ),
            rule_alert(
                75,
                &[("alertname", "QueueGrows"), ("severity", "warning")],
                Pending,
                "1.20531e+05",
            ),
        ],
        rules: vec![
            rule(
                "CheckoutErrorBudgetBurn",
                "slo:burn:rate1h{service=\"checkout-api\"} > 14.4 and slo:burn:rate5m{service=\"checkout-api\"} > 14.4",
                None,
            ),
            rule("Watchdog", "vector(1)", None),
        ],
        version: Some(Untrusted::line("3.5.0")),
        clock_ahead_secs: Some(0.4),
        limits: Vec::new(),
    }
}

const BAD_ROLLOUT: &str = include_str!("bad-rollout.md");

/// A runbook with everything a text can hold.
fn runbook(id: &str, title: &str, dirty: bool, text: &str) -> Runbook {
    Runbook {
        id: Untrusted::line(id),
        title: Untrusted::line(title),
        path: Untrusted::line(&format!("{id}.md")),
        version: Version::Git {
            commit: COMMIT.into(),
            blob: "c5f3a81d0b8b5a0ab2b9a1f1d1f0b7e5b9c4d2e3".into(),
            dirty,
        },
        front: FrontMatter {
            reviewed: Some(Untrusted::line("2026-08-14")),
            ..FrontMatter::default()
        },
        document: Arc::new(prose::read(text)),
        source: text.into(),
        problems: Vec::new(),
    }
}

const COMMIT: &str = "4f2c91a8d1b3c5e7f9a1b2c3d4e5f60718293a4b";

fn library() -> Library {
    let mut backlog = runbook(
        "telemetry-ingest-backlog",
        "Telemetry arrives late or not at all",
        true,
        "# Telemetry arrives late\n\nLook at the queue first.\n",
    );
    backlog.front.aliases = vec![Untrusted::line("TelemetryIngestBacklog")];
    let mut control_plane = runbook(
        "control-plane-down",
        "The control plane does not answer",
        false,
        "# The control plane does not answer\n",
    );
    control_plane.front.reviewed = None;
    control_plane.front.applies_to = vec![Matchers::parse("alertname=~\"Etcd.*\"").unwrap()];
    control_plane.problems = vec!["`review_every`: 90 is no duration".into()];
    Library {
        runbooks: vec![
            runbook("bad-rollout", "A rollout made it worse", false, BAD_ROLLOUT),
            control_plane,
            backlog,
        ],
        origin: Origin {
            place: Some(Untrusted::line("/srv/runbooks")),
            commit: Some(COMMIT.into()),
            branch: Some(Untrusted::line("main")),
            remote: None,
        },
        problems: Vec::new(),
    }
}

/// A night with everything.
pub fn night() -> Cast {
    let mut both = pages();
    both.extend(tickets_and_info());
    both.extend(quiet_ones());
    let mut first = both.clone();
    first.push(one_sided());
    let mut claims = Claims::default();
    let backlog = &both[1];
    claims.take(
        Occurrence {
            fingerprint: backlog.fingerprint,
            starts_at: backlog.starts_at,
        },
        Claim {
            by: Untrusted::line("ilya"),
            since: ago(540),
        },
    );
    Cast {
        am_1: replica("am-1", first, silences()),
        am_2: replica("am-2", both, silences()),
        prom: prometheus(),
        burn: BurnAnswer::default(),
        library: library(),
        claims,
    }
}

/// Everybody answers, and nothing is wrong.
pub fn calm() -> Cast {
    let watchdog = || {
        vec![alert(
            1_000_000,
            &[("alertname", "Watchdog"), ("severity", "none")],
            &[],
        )]
    };
    let mut prom = prometheus();
    prom.alerts.retain(|a| {
        a.labels
            .get("alertname")
            .is_some_and(|n| n.raw() == "Watchdog")
    });
    Cast {
        am_1: replica("am-1", watchdog(), Vec::new()),
        am_2: replica("am-2", watchdog(), Vec::new()),
        prom,
        burn: BurnAnswer::default(),
        library: library(),
        claims: Claims::default(),
    }
}

/// The expression of the budget burn over the last hour: nothing, then a climb.
pub fn climb() -> QueryAnswer {
    let end = now().timestamp();
    let point = |minute: i64| {
        #[allow(clippy::cast_precision_loss, reason = "minutes and seconds of a test")]
        let (time, value) = ((end - minute * 60) as f64, 21.0 - minute as f64 * 2.0);
        (time, value)
    };
    QueryAnswer {
        series: vec![Series {
            labels: Labels::of(&[("service", "checkout-api")]),
            samples: (0..8).rev().map(point).collect(),
        }],
        ..QueryAnswer::default()
    }
}
