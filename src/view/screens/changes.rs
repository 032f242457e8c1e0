//! Screen 3: what was deployed, by whom, from which version to which, and how did it end?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::list::{self, Parts, Room};
use super::{change, nothing};
use crate::domain::change::{ActorKind, Change, Outcome};
use crate::domain::duration::short;
use crate::domain::freshness::Freshness;
use crate::domain::text::{Untrusted, shown};
use crate::model::Model;
use crate::model::changes::{self, is_rollback};
use crate::model::delivery::{self, Matter};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::Look;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;

/// The width of an age, with its gap.
const AGE: usize = 7;

/// From this width on a row tells who did it.
const MIDDLE: u16 = 66;

/// From this width on a row tells everything.
const WIDE: u16 = 118;

/// In less room than this the version before tells nothing.
const BOTH_VERSIONS: usize = 13;

/// The columns of a row; zero leaves one out.
struct Columns {
    service: usize,
    versions: usize,
    outcome: usize,
    who: usize,
    place: usize,
    kind: usize,
    source: usize,
    started: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let mut columns = Self {
            service: 0,
            versions: 0,
            outcome: 9,
            who: 0,
            place: 0,
            kind: 0,
            source: 0,
            started: 0,
        };
        // Two of the gutter, and the last column stays free.
        let mut room = Room(usize::from(width).saturating_sub(2 + AGE + columns.outcome + 1));
        room.give(&mut columns.service, 12);
        room.give(&mut columns.versions, 8);
        if width >= MIDDLE {
            room.give(&mut columns.who, 10);
            room.give(&mut columns.versions, 10);
            room.give(&mut columns.outcome, 9);
            room.give(&mut columns.service, 2);
        }
        if width >= WIDE {
            room.give(&mut columns.place, 14);
            room.give(&mut columns.kind, 9);
            room.give(&mut columns.source, 10);
            room.give(&mut columns.started, 9);
            room.give(&mut columns.place, 8);
            room.give(&mut columns.outcome, 8);
            room.give(&mut columns.source, 8);
        }
        let more = room.0.min(18);
        columns.versions += more;
        columns.service += (room.0 - more).min(12);
        columns
    }
}

/// Draws the list, and beside or below it what is known of one change.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.changes.list;
    let parts = Parts {
        list: |area, buf: &mut Buffer| rows(model, look, area, layout, buf),
        opened: |width| change::lines(model, look, width),
        summary: || change::summary(model, look),
    };
    list::draw(held, parts, layout, look, buf);
}

/// How many lines the opened change has.
pub fn measure(model: &Model, look: &Look) -> Option<usize> {
    let held = &model.session.changes.list;
    let width = list::opened_width(held, model)?;
    Some(change::lines(model, look, width).len())
}

fn rows(model: &Model, look: &Look, area: Rect, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.changes.list;
    let columns = Columns::of(area.width);
    if layout.header_rows > 0 {
        header(&columns, look, area, buf);
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
        |row, name, pen| match changes::of_row(&model.board, row) {
            Some(change) => self::row(change, name, &columns, model, look, pen),
            None => list::gone(row.name.shown(), "not told any more", look, pen),
        },
    );
}

fn why_empty(model: &Model) -> Vec<(String, Role)> {
    if model.board.delivery.changes.is_empty() {
        return nothing::why(Matter::Changes, model);
    }
    let words = "Nothing here matches the filter. Esc drops it.";
    vec![(words.to_owned(), Role::Dim)]
}

fn header(columns: &Columns, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  ", style)
        .right_column("age", AGE - 1, "", style);
    pen.write(" ", style);
    let becomes = format!("from {} to", look.glyphs.becomes);
    let heads = [
        ("service", columns.service),
        (becomes.as_str(), columns.versions),
        ("outcome", columns.outcome),
        ("who", columns.who),
        ("env cluster", columns.place),
        ("kind", columns.kind),
        ("told by", columns.source),
        ("started", columns.started),
    ];
    list::heads(&heads, style, &mut pen);
}

fn row(
    change: &Change,
    name: Modifier,
    columns: &Columns,
    model: &Model,
    look: &Look,
    pen: &mut Pen<'_>,
) {
    let dots = look.glyphs.ellipsis;
    let is_old = is_last_known(change, model);
    let style = |role: Role| look.theme.style(if is_old { Role::Stale } else { role });
    let doubt = if change.told.notes.is_empty() {
        " "
    } else {
        look.glyphs.warn
    };
    pen.write(doubt, style(Role::Warn));
    pen.right_column(&age(change, model), AGE - 1, dots, style(Role::Text));
    pen.write(" ", Style::new());
    let mut cell = |content: &str, width, style| list::cell(content, width, dots, style, pen);
    let service = change.subject.service.as_ref();
    // Of what belongs to no service, the target alone says what it is.
    let (service, role) = match service {
        Some(service) => (service.shown(), Role::Text),
        None => (change.subject.target.shown(), Role::Dim),
    };
    let fitted = text::fit_middle(service, columns.service, dots).into_owned();
    cell(&fitted, columns.service, style(role).add_modifier(name));
    let versions = versions(change, columns.versions, look);
    cell(&versions, columns.versions, style(Role::Text));
    let (outcome, role) = outcome(change, columns.kind == 0, is_old, look);
    cell(&outcome, columns.outcome, style(role));
    let (who, role) = who(change);
    cell(&who, columns.who, style(role));
    cell(&place(change), columns.place, style(Role::Text));
    cell(kind(change), columns.kind, style(Role::Text));
    let source = match change.also.len() {
        0 => shown(&change.source),
        more => format!("{} +{more}", shown(&change.source)),
    };
    let fitted = text::fit_middle(&source, columns.source, dots).into_owned();
    cell(&fitted, columns.source, style(Role::Dim));
    cell(&started(change, model), columns.started, style(Role::Dim));
}

/// Since when. A time that is still to come is a clock that is wrong, not the present.
fn age(change: &Change, model: &Model) -> String {
    let secs = (model.now - change.started_at).num_seconds();
    let shown = short(secs.unsigned_abs());
    if secs < 0 {
        format!("in {shown}")
    } else {
        shown
    }
}

fn started(change: &Change, model: &Model) -> String {
    let at = change.started_at;
    let is_today = at.date_naive() == model.now.date_naive();
    let format = if is_today { "%H:%M:%SZ" } else { "%m-%d %Hh" };
    at.format(format).to_string()
}

/// Whether nobody who tells of it can be trusted to be up to date.
pub fn is_last_known(change: &Change, model: &Model) -> bool {
    let mut told_by = std::iter::once(&change.source).chain(&change.also);
    told_by.all(|name| {
        matches!(
            delivery::freshness(model, name),
            Some(Freshness::Stale | Freshness::Failed)
        )
    })
}

/// `2.30.4 → 2.31.0`; what was found and not told stands in parentheses.
pub fn versions(change: &Change, columns: usize, look: &Look) -> String {
    let versions = &change.versions;
    let dots = look.glyphs.ellipsis;
    if let (true, Some(to)) = (columns < BOTH_VERSIONS, &versions.to) {
        let becomes = look.glyphs.becomes;
        let to = text::fit_middle(to.shown(), columns.saturating_sub(2), dots);
        return format!("{becomes} {to}");
    }
    let to = versions.to.as_ref().map(Untrusted::shown);
    let from = match &versions.from {
        Some(from) if versions.from_is_derived => format!("({from})"),
        Some(from) => from.to_string(),
        None if to.is_none() => return "-".to_owned(),
        None => "?".to_owned(),
    };
    let to = to.unwrap_or("?");
    let room = columns.saturating_sub(3);
    let (before, after) = (text::width(&from), text::width(to));
    // Half for each; what one does not need the other has.
    let half = room / 2;
    let from_room = before.min(room.saturating_sub(after).max(half));
    let from = text::fit_middle(&from, from_room, dots).into_owned();
    let to_room = room.saturating_sub(text::width(&from));
    let to = text::fit_middle(to, to_room, dots);
    format!("{from} {} {to}", look.glyphs.becomes)
}

/// How it ended: a sign and a word, so that no colour is needed. What goes on tells how far it is.
pub fn outcome(change: &Change, names_kind: bool, is_old: bool, look: &Look) -> (String, Role) {
    let (sign, role) = match change.outcome {
        Outcome::Running => (look.glyphs.right, Role::SeverityInfo),
        Outcome::Ok => (look.glyphs.check, Role::Ok),
        Outcome::Failed => (look.glyphs.cross, Role::Failed),
        Outcome::Unknown => ("?", Role::Warn),
    };
    let mut words = format!("{sign} {}", change.outcome.word());
    // That it goes on is the last that was heard of it.
    if is_old && change.is_in_flight() {
        words.push('?');
    }
    if names_kind && is_rollback(change) {
        words += " rollback";
    }
    if let (Outcome::Running, Some(progress)) = (change.outcome, &change.told.progress) {
        words = format!("{words} {progress}");
    }
    (words, role)
}

/// Who did it. What is no person is dim; a program that wrote the fields stands in parentheses.
fn who(change: &Change) -> (String, Role) {
    match &change.who {
        None => ("-".to_owned(), Role::Dim),
        Some(who) => match who.kind {
            ActorKind::Person => (who.name.to_string(), Role::Owner),
            ActorKind::Automation => (who.name.to_string(), Role::Dim),
            ActorKind::FieldManager => (format!("({})", who.name), Role::Dim),
        },
    }
}

/// The kind in a few columns.
fn kind(change: &Change) -> &'static str {
    use crate::domain::change::ChangeKind::{InfraDestructive, Migration};
    match change.kind {
        InfraDestructive => "infra del",
        Migration => "migration",
        kind => kind.word(),
    }
}

/// `prod prod-eu-1`
fn place(change: &Change) -> String {
    let subject = &change.subject;
    let cluster = subject.labels.get("cluster").map(Untrusted::shown);
    let env = subject.env.as_ref().map(Untrusted::shown);
    let both: Vec<&str> = env.into_iter().chain(cluster).collect();
    if both.is_empty() {
        "-".to_owned()
    } else {
        both.join(" ")
    }
}

/// The title: how many there are, how many go on, how many failed.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let session = &model.session.changes;
    if let Some(opened) = list::opened_alone(&session.list, model) {
        let name = change::title(opened, model, look, usize::from(buf.area.width));
        list::title(&name, &[], &session.list, model, look, buf);
        return;
    }
    let mut facts = Vec::new();
    let is_heard = delivery::sources(model, Matter::Changes)
        .any(|s| s.freshness(model.now) != Freshness::Never);
    let all = model.board.delivery.changes.len();
    if all == 0 && !is_heard {
        facts.push(("nothing known yet".to_owned(), Role::Dim));
    } else {
        let tally = session.tally;
        let of = if session.list.filter.is_empty() {
            format!("{all} in all")
        } else {
            format!("{} of {all}", session.list.rows.len())
        };
        facts.push((of, Role::Dim));
        facts.extend(nothing::waiting(Matter::Changes, model));
        if tally.running > 0 {
            facts.push((format!("{} running", tally.running), Role::SeverityInfo));
        }
        if tally.failed_of_day > 0 {
            facts.push((
                format!("{} failed in 24h", tally.failed_of_day),
                Role::Failed,
            ));
        }
        facts.push((format!("{} in 24h", tally.of_day), Role::Dim));
    }
    list::title("Changes", &facts, &session.list, model, look, buf);
}
