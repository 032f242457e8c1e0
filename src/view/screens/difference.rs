//! Everything that is known of one difference: below the list, beside it, and as wide as the screen.

use super::change::{at, place, trust};
use super::drifts::{is_last_known, section_role};
use crate::domain::change::Subject;
use crate::domain::delivery::{DriftRow, Trouble};
use crate::domain::drift::{DriftPath, ReportAge};
use crate::domain::duration::{exact, short};
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::drifts::{self, Difference, Section};
use crate::theme::Role;
use crate::view::widgets::page::Page;
use crate::view::{Look, StyledLine};

/// No more places than this are written out.
const MOST_PATHS: usize = 100;

/// The lines below the list, the most important first.
pub fn summary(model: &Model, look: &Look) -> Vec<(String, Role)> {
    let Some(difference) = drifts::target(model) else {
        let words = "it was in an earlier report, and is not in the present one; o sorts it away";
        return vec![(words.to_owned(), Role::Stale)];
    };
    let dot = format!(" {} ", look.glyphs.dot);
    let section = difference.section();
    let mut lines = vec![(section.meaning().to_owned(), section_role(section))];
    match difference {
        Difference::Policy(trouble) => lines.push((trouble.what.to_string(), Role::Text)),
        Difference::Drift(row) => {
            lines.extend(allowed(row, model).map(|words| (words, Role::Text)));
            if let Some(first) = row.drift.paths.first() {
                let path = format!("{} {}", first.path, values(first, look));
                lines.push((path, Role::Text));
            } else if let Some(detail) = &row.drift.detail {
                lines.push((detail.to_string(), Role::Text));
            }
            let mut terms = vec![apply(row).to_owned()];
            terms.push(format!("by {}", trust(&row.drift.source, model)));
            terms.push(format!("report {}", report_age(row)));
            lines.push((terms.join(&dot), Role::Text));
        }
    }
    let mut terms = Vec::new();
    let subject = difference.subject();
    terms.extend(subject.service.as_ref().map(|s| format!("service {s}")));
    terms.extend(place(&subject.labels, subject.env.as_ref()));
    lines.push((terms.join(&dot), Role::Dim));
    lines
}

/// All lines of the opened difference.
pub fn lines(model: &Model, look: &Look, width: u16) -> Vec<StyledLine> {
    let mut page = Page::new(width, look);
    match drifts::target(model) {
        Some(difference) => {
            let section = difference.section();
            let words = format!("{}: {}", section.word(), section.meaning());
            page.text(&words, section_role(section));
            page.text(difference.subject().target.shown(), Role::Strong);
            if is_last_known(difference) {
                page.text("the last known: its source does not answer now", Role::Warn);
            }
            page.gap();
            match difference {
                Difference::Drift(row) => about(&mut page, row, model, look),
                Difference::Policy(trouble) => policy(&mut page, trouble, model),
            }
            page.gap();
            belongs(&mut page, difference.subject(), look);
        }
        None => page.text(
            "gone: it is not reported any more; esc leads back",
            Role::Stale,
        ),
    }
    page.out
}

fn about(page: &mut Page, row: &DriftRow, model: &Model, look: &Look) {
    let drift = &row.drift;
    let is_old = Section::of(row) == Section::Expired;
    let aged = |role| if is_old { Role::Stale } else { role };
    let mut name = "Differs";
    for path in drift.paths.iter().take(MOST_PATHS) {
        page.fact(name, path.path.shown(), aged(Role::Strong));
        page.fact("", &format!("  {}", values(path, look)), aged(Role::Text));
        name = "";
    }
    let unnamed = drift.paths.len().saturating_sub(MOST_PATHS);
    if unnamed > 0 {
        page.fact(
            "",
            &format!("and {unnamed} more places: quell drift --json has all"),
            Role::Warn,
        );
    }
    if drift.paths.is_empty() {
        page.fact(name, "no place is told", Role::Dim);
    }
    if let Some(detail) = &drift.detail {
        page.fact("Detail", detail.shown(), aged(Role::Text));
    }
    let actions: Vec<&str> = drift.actions.iter().map(Untrusted::shown).collect();
    if !actions.is_empty() {
        page.fact("Would do", &actions.join(", "), aged(Role::Text));
    }
    page.fact("Apply", apply(row), aged(Role::Text));
    if let Some(words) = allowed(row, model) {
        page.fact("Allowed", &words, Role::Text);
        if Section::of(row) != Section::Allowed {
            let words = "that allows a difference, not that none could be looked for";
            page.fact("", words, Role::Dim);
        }
    }
    page.gap();
    let made = match drift.report.at {
        Some(time) => at(time, model),
        None => "it has no time".to_owned(),
    };
    let role = match row.age {
        ReportAge::Fresh => Role::Text,
        ReportAge::Stale | ReportAge::Expired => Role::Stale,
        ReportAge::Unknown => Role::Warn,
    };
    page.fact("Report", &format!("{made}: {}", report_age(row)), role);
    if let Some(provenance) = &drift.report.provenance {
        page.fact("From", provenance.shown(), Role::Text);
    }
    let role = if is_last_known(Difference::Drift(row)) {
        Role::Stale
    } else {
        Role::Text
    };
    page.fact("Told by", &trust(&drift.source, model), role);
    match row.seen {
        Some(seen) => {
            page.fact(
                "Seen",
                &format!("first {}", at(seen.first, model)),
                Role::Text,
            );
            page.fact("", &format!("last {}", at(seen.last, model)), Role::Dim);
            if seen.times > 1 {
                let words = format!("{} times: it went and came back", seen.times);
                page.fact("", &words, Role::Text);
            }
        }
        None => page.fact("Seen", "not remembered yet", Role::Dim),
    }
}

/// Before and after. What is sensitive is not told, not even how long it is.
fn values(path: &DriftPath, look: &Look) -> String {
    if path.masked {
        return "changed (sensitive)".to_owned();
    }
    if path.before.is_none() && path.after.is_none() {
        return "changed, the values are not told".to_owned();
    }
    let value = |value: &Option<Untrusted>| {
        value
            .as_ref()
            .map_or_else(|| "(none)".to_owned(), Untrusted::to_string)
    };
    let becomes = look.glyphs.becomes;
    format!("{} {becomes} {}", value(&path.before), value(&path.after))
}

fn apply(row: &DriftRow) -> &'static str {
    match row.drift.reverted_by_apply {
        Some(true) => "applying puts it back",
        Some(false) => "applying does not put it back",
        None => "nobody says whether applying puts it back",
    }
}

fn report_age(row: &DriftRow) -> String {
    let cadence = row.drift.report.cadence_secs.filter(|secs| *secs > 0);
    match (row.age, cadence) {
        (ReportAge::Unknown, None) => {
            "of unknown age: how often it is made is not declared".to_owned()
        }
        (ReportAge::Unknown, Some(_)) => "of unknown age".to_owned(),
        (age, Some(secs)) => format!("{}, made every {}", age.word(), exact(secs)),
        (age, None) => age.word().to_owned(),
    }
}

fn allowed(row: &DriftRow, model: &Model) -> Option<String> {
    let rule = row.allowed.as_ref()?;
    let shown = crate::domain::text::shown;
    let left = u64::try_from((rule.until - model.now).num_seconds()).unwrap_or(0);
    let path = rule
        .path
        .as_ref()
        .map(|path| format!(" at {}", shown(path)));
    Some(format!(
        "until {} (for {} more): {} [{}{}]",
        rule.until.format("%Y-%m-%d %H:%MZ"),
        short(left),
        shown(&rule.reason),
        shown(&rule.address),
        path.unwrap_or_default()
    ))
}

fn policy(page: &mut Page, trouble: &Trouble, model: &Model) {
    page.fact("Policy", trouble.what.shown(), Role::Text);
    let since = trouble.since.map(|since| at(since, model));
    let since = since.unwrap_or_else(|| "nobody says since when".to_owned());
    page.fact("Since", &since, Role::Text);
    if trouble.count > 1 {
        page.fact("", &format!("{} times", trouble.count), Role::Text);
    }
}

fn belongs(page: &mut Page, subject: &Subject, look: &Look) {
    let service = subject.service.as_ref();
    let service = service.map_or("of no service that is known", |s| s.shown());
    page.fact("Service", service, Role::Text);
    let place = place(&subject.labels, subject.env.as_ref());
    if !place.is_empty() {
        let dot = format!(" {} ", look.glyphs.dot);
        page.fact("Where", &place.join(&dot), Role::Text);
    }
}
