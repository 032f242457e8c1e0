//! What does an operator see of error budgets when the Prometheus that measures them dies and comes
//! back?

use crate::peers::{Prometheus, WATCHDOG_RULE};
use crate::quell::Quell;
use crate::screen::{NARROW, WIDE, configure, escape, has, quit, row_with, size};
use crate::terminal::{Size, Terminal};

/// The server's own requests: they are there as soon as somebody asks it.
const OWN_REQUESTS: &str = "
apiVersion: openslo/v1
kind: SLO
metadata: { name: queries-answered }
spec:
  service: prometheus
  indicator:
    metadata: { name: queries-answered }
    spec:
      ratioMetric:
        counter: true
        bad: { metricSource: { type: Prometheus, spec: { query: 'prometheus_http_requests_total{code=~\"5..\"}' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'prometheus_http_requests_total' } } }
  timeWindow: [ { duration: 7d, isRolling: true } ]
  budgetingMethod: Occurrences
  objectives: [ { target: 0.99 } ]
";

fn start(quell: &Quell, prometheus: &Prometheus, size: Size) -> Terminal {
    let slos = quell.write("slo/own.yaml", OWN_REQUESTS);
    configure(
        quell,
        &[("prometheus", "prom-1", prometheus.url(), "timeout = \"5s\"")],
    );
    let slos = slos.display().to_string();
    quell.terminal(&["--slo", &slos], size)
}

#[tokio::test]
async fn a_budget_loses_its_verdict_with_its_server_and_has_it_back() {
    let mut prometheus = Prometheus::start(WATCHDOG_RULE, &[]).await;
    let quell = Quell::new();
    let terminal = start(&quell, &prometheus, size(NARROW));
    terminal.send("2");
    let row = |screen: &vt100::Screen| row_with(screen, "queries-answered").map(|(_, row)| row);
    // The counters need a few scrapes before they tell anything.
    let ask_until = |what: &str, wanted: &dyn Fn(&vt100::Screen) -> bool| {
        terminal.wait_for(what, |screen| {
            if !wanted(screen) {
                terminal.send("R");
            }
            wanted(screen)
        });
    };
    ask_until("the verdict", &|screen| {
        row(screen).is_some_and(|row| row.contains(" ok "))
    });

    prometheus.kill();
    ask_until("that it is unknown, and why", &|screen| {
        has(screen, "blind: prom-1 unreachable")
            && has(screen, "1 without verdict")
            && !row(screen).is_some_and(|row| row.contains(" ok "))
    });

    prometheus.restart().await;
    ask_until("the verdict again", &|screen| {
        row(screen).is_some_and(|row| row.contains("ok")) && !has(screen, "blind: prom-1")
    });
    quit(terminal);
}

#[tokio::test]
async fn every_number_is_explained_by_its_query() {
    let prometheus = Prometheus::start(WATCHDOG_RULE, &[]).await;
    let quell = Quell::new();
    let terminal = start(&quell, &prometheus, size(WIDE));
    terminal.send("2");
    terminal.wait_for_text("queries-answered");
    terminal.send("\r");
    terminal.wait_for("the opened SLO", |screen| {
        has(screen, "99% over 7d") && has(screen, "page-fast") && has(screen, "own.yaml:")
    });
    terminal.send("eG");
    terminal.wait_for("queries and formulas", |screen| {
        has(screen, "budget left") || has(screen, "proven burn") || has(screen, "increase(")
    });
    escape(&terminal, "the list", |screen| has(screen, "verdict"));
    quit(terminal);
}
