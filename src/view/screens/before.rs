//! What preceded an alert, and what differs or is in trouble where it is?
//!
//! Part of the alert's detail. Every score stands with its factors. What nobody could be asked about is
//! said to be unknown: silence of a source is not "nothing changed".

use crate::domain::alert::Alert;
use crate::domain::change::{ActorKind, Change, ChangeKind, Outcome};
use crate::domain::delivery::{Delivery, DriftRow};
use crate::domain::drift::ReportAge;
use crate::domain::duration::short;
use crate::domain::freshness::Freshness;
use crate::domain::suspect::{Cause, Onset, SUSPECT, Scope, Suspect};
use crate::model::Model;
use crate::model::delivery::{self, Matter};
use crate::model::knowledge::SourceState;
use crate::theme::Role;
use crate::view::Look;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Beside a list: what is called a suspect, the first few.
    Beside,
    /// As wide as the screen: also what is not.
    Whole,
}

/// A line of it: what stands before it, what is said, and its role.
pub struct Said {
    /// A name or a score; empty for what belongs to the line above.
    pub name: String,
    /// What is said.
    pub words: String,
    /// How it looks.
    pub role: Role,
}

fn said(name: &str, words: String, role: Role) -> Said {
    Said {
        name: name.to_owned(),
        words,
        role,
    }
}

/// What preceded the alert.
pub fn lines(alert: &Alert, depth: Depth, model: &Model, look: &Look) -> Vec<Said> {
    let mut out = Vec::new();
    if delivery::sources(model, Matter::Changes).next().is_none() {
        return out;
    }
    let onset = model.board.onset(alert);
    let all = model.board.suspects(alert);
    let (suspects, others): (Vec<&Suspect>, Vec<&Suspect>) =
        all.iter().partition(|suspect| suspect.is_suspect());
    let (most, most_others) = match depth {
        Depth::Beside => (2, 0),
        Depth::Whole => (6, 4),
    };
    let begun = onset_words(&onset);
    if suspects.is_empty() {
        let words = format!("no change scores {SUSPECT} or more in the 24 h before {begun}");
        out.push(said("Before", words, Role::Dim));
    } else {
        out.push(said("Before", format!("preceded {begun}"), Role::Dim));
    }
    for suspect in suspects.iter().take(most) {
        suspect_lines(suspect, model, look, &mut out);
    }
    if suspects.len() > most {
        let next = match depth {
            Depth::Beside => "enter",
            Depth::Whole => "quell suspects",
        };
        let more = format!("and {} more: {next}", suspects.len() - most);
        out.push(said("", more, Role::Dim));
    }
    if depth == Depth::Whole && !others.is_empty() {
        let words = format!("also before it, below {SUSPECT}: not called suspects");
        out.push(said("", words, Role::Dim));
        for other in others.iter().take(most_others) {
            suspect_lines(other, model, look, &mut out);
        }
        if others.len() > most_others {
            let more = others.len() - most_others;
            out.push(said("", format!("and {more} more"), Role::Dim));
        }
    }
    let since = model.board.after_onset(alert);
    if let Some(last) = since.first() {
        let at = last.started_at.format("%H:%M:%SZ");
        let more = match since.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let words = format!(
            "after the onset, before the alert: {} at {at}{more}; not scored",
            what(last, look)
        );
        out.push(said("", words, Role::Warn));
    }
    out.extend(unknown(model).map(|words| said("", words, Role::Warn)));
    let Some(service) = &alert.place.service else {
        return out;
    };
    let known = &model.board.delivery;
    let drifts: Vec<&DriftRow> = known.drifts_of(service).collect();
    if !drifts.is_empty() {
        let first = drifts.iter().take(3).map(|row| drift_words(row));
        let words: Vec<String> = first.collect();
        let words = format!("{}: {}", drifts.len(), words.join(", "));
        out.push(said("Drift", words, Role::Warn));
    }
    let mut troubles = known.troubles_of(service);
    let shown = match depth {
        Depth::Beside => 2,
        Depth::Whole => 8,
    };
    for (at, trouble) in troubles.by_ref().take(shown).enumerate() {
        let name = if at == 0 { "Trouble" } else { "" };
        let words = format!(
            "{} {}: {}",
            trouble.kind.word(),
            trouble.subject.target,
            trouble.what
        );
        out.push(said(name, words, Role::Warn));
    }
    let more = troubles.count();
    if more > 0 {
        out.push(said("", format!("and {more} more"), Role::Dim));
    }
    out
}

/// In one line, for a narrow screen: `before it: checkout 2.30 → 2.31 (88)`.
pub fn in_short(alert: &Alert, model: &Model, look: &Look) -> Option<String> {
    let suspects = model.board.suspects(alert);
    let first = suspects.first().filter(|suspect| suspect.is_suspect())?;
    let what = match cause(first, &model.board.delivery)? {
        Found::Change(change) => what(change, look),
        Found::Drift(row) => format!("drift of {}", row.drift.subject.target),
    };
    Some(format!("before it: {what} ({:.0})", first.score))
}

fn onset_words(onset: &Onset) -> String {
    let at = onset.at.format("%H:%M:%SZ");
    match &onset.burn_of {
        Some(id) => format!("the onset of its burn at {at} ({id})"),
        None => format!("its start at {at}"),
    }
}

enum Found<'a> {
    Change(&'a Change),
    Drift(&'a DriftRow),
}

fn cause<'a>(suspect: &Suspect, delivery: &'a Delivery) -> Option<Found<'a>> {
    match &suspect.cause {
        Cause::Change(id) => delivery.change(id).map(Found::Change),
        Cause::Drift(id) => delivery.drift(id).map(Found::Drift),
    }
}

fn suspect_lines(suspect: &Suspect, model: &Model, look: &Look, out: &mut Vec<Said>) {
    let score = format!("{:>5.1}", suspect.score);
    let role = if suspect.is_suspect() {
        Role::Strong
    } else {
        Role::Dim
    };
    let told = match cause(suspect, &model.board.delivery) {
        None => return,
        Some(Found::Change(change)) => {
            let words = format!("{}  {}", what(change, look), change.outcome.word());
            out.push(said(&score, words, role));
            let mut parts = vec![format!("told by {}", change.source)];
            parts.extend(who(change));
            parts.push(when(suspect, change));
            parts.join(", ")
        }
        Some(Found::Drift(row)) => {
            let words = format!("drift of {}", row.drift.subject.target);
            out.push(said(&score, words, role));
            let ago = short(suspect.seconds_before.unsigned_abs());
            format!("told by {}, first seen {ago} before", row.drift.source)
        }
    };
    out.push(said("", told, Role::Text));
    let factors = &suspect.factors;
    let scope = match factors.scope {
        Scope::Overlap => "same place",
        Scope::Unknown => "place unknown",
        Scope::Disjoint => "other place",
    };
    let words = format!(
        "{factors}: {}, {scope}, {}",
        factors.relation.words(),
        factors.kind.word()
    );
    out.push(said("", words, Role::Dim));
}

/// `checkout 2.30 → 2.31`, or the target where no service is known.
pub fn what(change: &Change, look: &Look) -> String {
    let name = change.subject.service.as_ref();
    let name = name.unwrap_or(&change.subject.target);
    let versions = versions(change, look);
    match change.kind {
        ChangeKind::Version => format!("{name} {versions}"),
        kind => format!("{name} {} {versions}", kind.word()),
    }
}

/// The versions in full.
pub fn versions(change: &Change, look: &Look) -> String {
    super::changes::versions(change, usize::MAX, look)
}

fn who(change: &Change) -> Option<String> {
    let who = change.who.as_ref()?;
    Some(match who.kind {
        ActorKind::Person | ActorKind::Automation => format!("by {}", who.name),
        ActorKind::FieldManager => format!("written by {}", who.name),
    })
}

fn when(suspect: &Suspect, change: &Change) -> String {
    let ago = short(suspect.seconds_before.unsigned_abs());
    match (change.outcome, change.finished_at) {
        (Outcome::Running, _) => "going on".to_owned(),
        _ if suspect.seconds_before < 0 => format!("ended {ago} after"),
        (_, Some(_)) => format!("ended {ago} before"),
        (_, None) => format!("began {ago} before"),
    }
}

fn drift_words(row: &DriftRow) -> String {
    let target = &row.drift.subject.target;
    let path = row.drift.paths.first();
    let path = path.map_or_else(String::new, |path| format!(" {}", path.path));
    let age = match row.age {
        ReportAge::Stale => " (old report)",
        _ => "",
    };
    format!("{target}{path}{age}")
}

/// Who could not be asked, or only in part: what it changed is not known.
fn unknown(model: &Model) -> Option<String> {
    let unread = delivery::unread(model, Matter::Changes);
    let lacks = |source: &SourceState| unread.iter().any(|(own, _)| own.name == source.name);
    let all = delivery::sources(model, Matter::Changes);
    let names = all.filter_map(|source| match source.freshness(model.now) {
        Freshness::Fresh if lacks(source) => Some(format!("{} in part", source.name)),
        Freshness::Fresh => None,
        state => Some(format!("{} {}", source.name, state.word())),
    });
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| format!("not known: changes of {}", names.join(", ")))
}
