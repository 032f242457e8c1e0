//! The past of SLOs, for sparklines and charts.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::world::*;
use crate::domain::label::Labels;
use crate::domain::slo::{Indicator, Origin, Outcome, Recorder, Slo, SloId};
use crate::domain::text::Untrusted;
use crate::sources::loopback::{Reply, Server};

/// Answers each operand with two points by its place in the union.
fn ranges() -> Server {
    Server::answering(|request| {
        if request.path() != RANGE {
            return not_found();
        }
        let all = operands(&request.params("query")[0]);
        if all.iter().any(|operand| operand.text.contains("broken")) {
            return Reply::status("400 Bad Request", "", "broken\n");
        }
        let series: Vec<String> = all
            .iter()
            .flat_map(|operand| {
                let mark = operand.mark.clone().unwrap();
                let teams: &[&str] = if operand.text.contains("by (team)") {
                    &["a", "b"]
                } else {
                    &[""]
                };
                teams.iter().map(move |team| {
                    format!(
                        "{{\"metric\":{{\"quell_slo\":\"{mark}\",\"team\":\"{team}\"}},\"values\":[[1,\"0.5\"],[2,\"NaN\"],[3,\"1.5\"]]}}"
                    )
                })
            })
            .collect();
        let result = series.join(",");
        Reply::ok(format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{result}]}}}}"
        ))
    })
}

fn recorded(name: &str, by: Recorder) -> Slo {
    Slo {
        origins: vec![Origin::Recorded {
            source: "prom-1".into(),
            by,
        }],
        labels: Labels::of(&[("grafana_slo_uuid", "u-1")]),
        ..slo(name, Indicator::Recorded)
    }
}

#[tokio::test]
async fn one_union_gives_the_past_of_all() {
    let server = ranges();
    let history = source(&server).history();
    let of_team = |team: &str| {
        let mut slo = Slo {
            group_by: vec!["team".into()],
            ..plain("grouped")
        };
        slo.id.group = Labels::of(&[("team", team)]);
        slo
    };
    let slos = vec![
        plain("x"),
        recorded("s", Recorder::Sloth),
        recorded("p", Recorder::Pyrra),
        recorded("g", Recorder::Grafana),
        of_team("a"),
        of_team("b"),
        slo("none", Indicator::Recorded),
        slo("broken", events(Outcome::Bad, "broken_total", "x")),
    ];
    let past = history.ask(&slos, 6 * 3_600, t(0)).await.unwrap();
    let ids: Vec<String> = past.iter().map(|(id, _)| SloId::to_string(id)).collect();
    assert_eq!(
        ids,
        ["x", "s", "p", "g", "grouped{team=a}", "grouped{team=b}"]
    );
    // What is no number is left out, what is outside is brought inside.
    assert_eq!(past[0].1, [(1.0, 0.5), (3.0, 1.0)]);

    let requests = server.requests();
    assert_eq!(requests[0].params("step"), ["300"]);
    assert_eq!(requests[0].params("start"), ["1793426400.000"]);
    let texts: Vec<String> = operands(&requests[0].params("query")[0])
        .into_iter()
        .map(|operand| operand.text)
        .collect();
    assert_eq!(
        texts[1..4],
        [
            "max(slo:sli_error:ratio_rate5m{sloth_service=\"checkout\",sloth_slo=\"s\"})",
            "max({__name__=~\".+:burnrate[1-9]m\",slo=\"p\"})",
            "max(1 - grafana_slo_sli_5m{grafana_slo_uuid=\"u-1\"})",
        ]
    );
    // Both groups come with one expression. The one that is refused is found by halves.
    assert_eq!(texts.len(), 6);
    assert!(requests.len() > 2);
}

#[tokio::test]
async fn no_name_breaks_out_of_its_string() {
    let server = ranges();
    let mut slo = recorded("a\"} or vector(1) #\n\u{fffd}", Recorder::Sloth);
    slo.id.service = Some(Untrusted::line("\\"));
    source(&server)
        .history()
        .ask(&[slo], 3_600, t(0))
        .await
        .unwrap();
    let query = &server.requests()[0].params("query")[0];
    let all = operands(query);
    assert_eq!(all.len(), 1);
    assert!(query.contains("\\ufffd") && !query.contains('\u{fffd}'));
}

#[tokio::test]
async fn a_server_that_fails_is_an_error() {
    let server = Server::answering(|_| Reply::status("502 Bad Gateway", "", ""));
    let history = source(&server).history();
    assert!(history.ask(&[plain("x")], 3_600, t(0)).await.is_err());
    assert!(history.ask(&[], 3_600, t(0)).await.unwrap().is_empty());
}
