//! A replica as recorded, as other versions and vendors answer, and as a broken one does.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::time::Duration;

use super::*;
use crate::config::settings::Endpoint;
use crate::domain::label::{Fingerprint, Labels};
use crate::domain::matcher::Matchers;
use crate::domain::observed::ReplicaState;
use crate::domain::source::ErrorKind;
use crate::sources::loopback::{Reply, Request, Routes, Server, endpoint};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/alertmanager/", $name))
    };
}

const ALERTS: &str = "/api/v2/alerts";
const STATUS: &str = "/api/v2/status";
const SILENCES: &str = "/api/v2/silences";
const GROUPS: &str = "/api/v2/alerts/groups";

fn recorded() -> Routes {
    Routes::of(&[
        (ALERTS, fixture!("0.25-alerts.json")),
        (STATUS, fixture!("0.25-status.json")),
        (SILENCES, fixture!("0.25-silences.json")),
        (GROUPS, fixture!("0.25-groups.json")),
    ])
}

fn muting() -> Routes {
    Routes::of(&[
        (ALERTS, fixture!("made-up-0.28-alerts.json")),
        (STATUS, fixture!("made-up-0.28-status.json")),
        (SILENCES, "[]"),
        (GROUPS, fixture!("made-up-0.28-groups.json")),
    ])
}

fn settings(server: &Server) -> AlertmanagerSettings {
    AlertmanagerSettings {
        name: "am-1".into(),
        endpoint: endpoint(&server.url),
        cluster: None,
        filters: Matchers::default(),
        receiver: None,
        period: Duration::from_secs(15),
    }
}

fn replica(server: &Server) -> Alertmanager {
    Alertmanager::new(&settings(server)).unwrap()
}

fn t(secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_600 + secs, 0).unwrap()
}

async fn poll_once(routes: &Routes) -> AlertmanagerAnswer {
    replica(&routes.serve()).poll(t(0)).await.unwrap()
}

fn named<'a>(answer: &'a AlertmanagerAnswer, name: &str) -> &'a ObservedAlert {
    let is_it = |a: &&ObservedAlert| a.labels.get("alertname").is_some_and(|n| n.raw() == name);
    answer.alerts.iter().find(is_it).unwrap()
}

fn shown(texts: &[Untrusted]) -> Vec<&str> {
    texts.iter().map(Untrusted::shown).collect()
}

#[tokio::test]
async fn a_recorded_replica_is_read() {
    let answer = poll_once(&recorded()).await;
    assert_eq!(answer.alerts.len(), 8);

    let down = named(&answer, "ClusterDown");
    assert_eq!(down.state, ReplicaState::Active);
    assert_eq!(down.starts_at.to_rfc3339(), "2026-11-20T10:00:00+00:00");
    assert_eq!(
        down.ends_at.unwrap().to_rfc3339(),
        "2026-11-21T08:13:34.901+00:00"
    );
    assert_eq!(shown(&down.receivers), ["pager"]);
    assert!(
        down.generator_url
            .as_ref()
            .unwrap()
            .raw()
            .starts_with("http://prometheus.example")
    );

    let inhibited = named(&answer, "DiskFull");
    assert_eq!(inhibited.state, ReplicaState::Suppressed);
    assert_eq!(
        shown(&inhibited.suppression.inhibited_by),
        [down.fingerprint.to_string()]
    );
    let description = inhibited.annotations.get("description").unwrap();
    assert_eq!(description.shown(), "line one\nline two");

    let silenced = named(&answer, "Silenced");
    assert_eq!(
        silenced.suppression.silenced_by,
        [answer.silences[0].id.clone()]
    );

    let written: Vec<_> = answer.silences.iter().map(|s| s.matchers.shown()).collect();
    assert_eq!(
        written,
        [
            r#"service="checkout", alertname=~"Sil.*""#,
            r#"alertname="Later""#
        ],
        "the expired one is left out"
    );
    assert!(answer.silences[1].is_acknowledgement());

    let status = &answer.status;
    assert_eq!(status.version.as_ref().unwrap().shown(), "0.25.0");
    assert_eq!(status.cluster_state.as_ref().unwrap().shown(), "ready");
    assert_eq!(status.peers.len(), 2);
    assert!(status.peers.contains(status.peer_name.as_ref().unwrap()));
    assert_eq!(
        shown(&answer.limits),
        [
            "mute time intervals are configured; Alertmanager 0.25.0 does not tell which alerts they mute"
        ]
    );
}

/// `prometheus/common` computed these; the labels hold UTF-8, commas, quotes, spaces and breaks.
#[tokio::test]
async fn our_fingerprints_are_the_server_s() {
    let answer = poll_once(&recorded()).await;
    for alert in &answer.alerts {
        assert_eq!(
            alert.labels.fingerprint(),
            alert.fingerprint,
            "{:?}",
            alert.labels.get("alertname").map(Untrusted::shown)
        );
    }
    let prints: Vec<_> = answer
        .alerts
        .iter()
        .map(|a| a.fingerprint.to_string())
        .collect();
    assert!(fixture!("0.25-alerts.json").contains(&prints[0]));
}

#[tokio::test]
async fn hostile_text_is_made_visible() {
    let answer = poll_once(&recorded()).await;
    let hostile = named(&answer, "Hostile");
    assert_eq!(
        hostile.labels.get("path").unwrap().shown(),
        "\\u{1b}[31mred\\u{202e}gpj.exe\\u{200b}"
    );
    assert_eq!(
        hostile.annotations.get("summary").unwrap().shown(),
        "bell\\u{7} and <script>"
    );
}

#[tokio::test]
async fn a_replica_alone_has_no_name() {
    let routes = recorded();
    routes.set(STATUS, Reply::ok(fixture!("0.25-status-alone.json")));
    let answer = poll_once(&routes).await;
    assert_eq!(answer.status.cluster_state.unwrap().shown(), "disabled");
    assert!(answer.status.peer_name.is_none() && answer.status.peers.is_empty());
    assert!(answer.limits.is_empty(), "no time intervals are configured");
}

#[tokio::test]
async fn mutes_are_found_in_the_groups() {
    let routes = muting();
    let server = routes.serve();
    let mut replica = replica(&server);
    let answer = replica.poll(t(0)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, STATUS, SILENCES, GROUPS]);
    let muted = named(&answer, "NightJob");
    assert_eq!(shown(&muted.suppression.muted_by), ["always"]);
    assert_eq!(muted.state, ReplicaState::Suppressed);
    let paged_elsewhere = named(&answer, "ClusterDown");
    assert_eq!(paged_elsewhere.state, ReplicaState::Active);
    assert!(paged_elsewhere.suppression.muted_by.is_empty());
    assert!(answer.limits.is_empty());

    let answer = replica.poll(t(15)).await.unwrap();
    assert_eq!(
        server.take_paths(),
        [ALERTS],
        "the mutes are kept for a while"
    );
    assert_eq!(named(&answer, "NightJob").state, ReplicaState::Suppressed);

    routes.set(STATUS, Reply::ok(fixture!("0.25-status-alone.json")));
    let answer = replica.poll(t(60)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, STATUS, SILENCES]);
    assert_eq!(named(&answer, "NightJob").state, ReplicaState::Active);
}

#[tokio::test]
async fn groups_that_do_not_tell_are_said_to() {
    let routes = muting();
    // As 0.27 and Grafana answer.
    routes.set(GROUPS, Reply::ok(fixture!("0.25-groups.json")));
    routes.set(STATUS, Reply::ok(fixture!("made-up-grafana-status.json")));
    let answer = poll_once(&routes).await;
    assert!(answer.status.version.is_none());
    assert_eq!(
        shown(&answer.limits),
        [
            "mute time intervals are configured; Alertmanager of this version does not tell which alerts they mute"
        ]
    );
}

#[tokio::test]
async fn newer_silences_and_foreign_matchers_are_shown_as_written() {
    let routes = recorded();
    routes.set(SILENCES, Reply::ok(fixture!("made-up-0.33-silences.json")));
    let answer = poll_once(&routes).await;
    let silence = &answer.silences[0];
    assert_eq!(
        silence.matchers.raw(),
        r#""host.name"="db \"1\"", alertname=~"(?P<x>Go.only)", env!~"dev|test", team!="""#
    );
    assert_eq!(silence.comment.shown(), "two\nlines \\u{1b}[2J");
}

#[tokio::test]
async fn what_mimir_leaves_out_is_made_up_for() {
    let routes = Routes::of(&[
        (ALERTS, fixture!("made-up-mimir-alerts.json")),
        (STATUS, fixture!("made-up-mimir-status.json")),
        (SILENCES, "null"),
    ]);
    let answer = poll_once(&routes).await;
    let by_silence = named(&answer, "NoState");
    assert_eq!(
        (by_silence.state, by_silence.ends_at),
        (ReplicaState::Suppressed, None)
    );
    let bare = named(&answer, "NoStatus");
    assert_eq!(bare.state, ReplicaState::Active);
    assert_eq!(bare.starts_at.to_rfc3339(), "2026-11-21T07:08:34+00:00");
    assert_eq!(
        bare.fingerprint,
        Labels::of(&[("alertname", "NoStatus")]).fingerprint()
    );
    assert!(bare.generator_url.is_none() && answer.status.version.is_none());
    assert!(answer.limits.is_empty());
}

#[tokio::test]
async fn one_question_follows_the_other_and_names_what_it_wants() {
    let routes = muting();
    let slow = move |request: &Request| {
        // Long enough for a second request to show itself, if there were one.
        std::thread::sleep(Duration::from_millis(20));
        routes.reply(request)
    };
    let server = Server::answering(slow);
    let filters = r#"severity=page, team!~"a,b", host.name="x""#;
    let mut replica = Alertmanager::new(&AlertmanagerSettings {
        filters: Matchers::parse(&filters.replace("host.name", "\"host.name\"")).unwrap(),
        receiver: Some("pager|night".to_owned()),
        ..settings(&server)
    })
    .unwrap();
    replica.poll(t(0)).await.unwrap();
    assert_eq!(server.most_at_once(), 1);
    let requests = server.requests();
    for request in [&requests[0], &requests[3]] {
        for name in ["active", "silenced", "inhibited"] {
            assert_eq!(request.params(name), ["true"]);
        }
        let filters = [r#"severity="page""#, r#"team!~"a,b""#, r#""host.name"="x""#];
        assert_eq!(request.params("filter"), filters);
        assert_eq!(request.params("receiver"), ["pager|night"]);
    }
    assert_eq!(requests[2].target, "/api/v2/silences?expired=false");
}

#[tokio::test]
async fn silences_are_asked_for_when_an_alert_names_a_new_one() {
    let routes = recorded();
    let server = routes.serve();
    let mut replica = replica(&server);
    replica.poll(t(0)).await.unwrap();
    server.take_paths();
    replica.poll(t(15)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS]);

    let silenced_anew = fixture!("0.25-alerts.json").replace("f460fb4d", "0000beef");
    routes.set(ALERTS, Reply::ok(silenced_anew));
    replica.poll(t(30)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, SILENCES]);
    replica.poll(t(45)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS], "looked for in vain already");
    replica.poll(t(90)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, STATUS, SILENCES]);
}

#[tokio::test]
async fn parts_may_fail_and_keep_what_was_known() {
    let routes = recorded();
    routes.set(STATUS, Reply::status("404 Not Found", "", ""));
    let server = routes.serve();
    let mut replica = replica(&server);
    let answer = replica.poll(t(0)).await.unwrap();
    assert_eq!((answer.alerts.len(), answer.silences.len()), (8, 2));
    assert_eq!(
        shown(&answer.limits),
        ["status: refused (404 Not Found at /api/v2/status); none read so far"]
    );

    routes.set(SILENCES, Reply::status("403 Forbidden", "", "\"no\""));
    let answer = replica.poll(t(60)).await.unwrap();
    assert_eq!((answer.alerts.len(), answer.silences.len()), (8, 2));
    assert_eq!(
        answer.limits[1].shown(),
        "silences: not authorized (403 Forbidden at /api/v2/silences: no); shown as of 08:10:00Z"
    );

    routes.set(SILENCES, Reply::ok(r#"[{"id":"1","comment":"no end"}]"#));
    let answer = replica.poll(t(120)).await.unwrap();
    let limit = answer.limits[1].shown();
    assert!(
        limit.contains("silence 0 has no `endsAt` (byte 1)"),
        "{limit}"
    );
    assert_eq!(answer.silences.len(), 2);
}

#[tokio::test]
async fn an_overloaded_replica_is_asked_no_more() {
    let routes = recorded();
    routes.set(
        STATUS,
        Reply::status("503 Service Unavailable", "Retry-After: 9", "busy"),
    );
    let server = routes.serve();
    let answer = replica(&server).poll(t(0)).await.unwrap();
    assert_eq!(server.take_paths(), [ALERTS, STATUS]);
    assert_eq!(answer.alerts.len(), 8);

    routes.set(
        ALERTS,
        Reply::status("429 Too Many Requests", "Retry-After: 9", ""),
    );
    let error = replica(&server).poll(t(0)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (ErrorKind::Busy, Some(Duration::from_secs(9)))
    );
    assert_eq!(server.take_paths(), [ALERTS]);
}

#[tokio::test]
async fn a_list_that_is_not_right_is_not_taken_in_part() {
    let good = r#"{"labels":{"a":"b"},"startsAt":"2026-11-21T08:08:34Z"}"#;
    let deep = format!("[{{\"labels\":{}}}]", "[".repeat(200));
    let cut = |at: usize| fixture!("0.25-alerts.json")[..at].to_owned();
    let cases = [
        (
            format!(r#"[{good},{{"labels":{{}}}}]"#),
            "alert 1 has no `startsAt` (byte 56)",
        ),
        (
            format!(r#"[{good},{{"startsAt":"x"}}]"#),
            "alert 1 has no `labels` (byte 56)",
        ),
        (
            r#"[{"labels":{},"startsAt":"yesterday"}]"#.to_owned(),
            "alert 0 has a `startsAt` that is no time (byte 1)",
        ),
        (
            r#"[{"labels":{"a":5}}]"#.to_owned(),
            "alert 0: byte 16: invalid type: integer `5`, expected a string",
        ),
        (
            r#"[{"labels":["a"]}]"#.to_owned(),
            "expected a map of strings",
        ),
        (
            r#"[{"labels":{"a":"\ud800"}}]"#.to_owned(),
            "alert 0: byte 2",
        ),
        (format!("[{good}}} ]"), "expected `,` or `]`, found `}`"),
        (
            r#"{"status":"success"}"#.to_owned(),
            "byte 0: expected `[`, found `{`",
        ),
        (deep, "nested deeper than 128 levels"),
        (cut(1000), "the answer ends early after 1000 bytes"),
        (String::new(), "the answer ends early after 0 bytes"),
    ];
    let routes = recorded();
    let server = routes.serve();
    for (body, expected) in cases {
        routes.set(ALERTS, Reply::ok(&body));
        let error = replica(&server).poll(t(0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{body}");
        let detail = error.detail.shown();
        assert!(detail.contains(expected), "{detail}");
    }
}

#[tokio::test]
async fn many_labels_are_just_many_labels() {
    use std::fmt::Write;
    let mut labels = String::from("\"alertname\":\"Many\"");
    for i in 0..20_000 {
        write!(labels, ",\"l{i}\":\"v\"").unwrap();
    }
    let body = format!(
        r#"[{{"labels":{{{labels}}},"startsAt":"2026-11-21T08:08:34Z","new":{{"x":[1]}}}}]"#
    );
    let routes = recorded();
    routes.set(ALERTS, Reply::ok(body));
    let answer = poll_once(&routes).await;
    assert_eq!(answer.alerts[0].labels.len(), 20_001);
}

#[tokio::test]
async fn the_cap_holds_for_a_list() {
    let server = recorded().serve();
    let small = Endpoint {
        max_response_bytes: 512,
        ..endpoint(&server.url)
    };
    let settings = AlertmanagerSettings {
        endpoint: small,
        ..settings(&server)
    };
    let error = Alertmanager::new(&settings)
        .unwrap()
        .poll(t(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[test]
fn versions_are_compared_by_number() {
    let cases = [
        ("0.25.0", Some((0, 25))),
        ("v0.28.1+ds", Some((0, 28))),
        ("2.17", Some((2, 17))),
        ("main", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(major_minor(text), expected);
    }
    assert!((0, 9) < MUTES_SINCE && (1, 0) > MUTES_SINCE);
}

#[test]
fn a_fingerprint_of_the_fixture_is_known() {
    let labels = Labels::of(&[("alertname", "NightJob"), ("team", "night")]);
    assert_eq!(
        Some(labels.fingerprint()),
        Fingerprint::parse("3c7ca253ae911a80")
    );
}
