//! Everything that is known of one SLO: below the list, beside an alert, and as wide as the screen.

use ratatui::buffer::Buffer;

use super::burns::{bar, budget_role, level_role, short_rate, verdict};
use crate::domain::burn::{Exhaustion, burn_rate};
use crate::domain::burn_explain::{lasting, percent, standing, steps};
use crate::domain::duration::{exact, short, short_age};
use crate::domain::number;
use crate::domain::observed::Sample;
use crate::domain::slo::{BudgetMethod, BudgetWindow};
use crate::domain::slo_burn::{RECENT_SECS, SloBurn, Standing, Verdict};
use crate::model::Model;
use crate::model::burns::{self, Explain, Said};
use crate::model::layout::Layout;
use crate::theme::Role;
use crate::view::widgets::chart::{self, Extent};
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine, body};

/// The width of the names before their facts.
const NAMES: usize = 11;

/// The height of a chart.
const CHART_ROWS: usize = 8;

/// A bound below this share of the burn is worth a word: the sample is small.
const SMALL_SAMPLE: f64 = 0.7;

/// Draws the opened SLO.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let Some(opened) = &model.session.burn.opened else {
        return;
    };
    let area = body(layout, buf.area);
    let lines = lines(model, look, area.width);
    for (y, at) in opened
        .scroll
        .window(lines.len(), layout.height())
        .enumerate()
    {
        let mut pen = Pen::line(buf, area, u16::try_from(y).unwrap_or(0));
        for (text, role) in &lines[at] {
            pen.write(text, look.theme.style(*role));
        }
    }
}

/// What is burning, in a few words: `14.6x over 1h, 21x over 5m`.
pub fn rates(burn: &SloBurn) -> String {
    let over = |secs: u64| {
        Some(format!(
            "{}x over {}",
            short_rate(burn.burn(secs)?),
            exact(secs)
        ))
    };
    let known: Vec<String> = [RECENT_SECS, 300].into_iter().filter_map(over).collect();
    if known.is_empty() {
        return "no burn known".to_owned();
    }
    known.join(", ")
}

/// What is left, in a few words: `38% left, gone in 19h`.
pub fn left(burn: &SloBurn) -> String {
    let budget = match &burn.budget.known {
        Err(why) => return format!("budget unknown: {why}"),
        Ok(budget) => budget,
    };
    let lasts = match burn.budget.exhaustion {
        None => String::new(),
        Some(Exhaustion::Spent) => ", spent".to_owned(),
        Some(Exhaustion::Never) => ", not going".to_owned(),
        Some(Exhaustion::Lasts(_)) => ", lasts its period".to_owned(),
        Some(lasts) => format!(", gone in {}", lasting(lasts)),
    };
    format!("{} left{lasts}", percent(budget.remaining))
}

/// The lines below a list.
pub fn summary(burn: &SloBurn, model: &Model, look: &Look, width: usize) -> Vec<(String, Role)> {
    let dot = format!(" {} ", look.glyphs.dot);
    let mut first = vec![rates(burn), left(burn)];
    if let Some(sample) = small_sample(burn) {
        first.push(sample);
    }
    let mut lines = vec![(first.join(&dot), Role::Text)];
    match &burn.reason {
        Some(why) => {
            let last = match burn.verdict {
                Verdict::None {
                    last_known: Some(level),
                } => format!("; last known: {}", level.word()),
                _ => String::new(),
            };
            lines.push((format!("{why}{last}"), Role::Warn));
        }
        None => {
            let fired: Vec<String> = burn.fired().map(|c| c.condition.name.clone()).collect();
            let said = if fired.is_empty() {
                "nothing fires".to_owned()
            } else {
                format!("fires: {}", fired.join(", "))
            };
            let objective = promise(burn);
            lines.push((
                format!("{objective}{dot}policy {}{dot}{said}", burn.policy),
                Role::Dim,
            ));
        }
    }
    if let Some(by_time) = &burn.budget.by_time {
        let words = format!(
            "by time {} would be left: the recording takes quiet hours for busy ones",
            percent(by_time.remaining)
        );
        lines.push((words, Role::Warn));
    }
    let span = model.session.burn.span.word();
    let drawn = sparkline(burn, model, look, width.saturating_sub(24).min(72));
    lines.push((
        format!("{span} {drawn} {}", past_words(burn, model)),
        Role::Text,
    ));
    lines
}

/// What one may say of a burn by few events.
fn small_sample(burn: &SloBurn) -> Option<String> {
    let (raw, proven) = (burn.burn(RECENT_SECS)?, burn.guarded_burn()?);
    if raw <= 0.0 || proven >= raw * SMALL_SAMPLE {
        return None;
    }
    let counts = burn.window(RECENT_SECS)?.reading.as_ref().ok()?.counts?;
    Some(format!(
        "few events: {} of {} prove {}x",
        number::of(counts.bad.round()),
        number::of(counts.total.round()),
        short_rate(proven)
    ))
}

/// `99.9% over 30d`
fn promise(burn: &SloBurn) -> String {
    let slo = &burn.measured.slo;
    let objective = format!("{:.4}", slo.objective * 100.0);
    let objective = objective.trim_end_matches('0').trim_end_matches('.');
    let window = match slo.window {
        BudgetWindow::Rolling { secs } => format!("over {}", exact(secs)),
        BudgetWindow::Calendar(calendar) => match &burn.measured.period {
            Some(own) => {
                let zone = calendar.zone.0;
                let day = |at: chrono::DateTime<chrono::Utc>| {
                    at.with_timezone(&zone).format("%-d %b").to_string()
                };
                format!(
                    "from {} to {} ({})",
                    day(own.period.start),
                    day(own.period.end),
                    zone.name()
                )
            }
            None => "by the calendar".to_owned(),
        },
    };
    let method = match slo.method {
        BudgetMethod::Occurrences => String::new(),
        BudgetMethod::Timeslices { slice_secs, .. } => {
            format!(", in slices of {}", exact(slice_secs))
        }
        BudgetMethod::RatioTimeslices { slice_secs } => {
            format!(", mean of slices of {}", exact(slice_secs))
        }
    };
    format!("{objective}% {window}{method}")
}

/// The burn over 5 minutes at each point of the past.
fn past(burn: &SloBurn, model: &Model) -> Option<Vec<Sample>> {
    let session = &model.session.burn;
    let Said::Ratios(ratios) = session.past.of(burn.id(), session.span)? else {
        return None;
    };
    let objective = burn.measured.slo.objective;
    Some(
        ratios
            .iter()
            .map(|(at, ratio)| (*at, burn_rate(*ratio, objective)))
            .collect(),
    )
}

fn extent(model: &Model) -> Extent {
    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds since the epoch, and a span of days"
    )]
    let (to, length) = (
        model.now.timestamp() as f64,
        model.session.burn.span.secs() as f64,
    );
    Extent {
        from: to - length,
        to,
    }
}

/// The greatest burn, at least one: a calm line must not look like a mountain.
fn top_of(samples: &[Sample]) -> f64 {
    let finite = samples.iter().map(|(_, v)| *v).filter(|v| v.is_finite());
    finite.fold(1.0, f64::max)
}

/// The past in one line. Empty while nothing is known.
pub fn sparkline(burn: &SloBurn, model: &Model, look: &Look, columns: usize) -> String {
    let Some(samples) = past(burn, model) else {
        return String::new();
    };
    chart::levels(
        &samples,
        extent(model),
        columns,
        top_of(&samples),
        look.glyphs,
    )
}

fn past_words(burn: &SloBurn, model: &Model) -> String {
    let session = &model.session.burn;
    match session.past.of(burn.id(), session.span) {
        None | Some(Said::Asked) => "asking for the past".to_owned(),
        Some(Said::Failed(why)) => format!("no past: {why}"),
        Some(Said::Ratios(samples)) if samples.is_empty() => "no past is known".to_owned(),
        Some(Said::Ratios(_)) => {
            let most =
                past(burn, model).map_or(0.0, |s| s.iter().map(|(_, v)| *v).fold(0.0, f64::max));
            format!("up to {}x", short_rate(most))
        }
    }
}

/// All lines of the opened SLO.
pub fn lines(model: &Model, look: &Look, width: u16) -> Vec<StyledLine> {
    let Some(opened) = &model.session.burn.opened else {
        return Vec::new();
    };
    let mut page = Page {
        out: Vec::new(),
        width: usize::from(width).max(20),
        dots: look.glyphs.ellipsis,
    };
    let Some(burn) = burns::find(&model.board, &opened.id) else {
        page.text("gone: it is not measured any more", Role::Stale);
        return page.out;
    };
    head(&mut page, burn, look);
    windows(&mut page, burn, look);
    conditions(&mut page, burn);
    chart_of(&mut page, burn, model, look);
    for caution in &burn.measured.slo.cautions {
        page.fact("Caution", caution.shown(), Role::Warn);
    }
    page.gap();
    match opened.explain {
        Explain::Off => page.text(
            "e explains every number: its query, its inputs, its formula",
            Role::Dim,
        ),
        Explain::On => explain(&mut page, burn),
    }
    page.out
}

fn head(page: &mut Page, burn: &SloBurn, look: &Look) {
    let slo = &burn.measured.slo;
    let (word, role) = verdict(burn);
    let service = slo.id.service.as_ref().map_or("no service", |s| s.shown());
    page.fact(
        &word,
        &format!("{} {} {service}", slo.id, look.glyphs.dot),
        role,
    );
    if let Some(summary) = &slo.summary {
        page.fact("", summary.shown(), Role::Dim);
    }
    if let Some(why) = &burn.reason {
        page.fact("Why", why, Role::Warn);
    }
    page.fact("Promise", &promise(burn), Role::Text);
    let from = format!("{}, {}", burn.source, burn.freshness.word());
    page.fact("Measured", &from, Role::Dim);
    for origin in &slo.origins {
        page.fact("", &origin.to_string(), Role::Dim);
    }
    page.gap();
    match &burn.budget.known {
        Err(why) => page.fact("Budget", &format!("unknown: {why}"), Role::Warn),
        Ok(budget) => {
            let drawn = bar(budget.remaining, 24, look);
            let basis = burn
                .measured
                .period
                .as_ref()
                .map_or("-", |p| p.measured.basis.word());
            let words = format!("{drawn} {} {} by {basis}", left(burn), look.glyphs.dot);
            page.fact("Budget", &words, budget_role(Some(budget.remaining)));
            if let Some(elapsed) = budget.elapsed {
                let words = format!(
                    "spent {} with {} of the period gone",
                    percent(budget.consumed),
                    percent(elapsed)
                );
                page.fact("", &words, Role::Text);
            }
        }
    }
    if let Some(by_time) = &burn.budget.by_time {
        let words = format!(
            "by time {} left: the recording's mean counts a quiet slice like a busy one",
            percent(by_time.remaining)
        );
        page.fact("", &words, Role::Warn);
    }
    if let Some(sample) = small_sample(burn) {
        page.fact("", &format!("{sample} (95% bound)"), Role::Warn);
    }
}

fn windows(page: &mut Page, burn: &SloBurn, look: &Look) {
    page.gap();
    let mut name = "Burn";
    for measured in burn.windows() {
        let window = text::pad_left(&exact(measured.secs), 5, look.glyphs.ellipsis);
        let (words, role) = match &measured.reading {
            Err(why) => (why.to_string(), Role::Warn),
            Ok(reading) => {
                let rate = burn_rate(reading.ratio, burn.measured.slo.objective);
                let counts = match reading.counts {
                    None => "a recorded ratio".to_owned(),
                    Some(c) => format!("{} bad of {}", number::of(c.bad), number::of(c.total)),
                };
                let age = short_age(measured.at, burn.at);
                (
                    format!("{:>6}x   {counts}, read {age} ago", short_rate(rate)),
                    Role::Text,
                )
            }
        };
        page.fact(name, &format!("{window} {words}"), role);
        name = "";
    }
}

fn conditions(page: &mut Page, burn: &SloBurn) {
    page.gap();
    page.fact("Policy", &burn.policy, Role::Text);
    for state in &burn.conditions {
        let condition = &state.condition;
        let sign = condition.comparison.sign();
        let threshold = number::of(state.threshold);
        let terms: Vec<String> = state
            .burns
            .iter()
            .map(|(secs, value)| {
                let value = value.map_or_else(|| "?".to_owned(), short_rate);
                format!("{} {value} {sign} {threshold}", exact(*secs))
            })
            .collect();
        let role = match state.standing {
            Standing::Fires => level_role(condition.level),
            Standing::Unknown | Standing::Unreachable | Standing::Holds { .. } => Role::Warn,
            Standing::Not => Role::Dim,
        };
        let stands = standing(state.standing, condition.for_secs, burn.at);
        let words = format!(
            "{} ({}): {}: {stands}",
            condition.name,
            condition.level.word(),
            terms.join(" and ")
        );
        page.fact("", &words, role);
    }
}

fn chart_of(page: &mut Page, burn: &SloBurn, model: &Model, look: &Look) {
    const AXIS: usize = 8;
    page.gap();
    let span = model.session.burn.span;
    let title = format!(
        "5m burn over {}, {}; t: over {}",
        span.word(),
        past_words(burn, model),
        span.other().word()
    );
    page.fact("Past", &title, Role::Dim);
    let Some(samples) = past(burn, model).filter(|s| !s.is_empty()) else {
        return;
    };
    let loudest = burn
        .conditions
        .iter()
        .map(|c| c.threshold)
        .filter(|t| t.is_finite());
    let bound = loudest.fold(1.0, f64::max);
    let top = top_of(&samples)
        .min(bound * 4.0)
        .max(bound.min(top_of(&samples) * 4.0))
        .max(1.0);
    let columns = page.width.saturating_sub(AXIS + 3).min(120);
    let drawn = chart::lines(
        &samples,
        extent(model),
        (columns, CHART_ROWS),
        top,
        look.glyphs.dots,
    );
    let mut labels: Vec<Option<(String, Role)>> = vec![None; CHART_ROWS];
    for state in &burn.conditions {
        if let Some(line) = chart::line_of(state.threshold, top, CHART_ROWS) {
            labels[line] = Some((
                format!("{}x", short_rate(state.threshold)),
                level_role(state.condition.level),
            ));
        }
    }
    labels[0].get_or_insert((format!("{}x", short_rate(top)), Role::Dim));
    labels[CHART_ROWS - 1].get_or_insert(("0".to_owned(), Role::Dim));
    for (label, line) in labels.into_iter().zip(drawn) {
        let (label, role) = label.unwrap_or((String::new(), Role::Dim));
        page.out.push(vec![
            (text::pad_left(&label, AXIS, page.dots), role),
            (format!(" {}", look.glyphs.lines.vertical), Role::Border),
            (line, Role::Text),
        ]);
    }
    let ago = format!("{:>AXIS$}  {} ago", "", span.word());
    let gap = columns.saturating_sub(text::width(&ago).saturating_sub(AXIS + 2) + 3);
    page.out
        .push(vec![(format!("{ago}{}now", " ".repeat(gap)), Role::Dim)]);
}

fn explain(page: &mut Page, burn: &SloBurn) {
    for step in steps(burn) {
        page.text(&format!("{} = {}", step.name, step.result), Role::Strong);
        if let Some(formula) = &step.formula {
            page.text(&format!("  {formula}"), Role::Text);
        }
        if let Some(query) = &step.query {
            page.text(&format!("  {query}"), Role::Code);
        }
        if let Some(at) = step.at {
            page.text(
                &format!("  at {}", at.format("%Y-%m-%d %H:%M:%SZ")),
                Role::Dim,
            );
        }
        page.gap();
    }
    page.text(&format!("period {}", short_period(burn)), Role::Dim);
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds of a period"
)]
fn short_period(burn: &SloBurn) -> String {
    short(burn.budget.period_secs.max(0.0) as u64)
}

/// Lines that grow downwards within a width.
struct Page {
    out: Vec<StyledLine>,
    width: usize,
    dots: &'static str,
}

impl Page {
    fn text(&mut self, content: &str, role: Role) {
        let lead = content.len() - content.trim_start().len();
        let room = self.width.saturating_sub(lead + 2);
        for line in text::wrap(content.trim_start(), room) {
            self.out
                .push(vec![(format!(" {}{line}", " ".repeat(lead)), role)]);
        }
    }

    fn fact(&mut self, name: &str, content: &str, role: Role) {
        let room = self.width.saturating_sub(NAMES + 2);
        for (at, line) in text::wrap(content, room).iter().enumerate() {
            let name = text::pad_right(if at == 0 { name } else { "" }, NAMES, self.dots);
            self.out.push(vec![
                (format!(" {name}"), Role::Dim),
                (line.to_string(), role),
            ]);
        }
    }

    fn gap(&mut self) {
        self.out.push(Vec::new());
    }
}
