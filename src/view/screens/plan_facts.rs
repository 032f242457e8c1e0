//! What does a plan come to, may it be done, and who has said so?
//!
//! The lines of [`super::plan`] that tell of the plan itself, of every gate with its inputs, and of the
//! approvals.

use crate::domain::action::{Direction, Risk};
use crate::domain::duration::{short, short_age};
use crate::domain::guard::{APPROVAL_LIMIT, Finding, Gate, State};
use crate::domain::plan::{Difference, DryRun, DryVerdict, Holds, Plan, Reverse, Target};
use crate::domain::policy::Reading;
use crate::domain::text::{Untrusted, shown};
use crate::model::Model;
use crate::model::acting::{Run, burn_for};
use crate::model::dialog::findings as all_findings;
use crate::theme::Role;
use crate::view::Look;
use crate::view::widgets::page::Page;

/// No more targets than this are named one by one.
const MOST_TARGETS: usize = 6;

/// The plan itself; nothing while there is none.
pub fn tell(page: &mut Page, run: &Run, look: &Look) {
    let Some(plan) = run.pipeline.plan() else {
        return;
    };
    for (at, target) in plan.targets.iter().take(MOST_TARGETS).enumerate() {
        let name = if at == 0 { "target" } else { "" };
        page.fact(name, &target_words(target, look), Role::Strong);
        if let Some(points) = code_points(target) {
            page.fact("", &points, Role::Warn);
        }
    }
    if plan.targets.len() > MOST_TARGETS {
        let words = format!("and {} more", plan.targets.len() - MOST_TARGETS);
        page.fact("", &words, Role::Warn);
    }
    let dot = look.glyphs.dot;
    let (risk, role) = risk_words(plan.risk);
    let direction = direction_words(plan.direction);
    let words = format!(
        "{} {risk} {dot} {} {direction}",
        plan.risk.word(),
        plan.direction.word()
    );
    page.fact("risk", &words, role);
    dry_run(page, "dry run", &plan.dry_run);
    for (at, one) in plan.differences.iter().enumerate() {
        let name = if at == 0 { "changes" } else { "" };
        page.fact(name, &difference(one, look), Role::Text);
    }
    for (at, words) in plan.blast.words.iter().enumerate() {
        page.fact(
            if at == 0 { "touches" } else { "" },
            words.shown(),
            Role::Text,
        );
    }
    reverse(page, plan);
    if let Some(reason) = &plan.request.occasion.reason {
        page.fact("reason", reason.shown(), Role::Text);
    }
    if let Some(ticket) = &plan.request.occasion.ticket {
        page.fact("ticket", ticket.shown(), Role::Text);
    }
    page.gap();
}

fn target_words(target: &Target, look: &Look) -> String {
    let dot = look.glyphs.dot;
    let mut words = vec![target.name.shown().to_owned()];
    words.extend(target.env.as_ref().map(|env| format!("env {env}")));
    words.push(format!("server {}", shown(&target.server)));
    if !target.server_identity.is_empty() {
        words.push(format!("identity {}", shown(&target.server_identity)));
    }
    words.join(&format!(" {dot} "))
}

/// The characters of a name that may look like others.
fn code_points(target: &Target) -> Option<String> {
    let strange: Vec<String> = target
        .name
        .raw()
        .chars()
        .filter(|c| !c.is_ascii())
        .take(12)
        .map(|c| format!("U+{:04X}", u32::from(c)))
        .collect();
    (!strange.is_empty()).then(|| format!("its name is not plain ASCII: {}", strange.join(" ")))
}

fn risk_words(risk: Risk) -> (&'static str, Role) {
    match risk {
        Risk::R0 => ("changes nothing that matters", Role::Text),
        Risk::R1 => ("can be taken back cleanly", Role::Text),
        Risk::R2 => ("can be taken back, at a cost", Role::Warn),
        Risk::R3 => ("CANNOT BE TAKEN BACK", Role::Danger),
    }
}

fn direction_words(direction: Direction) -> &'static str {
    match direction {
        Direction::Reduces => "risk",
        Direction::Adds => "risk: something new comes",
        Direction::Neutral => "as to risk",
    }
}

fn dry_run(page: &mut Page, name: &str, run: &DryRun) {
    let grade = format!("{}: {}", run.grade.word(), run.grade.meaning());
    let (words, role) = match &run.verdict {
        DryVerdict::Accepted => (format!("{grade}; accepted"), Role::Text),
        DryVerdict::Refused(why) => (format!("{grade}; REFUSED: {why}"), Role::Failed),
        DryVerdict::NotRun(why) => (format!("{grade}; not run: {why}"), Role::Warn),
    };
    page.fact(name, &words, role);
    for note in &run.notes {
        page.fact("", note.shown(), Role::Warn);
    }
}

/// `image  2.31.0 → 2.30.4`
pub fn difference(one: &Difference, look: &Look) -> String {
    let side = |value: &Option<Untrusted>| match value {
        Some(value) => value.shown().to_owned(),
        None => "nothing".to_owned(),
    };
    let (before, after) = (side(&one.before), side(&one.after));
    format!("{}  {before} {} {after}", one.path, look.glyphs.becomes)
}

fn reverse(page: &mut Page, plan: &Plan) {
    match &plan.reverse {
        Reverse::Steps { what, dry_run, .. } => {
            page.fact("reverse", what.shown(), Role::Text);
            self::dry_run(page, "", dry_run);
        }
        Reverse::None(why) => page.fact("reverse", &format!("none: {why}"), Role::Warn),
    }
}

/// Every gate with its inputs: what stops it first, then what warns, then what waits for the operator.
pub fn findings(page: &mut Page, run: &Run, model: &Model, look: &Look) {
    let mut all = all_findings(run, model);
    let Some(plan) = run.pipeline.plan() else {
        return;
    };
    all.sort_by_key(|finding| match finding.state {
        Holds::No if waits(finding) => 3,
        Holds::No => 0,
        Holds::Unknown => 1,
        Holds::Warns => 2,
        Holds::Yes => 4,
    });
    let glyphs = look.glyphs;
    for finding in &all {
        let (sign, word, role) = match finding.state {
            Holds::Yes => (glyphs.check, "ok", Role::Ok),
            Holds::Warns => (glyphs.warn, "warns", Role::Warn),
            Holds::No if waits(finding) => (glyphs.ellipsis, "waits", Role::Dim),
            Holds::No => (glyphs.cross, "NO", Role::Failed),
            Holds::Unknown if finding.lets_through(plan.direction) => ("?", "unknown", Role::Warn),
            Holds::Unknown => ("?", "unknown", Role::Failed),
        };
        // What a plan needs says itself what it is.
        let words = match finding.gate {
            Gate::Preconditions => finding.words.shown().to_owned(),
            gate => format!("{}: {}", gate.words(), finding.words),
        };
        let plain = if role == Role::Ok { Role::Text } else { role };
        page.signed((&format!("{sign} {word:<7}"), role), &words, plain);
    }
}

/// Whether a gate waits for the operator, or for others.
fn waits(finding: &Finding) -> bool {
    matches!(
        finding.gate,
        Gate::Confirmed | Gate::Countdown | Gate::Rechecked | Gate::Approvals
    )
}

/// Who has approved it, who has not, and how one asks.
pub fn approvals(page: &mut Page, run: &Run, model: &Model, look: &Look) {
    let (Some(plan), Some(digest), Some(facts), Some(judgement), Some(policy)) = (
        run.pipeline.plan(),
        run.pipeline.digest(),
        run.pipeline.facts(),
        run.pipeline.judgement(),
        model.acting.policy.as_deref(),
    ) else {
        return;
    };
    let require = &judgement.require;
    if require.approvals == 0 && facts.approvals.is_empty() && facts.rejected.is_empty() {
        return;
    }
    page.gap();
    let role = require
        .role
        .as_deref()
        .map_or(String::new(), |role| format!(" by role {}", shown(role)));
    let words = format!("{} needed{role}, never by who asks", require.approvals);
    page.fact("approval", &words, Role::Strong);
    for approval in &facts.approvals {
        let who = format!(
            "{} as {}, key {}",
            approval.signer,
            shown(&approval.statement.role),
            approval.key
        );
        let problem = approval.problem(plan, digest, &facts.requester, policy, model.now);
        match problem {
            None => page.signed(
                (&format!("{} counts:", look.glyphs.check), Role::Ok),
                &who,
                Role::Text,
            ),
            Some(why) => {
                let words = format!("{who}: {}", shown(&why.0));
                let sign = format!("{} does not count:", look.glyphs.cross);
                page.signed((&sign, Role::Failed), &words, Role::Failed);
            }
        }
    }
    for why in &facts.rejected {
        let sign = format!("{} is none:", look.glyphs.cross);
        page.signed((&sign, Role::Failed), why.shown(), Role::Failed);
    }
    let id = plan.seed.id.short();
    if *run.pipeline.state() == State::AwaitingApproval {
        let there = model
            .acting
            .steady
            .saturating_sub(run.pipeline.since().steady);
        let left = APPROVAL_LIMIT.saturating_sub(there).as_secs();
        let words = format!(
            "asked {} ago, waited for {} more. They run `quell approve {id}`; paste here what they send.",
            short(there.as_secs()),
            short(left)
        );
        page.fact("", &words, Role::Hint);
    } else {
        let words = format!(
            "ask for approval lets others see it: they run `quell approve {id}` and see their own diff"
        );
        page.fact("", &words, Role::Hint);
    }
}

/// How old what was looked at is, and by which rules it was judged.
pub fn inputs(page: &mut Page, run: &Run, model: &Model) {
    let Some(plan) = run.pipeline.plan() else {
        return;
    };
    page.gap();
    let made = short_age(plan.made_at, model.now);
    let policy = model.acting.policy.as_deref();
    let policy = policy.map_or(String::new(), |policy| {
        format!("; rules {} {}", policy.name, policy.version)
    });
    page.fact("inputs", &format!("read {made} ago{policy}"), Role::Dim);
    page.fact("", &burn_words(run, model), Role::Dim);
}

/// How fast the budgets burn that it is about.
pub fn burn_words(run: &Run, model: &Model) -> String {
    match burn_for(model, run.id) {
        Reading::Known { value, age } => format!(
            "burn {:.1}x over 5m, {:.1}x over 1h ({}), {} old",
            value.short,
            value.long,
            value.slo,
            short(age.as_secs())
        ),
        Reading::Contradictory(why) => format!("burn: sources disagree: {why}"),
        Reading::Unknown(why) => format!("burn not known: {why}"),
    }
}
