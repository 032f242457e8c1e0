//! Screen 1: what needs me now?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::alert;
use crate::domain::alert::{Alert, Lane, PendingAlert};
use crate::domain::duration::short_age;
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo::SloId;
use crate::domain::slo_burn::{SloBurn, Verdict};
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::burns::{self, Explain};
use crate::model::layout::Layout;
use crate::model::rows::{FoldState, Row, RowId, RowKind, RowPlace, Tab};
use crate::theme::Role;
use crate::view::bars::lane_role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, body};

/// The widths of the columns; zero leaves one out.
#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    service: usize,
    location: usize,
    owner: usize,
    runbook: usize,
    why: usize,
}

/// Whether the selected alert is shown beside the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Detail,
}

impl Columns {
    fn of(width: u16, beside: Beside, tab: Tab) -> Self {
        let width = usize::from(width);
        // Gutter, severity, age and flag take ten, and the last column stays free: a pane may follow.
        let left = width.saturating_sub(11);
        let (service, location, owner, runbook) = match width {
            0..56 => (0, 0, 0, 0),
            56..70 => (14, 0, 0, 0),
            70..96 => (14, 0, 8, 15),
            96..130 => (16, 12, 10, 18),
            _ => (20, 16, 14, 26),
        };
        // The detail names the runbook: beside it the sign is enough, and the name is not cut.
        let runbook = match (beside, runbook) {
            (Beside::Detail, 1..) => 2,
            (_, columns) => columns,
        };
        // Of what is quiet one wants to know why, and until when.
        let (owner, runbook, why) = match (tab, runbook) {
            (Tab::Quiet, 1..) => (0, 0, owner + 1 + runbook.max(15)),
            _ => (owner, runbook, 0),
        };
        let others = [service, location, owner, runbook, why];
        let gaps = others.iter().filter(|w| **w > 0).count();
        let name = left.saturating_sub(others.iter().sum::<usize>() + gaps);
        Self {
            name,
            service,
            location,
            owner,
            runbook,
            why,
        }
    }
}

/// Draws the list and, beside or below it, the selected alert.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let area = body(layout, buf.area);
    let list = Rect {
        width: layout.list_columns,
        ..area
    };
    let beside_it = if list.width < area.width {
        Beside::Detail
    } else {
        Beside::Nothing
    };
    let columns = Columns::of(list.width, beside_it, model.session.triage.tab);
    let mut y = 0;
    if layout.header_rows > 0 {
        header(columns, model.session.triage.tab, look, list, buf);
        y = 1;
    }
    let triage = &model.session.triage;
    if triage.rows.is_empty() {
        empty(model, look, list, y + 1, buf);
    }
    for at in triage.scroll.window(triage.rows.len(), layout.height()) {
        row(
            &triage.rows[at],
            at == triage.scroll.cursor,
            columns,
            model,
            look,
            list,
            y,
            buf,
        );
        y += 1;
    }
    if list.width < area.width {
        beside(model, look, area, list.width, buf);
    } else if layout.summary_rows > 0 {
        let below = Rect {
            y: area.bottom(),
            height: layout.summary_rows,
            ..area
        };
        summary(model, look, below, buf);
    }
}

fn header(columns: Columns, tab: Tab, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = look.theme.style(Role::Dim);
    let mut pen = Pen::line(buf, area, 0);
    pen.write("  s  age  ", style);
    let heads = [
        ("alert", columns.name),
        ("service", columns.service),
        ("where", columns.location),
        ("owner", columns.owner),
        ("runbook", columns.runbook),
        ("why", columns.why),
    ];
    // What pends names its value itself; it has no owner and no runbook yet.
    let shown = if tab == Tab::Pending { 2 } else { heads.len() };
    for (word, width) in heads.into_iter().take(shown) {
        if width > 0 {
            let word = if width < 7 { "" } else { word };
            pen.column(word, width, "", style).write(" ", style);
        }
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "what a row is, how it looks and where it goes"
)]
fn row(
    row: &Row,
    is_selected: bool,
    columns: Columns,
    model: &Model,
    look: &Look,
    area: Rect,
    y: u16,
    buf: &mut Buffer,
) {
    let mut pen = Pen::line(buf, area, y);
    let gutter = if is_selected { look.glyphs.gutter } else { " " };
    let style = if is_selected {
        look.theme.style(Role::Selected)
    } else {
        Style::new()
    };
    pen.write(gutter, look.theme.style(Role::Title))
        .write(" ", Style::new());
    match row.kind {
        RowKind::Alert(at) => {
            let alert = &model.board.alerts[at];
            alert_row(
                alert,
                &Extra::for_row(row, alert, String::new()),
                is_selected,
                columns,
                model,
                look,
                &mut pen,
            );
        }
        RowKind::Fold {
            first,
            count,
            state,
        } => {
            let mark = match state {
                FoldState::Closed => format!(" x{count}"),
                FoldState::Open => format!(" x{count} {}", look.glyphs.down),
            };
            let alert = &model.board.alerts[first];
            alert_row(
                alert,
                &Extra::for_row(row, alert, mark),
                is_selected,
                columns,
                model,
                look,
                &mut pen,
            );
        }
        RowKind::Burn(at) => burn_row(&model.board.burns[at], is_selected, columns, look, &mut pen),
        RowKind::Pending(at) => {
            pending_row(&model.board.pending[at], columns, model, look, &mut pen);
        }
        RowKind::Gone => {
            let text = format!("        {}", gone(row, model));
            let columns = pen.left();
            let style = look.theme.style(Role::Stale);
            pen.column(&text, columns, look.glyphs.ellipsis, style);
        }
    }
    if is_selected {
        let whole = Rect {
            x: area.x + 1,
            y: area.y + y,
            width: area.width.saturating_sub(1),
            height: 1,
        };
        buf.set_style(whole.intersection(buf.area), style);
    }
}

/// Where the alert of a row went that is not in the list any more.
fn gone(row: &Row, model: &Model) -> String {
    if let RowId::Burn(id) = &row.id {
        return burn_gone(id, model);
    }
    let Some(selected) = &model.session.triage.selected else {
        return "gone".to_owned();
    };
    let name = selected.name();
    let mut all = model.board.alerts.iter();
    match all.find(|a| a.is_firing_of(selected.occurrence)) {
        Some(alert) => format!("moved: {name} (now under {})", Tab::of(alert).name()),
        None => format!("gone: {name} (resolved, or nobody has it any more)"),
    }
}

/// Where an SLO went that burnt without an alert. That nothing is known of it is not that it is
/// over.
fn burn_gone(id: &SloId, model: &Model) -> String {
    let Some(burn) = burns::find(&model.board, id) else {
        return format!("gone: {id} is not measured any more");
    };
    let mut unspoken = model.board.burn_rows.iter();
    let is_row = unspoken.any(|at| model.board.burns[*at].id() == id);
    match (burn.lane(), burn.verdict) {
        (Some(lane), _) if is_row => format!("moved: {id} (now under {})", lane.word()),
        (Some(_), _) => format!("gone: an alert speaks of {id} now"),
        (None, Verdict::None { .. }) => format!("gone: {id} has no verdict now"),
        (None, _) => format!("gone: {id} does not burn any more"),
    }
}

/// What a row adds to its alert.
struct Extra<'r> {
    mark: String,
    name: String,
    is_group: bool,
    place: &'r RowPlace,
}

impl<'r> Extra<'r> {
    /// Below its group a row shows what tells it from the others.
    fn for_row(row: &'r Row, alert: &Alert, mark: String) -> Self {
        let name = match &row.place {
            RowPlace::Alone => alert.name().to_owned(),
            RowPlace::Member(telling) => {
                let value =
                    |name: &Untrusted| alert.labels.get(name.raw()).map_or("", |v| v.shown());
                let parts: Vec<String> = telling
                    .iter()
                    .map(|n| format!("{n}={}", value(n)))
                    .collect();
                format!("  {}", parts.join(" "))
            }
        };
        Self {
            is_group: !mark.is_empty(),
            mark,
            name,
            place: &row.place,
        }
    }
}

fn alert_row(
    alert: &Alert,
    extra: &Extra<'_>,
    is_selected: bool,
    columns: Columns,
    model: &Model,
    look: &Look,
    pen: &mut Pen<'_>,
) {
    let dots = look.glyphs.ellipsis;
    let base = if alert.is_last_known() {
        Role::Stale
    } else if alert.is_quiet() {
        Role::StateQuiet
    } else {
        Role::Text
    };
    let style = |role: Role| {
        look.theme
            .style(if base == Role::Text { role } else { base })
    };
    let severity = if alert.place.severity.is_some() {
        lane_role(alert.lane)
    } else {
        Role::SeverityUnknown
    };
    pen.write(alert.lane.letter(), style(severity));
    pen.right_column(
        &short_age(alert.occurrence.starts_at, model.now),
        5,
        dots,
        style(Role::Text),
    );
    let flag = if alert.disagree.is_empty() { " " } else { "!" };
    pen.write(flag, style(Role::Warn)).write(" ", Style::new());
    let mut name_style = style(Role::Text);
    if is_selected {
        name_style = name_style.add_modifier(Modifier::BOLD);
    }
    // Below its group a row repeats nothing: what tells it apart gets the room of the service too.
    let is_member = matches!(extra.place, RowPlace::Member(_));
    let name_columns = match columns.service {
        0 => columns.name,
        service if is_member => columns.name + 1 + service,
        _ => columns.name,
    };
    let room = name_columns.saturating_sub(text::width(&extra.mark));
    let fitted = match extra.place {
        RowPlace::Alone => text::fit(&extra.name, room, dots),
        // The ends of pod names differ, not their beginnings.
        RowPlace::Member(_) => text::fit_middle(&extra.name, room, dots),
    };
    pen.column(
        &format!("{fitted}{}", extra.mark),
        name_columns,
        dots,
        name_style,
    );
    if columns.service > 0 && !is_member {
        let service = alert.place.service.as_ref().map_or("-", |s| s.shown());
        let role = if alert.place.service.is_some() {
            Role::Text
        } else {
            Role::Dim
        };
        pen.write(" ", Style::new())
            .column(service, columns.service, dots, style(role));
    }
    if columns.location > 0 {
        let location = alert.place.location.as_ref().map_or("-", |s| s.shown());
        pen.write(" ", Style::new())
            .column(location, columns.location, dots, style(Role::Dim));
    }
    if columns.owner > 0 {
        let (owner, role) = owner(alert, extra, model);
        pen.write(" ", Style::new())
            .column(&owner, columns.owner, dots, style(role));
    }
    if columns.runbook > 0 {
        let (book, sign, role) = runbook(alert, look);
        // Beside the detail there is room for the sign alone.
        let fitted = text::fit(book, columns.runbook.saturating_sub(2), dots);
        let shown = match fitted.is_empty() {
            true if sign.is_empty() => "-".to_owned(),
            true => sign.to_owned(),
            false => format!("{fitted} {sign}"),
        };
        pen.write(" ", Style::new());
        pen.column(&shown, columns.runbook, dots, style(role));
    }
    if columns.why > 0 {
        let why = alert
            .quiet
            .as_ref()
            .map_or("", |quiet| quiet.because.as_str());
        pen.write(" ", Style::new());
        pen.column(why, columns.why, dots, style(Role::StateQuiet));
    }
}

/// The claim with its age, else the team; a dash is debt.
fn owner(alert: &Alert, extra: &Extra<'_>, model: &Model) -> (String, Role) {
    match (&alert.claim, &alert.place.team) {
        (Some(claim), _) if extra.is_group => (claim.by.shown().to_owned(), Role::Owner),
        (Some(claim), _) => (
            format!("{} {}", claim.by, short_age(claim.since, model.now)),
            Role::Owner,
        ),
        (None, Some(team)) => (team.shown().to_owned(), Role::Dim),
        (None, None) => ("-".to_owned(), Role::Dim),
    }
}

fn runbook<'a>(alert: &'a Alert, look: &Look) -> (&'a str, &'static str, Role) {
    match &alert.runbook {
        None => ("-", "", Role::Dim),
        Some(link) if link.caution.is_some() || alert::is_dirty(link) => {
            (link.id.shown(), look.glyphs.warn, Role::Warn)
        }
        Some(link) => (link.id.shown(), look.glyphs.check, Role::Text),
    }
}

/// What burns without an alert: it has no owner and no runbook of its own.
fn burn_row(burn: &SloBurn, is_selected: bool, columns: Columns, look: &Look, pen: &mut Pen<'_>) {
    let dots = look.glyphs.ellipsis;
    let is_old = burn.freshness != Freshness::Fresh;
    let style = |role: Role| look.theme.style(if is_old { Role::Stale } else { role });
    let lane = burn.lane().unwrap_or(Lane::Info);
    pen.write(lane.letter(), style(lane_role(lane)));
    pen.right_column("burn", 5, dots, style(Role::Text));
    pen.write("  ", Style::new());
    let mut name = style(Role::Text);
    if is_selected {
        name = name.add_modifier(Modifier::BOLD);
    }
    let id = burn.id();
    let fitted = text::fit_middle(&id.to_string(), columns.name, dots).into_owned();
    pen.column(&fitted, columns.name, dots, name);
    if columns.service > 0 {
        let service = id.service.as_ref().map_or("-", |s| s.shown());
        pen.write(" ", Style::new())
            .column(service, columns.service, dots, style(Role::Text));
    }
    let room = pen.left().saturating_sub(2);
    let words = super::burn::in_few(burn, room, look);
    pen.write(" ", Style::new());
    pen.column(&words, room, dots, style(Role::Text));
}

fn pending_row(
    pending: &PendingAlert,
    columns: Columns,
    model: &Model,
    look: &Look,
    pen: &mut Pen<'_>,
) {
    let dots = look.glyphs.ellipsis;
    let label = |name: &str| pending.labels.get(name).map_or("-", |v| v.shown());
    let style = |role| look.theme.style(role);
    pen.write(pending.lane.letter(), style(lane_role(pending.lane)));
    pen.right_column(
        &short_age(pending.active_at, model.now),
        5,
        dots,
        style(Role::Text),
    );
    pen.write("  ", Style::new());
    pen.column(label("alertname"), columns.name, dots, style(Role::Text));
    if columns.service > 0 {
        pen.write(" ", Style::new()).column(
            label("service"),
            columns.service,
            dots,
            style(Role::Text),
        );
    }
    let value = format!(
        " value {} {} {}",
        number::short(pending.value.shown()),
        look.glyphs.dot,
        pending.source
    );
    pen.write(&value, style(Role::Dim));
}

/// An empty list says why it is empty. Nothing known is not all clear.
fn empty(model: &Model, look: &Look, area: Rect, y: u16, buf: &mut Buffer) {
    let triage = &model.session.triage;
    let sources = model
        .knowledge
        .sources
        .iter()
        .filter(|s| s.kind != crate::domain::source::SourceKind::Runbooks);
    let states: Vec<Freshness> = sources.map(|s| s.freshness(model.now)).collect();
    let bad = states
        .iter()
        .filter(|f| matches!(f, Freshness::Failed | Freshness::Stale))
        .count();
    let tab = triage.tab.name().to_lowercase();
    let (text, role) = if states.iter().all(|f| *f == Freshness::Failed) {
        (
            "Nothing is known: no source answers. 8 shows why.".to_owned(),
            Role::Failed,
        )
    } else if states.contains(&Freshness::Never) {
        ("Waiting for the first answers.".to_owned(), Role::Dim)
    } else if !triage.filter.is_empty() {
        (
            "Nothing here matches the filter. Esc drops it.".to_owned(),
            Role::Dim,
        )
    } else if bad > 0 {
        (
            format!(
                "No {tab} known, but {bad} of {} sources cannot be trusted: this is not all clear.",
                states.len()
            ),
            Role::Warn,
        )
    } else {
        let next = Tab::ALL.iter().find(|t| count(model, **t) > 0);
        let lead = next.map_or_else(String::new, |t| {
            format!(
                " Tab leads to {} {}.",
                count(model, *t),
                t.name().to_lowercase()
            )
        });
        (format!("No {tab} alerts.{lead}"), Role::Ok)
    };
    let width = usize::from(area.width).saturating_sub(4);
    for (at, line) in text::wrap(&text, width).iter().enumerate() {
        let row = y + u16::try_from(at).unwrap_or(0);
        Pen::line(buf, area, row)
            .write("  ", Style::new())
            .write(line, look.theme.style(role));
    }
}

fn count(model: &Model, tab: Tab) -> usize {
    let counts = model.board.counts();
    match tab {
        Tab::Page => counts.page,
        Tab::Ticket => counts.ticket,
        Tab::Info => counts.info,
        Tab::Quiet => counts.quiet,
        Tab::Pending => model.board.pending.len(),
    }
}

/// The selected alert, right of the list.
fn beside(model: &Model, look: &Look, area: Rect, list_columns: u16, buf: &mut Buffer) {
    let pane = Rect {
        x: area.x + list_columns + 2,
        width: area.width.saturating_sub(list_columns + 2),
        ..area
    };
    for y in 0..area.height {
        let at = Rect {
            x: area.x + list_columns,
            width: 1,
            ..area
        };
        Pen::line(buf, at, y).write(look.glyphs.lines.vertical, look.theme.style(Role::Border));
    }
    let lines = match (selected(model), selected_burn(model)) {
        (Some(selected), _) => alert::lines(selected, None, model, look, pane.width),
        (None, Some(burn)) => super::burn::about(burn, Explain::Off, model, look, pane.width),
        (None, None) => return,
    };
    for (y, line) in lines.iter().take(usize::from(pane.height)).enumerate() {
        let is_cut = y + 1 == usize::from(pane.height) && lines.len() > y + 1;
        let mut pen = Pen::line(buf, pane, u16::try_from(y).unwrap_or(0));
        if is_cut {
            pen.write("more: enter", look.theme.style(Role::Dim));
            continue;
        }
        for (text, role) in line {
            pen.write(text, look.theme.style(*role));
        }
    }
}

fn selected(model: &Model) -> Option<&Alert> {
    match model.session.triage.row()?.kind {
        RowKind::Pending(_) | RowKind::Burn(_) => None,
        _ => crate::model::available::target(model),
    }
}

/// The SLO of the selected row, also when it burns no more.
fn selected_burn(model: &Model) -> Option<&SloBurn> {
    match &model.session.triage.row()?.id {
        RowId::Burn(id) => burns::find(&model.board, id),
        _ => None,
    }
}

/// Two lines below a narrow list: what it says, and how far that may be trusted.
fn summary(model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
    Pen::line(buf, area, 0).write(&rule, look.theme.style(Role::Border));
    let width = usize::from(area.width).saturating_sub(2);
    let lines = match (
        selected(model),
        model.session.triage.row().map(|row| row.kind),
    ) {
        (Some(selected), Some(RowKind::Gone)) => {
            let gone = |(text, _)| (format!("last seen: {text}"), Role::Stale);
            alert::summary(selected, model, look)
                .into_iter()
                .map(gone)
                .collect()
        }
        (Some(selected), _) => alert::summary(selected, model, look),
        (None, Some(RowKind::Pending(at))) => about_pending(&model.board.pending[at], look),
        (None, _) => match selected_burn(model) {
            Some(burn) => super::burn::summary(burn, model, look, width),
            None => return,
        },
    };
    for (y, (text, role)) in lines.into_iter().take(2).enumerate() {
        let fitted = text::fit(&text, width, look.glyphs.ellipsis).into_owned();
        let mut pen = Pen::line(buf, area, 1 + u16::try_from(y).unwrap_or(0));
        pen.write(" ", Style::new())
            .write(&fitted, look.theme.style(role));
    }
}

/// What is known of an alert that does not fire yet.
fn about_pending(pending: &PendingAlert, look: &Look) -> Vec<(String, Role)> {
    let labels = pending
        .labels
        .iter()
        .filter(|(name, _)| name.raw() != "alertname");
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let dot = look.glyphs.dot;
    let when = format!(
        "its rule holds, but not for long enough yet {dot} would be a {} {dot} from {}",
        pending.lane.word(),
        pending.source
    );
    vec![(labels.join(" "), Role::Text), (when, Role::Dim)]
}
