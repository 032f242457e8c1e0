//! What does screen 3 look like? Reviewed by eye. Is it never wrong in silence?

use quell::domain::delivery::DeliveryAnswer;
use quell::theme::Role;

use crate::cast::{ago, night};
use crate::deliveries;
use crate::golden::golden;
use crate::picture::{self, cell_of, find, lines, looks};
use crate::scenes;
use crate::stage::Stage;

golden! {
    changes = scenes::changes;
    changes_gone = scenes::changes_gone;
    changes_lost = scenes::changes_lost;
    changes_blind = scenes::changes_blind;
    changes_filtered = || scenes::changes().press("/").types("outcome=failed").press("enter");
    changes_ascii = || scenes::changes().ascii();
    change_opened = scenes::change_opened;
    change_failed = || scenes::changes().press("j j j enter");
    help_on_changes = || scenes::changes().press("?");
}

#[test]
fn changes_at_200x60() {
    let mut stage = scenes::changes().sized(200, 60);
    insta::assert_snapshot!(picture::text(&mut stage));
}

/// Without colour the look of a row has to carry what the colour did.
#[test]
fn changes_in_mono() {
    let mut stage = scenes::changes().themed("mono").sized(120, 40);
    let (buffer, _) = stage.draw();
    let rows = ["mail", "search", "billing", "etl"];
    let rows = rows.map(|text| looks(&buffer, find(&buffer, text).unwrap().y));
    insta::assert_snapshot!(rows.join("\n\n"));
}

/// What is on screen as one text.
fn shown(stage: &mut Stage) -> String {
    let (buffer, _) = stage.draw();
    let lines: Vec<String> = lines(&buffer).iter().map(|l| l.trim().to_owned()).collect();
    lines
        .join(" ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn says(mut stage: Stage, wanted: &[&str], never: &[&str]) {
    for (width, height) in [(80, 24), (120, 40)] {
        stage.resize(width, height);
        let shown = shown(&mut stage);
        for words in wanted {
            assert!(shown.contains(words), "{words:?} is missing:\n{shown}");
        }
        for words in never {
            assert!(!shown.contains(words), "{words:?} is said:\n{shown}");
        }
    }
}

#[test]
fn an_empty_screen_says_which_emptiness_it_is() {
    let never = &[
        "No change is known",
        "Waiting",
        "Nothing here matches",
        "8 shows why",
    ];
    says(
        Stage::of(&night()).press("3"),
        &[
            "No source tells of changes",
            "[[kubernetes]]",
            "--kubeconfig FILE",
        ],
        never,
    );
    says(
        scenes::changes_waiting(),
        &[
            "Waiting for the first answers of prod-eu-1, argocd, github, tf-prod.",
            "nothing known yet",
        ],
        &["No change", "0 in"],
    );
    says(
        scenes::changes_failed(),
        &["none of the sources answers (prod-eu-1, argocd, github, tf-prod). 8 shows why"],
        &["No change"],
    );
    says(
        scenes::no_changes(),
        &[
            "No change is known: 4 sources answered",
            "of the last 24 hours",
        ],
        &["Not known", "blind"],
    );
    says(
        scenes::no_changes_known(),
        &[
            "No change is known. That is not to say that there was none.",
            "Not known: failed: argocd",
            "Not known: not read: prod-eu-1 may not list deployments (forbidden)",
        ],
        &["answered, and none"],
    );
    says(
        scenes::changes()
            .press("/")
            .types("service=nowhere")
            .press("enter"),
        &["Nothing here matches the filter. Esc drops it.", "0 of 10"],
        &["No change"],
    );
}

/// Each outcome has a word and a sign of its own; the colour only helps.
#[test]
fn outcomes_are_told_apart_without_colour() {
    let mut stage = scenes::changes();
    let (buffer, _) = stage.draw();
    let outcomes = [
        ("▸ running", Role::SeverityInfo),
        ("✓ ok", Role::Ok),
        ("✗ failed", Role::Failed),
        ("? unknown", Role::Warn),
    ];
    for (words, role) in outcomes {
        let style = stage.look.theme.style(role);
        let cell = cell_of(&buffer, words);
        assert!(cell.fg == style.fg.unwrap_or(cell.fg), "{words}");
    }
    let shown = lines(&buffer).join("\n");
    assert!(shown.contains("✓ ok rollback"), "a rollback is called so");
    assert!(
        shown.contains("(1.40) → 1.41"),
        "what was derived is marked"
    );
    assert!(
        shown.contains("running 7 of 12"),
        "what goes on says how far it is"
    );
}

/// The last known does not look like the present: not in flight, not in its look.
#[test]
fn what_a_lost_source_told_is_the_last_known() {
    let mut stage = scenes::changes_lost();
    let (buffer, _) = stage.draw();
    let shown = lines(&buffer).join("\n");
    assert!(shown.contains("▸ running?"), "{shown}");
    assert!(shown.contains("blind: prod-eu-1 unreachable"), "{shown}");
    let stale = stage.look.theme.style(Role::Stale);
    let billing = cell_of(&buffer, "billing");
    assert_eq!(billing.fg, stale.fg.unwrap_or(billing.fg));
    // Somebody else still answers.
    let github = cell_of(&buffer, "networ");
    assert_ne!(github.modifier, billing.modifier);
}

#[test]
fn a_part_that_may_not_be_read_is_said_on_its_screen_alone() {
    let mut stage = scenes::changes_blind().sized(200, 40);
    let said = shown(&mut stage);
    let line = "blind: 1 more part is not read, and prod-eu-1 may not list replicasets: its \
                rollouts lack versions (replicasets.apps is forbidden)";
    assert!(said.contains(line), "{said}");
    let mut elsewhere = stage.press("1");
    assert!(!shown(&mut elsewhere).contains("may not list"));
}

/// The alert that fires for it names it, and the burn before and after is what was read.
#[test]
fn an_opened_change_says_what_came_after_it() {
    let mut stage = scenes::change_opened().sized(120, 40);
    let said = shown(&mut stage);
    for words in [
        "CheckoutErrorBudgetBurn",
        "after it",
        "checkout-availability: 0.4x before",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
}

/// A frame looks at the rows on screen, however many there are.
#[test]
fn ten_thousand_changes_stay_in_order_under_the_cursor() {
    let mut stage = scenes::changes();
    stage.delivers("prod-eu-1", deliveries::many(), ago(1));
    let mut stage = stage.press("o G");
    let (buffer, _) = stage.draw();
    let here = lines(&buffer)
        .into_iter()
        .find(|l| l.starts_with('▌'))
        .unwrap();
    assert!(here.contains("6d") && here.contains("svc-39"), "{here}");
    assert!(lines(&buffer)[1].contains("in all"));
}

#[test]
fn what_is_new_waits_until_it_is_asked_for() {
    let mut stage = scenes::changes_gone();
    let (buffer, _) = stage.draw();
    let before = lines(&buffer);
    assert!(before[1].ends_with("2 new: o"), "{}", before[1]);
    assert!(!before.join("\n").contains("new-one"));
    let mut stage = stage.press("o");
    let (buffer, _) = stage.draw();
    let after = lines(&buffer).join("\n");
    assert!(after.contains("new-one") && after.contains("new-two"));
    assert!(!after.contains("gone:"), "{after}");
}

/// Two of three have not answered: what they know is missing, and that is said.
#[test]
fn who_was_not_heard_yet_is_counted() {
    says(
        scenes::changes_half_heard(),
        &["3 sources not heard yet", "4 in all"],
        &["nothing known"],
    );
    says(
        scenes::changes_half_heard().press("4"),
        &["drift 1", "2 sources not heard yet"],
        &["drift ?"],
    );
}

#[test]
fn what_is_gone_cannot_be_opened_and_says_why() {
    says(
        scenes::changes_gone().press("enter"),
        &["it is not told any more", "gone: shop/deployment/search"],
        &["Change:"],
    );
    says(
        scenes::drifts_gone().press("k enter"),
        &["it is not reported any more"],
        &["Drift:"],
    );
}

/// An opened change goes on being told: when it ends, its text says so where it is read.
#[test]
fn an_opened_change_is_followed() {
    let mut stage = scenes::changes().press("j enter");
    let mut cluster = deliveries::cluster();
    cluster.changes[0].outcome = quell::domain::change::Outcome::Failed;
    cluster.changes[0].told.reason = Some(quell::domain::text::Untrusted::line("aborted"));
    stage.delivers("prod-eu-1", cluster, ago(0));
    says(
        stage,
        &["failed, 7 of 12 updated: aborted"],
        &["it goes on"],
    );
}

/// The source answers, but the change has left its memory: it is quell's own.
#[test]
fn what_is_only_remembered_says_so() {
    let mut stage = scenes::changes();
    let past = quell::domain::delivery::Past {
        changes: deliveries::cluster().changes,
        ..deliveries::past()
    };
    stage.tell(quell::msg::Msg::PastRead(std::sync::Arc::new(past)));
    stage.delivers("prod-eu-1", DeliveryAnswer::default(), ago(0));
    let said = shown(&mut stage);
    assert!(!said.contains("gone:"), "{said}");
    // Whether the rollout ended nobody heard.
    assert!(!said.contains("7 of 12… ci-bot"), "{said}");
    let mut opened = stage.press("j enter").sized(160, 45);
    let said = shown(&mut opened);
    for words in [
        "remembered: prod-eu-1 tells of it no more",
        "ended is not known",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
}

/// The first answers come to somebody who waits for them: there is no cursor yet to hold still for.
#[test]
fn who_waits_on_an_empty_screen_sees_the_first_answers() {
    for (key, wanted) in [("3", "ingress"), ("4", "shop/hpa/checkout-api")] {
        let mut stage = scenes::changes_waiting().press(key);
        stage.delivers("argocd", deliveries::argocd(), ago(0));
        let said = shown(&mut stage);
        assert!(said.contains(wanted) && !said.contains("new: o"), "{said}");
    }
}
