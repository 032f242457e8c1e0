//! What changes on screen 1?
//!
//! The cursor belongs to an alert, not to a row: a new picture keeps it on its alert and on its
//! line, and when the alert is gone the row stays, marked, until the cursor leaves it.

use std::collections::HashSet;
use std::sync::Arc;

use super::sources;
use crate::domain::alert::Alert;
use crate::domain::board::Board;
use crate::domain::claim::{Claim, Occurrence};
use crate::domain::filter::Filter;
use crate::domain::observed::QueryAnswer;
use crate::domain::source::SourceError;
use crate::domain::text::Untrusted;
use crate::effect::Effect;
use crate::model::Model;
use crate::model::available::{claimable, target};
use crate::model::layout::Layout;
use crate::model::rows::{self, Grouping, Row, RowId, RowKind, Tab, Wanted};
use crate::model::scroll::{Scroll, Step};
use crate::model::session::{Detail, History, Screen, Started, Tone};

/// Why the rows are made anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The world changed: a selected alert that is gone keeps its row.
    Picture,
    /// The operator asked for other rows.
    Operator,
}

/// Shows a picture, or lets it wait while the list is frozen.
pub fn picture(model: &mut Model, board: Arc<Board>) {
    if !model.session.is_frozen() {
        show(model, board);
        return;
    }
    let shown: HashSet<Occurrence> = occurrences(&model.board).collect();
    let unseen = &mut model.session.triage.unseen;
    unseen.waiting = occurrences(&board).filter(|o| !shown.contains(o)).count();
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
    let unseen = &mut model.session.triage.unseen;
    unseen.waiting = 0;
    unseen.newer = None;
    if unseen.started == Started::Yes {
        unseen
            .alerts
            .extend(occurrences(&board).filter(|o| !before.contains(o)));
        let now: HashSet<Occurrence> = occurrences(&board).collect();
        unseen.alerts.retain(|o| now.contains(o));
    }
    // What was there before everybody was asked once is not news.
    if model.knowledge.everybody_was_asked(model.now) {
        model.session.triage.unseen.started = Started::Yes;
    }
    model.board = board;
    refresh_detail(model);
    rebuild(model, Cause::Picture);
}

fn occurrences(board: &Board) -> impl Iterator<Item = Occurrence> {
    board.alerts.iter().map(|a| a.occurrence)
}

fn refresh_detail(model: &mut Model) {
    let Some(detail) = &mut model.session.triage.detail else {
        return;
    };
    let same = |a: &&Alert| a.occurrence == detail.occurrence;
    if let Some(alert) = model.board.alerts.iter().find(same) {
        *detail.alert = alert.clone();
    }
}

fn rebuild(model: &mut Model, cause: Cause) {
    let triage = &mut model.session.triage;
    let mut rows = rows::rows(
        &model.board,
        &Wanted {
            tab: triage.tab,
            filter: &triage.filter,
            grouping: &triage.grouping,
            open: &triage.open,
        },
    );
    let selected = triage.row().cloned();
    let line = triage.scroll.cursor.saturating_sub(triage.scroll.top);
    let at_top = triage.scroll.top == 0;
    if let Some(selected) = selected {
        triage.scroll.cursor = match (rows::find(&rows, &selected), cause) {
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
            (None, Cause::Operator) => 0,
        };
        // The row keeps its line on screen, unless the list begins there.
        if !at_top {
            triage.scroll.top = triage.scroll.cursor.saturating_sub(line);
        }
    }
    triage.rows = rows;
    settle(model);
}

/// After anything that may have moved the window: the cursor is on screen, and what is on screen
/// has been seen.
pub fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let visible_screen = model.session.screen == Screen::Triage && !model.session.is_frozen();
    let triage = &mut model.session.triage;
    triage.scroll.reveal(triage.rows.len(), height);
    if visible_screen && triage.detail.is_none() && !triage.unseen.alerts.is_empty() {
        let visible = &triage.rows[triage.scroll.window(triage.rows.len(), height)];
        let alerts: HashSet<&RowId> = visible.iter().map(|row| &row.id).collect();
        let is_seen = |alert: &Alert| {
            let folded = triage.grouping.key(alert).map(RowId::Fold);
            alerts.contains(&RowId::Alert(alert.occurrence))
                || folded.is_some_and(|id| alerts.contains(&id))
        };
        let seen: Vec<Occurrence> = model
            .board
            .alerts
            .iter()
            .filter(|a| is_seen(a))
            .map(|a| a.occurrence)
            .collect();
        for occurrence in seen {
            triage.unseen.alerts.remove(&occurrence);
        }
    }
    if !triage.is_gone() {
        let place = triage.row().and_then(|row| match row.kind {
            RowKind::Alert(at) => Some(at),
            RowKind::Fold { first, .. } => Some(first),
            RowKind::Pending(_) | RowKind::Gone => None,
        });
        triage.selected = place
            .and_then(|at| model.board.alerts.get(at))
            .map(|alert| Box::new(alert.clone()));
    }
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
    if triage.scroll.cursor != left {
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
        [_] => "it".to_owned(),
        many => format!("{} alerts", many.len()),
    };
    let did = if give_back {
        "given back"
    } else {
        "claimed, on this machine, nothing is muted"
    };
    model.session.say(Tone::Done, format!("{what} {did}"));
    model.knowledge.claims = Arc::new(claims);
    let mut effects = vec![Effect::SaveClaims(model.knowledge.claims.clone())];
    effects.extend(sources::order_picture(model));
    effects
}
