//! Do the SLOs of the platform burn as the story says, and can each of them be measured?

use std::collections::BTreeMap;

use super::*;
use crate::sim::slo_files;

/// The SLOs that are measured from counters: what is bad, all there is, the share that may be bad.
struct Slo {
    bad: &'static str,
    all: &'static str,
    budget: f64,
}

const CHECKOUT: Slo = Slo {
    bad: "sum(increase(http_requests_total{service=\"checkout-api\",code=~\"5..\"}[WINDOW]))",
    all: "sum(increase(http_requests_total{service=\"checkout-api\"}[WINDOW]))",
    budget: 0.001,
};
const CHECKOUT_LATENCY: Slo = Slo {
    bad: "sum(increase(http_request_duration_seconds_count{service=\"checkout-api\"}[WINDOW])) \
          - sum(increase(http_request_duration_seconds_bucket{service=\"checkout-api\",le=\"0.5\"}[WINDOW]))",
    all: "sum(increase(http_request_duration_seconds_count{service=\"checkout-api\"}[WINDOW]))",
    budget: 0.05,
};
const SEARCH_LATENCY: Slo = Slo {
    bad: "sum(increase(http_request_duration_seconds_count{service=\"search\"}[WINDOW])) \
          - sum(increase(http_request_duration_seconds_bucket{service=\"search\",le=\"0.5\"}[WINDOW]))",
    all: "sum(increase(http_request_duration_seconds_count{service=\"search\"}[WINDOW]))",
    budget: 0.05,
};
const DEPLOYMENTS: Slo = Slo {
    bad: "sum(increase(ci_deployments_total{result=\"failure\"}[WINDOW]))",
    all: "sum(increase(ci_deployments_total[WINDOW]))",
    budget: 0.01,
};
const FRESHNESS: Slo = Slo {
    bad: "sum(increase(etl_rows_loaded_total{freshness=\"late\"}[WINDOW]))",
    all: "sum(increase(etl_rows_loaded_total[WINDOW]))",
    budget: 0.01,
};
const PAYMENTS: Slo = Slo {
    bad: "sum(increase(http_requests_total{service=\"payments\",code=~\"5..\"}[WINDOW]))",
    all: "sum(increase(http_requests_total{service=\"payments\"}[WINDOW]))",
    budget: 0.005,
};
const PORTAL: Slo = Slo {
    bad: "sum(increase(nginx_ingress_controller_requests{ingress=\"portal\",status=~\"5..\"}[WINDOW]))",
    all: "sum(increase(nginx_ingress_controller_requests{ingress=\"portal\"}[WINDOW]))",
    budget: 0.005,
};

impl Slo {
    /// How many events were bad, and how many there were.
    fn events(&self, window: &str, at_secs: i64) -> (f64, f64) {
        let count = |query: &str| number(&query.replace("WINDOW", window), at_secs);
        (count(self.bad), count(self.all))
    }

    fn burn(&self, window: &str, at_secs: i64) -> f64 {
        let (bad, all) = self.events(window, at_secs);
        bad / all / self.budget
    }
}

/// What an expression gives, as a list.
fn result(query: &str, at_secs: i64) -> Vec<Value> {
    let answer = json(&prometheus(
        &query_target("/api/v1/query", query, &[]),
        at_secs,
    ));
    list(&answer["data"]["result"]).to_vec()
}

/// The one value that an expression gives.
fn number(query: &str, at_secs: i64) -> f64 {
    let result = result(query, at_secs);
    assert_eq!(result.len(), 1, "{query} at {at_secs}: {result:?}");
    text(&result[0], "/value/1").parse().unwrap()
}

#[test]
fn burns_follow_the_story() {
    /// Windows, and the least and most that is burnt over them at 0, 150, 400 and 700 s.
    type Row = (&'static str, [(f64, f64); 4]);
    let steady = |least, most| [(least, most); 4];
    let slow = steady(1.15, 1.25);
    let fine = steady(0.1, 0.3);
    let table: &[(&Slo, &[Row])] = &[
        (
            &CHECKOUT,
            &[
                (
                    "5m",
                    [(0.3, 0.5), (130.0, 160.0), (400.0, 430.0), (30.0, 60.0)],
                ),
                ("1h", [(0.3, 0.5), (11.0, 14.0), (38.0, 45.0), (42.0, 48.0)]),
                ("6h", [(0.3, 0.5), (2.0, 2.6), (7.0, 7.6), (7.5, 8.2)]),
                ("3d", [(0.3, 0.5), (0.5, 0.7), (0.9, 1.1), (0.9, 1.1)]),
                (
                    "30d",
                    [(0.5, 0.58), (0.52, 0.6), (0.56, 0.64), (0.57, 0.65)],
                ),
            ],
        ),
        (
            &CHECKOUT_LATENCY,
            &[
                ("5m", [(0.3, 0.5), (1.7, 2.3), (4.5, 5.1), (0.7, 1.1)]),
                ("1h", [(0.3, 0.5), (0.4, 0.7), (0.7, 1.0), (0.7, 1.0)]),
                ("30d", steady(0.35, 0.45)),
            ],
        ),
        (
            &SEARCH_LATENCY,
            &[
                ("5m", slow),
                ("30m", slow),
                ("6h", slow),
                ("3d", slow),
                ("30d", steady(0.45, 0.55)),
            ],
        ),
        // One of two dozen: five times the budget, and next to no evidence.
        (
            &DEPLOYMENTS,
            &[
                ("1h", steady(0.0, 0.01)),
                ("6h", steady(4.0, 5.0)),
                ("3d", steady(1.0, 1.4)),
                ("30d", steady(0.6, 0.75)),
            ],
        ),
        (
            &PAYMENTS,
            &[("5m", fine), ("1h", fine), ("3d", fine), ("30d", fine)],
        ),
        (
            &PORTAL,
            &[("1h", steady(0.75, 0.85)), ("31d", steady(0.79, 0.81))],
        ),
        (
            &FRESHNESS,
            &[("1d", steady(0.35, 0.5)), ("30d", steady(0.35, 0.5))],
        ),
    ];
    for (slo, rows) in table {
        for (window, ranges) in *rows {
            for (at_secs, (least, most)) in [0, 150, 400, 700].into_iter().zip(ranges) {
                let burn = slo.burn(window, at_secs);
                assert!(
                    (*least..=*most).contains(&burn),
                    "{} over {window} at {at_secs}: {burn}",
                    slo.all
                );
            }
        }
    }
}

#[test]
fn checkout_pages_within_three_minutes_and_the_short_window_clears_after_the_rollback() {
    let pages =
        |at_secs| CHECKOUT.burn("1h", at_secs) > 14.4 && CHECKOUT.burn("5m", at_secs) > 14.4;
    let first = (0..300).step_by(2).find(|at_secs| pages(*at_secs));
    assert!(
        first.is_some_and(|at_secs| (120..=180).contains(&at_secs)),
        "{first:?}"
    );
    assert!(pages(430), "still when the rollback is under way");
    for cycle in 1..4 {
        let calm = cycle * 720 + 25;
        assert!(!pages(calm), "at {calm}: {}", CHECKOUT.burn("5m", calm));
        assert!(pages(calm + 200));
    }
}

#[test]
fn the_budget_of_checkout_is_half_gone_at_first_and_melts() {
    let left = |at_secs| 1.0 - CHECKOUT.burn("30d", at_secs);
    assert!((0.3..0.6).contains(&left(0)), "{}", left(0));
    assert!(left(0) - left(700) > 0.04, "{} then {}", left(0), left(700));
    assert!(
        left(3600) > 0.0 && left(3 * 3600) < 0.0,
        "gone within hours"
    );
}

#[test]
fn few_deployments_are_counted_one_by_one() {
    for (window, failed, least, most) in [("6h", 1.0, 18.0, 26.0), ("3d", 3.0, 240.0, 270.0)] {
        let (bad, all) = DEPLOYMENTS.events(window, 100);
        assert!((bad - failed).abs() < 0.01, "{bad} over {window}");
        assert!((least..most).contains(&all), "{all} over {window}");
    }
}

#[test]
fn nothing_has_been_loaded_for_hours() {
    for window in ["5m", "30m", "1h", "6h"] {
        assert_eq!(FRESHNESS.events(window, 500), (0.0, 0.0), "over {window}");
    }
    let above_zero = "sum(rate(etl_rows_loaded_total[6h])) > 0";
    assert_eq!(result(above_zero, 500), [] as [Value; 0]);
    assert_eq!(
        result("count(etl_rows_loaded_total)", 500).len(),
        1,
        "the target is there"
    );
}

#[test]
fn what_is_recorded_agrees_with_its_rule() {
    let document = json(&prometheus("/api/v1/rules?type=record", 0));
    let mut rules = 0;
    for group in list(&document["data"]["groups"]) {
        for rule in list(&group["rules"]) {
            let name = text(rule, "/name");
            let own: Vec<String> = rule["labels"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(label, value)| format!("{label}={value}"))
                .collect();
            for at_secs in [0, 700, 5000] {
                let ruled = json(&prometheus(
                    &query_target("/api/v1/query", text(rule, "/query"), &[]),
                    at_secs,
                ));
                let (labels, ruled) = match ruled["data"]["resultType"].as_str() {
                    Some("scalar") => (serde_json::json!({}), ruled["data"]["result"].clone()),
                    _ => (
                        ruled["data"]["result"][0]["metric"].clone(),
                        ruled["data"]["result"][0]["value"].clone(),
                    ),
                };
                let ruled: f64 = text(&ruled, "/1").parse().unwrap();
                let recorded = result(&format!("{name}{{{}}}", own.join(",")), at_secs);
                assert_eq!(recorded.len(), 1, "{name} at {at_secs}");
                let value: f64 = text(&recorded[0], "/value/1").parse().unwrap();
                // Counters count whole events, and recorded shares do not.
                assert!(
                    (value - ruled).abs() < 0.05 * ruled.abs(),
                    "{name}: {value}, not {ruled}"
                );
                let mut wanted: BTreeMap<String, Value> = serde_json::from_value(labels).unwrap();
                let own = rule["labels"].as_object().unwrap().clone();
                wanted.extend(
                    own.into_iter()
                        .chain([("__name__".to_owned(), name.into())]),
                );
                assert_eq!(recorded[0]["metric"], serde_json::to_value(wanted).unwrap());
            }
            rules += 1;
        }
    }
    assert!(rules > 15, "{rules} rules");
}

#[test]
fn recorded_slos_are_found_with_one_query() {
    let found = result(
        "{__name__=~\"slo:sli_error:ratio_rate.+|slo:time_period:days|sloth_slo_info|.+:burnrate.+\
         |pyrra_objective|pyrra_window|grafana_slo_.+\"}",
        300,
    );
    let value = |name: &str| -> f64 {
        let mut named = found
            .iter()
            .filter(|series| text(series, "/metric/__name__") == name);
        let series = named.next().unwrap_or_else(|| panic!("{name}"));
        assert!(named.next().is_none(), "{name} twice");
        text(series, "/value/1").parse().unwrap()
    };
    // Sloth: healthy, and seven tenths of what it may burn since some days.
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
        let burn = value(&format!("slo:sli_error:ratio_rate{window}")) / 0.005;
        assert!((0.65..0.75).contains(&burn), "{burn} over {window}");
    }
    let spent = value("slo:sli_error:ratio_rate30d") / 0.005;
    assert!((0.25..0.35).contains(&spent), "{spent}");
    assert!((value("slo:time_period:days") - 30.0).abs() < 1e-9);
    assert!((value("sloth_slo_info") - 1.0).abs() < 1e-9);
    // Pyrra: what it calls a burn rate is the share of errors.
    let budget = 1.0 - value("pyrra_objective");
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "4d"] {
        let burn = value(&format!("http_requests:burnrate{window}")) / budget;
        assert!((0.45..0.55).contains(&burn), "{burn} over {window}");
    }
    assert!((value("pyrra_window") - 2_419_200.0).abs() < 1e-9);
    assert_eq!(found.len(), 8 + 2 + 7 + 2, "and nothing else");
}

/// Every query that a file holds, whatever its format.
fn queries(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(query) if name.ends_with("query") => found.push(query.to_owned()),
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

#[test]
fn every_query_of_every_file_has_data() {
    let mut slos = Vec::new();
    for (name, file) in slo_files() {
        let documents: Vec<Value> = serde_saphyr::from_multiple(file).unwrap();
        assert!(!documents.is_empty(), "{name}");
        for document in &documents {
            match document["kind"].as_str() {
                Some("SLO") => slos.push(text(document, "/metadata/name").to_owned()),
                Some("Service" | "SLI") => {}
                Some(other) => panic!("{name}: {other}"),
                None => slos.push(text(document, "/slos/0/name").to_owned()),
            }
        }
        let mut found = Vec::new();
        for document in &documents {
            queries(document, &mut found);
        }
        assert!(found.len() >= 2, "{name}: {found:?}");
        for query in found {
            let whole = if query.contains("{{.window}}") {
                query.replace("{{.window}}", "30d")
            } else {
                format!("sum(increase({query}[30d]))")
            };
            assert!(number(&whole, 0) > 0.0, "{name}: {whole}");
        }
    }
    assert_eq!(
        slos,
        [
            "checkout-availability",
            "checkout-latency",
            "deploy-success",
            "batch-freshness",
            "availability",
            "portal-monthly",
            "search-latency-p95",
        ]
    );
}

#[test]
fn a_union_over_a_month_reads_little() {
    let members: Vec<String> = [
        &CHECKOUT,
        &CHECKOUT_LATENCY,
        &SEARCH_LATENCY,
        &DEPLOYMENTS,
        &FRESHNESS,
        &PAYMENTS,
        &PORTAL,
    ]
    .into_iter()
    .flat_map(|slo| [slo.bad, slo.all])
    .enumerate()
    .map(|(place, query)| {
        let query = query.replace("WINDOW", "30d");
        format!("label_replace({query}, \"quell_slo\", \"{place}\", \"\", \"\")")
    })
    .collect();
    let target = query_target("/api/v1/query", &members.join(" or "), &[("stats", "all")]);
    let answer = json(&prometheus(&target, 700));
    assert_eq!(list(&answer["data"]["result"]).len(), 14);
    let read = answer["data"]["stats"]["samples"]["totalQueryableSamples"]
        .as_i64()
        .unwrap();
    assert!((100..1_000).contains(&read), "{read} samples");
}
