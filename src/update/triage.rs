//! What changes on screen 1?
//!
//! The cursor belongs to an alert, not to a row: a new picture keeps it on its alert and on its
//! line, and when the alert is gone the row stays, marked, until the cursor leaves it.

use std::collections::HashSet;
use std::sync::Arc;

use super::{burns, changes, drifts, sources};
use crate::domain::alert::Alert;
use crate::domain::board::Board;
use crate::domain::claim::{Claim, Occurrence};
use crate::domain::filter::{Filter, Search};
use crate::domain::observed::QueryAnswer;
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::effect::Effect;
use crate::keys::Context;
use crate::model::Model;
use crate::model::available::{claimable, target};
use crate::model::layout::Layout;
use crate::model::rows::{self, FoldState, Grouping, Row, RowId, RowKind, Tab, Wanted};
use crate::model::scroll::{Scroll, Step};
use crate::model::session::{Detail, History, Keys, Screen, Started, Tone, TriageSession};

/// Why the rows are made anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The world changed: a selected alert that is gone keeps its row.
    Picture,
    /// The operator asked for other rows.
    Operator,
    /// The sources answer one after another and no key was pressed yet: the cursor is nobody's.
    Arrival,
}

/// Shows a picture, or lets it wait while the list is frozen.
pub fn picture(model: &mut Model, board: Arc<Board>) {
    if !model.session.is_frozen() {
        show(model, board);
        return;
    }
    let shown: HashSet<Occurrence> = occurrences(&model.board).collect();
    let unseen = &mut model.session.triage.unseen;
    unseen.waiting = match unseen.started {
        Started::Yes => occurrences(&board).filter(|o| !shown.contains(o)).count(),
        Started::No => 0,
    };
    unseen.newer = Some(board);
}

/// Shows the picture that waited, once nothing freezes the list any more.
pub fn catch_up(model: &mut Model) {
    if model.session.is_frozen() {
        return;
    }
    if let Some(board) = model.session.triage.unseen.newer.take() {
        show(model, board);
    }
}

fn show(model: &mut Model, board: Arc<Board>) {
    let before: HashSet<Occurrence> = occurrences(&model.board).collect();
    let session = &mut model.session;
    let cause = match (session.triage.unseen.started, session.keys) {
        (Started::No, Keys::Untouched) => Cause::Arrival,
        _ => Cause::Picture,
    };
    let unseen = &mut session.triage.unseen;
    unseen.waiting = 0;
    unseen.newer = None;
    if unseen.started == Started::Yes {
        unseen
            .alerts
            .extend(occurrences(&board).filter(|o| !before.contains(o)));
        let now: HashSet<Occurrence> = occurrences(&board).collect();
        unseen.alerts.retain(|o| now.contains(o));
    }
    // What was there before everybody was asked once is not news. An answer that came while this
    // picture was made is not in it yet.
    if model.knowledge.merging.is_settled() && model.knowledge.everybody_was_asked(model.now) {
        model.session.triage.unseen.started = Started::Yes;
    }
    let shown = std::mem::replace(&mut model.board, board);
    refresh_detail(model);
    rebuild(model, cause);
    burns::picture(model);
    changes::picture(model, &shown);
    drifts::picture(model);
}

fn occurrences(board: &Board) -> impl Iterator<Item = Occurrence> {
    board.alerts.iter().map(|a| a.occurrence)
}

fn refresh_detail(model: &mut Model) {
    let Some(detail) = &mut model.session.triage.detail else {
        return;
    };
    let same = |a: &&Alert| a.is_firing_of(detail.occurrence);
    if let Some(alert) = model.board.alerts.iter().find(same) {
        detail.occurrence = alert.occurrence;
        *detail.alert = alert.clone();
    }
}

fn rebuild(model: &mut Model, cause: Cause) {
    let triage = &mut model.session.triage;
    let wanted = wanted(triage);
    let mut rows = rows::rows(&model.board, &wanted);
    let selected = triage.row().cloned();
    let found = selected
        .as_ref()
        .and_then(|row| rows::find(&model.board, &wanted, &rows, &row.id));
    let line = triage.scroll.cursor.saturating_sub(triage.scroll.top);
    let at_top = triage.scroll.top == 0;
    if let Some(selected) = selected {
        triage.scroll.cursor = match (found, cause) {
            // The most urgent is first, and the first is selected.
            (_, Cause::Arrival) => 0,
            (Some(at), _) => at,
            (None, Cause::Picture) => {
                let at = triage.scroll.cursor.min(rows.len());
                rows.insert(
                    at,
                    Row {
                        kind: RowKind::Gone,
                        ..selected
                    },
                );
                at
            }
            (None, Cause::Operator) => triage
                .selected
                .as_ref()
                .and_then(|alert| {
                    let id = RowId::Alert(alert.occurrence);
                    rows.iter().position(|row| row.id == id)
                })
                .unwrap_or(0),
        };
        // The row keeps its line on screen, unless the list begins there.
        if !at_top {
            triage.scroll.top = triage.scroll.cursor.saturating_sub(line);
        }
    }
    triage.rows = rows;
    settle(model);
}

fn wanted(triage: &TriageSession) -> Wanted<'_> {
    Wanted {
        tab: triage.tab,
        filter: &triage.filter,
        grouping: &triage.grouping,
        open: &triage.open,
    }
}

/// After anything that may have moved the window: the cursor is on screen, and what is on screen
/// has been seen.
pub fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let is_frozen = model.session.is_frozen();
    let is_here = model.session.context_below() == Context::Triage;
    let triage = &mut model.session.triage;
    // The height is that of the present screen: under another one the window stays as it is.
    if is_here {
        triage.scroll.reveal(triage.rows.len(), height);
    }
    if is_here && !is_frozen && !triage.unseen.alerts.is_empty() {
        for occurrence in seen(&model.board, triage, height) {
            triage.unseen.alerts.remove(&occurrence);
        }
    }
    if !triage.is_gone() {
        let place = triage.row().and_then(|row| match row.kind {
            RowKind::Alert(at) => Some(at),
            RowKind::Fold { first, .. } => Some(first),
            RowKind::Pending(_) | RowKind::Burn(_) | RowKind::Gone => None,
        });
        triage.selected = place
            .and_then(|at| model.board.alerts.get(at))
            .map(|alert| Box::new(alert.clone()));
    }
}

/// What of the unseen is on screen now: by itself, or as a part of a closed group. An open group
/// shows each of its alerts by itself.
fn seen(board: &Board, triage: &TriageSession, height: usize) -> Vec<Occurrence> {
    let visible = &triage.rows[triage.scroll.window(triage.rows.len(), height)];
    let is_open = |row: &&Row| {
        matches!(
            row.kind,
            RowKind::Fold {
                state: FoldState::Open,
                ..
            }
        )
    };
    let shown: HashSet<&RowId> = visible
        .iter()
        .filter(|row| !is_open(row))
        .map(|row| &row.id)
        .collect();
    let wanted = wanted(triage);
    let mut search = Search::default();
    let mut in_group = |alert: &Alert| {
        let key = triage.grouping.key(alert).map(RowId::Fold);
        key.is_some_and(|id| shown.contains(&id)) && wanted.lets_through(alert, &mut search)
    };
    board
        .alerts
        .iter()
        .filter(|a| triage.unseen.alerts.contains(&a.occurrence))
        .filter(|a| shown.contains(&RowId::Alert(a.occurrence)) || in_group(a))
        .map(|a| a.occurrence)
        .collect()
}

/// Moves the cursor, or the text of an opened alert.
pub fn step(model: &mut Model, step: Step) {
    let height = Layout::of(model).height();
    let triage = &mut model.session.triage;
    if let Some(detail) = &mut triage.detail {
        detail.scroll.pan(step, detail.lines, height);
        return;
    }
    let left = triage.scroll.cursor;
    triage.scroll.step(step, triage.rows.len(), height);
    // The only row cannot be left: the wish is enough.
    if triage.scroll.cursor != left || triage.rows.len() == 1 {
        drop_gone(model, left);
    }
    settle(model);
}

/// The cursor has left a row whose alert is gone: now the row may go.
fn drop_gone(model: &mut Model, left: usize) {
    let triage = &mut model.session.triage;
    if triage
        .rows
        .get(left)
        .is_some_and(|row| row.kind == RowKind::Gone)
    {
        triage.rows.remove(left);
        if triage.scroll.cursor > left {
            triage.scroll.cursor -= 1;
        }
    }
}

/// A click selects the row it meets.
pub fn click(model: &mut Model, screen_row: u16) {
    let layout = Layout::of(model);
    let first = 2 + layout.blind_rows + layout.header_rows;
    let triage = &mut model.session.triage;
    let inside = screen_row >= first && screen_row < first + layout.list_rows;
    if model.session.screen != Screen::Triage || triage.detail.is_some() || !inside {
        return;
    }
    let at = triage.scroll.top + usize::from(screen_row - first);
    if at < triage.rows.len() {
        let left = std::mem::replace(&mut triage.scroll.cursor, at);
        if left != at {
            drop_gone(model, left);
        }
        settle(model);
    }
}

/// Opens the selected alert, or unfolds its group.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.session.triage.row().cloned() else {
        return vec![];
    };
    if let RowKind::Burn(_) = row.kind {
        burns::open_from_triage(model);
        return vec![];
    }
    let (RowKind::Fold { .. }, RowId::Fold(key)) = (row.kind, row.id) else {
        return open_detail(model);
    };
    let open = &mut model.session.triage.open;
    if !open.remove(&key) {
        open.insert(key);
    }
    rebuild(model, Cause::Operator);
    vec![]
}

fn open_detail(model: &mut Model) -> Vec<Effect> {
    let Some(alert) = target(model).cloned() else {
        return vec![];
    };
    let rule = alert.origin.rule.as_deref();
    let asked = rule.and_then(|rule| {
        let query = rule.query.as_ref()?.raw().to_owned();
        let source = model
            .knowledge
            .sources
            .iter()
            .position(|s| s.name == rule.source)?;
        Some((source, query))
    });
    model.session.triage.detail = Some(Detail {
        occurrence: alert.occurrence,
        alert: Box::new(alert),
        scroll: Scroll::default(),
        lines: 0,
        history: match &asked {
            Some((_, query)) => History::Asked(query.clone()),
            None => History::Unknown,
        },
    });
    asked
        .map(|(source, query)| Effect::History { source, query })
        .into_iter()
        .collect()
}

/// The history came; it is kept if its alert is still open.
pub fn history_ready(model: &mut Model, query: &str, result: Result<QueryAnswer, SourceError>) {
    let Some(detail) = &mut model.session.triage.detail else {
        return;
    };
    if matches!(&detail.history, History::Asked(asked) if asked == query) {
        detail.history = match result {
            Ok(answer) => History::Known(answer),
            Err(error) => History::Failed(error),
        };
    }
}

/// Out of the opened alert; else out of the open group; else drops the filter.
pub fn back(model: &mut Model) {
    let triage = &mut model.session.triage;
    if triage.detail.take().is_some() {
        settle(model);
        return;
    }
    let fold = triage.row().and_then(|row| row.fold.clone());
    if let Some(fold) = fold.filter(|fold| triage.open.contains(fold)) {
        triage.open.remove(&fold);
        rebuild(model, Cause::Operator);
        return;
    }
    if triage.filter.is_empty() {
        model
            .session
            .say(Tone::Refused, "nothing to go back from; q quits");
        return;
    }
    filter(model, Filter::default());
}

/// Applies a filter.
pub fn filter(model: &mut Model, filter: Filter) {
    model.session.triage.filter = filter;
    rebuild(model, Cause::Operator);
}

/// Applies a grouping.
pub fn group(model: &mut Model, grouping: Grouping) {
    model.session.say(
        Tone::Done,
        format!("grouped by {}", Untrusted::line(grouping.name())),
    );
    model.session.triage.open.clear();
    model.session.triage.grouping = grouping;
    rebuild(model, Cause::Operator);
}

/// Another tab.
pub fn lane(model: &mut Model, by: isize) {
    let triage = &mut model.session.triage;
    let count = Tab::ALL.len();
    let at = Tab::ALL.iter().position(|t| *t == triage.tab).unwrap_or(0);
    triage.tab = Tab::ALL[(at + count).saturating_add_signed(by) % count];
    triage.scroll = Scroll::default();
    triage.rows.clear();
    rebuild(model, Cause::Operator);
}

/// To the most urgent alert that was not on screen yet, in whichever tab it is.
pub fn next_new(model: &mut Model) {
    let unseen = &model.session.triage.unseen.alerts;
    let Some(alert) = model
        .board
        .alerts
        .iter()
        .find(|a| unseen.contains(&a.occurrence))
    else {
        return;
    };
    let (tab, occurrence) = (Tab::of(alert), alert.occurrence);
    let key = model.session.triage.grouping.key(alert);
    let triage = &mut model.session.triage;
    if triage.tab != tab {
        triage.tab = tab;
        triage.scroll = Scroll::default();
        triage.rows.clear();
        rebuild(model, Cause::Operator);
    }
    let triage = &mut model.session.triage;
    let itself = triage
        .rows
        .iter()
        .position(|row| row.id == RowId::Alert(occurrence));
    let found = itself.or_else(|| {
        triage
            .rows
            .iter()
            .position(|row| key.is_some() && row.fold == key)
    });
    if let Some(at) = found {
        let left = std::mem::replace(&mut triage.scroll.cursor, at);
        drop_gone(model, left);
    } else {
        triage.unseen.alerts.remove(&occurrence);
        model.session.say(Tone::Refused, "the filter hides it");
    }
    settle(model);
}

/// Takes the selected alert, or all of a group; gives back what is already one's own.
pub fn claim(model: &mut Model) -> Vec<Effect> {
    let by = Untrusted::line(&model.session.identity.operator);
    let wanted: Vec<(Occurrence, Vec<_>, bool)> = match claimable(model) {
        Ok(alerts) => alerts
            .into_iter()
            .map(|a| {
                (
                    a.occurrence,
                    a.starts(),
                    a.claim.as_ref().is_some_and(|c| c.by == by),
                )
            })
            .collect(),
        Err(_) => return vec![],
    };
    let mut claims = (*model.knowledge.claims).clone();
    let give_back = wanted.iter().all(|(_, _, own)| *own);
    for (occurrence, starts, _) in &wanted {
        claims.release(occurrence.fingerprint, starts);
        if !give_back {
            claims.take(
                *occurrence,
                Claim {
                    by: by.clone(),
                    since: model.now,
                },
            );
        }
    }
    let what = match wanted.as_slice() {
        [_] => "the alert".to_owned(),
        many => format!("{} alerts", many.len()),
    };
    let did = if give_back {
        "given back"
    } else {
        "claimed for you on this machine; nothing is muted"
    };
    model.session.say(Tone::Done, format!("{what} {did}"));
    model.knowledge.claims = Arc::new(claims);
    let mut effects = vec![Effect::SaveClaims(model.knowledge.claims.clone())];
    effects.extend(sources::order_picture(model));
    effects
}
