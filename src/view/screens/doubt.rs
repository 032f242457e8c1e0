//! A write left and nobody knows what became of it: what is known, and how does one find out?

use crate::domain::check::{Condition, Evidence, Operand};
use crate::domain::duration::short_age;
use crate::domain::plan::{Part, Step, Write};
use crate::domain::text::{Untrusted, shown};
use crate::model::Model;
use crate::model::acting::Run;
use crate::theme::Role;
use crate::view::widgets::page::Page;

/// All that is known of the write.
pub fn tell(page: &mut Page, run: &Run, at: (Part, usize), why: &Untrusted, model: &Model) {
    page.text(
        "IN DOUBT: a write left, and nobody knows what became of it.",
        Role::Danger,
    );
    page.text(
        "It is never sent again by itself. Find out, then say what you found.",
        Role::Strong,
    );
    page.gap();
    let since = run.pipeline.since().wall;
    let age = short_age(since, model.now);
    page.fact(
        "since",
        &format!("{}Z, {age} ago", since.format("%H:%M:%S")),
        Role::Text,
    );
    page.fact("why", why.shown(), Role::Warn);
    if let Some(looked) = run.looked {
        let words = format!("looked at again {} ago", short_age(looked, model.now));
        page.fact("", &words, Role::Dim);
    }
    let (part, place) = at;
    let Some(plan) = run.pipeline.plan() else {
        return;
    };
    let all = plan.steps_of(part);
    let Some(step) = all.get(place) else {
        return;
    };
    let of = match part {
        Part::Forward => "",
        Part::Reverse => " back",
    };
    let words = format!("step {} of {}{of}: {}", place + 1, all.len(), step.what);
    page.fact("sent", &words, Role::Text);
    page.fact("", &sent(step), Role::Code);
    page.fact("marked", &format!("action {}", plan.seed.id), Role::Dim);
    page.gap();
    by_hand(page, &step.evidence);
}

fn sent(step: &Step) -> String {
    match &step.write {
        Write::Http(write) => {
            let (verb, server) = (write.verb.word(), shown(&write.server));
            format!("{verb} {server} {}", shown(&write.path))
        }
        Write::Command(write) => shown(&write.program),
    }
}

/// How a person finds out.
fn by_hand(page: &mut Page, evidence: &Evidence) {
    match evidence {
        Evidence::None(why) => {
            page.fact(
                "by hand",
                &format!("nothing can be read: {why}"),
                Role::Warn,
            );
        }
        Evidence::Read {
            read,
            applied,
            untouched,
        } => {
            let place = format!("GET {} {}", shown(&read.server), shown(&read.path));
            page.fact("by hand", &place, Role::Code);
            page.fact("", &format!("it was done if {}", all(applied)), Role::Text);
            page.fact("", &format!("it was not if {}", all(untouched)), Role::Text);
        }
    }
}

fn all(conditions: &[Condition]) -> String {
    let words: Vec<String> = conditions.iter().map(condition).collect();
    match words.join(" and ") {
        words if words.is_empty() => "nobody can say".to_owned(),
        words => words,
    }
}

fn condition(one: &Condition) -> String {
    match one {
        Condition::Equal(a, b) => format!("{} is {}", side(a), side(b)),
        Condition::Differ(a, b) => format!("{} is not {}", side(a), side(b)),
        Condition::AtLeast(a, b) => format!("{} is at least {}", side(a), side(b)),
        Condition::Present(place) => format!("{} is there", shown(place)),
        Condition::Absent(place) => format!("{} is not there", shown(place)),
        Condition::NotFound => "it answers 404".to_owned(),
        Condition::Either(a, b) => format!("({} or {})", condition(a), condition(b)),
    }
}

fn side(operand: &Operand) -> String {
    match operand {
        Operand::At(place, _) => shown(place),
        Operand::Is(value) => shown(&value.to_string()),
    }
}
