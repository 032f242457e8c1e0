//! What PromQL each kind of SLO becomes, for windows and for parts of a period.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fmt::Write as _;

use promql_parser::parser::parse;
use proptest::prelude::*;

use super::world::*;
use crate::domain::slo::{BudgetMethod, Comparison, Indicator, Outcome, Slo};
use crate::domain::slo_measured::Basis;
use crate::sources::burn::measure::{Measure, Role, Text};
use crate::sources::burn::overrides::Overrides;
use crate::sources::burn::promql;
use crate::sources::burn::shape::Unit;
use crate::sources::burn::tree::{Bare, Fit, Reach, Tree};

fn compile(slo: &Slo) -> Measure {
    Measure::of(slo, &Overrides::default()).unwrap().unwrap()
}

fn texts(slo: &Slo, reach: Reach) -> Vec<String> {
    let numbers = compile(slo).numbers;
    let text = |text: Text| match text {
        Text::Sound(text) => {
            parse(&text).unwrap_or_else(|why| unreachable!("{why}: {text}"));
            text
        }
        Text::Verbatim(text) => format!("verbatim: {text}"),
    };
    numbers
        .iter()
        .map(|number| text(number.over(reach)))
        .collect()
}

fn over_an_hour(slo: &Slo) -> Vec<String> {
    texts(slo, Reach::window(3_600))
}

fn sliced(indicator: Indicator, method: BudgetMethod) -> Slo {
    Slo {
        method,
        ..slo("sliced", indicator)
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of every indicator")]
fn every_indicator_becomes_its_numbers() {
    let cases: Vec<(Indicator, Vec<&str>, Basis)> = vec![
        (
            events(Outcome::Bad, "x{code=\"500\"}", "x"),
            vec!["sum(increase(x{code=\"500\"}[1h]))", "sum(increase(x[1h]))"],
            Basis::Traffic,
        ),
        (
            events(
                Outcome::Good,
                "sum(rate(x_bucket{le=\"0.3\"}[{{.window}}]))",
                "sum by (job) (rate(x_count[5m]))",
            ),
            vec![
                "sum(rate(x_bucket{le=\"0.3\"}[1h]))",
                "sum by (job) (rate(x_count[1h]))",
            ],
            Basis::Traffic,
        ),
        (
            Indicator::Events {
                part_is: Outcome::Bad,
                part: gauge("failed"),
                total: gauge("all"),
            },
            vec![
                "sum(sum_over_time(failed[1h]))",
                "sum(sum_over_time(all[1h]))",
            ],
            Basis::Traffic,
        ),
        (
            Indicator::Ratio {
                of: Outcome::Bad,
                query: counter("sum(rate(a[$window])) / sum(rate(b[$window]))"),
            },
            vec!["sum(rate(a[1h])) / sum(rate(b[1h]))"],
            Basis::Traffic,
        ),
        (
            Indicator::Ratio {
                of: Outcome::Bad,
                query: counter("a / b"),
            },
            vec!["sum(increase(a[1h])) / sum(increase(b[1h]))"],
            Basis::Traffic,
        ),
        (
            Indicator::Ratio {
                of: Outcome::Good,
                query: gauge("job:availability:ratio"),
            },
            vec!["avg_over_time(job:availability:ratio[1h])"],
            Basis::Time,
        ),
        (
            Indicator::Threshold {
                query: gauge("histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))"),
                good_when: Comparison::Lte,
                value: 0.3,
            },
            vec![
                "sum_over_time((histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) > bool 0.3)[59m59s999ms:1m])",
                "sum_over_time((histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) <= bool 0.3)[59m59s999ms:1m])",
            ],
            Basis::Time,
        ),
        (
            Indicator::NativeLatency {
                histogram: counter("latency_seconds"),
                at_most_secs: 0.3,
            },
            vec![
                "histogram_fraction(0, 0.3, sum(increase(latency_seconds[1h]))) * histogram_count(sum(increase(latency_seconds[1h])))",
                "histogram_count(sum(increase(latency_seconds[1h])))",
            ],
            Basis::Traffic,
        ),
        (
            Indicator::Probe {
                gauge: gauge("probe_success{job=\"blackbox\"}"),
            },
            vec![
                "sum(sum_over_time(probe_success{job=\"blackbox\"}[1h]))",
                "sum(count_over_time(probe_success{job=\"blackbox\"}[1h]))",
            ],
            Basis::Time,
        ),
        (
            Indicator::Probe {
                gauge: gauge("up == 1"),
            },
            vec![
                "sum(sum_over_time((up == 1)[59m59s999ms:1m]))",
                "sum(sum_over_time(((0 * (up == 1)) + 1)[59m59s999ms:1m]))",
            ],
            Basis::Time,
        ),
    ];
    for (indicator, expected, basis) in cases {
        let slo = slo("x", indicator);
        assert_eq!(over_an_hour(&slo), expected);
        assert_eq!(compile(&slo).basis, basis, "{expected:?}");
    }
}

#[test]
fn slices_are_judged_one_by_one() {
    let slices = BudgetMethod::Timeslices {
        slice_secs: 60,
        target: 0.999,
    };
    let bad = "((sum(increase(x{code=\"500\"}[1m])) or (0 * sum(increase(x[1m])))) / (sum(increase(x[1m])) > 0))";
    assert_eq!(
        over_an_hour(&sliced(
            events(Outcome::Bad, "x{code=\"500\"}", "x"),
            slices
        )),
        [
            // 0.001, not the 0.0010000000000000009 that binary makes of it.
            format!("sum_over_time(({bad} > bool 0.001)[59m59s999ms:1m])"),
            format!("sum_over_time(({bad} <= bool 0.001)[59m59s999ms:1m])"),
        ]
    );
    let good = "(sum(rate(g[1m])) / (sum(rate(x[1m])) > 0))";
    assert_eq!(
        over_an_hour(&sliced(
            events(
                Outcome::Good,
                "sum(rate(g[$window]))",
                "sum(rate(x[$window]))"
            ),
            slices
        )),
        [
            format!("sum_over_time(({good} < bool 0.999)[59m59s999ms:1m])"),
            format!("sum_over_time(({good} >= bool 0.999)[59m59s999ms:1m])"),
        ]
    );
    let mean = BudgetMethod::RatioTimeslices { slice_secs: 300 };
    let slo = sliced(
        Indicator::Ratio {
            of: Outcome::Good,
            query: counter("sum(rate(g[5m])) / sum(rate(x[5m]))"),
        },
        mean,
    );
    assert_eq!(
        over_an_hour(&slo),
        ["avg_over_time((sum(rate(g[5m])) / sum(rate(x[5m])))[59m59s999ms:5m])"]
    );
    assert_eq!(compile(&slo).numbers[0].role, Role::Ratio(Outcome::Good));
    // A window shorter than a slice has the latest slice at least.
    assert_eq!(
        texts(&slo, Reach::window(60)),
        ["avg_over_time((sum(rate(g[5m])) / sum(rate(x[5m])))[4m59s999ms:5m])"]
    );
}

#[test]
fn a_threshold_over_a_month_is_looked_at_less_often() {
    let slo = slo(
        "depth",
        Indicator::Threshold {
            query: gauge("queue_depth"),
            good_when: Comparison::Lt,
            value: 100.0,
        },
    );
    let month = texts(&slo, Reach::window(30 * DAY));
    assert_eq!(
        month[0],
        "sum_over_time((queue_depth >= bool 100)[29d23h59m59s999ms:5m])"
    );
    // A part of a month is looked at as the month is.
    let part = Reach {
        whole_secs: 30 * DAY,
        ago_secs: 600,
        fit: Fit::Joined,
        ..Reach::window(3_600)
    };
    assert_eq!(
        texts(&slo, part)[1],
        "sum_over_time((queue_depth < bool 100)[59m59s999ms:5m] offset 10m)"
    );
}

fn window_of(text: &str, bare: Bare) -> String {
    let tree = Tree::read(text, bare, &[], &Overrides::default()).unwrap();
    promql::write(&tree.over(Reach::window(1_800)))
}

#[test]
fn the_window_goes_where_it_belongs() {
    for (text, expected) in [
        // Placeholders, and nothing else.
        (
            "sum(rate(a[$window])) / sum(rate(b[1d]))",
            "sum(rate(a[30m])) / sum(rate(b[1d]))",
        ),
        (
            "sum(rate(a[${window}] offset $window))",
            "sum(rate(a[30m] offset 30m))",
        ),
        (
            "avg_over_time(rate(a[$window])[$window:1m])",
            "avg_over_time(rate(a[30m])[30m:1m])",
        ),
        // All fixed ranges, the outer one of nested ones.
        (
            "sum(increase(a[5m])) + sum(increase(b[1h] offset 1d))",
            "sum(increase(a[30m])) + sum(increase(b[30m] offset 1d))",
        ),
        (
            "sum_over_time((sum(rate(a[1m])) > bool 3)[1h:1m])",
            "sum_over_time((sum(rate(a[1m])) > bool 3)[30m:1m])",
        ),
        // Bare selectors, beside a range, are gauges.
        (
            "sum(rate(a[5m]) * on (x) group_left () weight)",
            "sum(rate(a[30m]) * on (x) group_left () weight)",
        ),
        (
            "a{x=\"1\"} - b",
            "sum(increase(a{x=\"1\"}[30m]) - increase(b[30m]))",
        ),
        (
            "sum without (pod) (a)",
            "sum without (pod) (increase(a[30m]))",
        ),
        ("a offset 1h", "sum(increase(a[30m] offset 1h))"),
        ("1", "sum(vector(1))"),
    ] {
        assert_eq!(window_of(text, Bare::Increase), expected, "{text}");
    }
    for text in ["sum(rate(", "a[5m]", "\"text\"", "sum(foo(a))"] {
        let read = Tree::read(text, Bare::Increase, &[], &Overrides::default());
        assert!(read.is_err(), "{text}");
    }
}

#[test]
fn groups_go_into_what_is_not_grouped() {
    let group = ["team".to_owned(), "cluster".to_owned()];
    let over = |text: &str| {
        let tree = Tree::read(text, Bare::Increase, &group, &Overrides::default()).unwrap();
        promql::write(&tree.over(Reach::window(300)))
    };
    assert_eq!(over("a"), "sum by (team, cluster) (increase(a[5m]))");
    assert_eq!(over("sum(a)"), "sum by (team, cluster) (increase(a[5m]))");
    assert_eq!(over("sum by (x) (a)"), "sum by (x) (increase(a[5m]))");
}

#[test]
fn a_whole_bucket_is_asked_for_in_both_spellings() {
    for le in ["1", "1.0"] {
        let text = window_of(&format!("a_bucket{{le=\"{le}\"}}"), Bare::Increase);
        assert_eq!(text, "sum(increase(a_bucket{le=~\"1(\\\\.0)?\"}[30m]))");
    }
    for le in ["0.3", "+Inf", "1e3", ""] {
        let text = window_of(&format!("a_bucket{{le=\"{le}\"}}"), Bare::Increase);
        assert_eq!(text, format!("sum(increase(a_bucket{{le=\"{le}\"}}[30m]))"));
    }
}

#[test]
fn ones_own_metrics_take_the_place_of_names() {
    let own = |name: &str, selector: &str| (name.to_owned(), selector.to_owned());
    let (overrides, problems) = Overrides::read(&[
        own(
            "platform_api_requests_total",
            "http_requests_total{job=\"api\"}",
        ),
        own(
            "latency_seconds",
            "{__name__=\"http.duration\",job=\"api\"}",
        ),
        own("latency_seconds_count", "other_count"),
        own("only_labels", "{job=\"b\"}"),
        own("broken", "sum(x"),
        own("no_selector", "sum(x)"),
    ]);
    let over = |text: &str| {
        let tree = Tree::read(text, Bare::Increase, &[], &overrides).unwrap();
        promql::write(&tree.over(Reach::window(300)))
    };
    for (text, expected) in [
        (
            "platform_api_requests_total{code=\"500\"}",
            "sum(increase(http_requests_total{code=\"500\",job=\"api\"}[5m]))",
        ),
        (
            "sum(rate(latency_seconds_bucket{le=\"0.3\"}[1m]))",
            "sum(rate({__name__=\"http.duration_bucket\",job=\"api\",le=\"0.3\"}[5m]))",
        ),
        ("latency_seconds_count", "sum(increase(other_count[5m]))"),
        ("only_labels", "sum(increase(only_labels{job=\"b\"}[5m]))"),
        (
            "{__name__=\"only_labels\"}",
            "sum(increase({__name__=\"only_labels\",job=\"b\"}[5m]))",
        ),
        ("untouched_total", "sum(increase(untouched_total[5m]))"),
        (
            "latency_seconds_other",
            "sum(increase(latency_seconds_other[5m]))",
        ),
    ] {
        assert_eq!(over(text), expected, "{text}");
    }
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0].what.shown().contains("`broken`"),
        "{}",
        problems[0]
    );
}

#[test]
fn it_is_known_what_adds_up() {
    use Unit::{Events, PerSecond, Unknown};
    for (text, unit, adds_up) in [
        ("sum(increase(a[5m]))", Events, true),
        ("sum by (x) (rate(a[5m]))", PerSecond, true),
        ("sum(rate(a[5m])) - sum(rate(b[5m]))", PerSecond, true),
        ("sum(rate(a[5m])) or vector(0)", PerSecond, true),
        ("sum(rate(a[5m])) or 0 * sum(rate(b[5m]))", PerSecond, true),
        ("sum(increase(a[5m])) + sum(rate(b[5m]))", Unknown, false),
        ("sum(rate(a[5m])) * 60", Unknown, false),
        ("sum(increase(a[5m])) / 100", Unknown, true),
        ("sum(irate(a[5m]))", PerSecond, false),
        ("avg(rate(a[5m]))", Unknown, false),
        ("sum(increase(a[5m] @ 1793448000))", Events, false),
        (
            "sum(increase(a[5m])) / sum(increase(b[5m]))",
            Unknown,
            false,
        ),
        (
            "label_replace(sum(rate(a[5m])), \"x\", \"1\", \"\", \"\")",
            PerSecond,
            true,
        ),
        ("clamp_min(sum(rate(a[5m])), 0)", Unknown, false),
        ("a", Events, true),
    ] {
        let tree = Tree::read(text, Bare::Increase, &[], &Overrides::default()).unwrap();
        assert_eq!((tree.unit(), tree.adds_up()), (unit, adds_up), "{text}");
    }
}

#[test]
fn parts_meet_at_their_ends() {
    let part = Reach {
        secs: 900,
        ago_secs: 600,
        whole_secs: 30 * DAY,
        fit: Fit::Joined,
    };
    for (text, expected) in [
        // 61 points of an hour, the first and the last on its ends: nothing is left to extrapolate.
        ("sum(rate(a[5m]))", "sum(rate(a[15m1ms:15s] offset 10m))"),
        ("a offset 1h", "sum(increase(a[15m1ms:15s] offset 1h10m))"),
        ("a offset -10m", "sum(increase(a[15m1ms:15s]))"),
        ("a offset -15m", "sum(increase(a[15m1ms:15s] offset -5m))"),
        // A sample on the border counts once.
        (
            "sum(sum_over_time(a[5m]))",
            "sum(sum_over_time(a[14m59s999ms] offset 10m))",
        ),
        (
            "sum_over_time((a > bool 1)[5m:1m])",
            "sum_over_time((a > bool 1)[14m59s999ms:1m] offset 10m)",
        ),
        (
            "sum(rate(a[$window]) * on () group_left () b)",
            "sum(rate(a[15m1ms:15s] offset 10m) * on () group_left () b offset 10m)",
        ),
    ] {
        let tree = Tree::read(text, Bare::Increase, &[], &Overrides::default()).unwrap();
        assert_eq!(promql::write(&tree.over(part)), expected, "{text}");
    }
}

#[test]
fn a_ratio_can_be_asked_for_alone() {
    let alone = |slo: &Slo| {
        let text = compile(slo).alone(Reach::window(300));
        text.as_str().to_owned()
    };
    assert_eq!(
        alone(&plain("x")),
        "(sum(increase(x_total{code=~\"5..\"}[5m])) or (0 * sum(increase(x_total[5m])))) / (sum(increase(x_total[5m])) > 0)"
    );
    assert_eq!(
        alone(&slo("g", events(Outcome::Good, "g", "x"))),
        "1 - (sum(increase(g[5m])) / (sum(increase(x[5m])) > 0))"
    );
    let good = |text: &str| Indicator::Ratio {
        of: Outcome::Good,
        query: counter(text),
    };
    assert_eq!(
        alone(&slo("r", good("a / b"))),
        "1 - (sum(increase(a[5m])) / sum(increase(b[5m])))"
    );
    // What is not understood stays as it is.
    assert_eq!(
        alone(&slo("v", good("foo(a[$window])"))),
        "1 - (foo(a[5m]))"
    );
    assert_eq!(
        over_an_hour(&slo("v", good("foo(a[$window])"))),
        ["verbatim: foo(a[1h])"]
    );
    let threshold = Indicator::Threshold {
        query: gauge("depth"),
        good_when: Comparison::Lt,
        value: 5.0,
    };
    assert_eq!(
        alone(&slo("t", threshold)),
        "sum_over_time((depth >= bool 5)[4m59s999ms:1m]) / ((sum_over_time((depth >= bool 5)[4m59s999ms:1m]) + sum_over_time((depth < bool 5)[4m59s999ms:1m])) > 0)"
    );
}

#[test]
fn a_threshold_that_is_not_understood_is_said() {
    let broken = Indicator::Threshold {
        query: gauge("foo(a)"),
        good_when: Comparison::Lt,
        value: 5.0,
    };
    let why = Measure::of(&slo("t", broken), &Overrides::default()).unwrap_err();
    assert!(why.contains("at line 12 cannot be read here"), "{why}");
    let recorded = slo("r", Indicator::Recorded);
    assert!(
        Measure::of(&recorded, &Overrides::default())
            .unwrap()
            .is_none()
    );
}

/// A string literal with every character escaped, so that only its value counts.
fn literal(value: &str) -> String {
    let mut escaped = String::new();
    for c in value.chars() {
        write!(escaped, "\\U{:08x}", u32::from(c)).unwrap();
    }
    escaped
}

proptest! {
    #[test]
    fn no_label_value_changes_the_shape_of_a_query(value in any::<String>(), other in "\\PC*") {
        let part = format!("x_total{{path=\"{}\"}}", literal(&value));
        let total = format!("sum(rate(x_total{{path!=\"{}\"}}[5m]))", literal(&other));
        let measure = compile(&slo("x", events(Outcome::Bad, &part, &total)));
        let texts = measure.numbers.iter().map(|number| number.over(Reach::window(300)));
        let texts: Vec<String> = texts
            .enumerate()
            .map(|(at, text)| {
                assert!(matches!(text, Text::Sound(_)));
                promql::marked(text.as_str(), &format!("{at}b"))
            })
            .collect();
        let union = texts.join(" or ");
        // Prometheus takes this for broken UTF-8.
        let is_broken = union.contains('\u{fffd}');
        prop_assert!(!is_broken);
        let operands = operands(&union);
        prop_assert_eq!(operands.len(), 2);
        for (operand, (name, value)) in operands.iter().zip([("=", &value), ("!=", &other)]) {
            let selectors = promql::selectors(&operand.expr);
            prop_assert_eq!(selectors.len(), 1);
            let matchers = &selectors[0].matchers.matchers;
            prop_assert_eq!(matchers.len(), 1);
            prop_assert_eq!(&matchers[0].value, value);
            prop_assert_eq!(matchers[0].op.to_string(), name);
        }
    }

    #[test]
    fn no_query_text_makes_it_panic(text in "[a-z(){}\\[\\]\"'`$:0-9. *+/#\\\\-]{0,60}") {
        let slo = slo("x", events(Outcome::Bad, &text, "x"));
        let measure = compile(&slo);
        for number in &measure.numbers {
            let _text = number.over(Reach::window(300));
        }
        let _text = measure.alone(Reach::window(300));
    }
}
