//! Screen 8: what am I blind to?

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::domain::delivery::{DeliveryAnswer, PartState};
use crate::domain::duration::{age_secs, short};
use crate::domain::freshness::Freshness;
use crate::domain::slo_measured::BurnAnswer;
use crate::model::Model;
use crate::model::delivery;
use crate::model::knowledge::{Kept, SourceState};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine, body};

/// A clock further off than this is worth a warning.
const CLOCK_TOLERANCE_SECS: f64 = 5.0;

/// Draws the list and, beside or below it, the selected source.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let area = body(layout, buf.area);
    let list = Rect {
        width: layout.list_columns,
        ..area
    };
    let style = |role| look.theme.style(role);
    let mut y = 0;
    if layout.header_rows > 0 {
        let head = "  source       kind          state        age  took  items  what is wrong";
        Pen::line(buf, list, 0).write(head, style(Role::Dim));
        y = 1;
    }
    let scroll = model.session.sources;
    for at in scroll.window(model.knowledge.sources.len(), layout.height()) {
        row(
            &model.knowledge.sources[at],
            at == scroll.cursor,
            model,
            look,
            list,
            y,
            buf,
        );
        y += 1;
    }
    let Some(source) = model.knowledge.sources.get(scroll.cursor) else {
        return;
    };
    let pane = if list.width < area.width {
        for y in 0..area.height {
            let at = Rect {
                x: area.x + list.width,
                width: 1,
                ..area
            };
            Pen::line(buf, at, y).write(look.glyphs.lines.vertical, style(Role::Border));
        }
        Rect {
            x: area.x + list.width + 2,
            width: area.width.saturating_sub(list.width + 2),
            ..area
        }
    } else {
        let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
        let below = Rect {
            y: area.bottom(),
            height: layout.summary_rows,
            ..area
        };
        Pen::line(buf, below, 0).write(&rule, style(Role::Border));
        Rect {
            x: below.x + 1,
            y: below.y + 1,
            width: below.width.saturating_sub(2),
            height: below.height.saturating_sub(1),
        }
    };
    for (y, line) in about(source, model, pane.width)
        .iter()
        .take(usize::from(pane.height))
        .enumerate()
    {
        let mut pen = Pen::line(buf, pane, u16::try_from(y).unwrap_or(0));
        for (text, role) in line {
            pen.write(text, style(*role));
        }
    }
}

fn row(
    source: &SourceState,
    is_here: bool,
    model: &Model,
    look: &Look,
    area: Rect,
    y: u16,
    buf: &mut Buffer,
) {
    let style = |role| look.theme.style(role);
    let dots = look.glyphs.ellipsis;
    let freshness = source.freshness(model.now);
    let (sign, role) = match freshness {
        Freshness::Fresh => (look.glyphs.check, Role::Fresh),
        Freshness::Stale => ("~", Role::Stale),
        Freshness::Failed => (look.glyphs.cross, Role::Failed),
        Freshness::Never => ("?", Role::Dim),
    };
    let age = source
        .health
        .answered_at
        .map_or_else(|| "-".to_owned(), |at| short(age_secs(at, model.now)));
    let took = source
        .health
        .latency_ms
        .map_or_else(|| "-".to_owned(), took);
    let items = source
        .items()
        .map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut name = style(Role::Text);
    if is_here {
        name = name.add_modifier(Modifier::BOLD);
    }
    let mut pen = Pen::line(buf, area, y);
    pen.write(
        if is_here { look.glyphs.gutter } else { " " },
        style(Role::Title),
    )
    .write(" ", Style::new());
    pen.column(&source.name, 12, dots, name)
        .write(" ", Style::new());
    pen.column(source.kind.word(), 13, dots, style(Role::Dim))
        .write(" ", Style::new());
    pen.column(
        &format!("{sign} {}", freshness.word()),
        8,
        dots,
        style(role),
    );
    pen.right_column(&age, 7, dots, style(Role::Text));
    pen.right_column(&took, 6, dots, style(Role::Text));
    pen.right_column(&items, 7, dots, style(Role::Text));
    let (wrong, role) = match &source.health.error {
        Some(error) => (error.to_string(), Role::Failed),
        None => (not_read(source), Role::Warn),
    };
    let fitted = text::fit(&wrong, pen.left().saturating_sub(2), dots).into_owned();
    pen.write("  ", Style::new()).write(&fitted, style(role));
    if is_here {
        let row = Rect {
            x: area.x + 1,
            y: area.y + y,
            width: area.width.saturating_sub(1),
            height: 1,
        };
        buf.set_style(row.intersection(buf.area), style(Role::Selected));
    }
}

/// At most five columns, one less than there is room for.
fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}ms"),
        1_000..10_000 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100),
        _ => short(ms / 1_000),
    }
}

/// What is known of one source, in lines.
fn about(source: &SourceState, model: &Model, width: u16) -> Vec<StyledLine> {
    let mut page = Page {
        out: Vec::new(),
        width: usize::from(width).max(10),
    };
    // First what is wrong: a small screen has two lines for all of it.
    if let Some(error) = &source.health.error {
        let since = source
            .health
            .failing_since
            .map_or_else(String::new, |t| short(age_secs(t, model.now)));
        let times = match source.health.failures {
            1 => "once".to_owned(),
            n => format!("{n} times in a row"),
        };
        page.add(&format!("{error}, for {since}, {times}"), Role::Failed);
        page.add(
            &format!("next: {}", error.kind.next_step_of(source.kind)),
            Role::Warn,
        );
    }
    page.add(&format!("{}  {}", source.name, source.place), Role::Text);
    let every = format!("asked every {}", short(source.period_secs));
    page.add(&every, Role::Dim);
    match &source.kept {
        Kept::Nothing => page.add("it has not answered yet", Role::Dim),
        Kept::Alertmanager(answer) => {
            let status = &answer.status;
            let text = |t: &Option<crate::domain::text::Untrusted>| {
                t.as_ref()
                    .map_or_else(|| "unknown".to_owned(), |t| t.shown().to_owned())
            };
            page.add(&format!("version {}", text(&status.version)), Role::Dim);
            let peers = status.peers.len();
            let cluster = match &source.cluster {
                Some(name) => format!("cluster {name}, as configured"),
                None => format!("cluster {}, {peers} peers", text(&status.cluster_state)),
            };
            page.add(&cluster, Role::Dim);
            page.add(
                &format!(
                    "{} alerts, {} silences",
                    answer.alerts.len(),
                    answer.silences.len()
                ),
                Role::Text,
            );
            if !source.scope.is_empty() {
                page.add(
                    &format!("only what matches {} is read", source.scope),
                    Role::Warn,
                );
            }
            page.limits(&answer.limits);
        }
        Kept::Prometheus(answer) => {
            let version = answer.version.as_ref().map_or("unknown", |v| v.shown());
            page.add(&format!("version {version}"), Role::Dim);
            let failing = answer
                .rules
                .iter()
                .filter(|r| r.last_error.is_some())
                .count();
            page.add(
                &format!("{} alerting rules, {failing} failing", answer.rules.len()),
                Role::Text,
            );
            if let Some(ahead) = answer
                .clock_ahead_secs
                .filter(|a| a.abs() > CLOCK_TOLERANCE_SECS)
            {
                page.add(
                    &format!("its clock is {ahead:+.0} s off ours: ages may be wrong"),
                    Role::Warn,
                );
            }
            page.limits(&answer.limits);
        }
        Kept::Burn(answer) => burns(&mut page, answer),
        Kept::Delivery(answer) => told(&mut page, source, answer),
        Kept::Runbooks(library) => {
            let commit = library.origin.commit.as_deref().unwrap_or("not in git");
            page.add(
                &format!("{} runbooks, commit {commit}", library.runbooks.len()),
                Role::Text,
            );
            for problem in &library.problems {
                page.add(problem, Role::Warn);
            }
        }
    }
    for blind in model.board.blind.iter().filter(|b| b.source == source.name) {
        page.add(&blind.what, Role::Warn);
    }
    page.out
}

/// What was measured, what is wrong with the files, and what it cost.
fn burns(page: &mut Page, answer: &BurnAnswer) {
    page.add(&format!("{} SLOs", answer.slos.len()), Role::Text);
    let samples = answer.cost.samples.map_or_else(
        || "it does not say how many samples it read".to_owned(),
        |samples| format!("{samples} samples read"),
    );
    page.add(
        &format!("last round: {} queries, {samples}", answer.cost.queries),
        Role::Dim,
    );
    for problem in &answer.problems {
        page.add(&problem.to_string(), Role::Warn);
    }
    page.limits(&answer.limits);
}

/// The parts of an answer that are not read, in few words: what may not be read is not empty.
fn not_read(source: &SourceState) -> String {
    let of = |wanted: fn(&PartState) -> bool| -> Vec<&str> {
        let parts = delivery::parts(source).iter();
        let wanted = parts.filter(|part| wanted(&part.state));
        wanted.map(|part| part.what.shown()).collect()
    };
    let groups = [
        (
            "not permitted",
            of(|s| matches!(s, PartState::NotPermitted(_))),
        ),
        ("failed", of(|s| matches!(s, PartState::Failed(_)))),
        ("last known", of(|s| matches!(s, PartState::LastKnown(_)))),
    ];
    let told = groups.into_iter().filter(|(_, parts)| !parts.is_empty());
    let words: Vec<String> = told
        .map(|(word, parts)| format!("{word}: {}", parts.join(", ")))
        .collect();
    words.join("; ")
}

/// What was told, and each part that could not be read first.
fn told(page: &mut Page, source: &SourceState, answer: &DeliveryAnswer) {
    let (changes, drifts) = (answer.changes.len(), answer.drifts.len());
    let version = answer.version.as_ref();
    let version = version.map(|version| format!(", version {version}"));
    page.add(
        &format!(
            "{changes} changes, {drifts} differences{}",
            version.unwrap_or_default()
        ),
        Role::Text,
    );
    let (mut read, mut absent) = (Vec::new(), Vec::new());
    for part in &answer.parts {
        match &part.state {
            PartState::Read(count) => read.push(format!("{} {count}", part.what)),
            PartState::Absent => absent.push(part.what.shown()),
            PartState::NotPermitted(_) | PartState::LastKnown(_) => {
                page.add(&delivery::in_words(source, part), Role::Warn);
            }
            PartState::Failed(_) => page.add(&delivery::in_words(source, part), Role::Failed),
        }
    }
    page.limits(&answer.limits);
    if !read.is_empty() {
        page.add(&format!("read: {}", read.join(", ")), Role::Dim);
    }
    if !absent.is_empty() {
        page.add(&format!("not installed: {}", absent.join(", ")), Role::Dim);
    }
}

struct Page {
    out: Vec<StyledLine>,
    width: usize,
}

impl Page {
    fn add(&mut self, content: &str, role: Role) {
        for line in text::wrap(content, self.width) {
            self.out.push(vec![(line.into_owned(), role)]);
        }
    }

    fn limits(&mut self, limits: &[crate::domain::text::Untrusted]) {
        for limit in limits {
            self.add(&format!("limit: {limit}"), Role::Warn);
        }
    }
}
