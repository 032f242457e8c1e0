//! How does an action look as a document?
//!
//! `quell.action/1`, out of the pipeline. Bodies of writes are not in it: they may hold secrets.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::action_drive::Driven;
use crate::domain::action::ActionSpec;
use crate::domain::guard::{Finding, State};
use crate::domain::plan::{
    Blast, Difference, DryRun, Plan, Precondition, Reverse, Step, Target, Write,
};
use crate::domain::record::End;
use crate::domain::text::Untrusted;

/// Where an action is, or how it ended.
#[derive(Serialize)]
pub(super) struct ActionDoc<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) state: &'static str,
    /// How it ended; none where it did not.
    pub(super) end: Option<&'static str>,
    pub(super) detail: Option<&'a Untrusted>,
    pub(super) plan: Option<PlanDoc<'a>>,
    pub(super) gates: Vec<GateDoc<'a>>,
    pub(super) approvals: ApprovalsDoc,
    pub(super) confirm: Option<String>,
    pub(super) trail: Vec<TrailDoc<'a>>,
}

#[derive(Serialize)]
pub(super) struct ApprovalsDoc {
    needed: u32,
    role: Option<String>,
    there: Vec<String>,
    rejected: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct TrailDoc<'a> {
    at: DateTime<Utc>,
    words: &'a Untrusted,
}

/// A plan.
#[derive(Serialize)]
pub(super) struct PlanDoc<'a> {
    digest: String,
    code: String,
    title: &'a Untrusted,
    risk: &'static str,
    direction: &'static str,
    targets: Vec<TargetDoc<'a>>,
    steps: Vec<StepDoc<'a>>,
    differences: &'a [Difference],
    blast: &'a Blast,
    percent: Option<u32>,
    dry_run: &'a DryRun,
    reverse: ReverseDoc<'a>,
    preconditions: &'a [Precondition],
    made_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct TargetDoc<'a> {
    env: Option<&'a Untrusted>,
    server: &'a str,
    name: &'a Untrusted,
    namespace: Option<&'a Untrusted>,
    service: Option<&'a Untrusted>,
    uid: Option<&'a str>,
}

#[derive(Serialize)]
struct StepDoc<'a> {
    what: &'a Untrusted,
    verb: &'static str,
    /// The server, or the program.
    server: &'a str,
    path: Untrusted,
}

#[derive(Serialize)]
struct ReverseDoc<'a> {
    what: &'a Untrusted,
    steps: Vec<StepDoc<'a>>,
    dry_run: Option<&'a DryRun>,
}

/// What came of a gate.
#[derive(Serialize)]
pub(super) struct GateDoc<'a> {
    gate: &'static str,
    state: crate::domain::plan::Holds,
    words: &'a Untrusted,
}

/// An action that can be done.
#[derive(Serialize)]
pub(super) struct SpecDoc<'a> {
    name: &'a str,
    help: &'a str,
    risk: &'static str,
    direction: &'static str,
    upstream: crate::domain::action::Upstream,
    parameters: Vec<ParameterDoc<'a>>,
}

#[derive(Serialize)]
struct ParameterDoc<'a> {
    name: &'a str,
    kind: String,
    need: crate::domain::action::Need,
    help: &'a str,
}

impl<'a> SpecDoc<'a> {
    pub(super) fn of(spec: &'a ActionSpec) -> Self {
        let parameters = spec.parameters.iter().map(|parameter| ParameterDoc {
            name: &parameter.name,
            kind: parameter.kind.word(),
            need: parameter.need,
            help: &parameter.help,
        });
        Self {
            name: &spec.name,
            help: &spec.help,
            risk: spec.risk.word(),
            direction: spec.direction.word(),
            upstream: spec.upstream,
            parameters: parameters.collect(),
        }
    }
}

impl<'a> ActionDoc<'a> {
    pub(super) fn of(driven: &'a Driven) -> Self {
        let pipeline = &driven.pipeline;
        let (state, end) = words_of(pipeline.state());
        let judgement = pipeline.judgement();
        let facts = pipeline.facts();
        let there = facts
            .map(|facts| facts.approvals.as_slice())
            .unwrap_or_default();
        Self {
            id: pipeline.seed().map(|seed| seed.id.as_str()),
            action: &pipeline.request().action,
            state,
            end: end.map(End::word),
            detail: pipeline.trail().last().map(|(_, words)| words),
            plan: pipeline.plan().map(|plan| PlanDoc::of(plan)),
            gates: driven.gates.iter().map(GateDoc::of).collect(),
            approvals: ApprovalsDoc {
                needed: judgement.map_or(0, |j| j.require.approvals),
                role: judgement.and_then(|j| j.require.role.clone()),
                there: there.iter().map(|a| a.signer.shown().to_owned()).collect(),
                rejected: super::action_drive::rejected(facts),
            },
            confirm: pipeline.effort().map(|(_, expected)| expected),
            trail: pipeline
                .trail()
                .iter()
                .map(|(moment, words)| TrailDoc {
                    at: moment.wall,
                    words,
                })
                .collect(),
        }
    }
}

impl<'a> PlanDoc<'a> {
    fn of(plan: &'a Plan) -> Self {
        let digest = plan.digest();
        Self {
            digest: digest.to_string(),
            code: digest.code().to_owned(),
            title: &plan.title,
            risk: plan.risk.word(),
            direction: plan.direction.word(),
            targets: plan.targets.iter().map(TargetDoc::of).collect(),
            steps: plan.steps.iter().map(StepDoc::of).collect(),
            differences: &plan.differences,
            blast: &plan.blast,
            percent: plan.blast.percent(),
            dry_run: &plan.dry_run,
            reverse: match &plan.reverse {
                Reverse::Steps {
                    what,
                    steps,
                    dry_run,
                } => ReverseDoc {
                    what,
                    steps: steps.iter().map(StepDoc::of).collect(),
                    dry_run: Some(dry_run),
                },
                Reverse::None(why) => ReverseDoc {
                    what: why,
                    steps: Vec::new(),
                    dry_run: None,
                },
            },
            preconditions: &plan.preconditions,
            made_at: plan.made_at,
            expires_at: plan.expires_at(),
        }
    }
}

impl<'a> TargetDoc<'a> {
    fn of(target: &'a Target) -> Self {
        Self {
            env: target.env.as_ref(),
            server: &target.server,
            name: &target.name,
            namespace: target.namespace.as_ref(),
            service: target.service.as_ref(),
            uid: target.uid.as_deref(),
        }
    }
}

impl<'a> StepDoc<'a> {
    fn of(step: &'a Step) -> Self {
        let (verb, server, path) = match &step.write {
            Write::Http(write) => (write.verb.word(), &*write.server, write.path.as_str()),
            Write::Command(write) => ("RUN", write.program.as_str(), ""),
        };
        Self {
            what: &step.what,
            verb,
            server,
            path: Untrusted::line(path),
        }
    }
}

impl<'a> GateDoc<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            gate: finding.gate.words(),
            state: finding.state,
            words: &finding.words,
        }
    }
}

/// The state in a word, and the end if it is one.
pub(super) fn words_of(state: &State) -> (&'static str, Option<End>) {
    match state {
        State::Requested => ("requested", None),
        State::Resolved => ("resolved", None),
        State::Planned => ("planned", None),
        State::Checked => ("checked", None),
        State::AwaitingApproval => ("awaiting_approval", None),
        State::Armed => ("armed", None),
        State::Dispatching(_) => ("dispatching", None),
        State::InDoubt { .. } => ("in_doubt", None),
        State::Verifying(_) => ("verifying", None),
        State::Soaking(_) => ("soaking", None),
        State::Ended(end) => ("ended", Some(*end)),
    }
}
