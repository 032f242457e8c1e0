//! Why is a command off right now?
//!
//! One answer for the hint bar, the help, the palette and `update`, so that what is shown as
//! possible is what is possible.

use super::Model;
use super::acting::READ_ONLY;
use super::rows::RowKind;
use super::session::{CrashSwitch, Screen};
use super::{actions, burns, changes, drifts, journal};
use crate::domain::alert::Alert;
use crate::keys::CommandId;

/// Why not, in a few words.
pub type Reason = &'static str;

/// Whether a command can be done now.
///
/// # Errors
/// The reason why it cannot.
pub fn available(id: CommandId, model: &Model) -> Result<(), Reason> {
    let session = &model.session;
    match id {
        CommandId::Claim => can_claim(model),
        CommandId::OpenRunbook => match target(model).map(|alert| &alert.runbook) {
            Some(Some(_)) => Ok(()),
            Some(None) => Err("no runbook belongs to this alert"),
            None => Err("no alert is selected"),
        },
        CommandId::OpenBurn => can_open_burn(model),
        CommandId::Explain | CommandId::Span => match burns::target(model) {
            Some(_) => Ok(()),
            None => Err("no SLO is selected"),
        },
        CommandId::Act
        | CommandId::Silence
        | CommandId::Undo
        | CommandId::Actions
        | CommandId::Panic
        | CommandId::BreakGlass => can_act(id, model),
        CommandId::Open => openable(model),
        CommandId::NextNew if session.triage.unseen.alerts.is_empty() => Err("nothing new"),
        CommandId::NextMatch | CommandId::PreviousMatch => match &session.runbooks.reader {
            Some(reader) if !reader.needle.is_empty() => Ok(()),
            _ => Err("nothing is searched for: press /"),
        },
        CommandId::Crash if session.identity.crash == CrashSwitch::Off => {
            Err("set QUELL_ALLOW_CRASH=1 to allow it")
        }
        _ => Ok(()),
    }
}

fn openable(model: &Model) -> Result<(), Reason> {
    let session = &model.session;
    match session.screen {
        Screen::Triage => match session.triage.row().map(|row| row.kind) {
            None => Err("nothing is selected"),
            Some(RowKind::Pending(_)) => {
                Err("it does not fire yet: all that is known stands in its row")
            }
            Some(RowKind::Gone) if target(model).is_none() => Err("it is gone"),
            Some(_) => Ok(()),
        },
        Screen::Burn => match burns::target(model) {
            Some(_) => Ok(()),
            None => Err("nothing is selected"),
        },
        Screen::Changes => match session.changes.list.target() {
            None => Err("nothing is selected"),
            Some(_) => changes::target(model)
                .map(|_| ())
                .ok_or("it is not told any more"),
        },
        Screen::Drift => match session.drifts.list.target() {
            None => Err("nothing is selected"),
            Some(_) => drifts::target(model)
                .map(|_| ())
                .ok_or("it is not reported any more"),
        },
        Screen::Runbooks => {
            let library = model.knowledge.library();
            let selected = library.runbooks.get(session.runbooks.list.cursor);
            selected.map(|_| ()).ok_or("nothing is selected")
        }
        Screen::Journal => match session.journal.list.target() {
            None => Err("nothing is selected"),
            Some(_) => journal::target(model)
                .map(|_| ())
                .ok_or("it is not among the last records any more"),
        },
        Screen::Sources => Err("all that is known of it is on this screen"),
    }
}

/// What leads to a change of what is watched.
fn can_act(id: CommandId, model: &Model) -> Result<(), Reason> {
    let policy = model.acting.policy.as_deref().ok_or(READ_ONLY)?;
    match id {
        CommandId::Act if is_burn(model) => {
            Err("no alert fires for it: act on a change of its service")
        }
        CommandId::Act if !subject(model) && model.session.screen == Screen::Runbooks => {
            Err("this runbook was not opened from an alert")
        }
        CommandId::Act if !subject(model) => Err("nothing is selected"),
        // Any alert can be silenced, or the menu says why not.
        CommandId::Act if model.session.screen == Screen::Triage => Ok(()),
        CommandId::Act if actions::offers(model).all.is_empty() => {
            Err("no action is known for it: it names no object")
        }
        CommandId::Silence => {
            let alert = target(model).ok_or("no alert is selected")?;
            on_board(model, alert).ok_or(GONE)?;
            actions::can_silence(alert, model).map_or(Ok(()), Err)
        }
        CommandId::Undo => {
            target(model).ok_or("no alert is selected")?;
            actions::undo(model)
                .map(|_| ())
                .ok_or("no rollout is known that could be undone")
        }
        CommandId::Actions if model.acting.runs.is_empty() => Err("no action was begun here"),
        CommandId::BreakGlass if policy.break_glass_role.is_none() => {
            Err("the policy names no role that may break the glass")
        }
        _ => Ok(()),
    }
}

/// Whether a burning budget is selected that no alert tells of.
fn is_burn(model: &Model) -> bool {
    let triage = &model.session.triage;
    let is_here = model.session.screen == Screen::Triage && triage.detail.is_none();
    is_here
        && triage
            .row()
            .is_some_and(|row| matches!(row.kind, RowKind::Burn(_)))
}

/// Whether anything is selected that could be acted on.
fn subject(model: &Model) -> bool {
    match model.session.screen {
        Screen::Triage => target(model).is_some(),
        Screen::Changes => changes::target(model).is_some(),
        Screen::Drift => drifts::target(model).is_some(),
        Screen::Runbooks => actions::is_read_for_alert(model) && target(model).is_some(),
        _ => false,
    }
}

fn can_open_burn(model: &Model) -> Result<(), Reason> {
    let triage = &model.session.triage;
    let row = triage.row().filter(|_| triage.detail.is_none());
    if row.is_some_and(|row| matches!(row.kind, RowKind::Burn(_))) {
        return Ok(());
    }
    let alert = target(model).ok_or("no alert is selected")?;
    let service = alert
        .place
        .service
        .as_ref()
        .ok_or("this alert names no service")?;
    let burn = model.board.burn_of(service);
    burn.map(|_| ()).ok_or("no SLO of its service is known")
}

/// The alert that a command is about: the opened one, else the selected one.
#[must_use]
pub fn target(model: &Model) -> Option<&Alert> {
    let triage = &model.session.triage;
    if let Some(detail) = &triage.detail {
        return Some(&detail.alert);
    }
    match triage.row()?.kind {
        RowKind::Alert(at) => model.board.alerts.get(at),
        RowKind::Fold { first, .. } => model.board.alerts.get(first),
        RowKind::Gone => triage.selected.as_deref(),
        RowKind::Pending(_) | RowKind::Burn(_) => None,
    }
}

/// Asked with every frame, so it looks at the row alone and never at the members of a group.
fn can_claim(model: &Model) -> Result<(), Reason> {
    let triage = &model.session.triage;
    if let Some(detail) = &triage.detail {
        return on_board(model, &detail.alert).map(|_| ()).ok_or(GONE);
    }
    match triage.row().ok_or("nothing is selected")?.kind {
        RowKind::Alert(_) | RowKind::Fold { .. } => Ok(()),
        RowKind::Gone => Err(GONE),
        RowKind::Pending(_) => Err("it does not fire yet"),
        RowKind::Burn(_) => Err("no alert fires for it: there is nothing to claim"),
    }
}

const GONE: Reason = "this alert is gone";

fn on_board<'m>(model: &'m Model, alert: &Alert) -> Option<&'m Alert> {
    let same = |a: &&Alert| a.is_firing_of(alert.occurrence);
    model.board.alerts.iter().find(same)
}

/// The alerts that a claim would take: one, or all of a group.
///
/// # Errors
/// Why there are none.
pub fn claimable(model: &Model) -> Result<Vec<&Alert>, Reason> {
    can_claim(model)?;
    let triage = &model.session.triage;
    if let Some(detail) = &triage.detail {
        return Ok(on_board(model, &detail.alert).into_iter().collect());
    }
    let row = triage.row().ok_or("nothing is selected")?;
    Ok(match row.kind {
        RowKind::Alert(at) => model.board.alerts.get(at).into_iter().collect(),
        _ => members(model, row),
    })
}

/// All alerts of a folded row that the filter lets through.
#[must_use]
pub fn members<'m>(model: &'m Model, row: &super::rows::Row) -> Vec<&'m Alert> {
    let triage = &model.session.triage;
    let Some(fold) = &row.fold else {
        return Vec::new();
    };
    let open = std::iter::once(fold.clone()).collect();
    let all = super::rows::rows(
        &model.board,
        &super::rows::Wanted {
            tab: triage.tab,
            filter: &triage.filter,
            grouping: &triage.grouping,
            open: &open,
        },
    );
    let of_fold = all.into_iter().filter(|r| r.fold.as_ref() == Some(fold));
    of_fold
        .filter_map(|r| match r.kind {
            RowKind::Alert(at) => model.board.alerts.get(at),
            _ => None,
        })
        .collect()
}
