//! `quell status`: what is the whole picture right now?
//!
//! One poll of everything, as one screen for people or as the document other tools rely on.

use serde::Serialize;

use super::alerts::{self, Rows};
use super::asked::SourceStatus;
use super::burn_json::{BurnDoc, Detail, ProblemDoc};
use super::burn_text;
use super::change_choice::ChangeFilter;
use super::delivery_json::{ChangeDoc, DriftDoc};
use super::delivery_text::{self, DriftTally};
use super::gather::Picture;
use super::json::{AlertDoc, CountsDoc, Document, PendingDoc, SourceDoc, alert_id};
use super::page::{Page, Role, Table, cell, count, rest};
use super::suspecting::Suspecting;
use crate::domain::alert::{Alert, Debt};
use crate::domain::blindness::Blindness;
use crate::domain::board::Board;
use crate::domain::duration::short_age;
use crate::domain::freshness::Freshness;
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;
use chrono::{DateTime, Utc};

/// No more alerts than this on the screen; the rest is a number.
const MOST_ALERTS: usize = 12;
/// No more lines than this about blindness.
const MOST_BLIND: usize = 6;

#[derive(Serialize)]
struct StatusDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    sources: Vec<SourceDoc<'a>>,
    counts: CountsDoc,
    alerts: Vec<AlertDoc<'a>>,
    pending: Vec<PendingDoc<'a>>,
    burn: Vec<BurnDoc<'a>>,
    slo_problems: Vec<ProblemDoc<'a>>,
    changes: Vec<ChangeDoc<'a>>,
    drift: Vec<DriftDoc<'a>>,
    drift_counts: DriftTally,
    history_error: Option<&'a str>,
    partial: Vec<String>,
    debt: Vec<DebtDoc<'a>>,
    blind: &'a [Blindness],
}

/// What would have to be put in order by day.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum DebtDoc<'a> {
    Alert {
        alert: String,
        name: &'a str,
        missing: Vec<Debt>,
    },
    Rule {
        rule: &'a Untrusted,
        source: &'a str,
        error: &'a Untrusted,
    },
}

/// The document `quell.status/1`.
///
/// # Errors
/// See [`Document::text`].
pub fn json(picture: &Picture) -> Result<String, serde_json::Error> {
    let at = picture.at();
    let burns = picture.board.burns.iter();
    let body = StatusDoc {
        at,
        env: picture.env.as_deref(),
        sources: SourceDoc::all(picture),
        counts: CountsDoc::of(picture),
        alerts: docs(&picture.board, at),
        pending: picture
            .board
            .pending
            .iter()
            .map(|alert| PendingDoc::of(alert, at))
            .collect(),
        burn: burns
            .map(|burn| BurnDoc::of(burn, &picture.inputs.policies, Detail::Numbers))
            .collect(),
        slo_problems: ProblemDoc::all(picture),
        changes: changes(picture),
        drift: DriftDoc::all(picture),
        drift_counts: DriftTally::of(picture),
        history_error: picture.gaps.history_error.as_deref(),
        partial: picture.partial(),
        debt: debts(picture),
        blind: &picture.board.blind,
    };
    Document::text("quell.status/1", body)
}

fn docs(board: &Board, at: DateTime<Utc>) -> Vec<AlertDoc<'_>> {
    let mut suspecting = Suspecting::new(board);
    let alerts = board.alerts.iter();
    alerts
        .map(|alert| AlertDoc::of(alert, at, suspecting.of(alert)))
        .collect()
}

/// Those of the last 24 hours.
fn changes(picture: &Picture) -> Vec<ChangeDoc<'_>> {
    let (delivery, filter) = (&picture.board.delivery, ChangeFilter::default());
    let changes = delivery.changes.iter();
    let in_time = changes.filter(|change| filter.is_in_time(change, picture.at()));
    in_time
        .map(|change| ChangeDoc::of(change, &delivery.past))
        .collect()
}

fn debts(picture: &Picture) -> Vec<DebtDoc<'_>> {
    let alerts = picture.board.alerts.iter().filter_map(|alert| {
        let missing = alert.debts();
        (!missing.is_empty()).then(|| DebtDoc::Alert {
            alert: alert_id(alert),
            name: alert.name(),
            missing,
        })
    });
    let rules = picture.inputs.prometheuses.iter().flat_map(|heard| {
        heard.answer.rules.iter().filter_map(|rule| {
            rule.last_error.as_ref().map(|error| DebtDoc::Rule {
                rule: &rule.name,
                source: &heard.source,
                error,
            })
        })
    });
    alerts.chain(rules).collect()
}

/// The picture for people.
#[must_use]
pub fn text(picture: &Picture, page: &Page) -> String {
    let mut out = String::new();
    head(picture, page, &mut out);
    urgent(picture, page, &mut out);
    burn_line(picture, page, &mut out);
    delivery_lines(picture, page, &mut out);
    sources(picture, page, &mut out);
    blind(picture, page, &mut out);
    debt_line(picture, page, &mut out);
    out
}

fn head(picture: &Picture, page: &Page, out: &mut String) {
    let env = picture.env.as_deref().map(|env| format!("{env}  "));
    let at = picture.at().format("%Y-%m-%d %H:%M:%SZ");
    page.line(
        out,
        Role::Heading,
        &format!("{}{at}", env.unwrap_or_default()),
    );
    let counts = picture.board.counts();
    let pending = picture.board.pending.len();
    let mut first = true;
    for (role, word, number) in [
        (Role::Bad, "page", counts.page),
        (Role::Care, "ticket", counts.ticket),
        (Role::Plain, "info", counts.info),
        (Role::Faint, "quiet", counts.quiet),
        (Role::Faint, "pending", pending),
    ] {
        if !first {
            out.push_str("  ");
        }
        first = false;
        let role = if number == 0 { Role::Faint } else { role };
        page.paint(out, role, &format!("{word} {number}"));
    }
    out.push('\n');
}

fn urgent(picture: &Picture, page: &Page, out: &mut String) {
    let loud: Vec<&Alert> = picture
        .board
        .alerts
        .iter()
        .filter(|a| !a.is_quiet())
        .collect();
    out.push('\n');
    if loud.is_empty() {
        let all_heard = picture
            .sources
            .iter()
            .all(|s| s.freshness == Freshness::Fresh && s.unread().next().is_none());
        let tells_alerts = |source: &SourceStatus| {
            matches!(
                source.kind,
                SourceKind::Alertmanager | SourceKind::Prometheus
            )
        };
        let is_watched = picture.sources.iter().any(tells_alerts);
        // Silence proves something only where everybody could be asked.
        if !is_watched && picture.board.burns.is_empty() {
            let line = "alerts are not watched: no Alertmanager and no Prometheus is named";
            page.line(out, Role::Care, line);
        } else if !picture.board.burn_rows.is_empty() {
            let line = "no alert fires, but a budget burns too fast";
            page.line(out, Role::Care, line);
        } else if all_heard {
            page.line(out, Role::Good, "nothing needs you now");
        } else {
            page.line(
                out,
                Role::Care,
                "no alert is known, and not every source answered",
            );
        }
        return;
    }
    let shown = &loud[..loud.len().min(MOST_ALERTS)];
    let mut table = Table::new();
    alerts::add_rows(&mut table, shown, Rows::Loud, picture.at());
    table.render(page, out);
    if loud.len() > shown.len() {
        let more = format!("and {} more: quell alerts", loud.len() - shown.len());
        page.line(out, Role::Faint, &more);
    }
}

fn burn_line(picture: &Picture, page: &Page, out: &mut String) {
    let mut lines = String::new();
    burn_text::summary(picture, page, &mut lines);
    if !lines.is_empty() {
        out.push('\n');
        out.push_str(&lines);
    }
}

fn delivery_lines(picture: &Picture, page: &Page, out: &mut String) {
    let mut lines = String::new();
    delivery_text::summary(picture, page, &mut lines);
    delivery_text::history_and_then(picture, page, &mut lines);
    if !lines.is_empty() {
        out.push('\n');
        out.push_str(&lines);
    }
}

fn sources(picture: &Picture, page: &Page, out: &mut String) {
    out.push('\n');
    page.line(out, Role::Heading, "Sources");
    let mut table = Table::indented(2);
    for source in &picture.sources {
        let (role, said) = said(source, page, picture.at());
        table.row(vec![
            cell(&*source.name),
            cell(source.kind.word()),
            cell(source.freshness.word()).role(role),
            rest(said),
        ]);
        if let Some(error) = &source.health.error {
            let next = format!("next: {}", error.kind.next_step_of(source.kind));
            table.row(vec![cell(""), rest(next).role(Role::Faint)]);
        }
        for (what, why) in source.unread() {
            let part = format!("{what}: {why}");
            table.row(vec![cell(""), rest(part).role(Role::Care)]);
        }
        for limit in &source.limits {
            let limit = format!("limit: {limit}");
            table.row(vec![cell(""), rest(limit).role(Role::Care)]);
        }
    }
    table.render(page, out);
}

/// The colour of a source's freshness, and what there is to say of it.
fn said(source: &SourceStatus, page: &Page, at: DateTime<Utc>) -> (Role, String) {
    let health = &source.health;
    if let Some(error) = &health.error {
        return (Role::Bad, error.to_string());
    }
    let age = health
        .answered_at
        .map_or_else(|| page.dash().to_owned(), |then| short_age(then, at));
    let role = match source.freshness {
        Freshness::Fresh => Role::Good,
        Freshness::Stale | Freshness::Never => Role::Care,
        Freshness::Failed => Role::Bad,
    };
    let latency = health.latency_ms.map(|ms| format!(", took {ms} ms"));
    (role, format!("{age} ago{}", latency.unwrap_or_default()))
}

fn blind(picture: &Picture, page: &Page, out: &mut String) {
    let found = &picture.board.blind;
    if found.is_empty() {
        return;
    }
    out.push('\n');
    page.line(out, Role::Heading, "Blind");
    for blindness in found.iter().take(MOST_BLIND) {
        page.line(out, Role::Care, &format!("  {}", blindness.what));
    }
    if found.len() > MOST_BLIND {
        let more = format!(
            "  and {} more: quell status --json",
            found.len() - MOST_BLIND
        );
        page.line(out, Role::Faint, &more);
    }
}

fn debt_line(picture: &Picture, page: &Page, out: &mut String) {
    let mut lacking = [
        (Debt::Owner, 0_usize),
        (Debt::Severity, 0),
        (Debt::Runbook, 0),
    ];
    for alert in &picture.board.alerts {
        for debt in alert.debts() {
            for (kind, number) in &mut lacking {
                *number += usize::from(*kind == debt);
            }
        }
    }
    let parts: Vec<String> = lacking
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(debt, number)| format!("{number} without {}", debt.word()))
        .collect();
    let heard = picture.inputs.prometheuses.iter();
    let failing = heard
        .flat_map(|heard| &heard.answer.rules)
        .filter(|rule| rule.last_error.is_some())
        .count();
    let failing = (failing > 0).then(|| count(failing, "failing rule"));
    let parts: Vec<String> = parts.into_iter().chain(failing).collect();
    if !parts.is_empty() {
        out.push('\n');
        page.line(out, Role::Faint, &format!("Debt: {}", parts.join(", ")));
    }
}
