//! What do the rules record that Sloth and Pyrra wrote?
//!
//! Two SLOs have no file: their rules are all that is known of them. The rules have the names, labels
//! and expressions that the two programs generate; what they record is computed from the shares that
//! fail, since traffic is steady where they look. Called by the world, which keeps the series, and
//! listed by the Prometheus handlers.

use super::curve::Curve;
use super::labels::{METRIC_NAME, labels};
use super::series::{Series, secs_of};
use super::slo_series::{LOGIN_FAILURES, steps};
use super::story::RETENTION_MS;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// A group of recording rules, as in a rules file.
#[derive(Debug)]
pub(super) struct RecordingGroup {
    pub name: String,
    pub file: &'static str,
    pub rules: Vec<RecordingRule>,
}

/// A recording rule and what it gives.
#[derive(Debug)]
pub(super) struct RecordingRule {
    pub name: String,
    pub expr: String,
    /// What the rule puts on its result.
    pub labels: Vec<(&'static str, &'static str)>,
    /// What the expression's result has already.
    given: Vec<(&'static str, &'static str)>,
    value: Curve,
}

impl RecordingRule {
    /// What has been recorded.
    pub(super) fn series(&self) -> Series {
        let name = [(METRIC_NAME, self.name.as_str())];
        let pairs = self.given.iter().chain(&self.labels).copied().chain(name);
        Series::standing(labels(pairs), self.value.clone())
    }
}

/// Every group of recording rules.
pub(super) fn groups() -> Vec<RecordingGroup> {
    vec![sloth_ratios(), sloth_facts(), pyrra_ratios(), pyrra_facts()]
}

const SLOTH_FILE: &str = "/etc/prometheus/rules/sloth-identity.yaml";
const SLOTH_ID: &[(&str, &str)] = &[
    ("sloth_id", "identity-login-availability"),
    ("sloth_service", "identity"),
    ("sloth_slo", "login-availability"),
];
const SLOTH_OWNER: (&str, &str) = ("owner", "identity");
/// The windows that are measured, and how long they are. The period is put together from the first.
const SLOTH_WINDOWS: &[(&str, f64)] = &[
    ("5m", 5.0 * MINUTE),
    ("30m", 30.0 * MINUTE),
    ("1h", HOUR),
    ("2h", 2.0 * HOUR),
    ("6h", 6.0 * HOUR),
    ("1d", DAY),
    ("3d", 3.0 * DAY),
];

fn sloth_ratios() -> RecordingGroup {
    let measured = SLOTH_WINDOWS.iter().map(|&(window, secs)| RecordingRule {
        name: format!("slo:sli_error:ratio_rate{window}"),
        expr: format!(
            "(sum(rate(identity_logins_total{{result=\"failure\",service=\"identity\"}}[{window}]))) \
             / (sum(rate(identity_logins_total{{service=\"identity\"}}[{window}])))"
        ),
        labels: sloth_labels(&[("sloth_window", window)]),
        given: Vec::new(),
        value: mean_over(LOGIN_FAILURES, secs),
    });
    let own = "slo:sli_error:ratio_rate5m{sloth_id=\"identity-login-availability\",\
               sloth_service=\"identity\",sloth_slo=\"login-availability\"}[30d]";
    let period = RecordingRule {
        name: "slo:sli_error:ratio_rate30d".to_owned(),
        expr: format!("sum_over_time({own}) / ignoring (sloth_window) count_over_time({own})"),
        labels: vec![("sloth_window", "30d")],
        given: sloth_labels(&[]),
        value: mean_over(LOGIN_FAILURES, 30.0 * DAY),
    };
    RecordingGroup {
        name: "sloth-slo-sli-recordings-identity-login-availability".to_owned(),
        file: SLOTH_FILE,
        rules: measured.chain([period]).collect(),
    }
}

fn sloth_facts() -> RecordingGroup {
    let fact =
        |name: &str, expr: &str, value, more: &[(&'static str, &'static str)]| RecordingRule {
            name: name.to_owned(),
            expr: expr.to_owned(),
            labels: sloth_labels(more),
            given: Vec::new(),
            value: Curve::flat(value),
        };
    let about = [
        ("sloth_mode", "cli-gen-prom"),
        ("sloth_objective", "99.5"),
        ("sloth_spec", "prometheus/v1"),
        ("sloth_version", "v0.16.0"),
    ];
    RecordingGroup {
        name: "sloth-slo-meta-recordings-identity-login-availability".to_owned(),
        file: SLOTH_FILE,
        rules: vec![
            fact("slo:objective:ratio", "vector(0.995)", 0.995, &[]),
            fact(
                "slo:error_budget:ratio",
                "vector(1 - 0.995)",
                1.0 - 0.995,
                &[],
            ),
            fact("slo:time_period:days", "vector(30)", 30.0, &[]),
            fact("sloth_slo_info", "vector(1)", 1.0, &about),
        ],
    }
}

fn sloth_labels(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&[SLOTH_OWNER], SLOTH_ID, more].concat()
}

const PYRRA_FILE: &str = "/etc/prometheus/pyrra/catalogue-read-errors.yaml";
const PYRRA_SLO: (&str, &str) = ("slo", "catalogue-read-errors");
/// The windows of a period of four weeks.
const PYRRA_WINDOWS: &[&str] = &["5m", "30m", "1h", "2h", "6h", "1d", "4d"];
/// Share of the catalogue's requests that fails, always.
const CATALOGUE_FAILURES: f64 = 0.001;

/// What Pyrra calls a burn rate is the share that fails.
fn pyrra_ratios() -> RecordingGroup {
    let rules = PYRRA_WINDOWS.iter().map(|window| RecordingRule {
        name: format!("http_requests:burnrate{window}"),
        expr: format!(
            "sum(rate(http_requests_total{{code=~\"5..\",service=\"catalog\"}}[{window}])) \
             / sum(rate(http_requests_total{{service=\"catalog\"}}[{window}]))"
        ),
        labels: vec![("service", "catalog"), PYRRA_SLO],
        given: Vec::new(),
        value: Curve::flat(CATALOGUE_FAILURES),
    });
    RecordingGroup {
        name: "catalogue-read-errors".to_owned(),
        file: PYRRA_FILE,
        rules: rules.collect(),
    }
}

fn pyrra_facts() -> RecordingGroup {
    let fact = |name: &str, expr: &str, value| RecordingRule {
        name: name.to_owned(),
        expr: expr.to_owned(),
        labels: vec![PYRRA_SLO, ("team", "storefront")],
        given: Vec::new(),
        value: Curve::flat(value),
    };
    RecordingGroup {
        name: "catalogue-read-errors-generic".to_owned(),
        file: PYRRA_FILE,
        rules: vec![
            fact("pyrra_objective", "0.998", 0.998),
            fact("pyrra_window", "2419200", 28.0 * DAY),
        ],
    }
}

/// The mean of a value over the window that ends now, as far back as anything is remembered. It runs
/// straight between the times at which a turn enters the window or leaves it; until the window is
/// full it bends, and is followed closely.
fn mean_over(turns: &[(f64, f64)], window_secs: f64) -> Curve {
    let value = steps(turns);
    let remembered = -secs_of(RETENTION_MS);
    let filling = (1..=120).map(|part| remembered + window_secs * f64::from(part) / 120.0);
    let mut bends: Vec<f64> = turns
        .iter()
        .flat_map(|&(at_secs, _)| [at_secs, at_secs + window_secs])
        .chain(filling)
        .filter(|at_secs| *at_secs > remembered)
        .collect();
    bends.sort_by(f64::total_cmp);
    let means: Vec<(f64, f64)> = bends
        .into_iter()
        .map(|at_secs| {
            let from_secs = (at_secs - window_secs).max(remembered);
            (
                at_secs,
                value.area(from_secs, at_secs) / (at_secs - from_secs),
            )
        })
        .collect();
    Curve::through(&means)
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, mean_over};

    #[test]
    fn a_mean_follows_its_turns_and_then_rests() {
        let mean = mean_over(&[(-90.0 * DAY, 1.0), (-4.0 * HOUR, 3.0)], 2.0 * HOUR);
        for (at_hours, wanted) in [
            (-700.0, 1.0),
            (-4.0, 1.0),
            (-3.0, 2.0),
            (-2.0, 3.0),
            (900.0, 3.0),
        ] {
            let value = mean.at(at_hours * HOUR);
            assert!((value - wanted).abs() < 1e-9, "{value} at {at_hours} h");
        }
    }

    #[test]
    fn what_is_not_remembered_does_not_count() {
        let mean = mean_over(&[(-90.0 * DAY, 1.0), (-31.0 * DAY, 3.0)], 30.0 * DAY);
        // A day of ones and a day of threes is all there is at that time.
        assert!((mean.at(-30.0 * DAY) - 2.0).abs() < 1e-9);
        assert!((mean.at(0.0) - 3.0).abs() < 1e-9);
    }
}
