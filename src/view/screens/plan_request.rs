//! What exactly is sent, but for the bodies?
//!
//! Bodies may hold secrets of the objects: of them only the length is told. What changes stands with them,
//! masked where the plan masked it.

use super::plan_facts::difference;
use crate::domain::plan::{Part, Step, Write};
use crate::domain::text::shown;
use crate::model::acting::Run;
use crate::theme::Role;
use crate::view::Look;
use crate::view::widgets::page::Page;

/// No more steps than this are told one by one.
const MOST: usize = 50;

/// The requests of a plan.
pub fn tell(page: &mut Page, run: &Run, look: &Look) {
    page.fact("request", &run.pipeline.request().to_string(), Role::Text);
    let (Some(plan), Some(digest)) = (run.pipeline.plan(), run.pipeline.digest()) else {
        return;
    };
    page.fact(
        "action",
        &format!(
            "{} of {}Z",
            plan.seed.id,
            plan.seed.at.format("%Y-%m-%d %H:%M:%S")
        ),
        Role::Dim,
    );
    page.fact("plan", digest.as_str(), Role::Dim);
    for (part, name) in [
        (Part::Forward, "What is sent"),
        (Part::Reverse, "What takes it back"),
    ] {
        let all = plan.steps_of(part);
        if all.is_empty() {
            continue;
        }
        page.gap();
        page.text(name, Role::Title);
        for (at, one) in all.iter().take(MOST).enumerate() {
            step(page, at, one);
        }
        if all.len() > MOST {
            page.text(&format!("and {} more", all.len() - MOST), Role::Warn);
        }
    }
    if !plan.differences.is_empty() {
        page.gap();
        page.text("What changes", Role::Title);
        for one in &plan.differences {
            page.text(&format!("  {}", difference(one, look)), Role::Text);
        }
    }
}

fn step(page: &mut Page, at: usize, step: &Step) {
    page.text(&format!("{}. {}", at + 1, step.what), Role::Strong);
    match &step.write {
        Write::Http(write) => {
            let (verb, server) = (write.verb.word(), shown(&write.server));
            page.text(
                &format!("   {verb} {server} {}", shown(&write.path)),
                Role::Code,
            );
            let mut names: Vec<String> = Vec::new();
            names.extend(write.content_type.as_deref().map(shown));
            names.extend(write.headers.iter().map(|(name, _)| shown(name)));
            let headers = match names.join(", ") {
                names if names.is_empty() => "no further headers".to_owned(),
                names => format!("headers: {names}"),
            };
            let words = format!(
                "   {headers}; body of {} bytes, not shown",
                write.body.len()
            );
            page.text(&words, Role::Dim);
        }
        Write::Command(write) => {
            let program = shown(&write.program);
            let hash: String = shown(&write.sha256).chars().take(12).collect();
            let words = format!(
                "   {program} (sha256 {hash}), {} arguments, not shown",
                write.arguments.len()
            );
            page.text(&words, Role::Code);
            let names = write.environment.iter().map(|(name, _)| shown(name));
            let names: Vec<String> = names.collect();
            let place = write
                .directory
                .as_deref()
                .map_or_else(|| "nowhere".to_owned(), shown);
            let words = format!(
                "   in {place}, environment {}, at most {} s",
                names.join(", "),
                write.timeout.as_secs()
            );
            page.text(&words, Role::Dim);
        }
    }
}
