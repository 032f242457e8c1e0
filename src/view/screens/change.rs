//! Everything that is known of one change: below the list, beside it, and as wide as the screen.

use super::burns::short_rate;
use super::changes::{is_last_known, outcome, versions};
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome};
use crate::domain::duration::{exact, short, short_age};
use crate::domain::freshness::Freshness;
use crate::domain::label::Labels;
use crate::domain::text::shown;
use crate::model::Model;
use crate::model::changes::{self, After, MOST_ALERTS, Preceded};
use crate::model::delivery;
use crate::model::held::Opened;
use crate::theme::Role;
use crate::view::widgets::page::Page;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};
use chrono::{DateTime, Utc};

/// No more alerts than this are named.
const MOST: usize = 20;

/// The name of the opened change, for the title.
pub fn title<Id>(opened: &Opened<Id>, model: &Model, look: &Look, width: usize) -> String {
    let name = match changes::target(model) {
        Some(change) => match &change.subject.service {
            Some(service) => service.to_string(),
            None => change.subject.target.to_string(),
        },
        None => opened.row.name.to_string(),
    };
    let room = width.saturating_sub(18);
    let name = text::fit_middle(&name, room, look.glyphs.ellipsis);
    format!("Change: {name}")
}

/// The lines below the list, the most important first.
pub fn summary(model: &Model, look: &Look) -> Vec<(String, Role)> {
    let Some(change) = changes::target(model) else {
        return vec![(
            "it was in an earlier answer, and is neither told nor remembered now; o sorts it away"
                .to_owned(),
            Role::Stale,
        )];
    };
    let dot = format!(" {} ", look.glyphs.dot);
    let mut lines = Vec::new();
    let (ended, role) = in_words(change, model, look);
    lines.push((ended, role));
    let mut where_to = vec![change.subject.target.to_string()];
    where_to.push(format!("told by {}", told_by(change, model).join(", ")));
    where_to.extend(place(&change.subject.labels, change.subject.env.as_ref()));
    lines.push((where_to.join(&dot), Role::Text));
    lines.extend(
        change
            .told
            .notes
            .iter()
            .map(|note| (format!("{} {note}", look.glyphs.warn), Role::Warn)),
    );
    if let Some(after) = of_change(change, model) {
        let words = match after.alerts.as_slice() {
            [] => unsuspected(after),
            [first] => format!("preceded {}", named(first)),
            [first, others @ ..] => {
                format!("preceded {} and {} more", named(first), others.len())
            }
        };
        lines.push((words, Role::Text));
    }
    lines
}

fn unsuspected(after: &After) -> String {
    match after.weak {
        0 => "no loud alert came after it".to_owned(),
        weak => format!("no suspect of any loud alert ({weak} score it too low)"),
    }
}

fn named(preceded: &Preceded) -> String {
    format!("{} ({:.0})", in_full(preceded), preceded.suspect.score)
}

/// `CheckoutHighErrorRate x12`
fn in_full(preceded: &Preceded) -> String {
    match preceded.count {
        1 => preceded.name.to_string(),
        count => format!("{} x{count}", preceded.name),
    }
}

fn of_change<'m>(change: &Change, model: &'m Model) -> Option<&'m After> {
    let after = model.session.changes.after.as_ref();
    after.filter(|after| after.id == change.id)
}

/// All lines of the opened change.
pub fn lines(model: &Model, look: &Look, width: u16) -> Vec<StyledLine> {
    let mut page = Page::new(width, look);
    match changes::target(model) {
        Some(change) => about(&mut page, change, model, look, width),
        None => page.text(
            "gone: it is neither told nor remembered any more; esc leads back",
            Role::Stale,
        ),
    }
    page.out
}

fn about(page: &mut Page, change: &Change, model: &Model, look: &Look, width: u16) {
    let is_old = is_last_known(change, model);
    let aged = |role| if is_old { Role::Stale } else { role };
    let (word, role) = outcome(change, true, is_old, look);
    page.text(&word, aged(role));
    page.text(change.subject.target.shown(), Role::Strong);
    if is_old {
        let words = "the last known: nobody who tells of it answers now";
        page.text(words, Role::Warn);
    }
    page.gap();
    let room = usize::from(width).saturating_sub(11);
    page.fact("Versions", &versions(change, room, look), aged(Role::Text));
    if change.versions.from_is_derived {
        let words = "the version before was not told: it is that of the change before this one";
        page.fact("", words, Role::Dim);
    }
    let kind = match change.kind {
        ChangeKind::Rollback => "rollback: back to what was before",
        ChangeKind::InfraDestructive => "infrastructure, with something replaced or deleted",
        kind => kind.word(),
    };
    page.fact("Kind", kind, Role::Text);
    who(page, change);
    times(page, change, model);
    let (ended, role) = in_words(change, model, look);
    page.fact("Outcome", &ended, aged(role));
    for note in &change.told.notes {
        page.fact("Note", &format!("{} {note}", look.glyphs.warn), Role::Warn);
    }
    if let Some(link) = &change.told.link {
        page.fact("Link", link.shown(), Role::Link);
    }
    page.gap();
    followed(page, change, model);
    burns(page, change, model);
    page.gap();
    let service = change.subject.service.as_ref();
    let service = service.map_or("of no service that is known", |s| s.shown());
    page.fact("Service", service, Role::Text);
    let place = place(&change.subject.labels, change.subject.env.as_ref());
    if !place.is_empty() {
        let dot = format!(" {} ", look.glyphs.dot);
        page.fact("Where", &place.join(&dot), Role::Text);
    }
    sources(page, change, model);
}

/// Environment, then what the labels say of the place.
pub fn place(labels: &Labels, env: Option<&crate::domain::text::Untrusted>) -> Vec<String> {
    let env = env.map(|env| format!("env {env}"));
    let named = ["cluster", "region", "namespace"].into_iter();
    let labels = named.filter_map(|name| Some(format!("{name} {}", labels.get(name)?)));
    env.into_iter().chain(labels).collect()
}

fn who(page: &mut Page, change: &Change) {
    let (words, role) = match &change.who {
        None => ("nobody says".to_owned(), Role::Dim),
        Some(who) => {
            let stands_for = match who.kind {
                ActorKind::Person => "a person",
                ActorKind::Automation => "automation",
                ActorKind::FieldManager => "the program that wrote the fields, not a person",
            };
            (format!("{} ({stands_for})", who.name), Role::Text)
        }
    };
    page.fact("Who", &words, role);
}

fn times(page: &mut Page, change: &Change, model: &Model) {
    page.fact("Started", &at(change.started_at, model), Role::Text);
    let finished = match (change.finished_at, change.outcome) {
        (Some(end), _) => {
            let took = (end - change.started_at).num_seconds();
            let took = match u64::try_from(took) {
                Ok(secs) => format!("took {}", exact(secs)),
                Err(_) => "before it began: a clock is wrong".to_owned(),
            };
            (format!("{}, {took}", at(end, model)), Role::Text)
        }
        (None, Outcome::Running) => ("it goes on".to_owned(), Role::Text),
        (None, _) => ("nobody says when".to_owned(), Role::Dim),
    };
    page.fact("Finished", &finished.0, finished.1);
}

/// A time with its distance from now.
pub fn at(time: DateTime<Utc>, model: &Model) -> String {
    let secs = (model.now - time).num_seconds();
    let distance = short(secs.unsigned_abs());
    let distance = if secs < 0 {
        format!("{distance} in the future")
    } else {
        format!("{distance} ago")
    };
    format!("{}, {distance}", time.format("%Y-%m-%d %H:%M:%SZ"))
}

/// How it ended or how far it is, and why.
fn in_words(change: &Change, model: &Model, look: &Look) -> (String, Role) {
    let is_old = is_last_known(change, model);
    let (_, role) = outcome(change, false, is_old, look);
    let mut words = match change.outcome {
        Outcome::Running if is_old => "was running when last heard of".to_owned(),
        Outcome::Unknown => "unknown: nobody says how it ended".to_owned(),
        outcome => outcome.word().to_owned(),
    };
    // Of what is done there is no progress.
    let progress = change.told.progress.as_ref();
    if let Some(progress) = progress.filter(|_| change.outcome != Outcome::Ok) {
        words = format!("{words}, {progress}");
    }
    if let Some(reason) = &change.told.reason {
        words = format!("{words}: {reason}");
    }
    (words, if is_old { Role::Stale } else { role })
}

/// Everybody who tells of it, with how far each may be trusted.
fn told_by(change: &Change, model: &Model) -> Vec<String> {
    let all = std::iter::once(&change.source).chain(&change.also);
    all.map(|name| trust(name, model)).collect()
}

/// `k8s (fresh)`, `argocd (stale, last answered 4m ago)`
pub fn trust(name: &str, model: &Model) -> String {
    let source = delivery::source(model, name);
    // What is remembered may bear the name of a source that is configured no more.
    let name = shown(name);
    let Some(source) = source else {
        return format!("{name} (remembered: it is not asked now)");
    };
    let freshness = source.freshness(model.now);
    let answered = source.health.answered_at;
    match (freshness, answered) {
        (Freshness::Fresh, _) | (_, None) => format!("{name} ({})", freshness.word()),
        (_, Some(then)) => {
            let age = short_age(then, model.now);
            format!("{name} ({}, last answered {age} ago)", freshness.word())
        }
    }
}

fn sources(page: &mut Page, change: &Change, model: &Model) {
    let mut name = "Told by";
    for said in told_by(change, model) {
        let is_fresh = said.ends_with("(fresh)");
        let role = if is_fresh { Role::Text } else { Role::Stale };
        page.fact(name, &said, role);
        name = "";
    }
    if delivery::is_forgotten(model, change) {
        let words = format!("remembered: {} tells of it no more", shown(&change.source));
        page.fact("", &words, Role::Dim);
    }
    let seen = model.board.delivery.past.changes_seen.get(&change.id);
    match seen {
        Some(seen) => {
            page.fact(
                "Seen",
                &format!("first {}", at(seen.first, model)),
                Role::Dim,
            );
            page.fact("", &format!("last {}", at(seen.last, model)), Role::Dim);
        }
        None => page.fact("Seen", "not remembered yet", Role::Dim),
    }
}

/// Which alerts came after it. That is not to say because of it.
fn followed(page: &mut Page, change: &Change, model: &Model) {
    let Some(after) = of_change(change, model) else {
        return;
    };
    let mut name = "After it";
    for preceded in after.alerts.iter().take(MOST) {
        let suspect = &preceded.suspect;
        page.fact(
            name,
            &format!("{:>3.0}  {}", suspect.score, in_full(preceded)),
            Role::Text,
        );
        let late = short(suspect.seconds_before.unsigned_abs());
        let late = match suspect.seconds_before {
            0 => "at the same moment".to_owned(),
            1.. => format!("began {late} after it"),
            _ => format!("began {late} before it ended"),
        };
        let service = preceded.service.as_ref();
        let service = service.map_or("no service", |s| s.shown());
        page.fact("", &format!("     {service}, {late}"), Role::Dim);
        page.fact("", &format!("     {}", suspect.factors), Role::Dim);
        name = "";
    }
    if after.alerts.is_empty() {
        page.fact(name, &unsuspected(after), Role::Dim);
    } else if after.weak > 0 {
        let words = format!("{} more, with a score too low for a suspect", after.weak);
        page.fact("", &words, Role::Dim);
    }
    let unnamed = after.alerts.len().saturating_sub(MOST);
    if unnamed > 0 {
        page.fact("", &format!("and {unnamed} more alerts"), Role::Dim);
    }
    if after.left_out > 0 {
        let words = format!(
            "{} more alerts were not looked at: only the loudest {MOST_ALERTS} are",
            after.left_out
        );
        page.fact("", &words, Role::Warn);
    }
}

/// How its service burnt before it and after it, where that was read.
fn burns(page: &mut Page, change: &Change, model: &Model) {
    let mut name = "Burn";
    for (id, around) in changes::around(model, change) {
        let rate = |burn: Option<f64>| {
            burn.map_or_else(|| "?".to_owned(), |rate| format!("{}x", short_rate(rate)))
        };
        let after = match change.outcome {
            Outcome::Running => "it goes on".to_owned(),
            _ => format!("{} after", rate(around.after)),
        };
        let words = format!("{id}: {} before, {after}", rate(around.before));
        page.fact(name, &words, Role::Text);
        name = "";
    }
    if name.is_empty() {
        let words = "mean 5m burn of the hour before it and after it; ? not read, or no traffic";
        page.fact("", words, Role::Dim);
    } else {
        page.fact(name, "no SLO of its service is known", Role::Dim);
    }
}
