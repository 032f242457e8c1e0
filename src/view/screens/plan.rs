//! What will be done, may it be done, and what becomes of it?
//!
//! One dialog from the plan to its end. What the guard found stands with its inputs, what is wrong first;
//! the safest button comes first and is selected. Nothing here decides anything.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{dialog, doubt, plan_facts, plan_request};
use crate::domain::guard::State;
use crate::domain::plan::Part;
use crate::domain::record::End;
use crate::model::Model;
use crate::model::acting::{Run, moment};
use crate::model::dialog::{Page as Shown, PlanDialog, Purpose, Typed, buttons};
use crate::model::layout::dialog_rows;
use crate::theme::Role;
use crate::view::widgets::line;
use crate::view::widgets::page::Page;
use crate::view::widgets::pen::Pen;
use crate::view::widgets::text;
use crate::view::{Look, StyledLine};

/// Draws the dialog of an action. Tells where the cursor of a typed line stands.
pub fn draw(model: &Model, look: &Look, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let Some((shown, run)) = crate::model::dialog::shown(model) else {
        dialog::title("It is not kept any more", ("", Role::Dim), area, look, buf);
        return None;
    };
    let (state, role) = state_words(run, model);
    dialog::title(&run.title(), (&state, role), area, look, buf);
    let all = lines(shown, run, model, look, area.width);
    let window = shown
        .scroll
        .window(all.len(), dialog_rows(&model.session).text);
    let more = all.len() - window.end;
    let inside = Rect {
        height: area.height.saturating_sub(3),
        ..area
    };
    dialog::lines(&all[window], 1, inside, look, buf);
    footer(shown, run, more, model, look, area, buf)
}

/// Where an action is, in a few words.
pub fn state_words(run: &Run, model: &Model) -> (String, Role) {
    let pipeline = &run.pipeline;
    let word = |word: &str, role| (word.to_owned(), role);
    match pipeline.state() {
        State::Requested => word("looking it up", Role::Dim),
        State::Resolved => word("planning", Role::Dim),
        State::Planned => word("checking", Role::Dim),
        State::Checked => word("planned, not confirmed", Role::Strong),
        State::AwaitingApproval => word("awaits approval", Role::Warn),
        State::Armed => word("ARMED", Role::Danger),
        State::Dispatching(Part::Forward) => word("dispatching", Role::Danger),
        State::Dispatching(Part::Reverse) => word("taking it back", Role::Danger),
        State::InDoubt { .. } => word("IN DOUBT", Role::Danger),
        State::Verifying(_) => word("verifying", Role::Warn),
        State::Soaking(until) => {
            let left = until.saturating_sub(model.acting.steady);
            (
                format!("soaking {} left", minutes(left.as_secs())),
                Role::Warn,
            )
        }
        State::Ended(end) => (end.word().to_owned(), end_role(*end)),
    }
}

/// `4:10`
pub fn minutes(secs: u64) -> String {
    format!("{}:{:02}", secs / 60, secs % 60)
}

fn end_role(end: End) -> Role {
    match end {
        End::Verified | End::Reverted => Role::Ok,
        End::Cancelled | End::Expired => Role::Dim,
        End::Refused | End::Blocked => Role::Warn,
        End::NeedsPerson => Role::Danger,
    }
}

/// All that is said of an action, at a width.
pub fn lines(
    shown: &PlanDialog,
    run: &Run,
    model: &Model,
    look: &Look,
    width: u16,
) -> Vec<StyledLine> {
    let mut page = Page::new(width, look);
    if shown.page == Shown::Request {
        plan_request::tell(&mut page, run, look);
        return page.out;
    }
    match run.pipeline.state() {
        State::Requested | State::Resolved | State::Planned => {
            page.fact("request", &run.pipeline.request().to_string(), Role::Text);
            page.gap();
            trail(&mut page, run, usize::MAX);
            plan_facts::tell(&mut page, run, look);
        }
        State::Checked | State::AwaitingApproval => {
            plan_facts::tell(&mut page, run, look);
            plan_facts::findings(&mut page, run, model, look);
            plan_facts::approvals(&mut page, run, model, look);
            plan_facts::inputs(&mut page, run, model);
            page.gap();
            trail(&mut page, run, 6);
        }
        State::Armed => {
            armed(&mut page, run, model);
            plan_facts::tell(&mut page, run, look);
            plan_facts::findings(&mut page, run, model, look);
        }
        State::InDoubt { part, step, why } => {
            doubt::tell(&mut page, run, (*part, *step), why, model);
            page.gap();
            trail(&mut page, run, 12);
        }
        State::Dispatching(part) | State::Verifying(part) => {
            under_way(&mut page, run, *part, look);
        }
        State::Soaking(_) => {
            page.text(&plan_facts::burn_words(run, model), Role::Strong);
            under_way(&mut page, run, Part::Forward, look);
        }
        State::Ended(end) => {
            ended(&mut page, run, *end);
            trail(&mut page, run, usize::MAX);
            page.gap();
            plan_facts::tell(&mut page, run, look);
        }
    }
    page.out
}

fn armed(page: &mut Page, run: &Run, model: &Model) {
    let left = run.pipeline.countdown_left(moment(model));
    let secs = left.map_or(0, |left| left.as_millis().div_ceil(1_000));
    let words = match secs {
        0 => "ARMED: everything is read again, then it is sent. Esc stops it.".to_owned(),
        secs => format!("ARMED: it is sent in {secs} s. Esc stops it."),
    };
    page.text(&words, Role::Danger);
    page.gap();
}

fn under_way(page: &mut Page, run: &Run, part: Part, look: &Look) {
    if let Some(plan) = run.pipeline.plan() {
        let steps = plan.steps_of(part);
        let words = match steps {
            [one] => format!("one step: {}", one.what),
            many => format!("{} steps, one after another", many.len()),
        };
        page.fact("doing", &words, Role::Text);
        let back = crate::model::dialog::reverse_words(&plan.reverse);
        page.fact("reverse", &back, Role::Dim);
    }
    page.text(&look.glyphs.lines.horizontal.repeat(8), Role::Border);
    trail(page, run, usize::MAX);
}

fn ended(page: &mut Page, run: &Run, end: End) {
    let words = match end {
        End::Verified => "It was done, and it worked.",
        End::Reverted => "It was done, and taken back.",
        End::Refused => "The server refused it: nothing was done.",
        End::NeedsPerson => "It was done or half done: a person has to look.",
        End::Cancelled => "It was given up: nothing was sent.",
        End::Expired => "It waited too long: nothing was sent.",
        End::Blocked => "It was not allowed: nothing was sent.",
    };
    page.text(words, end_role(end));
    if run.pipeline.may_revert() {
        page.text(
            "It can be taken back: that asks for a confirmation of its own.",
            Role::Hint,
        );
    }
    page.gap();
}

/// What happened, oldest first: of more than `most` the last ones.
pub fn trail(page: &mut Page, run: &Run, most: usize) {
    let all = run.pipeline.trail();
    let hidden = all.len().saturating_sub(most);
    let began = run.pipeline.trail().first().map(|(at, _)| at.steady);
    for (at, words) in &all[hidden..] {
        let since = at
            .steady
            .saturating_sub(began.unwrap_or_default())
            .as_secs();
        let time = at.wall.format("%H:%M:%S");
        page.hanging(
            &format!("{time}Z {:>5} ", format!("+{since}s")),
            words.shown(),
            Role::Text,
        );
    }
}

/// The last three rows: a rule, what is to be known now, the buttons or what is typed.
fn footer(
    shown: &PlanDialog,
    run: &Run,
    more: usize,
    model: &Model,
    look: &Look,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let style = |role| look.theme.style(role);
    let rule = look.glyphs.lines.horizontal.repeat(usize::from(area.width));
    let row = area.height.saturating_sub(3);
    Pen::line(buf, area, row).write(&rule, style(Role::Border));
    if more > 0 {
        let words = format!(" {more} more: j ");
        Pen::line(buf, area, row).at_right(&words, style(Role::Badge));
    }
    let mut pen = Pen::line(buf, area, row + 1);
    if let Some(typed) = &shown.typed {
        let (words, role) = asked(typed, run);
        let fitted = text::fit(&words, pen.left().saturating_sub(1), look.glyphs.ellipsis);
        let fitted = fitted.into_owned();
        pen.write(" ", style(role)).write(&fitted, style(role));
        return Some(line::draw(" > ", &typed.input, area, row + 2, look, buf));
    }
    let (words, role) = standing(shown, run, model);
    let fitted = text::fit(&words, pen.left().saturating_sub(1), look.glyphs.ellipsis);
    let fitted = fitted.into_owned();
    pen.write(" ", style(role)).write(&fitted, style(role));
    press(shown, run, model, look, area, buf);
    None
}

/// What has to be typed, or what was wrong with it.
fn asked(typed: &Typed, run: &Run) -> (String, Role) {
    let expected = run.pipeline.effort().map(|(_, words)| words);
    let expected = crate::domain::text::shown(&expected.unwrap_or_default());
    let words = match typed.purpose {
        Purpose::Confirm => format!("type {expected} to act"),
        Purpose::Revert => format!("type {expected} to take it back"),
        Purpose::Applied => "it was done: how do you know?".to_owned(),
        Purpose::NotApplied => "it was not done: how do you know?".to_owned(),
    };
    match &typed.wrong {
        Some(wrong) => (
            format!("{}; {words}", crate::domain::text::shown(wrong)),
            Role::Failed,
        ),
        None => (words, Role::Strong),
    }
}

/// What is to be known of the selected button and of the time that is left.
fn standing(shown: &PlanDialog, run: &Run, model: &Model) -> (String, Role) {
    let all = buttons(run, model);
    let off = all.iter().find(|(button, _)| *button == shown.button);
    if let Some((button, Some(why))) = off {
        let words = format!("{} is off: {why}", button.word(shown.page));
        return (words, Role::Warn);
    }
    let (Some(plan), Some(digest)) = (run.pipeline.plan(), run.pipeline.digest()) else {
        return ("nothing is sent yet".to_owned(), Role::Dim);
    };
    match run.pipeline.state() {
        State::Checked | State::AwaitingApproval | State::Planned => {
            let left = (plan.expires_at() - model.now).num_seconds();
            let code = digest.code();
            match u64::try_from(left) {
                Ok(left) => (format!("plan {code} valid {}", minutes(left)), Role::Dim),
                Err(_) => (format!("plan {code} is old: it is made again"), Role::Warn),
            }
        }
        State::Armed => ("esc or enter stops it".to_owned(), Role::Danger),
        State::InDoubt { .. } => ("it is never sent again by itself".to_owned(), Role::Warn),
        State::Dispatching(_) => ("closing this does not stop it".to_owned(), Role::Dim),
        _ => (format!("plan {}", digest.code()), Role::Dim),
    }
}

/// The buttons on one row; where they do not fit, the selected one and how many there are.
fn press(shown: &PlanDialog, run: &Run, model: &Model, look: &Look, area: Rect, buf: &mut Buffer) {
    let style = |role| look.theme.style(role);
    let all = buttons(run, model);
    let at = all.iter().position(|(button, _)| *button == shown.button);
    let at = at.unwrap_or(0);
    let words: Vec<String> = all
        .iter()
        .map(|(button, off)| match off {
            Some(_) => format!("({})", button.word(shown.page)),
            None => button.word(shown.page).to_owned(),
        })
        .collect();
    let wide: usize = words.iter().map(|word| text::width(word) + 4).sum();
    let row = area.height.saturating_sub(1);
    let mut pen = Pen::line(buf, area, row);
    let is_narrow = wide > pen.left();
    for (place, word) in words.iter().enumerate() {
        if is_narrow && place != at {
            continue;
        }
        let is_here = place == at;
        let sign = if is_here { look.glyphs.right } else { " " };
        let role = match (is_here, all[place].1) {
            (true, _) => Role::Selected,
            (false, Some(_)) => Role::Dim,
            (false, None) => Role::Text,
        };
        pen.write(" ", style(Role::Text))
            .write(&format!("{sign} {word} "), style(role));
    }
    if is_narrow {
        let count = format!("{} of {}: tab ", at + 1, all.len());
        pen.at_right(&count, style(Role::Dim));
    }
}
