//! What does screen 7 look like? Reviewed by eye. Does it say whether the journal can be trusted?

use quell::domain::record::Standing;
use quell::domain::text::Untrusted;
use quell::msg::Msg;
use quell::theme::Role;
use std::sync::Arc;

use crate::golden::golden;
use crate::hostile::{POISON, assert_safe};
use crate::picture::{cell_of, lines};
use crate::plans;
use crate::stage::Stage;

golden! {
    journal = || read("checkout-api", whole());
    journal_opened = || read("checkout-api", whole()).press("G k k enter");
    journal_ended = || read("checkout-api", whole()).press("j enter");
    journal_filtered = || read("checkout-api", whole()).press("/").types("outcome=applied").press("enter");
    journal_broken = || read("checkout-api", broken());
    journal_unwritable = || read("checkout-api", Standing::Unwritable(line("no space left on device")));
    journal_none = || Stage::waiting().press("7");
    journal_off = off;
    journal_ascii = || read("checkout-api", whole()).ascii();
}

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

fn whole() -> Standing {
    Standing::Whole(line("syslog proves it up to record 18"))
}

fn broken() -> Standing {
    Standing::Broken {
        seq: 7,
        why: line("its hash is not the one that record 8 names"),
    }
}

fn off() -> Stage {
    let mut stage = Stage::waiting().press("7");
    let picture = quell::domain::record::JournalPicture {
        standing: Standing::Off,
        ..Default::default()
    };
    stage.tell(Msg::JournalRead(Arc::new(picture)));
    stage
}

fn read(text: &str, standing: Standing) -> Stage {
    let mut stage = plans::acting().press("7");
    let picture = plans::journal(text, standing);
    stage.tell(Msg::JournalRead(Arc::new(picture)));
    stage
}

#[test]
fn how_far_the_journal_can_be_trusted_is_said_first_at_every_width() {
    for (standing, words) in [
        (broken(), "BROKEN at record 7"),
        (Standing::Unwritable(line("EIO")), "UNWRITABLE"),
    ] {
        for width in [40, 80, 120] {
            let mut stage = read("x", standing.clone()).sized(width, 24);
            let (buffer, _) = stage.draw();
            let cell = cell_of(&buffer, words);
            let danger = stage.look.theme.style(Role::Danger);
            assert!(cell.modifier.contains(danger.add_modifier), "{width}");
        }
    }
}

#[test]
fn every_field_of_a_record_is_reached() {
    let mut stage = read("checkout-api", whole())
        .press("G k k enter")
        .sized(100, 30);
    let mut seen = String::new();
    for _ in 0..40 {
        let (buffer, _) = stage.draw();
        seen.push_str(&lines(&buffer).join("\n"));
        stage = stage.press("j");
    }
    for field in [
        "differences[1].after",
        "dry_run.grade",
        "digest:",
        "bastion-1",
    ] {
        assert!(seen.contains(field), "{field}:\n{seen}");
    }
}

#[test]
fn nothing_that_a_record_says_reaches_the_terminal_raw() {
    for text in POISON {
        let rows = plans::journal(text, broken()).records.len();
        let mut stage = read(text, Standing::Unwritable(line(text)));
        for at in 0..rows {
            stage = stage.press("enter");
            for (width, height) in [(120, 40), (40, 10)] {
                stage.resize(width, height);
                let (buffer, _) = stage.draw();
                assert_safe(&buffer, &format!("{text:?} opened, record {at}"));
            }
            stage = stage.press("esc");
            for (width, height) in [(80, 24), (40, 10)] {
                stage.resize(width, height);
                let (buffer, _) = stage.draw();
                assert_safe(&buffer, &format!("{text:?} at record {at}"));
            }
            stage = stage.press("j");
        }
    }
}
