//! Screen 2: which error budgets are going, how fast, and how long will they last?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{burn, list};
use crate::domain::burn_explain::percent as percent_in_full;
use crate::domain::burn_policy::Level;
use crate::domain::duration::exact;
use crate::domain::freshness::Freshness;
use crate::domain::slo_burn::{ConditionState, SloBurn, Standing, Verdict};
use crate::domain::source::SourceKind;
use crate::model::Model;
use crate::model::burns;
use crate::model::knowledge::{Kept, SourceState};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, body};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// The windows that a row may show, and in which order they get room: the last hour decides how
/// long a budget lasts, the short ones whether it still burns, the long ones whether it leaks.
const WINDOWS: [u64; 5] = [5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, 3 * DAY];

/// The width of a verdict.
const VERDICT: usize = 8;

/// The width of what is left, with its gap.
const LEFT: usize = 7;

/// A name of so many columns is still a name.
const SHORT_NAME: usize = 14;

/// No other column may take the name's room below this.
const NAME: usize = 20;

/// The columns of a row; zero leaves one out.
struct Columns {
    name: usize,
    service: usize,
    bar: usize,
    windows: Vec<u64>,
    rate: usize,
    gone: usize,
    basis: usize,
    past: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let width = usize::from(width);
        let is_wide = width >= 140;
        let mut columns = Self {
            name: 0,
            service: 0,
            bar: 0,
            windows: Vec::new(),
            rate: if is_wide { 6 } else { 5 },
            gone: if width < 60 { 6 } else { 8 },
            basis: 0,
            past: 0,
        };
        // The gutter takes two, and the last column stays free.
        let always = 2 + VERDICT + LEFT + columns.gone + 1;
        let mut room = width.saturating_sub(always);
        let mut take = |wanted: usize, keeps: usize| {
            let fits = room >= wanted + keeps;
            if fits {
                room -= wanted;
            }
            fits
        };
        let mut taken = Vec::new();
        for (secs, keeps) in [(HOUR, SHORT_NAME), (5 * MINUTE, NAME)] {
            if take(columns.rate, keeps) {
                taken.push(secs);
            }
        }
        let service = if is_wide { 20 } else { 12 };
        if take(service + 1, NAME) {
            columns.service = service;
        }
        for secs in [6 * HOUR, 3 * DAY, 30 * MINUTE] {
            if take(columns.rate, NAME) {
                taken.push(secs);
            }
        }
        columns.windows = WINDOWS.into_iter().filter(|w| taken.contains(w)).collect();
        if take(9, NAME) {
            columns.basis = 8;
        }
        let bar = if is_wide { 12 } else { 8 };
        if take(bar + 1, NAME) {
            columns.bar = bar;
        }
        for past in [24, 18, 12, 9] {
            if columns.past == 0 && take(past + 1, NAME + 2) {
                columns.past = past;
            }
        }
        columns.name = room.min(40);
        columns
    }
}

/// Draws the list and the summary of the selected SLO.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let area = body(layout, buf.area);
    let columns = Columns::of(area.width);
    let session = &model.session.burn;
    if layout.header_rows > 0 {
        header(&columns, model, look, area, buf);
    }
    if session.rows.is_empty() {
        list::empty(&[why_empty(model)], area, layout, look, buf);
        return;
    }
    let (scroll, count) = (session.scroll, session.rows.len());
    list::rows(scroll, count, area, layout, look, buf, |at, pen| {
        let id = &session.rows[at];
        match burns::find(&model.board, id) {
            Some(burn) => {
                pen.write(" ", Style::new());
                row(burn, at == scroll.cursor, &columns, model, look, pen);
            }
            None => list::gone(&id.to_string(), "not measured any more", look, pen),
        }
    });
    list::summary(&summary(model, look, area.width), layout, look, buf);
}

/// The title: how many burn, how many have no verdict, and whether anything is frozen.
pub fn title(model: &Model, look: &Look, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let area = buf.area;
    let session = &model.session.burn;
    let mut pen = Pen::line(buf, area, 1);
    if let Some(opened) = &session.opened {
        pen.write(" Burn: ", style(Role::Title));
        let room = pen.left().saturating_sub(6);
        let id = opened.id.to_string();
        let name = text::fit_middle(&id, room, look.glyphs.ellipsis);
        pen.write(&name, style(Role::Title));
        let seen = opened.scroll.top + Layout::of(model).height();
        let share = (seen.min(opened.lines) * 100).checked_div(opened.lines);
        if let Some(share) = share {
            pen.at_right(&format!("{share}% "), style(Role::Dim));
        }
        return;
    }
    pen.write(" Burn ", style(Role::Title));
    if !is_anything_measured(model) {
        pen.write(" nothing measured yet", style(Role::Dim));
        return;
    }
    let board = &model.board;
    let is_narrow = area.width < 60;
    let (of, without) = if is_narrow {
        ("/", "unknown")
    } else {
        (" of ", "without verdict")
    };
    let all = board.burns.len();
    let all = match session.filter.is_empty() {
        true if all == 1 => " 1 SLO ".to_owned(),
        true => format!(" {all} SLOs "),
        false => format!(" {}{of}{all} SLOs ", session.rows.len()),
    };
    let burning = burns::burning(board).count();
    let loudest = burns::worst(board).and_then(|burn| burn.verdict.level());
    let is_unknown = |burn: &&SloBurn| matches!(burn.verdict, Verdict::None { .. });
    let unknown = board.burns.iter().filter(is_unknown).count();
    let unsure = if unknown > 0 { Role::Warn } else { Role::Dim };
    let mut facts = vec![
        (all, Role::Dim),
        (
            format!(" {burning} burning "),
            loudest.map_or(Role::Dim, level_role),
        ),
        (format!(" {unknown} {without} "), unsure),
    ];
    // What the operator did comes first, what is read elsewhere goes first.
    if !session.filter.is_empty() {
        let filter = crate::domain::text::shown(&session.filter.to_string());
        facts.push((format!(" filter: {filter} "), Role::Dim));
    }
    let problems = problems(model);
    if problems > 0 {
        facts.push((format!(" {problems} not read: 8 "), Role::Warn));
    }
    if let Some(first) = board.freezing().next() {
        let others = board.freezing().count() - 1;
        let more = if others > 0 {
            format!(" +{others}")
        } else {
            String::new()
        };
        facts.push((format!(" freeze: {}{more} ", first.id()), Role::Warn));
    }
    for (at, (fact, role)) in facts.into_iter().enumerate() {
        let room = pen.left();
        let is_short = at < 3;
        if text::width(&fact) > room && (is_short || room < 14) {
            break;
        }
        let fitted = text::fit(&fact, room, look.glyphs.ellipsis).into_owned();
        pen.write(&fitted, style(role));
    }
}

/// Whether any Prometheus ever told of SLOs: before, zero would be a claim.
fn is_anything_measured(model: &Model) -> bool {
    let mut sources = model.knowledge.sources.iter();
    sources.any(|source| matches!(source.kept, Kept::Burn(_)))
}

/// How many definitions could not be read: their SLOs are missing here.
fn problems(model: &Model) -> usize {
    let count = |source: &SourceState| match &source.kept {
        Kept::Burn(answer) => answer.problems.len(),
        _ => 0,
    };
    // Every Prometheus measures the SLOs of the same files.
    model.knowledge.sources.iter().map(count).max().unwrap_or(0)
}

fn header(columns: &Columns, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let dots = "";
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  ", style)
        .column("verdict", VERDICT, dots, style);
    pen.column("SLO", columns.name, dots, style);
    if columns.service > 0 {
        pen.write(" ", style)
            .column("service", columns.service, dots, style);
    }
    let bar = columns.bar + usize::from(columns.bar > 0);
    pen.right_column("left", bar + LEFT, dots, style);
    for secs in &columns.windows {
        pen.right_column(&exact(*secs), columns.rate, dots, style);
    }
    let gone = if columns.gone < 8 { "gone" } else { "gone in" };
    pen.right_column(gone, columns.gone, dots, style);
    if columns.basis > 0 {
        pen.write(" ", style)
            .column("basis", columns.basis, dots, style);
    }
    if columns.past > 0 {
        let past = format!("past {}", model.session.burn.span.word());
        pen.write(" ", style)
            .column(&past, columns.past, dots, style);
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
    pen.column(&word, VERDICT, dots, style(role));
    let mut name = style(Role::Text);
    if is_here {
        name = name.add_modifier(Modifier::BOLD);
    }
    let id = burn.id();
    let fitted = text::fit_middle(&id.to_string(), columns.name, dots).into_owned();
    pen.column(&fitted, columns.name, dots, name);
    if columns.service > 0 {
        let (service, role) = match &id.service {
            Some(service) => (service.shown(), Role::Text),
            None => ("-", Role::Dim),
        };
        pen.write(" ", Style::new())
            .column(service, columns.service, dots, style(role));
    }
    // What has no verdict says why, in the room of its numbers. The last known numbers stay.
    if let (Verdict::None { last_known: None }, Some(why), false) =
        (burn.verdict, &burn.reason, was_calm(burn))
    {
        let room = pen.left().saturating_sub(2);
        pen.write(" ", Style::new())
            .column(why, room, dots, style(Role::Warn));
        return;
    }
    let left = burn.budget.known.as_ref().ok().map(|b| b.remaining);
    let left_role = style(budget_role(left));
    if columns.bar > 0 {
        let drawn = left.map_or_else(String::new, |left| bar(left, columns.bar, look));
        pen.write(" ", Style::new())
            .column(&drawn, columns.bar, dots, left_role);
    }
    let shown = left.map_or_else(|| "?".to_owned(), short_percent);
    pen.right_column(&shown, LEFT, dots, left_role);
    for secs in &columns.windows {
        let (rate, role) = rate(burn, *secs);
        pen.right_column(&rate, columns.rate, dots, style(role));
    }
    let gone = burn::gone_in(burn);
    pen.right_column(&gone, columns.gone, dots, style(Role::Text));
    if columns.basis > 0 {
        let period = burn.measured.period.as_ref();
        let basis = period.map_or("-", |p| p.measured.basis.word());
        let is_disputed = burn.budget.by_time.is_some();
        let (sign, role) = if is_disputed {
            (look.glyphs.warn, Role::Warn)
        } else {
            ("", Role::Dim)
        };
        let words = format!("{basis}{sign}");
        pen.write(" ", Style::new())
            .column(&words, columns.basis, dots, style(role));
    }
    if columns.past > 0 {
        let drawn = burn::sparkline(burn, model, look, columns.past);
        pen.write(" ", Style::new())
            .column(&drawn, columns.past, "", style(Role::Text));
    }
}

/// What is left in at most six columns. What is not quite all is not called so; a greatly overspent
/// budget has more digits than are worth reading.
fn short_percent(share: f64) -> String {
    let percent = share * 100.0;
    if (99.5..100.0).contains(&percent) {
        return format!("{:.1}%", (percent * 10.0).trunc() / 10.0);
    }
    let text = percent_in_full(share);
    if text.len() < LEFT {
        return text;
    }
    "<-999%".to_owned()
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

/// A burn rate in at most four columns, one decimal where there is room: numbers of a column can be
/// compared at a glance. What is not quite nothing is not called so.
pub fn short_rate(value: f64) -> String {
    match value {
        v if !v.is_finite() => "inf".to_owned(),
        v if v >= 999_500.0 => ">1M".to_owned(),
        v if v >= 9_999.5 => format!("{:.0}k", v / 1_000.0),
        v if v >= 99.95 => format!("{v:.0}"),
        v if v > 0.0 && v < 0.05 => "<0.1".to_owned(),
        v => format!("{v:.1}"),
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
        Verdict::None { last_known: None } if was_calm(burn) => ("?ok".to_owned(), Role::Stale),
        Verdict::None { last_known: None } => ("no data".to_owned(), Role::Warn),
    }
}

/// Whether the last that a lost source said of it is that nothing burns.
fn was_calm(burn: &SloBurn) -> bool {
    let says_no = |state: &ConditionState| state.standing == Standing::Not;
    let is_unknown = |state: &ConditionState| state.standing == Standing::Unknown;
    burn.freshness != Freshness::Fresh
        && burn.measured.blocked.is_none()
        && burn.conditions.iter().any(says_no)
        && !burn.conditions.iter().any(is_unknown)
        && burn.verdict.level().is_none()
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
fn summary(model: &Model, look: &Look, width: u16) -> Vec<(String, Role)> {
    match burns::target(model) {
        Some(burn) => burn::summary(burn, model, look, usize::from(width).saturating_sub(2)),
        None => vec![
            (
                "it was in an earlier answer: its definition, its series or its source is gone"
                    .to_owned(),
                Role::Stale,
            ),
            ("o sorts the rows anew, without it".to_owned(), Role::Dim),
        ],
    }
}

/// An empty list says why it is empty. Nothing known is not nothing there.
fn why_empty(model: &Model) -> (String, Role) {
    let sources = model.knowledge.sources.iter();
    let states: Vec<Freshness> = sources
        .filter(|s| s.kind == SourceKind::Slos)
        .map(|s| s.freshness(model.now))
        .collect();
    let of = |wanted: Freshness| states.iter().filter(move |f| **f == wanted).count();
    let lost = of(Freshness::Failed) + of(Freshness::Stale);
    if !model.board.burns.is_empty() {
        let words = "Nothing here matches the filter. Esc drops it.";
        return (words.to_owned(), Role::Dim);
    }
    if states.is_empty() {
        let words = "No Prometheus is configured, so no SLO is measured. Name one in the config, or \
                     with --prometheus URL.";
        return (words.to_owned(), Role::Warn);
    }
    if of(Freshness::Failed) == states.len() {
        let words = "Nothing is known: no source answers. 8 shows why.";
        return (words.to_owned(), Role::Failed);
    }
    if of(Freshness::Never) > 0 {
        return ("Waiting for the first answers.".to_owned(), Role::Dim);
    }
    if lost > 0 {
        let words = format!(
            "No SLO is known, but {lost} of {} sources cannot be trusted: 8 shows why.",
            states.len()
        );
        return (words, Role::Warn);
    }
    match problems(model) {
        0 => (
            "No SLO is known: no file is named by --slo or [slo] paths, and Prometheus records none \
             that quell knows (Sloth, Pyrra, Grafana SLO)."
                .to_owned(),
            Role::Warn,
        ),
        problems => (
            format!("No SLO is known. Not read: {problems}; 8 shows what is wrong with each."),
            Role::Warn,
        ),
    }
}
