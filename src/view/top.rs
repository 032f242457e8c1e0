//! The top bar: which quell is this, how bad is it, and how far may that be trusted?

use ratatui::buffer::Buffer;

use super::Look;
use super::widgets::pen::Pen;
use super::widgets::text;
use crate::domain::duration::{age_secs, short};
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceKind;
use crate::model::Model;
use crate::model::knowledge::{Kept, SourceState};
use crate::theme::Role;

/// Name, environment, counts, sources, clock. What gives way first is the environment's name, then
/// the sources one by one, then all counts but the pages.
pub fn draw(model: &Model, look: &Look, buf: &mut Buffer) {
    const NAME: &str = " quell ";
    let style = |role| look.theme.style(role);
    let area = buf.area;
    let width = usize::from(area.width);
    let counts = counts(model);
    let clock = format!("{}Z", model.now.format("%H:%M"));
    let columns = |health: &[(String, Role)]| {
        let signs = health.iter().map(|(t, _)| text::width(t)).sum::<usize>();
        signs + clock.len() + 1
    };
    let accent = model.session.identity.accent.and_then(Role::named);
    let environment = model.session.identity.environment.as_deref();
    let environment = environment.map(crate::domain::text::shown);
    // Beside what stands on the right, at least the pages and the beginning of the name.
    let always = NAME.len() + counts[0].0.len() + 2;
    let named = environment
        .as_deref()
        .map_or(0, |n| text::width(n).min(8) + 2);
    let mut health = health(model, look);
    if always + named + columns(&health) > width {
        health = health_in_short(model, look);
    }
    let right = columns(&health);
    let mut pen = Pen::line(buf, area, 0);
    pen.write(NAME, style(Role::Title));
    if let Some(name) = &environment {
        let room = width.saturating_sub(always + right + 2);
        let fitted = text::fit(name, room, look.glyphs.ellipsis);
        pen.write(&format!(" {fitted} "), style(accent.unwrap_or(Role::Title)));
    }
    pen.write(look.glyphs.separator, style(Role::Border));
    for (text, role) in counts {
        // None in the middle is left out: the next number would be read for it.
        if pen.left() <= right + text.len() {
            break;
        }
        pen.write(&text, style(role));
    }
    let left = pen.left();
    pen.go_to(width - right.min(left));
    for (text, role) in health {
        pen.write(&text, style(role));
    }
    pen.at_right(&clock, style(Role::Text));
}

/// How many there are of each lane, in words; of nothing known there is no number.
fn counts(model: &Model) -> [(String, Role); 4] {
    let counts = model.board.counts();
    let words = if model.session.size.0 >= 100 {
        ["PAGE", "ticket", "info", "quiet"]
    } else {
        ["PAGE", "tk", "inf", "qt"]
    };
    let known = is_anything_known(model);
    let count = |number: usize, word: &str, role| match (known, number) {
        (false, _) => (format!("? {word} "), Role::Dim),
        (true, 0) => (format!("0 {word} "), Role::Dim),
        (true, number) => (format!("{number} {word} "), role),
    };
    [
        count(counts.page, words[0], Role::SeverityPage),
        count(counts.ticket, words[1], Role::SeverityTicket),
        count(counts.info, words[2], Role::SeverityInfo),
        count(counts.quiet, words[3], Role::StateQuiet),
    ]
}

/// Whether any server has answered, now or in the last session: before, zero would be a claim.
pub fn is_anything_known(model: &Model) -> bool {
    model
        .knowledge
        .sources
        .iter()
        .any(|s| s.kind != SourceKind::Runbooks && !matches!(s.kept, Kept::Nothing))
}

/// Where there is no room: how many of all sources answer.
fn health_in_short(model: &Model, look: &Look) -> Vec<(String, Role)> {
    let states = model.knowledge.freshness(model.now);
    let good = states.iter().filter(|f| **f == Freshness::Fresh).count();
    let (sign, role) = if good == states.len() {
        (look.glyphs.check, Role::Fresh)
    } else if states.contains(&Freshness::Failed) {
        (look.glyphs.cross, Role::Failed)
    } else if states.contains(&Freshness::Stale) {
        ("~", Role::Stale)
    } else {
        ("?", Role::Dim)
    };
    vec![(format!("{sign}{good}/{} ", states.len()), role)]
}

/// One sign for each source, by kind: `am ✓✓ prom ✗2m books ✓`.
fn health(model: &Model, look: &Look) -> Vec<(String, Role)> {
    let kinds = [
        (SourceKind::Alertmanager, "am"),
        (SourceKind::Prometheus, "prom"),
        (SourceKind::Slos, "slo"),
        (SourceKind::Runbooks, "books"),
    ];
    let mut out = Vec::new();
    for (kind, word) in kinds {
        let sources: Vec<_> = model
            .knowledge
            .sources
            .iter()
            .filter(|s| s.kind == kind)
            .collect();
        if sources.is_empty() {
            continue;
        }
        out.push((format!("{word} "), Role::Dim));
        let good = sources
            .iter()
            .filter(|s| s.freshness(model.now) == Freshness::Fresh)
            .count();
        if sources.len() > 4 {
            let role = if good == sources.len() {
                Role::Fresh
            } else {
                Role::Failed
            };
            out.push((format!("{good}/{} ", sources.len()), role));
            continue;
        }
        for source in sources {
            out.push(sign(source, model, look));
        }
        out.push((" ".into(), Role::Dim));
    }
    out
}

fn sign(source: &SourceState, model: &Model, look: &Look) -> (String, Role) {
    let age = |then: Option<_>| then.map_or_else(String::new, |t| short(age_secs(t, model.now)));
    match source.freshness(model.now) {
        Freshness::Fresh => (look.glyphs.check.into(), Role::Fresh),
        Freshness::Never => ("?".into(), Role::Dim),
        Freshness::Stale => (format!("~{}", age(source.health.answered_at)), Role::Stale),
        Freshness::Failed => {
            let since = age(source.health.failing_since);
            (format!("{}{since}", look.glyphs.cross), Role::Failed)
        }
    }
}
