//! `quell drift`: what differs from what was declared, and may that be said?
//!
//! One poll of every source of drift, joined with when it was first seen; as lists, each kind by itself,
//! or as the document `quell.drift/1`. What is allowed or comes from an old report stays in sight and is
//! not counted.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::{DriftArgs, Format, Global};
use super::changes;
use super::delivery_json::{AsOfDoc, DriftDoc, TroubleDoc};
use super::delivery_text::{self, DriftTally};
use super::gather::{Picture, Scope, gather};
use super::json::{Document, SourceDoc};
use super::output::{Answer, Output};
use super::page::{Page, Role, Signs, Table, cell, count, rest};
use super::{Outcome, Show, World, load, unwritable};
use crate::domain::delivery::{DriftRow, Trouble, TroubleKind};
use crate::domain::drift::{DriftKind, DriftPath, ReportAge};
use crate::domain::duration::short_age;
use crate::domain::freshness::Freshness;
use crate::domain::text::{Untrusted, shown};

/// No more places of one difference than this.
const MOST_PATHS: usize = 4;

#[derive(Serialize)]
struct DriftsDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    as_of: Option<AsOfDoc<'a>>,
    sources: Vec<SourceDoc<'a>>,
    partial: Vec<String>,
    history_error: Option<&'a str>,
    counts: DriftTally,
    drift: Vec<DriftDoc<'a>>,
    policies: Vec<TroubleDoc<'a>>,
}

/// Asks and answers.
///
/// # Errors
/// A config that does not hold, a time that means nothing, no source of drift.
pub(super) async fn run(
    args: &DriftArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = &loaded.settings;
    let question = changes::question("drift", args.at.as_deref(), settings, world)?;
    let scope = Scope::Delivery(question);
    let picture = gather(settings, &scope, Arc::default(), world.clock).await;
    let show = Show::of(settings, args.reading.format(), world, output);
    answer(&picture, show.format, &show.page)
}

/// The document or the text, out of one picture.
///
/// # Errors
/// None is known.
pub(super) fn answer(picture: &Picture, format: Format, page: &Page) -> Outcome {
    let document = match format {
        Format::Json => json(picture).map_err(|error| unwritable(&error))?,
        Format::Text => text(picture, page),
    };
    Ok(Answer::with(document, picture.exit()))
}

fn json(picture: &Picture) -> serde_json::Result<String> {
    let policies = policies(picture);
    let body = DriftsDoc {
        at: picture.burn_at(),
        env: picture.env.as_deref(),
        as_of: AsOfDoc::of(picture),
        sources: SourceDoc::all(picture),
        partial: picture.partial(),
        history_error: picture.gaps.history_error.as_deref(),
        counts: DriftTally::of(picture),
        drift: DriftDoc::all(picture),
        policies: policies.into_iter().map(TroubleDoc::of).collect(),
    };
    Document::text("quell.drift/1", body)
}

fn policies(picture: &Picture) -> Vec<&Trouble> {
    let troubles = picture.board.delivery.troubles.iter();
    troubles
        .filter(|trouble| trouble.kind == TroubleKind::Policy)
        .collect()
}

/// The lists for people.
fn text(picture: &Picture, page: &Page) -> String {
    let mut out = String::new();
    let at = picture.burn_at();
    let rows = &picture.board.delivery.drifts;
    head(picture, page, &mut out);
    for kind in DriftKind::ALL {
        let of_kind: Vec<&DriftRow> = rows.iter().filter(|row| row.drift.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        out.push('\n');
        page.line(&mut out, Role::Heading, &title(kind, &of_kind));
        let mut table = Table::indented(2);
        for row in of_kind {
            add(&mut table, row, at, page);
        }
        table.render(page, &mut out);
    }
    let policies = policies(picture);
    if !policies.is_empty() {
        out.push('\n');
        let title = format!("Policies: {}", count(policies.len(), "violation"));
        page.line(&mut out, Role::Heading, &title);
        let mut table = Table::indented(2);
        delivery_text::troubles(&mut table, &policies, at);
        table.render(page, &mut out);
    }
    let mut rest = String::new();
    delivery_text::trailer(picture, page, &mut rest);
    if !rest.is_empty() {
        out.push('\n');
        out.push_str(&rest);
    }
    out
}

fn head(picture: &Picture, page: &Page, out: &mut String) {
    let rows = &picture.board.delivery.drifts;
    let is_whole = delivery_text::is_whole(picture);
    if !delivery_text::is_anything(picture) {
        let line = "drift is not known: no source of it could be read";
        return page.line(out, Role::Care, line);
    }
    if rows.is_empty() {
        let (role, line) = if is_whole {
            (Role::Faint, "no drift is reported")
        } else {
            let line = "no drift is known, and not everything could be read";
            (Role::Care, line)
        };
        return page.line(out, role, line);
    }
    let tally = DriftTally::of(picture);
    page.line(out, tally.role(), &format!("Drift: {tally}"));
    if let Some(others) = tally.others() {
        page.line(out, Role::Plain, &format!("  beside it: {others}"));
    }
    if !is_whole {
        page.line(out, Role::Care, "  not everything could be read");
    }
}

/// What a kind means, in a few words: they are easily taken for one another.
fn title(kind: DriftKind, rows: &[&DriftRow]) -> String {
    let what = match kind {
        DriftKind::Drift => {
            let counted = rows.iter().filter(|row| row.counts()).count();
            let aside = rows.len() - counted;
            let aside = (aside > 0).then(|| format!(", {aside} not counted"));
            let aside = aside.unwrap_or_default();
            return format!("Drift: {counted}{aside}, changed past the declaration");
        }
        DriftKind::Error => "the comparison failed",
        DriftKind::Unknown => "the report cannot tell",
        DriftKind::Partial => "a part only was looked at",
        DriftKind::Pending => "declared and not applied yet",
    };
    let mut word = kind.word().to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{word}: {}, {what}", rows.len())
}

fn add<'a>(table: &mut Table<'a>, row: &'a DriftRow, at: DateTime<Utc>, page: &Page) {
    let drift = &row.drift;
    let is_counted = row.counts() || drift.kind != DriftKind::Drift;
    let faint = if is_counted { Role::Plain } else { Role::Faint };
    let actions: Vec<&str> = drift.actions.iter().map(Untrusted::shown).collect();
    let actions = match actions.as_slice() {
        [] => page.dash().to_owned(),
        actions => actions.join(", "),
    };
    let reverted = match drift.reverted_by_apply {
        Some(true) => "apply reverts it",
        Some(false) => "apply keeps it",
        None => page.dash(),
    };
    table.row(vec![
        cell(drift.subject.target.shown()).role(faint),
        cell(actions).role(faint),
        cell(reverted).role(faint),
        cell(&*drift.source).role(faint),
    ]);
    let mut line = |text: String, role: Role| {
        table.row(vec![rest(format!("  {text}")).role(role)]);
    };
    if let Some(rule) = &row.allowed {
        let until = rule.until.format("%Y-%m-%d");
        let reason = shown(&rule.reason);
        line(
            format!("not counted: allowed until {until}: {reason}"),
            Role::Faint,
        );
    }
    if row.age == ReportAge::Expired {
        let text = "not counted: its report is too old to be a verdict";
        line(text.to_owned(), Role::Faint);
    }
    let age = match row.age {
        ReportAge::Stale => Role::Care,
        _ => Role::Faint,
    };
    line(ages(row, at), age);
    for path in drift.paths.iter().take(MOST_PATHS) {
        line(place(path, page), faint);
    }
    if drift.paths.len() > MOST_PATHS {
        let more = drift.paths.len() - MOST_PATHS;
        line(
            format!("and {more} more paths: quell drift --json"),
            Role::Faint,
        );
    }
    if let Some(detail) = &drift.detail {
        let role = if is_counted { Role::Care } else { Role::Faint };
        line(detail.shown().replace('\n', " "), role);
    }
    if let Some(provenance) = &drift.report.provenance {
        line(format!("from {provenance}"), Role::Faint);
    }
}

/// `reported 4m ago (fresh), first seen 3d ago, 2 times`
fn ages(row: &DriftRow, at: DateTime<Utc>) -> String {
    let reported = match (row.drift.report.at, row.age) {
        (None, _) => "reported at an unknown time".to_owned(),
        // Without a cadence nobody can say whether that is late.
        (Some(then), ReportAge::Unknown) => format!("reported {} ago", short_age(then, at)),
        (Some(then), age) => format!("reported {} ago ({})", short_age(then, at), age.word()),
    };
    let seen = row.seen.map(|seen| {
        let times = (seen.times > 1).then(|| format!(", {} times", seen.times));
        let first = short_age(seen.first, at);
        format!(", first seen {first} ago{}", times.unwrap_or_default())
    });
    let source = match row.freshness {
        Freshness::Fresh => String::new(),
        freshness => format!(", its source is {}", freshness.word()),
    };
    format!("{reported}{}{source}", seen.unwrap_or_default())
}

/// `spec.replicas: 12 → 20`; of a masked place nothing but that it changed.
fn place(path: &DriftPath, page: &Page) -> String {
    if path.masked {
        return format!("{}: changed (sensitive)", path.path);
    }
    let arrow = match page.signs {
        Signs::Ascii => "->",
        Signs::Unicode => "→",
    };
    let value = |value: &Option<Untrusted>| {
        let value = value.as_ref().map(|value| value.shown().replace('\n', " "));
        value.unwrap_or_else(|| "(none)".to_owned())
    };
    if path.before.is_none() && path.after.is_none() {
        return format!("{}: changed", path.path);
    }
    format!(
        "{}: {} {arrow} {}",
        path.path,
        value(&path.before),
        value(&path.after)
    )
}
