//! What does an answer, a failure or a new picture change?

use std::sync::Arc;

use super::{reader, triage};
use crate::domain::board::Board;
use crate::domain::delivery::Past;
use crate::effect::Effect;
use crate::model::Model;
use crate::model::knowledge::Kept;
use crate::msg::{Answer, Report, Restored};

/// A source answered or failed.
pub fn reported(model: &mut Model, report: Report) -> Vec<Effect> {
    let Some(source) = model.knowledge.sources.get_mut(report.source) else {
        return vec![];
    };
    match report.result {
        Ok(answer) => {
            let was_shown = source.freshness(model.now);
            source.health.succeeded(report.at, report.latency_ms);
            // A watch that has nothing new answers with what it answered before.
            if let (Kept::Delivery(before), Answer::Delivery(after)) = (&source.kept, &answer)
                && Arc::ptr_eq(before, after)
                && was_shown == source.freshness(model.now)
            {
                return vec![];
            }
            let remembered = match &answer {
                Answer::Delivery(answer) => Some(Effect::Remember {
                    source: source.name.clone(),
                    answer: answer.clone(),
                    at: report.at,
                }),
                _ => None,
            };
            if let Kept::Runbooks(before) = std::mem::replace(&mut source.kept, kept(answer)) {
                reader::library_read(model, &before);
            }
            let mut effects = order_picture(model);
            effects.extend(remembered);
            return effects;
        }
        // The last good answer stays.
        Err(error) => source.health.failed(report.at, report.latency_ms, error),
    }
    order_picture(model)
}

fn kept(answer: Answer) -> Kept {
    match answer {
        Answer::Alertmanager(answer) => Kept::Alertmanager(answer),
        Answer::Prometheus(answer) => Kept::Prometheus(answer),
        Answer::Burn(answer) => Kept::Burn(answer),
        Answer::Delivery(answer) => Kept::Delivery(answer),
        Answer::Runbooks(library) => Kept::Runbooks(library),
    }
}

/// What is remembered of changes and drift was read, or has grown.
pub fn past_read(model: &mut Model, past: Arc<Past>) -> Vec<Effect> {
    model.knowledge.delivery.past = past;
    order_picture(model)
}

/// The last session's answers stand in, marked as such, for sources that have not answered yet.
pub fn restored(model: &mut Model, answers: Vec<Restored>) -> Vec<Effect> {
    for restored in answers {
        let Some(source) = model.knowledge.sources.get_mut(restored.source) else {
            continue;
        };
        if source.health.answered_at.is_none() {
            source.health.answered_at = Some(restored.answered_at);
            source.health.from_snapshot = true;
            source.kept = kept(restored.answer);
        }
    }
    order_picture(model)
}

/// Once a second: an answer may have become overdue, which changes what may be said.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    if model.knowledge.freshness(model.now) == model.knowledge.merging.freshness {
        return vec![];
    }
    order_picture(model)
}

/// Orders a picture, or notes that one more is wanted.
pub fn order_picture(model: &mut Model) -> Vec<Effect> {
    let freshness = model.knowledge.freshness(model.now);
    let merging = &mut model.knowledge.merging;
    merging.freshness = freshness;
    if merging.under_way {
        merging.wanted = true;
        return vec![];
    }
    merging.ordered += 1;
    merging.under_way = true;
    merging.wanted = false;
    let seq = merging.ordered;
    let inputs = Box::new(model.knowledge.inputs(model.now));
    vec![Effect::Merge { seq, inputs }]
}

/// A picture is ready. It is shown at once, or waits while the list is frozen.
pub fn board_ready(model: &mut Model, seq: u64, board: Arc<Board>) -> Vec<Effect> {
    let merging = &mut model.knowledge.merging;
    if seq != merging.ordered {
        return vec![];
    }
    merging.under_way = false;
    let again = merging.wanted;
    model.knowledge.holding = board.holding.clone();
    triage::picture(model, board);
    if again { order_picture(model) } else { vec![] }
}
