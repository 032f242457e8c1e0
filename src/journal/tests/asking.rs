//! What was begun and never ended, and when was something last done.

use super::*;
use crate::domain::check::{Evidence, Found};
use crate::domain::plan::{ActionId, Digest, Part, Target};
use crate::domain::record::{End, StepOutcome};

fn target(server: &str, name: &str) -> Target {
    Target {
        env: None,
        server: server.into(),
        server_identity: String::new(),
        name: line(name),
        word: line(name),
        namespace: None,
        service: None,
        uid: None,
    }
}

fn intent(part: Part, step: usize) -> Entry {
    Entry::Intent {
        digest: Digest::of(b"plan"),
        part,
        step,
        what: line("undo"),
        write: Digest::of(b"write"),
        evidence: Evidence::None(line("none")),
    }
}

fn outcome(step: usize, outcome: StepOutcome) -> Entry {
    Entry::Outcome {
        part: Part::Forward,
        step,
        outcome,
    }
}

fn resolved(server: &str, name: &str) -> Entry {
    Entry::Resolved {
        targets: vec![target("other", "first"), target(server, name)],
    }
}

fn kept(entries: &[(u8, Entry)]) -> Vec<Kept> {
    let kept = entries
        .iter()
        .zip(0_u32..)
        .map(|((action, entry), n)| Kept {
            seq: n.into(),
            record: Record {
                action: Some(ActionId::new([*action; 16])),
                ..of(entry.clone(), n.into())
            },
        });
    kept.collect()
}

fn open_seqs(entries: &[(u8, Entry)]) -> Vec<u64> {
    let open = open_intents(&kept(entries));
    open.iter().map(|intent| intent.seq).collect()
}

#[test]
fn an_intent_is_open_until_its_own_outcome() {
    let note = || line("x");
    let applied = || StepOutcome::Applied { note: note() };
    let ended = Entry::Ended {
        end: End::NeedsPerson,
        detail: note(),
    };
    let decided = |step| Entry::Decided {
        step,
        found: Found::Applied,
        reason: note(),
    };
    let begun = || (1, intent(Part::Forward, 0));
    assert_eq!(open_seqs(&[begun()]), [0]);
    assert_eq!(open_seqs(&[begun(), (1, outcome(0, applied()))]), [0; 0]);
    assert_eq!(open_seqs(&[begun(), (1, outcome(1, applied()))]), [0]);
    assert_eq!(open_seqs(&[begun(), (2, outcome(0, applied()))]), [0]);
    assert_eq!(open_seqs(&[begun(), (1, decided(0))]), [0; 0]);
    assert_eq!(open_seqs(&[begun(), (1, decided(1))]), [0]);
    assert_eq!(
        open_seqs(&[begun(), (2, ended.clone()), (1, ended)]),
        [0; 0]
    );
    let doubt = StepOutcome::InDoubt { why: note() };
    assert_eq!(open_seqs(&[begun(), (1, outcome(0, doubt))]), [0]);
    let back = (1, intent(Part::Reverse, 0));
    let both = [begun(), back, (1, outcome(0, applied()))];
    assert_eq!(open_seqs(&both), [1], "the way back is a step of its own");
    let asked_again = [begun(), begun(), (2, intent(Part::Forward, 0))];
    assert_eq!(open_seqs(&asked_again), [1, 2]);
    let open = &open_intents(&kept(&[begun()]))[0];
    assert_eq!((open.at, open.step, open.part), (at(0), 0, Part::Forward));
    assert_eq!(open.write, Digest::of(b"write"));
}

#[test]
fn the_last_action_on_a_target_is_its_last_intent() {
    let entries = [
        (1, resolved("eu-1", "shop/deployment/cart")),
        (2, resolved("eu-2", "shop/deployment/cart")),
        (1, intent(Part::Forward, 0)),
        (1, intent(Part::Reverse, 0)),
        (2, intent(Part::Forward, 0)),
        (3, resolved("eu-1", "shop/deployment/cart")),
    ];
    let records = kept(&entries);
    let last = |server: &str, name: &str| {
        last_action_on(&records, &server.into(), &[line("a"), line(name)])
    };
    assert_eq!(last("eu-1", "shop/deployment/cart"), Some(at(3)));
    assert_eq!(last("eu-2", "shop/deployment/cart"), Some(at(4)));
    assert_eq!(last("eu-1", "shop/deployment/card"), None);
    assert_eq!(last("eu-3", "shop/deployment/cart"), None);
}
