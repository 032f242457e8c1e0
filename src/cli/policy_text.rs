//! How does a policy read? Text for people, of `show`, `explain` and `test`.

use chrono::{DateTime, Utc};

use super::page::{Page, Role, Signs, count};
use super::policy_case::Question;
use super::policy_test::Outcome;
use crate::domain::policy::{
    Judgement, Level, Mode, Policy, Rule, RuleVerdict, Window, WindowTimes,
};
use crate::domain::text::shown;

/// The whole policy.
pub(super) fn show(policy: &Policy, now: DateTime<Utc>, page: &Page) -> String {
    let mut out = String::new();
    head(&mut out, policy, page);
    let roles = [
        ("soft denials are passed by", &policy.override_role),
        ("the glass is broken by", &policy.break_glass_role),
    ];
    for (what, role) in roles {
        if let Some(role) = role {
            page.line(
                &mut out,
                Role::Plain,
                &format!("{what} role {}", shown(role)),
            );
        }
    }
    for (role, who) in &policy.roles {
        let line = format!("role {}: {}", shown(role), shown(&who.join(", ")));
        page.line(&mut out, Role::Plain, &line);
    }
    for window in &policy.windows {
        page.line(&mut out, Role::Plain, &window_words(window, now));
    }
    for rule in &policy.rules {
        out.push('\n');
        show_rule(&mut out, rule, page);
    }
    out.push('\n');
    page.line(&mut out, Role::Faint, "What no rule is about is denied.");
    out
}

fn head(out: &mut String, policy: &Policy, page: &Page) {
    let title = format!("{} {}", policy.name, policy.version);
    page.line(out, Role::Heading, &title);
    let (role, meaning) = match policy.mode {
        Mode::Observe => (Role::Care, "observe: plans only, nothing is dispatched"),
        Mode::Warn => (Role::Care, "warn: denials are shown and stop nobody"),
        Mode::Enforce => (Role::Plain, "enforce: denials stop"),
    };
    page.line(out, role, meaning);
}

fn show_rule(out: &mut String, rule: &Rule, page: &Page) {
    let level = rule.level.unwrap_or(Level::Hard).word();
    page.line(
        out,
        Role::Heading,
        &format!("{} ({level})", shown(&rule.id)),
    );
    let deny_if: Vec<String> = rule.deny_if.iter().map(ToString::to_string).collect();
    let deny_if = (!deny_if.is_empty()).then(|| deny_if.join(", "));
    let lines = [
        ("about", Some(rule.matches.words())),
        ("denies if", deny_if),
        ("because", rule.because.as_deref().map(shown)),
        ("asks for", rule.require.words()),
        ("at most", rule.limits.words()),
        ("watches", rule.verify.words()),
    ];
    for (what, words) in lines {
        if let Some(words) = words {
            page.line(out, Role::Plain, &format!("  {what:<10}{words}"));
        }
    }
}

fn window_words(window: &Window, now: DateTime<Utc>) -> String {
    let times = match &window.times {
        WindowTimes::Once { from, until } => {
            let local = |at: &DateTime<Utc>| at.with_timezone(&window.zone).format("%F %H:%M");
            format!("{} to {}", local(from), local(until))
        }
        WindowTimes::Weekly { days, from, until } => {
            let days: Vec<String> = days.iter().map(ToString::to_string).collect();
            let days = match days.as_slice() {
                [] => "every day".to_owned(),
                days => days.join(", "),
            };
            format!(
                "{days} {} to {}",
                from.format("%H:%M"),
                until.format("%H:%M")
            )
        }
    };
    let state = if window.is_open(now) {
        "open now"
    } else {
        "closed now"
    };
    let (name, kind, zone) = (shown(&window.name), window.kind.word(), window.zone.name());
    format!("window {name} ({kind}): {times} {zone}, {state}")
}

/// What it says of a plan.
pub(super) fn explain(
    policy: &Policy,
    question: &Question,
    judged: &Judgement,
    page: &Page,
) -> String {
    let mut out = String::new();
    let (plan, facts) = (&question.plan, &question.facts);
    page.line(&mut out, Role::Heading, &plan.request.to_string());
    let (risk, direction) = (plan.risk.word(), plan.direction.word());
    let env = plan.targets.first().and_then(|target| target.env.as_ref());
    let env = env.map_or(String::new(), |env| format!(" in {env}"));
    let at = facts.now.format("%Y-%m-%dT%H:%M:%SZ");
    let line = format!(
        "risk {risk}, direction {direction}{env}, at {at}, by {}",
        plan.request.by.name
    );
    page.line(&mut out, Role::Plain, &line);
    head(&mut out, policy, page);
    out.push('\n');
    let (role, words) = match judged.verdict {
        RuleVerdict::Passes => (Role::Good, "It passes."),
        RuleVerdict::Warns => (Role::Care, "It passes, with a warning."),
        RuleVerdict::DeniesSoftly => (
            Role::Bad,
            "It is denied; who has the override role may pass it, with a reason.",
        ),
        RuleVerdict::Denies => (Role::Bad, "It is denied."),
    };
    page.line(&mut out, role, words);
    if policy.mode == Mode::Observe {
        let words = "The policy only observes: nothing is dispatched, whatever it says.";
        page.line(&mut out, Role::Care, words);
    }
    for finding in &judged.findings {
        let (role, mark) = mark(finding.verdict, page);
        let line = format!("  {mark} {}: {}", finding.rule, finding.words);
        page.paint(&mut out, role, &line);
        out.push('\n');
    }
    for (rule, why) in policy.unmatched(plan) {
        let line = format!("  {} {}: not about it: {why}", page.dash(), shown(&rule));
        page.line(&mut out, Role::Faint, &line);
    }
    out.push('\n');
    let all = [
        ("asks for", judged.require.words()),
        ("at most", judged.limits.words()),
        ("watches", judged.verify.words()),
    ];
    for (what, words) in all {
        if let Some(words) = words {
            page.line(&mut out, Role::Plain, &format!("{what:<10}{words}"));
        }
    }
    out
}

fn mark(verdict: RuleVerdict, page: &Page) -> (Role, &'static str) {
    let ascii = page.signs == Signs::Ascii;
    match verdict {
        RuleVerdict::Passes => (Role::Plain, if ascii { "+" } else { "✓" }),
        RuleVerdict::Warns => (Role::Care, "!"),
        RuleVerdict::DeniesSoftly | RuleVerdict::Denies => {
            (Role::Bad, if ascii { "x" } else { "✗" })
        }
    }
}

/// What came of the cases.
pub(super) fn test(outcomes: &[Outcome], page: &Page) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let is_met = outcome.problems.is_empty();
        let verdict = if is_met {
            RuleVerdict::Passes
        } else {
            RuleVerdict::Denies
        };
        let (role, mark) = mark(verdict, page);
        let line = format!("{mark} {} ({})", outcome.name, outcome.file);
        page.line(&mut out, role, &line);
        for problem in &outcome.problems {
            // Whole: it is what somebody has to mend.
            out.extend(["    ", problem.shown(), "\n"]);
        }
    }
    let failed = outcomes
        .iter()
        .filter(|one| !one.problems.is_empty())
        .count();
    let summary = match failed {
        0 => format!("{}, as expected", count(outcomes.len(), "case")),
        _ => format!("{failed} of {} failed", count(outcomes.len(), "case")),
    };
    page.line(&mut out, Role::Heading, &summary);
    out
}
