//! How does a buffer become text that a person can review, and how is a word found in it?

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use crate::stage::Stage;

/// The screen as lines, without the spaces at their ends. The cursor is told below them.
pub fn text(stage: &mut Stage) -> String {
    let (buffer, cursor) = stage.draw();
    let mut lines = lines(&buffer);
    if let Some(Position { x, y }) = cursor {
        lines.push(format!("[cursor at column {x} of row {y}]"));
    }
    lines.join("\n")
}

/// The rows of a buffer, without the spaces at their ends.
pub fn lines(buffer: &Buffer) -> Vec<String> {
    let rows = buffer.area.rows();
    rows.map(|row| {
        let cells = cells(buffer, row.y);
        let line: String = cells.map(|(_, cell)| cell.symbol()).collect();
        line.trim_end().to_owned()
    })
    .collect()
}

/// The cells of a row with their columns; the second half of a wide character is left out.
pub fn cells(buffer: &Buffer, y: u16) -> impl Iterator<Item = (u16, &Cell)> {
    let mut hidden = 0;
    (buffer.area.left()..buffer.area.right()).filter_map(move |x| {
        if hidden > 0 {
            hidden -= 1;
            return None;
        }
        let cell = &buffer[(x, y)];
        hidden = cell.symbol().cell_width().saturating_sub(1);
        Some((x, cell))
    })
}

/// The column and row where a text begins, from the top.
pub fn find(buffer: &Buffer, wanted: &str) -> Option<Position> {
    (buffer.area.top()..buffer.area.bottom()).find_map(|y| {
        let mut columns = Vec::new();
        let mut line = String::new();
        for (x, cell) in cells(buffer, y) {
            columns.push((line.len(), x));
            line.push_str(cell.symbol());
        }
        let byte = line.find(wanted)?;
        let (_, x) = columns.into_iter().find(|(at, _)| *at == byte)?;
        Some(Position { x, y })
    })
}

/// The cell where a text begins.
pub fn cell_of<'b>(buffer: &'b Buffer, wanted: &str) -> &'b Cell {
    let at = find(buffer, wanted);
    let at = at.unwrap_or_else(|| panic!("`{wanted}` is not in\n{}", lines(buffer).join("\n")));
    &buffer[at]
}

/// A row as runs of one look: `bold red: P`.
pub fn looks(buffer: &Buffer, y: u16) -> String {
    let mut runs: Vec<(String, String)> = Vec::new();
    for (_, cell) in cells(buffer, y) {
        let look = look(cell);
        match runs.last_mut() {
            Some((known, text)) if *known == look => text.push_str(cell.symbol()),
            _ => runs.push((look, cell.symbol().to_owned())),
        }
    }
    let lines: Vec<String> = runs
        .into_iter()
        .filter(|(look, text)| look != "plain" || !text.trim().is_empty())
        .map(|(look, text)| format!("{look}: `{text}`"))
        .collect();
    lines.join("\n")
}

fn look(cell: &Cell) -> String {
    let mut words: Vec<String> = Vec::new();
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.into());
        }
    }
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg.to_string().to_lowercase()));
    }
    if words.is_empty() {
        words.push("plain".into());
    }
    words.join(" ")
}
