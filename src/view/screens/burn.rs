//! Everything that is known of one SLO: below the list, beside an alert, and as wide as the screen.

use ratatui::buffer::Buffer;

use super::burn_past::{self, past_words};
use super::burn_words::{basis, by_time, counted, next_step, promise, small_sample, why};
use super::burns::{bar, budget_role, level_role, short_rate, verdict};
use crate::domain::burn::burn_rate;
use crate::domain::burn_explain::{percent, relation, standing, steps};
use crate::domain::duration::{exact, short_age};
use crate::domain::freshness::Freshness;
use crate::domain::number;
use crate::domain::slo_burn::{ConditionState, SloBurn, Standing, Verdict};
use crate::domain::slo_measured::{Measured, NoData, Reading, refresh_secs};
use crate::model::Model;
use crate::model::burns::{self, Explain};
use crate::model::layout::Layout;
use crate::model::session::Screen;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine, body};

pub use super::burn_past::{marks, sparkline};
pub use super::burn_words::{gone_in, in_few, left, rates};

/// The width of the names before their facts.
const NAMES: usize = 9;

/// The width of a window's name.
const WINDOW: usize = 4;

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

/// The lines below a list, the most important first.
pub fn summary(burn: &SloBurn, model: &Model, look: &Look, width: usize) -> Vec<(String, Role)> {
    let dot = format!(" {} ", look.glyphs.dot);
    let mut first = vec![rates(burn)];
    first.push(match &burn.budget.known {
        Err(why) if burn.reason.as_ref() == Some(why) => "budget unknown".to_owned(),
        _ => left(burn),
    });
    first.extend(small_sample(burn));
    let mut lines = vec![(first.join(&dot), Role::Text)];
    lines.extend(why(burn).map(|why| (why, Role::Warn)));
    lines.extend(next_step(burn).map(|step| (format!("next: {step}"), Role::Text)));
    lines.extend(by_time(burn).map(|words| (words, Role::Warn)));
    let mut terms = Vec::new();
    if !matches!(burn.verdict, Verdict::None { last_known: None }) {
        let fired: Vec<&str> = burn.fired().map(|c| &*c.condition.name).collect();
        terms.push(match fired.as_slice() {
            [] => "nothing fires".to_owned(),
            fired => format!("fires: {}", fired.join(", ")),
        });
    }
    terms.push(format!("policy {}", burn.policy));
    terms.push(promise(burn));
    if burn.measured.period.is_some() {
        terms.push(format!("by {}", basis(burn)));
    }
    lines.push((terms.join(&dot), Role::Dim));
    let span = model.session.burn.span.word();
    let said = past_words(burn, model);
    let room = width.saturating_sub(span.len() + text::width(&said) + 2);
    let drawn = sparkline(burn, model, look, room.min(72));
    let words = [span, drawn.as_str(), said.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|w| !w.is_empty()).collect();
    lines.push((words.join(" "), Role::Dim));
    lines
}

/// All lines of the opened SLO.
pub fn lines(model: &Model, look: &Look, width: u16) -> Vec<StyledLine> {
    let Some(opened) = &model.session.burn.opened else {
        return Vec::new();
    };
    match burns::find(&model.board, &opened.id) {
        Some(burn) => about(burn, opened.explain, model, look, width),
        None => vec![vec![(
            " gone: it is not measured any more; esc leads back".to_owned(),
            Role::Stale,
        )]],
    }
}

/// All lines of one SLO at a width.
pub fn about(
    burn: &SloBurn,
    explain: Explain,
    model: &Model,
    look: &Look,
    width: u16,
) -> Vec<StyledLine> {
    let mut page = Page {
        out: Vec::new(),
        width: usize::from(width).max(20),
        dots: look.glyphs.ellipsis,
        is_old: burn.freshness != Freshness::Fresh || burn.measured.blocked.is_some(),
    };
    head(&mut page, burn, look);
    match explain {
        Explain::Off => {
            budget(&mut page, burn, look);
            windows(&mut page, burn);
            conditions(&mut page, burn);
            past(&mut page, burn, model, look);
            origins(&mut page, burn);
        }
        Explain::On => explained(&mut page, burn),
    }
    page.out
}

fn head(page: &mut Page, burn: &SloBurn, look: &Look) {
    let slo = &burn.measured.slo;
    let (word, role) = verdict(burn);
    let word = format!(" {word}  ");
    let service = slo.id.service.as_ref().map_or("no service", |s| s.shown());
    let service = format!(" {} {service}", look.glyphs.dot);
    let room = page.width.saturating_sub(text::width(&word) + 1);
    // The name is worth more than the service, which it often begins with.
    let name = text::fit_middle(&slo.id.to_string(), room, page.dots).into_owned();
    let room = room.saturating_sub(text::width(&name));
    let service = text::fit(&service, room, page.dots).into_owned();
    page.out.push(vec![
        (word, role),
        (name, Role::Strong),
        (service, Role::Text),
    ]);
    if let Some(summary) = &slo.summary {
        page.text(summary.shown(), Role::Dim);
    }
    if let Some(why) = why(burn) {
        page.text(&why, Role::Warn);
    }
    if let Some(step) = next_step(burn) {
        page.text(&format!("next: {step}"), Role::Text);
    }
    let terms = [promise(burn), format!("policy {}", burn.policy)];
    page.text(&terms.join(&format!(" {} ", look.glyphs.dot)), Role::Dim);
}

fn budget(page: &mut Page, burn: &SloBurn, look: &Look) {
    page.gap();
    match &burn.budget.known {
        Err(why) if burn.reason.as_ref() == Some(why) => {
            page.fact("Budget", "unknown for the same reason", Role::Warn);
        }
        Err(why) => page.fact("Budget", &format!("unknown: {why}"), Role::Warn),
        Ok(budget) => {
            let role = page.aged(budget_role(Some(budget.remaining)));
            let words = format!("{} {} by {}", left(burn), look.glyphs.dot, basis(burn));
            let drawn = bar(budget.remaining, 24, look);
            let with_bar = format!("{drawn} {words}");
            // Half a bar tells less than none.
            let fits = text::width(&with_bar) <= page.room();
            page.fact("Budget", if fits { &with_bar } else { &words }, role);
            if let Some(elapsed) = budget.elapsed {
                let words = format!(
                    "{} spent with {} of the period gone",
                    percent(budget.consumed),
                    percent(elapsed)
                );
                page.fact("", &words, page.aged(Role::Text));
            }
        }
    }
    if let Some(words) = by_time(burn) {
        page.fact("", &words, Role::Warn);
    }
    if let Some(sample) = small_sample(burn) {
        page.fact("", &format!("{sample} (95% bound)"), Role::Warn);
    }
}

fn windows(page: &mut Page, burn: &SloBurn) {
    let read = burn
        .windows()
        .filter_map(|m| m.reading.as_ref().ok().map(|r| (m, r)));
    let widest = read.map(|(m, r)| text::width(&in_full(m, r, burn))).max();
    let fits = widest.is_none_or(|width| WINDOW + 1 + width <= page.room());
    let mut name = "Burn";
    let mut before: Option<&NoData> = None;
    for measured in burn.windows() {
        if !name.is_empty() {
            page.gap();
        }
        let window = text::pad_left(&exact(measured.secs), WINDOW, page.dots);
        let (words, role) = match &measured.reading {
            // Of eight windows that fail alike, one says it all.
            Err(why) if before == Some(why) => ("     -   the same".to_owned(), Role::Warn),
            Err(why) => (format!("     -   {why}"), Role::Warn),
            Ok(reading) => {
                let role = page.aged(age(measured, burn).1);
                if fits {
                    (in_full(measured, reading, burn), role)
                } else {
                    (in_short(measured, reading, burn), role)
                }
            }
        };
        before = measured.reading.as_ref().err();
        page.fact(name, &format!("{window} {words}"), role);
        name = "";
    }
}

fn in_full(measured: &Measured, reading: &Reading, burn: &SloBurn) -> String {
    let slo = &burn.measured.slo;
    let rate = short_rate(burn_rate(reading.ratio, slo.objective));
    let counts = reading
        .counts
        .map_or("as recorded".to_owned(), |c| counted(slo, c));
    let (age, _) = age(measured, burn);
    format!("{rate:>6}x  {counts}, {age}")
}

/// Without the age, unless it is too great.
fn in_short(measured: &Measured, reading: &Reading, burn: &SloBurn) -> String {
    let rate = short_rate(burn_rate(reading.ratio, burn.measured.slo.objective));
    let counts = reading.counts.map_or("as recorded".to_owned(), |c| {
        format!("{}/{}", number::of(c.bad), number::of(c.total))
    });
    match age(measured, burn) {
        (age, Role::Stale) => format!("{rate:>5}x {counts}, {age}"),
        _ => format!("{rate:>5}x {counts}"),
    }
}

/// How old a reading is; one that should have been renewed long ago is not the present.
fn age(measured: &Measured, burn: &SloBurn) -> (String, Role) {
    let age = short_age(measured.at, burn.at);
    if burn.freshness != Freshness::Fresh {
        return (format!("{age} ago"), Role::Stale);
    }
    let overdue = 3 * refresh_secs(measured.secs);
    if (burn.at - measured.at).num_seconds() > i64::try_from(overdue).unwrap_or(i64::MAX) {
        return (format!("overdue, read {age} ago"), Role::Stale);
    }
    (format!("{age} ago"), Role::Text)
}

fn conditions(page: &mut Page, burn: &SloBurn) {
    page.gap();
    if burn.conditions.is_empty() {
        let words = format!("{} has no condition", burn.policy);
        page.fact("Policy", &words, Role::Warn);
    }
    let rows: Vec<_> = burn
        .conditions
        .iter()
        .map(|s| (s, terms(s, burn)))
        .collect();
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let names = widest(&mut rows.iter().map(|(s, _)| text::width(&s.condition.name)));
    let facts = widest(&mut rows.iter().map(|(_, terms)| text::width(terms)));
    let fits = names + facts + 2 + 6 + 2 + 2 + "does not fire".len() <= page.room();
    let mut name = "Policy";
    for (state, terms) in rows {
        let condition = &state.condition;
        let role = page.aged(match state.standing {
            Standing::Fires => level_role(condition.level),
            Standing::Unknown | Standing::Unreachable | Standing::Holds { .. } => Role::Warn,
            Standing::Not => Role::Dim,
        });
        let level = condition.level.word();
        let stands = standing(state.standing, condition.for_secs, burn.at);
        if fits {
            let named = text::pad_right(&condition.name, names, page.dots);
            let terms = text::pad_right(&terms, facts, page.dots);
            page.fact(
                name,
                &format!("{named}  {level:6}  {terms}  {stands}"),
                role,
            );
        } else {
            let words = format!("{} ({level}) {stands}", condition.name);
            page.fact(name, &words, role);
            page.fact("", &terms, role);
        }
        name = "";
    }
}

/// `1h 14.6 > 14.4, 5m 21 > 14.4`
fn terms(state: &ConditionState, burn: &SloBurn) -> String {
    let condition = &state.condition;
    let threshold = number::of(state.threshold);
    let term = |(secs, value): &(u64, Option<f64>)| {
        let (value, sign) = match value {
            None => ("?".to_owned(), condition.comparison.sign()),
            Some(value) => (
                number::of(*value),
                relation(condition, *value, burn.budget.period_secs),
            ),
        };
        format!("{} {value} {sign} {threshold}", exact(*secs))
    };
    let terms: Vec<String> = state.burns.iter().map(term).collect();
    terms.join(", ")
}

fn past(page: &mut Page, burn: &SloBurn, model: &Model, look: &Look) {
    page.gap();
    let span = model.session.burn.span;
    let mut title = format!("{}, 5m burn: {}", span.word(), past_words(burn, model));
    if model.session.screen == Screen::Burn {
        title = format!("{title} (t: {})", span.other().word());
    }
    page.fact("Past", &title, Role::Dim);
    let width = page.width;
    let role = page.aged(Role::Text);
    page.out
        .extend(burn_past::chart(burn, model, look, width, role));
    let mut name = "Changes";
    for words in burn_past::changes(burn, model, look) {
        page.fact(name, &words, Role::Text);
        name = "";
    }
}

fn origins(page: &mut Page, burn: &SloBurn) {
    page.gap();
    for caution in &burn.measured.slo.cautions {
        page.fact("Caution", caution.shown(), Role::Warn);
    }
    let by = format!("by {}, {}", burn.source, burn.freshness.word());
    let role = page.aged(Role::Dim);
    page.fact("Measured", &by, role);
    let mut name = "From";
    for origin in &burn.measured.slo.origins {
        page.fact(name, &origin.to_string(), Role::Dim);
        name = "";
    }
}

fn explained(page: &mut Page, burn: &SloBurn) {
    for step in steps(burn) {
        page.gap();
        page.text(&format!("{} = {}", step.name, step.result), Role::Strong);
        if let Some(formula) = &step.formula {
            page.text(&format!("  {formula}"), Role::Text);
        }
        if let Some(query) = &step.query {
            // It may have been written by anybody.
            let query = crate::domain::text::shown(query);
            page.text(&format!("  {query}"), Role::Code);
        }
        if let Some(at) = step.at {
            let at = at.format("%Y-%m-%d %H:%M:%SZ");
            page.text(&format!("  at {at}"), Role::Dim);
        }
    }
}

/// Lines that grow downwards within a width.
struct Page {
    out: Vec<StyledLine>,
    width: usize,
    dots: &'static str,
    is_old: bool,
}

impl Page {
    /// The last known does not look like the present, nor do numbers that cannot be trusted.
    fn aged(&self, role: Role) -> Role {
        if self.is_old { Role::Stale } else { role }
    }

    /// Columns for a fact.
    fn room(&self) -> usize {
        self.width.saturating_sub(NAMES + 2)
    }

    fn text(&mut self, content: &str, role: Role) {
        let lead = content.len() - content.trim_start().len();
        let room = self.width.saturating_sub(lead + 2);
        for line in text::wrap(content.trim_start(), room) {
            self.out
                .push(vec![(format!(" {}{line}", " ".repeat(lead)), role)]);
        }
    }

    fn fact(&mut self, name: &str, content: &str, role: Role) {
        for (at, line) in text::wrap(content, self.room()).iter().enumerate() {
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
