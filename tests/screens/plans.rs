//! Which plans and which records play: one of everything that can stand in them.

use chrono::TimeDelta;
use quell::domain::action::{ActionRequest, Direction, Occasion, Requester, Risk};
use quell::domain::approval::{Approval, RequesterKeys, Statement};
use quell::domain::check::{Condition, Evidence, Operand, Read};
use quell::domain::guard::{Dispatched, Event, Facts};
use quell::domain::plan::{
    ActionId, Blast, CommandWrite, Difference, Digest, DryRun, DryVerdict, Grade, Holds, HttpWrite,
    Part, Plan, Precondition, Reverse, Seed, Step, Target, Verb, WhenBusy, Write,
};
use quell::domain::policy::Policy;
use quell::domain::record::{
    CheckOutcome, End, Entry, JournalPicture, Kept, PlanSummary, Record, Refusal, Standing,
    StepOutcome,
};
use quell::domain::text::Untrusted;
use quell::msg::Msg;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use crate::cast::{ago, now};
use crate::scenes;
use crate::stage::Stage;

fn line(text: &str) -> Untrusted {
    Untrusted::line(text)
}

/// The cautious rules, with a role that may break the glass.
pub fn policy() -> Policy {
    Policy {
        break_glass_role: Some("incident".to_owned()),
        roles: vec![("sre".to_owned(), vec!["dana".to_owned()])],
        ..Policy::cautious()
    }
}

pub fn mara() -> Requester {
    Requester {
        name: line("mara"),
        host: line("bastion-1"),
    }
}

/// The night with changes and drift, by somebody who may act.
pub fn acting() -> Stage {
    enabled(scenes::delivering().press("j"))
}

pub fn enabled(mut stage: Stage) -> Stage {
    stage.model.acting.policy = Some(Arc::new(policy()));
    stage.model.acting.requester = Some(mara());
    stage
}

pub fn seed() -> Seed {
    Seed {
        id: ActionId::new([
            0x7f, 0x3a, 0x52, 0x01, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
        ]),
        at: ago(20),
    }
}

pub fn request(text: &str) -> ActionRequest {
    ActionRequest {
        action: "k8s.rollout.undo".to_owned(),
        parameters: [
            ("target".to_owned(), text.to_owned()),
            ("cluster".to_owned(), "prod-eu-1".to_owned()),
        ]
        .into(),
        by: mara(),
        occasion: Occasion {
            reason: Some(line("2.31.0 answers 500")),
            ..Occasion::default()
        },
    }
}

fn target(text: &str) -> Target {
    Target {
        env: Some(line("prod")),
        server: "prod-eu-1".into(),
        server_identity: "0c1f2a".to_owned(),
        name: line(text),
        word: line(text.rsplit('/').next().unwrap()),
        namespace: Some(line("shop")),
        service: Some(line("checkout-api")),
        uid: Some("8d0b7e".to_owned()),
    }
}

fn step(what: &str, path: &str) -> Step {
    let at = |place: &str| Operand::At(place.to_owned(), json!(null));
    Step {
        what: line(what),
        target: 0,
        write: Write::Http(HttpWrite {
            server: "prod-eu-1".into(),
            verb: Verb::Patch,
            path: path.to_owned(),
            content_type: Some("application/json-patch+json".to_owned()),
            headers: vec![("X-Marker".to_owned(), "a-header-value".to_owned())],
            body: "a-body-that-is-never-shown".to_owned(),
        }),
        check: None,
        evidence: Evidence::Read {
            read: Read {
                server: "prod-eu-1".into(),
                path: path.to_owned(),
            },
            applied: vec![Condition::Equal(
                at("/metadata/annotations/quell.dev~1action-id"),
                Operand::Is(json!("7f3a5201")),
            )],
            untouched: vec![Condition::Equal(
                at("/metadata/resourceVersion"),
                Operand::Is(json!("88120")),
            )],
        },
        when_busy: WhenBusy::AskAgain,
    }
}

/// The undoing of the bad rollout.
pub fn undo() -> Plan {
    undo_of("shop/deployment/checkout-api")
}

fn undo_of(name: &str) -> Plan {
    let path = "/apis/apps/v1/namespaces/shop/deployments/checkout-api?fieldManager=quell";
    let accepted = DryRun {
        grade: Grade::A,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    let difference = |path: &str, before: &str, after: &str| Difference {
        path: line(path),
        before: Some(line(before)),
        after: Some(line(after)),
    };
    let precondition = |what: &str, state, detail: &str| Precondition {
        what: line(what),
        state,
        detail: line(detail),
    };
    Plan {
        seed: seed(),
        request: request(name),
        title: line(&format!("undo rollout of {name}")),
        targets: vec![target(name)],
        steps: vec![step("put revision 30 back", path)],
        reverse: Reverse::Steps {
            what: line("undo again, to revision 31"),
            steps: vec![step("put revision 31 back", path)],
            dry_run: accepted.clone(),
        },
        risk: Risk::R2,
        direction: Direction::Reduces,
        differences: vec![
            difference("revision", "31", "30"),
            difference(
                "image",
                "registry/checkout:2.31.0",
                "registry/checkout:2.30.4",
            ),
        ],
        blast: Blast {
            count: Some(12),
            of: Some(12),
            namespaces: vec![line("shop")],
            words: vec![line(
                "12 pods, 2 at a time, never below 10 ready (PDB checkout-api)",
            )],
        },
        dry_run: accepted,
        preconditions: vec![
            precondition(
                "may patch deployments in shop",
                Holds::Yes,
                "the server says so",
            ),
            precondition(
                "nothing else is rolling out",
                Holds::Yes,
                "7 of 12 updated is this one",
            ),
            precondition(
                "no GitOps puts it back",
                Holds::Warns,
                "Argo CD owns it, auto-sync is on: put back in about 3 min (argocd/checkout)",
            ),
        ],
        made_at: ago(2),
        server_ahead_secs: Some(1),
    }
}

/// A silence, which one person may create.
pub fn silence() -> Plan {
    let mut plan = undo_of("alertname=\"CheckoutHighErrorRate\"");
    plan.title = line("silence CheckoutHighErrorRate for 30m");
    plan.risk = Risk::R1;
    plan.direction = Direction::Neutral;
    plan.differences = Vec::new();
    plan.targets[0].word = line("CheckoutHighErrorRate");
    plan.blast.words = vec![line("hides 12 alerts, 12 of them pages")];
    plan.dry_run.grade = Grade::C;
    plan.preconditions.clear();
    plan
}

/// Something that cannot be taken back, on many targets, one of which looks like another.
pub fn no_way_back() -> Plan {
    let mut plan = undo();
    plan.title = line("destroy with Terraform");
    plan.risk = Risk::R3;
    plan.reverse = Reverse::None(line("what is destroyed is gone"));
    plan.targets = (1..=9)
        .map(|n| target(&format!("shop/pod/\u{441}art-{n}")))
        .collect();
    plan.steps[0].write = Write::Command(CommandWrite {
        program: "/usr/bin/terraform".to_owned(),
        sha256: "9c1185a5c5e9fc54612808977ee8f548b2258d31".to_owned(),
        arguments: vec![
            "apply".to_owned(),
            "an-argument-that-is-never-shown".to_owned(),
        ],
        environment: vec![(
            "TF_VAR_token".to_owned(),
            "a-secret-that-is-never-shown".to_owned(),
        )],
        directory: Some("/srv/tf/prod".to_owned()),
        timeout: Duration::from_mins(10),
    });
    plan.dry_run = DryRun {
        grade: Grade::D,
        verdict: DryVerdict::NotRun(line("there is none")),
        notes: vec![line("nobody checked it")],
    };
    plan
}

pub fn facts() -> Facts {
    Facts {
        requester: RequesterKeys {
            principals: vec!["mara".to_owned()],
            keys: Vec::new(),
        },
        ..Facts::default()
    }
}

/// An approval as it came in, good or not.
pub fn approval(plan: &Plan, who: &str) -> Approval {
    Approval {
        statement: Statement {
            schema: "quell.approval/1".to_owned(),
            action: plan.seed.id.clone(),
            plan: plan.digest(),
            targets: Vec::new(),
            approver: who.to_owned(),
            role: "sre".to_owned(),
            expires_at: now() + TimeDelta::minutes(10),
        },
        signer: line(who),
        key: line("SHA256:lq9Yw1"),
    }
}

/// Something happened to the one action there is.
pub fn tell(stage: &mut Stage, event: Event) {
    let id = stage.model.acting.runs.last().unwrap().id;
    stage.tell(Msg::Action(id, Box::new(event)));
}

/// The form of an undo, filled in and sent off to be planned.
pub fn begun() -> Stage {
    acting()
        .press("u")
        .types("2.31.0 answers 500")
        .press("enter")
}

/// A plan that was read and judged.
pub fn planned(mut stage: Stage, plan: Plan, facts: Facts) -> Stage {
    let targets = plan.targets.clone();
    tell(&mut stage, Event::Resolved(1, Ok((seed(), targets))));
    tell(&mut stage, Event::Planned(1, Ok(Box::new(plan))));
    tell(&mut stage, Event::FactsRead(1, Box::new(facts)));
    stage
}

/// It needs an approval.
pub fn checked() -> Stage {
    planned(begun(), undo(), facts())
}

pub fn awaiting() -> Stage {
    let mut stage = checked().press("tab enter");
    let mut facts = facts();
    facts.approvals = vec![approval(&undo(), "ilya")];
    facts.rejected = vec![line("a signature that does not verify")];
    tell(&mut stage, Event::FactsRead(1, Box::new(facts)));
    stage
}

/// One that one person may do.
pub fn alone() -> Stage {
    planned(begun(), silence(), facts())
}

pub fn armed() -> Stage {
    alone().press("tab tab enter")
}

fn read_again(stage: &mut Stage, plan: Plan) {
    tell(
        stage,
        Event::Rechecked(2, Ok(Box::new(plan)), Box::new(facts())),
    );
    stage.tell(Msg::Steady(Duration::from_secs(6)));
    stage.tell(Msg::Tick);
}

pub fn dispatching() -> Stage {
    let mut stage = armed();
    read_again(&mut stage, silence());
    stage
}

pub fn verifying() -> Stage {
    let mut stage = dispatching();
    tell(
        &mut stage,
        Event::Dispatched(Part::Forward, Dispatched::Applied),
    );
    tell(
        &mut stage,
        Event::Sample(line("7 of 12 updated, 12 available")),
    );
    stage
}

pub fn verified() -> Stage {
    let mut stage = verifying();
    tell(&mut stage, Event::Verified(Part::Forward, Ok(())));
    stage
}

pub fn needs_person() -> Stage {
    let mut stage = verifying();
    let why = line("progress deadline exceeded");
    tell(&mut stage, Event::Verified(Part::Forward, Err(why)));
    stage
}

pub fn in_doubt() -> Stage {
    let mut stage = dispatching();
    let how = Dispatched::InDoubt {
        step: 0,
        why: line("connection closed before an answer"),
    };
    tell(&mut stage, Event::Dispatched(Part::Forward, how));
    stage
}

pub fn blocked() -> Stage {
    let mut facts = facts();
    facts.held_by = Some(line("ilya on bastion-2 is at it, for 40s more"));
    planned(begun(), undo(), facts)
}

pub fn panicked() -> Stage {
    let mut stage = acting();
    stage.tell(Msg::PanicChanged(Some(line("ilya on bastion-2, 02:01Z"))));
    let until = now() + TimeDelta::minutes(28);
    stage.tell(Msg::GlassBroken(Ok(until)));
    stage.press("k")
}

fn kept(seq: u64, entry: Entry) -> Kept {
    Kept {
        seq,
        record: Record {
            at: ago(600 - 7 * i64::try_from(seq).unwrap()),
            by: mara(),
            env: Some(line("prod")),
            action: Some(seed().id),
            entry,
        },
    }
}

/// A journal with every sort of record.
pub fn journal(text: &str, standing: Standing) -> JournalPicture {
    let plan = undo_of(&format!("shop/deployment/{text}"));
    let digest = plan.digest();
    let line = || line(text);
    let step = &plan.steps[0];
    let part = Part::Forward;
    let outcome = |outcome| Entry::Outcome {
        part,
        step: 0,
        outcome,
    };
    let entries = vec![
        Entry::Requested {
            request: plan.request.clone(),
        },
        Entry::Resolved {
            targets: plan.targets.clone(),
        },
        Entry::Planned(PlanSummary::from(&plan)),
        Entry::NotPlanned { why: line() },
        Entry::Checked {
            digest: digest.clone(),
            findings: vec![line()],
            policy: line(),
            outcome: CheckOutcome::NeedsApproval,
        },
        Entry::ApprovalAsked {
            digest: digest.clone(),
            needed: line(),
        },
        Entry::Approved {
            digest: digest.clone(),
            signer: line(),
            key: line(),
            role: line(),
        },
        Entry::Armed {
            digest: digest.clone(),
            how: line(),
        },
        Entry::Intent {
            digest: digest.clone(),
            part,
            step: 0,
            what: line(),
            write: Digest::of(b"x"),
            evidence: step.evidence.clone(),
        },
        outcome(StepOutcome::InDoubt { why: line() }),
        outcome(StepOutcome::Refused {
            refusal: Refusal::Changed,
            why: line(),
        }),
        outcome(StepOutcome::NotSent { why: line() }),
        outcome(StepOutcome::Applied { note: line() }),
        Entry::Sample { seen: line() },
        Entry::Decided {
            step: 0,
            found: quell::domain::check::Found::Unknown(line()),
            reason: line(),
        },
        Entry::Panic { is_on: true },
        Entry::Panic { is_on: false },
        Entry::BreakGlass {
            reason: line(),
            until: now(),
            paged: line(),
        },
        Entry::Note { text: line() },
        Entry::Other {
            what: line(),
            detail: json!({ text: [text, 1, null, true] }),
        },
        Entry::Ended {
            end: End::NeedsPerson,
            detail: line(),
        },
        Entry::Ended {
            end: End::Verified,
            detail: line(),
        },
    ];
    let records: Vec<Kept> = (0..).zip(entries).map(|(seq, e)| kept(seq, e)).collect();
    JournalPicture {
        total: records.len() as u64,
        records,
        standing,
    }
}

/// An action of which every word is one text.
pub fn saying(text: &str) -> Plan {
    let mut plan = undo_of(text);
    let said = line(text);
    plan.request = request(text);
    plan.request.occasion.reason = Some(said.clone());
    plan.request.occasion.ticket = Some(said.clone());
    plan.title = said.clone();
    let target = &mut plan.targets[0];
    target.env = Some(said.clone());
    target.server = text.into();
    text.clone_into(&mut target.server_identity);
    target.word = said.clone();
    target.uid = Some(text.to_owned());
    plan.differences = vec![Difference {
        path: said.clone(),
        before: Some(said.clone()),
        after: None,
    }];
    plan.blast.words = vec![said.clone()];
    plan.dry_run = DryRun {
        grade: Grade::C,
        verdict: DryVerdict::NotRun(said.clone()),
        notes: vec![said.clone()],
    };
    plan.preconditions = vec![Precondition {
        what: said.clone(),
        state: Holds::Warns,
        detail: said.clone(),
    }];
    let step = &mut plan.steps[0];
    step.what = said.clone();
    step.write = Write::Http(HttpWrite {
        server: text.into(),
        verb: Verb::Delete,
        path: text.to_owned(),
        content_type: Some(text.to_owned()),
        headers: vec![(text.to_owned(), text.to_owned())],
        body: text.to_owned(),
    });
    let at = |place: &str| Operand::At(place.to_owned(), json!(text));
    step.evidence = Evidence::Read {
        read: Read {
            server: text.into(),
            path: text.to_owned(),
        },
        applied: vec![Condition::Either(
            Box::new(Condition::Present(text.to_owned())),
            Box::new(Condition::Absent(text.to_owned())),
        )],
        untouched: vec![Condition::Differ(
            at(text),
            Operand::Is(json!({ text: text })),
        )],
    };
    plan.reverse = Reverse::None(said);
    plan
}
