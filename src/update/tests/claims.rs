//! Mine, given back, taken over: who looks after what.

use std::sync::Arc;

use super::world::{World, page, pages, saved_claims, t};
use crate::domain::claim::{Claim, Claims, Occurrence};
use crate::domain::text::Untrusted;

/// What is in a list of claims: the start after the first possible one, and who.
fn entries(claims: &Claims) -> Vec<(i64, String)> {
    let mut all: Vec<(i64, String)> = claims
        .by_fingerprint()
        .into_values()
        .flatten()
        .map(|(start, claim)| ((start - t(0)).num_seconds(), claim.by.shown().to_owned()))
        .collect();
    all.sort();
    all
}

fn claimed_by_dana(world: &mut World) {
    let mut claims = Claims::default();
    for alert in &world.model.board.alerts {
        let claim = Claim {
            by: Untrusted::line("dana"),
            since: t(-60),
        };
        claims.take(alert.occurrence, claim);
    }
    world.model.knowledge.claims = Arc::new(claims);
}

#[test]
fn a_claim_is_shown_and_kept_and_given_back() {
    let mut world = World::showing(&[page("A").since(7), page("B")]);
    let effects = world.press("c");
    assert_eq!(entries(saved_claims(&effects)), [(7, "mara".into())]);
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
    assert_eq!(world.claimed_by("B"), None);
    assert_eq!(
        world.notice(),
        "the alert claimed for you on this machine; nothing is muted"
    );
    let effects = world.press("c");
    assert!(entries(saved_claims(&effects)).is_empty());
    assert_eq!(world.claimed_by("A"), None);
    assert_eq!(world.notice(), "the alert given back");
}

#[test]
fn a_claim_knows_since_when() {
    let mut world = World::showing(&[page("A").since(7)]);
    let effects = world.press("c");
    let occurrence = world.model.board.alerts[0].occurrence;
    let of = saved_claims(&effects).by_fingerprint();
    let (start, claim) = of[&occurrence.fingerprint][0];
    assert_eq!((start, claim.since), (t(7), t(100)));
}

#[test]
fn a_group_is_claimed_and_given_back_as_a_whole() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2", "A/3", "B"]));
    world.press("c");
    assert_eq!(
        world.notice(),
        "3 alerts claimed for you on this machine; nothing is muted"
    );
    assert_eq!(entries(&world.model.knowledge.claims).len(), 3);
    assert_eq!(world.claimed_by("B"), None);
    world.press("c");
    assert!(entries(&world.model.knowledge.claims).is_empty());
    assert_eq!(world.notice(), "3 alerts given back");
}

#[test]
fn a_group_of_which_a_part_is_mine_is_taken_whole() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2"]));
    world.press("enter j c");
    assert_eq!(world.claimed_by("A/1").as_deref(), Some("mara"));
    world.press("k c");
    assert_eq!(world.claimed_by("A/1").as_deref(), Some("mara"));
    assert_eq!(world.claimed_by("A/2").as_deref(), Some("mara"));
}

#[test]
fn what_the_filter_hides_of_a_group_is_not_claimed() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2", "A/3"]));
    world.command("filter pod=~\"1|2\"");
    assert_eq!(world.rows(), [">A x2"]);
    world.press("c");
    assert_eq!(
        world.notice(),
        "2 alerts claimed for you on this machine; nothing is muted"
    );
    assert_eq!(world.claimed_by("A/3"), None);
}

#[test]
fn what_another_one_claimed_is_taken_over() {
    let mut world = World::showing(&[page("A").since(7)]);
    claimed_by_dana(&mut world);
    world.fires(&[page("A").since(7)]);
    assert_eq!(world.claimed_by("A").as_deref(), Some("dana"));
    let effects = world.press("c");
    assert_eq!(entries(saved_claims(&effects)), [(7, "mara".into())]);
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
}

#[test]
fn a_claim_survives_that_the_alert_is_sent_again() {
    let mut world = World::showing(&pages(&["A"]));
    world.press("c");
    world.fires(&[page("A").annotated("summary", "still"), page("B")]);
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
    world.fails(0);
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
}

#[test]
fn a_claim_survives_what_other_replicas_know_of_the_start() {
    let mut world = World::with(2, "none");
    world.answers(0, super::world::alertmanager(&[page("A").since(20)]));
    world.press("c");
    world.answers(1, super::world::alertmanager(&[page("A").since(5)]));
    assert_eq!(world.model.board.alerts[0].occurrence.starts_at, t(5));
    assert_eq!(world.claimed_by("A").as_deref(), Some("mara"));
    let effects = world.press("c");
    assert!(
        entries(saved_claims(&effects)).is_empty(),
        "given back whole"
    );
}

#[test]
fn a_fire_again_is_nobodys() {
    let mut world = World::showing(&[page("A")]);
    let first: Occurrence = world.model.board.alerts[0].occurrence;
    world.press("c");
    world.fires(&[page("A").since(50)]);
    let second = world.model.board.alerts[0].occurrence;
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_eq!(world.claimed_by("A"), None);
    assert_eq!(world.rows(), [">A gone", "A"]);
}

#[test]
fn an_opened_alert_is_claimed_whatever_the_list_shows() {
    let mut world = World::grouped("alertname", &pages(&["A/1", "A/2", "B"]));
    world.press("enter j j enter c");
    assert_eq!(world.claimed_by("A/2").as_deref(), Some("mara"));
    assert_eq!(world.claimed_by("A/1"), None);
    let detail = world.model.session.triage.detail.as_ref().unwrap();
    let claim = detail.alert.claim.as_ref().unwrap();
    assert_eq!(claim.by.shown(), "mara", "the opened alert shows it too");
}

#[test]
fn an_empty_list_has_nothing_to_claim() {
    let mut world = World::showing(&[]);
    assert!(world.press("c").is_empty());
    assert_eq!(world.refusal(), Some("nothing is selected"));
}

#[test]
fn an_operators_name_is_foreign_text_too() {
    let mut world = World::showing(&pages(&["A"]));
    world.model.session.identity.operator = "ma\u{202e}ra".into();
    world.press("c");
    assert_eq!(world.claimed_by("A").as_deref(), Some("ma\\u{202e}ra"));
    world.press("c");
    assert_eq!(
        world.claimed_by("A"),
        None,
        "one's own claim is known again"
    );
}
