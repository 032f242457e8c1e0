//! How is a line written from left to right without leaving its place?
//!
//! Used by every bar and row. Text is cut to the columns that are left; nothing wraps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;

/// Writes on one line.
pub struct Pen<'b> {
    buf: &'b mut Buffer,
    x: u16,
    y: u16,
    end: u16,
    start: u16,
}

impl<'b> Pen<'b> {
    /// On a row of an area, counted from its top. Outside of it nothing is written.
    pub fn line(buf: &'b mut Buffer, area: Rect, row: u16) -> Self {
        let inside = row < area.height;
        Self {
            buf,
            x: area.x,
            y: area.y.saturating_add(row),
            end: if inside { area.x + area.width } else { area.x },
            start: area.x,
        }
    }

    /// Columns that are left.
    #[must_use]
    pub fn left(&self) -> usize {
        usize::from(self.end - self.x)
    }

    /// Writes a text as far as it fits.
    pub fn write(&mut self, text: &str, style: Style) -> &mut Self {
        let fitted = text::fit(text, self.left(), "");
        let (x, _) = self
            .buf
            .set_stringn(self.x, self.y, &fitted, self.left(), style);
        self.x = x.min(self.end);
        self
    }

    /// Writes a text into exactly so many columns, with an ellipsis where it is cut.
    pub fn column(
        &mut self,
        text: &str,
        columns: usize,
        ellipsis: &str,
        style: Style,
    ) -> &mut Self {
        let columns = columns.min(self.left());
        let fitted = text::fit(text, columns, ellipsis);
        let from = self.x;
        self.buf
            .set_stringn(self.x, self.y, &fitted, columns, style);
        self.x = from + u16::try_from(columns).unwrap_or(u16::MAX);
        self
    }

    /// As [`Self::column`], at its right end.
    pub fn right_column(
        &mut self,
        text: &str,
        columns: usize,
        ellipsis: &str,
        style: Style,
    ) -> &mut Self {
        let columns = columns.min(self.left());
        let fitted = text::pad_left(text, columns, ellipsis);
        self.column(&fitted, columns, ellipsis, style)
    }

    /// Goes to a column of the line.
    pub fn go_to(&mut self, column: usize) -> &mut Self {
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        self.x = self
            .start
            .saturating_add(column)
            .clamp(self.x.min(self.end), self.end);
        self
    }

    /// Writes a text so that it ends at the right edge, if there is room for it.
    pub fn at_right(&mut self, text: &str, style: Style) {
        let width = text::width(text);
        if width <= self.left() {
            self.x = self.end - u16::try_from(width).unwrap_or(0);
            self.write(text, style);
        }
    }
}
