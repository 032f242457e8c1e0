//! Series as Sloth, Pyrra and Grafana SLO record them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(clippy::float_cmp, reason = "values are passed on as they are")]

use super::*;
use crate::domain::slo::SloId;

pub(in crate::sources::burn) fn series(name: &str, labels: &[(&str, &str)], value: f64) -> Series {
    let mut pairs = vec![(NAME, name)];
    pairs.extend(labels);
    Series {
        labels: Labels::of(&pairs),
        samples: vec![(1_793_448_000.0, value)],
    }
}

/// Sloth's series of one SLO, with more labels on its ratios.
pub(in crate::sources::burn) fn sloth(
    name: &str,
    more: &[(&str, &str)],
    ratio: f64,
) -> Vec<Series> {
    let id = format!("web-{name}");
    let own = [
        ("sloth_id", &*id),
        ("sloth_service", "web"),
        ("sloth_slo", name),
        ("owner", "team-a"),
    ];
    let mut all = Vec::new();
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
        let mut labels = own.to_vec();
        labels.push(("sloth_window", window));
        labels.extend(more);
        all.push(series(
            &format!("slo:sli_error:ratio_rate{window}"),
            &labels,
            ratio,
        ));
    }
    let mut info = own.to_vec();
    info.extend([
        ("sloth_version", "v0.11.0"),
        ("sloth_mode", "cli-gen-prom"),
        ("sloth_spec", "prometheus/v1"),
        ("sloth_objective", "99.9"),
    ]);
    all.push(series("sloth_slo_info", &info, 1.0));
    all.push(series("slo:objective:ratio", &own, 0.999_000_000_000_000_1));
    all.push(series("slo:time_period:days", &own, 30.0));
    all
}

fn read_all(series: &[Series]) -> (Vec<RecordedSlo>, Vec<Untrusted>) {
    read(series, &"prom-1".into())
}

fn ids(slos: &[RecordedSlo]) -> Vec<String> {
    slos.iter()
        .map(|slo| SloId::to_string(&slo.slo.id))
        .collect()
}

#[test]
fn sloths_series_are_one_slo() {
    let (slos, limits) = read_all(&sloth("errors", &[], 0.02));
    assert!(limits.is_empty());
    let [slo] = slos.as_slice() else {
        unreachable!("{:?}", ids(&slos));
    };
    assert_eq!(slo.slo.id.service.as_ref().unwrap().raw(), "web");
    assert_eq!(slo.slo.id.to_string(), "errors");
    // 0.999 itself: 99.9 / 100 is another number, and 0.9990000000000001 is not it either.
    assert_eq!(slo.objective, Some(0.999));
    assert_eq!(
        slo.slo.window,
        BudgetWindow::Rolling {
            secs: 30 * DAY_SECS
        }
    );
    let windows: Vec<u64> = slo.windows.iter().map(|window| window.secs).collect();
    assert_eq!(
        windows,
        [300, 1_800, 3_600, 7_200, 21_600, DAY_SECS, 3 * DAY_SECS]
    );
    assert_eq!(
        &*slo.windows[0].query,
        "slo:sli_error:ratio_rate5m{sloth_id=\"web-errors\"}"
    );
    let (period, basis) = slo.period.as_ref().unwrap();
    assert_eq!(
        (period.secs, period.ratio, *basis),
        (30 * DAY_SECS, 0.02, Basis::Time)
    );
    assert_eq!(slo.slo.labels, Labels::of(&[("owner", "team-a")]));
}

#[test]
fn labels_that_the_slo_does_not_have_make_groups() {
    let mut all = sloth("errors", &[("handler", "/a")], 0.01);
    all.extend(sloth("errors", &[("handler", "/b")], 0.02));
    let (slos, _) = read_all(&all);
    assert_eq!(ids(&slos), ["errors{handler=/a}", "errors{handler=/b}"]);
    assert_eq!(slos[1].windows[0].ratio, 0.02);
    assert_eq!(slos[1].objective, Some(0.999));
    assert!(slos[1].windows[0].query.ends_with(",handler=\"/b\"}"));
    // One group alone is still one.
    let (slos, _) = read_all(&sloth("errors", &[("handler", "/a")], 0.01));
    assert_eq!(ids(&slos), ["errors{handler=/a}"]);
}

#[test]
fn replicas_say_the_same_once_and_clusters_do_not() {
    let copies = |name: &str| -> Vec<Series> {
        let mut all = Vec::new();
        for (value, ratio) in [("a", f64::NAN), ("b", 0.02)] {
            for mut one in sloth("errors", &[], ratio) {
                let mut pairs: Vec<_> = one
                    .labels
                    .iter()
                    .map(|(n, v)| (n.clone(), v.clone()))
                    .collect();
                pairs.push((Untrusted::line(name), Untrusted::line(value)));
                one.labels = Labels::new(pairs);
                all.push(one);
            }
        }
        all
    };
    let (slos, _) = read_all(&copies("prometheus_replica"));
    assert_eq!(ids(&slos), ["errors"]);
    // Of the two, the one that has a number.
    assert_eq!(slos[0].windows[0].ratio, 0.02);
    let (slos, _) = read_all(&copies("cluster"));
    assert_eq!(ids(&slos), ["errors{cluster=a}", "errors{cluster=b}"]);
    assert!(slos[0].windows[0].ratio.is_nan());
    assert_eq!(slos[1].objective, Some(0.999));
}

#[test]
fn sloth_without_its_information_is_read_as_far_as_it_goes() {
    let mut all = sloth("errors", &[], 0.02);
    all.retain(|one| {
        one.labels
            .get(NAME)
            .unwrap()
            .raw()
            .starts_with("slo:sli_error")
    });
    let (slos, _) = read_all(&all);
    assert_eq!(slos[0].objective, None);
    // The longest window is the period.
    assert_eq!(
        slos[0].slo.window,
        BudgetWindow::Rolling {
            secs: 30 * DAY_SECS
        }
    );
    assert!(slos[0].period.is_some() && slos[0].slo.cautions.is_empty());
    all.retain(|one| !one.labels.get(NAME).unwrap().raw().contains("30d"));
    let (slos, _) = read_all(&all);
    assert!(
        slos[0].slo.cautions[0]
            .shown()
            .contains("30 days are assumed")
    );
    // Without the exact text, the computed one, rounded.
    let mut all = sloth("errors", &[], 0.02);
    all.retain(|one| one.labels.get(NAME).unwrap().raw() != "sloth_slo_info");
    assert_eq!(read_all(&all).0[0].objective, Some(0.999));
    // An objective of nothing or of everything is none.
    let odd = [
        ("sloth_service", "w"),
        ("sloth_slo", "o"),
        ("sloth_objective", "100"),
    ];
    let mut all = vec![series("sloth_slo_info", &odd, 1.0)];
    let ratio = [
        ("sloth_service", "w"),
        ("sloth_slo", "o"),
        ("sloth_window", "4w"),
    ];
    all.push(series("slo:sli_error:ratio_rate4w", &ratio, 0.1));
    let (slos, _) = read_all(&all);
    assert_eq!(
        (slos[0].objective, slos[0].slo.window),
        (
            None,
            BudgetWindow::Rolling {
                secs: 28 * DAY_SECS
            }
        )
    );
}

fn pyrra(name: &str, generic: &[(&str, f64)]) -> Vec<Series> {
    let mut all = Vec::new();
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "4d"] {
        let labels = [("slo", name), ("job", "api")];
        all.push(series(
            &format!("http_requests:burnrate{window}"),
            &labels,
            0.004,
        ));
    }
    for (metric, value) in generic {
        all.push(series(metric, &[("slo", name)], *value));
    }
    all
}

#[test]
fn pyrras_burn_rates_are_error_ratios() {
    let generic = [
        ("pyrra_objective", 0.99),
        ("pyrra_window", 28.0 * 86_400.0),
        ("pyrra_availability", 0.998),
    ];
    let (slos, _) = read_all(&pyrra("api-errors", &generic));
    assert_eq!(ids(&slos), ["api-errors"]);
    let slo = &slos[0];
    assert_eq!((slo.objective, slo.by), (Some(0.99), Recorder::Pyrra));
    assert_eq!(
        slo.slo.window,
        BudgetWindow::Rolling {
            secs: 28 * DAY_SECS
        }
    );
    // Not divided by the objective: it is the ratio already.
    assert_eq!(slo.window(3_600).unwrap().ratio, 0.004);
    assert_eq!(slo.windows.last().unwrap().secs, 4 * DAY_SECS);
    let (period, basis) = slo.period.as_ref().unwrap();
    assert!((period.ratio - 0.002).abs() < 1e-12);
    assert_eq!(*basis, Basis::Traffic);
    assert_eq!(
        &*slo.windows[0].query,
        "http_requests:burnrate5m{slo=\"api-errors\"}"
    );
}

#[test]
fn pyrra_without_generic_rules_has_no_objective() {
    let (slos, _) = read_all(&pyrra("api-errors", &[]));
    assert_eq!((slos[0].objective, slos[0].period.is_none()), (None, true));
    // Labels that differ make groups.
    let mut all = pyrra("grouped", &[]);
    for mut one in pyrra("grouped", &[]) {
        let mut pairs: Vec<_> = one
            .labels
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        pairs.push((Untrusted::line("job"), Untrusted::line("other")));
        one.labels = Labels::new(pairs);
        all.push(one);
    }
    assert_eq!(
        ids(&read_all(&all).0),
        ["grouped{job=api}", "grouped{job=other}"]
    );
}

fn grafana(name: Option<&str>, group: &[(&str, &str)]) -> Vec<Series> {
    let mut own = vec![("grafana_slo_uuid", "u-1"), ("grafana_slo_service", "shop")];
    own.extend(name.map(|name| ("grafana_slo_name", name)));
    let mut all = vec![
        series("grafana_slo_objective", &own, 0.995),
        series(
            "grafana_slo_objective_window_seconds",
            &own,
            28.0 * 86_400.0,
        ),
        series("grafana_slo_info", &own, 1.0),
    ];
    own.extend(group);
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "window"] {
        all.push(series(&format!("grafana_slo_sli_{window}"), &own, 0.998));
    }
    all
}

#[test]
fn grafanas_ratios_are_of_good_ones() {
    let (slos, _) = read_all(&grafana(Some("Checkout works"), &[]));
    assert_eq!(ids(&slos), ["Checkout works"]);
    let slo = &slos[0];
    assert_eq!(slo.slo.id.service.as_ref().unwrap().raw(), "shop");
    assert_eq!(slo.objective, Some(0.995));
    assert!((slo.window(300).unwrap().ratio - 0.002).abs() < 1e-12);
    let (period, basis) = slo.period.as_ref().unwrap();
    assert_eq!((period.secs, *basis), (28 * DAY_SECS, Basis::Time));
    assert_eq!(slo.slo.labels.get("grafana_slo_uuid").unwrap().raw(), "u-1");

    let mut counted = grafana(None, &[]);
    counted.push(series(
        "grafana_slo_total_rate_5m",
        &[("grafana_slo_uuid", "u-1")],
        5.0,
    ));
    let (slos, _) = read_all(&counted);
    assert_eq!(ids(&slos), ["u-1"]);
    assert_eq!(slos[0].period.as_ref().unwrap().1, Basis::Traffic);
    let (slos, _) = read_all(&grafana(Some("g"), &[("cluster", "eu")]));
    assert_eq!(ids(&slos), ["g{cluster=eu}"]);
}

#[test]
fn hostile_labels_stay_in_their_string() {
    let all = sloth("a\"} or vector(1) #\n", &[("x", "\\\"")], 0.1);
    let (slos, _) = read_all(&all);
    let query = &slos[0].windows[0].query;
    let parsed = promql_parser::parser::parse(query).unwrap();
    assert!(
        matches!(parsed, promql_parser::parser::Expr::VectorSelector(_)),
        "{query}"
    );
}
