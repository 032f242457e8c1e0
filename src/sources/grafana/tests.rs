//! The client against answers hand-written after Grafana's documentation (grafana.com, "Annotations
//! HTTP API").

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::change::{ActorKind, ChangeKind, Outcome};
use crate::sources::loopback::{Reply, Routes, Server, endpoint};

const PATH: &str = "/api/annotations";
/// 2026-11-21T08:00:00Z
const NOW_MS: i64 = 1_795_248_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(NOW_MS).unwrap()
}

fn annotation(id: u64, minutes_ago: i64, tags: &str, text: &str) -> String {
    let time = NOW_MS - minutes_ago * 60_000;
    format!(
        r#"{{"id":{id},"alertId":0,"alertName":"","dashboardId":468,"dashboardUID":"jcIIG-07z","panelId":2,
        "userId":1,"userName":"","newState":"","prevState":"","created":{time},"updated":{time},
        "time":{time},"timeEnd":{time},"text":"{text}","tags":{tags},"login":"dana",
        "email":"dana@example.com","avatarUrl":"/avatar/x","data":{{}}}}"#
    )
}

fn source(server: &Server, tags: &[&str]) -> Grafana {
    let settings = GrafanaSettings {
        endpoint: endpoint(&server.url),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let place = DeclaredPlace {
        env: Some("prod".to_owned()),
        region: Some("eu-1".to_owned()),
        ..DeclaredPlace::default()
    };
    Grafana::new(&"graf".into(), &settings, &place).unwrap()
}

#[tokio::test]
async fn tags_and_text_become_a_change() {
    let routes = Routes::default();
    let deploy = annotation(
        7,
        30,
        r#"["deploy","service:checkout","env=staging","version:2.3","status:failed"]"#,
        r#"<b>Deploy</b> by <a href=\"https://ci.test/7\">CI</a>"#,
    );
    let deploy = deploy.replace(
        &format!("\"timeEnd\":{}", NOW_MS - 1_800_000),
        &format!("\"timeEnd\":{}", NOW_MS - 1_200_000),
    );
    let note = annotation(8, 10, "null", "raised the pool to 50")
        .replace("\"login\":\"dana\"", "\"login\":\"sa-1-ci\"");
    routes.set(PATH, Reply::ok(format!("[{note},{deploy}]")));
    let server = routes.serve();
    let answer = source(&server, &["change", "team:shop"])
        .poll(now())
        .await
        .unwrap();
    let [note, deploy] = &answer.changes[..] else {
        unreachable!()
    };
    assert_eq!(deploy.id.shown(), "grafana:graf#7");
    assert_eq!(deploy.subject.target.shown(), "grafana/checkout");
    assert_eq!(deploy.subject.service.as_ref().unwrap().shown(), "checkout");
    assert_eq!(deploy.subject.env.as_ref().unwrap().shown(), "staging");
    assert_eq!(deploy.subject.labels.get("region").unwrap().shown(), "eu-1");
    assert_eq!(
        (deploy.kind, deploy.outcome),
        (ChangeKind::Version, Outcome::Failed)
    );
    assert_eq!(deploy.versions.to.as_ref().unwrap().shown(), "2.3");
    assert_eq!(
        deploy.finished_at.unwrap().timestamp_millis(),
        NOW_MS - 1_200_000
    );
    assert_eq!(
        deploy.told.link.as_ref().unwrap().shown(),
        "https://ci.test/7"
    );
    assert_eq!(deploy.told.reason.as_ref().unwrap().shown(), "Deploy by CI");
    assert_eq!(deploy.who.as_ref().unwrap().kind, ActorKind::Person);
    assert_eq!(
        (note.kind, note.outcome, note.finished_at),
        (ChangeKind::Config, Outcome::Unknown, None)
    );
    assert_eq!(note.subject.target.shown(), "grafana/annotation 8");
    assert_eq!(note.subject.service, None);
    assert_eq!(note.subject.env.as_ref().unwrap().shown(), "prod");
    assert_eq!(note.who.as_ref().unwrap().kind, ActorKind::Automation);
    assert!(
        note.told
            .link
            .as_ref()
            .unwrap()
            .shown()
            .ends_with("/d/jcIIG-07z")
    );
    assert!(answer.limits.is_empty());

    let asked = &server.requests()[0];
    assert_eq!(asked.params("tags"), ["change", "team:shop"]);
    assert_eq!(asked.params("type"), ["annotation"]);
    assert_eq!(asked.params("limit"), ["500"]);
    assert_eq!(
        asked.params("from"),
        [(NOW_MS - 7 * 86_400_000).to_string()]
    );
    assert_eq!(asked.params("to"), [(NOW_MS + 300_000).to_string()]);
}

#[tokio::test]
async fn what_is_read_again_may_change_and_go_and_the_rest_stays() {
    let routes = Routes::default();
    let old = annotation(1, 60 * 25, r#"["deploy"]"#, "old");
    let new = annotation(2, 5, r#"["deploy"]"#, "new");
    let gone = annotation(3, 4, "[]", "gone");
    routes.set(PATH, Reply::ok(format!("[{gone},{new},{old}]")));
    let server = routes.serve();
    let mut grafana = source(&server, &[]);
    let first = grafana.poll(now()).await.unwrap();
    assert_eq!(first.changes.len(), 3);
    routes.set(PATH, Reply::ok(format!("[{gone},{new}]")));
    let second = grafana.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let from = server.requests()[1].params("from");
    assert_eq!(from, [(NOW_MS - 6 * 3_600_000).to_string()]);

    let corrected = new.replace("\"deploy\"", "\"rollback\"");
    routes.set(PATH, Reply::ok(format!("[{corrected}]")));
    let third = grafana.poll(now()).await.unwrap();
    let kinds: Vec<_> = third.changes.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [ChangeKind::Rollback, ChangeKind::Version]);
    let later = grafana.poll(now() + TimeDelta::days(6)).await.unwrap();
    assert_eq!(
        later.changes.len(),
        1,
        "a week later it is not told any more"
    );
}

#[tokio::test]
async fn a_full_answer_says_what_may_be_missing() {
    let routes = Routes::default();
    let many: Vec<_> = (0..500).map(|n| annotation(n, 1, "[]", "x")).collect();
    routes.set(PATH, Reply::ok(format!("[{}]", many.join(","))));
    let server = routes.serve();
    let mut grafana = source(&server, &[]);
    let answer = grafana.poll(now()).await.unwrap();
    let expected = "Grafana gave 500 annotations and may have more: those before 2026-11-21 07:59:00Z can be missing; set `tags`";
    assert_eq!(answer.limits[0].shown(), expected);
    routes.set(PATH, Reply::ok("[]"));
    let answer = grafana.poll(now()).await.unwrap();
    assert_eq!(
        answer.limits[0].shown(),
        expected,
        "what was missed is still missing"
    );
}

#[tokio::test]
async fn odd_and_hostile_annotations_do_no_harm() {
    let routes = Routes::default();
    let hostile = annotation(
        4,
        3,
        r#"["service:a\u001b[2J","version:\u202e1"]"#,
        r"x\u0007 <img src=x> y",
    );
    let hostile = hostile.replace("jcIIG-07z", "../../evil?x");
    let alert =
        annotation(5, 3, "[]", "x").replace("\"newState\":\"\"", "\"newState\":\"alerting\"");
    let odd = r#"{"id":6,"time":"soon"}"#;
    let far = format!(r#"{{"id":9,"time":{}}}"#, i64::MAX);
    routes.set(PATH, Reply::ok(format!("[{odd},{alert},{hostile},{far}]")));
    let server = routes.serve();
    let answer = source(&server, &[]).poll(now()).await.unwrap();
    let [change] = &answer.changes[..] else {
        unreachable!()
    };
    assert_eq!(
        change.subject.service.as_ref().unwrap().shown(),
        "a\\u{1b}[2J"
    );
    assert_eq!(change.versions.to.as_ref().unwrap().shown(), "\\u{202e}1");
    assert_eq!(change.told.reason.as_ref().unwrap().shown(), "x\\u{7} y");
    assert_eq!(change.told.link, None);
    let limits: Vec<_> = answer.limits.iter().map(Untrusted::shown).collect();
    assert!(
        limits[0].starts_with("an annotation was left out: #6: invalid type"),
        "{limits:?}"
    );
    assert_eq!(limits[1], "1 states of alerts are not shown");
    assert_eq!(
        limits[2],
        "an annotation was left out: #9: its time is out of range"
    );

    routes.set(PATH, Reply::ok("null"));
    assert!(
        source(&server, &[])
            .poll(now())
            .await
            .unwrap()
            .changes
            .is_empty()
    );
}

#[tokio::test]
async fn failures_say_what_to_do() {
    let cases = [
        (
            Reply::status("404 Not Found", "", r#"{"message":"Not found"}"#),
            ErrorKind::Refused,
            "/apis/annotation.grafana.app",
        ),
        (
            Reply::status("401 Unauthorized", "", r#"{"message":"Invalid API key"}"#),
            ErrorKind::Unauthorized,
            "Invalid API key",
        ),
        (
            Reply::status(
                "403 Forbidden",
                "",
                r#"{"accessErrorId":"ACE1","message":"You'll need additional permissions to perform this action. Permissions needed: annotations:read","title":"Access denied"}"#,
            ),
            ErrorKind::Unauthorized,
            "annotations:read",
        ),
        (Reply::ok("[{\"id\":"), ErrorKind::Malformed, "ends early"),
        (
            Reply::ok("<html><title>Grafana</title>"),
            ErrorKind::Malformed,
            "a web page (\"Grafana\")",
        ),
    ];
    for (reply, kind, says) in cases {
        let routes = Routes::default();
        routes.set(PATH, reply);
        let server = routes.serve();
        let error = source(&server, &[]).poll(now()).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.detail.raw().contains(says), "{}", error.detail);
    }
}
