//! How do headings, lists, quotes and code stand on the page?
//!
//! Called by [`super::layout`] alone. It walks the blocks once, keeps the margins of the lists and
//! quotes it is inside, and writes line after line.

use super::flow::{Flow, FlowLine, Look};
use super::{Glue, HeadingAt, LaidLine, LaidSpan, Layout, Place, SpanKind};
use crate::domain::prose::{Block, Document, Item, Span, Task};
use crate::domain::text::Untrusted;
use crate::theme::{Glyphs, Role};
use crate::view::widgets::text;

/// Lists and quotes indent only while this many columns stay for what they say.
const MIN_ROOM: usize = 8;

/// What quell calls a fence of its own. There is no engine yet that could run one.
const STEP_LABEL: &str = "step (to read, not run from here)";

const TAB_COLUMNS: usize = 4;

pub(super) fn set(document: &Document, width: usize, glyphs: &Glyphs) -> Layout {
    let mut page = Page {
        width,
        glyphs,
        margins: Vec::new(),
        list_depth: 0,
        block: 0,
        layout: Layout::default(),
    };
    for (index, block) in document.blocks.iter().enumerate() {
        if index > 0 && !is_heading(&document.blocks[index - 1]) {
            page.gap();
        }
        page.block = index;
        page.set_block(block);
    }
    page.layout
}

/// The page while it is written.
pub(super) struct Page<'a> {
    width: usize,
    glyphs: &'a Glyphs,
    margins: Vec<Margin>,
    list_depth: usize,
    block: usize,
    layout: Layout,
}

/// What stands left of everything inside a list item or a quote.
struct Margin {
    /// A bullet or number, until a line has used it.
    first: Option<(String, Role)>,
    /// Spaces or a bar on every other line, as wide as the first.
    rest: String,
}

impl Page<'_> {
    /// Columns between the margins and the right edge. Never none.
    pub(super) fn room(&self) -> usize {
        let margins = self.margins.iter().map(|margin| text::width(&margin.rest));
        self.width - margins.sum::<usize>()
    }

    pub(super) fn glyphs(&self) -> &Glyphs {
        self.glyphs
    }

    pub(super) fn flow(&mut self, spans: &[Span], base: Role) -> Flow {
        Flow::new(spans, base, &mut self.layout.links)
    }

    /// Writes what the author wrote, in as many lines as it takes.
    pub(super) fn set_flow(&mut self, flow: &Flow) {
        for line in flow.lines(self.room()) {
            self.set_flow_line(line);
        }
    }

    fn set_flow_line(&mut self, line: FlowLine) {
        let pieces = line.pieces.into_iter();
        let written = pieces.map(|(text, look)| (text, look, SpanKind::Written));
        self.set_line(written.collect(), line.glue);
    }

    /// Writes one line of signs.
    pub(super) fn set_drawn(&mut self, text: String, role: Role) {
        self.set_line(vec![drawn(text, role)], Glue::Break);
    }

    /// Writes one line behind the margins.
    pub(super) fn set_line(&mut self, pieces: Vec<(String, Look, SpanKind)>, glue: Glue) {
        let mut line: Vec<_> = Vec::with_capacity(self.margins.len() + pieces.len());
        for margin in &mut self.margins {
            let (text, role) = margin
                .first
                .take()
                .unwrap_or_else(|| (margin.rest.clone(), Role::Border));
            line.push(drawn(text, role));
        }
        line.extend(pieces);
        let mut column = 0;
        let mut spans = Vec::with_capacity(line.len());
        for (text, look, kind) in line {
            let end = column + text::width(&text);
            if let (Some(link), Ok(from), Ok(to)) =
                (look.link, u16::try_from(column), u16::try_from(end))
            {
                self.layout.links[link].places.push(Place {
                    line: self.layout.lines.len(),
                    columns: from..to,
                });
            }
            column = end;
            spans.push(LaidSpan {
                text,
                role: look.role,
                kind,
            });
        }
        self.layout.lines.push(LaidLine {
            spans,
            block: self.block,
            glue,
        });
    }

    /// An empty line between two blocks; the bars of quotes run through it.
    pub(super) fn gap(&mut self) {
        self.set_line(Vec::new(), Glue::Break);
    }

    fn set_block(&mut self, block: &Block) {
        match block {
            Block::Heading { level, text, slug } => self.set_heading(*level, text, slug),
            Block::Paragraph(spans) => {
                let flow = self.flow(spans, Role::Text);
                self.set_flow(&flow);
            }
            Block::Code { info, lines } => self.set_code(info, lines),
            Block::List { first, items } => self.set_list(*first, items),
            Block::Quote(blocks) => {
                let bar = format!("{} ", self.glyphs.quote);
                self.inside(None, bar, |page| page.set_blocks(blocks));
            }
            Block::Table { header, rows } => self.set_table(header, rows),
            Block::Rule => {
                let rule = self.glyphs.lines.horizontal.repeat(self.room());
                self.set_drawn(rule, Role::Border);
            }
        }
    }

    fn set_blocks(&mut self, blocks: &[Block]) {
        for (index, block) in blocks.iter().enumerate() {
            let above = index.checked_sub(1).map(|above| &blocks[above]);
            let tight = match above {
                None | Some(Block::Heading { .. }) => true,
                Some(Block::Paragraph(_)) => {
                    self.list_depth > 0 && matches!(block, Block::List { .. })
                }
                Some(_) => false,
            };
            if !tight {
                self.gap();
            }
            self.set_block(block);
        }
    }

    /// Runs `set` behind a further margin, if there is room for one.
    fn inside(&mut self, first: Option<(String, Role)>, rest: String, set: impl FnOnce(&mut Self)) {
        if self.room() < text::width(&rest) + MIN_ROOM {
            // A number still says something without its indent; a bar does not.
            if let Some((marker, role)) = first {
                let mut flow = Flow::default();
                flow.push(marker.trim(), Look::plain(role));
                self.set_flow(&flow);
            }
            return set(self);
        }
        self.margins.push(Margin { first, rest });
        set(self);
        let unused = |margin: &Margin| margin.first.is_some();
        if self.margins.last().is_some_and(unused) {
            self.set_line(Vec::new(), Glue::Break);
        }
        self.margins.pop();
    }

    /// Levels are told by lines, not by size or colour: `═` below the first, `─` below the
    /// second, and before the deeper ones the more `─` the deeper.
    fn set_heading(&mut self, level: u8, spans: &[Span], slug: &str) {
        let flow = self.flow(spans, Role::Heading);
        let line = self.layout.lines.len();
        self.layout.headings.push(HeadingAt {
            line,
            level,
            slug: slug.to_owned(),
            text: text::fit(flow.text(), usize::MAX, "").into_owned(),
        });
        let glyphs = self.glyphs.lines;
        let below = match level {
            0 | 1 => glyphs.double,
            2 => glyphs.horizontal,
            deeper => {
                let dashes = glyphs.horizontal.repeat(usize::from(deeper.min(6) - 1));
                let rest = " ".repeat(text::width(&dashes) + 1);
                let first = Some((format!("{dashes} "), Role::Border));
                return self.inside(first, rest, |page| page.set_flow(&flow));
            }
        };
        self.set_flow(&flow);
        let columns = flow.natural_width().min(self.room());
        self.set_drawn(below.repeat(columns), Role::Border);
    }

    fn set_list(&mut self, first: Option<u64>, items: &[Item]) {
        let bullets = self.glyphs.bullets;
        let bullet = bullets[self.list_depth % bullets.len()];
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let last = first.map(|first| first.saturating_add(count.saturating_sub(1)));
        let digits = last.map_or(0, |last| last.to_string().len());
        let is_loose = items.iter().any(|item| {
            let more = item.blocks.get(1..).unwrap_or_default();
            more.iter()
                .any(|block| !matches!(block, Block::List { .. }))
        });
        self.list_depth += 1;
        let mut number = first;
        for (index, item) in items.iter().enumerate() {
            if index > 0 && is_loose {
                self.gap();
            }
            let (task, role) = match item.task {
                Some(Task::Open) => (self.glyphs.task_open, Role::Text),
                Some(Task::Done) => (self.glyphs.task_done, Role::Ok),
                None => ("", Role::Text),
            };
            let marker = match (number, item.task) {
                (Some(number), None) => format!("{number:>digits$}. "),
                (Some(number), Some(_)) => format!("{number:>digits$}. {task} "),
                (None, Some(_)) => format!("{task} "),
                (None, None) => format!("{bullet} "),
            };
            let rest = " ".repeat(text::width(&marker));
            let first = Some((marker, role));
            self.inside(first, rest, |page| page.set_blocks(&item.blocks));
            number = number.map(|number| number.saturating_add(1));
        }
        self.list_depth -= 1;
    }

    fn set_code_label(&mut self, info: &str) {
        let is_step = info.split_whitespace().any(|word| word == "quell");
        let (label, role) = if is_step {
            (STEP_LABEL, Role::Title)
        } else {
            (info, Role::Dim)
        };
        if label.is_empty() {
            return;
        }
        let lines = self.glyphs.lines;
        let corner = format!("{}{} ", lines.top_left, lines.horizontal);
        let corner = (self.room() >= MIN_ROOM).then(|| drawn(corner, Role::Border));
        let columns = self.room() - if corner.is_some() { 3 } else { 0 };
        let label = text::fit(label, columns, self.glyphs.ellipsis).into_owned();
        self.set_line(
            corner.into_iter().chain([drawn(label, role)]).collect(),
            Glue::Break,
        );
    }

    /// Code keeps every space. A line that is too long goes on below a mark of its own, so that
    /// nobody types half a command.
    fn set_code(&mut self, info: &Untrusted, lines: &[Untrusted]) {
        let glyphs = self.glyphs;
        let with_bar = self.room() >= MIN_ROOM;
        self.set_code_label(info.shown());
        let columns = self.room() - if with_bar { 2 } else { 0 };
        let bar = |sign: &str| {
            let bar = drawn(format!("{sign} "), Role::Border);
            with_bar.then_some(bar)
        };
        for line in lines {
            let code = expand_tabs(line.shown());
            let ranges = text::chop_ranges(&code, columns);
            let count = ranges.len();
            for (index, range) in ranges.into_iter().enumerate() {
                let sign = match index {
                    0 => glyphs.lines.vertical,
                    _ => glyphs.continued,
                };
                let part = text::printable(&code[range], columns).into_owned();
                let part = (part, Look::plain(Role::Code), SpanKind::Written);
                let glue = if index + 1 < count {
                    Glue::Nothing
                } else {
                    Glue::Break
                };
                self.set_line(bar(sign).into_iter().chain([part]).collect(), glue);
            }
        }
    }
}

/// A piece that the author did not write.
pub(super) fn drawn(text: String, role: Role) -> (String, Look, SpanKind) {
    (text, Look::plain(role), SpanKind::Drawn)
}

fn is_heading(block: &Block) -> bool {
    matches!(block, Block::Heading { .. })
}

fn expand_tabs(line: &str) -> String {
    let mut expanded = String::with_capacity(line.len());
    let mut column = 0;
    for (index, part) in line.split('\t').enumerate() {
        if index > 0 {
            let stop = TAB_COLUMNS - column % TAB_COLUMNS;
            expanded.push_str(&" ".repeat(stop));
            column += stop;
        }
        expanded.push_str(part);
        column += text::width(part);
    }
    expanded
}
