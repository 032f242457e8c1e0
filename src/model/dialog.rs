//! Which dialog of acting is open, and what can be pressed in it?
//!
//! A dialog holds where the operator is in it, never what is done: that is the pipeline's. Made and
//! changed by `update`, read by `view`. Which buttons there are follows from the pipeline's state alone,
//! so that what is shown as possible is what is possible.

use tui_textarea::{CursorMove, TextArea};

use super::Model;
use super::acting::{Run, moment};
use super::actions::Offers;
use super::form::Form;
use super::scroll::Scroll;
use crate::domain::guard::{Finding, Gate, Grounds, RunId, State};
use crate::domain::plan::{Holds, Part, Reverse};

/// A dialog over a screen.
#[derive(Debug)]
pub enum Dialog {
    /// What can be done about what is selected.
    Menu(Menu),
    /// The parameters of an action.
    Form(Box<Form>),
    /// A plan, and what becomes of it.
    Plan(Box<PlanDialog>),
    /// What was begun here.
    Runs(Scroll),
}

/// What can be done about what is selected.
#[derive(Debug)]
pub struct Menu {
    /// What.
    pub offers: Offers,
    /// Cursor and window.
    pub scroll: Scroll,
}

/// A plan on screen.
#[derive(Debug)]
pub struct PlanDialog {
    /// Whose.
    pub id: RunId,
    /// The selected button.
    pub button: Button,
    /// What is shown of it.
    pub page: Page,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// How many lines it has, as last drawn.
    pub lines: usize,
    /// The line being typed.
    pub typed: Option<Typed>,
}

/// What is shown of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// What will be done, and whether it may.
    #[default]
    Plan,
    /// What is sent, but for the bodies.
    Request,
}

/// What can be pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Give it up.
    Cancel,
    /// Close it; it goes on.
    Close,
    /// Stop the countdown.
    Stop,
    /// Give up what waits for approval.
    GiveUp,
    /// Send nothing after the present step.
    StopAfter,
    /// Ask others to approve it.
    Ask,
    /// Make the plan again.
    Again,
    /// Confirm it.
    Confirm,
    /// The request, or the plan again.
    Turn,
    /// Take it back.
    Revert,
    /// Find out once more what became of it.
    Look,
    /// It was done.
    Applied,
    /// It was not done.
    NotApplied,
}

impl Button {
    /// Its word.
    #[must_use]
    pub fn word(self, page: Page) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Close => "Close",
            Self::Stop => "Stop",
            Self::GiveUp => "Give it up",
            Self::StopAfter => "Stop after this step",
            Self::Ask => "Ask for approval",
            Self::Again => "Dry run again",
            Self::Confirm => "Confirm",
            Self::Turn if page == Page::Plan => "Show the request",
            Self::Turn => "Show the plan",
            Self::Revert => "Take it back",
            Self::Look => "Look again",
            Self::Applied => "It was done",
            Self::NotApplied => "It was not done",
        }
    }
}

/// A line being typed in a dialog.
#[derive(Debug)]
pub struct Typed {
    /// What for.
    pub purpose: Purpose,
    /// The line.
    pub input: TextArea<'static>,
    /// Why what was typed is not taken.
    pub wrong: Option<String>,
}

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To arm the action.
    Confirm,
    /// To take it back.
    Revert,
    /// Why the write in doubt is held to be done.
    Applied,
    /// Why it is held not to be done.
    NotApplied,
}

impl Typed {
    /// An empty line.
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            input: line(""),
            wrong: None,
        }
    }

    /// What is typed.
    #[must_use]
    pub fn text(&self) -> &str {
        text_of(&self.input)
    }
}

/// A line with a text to start from.
#[must_use]
pub fn line(text: &str) -> TextArea<'static> {
    let mut input = TextArea::new(vec![text.to_owned()]);
    input.move_cursor(CursorMove::End);
    input
}

/// What a line says.
#[must_use]
pub fn text_of<'a>(input: &'a TextArea<'static>) -> &'a str {
    input.lines().first().map_or("", String::as_str)
}

impl PlanDialog {
    /// On what is safest.
    #[must_use]
    pub fn new(id: RunId) -> Self {
        Self {
            id,
            button: Button::Cancel,
            page: Page::default(),
            scroll: Scroll::default(),
            lines: 0,
            typed: None,
        }
    }
}

impl Dialog {
    /// Whether a line is typed in it.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        match self {
            Self::Form(_) => true,
            Self::Plan(plan) => plan.typed.is_some(),
            Self::Menu(_) | Self::Runs(_) => false,
        }
    }
}

/// Why a button cannot be pressed, in a few words.
pub type Off = Option<&'static str>;

/// The buttons of an action, the safest first, each with why it is off.
#[must_use]
pub fn buttons(run: &Run, model: &Model) -> Vec<(Button, Off)> {
    let pipeline = &run.pipeline;
    let on = |button| (button, None);
    match pipeline.state() {
        State::Requested | State::Resolved | State::Planned => vec![on(Button::Cancel)],
        State::Checked => checked(run, model),
        State::AwaitingApproval => {
            vec![on(Button::Close), on(Button::GiveUp), on(Button::Turn)]
        }
        State::Armed => vec![on(Button::Stop)],
        State::Dispatching(_) => vec![on(Button::Close), on(Button::StopAfter)],
        State::InDoubt { .. } => vec![
            on(Button::Close),
            on(Button::Look),
            on(Button::Applied),
            on(Button::NotApplied),
        ],
        State::Verifying(_) | State::Soaking(_) | State::Ended(_) => {
            let mut all = vec![on(Button::Close)];
            all.extend(pipeline.may_revert().then(|| on(Button::Revert)));
            all.extend(pipeline.plan().is_some().then(|| on(Button::Turn)));
            all
        }
    }
}

fn checked(run: &Run, model: &Model) -> Vec<(Button, Off)> {
    let needs = run
        .pipeline
        .judgement()
        .is_some_and(|judgement| judgement.require.approvals > 0);
    let lacks = findings(run, model)
        .iter()
        .any(|f| f.gate == Gate::Approvals && f.state == Holds::No);
    let mut all = vec![(Button::Cancel, None)];
    if needs {
        let off = (!lacks).then_some("it is approved");
        all.push((Button::Ask, off));
    }
    all.push((Button::Again, None));
    all.push((Button::Confirm, lacks.then_some("approvals are missing")));
    all.push((Button::Turn, None));
    all
}

/// Every gate of an action as of now.
#[must_use]
pub fn findings(run: &Run, model: &Model) -> Vec<Finding> {
    let Some(policy) = &model.acting.policy else {
        return Vec::new();
    };
    let burn = super::acting::burn_for(model, run.id);
    run.pipeline.gates(&Grounds {
        policy,
        burn: &burn,
        now: moment(model),
    })
}

/// Which part of a plan an action is at.
#[must_use]
pub fn part(run: &Run) -> Part {
    match run.pipeline.state() {
        State::Dispatching(part) | State::Verifying(part) | State::InDoubt { part, .. } => *part,
        _ => Part::Forward,
    }
}

/// What takes a plan back, in words.
#[must_use]
pub fn reverse_words(reverse: &Reverse) -> String {
    match reverse {
        Reverse::Steps { what, .. } => what.shown().to_owned(),
        Reverse::None(why) => format!("none: {why}"),
    }
}

/// The run that a dialog shows.
#[must_use]
pub fn shown(model: &Model) -> Option<(&PlanDialog, &Run)> {
    match &model.session.acting.dialog {
        Some(Dialog::Plan(dialog)) => Some((dialog, model.acting.run(dialog.id)?)),
        _ => None,
    }
}
