//! `quell changes [FILTER...]`: what was changed, by whom, from which version to which, and how did it
//! end?
//!
//! One poll of every source of changes, joined with what this machine remembers, newest first; as one
//! table or as the document `quell.changes/1`. A change that nobody could be asked for is never "none".

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::args::{ChangesArgs, Format, Global};
use super::change_choice::ChangeFilter;
use super::delivery_json::{AsOfDoc, ChangeDoc, TroubleDoc};
use super::delivery_text::{self, versions, whose};
use super::gather::{Picture, Scope, gather};
use super::gather_deliveries::DeliveryQuestion;
use super::json::{Document, SourceDoc};
use super::output::{Answer, Output};
use super::page::{Page, Role, Signs, Table, cell, count, rest, rigid};
use super::{Outcome, Show, World, load, unwritable, when};
use crate::config::settings::Settings;
use crate::domain::change;
use crate::domain::change::Change;
use crate::domain::delivery::Trouble;
use crate::domain::duration::{exact, short_age};
use crate::domain::source::SourceKind;
use crate::domain::text::{Untrusted, shown};

/// From this width on there is room for the time and the place.
const WIDE: usize = 100;
/// Versions take at most so many columns, with and without that room.
const MOST_VERSIONS: [usize; 2] = [36, 24];

#[derive(Serialize)]
struct ChangesDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    filter: Option<String>,
    since: DateTime<Utc>,
    as_of: Option<AsOfDoc<'a>>,
    sources: Vec<SourceDoc<'a>>,
    partial: Vec<String>,
    history_error: Option<&'a str>,
    total: usize,
    in_flight: usize,
    changes: Vec<ChangeDoc<'a>>,
    troubles: Vec<TroubleDoc<'a>>,
}

/// Asks and answers.
///
/// # Errors
/// A config or a filter that does not hold, a time that means nothing, no source of changes.
pub(super) async fn run(
    args: &ChangesArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let filter = ChangeFilter::parse(&args.filter)
        .map_err(|why| Answer::usage(format!("quell: the filter: {why}")))?;
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = &loaded.settings;
    let question = question("changes", args.at.as_deref(), settings, world)?;
    let scope = Scope::Delivery(question);
    let picture = gather(settings, &scope, Arc::default(), world.clock).await;
    let show = Show::of(settings, args.reading.format(), world, output);
    answer(&filter, &args.filter, &picture, show.format, &show.page)
}

/// What is asked of the sources, for a command that cannot do without them.
///
/// # Errors
/// No source tells of changes or drift, or the time means nothing.
pub(super) fn question(
    command: &str,
    at: Option<&str>,
    settings: &Settings,
    world: &World,
) -> Result<DeliveryQuestion, Answer> {
    let mut sources = settings.delivery.sources.iter();
    if !sources.any(|source| source.kind() != SourceKind::Services) {
        return Err(no_delivery(command));
    }
    let at = at
        .map(|text| when::moment(text, (world.clock)()))
        .transpose();
    Ok(DeliveryQuestion {
        at: at.map_err(|why| Answer::usage(format!("quell: --at: {why}")))?,
        paths: Some(world.paths.clone()),
    })
}

fn no_delivery(command: &str) -> Answer {
    Answer::usage(format!(
        "quell: no source of changes and drift is configured\n  \
         name one:  quell {command} --kubeconfig FILE, --terraform PATH or --changes PATH\n  \
         keep it:   [[kubernetes]], [[argocd]], [[terraform]] and others in the config; quell init"
    ))
}

/// The document or the text, out of one picture.
///
/// # Errors
/// None is known.
pub(super) fn answer(
    filter: &ChangeFilter,
    words: &[String],
    picture: &Picture,
    format: Format,
    page: &Page,
) -> Outcome {
    let document = match format {
        Format::Json => json(filter, words, picture).map_err(|error| unwritable(&error))?,
        Format::Text => text(filter, picture, page),
    };
    Ok(Answer::with(document, picture.exit()))
}

/// Those in time, and of them those that the filter lets through, newest first.
fn choose<'a>(filter: &ChangeFilter, picture: &'a Picture) -> (usize, Vec<&'a Change>) {
    let at = picture.burn_at();
    let changes = picture.board.delivery.changes.iter();
    let in_time: Vec<&Change> = changes.filter(|c| filter.is_in_time(c, at)).collect();
    let total = in_time.len();
    let chosen = in_time.into_iter().filter(|c| filter.matches(c)).collect();
    (total, chosen)
}

/// Troubles of the services whose changes are shown; all of them where nothing is left out.
fn troubles<'a>(
    filter: &ChangeFilter,
    chosen: &[&Change],
    picture: &'a Picture,
) -> Vec<&'a Trouble> {
    let services: HashSet<&Untrusted> = chosen
        .iter()
        .filter_map(|c| c.subject.service.as_ref())
        .collect();
    let is_wanted = |trouble: &&Trouble| {
        let service = trouble.subject.service.as_ref();
        filter.is_everything() || service.is_some_and(|service| services.contains(service))
    };
    let troubles = picture.board.delivery.troubles.iter();
    troubles.filter(is_wanted).collect()
}

fn json(filter: &ChangeFilter, words: &[String], picture: &Picture) -> serde_json::Result<String> {
    let (total, chosen) = choose(filter, picture);
    let delivery = &picture.board.delivery;
    let body = ChangesDoc {
        at: picture.burn_at(),
        env: picture.env.as_deref(),
        filter: (!words.is_empty()).then(|| shown(&words.join(" "))),
        since: filter.since(picture.burn_at()),
        as_of: AsOfDoc::of(picture),
        sources: SourceDoc::all(picture),
        partial: picture.partial(),
        history_error: picture.gaps.history_error.as_deref(),
        total,
        in_flight: chosen.iter().filter(|change| change.is_in_flight()).count(),
        troubles: troubles(filter, &chosen, picture)
            .into_iter()
            .map(TroubleDoc::of)
            .collect(),
        changes: chosen
            .into_iter()
            .map(|change| ChangeDoc::of(change, &delivery.past))
            .collect(),
    };
    Document::text("quell.changes/1", body)
}

/// The table for people.
fn text(filter: &ChangeFilter, picture: &Picture, page: &Page) -> String {
    let (total, chosen) = choose(filter, picture);
    let mut out = String::new();
    head(filter, total, &chosen, picture, page, &mut out);
    if !chosen.is_empty() {
        rows(&chosen, picture.burn_at(), page, &mut out);
    }
    let troubles = troubles(filter, &chosen, picture);
    if !troubles.is_empty() {
        out.push('\n');
        page.line(&mut out, Role::Heading, "Troubles");
        let mut table = Table::indented(2);
        delivery_text::troubles(&mut table, &troubles, picture.burn_at());
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

fn head(
    filter: &ChangeFilter,
    total: usize,
    chosen: &[&Change],
    picture: &Picture,
    page: &Page,
    out: &mut String,
) {
    let since = span(filter.since_secs());
    if chosen.is_empty() {
        let (role, line) = match total {
            _ if !delivery_text::is_anything(picture) => (
                Role::Care,
                "changes are not known: no source of them could be read".to_owned(),
            ),
            0 if !delivery_text::is_whole(picture) => (
                Role::Care,
                format!("no change of the last {since} is known, and not everything could be read"),
            ),
            0 => (Role::Faint, format!("no changes in the last {since}")),
            total => (
                Role::Faint,
                format!(
                    "none of {} of the last {since} matches",
                    count(total, "change")
                ),
            ),
        };
        return page.line(out, role, &line);
    }
    let number = |outcome: change::Outcome| {
        let of = chosen.iter().filter(|change| change.outcome == outcome);
        of.count()
    };
    let mut line = format!("{} in the last {since}", count(chosen.len(), "change"));
    for (number, word) in [
        (number(change::Outcome::Running), "in flight"),
        (number(change::Outcome::Failed), "failed"),
    ] {
        if number > 0 {
            line = format!("{line}, {number} {word}");
        }
    }
    if total > chosen.len() {
        line = format!("{line}; {} not shown by the filter", total - chosen.len());
    }
    page.line(out, Role::Heading, &line);
}

fn rows(chosen: &[&Change], at: DateTime<Utc>, page: &Page, out: &mut String) {
    let is_wide = page.columns.is_none_or(|columns| columns >= WIDE);
    let mut table = Table::new();
    let mut titles = vec![rigid(" age")];
    if is_wide {
        titles.extend([rigid("began"), cell("service"), cell("where")]);
    } else {
        titles.push(cell("service"));
    }
    let arrow = match page.signs {
        Signs::Ascii => "from -> to",
        Signs::Unicode => "from → to",
    };
    let others = ["kind", "who", "outcome", "source"].map(cell);
    titles.extend(std::iter::once(rigid(arrow)).chain(others));
    table.row(
        titles
            .into_iter()
            .map(|title| title.role(Role::Faint))
            .collect(),
    );
    for change in chosen {
        let (outcome, role) = delivery_text::outcome(change);
        let mut cells = vec![rigid(format!("{:>4}", short_age(change.started_at, at)))];
        if is_wide {
            cells.push(rigid(began(change, at)));
        }
        cells.push(cell(whose(change)));
        if is_wide {
            cells.push(cell(place(change, page)));
        }
        let told = &change.told;
        let word = if is_wide {
            outcome
        } else {
            change.outcome.word().to_owned()
        };
        cells.extend([
            rigid(between(change, page, is_wide)),
            cell(kind(change)),
            cell(
                change
                    .who
                    .as_ref()
                    .map_or(page.dash(), |who| who.name.shown()),
            ),
            cell(word).role(role),
            cell(source(change)),
        ]);
        table.row(cells);
        let progress = told.progress.as_ref();
        let progress = progress.filter(|_| change.is_in_flight() && !is_wide);
        let failed = change.outcome == change::Outcome::Failed;
        let reason = told.reason.as_ref().filter(|_| failed);
        for said in progress.into_iter().chain(reason).chain(&told.notes) {
            table.row(vec![rigid(""), rest(said.shown()).role(Role::Care)]);
        }
    }
    table.render(page, out);
}

/// From which version to which. Where both are too long, the new one says more.
fn between(change: &Change, page: &Page, is_wide: bool) -> String {
    let most = MOST_VERSIONS[usize::from(!is_wide)];
    let both = versions(change, page);
    if both.is_empty() {
        return page.dash().to_owned();
    }
    if both.width() <= most || page.columns.is_none() {
        return both;
    }
    let mut new = change.clone();
    new.versions.from = None;
    page.cut(&versions(&new, page), most).into_owned()
}

/// `24h`, `1h30m`, `7d`
fn span(secs: u64) -> String {
    match secs {
        0..=172_800 if secs > 0 && secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ => exact(secs),
    }
}

/// `13:51Z` of the same day, else with its date.
fn began(change: &Change, at: DateTime<Utc>) -> String {
    let began = change.started_at;
    let form = if began.date_naive() == at.date_naive() {
        "%H:%MZ"
    } else {
        "%m-%d %H:%MZ"
    };
    began.format(form).to_string()
}

/// `prod/eu-1`
fn place(change: &Change, page: &Page) -> String {
    let subject = &change.subject;
    let parts = [subject.env.as_ref(), subject.labels.get("cluster")];
    let known: Vec<&str> = parts.into_iter().flatten().map(Untrusted::shown).collect();
    if known.is_empty() {
        return page.dash().to_owned();
    }
    known.join("/")
}

/// In at most eleven columns.
fn kind(change: &Change) -> &'static str {
    match change.kind {
        change::ChangeKind::InfraDestructive => "infra!",
        kind => kind.word(),
    }
}

/// `argocd +1`
fn source(change: &Change) -> String {
    match change.also.len() {
        0 => change.source.to_string(),
        more => format!("{} +{more}", change.source),
    }
}
