//! Which changes of its service stand below a chart of an SLO's burn?
//!
//! A mark at the time each began, and a line for each of the last ones: what it was, and how the
//! service burnt before and after it.

use super::before;
use super::burn_words::times;
use crate::domain::burn_around::BurnAround;
use crate::domain::change::Change;
use crate::domain::slo_burn::SloBurn;
use crate::model::Model;
use crate::view::Look;
use crate::view::widgets::chart::{Extent, column_of};

/// No more changes than this are told below a chart.
const MOST: usize = 5;

/// The changes of an SLO's service within a chart's time, newest first.
fn changes<'m>(burn: &SloBurn, extent: Extent, model: &'m Model) -> Vec<&'m Change> {
    let Some(service) = &burn.id().service else {
        return Vec::new();
    };
    let is_inside = |change: &&Change| {
        #[allow(clippy::cast_precision_loss, reason = "seconds since the epoch")]
        let at = change.started_at.timestamp() as f64;
        (extent.from..=extent.to).contains(&at)
    };
    let all = model.board.delivery.changes.iter();
    let own = all.filter(|change| change.subject.service.as_ref() == Some(service));
    own.filter(is_inside).collect()
}

/// The row of marks below a drawing of so many columns. None without a change.
pub fn marks(
    burn: &SloBurn,
    extent: Extent,
    columns: usize,
    model: &Model,
    look: &Look,
) -> Option<String> {
    let changes = changes(burn, extent, model);
    if changes.is_empty() {
        return None;
    }
    let mut cells = vec![" "; columns];
    for change in changes {
        #[allow(clippy::cast_precision_loss, reason = "seconds since the epoch")]
        let at = change.started_at.timestamp() as f64;
        let column = column_of(at, extent, columns);
        if let Some(cell) = column.and_then(|column| cells.get_mut(column)) {
            *cell = look.glyphs.up;
        }
    }
    Some(cells.concat().trim_end().to_owned())
}

/// A line for each of the last changes.
pub fn lines(burn: &SloBurn, extent: Extent, model: &Model, look: &Look) -> Vec<String> {
    let changes = changes(burn, extent, model);
    let session = &model.session.burn;
    let known = session.past.of(burn.id(), session.span);
    let ratios = known.and_then(|known| known.ratios.as_deref());
    let line = |change: &&Change| {
        let at = change.started_at.format("%H:%MZ");
        let around =
            ratios.map(|ratios| BurnAround::of(change, ratios, burn.measured.slo.objective));
        let around = around.unwrap_or_default();
        let rate = |rate: Option<f64>| rate.map_or_else(|| "?".to_owned(), times);
        format!(
            "{} {at} {}  {}  burn {} {} {}",
            look.glyphs.up,
            before::versions(change, look),
            change.outcome.word(),
            rate(around.before),
            look.glyphs.becomes,
            rate(around.after)
        )
    };
    let mut out: Vec<String> = changes.iter().take(MOST).map(line).collect();
    if changes.len() > MOST {
        out.push(format!("and {} more: 3", changes.len() - MOST));
    }
    out
}
