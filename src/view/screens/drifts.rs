//! Screen 4: what differs from what was declared, and how far may that be said?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::list::{self, Parts, Room};
use super::{difference, nothing};
use crate::domain::delivery::{DriftRow, Trouble};
use crate::domain::drift::ReportAge;
use crate::domain::duration::short_age;
use crate::domain::freshness::Freshness;
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::delivery::{self, Matter};
use crate::model::drifts::{self, Difference, Section};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::Look;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;

/// The width of a section's word, with its gap.
const SECTION: usize = 8;

/// The columns of a row; zero leaves one out.
struct Columns {
    target: usize,
    source: usize,
    differs: usize,
    apply: usize,
    report: usize,
    seen: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let mut columns = Self {
            target: 0,
            source: 0,
            differs: 0,
            apply: 0,
            report: 0,
            seen: 0,
        };
        // Two of the gutter, and the last column stays free.
        let mut room = Room(usize::from(width).saturating_sub(2 + SECTION));
        room.give(&mut columns.target, 17);
        room.give(&mut columns.report, 11);
        room.give(&mut columns.differs, 16);
        room.give(&mut columns.apply, 5);
        room.give(&mut columns.seen, 7);
        room.give(&mut columns.target, 6);
        room.give(&mut columns.source, 12);
        room.give(&mut columns.differs, 10);
        room.give(&mut columns.target, 12);
        room.give(&mut columns.differs, 14);
        columns.target += room.0;
        columns
    }
}

/// Draws the list, and beside or below it what is known of one difference.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.drifts.list;
    let parts = Parts {
        list: |area, buf: &mut Buffer| rows(model, look, area, layout, buf),
        opened: |width| difference::lines(model, look, width),
        summary: || difference::summary(model, look),
    };
    list::draw(held, parts, layout, look, buf);
}

/// How many lines the opened difference has.
pub fn measure(model: &Model, look: &Look) -> Option<usize> {
    let held = &model.session.drifts.list;
    let width = list::opened_width(held, model)?;
    Some(difference::lines(model, look, width).len())
}

fn rows(model: &Model, look: &Look, area: Rect, layout: Layout, buf: &mut Buffer) {
    let held = &model.session.drifts.list;
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
        |row, name, pen| match drifts::of_row(&model.board, row) {
            Some(difference) => self::row(difference, name, &columns, model, look, pen),
            None => list::gone(row.name.shown(), "not reported any more", look, pen),
        },
    );
}

fn why_empty(model: &Model) -> Vec<(String, Role)> {
    if model.session.drifts.tally.iter().sum::<usize>() == 0 {
        return nothing::why(Matter::Drift, model);
    }
    let words = "Nothing here matches the filter. Esc drops it.";
    vec![(words.to_owned(), Role::Dim)]
}

fn header(columns: &Columns, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  ", style).column("kind", SECTION, "", style);
    let heads = [
        ("target", columns.target),
        ("source", columns.source),
        ("differs", columns.differs),
        ("apply", columns.apply),
        ("report", columns.report),
        ("seen", columns.seen),
    ];
    list::heads(&heads, style, &mut pen);
}

fn row(
    difference: Difference<'_>,
    name: Modifier,
    columns: &Columns,
    model: &Model,
    look: &Look,
    pen: &mut Pen<'_>,
) {
    let dots = look.glyphs.ellipsis;
    let section = difference.section();
    let is_old = section == Section::Expired || is_last_known(difference);
    let style = |role: Role| look.theme.style(if is_old { Role::Stale } else { role });
    pen.write(" ", Style::new()).column(
        section.word(),
        SECTION,
        dots,
        style(section_role(section)),
    );
    let mut cell = |content: &str, width, style| list::cell(content, width, dots, style, pen);
    let quiet = if section == Section::Allowed {
        Role::Dim
    } else {
        Role::Text
    };
    let target = difference.subject().target.shown();
    let target = text::fit_middle(target, columns.target, dots).into_owned();
    cell(&target, columns.target, style(quiet).add_modifier(name));
    let source = source(difference);
    let source = text::fit_middle(source.shown(), columns.source, dots).into_owned();
    cell(&source, columns.source, style(Role::Dim));
    let differs = differs(difference, columns.differs, look);
    cell(&differs, columns.differs, style(quiet));
    let (apply, report, role, seen) = match difference {
        Difference::Drift(row) => {
            let (report, role) = report(row, model);
            (apply(row), report, role, seen(row, model))
        }
        Difference::Policy(trouble) => ("-", since(trouble, model), Role::Text, String::new()),
    };
    cell(apply, columns.apply, style(quiet));
    cell(&report, columns.report, style(role));
    cell(&seen, columns.seen, style(Role::Dim));
}

/// Whether its source cannot be trusted to be up to date.
pub fn is_last_known(difference: Difference<'_>) -> bool {
    match difference {
        Difference::Drift(row) => row.freshness != Freshness::Fresh,
        Difference::Policy(_) => false,
    }
}

/// Who reports it. A trouble names nobody: its place may.
fn source(difference: Difference<'_>) -> Untrusted {
    match difference {
        Difference::Drift(row) => Untrusted::line(&row.drift.source),
        Difference::Policy(trouble) => {
            let labels = &trouble.subject.labels;
            let named = labels.get("source").or_else(|| labels.get("cluster"));
            named.cloned().unwrap_or_else(|| Untrusted::line("-"))
        }
    }
}

/// The role of a section's word.
pub fn section_role(section: Section) -> Role {
    match section {
        Section::Drift | Section::Policy => Role::SeverityTicket,
        Section::Error => Role::Failed,
        Section::Unknown | Section::Partial => Role::Warn,
        Section::Pending => Role::SeverityInfo,
        Section::Allowed => Role::Dim,
        Section::Expired => Role::Stale,
    }
}

/// What differs: the first place and how many more there are, else what would be done about it.
fn differs(difference: Difference<'_>, columns: usize, look: &Look) -> String {
    let row = match difference {
        Difference::Policy(trouble) => return trouble.what.to_string(),
        Difference::Drift(row) => row,
    };
    let drift = &row.drift;
    let Some(first) = drift.paths.first() else {
        let actions: Vec<&str> = drift.actions.iter().map(Untrusted::shown).collect();
        return match (actions.as_slice(), &drift.detail) {
            ([], Some(detail)) => detail.to_string(),
            ([], None) => "-".to_owned(),
            (actions, _) => actions.join(", "),
        };
    };
    let more = match drift.paths.len() - 1 {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let room = columns.saturating_sub(more.len());
    let path = text::fit_middle(first.path.shown(), room, look.glyphs.ellipsis);
    format!("{path}{more}")
}

/// Whether applying the declaration puts it back.
fn apply(row: &DriftRow) -> &'static str {
    match row.drift.reverted_by_apply {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

/// How old the report is, and how far it may be trusted for that.
fn report(row: &DriftRow, model: &Model) -> (String, Role) {
    let role = match row.age {
        ReportAge::Fresh => Role::Text,
        ReportAge::Stale | ReportAge::Expired => Role::Stale,
        ReportAge::Unknown => Role::Warn,
    };
    let words = match (row.drift.report.at, row.age) {
        (None, _) => "no time".to_owned(),
        // Its age is known, how often it should come is not.
        (Some(at), ReportAge::Unknown) => format!("{} ?", short_age(at, model.now)),
        (Some(at), age) => format!("{} {}", short_age(at, model.now), age.word()),
    };
    (words, role)
}

/// Since when it is seen here, and how often it came back.
fn seen(row: &DriftRow, model: &Model) -> String {
    row.seen.map_or_else(
        || "-".to_owned(),
        |seen| {
            let first = short_age(seen.first, model.now);
            match seen.times {
                0 | 1 => first,
                times => format!("{first} x{times}"),
            }
        },
    )
}

fn since(trouble: &Trouble, model: &Model) -> String {
    let age = trouble.since.map(|since| short_age(since, model.now));
    match (age, trouble.count) {
        (Some(age), 0 | 1) => age,
        (Some(age), count) => format!("{age} x{count}"),
        (None, 0 | 1) => "-".to_owned(),
        (None, count) => format!("x{count}"),
    }
}

/// The title: how many there are of each, drift always.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let session = &model.session.drifts;
    if let Some(opened) = list::opened_alone(&session.list, model) {
        let room = usize::from(buf.area.width).saturating_sub(17);
        let name = opened.row.name.shown();
        let name = text::fit_middle(name, room, look.glyphs.ellipsis);
        list::title(
            &format!("Drift: {name}"),
            &[],
            &session.list,
            model,
            look,
            buf,
        );
        return;
    }
    let counted = |section: Section| {
        let at = Section::ALL.iter().position(|s| *s == section);
        at.map_or(0, |at| session.tally[at])
    };
    let drifted = counted(Section::Drift);
    // Before anything was compared, zero would be a claim.
    let first = if drifted == 0 && delivery::compared(model).is_empty() {
        ("drift ?".to_owned(), Role::Warn)
    } else {
        let role = if drifted > 0 {
            Role::SeverityTicket
        } else {
            Role::Dim
        };
        (format!("drift {drifted}"), role)
    };
    let mut facts = vec![first];
    facts.extend(nothing::waiting(Matter::Drift, model));
    for section in [
        Section::Error,
        Section::Pending,
        Section::Unknown,
        Section::Partial,
        Section::Allowed,
        Section::Expired,
        Section::Policy,
    ] {
        let count = counted(section);
        if count > 0 {
            let words = format!("{} {count}", section.word());
            facts.push((words, section_role(section)));
        }
    }
    list::title("Drift", &facts, &session.list, model, look, buf);
}
