//! Do the first and the last line keep what they are for, at every width?

use quell::domain::source::SourceKind;
use quell::keys::Context;
use quell::keys::commands::{ALL, Command};
use quell::model::Model;
use quell::model::available::available;
use quell::theme::Role;
use ratatui::style::Modifier;

use crate::cast::night;
use crate::picture::{find, lines};
use crate::scenes;
use crate::stage::{Source, Stage};

/// The hints on the last line, each with its command.
fn hints(line: &str, model: &Model) -> Vec<(&'static Command, String)> {
    let context = model.session.context();
    let parts = line.split("  ").map(str::trim).filter(|p| !p.is_empty());
    parts
        .map(|part| {
            let command = ALL.iter().find(|c| {
                let applies =
                    c.contexts.contains(&context) || c.contexts.contains(&Context::Global);
                applies
                    && c.hint.is_some_and(|word| {
                        [
                            format!("{} {word}", c.keys[0]),
                            format!("{} ({word})", c.keys[0]),
                        ]
                        .contains(&part.to_owned())
                    })
            });
            let command =
                command.unwrap_or_else(|| panic!("`{part}` is no whole hint of {context:?}"));
            (command, part.to_owned())
        })
        .collect()
}

/// Scenes whose last line is the hint bar.
fn with_hints(scene: &scenes::Scene) -> Option<Stage> {
    let stage = scene.1();
    let session = &stage.model.session;
    let reader = session.runbooks.reader.as_ref();
    let is_free = session.prompt.is_none()
        && session.notice.is_none()
        && session.help.is_none()
        && reader.is_none_or(|r| r.link_at.is_none());
    is_free.then_some(stage)
}

#[test]
fn no_hint_is_cut_and_help_is_always_there() {
    let mut seen = 0;
    for scene in scenes::ALL {
        let Some(mut stage) = with_hints(scene) else {
            continue;
        };
        for width in (40..=120).chain([200]) {
            stage.resize(width, 24);
            let (buffer, _) = stage.draw();
            let last = lines(&buffer).pop().unwrap();
            let hints = hints(&last, &stage.model);
            assert!(
                hints.iter().any(|(c, _)| c.name == "help"),
                "{} at {width}: {last}",
                scene.0
            );
            seen += hints.len();
        }
    }
    assert!(seen > 5_000);
}

#[test]
fn a_hint_is_in_parentheses_and_dim_exactly_when_it_is_off() {
    let (mut on, mut off) = (0, 0);
    for scene in scenes::ALL {
        let Some(mut stage) = with_hints(scene) else {
            continue;
        };
        stage.resize(160, 40);
        let (buffer, _) = stage.draw();
        let last = lines(&buffer).pop().unwrap();
        for (command, part) in hints(&last, &stage.model) {
            let refused = available(command.id, &stage.model).is_err();
            assert_eq!(part.ends_with(')'), refused, "{}: {part}", scene.0);
            let at = find(&buffer, &format!("{part} ")).unwrap();
            let key = &buffer[at];
            let dim = stage.look.theme.style(Role::Dim).add_modifier;
            assert_eq!(dim, Modifier::DIM);
            assert_eq!(key.modifier.contains(dim), refused, "{}: {part}", scene.0);
            *(if refused { &mut off } else { &mut on }) += 1;
        }
    }
    assert!(on > 50 && off > 5, "{on} on, {off} off");
}

/// What stands at the right end of the top bar, with every source fresh.
const HEALTH: &str = "am ✓✓ prom ✓ slo ✓ books ✓  02:02Z";

/// The same where there is no room for it.
const IN_SHORT: &str = "✓5/5  02:02Z";

#[test]
fn the_top_bar_keeps_the_pages_the_sources_and_the_clock() {
    for width in 40..=200 {
        let mut stage = scenes::pages().sized(width, 24);
        let (buffer, _) = stage.draw();
        let top = &lines(&buffer)[0];
        let left = match (top.strip_suffix(HEALTH), top.strip_suffix(IN_SHORT)) {
            (Some(left), _) => left,
            (None, Some(left)) if width < 60 => left,
            _ => panic!("{width}: {top}"),
        };
        let mut rest = left.strip_prefix(" quell  prod ▏").unwrap();
        let counts = if width < 100 {
            ["17 PAGE ", "4 tk ", "2 inf ", "4 qt "]
        } else {
            ["17 PAGE ", "4 ticket ", "2 info ", "4 quiet "]
        };
        for (at, count) in counts.into_iter().enumerate() {
            rest = match rest.strip_prefix(count) {
                Some(rest) => rest,
                None => {
                    assert!(at > 0 && width < 80, "{width} lacks `{count}`: {top}");
                    break;
                }
            };
        }
        assert_eq!(rest.trim(), "", "{width}: {top}");
    }
}

#[test]
fn nothing_known_is_not_zero() {
    for mut stage in [Stage::waiting(), scenes::nothing_known()] {
        for width in [40, 80, 120] {
            stage.resize(width, 24);
            let (buffer, _) = stage.draw();
            let shown = lines(&buffer);
            assert!(shown[0].contains("? PAGE"), "{}", shown[0]);
            assert!(shown[1].contains("[Page ?]"), "{}", shown[1]);
            let claims = shown[..2]
                .iter()
                .flat_map(|line| line.split([' ', ']', '▏']));
            assert_eq!(claims.filter(|word| *word == "0").count(), 0);
        }
    }
    let (buffer, _) = scenes::all_clear().draw();
    assert!(lines(&buffer)[0].contains("0 PAGE"));
}

#[test]
fn the_top_bar_says_how_long_sources_are_lost() {
    let mut stage = scenes::troubled();
    for width in 80..=200 {
        stage.resize(width, 24);
        let (buffer, _) = stage.draw();
        let top = &lines(&buffer)[0];
        assert!(top.contains("17 PAGE "), "{width}: {top}");
        assert!(
            top.ends_with("am ~3m✗3m prom ✓ slo ✓ books ✓  02:02Z"),
            "{width}: {top}"
        );
    }
}

/// What the top bar of a night with SLOs says between the pages and the sources.
fn middle(width: u16) -> String {
    let (buffer, _) = scenes::burn_row().sized(width, 24).draw();
    let top = lines(&buffer).swap_remove(0);
    let mut sources = [HEALTH, IN_SHORT].into_iter();
    let left = sources.find_map(|end| top.strip_suffix(end));
    let left = left.unwrap_or_else(|| panic!("{width}: {top}"));
    let rest = left.split_once("18 PAGE ").map(|(_, rest)| rest.trim());
    rest.unwrap_or_else(|| panic!("{width}: {top}")).to_owned()
}

#[test]
fn the_top_bar_says_what_burns_as_far_as_there_is_room() {
    for (width, said) in [
        (
            200,
            "8 ticket 3 info 4 quiet ▏budget: 5 burning 14x ▏freeze: budget 1.3x over policy",
        ),
        (120, "8 ticket 3 info 4 quiet ▏budget: 5 burning 14x freeze"),
        (100, "8 ticket ▏budget: 5 burning 14x freeze"),
        (80, "8 tk ▏burn 14x freeze"),
        (60, ""),
        (40, "8 tk"),
    ] {
        assert_eq!(middle(width), said, "{width}");
    }
    for width in 40..=200 {
        let said = middle(width);
        assert!(width < 80 || said.contains("14x"), "{width}: {said}");
        assert!(
            said.is_empty() || said.starts_with("8 t") || said.starts_with('▏'),
            "{width}: {said}"
        );
    }
}

#[test]
fn the_top_bar_says_so_when_what_burns_is_the_last_known() {
    let (buffer, _) = scenes::burns_last_known().sized(160, 24).draw();
    let top = &lines(&buffer)[0];
    assert!(top.contains("budget: 5 burning ?14x ▏freeze: "), "{top}");
}

#[test]
fn a_long_environment_leaves_room_for_what_burns() {
    let mut stage = scenes::burn_row();
    stage.model.session.identity.environment = Some("production-".repeat(20));
    for width in [80, 120] {
        stage.resize(width, 24);
        let (buffer, _) = stage.draw();
        let top = &lines(&buffer)[0];
        assert!(top.contains("14x") && top.ends_with(HEALTH), "{top}");
    }
}

#[test]
fn a_long_environment_leaves_room_for_counts_and_sources() {
    for name in [
        "production-eu-central-1",
        &"production-".repeat(20),
        "生产环境欧洲中部集群一号",
    ] {
        let mut stage = Stage::for_operator("mara", name);
        for source in Source::ALL {
            stage.reports(source, &night(), crate::cast::ago(2));
        }
        let (buffer, _) = stage.draw();
        let top = &lines(&buffer)[0];
        assert!(top.ends_with(HEALTH), "{top}");
        assert!(top.contains("17 PAGE "), "{top}");
        stage.resize(40, 10);
        let (buffer, _) = stage.draw();
        let top = &lines(&buffer)[0];
        assert!(top.ends_with(IN_SHORT), "{top}");
        assert!(top.contains("17 PAGE "), "{top}");
    }
}

#[test]
fn the_help_is_whole_and_says_when_there_is_more() {
    for (width, height) in [(80, 24), (40, 10), (120, 40)] {
        let mut stage = scenes::pages().press("?").sized(width, height);
        let mut seen = String::new();
        for _ in 0..200 {
            let (buffer, _) = stage.draw();
            let shown = lines(&buffer);
            let (last, rows) = shown.split_last().unwrap();
            assert!(rows.iter().all(|row| !row.contains('…')), "{rows:#?}");
            seen.push_str(&rows.join("\n"));
            if !last.contains("scrolls down") {
                // The last page is full, as far as there is text.
                assert!(
                    !rows.last().unwrap().is_empty() || height == 40,
                    "{rows:#?}"
                );
                break;
            }
            stage = stage.press("j");
        }
        // The last sign of the list, and the reason of a command that is off.
        assert!(seen.contains("~2m"), "{seen}");
        assert!(seen.contains("(off:"), "{seen}");
    }
}

#[test]
fn what_is_wrong_with_a_source_is_seen_on_the_smallest_screen() {
    let mut stage = scenes::troubled().press("8 j").sized(40, 10);
    let (buffer, _) = stage.draw();
    let shown = lines(&buffer).join("\n");
    assert!(
        shown.contains("unreachable (connection refused)"),
        "{shown}"
    );
    assert!(shown.contains("3 times in a row"), "{shown}");
}

#[test]
fn an_opened_alert_says_how_much_of_it_is_seen() {
    let mut stage = scenes::opened();
    let share = |stage: &mut Stage| {
        let (buffer, _) = stage.draw();
        let title = lines(&buffer).swap_remove(1);
        let word = title.rsplit(' ').next().unwrap().to_owned();
        word.strip_suffix('%').map(|n| n.parse::<u8>().unwrap())
    };
    assert!(share(&mut stage).is_some_and(|n| n < 100));
    let mut stage = stage.press("G");
    assert_eq!(share(&mut stage), Some(100));
}

#[test]
fn a_selected_link_says_where_it_leads() {
    for (width, shown) in [(80, "telemetry-ingest-backlog.md"), (40, "telemetry-in")] {
        let mut stage = scenes::reader_link().sized(width, 24);
        let (buffer, _) = stage.draw();
        let last = lines(&buffer).pop().unwrap();
        assert!(last.contains(shown), "{last}");
    }
}

#[test]
fn a_cluster_alone_says_nothing_of_alerts() {
    let mut stage = Stage::waiting().with("prod-eu-1", SourceKind::Kubernetes);
    stage.delivers(
        "prod-eu-1",
        crate::deliveries::cluster(),
        crate::cast::ago(1),
    );
    let mut stage = stage.sized(120, 24);
    let (buffer, _) = stage.draw();
    let top = &lines(&buffer)[0];
    assert!(top.contains("? PAGE"), "nobody was asked: {top}");
    assert!(top.contains("2 rollouts"), "{top}");
}
