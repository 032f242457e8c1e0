//! Where is the operator on screen 2: which SLO, how much of it, and what of its past is known?
//!
//! The rows keep the order they were given, so that nothing moves under the cursor: what runs out
//! first stands at the top when the screen is opened, and again when the operator asks for it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::layout::Layout;
use super::rows::RowId;
use super::scroll::Scroll;
use super::session::Screen;
use super::{Model, changes};
use crate::domain::board::Board;
use crate::domain::burn_policy::Level;
use crate::domain::duration::age_secs;
use crate::domain::filter::{Filter, Search};
use crate::domain::observed::Sample;
use crate::domain::slo::SloId;
use crate::domain::slo_burn::{RECENT_SECS, SloBurn, Verdict};
use crate::domain::slo_measured::Span;

/// How long a drawn past is good enough.
const PAST_SECS: i64 = 120;

/// No more pasts than this are kept.
const MOST_PASTS: usize = 512;

/// No more SLOs than this are asked for at once.
pub const MOST_ASKED: usize = 40;

/// How far back an onset is looked for.
pub const ONSET_SPAN: Span = Span::SixHours;

/// Screen 2.
#[derive(Debug, Default)]
pub struct BurnSession {
    /// The SLOs in the order of the rows.
    pub rows: Vec<SloId>,
    /// The filter.
    pub filter: Filter,
    /// Cursor and window.
    pub scroll: Scroll,
    /// The SLO that is opened.
    pub opened: Option<Opened>,
    /// How far back its past is drawn.
    pub span: Span,
    /// What is known of the past.
    pub past: Past,
}

/// An opened SLO.
#[derive(Debug)]
pub struct Opened {
    /// Which one.
    pub id: SloId,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// How many lines it has, as last drawn.
    pub lines: usize,
    /// Whether every number is explained.
    pub explain: Explain,
    /// The screen it was opened from.
    pub from: Screen,
}

/// Whether every number is explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// The numbers alone.
    #[default]
    Off,
    /// With query, inputs and formula.
    On,
}

/// What is known of the past of SLOs.
#[derive(Debug, Default)]
pub struct Past(HashMap<(SloId, Span), Remembered>);

/// What is known of the past of one SLO.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// When it was last asked for.
    asked_at: DateTime<Utc>,
    /// The error ratio over 5 minutes at each point, oldest first: the last good answer.
    pub ratios: Option<Vec<Sample>>,
    /// Why the last question gave nothing.
    pub failed: Option<String>,
}

impl Past {
    /// Of one SLO. `None` if nobody asked.
    #[must_use]
    pub fn of(&self, id: &SloId, span: Span) -> Option<&Remembered> {
        self.0.get(&(id.clone(), span))
    }

    fn is_wanted(&self, id: &SloId, span: Span, now: DateTime<Utc>) -> bool {
        let known = self.of(id, span);
        known.is_none_or(|known| now - known.asked_at > TimeDelta::seconds(PAST_SECS))
    }

    /// Notes that it was asked for. What is known of it stays until there is something newer.
    pub fn asked(&mut self, id: &SloId, span: Span, now: DateTime<Utc>) {
        let key = (id.clone(), span);
        if self.0.len() >= MOST_PASTS && !self.0.contains_key(&key) {
            self.forget_one();
        }
        let known = self.0.entry(key).or_insert(Remembered {
            asked_at: now,
            ratios: None,
            failed: None,
        });
        known.asked_at = now;
    }

    /// The one that was not looked at for the longest time.
    fn forget_one(&mut self) {
        let oldest = self.0.iter().min_by_key(|(_, known)| known.asked_at);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.0.remove(&key);
        }
    }

    /// Takes in what was said. A failure leaves the last good answer standing.
    pub fn heard(&mut self, id: SloId, span: Span, said: Result<Vec<Sample>, String>) {
        let Some(known) = self.0.get_mut(&(id, span)) else {
            return;
        };
        match said {
            Ok(ratios) => {
                known.ratios = Some(ratios);
                known.failed = None;
            }
            Err(why) => known.failed = Some(why),
        }
    }
}

/// The SLO of an id.
#[must_use]
pub fn find<'b>(board: &'b Board, id: &SloId) -> Option<&'b SloBurn> {
    board.burns.iter().find(|burn| burn.id() == id)
}

/// What burns at least like a ticket, also by the last that is known.
pub fn burning(board: &Board) -> impl Iterator<Item = &SloBurn> {
    let is_loud = |burn: &&SloBurn| burn.verdict.level() >= Some(Level::Ticket);
    board.burns.iter().filter(is_loud)
}

/// The loudest of what burns; of equals the fastest, and the present before the last known.
#[must_use]
pub fn worst(board: &Board) -> Option<&SloBurn> {
    let is_present = |burn: &SloBurn| matches!(burn.verdict, Verdict::Burning(_));
    let recent = |burn: &SloBurn| burn.burn(RECENT_SECS).unwrap_or(0.0);
    burning(board).max_by(|a, b| {
        let louder = a.verdict.level().cmp(&b.verdict.level());
        louder
            .then(is_present(a).cmp(&is_present(b)))
            .then(recent(a).total_cmp(&recent(b)))
    })
}

/// The order that the board and the filter give.
#[must_use]
pub fn ranked(board: &Board, filter: &Filter) -> Vec<SloId> {
    let mut search = Search::default();
    let all = board.burns.iter();
    let kept = all.filter(|b| {
        filter.is_empty() || filter.matches_labels(&b.measured.slo.policy_labels(), &mut search)
    });
    kept.map(|burn| burn.id().clone()).collect()
}

/// The SLO that a command of this screen is about.
#[must_use]
pub fn target(model: &Model) -> Option<&SloBurn> {
    let session = &model.session.burn;
    let id = match &session.opened {
        Some(opened) => &opened.id,
        None => session.rows.get(session.scroll.cursor)?,
    };
    find(&model.board, id)
}

/// What of the past is wanted and not known well enough: the place of its source, how far back, and of
/// which SLO.
#[must_use]
pub fn wanted(model: &Model) -> Vec<(usize, Span, &SloBurn)> {
    let past = &model.session.burn.past;
    let groups = [
        (model.session.burn.span, on_screen(model)),
        (ONSET_SPAN, without_onset(model)),
        around_change(model),
    ];
    let mut found = Vec::new();
    for (span, burns) in groups {
        let unknown = burns
            .into_iter()
            .filter(|burn| past.is_wanted(burn.id(), span, model.now));
        let placed = unknown.filter_map(|burn| {
            let mut sources = model.knowledge.sources.iter();
            Some((sources.position(|s| s.name == burn.source)?, span, burn))
        });
        found.extend(placed.take(MOST_ASKED));
    }
    found
}

/// The SLOs that burn and whose onset is not known: what preceded an alert is counted from there.
fn without_onset(model: &Model) -> Vec<&SloBurn> {
    if model.board.delivery.changes.is_empty() {
        return Vec::new();
    }
    let onsets = &model.knowledge.delivery.onsets;
    let burning = burning(&model.board);
    burning.filter(|b| !onsets.contains_key(b.id())).collect()
}

/// The SLOs of the change that is looked at, and the span that reaches to the hour before it. None for
/// a change that lies further back than any span.
fn around_change(model: &Model) -> (Span, Vec<&SloBurn>) {
    let change = match model.session.screen {
        Screen::Changes => changes::target(model),
        _ => None,
    };
    let looked_at = change.and_then(|change| {
        let age = age_secs(change.started_at, model.now) + 3_600;
        let spans = [Span::SixHours, Span::ThreeDays];
        let span = spans.into_iter().find(|span| span.secs() >= age)?;
        Some((span, change.subject.service.as_ref()?))
    });
    let Some((span, service)) = looked_at else {
        return (Span::default(), Vec::new());
    };
    let burns = model.board.burns.iter();
    let own = burns.filter(|burn| burn.id().service.as_ref() == Some(service));
    (span, own.collect())
}

/// The SLOs whose past is drawn now.
fn on_screen(model: &Model) -> Vec<&SloBurn> {
    let session = &model.session;
    let layout = Layout::of(model);
    let found = |id: &SloId| find(&model.board, id);
    match (session.screen, &session.burn.opened, &session.triage.detail) {
        (Screen::Burn, Some(opened), _) => found(&opened.id).into_iter().collect(),
        (Screen::Burn, None, _) => {
            let rows = &session.burn.rows;
            let shown = session.burn.scroll.window(rows.len(), layout.height());
            rows[shown].iter().filter_map(found).collect()
        }
        (Screen::Triage, _, Some(detail)) => {
            let service = detail.alert.place.service.as_ref();
            let burn = service.and_then(|service| model.board.burn_of(service));
            burn.into_iter().collect()
        }
        // What burns without an alert has its chart beside the list, where there is room.
        (Screen::Triage, _, None) if layout.list_columns < session.size.0 => {
            match session.triage.row().map(|row| &row.id) {
                Some(RowId::Burn(id)) => found(id).into_iter().collect(),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}
