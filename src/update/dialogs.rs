//! What do keys do in the dialogs of acting?
//!
//! From what is selected to a menu, a form, a plan and its confirmation. No key here sends anything: the
//! last one confirms, and the pipeline counts down, reads everything again and asks the guard.

use crossterm::event::KeyEvent;

use super::{acting, palette, triage};
use crate::domain::check::Found;
use crate::domain::guard::{Confirmation, Effort, Event, RunId, State};
use crate::domain::text::Untrusted;
use crate::effect::Effect;
use crate::keys::KeyPress;
use crate::model::Model;
use crate::model::actions::{self, Offer};
use crate::model::dialog::{Button, Dialog, Menu, Page, PlanDialog, Purpose, Typed, buttons};
use crate::model::form::{self, Form, Tried};
use crate::model::layout::dialog_rows;
use crate::model::scroll::{Scroll, Step};
use crate::model::session::Tone;

/// Opens the menu of what can be done about what is selected.
pub fn act(model: &mut Model) {
    let offers = actions::offers(model);
    open(
        model,
        Dialog::Menu(Menu {
            offers,
            scroll: Scroll::default(),
        }),
    );
}

/// Opens the form of a silence.
pub fn silence(model: &mut Model) {
    if let Some(offer) = actions::silence(model) {
        fill_in(model, &offer);
    }
}

/// Opens the form of undoing the rollout.
pub fn undo(model: &mut Model) {
    if let Some(offer) = actions::undo(model) {
        fill_in(model, &offer);
    }
}

/// Opens the list of what was begun, or the only one there is.
pub fn runs(model: &mut Model) {
    match &model.acting.runs[..] {
        [only] => {
            let id = only.id;
            open(model, Dialog::Plan(Box::new(PlanDialog::new(id))));
            first_button(model);
        }
        _ => open(model, Dialog::Runs(Scroll::default())),
    }
}

fn open(model: &mut Model, dialog: Dialog) {
    model.session.acting.dialog = Some(dialog);
}

fn close(model: &mut Model) {
    model.session.acting.dialog = None;
    triage::catch_up(model);
}

fn fill_in(model: &mut Model, offer: &Offer) {
    let alert = crate::model::available::target(model)
        .filter(|_| model.session.screen == crate::model::session::Screen::Triage)
        .map(|alert| Untrusted::line(&alert.occurrence.fingerprint.to_string()));
    if let Some(form) = Form::new(offer, alert, model) {
        open(model, Dialog::Form(Box::new(form)));
    }
}

/// Whether the dialog of an action is open.
pub fn shows(model: &Model, id: RunId) -> bool {
    matches!(&model.session.acting.dialog, Some(Dialog::Plan(plan)) if plan.id == id)
}

/// An action has come to another state: nothing that was selected or typed for the one before may count
/// for this one.
pub fn moved(model: &mut Model, id: RunId) {
    if let Some(Dialog::Plan(plan)) = &mut model.session.acting.dialog
        && plan.id == id
    {
        plan.typed = None;
        plan.scroll = Scroll::default();
        first_button(model);
    }
}

fn first_button(model: &mut Model) {
    let Some((_, run)) = crate::model::dialog::shown(model) else {
        return;
    };
    let first = buttons(run, model).first().map(|(button, _)| *button);
    if let (Some(Dialog::Plan(plan)), Some(first)) = (&mut model.session.acting.dialog, first) {
        plan.button = first;
    }
}

/// Moves the cursor of a menu, or the text of a plan. Tells whether there was a dialog.
pub fn step(model: &mut Model, step: Step) -> bool {
    let rows = dialog_rows(&model.session);
    let runs = model.acting.runs.len();
    match &mut model.session.acting.dialog {
        None => return false,
        Some(Dialog::Menu(menu)) => {
            let count = menu.offers.all.len();
            menu.scroll.step(step, count, rows.list);
        }
        Some(Dialog::Runs(scroll)) => scroll.step(step, runs, rows.list),
        Some(Dialog::Plan(plan)) => plan.scroll.pan(step, plan.lines, rows.text),
        Some(Dialog::Form(_)) => {}
    }
    true
}

/// Another field, or another button.
pub fn choose(model: &mut Model, by: isize) {
    let around = |at: usize, count: usize| (at + count).saturating_add_signed(by) % count.max(1);
    let all = match crate::model::dialog::shown(model) {
        Some((_, run)) => buttons(run, model),
        None => Vec::new(),
    };
    match &mut model.session.acting.dialog {
        Some(Dialog::Form(form)) => {
            form.scroll.cursor = around(form.scroll.cursor, form.fields.len());
        }
        Some(Dialog::Plan(plan)) if plan.typed.is_none() && !all.is_empty() => {
            let at = all.iter().position(|(button, _)| *button == plan.button);
            plan.button = all[around(at.unwrap_or(0), all.len())].0;
        }
        _ => {}
    }
}

/// Enter.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    match &model.session.acting.dialog {
        None => Vec::new(),
        Some(Dialog::Menu(menu)) => {
            match menu.offers.all.get(menu.scroll.cursor).cloned() {
                None => {}
                Some(Offer { off: Some(why), .. }) => model.session.say(Tone::Refused, why),
                Some(offer) => fill_in(model, &offer),
            }
            Vec::new()
        }
        Some(Dialog::Runs(scroll)) => {
            // The newest comes first.
            let run = model.acting.runs.iter().rev().nth(scroll.cursor);
            if let Some(id) = run.map(|run| run.id) {
                open(model, Dialog::Plan(Box::new(PlanDialog::new(id))));
                first_button(model);
            }
            Vec::new()
        }
        Some(Dialog::Form(_)) => begin(model),
        Some(Dialog::Plan(plan)) if plan.typed.is_some() => typed_line(model),
        Some(Dialog::Plan(plan)) => {
            let button = plan.button;
            press(model, button)
        }
    }
}

/// The form is done: the action begins.
fn begin(model: &mut Model) -> Vec<Effect> {
    let catalogue = form::catalogue(model);
    let by = form::requester(model);
    let Some(Dialog::Form(form)) = &mut model.session.acting.dialog else {
        return Vec::new();
    };
    form.tried = Tried::Yes;
    form.check(&catalogue);
    if let Some(problem) = form.problems.first() {
        let words = problem.words.clone();
        form.scroll.cursor = problem.field.unwrap_or(form.scroll.cursor);
        model.session.say(Tone::Refused, words);
        return Vec::new();
    }
    let request = form.request(by);
    let (id, effects) = acting::begin(model, request);
    open(model, Dialog::Plan(Box::new(PlanDialog::new(id))));
    first_button(model);
    effects
}

fn press(model: &mut Model, button: Button) -> Vec<Effect> {
    let Some((dialog, run)) = crate::model::dialog::shown(model) else {
        close(model);
        return Vec::new();
    };
    let id = dialog.id;
    let found = buttons(run, model)
        .into_iter()
        .find(|(one, _)| *one == button);
    let effort = run.pipeline.effort().map(|(effort, _)| effort);
    match found {
        Some((_, None)) => {}
        Some((_, Some(why))) => {
            model.session.say(Tone::Refused, why);
            return Vec::new();
        }
        // It is not there any more: the state has changed under it.
        None => {
            first_button(model);
            return Vec::new();
        }
    }
    match button {
        Button::Cancel | Button::Close | Button::Stop => leave(model),
        Button::GiveUp => {
            let effects = acting::event(model, id, Event::Cancel);
            close(model);
            effects
        }
        Button::StopAfter => acting::event(model, id, Event::Cancel),
        Button::Ask => acting::event(model, id, Event::AskApproval),
        Button::Again => {
            model.session.say(Tone::Done, "planning again");
            acting::event(model, id, Event::PlanAgain)
        }
        Button::Confirm if effort == Some(Effort::Yes) => {
            acting::event(model, id, Event::Confirm(Confirmation::Yes))
        }
        Button::Revert if effort == Some(Effort::Yes) => {
            acting::event(model, id, Event::Revert(Confirmation::Yes))
        }
        Button::Confirm => type_in(model, Purpose::Confirm),
        Button::Revert => type_in(model, Purpose::Revert),
        Button::Applied => type_in(model, Purpose::Applied),
        Button::NotApplied => type_in(model, Purpose::NotApplied),
        Button::Look => {
            let now = model.now;
            let mut runs = model.acting.runs.iter_mut();
            if let Some(run) = runs.find(|run| run.id == id) {
                run.looked = Some(now);
            }
            acting::event(model, id, Event::LookAgain)
        }
        Button::Turn => {
            if let Some(Dialog::Plan(plan)) = &mut model.session.acting.dialog {
                plan.page = match plan.page {
                    Page::Plan => Page::Request,
                    Page::Request => Page::Plan,
                };
                plan.scroll = Scroll::default();
            }
            Vec::new()
        }
    }
}

fn type_in(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    if let Some(Dialog::Plan(plan)) = &mut model.session.acting.dialog {
        plan.typed = Some(Typed::new(purpose));
    }
    Vec::new()
}

/// What was typed in a plan is taken, or why not.
fn typed_line(model: &mut Model) -> Vec<Effect> {
    let Some((dialog, run)) = crate::model::dialog::shown(model) else {
        return Vec::new();
    };
    let Some(typed) = &dialog.typed else {
        return Vec::new();
    };
    let (id, purpose, text) = (dialog.id, typed.purpose, typed.text().to_owned());
    let expected = run
        .pipeline
        .effort()
        .map(|(_, words)| words)
        .unwrap_or_default();
    let is_reason = matches!(purpose, Purpose::Applied | Purpose::NotApplied);
    let problem = match is_reason {
        true if text.trim().is_empty() => Some("it takes a reason: how do you know?".to_owned()),
        false if text.trim() != expected => Some(format!("that is not `{expected}`")),
        _ => None,
    };
    if let Some(why) = problem {
        wrong(model, why);
        return Vec::new();
    }
    let reason = Untrusted::line(text.trim());
    let what = match purpose {
        Purpose::Confirm => Event::Confirm(Confirmation::Typed(text)),
        Purpose::Revert => Event::Revert(Confirmation::Typed(text)),
        Purpose::Applied => Event::Decided(Found::Applied, reason),
        Purpose::NotApplied => Event::Decided(Found::NotApplied, reason),
    };
    let effects = acting::event(model, id, what);
    // Where it stayed as it was, the pipeline has said why.
    let said = model
        .acting
        .run(id)
        .and_then(|run| run.pipeline.trail().last());
    let said = said.map(|(_, words)| words.shown().to_owned());
    wrong(model, said.unwrap_or_default());
    effects
}

fn wrong(model: &mut Model, why: String) {
    if let Some(Dialog::Plan(plan)) = &mut model.session.acting.dialog
        && let Some(typed) = &mut plan.typed
    {
        *typed = Typed::new(typed.purpose);
        typed.wrong = Some(why);
    }
}

/// Esc: out of the line, then out of the dialog.
pub fn cancel(model: &mut Model) -> Vec<Effect> {
    match &mut model.session.acting.dialog {
        None => Vec::new(),
        Some(Dialog::Plan(plan)) if plan.typed.is_some() => {
            plan.typed = None;
            Vec::new()
        }
        Some(Dialog::Plan(_)) => leave(model),
        Some(Dialog::Menu(_) | Dialog::Form(_) | Dialog::Runs(_)) => {
            close(model);
            Vec::new()
        }
    }
}

/// Out of a plan: what was not confirmed is given up, a countdown stops, what is under way goes on.
fn leave(model: &mut Model) -> Vec<Effect> {
    let Some((dialog, run)) = crate::model::dialog::shown(model) else {
        close(model);
        return Vec::new();
    };
    let id = dialog.id;
    match run.pipeline.state() {
        State::Requested | State::Resolved | State::Planned | State::Checked => {
            let effects = acting::event(model, id, Event::Cancel);
            close(model);
            model.session.say(Tone::Done, "given up: nothing was sent");
            effects
        }
        // It stays open and says that it was stopped.
        State::Armed => acting::event(model, id, Event::Cancel),
        State::Ended(_) => {
            close(model);
            Vec::new()
        }
        State::AwaitingApproval => {
            close(model);
            model
                .session
                .say(Tone::Done, "it goes on waiting for approval: A shows it");
            Vec::new()
        }
        State::InDoubt { .. } => {
            close(model);
            model
                .session
                .say(Tone::Failed, "it is still IN DOUBT: A shows it");
            Vec::new()
        }
        State::Dispatching(_) | State::Verifying(_) | State::Soaking(_) => {
            close(model);
            model.session.say(Tone::Done, "it goes on: A shows it");
            Vec::new()
        }
    }
}

/// A key that is text or edits it.
pub fn typed(model: &mut Model, press: KeyPress) {
    if palette::breaks_line(press) {
        return;
    }
    let catalogue = form::catalogue(model);
    match &mut model.session.acting.dialog {
        Some(Dialog::Form(form)) => {
            let at = form.scroll.cursor;
            if let Some(field) = form.fields.get_mut(at) {
                field.input.input(KeyEvent::from(press));
            }
            form.check(&catalogue);
        }
        Some(Dialog::Plan(plan)) => {
            if let Some(typed) = &mut plan.typed {
                typed.input.input(KeyEvent::from(press));
                typed.wrong = None;
            }
        }
        Some(Dialog::Menu(_) | Dialog::Runs(_)) | None => {}
    }
}

/// Pasted text: into a field of a form, or an approval for a plan. What confirms is typed.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let catalogue = form::catalogue(model);
    let takes_approvals = crate::model::dialog::shown(model).is_some_and(|(_, run)| {
        matches!(
            run.pipeline.state(),
            State::Checked | State::AwaitingApproval
        )
    });
    match &mut model.session.acting.dialog {
        Some(Dialog::Form(form)) => {
            let at = form.scroll.cursor;
            if let Some(field) = form.fields.get_mut(at) {
                field.input.insert_str(palette::flat(text));
            }
            form.check(&catalogue);
            Vec::new()
        }
        Some(Dialog::Plan(plan)) => {
            if let Some(typed) = &mut plan.typed {
                typed.wrong = Some("nothing is pasted here: what is typed is meant".to_owned());
                return Vec::new();
            }
            if !takes_approvals {
                let words = "nothing to paste here: an approval counts before it is confirmed";
                model.session.say(Tone::Refused, words);
                return Vec::new();
            }
            model
                .session
                .say(Tone::Done, "handed in: the signature is checked");
            vec![Effect::TakeApproval(text.to_owned())]
        }
        Some(Dialog::Menu(_) | Dialog::Runs(_)) | None => Vec::new(),
    }
}

/// What the layout found out.
pub fn measured(model: &mut Model, lines: Option<usize>) {
    let rows = dialog_rows(&model.session);
    let runs = model.acting.runs.len();
    match (&mut model.session.acting.dialog, lines) {
        (Some(Dialog::Plan(plan)), Some(lines)) => {
            plan.lines = lines;
            plan.scroll.pan(Step::Rows(0), lines, rows.text);
        }
        (Some(Dialog::Menu(menu)), _) => menu.scroll.reveal(menu.offers.all.len(), rows.list),
        (Some(Dialog::Runs(scroll)), _) => scroll.reveal(runs, rows.list),
        (Some(Dialog::Form(form)), _) => {
            form.scroll
                .reveal(form.fields.len(), (rows.list / 2).max(1));
        }
        _ => {}
    }
}
