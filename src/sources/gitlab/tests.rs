//! The client against answers hand-written after GitLab's documentation (docs.gitlab.com,
//! "Deployments API", "REST API pagination" and "User and IP rate limits").

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::domain::change::ActorKind;
use crate::domain::delivery::PartState;
use crate::sources::loopback::{Reply, Routes, Server, endpoint};

const LIST: &str = "/api/v4/projects/shop%2Fcheckout/deployments";

fn t(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    t("2026-11-21T08:00:00Z")
}

fn deployment(id: u64, status: &str, updated_at: &str) -> String {
    format!(
        r#"{{"created_at":"2026-11-21T06:00:00.222Z","updated_at":"{updated_at}","status":"{status}",
        "deployable":{{"commit":{{"author_email":"a@example.com","id":"99d03678b90d914dbb1b109132516d71a4a03ea8",
          "message":"Merge\r\n\r\nx","short_id":"99d03678","title":"Merge"}},"coverage":null,
          "created_at":"2026-11-21T06:00:00.357Z","started_at":"2026-11-21T07:30:00.000Z",
          "finished_at":"2026-11-21T07:36:39.851Z","id":657,"name":"deploy","ref":"main","runner":null,
          "stage":"deploy","status":"success","tag":false,"web_url":"https://gitlab.test/shop/checkout/-/jobs/657",
          "project":{{"ci_job_token_scope_enabled":false}},"user":{{"id":1,"username":"root"}},
          "pipeline":{{"id":36,"status":"success","web_url":"https://gitlab.test/shop/checkout/-/pipelines/36"}}}},
        "environment":{{"external_url":"https://about.gitlab.com","id":9,"name":"production"}},
        "id":{id},"iid":1,"ref":"main","sha":"99d03678b90d914dbb1b109132516d71a4a03ea8",
        "user":{{"avatar_url":"x","id":1,"name":"Administrator","state":"active","username":"root",
          "web_url":"http://localhost:3000/root"}}}}"#
    )
}

fn source(server: &Server, projects: &[&str], environments: &[&str]) -> Gitlab {
    let settings = CodeHostSettings {
        endpoint: endpoint(&server.url),
        projects: projects.iter().map(|p| (*p).to_owned()).collect(),
        environments: environments.iter().map(|e| (*e).to_owned()).collect(),
    };
    let place = DeclaredPlace {
        env: Some("prod".to_owned()),
        ..DeclaredPlace::default()
    };
    Gitlab::new(&"gl".into(), &settings, &place).unwrap()
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

#[tokio::test]
async fn the_newest_come_first_and_later_only_what_was_updated() {
    let routes = Routes::default();
    let first = deployment(41, "running", "2026-11-21T07:31:00.000Z");
    routes.set(LIST, Reply::ok(format!("[{first}]")));
    let server = routes.serve();
    let mut gitlab = source(&server, &["shop/checkout"], &["production"]);
    let first = gitlab.poll(now()).await.unwrap();
    let change = &first.changes[0];
    assert_eq!(change.id.shown(), "gitlab:shop/checkout#41");
    assert_eq!(change.subject.target.shown(), "gitlab/shop/checkout");
    assert_eq!(
        change.subject.env.as_ref().unwrap().shown(),
        "prod",
        "one is asked for, so the config names it"
    );
    assert_eq!(
        change.subject.labels.get("name").unwrap().shown(),
        "checkout"
    );
    assert_eq!(
        change.subject.labels.get("environment").unwrap().shown(),
        "production"
    );
    assert_eq!(change.versions.to.as_ref().unwrap().shown(), "99d03678b90d");
    assert_eq!(change.who.as_ref().unwrap().kind, ActorKind::Person);
    assert_eq!(change.started_at, t("2026-11-21T07:30:00Z"));
    assert_eq!(
        (change.outcome, change.finished_at),
        (Outcome::Running, None)
    );
    assert_eq!(
        change.told.link.as_ref().unwrap().shown(),
        "https://gitlab.test/shop/checkout/-/jobs/657"
    );

    routes.set(LIST, Reply::ok("[]"));
    let second = gitlab.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second), "nothing was updated");
    let ended = deployment(41, "success", "2026-11-21T07:36:40.000Z");
    routes.set(LIST, Reply::ok(format!("[{ended}]")));
    let third = gitlab.poll(now()).await.unwrap();
    assert_eq!(third.changes.len(), 1);
    assert_eq!(third.changes[0].outcome, Outcome::Ok);
    assert_eq!(
        third.changes[0].finished_at,
        Some(t("2026-11-21T07:36:39.851Z"))
    );

    gitlab.poll(now()).await.unwrap();
    let asked = server.requests();
    let since: Vec<_> = asked
        .iter()
        .map(|r| r.params("updated_after").remove(0))
        .collect();
    assert_eq!(
        since,
        [
            "2026-11-14T08:00:00.000Z",
            "2026-11-21T07:30:00.000Z",
            "2026-11-21T07:30:00.000Z",
            "2026-11-21T07:35:40.000Z"
        ]
    );
    let params = |name| asked[0].params(name);
    assert_eq!(
        (params("order_by"), params("sort")),
        (vec!["updated_at".to_owned()], vec!["desc".to_owned()])
    );
    assert_eq!(
        (params("environment"), params("per_page")),
        (vec!["production".to_owned()], vec!["100".to_owned()])
    );
}

#[test]
fn every_status_has_its_outcome() {
    let cases = [
        ("created", Stage::NotBegun),
        ("blocked", Stage::NotBegun),
        ("skipped", Stage::NotBegun),
        ("running", Stage::Running),
        ("success", Stage::Succeeded),
        ("failed", Stage::Failed),
        ("canceled", Stage::Canceled),
        ("dreaming", Stage::Unknown),
    ];
    for (status, stage) in cases {
        let text = deployment(1, status, "2026-11-21T07:31:00Z");
        let read: Deployment = serde_json::from_str(&text).unwrap();
        assert_eq!(read.stage(), stage, "{status}");
    }
    let text = deployment(1, "canceled", "2026-11-21T07:31:00Z");
    let text = text.replace("\"2026-11-21T07:30:00.000Z\"", "null");
    let text = text.replace("\"2026-11-21T07:36:39.851Z\"", "null");
    let read: Deployment = serde_json::from_str(&text).unwrap();
    assert_eq!(read.stage(), Stage::NotBegun, "its job never began");
}

#[tokio::test]
async fn what_changed_nothing_is_counted_and_not_shown() {
    let routes = Routes::default();
    let elements = ["created", "blocked", "skipped", "canceled"];
    let elements = elements
        .iter()
        .zip(1..)
        .map(|(s, id)| deployment(id, s, "2026-11-21T07:31:00Z"));
    routes.set(
        LIST,
        Reply::ok(format!("[{}]", elements.collect::<Vec<_>>().join(","))),
    );
    let server = routes.serve();
    let answer = source(&server, &["shop/checkout"], &[])
        .poll(now())
        .await
        .unwrap();
    assert_eq!(answer.changes.len(), 1);
    assert_eq!(answer.changes[0].outcome, Outcome::Failed);
    assert_eq!(
        answer.changes[0].told.reason.as_ref().unwrap().shown(),
        "canceled"
    );
    assert_eq!(answer.parts[0].state, PartState::Read(1));
    assert!(limits(&answer)[0].starts_with("shop/checkout: 3 deployments are not shown"));
}

#[tokio::test]
async fn missing_fields_and_hostile_texts_are_read() {
    let routes = Routes::default();
    let bare = r#"{"id":5,"status":"failed","created_at":"2026-11-21T07:00:00Z","deployable":null,"user":null,
        "ref":"v2\u001b]0;x\u0007","updated_at":"2026-11-21T07:02:00Z"}"#;
    let bot = r#"{"id":6,"status":"dream\u202ess","created_at":"2026-11-21T07:00:00Z","sha":"x",
        "user":{"username":"project_6_bot_1f"},"environment":{"name":"eu\n1","external_url":"javascript:1"}}"#;
    let odd = r#"{"id":"seven","status":1}"#;
    routes.set(LIST, Reply::ok(format!("[{odd},{bot},{bare}]")));
    let server = routes.serve();
    let mut gitlab = source(&server, &["shop/checkout"], &[]);
    let answer = gitlab.poll(now()).await.unwrap();
    let [bot, bare] = &answer.changes[..] else {
        unreachable!()
    };
    assert_eq!(bare.who, None);
    assert_eq!(
        bare.versions.to.as_ref().unwrap().shown(),
        "v2\\u{1b}]0;x\\u{7}"
    );
    assert_eq!(bare.finished_at, Some(t("2026-11-21T07:02:00Z")));
    assert_eq!(bare.subject.env.as_ref().unwrap().shown(), "prod");
    assert_eq!(bot.subject.env.as_ref().unwrap().shown(), "eu\\n1");
    assert_eq!(bot.who.as_ref().unwrap().kind, ActorKind::Automation);
    assert_eq!(bot.outcome, Outcome::Unknown);
    assert_eq!(bot.told.link, None);
    assert!(bot.told.notes[0].shown().contains("dream\\u{202e}ss"));
    assert!(limits(&answer)[0].starts_with("shop/checkout: a deployment was left out: seven: "));
    let again = gitlab.poll(now()).await.unwrap();
    assert!(
        Arc::ptr_eq(&answer, &again),
        "what is odd in the overlap is told once"
    );
    routes.set(LIST, Reply::ok("null"));
    assert!(Arc::ptr_eq(&answer, &gitlab.poll(now()).await.unwrap()));
}

#[tokio::test]
async fn pages_are_followed_and_a_failing_one_is_asked_for_again() {
    let server = Server::answering(|request| {
        let link =
            "Link: <https://evil.test/api?order_by=updated_at&page=2&per_page=100>; rel=\"next\"";
        match request.params("page").first().map(String::as_str) {
            None => Reply::status(
                "200 OK",
                link,
                format!("[{}]", deployment(9, "success", "2026-11-21T07:50:00Z")),
            ),
            Some(_) => Reply::status(
                "500 Internal Server Error",
                "",
                r#"{"message":"500 Internal Server Error"}"#,
            ),
        }
    });
    let mut gitlab = source(&server, &["shop/checkout"], &[]);
    for _ in 0..2 {
        let error = gitlab.poll(now()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
    }
    let since: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.params("updated_after"))
        .collect();
    assert_eq!(since.len(), 4);
    assert_eq!(since[0], since[2], "nothing counts as read");
}

#[tokio::test]
async fn one_project_that_fails_does_not_stop_the_others_and_a_429_does() {
    let routes = Routes::default();
    let path = |p: &str| format!("/api/v4/projects/{p}/deployments");
    routes.set(&path("7"), Reply::ok("[]"));
    routes.set(
        &path("a%2Fgone"),
        Reply::status(
            "404 Not Found",
            "",
            r#"{"message":"404 Project Not Found"}"#,
        ),
    );
    routes.set(
        &path("a%2Fb%2Fpay"),
        Reply::status(
            "403 Forbidden",
            "",
            r#"{"error":"insufficient_scope","error_description":"x"}"#,
        ),
    );
    let server = routes.serve();
    let mut gitlab = source(&server, &["a/gone", "a/b/pay", "7"], &[]);
    let answer = gitlab.poll(now()).await.unwrap();
    let states: Vec<_> = answer.parts.iter().map(|p| p.state.clone()).collect();
    assert_eq!(states[0], PartState::Absent);
    assert!(
        matches!(&states[1], PartState::NotPermitted(why) if why.raw().contains("insufficient_scope"))
    );
    assert_eq!(states[2], PartState::Read(0));
    assert_eq!(
        limits(&answer),
        ["a/gone: not found or not permitted: GitLab says the same for both"]
    );

    server.take_paths();
    let busy = "Retry-After: 17\r\nRateLimit-Limit: 2000\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 1795248060";
    routes.set(
        &path("a%2Fgone"),
        Reply::status("429 Too Many Requests", busy, "Retry later\n"),
    );
    let error = gitlab.poll(now()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after.unwrap().as_secs()),
        (ErrorKind::Busy, 17)
    );
    assert_eq!(server.take_paths().len(), 1);
}

#[test]
fn a_path_is_one_segment() {
    assert_eq!(
        id("group/sub group/näme"),
        "group%2Fsub%20group%2Fn%C3%A4me"
    );
    assert_eq!(id("4711"), "4711");
    assert_eq!(id("../../admin?x=1#y"), "..%2F..%2Fadmin%3Fx%3D1%23y");
}

#[tokio::test]
async fn a_project_known_by_number_has_its_name_from_its_job() {
    let routes = Routes::default();
    let bare =
        r#"{"id":5,"status":"failed","created_at":"2026-11-21T07:00:00Z","deployable":null}"#;
    let full = deployment(6, "success", "2026-12-24T00:00:00Z");
    routes.set(
        "/gitlab/api/v4/projects/4711/deployments",
        Reply::ok(format!("[{bare},{full}]")),
    );
    let server = routes.serve();
    let settings = CodeHostSettings {
        endpoint: endpoint(&server.url.join("/gitlab/api/v4/").unwrap()),
        projects: vec!["4711".to_owned()],
        environments: Vec::new(),
    };
    let mut gitlab = Gitlab::new(&"gl".into(), &settings, &DeclaredPlace::default()).unwrap();
    let answer = gitlab.poll(now()).await.unwrap();
    let [full, bare] = &answer.changes[..] else {
        unreachable!()
    };
    assert_eq!(full.id.shown(), "gitlab:4711#6");
    assert_eq!(full.subject.labels.get("name").unwrap().shown(), "checkout");
    assert_eq!(
        full.subject.labels.get("repo").unwrap().shown(),
        "shop/checkout"
    );
    assert_eq!(
        bare.subject.labels.get("name"),
        None,
        "a number is no service"
    );
    gitlab.poll(now()).await.unwrap();
    let since = server.requests()[1].params("updated_after");
    assert_eq!(
        since,
        ["2026-11-21T07:59:00.000Z"],
        "a time in the future is not waited for"
    );
}
