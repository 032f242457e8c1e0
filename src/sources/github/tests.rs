//! The client against answers hand-written after GitHub's documentation (docs.github.com,
//! "REST API endpoints for deployments" and "Rate limits for the REST API").

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::config::secret::Secret;
use crate::config::settings::Auth;
use crate::domain::change::{ActorKind, Outcome};
use crate::domain::delivery::PartState;
use crate::sources::loopback::{Reply, Routes, Server, endpoint};

const LIST: &str = "/repos/shop/checkout/deployments";

fn t(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    t("2026-11-21T08:00:00Z")
}

fn deployment(id: u64, created_at: &str, more: &str) -> String {
    format!(
        r#"{{"url":"https://api.github.com/repos/shop/checkout/deployments/{id}","id":{id},
        "node_id":"MDEwOkRlcGxveW1lbnQx","sha":"a84d88e7554fc1fa21bcbc4efae3c782a70d2b{:02}","ref":"main",
        "task":"deploy","payload":{{}},"original_environment":"production","environment":"production",
        "description":"Deploy request from hubot",
        "creator":{{"login":"octocat","id":1,"type":"User","site_admin":false}},
        "created_at":"{created_at}","updated_at":"{created_at}",
        "statuses_url":"https://api.github.com/repos/shop/checkout/deployments/{id}/statuses",
        "repository_url":"https://api.github.com/repos/shop/checkout",
        "transient_environment":false,"production_environment":true{more}}}"#,
        id % 100
    )
}

fn status(id: u64, state: &str, created_at: &str) -> String {
    format!(
        r#"{{"url":"https://api.github.com/repos/shop/checkout/deployments/42/statuses/{id}","id":{id},
        "node_id":"x","state":"{state}","creator":{{"login":"octocat","id":1,"type":"User"}},
        "description":"Deployment says {state}.","environment":"production",
        "target_url":"https://example.com/deployment/42/output","created_at":"{created_at}",
        "updated_at":"{created_at}","deployment_url":"x","repository_url":"x",
        "environment_url":"https://shop.example.com","log_url":"https://ci.example.com/{id}"}}"#
    )
}

fn list(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}

fn source(server: &Server, projects: &[&str], environments: &[&str]) -> Github {
    let settings = CodeHostSettings {
        endpoint: endpoint(&server.url),
        projects: projects.iter().map(|p| (*p).to_owned()).collect(),
        environments: environments.iter().map(|e| (*e).to_owned()).collect(),
    };
    let place = DeclaredPlace {
        cluster: Some("prod-eu-1".to_owned()),
        ..DeclaredPlace::default()
    };
    Github::new(&"gh".into(), &settings, &place).unwrap()
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

#[tokio::test]
async fn a_deployment_has_its_version_its_actor_and_its_end() {
    let routes = Routes::default();
    routes.set(
        LIST,
        Reply::ok(list(&[deployment(42, "2026-11-21T07:00:00Z", "")])),
    );
    let statuses = list(&[
        status(9, "inactive", "2026-11-21T07:30:00Z"),
        status(8, "success", "2026-11-21T07:05:00Z"),
        status(7, "in_progress", "2026-11-21T07:01:00Z"),
    ]);
    routes.set(&format!("{LIST}/42/statuses"), Reply::ok(statuses));
    let server = routes.serve();
    let answer = source(&server, &["shop/checkout"], &[])
        .poll(now())
        .await
        .unwrap();
    let change = &answer.changes[0];
    assert_eq!(change.id.shown(), "github:shop/checkout#42");
    assert_eq!(change.subject.target.shown(), "github/shop/checkout");
    assert_eq!(change.subject.env.as_ref().unwrap().shown(), "production");
    let label = |name| change.subject.labels.get(name).unwrap().shown();
    assert_eq!(
        (label("repo"), label("name")),
        ("shop/checkout", "checkout")
    );
    assert_eq!((label("cluster"), label("ref")), ("prod-eu-1", "main"));
    assert_eq!(change.versions.to.as_ref().unwrap().shown(), "a84d88e7554f");
    let who = change.who.as_ref().unwrap();
    assert_eq!((who.name.shown(), who.kind), ("octocat", ActorKind::Person));
    assert_eq!(change.started_at, t("2026-11-21T07:00:00Z"));
    assert_eq!(change.finished_at, Some(t("2026-11-21T07:05:00Z")));
    assert_eq!(change.outcome, Outcome::Ok);
    assert_eq!(
        change.told.link.as_ref().unwrap().shown(),
        "https://ci.example.com/8"
    );
    assert_eq!(
        change.told.reason.as_ref().unwrap().shown(),
        "Deployment says success."
    );
    assert_eq!(answer.parts[0].state, PartState::Read(1));
    assert!(answer.limits.is_empty(), "{:?}", answer.limits);
    let asked = server.requests();
    assert_eq!(asked[0].params("per_page"), ["100"]);
    assert_eq!(
        asked[0].header("accept"),
        Some("application/vnd.github+json")
    );
}

#[tokio::test]
async fn every_state_has_its_outcome() {
    let cases = [
        ("success", Outcome::Ok),
        ("failure", Outcome::Failed),
        ("error", Outcome::Failed),
        ("in_progress", Outcome::Running),
        ("queued", Outcome::Running),
        ("pending", Outcome::Running),
        ("waiting", Outcome::Running),
        ("inactive", Outcome::Unknown),
        ("paused", Outcome::Unknown),
    ];
    for (state, outcome) in cases {
        let of = serde_json::from_str(&status(1, state, "2026-11-21T07:05:00Z")).unwrap();
        let verdict = Verdict::of(vec![of], &[]);
        assert_eq!(verdict.outcome, outcome, "{state}");
        assert_eq!(
            verdict.finished_at.is_some(),
            matches!(outcome, Outcome::Ok | Outcome::Failed)
        );
        assert_eq!(
            verdict.notes.is_empty(),
            outcome != Outcome::Unknown,
            "{state}"
        );
    }
}

#[tokio::test]
async fn what_has_not_changed_costs_a_304_and_gives_the_same_answer() {
    let routes = Routes::default();
    let tag = |tag: &str| format!("ETag: W/\"{tag}\"");
    let body = list(&[deployment(42, "2026-11-21T07:00:00Z", "")]);
    routes.set(LIST, Reply::status("200 OK", &tag("list-1"), body));
    let statuses = format!("{LIST}/42/statuses");
    let open = list(&[status(7, "in_progress", "2026-11-21T07:01:00Z")]);
    routes.set(&statuses, Reply::status("200 OK", &tag("open"), open));
    let server = routes.serve();
    let mut github = source(&server, &["shop/checkout"], &[]);
    let first = github.poll(now()).await.unwrap();
    assert_eq!(first.changes[0].outcome, Outcome::Running);
    assert_eq!(
        first.changes[0].told.progress.as_ref().unwrap().shown(),
        "in progress"
    );

    routes.set(LIST, Reply::status("304 Not Modified", "", ""));
    routes.set(&statuses, Reply::status("304 Not Modified", "", ""));
    let second = github.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let asked = server.requests();
    let tags: Vec<_> = asked.iter().map(|r| r.header("if-none-match")).collect();
    assert_eq!(tags, [None, None, Some("W/\"list-1\""), Some("W/\"open\"")]);

    // It ends: then its statuses are not asked for any more.
    let ended = list(&[status(8, "failure", "2026-11-21T07:09:00Z")]);
    routes.set(&statuses, Reply::ok(ended));
    let third = github.poll(now()).await.unwrap();
    assert_eq!(third.changes[0].outcome, Outcome::Failed);
    server.take_paths();
    let fourth = github.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&third, &fourth));
    assert_eq!(server.take_paths(), [LIST]);
}

#[tokio::test]
async fn a_deployment_without_a_creator_and_hostile_texts_are_read() {
    let routes = Routes::default();
    let hostile = r#"{"id":7,"sha":null,"ref":"v1.2\u001b[2J","created_at":"2026-11-21T07:00:00Z","creator":null,
        "environment":"prod\u202e","task":"deploy:rollback"}"#;
    let bot = r#"{"id":8,"sha":"","ref":"v1.3","created_at":"2026-11-21T07:10:00Z","task":"deploy:migrations",
        "creator":{"login":"github-actions[bot]","type":"Bot"}}"#;
    let odd = r#"{"id":9,"created_at":"yesterday"}"#;
    routes.set(LIST, Reply::ok(format!("[{odd},{bot},{hostile}]")));
    routes.set(&format!("{LIST}/7/statuses"), Reply::ok("null"));
    let evil = r#"[{"id":1,"state":"in_progress\u0007","created_at":"2026-11-21T07:11:00Z",
        "log_url":"javascript:alert(1)","environment_url":"http://user:pw@h/","description":null}]"#;
    routes.set(&format!("{LIST}/8/statuses"), Reply::ok(evil));
    let server = routes.serve();
    let answer = source(&server, &["shop/checkout"], &[])
        .poll(now())
        .await
        .unwrap();
    assert_eq!(answer.changes.len(), 2);
    let [bot, hostile] = &answer.changes[..] else {
        unreachable!()
    };
    assert_eq!(hostile.who, None);
    assert_eq!(
        hostile.versions.to.as_ref().unwrap().shown(),
        "v1.2\\u{1b}[2J"
    );
    assert_eq!(
        hostile.subject.env.as_ref().unwrap().shown(),
        "prod\\u{202e}"
    );
    assert_eq!(
        (hostile.kind, hostile.outcome),
        (ChangeKind::Rollback, Outcome::Unknown)
    );
    assert_eq!(bot.who.as_ref().unwrap().kind, ActorKind::Automation);
    assert_eq!(bot.kind, ChangeKind::Migration);
    assert_eq!(bot.told.link, None);
    assert_eq!(
        bot.told.notes[0].shown(),
        "its state `in_progress\\u{7}` is not known to quell"
    );
    assert!(limits(&answer)[0].starts_with("shop/checkout: a deployment was left out: #9: "));
}

#[tokio::test]
async fn one_repository_that_fails_does_not_stop_the_others() {
    let routes = Routes::default();
    routes.set("/repos/shop/cart/deployments", Reply::ok("[]"));
    let refused =
        r#"{"message":"Resource not accessible by personal access token","status":"403"}"#;
    routes.set(
        "/repos/shop/pay/deployments",
        Reply::status("403 Forbidden", "", refused),
    );
    routes.set("/repos/shop/bad/deployments", Reply::ok("[{\"id\":"));
    let moved = "Location: https://api.github.com/repositories/7/deployments?per_page=100";
    routes.set(
        "/repos/shop/old/deployments",
        Reply::status("301 Moved Permanently", moved, ""),
    );
    let server = routes.serve();
    let mut github = source(
        &server,
        &["shop/gone", "shop/pay", "shop/bad", "shop/cart", "shop/old"],
        &[],
    );
    let answer = github.poll(now()).await.unwrap();
    let state = |at: usize| &answer.parts[at].state;
    assert_eq!(*state(0), PartState::Absent);
    assert!(
        matches!(state(1), PartState::NotPermitted(why) if why.raw().contains("not accessible"))
    );
    assert!(matches!(state(2), PartState::Failed(why) if why.raw().contains("ends early")));
    assert_eq!(*state(3), PartState::Read(0));
    assert_eq!(
        limits(&answer),
        [
            "shop/gone: not found or not permitted: GitHub says the same for both",
            "shop/old: renamed or moved: write its present name in `projects`",
        ]
    );

    let error = source(&server, &["shop/gone"], &[])
        .poll(now())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.detail.raw().contains("/api/v3"), "{}", error.detail);
}

#[tokio::test]
async fn a_rate_limit_is_busy_and_no_refusal_of_the_user() {
    let reset = "X-RateLimit-Limit: 5000\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1795248120\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT";
    let primary = r#"{"message":"API rate limit exceeded for user ID 1."}"#;
    let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#;
    let cases = [
        ("403 Forbidden", reset, primary, 120),
        ("429 Too Many Requests", reset, primary, 120),
        ("403 Forbidden", "", secondary, 60),
        ("403 Forbidden", "Retry-After: 30", secondary, 30),
        ("429 Too Many Requests", "Retry-After: 31", "", 31),
    ];
    for (status, headers, body, secs) in cases {
        let routes = Routes::default();
        let path = "/repos/a/one/deployments";
        routes.set(path, Reply::status(status, headers, body));
        let server = routes.serve();
        let error = source(&server, &["a/one", "a/two"], &[])
            .poll(now())
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Busy, "{status} {headers}");
        assert_eq!(
            error.retry_after.unwrap().as_secs(),
            secs,
            "{status} {headers}"
        );
        assert_eq!(server.take_paths(), [path], "the second one is not asked");
    }
}

#[tokio::test]
async fn a_reserve_of_the_rate_limit_is_never_used_up() {
    let routes = Routes::default();
    let low =
        "X-RateLimit-Limit: 5000\r\nX-RateLimit-Remaining: 49\r\nX-RateLimit-Reset: 1795249800";
    let body = list(&[deployment(42, "2026-11-21T07:00:00Z", "")]);
    routes.set(LIST, Reply::status("200 OK", low, body));
    let ended = list(&[status(8, "success", "2026-11-21T07:09:00Z")]);
    routes.set(&format!("{LIST}/42/statuses"), Reply::ok(ended));
    let server = routes.serve();
    let mut github = source(&server, &["shop/checkout", "shop/cart"], &[]);
    let first = github.poll(now()).await.unwrap();
    assert_eq!(server.take_paths(), [LIST]);
    assert_eq!(
        limits(&first),
        [
            "rate limit: 49 of 5000 requests are left; not asked again until 08:30:00Z",
            "shop/checkout: the statuses of 1 deployments are read at the next polls",
        ]
    );
    assert!(
        matches!(&first.parts[1].state, PartState::Failed(why) if why.raw().contains("rate limit"))
    );
    let second = github.poll(t("2026-11-21T08:29:59Z")).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second) && server.take_paths().is_empty());
    let third = github.poll(t("2026-11-21T08:30:00Z")).await.unwrap();
    assert_eq!(server.take_paths().len(), 3, "the count has begun anew");
    assert_eq!(third.changes[0].outcome, Outcome::Ok);
    assert_eq!(third.parts[1].state, PartState::Absent);
}

#[tokio::test]
async fn pages_are_followed_on_our_server_alone_and_only_as_far_back_as_needed() {
    let server = Server::answering(|request| {
        let page = request.params("page").first().cloned().unwrap_or_default();
        let link = |n: u32| {
            format!(
                "Link: <https://evil.test/x?per_page=100&environment=production&page={n}>; rel=\"next\""
            )
        };
        match (request.path().ends_with("statuses"), &*page) {
            (true, _) => Reply::ok("[]"),
            (_, "") => Reply::status(
                "200 OK",
                &link(2),
                list(&[deployment(42, "2026-11-21T07:00:00Z", "")]),
            ),
            (_, "2") => Reply::status(
                "200 OK",
                &link(3),
                list(&[deployment(41, "2026-11-01T07:00:00Z", "")]),
            ),
            _ => Reply::status("500 Internal Server Error", "", ""),
        }
    });
    let mut github = source(&server, &["shop/checkout"], &["production"]);
    let answer = github.poll(now()).await.unwrap();
    assert_eq!(
        answer.changes.len(),
        1,
        "one of three weeks ago is not told"
    );
    let pages: Vec<_> = server
        .requests()
        .iter()
        .map(|r| (r.params("page"), r.params("environment")))
        .collect();
    assert_eq!(pages[0], (vec![], vec!["production".to_owned()]));
    assert_eq!(pages[1].0, ["2"]);
    assert_eq!(pages.len(), 3, "two pages and one list of statuses");
}

#[tokio::test]
async fn a_server_that_goes_away_fails_the_poll_and_what_was_known_stays() {
    let routes = Routes::default();
    routes.set(
        LIST,
        Reply::ok(list(&[deployment(42, "2026-11-21T07:00:00Z", "")])),
    );
    routes.set(&format!("{LIST}/42/statuses"), Reply::ok("[]"));
    routes.set("/repos/shop/cart/deployments", Reply::ok("[]"));
    let server = routes.serve();
    let mut github = source(&server, &["shop/checkout", "shop/cart"], &[]);
    github.poll(now()).await.unwrap();
    routes.set(
        LIST,
        Reply::status("502 Bad Gateway", "", "<html><title>Oops</title></html>"),
    );
    let answer = github.poll(now()).await.unwrap();
    assert!(
        matches!(&answer.parts[0].state, PartState::LastKnown(why) if why.raw().contains("Oops"))
    );
    assert_eq!(answer.changes.len(), 1);
    routes.set(
        "/repos/shop/cart/deployments",
        Reply::status("502 Bad Gateway", "", ""),
    );
    let error = github.poll(now()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.detail.raw().ends_with("1 more projects failed; the API is at https://api.github.com, or under /api/v3 of an Enterprise Server"));
}

#[tokio::test]
async fn a_wrong_token_is_sent_once_and_never_shown() {
    let server = Server::answering(|_| {
        Reply::status(
            "401 Unauthorized",
            "",
            r#"{"message":"Bad credentials: ghp_s3cr3t"}"#,
        )
    });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "ghp_s3cr3t\n").unwrap();
    let mut settings = CodeHostSettings {
        endpoint: endpoint(&server.url),
        projects: vec!["a/one".to_owned(), "a/two".to_owned()],
        environments: Vec::new(),
    };
    settings.endpoint.auth = Auth::Bearer(Secret::File(file));
    let place = DeclaredPlace::default();
    let mut github = Github::new(&"gh".into(), &settings, &place).unwrap();
    let error = github.poll(now()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(!error.detail.raw().contains("s3cr3t"), "{}", error.detail);
    let asked = server.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), Some("Bearer ghp_s3cr3t"));
}

#[tokio::test]
async fn statuses_that_fail_leave_the_deployments_and_a_busy_host_is_left_alone() {
    let routes = Routes::default();
    let at = "2026-11-21T07:00:00Z";
    let body = list(&[
        deployment(44, at, ""),
        deployment(43, at, ""),
        deployment(42, at, ""),
    ]);
    routes.set(LIST, Reply::ok(body));
    routes.set("/repos/shop/cart/deployments", Reply::ok("[]"));
    let path = |id: u64| format!("{LIST}/{id}/statuses");
    routes.set(&path(43), Reply::ok("[{]"));
    routes.set(&path(42), Reply::ok(list(&[status(1, "success", at)])));
    let server = routes.serve();
    let mut github = source(&server, &["shop/checkout", "shop/cart"], &[]);
    let answer = github.poll(now()).await.unwrap();
    let outcomes: Vec<_> = answer.changes.iter().map(|c| c.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Unknown, Outcome::Unknown, Outcome::Ok],
        "44 is not found, 43 is malformed"
    );
    let line = limits(&answer)[0];
    assert!(
        line.starts_with(
            "shop/checkout: not all statuses could be read, 2 deployments have none: refused (404"
        ),
        "{line}"
    );

    server.take_paths();
    let busy = Reply::status("503 Service Unavailable", "", "unicorn");
    routes.set(&path(43), busy);
    let answer = github.poll(now()).await.unwrap();
    assert_eq!(server.take_paths(), [LIST, &*path(44), &*path(43)]);
    assert_eq!(answer.parts[0].state, PartState::Read(3));
    assert!(
        matches!(&answer.parts[1].state, PartState::LastKnown(why) if why.raw().contains("unicorn"))
    );
}

#[tokio::test]
async fn statuses_are_asked_for_a_few_dozen_at_a_time() {
    let many: Vec<String> = (0..60)
        .rev()
        .map(|id| deployment(id, "2026-11-21T07:00:00Z", ""))
        .collect();
    let body = list(&many);
    let server = Server::answering(move |request| {
        if request.path().ends_with("/statuses") {
            return Reply::ok(list(&[status(1, "success", "2026-11-21T07:01:00Z")]));
        }
        Reply::ok(&body)
    });
    let mut github = source(&server, &["shop/checkout"], &[]);
    let answer = github.poll(now()).await.unwrap();
    assert_eq!(server.take_paths().len(), 1 + MAX_STATUS_REQUESTS);
    assert_eq!(
        limits(&answer),
        ["shop/checkout: the statuses of 10 deployments are read at the next polls"]
    );
    let answer = github.poll(now()).await.unwrap();
    assert_eq!(server.take_paths().len(), 1 + 10);
    assert!(answer.limits.is_empty());
    github.poll(now()).await.unwrap();
    assert_eq!(server.take_paths().len(), 1);
}
