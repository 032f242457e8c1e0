//! Everything that is known of one alert: beside the list, and as wide as the screen.

use ratatui::buffer::Buffer;

use super::before::{self, Depth};
use crate::domain::alert::{Alert, Currency, Sighting};
use crate::domain::claim::Occurrence;
use crate::domain::duration::short_age;
use crate::domain::number;
use crate::domain::observed::QueryAnswer;
use crate::domain::runbook::Version;
use crate::domain::runbook_match::RunbookLink;
use crate::domain::text::Untrusted;
use crate::model::Model;
use crate::model::actions;
use crate::model::layout::Layout;
use crate::model::session::History;
use crate::theme::Role;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine, body};

/// The width of the names before their facts.
const NAMES: usize = 9;

/// Draws the opened alert.
pub fn draw(model: &Model, look: &Look, layout: Layout, buf: &mut Buffer) {
    let Some(detail) = &model.session.triage.detail else {
        return;
    };
    let area = body(layout, buf.area);
    let lines = lines(
        &detail.alert,
        Some(&detail.history),
        model,
        look,
        area.width,
    );
    for (y, at) in detail
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

/// Whether the text at hand is not the one of its commit.
pub fn is_dirty(link: &RunbookLink) -> bool {
    matches!(link.version, Version::Git { dirty: true, .. })
}

/// The two lines that matter most, for a narrow screen.
pub fn summary(alert: &Alert, model: &Model, look: &Look) -> Vec<(String, Role)> {
    let dot = format!(" {} ", look.glyphs.dot);
    let mut first = Vec::new();
    if let Some(quiet) = &alert.quiet {
        first.push(quiet.because.clone());
    }
    first.extend(alert.disagree.iter().cloned());
    let warned = !first.is_empty();
    first.extend(what(alert).map(|s| Untrusted::line(s.raw()).shown().to_owned()));
    if first.is_empty() {
        first.push("no summary or description".into());
    }
    // What changed just before is worth more than how fast it burns.
    let mut second: Vec<String> = before::in_short(alert, model, look).into_iter().collect();
    let burn = alert
        .place
        .service
        .as_ref()
        .and_then(|s| model.board.burn_of(s));
    if let Some(burn) = burn {
        let (word, _) = super::burns::verdict(burn);
        second.push(format!(
            "burn {word}: {}, {}",
            super::burn::rates(burn),
            super::burn::left(burn)
        ));
    }
    second.push(format!("from {}", sources(alert)));
    if let Some(rule) = &alert.origin.rule {
        second.push(format!("value {}", number::short(rule.value.shown())));
    }
    match &alert.runbook {
        Some(link) => second.push(format!(
            "{} @ {} by {}",
            link.id,
            link.version.short(),
            link.matched_by.word()
        )),
        None => second.push("no runbook".into()),
    }
    let debts: Vec<&str> = alert.debts().iter().map(|d| d.word()).collect();
    if !debts.is_empty() {
        second.push(format!("lacks {}", debts.join(", ")));
    }
    let role = if warned { Role::Warn } else { Role::Text };
    vec![(first.join(&dot), role), (second.join(&dot), Role::Dim)]
}

fn what(alert: &Alert) -> Option<&Untrusted> {
    let annotation = |name| alert.annotations.get(name).filter(|a| !a.is_empty());
    annotation("summary")
        .or_else(|| annotation("description"))
        .or_else(|| annotation("message"))
}

fn sources(alert: &Alert) -> String {
    let name = |s: &Sighting| match s.current {
        Currency::Current => s.source.to_string(),
        Currency::LastKnown => format!("{} (last known)", s.source),
    };
    let names: Vec<String> = alert.sightings.iter().map(name).collect();
    names.join(", ")
}

/// All lines of an alert at a width. `history` is there when the alert is opened.
pub fn lines(
    alert: &Alert,
    history: Option<&History>,
    model: &Model,
    look: &Look,
    width: u16,
) -> Vec<StyledLine> {
    let mut page = Page {
        out: Vec::new(),
        width: usize::from(width).max(12),
        indent: usize::from(history.is_some()),
        dots: look.glyphs.ellipsis,
    };
    head(&mut page, alert, history.is_some(), model, look);
    let gone = !model
        .board
        .alerts
        .iter()
        .any(|a| a.occurrence == alert.occurrence);
    if gone {
        page.fact(
            "Gone",
            "not in the picture any more: resolved, or nobody has it",
            Role::Stale,
        );
    }
    if let Some(quiet) = &alert.quiet {
        page.fact("Quiet", &quiet.because, Role::StateQuiet);
    }
    for line in &alert.disagree {
        page.fact("Disagree", line, Role::Warn);
    }
    why(&mut page, alert, history);
    if let Some(history) = history {
        past(&mut page, history, alert.occurrence, model, look);
    }
    budget(&mut page, alert, history.is_some(), model, look);
    preceded(&mut page, alert, history.is_some(), model, look);
    book(&mut page, alert, look);
    let debts: Vec<&str> = alert.debts().iter().map(|d| d.word()).collect();
    if !debts.is_empty() {
        page.fact("Debt", &format!("no {}", debts.join(", no ")), Role::Warn);
    }
    page.gap();
    labels(&mut page, alert);
    page.gap();
    can_do(&mut page, alert, gone, model);
    page.out
}

fn head(page: &mut Page, alert: &Alert, opened: bool, model: &Model, look: &Look) {
    let place = &alert.place;
    let dot = format!(" {} ", look.glyphs.dot);
    let letter = alert.lane.letter();
    // Somebody else chose how long these are: none may push the rest off the screen.
    let (width, dots) = (page.width, page.dots);
    let fit = |text| text::fit_middle(text, width, dots).into_owned();
    page.text(
        &format!("{letter}  {}", fit(alert.name())),
        crate::view::bars::lane_role(alert.lane),
    );
    let parts = [&place.service, &place.env, &place.location]
        .into_iter()
        .flatten();
    let mut parts: Vec<String> = parts.map(|p| fit(p.shown())).collect();
    parts.dedup();
    parts.push(format!(
        "{} {}",
        alert.state.word(),
        short_age(alert.occurrence.starts_at, model.now)
    ));
    page.text(&parts.join(&dot), Role::Text);
    page.text(
        &format!(
            "since {}Z",
            alert.occurrence.starts_at.format("%Y-%m-%d %H:%M:%S")
        ),
        Role::Dim,
    );
    let role = if alert.is_last_known() {
        Role::Stale
    } else {
        Role::Dim
    };
    let mut from = format!("from {}", sources(alert));
    if !alert.origin.receivers.is_empty() {
        let receivers: Vec<&str> = alert
            .origin
            .receivers
            .iter()
            .map(crate::domain::text::Untrusted::shown)
            .collect();
        from = from + &dot + "to " + &receivers.join(", ");
    }
    page.text(&from, role);
    if opened {
        for sighting in &alert.sightings {
            let answered = short_age(sighting.answered_at, model.now);
            page.text(
                &format!(
                    "  {}: {} since {}Z, asked {answered} ago",
                    sighting.source,
                    sighting.state.word(),
                    sighting.starts_at.format("%H:%M:%S")
                ),
                Role::Dim,
            );
        }
    }
    let owner = match (&alert.claim, &alert.place.team) {
        (Some(claim), _) => format!(
            "{} for {}, claimed on this machine",
            claim.by,
            short_age(claim.since, model.now)
        ),
        (None, Some(team)) => format!("{team}, nobody has claimed it"),
        (None, None) => "nobody".into(),
    };
    page.gap();
    page.fact(
        "Owner",
        &owner,
        if alert.claim.is_some() {
            Role::Owner
        } else {
            Role::Dim
        },
    );
}

fn why(page: &mut Page, alert: &Alert, history: Option<&History>) {
    page.gap();
    let mut named = "Why";
    for name in ["summary", "description", "message"] {
        if let Some(text) = alert.annotations.get(name).filter(|t| !t.is_empty()) {
            page.fact(named, text.shown(), Role::Text);
            named = "";
        }
    }
    if let Some(rule) = &alert.origin.rule {
        page.fact(
            "Value",
            &format!("{} by {}", number::short(rule.value.shown()), rule.source),
            Role::Text,
        );
        if let (Some(query), true) = (&rule.query, history.is_some()) {
            page.fact("Rule", query.shown(), Role::Code);
        }
    }
}

/// The expression over the last hour, as a row of levels.
fn past(page: &mut Page, history: &History, occurrence: Occurrence, model: &Model, look: &Look) {
    match history {
        History::Unknown => page.fact("Past", "no Prometheus knows its rule", Role::Dim),
        History::Asked(_) => page.fact("Past", "asking", Role::Dim),
        History::Failed(error) => {
            page.fact("Past", &format!("not to be had: {error}"), Role::Failed);
        }
        History::Known(answer) => {
            let detail = model
                .session
                .triage
                .detail
                .as_ref()
                .filter(|d| d.occurrence == occurrence);
            let labels = detail.map(|d| &d.alert.labels);
            match levels(
                answer,
                labels,
                look,
                page.width.saturating_sub(NAMES + 2).min(60),
            ) {
                Some((bars, from, to)) => {
                    page.fact("Past", &bars, Role::Text);
                    page.fact(
                        "",
                        &format!("{from} to {to} in the last hour, where its condition held"),
                        Role::Dim,
                    );
                }
                None => page.fact("Past", "no points in the last hour", Role::Dim),
            }
            for warning in answer.warnings.iter().chain(&answer.infos) {
                page.fact("", &format!("warning: {warning}"), Role::Warn);
            }
        }
    }
}

/// The levels of the series that is this alert's, with its least and greatest value.
fn levels(
    answer: &QueryAnswer,
    labels: Option<&crate::domain::label::Labels>,
    look: &Look,
    columns: usize,
) -> Option<(String, String, String)> {
    let own = |labels: &crate::domain::label::Labels, series: &crate::domain::label::Labels| {
        series
            .iter()
            .all(|(n, v)| n.raw() == "__name__" || labels.get(n.raw()) == Some(v))
    };
    let series = answer
        .series
        .iter()
        .find(|s| labels.is_some_and(|l| own(l, &s.labels)));
    let series = series.or(answer.series.first())?;
    let finite: Vec<(f64, f64)> = series
        .samples
        .iter()
        .copied()
        .filter(|(_, v)| v.is_finite())
        .collect();
    let (&(_, first), _) = finite.split_first()?;
    let fold = |f: fn(f64, f64) -> f64| finite.iter().fold(first, |a, (_, v)| f(a, *v));
    let (least, most) = (fold(f64::min), fold(f64::max));
    let last_time = finite.last()?.0;
    let begin = last_time - 3_600.0;
    let mut cells: Vec<Option<f64>> = vec![None; columns.max(1)];
    for (time, value) in &finite {
        let share = ((time - begin) / 3_600.0).clamp(0.0, 1.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of the columns on screen"
        )]
        let at = ((share * (cells.len() - 1) as f64) as usize).min(cells.len() - 1);
        cells[at] = Some(cells[at].map_or(*value, |v| v.max(*value)));
    }
    let steps = look.glyphs.levels.len() - 1;
    let level = |value: f64| {
        let share = if most > 0.0 {
            (value / most).clamp(0.0, 1.0)
        } else {
            0.0
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "one of nine signs"
        )]
        let at = (share * steps as f64).round() as usize;
        look.glyphs.levels[at.clamp(1, steps)]
    };
    let bars = cells
        .iter()
        .map(|cell| cell.map_or(look.glyphs.levels[0], level))
        .collect();
    Some((bars, number::of(least), number::of(most)))
}

/// The error budget of its service that burns most.
fn budget(page: &mut Page, alert: &Alert, opened: bool, model: &Model, look: &Look) {
    let burn = alert
        .place
        .service
        .as_ref()
        .and_then(|s| model.board.burn_of(s));
    let Some(burn) = burn else {
        return;
    };
    page.gap();
    let (word, role) = super::burns::verdict(burn);
    page.fact(
        "Burn",
        &format!("{word}: {}", super::burn::rates(burn)),
        role,
    );
    if let Some(why) = &burn.reason {
        page.fact("", why, Role::Warn);
    }
    page.fact("", &super::burn::left(burn), Role::Text);
    page.fact("", &burn.id().to_string(), Role::Dim);
    if opened {
        let room = page.width.saturating_sub(NAMES + 8).min(60);
        let drawn = super::burn::sparkline(burn, model, look, room);
        if !drawn.trim().is_empty() {
            let span = model.session.burn.span.word();
            page.fact("", &format!("{drawn} {span}"), Role::Text);
            if let Some(marks) = super::burn::marks(burn, model, look, room) {
                page.mark(&marks);
            }
        }
    }
}

/// What preceded it, and what differs or is in trouble where it is.
fn preceded(page: &mut Page, alert: &Alert, opened: bool, model: &Model, look: &Look) {
    let depth = if opened { Depth::Whole } else { Depth::Beside };
    let said = before::lines(alert, depth, model, look);
    if !said.is_empty() {
        page.gap();
    }
    for line in said {
        page.fact(&line.name, &line.words, line.role);
    }
}

fn book(page: &mut Page, alert: &Alert, look: &Look) {
    page.gap();
    let Some(link) = &alert.runbook else {
        page.fact(
            "Runbook",
            "none: no quell_runbook, runbook_url, applies_to, alias or file name fits",
            Role::Dim,
        );
        return;
    };
    let sign = if is_dirty(link) {
        look.glyphs.warn
    } else {
        look.glyphs.check
    };
    page.fact(
        "Runbook",
        &format!("{} @ {} {sign}", link.id, link.version.short()),
        Role::Text,
    );
    page.fact(
        "",
        &format!("matched by {}", link.matched_by.word()),
        Role::Dim,
    );
    if is_dirty(link) {
        page.fact("", "its text differs from the commit", Role::Warn);
    }
    if let Some(caution) = &link.caution {
        page.fact("", caution, Role::Warn);
    }
}

fn labels(page: &mut Page, alert: &Alert) {
    page.text("Labels", Role::Dim);
    for (name, value) in alert.labels.iter() {
        page.text(&format!("  {name}={value}"), Role::Text);
    }
    let told = ["summary", "description", "message"];
    let others: Vec<_> = alert
        .annotations
        .iter()
        .filter(|(n, _)| !told.contains(&n.raw()))
        .collect();
    if !others.is_empty() {
        page.text("Annotations", Role::Dim);
        for (name, value) in others {
            page.text(&format!("  {name}: {value}"), Role::Text);
        }
    }
    if let Some(url) = &alert.origin.generator_url {
        page.text("Expression", Role::Dim);
        page.text(&format!("  {url}"), Role::Link);
    }
}

fn can_do(page: &mut Page, alert: &Alert, gone: bool, model: &Model) {
    page.text("Can do", Role::Dim);
    if !gone {
        let claim = if alert.claim.is_some() {
            "c  claim it, or give it back"
        } else {
            "c  claim it; nothing is muted"
        };
        page.text(&format!("  {claim}"), Role::Text);
    }
    if alert.runbook.is_some() {
        page.text("  r  read the runbook", Role::Text);
    }
    if !model.acting.is_on() {
        page.text(
            "  quell is read-only: nothing here changes what it watches",
            Role::Dim,
        );
        return;
    }
    if let Some(undo) = actions::undo(model).filter(|_| !gone) {
        let words = format!(
            "  u  {}: {}  {}",
            undo.action,
            undo.target,
            undo.risk.word()
        );
        page.text(&words, Role::Text);
    }
    if !gone {
        match actions::can_silence(alert, model) {
            None => page.text("  s  silence it for a while  R1", Role::Text),
            Some(why) => page.text(&format!("  s  off: {why}"), Role::Dim),
        }
    }
    page.text("  x  everything that can be done", Role::Text);
    page.text("  nothing is sent before you confirm a plan", Role::Dim);
}

/// Lines that grow downwards within a width.
struct Page {
    out: Vec<StyledLine>,
    width: usize,
    indent: usize,
    dots: &'static str,
}

impl Page {
    fn text(&mut self, content: &str, role: Role) {
        let pad = " ".repeat(self.indent);
        let hang = content.len() - content.trim_start().len();
        let (lead, rest) = content.split_at(hang);
        for (at, line) in text::wrap(rest, self.width.saturating_sub(self.indent + hang))
            .iter()
            .enumerate()
        {
            let lead = if at == 0 {
                lead.to_owned()
            } else {
                " ".repeat(hang)
            };
            self.out.push(vec![(format!("{pad}{lead}{line}"), role)]);
        }
    }

    /// A name and, beside it, what is to be said, wrapped.
    fn fact(&mut self, name: &str, content: &str, role: Role) {
        let pad = " ".repeat(self.indent);
        let room = self.width.saturating_sub(self.indent + NAMES);
        for (at, line) in text::wrap(content, room).iter().enumerate() {
            let name = text::pad_right(if at == 0 { name } else { "" }, NAMES, self.dots);
            self.out.push(vec![
                (format!("{pad}{name}"), Role::Dim),
                (line.to_string(), role),
            ]);
        }
    }

    /// A row of marks below a line of facts: its spaces count.
    fn mark(&mut self, marks: &str) {
        let pad = " ".repeat(self.indent + NAMES);
        self.out
            .push(vec![(pad, Role::Dim), (marks.to_owned(), Role::Strong)]);
    }

    fn gap(&mut self) {
        self.out.push(Vec::new());
    }
}
