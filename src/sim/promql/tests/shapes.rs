//! Are the shapes evaluated that a reader of SLOs sends?
//!
//! Every value here is what Prometheus 2.42 answered over the same samples.

use super::*;

/// What each query is worth at 60 s.
fn agree(table: &[(&str, &str)]) {
    for (query, wanted) in table {
        let value = evaluate(query, 60_000).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(shown(value), *wanted, "{query}");
    }
}

#[test]
fn unions_of_many_expressions() {
    agree(&[
        // unions
        (
            "label_replace(sum(increase(hits_total{pod=~\"a|b\"}[1m])), \"quell_slo\", \"3b\", \"\", \"\") \
             or label_replace(sum by (pod) (increase(hits_total[1m] offset 13s)), \"quell_slo\", \"4t\", \"\", \"\") \
             or {__name__=~\"used|lim.+\"}",
            "limit{zone=x}:3 used{pod=a,zone=x}:1 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4 \
             {pod=a,quell_slo=4t}:300 {pod=b,quell_slo=4t}:600 {quell_slo=3b}:900",
        ),
        (
            "limit or {__name__=~\"used|size\"}",
            "limit{zone=x}:3 size{pod=a,zone=x}:8 size{pod=b,zone=x}:8 size{pod=c,zone=y}:8 \
             used{pod=a,zone=x}:1 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "limit or used or size",
            "limit{zone=x}:3 used{pod=a,zone=x}:1 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "used{pod=\"a\"} or on (zone) used",
            "used{pod=a,zone=x}:1 used{pod=c,zone=y}:4",
        ),
        (
            "used{pod=\"a\"} or on (zone) used or size{pod=\"b\"}",
            "size{pod=b,zone=x}:8 used{pod=a,zone=x}:1 used{pod=c,zone=y}:4",
        ),
        (
            "used == 2 or used == 4 or limit",
            "limit{zone=x}:3 used{pod=b,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "(sum by (pod) (rate(nothing[1m])) or 0 * sum by (pod) (rate(hits_total[1m]))) \
             / (sum by (pod) (rate(hits_total[1m])) > 0)",
            "{pod=a}:0 {pod=b}:0",
        ),
        ("sum(nothing) or vector(0)", "{}:0"),
        ("vector(0) / vector(0)", "{}:NaN"),
        // what would not fit is not looked at where nothing can match
        ("nothing / on (zone) used", ""),
    ]);
}

#[test]
fn selectors_and_subqueries_elsewhere_in_time() {
    agree(&[
        // elsewhere in time
        (
            "hits_total{pod=\"a\"} @ 1700000010",
            "hits_total{pod=a}:13824050",
        ),
        (
            "hits_total{pod=\"a\"} offset 4s @ 1700000010",
            "hits_total{pod=a}:13824030",
        ),
        ("rate(hits_total[30s] @ 1700000030)", "{pod=a}:5 {pod=b}:10"),
        ("ramp @ start() - ramp @ end()", "{}:0"),
        // subqueries: their grid is that of the clock
        ("sum_over_time((ramp > bool 30)[40s:2s])", "{}:15"),
        ("sum_over_time((ramp > bool 30)[40s:7s])", "{}:4"),
        ("sum_over_time((ramp > 30)[40s:7s])", "{}:184"),
        ("avg_over_time((sum(used) * ramp)[30s:10s])", "{}:315"),
        ("avg_over_time(ramp[30s:10s] offset 5s)", "{}:40"),
        ("avg_over_time(ramp[30s:10s] @ 1700000040)", "{}:25"),
        ("count_over_time(ramp[30s:7s])", "{}:4"),
        ("min_over_time(ramp[20s:3s])", "{}:40"),
        ("last_over_time(ramp[20s:3s])", "ramp{}:58"),
        ("last_over_time((ramp * 2)[20s:3s])", "{}:116"),
        (
            "max_over_time(rate(hits_total[10s])[30s:10s])",
            "{pod=a}:5 {pod=b}:10",
        ),
        (
            "increase(hits_total{pod=\"a\"}[30s:7s])",
            "{pod=a}:142.857143",
        ),
        ("sum_over_time(vector(2)[10s:3s] offset 2s)", "{}:8"),
    ]);
}

#[test]
fn windows_and_the_age_of_samples() {
    agree(&[
        // windows
        ("count_over_time(ramp[30s])", "{}:16"),
        ("count_over_time(nothing[30s])", ""),
        ("sum_over_time(used{pod=\"b\"}[10s])", "{pod=b,zone=x}:12"),
        (
            "last_over_time({__name__=~\"limit|ramp\"}[10s])",
            "limit{zone=x}:3 ramp{}:60",
        ),
        ("increase(hits_total{pod=\"a\"}[1h])", "{pod=a}:18000"),
        // age
        ("timestamp(ramp offset 11s)", "{}:1700000048"),
        ("timestamp((ramp @ 1700000031))", "{}:1700000030"),
        ("timestamp(sum(used))", "{}:1700000060"),
        ("timestamp(last_over_time(ramp[1m]))", "{}:1700000060"),
        (
            "time() - max(max_over_time(timestamp(hits_total)[30s:4s]))",
            "{}:0",
        ),
    ]);
}

#[test]
fn numbers_and_labels() {
    agree(&[
        (
            "clamp_min(used, 2)",
            "{pod=a,zone=x}:2 {pod=b,zone=x}:2 {pod=c,zone=y}:4",
        ),
        (
            "clamp_max(used, scalar(limit))",
            "{pod=a,zone=x}:1 {pod=b,zone=x}:2 {pod=c,zone=y}:3",
        ),
        ("clamp(used{pod=\"a\"}, 1.5, 3)", "{pod=a,zone=x}:1.5"),
        ("clamp(used, 3, 2)", ""),
        ("clamp_min(limit, NaN)", "{zone=x}:NaN"),
        ("scalar(limit)", "3"),
        ("scalar(used)", "NaN"),
        ("vector(scalar(limit))", "{}:3"),
        (
            "label_replace(used, \"to\", \"${1}0$$\", \"pod\", \"(a|b)\")",
            "used{pod=a,to=a0$,zone=x}:1 used{pod=b,to=b0$,zone=x}:2 used{pod=c,zone=y}:4",
        ),
        (
            "label_replace(limit, \"zone\", \"\", \"gone\", \"\")",
            "limit{}:3",
        ),
        (
            "label_replace(limit, \"__name__\", \"other\", \"zone\", \"x\")",
            "other{zone=x}:3",
        ),
        (
            "sum by (__name__) ({__name__=~\"used|size\"})",
            "size{}:24 used{}:7",
        ),
    ]);
}

#[test]
fn histograms() {
    agree(&[
        (
            "count by (le) (took_bucket)",
            "{le=+Inf}:2 {le=0.5}:2 {le=1.0}:2 {le=1}:2 {le=what}:2",
        ),
        (
            "histogram_quantile(0.9, sum by (le) (rate(took_bucket[1m])))",
            "{}:0.928571",
        ),
        (
            "histogram_quantile(0.3, took_bucket)",
            "{pod=a}:0.25 {pod=b}:0.25",
        ),
        (
            "histogram_quantile(0.95, took_bucket{pod=\"a\"})",
            "{pod=a}:1",
        ),
        (
            "histogram_quantile(1.5, took_bucket{pod=\"a\"})",
            "{pod=a}:inf",
        ),
        (
            "histogram_quantile(-1, took_bucket{pod=\"a\"})",
            "{pod=a}:-inf",
        ),
        (
            "histogram_quantile(0.9, took_bucket{pod=\"a\",le!=\"+Inf\"})",
            "{pod=a}:NaN",
        ),
        ("histogram_quantile(0.9, used)", ""),
        (
            "1 - histogram_fraction(0, 0.3, sum(rate(hits_total[1m])))",
            "",
        ),
    ]);
}

#[test]
fn what_does_not_fit_in_them_is_an_execution_error() {
    for (query, wanted) in [
        (
            "clamp_min({__name__=~\"used|size\"}, 1)",
            "vector cannot contain metrics with the same labelset",
        ),
        (
            "max_over_time({__name__=~\"used|size\"}[10s])",
            "vector cannot contain metrics with the same labelset",
        ),
        (
            "label_replace(used, \"pod\", \"all\", \"\", \"\")",
            "vector cannot contain metrics with the same labelset",
        ),
        (
            "label_replace(used, \"to\", \"$1\", \"pod\", \"(\")",
            "invalid regular expression in label_replace(): (",
        ),
        (
            "label_replace(used, \"0x\", \"$1\", \"pod\", \"(.*)\")",
            "invalid destination label name in label_replace(): 0x",
        ),
    ] {
        match evaluate(query, 60_000) {
            Err(Error::Execution(reason)) => assert_eq!(reason, wanted, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn a_long_union_is_a_chain_and_not_a_depth() {
    let members: Vec<String> = (0..250)
        .map(|place| {
            format!("label_replace(sum(used) * {place}, \"slo\", \"{place}\", \"\", \"\")")
        })
        .collect();
    let Ok(Value::Vector(elements)) = evaluate(&members.join(" or "), 60_000) else {
        panic!("a vector");
    };
    let values: Vec<f64> = elements.iter().map(|element| element.value).collect();
    let wanted: Vec<f64> = (0..250).map(|place| f64::from(place) * 7.0).collect();
    assert_eq!(values, wanted, "in the order of the members");
}

#[test]
fn a_run_remembers_what_it_selected_and_forgets_nothing_of_time() {
    let store = store();
    let engine = Engine::new(&store, EPOCH_MS, 1_000_000);
    let query = parse("ramp - ramp @ start() or ramp @ end()").unwrap();
    let run = engine.run(&query, 10_000, 90_000);
    for (at_ms, wanted) in [(10_000, "{}:0"), (50_000, "{}:40"), (90_000, "{}:80")] {
        assert_eq!(shown(run.at(at_ms).unwrap()), wanted);
    }
    let query = parse("rate(hits_total[1m])").unwrap();
    let run = engine.run(&query, 0, 60_000);
    assert_eq!(run.samples_read(), 0);
    run.at(60_000).unwrap();
    assert_eq!(run.samples_read(), 4, "the ends of two counters");
}

#[test]
fn thirty_days_of_a_counter_cost_no_more_than_a_minute() {
    let month = "increase(hits_total[30d])";
    assert_eq!(
        shown(evaluate(month, 60_000).unwrap()),
        "{pod=a}:12960000 {pod=b}:25920000"
    );
    assert_eq!(
        shown(evaluate("count_over_time(ramp[30d])", 0).unwrap()),
        "{}:1296001"
    );
}
