//! What has long been wrong, or right, when the story opens?
//!
//! The series behind the alerts that stand in every picture from the first second. Their curves
//! reach back into history, so each alert has the age that its own series gives it.

use super::catalogue::Catalogue;
use super::curve::Curve;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
const GIB: f64 = 1_073_741_824.0;

/// Adds the background's series. `started` is the story's opening in Unix seconds.
pub(super) fn add(catalogue: &mut Catalogue, started: f64) {
    nodes(catalogue);
    edges(catalogue, started);
    kubernetes(catalogue);
    workloads(catalogue, started);
    rules(catalogue);
}

/// `before` until `secs` before the opening, `after` from then on.
fn since(secs: f64, before: f64, after: f64) -> Curve {
    Curve::through(&[(-secs, before), (-secs, after)])
}

fn nodes(catalogue: &mut Catalogue) {
    for node in ["worker-01", "worker-02", "worker-03", "worker-07"] {
        let labels = [
            ("job", "node-exporter"),
            ("instance", node),
            ("fstype", "ext4"),
            ("device", "/dev/nvme1n1"),
            ("mountpoint", "/var/lib/containerd"),
        ];
        let size = 200.0 * GIB;
        let filling = [(-12.0 * HOUR, 0.19), (-5.0 * HOUR, 0.1), (0.0, 0.064)];
        let available = match node {
            "worker-07" => Curve::through(&filling.map(|(at, share)| (at, share * size))),
            _ => Curve::flat(0.52 * size),
        };
        catalogue.gauge("node_filesystem_avail_bytes", &labels, available);
        catalogue.gauge("node_filesystem_size_bytes", &labels, Curve::flat(size));
        let target = [("job", "node-exporter"), ("instance", node)];
        catalogue.gauge("up", &target, Curve::flat(1.0));
        let offset = if node == "worker-03" {
            since(3.2 * HOUR, 0.004, 0.081)
        } else {
            Curve::flat(0.002)
        };
        catalogue.gauge("node_timex_offset_seconds", &target, offset);
    }
}

fn edges(catalogue: &mut Catalogue, started: f64) {
    for (instance, service, namespace, left_secs) in [
        (
            "https://partner.example.com",
            "partner-gateway",
            "integrations",
            14.0 * DAY - 26.0 * HOUR,
        ),
        ("https://shop.example.com", "storefront", "web", 61.0 * DAY),
    ] {
        let labels = [
            ("job", "blackbox"),
            ("instance", instance),
            ("service", service),
            ("namespace", namespace),
        ];
        let expiry = Curve::flat((started + left_secs).floor());
        catalogue.gauge("probe_ssl_earliest_cert_expiry", &labels, expiry);
        catalogue.gauge("probe_success", &labels, Curve::flat(1.0));
    }
    let status_page = [
        ("job", "blackbox"),
        ("instance", "https://status.example.com"),
        ("service", "status-page"),
        ("namespace", "web"),
    ];
    catalogue.gauge(
        "probe_success",
        &status_page,
        since(40.0 * MINUTE, 1.0, 0.0),
    );
    let ingress = [
        ("job", "ingress-nginx"),
        ("namespace", "ingress"),
        ("service", "ingress-nginx"),
        ("controller_class", "k8s.io/internal"),
    ];
    let reload = "nginx_ingress_controller_config_last_reload_successful";
    catalogue.gauge(reload, &ingress, since(95.0 * MINUTE, 1.0, 0.0));
}

fn kubernetes(catalogue: &mut Catalogue) {
    let quota = |kind| {
        [
            ("job", "kube-state-metrics"),
            ("namespace", "batch"),
            ("resourcequota", "batch-compute"),
            ("resource", "requests.memory"),
            ("type", kind),
        ]
    };
    let hard = 512.0 * GIB;
    let used = [(-9.0 * HOUR, 0.8), (-7.0 * HOUR, 0.9), (-3.0 * HOUR, 1.0)];
    let used = Curve::through(&used.map(|(at, share)| (at, share * hard)));
    catalogue.gauge("kube_resourcequota", &quota("used"), used);
    catalogue.gauge("kube_resourcequota", &quota("hard"), Curve::flat(hard));

    let autoscaler = [
        ("job", "kube-state-metrics"),
        ("namespace", "search"),
        ("horizontalpodautoscaler", "search"),
    ];
    let replicas = since(2.1 * HOUR, 7.0, 9.0);
    catalogue.gauge(
        "kube_horizontalpodautoscaler_status_current_replicas",
        &autoscaler,
        replicas,
    );
    let most = Curve::flat(9.0);
    catalogue.gauge(
        "kube_horizontalpodautoscaler_spec_max_replicas",
        &autoscaler,
        most,
    );

    let crashing = [
        ("job", "kube-state-metrics"),
        ("namespace", "search"),
        ("pod", "search-indexer-0"),
        ("container", "indexer"),
        ("reason", "CrashLoopBackOff"),
    ];
    let waiting = since(50.0 * MINUTE, 0.0, 1.0);
    catalogue.gauge(
        "kube_pod_container_status_waiting_reason",
        &crashing,
        waiting,
    );

    let failed = [
        ("job", "kube-state-metrics"),
        ("namespace", "legacy"),
        ("job_name", "ftp-sync-29384"),
    ];
    catalogue.gauge(
        "kube_job_status_failed",
        &failed,
        since(6.4 * HOUR, 0.0, 1.0),
    );

    // Below the threshold for 22 minutes when the story opens, and the rule waits an hour.
    let volume = [
        ("job", "kubelet"),
        ("namespace", "search"),
        ("persistentvolumeclaim", "data-search-index-0"),
    ];
    let free = since(22.0 * MINUTE, 0.17, 0.14);
    catalogue.gauge("kubelet_volume_stats_available_ratio", &volume, free);
}

fn workloads(catalogue: &mut Catalogue, started: f64) {
    let report = [
        ("job", "batch-exporter"),
        ("namespace", "batch"),
        ("service", "reports"),
        ("job_name", "nightly-report"),
    ];
    let succeeded = Curve::flat((started - 29.5 * HOUR).floor());
    catalogue.gauge("batch_last_success_timestamp_seconds", &report, succeeded);

    for (partition, lag) in [("0", 9_100.0), ("1", 7_400.0)] {
        let labels = [
            ("job", "kafka-exporter"),
            ("namespace", "ledger"),
            ("service", "ledger-writer"),
            ("consumergroup", "ledger-writer"),
            ("topic", "orders.settled"),
            ("partition", partition),
        ];
        catalogue.gauge(
            "kafka_consumergroup_lag",
            &labels,
            since(75.0 * MINUTE, 140.0, lag),
        );
    }

    let redis = [
        ("job", "redis-exporter"),
        ("namespace", "web"),
        ("service", "session-store"),
        ("instance", "session-store-0:9121"),
    ];
    catalogue.gauge(
        "redis_memory_used_bytes",
        &redis,
        since(4.3 * HOUR, 2.9 * GIB, 3.6 * GIB),
    );
    catalogue.gauge("redis_memory_max_bytes", &redis, Curve::flat(4.0 * GIB));

    let index = [
        ("job", "search"),
        ("namespace", "search"),
        ("service", "search"),
    ];
    catalogue.gauge(
        "search_index_age_seconds",
        &index,
        since(55.0 * MINUTE, 120.0, 1_260.0),
    );

    // Two baselines for one score: the rule that compares them fails, and says why.
    let score = [
        ("job", "payments"),
        ("namespace", "payments"),
        ("service", "payments"),
    ];
    catalogue.gauge("payments_fraud_score", &score, Curve::flat(0.31));
    for model in ["v1", "v2"] {
        let labels = [
            ("job", "payments"),
            ("namespace", "payments"),
            ("service", "payments"),
            ("model", model),
        ];
        catalogue.gauge("payments_fraud_baseline", &labels, Curve::flat(0.3));
    }
}

fn rules(catalogue: &mut Catalogue) {
    let labels = [
        ("job", "prometheus"),
        ("namespace", "monitoring"),
        ("instance", "prometheus-0:9090"),
        ("rule_group", "payments.rules"),
    ];
    // One failure per evaluation, since the second baseline was rolled out.
    let failures = since(6.0 * HOUR, 0.0, 0.5);
    catalogue.counter(
        "prometheus_rule_evaluation_failures_total",
        &labels,
        failures,
    );
}
