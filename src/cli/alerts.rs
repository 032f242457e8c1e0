//! `quell alerts [FILTER]`: which alerts are there, the most urgent first?
//!
//! One line per alert, or the document `quell.alerts/1`. The quiet ones come after, each with the
//! reason why nobody hears of it, and a source that failed is named at the end.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::gather::Picture;
use super::json::{AlertDoc, Document, SourceDoc};
use super::page::{Cell, Page, Role, Table, cell, rest};
use super::suspecting::Suspecting;
use crate::domain::alert::{Alert, AlertState, Lane};
use crate::domain::duration::short_age;
use crate::domain::filter::{Filter, Search};
use crate::domain::freshness::Freshness;
use crate::domain::matcher::SyntaxError;
use crate::domain::text::{Untrusted, shown};

#[derive(Serialize)]
struct AlertsDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    filter: Option<String>,
    sources: Vec<SourceDoc<'a>>,
    total: usize,
    alerts: Vec<AlertDoc<'a>>,
}

/// The alerts a filter lets through, in their order.
#[must_use]
pub fn select<'a>(alerts: &'a [Alert], filter: &Filter) -> Vec<&'a Alert> {
    let mut search = Search::default();
    let matching = |alert: &&Alert| filter.is_empty() || filter.matches(alert, &mut search);
    alerts.iter().filter(matching).collect()
}

/// The document `quell.alerts/1`. `total` counts the alerts before the filter.
///
/// # Errors
/// See [`Document::text`].
pub fn json(picture: &Picture, filter: &Filter) -> Result<String, serde_json::Error> {
    let chosen = select(&picture.board.alerts, filter);
    let at = picture.at();
    let mut suspecting = Suspecting::new(&picture.board);
    let body = AlertsDoc {
        at,
        env: picture.env.as_deref(),
        filter: (!filter.is_empty()).then(|| shown(&filter.to_string())),
        sources: SourceDoc::all(picture),
        total: picture.board.alerts.len(),
        alerts: chosen
            .into_iter()
            .map(|alert| AlertDoc::of(alert, at, suspecting.of(alert)))
            .collect(),
    };
    Document::text("quell.alerts/1", body)
}

/// The list for people.
#[must_use]
pub fn text(picture: &Picture, filter: &Filter, page: &Page) -> String {
    let chosen = select(&picture.board.alerts, filter);
    let (quiet, loud): (Vec<&Alert>, Vec<&Alert>) = chosen.iter().partition(|a| a.is_quiet());
    let mut out = String::with_capacity(chosen.len() * 128);
    let at = picture.at();
    let mut table = Table::new();
    add_rows(&mut table, &loud, Rows::Loud, at);
    add_rows(&mut table, &quiet, Rows::Quiet, at);
    table.render(page, &mut out);
    trailer(picture, &chosen, page, &mut out);
    out
}

/// What a table of alerts is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Those that notify somebody: who owns them, what helps.
    Loud,
    /// Those that do not: why.
    Quiet,
}

/// One row per alert.
pub fn add_rows<'a>(table: &mut Table<'a>, alerts: &[&'a Alert], rows: Rows, at: DateTime<Utc>) {
    for alert in alerts {
        let faint = match rows {
            Rows::Loud => Role::Plain,
            Rows::Quiet => Role::Faint,
        };
        let mut cells = vec![
            cell(alert.lane.letter()).role(lane_role(alert, rows)),
            cell(format!("{:>3}", short_age(alert.occurrence.starts_at, at))).role(faint),
            state(alert, rows),
            cell(alert.name()).role(faint),
            optional(alert.place.service.as_ref(), faint),
        ];
        match rows {
            Rows::Loud => {
                cells.push(cell(place(alert)));
                cells.push(optional(alert.owner(), Role::Plain));
                cells.push(runbook(alert));
            }
            Rows::Quiet => {
                let because = alert
                    .quiet
                    .as_ref()
                    .map_or("", |quiet| quiet.because.as_str());
                cells.push(rest(because).role(Role::Faint));
            }
        }
        table.row(cells);
    }
}

fn lane_role(alert: &Alert, rows: Rows) -> Role {
    match (rows, alert.lane) {
        (Rows::Quiet, _) => Role::Faint,
        (Rows::Loud, Lane::Page) => Role::Bad,
        (Rows::Loud, Lane::Ticket) => Role::Care,
        (Rows::Loud, Lane::Info) => Role::Plain,
    }
}

/// The state; `!` where replicas contradict each other.
fn state(alert: &Alert, rows: Rows) -> Cell<'_> {
    let word = alert.state.word();
    let role = match (rows, alert.state) {
        (Rows::Quiet, _) => Role::Faint,
        (Rows::Loud, AlertState::Lost) => Role::Care,
        (Rows::Loud, _) => Role::Plain,
    };
    if alert.disagree.is_empty() {
        cell(word).role(role)
    } else {
        cell(format!("{word}!")).role(role)
    }
}

fn optional(text: Option<&Untrusted>, role: Role) -> Cell<'_> {
    cell(text.map_or("-", |text| text.shown())).role(role)
}

/// `prod/eu-1`
fn place(alert: &Alert) -> String {
    let parts = [&alert.place.env, &alert.place.location];
    let known: Vec<&str> = parts.into_iter().flatten().map(Untrusted::shown).collect();
    if known.is_empty() {
        return "-".to_owned();
    }
    known.join("/")
}

/// `bad-rollout 4f2c91a`
fn runbook(alert: &Alert) -> Cell<'_> {
    match &alert.runbook {
        Some(link) => cell(format!("{} {}", link.id, link.version.short())),
        None => cell("no runbook").role(Role::Faint),
    }
}

fn trailer(picture: &Picture, chosen: &[&Alert], page: &Page, out: &mut String) {
    let total = picture.board.alerts.len();
    if chosen.is_empty() {
        let line = match total {
            0 => "no alerts".to_owned(),
            _ => format!("none of {total} alerts matches"),
        };
        page.line(out, Role::Faint, &line);
    }
    let contradictions = chosen.iter().filter(|a| !a.disagree.is_empty()).count();
    if contradictions > 0 {
        let line = format!("! replicas disagree on {contradictions}: see `disagree` of --json");
        page.line(out, Role::Care, &line);
    }
    for source in &picture.sources {
        match (source.freshness, &source.health.error) {
            (Freshness::Fresh, _) => {}
            (_, Some(error)) => {
                page.line(out, Role::Bad, &format!("{}: {error}", source.name));
                let next = format!("  next: {}", error.kind.next_step_of(source.kind));
                page.line(out, Role::Faint, &next);
            }
            (freshness, None) => {
                let line = format!("{}: {}", source.name, freshness.word());
                page.line(out, Role::Care, &line);
            }
        }
    }
}

/// A filter that does not parse, with a caret under the place.
#[must_use]
pub fn caret(text: &str, error: &SyntaxError) -> String {
    // Each part is made safe by itself, so that the caret stands under what is seen.
    let part = |range: std::ops::Range<usize>| shown(text.get(range).unwrap_or_default());
    let (start, end) = (error.at.start.min(text.len()), error.at.end.min(text.len()));
    let (before, wrong, after) = (part(0..start), part(start..end), part(end..text.len()));
    let width = unicode_width::UnicodeWidthStr::width;
    let pad = " ".repeat(width(before.as_str()));
    let carets = "^".repeat(width(wrong.as_str()).max(1));
    let hint = error.hint.as_ref().map(|hint| format!("\n  {hint}"));
    format!(
        "quell: the filter does not parse\n  {before}{wrong}{after}\n  {pad}{carets} {}{}",
        error.message,
        hint.unwrap_or_default()
    )
}
