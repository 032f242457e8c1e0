//! How does a table stand in too few columns?
//!
//! Part of the setting of blocks. Columns keep their natural width while all fit, then shrink to
//! no less than their longest words, then to [`MIN_CELL`]; below that every row becomes a list of
//! `header: value`, since a column of three letters cannot be read.

use super::blocks::{Page, drawn};
use super::flow::{Flow, Look};
use super::{Glue, SpanKind};
use crate::domain::prose::Span;
use crate::theme::Role;
use crate::view::widgets::text;

/// A cell with more to say is never narrower.
const MIN_CELL: usize = 8;

/// Columns of the line between two cells, with a space on each side.
const SEPARATOR: usize = 3;

impl Page<'_> {
    pub(super) fn set_table(&mut self, header: &[Vec<Span>], rows: &[Vec<Vec<Span>>]) {
        let header: Vec<Flow> = header
            .iter()
            .map(|cell| self.flow(cell, Role::Strong))
            .collect();
        let rows: Vec<Vec<Flow>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| self.flow(cell, Role::Text)).collect())
            .collect();
        let Some(widths) = column_widths(&header, &rows, self.room()) else {
            return self.set_records(&header, &rows);
        };
        self.set_row(&header, &widths);
        let lines = self.glyphs().lines;
        let rule: Vec<String> = widths
            .iter()
            .map(|width| lines.horizontal.repeat(*width))
            .collect();
        let crossing = [lines.horizontal, lines.crossing, lines.horizontal].concat();
        self.set_drawn(rule.join(&crossing), Role::Border);
        let is_wrapped = rows.iter().any(|row| height(row, &widths) > 1);
        for (index, row) in rows.iter().enumerate() {
            if index > 0 && is_wrapped {
                self.set_row(&[], &widths);
            }
            self.set_row(row, &widths);
        }
    }

    /// One row, as high as its highest cell. Absent cells are empty.
    fn set_row(&mut self, row: &[Flow], widths: &[usize]) {
        let separator = format!(" {} ", self.glyphs().lines.vertical);
        let mut cells: Vec<_> = widths
            .iter()
            .enumerate()
            .map(|(column, width)| {
                let lines = row.get(column).map(|cell| cell.lines(*width));
                lines.unwrap_or_default().into_iter()
            })
            .collect();
        for _ in 0..height(row, widths).max(1) {
            let mut pieces = Vec::new();
            for (column, width) in widths.iter().enumerate() {
                if column > 0 {
                    pieces.push(drawn(separator.clone(), Role::Border));
                }
                let mut used = 0;
                for (text, look) in cells[column].next().into_iter().flat_map(|l| l.pieces) {
                    used += text::width(&text);
                    pieces.push((text, look, SpanKind::Written));
                }
                if column + 1 < widths.len() {
                    let gap = " ".repeat(width.saturating_sub(used));
                    pieces.push(drawn(gap, Role::Text));
                }
            }
            self.set_line(pieces, Glue::Break);
        }
    }

    /// Every row as lines of `header: value`.
    fn set_records(&mut self, header: &[Flow], rows: &[Vec<Flow>]) {
        if rows.is_empty() {
            for cell in header {
                self.set_flow(cell);
            }
        }
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.gap();
            }
            for column in 0..header.len().max(row.len()) {
                let mut record = Flow::default();
                if let Some(name) = header.get(column) {
                    record.append(name);
                    record.push(": ", Look::plain(Role::Strong));
                }
                if let Some(value) = row.get(column) {
                    record.append(value);
                }
                self.set_flow(&record);
            }
        }
    }
}

fn height(row: &[Flow], widths: &[usize]) -> usize {
    let heights = row.iter().zip(widths);
    heights
        .map(|(cell, width)| text::wrap_ranges(cell.text(), *width).len())
        .max()
        .unwrap_or(0)
}

/// The widths of the columns, or `None` where the table has to become a list.
fn column_widths(header: &[Flow], rows: &[Vec<Flow>], room: usize) -> Option<Vec<usize>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let count = count.max(header.len());
    let room = room.checked_sub(SEPARATOR * count.checked_sub(1)?)?;
    let widest = |measure: fn(&Flow) -> usize| -> Vec<usize> {
        (0..count)
            .map(|column| {
                let cells = rows.iter().map(Vec::as_slice).chain([header]);
                let widths = cells.filter_map(|row| row.get(column)).map(measure);
                // A column of empty cells is a column nevertheless.
                widths.max().unwrap_or(0).max(1)
            })
            .collect()
    };
    let natural = widest(Flow::natural_width);
    let words = widest(Flow::longest_word);
    let least: Vec<usize> = natural.iter().map(|width| (*width).min(MIN_CELL)).collect();
    let readable: Vec<usize> = words.iter().zip(&least).map(|(w, l)| *w.max(l)).collect();
    [&natural, &readable, &least]
        .into_iter()
        .find(|widths| widths.iter().sum::<usize>() <= room)
        .map(|floor| grow(floor, &natural, room))
}

/// Shares what is left of `room` among the columns, by how much each lacks.
fn grow(floor: &[usize], natural: &[usize], room: usize) -> Vec<usize> {
    let mut left = room - floor.iter().sum::<usize>();
    let lacks = |(floor, natural): (&usize, &usize)| natural.saturating_sub(*floor);
    let mut lacking: usize = floor.iter().zip(natural).map(lacks).sum();
    let mut widths = Vec::with_capacity(floor.len());
    for pair in floor.iter().zip(natural) {
        let lack = lacks(pair);
        // Of what is left now, so that rounding loses no column.
        let share = match lacking {
            0 => 0,
            lacking => (left * lack / lacking).min(lack),
        };
        lacking -= lack;
        left -= share;
        widths.push(pair.0 + share);
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_by_lack() {
        for (floor, natural, room, expected) in [
            (&[4, 4], &[4, 4], 20, [4, 4]),
            (&[8, 8], &[10, 100], 40, [8, 32]),
            (&[8, 8], &[28, 28], 30, [15, 15]),
        ] {
            assert_eq!(grow(floor, natural, room), expected);
        }
    }
}
