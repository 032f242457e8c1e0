//! Evictions and deletions of recorded pods.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::control::kubernetes::draft::Back;
use crate::control::kubernetes::recorded;
use crate::domain::check::{Found, Progress, Seen};

const API: &str = "payments-api-56454f688-4xj2m";

fn pod(name: &str) -> Value {
    recorded::item("lists/pods-payments.json", name)
}

fn owner_of_api() -> Owner {
    let object = recorded::item("lists/replicasets-payments.json", "payments-api-56454f688");
    owned_by("ReplicaSet", "payments-api-56454f688", Some(&object))
}

fn known() -> Vec<Budget> {
    budgets(&recorded::items("lists/pdb-all.json"))
}

fn made(pods: &[(Value, Option<Owner>)], way: Way) -> Draft {
    draft(&"eu-1".into(), pods, Ok(&known()), way).unwrap()
}

fn state(draft: &Draft, what: &str) -> Option<Holds> {
    let found = draft.preconditions.iter();
    let mut found = found.filter(|p| p.what.raw().contains(what));
    found.next().map(|p| p.state)
}

#[test]
fn an_eviction_meets_one_pod_by_its_uid() {
    let draft = made(&[(pod(API), Some(owner_of_api()))], Way::Evicted);
    let Write::Http(write) = &draft.steps[0].write else {
        unreachable!()
    };
    assert_eq!(write.verb, Verb::Post);
    assert_eq!(
        write.path,
        format!(
            "/api/v1/namespaces/payments/pods/{API}/eviction?fieldManager=quell&fieldValidation=Strict"
        )
    );
    let body: Value = serde_json::from_str(&write.body).unwrap();
    let uid = text(&pod(API), "/metadata/uid").to_owned();
    assert_eq!(body["deleteOptions"]["preconditions"]["uid"], uid);
    assert_eq!(body["kind"], "Eviction");
    assert_eq!(
        draft.steps[0].when_busy,
        WhenBusy::WaitFor(Duration::from_mins(10))
    );
    assert_eq!(draft.rehearsals[0].write, *write);
}

#[test]
fn a_rehearsed_deletion_says_so_in_its_body() {
    let draft = made(&[(pod("ledger-db-0"), None)], Way::Deleted);
    let body: Value = serde_json::from_str(&draft.rehearsals[0].write.body).unwrap();
    assert_eq!(body["dryRun"], json!(["All"]));
    assert_eq!(draft.rehearsals[0].write.verb, Verb::Delete);
    let real: Value = serde_json::from_str(&recorded::body(&draft.steps[0])).unwrap();
    assert_eq!(real.get("dryRun"), None);
    assert_eq!(
        real["preconditions"]["uid"],
        text(&pod("ledger-db-0"), "/metadata/uid")
    );
    assert_eq!(state(&draft, "budgets"), Some(Holds::Warns));
}

#[test]
fn budgets_let_it_go_or_wait_or_refuse() {
    let waits = made(&[(pod(API), None)], Way::Evicted);
    assert_eq!(state(&waits, "budgets"), Some(Holds::Warns));
    assert!(waits.rehearsals[0].may_wait);
    let goes = made(&[(pod("ledger-db-0"), None)], Way::Evicted);
    assert_eq!(state(&goes, "budgets"), Some(Holds::Yes));
    assert!(!goes.rehearsals[0].may_wait);
    let mut two = known();
    let mut twin = two.iter().find(|b| b.name == "ledger-db").unwrap().clone();
    twin.name = "twin".to_owned();
    two.push(twin);
    let pods = [(pod("ledger-db-0"), None)];
    let refused = draft(&"eu-1".into(), &pods, Ok(&two), Way::Evicted).unwrap();
    assert_eq!(state(&refused, "budgets"), Some(Holds::No));
    let why = "403".to_owned();
    let unread = draft(&"eu-1".into(), &pods, Err(&why), Way::Evicted).unwrap();
    assert_eq!(state(&unread, "budgets"), Some(Holds::Unknown));
}

#[test]
fn what_is_lost_makes_it_r3_and_is_named() {
    let owned = made(&[(pod(API), Some(owner_of_api()))], Way::Evicted);
    assert_eq!(owned.risk, Risk::R2);
    assert_eq!(state(&owned, "nothing is lost"), None);
    let mut bare = pod(API);
    bare["metadata"]["ownerReferences"] = json!([]);
    let bare = made(&[(bare, None)], Way::Evicted);
    assert_eq!(bare.risk, Risk::R3);
    let mut scratch = pod(API);
    scratch["spec"]["volumes"] = json!([{ "name": "cache", "emptyDir": {} }]);
    let scratch = made(&[(scratch, Some(owner_of_api()))], Way::Deleted);
    assert_eq!(scratch.risk, Risk::R3);
    let words = scratch.preconditions.iter().map(|p| p.detail.shown());
    assert!(words.collect::<String>().contains("emptyDir `cache`"));
    assert!(matches!(scratch.back, Back::None(_)));
}

#[test]
fn what_ends_already_and_what_the_kubelet_owns_is_refused() {
    let mut going = pod(API);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-21T06:00:00Z");
    let mut mirror = pod(API);
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" });
    for pod in [going, mirror] {
        let pods = [(pod, None)];
        assert!(draft(&"eu-1".into(), &pods, Ok(&known()), Way::Evicted).is_err());
    }
}

#[test]
fn it_worked_once_the_pod_is_gone_and_its_successor_ready() {
    let step = step(
        &"eu-1".into(),
        &pod(API),
        Some(&owner_of_api()),
        Way::Evicted,
    );
    let check = step.check.unwrap();
    assert_eq!(
        check.read.path,
        "/api/v1/namespaces/payments/pods?labelSelector=app%3Dpayments-api%2Cpod-template-hash%3D56454f688"
    );
    let siblings = recorded::items("lists/pods-payments.json");
    let siblings: Vec<Value> = siblings
        .into_iter()
        .filter(|p| text(p, "/metadata/labels/pod-template-hash") == "56454f688")
        .collect();
    let judge = |items: &[Value]| check.judge(&Seen::Value(json!({ "items": items })));
    assert!(
        matches!(judge(&siblings), Progress::Going(_)),
        "it is still there"
    );
    let others: Vec<Value> = siblings
        .iter()
        .filter(|p| text(p, "/metadata/name") != API)
        .cloned()
        .collect();
    assert!(matches!(judge(&others), Progress::Going(_)), "no successor");
    let mut successor = siblings[0].clone();
    successor["metadata"]["uid"] = json!("new");
    let with = |successor: &Value| {
        let mut all = others.clone();
        all.push(successor.clone());
        judge(&all)
    };
    assert_eq!(with(&successor), Progress::Done);
    let mut pending = successor.clone();
    pending["status"] = json!({ "phase": "Pending" });
    assert!(matches!(with(&pending), Progress::Going(_)));
    let mut unready = successor;
    unready["status"]["conditions"] = json!([{ "type": "Ready", "status": "False" }]);
    assert!(matches!(with(&unready), Progress::Going(_)));
}

#[test]
fn a_pod_of_a_stateful_set_comes_back_by_its_name() {
    let owner = owned_by("StatefulSet", "ledger-db", None);
    let check = step(
        &"eu-1".into(),
        &pod("ledger-db-0"),
        Some(&owner),
        Way::Evicted,
    )
    .check
    .unwrap();
    let judge = |uid: &str, ready: &str| {
        check.judge(&Seen::Value(json!({
            "metadata": { "uid": uid },
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        })))
    };
    let old = text(&pod("ledger-db-0"), "/metadata/uid").to_owned();
    assert!(matches!(judge(&old, "True"), Progress::Going(_)));
    assert!(matches!(judge("new", "False"), Progress::Going(_)));
    assert_eq!(judge("new", "True"), Progress::Done);
    assert!(matches!(check.judge(&Seen::NotFound), Progress::Going(_)));
}

#[test]
fn a_lost_answer_is_found_out() {
    let evidence = step(&"eu-1".into(), &pod(API), None, Way::Evicted).evidence;
    assert_eq!(evidence.judge(&Seen::NotFound), Found::Applied);
    assert_eq!(evidence.judge(&Seen::Value(pod(API))), Found::NotApplied);
    let mut going = pod(API);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-21T06:00:00Z");
    assert_eq!(evidence.judge(&Seen::Value(going)), Found::Applied);
    let mut other = pod(API);
    other["metadata"]["uid"] = json!("new");
    assert_eq!(evidence.judge(&Seen::Value(other)), Found::Applied);
}

#[test]
fn its_status_changes_no_byte_of_it() {
    let mut later = pod(API);
    later["status"]["phase"] = json!("Failed");
    later["metadata"]["resourceVersion"] = json!("9999");
    let body = |pod: &Value| recorded::body(&step(&"eu-1".into(), pod, None, Way::Evicted));
    assert_eq!(body(&pod(API)), body(&later));
}

#[test]
fn hostile_names_reach_no_path() {
    for hostile in ["../x", "a/b", "a?b", "A", "", "a%2Fb", "-a", "a\u{202e}"] {
        assert!(name(hostile).is_err(), "{hostile}");
    }
    assert!(namespaced("shop/cart/x").is_err());
    assert_eq!(
        namespaced("shop/cart-7c9.x").unwrap(),
        ("shop", "cart-7c9.x")
    );
}
