//! How does a plan that waits for approval look, as text and as JSON?
//!
//! For [`super::approve`]. Nothing is cut: who approves sees all of it. The words are those of the approver's
//! own plan, never those of whoever asked, but for who they are and why they ask.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::json::Document;
use super::page::{Page, Role, count};
use crate::control::Requests;
use crate::domain::approval::{Approval, ApprovalRequest};
use crate::domain::duration;
use crate::domain::plan::{Difference, Digest, DryVerdict, Holds, Plan, Reverse, Target};
use crate::domain::text::{Untrusted, shown};

/// A plan of ours beside what somebody asks for.
pub(super) struct Asked<'a> {
    pub(super) request: &'a ApprovalRequest,
    pub(super) plan: &'a Plan,
    pub(super) digest: &'a Digest,
    pub(super) now: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It differs from what was planned there.
    Differs,
    /// It waits for a person.
    Waits,
    /// It was approved and handed in.
    HandedIn(Approval),
    /// It was approved, and the document is to be pasted.
    ToPaste(String),
}

impl Asked<'_> {
    /// All of it, a line for each fact.
    pub(super) fn text(&self, page: &Page) -> String {
        let mut out = String::new();
        page.paint(&mut out, Role::Heading, self.plan.title.shown());
        out.push('\n');
        for (label, role, text) in self.facts() {
            page.paint(&mut out, Role::Faint, &format!("  {label:<12}"));
            page.paint(&mut out, role, &text);
            out.push('\n');
        }
        out
    }

    fn facts(&self) -> Vec<(&'static str, Role, String)> {
        let (plan, request) = (self.plan, self.request);
        let by = &plan.request.by;
        let age = duration::short_age(plan.seed.at, self.now);
        let mut facts = vec![
            (
                "plan",
                Role::Plain,
                format!("{} code {}", plan.seed.id, self.digest.code()),
            ),
            ("action", Role::Plain, plan.request.to_string()),
            (
                "asked by",
                Role::Plain,
                format!("{} on {}, {age} ago", by.name, by.host),
            ),
        ];
        let occasion = &plan.request.occasion;
        for (label, text) in [
            ("reason", &occasion.reason),
            ("ticket", &occasion.ticket),
            ("incident", &occasion.incident),
            ("runbook", &occasion.runbook),
        ] {
            // Several lines of a reason could look like facts of ours.
            let line = |text: &Untrusted| shown(text.raw());
            facts.extend(text.as_ref().map(|text| (label, Role::Plain, line(text))));
        }
        facts.extend(
            plan.targets
                .iter()
                .map(|one| ("target", Role::Plain, target(one))),
        );
        facts.extend(
            plan.differences
                .iter()
                .map(|one| ("changes", Role::Plain, difference(one))),
        );
        let steps = count(plan.steps.len(), "write");
        facts.push(("sends", Role::Plain, steps));
        facts.push(self.dry_run());
        let notes = plan.dry_run.notes.iter();
        facts.extend(notes.map(|note| ("", Role::Care, note.shown().to_owned())));
        let missed = plan
            .preconditions
            .iter()
            .filter(|one| one.state != Holds::Yes);
        facts.extend(missed.map(|one| {
            let role = if one.state == Holds::No {
                Role::Bad
            } else {
                Role::Care
            };
            ("needs", role, format!("{}: {}", one.what, one.detail))
        }));
        facts.push(match &plan.reverse {
            Reverse::Steps { what, .. } => ("taken back", Role::Plain, what.shown().to_owned()),
            Reverse::None(why) => ("taken back", Role::Care, format!("cannot be: {why}")),
        });
        let touches = plan.blast.words.iter();
        facts.extend(touches.map(|words| ("touches", Role::Plain, words.shown().to_owned())));
        let risk = format!("{}, {} risk", plan.risk.word(), plan.direction.word());
        facts.push(("risk", Role::Plain, risk));
        let role = request.role.as_deref();
        let role = role.map_or_else(String::new, |role| format!(" of role {}", shown(role)));
        let needed = count(
            usize::try_from(request.approvals).unwrap_or(usize::MAX),
            "approval",
        );
        let until = request.expires_at.format("%H:%M:%SZ");
        facts.push((
            "asks for",
            Role::Plain,
            format!("{needed}{role}, until {until}"),
        ));
        facts
    }

    fn dry_run(&self) -> (&'static str, Role, String) {
        let run = &self.plan.dry_run;
        let grade = run.grade.word();
        let (role, words) = match &run.verdict {
            DryVerdict::Accepted => (Role::Good, format!("accepted: {}", run.grade.meaning())),
            DryVerdict::Refused(why) => (Role::Bad, format!("refused: {why}")),
            DryVerdict::NotRun(why) => (Role::Care, format!("not run: {why}")),
        };
        ("dry run", role, format!("{grade} {words}"))
    }

    /// One document.
    pub(super) fn json(&self, said: &Said) -> serde_json::Result<String> {
        let (plan, request) = (self.plan, self.request);
        let (state, approval, document) = match said {
            Said::Differs => ("differs", None, None),
            Said::Waits => ("waits", None, None),
            Said::HandedIn(approval) => ("handed_in", Some(approval), None),
            Said::ToPaste(text) => ("to_paste", None, Some(text)),
        };
        let body = json!({
            "state": state,
            "action": plan.seed.id,
            "plan": self.digest,
            "planned_there": request.plan,
            "code": self.digest.code(),
            "title": plan.title,
            "request": plan.request,
            "targets": plan.targets,
            "differences": plan.differences,
            "writes": plan.steps.len(),
            "dry_run": plan.dry_run,
            "preconditions": plan.preconditions,
            "reverse": reverse(plan),
            "blast": plan.blast,
            "risk": plan.risk,
            "direction": plan.direction,
            "role": request.role.as_deref().map(shown),
            "approvals": request.approvals,
            "expires_at": request.expires_at,
            "approver": approval.map(|approval| &approval.signer),
            "key": approval.map(|approval| &approval.key),
            "counts_until": approval.map(|approval| approval.statement.expires_at),
            "document": document,
        });
        Document::text("quell.approve/1", body)
    }
}

fn reverse(plan: &Plan) -> Value {
    match &plan.reverse {
        Reverse::Steps { what, .. } => json!({ "is_possible": true, "words": what }),
        Reverse::None(why) => json!({ "is_possible": false, "words": why }),
    }
}

fn target(one: &Target) -> String {
    let env = one
        .env
        .as_ref()
        .map_or_else(String::new, |env| format!("{env} "));
    let uid = one
        .uid
        .as_deref()
        .map_or_else(String::new, |uid| format!(", uid {}", shown(uid)));
    let (server, identity) = (shown(&one.server), shown(&one.server_identity));
    format!("{} on {env}{server} ({identity}){uid}", one.name)
}

fn difference(one: &Difference) -> String {
    let or_nothing = |text: &Option<Untrusted>| {
        text.as_ref()
            .map_or_else(|| "nothing".to_owned(), |text| shown(text.raw()))
    };
    format!(
        "{}: {} -> {}",
        one.path,
        or_nothing(&one.before),
        or_nothing(&one.after)
    )
}

#[derive(Serialize)]
struct OpenDoc<'a> {
    action: &'a str,
    request: String,
    by: &'a Untrusted,
    host: &'a Untrusted,
    reason: Option<&'a Untrusted>,
    role: Option<String>,
    approvals: u32,
    asked_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    is_expired: bool,
}

/// What approvals are asked for.
pub(super) fn list_json(found: &Requests, now: DateTime<Utc>) -> serde_json::Result<String> {
    let requests = found.requests.iter().map(|one| OpenDoc {
        action: one.seed.id.as_str(),
        request: one.request.to_string(),
        by: &one.request.by.name,
        host: &one.request.by.host,
        reason: one.request.occasion.reason.as_ref(),
        role: one.role.as_deref().map(shown),
        approvals: one.approvals,
        asked_at: one.seed.at,
        expires_at: one.expires_at,
        is_expired: one.expires_at <= now,
    });
    let requests: Vec<OpenDoc<'_>> = requests.collect();
    let body = json!({ "requests": requests, "problems": found.problems });
    Document::text("quell.approvals/1", body)
}

/// The open ones, for people.
pub(super) fn list_text(found: &Requests, now: DateTime<Utc>, page: &Page) -> String {
    let mut out = String::new();
    let open = found.requests.iter().filter(|one| one.expires_at > now);
    for one in open {
        let by = &one.request.by.name;
        let age = duration::short_age(one.seed.at, now);
        let left = duration::short_age(now, one.expires_at);
        let role = one.role.as_deref().map_or("anybody else".to_owned(), shown);
        page.paint(&mut out, Role::Heading, one.seed.id.short());
        let line = format!("  {}\n", one.request);
        page.paint(&mut out, Role::Plain, &line);
        let line = format!("          by {by} {age} ago, waits {left} for {role}\n");
        page.paint(&mut out, Role::Faint, &line);
    }
    if out.is_empty() {
        out.push_str("nobody asks for an approval\n");
    }
    for problem in &found.problems {
        page.paint(&mut out, Role::Care, &format!("not read: {problem}\n"));
    }
    out
}
