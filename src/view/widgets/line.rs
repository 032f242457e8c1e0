//! How is a line that is being typed drawn?
//!
//! What is typed is foreign text too: it may have been pasted. The end that is typed at stays in view.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_textarea::TextArea;

use super::pen::Pen;
use super::text;
use crate::domain::text::shown;
use crate::theme::Role;
use crate::view::Look;

/// Draws a typed line on a row of an area, behind a word. Tells where the cursor stands.
pub fn draw(
    word: &str,
    input: &TextArea<'static>,
    area: Rect,
    row: u16,
    look: &Look,
    buf: &mut Buffer,
) -> Position {
    let typed = input.lines().first().map_or("", String::as_str);
    let at = typed.char_indices().nth(input.cursor().1);
    let at = at.map_or(typed.len(), |(at, _)| at);
    let before = shown(&typed[..at]);
    let width = usize::from(area.width);
    let word = text::fit(word, width / 2, look.glyphs.ellipsis);
    let room = width.saturating_sub(text::width(&word) + 1);
    let visible = skip_columns(&before, text::width(&before).saturating_sub(room));
    let column = text::width(&word) + text::width(&visible);
    let mut pen = Pen::line(buf, area, row);
    pen.write(&word, look.theme.style(Role::Key));
    pen.write(&visible, look.theme.style(Role::Text));
    pen.write(&shown(&typed[at..]), look.theme.style(Role::Text));
    let last = usize::from(area.width.saturating_sub(1));
    Position {
        x: area.x + u16::try_from(column.min(last)).unwrap_or(0),
        y: area.y + row.min(area.height.saturating_sub(1)),
    }
}

/// What is left of a text without its first columns.
fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let skip = skipped < columns;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect()
}
