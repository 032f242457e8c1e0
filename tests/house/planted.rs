//! Can the rules fail? Each must find what is planted for it in memory, and leave its neighbour alone.

use crate::*;

/// What a rule finds in one file, as `line: text`.
fn found(rule: fn(&[Source]) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    rule(&[Source::new(path, text)])
        .iter()
        .map(|finding| finding.line)
        .collect()
}

#[test]
fn a_wall_is_seen_through_use_groups_inline_paths_and_super() {
    let walls = |path, text| found(import_walls, path, text);
    assert_eq!(
        walls("src/view/mod.rs", "//! v\nuse crate::runtime::clock;"),
        [2]
    );
    assert_eq!(
        walls(
            "src/update/lanes.rs",
            "use crate::{model::Model,\n sources::alertmanager as am,\n view::{render, Scroll}};"
        ),
        [2, 3, 3]
    );
    assert_eq!(
        walls(
            "src/keys/mod.rs",
            "fn f() -> crate::model::Model { quell::view::render() }"
        ),
        [1, 1]
    );
    assert_eq!(
        walls("src/update/lanes.rs", "use super::super::view::render;"),
        [1]
    );
    assert_eq!(
        walls(
            "src/update/mod.rs",
            "mod tests { use super::super::view::render; }"
        ),
        [1]
    );
    assert_eq!(
        walls("src/sim/mod.rs", "use crate::config;\nuse crate::*;"),
        [1, 2]
    );
    assert_eq!(
        walls("src/domain/text.rs", "use crate::keys::Command;"),
        [1]
    );
    assert_eq!(walls("src/main.rs", "use quell::update;"), [1]);
    assert_eq!(walls("src/extras/mod.rs", ""), [1]);
    assert_eq!(
        walls("src/model/mod.rs", "use crate::config::settings::Settings;"),
        [1]
    );
}

#[test]
fn what_the_walls_allow_is_left_alone() {
    for (path, text) in [
        (
            "src/update/lanes.rs",
            "use crate::{domain::alert::Alert, model::Model};\nuse super::quiet;",
        ),
        (
            "src/update/lanes.rs",
            "mod tests { use super::super::model_of; use super::*; }",
        ),
        (
            "src/view/mod.rs",
            "// use crate::runtime;\n/* crate::runtime /* x */ crate::sim */ const A: &str = \"crate::runtime::x\";",
        ),
        (
            "src/view/mod.rs",
            "const A: &str = r#\"\" crate::runtime::x\"#; const Q: char = '\"'; use crate::theme::Role; // \"",
        ),
        (
            "src/view/mod.rs",
            "fn f<'a>(x: &'a str) -> char { '\\'' } pub(crate) use crate::keys::Chord;",
        ),
        (
            "src/runtime/mod.rs",
            "use crate::view::{render, Scroll}; fn f() { crate::view::Scroll::default(); }",
        ),
        ("src/main.rs", "use quell::{cli, config, runtime};"),
        ("tests/it/main.rs", "use quell::update;"),
    ] {
        assert_eq!(found(import_walls, path, text), [0; 0], "{path}: {text}");
    }
}

#[test]
fn runtime_may_not_reach_inside_view() {
    let text = "use crate::view::screens::triage;\nuse crate::view::{widgets::Table, render};";
    assert_eq!(found(import_walls, "src/runtime/mod.rs", text), [1, 2]);
}

#[test]
fn a_circle_over_three_rooms_is_found_and_a_chain_is_not() {
    let msg = Source::new("src/msg.rs", "use crate::keys::Command;");
    let keys = Source::new("src/keys/mod.rs", "use crate::theme::Role;");
    let theme = Source::new("src/theme/mod.rs", "\nuse crate::msg::Msg;");
    let view = Source::new("src/view/mod.rs", "use crate::theme::Role;");
    let circle = import_cycles(&[msg, keys, theme, view]);
    let places: Vec<String> = circle
        .iter()
        .map(|f| format!("{}:{}", f.path, f.line))
        .collect();
    assert_eq!(
        places,
        ["src/keys/mod.rs:1", "src/msg.rs:1", "src/theme/mod.rs:2"]
    );

    let chain = "use crate::keys::Command;";
    assert_eq!(found(import_cycles, "src/msg.rs", chain), [0; 0]);
}

#[test]
fn the_table_of_walls_itself_has_no_circle() {
    let table: Vec<Source> = WALLS
        .iter()
        .map(|(room, may_import)| {
            let uses: Vec<String> = may_import
                .iter()
                .map(|to| format!("use crate::{to}::x;"))
                .collect();
            Source::new(&format!("src/{room}/mod.rs"), &uses.concat())
        })
        .collect();
    assert_eq!(import_walls(&table).len(), 0);
    assert_eq!(import_cycles(&table).len(), 0);
}

#[test]
fn a_foreign_crate_in_a_pure_room_is_found() {
    let text = "use tokio::sync::mpsc;\nfn f(e: ratatui::text::Line) {}\nuse reqwest;\nlet tokio = 1; self.kube::<u8>();";
    assert_eq!(
        found(foreign_crates, "src/domain/alert.rs", text),
        [1, 2, 3]
    );
    assert_eq!(found(foreign_crates, "src/sources/mod.rs", text), [0; 0]);
}

#[test]
fn a_file_one_line_too_long_is_found() {
    let at_limit = "\n".repeat(LINE_LIMIT);
    assert_eq!(found(long_files, "src/view/mod.rs", &at_limit), [0; 0]);
    let above = "\n".repeat(LINE_LIMIT + 1);
    assert_eq!(
        found(long_files, "tests/it/main.rs", &above),
        [LINE_LIMIT + 1]
    );
}

#[test]
fn a_write_outside_the_write_rooms_is_found() {
    let text = "client\n  .post(url);\nclient.delete(url);\nlet m = reqwest::Method::PUT;\n// x.post(y)\nget(\".post(\"); x.post; posts.output();";
    assert_eq!(
        found(write_calls, "src/sources/alertmanager.rs", text),
        [2, 3, 4]
    );
    assert_eq!(found(write_calls, "src/control/mod.rs", text), [0; 0]);
    assert_eq!(found(write_calls, "tests/it/peers.rs", text), [0; 0]);
}

#[test]
fn a_program_started_elsewhere_or_through_a_shell_is_found() {
    let text = "use std::process::{Stdio, Command};\nlet c = tokio::process::Command::new(\"git\");\nuse std::process::*;\nlet p = clap::Command::new(\"quell\");\nlet k = Command { id };\nstd::process::exit(1);";
    assert_eq!(
        found(started_programs, "src/sources/mod.rs", text),
        [1, 2, 3]
    );
    assert_eq!(found(started_programs, "src/runbooks/git.rs", text), [0; 0]);
    let shell = "Command::new(\"git\");\nCommand::new(\"/bin/sh\").arg(\"-c\");\nlet s = \"bash\";";
    assert_eq!(
        found(started_programs, "src/runbooks/git.rs", shell),
        [2, 3]
    );
}

#[test]
fn a_module_without_its_opening_is_found() {
    assert_eq!(found(unopened_modules, "src/main.rs", "fn main() {}"), [1]);
    assert_eq!(
        found(
            unopened_modules,
            "src/main.rs",
            "//! The start.\nfn main() {}"
        ),
        [0; 0]
    );
}

#[test]
fn unfinished_work_is_found() {
    let text = "#[test]\n#[ignore = \"slow\"]\nfn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\n// FIXME later\nlet todo = \"FIXME\"; // todos";
    assert_eq!(
        found(unfinished_marks, "src/view/mod.rs", text),
        [2, 3, 4, 5]
    );
}
