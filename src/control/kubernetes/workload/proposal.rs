//! What is proposed for one object, and what does the server say to it?
//!
//! The planners make a [`Proposal`] from what was read, without asking anybody. [`weighed`] asks for a dry
//! run and for permissions, and joins the proposals of several targets into one plan.

use crate::control::NoPlan;
use crate::control::kubernetes::{Access, Cluster};
use crate::domain::action::{ActionRequest, Direction, Risk};
use crate::domain::check::{Evidence, ReadCheck};
use crate::domain::plan::{
    Blast, Difference, DryRun, DryVerdict, Grade, Holds, HttpWrite, Plan, Precondition, Reverse,
    Seed, Step, Target, WhenBusy, Write,
};
use crate::domain::text::Untrusted;

/// One write on one object.
#[derive(Debug)]
pub(super) struct Change {
    /// `restart payments/deployment/payments-api`
    pub(super) what: String,
    pub(super) write: HttpWrite,
    pub(super) check: ReadCheck,
    pub(super) evidence: Evidence,
}

/// What takes it back.
#[derive(Debug)]
pub(super) enum Back {
    /// This.
    Change {
        change: Box<Change>,
        /// The same without the guards that only hold afterwards, where that can be tried today.
        trial: Option<HttpWrite>,
    },
    /// Nothing, and why.
    None(String),
}

/// What is proposed.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) change: Change,
    pub(super) back: Back,
    pub(super) risk: Risk,
    pub(super) direction: Direction,
    pub(super) differences: Vec<Difference>,
    pub(super) blast: Blast,
    pub(super) preconditions: Vec<Precondition>,
    pub(super) access: Access,
    /// What the dry run does not see.
    pub(super) notes: Vec<String>,
}

/// A precondition, in words.
pub(super) fn holds(what: &str, state: Holds, detail: &str) -> Precondition {
    Precondition {
        what: Untrusted::line(what),
        state,
        detail: Untrusted::line(detail),
    }
}

/// Asks the server about each proposal, and makes one plan of them.
pub(super) async fn weighed(
    cluster: &Cluster,
    asked: (&ActionRequest, &Seed, &[Target]),
    proposals: Vec<Proposal>,
) -> Result<Plan, NoPlan> {
    let (request, seed, targets) = asked;
    let mut forward = Vec::new();
    let mut backward = Vec::new();
    for proposal in &proposals {
        forward.push(cluster.dry_run(&proposal.change.write).await);
        backward.push(tried_back(cluster, &proposal.back).await);
    }
    let mut permissions = Vec::new();
    for proposal in &proposals {
        permissions.push(cluster.may(&proposal.access).await);
    }
    let found = Found {
        forward,
        backward,
        permissions,
    };
    joined((request, seed, targets), proposals, found)
        .ok_or_else(|| NoPlan::new("no target was named"))
}

/// What the server said.
pub(super) struct Found {
    pub(super) forward: Vec<DryRun>,
    pub(super) backward: Vec<DryRun>,
    pub(super) permissions: Vec<Precondition>,
}

async fn tried_back(cluster: &Cluster, back: &Back) -> DryRun {
    let trial = match back {
        Back::Change { trial, .. } => trial.as_ref(),
        Back::None(_) => None,
    };
    match trial {
        Some(write) => {
            let mut dry = cluster.dry_run(write).await;
            let note = "tried without the guards that only hold afterwards";
            dry.notes.push(Untrusted::line(note));
            dry
        }
        None => untried("its guards hold only once the change is there"),
    }
}

fn untried(why: &str) -> DryRun {
    DryRun {
        grade: Grade::A,
        verdict: DryVerdict::NotRun(Untrusted::line(why)),
        notes: Vec::new(),
    }
}

/// One plan of proposals and what was found out about them. None where there is no proposal.
pub(super) fn joined(
    (request, seed, targets): (&ActionRequest, &Seed, &[Target]),
    proposals: Vec<Proposal>,
    found: Found,
) -> Option<Plan> {
    let risk = proposals.iter().map(|p| p.risk).max()?;
    let direction = worst(proposals.iter().map(|p| p.direction));
    let several = proposals.len() > 1;
    let mut title = proposals.first()?.change.what.clone();
    if several {
        title = format!("{title} and {} more", proposals.len() - 1);
    }
    let mut plan = Plan {
        seed: seed.clone(),
        request: request.clone(),
        title: Untrusted::line(&title),
        targets: targets.to_vec(),
        steps: Vec::new(),
        reverse: Reverse::None(Untrusted::line("")),
        risk,
        direction,
        differences: Vec::new(),
        blast: Blast {
            count: Some(0),
            of: Some(0),
            ..Blast::default()
        },
        dry_run: one(found.forward),
        preconditions: found.permissions,
        // The caller, who has the clock, says when.
        made_at: seed.at,
        server_ahead_secs: None,
    };
    let mut backs = Vec::new();
    for (at, proposal) in proposals.into_iter().enumerate() {
        let prefix = if several {
            format!("{}: ", targets.get(at).map_or("", |t| t.name.raw()))
        } else {
            String::new()
        };
        let name = |text: &Untrusted| Untrusted::line(&format!("{prefix}{}", text.raw()));
        plan.differences
            .extend(proposal.differences.into_iter().map(|d| Difference {
                path: name(&d.path),
                ..d
            }));
        plan.preconditions
            .extend(proposal.preconditions.into_iter().map(|p| Precondition {
                what: name(&p.what),
                ..p
            }));
        add(&mut plan.blast, proposal.blast, &name);
        let notes = proposal.notes.iter().map(|note| Untrusted::line(note));
        plan.dry_run.notes.extend(notes);
        plan.steps.push(step(at, proposal.change));
        backs.push((at, proposal.back));
    }
    plan.reverse = reverse(backs, found.backward);
    Some(plan)
}

fn reverse(backs: Vec<(usize, Back)>, tried: Vec<DryRun>) -> Reverse {
    let mut steps = Vec::new();
    // What was done last is taken back first.
    for (at, back) in backs.into_iter().rev() {
        match back {
            Back::Change { change, .. } => steps.push(step(at, *change)),
            Back::None(why) => return Reverse::None(Untrusted::line(&why)),
        }
    }
    let what: Vec<&str> = steps.iter().map(|step| step.what.raw()).collect();
    Reverse::Steps {
        what: Untrusted::line(&what.join("; ")),
        steps,
        dry_run: one(tried),
    }
}

fn step(target: usize, change: Change) -> Step {
    Step {
        what: Untrusted::line(&change.what),
        target,
        write: Write::Http(change.write),
        check: Some(change.check),
        evidence: change.evidence,
        when_busy: WhenBusy::AskAgain,
    }
}

/// Several dry runs as one: as good as the worst.
fn one(runs: Vec<DryRun>) -> DryRun {
    let rank = |verdict: &DryVerdict| match verdict {
        DryVerdict::Accepted => 0,
        DryVerdict::NotRun(_) => 1,
        DryVerdict::Refused(_) => 2,
    };
    let mut whole = untried("nothing was tried");
    for (at, run) in runs.into_iter().enumerate() {
        if at == 0 || rank(&run.verdict) > rank(&whole.verdict) {
            whole.verdict = run.verdict;
        }
        whole.grade = whole.grade.max(run.grade);
        whole.notes.extend(run.notes);
    }
    whole
}

fn worst(directions: impl Iterator<Item = Direction>) -> Direction {
    let rank = |direction: &Direction| match direction {
        Direction::Reduces => 0,
        Direction::Neutral => 1,
        Direction::Adds => 2,
    };
    directions.max_by_key(rank).unwrap_or(Direction::Adds)
}

fn add(whole: &mut Blast, part: Blast, name: &dyn Fn(&Untrusted) -> Untrusted) {
    let sum = |a: Option<u32>, b: Option<u32>| Some(a?.saturating_add(b?));
    whole.count = sum(whole.count, part.count);
    whole.of = sum(whole.of, part.of);
    for namespace in part.namespaces {
        if !whole.namespaces.contains(&namespace) {
            whole.namespaces.push(namespace);
        }
    }
    whole.words.extend(part.words.iter().map(name));
}
