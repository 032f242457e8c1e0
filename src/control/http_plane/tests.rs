//! Operations of a control plane, against one that notes what it is asked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test fails")]

use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::control::testing_http::{Asked, Fake, endpoint, reply, request, seed, settings};
use crate::domain::check::{Found, Progress, Seen};
use crate::domain::plan::Part;
use crate::domain::record::Refusal;

fn at() -> DateTime<Utc> {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

fn document() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/control/collectors.yaml"
    ))
}

fn configured(fake: &Fake) -> (Settings, HttpServers) {
    let mut settings = settings("");
    let allow = ["setBuffering", "restart", "deleteRule"];
    settings.actions.control_planes.push(ControlPlane {
        name: "obs".into(),
        endpoint: endpoint(&format!("{}/api/", fake.url)),
        openapi: Some(document()),
        allow: allow.map(str::to_owned).to_vec(),
        operations: Vec::new(),
    });
    let servers = HttpServers::new(&settings);
    (settings, servers)
}

const SET: &[(&str, &str)] = &[
    ("cluster", "eu 1"),
    ("mode", "disk"),
    ("megabytes", "512"),
    ("on", "true"),
];
const DATE: &str = "ETag: \"v7\"\r\nDate: Sun, 01 Mar 2026 10:00:42 GMT\r\n";

fn buffering(answer: impl Fn(&Asked) -> Option<String> + Send + 'static) -> Fake {
    Fake::answering(move |asked| {
        let other = || match asked.line.as_str() {
            "GET /api/v1/collectors/eu%201/buffering" => reply(
                "200 OK",
                DATE,
                r#"{"mode":"off","megabytes":64,"on":false}"#,
            ),
            _ => reply("200 OK", "", "{}"),
        };
        answer(asked).unwrap_or_else(other)
    })
}

async fn planned(
    fake: &Fake,
    action: &str,
    given: &[(&str, &str)],
) -> Result<(Plan, HttpServers), NoPlan> {
    let (settings, servers) = configured(fake);
    let request = request(action, given);
    let targets = resolve(&settings, &request)?;
    let seed = seed(7, at());
    let plan = plan(&settings, &servers, &request, &seed, &targets, at()).await?;
    Ok((plan, servers))
}

fn http(step: &Step) -> &HttpWrite {
    match &step.write {
        Write::Http(write) => write,
        Write::Command(_) => panic!("a command"),
    }
}

#[test]
fn a_document_is_read_for_what_is_allowed() {
    let fake = buffering(|_| None);
    let (settings, _) = configured(&fake);
    let (specs, problems) = specs(&settings.actions);
    assert_eq!(problems, Vec::<String>::new());
    let names: Vec<_> = specs.iter().map(|spec| &*spec.name).collect();
    assert_eq!(
        names,
        [
            "http.obs.setBuffering",
            "http.obs.restart",
            "http.obs.deleteRule"
        ]
    );
    let words: Vec<_> = specs[0]
        .parameters
        .iter()
        .map(|p| format!("{}={}", p.name, p.kind.word()))
        .collect();
    assert_eq!(
        words,
        [
            "cluster=TEXT",
            "megabytes=1..4096",
            "mode=off|disk|memory",
            "on=true|false"
        ]
    );
    assert_eq!((specs[0].risk, specs[1].risk), (Risk::R1, Risk::R3));
}

#[tokio::test]
async fn an_operation_is_tried_sent_verified_and_can_be_taken_back() {
    let fake = buffering(|_| None);
    let (plan, servers) = planned(&fake, "http.obs.setBuffering", SET).await.unwrap();
    assert_eq!(plan.word(), "eu 1");
    assert_eq!(plan.dry_run.grade, Grade::A);
    assert_eq!(plan.dry_run.verdict, DryVerdict::Accepted);
    assert_eq!(plan.server_ahead_secs, Some(42));
    let before: Vec<_> = plan
        .differences
        .iter()
        .map(|d| d.before.as_ref().unwrap().raw())
        .collect();
    assert_eq!(before, ["64", "off", "false"]);
    let trial = &fake.writes()[0];
    assert_eq!(
        trial.line,
        "PUT /api/v1/collectors/eu%201/buffering?dryRun=true"
    );
    let outcome = servers.send(http(&plan.steps[0])).await.unwrap();
    assert!(
        matches!(outcome, StepOutcome::Applied { .. }),
        "{outcome:?}"
    );
    let real = &fake.writes()[1];
    assert_eq!(real.line, "PUT /api/v1/collectors/eu%201/buffering");
    assert_eq!(
        real.json(),
        json!({ "mode": "disk", "megabytes": 512, "on": true })
    );
    assert_eq!(real.headers["if-match"], "\"v7\"");
    assert_eq!(real.headers["idempotency-key"], plan.seed.id.as_str());
    assert_ne!(
        trial.headers["idempotency-key"],
        real.headers["idempotency-key"]
    );

    let is = Seen::Value(json!({ "mode": "disk", "megabytes": 512, "on": true }));
    let was = Seen::Value(json!({ "mode": "off", "megabytes": 64, "on": false }));
    let other = Seen::Value(json!({ "mode": "memory", "megabytes": 64, "on": false }));
    let step = &plan.steps[0];
    assert_eq!(step.check.as_ref().unwrap().judge(&is), Progress::Done);
    assert_eq!(step.evidence.judge(&is), Found::Applied);
    assert_eq!(step.evidence.judge(&was), Found::NotApplied);
    assert!(matches!(step.evidence.judge(&other), Found::Unknown(_)));

    let back = http(&plan.steps_of(Part::Reverse)[0]);
    assert_eq!(back.path, "/v1/collectors/eu%201/buffering");
    let body: Value = serde_json::from_str(&back.body).unwrap();
    assert_eq!(body, json!({ "mode": "off", "megabytes": 64, "on": false }));
    assert!(back.headers.iter().all(|(name, _)| name != "If-Match"));
    assert_eq!(plan.risk, Risk::R1);
}

#[tokio::test]
async fn a_change_in_between_is_refused_and_a_redirect_is_not_followed() {
    for (status, wanted) in [
        ("412 Precondition Failed", Refusal::Changed),
        ("308 Permanent Redirect", Refusal::Other),
    ] {
        let fake = buffering(move |asked| {
            let location = "Location: http://169.254.169.254/latest/meta-data\r\n";
            asked
                .line
                .starts_with("PUT ")
                .then(|| reply(status, location, ""))
        });
        let (plan, servers) = planned(&fake, "http.obs.setBuffering", SET).await.unwrap();
        assert!(matches!(plan.dry_run.verdict, DryVerdict::Refused(_)));
        let outcome = servers.send(http(&plan.steps[0])).await.unwrap();
        assert!(matches!(outcome, StepOutcome::Refused { refusal, .. } if refusal == wanted));
        assert_eq!(
            fake.writes().len(),
            2,
            "the trial and the write, nothing followed"
        );
    }
}

#[tokio::test]
async fn without_a_version_or_what_stood_there_before_it_says_so() {
    let fake = buffering(|asked| {
        asked
            .line
            .starts_with("GET ")
            .then(|| reply("200 OK", "", r#"{"mode":null}"#))
    });
    let (plan, _) = planned(&fake, "http.obs.setBuffering", SET).await.unwrap();
    assert_eq!(plan.preconditions[0].state, Holds::No);
    assert!(matches!(plan.reverse, Reverse::None(_)));
    assert_eq!(plan.risk, Risk::R3, "without a way back");
}

#[tokio::test]
async fn an_operation_without_a_dry_run_says_so() {
    let fake = buffering(|_| None);
    let (plan, servers) = planned(&fake, "http.obs.restart", &[("cluster", "eu")])
        .await
        .unwrap();
    assert_eq!((plan.dry_run.grade, plan.risk), (Grade::D, Risk::R3));
    assert!(fake.asked().is_empty(), "a plan of it sends nothing");
    assert!(matches!(plan.steps[0].evidence, Evidence::None(_)));
    servers.send(http(&plan.steps[0])).await.unwrap();
    assert_eq!(fake.asked()[0].line, "POST /api/v1/collectors/eu/restart");
    assert_eq!(fake.asked()[0].body, "");
}

#[tokio::test]
async fn no_value_leaves_its_place() {
    let fake = buffering(|_| None);
    for value in [
        "../admin",
        "..",
        ".",
        "...",
        "a/b",
        "//evil.example",
        "%2e%2e",
        "%2e%2e%2fadmin",
        "a\\b",
        "a\r\nX-Evil: 1",
        "",
    ] {
        let given = [("cluster", value)];
        let why = planned(&fake, "http.obs.restart", &given).await.err();
        assert!(why.is_some(), "{value}");
    }
    assert!(fake.asked().is_empty());
    for (value, line) in [
        (
            "@evil.example",
            "POST /api/v1/collectors/%40evil.example/restart",
        ),
        ("a?x=1#y", "POST /api/v1/collectors/a%3Fx%3D1%23y/restart"),
        ("{why}", "POST /api/v1/collectors/%7Bwhy%7D/restart"),
        ("ü;a", "POST /api/v1/collectors/%C3%BC%3Ba/restart"),
        ("http:evil", "POST /api/v1/collectors/http%3Aevil/restart"),
    ] {
        let (plan, servers) = planned(&fake, "http.obs.restart", &[("cluster", value)])
            .await
            .unwrap();
        servers.send(http(&plan.steps[0])).await.unwrap();
        assert_eq!(fake.asked().last().unwrap().line, line);
    }
    let given = [("id", "r-1"), ("why", "a&b=c#d\u{e9} {id}")];
    let (plan, servers) = planned(&fake, "http.obs.deleteRule", &given).await.unwrap();
    servers.send(http(&plan.steps[0])).await.unwrap();
    let line = fake.asked().last().unwrap().line.clone();
    assert_eq!(
        line,
        "DELETE /api/v1/rules/r-1?why=a%26b%3Dc%23d%C3%A9+%7Bid%7D"
    );
}

#[test]
fn what_cannot_be_read_names_its_place() {
    let operation = |more: Value| {
        let mut operation = json!({ "operationId": "op", "parameters": [] });
        operation
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "openapi": "3.0.3", "paths": { "/x": { "post": operation } } })
    };
    let body = |schema: Value| json!({ "requestBody": { "content": { "application/json": { "schema": schema } } } });
    let allowed = ["op".to_owned()];
    for (document, words) in [
        (json!({ "swagger": "2.0" }), "only 3 is read"),
        (
            json!({ "openapi": "3.0.0", "paths": {} }),
            "no operation `op`",
        ),
        (
            operation(json!({ "requestBody": { "content": { "text/plain": {} } } })),
            "requestBody: only",
        ),
        (operation(body(json!({ "oneOf": [] }))), "`oneOf` cannot"),
        (operation(body(json!({ "type": "array" }))), "no object"),
        (
            operation(body(
                json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "array" } } }),
            )),
            "paths./x.post.requestBody.a: a value of type array",
        ),
        (
            operation(body(json!({ "$ref": "http://evil.example/x" }))),
            "not within the document",
        ),
        (
            operation(body(
                json!({ "$ref": "#/paths/~1x/post/requestBody/content/application~1json/schema" }),
            )),
            "in circles",
        ),
        (
            operation(json!({ "parameters": [{ "name": "c", "in": "cookie", "required": true }] })),
            "parameters.c: a required parameter in the cookie",
        ),
        (
            operation(json!({ "x-quell-risk": "R9" })),
            "x-quell-risk: it is none",
        ),
        (
            operation(json!({ "x-quell-dryrun": true })),
            "x-quell-dryrun",
        ),
        (
            operation(json!({ "x-quell-reverse": {} })),
            "names no `operation`",
        ),
    ] {
        let (read, problems) = openapi::of(&document, &allowed);
        assert!(read.is_empty(), "{words}");
        assert!(
            problems.iter().any(|one| one.contains(words)),
            "{words}: {problems:?}"
        );
    }
    let unnamed =
        json!({ "openapi": "3.0.0", "paths": { "/x/{y}": { "post": { "operationId": "op" } } } });
    let (_, problems) = openapi::of(&unnamed, &allowed);
    assert!(
        problems[0].contains("no parameter describes `{y}`"),
        "{problems:?}"
    );
}
