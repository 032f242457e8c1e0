//! Real plans, streams and applies of Terraform 1.11.4, and what must be concluded from each.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod files;
mod secrecy;
mod streams;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::config::delivery::Provenance;
use crate::domain::change::{ChangeKind, Outcome};
use crate::domain::delivery::{PartState, TroubleKind};
use crate::domain::drift::{Drift, DriftKind};
use crate::domain::text::Untrusted;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/terraform");
    fs::read(folder.join(name)).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn now() -> DateTime<Utc> {
    at("2026-11-21T19:30:00Z")
}

fn settings(path: PathBuf) -> TerraformSettings {
    TerraformSettings {
        path,
        cadence: Some(Duration::from_hours(24)),
        provenance: Provenance::default(),
    }
}

fn client(path: &Path) -> Terraform {
    let place = DeclaredPlace {
        env: Some("prod".into()),
        cluster: Some("eu-1".into()),
        ..DeclaredPlace::default()
    };
    Terraform::new(&"tf".into(), &settings(path.to_owned()), &place)
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

async fn told(files: &[(&str, &[u8])]) -> Arc<DeliveryAnswer> {
    let folder = folder(files);
    client(folder.path()).poll(now()).await.unwrap()
}

async fn of_fixture(name: &str) -> Arc<DeliveryAnswer> {
    let end = name.rsplit('.').next().unwrap();
    told(&[(&format!("plan.{end}"), &fixture(name))]).await
}

/// `kind address actions [paths] reverted`.
fn rows(answer: &DeliveryAnswer) -> Vec<String> {
    let row = |drift: &Drift| {
        let actions: Vec<&str> = drift.actions.iter().map(Untrusted::shown).collect();
        let paths: Vec<&str> = drift.paths.iter().map(|p| p.path.shown()).collect();
        let reverted = match drift.reverted_by_apply {
            None => "",
            Some(true) => " reverted",
            Some(false) => " stays",
        };
        let (kind, target) = (drift.kind.word(), &drift.subject.target);
        let (actions, paths) = (actions.join("+"), paths.join(" "));
        format!("{kind} {target} {actions} [{paths}]{reverted}")
    };
    answer.drifts.iter().map(row).collect()
}

fn limits(answer: &DeliveryAnswer) -> Vec<&str> {
    answer.limits.iter().map(Untrusted::shown).collect()
}

fn failure(answer: &DeliveryAnswer) -> &str {
    let mut failed = answer.parts.iter().filter_map(|part| match &part.state {
        PartState::Failed(why) => Some(why.shown()),
        _ => None,
    });
    failed.next().unwrap_or_default()
}

#[tokio::test]
async fn every_recorded_plan_gets_its_own_verdict() {
    let cases: [(&str, &[&str]); 11] = [
        ("01-no-drift.show.json", &[]),
        (
            "02-drift-update.show.json",
            &["drift fake_service.web update [image public replicas] reverted"],
        ),
        (
            "04-drift-delete.show.json",
            &["drift fake_service.worker[\"refunds\"] delete [] reverted"],
        ),
        (
            "06-drift-sensitive.show.json",
            &["drift fake_service.web update [api_token] reverted"],
        ),
        (
            "07-config-change-replace-no-drift.show.json",
            &[
                "pending fake_service.web delete+create [endpoint id image name]",
                "pending terraform_data.dashboard update [input[\"service\"] output]",
            ],
        ),
        (
            "08-drift-plus-config-change.show.json",
            &[
                "drift fake_service.web update [replicas] reverted",
                "pending fake_service.worker[\"orders\"] update [image]",
                "pending fake_service.worker[\"refunds\"] update [image]",
            ],
        ),
        (
            "12-orphan-delete-config.show.json",
            &["pending fake_service.worker[\"refunds\"] delete []"],
        ),
        ("13-moved.show.json", &[]),
        (
            "14-drift-with-failed-check.show.json",
            &["drift fake_service.web update [replicas] stays"],
        ),
        ("15-output-only-change.show.json", &[]),
        (
            "22-drift-computed-only.show.json",
            &[
                "drift fake_service.web update [endpoint] stays",
                "pending terraform_data.dashboard update [input[\"service\"] output]",
            ],
        ),
    ];
    for (name, expected) in cases {
        let answer = of_fixture(name).await;
        assert_eq!(rows(&answer), expected, "{name}");
        assert_eq!(limits(&answer), Vec::<&str>::new(), "{name}");
        let [part] = &answer.parts[..] else {
            unreachable!("{name}: {:?}", answer.parts);
        };
        assert_eq!(part.state, PartState::Read(expected.len()), "{name}");
    }
}

#[tokio::test]
async fn a_row_says_where_when_and_what_it_was() {
    let answer = of_fixture("02-drift-update.show.json").await;
    let drift = &answer.drifts[0];
    assert_eq!(drift.id.raw(), "terraform:tf:plan:fake_service.web");
    assert_eq!(drift.subject.env.as_ref().unwrap().raw(), "prod");
    let label = |name: &str| drift.subject.labels.get(name).unwrap().raw();
    assert_eq!((label("kind"), label("name")), ("fake_service", "web"));
    assert_eq!((label("cluster"), label("source")), ("eu-1", "tf"));
    assert_eq!(drift.report.cadence_secs, Some(86_400));
    let timestamp: Value = serde_json::from_slice(&fixture("02-drift-update.show.json")).unwrap();
    let timestamp = at(timestamp["timestamp"].as_str().unwrap());
    assert_eq!(drift.report.at, Some(timestamp));
    assert_eq!(drift.report.provenance, None);
    let replicas = &drift.paths[2];
    assert_eq!(replicas.before.as_ref().unwrap().raw(), "3");
    assert_eq!(replicas.after.as_ref().unwrap().raw(), "7");
    assert_eq!(answer.version.as_ref().unwrap().raw(), "1.11.4");
}

#[tokio::test]
async fn moves_and_outputs_are_nothing_but_are_said() {
    let moved = of_fixture("13-moved.show.json").await;
    assert_eq!(
        moved.parts[0].what.raw(),
        "plan.json (1 resource is only moved)"
    );
    let outputs = of_fixture("15-output-only-change.show.json").await;
    assert_eq!(
        outputs.parts[0].what.raw(),
        "plan.json (the plan has only output changes: 1 output would change)"
    );
}

#[tokio::test]
async fn a_failed_check_is_trouble() {
    let answer = of_fixture("14-drift-with-failed-check.show.json").await;
    let [trouble] = &answer.troubles[..] else {
        unreachable!("{:?}", answer.troubles);
    };
    assert_eq!(trouble.kind, TroubleKind::Policy);
    assert_eq!(trouble.subject.target.raw(), "check.replica_floor");
    assert_eq!(trouble.what.raw(), "web must keep at least 3 replicas");
}

#[tokio::test]
async fn a_large_plan_is_told_in_full() {
    let answer = of_fixture("25-large-400-resources.show.json").await;
    let is_delete = |drift: &&Drift| drift.actions[0].raw() == "delete";
    assert_eq!(answer.drifts.len(), 104);
    assert_eq!(answer.drifts.iter().filter(is_delete).count(), 4);
    assert!(
        answer
            .drifts
            .iter()
            .all(|d| d.reverted_by_apply == Some(false))
    );
}

#[tokio::test]
async fn a_new_instance_that_is_not_known_yet_is_pending() {
    let answer = of_fixture("20-module-create-unknown.show.json").await;
    let expected = ["pending module.cache[2].terraform_data.node create []"];
    assert_eq!(rows(&answer), expected);
    let label = answer.drifts[0].subject.labels.get("module").unwrap();
    assert_eq!(label.raw(), "module.cache[2]");
}

#[tokio::test]
async fn a_state_is_no_drift_report() {
    let answer = of_fixture("21-state-only.show.json").await;
    assert!(answer.drifts.is_empty());
    assert!(failure(&answer).starts_with("holds a state, not a plan"));
}

/// The plan of a fixture, changed.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut plan: Value = serde_json::from_slice(&fixture(name)).unwrap();
    change(&mut plan);
    serde_json::to_vec(&plan).unwrap()
}

#[tokio::test]
async fn a_plan_that_failed_or_looked_at_a_part_is_never_clean() {
    let errored = changed("01-no-drift.show.json", |plan| {
        plan["errored"] = json!(true);
        plan["complete"] = json!(false);
    });
    let answer = told(&[("prod.json", &errored)]).await;
    assert_eq!(rows(&answer), ["error prod  []"]);
    let targeted = changed("02-drift-update.show.json", |plan| {
        plan["complete"] = json!(false);
    });
    let answer = told(&[("prod.json", &targeted)]).await;
    let kinds: Vec<DriftKind> = answer.drifts.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, [DriftKind::Partial, DriftKind::Drift]);
}

#[tokio::test]
async fn a_plan_of_opentofu_does_not_tell_whether_it_is_complete() {
    let tofu = changed("02-drift-update.show.json", |plan| {
        let plan = plan.as_object_mut().unwrap();
        plan.remove("complete");
        plan.remove("applyable");
        plan.insert("some_new_field".into(), json!([1]));
    });
    let answer = told(&[("prod.json", &tofu)]).await;
    let detail = answer.drifts[0].detail.as_ref().unwrap();
    assert_eq!(
        detail.raw(),
        "the plan does not tell whether it is complete"
    );
    assert!(limits(&answer).is_empty());
}

#[tokio::test]
async fn another_format_is_unknown_and_named() {
    let new = changed("02-drift-update.show.json", |plan| {
        plan["format_version"] = json!("2.0");
    });
    let answer = told(&[("prod.json", &new)]).await;
    assert_eq!(rows(&answer), ["unknown prod  []"]);
    assert!(
        answer.drifts[0]
            .detail
            .as_ref()
            .unwrap()
            .raw()
            .contains("format_version 2.0")
    );
}

#[tokio::test]
async fn a_plan_cut_in_half_says_where_and_tells_nothing_of_it() {
    let whole = fixture("06-drift-sensitive.show.json");
    let answer = told(&[("prod.json", &whole[..whole.len() / 2])]).await;
    assert_eq!(rows(&answer), ["error prod  []"]);
    let why = failure(&answer);
    assert!(why.starts_with("prod.json:"), "{why}");
    assert!(why.contains("the document ends early"), "{why}");
}

#[tokio::test]
async fn wherever_a_plan_is_cut_it_is_never_clean_and_tells_no_secret() {
    let whole = fixture("06-drift-sensitive.show.json");
    let folder = TempDir::new().unwrap();
    let mut client = client(folder.path());
    for end in (1..whole.len() - 2).step_by(97) {
        // Another file each time, as a pipeline writes it.
        fs::write(folder.path().join(".new"), &whole[..end]).unwrap();
        fs::rename(folder.path().join(".new"), folder.path().join("p.json")).unwrap();
        let answer = client.poll(now()).await.unwrap();
        assert_eq!(rows(&answer), ["error p  []"], "{end}");
        assert!(!format!("{answer:?}").contains("FAKE-"), "{end}");
    }
}

#[tokio::test]
async fn what_puts_drift_back_and_what_is_new_are_told_apart() {
    let both = changed("02-drift-update.show.json", |plan| {
        let change = &mut plan["resource_changes"][0]["change"];
        // The new version wants another name, and leaves `public` as it was edited.
        change["after"]["name"] = json!("web-2");
        change["after"]["public"] = json!(true);
    });
    let answer = told(&[("prod.json", &both)]).await;
    let expected = [
        "drift fake_service.web update [image public replicas] stays",
        "pending fake_service.web update [name]",
    ];
    assert_eq!(rows(&answer), expected);
    let detail = |at: usize| answer.drifts[at].detail.as_ref().unwrap().raw();
    assert_eq!(detail(0), "applying reverts 2 of 3 places");
    assert_eq!(detail(1), "also drifted");
    assert_ne!(answer.drifts[0].id, answer.drifts[1].id);
}

#[tokio::test]
async fn what_is_no_plan_is_named() {
    let cases: [(&[u8], &str); 5] = [
        (b"{\"hello\": 1}", "is neither a plan"),
        (b"", "is empty"),
        (b"PK\x03\x04zip", "is a binary plan"),
        (b"\xff\xfe{\x00", "is UTF-16"),
        (
            b"{\"version\": 4, \"serial\": 3, \"lineage\": \"x\", \"resources\": []}",
            "holds a state",
        ),
    ];
    for (bytes, expected) in cases {
        let answer = told(&[("x.json", bytes)]).await;
        assert!(
            failure(&answer).starts_with(expected),
            "{}",
            failure(&answer)
        );
    }
    let marked = [
        b"\xef\xbb\xbf".to_vec(),
        fixture("02-drift-update.show.json"),
    ]
    .concat();
    assert_eq!(told(&[("x.json", &marked)]).await.drifts.len(), 1);
}

#[tokio::test]
async fn ten_megabytes_of_plan_flow_through() {
    // The entries of the large plan again and again, most of them beyond what is shown.
    let plan: Value = serde_json::from_slice(&fixture("25-large-400-resources.show.json")).unwrap();
    let drift = plan["resource_drift"].to_string();
    let drift = &drift[1..drift.len() - 1];
    let state = plan["prior_state"].to_string();
    let mut text = String::from(
        r#"{"format_version":"1.2","timestamp":"2026-11-21T05:00:00Z","resource_drift":["#,
    );
    while text.len() < 8 * 1024 * 1024 {
        text.push_str(drift);
        text.push(',');
    }
    text.pop();
    text.push_str("],\"prior_state\":");
    text.push_str(&state);
    text.push_str(",\"planned_values\":{\"root_module\":{\"resources\":[");
    while text.len() < 10 * 1024 * 1024 {
        text.push_str(
            r#"{"values":{"a":"b","api_token":"secret-x"},"sensitive_values":{"api_token":true}},"#,
        );
    }
    text.pop();
    text.push_str("]}},\"complete\":true,\"errored\":false}");
    let answer = told(&[("plan.json", text.as_bytes())]).await;
    assert_eq!(answer.drifts.len(), 5_000);
    assert!(limits(&answer)[0].contains("more resources differ than are shown"));
}
