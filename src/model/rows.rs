//! Which rows does a tab of Triage have, in which order?
//!
//! Alerts of one group value stand together, and alerts of one name within it are folded into one
//! row until the operator opens it. The row under the cursor never vanishes: when its alert is
//! gone it stays, marked as gone, until the cursor leaves it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::alert::{Alert, Lane};
use crate::domain::board::Board;
use crate::domain::claim::Occurrence;
use crate::domain::filter::{Filter, Search};
use crate::domain::label::Fingerprint;
use crate::domain::slo::SloId;
use crate::domain::text::Untrusted;

/// The tabs of Triage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Wakes somebody.
    #[default]
    Page,
    /// Waits for working hours.
    Ticket,
    /// For the record.
    Info,
    /// Silenced, inhibited, muted, acknowledged.
    Quiet,
    /// About to fire.
    Pending,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 5] = [
        Self::Page,
        Self::Ticket,
        Self::Info,
        Self::Quiet,
        Self::Pending,
    ];

    /// Its name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "Page",
            Self::Ticket => "Ticket",
            Self::Info => "Info",
            Self::Quiet => "Quiet",
            Self::Pending => "Pending",
        }
    }

    /// The tab of an alert.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match alert.lane {
            _ if alert.is_quiet() => Self::Quiet,
            Lane::Page => Self::Page,
            Lane::Ticket => Self::Ticket,
            Lane::Info => Self::Info,
        }
    }
}

/// How rows are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Each alert by itself.
    None,
    /// One row for each alert name.
    ByName,
    /// Together by service, folded by name.
    ByService,
    /// Together by any label, folded by name.
    ByLabel(String),
}

impl Grouping {
    /// Reads `service`, `alertname`, `none` or a label.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "none" | "" => Self::None,
            "alertname" => Self::ByName,
            "service" => Self::ByService,
            label => Self::ByLabel(label.to_owned()),
        }
    }

    /// As shown.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::ByName => "alertname",
            Self::ByService => "service",
            Self::ByLabel(label) => label,
        }
    }

    /// The one after it, for the key.
    #[must_use]
    pub fn next(&self) -> Self {
        match self {
            Self::ByService => Self::ByName,
            Self::ByName => Self::None,
            Self::None | Self::ByLabel(_) => Self::ByService,
        }
    }

    /// The fold of an alert; none where rows are not folded.
    #[must_use]
    pub fn key(&self, alert: &Alert) -> Option<FoldKey> {
        let name = alert.labels.get("alertname").cloned()?;
        let group = match self {
            Self::None => return None,
            Self::ByName => None,
            Self::ByService => alert.place.service.clone(),
            Self::ByLabel(label) => alert.labels.get(label).cloned(),
        };
        Some(FoldKey { group, name })
    }
}

/// What a folded row stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FoldKey {
    /// The group's value; none for alerts without that label.
    pub group: Option<Untrusted>,
    /// The alert's name.
    pub name: Untrusted,
}

/// Who a row is, whatever its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// One alert.
    Alert(Occurrence),
    /// Several of a name.
    Fold(FoldKey),
    /// An SLO that burns without an alert.
    Burn(SloId),
    /// One that does not fire yet.
    Pending(Fingerprint),
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// The alert at this place of the board.
    Alert(usize),
    /// A folded group: its most urgent alert, and how many there are.
    Fold {
        /// Its most urgent alert.
        first: usize,
        /// How many.
        count: usize,
        /// Whether its alerts follow below.
        state: FoldState,
    },
    /// The SLO at this place of the board.
    Burn(usize),
    /// The pending alert at this place of the board.
    Pending(usize),
    /// It was selected and is not in the picture any more.
    Gone,
}

/// Whether a group is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldState {
    /// One row.
    Closed,
    /// Its alerts follow, indented.
    Open,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who it is.
    pub id: RowId,
    /// The group it belongs to, if rows are grouped.
    pub fold: Option<FoldKey>,
    /// What it shows.
    pub kind: RowKind,
    /// The place of the row within its group.
    pub place: RowPlace,
}

/// Whether a row stands by itself or below the row of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowPlace {
    /// By itself.
    Alone,
    /// Below its group: the names of the labels that tell it from the others.
    Member(Arc<[Untrusted]>),
}

/// What makes rows out of a board.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The tab.
    pub tab: Tab,
    /// The filter.
    pub filter: &'a Filter,
    /// The grouping.
    pub grouping: &'a Grouping,
    /// The groups that are open.
    pub open: &'a HashSet<FoldKey>,
}

impl Wanted<'_> {
    /// Whether an alert has a row, or is part of a group that has one.
    #[must_use]
    pub fn lets_through(&self, alert: &Alert, search: &mut Search) -> bool {
        Tab::of(alert) == self.tab && (self.filter.is_empty() || self.filter.matches(alert, search))
    }
}

/// The rows of a tab.
#[must_use]
pub fn rows(board: &Board, wanted: &Wanted<'_>) -> Vec<Row> {
    let mut search = Search::default();
    if wanted.tab == Tab::Pending {
        return pending_rows(board, wanted, &mut search);
    }
    let places: Vec<usize> = (0..board.alerts.len())
        .filter(|&at| wanted.lets_through(&board.alerts[at], &mut search))
        .collect();
    let mut rows = burn_rows(board, wanted, &mut search);
    rows.extend(grouped(board, &places, wanted));
    rows
}

/// What burns without an alert stands above the alerts of its lane.
fn burn_rows(board: &Board, wanted: &Wanted<'_>, search: &mut Search) -> Vec<Row> {
    let lane = match wanted.tab {
        Tab::Page => Lane::Page,
        Tab::Ticket => Lane::Ticket,
        Tab::Info => Lane::Info,
        Tab::Quiet | Tab::Pending => return Vec::new(),
    };
    let of_lane = board
        .burn_rows
        .iter()
        .filter(|at| board.burns[**at].lane() == Some(lane));
    let kept = of_lane.filter(|at| {
        let labels = board.burns[**at].measured.slo.policy_labels();
        wanted.filter.is_empty() || wanted.filter.matches_labels(&labels, search)
    });
    kept.map(|&at| Row {
        id: RowId::Burn(board.burns[at].id().clone()),
        fold: None,
        kind: RowKind::Burn(at),
        place: RowPlace::Alone,
    })
    .collect()
}

fn pending_rows(board: &Board, wanted: &Wanted<'_>, search: &mut Search) -> Vec<Row> {
    let all = board.pending.iter().enumerate();
    let kept = all.filter(|(_, p)| wanted.filter.matches_labels(&p.labels, search));
    kept.map(|(at, pending)| Row {
        id: RowId::Pending(pending.labels.fingerprint()),
        fold: None,
        kind: RowKind::Pending(at),
        place: RowPlace::Alone,
    })
    .collect()
}

/// The board is ranked, so the first alert of a group is its most urgent, and groups stand in the
/// order of their most urgent alerts.
fn grouped(board: &Board, places: &[usize], wanted: &Wanted<'_>) -> Vec<Row> {
    let mut folds: Vec<(FoldKey, Vec<usize>)> = Vec::new();
    let mut known: HashMap<FoldKey, usize> = HashMap::new();
    let mut groups: HashMap<Option<Untrusted>, usize> = HashMap::new();
    let mut out = Vec::with_capacity(places.len());
    for &at in places {
        let Some(key) = wanted.grouping.key(&board.alerts[at]) else {
            out.push(alert_row(board, at, None, RowPlace::Alone));
            continue;
        };
        if *wanted.grouping != Grouping::ByName {
            let next = groups.len();
            groups.entry(key.group.clone()).or_insert(next);
        }
        let next = folds.len();
        let fold = *known.entry(key.clone()).or_insert(next);
        if fold == next {
            folds.push((key, Vec::new()));
        }
        folds[fold].1.push(at);
    }
    // Stable: within a group the folds keep the order of their most urgent alerts.
    folds.sort_by_key(|(key, _)| groups.get(&key.group).copied().unwrap_or(0));
    for (key, members) in folds {
        push_fold(board, &mut out, key, &members, wanted.open);
    }
    out
}

fn push_fold(
    board: &Board,
    out: &mut Vec<Row>,
    key: FoldKey,
    members: &[usize],
    open: &HashSet<FoldKey>,
) {
    if let [only] = members {
        out.push(alert_row(board, *only, Some(key), RowPlace::Alone));
        return;
    }
    let state = if open.contains(&key) {
        FoldState::Open
    } else {
        FoldState::Closed
    };
    out.push(Row {
        id: RowId::Fold(key.clone()),
        fold: Some(key.clone()),
        kind: RowKind::Fold {
            first: members[0],
            count: members.len(),
            state,
        },
        place: RowPlace::Alone,
    });
    if state == FoldState::Open {
        let telling = telling_labels(board, members);
        for &at in members {
            out.push(alert_row(
                board,
                at,
                Some(key.clone()),
                RowPlace::Member(telling.clone()),
            ));
        }
    }
}

/// The labels whose values differ among the members of a group.
fn telling_labels(board: &Board, members: &[usize]) -> Arc<[Untrusted]> {
    let labels = |at: &usize| &board.alerts[*at].labels;
    let first = labels(&members[0]);
    let mut differ: HashSet<&Untrusted> = HashSet::new();
    for other in members[1..].iter().map(labels) {
        let names = other.iter().filter(|(n, v)| first.get(n.raw()) != Some(v));
        differ.extend(names.map(|(n, _)| n));
        let absent = first.iter().filter(|(n, _)| other.get(n.raw()).is_none());
        differ.extend(absent.map(|(n, _)| n));
    }
    let mut names: Vec<Untrusted> = differ.into_iter().cloned().collect();
    names.sort();
    names.into()
}

fn alert_row(board: &Board, at: usize, fold: Option<FoldKey>, place: RowPlace) -> Row {
    Row {
        id: RowId::Alert(board.alerts[at].occurrence),
        fold,
        kind: RowKind::Alert(at),
        place,
    }
}

/// Where the selected row is now: itself, else the group that took its alert in, else the only
/// alert that is left of the group it was. One alert never becomes another.
#[must_use]
pub fn find(board: &Board, wanted: &Wanted<'_>, rows: &[Row], selected: &RowId) -> Option<usize> {
    let place = |id: &RowId| rows.iter().position(|row| row.id == *id);
    place(selected).or_else(|| match selected {
        RowId::Alert(occurrence) => {
            let alert = board.alerts.iter().find(|a| a.is_firing_of(*occurrence))?;
            let fold = || {
                let is_member = wanted.lets_through(alert, &mut Search::default());
                let key = wanted.grouping.key(alert).filter(|_| is_member)?;
                place(&RowId::Fold(key))
            };
            place(&RowId::Alert(alert.occurrence)).or_else(fold)
        }
        RowId::Fold(key) => rows.iter().position(|row| row.fold.as_ref() == Some(key)),
        RowId::Burn(_) | RowId::Pending(_) => None,
    })
}
