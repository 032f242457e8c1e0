//! `quell runbook which ALERT`: which runbook does an alert get, in which version, and by which rule?
//!
//! The alert is one that fires now, or one described by its labels. It is linked by the very rules
//! the cockpit uses. No runbook is an answer too: it comes with what would change that.

use std::sync::Arc;

use serde::Serialize;

use super::args::{Format, WhichArgs};
use super::exit::Exit;
use super::gather::{self, Picture, Scope};
use super::json::{Document, LinkDoc, SourceDoc, alert_id};
use super::output::Answer;
use super::page::{Page, Role};
use super::{Outcome, Show, World, unwritable};
use crate::config::settings::Settings;
use crate::domain::alert::Alert;
use crate::domain::label::Labels;
use crate::domain::matcher::quote;
use crate::domain::runbook::{Library, Runbook};
use crate::domain::runbook_match::{Linker, RunbookLink};
use crate::domain::text::{Untrusted, shown};

/// What was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    /// A name, a fingerprint or an id of an alert that may fire now.
    Alert(String),
    /// Labels of an alert that need not exist.
    Labels(Labels),
}

/// How the alert was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum FoundBy {
    /// It is there now.
    Live,
    /// It was described by labels.
    Labels,
    /// Nothing with this name is there: only the name counts.
    Name,
}

/// What the rules are applied to.
struct Case {
    found_by: FoundBy,
    alert: Option<String>,
    labels: Labels,
    link: Option<RunbookLink>,
}

#[derive(Serialize)]
struct WhichDoc<'a> {
    asked: String,
    found_by: FoundBy,
    alert: Option<&'a str>,
    labels: &'a Labels,
    sources: Vec<SourceDoc<'a>>,
    runbook: Option<FoundDoc<'a>>,
    others: Vec<OtherDoc<'a>>,
    would_match: Vec<String>,
}

#[derive(Serialize)]
struct FoundDoc<'a> {
    #[serde(flatten)]
    link: LinkDoc<'a>,
    title: Option<&'a Untrusted>,
    path: Option<&'a Untrusted>,
}

/// Another alert of the same name that gets another runbook.
#[derive(Serialize)]
struct OtherDoc<'a> {
    alert: Option<&'a str>,
    runbook: Option<&'a Untrusted>,
}

/// Looks it up. Servers are asked only for an alert given by name.
///
/// # Errors
/// Words that are neither labels nor one alert.
pub(super) async fn run(
    args: &WhichArgs,
    settings: &Settings,
    world: &World,
    show: &Show,
) -> Outcome {
    let mut asked = settings.clone();
    if matches!(question(&args.alert)?, Question::Labels(_)) {
        asked.alertmanagers.clear();
        asked.prometheuses.clear();
    }
    let picture = gather::gather(&asked, &Scope::Alerts, Arc::default(), world.clock).await;
    let document = answer(args, &picture, show.format, &show.page)?;
    // The runbooks are what was asked for: without any server there is still part of the answer.
    let exit = match picture.exit() {
        Exit::Nothing if picture.has_runbooks() => Exit::Partial,
        exit => exit,
    };
    Ok(Answer::with(document, exit))
}

/// The document or the text, out of one picture.
///
/// # Errors
/// Words that are neither labels nor one alert.
pub(super) fn answer(
    args: &WhichArgs,
    picture: &Picture,
    format: Format,
    page: &Page,
) -> Result<String, Answer> {
    let question = question(&args.alert)?;
    let annotations = pairs(&args.annotation)?;
    let cases = cases(&question, &annotations, picture);
    match format {
        Format::Json => json(&args.alert.join(" "), &cases, picture).map_err(|e| unwritable(&e)),
        Format::Text => Ok(text(&cases, picture, page)),
    }
}

fn question(words: &[String]) -> Result<Question, Answer> {
    let (labels, names): (Vec<String>, Vec<String>) =
        words.iter().cloned().partition(|word| word.contains('='));
    match (names.as_slice(), labels.is_empty()) {
        ([], _) => pairs(&labels).map(Question::Labels),
        ([name], true) => Ok(Question::Alert(name.clone())),
        ([name], false) => {
            let mut all = vec![format!("alertname={name}")];
            all.extend(labels);
            pairs(&all).map(Question::Labels)
        }
        _ => Err(Answer::usage(
            "quell: one alert at a time: give its name, its fingerprint, or labels as NAME=VALUE",
        )),
    }
}

fn pairs(words: &[String]) -> Result<Labels, Answer> {
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((Untrusted::line(name), Untrusted::block(value)))
        }
        _ => Err(Answer::usage(format!(
            "quell: `{}` is not NAME=VALUE",
            shown(word)
        ))),
    };
    words
        .iter()
        .map(pair)
        .collect::<Result<_, _>>()
        .map(Labels::new)
}

/// The most urgent first; never empty.
fn cases(question: &Question, annotations: &Labels, picture: &Picture) -> Vec<Case> {
    let library = &picture.inputs.library;
    let linker = Linker::new(library, &picture.inputs.policy.runbook_url_prefixes);
    let described = |found_by, labels: Labels| Case {
        found_by,
        alert: None,
        link: linker.link(&labels, annotations),
        labels,
    };
    let name = match question {
        Question::Labels(labels) => return vec![described(FoundBy::Labels, labels.clone())],
        Question::Alert(name) => name,
    };
    let live = picture
        .board
        .alerts
        .iter()
        .filter(|alert| is_meant(alert, name));
    let mut cases: Vec<Case> = live
        .map(|alert| {
            let stated: Vec<_> = alert
                .annotations
                .iter()
                .chain(annotations.iter())
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
            Case {
                found_by: FoundBy::Live,
                alert: Some(alert_id(alert)),
                labels: alert.labels.clone(),
                link: linker.link(&alert.labels, &Labels::new(stated)),
            }
        })
        .collect();
    if cases.is_empty() {
        cases.push(described(FoundBy::Name, Labels::of(&[("alertname", name)])));
    }
    cases
}

fn is_meant(alert: &Alert, asked: &str) -> bool {
    alert
        .labels
        .get("alertname")
        .is_some_and(|n| n.raw() == asked)
        || alert.occurrence.fingerprint.to_string() == asked.to_ascii_lowercase()
        || alert_id(alert) == asked
}

fn json(asked: &str, cases: &[Case], picture: &Picture) -> serde_json::Result<String> {
    let [first, rest @ ..] = cases else {
        return Ok(String::new());
    };
    let library = &picture.inputs.library;
    let id = |case: &'_ Case| case.link.as_ref().map(|link| link.id.clone());
    let body = WhichDoc {
        asked: shown(asked),
        found_by: first.found_by,
        alert: first.alert.as_deref(),
        labels: &first.labels,
        sources: SourceDoc::all(picture),
        runbook: first.link.as_ref().map(|link| {
            let book = book(library, link);
            FoundDoc {
                link: LinkDoc::of(link),
                title: book.map(|book| &book.title),
                path: book.map(|book| &book.path),
            }
        }),
        others: rest
            .iter()
            .filter(|case| id(case) != id(first))
            .map(|case| OtherDoc {
                alert: case.alert.as_deref(),
                runbook: case.link.as_ref().map(|link| &link.id),
            })
            .collect(),
        would_match: if first.link.is_none() {
            would_match(&first.labels)
        } else {
            Vec::new()
        },
    };
    Document::text("quell.which/1", body)
}

fn book<'a>(library: &'a Library, link: &RunbookLink) -> Option<&'a Runbook> {
    library.runbooks.iter().find(|book| book.id == link.id)
}

fn text(cases: &[Case], picture: &Picture, page: &Page) -> String {
    let mut out = String::new();
    let Some((first, rest)) = cases.split_first() else {
        return out;
    };
    tell(first, &picture.inputs.library, page, &mut out);
    for case in rest {
        let same =
            |a: &Case, b: &Case| a.link.as_ref().map(|l| &l.id) == b.link.as_ref().map(|l| &l.id);
        if !same(case, first) {
            let other = case
                .link
                .as_ref()
                .map_or("no runbook".to_owned(), |l| l.id.to_string());
            let line = format!(
                "another alert of this name ({}): {other}",
                labels(&case.labels)
            );
            page.line(&mut out, Role::Care, &line);
        }
    }
    for source in &picture.sources {
        if let Some(error) = &source.health.error {
            page.line(&mut out, Role::Bad, &format!("{}: {error}", source.name));
            let next = format!("  next: {}", error.kind.next_step());
            page.line(&mut out, Role::Faint, &next);
        }
    }
    out
}

fn tell(case: &Case, library: &Library, page: &Page, out: &mut String) {
    if case.found_by == FoundBy::Name {
        let line = "no such alert is known now: looked up by its name alone";
        page.line(out, Role::Faint, line);
    }
    let Some(link) = &case.link else {
        page.line(
            out,
            Role::Care,
            &format!("no runbook for {}", labels(&case.labels)),
        );
        page.line(out, Role::Plain, "one of these would change that:");
        for way in would_match(&case.labels) {
            page.line(out, Role::Plain, &format!("  {way}"));
        }
        return;
    };
    let anchor = link.anchor.as_ref().map(|anchor| format!("#{anchor}"));
    let heading = format!("{}{}", link.id, anchor.unwrap_or_default());
    page.line(out, Role::Heading, &heading);
    if let Some(book) = book(library, link) {
        page.line(out, Role::Plain, &format!("  title    {}", book.title));
        page.line(out, Role::Plain, &format!("  path     {}", book.path));
    }
    page.line(
        out,
        Role::Plain,
        &format!("  version  {}", link.version.short()),
    );
    page.line(
        out,
        Role::Plain,
        &format!("  by rule  {}", link.matched_by.word()),
    );
    if let Some(caution) = &link.caution {
        page.line(out, Role::Care, &format!("  caution  {caution}"));
    }
}

/// `{alertname="X", severity="critical"}`
fn labels(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value.shown())))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// The rules of the link, as things to do.
fn would_match(labels: &Labels) -> Vec<String> {
    let mut ways = vec![
        "the annotation `quell_runbook: ID` on its rule".to_owned(),
        "the annotation `runbook_url` on its rule, with a URL or path that ends in a runbook's path"
            .to_owned(),
    ];
    if let Some(name) = labels.get("alertname") {
        let quoted = quote(name.shown());
        ways.push(format!(
            "`applies_to: ['alertname={quoted}']` in a runbook's front matter"
        ));
        ways.push(format!("`aliases: [{quoted}]` in a runbook's front matter"));
        if !name.raw().contains('/') {
            ways.push(format!("a runbook file named {name}.md"));
        }
    }
    ways
}
