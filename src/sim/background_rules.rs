//! Which rules fire, wait or fail before the story opens?
//!
//! Data only, beside the series of [`super::background`]. Between them they show what a triage
//! screen meets in the field: an alert that somebody silenced, one inhibited, one muted by time, one
//! without team, without runbook, without severity, one still pending, and a rule that fails.

use super::rule::{Group, Rule};

pub(super) static BACKGROUND: &[Group] = &[
    Group {
        name: "infrastructure.rules",
        file: "/etc/prometheus/rules/infrastructure.yaml",
        rules: &[
            Rule {
                name: "NodeFilesystemAlmostFull",
                expr: "node_filesystem_avail_bytes{fstype=\"ext4\"} / node_filesystem_size_bytes{fstype=\"ext4\"} < 0.1",
                hold_secs: 300,
                labels: &[("severity", "ticket"), ("team", "platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.mountpoint }} on {{ $labels.instance }} has {{ $value | humanizePercentage }} left",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/node/nodefilesystemalmostoutofspace",
                    ),
                ],
            },
            Rule {
                name: "NodeClockSkew",
                expr: "node_timex_offset_seconds > 0.05",
                hold_secs: 600,
                labels: &[("severity", "info"), ("team", "platform")],
                annotations: &[
                    (
                        "summary",
                        "The clock of {{ $labels.instance }} is {{ $value }} s off",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/node/nodeclockskewdetected",
                    ),
                ],
            },
            Rule {
                name: "CertificateExpiresSoon",
                expr: "probe_ssl_earliest_cert_expiry - time() < 14 * 86400",
                hold_secs: 600,
                labels: &[("severity", "ticket"), ("team", "integrations")],
                annotations: &[
                    (
                        "summary",
                        "The certificate of {{ $labels.instance }} expires in under 14 days",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/ingress-cert-expiry.md",
                    ),
                ],
            },
            Rule {
                name: "ExternalProbeFailed",
                expr: "probe_success == 0",
                hold_secs: 120,
                labels: &[("severity", "ticket"), ("team", "storefront")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.instance }} does not answer from outside",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/external-probe.md",
                    ),
                ],
            },
            Rule {
                name: "IngressConfigReloadFailed",
                expr: "nginx_ingress_controller_config_last_reload_successful == 0",
                hold_secs: 300,
                labels: &[("severity", "ticket"), ("team", "platform")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.service }} runs on an old configuration",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/ingress-config.md",
                    ),
                ],
            },
        ],
    },
    Group {
        name: "kubernetes.apps",
        file: "/etc/prometheus/rules/kubernetes-apps.yaml",
        rules: &[
            Rule {
                name: "KubeQuotaExceeded",
                expr: "kube_resourcequota{type=\"used\"} / ignoring (type) kube_resourcequota{type=\"hard\"} >= 1",
                hold_secs: 300,
                labels: &[("severity", "ticket"), ("team", "data")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.namespace }} has used up its quota of {{ $labels.resource }}",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/quota-or-rate-limit.md",
                    ),
                ],
            },
            Rule {
                name: "KubeQuotaAlmostFull",
                expr: "kube_resourcequota{type=\"used\"} / ignoring (type) kube_resourcequota{type=\"hard\"} > 0.9",
                hold_secs: 300,
                labels: &[("severity", "info"), ("team", "data")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.namespace }} uses {{ $value | humanizePercentage }} of its {{ $labels.resource }}",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/quota-or-rate-limit.md",
                    ),
                ],
            },
            Rule {
                name: "HpaAtMaximum",
                expr: "kube_horizontalpodautoscaler_status_current_replicas == kube_horizontalpodautoscaler_spec_max_replicas",
                hold_secs: 900,
                labels: &[("severity", "info"), ("team", "search")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.horizontalpodautoscaler }} has been at its {{ $value }} replicas for a while",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubehpamaxedout",
                    ),
                ],
            },
            Rule {
                name: "KubePodCrashLooping",
                expr: "max_over_time(kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\"}[5m]) >= 1",
                hold_secs: 300,
                labels: &[("severity", "ticket"), ("team", "search")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.container }} in {{ $labels.namespace }}/{{ $labels.pod }} keeps crashing",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodcrashlooping",
                    ),
                ],
            },
            Rule {
                name: "LegacyCronFailed",
                expr: "kube_job_status_failed{namespace=\"legacy\"} > 0",
                hold_secs: 60,
                labels: &[("team", "integrations")],
                annotations: &[
                    ("summary", "Job {{ $labels.job_name }} failed"),
                    (
                        "runbook_url",
                        "https://wiki.example.net/display/OPS/Legacy+cron+jobs",
                    ),
                ],
            },
            Rule {
                name: "KubePersistentVolumeFillingUp",
                expr: "kubelet_volume_stats_available_ratio < 0.15",
                hold_secs: 3600,
                labels: &[("severity", "ticket"), ("team", "search")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} left",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepersistentvolumefillingup",
                    ),
                ],
            },
        ],
    },
    Group {
        name: "meta.rules",
        file: "/etc/prometheus/rules/meta.yaml",
        rules: &[
            Rule {
                name: "Watchdog",
                expr: "vector(1)",
                hold_secs: 0,
                labels: &[("severity", "none")],
                annotations: &[
                    (
                        "summary",
                        "Always firing: if it is gone, alerting is broken",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/general/watchdog",
                    ),
                ],
            },
            Rule {
                name: "PrometheusRuleFailures",
                expr: "increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
                hold_secs: 300,
                labels: &[
                    ("service", "prometheus"),
                    ("severity", "ticket"),
                    ("team", "observability"),
                ],
                annotations: &[
                    (
                        "summary",
                        "Rules of {{ $labels.rule_group }} cannot be evaluated",
                    ),
                    (
                        "runbook_url",
                        "https://runbooks.prometheus-operator.dev/runbooks/prometheus/prometheusrulefailures",
                    ),
                ],
            },
        ],
    },
    Group {
        name: "payments.rules",
        file: "/etc/prometheus/rules/payments.yaml",
        rules: &[Rule {
            name: "PaymentsFraudScoreHigh",
            expr: "payments_fraud_score > on (service) payments_fraud_baseline",
            hold_secs: 60,
            labels: &[("severity", "page"), ("team", "payments-platform")],
            annotations: &[(
                "summary",
                "{{ $labels.service }} sees more fraud than usual",
            )],
        }],
    },
    Group {
        name: "workloads.rules",
        file: "/etc/prometheus/rules/workloads.yaml",
        rules: &[
            Rule {
                name: "NightlyReportLate",
                expr: "time() - batch_last_success_timestamp_seconds{job_name=\"nightly-report\"} > 26 * 3600",
                hold_secs: 300,
                labels: &[("severity", "ticket"), ("team", "data")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.job_name }} has not succeeded for over 26 hours",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/batch-late.md",
                    ),
                ],
            },
            Rule {
                name: "KafkaConsumerLagHigh",
                expr: "sum by (namespace, service, consumergroup, topic) (kafka_consumergroup_lag) > 10000",
                hold_secs: 600,
                labels: &[("severity", "ticket")],
                annotations: &[
                    (
                        "summary",
                        "{{ $labels.consumergroup }} is {{ $value }} messages behind on {{ $labels.topic }}",
                    ),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/kafka-lag.md",
                    ),
                ],
            },
            Rule {
                name: "RedisMemoryHigh",
                expr: "redis_memory_used_bytes / redis_memory_max_bytes > 0.85",
                hold_secs: 600,
                labels: &[("severity", "ticket"), ("team", "storefront")],
                annotations: &[(
                    "summary",
                    "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its memory",
                )],
            },
            Rule {
                name: "SearchIndexStale",
                expr: "search_index_age_seconds > 900",
                hold_secs: 300,
                labels: &[("severity", "info"), ("team", "search")],
                annotations: &[
                    ("summary", "The search index is {{ $value }} s old"),
                    (
                        "runbook_url",
                        "https://github.com/example/platform-runbooks/blob/main/runbooks/search-index.md",
                    ),
                ],
            },
        ],
    },
];
