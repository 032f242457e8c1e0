//! SLOs that a Prometheus records, alone and together with a file.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![allow(clippy::float_cmp, reason = "values are passed on as they are")]

use std::sync::{Arc, Mutex};

use super::world::*;
use crate::domain::label::Labels;
use crate::domain::observed::Series;
use crate::domain::slo::{Origin, Slo};
use crate::domain::slo_measured::{Basis, BurnAnswer, NoData, PeriodMeasured};
use crate::domain::text::Untrusted;
use crate::sources::burn::recorded::tests::{series, sloth};
use crate::sources::loopback::{Reply, Server};

const RULES: &str = "/api/v1/rules";

/// What is recorded, which a test changes between two polls.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Vec<Series>>>);

impl Recorded {
    fn set(&self, series: Vec<Series>) {
        *self.0.lock().unwrap() = series;
    }

    /// A server with these recordings, 20 bad of 1,000 elsewhere, and rules.
    fn serve(&self, rules: &'static str) -> Server {
        let recorded = self.clone();
        Server::answering(move |request| match request.path() {
            RULES => Reply::ok(rules),
            QUERY => {
                let mut series = found(request, &two_per_cent);
                let all = operands(&request.params("query")[0]);
                if all.iter().any(|operand| operand.mark.is_none()) {
                    let recorded = recorded.0.lock().unwrap();
                    series.extend(recorded.iter().map(|s| (s.labels.clone(), s.samples[0].1)));
                }
                Reply::ok(vector(&series, ""))
            }
            _ => not_found(),
        })
    }
}

fn recorded(series: Vec<Series>) -> Recorded {
    let recorded = Recorded::default();
    recorded.set(series);
    recorded
}

const NO_RULES: &str = r#"{"status":"success","data":{"groups":[]}}"#;
const RULE: &str = r#"{"status":"success","data":{"groups":[{"name":"sloth","rules":[
{"type":"recording","name":"slo:sli_error:ratio_rate30m","query":"other","labels":{"sloth_service":"web","sloth_slo":"errors"}},
{"type":"recording","name":"slo:sli_error:ratio_rate5m","query":"(sum(rate(x_total{code=~\"5..\"}[5m]))) / (sum(rate(x_total[5m])))",
 "labels":{"sloth_service":"web","sloth_slo":"errors","sloth_window":"5m"}}]}]}}"#;

fn period<'a>(answer: &'a BurnAnswer, name: &str) -> &'a PeriodMeasured {
    measured(answer, name).period.as_ref().unwrap()
}

/// The file behind `web`'s `errors`.
fn in_file(objective: f64) -> Slo {
    let mut slo = Slo {
        objective,
        ..plain("errors")
    };
    slo.id.service = Some(Untrusted::line("web"));
    slo
}

#[tokio::test]
async fn one_query_reads_all_that_is_recorded() {
    let server = recorded(sloth("errors", &[], 0.004)).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(Vec::new()), t(0))
        .await
        .unwrap();
    assert_eq!(answer.cost.queries, 1);
    let slo = measured(&answer, "errors");
    assert_eq!(slo.slo.objective, 0.999);
    assert_eq!(
        slo.slo.origins[0].to_string(),
        "recorded by Sloth in prom-1"
    );
    assert_eq!(ratio(&answer, "errors", 300), 0.004);
    assert_eq!(window(&answer, "errors", 3 * DAY).basis, Basis::Traffic);
    // Without the rule's text there is only the mean over time, and it is called so.
    let period = period(&answer, "errors");
    assert_eq!(
        (period.measured.basis, period.by_time.is_none()),
        (Basis::Time, true)
    );
    assert!(answer.limits.is_empty());
}

#[tokio::test]
async fn the_rules_text_gives_the_period_by_events() {
    let server = recorded(sloth("errors", &[], 0.004)).serve(RULE);
    let mut source = source(&server);
    let answer = source.poll(&files(Vec::new()), t(0)).await.unwrap();
    let period = period(&answer, "errors");
    assert_eq!(period.measured.basis, Basis::Traffic);
    assert!((period.measured.reading.as_ref().unwrap().ratio - 0.02).abs() < 1e-9);
    assert!(
        period
            .measured
            .query
            .contains("sum(rate(x_total{code=~\"5..\"}[30d]))")
    );
    let by_time = period.by_time.as_ref().unwrap();
    assert_eq!(
        (by_time.basis, by_time.reading.as_ref().unwrap().ratio),
        (Basis::Time, 0.004)
    );
    // The recorded windows are not asked for again.
    assert_eq!(answer.cost.queries, 2);
    let request = server
        .requests()
        .into_iter()
        .find(|r| r.path() == RULES)
        .unwrap();
    assert_eq!(request.params("type"), ["record"]);
    // The rules are read seldom.
    source.poll(&files(Vec::new()), t(300)).await.unwrap();
    let rules = server.take_paths().into_iter().filter(|path| path == RULES);
    assert_eq!(rules.count(), 1);
}

#[tokio::test]
async fn a_file_and_its_recording_are_one_slo() {
    let server = recorded(sloth("errors", &[], 0.004)).serve(RULE);
    let mut source = source(&server);
    let files = files(vec![in_file(0.999)]);
    let answer = source.poll(&files, t(0)).await.unwrap();
    assert_eq!(answer.slos.len(), 1);
    let slo = &measured(&answer, "errors").slo;
    let origins: Vec<String> = slo.origins.iter().map(Origin::to_string).collect();
    assert_eq!(
        origins,
        ["slo.yaml:3 (OpenSLO)", "recorded by Sloth in prom-1"]
    );
    assert!(slo.cautions.is_empty());
    assert_eq!(ratio(&answer, "errors", 300), 0.004);
    let period = period(&answer, "errors");
    assert!((period.measured.reading.as_ref().unwrap().ratio - 0.02).abs() < 1e-9);
    assert_eq!(period.by_time.as_ref().unwrap().basis, Basis::Time);
    // The file says what is counted: nobody has to look into rules.
    assert!(!server.take_paths().contains(&RULES.to_owned()));
    // From now on what is recorded is not asked for.
    let before = server.requests().len();
    source.poll(&files, t(600)).await.unwrap();
    let texts: Vec<Operand> = asked(&server, before).concat();
    let windows = texts
        .iter()
        .filter(|o| o.what().is_some_and(|(_, _, part)| part.is_empty()));
    assert_eq!(windows.count(), 0);
}

#[tokio::test]
async fn a_window_that_is_not_recorded_is_asked_for() {
    let mut some = sloth("errors", &[], 0.004);
    some.retain(|s| !s.labels.get("__name__").unwrap().raw().ends_with("rate2h"));
    let server = recorded(some.clone()).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(vec![in_file(0.999)]), t(0))
        .await
        .unwrap();
    assert!((ratio(&answer, "errors", 7_200) - 0.02).abs() < 1e-9);
    assert_eq!(ratio(&answer, "errors", 3_600), 0.004);
    let server = recorded(some).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(Vec::new()), t(0))
        .await
        .unwrap();
    assert_eq!(
        reading(&answer, "errors", 7_200)
            .as_ref()
            .unwrap_err()
            .to_string(),
        "missing: Sloth records no window of 2h; with its file it can be asked for"
    );
}

#[tokio::test]
async fn objectives_that_disagree_are_a_caution() {
    let server = recorded(sloth("errors", &[], 0.004)).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(vec![in_file(0.99)]), t(0))
        .await
        .unwrap();
    let slo = &measured(&answer, "errors").slo;
    assert_eq!(slo.objective, 0.99);
    assert_eq!(
        shown(&slo.cautions),
        ["its file promises 0.99, what Sloth records 0.999; the file's counts"]
    );
}

#[tokio::test]
async fn a_recording_that_is_no_number_is_none() {
    let server = recorded(sloth("errors", &[], f64::NAN)).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(Vec::new()), t(0))
        .await
        .unwrap();
    let why = reading(&answer, "errors", 300).as_ref().unwrap_err();
    assert!(matches!(why, NoData::NotANumber(_)), "{why}");
    assert!(period(&answer, "errors").measured.reading.is_err());
}

#[tokio::test]
async fn without_an_objective_it_is_named_and_left_out() {
    let burnrate = series("http_requests:burnrate5m", &[("slo", "api")], 0.1);
    let server = recorded(vec![burnrate]).serve(NO_RULES);
    let answer = source(&server)
        .poll(&files(Vec::new()), t(0))
        .await
        .unwrap();
    assert!(answer.slos.is_empty());
    assert_eq!(
        shown(&answer.limits),
        [
            "api: Pyrra records no objective of it; run Pyrra with --generic-rules, or name its file in [slo] paths"
        ]
    );
}

#[tokio::test]
async fn a_recording_that_ends_is_stale_and_not_gone() {
    let recorded = recorded(sloth("errors", &[], 0.004));
    let server = recorded.serve(NO_RULES);
    let mut source = source(&server);
    let none = files(Vec::new());
    source.poll(&none, t(0)).await.unwrap();
    // Between two looks nothing is stale.
    let answer = source.poll(&none, t(15)).await.unwrap();
    assert_eq!(measured(&answer, "errors").blocked, None);
    recorded.set(Vec::new());
    let answer = source.poll(&none, t(60)).await.unwrap();
    assert_eq!(measured(&answer, "errors").blocked, Some(NoData::Stale(60)));
    // With a file its own queries take over, all windows at once.
    let answer = source
        .poll(&files(vec![in_file(0.999)]), t(120))
        .await
        .unwrap();
    assert_eq!(answer.slos.len(), 1);
    assert_eq!(measured(&answer, "errors").blocked, None);
    assert!((ratio(&answer, "errors", 300) - 0.02).abs() < 1e-9);
    // Also in the very poll in which the recording is missed.
    let recorded = self::recorded(sloth("errors", &[], 0.004));
    let server = recorded.serve(NO_RULES);
    let mut other = self::source(&server);
    let file = files(vec![in_file(0.999)]);
    other.poll(&file, t(0)).await.unwrap();
    other.poll(&file, t(600)).await.unwrap();
    recorded.set(Vec::new());
    let answer = other.poll(&file, t(660)).await.unwrap();
    assert!(
        measured(&answer, "errors")
            .windows
            .iter()
            .all(|w| w.reading.is_ok())
    );
    assert!((ratio(&answer, "errors", 300) - 0.02).abs() < 1e-9);
    // After a day nobody waits for it.
    let answer = source.poll(&none, t(2 * 86_400)).await.unwrap();
    assert!(answer.slos.is_empty());
}

#[tokio::test]
async fn a_partial_answer_about_recordings_is_no_reading() {
    let server = Server::answering(|request| {
        if request.path() != QUERY {
            return not_found();
        }
        let series: Vec<(Labels, f64)> = sloth("errors", &[], 0.004)
            .into_iter()
            .map(|s| (s.labels, s.samples[0].1))
            .collect();
        let time = &request.params("time")[0];
        let more = if time.starts_with("1793448060") {
            r#","warnings":["a store is down"]"#
        } else {
            ""
        };
        Reply::ok(vector(&series, more))
    });
    let mut source = source(&server);
    let none = files(Vec::new());
    assert!(
        source.poll(&none, t(0)).await.unwrap().slos[0].windows[0]
            .reading
            .is_ok()
    );
    let answer = source.poll(&none, t(60)).await.unwrap();
    let partial = NoData::Partial(Untrusted::line("a store is down"));
    assert_eq!(answer.slos[0].windows[0].reading, Err(partial));
    assert!(
        source.poll(&none, t(120)).await.unwrap().slos[0].windows[0]
            .reading
            .is_ok()
    );
}
