//! Reconcile, suspend and resume of recorded Flux objects.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;
use crate::control::kubernetes::recorded;
use crate::domain::check::{Found, Progress, Seen};

const OFFERED: &str = "main@sha1:5b1c0de55b1c0de55b1c0de55b1c0de55b1c0de5";

fn one(name: &str) -> One {
    One {
        kind: Kind::Kustomization,
        object: recorded::item("lists/kustomizations.json", name),
        offered: Ok(OFFERED.to_owned()),
    }
}

fn made(action: &str, one: One) -> Result<Draft, NoPlan> {
    let request = recorded::request(action, &[("reason", "INC-2291")]);
    draft(&"eu-1".into(), &request, &[one], &recorded::seed())
}

fn state(draft: &Draft, what: &str) -> Option<(Holds, String)> {
    let mut found = draft.preconditions.iter();
    let found = found.find(|p| p.what.raw().contains(what))?;
    Some((found.state, found.detail.raw().to_owned()))
}

#[test]
fn a_reconcile_is_asked_for_by_the_time_of_the_request() {
    let draft = made("flux.reconcile", one("apps")).unwrap();
    let ops = recorded::ops(&draft.steps[0]);
    let after = recorded::patched(&one("apps").object, &ops).unwrap();
    let when = "2026-11-21T06:30:00.000000000Z";
    assert_eq!(at(&after, REQUESTED_PLACE).unwrap(), when);
    assert_eq!(text(&after, MARKER_PLACE), recorded::seed().id.as_str());
    let check = draft.steps[0].check.clone().unwrap();
    assert!(matches!(
        check.judge(&Seen::Value(after.clone())),
        Progress::Going(_)
    ));
    let mut handled = after;
    handled["status"]["lastHandledReconcileAt"] = json!(when);
    let going = check.judge(&Seen::Value(handled.clone()));
    assert!(matches!(going, Progress::Going(_)), "it is not ready");
    handled["status"]["conditions"] = json!([{ "type": "Ready", "status": "True" }]);
    assert_eq!(check.judge(&Seen::Value(handled)), Progress::Done);
    let (holds, words) = state(&draft, "would apply").unwrap();
    assert_eq!(holds, Holds::Yes);
    assert!(words.contains(OFFERED), "{words}");
}

#[test]
fn a_source_that_moved_on_makes_another_plan_and_a_status_does_not() {
    let body = |one: One| recorded::body(&made("flux.reconcile", one).unwrap().steps[0]);
    let before = body(one("apps"));
    let mut noisy = one("apps");
    noisy.object["status"]["lastAttemptedRevision"] = json!("x");
    noisy.object["metadata"]["resourceVersion"] = json!("77777");
    assert_eq!(before, body(noisy));
    let mut moved = one("apps");
    moved.offered = Ok("main@sha1:ffff".to_owned());
    assert_ne!(before, body(moved));
}

#[test]
fn a_spec_that_changed_refuses_the_write() {
    let ops = recorded::ops(&made("flux.reconcile", one("apps")).unwrap().steps[0]);
    let mut changed = one("apps").object;
    changed["metadata"]["generation"] = json!(2);
    assert_eq!(recorded::patched(&changed, &ops), None);
    let mut replaced = one("apps").object;
    replaced["metadata"]["uid"] = json!("another");
    assert_eq!(recorded::patched(&replaced, &ops), None);
}

#[test]
fn what_is_unknown_of_a_source_is_said() {
    let mut blind = one("apps");
    blind.offered = Err("403".to_owned());
    let draft = made("flux.reconcile", blind).unwrap();
    assert_eq!(state(&draft, "would apply").unwrap().0, Holds::Unknown);
}

#[test]
fn a_suspension_says_who_and_why_and_is_taken_back_only_by_us() {
    let draft = made("flux.suspend", one("apps")).unwrap();
    let before = one("apps").object;
    let after = recorded::patched(&before, &recorded::ops(&draft.steps[0])).unwrap();
    assert_eq!(at(&after, SUSPEND).unwrap(), true);
    assert_eq!(
        text(&after, "/metadata/annotations/quell.dev~1suspended-because"),
        "INC-2291"
    );
    assert_eq!(
        text(&after, "/metadata/annotations/quell.dev~1suspended-by"),
        "otto@bastion-1 2026-11-21T06:30:00Z"
    );
    let Back::Steps(_, back) = &draft.back else {
        unreachable!()
    };
    let undo = recorded::ops(&back[0]);
    let undone = recorded::patched(&after, &undo).unwrap();
    assert_eq!(at(&undone, SUSPEND).unwrap(), false);
    assert_eq!(recorded::patched(&before, &undo), None);
    let evidence = &draft.steps[0].evidence;
    assert_eq!(evidence.judge(&Seen::Value(after)), Found::Applied);
    assert_eq!(evidence.judge(&Seen::Value(before)), Found::NotApplied);
}

#[test]
fn resuming_tells_what_waited_and_why_it_was_suspended() {
    let mut waiting = one("tenants");
    waiting.object["metadata"]["annotations"][REASON] = json!("INC-1 \u{1b}[2J");
    let draft = made("flux.resume", waiting).unwrap();
    let (holds, words) = state(&draft, "nothing waits").unwrap();
    assert_eq!(holds, Holds::Warns);
    assert!(
        words.contains("01dc0de1") && words.contains("5b1c0de5"),
        "{words}"
    );
    let (_, why) = state(&draft, "why it was suspended").unwrap();
    assert!(why.contains("INC-1") && !why.contains('\u{1b}'), "{why}");
    let object = one("tenants").object;
    let ops = recorded::ops(&made("flux.resume", one("tenants")).unwrap().steps[0]);
    let after = recorded::patched(&object, &ops).unwrap();
    assert_eq!(at(&after, SUSPEND).unwrap(), false);
    assert_eq!(draft.risk, Risk::R2);
    let mut same = one("tenants");
    same.offered = Ok(same.applied().to_owned());
    let quiet = made("flux.resume", same).unwrap();
    assert_eq!(state(&quiet, "nothing waits"), None);
}

#[test]
fn what_is_so_already_is_no_plan() {
    for (action, name) in [
        ("flux.suspend", "tenants"),
        ("flux.resume", "apps"),
        ("flux.reconcile", "tenants"),
    ] {
        assert!(made(action, one(name)).is_err(), "{action}");
    }
}

#[test]
fn a_helm_release_is_found_with_its_chart() {
    let object = recorded::item("lists/helmreleases.json", "ingress");
    let (path, _) = source(Kind::HelmRelease, &object).unwrap();
    assert_eq!(
        path,
        "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/helmcharts/flux-system-ingress"
    );
    let release = One {
        kind: Kind::HelmRelease,
        object,
        offered: Ok("4.13.1".to_owned()),
    };
    assert_eq!(
        release.path(),
        "/apis/helm.toolkit.fluxcd.io/v2/namespaces/flux-system/helmreleases/ingress"
    );
    assert!(made("flux.reconcile", release).is_ok());
}

#[test]
fn hostile_targets_reach_no_path() {
    for hostile in [
        "a/kustomization",
        "a/secret/b",
        "../kustomization/b",
        "a/ks/b/c",
        "a/ks/B",
    ] {
        assert!(parsed(hostile).is_err(), "{hostile}");
    }
    assert!(parsed("flux-system/Kustomization/apps").is_ok());
}
