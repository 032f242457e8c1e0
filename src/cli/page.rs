//! How is text laid out in columns and colours?
//!
//! Tables aligned by display width, cut to the terminal's width where there is one, and the 16
//! colours every terminal has. Used by every command's text. It knows nothing of alerts.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Columns of the terminal. None: a file or a pipe, where nothing is cut.
    pub columns: Option<usize>,
    /// Whether colours are used.
    pub ink: Ink,
    /// Which signs are used.
    pub signs: Signs,
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// None at all, no escape either.
    None,
    /// The terminal's own 16.
    Ansi16,
}

/// Which signs are used beside letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// ASCII.
    Ascii,
    /// Unicode.
    Unicode,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Running text.
    #[default]
    Plain,
    /// A title.
    Heading,
    /// Of the page lane, or a failure.
    Bad,
    /// Of the ticket lane, or a warning.
    Care,
    /// In order.
    Good,
    /// Quiet, old or beside the point.
    Faint,
}

impl Role {
    /// The parameters of Select Graphic Rendition (ECMA-48, 8.3.117).
    fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "1",
            Self::Bad => "1;31",
            Self::Care => "33",
            Self::Good => "32",
            Self::Faint => "2",
        }
    }
}

impl Page {
    /// A page without colours and width, as a pipe gets it.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            columns: None,
            ink: Ink::None,
            signs: Signs::Unicode,
        }
    }

    /// Adds text in its colour.
    pub fn paint(&self, out: &mut String, role: Role, text: &str) {
        if self.ink == Ink::None || role == Role::Plain || text.is_empty() {
            out.push_str(text);
            return;
        }
        for part in ["\x1b[", role.sgr(), "m", text, "\x1b[0m"] {
            out.push_str(part);
        }
    }

    /// Adds a line in its colour, cut to the width.
    pub fn line(&self, out: &mut String, role: Role, text: &str) {
        let most = self.columns.unwrap_or(usize::MAX);
        self.paint(out, role, &self.cut(text, most));
        out.push('\n');
    }

    /// Text of at most so many columns; what is cut is marked.
    #[must_use]
    pub fn cut<'t>(&self, text: &'t str, most: usize) -> Cow<'t, str> {
        if text.len() <= most || text.width() <= most {
            return Cow::Borrowed(text);
        }
        let mark = self.mark();
        let Some(room) = most.checked_sub(mark.width()) else {
            return Cow::Borrowed("");
        };
        let mut used = 0;
        let kept: String = text
            .graphemes(true)
            .take_while(|cluster| {
                used += cluster.width();
                used <= room
            })
            .collect();
        Cow::Owned(kept + mark)
    }

    fn mark(&self) -> &'static str {
        match self.signs {
            Signs::Ascii => "~",
            Signs::Unicode => "…",
        }
    }

    /// What stands for nothing.
    #[must_use]
    pub fn dash(&self) -> &'static str {
        match self.signs {
            Signs::Ascii => "-",
            Signs::Unicode => "–",
        }
    }
}

/// `1 alert`, `2 alerts`
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A piece of a row.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    text: Cow<'a, str>,
    role: Role,
    span: Span,
}

/// How far a cell goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    /// Its own column.
    Column,
    /// Its own column, which never gives way.
    Rigid,
    /// To the end of the line, over all columns that follow.
    Rest,
}

/// A cell of running text.
pub fn cell<'a>(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
    Cell {
        text: text.into(),
        role: Role::Plain,
        span: Span::Column,
    }
}

/// A cell whose column is never cut: half a number is another number.
pub fn rigid<'a>(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
    Cell {
        span: Span::Rigid,
        ..cell(text)
    }
}

/// The last cell of a row, which takes the rest of the line and widens no column.
pub fn rest<'a>(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
    Cell {
        span: Span::Rest,
        ..cell(text)
    }
}

impl Cell<'_> {
    /// The same text in a colour.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

/// Rows whose cells stand below each other.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    rows: Vec<Vec<Cell<'a>>>,
    indent: usize,
}

/// Between two columns.
const GAP: usize = 2;
/// A column that must give way keeps this many columns, or what it has if that is less.
const LEAST: usize = 6;
/// Without a terminal a longer cell pushes its row apart instead of every row.
const WIDEST_UNBOUND: usize = 48;

impl<'a> Table<'a> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one whose rows begin further right.
    #[must_use]
    pub fn indented(indent: usize) -> Self {
        Self {
            indent,
            ..Self::default()
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell<'a>>) {
        self.rows.push(cells);
    }

    /// Adds the rows to a text.
    pub fn render(&self, page: &Page, out: &mut String) {
        let widths = self.widths(page);
        for row in &self.rows {
            let end = row
                .iter()
                .rposition(|cell| !cell.text.is_empty())
                .map_or(0, |last| last + 1);
            out.extend(std::iter::repeat_n(' ', self.indent));
            let mut used = self.indent;
            for (at, cell) in row[..end].iter().enumerate() {
                let is_last = at + 1 == end;
                let most = match (page.columns, cell.span) {
                    (None, _) => usize::MAX,
                    (Some(_), Span::Column | Span::Rigid) => widths[at],
                    (Some(columns), Span::Rest) => columns.saturating_sub(used),
                };
                let text = page.cut(&cell.text, most);
                page.paint(out, cell.role, &text);
                if !is_last {
                    let pad = widths[at].saturating_sub(text.width()) + GAP;
                    out.extend(std::iter::repeat_n(' ', pad));
                    used += widths[at] + GAP;
                }
            }
            out.push('\n');
        }
    }

    fn widths(&self, page: &Page) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        let mut is_rigid = vec![false; columns];
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                if cell.span != Span::Rest {
                    widths[at] = widths[at].max(cell.text.width());
                }
                is_rigid[at] |= cell.span == Span::Rigid;
            }
        }
        let Some(room) = page.columns else {
            return widths.iter().map(|w| (*w).min(WIDEST_UNBOUND)).collect();
        };
        let gaps = GAP * columns.saturating_sub(1);
        let room = room.saturating_sub(gaps + self.indent);
        shrink(&mut widths, &is_rigid, room);
        widths
    }
}

/// Takes from the widest column until all fit, or none can give way.
fn shrink(widths: &mut [usize], is_rigid: &[bool], room: usize) {
    let mut over = widths.iter().sum::<usize>().saturating_sub(room);
    while over > 0 {
        let yielding = widths
            .iter_mut()
            .zip(is_rigid)
            .filter(|(_, rigid)| !**rigid);
        let Some((widest, _)) = yielding.max() else {
            return;
        };
        if *widest <= LEAST {
            return;
        }
        *widest -= 1;
        over -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(columns: usize) -> Page {
        Page {
            columns: Some(columns),
            ..Page::plain()
        }
    }

    fn table<'a>(rows: &[&[&'a str]]) -> Table<'a> {
        let mut table = Table::new();
        for row in rows {
            table.row(row.iter().map(|text| cell(*text)).collect());
        }
        table
    }

    fn text(table: &Table<'_>, page: &Page) -> String {
        let mut out = String::new();
        table.render(page, &mut out);
        out
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let table = table(&[
            &["磁盘", "x", "end"],
            &["disk-full", "", "end"],
            &["a", "b"],
        ]);
        assert_eq!(
            text(&table, &Page::plain()),
            "磁盘       x  end\ndisk-full     end\na          b\n"
        );
    }

    #[test]
    fn a_terminal_is_never_overrun_and_a_cut_is_marked() {
        let long = "CheckoutHighErrorRateOfAllServices";
        let table = table(&[&["P", "4m", long, "checkout-api", "磁盘已满磁盘已满磁盘已满"]]);
        for columns in [40, 60, 80, 120] {
            for line in text(&table, &terminal(columns)).lines() {
                assert!(line.width() <= columns, "{columns}: {line}");
                assert_eq!(line.contains('…'), columns < 81, "{columns}: {line}");
            }
        }
        assert!(text(&table, &Page::plain()).contains(long));
    }

    #[test]
    fn the_rest_of_a_line_widens_no_column() {
        let mut table = Table::indented(2);
        table.row(vec![cell("a"), cell("bb"), cell("c")]);
        table.row(vec![cell("a"), rest("a long reason that goes on and on")]);
        assert_eq!(
            text(&table, &terminal(24)),
            "  a  bb  c\n  a  a long reason that…\n"
        );
    }

    #[test]
    fn a_number_is_never_cut() {
        let mut table = Table::new();
        let name = "checkout-availability";
        table.row(vec![cell(name), rigid("21.0 14.6  3.1"), cell(name)]);
        assert_eq!(
            text(&table, &terminal(40)),
            "checkout-a…  21.0 14.6  3.1  checkout-a…\n"
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let page = Page {
            ink: Ink::Ansi16,
            ..terminal(20)
        };
        let mut table = Table::new();
        table.row(vec![cell("P").role(Role::Bad), cell("x")]);
        assert_eq!(text(&table, &page), "\x1b[1;31mP\x1b[0m  x\n");
        assert_eq!(text(&table, &Page::plain()), "P  x\n");
    }

    #[test]
    fn ascii_marks_a_cut_in_ascii() {
        let page = Page {
            signs: Signs::Ascii,
            ..terminal(4)
        };
        assert_eq!(page.cut("longer", 4), "lon~");
        assert_eq!(page.cut("long", 4), "long");
        assert_eq!(page.cut("磁盘已满", 4), "磁~");
        assert_eq!(page.cut("longer", 0), "");
    }
}
