//! What changes on screen 2?
//!
//! The cursor belongs to an SLO. Rows keep their order while the operator looks at them; a new
//! picture changes what they say, and one that is gone stays until it is sorted away.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{sources, triage};
use crate::domain::filter::Filter;
use crate::domain::observed::Sample;
use crate::domain::slo::{Slo, SloId};
use crate::domain::slo_measured::Span;
use crate::domain::source::SourceError;
use crate::domain::suspect;
use crate::effect::Effect;
use crate::model::Model;
use crate::model::available::target;
use crate::model::burns::{self, Explain, ONSET_SPAN, Opened};
use crate::model::layout::Layout;
use crate::model::rows::RowId;
use crate::model::scroll::{Scroll, Step};
use crate::model::session::{Keys, Screen, Tone};

/// A new picture: rows stay in their order, new SLOs follow by rank. Before any key was pressed the
/// order is nobody's yet.
pub fn picture(model: &mut Model) {
    // What burns no more has no onset; it is looked for again when it burns again.
    find_onsets(model);
    if model.session.keys == Keys::Untouched || model.session.screen != Screen::Burn {
        sort(model);
        return;
    }
    let session = &mut model.session.burn;
    let known: HashSet<SloId> = session.rows.iter().cloned().collect();
    let ranked = burns::ranked(&model.board, &session.filter);
    session
        .rows
        .extend(ranked.into_iter().filter(|id| !known.contains(id)));
    settle(model);
}

/// Puts what runs out first at the top. The cursor stays on its SLO.
pub fn sort(model: &mut Model) {
    let session = &mut model.session.burn;
    let selected = session.rows.get(session.scroll.cursor).cloned();
    session.rows = burns::ranked(&model.board, &session.filter);
    let found = selected.and_then(|id| session.rows.iter().position(|row| *row == id));
    session.scroll.cursor = match model.session.keys {
        Keys::Untouched => 0,
        Keys::Pressed => found.unwrap_or(0),
    };
    settle(model);
}

/// By the operator's key: to the top, as that is what runs out first.
pub fn sort_by_key(model: &mut Model) {
    sort(model);
    let session = &mut model.session.burn;
    session.scroll = Scroll::default();
    model
        .session
        .say(Tone::Done, "sorted: what pages, then what runs out first");
}

/// Applies a filter.
pub fn filter(model: &mut Model, filter: Filter) {
    model.session.burn.filter = filter;
    sort(model);
}

fn settle(model: &mut Model) {
    let height = Layout::of(model).height();
    let is_list = model.session.screen == Screen::Burn && model.session.burn.opened.is_none();
    let session = &mut model.session.burn;
    if is_list {
        session.scroll.reveal(session.rows.len(), height);
    }
}

/// Moves the cursor, or the text of an opened SLO.
pub fn step(model: &mut Model, step: Step) {
    let height = Layout::of(model).height();
    let session = &mut model.session.burn;
    if let Some(opened) = &mut session.opened {
        opened.scroll.pan(step, opened.lines, height);
        return;
    }
    session.scroll.step(step, session.rows.len(), height);
}

/// Opens the selected SLO.
pub fn open_selected(model: &mut Model, explain: Explain) {
    if let Some(id) = burns::target(model).map(|burn| burn.id().clone()) {
        open(model, id, Screen::Burn, explain);
    }
}

/// From Triage: the SLO of the selected row, or the one of the alert's service that burns most.
pub fn open_from_triage(model: &mut Model) {
    let of_row = model.session.triage.row().and_then(|row| match &row.id {
        RowId::Burn(id) => Some(id.clone()),
        _ => None,
    });
    let of_row = of_row.filter(|_| model.session.triage.detail.is_none());
    let found = of_row.or_else(|| {
        let service = target(model)?.place.service.as_ref()?;
        Some(model.board.burn_of(service)?.id().clone())
    });
    if let Some(id) = found {
        open(model, id, Screen::Triage, Explain::Off);
    }
}

fn open(model: &mut Model, id: SloId, from: Screen, explain: Explain) {
    if from != Screen::Burn {
        sort(model);
    }
    let session = &mut model.session.burn;
    if let Some(at) = session.rows.iter().position(|row| *row == id) {
        session.scroll.cursor = at;
    }
    session.opened = Some(Opened {
        id,
        scroll: Scroll::default(),
        lines: 0,
        explain,
        from,
    });
    model.session.screen = Screen::Burn;
}

/// Shows or hides the explanation; from the list it opens the SLO with it. It is another text, so
/// it is read from its beginning.
pub fn explain(model: &mut Model) {
    match &mut model.session.burn.opened {
        None => open_selected(model, Explain::On),
        Some(opened) => {
            opened.explain = match opened.explain {
                Explain::Off => Explain::On,
                Explain::On => Explain::Off,
            };
            opened.scroll = Scroll::default();
        }
    }
}

/// The other span of the past.
pub fn span(model: &mut Model) {
    let session = &mut model.session.burn;
    session.span = session.span.other();
}

/// Closes what is open, drops the filter, or leads back.
pub fn back(model: &mut Model) {
    if let Some(opened) = model.session.burn.opened.take() {
        model.session.screen = opened.from;
    } else if model.session.burn.filter.is_empty() {
        model.session.screen = Screen::Triage;
    } else {
        filter(model, Filter::default());
    }
    settle(model);
    triage::settle(model);
}

/// Asks for the past of what is on screen, one question for each source.
pub fn wanted(model: &mut Model) -> Vec<Effect> {
    let mut wanted: BTreeMap<(usize, Span), Vec<Slo>> = BTreeMap::new();
    for (source, span, burn) in burns::wanted(model) {
        let slos = wanted.entry((source, span)).or_default();
        if !slos.iter().any(|slo| slo.id == *burn.id()) {
            slos.push(burn.measured.slo.clone());
        }
    }
    let now = model.now;
    let past = &mut model.session.burn.past;
    for ((_, span), slos) in &wanted {
        for slo in slos {
            past.asked(&slo.id, *span, now);
        }
    }
    let effect = |((source, span), slos)| Effect::BurnHistory { source, slos, span };
    wanted.into_iter().map(effect).collect()
}

/// Since when what burns now has burnt, as far as its past is known. True where that is news.
fn find_onsets(model: &mut Model) -> bool {
    let past = &model.session.burn.past;
    let known = &model.knowledge.delivery.onsets;
    let found = burns::burning(&model.board).filter_map(|burn| {
        let id = burn.id();
        let since = known.get(id).copied().or_else(|| {
            let ratios = past.of(id, ONSET_SPAN)?.ratios.as_ref()?;
            suspect::onset(ratios, burn.measured.slo.objective)
        });
        Some((id.clone(), since?))
    });
    let found: HashMap<SloId, DateTime<Utc>> = found.collect();
    let is_news = found != **known;
    if is_news {
        model.knowledge.delivery.onsets = Arc::new(found);
    }
    is_news
}

/// The past came, or why not. An SLO that has none is known to have none.
pub fn history_ready(
    model: &mut Model,
    asked: Vec<SloId>,
    span: Span,
    result: Result<Vec<(SloId, Vec<Sample>)>, SourceError>,
) -> Vec<Effect> {
    let past = &mut model.session.burn.past;
    match result {
        Err(error) => {
            let why = error.to_string();
            for id in asked {
                past.heard(id, span, Err(why.clone()));
            }
        }
        Ok(found) => {
            let mut found: HashMap<SloId, Vec<Sample>> = found.into_iter().collect();
            for id in asked {
                let samples = found.remove(&id).unwrap_or_default();
                past.heard(id, span, Ok(samples));
            }
        }
    }
    if find_onsets(model) {
        return sources::order_picture(model);
    }
    vec![]
}
