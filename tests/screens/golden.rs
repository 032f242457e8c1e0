//! What do the screens look like? Reviewed by eye; a change of any of them is a change to review.

use crate::cast::now;
use crate::picture::{self, find, looks};
use crate::scenes;
use crate::stage::Stage;

/// The sizes that a picture is kept of: the smallest, the ordinary one, list beside detail.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

/// Keeps a picture of each size.
pub fn keep(name: &str, scene: fn() -> Stage) {
    for (columns, rows) in SIZES {
        let mut stage = scene().sized(columns, rows);
        insta::assert_snapshot!(
            format!("{name}_{columns}x{rows}"),
            picture::text(&mut stage)
        );
    }
}

/// A picture of each size for each scene.
macro_rules! golden {
    ($($name:ident = $scene:expr;)*) => {
        $(
            #[test]
            fn $name() {
                crate::golden::keep(stringify!($name), $scene);
            }
        )*
    };
}

pub(crate) use golden;

golden! {
    triage_pages = scenes::pages;
    triage_tickets = scenes::tickets;
    triage_quiet = scenes::quiet;
    triage_pending = scenes::pending;
    triage_no_match = scenes::no_match;
    triage_all_clear = scenes::all_clear;
    triage_nothing_known = scenes::nothing_known;
    triage_not_all_clear = scenes::not_all_clear;
    triage_last_known = scenes::last_known;
    triage_waiting = Stage::waiting;
    triage_unfolded = scenes::unfolded;
    triage_gone = scenes::gone;
    triage_news_while_frozen = scenes::news_while_frozen;
    alert_opened = scenes::opened;
    prompt_with_filter_error = scenes::filter_error;
    palette = scenes::palette;
    help = || scenes::pages().press("?");
    runbooks = scenes::runbooks;
    reader = scenes::reader;
    reader_search = scenes::reader_search;
    reader_link = scenes::reader_link;
    reader_caution = scenes::reader_caution;
    sources = scenes::sources;
    sources_stale = || scenes::troubled().press("8");
    sources_failed = || scenes::troubled().press("8 j");
    sources_limits = || scenes::troubled().press("8 j j");
    sources_never = || Stage::waiting().press("8");
    triage_ascii = || scenes::pages().ascii();
    reader_ascii = || scenes::reader().ascii();
}

#[test]
fn triage_at_200x60() {
    let mut stage = scenes::pages().sized(200, 60);
    insta::assert_snapshot!(picture::text(&mut stage));
}

#[test]
fn below_the_smallest_size_a_line_says_so() {
    let mut stage = scenes::pages().sized(39, 9);
    assert_eq!(picture::text(&mut stage).trim_end(), "quell needs 40x10");
}

/// Without colour the look of a row has to carry what the colour did.
#[test]
fn triage_in_mono() {
    let mut stage = scenes::pages().themed("mono");
    let (buffer, _) = stage.draw();
    let rows: Vec<String> = ["quell", "CheckoutErrorBudgetBurn", "TelemetryIngestBacklog"]
        .iter()
        .map(|text| looks(&buffer, find(&buffer, text).unwrap().y))
        .collect();
    insta::assert_snapshot!(rows.join("\n\n"));
}

/// The clock of the stage is the one in the pictures.
#[test]
fn the_clock_stands_still() {
    let mut stage = scenes::pages();
    let clock = now().format("%H:%MZ").to_string();
    let (buffer, _) = stage.draw();
    assert!(picture::lines(&buffer)[0].ends_with(&clock));
}
