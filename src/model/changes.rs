//! Where is the operator on screen 3: which change, and what is known around it?
//!
//! Rows are prepared by `update` when a picture arrives, so that a frame looks at what is on screen
//! alone. Read by `view`.

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::held::{Held, Offer, Row, Wanted};
use crate::domain::alert::Alert;
use crate::domain::board::Board;
use crate::domain::burn_around::BurnAround;
use crate::domain::change::{Change, ChangeId, ChangeKind, Outcome, Subject};
use crate::domain::delivery::Delivery;
use crate::domain::filter::{Filter, Search};
use crate::domain::label::Labels;
use crate::domain::slo::SloId;
use crate::domain::slo_burn::SloBurn;
use crate::domain::slo_measured::Span;
use crate::domain::suspect::{self, Question, Suspect};
use crate::domain::text::Untrusted;

/// No more alerts than this are held against a change: a storm may not stop the keys.
pub const MOST_ALERTS: usize = 200;

/// Screen 3.
#[derive(Debug, Default)]
pub struct ChangesSession {
    /// The changes.
    pub list: Held<ChangeId>,
    /// What followed the selected one.
    pub after: Option<After>,
    /// How many there are of each.
    pub tally: Tally,
}

/// How many changes there are of each sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// That go on.
    pub running: usize,
    /// That began in the last 24 hours.
    pub of_day: usize,
    /// Of these, those that failed.
    pub failed_of_day: usize,
}

/// The alerts that a change preceded.
#[derive(Clone, Debug, Default)]
pub struct After {
    /// Of which change.
    pub id: ChangeId,
    /// Those that call it a suspect, the highest score first.
    pub alerts: Vec<Preceded>,
    /// How many more it preceded with too low a score.
    pub weak: usize,
    /// How many loud alerts were not looked at.
    pub left_out: usize,
}

/// An alert that a change preceded.
#[derive(Clone, Debug)]
pub struct Preceded {
    /// Its name.
    pub name: Untrusted,
    /// Its service.
    pub service: Option<Untrusted>,
    /// How many of its name and service there are.
    pub count: usize,
    /// Why the change is called a suspect: of these, the one with the highest score.
    pub suspect: Suspect,
}

/// What the picture offers, newest first.
#[must_use]
pub fn offers(board: &Board, filter: &Filter) -> Vec<Offer<ChangeId>> {
    let mut search = Search::default();
    let all = board.delivery.changes.iter().enumerate();
    all.map(|(at, change)| {
        let wanted = filter.is_empty() || filter.matches_labels(&labels_of(change), &mut search);
        Offer {
            row: Row {
                id: change.id.clone(),
                at: Some(at),
                name: change.subject.target.clone(),
            },
            wanted: if wanted { Wanted::Yes } else { Wanted::No },
        }
    })
    .collect()
}

/// What a filter looks at: the labels of the place, and the columns of the screen.
fn labels_of(change: &Change) -> Labels {
    let own = |name: &str, value: &str| (Untrusted::line(name), Untrusted::line(value));
    let mut pairs = place_of(&change.subject);
    pairs.push(own("source", &change.source));
    pairs.push(own("change", change.kind.word()));
    pairs.push(own("outcome", change.outcome.word()));
    let who = change.who.as_ref().map(|who| &who.name);
    let told = [
        ("who", who),
        ("from", change.versions.from.as_ref()),
        ("to", change.versions.to.as_ref()),
    ];
    let told = told.into_iter().filter_map(|(n, v)| Some((n, v?)));
    pairs.extend(told.map(|(name, value)| (Untrusted::line(name), value.clone())));
    Labels::new(pairs)
}

/// The labels of a place, its target, service and environment.
#[must_use]
pub fn place_of(subject: &Subject) -> Vec<(Untrusted, Untrusted)> {
    let labels = subject.labels.iter();
    let mut pairs: Vec<_> = labels.map(|(n, v)| (n.clone(), v.clone())).collect();
    let named = [
        ("target", Some(&subject.target)),
        ("service", subject.service.as_ref()),
        ("env", subject.env.as_ref()),
    ];
    let named = named.into_iter().filter_map(|(n, v)| Some((n, v?)));
    pairs.extend(named.map(|(name, value)| (Untrusted::line(name), value.clone())));
    pairs
}

/// Counts what there is.
#[must_use]
pub fn tally(board: &Board, now: DateTime<Utc>) -> Tally {
    let mut tally = Tally::default();
    for change in &board.delivery.changes {
        tally.running += usize::from(change.is_in_flight());
        let is_of_day = now - change.started_at <= TimeDelta::days(1);
        tally.of_day += usize::from(is_of_day);
        tally.failed_of_day += usize::from(is_of_day && change.outcome == Outcome::Failed);
    }
    tally
}

/// The change of a row, if the picture has it.
#[must_use]
pub fn of_row<'b>(board: &'b Board, row: &Row<ChangeId>) -> Option<&'b Change> {
    board.delivery.changes.get(row.at?)
}

/// The change that a command of this screen is about.
#[must_use]
pub fn target(model: &Model) -> Option<&Change> {
    of_row(&model.board, model.session.changes.list.target()?)
}

/// What goes on under another name, with what it is called now: the same deploy, once another source
/// tells of it too, has the name that this one gives it.
#[must_use]
pub fn renamed(held: &Held<ChangeId>, before: &Board, now: &Board) -> Vec<(ChangeId, ChangeId)> {
    let ids: std::collections::HashSet<&ChangeId> = now
        .delivery
        .changes
        .iter()
        .map(|change| &change.id)
        .collect();
    let opened = held.opened.as_ref().map(|opened| &opened.row);
    let gone = held
        .rows
        .iter()
        .chain(opened)
        .filter(|row| !ids.contains(&row.id));
    let known = gone.filter_map(|row| of_row(before, row));
    known
        .filter_map(|old| {
            let same = |new: &&Change| {
                new.subject.service == old.subject.service
                    && new.also.contains(&old.source)
                    && (new.started_at - old.started_at).abs() <= TimeDelta::minutes(10)
            };
            let new = now.delivery.changes.iter().find(same)?;
            Some((old.id.clone(), new.id.clone()))
        })
        .collect()
}

/// The loud alerts that a change preceded. Only this change is scored, and not each one against each.
#[must_use]
pub fn after(board: &Board, change: &Change) -> After {
    let alone = Delivery {
        changes: vec![change.clone()],
        services: board.delivery.services.clone(),
        ..Delivery::default()
    };
    let loud: Vec<&Alert> = board
        .alerts
        .iter()
        .filter(|alert| !alert.is_quiet())
        .collect();
    let mut after = After {
        id: change.id.clone(),
        left_out: loud.len().saturating_sub(MOST_ALERTS),
        ..After::default()
    };
    let mut found: Vec<Preceded> = Vec::new();
    for alert in loud.into_iter().take(MOST_ALERTS) {
        let onset = board.onset(alert).at;
        let scored = suspect::rank(&Question::of(alert, onset), &alone);
        let Some(suspect) = scored.into_iter().next() else {
            continue;
        };
        if !suspect.is_suspect() {
            after.weak += 1;
            continue;
        }
        found.push(Preceded {
            name: alert.labels.get("alertname").cloned().unwrap_or_default(),
            service: alert.place.service.clone(),
            count: 1,
            suspect,
        });
    }
    let score = |p: &Preceded| p.suspect.score;
    found.sort_by(|a, b| score(b).total_cmp(&score(a)));
    for one in found {
        let same = |p: &&mut Preceded| p.name == one.name && p.service == one.service;
        match after.alerts.iter_mut().find(same) {
            Some(known) => known.count += 1,
            None => after.alerts.push(one),
        }
    }
    after
}

/// How the SLOs of a change's service burnt around it, as far as their past was read.
#[must_use]
pub fn around<'m>(model: &'m Model, change: &Change) -> Vec<(&'m SloId, BurnAround)> {
    let Some(service) = &change.subject.service else {
        return Vec::new();
    };
    let own = |burn: &&SloBurn| burn.id().service.as_ref() == Some(service);
    let burns = model.board.burns.iter().filter(own);
    let past = &model.session.burn.past;
    burns
        .map(|burn| {
            let mut found = BurnAround::default();
            // What lies outside of the span that is drawn may lie in the other one.
            for span in [Span::default(), Span::default().other()] {
                let known = past.of(burn.id(), span);
                let Some(ratios) = known.and_then(|known| known.ratios.as_ref()) else {
                    continue;
                };
                let read = BurnAround::of(change, ratios, burn.measured.slo.objective);
                found.before = found.before.or(read.before);
                found.after = found.after.or(read.after);
            }
            (burn.id(), found)
        })
        .collect()
}

/// Whether a change goes back to what was before.
#[must_use]
pub fn is_rollback(change: &Change) -> bool {
    change.kind == ChangeKind::Rollback
}
