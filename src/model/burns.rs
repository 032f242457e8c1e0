//! Where is the operator on screen 2: which SLO, how much of it, and what of its past is known?
//!
//! The rows keep the order they were given, so that nothing moves under the cursor: what runs out
//! first stands at the top when the screen is opened, and again when the operator asks for it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::scroll::Scroll;
use super::session::Screen;
use crate::domain::board::Board;
use crate::domain::filter::{Filter, Search};
use crate::domain::observed::Sample;
use crate::domain::slo::SloId;
use crate::domain::slo_burn::SloBurn;
use crate::domain::slo_measured::Span;

/// How long a drawn past is good enough.
const PAST_SECS: i64 = 120;

/// No more pasts than this are kept.
const MOST_PASTS: usize = 512;

/// No more SLOs than this are asked for at once.
const MOST_ASKED: usize = 40;

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
pub struct Past(HashMap<(SloId, Span), Entry>);

#[derive(Debug)]
struct Entry {
    asked_at: DateTime<Utc>,
    said: Said,
}

/// What was said of the past of one SLO.
#[derive(Clone, Debug)]
pub enum Said {
    /// Nothing yet.
    Asked,
    /// The error ratio over 5 minutes at each point, oldest first.
    Ratios(Vec<Sample>),
    /// Why nothing is known.
    Failed(String),
}

impl Past {
    /// Of one SLO.
    #[must_use]
    pub fn of(&self, id: &SloId, span: Span) -> Option<&Said> {
        Some(&self.0.get(&(id.clone(), span))?.said)
    }

    fn is_wanted(&self, id: &SloId, span: Span, now: DateTime<Utc>) -> bool {
        let entry = self.0.get(&(id.clone(), span));
        entry.is_none_or(|entry| now - entry.asked_at > TimeDelta::seconds(PAST_SECS))
    }

    /// Notes that it was asked for. What is known of it stays until there is something newer.
    pub fn asked(&mut self, id: &SloId, span: Span, now: DateTime<Utc>) {
        if self.0.len() >= MOST_PASTS {
            self.0.clear();
        }
        let entry = self.0.entry((id.clone(), span)).or_insert(Entry {
            asked_at: now,
            said: Said::Asked,
        });
        entry.asked_at = now;
    }

    /// Takes in what was said.
    pub fn heard(&mut self, id: SloId, span: Span, said: Said) {
        if let Some(entry) = self.0.get_mut(&(id, span)) {
            entry.said = said;
        }
    }
}

/// The SLO of an id.
#[must_use]
pub fn find<'b>(board: &'b Board, id: &SloId) -> Option<&'b SloBurn> {
    board.burns.iter().find(|burn| burn.id() == id)
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

/// The SLOs on screen whose past is not known well enough, with the place of their source.
#[must_use]
pub fn wanted_pasts<'m>(model: &'m Model, height: usize) -> Vec<(usize, &'m SloBurn)> {
    let session = &model.session;
    let ids: Vec<&SloId> = match session.screen {
        Screen::Burn => match &session.burn.opened {
            Some(opened) => vec![&opened.id],
            None => {
                let rows = session.burn.rows.len();
                session.burn.rows[session.burn.scroll.window(rows, height)]
                    .iter()
                    .collect()
            }
        },
        _ => Vec::new(),
    };
    let of_alert = session
        .triage
        .detail
        .as_ref()
        .filter(|_| session.screen == Screen::Triage);
    let service = of_alert.and_then(|detail| detail.alert.place.service.as_ref());
    let of_alert = service.and_then(|service| model.board.burn_of(service));
    let burns = ids
        .into_iter()
        .filter_map(|id| find(&model.board, id))
        .chain(of_alert);
    burns
        .filter(|burn| {
            session
                .burn
                .past
                .is_wanted(burn.id(), session.burn.span, model.now)
        })
        .filter_map(|burn| {
            let mut sources = model.knowledge.sources.iter();
            Some((sources.position(|s| s.name == burn.source)?, burn))
        })
        .take(MOST_ASKED)
        .collect()
}
