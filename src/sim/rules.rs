//! Which alert rules does the simulated Prometheus evaluate?
//!
//! Data only: the schedule evaluates them, the Prometheus handlers list them. The rules of the story
//! stand here, those of the background in [`super::background_rules`].

use super::background_rules::BACKGROUND;
use super::rule::{Group, Rule};

/// Every group, in the order in which Prometheus lists them: by file, then name.
pub(super) fn groups() -> impl Iterator<Item = &'static Group> {
    STORY.iter().chain(BACKGROUND)
}

/// Every rule of every group.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    groups().flat_map(|group| group.rules)
}

/// Whether a rule belongs to the story: those of the background see nothing of it.
pub(super) fn is_of_the_story(rule: &Rule) -> bool {
    let mut own = STORY.iter().flat_map(|group| group.rules);
    own.any(|own| own.name == rule.name)
}

static STORY: &[Group] = &[
    Group {
        name: "checkout.rules",
        file: "/etc/prometheus/rules/checkout.yaml",
        rules: &[
            Rule {
                name: "CheckoutHighErrorRate",
                expr: "sum by (namespace, service, pod) (rate(http_requests_total{service=\"checkout-api\",code=~\"5..\"}[30s])) / sum by (namespace, service, pod) (rate(http_requests_total{service=\"checkout-api\"}[30s])) > 0.05",
                hold_secs: 4,
                labels: &[("severity", "page"), ("team", "payments-platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.pod }} fails more than 5% of its requests",
                    ),
                    (
                        "description",
                        "Pod {{ $labels.pod }} of {{ $labels.service }} answered {{ $value | humanizePercentage }} of its requests with 5xx over the last 30 seconds.",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/bad-rollout.md#2-does-the-new-version-fail-and-the-old-one-not",
                    ),
                    (
                        "dashboard",
                        "https://grafana.example.net/d/checkout/checkout-api?var-pod={{ $labels.pod }}",
                    ),
                ],
            },
            Rule {
                name: "CheckoutErrorBudgetBurn",
                expr: "sum by (namespace, service) (rate(http_requests_total{service=\"checkout-api\",code=~\"5..\"}[30s])) / sum by (namespace, service) (rate(http_requests_total{service=\"checkout-api\"}[30s])) > 14.4 * 0.001 and sum by (namespace, service) (rate(http_requests_total{service=\"checkout-api\",code=~\"5..\"}[2m])) / sum by (namespace, service) (rate(http_requests_total{service=\"checkout-api\"}[2m])) > 14.4 * 0.001",
                hold_secs: 10,
                labels: &[
                    ("severity", "page"),
                    ("slo", "checkout-availability"),
                    ("team", "payments-platform"),
                ],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.service }} burns its error budget at more than 14.4x",
                    ),
                    (
                        "description",
                        "{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} fail; the objective is 99.9%.",
                    ),
                    (
                        "dashboard",
                        "https://grafana.example.net/d/slo/checkout-availability",
                    ),
                ],
            },
            Rule {
                name: "CheckoutSlowRequests",
                expr: "1 - sum by (namespace, service) (rate(http_request_duration_seconds_bucket{service=\"checkout-api\",le=\"0.5\"}[1m])) / sum by (namespace, service) (rate(http_request_duration_seconds_count{service=\"checkout-api\"}[1m])) > 0.1",
                hold_secs: 10,
                labels: &[("severity", "ticket"), ("team", "payments-platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $value | humanizePercentage }} of requests to {{ $labels.service }} take over 0.5 s",
                    ),
                    (
                        "dashboard",
                        "https://grafana.example.net/d/checkout/checkout-api",
                    ),
                ],
            },
        ],
    },
    Group {
        name: "kubernetes.rollout",
        file: "/etc/prometheus/rules/kubernetes.yaml",
        rules: &[
            Rule {
                name: "KubeDeploymentReplicasUnavailable",
                expr: "kube_deployment_status_replicas_unavailable > 0",
                hold_secs: 20,
                labels: &[("severity", "ticket"), ("team", "platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $value }} replicas of {{ $labels.namespace }}/{{ $labels.deployment }} are not available",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubedeploymentreplicasmismatch",
                    ),
                ],
            },
            Rule {
                name: "KubePodNotReady",
                expr: "kube_pod_status_ready{condition=\"true\"} == 0",
                hold_secs: 20,
                labels: &[("severity", "info"), ("team", "platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.namespace }}/{{ $labels.pod }} is not ready",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodnotready",
                    ),
                ],
            },
        ],
    },
    Group {
        name: "services.rules",
        file: "/etc/prometheus/rules/services.yaml",
        rules: &[Rule {
            name: "ServiceErrorRatioHigh",
            expr: "sum by (namespace, service) (rate(http_requests_total{service!=\"checkout-api\",code=~\"5..\"}[1m])) / sum by (namespace, service) (rate(http_requests_total{service!=\"checkout-api\"}[1m])) > 0.02",
            hold_secs: 10,
            labels: &[("severity", "ticket"), ("team", "storefront")],
            annotations: &[
                (
                    "summary",
                    "{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests",
                ),
                (
                    "runbook_url",
                    "https://github.com/example/platform-runbooks/blob/main/runbooks/service-errors.md",
                ),
            ],
        }],
    },
    Group {
        name: "telemetry.rules",
        file: "/etc/prometheus/rules/telemetry.yaml",
        rules: &[
            Rule {
                name: "TelemetryIngestBacklog",
                expr: "sum by (namespace, service) (otelcol_exporter_queue_size) / sum by (namespace, service) (otelcol_exporter_queue_capacity) > 0.8",
                hold_secs: 10,
                labels: &[("severity", "page"), ("team", "observability")],
                annotations: &[
                    (
                        "summary",
                        "The queues of {{ $labels.service }} are {{ $value | humanizePercentage }} full",
                    ),
                    (
                        "description",
                        "Traces and logs arrive late and will soon be dropped. What dashboards show is old.",
                    ),
                    ("quell_runbook", "telemetry-ingest-backlog"),
                    (
                        "dashboard",
                        "https://grafana.example.net/d/otelcol/collector",
                    ),
                ],
            },
            Rule {
                name: "TelemetryQueueGrowing",
                expr: "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity > 0.5",
                hold_secs: 10,
                labels: &[("severity", "ticket"), ("team", "observability")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.pod }}: exporter {{ $labels.exporter }} queues {{ $value | humanizePercentage }}",
                    ),
                    (
                        "dashboard",
                        "https://grafana.example.net/d/otelcol/collector",
                    ),
                ],
            },
            Rule {
                name: "AlertmanagerMemberDown",
                expr: "up{job=\"alertmanager\"} == 0",
                hold_secs: 10,
                labels: &[
                    ("service", "alertmanager"),
                    ("severity", "ticket"),
                    ("team", "observability"),
                ],
                annotations: &[
                    ("summary", "Prometheus cannot scrape {{ $labels.instance }}"),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/alertmanager/alertmanagermembersinconsistent",
                    ),
                ],
            },
        ],
    },
];
