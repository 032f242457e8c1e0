//! Which counters stand behind the SLOs that no service's own requests tell?
//!
//! Deployments, a data flow, a portal and a login, each with the past that makes its SLO what it is:
//! measured on few events, silent, on a calendar, recorded by rules alone. Called by the platform.

use super::catalogue::Catalogue;
use super::curve::Curve;

const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// Logins per second.
const LOGIN_RATE: f64 = 60.0;
/// Since when which share of the logins fails, in seconds since the opening and in ascending order.
/// The first holds for all that came before it.
pub(super) const LOGIN_FAILURES: &[(f64, f64)] = &[(-90.0 * DAY, 0.0012), (-3.5 * DAY, 0.0035)];

/// Deployments that succeed in an hour.
const DEPLOYMENTS_PER_HOUR: f64 = 3.5;
/// How many hours before the opening a deployment failed. The newest is one of about twenty in six
/// hours: five times the budget by the number, and hardly anything by what so few events can tell.
const FAILED_HOURS_AGO: &[f64] = &[
    714.0, 668.0, 641.0, 592.0, 540.0, 477.0, 431.0, 386.0, 329.0, 271.0, 233.0, 184.0, 131.0,
    97.0, 60.0, 31.0, 1.6,
];

/// How long nothing has been loaded.
const SILENT_HOURS: f64 = 7.0;

/// Adds the counters.
pub(super) fn add(catalogue: &mut Catalogue) {
    deployments(catalogue);
    loads(catalogue);
    portal(catalogue);
    logins(catalogue);
}

/// What was before, and from each time on another value.
pub(super) fn steps(turns: &[(f64, f64)]) -> Curve {
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(2 * turns.len());
    for &(at_secs, value) in turns {
        points.extend(points.last().map(|&(_, before)| (at_secs, before)));
        points.push((at_secs, value));
    }
    Curve::through(&points)
}

fn deployments(catalogue: &mut Catalogue) {
    let labels = |result| {
        [
            ("job", "ci-exporter"),
            ("namespace", "ci"),
            ("service", "ci"),
            ("result", result),
        ]
    };
    let name = "ci_deployments_total";
    let succeeded = Curve::flat(DEPLOYMENTS_PER_HOUR / HOUR);
    catalogue.counter(name, &labels("success"), succeeded);
    // One event each: a rate of one per second, for a second.
    let failed: Vec<(f64, f64)> = FAILED_HOURS_AGO
        .iter()
        .map(|ago| -(ago * HOUR).round())
        .flat_map(|at| [(at, 0.0), (at, 1.0), (at + 1.0, 1.0), (at + 1.0, 0.0)])
        .collect();
    catalogue.counter(name, &labels("failure"), Curve::through(&failed));
}

fn loads(catalogue: &mut Catalogue) {
    for (freshness, rate) in [("on_time", 12.0), ("late", 0.05)] {
        let labels = [
            ("job", "etl"),
            ("namespace", "data"),
            ("service", "etl"),
            ("freshness", freshness),
        ];
        let rate = steps(&[(-90.0 * DAY, rate), (-SILENT_HOURS * HOUR, 0.0)]);
        catalogue.counter("etl_rows_loaded_total", &labels, rate);
    }
}

fn portal(catalogue: &mut Catalogue) {
    for (status, rate) in [("200", 29.88), ("502", 0.12)] {
        let labels = [
            ("job", "ingress-nginx"),
            ("namespace", "portal"),
            ("ingress", "portal"),
            ("service", "portal"),
            ("status", status),
        ];
        let name = "nginx_ingress_controller_requests";
        catalogue.counter(name, &labels, Curve::flat(rate));
    }
}

fn logins(catalogue: &mut Catalogue) {
    let labels = |result| {
        [
            ("job", "identity"),
            ("namespace", "identity"),
            ("service", "identity"),
            ("result", result),
        ]
    };
    let rate = |share: fn(f64) -> f64| {
        let turns = LOGIN_FAILURES.iter();
        let turns: Vec<(f64, f64)> = turns
            .map(|&(at, failures)| (at, LOGIN_RATE * share(failures)))
            .collect();
        steps(&turns)
    };
    let name = "identity_logins_total";
    catalogue.counter(name, &labels("success"), rate(|failures| 1.0 - failures));
    catalogue.counter(name, &labels("failure"), rate(|failures| failures));
}
