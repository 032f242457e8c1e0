//! The house rules, held as a test: who may import whom, how long a file may be, where a write may
//! be sent and where a program may be started.
//!
//! `cargo test --test house` runs it. It reads the sources as text: a small lexer takes comments and
//! strings apart from code, and the rules look at what is left. It does not expand macros and knows
//! no types, so it sees `crate::room::...`, `quell::room::...` and `super` chains, and nothing that
//! hides behind a macro of another crate.
//!
//! Each rule is a function over a list of sources, so that `house/planted.rs` can plant a violation in
//! memory and see it found. A rule that is meant to change is changed here, in the same
//! commit as the code that needs it.

#![allow(
    clippy::panic,
    reason = "a broken rule fails the test with its findings"
)]

#[path = "house/lexer.rs"]
mod lexer;
#[path = "house/paths.rs"]
mod paths;
#[path = "house/planted.rs"]
mod planted;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use lexer::{Kind, Token, lex};
use paths::{crate_paths, starts_a_path};

/// The most lines a Rust file may have.
const LINE_LIMIT: usize = 800;

/// The room every other room may use.
const COMMON_ROOM: &str = "domain";

/// Each room, and the rooms it may import beside [`COMMON_ROOM`]. A new room gets its row here first.
const WALLS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("keys", &[]),
    ("effect", &[]),
    ("theme", &[]),
    ("msg", &["keys"]),
    ("config", &["keys"]),
    ("model", &["keys"]),
    ("update", &["model", "msg", "effect", "keys"]),
    ("view", &["model", "theme", "keys"]),
    ("sources", &["config"]),
    ("runbooks", &["config"]),
    ("slos", &["config"]),
    ("history", &["config"]),
    // The write side logs in as the read side does, and writes down what it does.
    ("control", &["config", "sources", "journal"]),
    ("journal", &["config"]),
    ("sim", &[]),
    (
        "cli",
        &[
            "config", "sources", "control", "runbooks", "journal", "sim", "slos", "keys", "history",
        ],
    ),
    (
        "runtime",
        &[
            "cli", "config", "control", "effect", "history", "journal", "keys", "model", "msg",
            "runbooks", "sim", "slos", "sources", "theme", "update", "view",
        ],
    ),
    ("main", &["cli", "runtime", "config"]),
    ("lib", &[]),
];

/// Crates a room must not name: I/O, network and terminal stay out of the pure rooms.
const FOREIGN_WALLS: &[(&str, &[&str])] = &[
    (
        "domain",
        &["tokio", "reqwest", "axum", "ratatui", "crossterm", "kube"],
    ),
    ("update", &["tokio", "reqwest", "axum", "kube"]),
    ("view", &["tokio", "reqwest", "axum", "kube"]),
];

/// Where a request that changes something may be written.
const WRITE_ROOMS: &[&str] = &["control", "sim"];

/// The files that may start another program.
const COMMAND_FILES: &[&str] = &[
    "src/runbooks/git.rs",
    "src/runbooks/tests/mod.rs",
    "src/sources/kubernetes/plugin.rs",
    "src/history/tests/broken.rs",
    "src/journal/anchor.rs",
    "src/journal/tests/anchors.rs",
    "src/journal/tests/trouble.rs",
    "src/config/secret.rs",
    "src/control/alertmanager/real_tests.rs",
    "src/control/approvals/program.rs",
    "src/control/approvals/tests/mod.rs",
    "src/control/local.rs",
    "build.rs",
];

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"];

#[test]
fn rooms_import_only_what_their_walls_allow() {
    hold(import_walls);
}

#[test]
fn no_room_imports_itself_in_a_circle() {
    hold(import_cycles);
}

#[test]
fn pure_rooms_name_no_runtime_network_or_terminal_crate() {
    hold(foreign_crates);
}

#[test]
fn no_file_is_too_long() {
    hold(long_files);
}

#[test]
fn requests_that_change_something_stand_only_in_the_write_rooms() {
    hold(write_calls);
}

#[test]
fn programs_are_started_only_where_listed_and_never_through_a_shell() {
    hold(started_programs);
}

#[test]
fn every_module_says_what_it_is_for() {
    hold(unopened_modules);
}

#[test]
fn nothing_is_left_unfinished_or_ignored() {
    hold(unfinished_marks);
}

/// Runs one rule over this checkout and fails with everything it found.
fn hold(rule: fn(&[Source]) -> Vec<Finding>) {
    let sources = checkout();
    assert!(
        sources.iter().any(|source| source.path == "src/lib.rs"),
        "src/lib.rs was not found: the rules would pass without having read anything"
    );
    let findings = rule(&sources);
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(
        findings.is_empty(),
        "{} broken house rule(s):\n  {}\n",
        list.len(),
        list.join("\n  ")
    );
}

/// A Rust file of the crate: its path from the crate root, with `/`, and its text.
struct Source {
    path: String,
    text: String,
    tokens: Vec<Token>,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens: lex(text),
        }
    }

    /// The room a file below `src/` belongs to: its first folder, or its own name at the top.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// The module path below the crate root, `["update", "lanes"]` for `src/update/lanes.rs`.
    fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inside = inside.strip_suffix(".rs").unwrap_or(inside);
        inside
            .split('/')
            .filter(|part| !matches!(*part, "mod" | "lib" | "main"))
            .map(str::to_owned)
            .collect()
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }

    fn tail(&self, at: usize) -> &[Token] {
        self.tokens.get(at..).unwrap_or_default()
    }
}

/// One broken rule: where, and what to do instead.
struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn checkout() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for top in ["src", "tests", "benches", "examples", "build.rs"] {
        let path = root.join(top);
        if path.exists() {
            read_rust_files(root, &path, &mut sources);
        }
    }
    sources
}

fn read_rust_files(root: &Path, path: &Path, into: &mut Vec<Source>) {
    if path.is_dir() {
        let entries =
            fs::read_dir(path).unwrap_or_else(|e| panic!("cannot list {}: {e}", path.display()));
        for entry in entries {
            let entry = entry.unwrap_or_else(|e| panic!("cannot list {}: {e}", path.display()));
            read_rust_files(root, &entry.path(), into);
        }
    } else if path.extension().is_some_and(|e| e == "rs") {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let inside = path.strip_prefix(root).unwrap_or(path);
        into.push(Source::new(&inside.to_string_lossy(), &text));
    }
}

// The rules.

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    WALLS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, rooms)| *rooms)
}

fn import_walls(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(room) = source.room() else { continue };
        let Some(may_import) = allowed(room) else {
            findings.push(source.finding(1, format!("`{room}` is no room: give it a row in WALLS of tests/house.rs, or put the file in the room it belongs to")));
            continue;
        };
        for path in crate_paths(source) {
            let target = path.room();
            if target == room || target == COMMON_ROOM {
                continue;
            }
            let text = path.segments.join("::");
            if allowed(target).is_none() {
                findings.push(source.finding(path.line, format!("`crate::{text}` does not start with a room: import the item from the room that owns it")));
            } else if !may_import.contains(&target) {
                let rooms = [&[COMMON_ROOM], may_import].concat().join(", ");
                findings.push(source.finding(path.line, format!("{room} may not import {target} (`crate::{text}`): it may use {rooms}. Pass the value in, or move the type to a room both may use")));
            } else if target == "view" && path.reaches_inside() {
                findings.push(source.finding(path.line, format!("`crate::{text}` reaches inside view: use an item of src/view/mod.rs, such as `crate::view::render`")));
            }
        }
    }
    findings
}

fn import_cycles(sources: &[Source]) -> Vec<Finding> {
    let mut edges: BTreeMap<(String, String), Finding> = BTreeMap::new();
    for source in sources {
        let Some(room) = source.room() else { continue };
        for path in crate_paths(source) {
            let target = path.room();
            if target != room && allowed(target).is_some() {
                edges
                    .entry((room.to_owned(), target.to_owned()))
                    .or_insert_with(|| source.finding(path.line, ""));
            }
        }
    }
    // Rooms nobody imports, or that import nobody, cannot be on a circle: take them away until
    // nothing changes. What is left is circles and the ways between them.
    loop {
        let froms: BTreeSet<String> = edges.keys().map(|(from, _)| from.clone()).collect();
        let tos: BTreeSet<String> = edges.keys().map(|(_, to)| to.clone()).collect();
        let before = edges.len();
        edges.retain(|(from, to), _| tos.contains(from) && froms.contains(to));
        if edges.len() == before {
            break;
        }
    }
    edges
        .into_iter()
        .map(|((from, to), site)| Finding {
            what: format!("{from} imports {to}, and {to} leads back to {from}: break the circle by moving the shared type to {COMMON_ROOM} or by passing the value in"),
            ..site
        })
        .collect()
}

fn foreign_crates(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let room = source.room();
        let Some((room, crates)) = FOREIGN_WALLS.iter().find(|(name, _)| Some(*name) == room)
        else {
            continue;
        };
        for (at, token) in source.tokens.iter().enumerate() {
            let Kind::Word(word) = &token.kind else {
                continue;
            };
            let is_path = matches!(source.tail(at + 1), [next, ..] if next.kind == Kind::Colons)
                || (at > 0 && source.tokens[at - 1].is_word("use"));
            if crates.contains(&word.as_str()) && is_path && starts_a_path(&source.tokens, at) {
                findings.push(source.finding(token.line, format!("{room} may not name the crate `{word}`: it holds plain values and rules. I/O belongs to sources and runtime, drawing to view")));
            }
        }
    }
    findings
}

fn long_files(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter_map(|source| {
            let lines = source.text.lines().count();
            (lines > LINE_LIMIT).then(|| {
                source.finding(lines, format!("{lines} lines, above the limit of {LINE_LIMIT}: split the file along its topics"))
            })
        })
        .collect()
}

fn write_calls(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(room) = source.room() else { continue };
        if WRITE_ROOMS.contains(&room) {
            continue;
        }
        for at in 0..source.tokens.len() {
            let call = match source.tail(at) {
                [dot, name, open, ..] if dot.is('.') && open.is('(') => name
                    .one_of(&["post", "put", "patch", "delete"])
                    .map(|name| format!(".{name}(")),
                [method, colons, name, ..]
                    if method.is_word("Method") && colons.kind == Kind::Colons =>
                {
                    name.one_of(&["POST", "PUT", "PATCH", "DELETE"])
                        .map(|name| format!("Method::{name}"))
                }
                _ => None,
            };
            if let Some(call) = call {
                findings.push(source.finding(source.tokens[at].line, format!("`{call}` outside src/control: a request that changes something is sent there, with an `Approved`, and nowhere else. A container's method of that name wants another call")));
            }
        }
    }
    findings
}

fn started_programs(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if source.room().is_none() && source.path != "build.rs" {
            continue;
        }
        let listed = COMMAND_FILES.contains(&source.path.as_str());
        for (at, token) in source.tokens.iter().enumerate() {
            if !listed && names_command(source.tail(at)) {
                findings.push(source.finding(token.line, format!("a program is started outside {}: go through one of these, or add the file to COMMAND_FILES of tests/house.rs with a reason in its `//!`", COMMAND_FILES.join(", "))));
            }
            if let Kind::Text(text) = &token.kind
                && listed
                && SHELLS.contains(&text.rsplit('/').next().unwrap_or(text))
            {
                findings.push(source.finding(
                    token.line,
                    format!(
                        "`{text}` is a shell: name the program and give it its arguments one by one"
                    ),
                ));
            }
        }
    }
    findings
}

/// `process::Command`, `process::{.., Command, ..}` or `process::*`, of std or tokio. Whoever starts a
/// program has to name one of these; a `Command` of keys or of clap comes another way.
fn names_command(tokens: &[Token]) -> bool {
    match tokens {
        [process, colons, name, rest @ ..]
            if process.is_word("process") && colons.kind == Kind::Colons =>
        {
            name.is_word("Command")
                || name.is('*')
                || (name.is('{')
                    && rest
                        .iter()
                        .take_while(|token| !token.is('}'))
                        .any(|token| token.is_word("Command")))
        }
        _ => false,
    }
}

fn unopened_modules(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter(|source| source.room().is_some() && !source.text.starts_with("//!"))
        .map(|source| source.finding(1, "the file does not open with `//!`: say which question it answers, who calls it and what it never does"))
        .collect()
}

fn unfinished_marks(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (at, token) in source.tokens.iter().enumerate() {
            let what = match source.tail(at) {
                [hash, open, ignore, ..]
                    if hash.is('#') && open.is('[') && ignore.is_word("ignore") =>
                {
                    "an ignored test: make it run, or delete it"
                }
                [name, bang, ..]
                    if bang.is('!') && name.one_of(&["todo", "unimplemented"]).is_some() =>
                {
                    "an unfinished branch: write it, or return an error that says what is missing"
                }
                [
                    Token {
                        kind: Kind::Comment(text),
                        ..
                    },
                    ..,
                ] if text
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|word| ["FIXME", "TODO", "XXX"].contains(&word)) =>
                {
                    "an unfinished mark in a comment: do it now, or open an issue"
                }
                _ => continue,
            };
            findings.push(source.finding(token.line, what));
        }
    }
    findings
}
