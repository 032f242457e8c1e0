//! `quell action`: what can be done, what would it change, may it be done, and how did it end?
//!
//! Plans, puts the plan before the guard, does what it lets through and waits for the end; also says what
//! became of earlier actions. Nothing is done that the policy does not let one person confirm, unless
//! others have approved it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::acting::{Acting, acting};
use super::action_args::{
    ActionCommand, ActionDecideArgs, ActionListArgs, ActionPlanArgs, ActionRunArgs,
    ActionStatusArgs, Decision, PanicArgs, PanicWord, Wanted,
};
use super::action_drive::{Approvals, AskBurn, Driven, Driver, Goal, Told};
use super::action_json::{ActionDoc, SpecDoc};
use super::action_text;
use super::approve;
use super::args::{ApproveArgs, Format, Global};
use super::exit::Exit;
use super::gather::{Scope, gather};
use super::gather_slos::BurnQuestion;
use super::json::Document;
use super::output::{Answer, Output};
use super::page::{Role, Table, cell};
use super::{Outcome, Show, World, load, unwritable};
use crate::config::settings::Settings;
use crate::domain::action::{ActionRequest, Occasion};
use crate::domain::approval::ApprovalRequest;
use crate::domain::burn_reading::burn_reading;
use crate::domain::check::Found;
use crate::domain::guard::{Confirmation, Effort, Gate, State};
use crate::domain::plan::{Holds, Plan};
use crate::domain::policy::{BurnReading, Policy, Reading};
use crate::domain::record::{End, Entry, Kept};
use crate::domain::text::{Untrusted, shown};

/// So many actions are listed.
const MOST_ACTIONS: usize = 50;

/// Runs one of the commands.
///
/// # Errors
/// Wrong usage, a config that does not hold, or no answer at all.
pub(super) async fn run(
    command: &ActionCommand,
    global: &Global,
    world: &World,
    output: &mut Output,
) -> Outcome {
    match command {
        ActionCommand::List(args) => list(args, global, world, output),
        ActionCommand::Plan(args) => plan(args, global, world, output).await,
        ActionCommand::Run(args) => do_it(args, global, world, output).await,
        ActionCommand::Status(args) => status(args, global, world, output).await,
        ActionCommand::Decide(args) => decide(args, global, world, output).await,
        ActionCommand::Approve(args) => approve(args, global, world, output).await,
    }
}

/// The settings, and everything that acting takes.
fn set_up(global: &Global, world: &World) -> Result<(Settings, Acting), Answer> {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = loaded.settings;
    let acting = acting(&settings, &world.paths, world.clock);
    if !acting.problems.is_empty() {
        return Err(Answer::usage(format!(
            "quell: {}",
            acting.problems.join("\nquell: ")
        )));
    }
    Ok((settings, acting))
}

#[derive(Serialize)]
struct ListDoc<'a> {
    read_only: bool,
    policy: Option<&'a Untrusted>,
    actions: Vec<SpecDoc<'a>>,
}

fn list(args: &ActionListArgs, global: &Global, world: &World, output: &Output) -> Outcome {
    let loaded = load(global, world).map_err(|errors| Answer::usage(errors.to_string()))?;
    let settings = loaded.settings;
    let (catalogue, problems) = crate::control::catalogue(&settings.actions);
    let show = Show::of(&settings, args.reading.format(), world, output);
    let part = args.name.as_deref();
    let document = match show.format {
        Format::Text => {
            let mut text = action_text::list(&catalogue, part, &show.page);
            if settings.actions.policy.is_none() {
                show.page.line(&mut text, Role::Care, READ_ONLY);
            }
            text
        }
        Format::Json => {
            let is_meant = |name: &str| part.is_none_or(|part| name.contains(part));
            let all = catalogue.all().iter();
            let body = ListDoc {
                read_only: settings.actions.policy.is_none(),
                policy: settings.actions.policy.as_ref().map(|policy| &policy.name),
                actions: all
                    .filter(|spec| is_meant(&spec.name))
                    .map(SpecDoc::of)
                    .collect(),
            };
            Document::text("quell.actions/1", body).map_err(|error| unwritable(&error))?
        }
    };
    if problems.is_empty() {
        return Ok(Answer::whole(document));
    }
    Ok(Answer {
        complaint: Some(format!("quell: {}", problems.join("\nquell: "))),
        ..Answer::with(document, Exit::Partial)
    })
}

const READ_ONLY: &str = "read-only: nothing can be done without an [actions] table in the config, or \
                         --policy builtin:cautious";

/// A request, out of what was typed.
fn request(wanted: &Wanted, acting: &Acting) -> Result<ActionRequest, Answer> {
    let mut parameters = BTreeMap::new();
    let mut problems = Vec::new();
    for pair in &wanted.parameters {
        match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                if parameters
                    .insert(name.to_owned(), value.to_owned())
                    .is_some()
                {
                    problems.push(format!("`{}` is given twice", shown(name)));
                }
            }
            _ => problems.push(format!("`{}` is not NAME=VALUE", shown(pair))),
        }
    }
    let action = wanted.action.split('@').next().unwrap_or_default();
    if problems.is_empty()
        && let Err(more) = acting.catalogue.check(action, &parameters)
    {
        problems = more;
    }
    if !problems.is_empty() {
        return Err(Answer::usage(format!(
            "quell: {}",
            problems.join("\nquell: ")
        )));
    }
    let line = |text: &Option<String>| text.as_deref().map(Untrusted::line);
    // A silence says why by its own parameter.
    let reason = line(&wanted.reason).or_else(|| {
        let own = parameters.get("reason");
        own.map(|reason| Untrusted::line(reason))
    });
    Ok(ActionRequest {
        action: action.to_owned(),
        parameters,
        by: acting.requester.clone(),
        occasion: Occasion {
            reason,
            ticket: line(&wanted.ticket),
            alert: line(&wanted.alert),
            ..Occasion::default()
        },
    })
}

/// Asks every Prometheus for the burn of what a plan is about.
struct Burns<'a> {
    settings: &'a Settings,
    world: &'a World,
}

impl AskBurn for Burns<'_> {
    async fn ask(&self, plan: Option<&Plan>) -> Reading<BurnReading> {
        if self.settings.measuring().next().is_none() {
            let words = "no service level is measured here (--prometheus, --slo)";
            return Reading::Unknown(Untrusted::line(words));
        }
        // Before there is a plan there is nothing to ask about.
        let Some(plan) = plan else {
            return Reading::Unknown(Untrusted::line("not asked yet"));
        };
        let question = BurnQuestion {
            cache: Some(self.world.paths.burn_dir()),
            ..BurnQuestion::default()
        };
        let scope = Scope::Burns(question);
        let clock = self.world.clock;
        let picture = gather(self.settings, &scope, Arc::default(), clock).await;
        let service = plan
            .targets
            .iter()
            .find_map(|target| target.service.as_ref());
        burn_reading(&picture.board, service.map(Untrusted::raw), clock())
    }
}

async fn drive(
    settings: &Settings,
    acting: &Acting,
    policy: &Policy,
    world: &World,
    request: ActionRequest,
    goal: &Goal,
    tell: &mut dyn FnMut(Told<'_>),
) -> Driven {
    let driver = Driver {
        control: &acting.control,
        policy,
        burn: Burns { settings, world },
        clock: world.clock,
        tell,
    };
    driver.drive(request, goal).await
}

async fn plan(args: &ActionPlanArgs, global: &Global, world: &World, output: &Output) -> Outcome {
    let (settings, acting) = set_up(global, world)?;
    let request = request(&args.wanted, &acting)?;
    // A plan changes nothing: it may be made read-only, too.
    let observe = Policy::observe();
    let policy = settings.actions.policy.as_ref().unwrap_or(&observe);
    let goal = Goal::Check;
    let driven = drive(
        &settings,
        &acting,
        policy,
        world,
        request,
        &goal,
        &mut |_| {},
    )
    .await;
    let show = Show::of(&settings, args.reading.format(), world, output);
    let exit = match driven.pipeline.state() {
        State::Checked => Exit::Whole,
        _ if driven.pipeline.plan().is_none() => Exit::Nothing,
        _ => Exit::Refused,
    };
    acting.control.settle().await;
    answer(&driven, &show, exit, "", ShowPlan::Now)
}

async fn do_it(
    args: &ActionRunArgs,
    global: &Global,
    world: &World,
    output: &mut Output,
) -> Outcome {
    let (settings, acting) = set_up(global, world)?;
    let request = request(&args.wanted, &acting)?;
    let Some(policy) = &settings.actions.policy else {
        return Err(Answer {
            complaint: Some(format!("quell: {READ_ONLY}")),
            ..Answer::with(String::new(), Exit::Refused)
        });
    };
    if let Some(reason) = &args.break_glass
        && let Err(why) = acting.control.break_glass(reason).await
    {
        return Err(Answer {
            complaint: Some(format!("quell: the glass stays whole: {why}")),
            ..Answer::with(String::new(), Exit::Refused)
        });
    }
    let show = Show::of(&settings, args.reading.format(), world, output);
    let confirmation = (args.yes || args.confirm.is_some())
        .then(|| Confirmation::CommandLine(args.confirm.clone()));
    let is_confirmed = confirmation.is_some();
    let goal = Goal::End {
        confirmation,
        approvals: if args.no_wait {
            Approvals::AskedFor
        } else {
            Approvals::Awaited
        },
    };
    let is_text = show.format == Format::Text;
    let page = show.page;
    let mut has_shown_plan = false;
    let mut tell = |told: Told<'_>| {
        if is_text {
            let text = match told {
                Told::Plan(plan, gates) => {
                    has_shown_plan = true;
                    action_text::shown_plan(plan, gates, &page)
                }
                Told::Line(line) => format!("{line}\n"),
            };
            // A reader that is gone does not stop what was begun.
            let _ = write!(output.paper(), "{text}");
            let _ = output.paper().flush();
        }
    };
    let driven = drive(&settings, &acting, policy, world, request, &goal, &mut tell).await;
    acting.control.settle().await;
    let hint = match driven.pipeline.state() {
        State::Checked if !is_confirmed => unconfirmed(&driven),
        State::Checked => {
            "nothing was done: something changed after it was confirmed, and this is another plan \
                           now"
            .to_owned()
        }
        State::AwaitingApproval => waits(&driven),
        _ => String::new(),
    };
    let plan = if has_shown_plan {
        ShowPlan::WasShown
    } else {
        ShowPlan::Now
    };
    answer(&driven, &show, exit_of(&driven), &hint, plan)
}

/// What it takes to do what was only planned.
fn unconfirmed(driven: &Driven) -> String {
    let needed = driven.pipeline.judgement();
    let needed = needed.map_or(0, |judgement| judgement.require.approvals);
    let is_lacking = driven
        .gates
        .iter()
        .any(|finding| finding.gate == Gate::Approvals && finding.state != Holds::Yes);
    let effort = driven.pipeline.effort().map(|(effort, _)| effort);
    let word = driven.pipeline.plan().map(|plan| shown(plan.word()));
    let flag = match (effort, word) {
        (Some(Effort::WordAndCode), Some(word)) => format!("--confirm {word}"),
        _ => "--yes".to_owned(),
    };
    if needed > 0 && is_lacking {
        return format!(
            "nothing was done: {flag} asks for the approvals it needs ({needed}), and does it then"
        );
    }
    format!("nothing was done: {flag} does it")
}

/// What is to come before it goes on.
fn waits(driven: &Driven) -> String {
    let id = driven.pipeline.seed().map_or("", |seed| seed.id.short());
    format!(
        "nothing was done: it waits for somebody else to run `quell approve {id}`, while this command runs without \
         --no-wait"
    )
}

/// How the process ends, by how the action did.
fn exit_of(driven: &Driven) -> Exit {
    match driven.pipeline.state() {
        State::Ended(End::Verified) => Exit::Whole,
        State::Ended(End::NeedsPerson | End::Reverted) => Exit::Partial,
        State::Ended(End::Blocked) if driven.pipeline.plan().is_none() => Exit::Nothing,
        State::InDoubt { .. } => Exit::InDoubt,
        _ => Exit::Refused,
    }
}

/// Whether the plan is part of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShowPlan {
    Now,
    WasShown,
}

fn answer(driven: &Driven, show: &Show, exit: Exit, hint: &str, plan: ShowPlan) -> Outcome {
    let document = match show.format {
        Format::Json => Document::text("quell.action/1", ActionDoc::of(driven))
            .map_err(|error| unwritable(&error))?,
        Format::Text => {
            let mut text = match plan {
                ShowPlan::Now => action_text::plan(driven, &show.page),
                ShowPlan::WasShown => String::new(),
            };
            // Where nothing could be planned there is nothing but the reason.
            // The hint says more than the state.
            let is_told = exit == Exit::Nothing || !hint.is_empty();
            if !is_told {
                text.push_str(&action_text::ending(driven, &show.page));
            }
            text
        }
    };
    let last = driven.pipeline.trail().last();
    let why = last.map_or("", |(_, words)| words.shown());
    let complaint = match exit {
        Exit::Whole => None,
        _ if !hint.is_empty() => Some(format!("quell: {hint}")),
        Exit::InDoubt => {
            let id = driven.pipeline.seed().map_or("", |seed| seed.id.short());
            Some(format!(
                "quell: nobody knows what became of it: {why}; `quell action status {id}` looks again"
            ))
        }
        // The text ends with it.
        Exit::Refused | Exit::Partial if show.format == Format::Text => None,
        _ => Some(format!("quell: {why}")),
    };
    Ok(Answer {
        document,
        complaint,
        exit,
    })
}

#[derive(Serialize)]
struct StatusDoc<'a> {
    panic: Option<Untrusted>,
    journal_error: Option<String>,
    in_doubt: Vec<DoubtDoc>,
    actions: Vec<LineDoc<'a>>,
}

#[derive(Serialize)]
struct DoubtDoc {
    id: String,
    step: usize,
    what: Untrusted,
    found: Found,
}

#[derive(Serialize)]
struct LineDoc<'a> {
    id: &'a str,
    at: chrono::DateTime<chrono::Utc>,
    by: &'a Untrusted,
    what: String,
    outcome: String,
}

async fn status(
    args: &ActionStatusArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let (settings, acting) = set_up(global, world)?;
    let control = &acting.control;
    let recovered = control.recover().await;
    control.settle().await;
    let kept = match control.journal() {
        Ok(journal) => journal.records().map_err(|error| error.to_string()),
        Err(why) => Err(why.shown().to_owned()),
    };
    let records = kept.as_deref().unwrap_or_default();
    let mut lines = lines(records, args.id.as_deref());
    lines.truncate(MOST_ACTIONS);
    let doubts: Vec<DoubtDoc> = recovered
        .iter()
        .flatten()
        .map(|one| DoubtDoc {
            id: one.action.to_string(),
            step: one.step,
            what: one.what.clone(),
            found: one.found.clone(),
        })
        .collect();
    let is_in_doubt = doubts
        .iter()
        .any(|one| matches!(one.found, Found::Unknown(_)));
    let journal_error = kept.as_ref().err().cloned();
    let exit = match (&journal_error, is_in_doubt) {
        (Some(_), _) => Exit::Nothing,
        (None, true) => Exit::InDoubt,
        (None, false) => Exit::Whole,
    };
    let show = Show::of(&settings, args.reading.format(), world, output);
    let document = match show.format {
        Format::Json => {
            let body = StatusDoc {
                panic: control.panic(),
                journal_error: journal_error.clone(),
                in_doubt: doubts,
                actions: lines,
            };
            Document::text("quell.action_status/1", body).map_err(|error| unwritable(&error))?
        }
        Format::Text => {
            let mut text = String::new();
            if let Some(who) = control.panic() {
                show.page
                    .line(&mut text, Role::Bad, &format!("PANIC: {who}"));
            }
            for one in &doubts {
                let words = match &one.found {
                    Found::Applied => "was done".to_owned(),
                    Found::NotApplied => "was not done".to_owned(),
                    Found::Unknown(why) => format!("IN DOUBT: {why}"),
                };
                let id = one.id.get(..8).unwrap_or_default();
                let line = format!("{id}  {}: {words}", one.what);
                show.page.line(&mut text, Role::Care, &line);
            }
            let mut table = Table::indented(0);
            for line in &lines {
                table.row(vec![
                    cell(line.id.get(..8).unwrap_or_default().to_owned()),
                    cell(line.at.format("%m-%d %H:%MZ").to_string()),
                    cell(line.by.to_string()),
                    cell(line.what.clone()),
                    cell(line.outcome.clone()),
                ]);
            }
            table.render(&show.page, &mut text);
            if lines.is_empty() && journal_error.is_none() {
                show.page
                    .line(&mut text, Role::Faint, "no action is in the journal");
            }
            text
        }
    };
    Ok(Answer {
        complaint: journal_error.map(|why| format!("quell: {why}")),
        ..Answer::with(document, exit)
    })
}

/// One line for each action, the last first.
fn lines<'a>(records: &'a [Kept], id: Option<&str>) -> Vec<LineDoc<'a>> {
    let mut lines: Vec<LineDoc<'a>> = Vec::new();
    for kept in records {
        let record = &kept.record;
        let Some(action) = &record.action else {
            continue;
        };
        if id.is_some_and(|id| !action.as_str().starts_with(id)) {
            continue;
        }
        let at = lines.iter().position(|line| line.id == action.as_str());
        let at = at.unwrap_or_else(|| {
            lines.push(LineDoc {
                id: action.as_str(),
                at: record.at,
                by: &record.by.name,
                what: String::new(),
                outcome: "requested".to_owned(),
            });
            lines.len() - 1
        });
        let Some(line) = lines.get_mut(at) else {
            continue;
        };
        match &record.entry {
            Entry::Requested { request } => line.what = request.to_string(),
            Entry::Planned(plan) => {
                plan.title.shown().clone_into(&mut line.what);
                "planned, nothing done".clone_into(&mut line.outcome);
            }
            Entry::ApprovalAsked { .. } => "waits for approval".clone_into(&mut line.outcome),
            Entry::Intent { .. } => "in doubt".clone_into(&mut line.outcome),
            Entry::Outcome { outcome, .. } => {
                use crate::domain::record::StepOutcome as Step;
                let word = match outcome {
                    Step::Applied { .. } => "applied",
                    Step::Refused { .. } => "refused",
                    Step::NotSent { .. } => "not sent",
                    Step::InDoubt { .. } => "in doubt",
                };
                word.clone_into(&mut line.outcome);
            }
            Entry::Decided { found, .. } => {
                let word = match found {
                    Found::Applied => "applied, by a person's word",
                    Found::NotApplied => "not applied, by a person's word",
                    Found::Unknown(_) => "in doubt",
                };
                word.clone_into(&mut line.outcome);
            }
            Entry::Ended { end, detail } => {
                line.outcome = format!("{}: {detail}", end.word());
            }
            _ => {}
        }
    }
    lines.reverse();
    lines
}

async fn decide(
    args: &ActionDecideArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let (settings, acting) = set_up(global, world)?;
    let control = &acting.control;
    let recovered = control.recover().await;
    let recovered = recovered.map_err(|why| Answer::usage(format!("quell: {why}")))?;
    let open: Vec<_> = recovered
        .iter()
        .filter(|one| matches!(one.found, Found::Unknown(_)))
        .filter(|one| one.action.as_str().starts_with(&args.id))
        .collect();
    let [one] = open[..] else {
        let words = match open.len() {
            0 => "no write of such an action is in doubt",
            _ => "several actions begin so: give more of the id",
        };
        return Err(Answer::usage(format!("quell: {words}")));
    };
    let found = match args.found {
        Decision::Applied => Found::Applied,
        Decision::NotApplied => Found::NotApplied,
    };
    control
        .decide(&one.action, one.step, found, &args.reason)
        .await
        .map_err(|why| Answer {
            complaint: Some(format!("quell: {why}")),
            ..Answer::with(String::new(), Exit::Nothing)
        })?;
    control.settle().await;
    let show = Show::of(&settings, args.reading.format(), world, output);
    let document = match show.format {
        Format::Text => format!("{}: written down\n", one.action.short()),
        Format::Json => {
            let body = serde_json::json!({ "id": one.action, "step": one.step });
            Document::text("quell.decided/1", body).map_err(|error| unwritable(&error))?
        }
    };
    Ok(Answer::whole(document))
}

/// `quell approve`: with a plan that is made again here.
///
/// # Errors
/// A config that does not hold, or what [`approve::run`] refuses.
pub(super) async fn approve(
    args: &ApproveArgs,
    global: &Global,
    world: &World,
    output: &mut Output,
) -> Outcome {
    let (_, acting) = set_up(global, world)?;
    let control = &acting.control;
    let replan = async |asked: &ApprovalRequest| {
        let planned = control.replan(&asked.request, &asked.seed).await;
        planned.map_err(|why| why.shown().to_owned())
    };
    approve::run(args, global, world, output, replan).await
}

/// `quell panic`
///
/// # Errors
/// A config that does not hold, or a file that cannot be written.
pub(super) async fn panic(
    args: &PanicArgs,
    global: &Global,
    world: &World,
    output: &Output,
) -> Outcome {
    let (settings, acting) = set_up(global, world)?;
    let control = &acting.control;
    if let Some(word) = args.switch {
        control
            .set_panic(word == PanicWord::On)
            .await
            .map_err(|why| Answer {
                complaint: Some(format!("quell: {why}")),
                ..Answer::with(String::new(), Exit::Nothing)
            })?;
    }
    control.settle().await;
    let who = control.panic();
    let show = Show::of(&settings, args.reading.format(), world, output);
    let document = match show.format {
        Format::Json => {
            let body = serde_json::json!({ "on": who.is_some(), "who": who });
            Document::text("quell.panic/1", body).map_err(|error| unwritable(&error))?
        }
        Format::Text => match who {
            Some(who) => format!("PANIC is on: nothing is dispatched on this machine ({who})\n"),
            None => "panic is off\n".to_owned(),
        },
    };
    Ok(Answer::whole(document))
}
