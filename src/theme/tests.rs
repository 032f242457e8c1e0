//! Themes from files: inheritance, reduction to fewer colours, and every kind of mistake.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fs;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

/// The messages, without the folder's own path.
fn problems(name: &str, folder: &Path) -> Vec<String> {
    let error = load(name, Some(folder)).unwrap_err();
    let prefix = format!("{}/", folder.display());
    error
        .to_string()
        .lines()
        .map(|line| line.replace(&prefix, ""))
        .collect()
}

#[test]
fn every_built_in_theme_loads() {
    for name in names(None).unwrap() {
        assert_eq!(load(&name, None).unwrap().name(), name);
    }
    assert_eq!(
        names(None).unwrap(),
        ["default", "high-contrast", "light", "mono"]
    );
}

#[test]
fn the_root_and_mono_set_every_role() {
    for text in [
        include_str!("../../themes/default.toml"),
        include_str!("../../themes/mono.toml"),
    ] {
        let mut problems = Vec::new();
        let file = file::parse("t", text, &mut problems);
        assert_eq!(problems, []);
        for (role, name) in Role::ALL {
            assert!(file.roles.iter().any(|(set, _)| *set == role), "{name}");
        }
    }
}

#[test]
fn mono_has_no_colours() {
    let mono = load("mono", None).unwrap();
    for (role, name) in Role::ALL {
        let style = mono.style(role);
        assert_eq!((style.fg, style.bg), (None, None), "{name}");
    }
}

#[test]
fn the_default_needs_only_sixteen_colours() {
    for name in names(None).unwrap() {
        let theme = load(&name, None).unwrap();
        assert_eq!(theme, theme.at_depth(ColourDepth::Sixteen), "{name}");
    }
}

#[test]
fn severities_differ_by_colour() {
    for name in ["default", "light", "high-contrast"] {
        let theme = load(name, None).unwrap();
        let look = [
            Role::SeverityPage,
            Role::SeverityTicket,
            Role::SeverityInfo,
            Role::SeverityUnknown,
        ]
        .map(|role| theme.style(role));
        for (i, style) in look.iter().enumerate() {
            assert!(!look[i + 1..].contains(style), "{name}");
        }
    }
}

#[test]
fn without_colours_what_matters_still_differs() {
    let themes = folder(&[(
        "flat",
        "severity.page = 'red'\nselected = 'on blue'\ndanger = ''",
    )]);
    for name in names(Some(themes.path())).unwrap() {
        let theme = load(&name, Some(themes.path())).unwrap();
        let theme = theme.at_depth(ColourDepth::None);
        for (i, (a, _)) in APART.iter().enumerate() {
            let look = theme.style(*a);
            assert_eq!((look.fg, look.bg), (None, None), "{name} {a:?}");
            for (b, _) in &APART[i + 1..] {
                let other = theme.style(*b).add_modifier;
                assert_ne!(look.add_modifier, other, "{name} {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn a_theme_inherits_roles_and_colour_names() {
    let themes = folder(&[
        (
            "base",
            "ok = 'leaf'\nwarn = { fg = 'leaf', bold = true }\n[palette]\nleaf = '#008700'",
        ),
        (
            "mine",
            "inherits = 'base'\nwarn = 'underline 208 on leaf'\n[severity]\npage = 'bold'\n[palette]\nleaf = 22",
        ),
    ]);
    let theme = load("mine", Some(themes.path())).unwrap();
    let leaf = Color::Indexed(22);
    assert_eq!(theme.style(Role::Ok), Style::new().fg(leaf));
    assert_eq!(
        theme.style(Role::Warn),
        Style::new()
            .fg(Color::Indexed(208))
            .bg(leaf)
            .add_modifier(Modifier::UNDERLINED)
    );
    assert_eq!(
        theme.style(Role::SeverityPage),
        Style::new().add_modifier(Modifier::BOLD)
    );
    let default = Theme::default_theme().unwrap();
    assert_eq!(theme.style(Role::Link), default.style(Role::Link));
}

#[test]
fn a_users_theme_hides_and_may_extend_the_built_in_one() {
    let themes = folder(&[("light", "inherits = 'light'\nok = 'red'")]);
    let mine = load("light", Some(themes.path())).unwrap();
    let built_in = load("light", None).unwrap();
    assert_eq!(mine.style(Role::Ok), Style::new().fg(Color::Red));
    assert_eq!(mine.style(Role::Link), built_in.style(Role::Link));
}

#[test]
fn built_in_themes_do_not_build_on_a_users() {
    let themes = folder(&[("default", "stale = 'red'")]);
    assert_eq!(
        load("light", Some(themes.path())).unwrap(),
        load("light", None).unwrap()
    );
}

#[test]
fn every_problem_of_a_file_is_told() {
    let themes = folder(&[(
        "bad",
        "severity.pgae = 'red'\nok = 3\nwarn = { fg = 'read', blod = true, dim = 1 }\nlink = 'red blue'\n[palette]\nx = '#12'\n",
    )]);
    assert_eq!(
        problems("bad", themes.path()),
        [
            "bad.toml:1:10: unknown role \"severity.pgae\"; did you mean \"severity.page\"?",
            "bad.toml:2:6: a style is words such as \"bold red on black\" or a table",
            "bad.toml:3:23: unknown attribute \"blod\"; did you mean \"bold\"?",
            "bad.toml:3:42: dim is true or false",
            "bad.toml:4:8: a style has one foreground and, after \"on\", one background",
            "bad.toml:6:5: not a colour: #12; a colour is a name, a number from 0 to 255, or \"#rrggbb\"",
        ]
    );
}

#[test]
fn unknown_colours_and_themes_name_the_nearest() {
    let themes = folder(&[
        ("colour", "ok = 'gren'"),
        ("orphan", "inherits = 'lihgt'"),
        ("broken", "ok = "),
    ]);
    assert_eq!(
        problems("colour", themes.path()),
        ["colour.toml:1:6: unknown colour \"gren\"; did you mean \"green\"?"]
    );
    assert_eq!(
        problems("orphan", themes.path()),
        ["orphan.toml:1:12: unknown theme \"lihgt\"; did you mean \"light\"?"]
    );
    assert_eq!(
        problems("momo", themes.path()),
        ["unknown theme \"momo\"; did you mean \"mono\"?"]
    );
    assert!(problems("broken", themes.path())[0].starts_with("broken.toml:1:"));
}

#[test]
fn circles_and_long_chains_end() {
    let mut files = vec![
        ("a".to_owned(), "inherits = 'b'".to_owned()),
        ("b".to_owned(), "inherits = 'a'".to_owned()),
        ("self".to_owned(), "inherits = 'self'".to_owned()),
    ];
    for i in 0..20 {
        files.push((format!("long{i}"), format!("inherits = 'long{}'", i + 1)));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    let themes = folder(&files);
    for (name, expected) in [
        ("a", "b.toml:1:12: themes inherit in a circle: a > b > a"),
        (
            "self",
            "self.toml:1:12: themes inherit in a circle: self > self",
        ),
        (
            "long0",
            "long7.toml:1:12: more than 8 themes inherit in a row",
        ),
    ] {
        assert_eq!(problems(name, themes.path()), [expected]);
    }
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let outer = folder(&[("secret", "ok = 'red'")]);
    let inner = outer.path().join("themes");
    fs::create_dir(&inner).unwrap();
    assert!(problems("../secret", &inner)[0].starts_with("unknown theme \"../secret\""));
}

#[test]
fn an_enormous_file_is_not_a_theme() {
    let big = "#".repeat(70_000);
    let themes = folder(&[("big", &big)]);
    assert_eq!(
        problems("big", themes.path()),
        ["cannot read big.toml: larger than 64 KiB"]
    );
}

#[test]
fn names_are_those_of_both() {
    let themes = folder(&[("mine", ""), ("light", ""), ("not a name", "")]);
    fs::write(themes.path().join("notes.txt"), "").unwrap();
    assert_eq!(
        names(Some(themes.path())).unwrap(),
        ["default", "high-contrast", "light", "mine", "mono"]
    );
    assert_eq!(
        names(Some(&themes.path().join("absent"))).unwrap(),
        names(None).unwrap()
    );
}
