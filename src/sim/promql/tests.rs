//! Does the evaluator agree with Prometheus, and refuse what it cannot do?

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod shapes;

use super::{Element, Engine, Error, Value, parse};
use crate::sim::curve::Curve;
use crate::sim::labels::{Labels, METRIC_NAME, labels, value_of};
use crate::sim::series::{Life, Series, Store};

const EPOCH_MS: i64 = 1_700_000_000_000;

fn named(name: &str, pairs: &[(&str, &str)]) -> Labels {
    labels(pairs.iter().copied().chain([(METRIC_NAME, name)]))
}

/// Gauges that stand still, one that climbs, one that falls back, and counters.
fn store() -> Store {
    let mut store = Store::default();
    let mut gauge = |name, pairs: &[(&str, &str)], curve| {
        store.add(Series::gauge(named(name, pairs), curve, Life::always()));
    };
    for (pod, zone, value) in [("a", "x", 1.0), ("b", "x", 2.0), ("c", "y", 4.0)] {
        let pairs = [("pod", pod), ("zone", zone)];
        gauge("used", &pairs, Curve::flat(value));
        gauge("size", &pairs, Curve::flat(8.0));
    }
    gauge("limit", &[("zone", "x")], Curve::flat(3.0));
    gauge("ramp", &[], Curve::through(&[(0.0, 0.0), (100.0, 100.0)]));
    let saw = [(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (20.0, 10.0)];
    gauge("saw", &[], Curve::through(&saw));
    for (pod, rate) in [("a", 5.0), ("b", 10.0)] {
        let labels = named("hits_total", &[("pod", pod)]);
        store.add(Series::counter(labels, Curve::flat(rate), Life::always()));
    }
    for (bound, rate) in [
        ("0.5", 6.0),
        ("1", 9.0),
        ("1.0", 0.5),
        ("+Inf", 10.0),
        ("what", 1.0),
    ] {
        for (pod, share) in [("a", 1.0), ("b", 2.0)] {
            let labels = named("took_bucket", &[("pod", pod), ("le", bound)]);
            let rate = Curve::flat(rate * share);
            store.add(Series::counter(labels, rate, Life::always()));
        }
    }
    let brief = Life::Once(10_000..20_000);
    store.add(Series::gauge(named("brief", &[]), Curve::flat(7.0), brief));
    // Born at 10 s with its count at zero.
    let born = Curve::through(&[(10.0, 0.0), (10.0, 5.0)]);
    let labels = named("born_total", &[]);
    store.add(Series::counter(labels, born, Life::Once(10_000..i64::MAX)));
    store
}

fn evaluate(query: &str, at_ms: i64) -> Result<Value, Error> {
    let store = store();
    Engine::new(&store, EPOCH_MS, 1_000_000).evaluate(&parse(query)?, at_ms)
}

/// `{a="b"} 1` lines, sorted, or the scalar.
fn shown(value: Value) -> String {
    match value {
        Value::Scalar(number) => format!("{number}"),
        Value::Vector(elements) => {
            let mut lines: Vec<String> = elements.iter().map(line).collect();
            lines.sort();
            lines.join(" ")
        }
    }
}

fn line(element: &Element) -> String {
    let name = value_of(&element.labels, METRIC_NAME);
    let pairs: Vec<String> = element
        .labels
        .iter()
        .filter(|(name, _)| &***name != METRIC_NAME)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let rounded = (element.value * 1e6).round() / 1e6;
    format!("{name}{{{}}}:{rounded}", pairs.join(","))
}

#[test]
fn expressions_give_what_prometheus_gives() {
    let table = [
        // scalars
        ("1 + 2 * 3", "7"),
        ("-(2 ^ 3) % 5", "-3"),
        ("1 / 0", "inf"),
        ("1 > bool 2", "0"),
        ("time()", "1700000060"),
        ("vector(3)", "{}:3"),
        // selectors
        (
            "used",
            "used{pod=a,zone=x}:1 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        ("used{pod=\"a\"}", "used{pod=a,zone=x}:1"),
        (
            "used{pod!=\"a\"}",
            "used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "used{pod=~\"a|c\"}",
            "used{pod=a,zone=x}:1 used{pod=c,zone=y}:4",
        ),
        ("used{pod!~\"a|c\"}", "used{pod=b,zone=x}:2"),
        ("used{zone=~\"x.\"}", ""),
        ("used{team=\"\",pod=\"a\"}", "used{pod=a,zone=x}:1"),
        ("{__name__=\"limit\"}", "limit{zone=x}:3"),
        ("{__name__=~\"li.*\"}", "limit{zone=x}:3"),
        ("nothing", ""),
        ("ramp", "ramp{}:60"),
        ("ramp offset 20s", "ramp{}:40"),
        ("ramp offset -20s", "ramp{}:80"),
        // windows
        ("rate(hits_total[30s])", "{pod=a}:5 {pod=b}:10"),
        ("increase(hits_total{pod=\"a\"}[30s])", "{pod=a}:150"),
        ("rate(hits_total[1s])", ""),
        ("rate(ramp[10s])", "{}:1"),
        ("avg_over_time(ramp[20s])", "{}:50"),
        ("max_over_time(ramp[20s])", "{}:60"),
        ("min_over_time(ramp[20s] offset 10s)", "{}:30"),
        // aggregations
        ("sum(used)", "{}:7"),
        ("sum by (zone) (used)", "{zone=x}:3 {zone=y}:4"),
        ("avg by (zone) (used)", "{zone=x}:1.5 {zone=y}:4"),
        ("count without (pod) (used)", "{zone=x}:2 {zone=y}:1"),
        ("max(used) - min(used)", "{}:3"),
        ("sum(nothing)", ""),
        // vector and scalar
        ("used * 2 > 3", "{pod=b,zone=x}:4 {pod=c,zone=y}:8"),
        ("used > 1", "used{pod=b,zone=x}:2 used{pod=c,zone=y}:4"),
        ("1 < used", "used{pod=b,zone=x}:2 used{pod=c,zone=y}:4"),
        (
            "used >= bool 2",
            "{pod=a,zone=x}:0 {pod=b,zone=x}:1 {pod=c,zone=y}:1",
        ),
        ("-limit", "{zone=x}:-3"),
        // vector and vector
        (
            "used / size",
            "{pod=a,zone=x}:0.125 {pod=b,zone=x}:0.25 {pod=c,zone=y}:0.5",
        ),
        ("sum by (zone) (used) / on (zone) limit", "{zone=x}:1"),
        (
            "used{pod=\"a\"} / ignoring (pod) limit",
            "{zone=x}:0.333333",
        ),
        ("used{pod=\"b\"} < ignoring (pod) limit", "used{zone=x}:2"),
        ("used{pod=\"b\"} < on (zone) limit", "{zone=x}:2"),
        (
            "used == used",
            "used{pod=a,zone=x}:1 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "used and used > 1",
            "used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "used and on (zone) limit",
            "used{pod=a,zone=x}:1 used{pod=b,zone=x}:2",
        ),
        ("used unless on (zone) limit", "used{pod=c,zone=y}:4"),
        (
            "limit or used{pod=\"c\"}",
            "limit{zone=x}:3 used{pod=c,zone=y}:4",
        ),
        // absence
        ("absent(used)", ""),
        ("absent(nothing{pod=\"a\",zone=~\"x\"})", "{pod=a}:1"),
        ("absent(sum(nothing))", "{}:1"),
    ];
    for (query, wanted) in table {
        let value = evaluate(query, 60_000).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(shown(value), wanted, "{query}");
    }
}

#[test]
fn what_it_cannot_do_it_says() {
    for query in [
        "topk(1, used)",
        "quantile(0.9, used)",
        "stddev(used)",
        "irate(hits_total[1m])",
        "label_join(used, \"a\", \"-\", \"pod\", \"zone\")",
        "stddev_over_time(rate(hits_total[1m])[5m:10s])",
        "used * on (zone) group_left limit",
        "limit * on (zone) group_right used",
        "sort(used)",
        "used atan2 used",
        "hits_total[1m]",
        "\"text\"",
        "used{pod=\"a\" or pod=\"b\"}",
        "quantile_over_time(0.9, used[1m])",
        "predict_linear(used[1m], 3600)",
    ] {
        match evaluate(query, 60_000) {
            Err(Error::Execution(reason)) => {
                assert!(
                    reason.starts_with("not supported by the simulator: "),
                    "{query}: {reason}"
                );
            }
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn what_does_not_fit_is_an_execution_error() {
    for (query, wanted) in [
        (
            "used / on (zone) used",
            "found duplicate series for the match group {zone=\"x\"}",
        ),
        ("used / on (zone) limit", "multiple matches for labels"),
        (
            "-{__name__=~\"used|size\"}",
            "vector cannot contain metrics with the same labelset",
        ),
        ("vector(used)", "expected type scalar"),
    ] {
        match evaluate(query, 60_000) {
            Err(Error::Execution(reason) | Error::Parse(reason)) => {
                assert!(reason.contains(wanted), "{query}: {reason}");
            }
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_query_is_refused() {
    for query in [
        "used{",
        "used used",
        "rate(used)",
        "1 +",
        "sum()",
        "up smoothed",
        "used[",
        "{}",
        ")",
    ] {
        assert!(
            matches!(evaluate(query, 0), Err(Error::Parse(_))),
            "{query}"
        );
    }
}

#[test]
fn a_series_that_ends_is_gone_at_the_next_scrape() {
    for (at_ms, wanted) in [
        (9_999, ""),
        (10_000, "brief{}:7"),
        (11_999, "brief{}:7"),
        (18_000, "brief{}:7"),
        (19_999, "brief{}:7"),
        (20_000, ""),
    ] {
        assert_eq!(
            shown(evaluate("brief", at_ms).unwrap()),
            wanted,
            "at {at_ms}"
        );
    }
    assert_eq!(
        shown(evaluate("max_over_time(brief[1m])", 60_000).unwrap()),
        "{}:7"
    );
}

#[test]
fn nothing_is_known_of_the_future() {
    let store = store();
    let engine = Engine::new(&store, EPOCH_MS, 30_000);
    let at = |query: &str, at_ms| shown(engine.evaluate(&parse(query).unwrap(), at_ms).unwrap());
    assert_eq!(
        at("ramp", 90_000),
        "ramp{}:30",
        "the last sample, within the lookback"
    );
    assert_eq!(at("ramp", 30_000 + 5 * 60_000 + 1), "", "not beyond it");
    assert_eq!(at("max_over_time(ramp[1m])", 60_000), "{}:30");
}

#[test]
fn a_rate_is_extrapolated_as_documented() {
    // Samples at 10, 12, .. 30 s: 0 .. 100. The window opens at 0 s, 10 s before the first sample,
    // but a counter that begins at zero is not extrapolated below it.
    assert_eq!(
        shown(evaluate("increase(born_total[30s])", 30_000).unwrap()),
        "{}:100"
    );
    // 12 .. 30 s: 10 .. 100; the window opens at 11 s, near enough to be reached: 90 * 19 / 18.
    assert_eq!(
        shown(evaluate("increase(born_total[19s])", 30_000).unwrap()),
        "{}:95"
    );
    // A fall counts as a restart from zero: 10 up to 8, then from 0 up to 10.
    let falling = shown(evaluate("increase(saw[20s])", 20_000).unwrap());
    assert_eq!(falling, "{}:18");
}

#[test]
fn too_many_samples_are_refused() {
    let result = evaluate("max_over_time({__name__=~\".+\"}[32d])", 60_000);
    assert!(
        matches!(&result, Err(Error::Execution(reason)) if reason.contains("too many samples")),
        "{result:?}"
    );
}

#[test]
fn absurd_queries_are_survived() {
    let deep = format!("{}up{}", "(".repeat(2000), ")".repeat(2000));
    let long = format!("up{{a=\"{}\"}}", "x".repeat(200_000));
    for query in [
        deep.as_str(),
        long.as_str(),
        &format!("{}up", "-".repeat(4000)),
    ] {
        assert!(
            matches!(evaluate(query, 0), Err(Error::Execution(_))),
            "{}",
            query.len()
        );
    }
    for query in [
        "ramp offset 290y",
        "rate(ramp[1000y])",
        "ramp offset -99999y",
        "max_over_time(brief[290y] offset -290y)",
    ] {
        // Any answer will do.
        let _ = evaluate(query, 60_000).map(shown);
    }
}
