//! Nothing that a plan calls sensitive is told, wherever it was copied to.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

/// What is sensitive in each fixture.
const SECRETS: [(&str, &[&str]); 5] = [
    ("", &["FAKE-tok-0001", "FAKE-tok-9999-rotated"]),
    (
        "18-",
        &["FAKE-hunter2-not-a-secret", "FAKE-pass-1", "FAKE-v-2"],
    ),
    (
        "20-",
        &["FAKE-hunter2-not-a-secret", "FAKE-pass-1", "FAKE-v-2"],
    ),
    ("21-", &["FAKE-"]),
    ("30-", &["FAKE-", "4815162342"]),
];

#[tokio::test]
async fn no_fixture_tells_a_secret() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/terraform");
    let mut count = 0;
    for entry in fs::read_dir(path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.contains(".json") {
            continue;
        }
        let answer = of_fixture(&name).await;
        let text = format!("{} {answer:?}", serde_json::to_string(&*answer).unwrap());
        for (prefix, secrets) in SECRETS {
            if name.starts_with(prefix) {
                for secret in secrets {
                    assert!(!text.contains(secret), "{name}: {secret} in {text}");
                }
            }
        }
        count += 1;
    }
    assert_eq!(
        count, 23,
        "a fixture came or went: say what is secret in it"
    );
}

/// A plan in which the rotated secret stands everywhere that a plan has.
fn copied_everywhere() -> Vec<u8> {
    changed("30-secret-copied-everywhere.show.json", |plan| {
        let secret = "FAKE-copied-everywhere-77";
        plan["resource_drift"] = json!([
            {
                "address": format!("aws_db.{secret}[\"{secret}\"]"),
                "previous_address": format!("aws_db.old[\"{secret}\"]"),
                "module_address": format!("module.m[\"{secret}\"]"),
                "type": secret, "name": secret, "action_reason": secret,
                "change": {
                    "actions": ["update", secret],
                    "before": {"tags": {secret: 1, "x": "a"}, "l": [{"v": "x"}]},
                    "after": {"tags": {"x": format!("{}-{secret}", "y".repeat(190))}, "l": [{"v": {"deep": [secret, 4_815_162_342_u64]}}], "pem": "-FAKE-pem-line-1\nFAKE-pem-line-2-"},
                }
            },
            {
                "address": "aws_db.rotated", "type": "aws_db", "name": "rotated",
                "change": {
                    "actions": ["update"],
                    "before": {"password": "FAKE-only-in-drift-before", "user": "FAKE-only-in-drift-after"},
                    "after": {"password": "FAKE-only-in-drift-after", "user": "FAKE-only-in-drift-before"},
                    "before_sensitive": {"password": true},
                    "after_sensitive": {"password": true},
                }
            },
        ]);
        plan["checks"][0]["address"]["to_display"] = json!(format!("check.x[\"{secret}\"]"));
    })
}

#[tokio::test]
async fn a_secret_is_hidden_wherever_it_was_copied_to() {
    let sidecar = json!({
        "command": "terraform plan -var password=FAKE-copied-everywhere-77",
        "workspace": "ws-FAKE-copied-everywhere-77",
        "commit": "FAKE-module-constant-42",
        "more-FAKE-copied-everywhere-77": 1,
    });
    let answer = told(&[
        ("plan.json", &copied_everywhere()),
        ("plan.meta.json", sidecar.to_string().as_bytes()),
        // Another file of the same source knows the same secret.
        (
            "apply-FAKE-copied-everywhere-77.jsonl",
            br#"{"@level":"info","@timestamp":"2026-11-21T19:04:21Z","type":"planned_change","change":{"resource":{"addr":"a.b[\"FAKE-copied-everywhere-77\"]"},"action":"update"}}
{"FAKE-copied-everywhere-77": FAKE-copied-everywhere-77}
{"@level":"error","@timestamp":"2026-11-21T19:04:21Z","type":"diagnostic","diagnostic":{"severity":"error","summary":"no FAKE-copied-everywhere-77","detail":"FAKE-unmarked-detail","snippet":{"code":"FAKE-unmarked-code"}}}
"#,
        ),
    ])
    .await;
    let text = serde_json::to_string(&*answer).unwrap();
    for secret in ["FAKE-", "4815162342", "pem-line"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let shown = rows(&answer);
    assert!(
        shown
            .iter()
            .any(|row| row.starts_with("drift aws_db.rotated update [password user]"))
    );
    let rotated = answer
        .drifts
        .iter()
        .find(|d| d.subject.target.raw() == "aws_db.rotated")
        .unwrap();
    assert!(rotated.paths[0].masked && rotated.paths[0].before.is_none());
    assert!(!rotated.paths[1].masked);
    assert_eq!(
        rotated.paths[1].before.as_ref().unwrap().raw(),
        "(sensitive)"
    );
    let provenance = rotated.report.provenance.as_ref().unwrap().raw();
    assert!(provenance.starts_with("terraform plan -var password=(sensitive), workspace"));
    assert!(text.contains("login with (sensitive) failed"), "{text}");
    // Nothing else is hidden.
    assert!(text.contains("db2.example.test"), "{text}");
}

#[tokio::test]
async fn resources_that_are_named_alike_without_their_secrets_stay_two() {
    let plan = changed("30-secret-copied-everywhere.show.json", |plan| {
        let one = plan["resource_changes"][0].clone();
        let mut two = one.clone();
        two["address"] = json!("terraform_data.per_secret[\"FAKE-output-only-4815162342\"]");
        let list = plan["resource_changes"].as_array_mut().unwrap();
        list.insert(1, two);
    });
    let answer = told(&[("plan.json", &plan)]).await;
    let ids: Vec<&str> = answer.drifts.iter().map(|d| d.id.raw()).collect();
    let base = "terraform:tf:plan:terraform_data.per_secret[\"(sensitive)\"]:pending";
    assert_eq!(ids[..2], [base.to_owned(), format!("{base}#2")]);
}
