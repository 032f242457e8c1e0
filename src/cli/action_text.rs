//! How does an action look as text for people?
//!
//! The plan as the dialog shows it, each gate with its inputs, and how it ended. Called by
//! [`super::action`].

use super::action_drive::Driven;
use super::action_json::words_of;
use super::page::{Page, Role, Signs, Table, cell};
use crate::domain::action::{Catalogue, Need};
use crate::domain::guard::{Finding, Gate};
use crate::domain::plan::{DryVerdict, Holds, Plan, Reverse};

/// What can be done here.
pub(super) fn list(catalogue: &Catalogue, part: Option<&str>, page: &Page) -> String {
    let mut out = String::new();
    for spec in catalogue.all() {
        if part.is_some_and(|part| !spec.name.contains(part)) {
            continue;
        }
        let line = format!(
            "{}  {} {}",
            spec.name,
            spec.risk.word(),
            spec.direction.word()
        );
        page.line(&mut out, Role::Heading, &line);
        page.line(&mut out, Role::Plain, &format!("  {}", spec.help));
        let mut table = Table::indented(4);
        for parameter in &spec.parameters {
            let need = match parameter.need {
                Need::Required => "",
                Need::Optional => "optional: ",
            };
            table.row(vec![
                cell(format!("{}={}", parameter.name, parameter.kind.word())),
                cell(format!("{need}{}", parameter.help)),
            ]);
        }
        table.render(page, &mut out);
    }
    out
}

/// A plan, and what the guard says of it.
pub(super) fn plan(driven: &Driven, page: &Page) -> String {
    let mut out = String::new();
    if let Some(plan) = driven.pipeline.plan() {
        body(plan, page, &mut out);
    }
    gates(&driven.gates, page, &mut out);
    out
}

/// The same while it goes on.
pub(super) fn shown_plan(plan: &Plan, findings: &[Finding], page: &Page) -> String {
    let mut out = String::new();
    body(plan, page, &mut out);
    gates(findings, page, &mut out);
    out
}

fn body(plan: &Plan, page: &Page, out: &mut String) {
    page.line(out, Role::Heading, plan.title.shown());
    let mut table = Table::indented(2);
    let mut row = |name: &str, value: String| {
        table.row(vec![cell(name.to_owned()), cell(value)]);
    };
    for target in &plan.targets {
        let env = target.env.as_ref().map_or("", |env| env.shown());
        row(
            "target",
            format!("{} at {} {env}", target.name, target.server)
                .trim_end()
                .to_owned(),
        );
    }
    row(
        "risk",
        format!("{}, {} risk", plan.risk.word(), plan.direction.word()),
    );
    for difference in &plan.differences {
        let side = |side: &Option<crate::domain::text::Untrusted>| {
            side.as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        let arrow = match page.signs {
            Signs::Ascii => "->",
            Signs::Unicode => "→",
        };
        let words = format!(
            "{}: {} {arrow} {}",
            difference.path,
            side(&difference.before),
            side(&difference.after)
        );
        row("changes", words);
    }
    for words in &plan.blast.words {
        row("touches", words.to_string());
    }
    let verdict = match &plan.dry_run.verdict {
        DryVerdict::Accepted => "accepted".to_owned(),
        DryVerdict::Refused(why) => format!("refused: {why}"),
        DryVerdict::NotRun(why) => format!("not run: {why}"),
    };
    let grade = plan.dry_run.grade;
    let words = format!("{}, {}: {verdict}", grade.word(), grade.meaning());
    row("dry run", words);
    for note in &plan.dry_run.notes {
        row("", note.to_string());
    }
    match &plan.reverse {
        Reverse::Steps { what, .. } => row("reverse", what.to_string()),
        Reverse::None(why) => row("reverse", format!("none: {why}")),
    }
    for step in &plan.steps {
        row("sends", step.what.to_string());
    }
    row("code", plan.digest().code().to_owned());
    table.render(page, out);
}

fn gates(findings: &[Finding], page: &Page, out: &mut String) {
    for finding in findings {
        let (role, sign) = match (finding.state, page.signs) {
            (Holds::No, Signs::Unicode) if is_yet_to_come(finding) => (Role::Faint, "…"),
            (Holds::No, Signs::Ascii) if is_yet_to_come(finding) => (Role::Faint, "~"),
            (Holds::Yes, Signs::Unicode) => (Role::Plain, "✓"),
            (Holds::Yes, Signs::Ascii) => (Role::Plain, "ok"),
            (Holds::Warns, _) => (Role::Care, "!"),
            (Holds::No, Signs::Unicode) => (Role::Care, "✗"),
            (Holds::No, Signs::Ascii) => (Role::Care, "no"),
            (Holds::Unknown, _) => (Role::Care, "?"),
        };
        let words = format!("  {sign} {}: {}", finding.gate.words(), finding.words);
        page.line(out, role, &words);
    }
}

/// What the requester has not done yet is no denial.
fn is_yet_to_come(finding: &Finding) -> bool {
    matches!(
        finding.gate,
        Gate::Confirmed | Gate::Countdown | Gate::Rechecked | Gate::Approvals
    )
}

/// How it ended, or where it stands, in one line: `verified: 3 of 3 are ready  (7f3a9c12)`.
pub(super) fn ending(driven: &Driven, page: &Page) -> String {
    let mut out = String::new();
    let (state, end) = words_of(driven.pipeline.state());
    let detail = driven.pipeline.trail().last();
    let detail = detail.map_or("", |(_, words)| words.shown());
    let state = state.replace('_', " ");
    // The last line of the trail begins with how it ended.
    let mut words = match end {
        Some(_) => detail.to_owned(),
        None if detail == state || detail.is_empty() => state,
        None => format!("{state}: {detail}"),
    };
    if let Some(seed) = driven.pipeline.seed() {
        words = format!("{words}  ({})", seed.id.short());
    }
    page.line(&mut out, Role::Heading, &words);
    if driven.pipeline.may_revert() {
        page.line(&mut out, Role::Plain, "  it can be taken back");
    }
    out
}
