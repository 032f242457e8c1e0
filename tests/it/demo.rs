//! Is `quell demo` all a newcomer needs, and does it leave their machine as it was?

use std::fs;
use std::path::Path;

use crate::quell::Quell;
use crate::screen::{GUTTER, NARROW, has, quit, row_with, size};

#[test]
fn the_demo_pages_within_a_minute_opens_the_runbook_and_leaves_nothing_behind() {
    let quell = Quell::new();
    // A config that would be refused: the demo has nothing to do with it.
    let own = quell.write("config/quell/config.toml", "not a config");
    let terminal = quell.terminal(&["demo", "--seed", "1"], size(NARROW));
    // The patience of the harness is the minute that the demo may take.
    terminal.wait_for("a page with its runbook", |screen| {
        !has(screen, "[Page 0")
            && has(screen, " demo ")
            && row_with(screen, GUTTER).is_some_and(|(_, row)| row.contains("bad-rollout ✓"))
    });
    terminal.send("r");
    terminal.wait_for("the runbook, and which rule led to it", |screen| {
        row_with(screen, "bad-rollout @").is_some_and(|(row, _)| row == 1)
            && has(screen, "for Checkout")
            && has(screen, "by runbook_url")
    });
    quit(terminal);
    assert_eq!(files_below(&quell.path("")), [own.display().to_string()]);
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap_or_else(|e| panic!("{e}")).path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path.display().to_string()]
            }
        })
        .collect()
}
