//! Screen 7: what was done, by whom, and can the journal be trusted?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use serde_json::Value;

use super::list::{self, Parts};
use crate::domain::record::{Kept, Standing};
use crate::domain::text::shown;
use crate::model::Model;
use crate::model::journal::{self, Mood, told};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::page::Page;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// From this width on a row says who did it.
const MIDDLE: u16 = 60;
/// From this width on a row says the day.
const WIDE: u16 = 100;
/// The widest outcome.
const OUTCOME: usize = 15;

/// Draws the title: how far the journal can be trusted comes first.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let journal = &model.acting.journal;
    let held = &model.session.journal.list;
    let (words, role) = standing(&journal.standing);
    // Its beginning says the worst of it, and is never left out.
    let room = usize::from(buf.area.width).saturating_sub(" Journal  99 new: o ".len());
    let words = text::fit(&words, room, look.glyphs.ellipsis).into_owned();
    let mut facts = vec![(words, role)];
    let count = if held.filter.is_empty() {
        format!("{} records", journal.total)
    } else {
        format!("{} of {} records", held.rows.len(), journal.total)
    };
    if journal.standing != Standing::Unread {
        facts.push((count, Role::Dim));
    }
    list::title("Journal", &facts, held, model, look, buf);
}

/// Whether the journal can be trusted and written, in words.
fn standing(standing: &Standing) -> (String, Role) {
    match standing {
        Standing::Unread => ("not read yet".to_owned(), Role::Dim),
        Standing::Off => ("none: nothing acts from here".to_owned(), Role::Dim),
        Standing::Whole(anchor) => (format!("whole: {anchor}"), Role::Ok),
        Standing::Broken { seq, why } => (format!("BROKEN at record {seq}: {why}"), Role::Danger),
        Standing::Unwritable(why) => (format!("UNWRITABLE, acting is off: {why}"), Role::Danger),
    }
}

/// Draws the list, and beside or below it one record.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.journal.list;
    let parts = Parts {
        list: |area, buf: &mut Buffer| rows(model, look, area, layout, buf),
        opened: |width| record(model, look, width),
        summary: || summary(model),
    };
    list::draw(held, parts, layout, look, buf);
}

/// How many lines the opened record has.
pub fn measure(model: &Model, look: &Look) -> Option<usize> {
    let held = &model.session.journal.list;
    let width = list::opened_width(held, model)?;
    Some(record(model, look, width).len())
}

fn rows(model: &Model, look: &Look, area: Rect, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.journal.list;
    if layout.header_rows > 0 {
        header(look, area, buf);
    }
    if held.rows.is_empty() {
        list::empty(&why_empty(model), area, layout, look, buf);
    }
    list::held_rows(
        held,
        area,
        layout,
        look,
        buf,
        |one, name, pen| match journal::of_row(&model.acting.journal, one) {
            Some(kept) => row(kept, name, area.width, look, pen),
            None => list::gone(one.name.shown(), "not among the last ones", look, pen),
        },
    );
}

fn why_empty(model: &Model) -> Vec<(String, Role)> {
    let journal = &model.acting.journal;
    let words = match &journal.standing {
        Standing::Unread => "The journal is being read.",
        Standing::Off => "There is no journal: nothing acts from here.",
        _ if !journal.records.is_empty() => "Nothing here matches the filter. Esc drops it.",
        _ => "Nothing was done yet.",
    };
    vec![(words.to_owned(), Role::Dim)]
}

/// The columns: time, who, action, outcome; what happened has the rest.
fn columns(width: u16) -> (usize, usize, usize) {
    let time = if width >= WIDE { 14 } else { 8 };
    let who = if width >= MIDDLE { 12 } else { 0 };
    let action = if width >= MIDDLE { 8 } else { 0 };
    (time, who, action)
}

fn header(look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let (time, who, action) = columns(area.width);
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  ", style);
    let heads = [
        ("time", time),
        ("who", who),
        ("action", action),
        ("outcome", OUTCOME),
        ("what", 20),
    ];
    list::heads(&heads, style, &mut pen);
}

fn row(kept: &Kept, name: Modifier, width: u16, look: &Look, pen: &mut Pen<'_>) {
    let style = |role| look.theme.style(role);
    let dots = look.glyphs.ellipsis;
    let (time, who, action) = columns(width);
    let record = &kept.record;
    let format = if width >= WIDE {
        "%m-%d %H:%M:%S"
    } else {
        "%H:%M:%S"
    };
    pen.write(" ", style(Role::Text));
    let at = record.at.format(format).to_string();
    list::cell(&at, time, dots, style(Role::Dim), pen);
    list::cell(record.by.name.shown(), who, dots, style(Role::Owner), pen);
    let id = record.action.as_ref().map_or("-", |id| id.short());
    list::cell(id, action, dots, style(Role::Dim), pen);
    let told = told(&record.entry);
    let outcome = if width >= MIDDLE { OUTCOME } else { 9 };
    list::cell(&told.outcome, outcome, dots, style(role(told.mood)), pen);
    let room = pen.left().saturating_sub(1);
    let plain = match told.mood {
        Mood::Bad => Role::Danger,
        _ => Role::Text,
    };
    pen.column(&told.what, room, dots, style(plain).add_modifier(name));
}

fn role(mood: Mood) -> Role {
    match mood {
        Mood::Plain => Role::Text,
        Mood::Good => Role::Ok,
        Mood::Warn => Role::Warn,
        Mood::Bad => Role::Danger,
    }
}

fn summary(model: &Model) -> Vec<(String, Role)> {
    let Some(kept) = journal::target(model) else {
        return Vec::new();
    };
    let record = &kept.record;
    let told = told(&record.entry);
    let action = record.action.as_ref().map_or("no action", |id| id.as_str());
    vec![
        (told.what, role(told.mood)),
        (
            format!(
                "record {}: {} by {} on {}",
                kept.seq,
                journal::kind(&record.entry),
                record.by.name,
                record.by.host
            ),
            Role::Dim,
        ),
        (format!("action {action}"), Role::Dim),
    ]
}

/// Everything that a record holds.
fn record(model: &Model, look: &Look, width: u16) -> Vec<StyledLine> {
    let mut page = Page::new(width, look);
    let Some(kept) = journal::target(model) else {
        page.text("It is not among the last records any more.", Role::Stale);
        return page.out;
    };
    let record = &kept.record;
    let told = told(&record.entry);
    page.text(&told.what, role(told.mood));
    page.gap();
    page.fact("record", &kept.seq.to_string(), Role::Text);
    page.fact("kind", journal::kind(&record.entry), Role::Text);
    let at = record.at.format("%Y-%m-%d %H:%M:%S%.3f");
    page.fact("at", &format!("{at}Z"), Role::Text);
    page.fact(
        "by",
        &format!("{} on {}", record.by.name, record.by.host),
        Role::Text,
    );
    if let Some(env) = &record.env {
        page.fact("env", env.shown(), Role::Text);
    }
    if let Some(action) = &record.action {
        page.fact("action", action.as_str(), Role::Text);
    }
    if !told.outcome.is_empty() {
        page.fact("outcome", &told.outcome, role(told.mood));
    }
    page.gap();
    if let Ok(value) = serde_json::to_value(&record.entry) {
        fields("", &value, &mut page);
    }
    page.out
}

/// Each field of a value by its place.
fn fields(place: &str, value: &Value, page: &mut Page) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let dot = if place.is_empty() { "" } else { "." };
                fields(&format!("{place}{dot}{name}"), value, page);
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                fields(&format!("{place}[{at}]"), value, page);
            }
        }
        Value::Null => {}
        Value::String(words) => {
            page.text(&format!("{}: {}", shown(place), shown(words)), Role::Text);
        }
        other => page.text(&format!("{}: {other}", shown(place)), Role::Text),
    }
}
