//! What does screen 4 look like? Reviewed by eye. Is it never wrong in silence?

use crate::cast::night;
use crate::golden::golden;
use crate::picture::{self, find, lines, looks};
use crate::scenes;
use crate::stage::Stage;

golden! {
    drifts = scenes::drifts;
    drifts_gone = scenes::drifts_gone;
    drifts_ascii = || scenes::drifts().ascii();
    drifts_filtered = || scenes::drifts().press("/").types("drift=drift source=argocd").press("enter");
    drift_opened = || scenes::drifts().press("j enter");
    drift_failed = || scenes::drifts().press("j j j enter");
    drift_allowed = || scenes::drifts().press("G k k enter");
    policy_opened = || scenes::drifts().press("G enter");
    no_drifts = scenes::no_drifts;
    nothing_compared = scenes::nothing_compared;
}

#[test]
fn drifts_at_200x60() {
    let mut stage = scenes::drifts().sized(200, 60);
    insta::assert_snapshot!(picture::text(&mut stage));
}

/// Without colour the look of a row has to carry what the colour did.
#[test]
fn drifts_in_mono() {
    let mut stage = scenes::drifts().themed("mono").sized(120, 40);
    let (buffer, _) = stage.draw();
    let rows = [
        "aws_iam_role.ci",
        "workspace staging",
        "aws_autoscaling",
        "old_logs",
    ];
    let rows = rows.map(|text| looks(&buffer, find(&buffer, text).unwrap().y));
    insta::assert_snapshot!(rows.join("\n\n"));
}

fn shown(mut stage: Stage) -> String {
    let (buffer, _) = stage.draw();
    let lines = lines(&buffer).join(" ");
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(stage: Stage, wanted: &[&str], never: &[&str]) {
    let shown = shown(stage);
    for words in wanted {
        assert!(shown.contains(words), "{words:?} is missing:\n{shown}");
    }
    for words in never {
        assert!(!shown.contains(words), "{words:?} is said:\n{shown}");
    }
}

#[test]
fn an_empty_screen_says_which_emptiness_it_is() {
    says(
        Stage::of(&night()).press("4"),
        &[
            "Nothing is compared with its declaration",
            "[[terraform]]",
            "drift ?",
        ],
        &["drift 0"],
    );
    says(
        scenes::changes_waiting().press("4"),
        &[
            "Waiting for the first answers of prod-eu-1, argocd, tf-prod.",
            "drift ?",
        ],
        &["drift 0", "drifted"],
    );
    says(
        scenes::changes_failed().press("4"),
        &[
            "none of the sources answers (prod-eu-1, argocd, tf-prod)",
            "drift ?",
        ],
        &["drift 0", "drifted"],
    );
    says(
        scenes::no_drifts(),
        &[
            "Nothing drifted in what was compared (prod-eu-1, argocd, tf-prod).",
            "drift 0",
        ],
        &["Not compared"],
    );
    says(
        scenes::no_changes_known().press("4"),
        &[
            "Nothing drifted in what was compared (tf-prod).",
            "Not compared: failed: argocd",
            "Not compared: not read: prod-eu-1 may not list deployments (forbidden)",
        ],
        &["no drift"],
    );
    says(
        scenes::nothing_compared(),
        &["Nothing was compared", "Not compared: failed: tf-prod"],
        &["Nothing drifted"],
    );
    says(
        scenes::drifts()
            .press("/")
            .types("service=nowhere")
            .press("enter"),
        &["Nothing here matches the filter"],
        &["drifted in what"],
    );
}

/// The first word of each row, in the order of the rows.
fn sections(stage: &mut Stage) -> Vec<String> {
    let (buffer, _) = stage.draw();
    let rows = lines(&buffer).into_iter().skip(3);
    let words = rows.filter_map(|l| {
        l.chars()
            .skip(2)
            .collect::<String>()
            .split(' ')
            .next()
            .map(str::to_owned)
    });
    words.take_while(|word| !word.is_empty()).collect()
}

#[test]
fn what_may_be_said_keeps_the_rows_apart() {
    let mut stage = scenes::drifts();
    let wanted = [
        "drift", "drift", "drift", "error", "unknown", "partial", "pending", "allowed", "expired",
        "policy",
    ];
    assert_eq!(sections(&mut stage), wanted);
}

/// A rule that allows drift does not make a failed comparison harmless.
#[test]
fn nobody_is_allowed_not_to_look() {
    let shown = shown(scenes::drifts().press("j j j enter"));
    assert!(shown.contains("error: the comparison failed"), "{shown}");
    assert!(
        shown.contains("until 2026-"),
        "the rule is told all the same: {shown}"
    );
}

#[test]
fn what_is_sensitive_is_not_shown() {
    let shown = shown(scenes::drifts().press("j enter").sized(120, 40));
    assert!(shown.contains("user_data"), "{shown}");
    assert!(shown.contains("changed (sensitive)"), "{shown}");
    assert!(shown.contains("prod → dev"), "{shown}");
    assert!(shown.contains("values are not told"), "{shown}");
}

/// Both ends of a long address tell what it is.
#[test]
fn a_target_is_cut_in_its_middle() {
    let (buffer, _) = scenes::drifts().draw();
    let row = lines(&buffer)
        .into_iter()
        .find(|l| l.contains("module"))
        .unwrap();
    assert!(row.contains("module.") && row.contains("[\"b\"]"), "{row}");
}
