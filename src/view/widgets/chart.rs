//! How did a value move over time?
//!
//! Two forms: a row of levels for a list, and a chart of several lines for a detail. Drawn with
//! braille dots where the terminal has Unicode, with stars where it has not. A gap in the data is a
//! gap in the drawing. It knows nothing of what the value means.

use crate::domain::observed::Sample;
use crate::theme::{Dots, Glyphs};

/// The time that a drawing is of, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Its left edge.
    pub from: f64,
    /// Its right edge.
    pub to: f64,
}

/// What a chart is of, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chart {
    /// The time it is of.
    pub extent: Extent,
    /// Its width.
    pub columns: usize,
    /// Its height.
    pub rows: usize,
    /// The value of its upper edge; that of its lower one is 0.
    pub top: f64,
    /// What it is drawn with.
    pub kind: Dots,
}

/// One sign for each column: the greatest value that falls into it. `full` is the value of a full
/// sign.
#[must_use]
pub fn levels(
    samples: &[Sample],
    extent: Extent,
    columns: usize,
    full: f64,
    glyphs: &Glyphs,
) -> String {
    let steps = glyphs.levels.len() - 1;
    let sign = |value: Option<f64>| match value {
        None => glyphs.levels[0],
        // The lowest level is a thing that was measured; nothing at all is a gap.
        Some(value) => glyphs.levels[place(value / full, steps + 1).clamp(1, steps)],
    };
    peaks(samples, extent, columns)
        .into_iter()
        .map(sign)
        .collect()
}

/// The lines of a chart, from the top. What lies above the upper edge is drawn on it.
#[must_use]
pub fn lines(samples: &[Sample], chart: &Chart) -> Vec<String> {
    let (across, down) = match chart.kind {
        Dots::Braille => (2, 4),
        Dots::Stars => (1, 1),
    };
    let mut dots = vec![vec![0_u8; chart.columns]; chart.rows];
    let height = chart.rows * down;
    let mut before: Option<usize> = None;
    let peaks = peaks(samples, chart.extent, chart.columns * across);
    for (x, value) in peaks.into_iter().enumerate() {
        let Some(value) = value else {
            before = None;
            continue;
        };
        let y = height - 1 - place(value / chart.top, height);
        // A jump is drawn as a line, so that the eye can follow it.
        let (from, to) = match before {
            Some(before) if before < y => (before + 1, y),
            Some(before) if before > y => (y, before - 1),
            _ => (y, y),
        };
        for y in from..=to {
            dots[y / down][x / across] |= bit(x % across, y % down);
        }
        before = Some(y);
    }
    let text = |row: Vec<u8>| {
        row.into_iter()
            .map(|cell| glyph(cell, chart.kind))
            .collect()
    };
    dots.into_iter().map(text).collect()
}

/// The line of a chart, counted from the top, that a value lies on.
#[must_use]
pub fn line_of(value: f64, chart: &Chart) -> Option<usize> {
    let is_inside = chart.rows > 0 && value > 0.0 && value <= chart.top;
    is_inside.then(|| chart.rows - 1 - place(value / chart.top, chart.rows))
}

/// The column, counted from the left, that a moment falls into; seconds since the epoch.
#[must_use]
pub fn column_of(at: f64, extent: Extent, columns: usize) -> Option<usize> {
    let Extent { from, to } = extent;
    let is_inside = columns > 0 && (from..=to).contains(&at) && to > from;
    is_inside.then(|| place((at - from) / (to - from), columns))
}

/// The greatest value of each column; `None` where there is none.
fn peaks(samples: &[Sample], extent: Extent, columns: usize) -> Vec<Option<f64>> {
    let mut cells: Vec<Option<f64>> = vec![None; columns];
    let length = extent.to - extent.from;
    if columns == 0 || length <= 0.0 {
        return cells;
    }
    let inside = samples
        .iter()
        .filter(|(at, value)| value.is_finite() && (extent.from..=extent.to).contains(at));
    let mut spacing = f64::INFINITY;
    let mut last: Option<f64> = None;
    for (at, _) in samples {
        if let Some(last) = last {
            spacing = spacing.min(at - last);
        }
        last = Some(*at);
    }
    for (at, value) in inside {
        // A sample stands for the time up to the next one.
        let from = place((at - extent.from) / length, columns);
        let until = (at - extent.from + if spacing.is_finite() { spacing } else { 0.0 }) / length;
        let to = if until >= 1.0 {
            columns
        } else {
            place(until, columns)
        };
        for cell in &mut cells[from..to.max(from + 1)] {
            *cell = Some(cell.map_or(*value, |known| known.max(*value)));
        }
    }
    cells
}

/// The place of a share, 0 to 1, among so many.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of the columns or rows on screen"
)]
fn place(share: f64, places: usize) -> usize {
    let at = (share.clamp(0.0, 1.0) * places as f64) as usize;
    at.min(places.saturating_sub(1))
}

/// A braille cell is two dots wide and four high; Unicode numbers its dots in an order of its own.
fn bit(x: usize, y: usize) -> u8 {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    BITS[x][y]
}

fn glyph(cell: u8, kind: Dots) -> char {
    match (cell, kind) {
        (0, _) => ' ',
        (_, Dots::Stars) => '*',
        (cell, Dots::Braille) => char::from_u32(0x2800 + u32::from(cell)).unwrap_or(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::GlyphSet;

    const EXTENT: Extent = Extent {
        from: 0.0,
        to: 80.0,
    };

    fn glyphs() -> &'static Glyphs {
        GlyphSet::Unicode.glyphs()
    }

    #[test]
    fn a_row_of_levels_shows_peaks_and_gaps() {
        let samples = [
            (0.0, 0.0),
            (10.0, 4.0),
            (20.0, 8.0),
            (30.0, 1.0),
            (60.0, f64::NAN),
            (70.0, 100.0),
        ];
        assert_eq!(levels(&samples, EXTENT, 8, 8.0, glyphs()), "▁▄█▁   █");
    }

    fn chart(columns: usize, rows: usize, top: f64, kind: Dots) -> Chart {
        Chart {
            extent: EXTENT,
            columns,
            rows,
            top,
            kind,
        }
    }

    #[test]
    fn nothing_known_draws_nothing() {
        assert_eq!(levels(&[], EXTENT, 4, 1.0, glyphs()), "    ");
        let stars = |columns, rows| chart(columns, rows, 1.0, Dots::Stars);
        assert_eq!(lines(&[], &stars(3, 2)), ["   ", "   "]);
        assert!(lines(&[(0.0, 1.0)], &stars(0, 0)).is_empty());
    }

    #[test]
    fn a_jump_is_drawn_as_a_line() {
        let samples = [(0.0, 0.0), (20.0, 0.0), (40.0, 3.0), (60.0, 3.0)];
        let drawn = lines(&samples, &chart(4, 4, 4.0, Dots::Stars));
        assert_eq!(drawn, ["  **", "  * ", "  * ", "**  "]);
        let drawn = lines(&samples, &chart(2, 1, 4.0, Dots::Braille));
        assert_eq!(drawn, ["⣀⠏"]);
    }

    #[test]
    fn a_gap_in_the_data_is_a_gap_in_the_line() {
        let samples = [(0.0, 1.0), (10.0, 1.0), (40.0, f64::NAN), (70.0, 1.0)];
        let drawn = lines(&samples, &chart(8, 2, 2.0, Dots::Stars));
        assert_eq!(drawn, ["**     *", "        "]);
    }

    #[test]
    fn what_is_above_the_edge_is_drawn_on_it() {
        let samples = [(0.0, 1.0), (40.0, 900.0)];
        let drawn = lines(&samples, &chart(2, 2, 4.0, Dots::Stars));
        assert_eq!(drawn, [" *", "* "]);
    }

    #[test]
    fn few_points_fill_many_columns() {
        let samples = [(0.0, 0.0), (40.0, 1.0)];
        let drawn = lines(&samples, &chart(8, 1, 4.0, Dots::Stars));
        assert_eq!(drawn, ["********"]);
    }

    #[test]
    fn a_moment_falls_into_a_column_or_outside() {
        assert_eq!(column_of(0.0, EXTENT, 8), Some(0));
        assert_eq!(column_of(15.0, EXTENT, 8), Some(1));
        assert_eq!(column_of(80.0, EXTENT, 8), Some(7));
        assert_eq!(column_of(80.1, EXTENT, 8), None);
        assert_eq!(column_of(-1.0, EXTENT, 8), None);
    }

    #[test]
    fn a_value_lies_on_a_line_or_outside() {
        let chart = chart(1, 4, 4.0, Dots::Stars);
        assert_eq!(line_of(4.0, &chart), Some(0));
        assert_eq!(line_of(0.1, &chart), Some(3));
        assert_eq!(line_of(5.0, &chart), None);
        assert_eq!(line_of(0.0, &chart), None);
    }
}
