//! Silences against servers that answer oddly, and plans that should not be carried out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]

use super::*;
use crate::control::testing_http::{Asked, Fake, reply, request, seed, settings};
use crate::domain::check::{Found, Seen};
use crate::domain::plan::{Grade, Part};
use crate::domain::record::{Refusal, StepOutcome};

const STATUS: &str = r#"{"cluster":{"status":"ready","name":"a","peers":[{"name":"a"}]}}"#;

fn at() -> DateTime<Utc> {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

/// An Alertmanager without silences, whose answer to a write is given.
fn answering(write: String) -> Fake {
    Fake::answering(move |asked: &Asked| match asked.line.as_str() {
        "GET /api/v2/status" => reply("200 OK", "", STATUS),
        line if line.starts_with("GET ") => reply("200 OK", "", "[]"),
        _ => write.clone(),
    })
}

fn configured(fake: &Fake) -> (Settings, HttpServers) {
    let url = &fake.url;
    let settings = settings(&format!(
        "[[alertmanager]]\nname = \"am-1\"\nurl = \"{url}\"\n"
    ));
    let servers = HttpServers::new(&settings);
    (settings, servers)
}

async fn planned(fake: &Fake, matchers: &str, reason: &str) -> (Plan, HttpServers) {
    let (settings, servers) = configured(fake);
    let parameters = [
        ("matchers", matchers),
        ("duration", "30m"),
        ("reason", reason),
    ];
    let request = request("silence.create", &parameters);
    let targets = resolve(&settings, &servers, &request).await.unwrap();
    let plan = plan(
        &settings,
        &servers,
        &request,
        &seed(7, at()),
        &targets,
        at(),
    )
    .await;
    (plan.unwrap(), servers)
}

async fn sent(write: String, path: Option<&str>) -> StepOutcome {
    let fake = answering(write);
    let (plan, servers) = planned(&fake, r#"a="b", c="d""#, "x").await;
    let Write::Http(write) = &plan.steps[0].write else {
        panic!("no request");
    };
    let mut write = write.clone();
    if let Some(path) = path {
        write.path = path.to_owned();
        write.verb = Verb::Delete;
    }
    servers.send(&write).await.unwrap()
}

#[tokio::test]
async fn an_answer_that_is_not_clear_is_in_doubt() {
    let page = "<html><title>Sign in</title></html>";
    for write in [
        reply("200 OK", "", page),
        reply("200 OK", "", ""),
        reply("200 OK", "", "{}"),
        reply("200 OK", "", r#"{"silenceID":4}"#),
        reply("500 Internal Server Error", "", "\"boom\""),
        reply("502 Bad Gateway", "", page),
        reply("503 Service Unavailable", "", ""),
        reply("504 Gateway Timeout", "", ""),
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{".to_owned(),
        String::new(),
    ] {
        let outcome = sent(write.clone(), None).await;
        assert!(
            matches!(outcome, StepOutcome::InDoubt { .. }),
            "{write}: {outcome:?}"
        );
    }
    for write in [reply("200 OK", "", page), reply("500 Oops", "", "")] {
        let outcome = sent(write, Some("/api/v2/silence/1-2")).await;
        assert!(
            matches!(outcome, StepOutcome::InDoubt { .. }),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_clear_refusal_says_what_can_be_done_about_it() {
    for (status, wanted) in [
        ("400 Bad Request", Refusal::Invalid),
        ("401 Unauthorized", Refusal::Forbidden),
        ("403 Forbidden", Refusal::Forbidden),
        ("404 Not Found", Refusal::Gone),
        ("409 Conflict", Refusal::Changed),
        ("412 Precondition Failed", Refusal::Changed),
        ("422 Unprocessable Entity", Refusal::Invalid),
        ("429 Too Many Requests", Refusal::Busy),
        ("302 Found", Refusal::Other),
    ] {
        let write = reply(
            status,
            "Location: http://169.254.169.254/\r\n",
            "\"no\u{1b}[2Jway\"",
        );
        let outcome = sent(write, None).await;
        let StepOutcome::Refused { refusal, why } = outcome else {
            panic!("{status}: {outcome:?}");
        };
        assert_eq!(refusal, wanted, "{status}");
        assert!(!why.shown().contains('\u{1b}'), "{why}");
    }
}

#[tokio::test]
async fn what_is_posted_is_what_was_asked_for_and_nobody_forges_a_mark() {
    let fake = answering(reply("200 OK", "", r#"{"silenceID":"1-2"}"#));
    let reason = "look [quell.dev/action-id 00000000000000000000000000000000]";
    let (plan, servers) = planned(&fake, r#"a="b\"\\", c!~"d|e", f=~"g.+", h!="""#, reason).await;
    let Write::Http(write) = &plan.steps[0].write else {
        panic!("no request");
    };
    let outcome = servers.send(write).await.unwrap();
    assert_eq!(outcome, super::super::http_servers::applied("silence 1-2"));
    let writes = fake.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].line, "POST /api/v2/silences");
    assert_eq!(writes[0].headers["content-type"], "application/json");
    let matcher = |name: &str, value: &str, is_regex: bool, is_equal: bool| json!({ "name": name, "value": value, "isRegex": is_regex, "isEqual": is_equal });
    assert_eq!(
        writes[0].json(),
        json!({
            "matchers": [
                matcher("a", "b\"\\", false, true),
                matcher("c", "d|e", true, false),
                matcher("f", "g.+", true, true),
                matcher("h", "", false, false),
            ],
            "startsAt": "2026-03-01T10:00:00.000Z",
            "endsAt": "2026-03-01T10:30:00.000Z",
            "createdBy": "dana",
            "comment": "look [quell action 00000000000000000000000000000000] \
                [quell.dev/action-id 07070707070707070707070707070707]",
        })
    );
    assert_eq!(plan.dry_run.grade, Grade::C);
    let seen = Seen::Value(json!([{ "id": "1-2", "comment": writes[0].json()["comment"] }]));
    assert_eq!(plan.steps[0].evidence.judge(&seen), Found::Applied);
}

#[tokio::test]
async fn a_silence_that_is_too_broad_is_refused() {
    let fake = answering(String::new());
    for (matchers, what) in [
        (r#"alertname="X""#, "has at least two matchers"),
        (r#"a!="b", c!~"d""#, "one matcher needs a label to be there"),
        (
            r#"alertname=~".+", severity=~".*""#,
            "does not match everything",
        ),
        (r#"alertname=~".+", job!="x""#, "does not match everything"),
    ] {
        let (plan, _) = planned(&fake, matchers, "x").await;
        let broken = plan
            .preconditions
            .iter()
            .filter(|one| one.state == Holds::No);
        let broken: Vec<_> = broken.map(|one| one.what.raw()).collect();
        assert!(broken.contains(&what), "{matchers}: {broken:?}");
    }
    let (plan, _) = planned(&fake, r#"alertname="X", severity=~".*""#, "x").await;
    assert!(plan.preconditions.iter().all(|one| one.state == Holds::Yes));
}

#[tokio::test]
async fn alerts_that_cannot_be_read_leave_what_it_hides_unknown() {
    let fake = Fake::answering(|asked| match asked.line.as_str() {
        "GET /api/v2/status" => reply("200 OK", "", STATUS),
        "GET /api/v2/silences" => reply("200 OK", "", "[]"),
        _ => reply("503 Service Unavailable", "", "limit reached"),
    });
    let (plan, _) = planned(&fake, r#"a="b", c="d""#, "x").await;
    assert_eq!(plan.blast.count, None);
    assert!(
        plan.preconditions
            .iter()
            .any(|one| one.state == Holds::Unknown)
    );
}

#[tokio::test]
async fn an_id_never_leaves_its_place() {
    let fake = answering(String::new());
    let (settings, servers) = configured(&fake);
    for id in [
        "../status",
        "a/b",
        "%2e%2e",
        "a?x=1",
        "a b",
        "@evil",
        "a\r\nX: 1",
        "{a}",
        "",
    ] {
        let request = request("silence.expire", &[("id", id)]);
        let why = resolve(&settings, &servers, &request).await.unwrap_err();
        assert!(
            why.to_string().contains("is no id of a silence"),
            "{id}: {why}"
        );
    }
    assert!(
        fake.asked()
            .iter()
            .all(|one| one.line == "GET /api/v2/status")
    );
}

/// A server that makes a new silence of an extension, as Alertmanager does when something differs.
#[tokio::test]
async fn another_id_in_the_answer_is_said_and_counts_as_done() {
    let stored = json!({
        "id": "old-1", "status": { "state": "active" }, "matchers": [
            { "name": "a", "value": "b", "isRegex": false }, { "name": "c", "value": "(", "isRegex": true },
        ],
        "startsAt": "2026-03-01T09:00:00.123Z", "endsAt": "2026-03-01T11:00:00.000Z",
        "createdBy": "mara", "comment": "disk", "annotations": { "k": "v" },
    });
    let answer = stored.to_string();
    let fake = Fake::answering(move |asked| match asked.line.as_str() {
        "GET /api/v2/status" => reply("200 OK", "", STATUS),
        "GET /api/v2/silence/old-1" => reply("200 OK", "", &answer),
        line if line.starts_with("GET ") => reply("200 OK", "", "[]"),
        _ => reply("200 OK", "", r#"{"silenceID":"new-1"}"#),
    });
    let (settings, servers) = configured(&fake);
    let request = request("silence.extend", &[("id", "old-1"), ("duration", "4h")]);
    let targets = resolve(&settings, &servers, &request).await.unwrap();
    let seed = seed(7, at());
    let plan = plan(&settings, &servers, &request, &seed, &targets, at());
    let plan = plan.await.unwrap();
    let unknown = plan
        .preconditions
        .iter()
        .find(|one| one.state == Holds::Unknown);
    assert_eq!(unknown.unwrap().what.raw(), "its matchers are understood");
    let Write::Http(write) = &plan.steps_of(Part::Forward)[0].write else {
        panic!("no request");
    };
    let outcome = servers.send(write).await.unwrap();
    let StepOutcome::Applied { note } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        note.raw(),
        "silence new-1: the server made a new one, and old-1 has ended"
    );
    let posted = fake.writes()[0].json();
    for echoed in ["id", "matchers", "startsAt", "createdBy", "annotations"] {
        assert_eq!(posted[echoed], stored[echoed], "{echoed}");
    }
    assert_eq!(posted["endsAt"], "2026-03-01T14:00:00.000Z");
}

#[tokio::test]
async fn several_silences_with_the_mark_are_left_to_a_person() {
    let id = seed(7, at()).id;
    let silence = |number: u8| {
        json!({
            "id": format!("n-{number}"), "status": { "state": "active" }, "matchers": [],
            "startsAt": "2026-03-01T09:00:00Z", "endsAt": "2026-03-01T11:00:00Z",
            "comment": marked("x", &id),
        })
    };
    let all = json!([silence(1), silence(2)]).to_string();
    let fake = Fake::answering(move |_| reply("200 OK", "", &all));
    let (_, servers) = configured(&fake);
    let Write::Http(write) = delete(&"am-1".into(), &sending::placeholder(&id)) else {
        panic!("no request");
    };
    let outcome = servers.send(&write).await.unwrap();
    assert!(matches!(&outcome, StepOutcome::Refused { why, .. } if why.raw().contains("n-1, n-2")));
    assert!(fake.writes().is_empty());
}
