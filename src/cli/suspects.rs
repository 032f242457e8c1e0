//! `quell suspects ALERT`: which changes and drifts preceded this alert, and how much does each deserve a
//! look?
//!
//! One poll of alerts, service levels, changes and drift, and the open score of [`crate::domain::suspect`]
//! with its factors; as text or as the document `quell.suspects/1`. It says "preceded" and never
//! "caused"; where nobody could be asked it says that this is not known.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::alert_choice::{self, Unclear};
use super::args::{Format, Global, SuspectsArgs};
use super::changes;
use super::delivery_json::{AsOfDoc, ChangeDoc, DriftDoc, SuspectDoc, TroubleDoc};
use super::delivery_text;
use super::exit::Exit;
use super::gather::{Picture, Scope, gather};
use super::gather_onsets;
use super::gather_slos::BurnQuestion;
use super::json::{Document, SourceDoc, alert_id};
use super::output::{Answer, Output};
use super::page::{Page, Role, Table, cell, rest, rigid};
use super::{Outcome, Show, World, load, unwritable};
use crate::domain::alert::Alert;
use crate::domain::change::{ActorKind, Change};
use crate::domain::delivery::{DriftRow, Trouble};
use crate::domain::drift::ReportAge;
use crate::domain::duration::{short, short_age};
use crate::domain::slo::SloId;
use crate::domain::suspect::{Cause, Factors, Onset, SUSPECT, Scope as Reach, Suspect};
use crate::domain::text::Untrusted;

/// No more than these below the score of a suspect.
const MOST_LESSER: usize = 5;
/// No more lines than this of context.
const MOST_CONTEXT: usize = 8;

#[derive(Serialize)]
struct SuspectsDoc<'a> {
    at: DateTime<Utc>,
    env: Option<&'a str>,
    alert: Option<String>,
    name: Option<&'a str>,
    fingerprint: Option<String>,
    service: Option<&'a Untrusted>,
    starts_at: Option<DateTime<Utc>>,
    onset: Option<OnsetDoc>,
    as_of: Option<AsOfDoc<'a>>,
    sources: Vec<SourceDoc<'a>>,
    /// Whether everything that could tell of a change was read.
    complete: bool,
    partial: Vec<String>,
    suspects: Vec<FoundDoc<'a>>,
    /// Changes of its own service after the onset and before the alert: they have no score.
    after_onset: Vec<ChangeDoc<'a>>,
    drift: Vec<DriftDoc<'a>>,
    troubles: Vec<TroubleDoc<'a>>,
}

#[derive(Serialize)]
struct OnsetDoc {
    at: DateTime<Utc>,
    from: &'static str,
    slo: Option<String>,
}

#[derive(Serialize)]
struct FoundDoc<'a> {
    #[serde(flatten)]
    suspect: SuspectDoc,
    is_suspect: bool,
    seconds_before: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<ChangeDoc<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftDoc<'a>>,
}

/// Asks and answers.
///
/// # Errors
/// A config that does not hold, nobody who tells of alerts or of changes, an alert that is not there.
pub(super) async fn run(
    args: &SuspectsArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = &loaded.settings;
    if settings.alertmanagers.is_empty() && settings.prometheuses.is_empty() {
        return Err(super::no_source());
    }
    let question = changes::question("suspects ALERT", args.at.as_deref(), settings, world)?;
    let burns = BurnQuestion {
        at: question.at,
        cache: Some(world.paths.burn_dir()),
        ..BurnQuestion::default()
    };
    let scope = Scope::Causes(burns, question);
    let mut picture = gather(settings, &scope, Arc::default(), world.clock).await;
    let chosen = alert_choice::choose(&picture.board.alerts, &args.alert);
    let service = chosen.ok().and_then(|alert| alert.place.service.clone());
    if let Some(service) = service {
        let services = HashSet::from([service]);
        gather_onsets::add(settings, &mut picture, &services).await;
    }
    let show = Show::of(settings, args.reading.format(), world, output);
    answer(&args.alert, &picture, show.format, &show.page)
}

/// The document or the text, out of one picture.
///
/// # Errors
/// A word that means no alert or several, where everybody could be asked.
pub(super) fn answer(word: &str, picture: &Picture, format: Format, page: &Page) -> Outcome {
    let (alert, unknown) = match alert_choice::choose(&picture.board.alerts, word) {
        Ok(alert) => (Some(alert), None),
        // Who is not heard of may be one of those that could not be asked.
        Err(Unclear::Unknown(why)) if picture.exit() != Exit::Whole => (None, Some(why)),
        Err(Unclear::Unknown(why) | Unclear::Several(why)) => {
            return Err(Answer::usage(format!("quell: {why}")));
        }
    };
    let document = match (format, alert) {
        (Format::Json, _) => json(alert, picture).map_err(|error| unwritable(&error))?,
        (Format::Text, Some(alert)) => text(alert, picture, page),
        (Format::Text, None) => {
            let mut out = String::new();
            delivery_text::trailer(picture, page, &mut out);
            out
        }
    };
    let mut answer = Answer::with(document, picture.exit());
    if let (Some(why), Exit::Partial) = (&unknown, answer.exit) {
        answer.complaint = Some(format!("quell: not every source answered, and {why}"));
    }
    Ok(answer)
}

/// What stands around an alert without having a score.
fn context<'a>(alert: &'a Alert, picture: &'a Picture) -> (Vec<&'a DriftRow>, Vec<&'a Trouble>) {
    let Some(service) = &alert.place.service else {
        return (Vec::new(), Vec::new());
    };
    let delivery = &picture.board.delivery;
    (
        delivery.drifts_of(service).collect(),
        delivery.troubles_of(service).collect(),
    )
}

fn json(alert: Option<&Alert>, picture: &Picture) -> serde_json::Result<String> {
    let onset = alert.map(|alert| picture.board.onset(alert));
    let found = alert.map(|alert| picture.board.suspects(alert));
    let found = found.unwrap_or_default();
    let after_onset = alert.map(|alert| picture.board.after_onset(alert));
    let after_onset = after_onset.unwrap_or_default();
    let (drift, troubles) = alert
        .map(|alert| context(alert, picture))
        .unwrap_or_default();
    let body = SuspectsDoc {
        at: picture.burn_at(),
        env: picture.env.as_deref(),
        alert: alert.map(alert_id),
        name: alert.map(Alert::name),
        fingerprint: alert.map(|alert| alert.occurrence.fingerprint.to_string()),
        service: alert.and_then(|alert| alert.place.service.as_ref()),
        starts_at: alert.map(|alert| alert.occurrence.starts_at),
        onset: onset.map(|onset| OnsetDoc {
            at: onset.at,
            from: if onset.burn_of.is_some() {
                "burn"
            } else {
                "alert"
            },
            slo: onset.burn_of.as_ref().map(slo_name),
        }),
        as_of: AsOfDoc::of(picture),
        sources: SourceDoc::all(picture),
        complete: delivery_text::is_whole(picture),
        partial: picture.partial(),
        suspects: found
            .iter()
            .map(|found| FoundDoc::of(found, picture))
            .collect(),
        after_onset: after_onset
            .into_iter()
            .map(|change| ChangeDoc::of(change, &picture.board.delivery.past))
            .collect(),
        drift: drift.into_iter().map(DriftDoc::of).collect(),
        troubles: troubles.into_iter().map(TroubleDoc::of).collect(),
    };
    Document::text("quell.suspects/1", body)
}

/// The name as `quell burn` has it, made safe.
fn slo_name(id: &SloId) -> String {
    id.to_string()
}

impl<'a> FoundDoc<'a> {
    fn of(found: &Suspect, picture: &'a Picture) -> Self {
        let delivery = &picture.board.delivery;
        let (change, drift) = match &found.cause {
            Cause::Change(id) => (delivery.change(id), None),
            Cause::Drift(id) => (None, delivery.drift(id)),
        };
        Self {
            suspect: SuspectDoc::of(found),
            is_suspect: found.is_suspect(),
            seconds_before: found.seconds_before,
            change: change.map(|change| ChangeDoc::of(change, &delivery.past)),
            drift: drift.map(DriftDoc::of),
        }
    }
}

/// The list for people.
fn text(alert: &Alert, picture: &Picture, page: &Page) -> String {
    let mut out = String::new();
    let onset = picture.board.onset(alert);
    head(alert, &onset, picture, page, &mut out);
    let found = picture.board.suspects(alert);
    let (suspects, lesser): (Vec<&Suspect>, Vec<&Suspect>) =
        found.iter().partition(|found| found.is_suspect());
    out.push('\n');
    if suspects.is_empty() {
        let (role, line) = nothing(&lesser, picture);
        page.line(&mut out, role, line);
    } else {
        page.line(&mut out, Role::Heading, "Preceded it");
        if suspects
            .iter()
            .any(|found| began_after(found, &onset, picture))
        {
            let line = "  what began up to 2m after the onset may have been first: clocks differ";
            page.line(&mut out, Role::Faint, line);
        }
        list(&suspects, &onset, picture, page, &mut out);
    }
    if !lesser.is_empty() {
        out.push('\n');
        let title = format!("Also before it, below {SUSPECT}");
        page.line(&mut out, Role::Heading, &title);
        let shown = &lesser[..lesser.len().min(MOST_LESSER)];
        list(shown, &onset, picture, page, &mut out);
        if lesser.len() > shown.len() {
            let more = lesser.len() - shown.len();
            let line = format!(
                "  and {more} more: quell suspects {} --json",
                alert_id(alert)
            );
            page.line(&mut out, Role::Faint, &line);
        }
    }
    let after_onset = picture.board.after_onset(alert);
    if !after_onset.is_empty() {
        out.push('\n');
        let title = "After the onset, before the alert: not scored";
        page.line(&mut out, Role::Heading, title);
        for change in after_onset {
            let at = change.started_at.format("%H:%M:%SZ");
            let to = change.versions.to.as_ref().map_or("?", |to| to.shown());
            let line = format!("  {at}  {} to {to}", change.subject.target);
            page.line(&mut out, Role::Care, &line);
        }
    }
    around(alert, picture, page, &mut out);
    let mut rest = String::new();
    delivery_text::trailer(picture, page, &mut rest);
    if !rest.is_empty() {
        out.push('\n');
        out.push_str(&rest);
    }
    out
}

fn began_after(found: &Suspect, onset: &Onset, picture: &Picture) -> bool {
    match &found.cause {
        Cause::Drift(_) => found.seconds_before < 0,
        Cause::Change(id) => {
            let change = picture.board.delivery.change(id);
            change.is_some_and(|change| change.started_at > onset.at)
        }
    }
}

/// Why there is no suspect: silence proves something only where everybody could be asked.
fn nothing(lesser: &[&Suspect], picture: &Picture) -> (Role, &'static str) {
    if !delivery_text::is_anything(picture) {
        let line = "what preceded it is not known: no source of changes could be read";
        return (Role::Care, line);
    }
    if !delivery_text::is_whole(picture) {
        let line = "no suspect is known, and not every source of changes could be read";
        return (Role::Care, line);
    }
    if lesser.is_empty() {
        let line = "nothing that quell was told of preceded it within 24 hours";
        return (Role::Plain, line);
    }
    (
        Role::Plain,
        "nothing that preceded it deserves to be called a suspect",
    )
}

fn head(alert: &Alert, onset: &Onset, picture: &Picture, page: &Page, out: &mut String) {
    page.line(out, Role::Heading, alert.name());
    let place = &alert.place;
    let parts = [&place.service, &place.env, &place.location];
    let known: Vec<&str> = parts.into_iter().flatten().map(Untrusted::shown).collect();
    let began = alert.occurrence.starts_at;
    let mut table = Table::indented(2);
    let mut fact = |name: &'static str, text: String, role: Role| {
        table.row(vec![cell(name).role(Role::Faint), rest(text).role(role)]);
    };
    fact("alert", alert_id(alert), Role::Plain);
    if place.service.is_none() {
        let text = "its labels name none: how near a change is to it cannot be said";
        fact("service", text.to_owned(), Role::Care);
    }
    if !known.is_empty() {
        fact("of", known.join(", "), Role::Plain);
    }
    let age = short_age(began, picture.at());
    let state = alert.state.word();
    let when = began.format("%Y-%m-%d %H:%M:%SZ");
    fact("state", format!("{state} since {when}, {age}"), Role::Plain);
    let at = onset.at.format("%Y-%m-%d %H:%M:%SZ");
    let whose = match &onset.burn_of {
        None => "the start of the alert itself".to_owned(),
        Some(slo) => {
            let before = match (began - onset.at).num_seconds() {
                0 => String::new(),
                secs => format!(", {} before the alert", short(secs.unsigned_abs())),
            };
            format!("{slo} burns since then{before}")
        }
    };
    fact("onset", format!("{at}: {whose}"), Role::Plain);
    if let Some(then) = picture.inputs.burn_at.filter(|then| onset.at > *then) {
        let then = then.format("%Y-%m-%d %H:%M:%SZ");
        let text = format!("this alert began after {then}: changes up to then are looked at");
        fact("as of", text, Role::Care);
    } else if picture.inputs.burn_at.is_some() {
        let text = "the alert is the one of now: nobody tells of alerts that were";
        fact("as of", text.to_owned(), Role::Care);
    }
    table.render(page, out);
}

fn list(found: &[&Suspect], onset: &Onset, picture: &Picture, page: &Page, out: &mut String) {
    let delivery = &picture.board.delivery;
    for suspect in found {
        let role = if suspect.is_suspect() {
            Role::Bad
        } else {
            Role::Faint
        };
        let (what, when, how) = match &suspect.cause {
            Cause::Change(id) => delivery.change(id).map(|change| {
                let what = delivery_text::what(change, page);
                (what, when(suspect, change, onset), how(change))
            }),
            Cause::Drift(id) => delivery.drift(id).map(|row| {
                let age = match row.age {
                    ReportAge::Expired => ", in a report that is too old to be a verdict",
                    ReportAge::Stale => ", in a report that is overdue",
                    ReportAge::Fresh | ReportAge::Unknown => "",
                };
                let how = format!("drift, reported by {}{age}", row.drift.source);
                let what = row.drift.subject.target.to_string();
                (what, first_seen(suspect, row), how)
            }),
        }
        .unwrap_or_default();
        let mut table = Table::indented(2);
        let score = format!("{:>5.1}", suspect.score);
        table.row(vec![rigid(score).role(role), cell(what), rigid(when)]);
        let place = format!("{}  {}", suspect.factors, words(&suspect.factors));
        table.row(vec![rigid(""), rest(place).role(Role::Faint)]);
        table.row(vec![rigid(""), rest(how).role(Role::Faint)]);
        table.render(page, out);
    }
}

/// `version, ok, by ci-bot (automation), told by argocd and k8s`
fn how(change: &Change) -> String {
    let (outcome, _) = delivery_text::outcome(change);
    let mut sources = std::iter::once(&change.source).chain(&change.also);
    let first = sources.next().map_or("", |name| name);
    let sources = sources.fold(first.to_owned(), |all, name| format!("{all} and {name}"));
    let by = by(change).map(|by| format!("{by}, ")).unwrap_or_default();
    format!("{}, {outcome}, {by}told by {sources}", change.kind.word())
}

/// `by ci-bot (automation)`
fn by(change: &Change) -> Option<String> {
    let who = change.who.as_ref()?;
    let what = match who.kind {
        ActorKind::Person => "",
        ActorKind::Automation => " (automation)",
        ActorKind::FieldManager => " (a program)",
    };
    Some(format!("by {}{what}", who.name))
}

/// `finished 7m before the onset`
fn when(suspect: &Suspect, change: &Change, onset: &Onset) -> String {
    let apart = |secs: i64| {
        let side = if secs < 0 { "after" } else { "before" };
        format!("{} {side} the onset", short(secs.unsigned_abs()))
    };
    let began = (onset.at - change.started_at).num_seconds();
    match change.finished_at {
        _ if change.is_in_flight() => format!("under way, began {}", apart(began)),
        Some(_) => format!("finished {}", apart(suspect.seconds_before)),
        None => format!("began {}", apart(began)),
    }
}

/// Of drift only the moment is known at which it was noticed.
fn first_seen(suspect: &Suspect, row: &DriftRow) -> String {
    let what = if row.seen.is_some() {
        "first seen"
    } else {
        "reported"
    };
    let side = if suspect.seconds_before < 0 {
        "after"
    } else {
        "before"
    };
    let apart = short(suspect.seconds_before.unsigned_abs());
    format!("{what} {apart} {side} the onset")
}

/// `same service, same place`: what R and A stand for. K and O are the kind and the outcome.
fn words(factors: &Factors) -> String {
    let place = match factors.scope {
        Reach::Overlap => "same place",
        Reach::Unknown => "place unknown",
        Reach::Disjoint => "another place",
    };
    format!("{}, {place}", factors.relation.words())
}

/// Drift and troubles of the service: what was there anyway.
fn around(alert: &Alert, picture: &Picture, page: &Page, out: &mut String) {
    let (drifts, troubles) = context(alert, picture);
    let Some(service) = &alert.place.service else {
        return;
    };
    if drifts.is_empty() && troubles.is_empty() {
        return;
    }
    out.push('\n');
    page.line(out, Role::Heading, &format!("Beside it, of {service}"));
    let mut table = Table::indented(2);
    for row in drifts.iter().take(MOST_CONTEXT) {
        let paths: Vec<&str> = row
            .drift
            .paths
            .iter()
            .map(|path| path.path.shown())
            .collect();
        let said = match paths.as_slice() {
            [] => row
                .drift
                .detail
                .as_ref()
                .map_or("differs", Untrusted::shown)
                .to_owned(),
            paths => paths.join(", "),
        };
        table.row(vec![
            cell("drift").role(Role::Faint),
            cell(row.drift.subject.target.shown()),
            rest(said).role(Role::Care),
        ]);
    }
    let shown = &troubles[..troubles.len().min(MOST_CONTEXT)];
    delivery_text::troubles(&mut table, shown, picture.burn_at());
    table.render(page, out);
    let more = drifts.len().saturating_sub(MOST_CONTEXT) + troubles.len() - shown.len();
    if more > 0 {
        let line = format!(
            "  and {more} more: quell suspects {} --json",
            alert_id(alert)
        );
        page.line(out, Role::Faint, &line);
    }
}
