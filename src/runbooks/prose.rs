//! What does a Markdown text say? From its characters to [`Document`].
//!
//! Called once per file by `super::parse`. HTML is shown as it is written, never interpreted, and
//! no fence is more than text. Never fails: every text is some document.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::links;
use crate::domain::prose::{Block, Document, Item, Span, SpanStyle, Task, slug};
use crate::domain::text::{MAX_BYTES, Untrusted};

/// Lists and quotes within each other. Deeper ones give their text to the deepest that is kept, so
/// that nothing that walks a document needs to fear for its stack.
pub const MAX_DEPTH: usize = 16;

/// `CommonMark`'s tab stop.
const TAB_STOP: usize = 4;

/// Reads a text without its front matter.
#[must_use]
pub fn read(markdown: &str) -> Document {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, options) {
        reader.take(event);
    }
    reader.finish()
}

/// The lines of a code block. Tabs become spaces: a screen cannot show them, and pasted into a
/// shell they would ask for a completion.
pub(super) fn code_lines(code: &str) -> Vec<Untrusted> {
    let line = |line: &str| Untrusted::line(&expand_tabs(line));
    code.lines().map(line).collect()
}

/// A container that is open.
enum Open {
    Quote(Vec<Block>),
    List {
        first: Option<u64>,
        items: Vec<Item>,
    },
    Item(Item),
    /// Beyond [`MAX_DEPTH`]: what is inside goes to the container around it.
    Flattened,
}

/// What the words of a code block belong to.
struct Code {
    info: Untrusted,
    text: String,
}

#[derive(Default)]
struct Table {
    header: Vec<Vec<Span>>,
    rows: Vec<Vec<Vec<Span>>>,
    row: Vec<Vec<Span>>,
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    open: Vec<Open>,
    /// Quotes and lists among the open ones.
    depth: usize,
    inline: Inline,
    code: Option<Code>,
    table: Table,
    slugs: Slugs,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => match &mut self.code {
                Some(code) => code.text.push_str(&text),
                None => self.inline.text(&text),
            },
            Event::Code(text) => self.inline.code(&text),
            Event::InlineHtml(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.inline.text(&text);
            }
            Event::SoftBreak => self.inline.text(" "),
            Event::HardBreak => self.inline.hard_break(),
            Event::Rule => self.block(Block::Rule),
            Event::FootnoteReference(name) => self.inline.text(&format!("[^{name}]")),
            Event::TaskListMarker(done) => self.task(if done { Task::Done } else { Task::Open }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis => self.inline.emphasis += 1,
            Tag::Strong => self.inline.strong += 1,
            Tag::Link {
                link_type,
                dest_url,
                ..
            } => {
                let mail = if link_type == LinkType::Email {
                    "mailto:"
                } else {
                    ""
                };
                self.inline.open_link(&format!("{mail}{dest_url}"));
            }
            Tag::Image { dest_url, .. } => self.inline.open_link(&dest_url),
            Tag::CodeBlock(kind) => {
                let info = match &kind {
                    CodeBlockKind::Indented => "",
                    CodeBlockKind::Fenced(info) => info,
                };
                self.open_code(info);
            }
            Tag::HtmlBlock => self.open_code("html"),
            Tag::BlockQuote(_) => self.open_container(Open::Quote(Vec::new())),
            Tag::List(first) => self.open_container(Open::List {
                first,
                items: Vec::new(),
            }),
            Tag::Item => self.open_item(),
            Tag::FootnoteDefinition(name) => {
                self.flush();
                self.inline.text(&format!("[^{name}]: "));
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Table::default();
            }
            Tag::Heading { .. } => self.flush(),
            // A paragraph continues what a footnote's name began. The rest is not switched on, or
            // says nothing that its end does not say.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis => self.inline.emphasis -= 1,
            TagEnd::Strong => self.inline.strong -= 1,
            TagEnd::Link | TagEnd::Image => self.inline.close_link(),
            TagEnd::Heading(level) => self.heading(level as u8),
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.close_code(),
            TagEnd::BlockQuote(_) | TagEnd::List(_) => self.close_container(),
            TagEnd::Item => self.close_item(),
            TagEnd::TableCell => {
                let cell = self.inline.take();
                self.table.row.push(cell);
            }
            TagEnd::TableHead => self.table.header = std::mem::take(&mut self.table.row),
            TagEnd::TableRow => {
                let mut row = std::mem::take(&mut self.table.row);
                row.resize(self.table.header.len(), Vec::new());
                self.table.rows.push(row);
            }
            TagEnd::Table => {
                let Table { header, rows, .. } = std::mem::take(&mut self.table);
                self.block(Block::Table { header, rows });
            }
            TagEnd::Paragraph | TagEnd::FootnoteDefinition => self.flush(),
            _ => {}
        }
    }

    fn heading(&mut self, level: u8) {
        let mut text = self.inline.take();
        for span in text.iter_mut().filter(|span| span.text.raw() == "\n") {
            span.text = Untrusted::line(" ");
        }
        if text.is_empty() {
            return;
        }
        let words: String = text.iter().map(|span| span.text.raw()).collect();
        let slug = self.slugs.unique(&slug(&words));
        self.block(Block::Heading { level, text, slug });
    }

    fn task(&mut self, task: Task) {
        match self.open.last_mut() {
            Some(Open::Item(item)) => item.task = Some(task),
            _ => self.inline.text(match task {
                Task::Open => "[ ] ",
                Task::Done => "[x] ",
            }),
        }
    }

    fn open_code(&mut self, info: &str) {
        self.flush();
        self.code = Some(Code {
            info: Untrusted::line(info.trim()),
            text: String::new(),
        });
    }

    fn close_code(&mut self) {
        if let Some(Code { info, text }) = self.code.take() {
            let lines = code_lines(&text);
            self.block(Block::Code { info, lines });
        }
    }

    fn open_container(&mut self, container: Open) {
        self.flush();
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            self.open.push(container);
        } else {
            self.open.push(Open::Flattened);
        }
    }

    fn open_item(&mut self) {
        self.flush();
        let item = Item {
            task: None,
            blocks: Vec::new(),
        };
        self.open.push(match self.open.last() {
            Some(Open::List { .. }) => Open::Item(item),
            _ => Open::Flattened,
        });
    }

    fn close_container(&mut self) {
        self.flush();
        let block = match self.open.pop() {
            Some(Open::Quote(blocks)) => Block::Quote(blocks),
            Some(Open::List { first, items }) => Block::List { first, items },
            _ => return,
        };
        self.depth -= 1;
        self.block(block);
    }

    fn close_item(&mut self) {
        self.flush();
        if let Some(Open::Item(item)) = self.open.pop()
            && let Some(Open::List { items, .. }) = self.open.last_mut()
        {
            items.push(item);
        }
    }

    /// Text that no block has claimed is a paragraph: the items of a tight list have none.
    fn flush(&mut self) {
        let text = self.inline.take();
        if !text.is_empty() {
            self.append(Block::Paragraph(text));
        }
    }

    fn block(&mut self, block: Block) {
        self.flush();
        self.append(block);
    }

    fn append(&mut self, block: Block) {
        let innermost = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Quote(blocks) => Some(blocks),
            Open::Item(item) => Some(&mut item.blocks),
            Open::List { .. } | Open::Flattened => None,
        });
        innermost.unwrap_or(&mut self.blocks).push(block);
    }

    fn finish(mut self) -> Document {
        self.flush();
        Document {
            blocks: self.blocks,
        }
    }
}

/// The spans of the block that is being read.
#[derive(Default)]
struct Inline {
    spans: Vec<Span>,
    /// Not yet a span: pulldown-cmark hands out a sentence in pieces.
    pending: String,
    pending_style: SpanStyle,
    emphasis: usize,
    strong: usize,
    links: Vec<Link>,
}

struct Link {
    target: Untrusted,
    /// Where its words begin, to know whether it has any.
    from: usize,
}

impl Inline {
    fn text(&mut self, text: &str) {
        let style = if self.strong > 0 {
            SpanStyle::Strong
        } else if self.emphasis > 0 {
            SpanStyle::Emphasis
        } else {
            SpanStyle::Plain
        };
        self.push(text, style);
    }

    fn code(&mut self, text: &str) {
        self.push(text, SpanStyle::Code);
    }

    fn push(&mut self, text: &str, style: SpanStyle) {
        if style != self.pending_style {
            self.settle();
            self.pending_style = style;
        }
        // `&#10;` is a line feed too, but only a hard break may be a span of one.
        let space = |c| if matches!(c, '\n' | '\t') { ' ' } else { c };
        self.pending.extend(text.chars().map(space));
    }

    fn hard_break(&mut self) {
        self.settle();
        self.spans.push(Span {
            text: Untrusted::block("\n"),
            style: SpanStyle::Plain,
            link: None,
        });
    }

    fn open_link(&mut self, target: &str) {
        self.settle();
        self.links.push(Link {
            target: Untrusted::line(target),
            from: self.spans.len(),
        });
    }

    fn close_link(&mut self) {
        self.settle();
        let Some(link) = self.links.last() else {
            return;
        };
        if self.spans.len() == link.from {
            // An image without a description, a link without words: show where it leads.
            let target = link.target.raw().to_owned();
            self.text(&target);
            self.settle();
        }
        self.links.pop();
    }

    /// Makes spans of what is pending.
    fn settle(&mut self) {
        let text = std::mem::take(&mut self.pending);
        if text.is_empty() {
            return;
        }
        let style = self.pending_style;
        if let Some(link) = self.links.last() {
            let target = link.target.clone();
            self.span(&text, style, Some(&target));
        } else if style == SpanStyle::Code {
            self.span(&text, style, None);
        } else {
            self.spans_with_bare_links(&text, style);
        }
    }

    fn spans_with_bare_links(&mut self, text: &str, style: SpanStyle) {
        let mut done = 0;
        for at in links::bare(text) {
            self.span(&text[done..at.start], style, None);
            let address = &text[at.clone()];
            self.span(address, style, Some(&Untrusted::line(address)));
            done = at.end;
        }
        self.span(&text[done..], style, None);
    }

    /// More than an [`Untrusted`] holds becomes several, so that nothing is cut.
    fn span(&mut self, text: &str, style: SpanStyle, link: Option<&Untrusted>) {
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.floor_char_boundary(MAX_BYTES));
            rest = after;
            self.spans.push(Span {
                text: Untrusted::line(part),
                style,
                link: link.cloned(),
            });
        }
    }

    fn take(&mut self) -> Vec<Span> {
        self.settle();
        std::mem::take(&mut self.spans)
    }
}

/// The slugs that are taken, as GitHub counts them: `verify`, `verify-1`, `verify-2`.
#[derive(Default)]
struct Slugs(HashMap<String, usize>);

impl Slugs {
    fn unique(&mut self, wanted: &str) -> String {
        let mut found = wanted.to_owned();
        while self.0.contains_key(&found) {
            let count = self.0.entry(wanted.to_owned()).or_default();
            *count += 1;
            found = format!("{wanted}-{count}");
        }
        self.0.insert(found.clone(), 0);
        found
    }
}

fn expand_tabs(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    for c in line.chars() {
        if c == '\t' {
            let gap = TAB_STOP - column % TAB_STOP;
            out.extend(std::iter::repeat_n(' ', gap));
            column += gap;
        } else {
            out.push(c);
            column += 1;
        }
    }
    out
}
