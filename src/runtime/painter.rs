//! Which bytes turn the last frame into the next one?
//!
//! Stands between ratatui's buffers and the terminal. A list that scrolled is moved by the
//! terminal itself (a scroll region), then only the cells that differ are sent, with the shortest
//! cursor and colour sequences. A frame that changes nothing is no bytes at all.

use std::hash::{Hash, Hasher};
use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// A scroll that repairs fewer cells than this is not worth its sequences.
const WORTH_SCROLLING_CELLS: i32 = 60;

/// No further than this many rows is a scroll looked for.
const FURTHEST_SCROLL: i32 = 12;

/// A gap of unchanged cells this wide is cheaper to write again than to jump over.
const SHORT_GAP: u16 = 3;

/// What the terminal shows, and the frame that is being drawn.
pub struct Painter {
    shown: Buffer,
    next: Buffer,
    state: Screen,
    cursor: Option<Position>,
}

/// Whether the terminal shows what we think.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Screen {
    Unknown,
    AsShown,
}

impl Painter {
    /// For a terminal of a size, whose content is unknown.
    pub fn new(columns: u16, rows: u16) -> Self {
        let area = Rect::new(0, 0, columns, rows);
        Self {
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            state: Screen::Unknown,
            cursor: None,
        }
    }

    /// The next frame is drawn from nothing: another size, or a screen somebody wrote on.
    pub fn forget(&mut self, columns: u16, rows: u16) {
        *self = Self::new(columns, rows);
    }

    /// The buffer to draw into.
    pub fn frame(&mut self) -> &mut Buffer {
        self.next.reset();
        &mut self.next
    }

    /// Appends the bytes that bring the drawn frame to the terminal.
    pub fn encode(&mut self, cursor: Option<Position>, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(b"\x1b[?2026h");
        let mut pen = Pen::new(out);
        if self.state == Screen::Unknown {
            pen.bytes(b"\x1b[0m\x1b[2J");
            self.shown.reset();
        } else {
            scroll(&mut self.shown, &self.next, &mut pen);
        }
        for y in 0..self.next.area.height {
            row(&self.shown, &self.next, y, &mut pen);
        }
        pen.finish();
        let is_changed = out.len() > begin + b"\x1b[?2026h".len();
        if !is_changed && cursor == self.cursor {
            out.truncate(begin);
            return;
        }
        match cursor {
            // Writing moved the cursor: it is put back in any case.
            Some(at) => {
                let _ = write!(out, "\x1b[{};{}H", at.y + 1, at.x + 1);
                if self.cursor.is_none() {
                    out.extend_from_slice(b"\x1b[?25h");
                }
            }
            None if self.cursor.is_some() => out.extend_from_slice(b"\x1b[?25l"),
            None => {}
        }
        out.extend_from_slice(b"\x1b[?2026l");
        self.cursor = cursor;
        self.state = Screen::AsShown;
        std::mem::swap(&mut self.shown, &mut self.next);
    }
}

/// Finds rows that moved up or down together, and lets the terminal move them.
fn scroll(shown: &mut Buffer, next: &Buffer, pen: &mut Pen<'_>) {
    let height = i32::from(next.area.height);
    let mut best: Option<(i32, i32, i32, i32)> = None;
    let (before, after) = (Prints::of(shown), Prints::of(next));
    let unmoved: Vec<i32> = (0..height).map(|y| before.same(y, &after, y)).collect();
    if unmoved
        .iter()
        .all(|same| *same == i32::from(next.area.width))
    {
        return;
    }
    for by in -FURTHEST_SCROLL..=FURTHEST_SCROLL {
        if by == 0 {
            continue;
        }
        // The run of rows for which moving by so many rows saves the most cells.
        let (mut sum, mut from) = (0, 0);
        for y in 0..height {
            let source = y + by;
            if source < 0 || source >= height {
                (sum, from) = (0, y + 1);
                continue;
            }
            if sum <= 0 {
                (sum, from) = (0, y);
            }
            sum += before.same(source, &after, y) - unmoved[usize::try_from(y).unwrap_or(0)];
            if sum > best.map_or(WORTH_SCROLLING_CELLS, |b| b.0) {
                best = Some((sum, by, from, y));
            }
        }
    }
    let Some((_, by, from, to)) = best else {
        return;
    };
    // The region holds the rows where they were and where they go.
    let (top, bottom) = (from.min(from + by), to.max(to + by));
    let command = if by > 0 { 'S' } else { 'T' };
    pen.region(top, bottom, by.abs(), command);
    let width = usize::from(shown.area.width);
    let row = |y: i32| usize::try_from(y).unwrap_or(0) * width;
    let old = shown.content[row(top)..row(bottom + 1)].to_vec();
    for y in top..=bottom {
        let source = y + by;
        for x in 0..width {
            shown.content[row(y) + x] = if (top..=bottom).contains(&source) {
                old[row(source - top) + x].clone()
            } else {
                Cell::EMPTY
            };
        }
    }
}

/// A number for each cell, so that a cell is compared two dozen times for the price of one.
struct Prints {
    cells: Vec<u64>,
    width: usize,
}

impl Prints {
    fn of(buffer: &Buffer) -> Self {
        Self {
            cells: buffer.content.iter().map(print_of).collect(),
            width: usize::from(buffer.area.width),
        }
    }

    fn row(&self, y: i32) -> &[u64] {
        let at = usize::try_from(y).unwrap_or(0) * self.width;
        &self.cells[at..at + self.width]
    }

    /// How many cells of a row are those of a row of another buffer.
    fn same(&self, y: i32, other: &Self, other_y: i32) -> i32 {
        let pairs = self.row(y).iter().zip(other.row(other_y));
        i32::try_from(pairs.filter(|(a, b)| a == b).count()).unwrap_or(i32::MAX)
    }
}

/// A collision costs a few bytes, never a wrong cell: the rows are
/// compared cell by cell afterwards.
fn print_of(cell: &Cell) -> u64 {
    let mut hasher = Mix(0);
    cell.hash(&mut hasher);
    hasher.finish()
}

/// A hasher that is fast and nothing else: nobody can gain by making two cells alike.
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn row(shown: &Buffer, next: &Buffer, y: u16, pen: &mut Pen<'_>) {
    let width = next.area.width;
    let new = |x: u16| &next[(x, y)];
    let old = |x: u16| &shown[(x, y)];
    // From here on the row is blank: one sequence clears it.
    let blank_from = (0..width)
        .rev()
        .find(|x| *new(*x) != Cell::EMPTY)
        .map_or(0, |x| (x + columns_of(new(x))).min(width));
    let mut dirty_until = 0;
    let mut x = 0;
    while x < blank_from {
        let columns = columns_of(new(x));
        let differs = (x..(x + columns).min(width)).any(|x| new(x) != old(x)) || x < dirty_until;
        if differs {
            // What a wide character covered is not what the buffer says of it.
            for x in x..(x + columns).min(width) {
                dirty_until = dirty_until.max(x + columns_of(old(x)));
            }
            pen.cell(next, x, y);
        }
        x += columns;
    }
    let dirty_end = dirty_until > blank_from;
    if dirty_end || (blank_from..width).any(|x| *old(x) != Cell::EMPTY) {
        pen.clear_from(blank_from, y, width);
    }
}

fn columns_of(cell: &Cell) -> u16 {
    u16::try_from(cell.symbol().width()).unwrap_or(1).max(1)
}

/// The terminal's pen: where it stands and in which style it writes.
struct Pen<'o> {
    out: &'o mut Vec<u8>,
    at: Option<(u16, u16)>,
    style: Option<Pencil>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Pencil {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pencil = Pencil {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

impl<'o> Pen<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        // Every frame ends in the plain style; where the cursor stands is not known.
        Self {
            out,
            at: None,
            style: Some(PLAIN),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn region(&mut self, top: i32, bottom: i32, by: i32, command: char) {
        let _ = write!(
            self.out,
            "\x1b[{};{}r\x1b[{by}{command}\x1b[r",
            top + 1,
            bottom + 1
        );
        self.at = None;
    }

    fn cell(&mut self, next: &Buffer, x: u16, y: u16) {
        self.bridge(next, x, y);
        self.move_to(x, y);
        self.write(&next[(x, y)]);
        let after = x + columns_of(&next[(x, y)]);
        // At the right edge terminals differ in where the cursor is.
        self.at = (after < next.area.width).then_some((after, y));
    }

    fn write(&mut self, cell: &Cell) {
        self.set(Pencil {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        });
        self.bytes(cell.symbol().as_bytes());
    }

    /// Writes over a short gap in the present style instead of jumping.
    fn bridge(&mut self, next: &Buffer, x: u16, y: u16) {
        let Some((from, row)) = self.at else {
            return;
        };
        if row != y || from >= x || x - from > SHORT_GAP {
            return;
        }
        let pencil = |c: &Cell| Pencil {
            fg: c.fg,
            bg: c.bg,
            modifier: c.modifier,
        };
        let is_plain = |x: u16| {
            let cell = &next[(x, y)];
            cell.symbol().len() == 1 && Some(pencil(cell)) == self.style
        };
        if (from..x).all(is_plain) {
            for x in from..x {
                let symbol = next[(x, y)].symbol().as_bytes().to_vec();
                self.bytes(&symbol);
            }
            self.at = Some((x, y));
        }
    }

    fn move_to(&mut self, x: u16, y: u16) {
        match self.at {
            Some(at) if at == (x, y) => return,
            Some((from, row)) if row == y && from < x => {
                let _ = write!(self.out, "\x1b[{}C", x - from);
            }
            _ if x == 0 => {
                let _ = write!(self.out, "\x1b[{}H", y + 1);
            }
            _ => {
                let _ = write!(self.out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.at = Some((x, y));
    }

    fn clear_from(&mut self, x: u16, y: u16, width: u16) {
        if x >= width {
            return;
        }
        self.move_to(x, y);
        self.set(PLAIN);
        self.bytes(b"\x1b[K");
    }

    fn set(&mut self, wanted: Pencil) {
        if self.style == Some(wanted) {
            return;
        }
        let mut codes: Vec<String> = Vec::new();
        let mut from = self.style.unwrap_or(PLAIN);
        if self.style.is_none() || from.modifier.difference(wanted.modifier) != Modifier::empty() {
            codes.push(String::new());
            from = PLAIN;
        }
        for (flag, code) in [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::REVERSED, "7"),
        ] {
            if wanted.modifier.contains(flag) && !from.modifier.contains(flag) {
                codes.push(code.into());
            }
        }
        if wanted.fg != from.fg {
            codes.push(colour(wanted.fg, 30));
        }
        if wanted.bg != from.bg {
            codes.push(colour(wanted.bg, 40));
        }
        let _ = write!(self.out, "\x1b[{}m", codes.join(";"));
        self.style = Some(wanted);
    }

    /// The next frame starts from the plain style.
    fn finish(&mut self) {
        if self.style != Some(PLAIN) {
            self.bytes(b"\x1b[m");
            self.style = Some(PLAIN);
        }
    }
}

/// The SGR code of a colour; `base` is 30 for the foreground and 40 for the background.
fn colour(colour: Color, base: u8) -> String {
    let bright = |n: u8| (base + 60 + n).to_string();
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Black => base.to_string(),
        Color::Red => (base + 1).to_string(),
        Color::Green => (base + 2).to_string(),
        Color::Yellow => (base + 3).to_string(),
        Color::Blue => (base + 4).to_string(),
        Color::Magenta => (base + 5).to_string(),
        Color::Cyan => (base + 6).to_string(),
        Color::Gray => (base + 7).to_string(),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => format!("{};5;{n}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests;
