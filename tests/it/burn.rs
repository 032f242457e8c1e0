//! `quell burn` against a real Prometheus that holds a month of worked cases, held to what the
//! reference script computed for them.

use std::sync::OnceLock;

use serde_json::Value;

use crate::peers::{DATA_ENDS, Prometheus, expected};
use crate::quell::{Outcome, Quell};

/// The policy of quell and its condition, for each verdict of the reference.
const PRESETS: [(&str, &str, &str); 10] = [
    ("mps_freeze_releases", "mps", "freeze-releases"),
    ("paas_page_3x_15m", "paas", "page-3x"),
    ("paas_page_1_5x_6h", "paas", "page-1.5x"),
    ("pe_25pct_1h", "pe", "alert-25pct"),
    ("pe_50pct_24h", "pe", "alert-50pct"),
    ("pe_escalate_100pct_1h", "pe", "escalate-100pct"),
    ("pt_alert_2x_1h", "pt", "alert-2x"),
    ("pt_escalate_4x_6h", "pt", "escalate-4x"),
    ("ssp_warn_0_5", "ssp", "warn-0.5x"),
    ("ssp_alert_1_5", "ssp", "alert-1.5x"),
];

/// The workbook's conditions by their names in the reference.
const WORKBOOK: [(&str, &str); 4] = [
    ("google_page_fast", "page-fast"),
    ("google_page_slow", "page-slow"),
    ("ticket_2h_1d", "ticket-fast"),
    ("ticket_6h_3d", "ticket-slow"),
];

/// One for all tests: loading a month takes seconds. It lives as long as the program.
fn prometheus() -> &'static str {
    static STARTED: OnceLock<Prometheus> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|e| panic!("{e}"));
            runtime.block_on(Prometheus::with_worked_cases())
        })
        .join()
        .unwrap_or_else(|_| panic!("the Prometheus with the worked cases did not start"))
    });
    started.url()
}

fn ratio_slo(name: &str, part: &str, query: &str, total: &str) -> String {
    format!(
        "---
apiVersion: openslo/v1
kind: SLO
metadata: {{ name: {name} }}
spec:
  service: shop
  indicator:
    metadata: {{ name: {name} }}
    spec:
      ratioMetric:
        counter: true
        {part}: {{ metricSource: {{ type: Prometheus, spec: {{ query: '{query}' }} }} }}
        total: {{ metricSource: {{ type: Prometheus, spec: {{ query: '{total}' }} }} }}
  timeWindow: [ {{ duration: 30d, isRolling: true }} ]
  budgetingMethod: Occurrences
  objectives: [ {{ target: 0.999 }} ]
"
    )
}

fn errors_slo(name: &str, scenario: &str) -> String {
    ratio_slo(
        name,
        "bad",
        &format!("http_requests_total{{sc=\"{scenario}\",code=~\"5..\"}}"),
        &format!("http_requests_total{{sc=\"{scenario}\"}}"),
    )
}

/// Runs `quell burn --json` over files of SLOs at the end of the data.
fn burn(quell: &Quell, slos: &str, more: &[&str]) -> Outcome {
    let file = quell.write("slo.yaml", slos);
    let at = DATA_ENDS.to_string();
    let file = file.display().to_string();
    let mut arguments = vec![
        "burn",
        "--json",
        "--prometheus",
        prometheus(),
        "--slo",
        &file,
        "--at",
        &at,
    ];
    arguments.extend(more);
    quell.run(&arguments)
}

fn slo<'v>(document: &'v Value, name: &str) -> &'v Value {
    let all = document["slos"]
        .as_array()
        .unwrap_or_else(|| panic!("no slos: {document:#}"));
    let found = all.iter().find(|slo| slo["slo"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn is_near(got: &Value, wanted: &Value) -> bool {
    let (got, wanted) = (number(got), number(wanted));
    (got - wanted).abs() <= (wanted.abs() * 0.001).max(1e-9)
}

const SCENARIOS: [&str; 4] = ["E1", "E2", "E4", "E6"];

fn scenarios() -> String {
    SCENARIOS
        .iter()
        .map(|name| errors_slo(name, name))
        .collect()
}

#[test]
fn every_ratio_is_that_of_the_reference() {
    let quell = Quell::new();
    let expected = expected();
    // Twice: the second time the closed hours come from the disk.
    for round in ["cold", "warm"] {
        let outcome = burn(&quell, &scenarios(), &[]);
        let document = outcome.json();
        for name in SCENARIOS {
            let wanted = &expected["scenarios"][name];
            let got = slo(&document, name);
            for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
                let (got, wanted) = (&got["windows"][window], &wanted["windows"][window]);
                for field in ["ratio", "burn"] {
                    assert!(
                        is_near(&got[field], &wanted[field]),
                        "{round} {name} {window} {field}: {got:#} is not {wanted:#}"
                    );
                }
            }
            for field in ["consumed", "remaining"] {
                let (got, wanted) = (&got[field], &wanted["rolling"][field]);
                assert!(
                    is_near(got, wanted),
                    "{round} {name} {field}: {got} {wanted}"
                );
            }
            let wanted = &wanted["tte_by_1h_burn_s"];
            match wanted.as_f64() {
                // Nothing burns: it is never gone.
                _ if number(&got["windows"]["1h"]["burn"]) == 0.0 => {
                    assert!(
                        got["exhausted_in_secs"].is_null(),
                        "{round} {name}: {got:#}"
                    );
                }
                _ => assert!(
                    is_near(&got["exhausted_in_secs"], wanted),
                    "{round} {name}: {got:#} {wanted}"
                ),
            }
            assert_eq!(got["basis"], "traffic", "{round} {name}");
        }
        assert_eq!(outcome.code, 0, "{round}: {}", outcome.stderr);
    }
}

#[test]
fn every_condition_of_every_policy_stands_as_in_the_reference() {
    let quell = Quell::new();
    let expected = expected();
    for policy in ["google", "mps", "paas", "pe", "pt", "ssp"] {
        let document = burn(&quell, &scenarios(), &["--burn-policy", policy]).json();
        for name in SCENARIOS {
            let fired = &slo(&document, name)["fired"];
            let fires = |condition: &str| {
                let fired = fired
                    .as_array()
                    .unwrap_or_else(|| panic!("no fired: {document:#}"));
                fired.iter().any(|one| one == condition)
            };
            let wanted = &expected["scenarios"][name];
            for (key, condition) in WORKBOOK.iter().filter(|_| policy == "google") {
                assert_eq!(wanted[key], fires(condition), "{name} {policy} {condition}");
            }
            for (key, _, condition) in PRESETS.iter().filter(|(_, p, _)| *p == policy) {
                assert_eq!(
                    wanted["presets"][key],
                    fires(condition),
                    "{name} {policy} {condition}"
                );
            }
        }
    }
}

#[test]
fn what_the_data_cannot_carry_has_no_verdict_and_says_why() {
    let quell = Quell::new();
    let lat = |name: &str, le: &str| {
        ratio_slo(
            name,
            "good",
            &format!("lat_seconds_bucket{{le=\"{le}\"}}"),
            "lat_seconds_count",
        )
    };
    let slos = [
        errors_slo("no-errors-ever", "NOERR"),
        errors_slo("gone", "GONE"),
        errors_slo("nobody", "NOBODY"),
        ratio_slo(
            "typo",
            "bad",
            "htp_requests_total{code=~\"5..\"}",
            "htp_requests_total",
        ),
        ratio_slo(
            "idle",
            "bad",
            "idle_requests_total{code=\"500\"}",
            "idle_requests_total",
        ),
        ratio_slo(
            "swapped",
            "bad",
            "http_requests_total{sc=\"E1\"}",
            "http_requests_total{sc=\"E1\",code=~\"5..\"}",
        ),
        lat("bucket", "0.3"),
        lat("whole-bucket", "1"),
        lat("no-such-bucket", "0.25"),
        // By itself it gives one series for each code.
        ratio_slo(
            "several",
            "bad",
            "sum by (code) (increase(http_requests_total{sc=\"E1\"}[5m]))",
            "sum by (code) (increase(http_requests_total{sc=\"E1\"}[5m]))",
        ),
        ratio_slo(
            "refused",
            "bad",
            "sum(rate(http_requests_total))",
            "http_requests_total{sc=\"E1\"}",
        ),
        errors_slo("E1", "E1"),
    ];
    let outcome = burn(&quell, &slos.concat(), &[]);
    let document = outcome.json();
    let verdict = |name: &str| {
        slo(&document, name)["verdict"]
            .as_str()
            .unwrap_or("?")
            .to_owned()
    };
    let reason = |name: &str| {
        slo(&document, name)["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    // An hour and more of it is there, the series of errors never was.
    let none = &slo(&document, "no-errors-ever")["windows"]["1h"]["ratio"];
    assert!(number(none).abs() < 1e-12, "{none}");
    assert_eq!(verdict("gone"), "none");
    assert!(
        reason("gone").contains("stale: its last sample is 10m old"),
        "{}",
        reason("gone")
    );
    for (name, words) in [
        ("nobody", "http_requests_total"),
        ("typo", "htp_requests_total"),
        ("idle", "no traffic"),
        ("no-such-bucket", "0.3"),
        ("several", "code"),
        ("refused", ""),
    ] {
        assert_eq!(verdict(name), "none", "{name}: {}", reason(name));
        assert!(reason(name).contains(words), "{name}: {}", reason(name));
    }
    for window in ["5m", "1h", "6h"] {
        let of = |name: &str| number(&slo(&document, name)["windows"][window]["ratio"]);
        assert!((of("bucket") - 0.008).abs() < 1e-6, "{window}");
        assert!((of("whole-bucket") - 0.001).abs() < 1e-6, "{window}");
        let swapped = of("swapped");
        assert!(
            (swapped - 1.0).abs() < 1e-12,
            "{window}: brought to 1: {swapped}"
        );
    }
    assert_eq!(verdict("E1"), "ok", "the others go on");
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
}

#[test]
fn recorded_slos_are_found_and_a_mean_over_time_is_told_from_the_truth() {
    let quell = Quell::new();
    let expected = expected();
    let alone = burn(&quell, &errors_slo("E1", "E1"), &[]).json();
    let nightly = slo(&alone, "nightly");
    assert_eq!(nightly["service"], "night");
    assert_eq!(nightly["basis"], "time");
    let night = &expected["scenarios"]["E6"];
    let by_time = number(&night["sloth_mean_of_5m"]["burn"]);
    assert!(
        (number(&nightly["remaining"]) - (1.0 - by_time)).abs() < 0.02,
        "{nightly:#}"
    );
    for window in ["5m", "1h", "3d"] {
        let got = &nightly["windows"][window]["ratio"];
        assert!(
            is_near(got, &night["windows"][window]["ratio"]),
            "{window}: {nightly:#}"
        );
    }
    // Pyrra's burn rates are error ratios.
    let leak = slo(&alone, "leak-by-pyrra");
    let wanted = &expected["scenarios"]["E4"]["windows"]["1h"]["burn"];
    assert!(is_near(&leak["windows"]["1h"]["burn"], wanted), "{leak:#}");

    // With its raw counts from a file both are shown, as one SLO.
    let file = errors_slo("nightly", "E6").replace("service: shop", "service: night");
    let both = burn(&quell, &file, &[]).json();
    let nightly = slo(&both, "nightly");
    assert_eq!(nightly["basis"], "traffic");
    assert!(
        is_near(&nightly["remaining"], &night["rolling"]["remaining"]),
        "{nightly:#}"
    );
    assert!(
        number(&nightly["by_time"]["remaining"]) < -10.0,
        "{nightly:#}"
    );
    assert_eq!(
        nightly["origins"].as_array().map(Vec::len),
        Some(2),
        "{nightly:#}"
    );
}

#[test]
fn a_calendar_month_is_counted_in_its_own_zone() {
    let quell = Quell::new();
    let rolling = "  timeWindow: [ { duration: 30d, isRolling: true } ]\n";
    let monthly = "  timeWindow:
    - duration: 1M
      isRolling: false
      calendar: { startTime: '2026-01-01 00:00:00', timeZone: Europe/Berlin }
";
    let slos = errors_slo("monthly", "E1").replace(rolling, monthly);
    let document = burn(&quell, &slos, &[]).json();
    let got = slo(&document, "monthly");
    assert_eq!(
        got["window"]["secs"].as_f64(),
        Some(745.0 * 3_600.0),
        "{got:#}"
    );
    // Noon of the 31st: eleven hours of the month are left, and clocks were set back on the 25th.
    let elapsed = (745.0 - 11.0) / 745.0;
    assert!(
        (number(&got["window"]["elapsed"]) - elapsed).abs() < 1e-9,
        "{got:#}"
    );
    assert!(
        (number(&got["consumed"]) - 0.5 * elapsed).abs() < 0.001,
        "{got:#}"
    );
    assert_eq!(got["exhaustion"], "lasts", "{got:#}");
}
