//! Screen 2: which error budgets are going, how fast, and how long will they last?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::burn;
use crate::domain::burn_explain::{lasting, percent};
use crate::domain::burn_policy::Level;
use crate::domain::duration::exact;
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo_burn::{SloBurn, Verdict};
use crate::domain::source::SourceKind;
use crate::model::Model;
use crate::model::burns;
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, body};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// The width of a burn rate.
const RATE: usize = 6;

/// The columns of a row; zero leaves one out.
struct Columns {
    name: usize,
    service: usize,
    bar: usize,
    windows: &'static [u64],
    basis: usize,
    past: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let width = usize::from(width);
        let (service, bar, basis, past) = match width {
            0..60 => (0, 0, 0, 0),
            60..96 => (12, 0, 0, 0),
            96..140 => (14, 10, 8, 0),
            _ => (18, 12, 8, 25),
        };
        let windows: &[u64] = match width {
            0..60 => &[HOUR],
            60..76 => &[5 * MINUTE, HOUR, 3 * DAY],
            76..96 => &[5 * MINUTE, HOUR, 6 * HOUR, 3 * DAY],
            _ => &[5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, 3 * DAY],
        };
        // Gutter 2, verdict 8, what is left 6, how long it lasts 7, and a gap for each column.
        let gaps = [service, bar, basis, past]
            .iter()
            .filter(|w| **w > 0)
            .count();
        let others = 2 + 8 + 6 + 7 + service + bar + basis + past + windows.len() * RATE + gaps;
        Self {
            name: width.saturating_sub(others + 1).min(40),
            service,
            bar,
            windows,
            basis,
            past,
        }
    }
}

/// Draws the list and the summary of the selected SLO.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let area = body(layout, buf.area);
    let columns = Columns::of(area.width);
    let session = &model.session.burn;
    let mut y = 0;
    if layout.header_rows > 0 {
        header(&columns, model, look, area, buf);
        y = 1;
    }
    if session.rows.is_empty() {
        empty(model, look, area, y + 1, buf);
        return;
    }
    for at in session.scroll.window(session.rows.len(), layout.height()) {
        let is_here = at == session.scroll.cursor;
        let mut pen = Pen::line(buf, area, y);
        let gutter = if is_here { look.glyphs.gutter } else { " " };
        pen.write(gutter, look.theme.style(Role::Title))
            .write(" ", Style::new());
        match burns::find(&model.board, &session.rows[at]) {
            Some(burn) => row(burn, is_here, &columns, model, look, &mut pen),
            None => {
                let gone = format!("gone: {} is not measured any more", session.rows[at]);
                pen.write(&gone, look.theme.style(Role::Stale));
            }
        }
        if is_here {
            let whole = Rect {
                x: area.x + 1,
                y: area.y + y,
                width: area.width.saturating_sub(1),
                height: 1,
            };
            buf.set_style(
                whole.intersection(buf.area),
                look.theme.style(Role::Selected),
            );
        }
        y += 1;
    }
    if layout.summary_rows > 0 {
        let below = Rect {
            y: area.bottom(),
            height: layout.summary_rows,
            ..area
        };
        summary(model, look, below, buf);
    }
}

/// The title: how many burn, how many have no verdict, and whether anything is frozen.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let area = buf.area;
    let session = &model.session.burn;
    if let Some(opened) = &session.opened {
        let mut pen = Pen::line(buf, area, 1);
        pen.write(" Burn: ", style(Role::Title));
        let name = text::fit(
            &opened.id.to_string(),
            pen.left().saturating_sub(8),
            look.glyphs.ellipsis,
        )
        .into_owned();
        pen.write(&name, style(Role::Title));
        if opened.lines > 0 {
            let seen = opened.scroll.top + Layout::of(model).height();
            let share = seen.min(opened.lines) * 100 / opened.lines;
            pen.at_right(&format!("{share}% "), style(Role::Dim));
        }
        return;
    }
    let count =
        |wanted: fn(&SloBurn) -> bool| model.board.burns.iter().filter(|b| wanted(b)).count();
    let burning = count(|b| matches!(b.verdict, Verdict::Burning(_)));
    let unknown = count(|b| matches!(b.verdict, Verdict::None { .. }));
    let mut pen = Pen::line(buf, area, 1);
    pen.write(" Burn ", style(Role::Title));
    let all = session.rows.len();
    pen.write(&format!(" {all} SLOs "), style(Role::Dim));
    let loud = if burning > 0 {
        Role::SeverityPage
    } else {
        Role::Dim
    };
    pen.write(&format!(" {burning} burning "), style(loud));
    let unsure = if unknown > 0 { Role::Warn } else { Role::Dim };
    pen.write(&format!(" {unknown} without verdict "), style(unsure));
    let mut right = String::new();
    if let Some(first) = model.board.freezing().next() {
        let others = model.board.freezing().count() - 1;
        let more = if others > 0 {
            format!(" and {others} more")
        } else {
            String::new()
        };
        right = format!("freeze: {}{more} ", first.id());
    }
    if !session.filter.is_empty() {
        let filter = crate::domain::text::shown(&session.filter.to_string());
        pen.write(&format!(" filter: {filter}"), style(Role::Dim));
    }
    let right = text::fit(&right, pen.left().saturating_sub(1), look.glyphs.ellipsis).into_owned();
    pen.at_right(&right, style(Role::Warn));
}

fn header(columns: &Columns, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let dots = "";
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  ", style).column("verdict", 8, dots, style);
    pen.column("SLO", columns.name, dots, style)
        .write(" ", style);
    if columns.service > 0 {
        pen.column("service", columns.service, dots, style)
            .write(" ", style);
    }
    let left = columns.bar + usize::from(columns.bar > 0) + 5;
    pen.right_column("left", left, dots, style);
    for secs in columns.windows {
        pen.right_column(&exact(*secs), RATE, dots, style);
    }
    pen.right_column("gone in", 8, dots, style);
    if columns.basis > 0 {
        pen.write(" ", style)
            .column("basis", columns.basis, dots, style);
    }
    if columns.past > 0 {
        pen.write(" ", style);
        pen.column(model.session.burn.span.word(), columns.past, dots, style);
    }
}

fn row(
    burn: &SloBurn,
    is_here: bool,
    columns: &Columns,
    model: &Model,
    look: &Look,
    pen: &mut Pen<'_>,
) {
    let dots = look.glyphs.ellipsis;
    let is_old = burn.freshness != Freshness::Fresh;
    let style = |role: Role| look.theme.style(if is_old { Role::Stale } else { role });
    let (word, role) = verdict(burn);
    pen.column(&word, 8, dots, style(role));
    let mut name = style(Role::Text);
    if is_here {
        name = name.add_modifier(Modifier::BOLD);
    }
    let id = burn.id();
    let fitted = text::fit_middle(&id.to_string(), columns.name, dots).into_owned();
    pen.column(&fitted, columns.name, dots, name)
        .write(" ", Style::new());
    if columns.service > 0 {
        let service = id.service.as_ref().map_or("-", |s| s.shown());
        pen.column(service, columns.service, dots, style(Role::Text))
            .write(" ", Style::new());
    }
    // What has no verdict says why, in the room of its numbers.
    if let (Verdict::None { last_known: None }, Some(why)) = (burn.verdict, &burn.reason) {
        let room = pen.left().saturating_sub(1);
        pen.column(why, room, dots, style(Role::Warn));
        return;
    }
    let left = burn.budget.known.as_ref().ok().map(|b| b.remaining);
    if columns.bar > 0 {
        let drawn = left.map_or_else(String::new, |left| bar(left, columns.bar, look));
        pen.column(&drawn, columns.bar, dots, style(budget_role(left)))
            .write(" ", Style::new());
    }
    let shown = left.map_or_else(|| "?".to_owned(), percent);
    pen.right_column(&fit_percent(&shown), 5, dots, style(budget_role(left)));
    for secs in columns.windows {
        let (rate, role) = rate(burn, *secs);
        pen.right_column(&rate, RATE, dots, style(role));
    }
    let gone = burn
        .budget
        .exhaustion
        .map_or_else(|| "?".to_owned(), lasting);
    pen.right_column(&gone, 8, dots, style(Role::Text));
    if columns.basis > 0 {
        let basis = burn
            .measured
            .period
            .as_ref()
            .map_or("-", |p| p.measured.basis.word());
        let both = if burn.budget.by_time.is_some() {
            "!"
        } else {
            ""
        };
        pen.write(" ", Style::new());
        pen.column(
            &format!("{basis}{both}"),
            columns.basis,
            dots,
            style(Role::Dim),
        );
    }
    if columns.past > 0 {
        let drawn = burn::sparkline(burn, model, look, columns.past);
        pen.write(" ", Style::new())
            .column(&drawn, columns.past, "", style(Role::Text));
    }
}

/// A greatly overspent budget has more digits than there is room for.
fn fit_percent(text: &str) -> String {
    if text.len() <= 5 {
        text.to_owned()
    } else {
        "<-999".chars().take(5).collect()
    }
}

/// The burn over a window as a few digits, loud where some condition of its policy is exceeded.
fn rate(burn: &SloBurn, secs: u64) -> (String, Role) {
    let Some(value) = burn.burn(secs) else {
        return ("-".to_owned(), Role::Dim);
    };
    let exceeded = burn
        .conditions
        .iter()
        .filter(|c| c.burns.iter().any(|(window, _)| *window == secs))
        .filter(|c| c.condition.holds(value, burn.budget.period_secs))
        .map(|c| c.condition.level)
        .max();
    (short_rate(value), exceeded.map_or(Role::Text, level_role))
}

/// At most five columns.
pub fn short_rate(value: f64) -> String {
    match value {
        v if v.is_infinite() => "inf".to_owned(),
        v if v >= 1_000.0 => number::of(v.round()),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.01 || v <= 0.0 => format!("{v:.2}"),
        _ => "<0.01".to_owned(),
    }
}

/// The verdict as a word and its role. The loudest word is the only one in capitals.
pub fn verdict(burn: &SloBurn) -> (String, Role) {
    match burn.verdict {
        Verdict::Ok => ("ok".to_owned(), Role::Ok),
        Verdict::Burning(Level::Page) => ("PAGE".to_owned(), Role::SeverityPage),
        Verdict::Burning(level) => (level.word().to_owned(), level_role(level)),
        Verdict::None {
            last_known: Some(level),
        } => (format!("?{}", level.word()), Role::Stale),
        Verdict::None { last_known: None } => ("no data".to_owned(), Role::Warn),
    }
}

/// The role of a level.
pub fn level_role(level: Level) -> Role {
    match level {
        Level::Page => Role::SeverityPage,
        Level::Freeze | Level::Ticket => Role::SeverityTicket,
        Level::Warn => Role::Warn,
    }
}

/// The role of what is left.
pub fn budget_role(left: Option<f64>) -> Role {
    match left {
        None => Role::Dim,
        Some(left) if left <= 0.0 => Role::SeverityPage,
        Some(left) if left < 0.25 => Role::SeverityTicket,
        Some(_) => Role::Text,
    }
}

/// What is left as a bar. A budget that is not quite spent keeps one sign.
pub fn bar(left: f64, columns: usize, look: &Look) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of the columns"
    )]
    let full = (left.clamp(0.0, 1.0) * columns as f64).round() as usize;
    let full = if left > 0.0 { full.max(1) } else { 0 };
    look.glyphs.bar_full.repeat(full) + &look.glyphs.bar_empty.repeat(columns - full)
}

/// Below the list: what is to be known of the selected SLO.
fn summary(model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
    Pen::line(buf, area, 0).write(&rule, look.theme.style(Role::Border));
    let Some(burn) = burns::target(model) else {
        return;
    };
    let width = usize::from(area.width).saturating_sub(2);
    let lines = burn::summary(burn, model, look, width);
    for (y, (line, role)) in lines.into_iter().take(4).enumerate() {
        let fitted = text::fit(&line, width, look.glyphs.ellipsis).into_owned();
        let mut pen = Pen::line(buf, area, 1 + u16::try_from(y).unwrap_or(0));
        pen.write(" ", Style::new())
            .write(&fitted, look.theme.style(role));
    }
}

/// An empty list says why it is empty.
fn empty(model: &Model, look: &Look, area: Rect, y: u16, buf: &mut Buffer) {
    let sources: Vec<Freshness> = model
        .knowledge
        .sources
        .iter()
        .filter(|s| s.kind == SourceKind::Slos)
        .map(|s| s.freshness(model.now))
        .collect();
    let (words, role) = if sources.is_empty() {
        (
            "No Prometheus is configured that could measure SLOs.",
            Role::Warn,
        )
    } else if !model.session.burn.filter.is_empty() {
        ("Nothing here matches the filter. Esc drops it.", Role::Dim)
    } else if sources.iter().all(|f| *f == Freshness::Failed) {
        (
            "Nothing is known: no source answers. 8 shows why.",
            Role::Failed,
        )
    } else if sources.contains(&Freshness::Never) {
        ("Waiting for the first answers.", Role::Dim)
    } else {
        (
            "No SLO is known: no file is named by --slo or [slo] paths, and Prometheus records none \
             that quell knows (Sloth, Pyrra, Grafana SLO).",
            Role::Warn,
        )
    };
    let width = usize::from(area.width).saturating_sub(4);
    for (at, line) in text::wrap(words, width).iter().enumerate() {
        let row = y + u16::try_from(at).unwrap_or(0);
        Pen::line(buf, area, row)
            .write("  ", Style::new())
            .write(line, look.theme.style(role));
    }
}
