//! The top bar: which quell is this, how bad is it, and how far may that be trusted?

use ratatui::buffer::Buffer;

use super::Look;
use super::screens::burns::short_rate;
use super::widgets::pen::Pen;
use super::widgets::text;
use crate::domain::burn_policy::Level;
use crate::domain::duration::{age_secs, short};
use crate::domain::freshness::Freshness;
use crate::domain::release::Release;
use crate::domain::slo_burn::{RECENT_SECS, Verdict};
use crate::domain::source::SourceKind;
use crate::model::Model;
use crate::model::alarm::glass_left;
use crate::model::burns;
use crate::model::knowledge::{Kept, SourceState};
use crate::theme::Role;

/// Name, environment, counts, what burns and what may be released, sources,
/// clock. What gives way first is what the title
/// says, too: the counts of quiet and info; then rollouts and drift, the freeze, then the tickets, then the burn; the
/// sources are told in short before the pages go.
pub fn draw(model: &Model, look: &Look, buf: &mut Buffer) {
    const NAME: &str = " quell ";
    let style = |role| look.theme.style(role);
    let area = buf.area;
    let width = usize::from(area.width);
    let counts = counts(model);
    let clock = format!("{}Z", model.now.format("%H:%M"));
    let columns = |health: &[Fact]| wide(health) + clock.len() + 1;
    let accent = model.session.identity.accent.and_then(Role::named);
    let environment = model.session.identity.environment.as_deref();
    let environment = environment.map(crate::domain::text::shown);
    // Beside what stands on the right, at least the pages and the beginning of the name; before the name,
    // what is being done and what stops it.
    let beside = NAME.len() + counts[0].0.len() + 2 + columns(&health_in_short(model, look));
    let mut doing = doing(model);
    while beside + wide(&doing) > width && doing.pop().is_some() {}
    let always = NAME.len() + counts[0].0.len() + 2 + wide(&doing);
    let fits = doing.is_empty() || beside + wide(&doing) + 4 <= width;
    let environment = environment.filter(|_| fits);
    let named = environment
        .as_deref()
        .map_or(0, |n| text::width(n).min(SHORT_NAME) + 2);
    let mut health = health(model, look);
    if always + named + columns(&health) > width {
        health = health_in_short(model, look);
    }
    let burning = burning(model, look);
    let release = release(model, look);
    // Sources that are all well need no names where there is something to say of releases.
    let told = always + named + counts[1].0.len() + wide(&burning) + wide(&release[1]);
    let has_more = release[1].len() > release[2].len();
    if told + columns(&health) > width && is_all_fresh(model) && has_more {
        health = health_in_short(model, look);
    }
    let right = columns(&health);
    let mut pen = Pen::line(buf, area, 0);
    pen.write(NAME, style(Role::Title));
    if let Some(name) = &environment {
        let room = width.saturating_sub(always + right + 2);
        // A long name leaves room for what burns.
        let room = room
            .saturating_sub(wide(&burning))
            .max(room.min(SHORT_NAME));
        let fitted = text::fit(name, room, look.glyphs.ellipsis);
        pen.write(&format!(" {fitted} "), style(accent.unwrap_or(Role::Title)));
    }
    for (text, role) in doing {
        pen.write(&text, style(role));
    }
    pen.write(look.glyphs.separator, style(Role::Border));
    let room = pen.left().saturating_sub(right + 1);
    for (text, role) in choice(&counts, &burning, &release, room) {
        pen.write(&text, style(role));
    }
    let left = pen.left();
    pen.go_to(width - right.min(left));
    for (text, role) in health {
        pen.write(&text, style(role));
    }
    pen.at_right(&clock, style(Role::Text));
}

/// What is being done and what stops it, what matters most first.
fn doing(model: &Model) -> Vec<Fact> {
    let tally = model.acting.tally();
    let alarm = &model.acting.alarm;
    let mut facts = Vec::new();
    if tally.in_doubt > 0 {
        facts.push((format!("{} IN DOUBT ", tally.in_doubt), Role::Danger));
    }
    if alarm.panic.is_some() {
        facts.push(("PANIC ".to_owned(), Role::Danger));
    }
    if let Some(left) = glass_left(model) {
        facts.push((format!("GLASS BROKEN {left} "), Role::Danger));
    }
    if tally.acting > 0 {
        facts.push((format!("{} acting ", tally.acting), Role::Warn));
    }
    facts
}

/// Some words and how they look.
type Fact = (String, Role);

/// So much of the environment's name is left in any case.
const SHORT_NAME: usize = 8;

fn wide(facts: &[Fact]) -> usize {
    facts.iter().map(|(text, _)| text::width(text)).sum()
}

/// What of counts, burn and freeze is told in so many columns. None in the middle of the counts is
/// left out: the next number would be read for it.
fn choice(
    counts: &[Fact; 4],
    burning: &[Fact],
    release: &[Vec<Fact>; 3],
    room: usize,
) -> Vec<Fact> {
    let [sentence, short, freeze] = release.each_ref().map(|facts| &facts[..]);
    let told = |lanes: usize, others: [&[Fact]; 2]| {
        let others = others.into_iter().flatten();
        let told: Vec<Fact> = counts[..lanes].iter().chain(others).cloned().collect();
        (wide(&told) <= room).then_some(told)
    };
    let tries: [(usize, [&[Fact]; 2]); 12] = [
        (4, [burning, sentence]),
        (4, [burning, short]),
        (3, [burning, short]),
        (2, [burning, short]),
        (4, [burning, freeze]),
        (3, [burning, freeze]),
        (2, [burning, freeze]),
        (2, [burning, &[]]),
        (1, [burning, &[]]),
        (4, [&[], &[]]),
        (3, [&[], &[]]),
        (2, [&[], &[]]),
    ];
    let found = tries
        .into_iter()
        .find_map(|(lanes, others)| told(lanes, others));
    found.unwrap_or_else(|| counts[..1].to_vec())
}

/// How many budgets burn at least like a ticket, and how fast the worst of them. Nothing while none
/// does; a question mark where that is the last known.
fn burning(model: &Model, look: &Look) -> Vec<Fact> {
    let Some(worst) = burns::worst(&model.board) else {
        return Vec::new();
    };
    let is_present = matches!(worst.verdict, Verdict::Burning(_));
    let role = match worst.verdict.level() {
        _ if !is_present => Role::Stale,
        Some(Level::Page) => Role::SeverityPage,
        _ => Role::SeverityTicket,
    };
    let sign = if is_present { "" } else { "?" };
    let rate = worst.burn(RECENT_SECS).map_or_else(
        || "?".to_owned(),
        |rate| format!("{sign}{}x", in_two_figures(rate)),
    );
    let words = if is_wide(model) {
        let count = burns::burning(&model.board).count();
        format!("budget: {count} burning {rate} ")
    } else {
        format!("burn {rate} ")
    };
    vec![
        (look.glyphs.separator.to_owned(), Role::Border),
        (words, role),
    ]
}

/// Two figures are enough to be frightened. Cut, not rounded: what does not page is not shown as
/// what does.
fn in_two_figures(rate: f64) -> String {
    if rate < 10.0 {
        return format!("{:.1}", (rate * 10.0).trunc() / 10.0);
    }
    short_rate(rate.trunc()).trim_end_matches(".0").to_owned()
}

/// May something risky be released: the longest form first. The numbers alone, where nothing freezes.
fn release(model: &Model, look: &Look) -> [Vec<Fact>; 3] {
    let release = Release::of(&model.board);
    let separator = || (look.glyphs.separator.to_owned(), Role::Border);
    let freeze = release
        .over_policy
        .map(|_| ("freeze ".to_owned(), Role::Warn));
    let words = release.words();
    let sentence = match freeze {
        Some(_) => vec![separator(), (format!("{words} "), Role::Warn)],
        None => Vec::new(),
    };
    let (rollouts, drift) = if is_wide(model) {
        (
            if release.in_flight == 1 {
                "rollout"
            } else {
                "rollouts"
            },
            "drift",
        )
    } else {
        ("roll", "drift")
    };
    let mut short: Vec<Fact> = freeze.iter().cloned().collect();
    if release.in_flight > 0 {
        short.push(separator());
        short.push((format!("{} {rollouts} ", release.in_flight), Role::Text));
    }
    if release.drifted > 0 {
        short.push(separator());
        short.push((format!("{} {drift} ", release.drifted), Role::Warn));
    }
    let sentence = if sentence.is_empty() {
        short.clone()
    } else {
        sentence
    };
    [sentence, short, freeze.into_iter().collect()]
}

fn is_wide(model: &Model) -> bool {
    model.session.size.0 >= 100
}

/// How many there are of each lane, in words; of nothing known there is no number.
fn counts(model: &Model) -> [Fact; 4] {
    let counts = model.board.counts();
    let words = if is_wide(model) {
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

/// Whether anybody who tells of alerts or burns has answered, now or in the last session: before, zero
/// would be a claim.
pub fn is_anything_known(model: &Model) -> bool {
    let tells = [
        SourceKind::Alertmanager,
        SourceKind::Prometheus,
        SourceKind::Slos,
    ];
    let mut sources = model.knowledge.sources.iter();
    sources.any(|s| tells.contains(&s.kind) && !matches!(s.kept, Kept::Nothing))
}

fn is_all_fresh(model: &Model) -> bool {
    let states = model.knowledge.freshness(model.now);
    states.iter().all(|state| *state == Freshness::Fresh)
}

/// Where there is no room: how many of all sources answer.
fn health_in_short(model: &Model, look: &Look) -> Vec<Fact> {
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
fn health(model: &Model, look: &Look) -> Vec<Fact> {
    let kinds = [
        (SourceKind::Alertmanager, "am"),
        (SourceKind::Prometheus, "prom"),
        (SourceKind::Slos, "slo"),
        (SourceKind::Kubernetes, "k8s"),
        (SourceKind::Argocd, "argo"),
        (SourceKind::Github, "gh"),
        (SourceKind::Gitlab, "gl"),
        (SourceKind::Grafana, "graf"),
        (SourceKind::Spool, "push"),
        (SourceKind::Terraform, "tf"),
        (SourceKind::Services, "svc"),
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

fn sign(source: &SourceState, model: &Model, look: &Look) -> Fact {
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
