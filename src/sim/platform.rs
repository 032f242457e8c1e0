//! Which series does the simulated platform expose?
//!
//! The story's quantities, spread over services, pods and nodes as the usual exporters would report
//! them. Built once when the simulation is bound. What only stands in the background is written down
//! in [`super::background`].

use std::f64::consts::TAU;

use super::background;
use super::catalogue::{Catalogue, named};
use super::curve::Curve;
use super::plot::Plot;
use super::seed::Seed;
use super::series::{Life, Series, Store, secs_of};
use super::slo_series;
use super::story::{
    BAD_ERRORS_BY_AGE, BAD_SLOW_BY_AGE, BAD_UNREADY_AGE, BAD_VERSION, CHECKOUT_PODS, CYCLE_MS,
    GOOD_SLOW, GOOD_VERSION, PAST_ERRORS, SEARCH_SLOW, SECOND_REPLICA_DOWN, ms_of,
};

/// All series of the platform. `started_unix_secs` is the time of the story's opening.
pub(super) fn build(seed: Seed, started_unix_secs: f64, plot: &Plot) -> Store {
    let mut catalogue = Catalogue {
        store: Store::default(),
        seed,
    };
    catalogue.checkout(plot);
    for service in NEIGHBOURS {
        catalogue.neighbour(service, plot);
    }
    catalogue.collectors(plot);
    catalogue.monitoring();
    background::add(&mut catalogue, started_unix_secs);
    slo_series::add(&mut catalogue);
    catalogue.store
}

/// A service that is not the story's hero.
struct Neighbour {
    name: &'static str,
    namespace: &'static str,
    version: &'static str,
    requests_per_sec: f64,
    errors: Errors,
    slow: &'static [(f64, f64)],
}

/// Which share of its requests a neighbour fails.
enum Errors {
    /// What always fails.
    Quiet,
    /// More while checkout-api fails, which it calls.
    KnockedOn,
}

const QUIET: &[(f64, f64)] = &[(0.0, 0.001)];
const SWIFT: &[(f64, f64)] = &[(0.0, GOOD_SLOW)];

const NEIGHBOURS: &[Neighbour] = &[
    Neighbour {
        name: "storefront",
        namespace: "web",
        version: "4.112.0",
        requests_per_sec: 120.0,
        errors: Errors::KnockedOn,
        slow: SWIFT,
    },
    Neighbour {
        name: "cart",
        namespace: "web",
        version: "1.88.2",
        requests_per_sec: 60.0,
        errors: Errors::KnockedOn,
        slow: SWIFT,
    },
    Neighbour {
        name: "payments",
        namespace: "payments",
        version: "7.3.1",
        requests_per_sec: 20.0,
        errors: Errors::Quiet,
        slow: SWIFT,
    },
    Neighbour {
        name: "catalog",
        namespace: "web",
        version: "0.61.0",
        requests_per_sec: 200.0,
        errors: Errors::Quiet,
        slow: SWIFT,
    },
    Neighbour {
        name: "search",
        namespace: "search",
        version: "3.9.0",
        requests_per_sec: 80.0,
        errors: Errors::Quiet,
        slow: SEARCH_SLOW,
    },
];

/// Requests per second of one checkout pod.
const CHECKOUT_POD_RATE: f64 = 45.0;
const NEIGHBOUR_PODS: u32 = 3;
/// Points of a rate curve lie this far apart.
const RATE_STEP_SECS: f64 = 10.0;

/// One pod behind a service, and how it serves.
struct Pod<'a> {
    service: &'a str,
    namespace: &'a str,
    version: &'a str,
    name: String,
    spans: Vec<(f64, f64)>,
    history: bool,
}

/// How many requests a pod gets, and which shares of them fail or are slow, over story seconds.
struct Load<R, E, S> {
    rate: R,
    errors: E,
    slow: S,
    /// When the shares turned before the opening. The rate did not.
    past_secs: Vec<f64>,
}

/// Upper bounds of the latency buckets, with what a pod without slow requests puts below each, and
/// which part of its slow requests lies above each.
const BUCKETS: &[(&str, f64, f64)] = &[
    ("0.1", 0.62, 1.0),
    ("0.25", 0.90, 1.0),
    ("0.5", 1.0, 1.0),
    ("1.0", 1.0, 0.4),
    ("2.5", 1.0, 0.1),
    ("+Inf", 1.0, 0.0),
];

impl Catalogue {
    /// A pod's name, the same in every telling.
    fn pod_name(&self, service: &str, version: &str, pod: u32) -> String {
        let replica_set = self.seed.pod_suffix(&format!("{service} {version}"), 10);
        let suffix = self
            .seed
            .pod_suffix(&format!("{service} {version} {pod}"), 5);
        format!("{service}-{replica_set}-{suffix}")
    }

    /// Requests per second around `mean`: up to a fifth more or less, in slow waves that close with
    /// the story so that its end joins its beginning.
    fn traffic(&self, topic: &str, mean: f64) -> impl Fn(f64) -> f64 + use<> {
        let size = mean * (0.9 + 0.2 * self.seed.unit(&format!("{topic} size")));
        let phase = TAU * self.seed.unit(&format!("{topic} phase"));
        let waves = 2.0 + (3.0 * self.seed.unit(&format!("{topic} waves"))).floor();
        move |secs| size * (1.0 + 0.08 * (TAU * waves * secs / secs_of(CYCLE_MS) + phase).sin())
    }

    fn checkout(&mut self, plot: &Plot) {
        for pod in 0..CHECKOUT_PODS {
            let bad_spans = plot.bad_spans(pod);
            let traffic = self.traffic(&format!("checkout-api {pod}"), CHECKOUT_POD_RATE);
            let good = Pod {
                service: "checkout-api",
                namespace: "checkout",
                version: GOOD_VERSION,
                // The rollback brings the old pods back by name, so that the story can begin again.
                name: self.pod_name("checkout-api", GOOD_VERSION, pod),
                spans: plot.good_spans(pod),
                history: true,
            };
            let past = Curve::through(PAST_ERRORS);
            let load = Load {
                rate: &traffic,
                errors: |secs| past.at(secs),
                slow: |_| GOOD_SLOW,
                past_secs: past.past_secs(),
            };
            self.serve(&good, &load);
            self.ready(&good, Curve::flat(1.0));

            let errors = Curve::through(BAD_ERRORS_BY_AGE);
            let slow = Curve::through(BAD_SLOW_BY_AGE);
            let bad = Pod {
                version: BAD_VERSION,
                name: self.pod_name("checkout-api", BAD_VERSION, pod),
                spans: bad_spans.clone(),
                history: false,
                ..good
            };
            let age = |secs: f64| {
                let begun = bad_spans.iter().map(|(from, _)| *from);
                secs - begun.filter(|from| *from <= secs).fold(0.0, f64::max)
            };
            let load = Load {
                rate: &traffic,
                errors: |secs| errors.at(age(secs)),
                slow: |secs| slow.at(age(secs)),
                past_secs: Vec::new(),
            };
            self.serve(&bad, &load);
            let ready: Vec<(f64, f64)> = bad_spans
                .iter()
                .map(|(from, _)| (*from, from + BAD_UNREADY_AGE))
                .flat_map(|(from, unready)| [(from, 1.0), (unready, 1.0), (unready, 0.0)])
                .collect();
            self.ready(&bad, Curve::through(&ready));
        }
        let replicas = f64::from(CHECKOUT_PODS);
        let unavailable = Curve::through(&plot.unavailable());
        self.deployment("checkout", "checkout-api", replicas, &unavailable);
    }

    fn neighbour(&mut self, service: &Neighbour, plot: &Plot) {
        let errors = match service.errors {
            Errors::Quiet => Curve::through(QUIET),
            Errors::KnockedOn => Curve::through(&plot.knock_on_errors()),
        };
        let slow = Curve::through(service.slow);
        let mut past_secs = [errors.past_secs(), slow.past_secs()].concat();
        past_secs.sort_by(f64::total_cmp);
        let per_pod = service.requests_per_sec / f64::from(NEIGHBOUR_PODS);
        for number in 0..NEIGHBOUR_PODS {
            let pod = Pod {
                service: service.name,
                namespace: service.namespace,
                version: service.version,
                name: self.pod_name(service.name, service.version, number),
                spans: vec![(0.0, secs_of(CYCLE_MS))],
                history: true,
            };
            let traffic = self.traffic(&pod.name, per_pod);
            let load = Load {
                rate: traffic,
                errors: |secs| errors.at(secs),
                slow: |secs| slow.at(secs),
                past_secs: past_secs.clone(),
            };
            self.serve(&pod, &load);
            self.ready(&pod, Curve::flat(1.0));
        }
        let replicas = f64::from(NEIGHBOUR_PODS);
        self.deployment(service.namespace, service.name, replicas, &Curve::flat(0.0));
    }

    /// What a pod says about the requests it serves.
    fn serve<R, E, S>(&mut self, pod: &Pod<'_>, load: &Load<R, E, S>)
    where
        R: Fn(f64) -> f64,
        E: Fn(f64) -> f64,
        S: Fn(f64) -> f64,
    {
        let labels = [
            ("job", pod.service),
            ("namespace", pod.namespace),
            ("service", pod.service),
            ("pod", pod.name.as_str()),
            ("version", pod.version),
        ];
        let life = pod.life();
        let mut count = |name: &str, extra: Option<(&str, &str)>, share: &dyn Fn(f64) -> f64| {
            let past = load.past_secs.as_slice();
            let curve = Curve::within(past, &pod.spans, RATE_STEP_SECS, |secs| {
                (load.rate)(secs.max(0.0)) * share(secs)
            });
            let labels: Vec<(&str, &str)> = labels.into_iter().chain(extra).collect();
            self.store
                .add(Series::counter(named(name, &labels), curve, life.clone()));
        };
        let requests = "http_requests_total";
        count(requests, Some(("code", "200")), &|secs| {
            1.0 - (load.errors)(secs)
        });
        count(requests, Some(("code", "500")), &|secs| (load.errors)(secs));
        for (bound, fast_below, slow_above) in BUCKETS {
            count(
                "http_request_duration_seconds_bucket",
                Some(("le", bound)),
                &|secs| {
                    let slow = (load.slow)(secs);
                    if *fast_below < 1.0 {
                        fast_below * (1.0 - slow)
                    } else {
                        1.0 - slow * slow_above
                    }
                },
            );
        }
        count("http_request_duration_seconds_count", None, &|_| 1.0);
        let target = [
            ("job", pod.service),
            ("namespace", pod.namespace),
            ("instance", pod.name.as_str()),
        ];
        self.store
            .add(Series::gauge(named("up", &target), Curve::flat(1.0), life));
    }

    fn ready(&mut self, pod: &Pod<'_>, ready: Curve) {
        let labels = [
            ("job", "kube-state-metrics"),
            ("namespace", pod.namespace),
            ("service", pod.service),
            ("pod", pod.name.as_str()),
            ("condition", "true"),
        ];
        let labels = named("kube_pod_status_ready", &labels);
        self.store.add(Series::gauge(labels, ready, pod.life()));
    }

    fn deployment(&mut self, namespace: &str, name: &str, replicas: f64, unavailable: &Curve) {
        let labels = [
            ("job", "kube-state-metrics"),
            ("namespace", namespace),
            ("deployment", name),
        ];
        let whole = [(0.0, secs_of(CYCLE_MS))];
        let available = Curve::within(&[], &whole, 1.0, |secs| replicas - unavailable.at(secs));
        self.gauge(
            "kube_deployment_spec_replicas",
            &labels,
            Curve::flat(replicas),
        );
        self.gauge(
            "kube_deployment_status_replicas",
            &labels,
            Curve::flat(replicas),
        );
        self.gauge(
            "kube_deployment_status_replicas_updated",
            &labels,
            Curve::flat(replicas),
        );
        self.gauge(
            "kube_deployment_status_replicas_available",
            &labels,
            available,
        );
        self.gauge(
            "kube_deployment_status_replicas_unavailable",
            &labels,
            unavailable.clone(),
        );
    }

    fn collectors(&mut self, plot: &Plot) {
        let fills = plot.queue_fill();
        for number in 0..4 {
            let pod = format!("otel-collector-{number}");
            let labels = [
                ("job", "otel-collector"),
                ("namespace", "observability"),
                ("service", "otel-collector"),
                ("pod", pod.as_str()),
                ("exporter", "otlp/tempo"),
            ];
            let capacity = 5000.0;
            let size = 0.985 + 0.03 * self.seed.unit(&pod);
            let queue: Vec<(f64, f64)> = fills
                .iter()
                .map(|(at, fill)| (*at, (fill * size * capacity).min(capacity).round()))
                .collect();
            self.gauge(
                "otelcol_exporter_queue_size",
                &labels,
                Curve::through(&queue),
            );
            self.gauge(
                "otelcol_exporter_queue_capacity",
                &labels,
                Curve::flat(capacity),
            );
            let target = [("job", "otel-collector"), ("instance", pod.as_str())];
            self.gauge("up", &target, Curve::flat(1.0));
        }
    }

    fn monitoring(&mut self) {
        let (down, back) = SECOND_REPLICA_DOWN;
        let second = Curve::through(&[
            (0.0, 1.0),
            (down, 1.0),
            (down, 0.0),
            (back, 0.0),
            (back, 1.0),
        ]);
        for (job, instance, up) in [
            ("prometheus", "prometheus-0:9090", Curve::flat(1.0)),
            ("alertmanager", "am-1:9093", Curve::flat(1.0)),
            ("alertmanager", "am-2:9093", second),
        ] {
            let labels = [
                ("job", job),
                ("namespace", "monitoring"),
                ("instance", instance),
            ];
            self.gauge("up", &labels, up);
        }
    }
}

impl Pod<'_> {
    fn life(&self) -> Life {
        let spans = self
            .spans
            .iter()
            .map(|(from, to)| ms_of(*from)..ms_of(*to))
            .collect();
        Life::EachCycle {
            spans,
            history: self.history,
        }
    }
}
