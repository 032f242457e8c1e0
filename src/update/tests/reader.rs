//! Screen 5: from an alert to its runbook, within the text, to another one, and back.

use std::sync::Arc;

use super::world::{Fired, World, library, page, pages, runbook};
use crate::domain::runbook::Library;
use crate::domain::text::Untrusted;
use crate::model::session::{Measured, Reader, ReaderFacts, Screen};
use crate::msg::Answer;
use crate::update::measured;

/// A text of a hundred lines, nine of which are on screen.
fn facts() -> ReaderFacts {
    let links = [
        (2, "#undo"),
        (30, "net/dns.md"),
        (60, "https://example.org/x"),
    ];
    ReaderFacts {
        lines: 100,
        headings: vec![(0, "top".into()), (40, "undo".into()), (95, "end".into())],
        links: links.map(|(at, to)| (at, Untrusted::line(to))).into(),
        ..ReaderFacts::default()
    }
}

fn lay_out(world: &mut World, facts: ReaderFacts) {
    let reader = Some(facts);
    measured(
        &mut world.model,
        Measured {
            reader,
            ..Measured::default()
        },
    );
}

fn found(lines: &[usize]) -> ReaderFacts {
    ReaderFacts {
        matches: lines.to_vec(),
        ..facts()
    }
}

fn reader(world: &World) -> &Reader {
    world.model.session.runbooks.reader.as_ref().unwrap()
}

fn top(world: &World) -> usize {
    reader(world).scroll.top
}

fn linked(to: &str) -> Fired {
    page("A").annotated("quell_runbook", to)
}

/// A runbook opened from an alert and laid out.
fn reading() -> World {
    let mut world = World::showing(&[linked("bad-rollout")]);
    assert!(world.press("r").is_empty());
    lay_out(&mut world, facts());
    world
}

#[test]
fn an_alert_leads_to_its_runbook_and_back() {
    let mut world = reading();
    assert_eq!(world.model.session.screen, Screen::Runbooks);
    assert_eq!(reader(&world).id.raw(), "bad-rollout");
    assert_eq!(
        reader(&world).trail.matched.as_deref(),
        Some("for A, by quell_runbook")
    );
    assert_eq!(reader(&world).trail.caution, None);
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
    assert!(world.model.session.runbooks.reader.is_none());
}

#[test]
fn back_leads_to_the_opened_alert() {
    let mut world = World::showing(&[linked("dns")]);
    world.press("enter r");
    assert_eq!(reader(&world).id.raw(), "dns");
    world.press("esc");
    assert!(world.model.session.triage.detail.is_some());
    world.press("esc");
    assert!(world.model.session.triage.detail.is_none());
}

#[test]
fn an_anchor_is_gone_to_when_the_text_is_laid_out() {
    let mut world = World::showing(&[linked("bad-rollout#Undo")]);
    world.press("r");
    assert_eq!(top(&world), 0);
    lay_out(&mut world, facts());
    assert_eq!(top(&world), 40);
    world.press("k");
    lay_out(&mut world, facts());
    assert_eq!(top(&world), 39, "once");
}

#[test]
fn an_anchor_that_is_not_there_is_told() {
    let mut world = World::showing(&[linked("bad-rollout#n\u{202e}o")]);
    world.press("r");
    lay_out(&mut world, facts());
    assert_eq!(top(&world), 0);
    assert_eq!(world.refusal(), Some("no section `n\\u{202e}o` in it"));
}

#[test]
fn a_caution_comes_along() {
    let mut books = library();
    books.runbooks[1].front.aliases = vec![Untrusted::line("A")];
    let mut world = World::showing(&[linked("lost")]);
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(books)));
    world.press("r");
    assert_eq!(reader(&world).id.raw(), "dns");
    assert_eq!(
        reader(&world).trail.caution.as_deref(),
        Some("quell_runbook names `lost`, which is not here")
    );
}

#[test]
fn a_link_leads_to_another_runbook_and_back_to_the_same_place() {
    let mut world = reading();
    world.press("j j j j j tab");
    lay_out(&mut world, facts());
    assert_eq!((reader(&world).link_at, top(&world)), (Some(0), 0));
    world.press("tab");
    assert_eq!((reader(&world).link_at, top(&world)), (Some(1), 27));
    world.press("enter");
    assert_eq!(reader(&world).id.raw(), "dns");
    assert_eq!((top(&world), reader(&world).link_at), (0, None));
    assert_eq!(reader(&world).trail.matched, None, "it is of no alert");
    world.press("esc");
    lay_out(&mut world, facts());
    assert_eq!((reader(&world).id.raw(), top(&world)), ("bad-rollout", 27));
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}

#[test]
fn a_trail_may_be_long_and_go_round() {
    let mut world = reading();
    let to = |path: &str| ReaderFacts {
        links: vec![(0, Untrusted::line(path))],
        ..facts()
    };
    for (path, id) in [
        ("net/dns.md", "dns"),
        ("../ingest.md", "ingest"),
        ("./bad-rollout.md#undo", "bad-rollout"),
    ] {
        lay_out(&mut world, to(path));
        world.press("tab enter");
        assert_eq!(reader(&world).id.raw(), id);
    }
    lay_out(&mut world, facts());
    assert_eq!(top(&world), 40, "with the anchor of the link");
    for id in ["ingest", "dns", "bad-rollout"] {
        world.press("esc");
        assert_eq!(reader(&world).id.raw(), id);
    }
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}

#[test]
fn a_link_within_the_text_moves_there() {
    let mut world = reading();
    world.press("tab enter");
    assert_eq!((reader(&world).id.raw(), top(&world)), ("bad-rollout", 40));
    assert!(reader(&world).trail.before.is_empty());
}

#[test]
fn links_that_lead_nowhere_here_are_named() {
    for target in [
        "https://example.org/x",
        "/etc/passwd",
        "../secret.md",
        "gone.md",
    ] {
        let mut world = reading();
        let links = vec![(0, Untrusted::line(target))];
        lay_out(&mut world, ReaderFacts { links, ..facts() });
        assert!(world.press("tab enter").is_empty());
        assert_eq!(
            world.refusal(),
            Some(format!("not a runbook here: {target}").as_str())
        );
        assert_eq!(reader(&world).id.raw(), "bad-rollout");
    }
    let mut world = reading();
    let links = vec![(0, Untrusted::line("#no-such"))];
    lay_out(&mut world, ReaderFacts { links, ..facts() });
    world.press("tab enter");
    assert_eq!(world.refusal(), Some("no section `no-such` in it"));
}

#[test]
fn links_are_selected_from_what_is_on_screen_and_go_round() {
    let mut world = reading();
    world.press("enter");
    assert_eq!(
        world.refusal(),
        Some("no link is selected: Tab selects one")
    );
    world.press("pgdn pgdn pgdn tab");
    assert_eq!(reader(&world).link_at, Some(1), "the first on screen");
    world.press("tab tab");
    assert_eq!(reader(&world).link_at, Some(0));
    world.press("shift-tab");
    assert_eq!(reader(&world).link_at, Some(2));
    lay_out(
        &mut world,
        ReaderFacts {
            links: Vec::new(),
            ..facts()
        },
    );
    world.press("tab");
    assert_eq!(world.refusal(), Some("no links in it"));
}

#[test]
fn words_are_found_from_here_on_and_go_round() {
    let mut world = reading();
    world.press("pgdn /");
    world.type_text("pod");
    assert_eq!(reader(&world).needle, "pod");
    lay_out(&mut world, found(&[3, 50, 70]));
    world.press("enter");
    lay_out(&mut world, found(&[3, 50, 70]));
    assert_eq!((reader(&world).match_at, top(&world)), (1, 47));
    for (key, at, line) in [("n", 2, 67), ("n", 0, 0), ("N", 2, 67), ("N", 1, 47)] {
        world.press(key);
        assert_eq!((reader(&world).match_at, top(&world)), (at, line), "{key}");
    }
}

#[test]
fn words_typed_and_taken_before_a_frame_are_found_all_the_same() {
    let mut world = reading();
    world.press("/");
    world.type_text("pod");
    // Over a slow line all of it comes at once: nothing was laid out for these words yet.
    world.press("enter");
    lay_out(&mut world, found(&[50]));
    assert_eq!(top(&world), 47);
    world.press("home");
    lay_out(&mut world, found(&[50]));
    assert_eq!(top(&world), 0, "only once");
}

#[test]
fn words_given_to_the_command_are_found() {
    let mut world = reading();
    assert!(world.command("search two words").is_empty());
    assert_eq!(reader(&world).needle, "two words");
    lay_out(&mut world, found(&[80]));
    assert_eq!(top(&world), 77);
}

#[test]
fn words_that_are_not_there_are_told() {
    let mut world = reading();
    world.press("n");
    assert_eq!(world.refusal(), Some("nothing is searched for: press /"));
    world.press("/");
    world.type_text("zebra");
    world.press("enter");
    lay_out(&mut world, found(&[]));
    world.press("n");
    assert_eq!(world.refusal(), Some("`zebra` is not in it"));
    assert_eq!(top(&world), 0);
}

#[test]
fn escape_drops_the_words_before_it_leaves_the_text() {
    let mut world = reading();
    world.press("/");
    world.type_text("pod");
    world.press("enter esc");
    assert_eq!(reader(&world).needle, "");
    world.press("esc");
    assert!(world.model.session.runbooks.reader.is_none());
    let mut world = reading();
    world.press("/");
    world.type_text("pod");
    world.press("esc");
    assert_eq!(reader(&world).needle, "");
}

#[test]
fn headings_are_stepped_through() {
    let mut world = reading();
    for (key, line) in [
        ("]", 40),
        ("]", 91),
        ("]", 91),
        ("[", 40),
        ("{", 0),
        ("[", 0),
        ("}", 40),
    ] {
        world.press(key);
        assert_eq!(top(&world), line, "{key}");
    }
}

#[test]
fn the_text_scrolls_within_its_lines() {
    let mut world = reading();
    for (key, line) in [
        ("j", 1),
        ("k", 0),
        ("k", 0),
        ("space", 8),
        ("pgup", 0),
        ("G", 91),
        ("j", 91),
        ("<", 0),
        ("ctrl-d", 4),
    ] {
        world.press(key);
        assert_eq!(top(&world), line, "{key}");
    }
    world.press("G");
    let shorter = ReaderFacts {
        lines: 20,
        ..ReaderFacts::default()
    };
    lay_out(&mut world, shorter);
    assert_eq!(top(&world), 11, "another width, fewer lines");
}

#[test]
fn the_list_opens_the_selected_runbook() {
    let mut world = World::showing(&pages(&["A"]));
    world.press("5 j enter");
    assert_eq!(reader(&world).id.raw(), "dns");
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Runbooks);
    assert!(world.model.session.runbooks.reader.is_none());
    world.press("esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}

#[test]
fn the_screens_key_leads_from_the_text_to_the_list() {
    let mut world = World::showing(&[linked("dns")]);
    world.press("enter r 5");
    assert!(world.model.session.runbooks.reader.is_none());
    assert_eq!(world.model.session.screen, Screen::Runbooks);
    world.press("1");
    assert!(
        world.model.session.triage.detail.is_some(),
        "the other screen is left as it was"
    );
    world.press("1");
    assert!(world.model.session.triage.detail.is_none());
}

#[test]
fn other_screens_leave_the_text_open() {
    let mut world = reading();
    world.press("G 8 1 1 5");
    assert_eq!((reader(&world).id.raw(), top(&world)), ("bad-rollout", 91));
}

#[test]
fn new_runbooks_leave_the_cursor_on_its_runbook() {
    let mut world = World::showing(&pages(&["A"]));
    world.press("5 j");
    let mut books = library();
    books
        .runbooks
        .insert(0, runbook("a-new-one", "a-new-one.md"));
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(books)));
    world.press("enter");
    assert_eq!(reader(&world).id.raw(), "dns");
}

#[test]
fn fewer_runbooks_leave_the_cursor_in_the_list() {
    let mut world = World::showing(&pages(&["A"]));
    world.press("5 G");
    let mut books = library();
    books.runbooks.truncate(1);
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(books)));
    world.press("enter");
    assert_eq!(reader(&world).id.raw(), "bad-rollout");
}

#[test]
fn an_empty_library_refuses_aloud() {
    let mut world = World::showing(&pages(&["A"]));
    let none = Answer::Runbooks(Arc::new(Library::default()));
    world.answers(world.runbooks(), none);
    world.press("5 enter");
    assert!(world.model.session.runbooks.reader.is_none());
    assert_eq!(world.refusal(), Some("nothing is selected"));
}

#[test]
fn a_runbook_that_is_gone_meanwhile_is_told() {
    let mut world = World::showing(&[linked("dns")]);
    // The picture still links to it; the folder has been read again.
    let books = Library {
        runbooks: vec![runbook("ingest", "ingest.md")],
        ..Library::default()
    };
    world.press("?");
    world.answers(world.runbooks(), Answer::Runbooks(Arc::new(books)));
    world.model.session.help = None;
    world.press("r");
    assert_eq!(world.notice(), "runbook dns is not here any more");
    assert_eq!(world.model.session.screen, Screen::Triage);
}
