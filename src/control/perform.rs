//! Who does what an action on its way needs next, and says what came of it?
//!
//! [`Control`] takes the orders of [`crate::domain::guard::Pipeline`] one after another and answers each
//! with events. It is the only thing that is handed an `Approved`. Called by `runtime` and `cli`, which own
//! the pipelines; it decides nothing that a gate decides.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::approvals::{ApprovalError, Approvals};
use super::holds::Holds;
use super::{Servers, families, holds};
use crate::config::settings::Settings;
use crate::domain::action::Requester;
use crate::domain::approval::{Approval, ApprovalRequest, RequesterKeys};
use crate::domain::check::Found;
use crate::domain::guard::{APPROVAL_LIMIT, Event, Facts, Order};
use crate::domain::plan::{ActionId, Part, Plan, Seed, Target};
use crate::domain::record::{Entry, Kept, Record};
use crate::domain::text::Untrusted;
use crate::journal::{Journal, last_action_on, open_intents};

/// Where events of one action go.
pub type Tell = mpsc::Sender<Event>;

/// Tells the time.
pub type Clock = fn() -> DateTime<Utc>;

/// What acting needs to know of where it runs.
#[derive(Clone, Debug)]
pub struct Place {
    /// Who sits here.
    pub by: Requester,
    /// The environment, where one is named.
    pub env: Option<Untrusted>,
    /// The file whose presence stops every dispatch on this machine.
    pub panic_file: PathBuf,
    /// Where the processes of this machine see each other's actions.
    pub holds_dir: PathBuf,
    /// Tells the time.
    pub clock: Clock,
}

/// Performs orders. Shared by all actions of a process.
pub struct Control {
    pub(super) servers: Servers,
    pub(super) place: Place,
    journal: Result<Journal, Untrusted>,
    /// Why the last record was not kept; from then on nothing is dispatched.
    trouble: Mutex<Option<Untrusted>>,
    holds: Holds,
    approvals: Approvals,
    glass: Mutex<Option<DateTime<Utc>>>,
    pasted: Mutex<Vec<String>>,
}

/// What was found out about a write of an earlier process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The action.
    pub action: ActionId,
    /// Which step, from 0.
    pub step: usize,
    /// What the step does.
    pub what: Untrusted,
    /// What became of it.
    pub found: Found,
}

/// Whether a run is to send nothing after the write that is under way.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// From now on.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Control {
    /// From the settings and a journal, or the reason why there is none.
    #[must_use]
    pub fn new(settings: &Settings, place: Place, journal: Result<Journal, Untrusted>) -> Self {
        let kept = journal.as_ref().ok().and_then(|j| j.records().ok());
        let now = (place.clock)();
        let glass = kept.and_then(|kept| glass_broken_until(&kept, &place.by, now));
        Self {
            servers: Servers::new(settings),
            approvals: Approvals::new(&settings.actions.approvals),
            holds: Holds::new(&place.holds_dir),
            place,
            journal,
            trouble: Mutex::default(),
            glass: Mutex::new(glass),
            pasted: Mutex::default(),
        }
    }

    /// Performs one order and tells what came of it. The end of `tell` is no reason to stop: what was
    /// begun is finished.
    pub async fn perform(&self, order: Order, stop: &StopFlag, tell: &Tell) {
        match order {
            Order::Resolve(round, request, seed) => {
                let is_new = seed.is_none();
                let seed = match seed {
                    Some(seed) => Ok(seed),
                    None => self.new_seed(),
                };
                let resolved = match seed {
                    Ok(seed) => {
                        if is_new {
                            let entry = Entry::Requested {
                                request: request.clone(),
                            };
                            self.note(Some(&seed), entry, tell).await;
                        }
                        let found = families::resolve(&self.servers, &request).await;
                        found
                            .map(|targets| (seed, targets))
                            .map_err(|no_plan| no_plan.0)
                    }
                    Err(why) => Err(why),
                };
                if let Ok((seed, targets)) = &resolved {
                    let targets = targets.clone();
                    self.note(Some(seed), Entry::Resolved { targets }, tell)
                        .await;
                }
                say(tell, Event::Resolved(round, resolved)).await;
            }
            Order::Plan(round, request, seed, targets) => {
                let plan = self.plan(&request, &seed, &targets).await;
                say(tell, Event::Planned(round, plan.map(Box::new))).await;
            }
            Order::ReadFacts(round, plan) => {
                self.holds.intend(&plan, &self.place);
                let facts = self.facts(&plan).await;
                say(tell, Event::FactsRead(round, Box::new(facts))).await;
            }
            Order::PublishApproval(plan, approvals, role) => {
                self.publish(&plan, approvals, role, tell).await;
            }
            Order::Recheck(round, plan) => {
                let again = self.plan(&plan.request, &plan.seed, &plan.targets).await;
                let mut facts = self.facts(&plan).await;
                if let Err(holder) = self.holds.take(&plan, &self.place) {
                    facts.held_by = Some(holder);
                }
                let again = again.map(Box::new);
                say(tell, Event::Rechecked(round, again, Box::new(facts))).await;
            }
            Order::Record(seed, entry) => {
                let is_end = matches!(entry, Entry::Ended { .. });
                self.note(seed.as_ref(), entry, tell).await;
                if let (true, Some(seed)) = (is_end, &seed) {
                    self.holds.let_go(&seed.id);
                }
            }
            Order::Dispatch(approved) => {
                let part = approved.part();
                let how = self.dispatch(approved, stop, tell).await;
                say(tell, Event::Dispatched(part, how)).await;
            }
            Order::Stop => stop.raise(),
            Order::Inspect(plan, part, step) => {
                let found = self.inspect(&plan, part, step).await;
                self.note_found(&plan, part, step, &found, tell).await;
                say(tell, Event::Inspected(found)).await;
            }
            Order::Verify(plan, part) => {
                let result = self.verify(&plan, part, tell).await;
                say(tell, Event::Verified(part, result)).await;
            }
        }
    }

    /// Plans a request as it was seeded elsewhere: what an approver compares with. It comes from others, so it
    /// is held against the catalogue as what is typed here is.
    ///
    /// # Errors
    /// Why there is no plan.
    pub async fn replan(
        &self,
        request: &crate::domain::action::ActionRequest,
        seed: &Seed,
    ) -> Result<Plan, Untrusted> {
        let (catalogue, _) = super::catalogue(&self.servers.settings().actions);
        catalogue
            .check(&request.action, &request.parameters)
            .map_err(|problems| Untrusted::line(&problems.join("; ")))?;
        let targets = families::resolve(&self.servers, request).await;
        let targets = targets.map_err(|no_plan| no_plan.0)?;
        self.plan(request, seed, &targets).await
    }

    async fn plan(
        &self,
        request: &crate::domain::action::ActionRequest,
        seed: &Seed,
        targets: &[Target],
    ) -> Result<Plan, Untrusted> {
        let made =
            families::plan(&self.servers, request, seed, targets, (self.place.clock)()).await;
        let mut plan = made.map_err(|no_plan| no_plan.0)?;
        plan.made_at = (self.place.clock)();
        Ok(plan)
    }

    fn new_seed(&self) -> Result<Seed, Untrusted> {
        let mut random = [0; 16];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Untrusted::line(&format!("no random numbers: {error}")))?;
        // Kubernetes keeps times to the second, and so does what derives from this one.
        let now = (self.place.clock)();
        let at = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        Ok(Seed {
            id: ActionId::new(random),
            at,
        })
    }

    async fn facts(&self, plan: &Plan) -> Facts {
        let records = match &self.journal {
            Ok(journal) => journal
                .records()
                .map_err(|error| Untrusted::line(&error.to_string())),
            Err(why) => Err(why.clone()),
        };
        let last_action = records.as_ref().ok().and_then(|records| {
            let is_other = |kept: &&Kept| kept.record.action.as_ref() != Some(&plan.seed.id);
            let others: Vec<Kept> = records.iter().filter(is_other).cloned().collect();
            let targets = plan.targets.iter();
            targets
                .filter_map(|t| last_action_on(&others, &t.server, std::slice::from_ref(&t.name)))
                .max()
        });
        let (requester, approvals, rejected) = self.approved(plan).await;
        let trouble = lock(&self.trouble).clone();
        let (lease, unknown) = self.leases(plan).await;
        let (armed, planning) = self.holds.others(plan, &self.place);
        Facts {
            journal_trouble: trouble.or(records.err()),
            panic: self.panic(),
            held_by: armed.or(lease),
            holders_unknown: planning.or(unknown),
            last_action,
            approvals,
            rejected,
            requester,
            glass_broken_until: *lock(&self.glass),
        }
    }

    /// Who asks, what was handed in as an approval and is one, and what is none. Where nobody knows who asks,
    /// nothing is one.
    async fn approved(&self, plan: &Plan) -> (RequesterKeys, Vec<Approval>, Vec<Untrusted>) {
        let mut rejected = Vec::new();
        let mut note = |error: &ApprovalError| rejected.push(Untrusted::line(&error.to_string()));
        let requester = match self.requester(&plan.request.by).await {
            Ok(requester) => requester,
            Err(error) => {
                note(&error);
                return (RequesterKeys::default(), Vec::new(), rejected);
            }
        };
        let mut approvals = Vec::new();
        match self.approvals.collect(&plan.seed.id).await {
            Ok(collected) => {
                approvals.extend(collected.approvals);
                rejected.extend(collected.rejected);
            }
            // Nothing travels where nothing is configured; what is pasted may still count.
            Err(ApprovalError::NotConfigured(_)) => {}
            Err(error) => note(&error),
        }
        let pasted = lock(&self.pasted).clone();
        for document in pasted {
            match self.approvals.verify(&document).await {
                Ok(approval) if approval.statement.action == plan.seed.id => {
                    approvals.push(approval);
                }
                Ok(_) => {}
                Err(error) => rejected.push(Untrusted::line(&error.to_string())),
            }
        }
        (requester, approvals, rejected)
    }

    async fn requester(&self, by: &Requester) -> Result<RequesterKeys, ApprovalError> {
        let mut keys = match self.approvals.requester_keys().await {
            Err(ApprovalError::NotConfigured(_)) => RequesterKeys::default(),
            other => other?,
        };
        let name = by.name.raw().to_owned();
        if !keys.principals.contains(&name) {
            keys.principals.push(name);
        }
        Ok(keys)
    }

    /// Who else holds the lease of a target, and why that could not be asked.
    async fn leases(&self, plan: &Plan) -> (Option<Untrusted>, Option<Untrusted>) {
        let now = (self.place.clock)();
        let mut unknown = None;
        for target in &plan.targets {
            match self.servers.lease_holder(target, &plan.seed.id, now).await {
                Ok(None) => {}
                Ok(Some(holder)) => return (Some(holder), unknown),
                Err(why) => unknown = Some(why),
            }
        }
        (None, unknown)
    }

    /// Who stopped every dispatch on this machine, if anybody did. What cannot be read counts as a stop.
    #[must_use]
    pub fn panic(&self) -> Option<Untrusted> {
        holds::panic_of(&self.place.panic_file)
    }

    /// Stops every dispatch on this machine, or allows them again, and writes it down.
    ///
    /// # Errors
    /// The file cannot be written or removed; then what was in force stays.
    pub async fn set_panic(&self, is_on: bool) -> Result<(), Untrusted> {
        holds::set_panic(&self.place, is_on)?;
        // It holds whether or not it could be written down.
        let _ = self.append(None, Entry::Panic { is_on }).await;
        Ok(())
    }

    /// Skips approvals for half an hour: writes it down first, pages somebody, and says until when.
    ///
    /// # Errors
    /// The role is missing, no reason was given, or it cannot be written down.
    pub async fn break_glass(&self, reason: &str) -> Result<DateTime<Utc>, Untrusted> {
        let refused = |why: &str| Err(Untrusted::line(why));
        if reason.trim().is_empty() {
            return refused("say why");
        }
        let settings = &self.servers.settings().actions;
        let Some(policy) = &settings.policy else {
            return refused("read-only: there is nothing to break");
        };
        let Some(role) = &policy.break_glass_role else {
            return refused("the policy names no break_glass_role");
        };
        let keys = match self.requester(&self.place.by).await {
            Ok(keys) => keys,
            Err(error) => return refused(&error.to_string()),
        };
        let mut principals = keys.principals.iter();
        if !principals.any(|principal| policy.roles_of(principal).contains(role)) {
            return refused(&format!("it takes the role {role}"));
        }
        let until = (self.place.clock)() + chrono::TimeDelta::minutes(30);
        let paged = self
            .servers
            .page_for_glass(&self.place, reason, until)
            .await;
        let entry = Entry::BreakGlass {
            reason: Untrusted::line(reason),
            until,
            paged,
        };
        if let Err(why) = self.append(None, entry).await {
            return refused(&format!("it cannot be written down: {}", why.raw()));
        }
        *lock(&self.glass) = Some(until);
        Ok(until)
    }

    /// Takes a text as an approval; it is verified when facts are read next.
    pub fn take_approval(&self, document: String) {
        let mut pasted = lock(&self.pasted);
        // Nobody approves a hundred times by hand.
        if pasted.len() < 100 && !pasted.contains(&document) {
            pasted.push(document);
        }
    }

    async fn publish(&self, plan: &Plan, approvals: u32, role: Option<String>, tell: &Tell) {
        // Which key is ours is shown to approvers; whether an approval counts is found out when it is checked.
        let own = self.approvals.own_key().await.ok();
        let limit = chrono::TimeDelta::from_std(APPROVAL_LIMIT).unwrap_or_default();
        let until = (self.place.clock)() + limit;
        let key = own.map(|own| own.fingerprint);
        let request = ApprovalRequest::for_plan(plan, key, (approvals, role), until);
        let words = match self.approvals.publish(&request).await {
            Ok(()) => format!("asked: quell approve {}", plan.seed.id.short()),
            Err(why) => format!("nobody was asked: {why}"),
        };
        say(tell, Event::Sample(Untrusted::line(&words))).await;
    }

    /// Finds out what became of the writes that an earlier process left without an outcome, and writes it
    /// down. What stays in doubt is told each time.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn recover(&self) -> Result<Vec<Recovered>, Untrusted> {
        let journal = self.journal.as_ref().map_err(Clone::clone)?;
        let records = journal
            .records()
            .map_err(|error| Untrusted::line(&error.to_string()))?;
        let mut all = Vec::new();
        for open in open_intents(&records) {
            // Another process may be about to write its outcome.
            if self.holds.is_held_elsewhere(&open.action) {
                continue;
            }
            let found = self.search(&open.evidence).await;
            if let Some(entry) = super::inspect::outcome_of(open.part, open.step, &found) {
                let seed = Seed {
                    id: open.action.clone(),
                    at: open.at,
                };
                // What cannot be written down is found out again next time.
                let _ = self.append(Some(&seed), entry).await;
            }
            all.push(Recovered {
                action: open.action,
                step: open.step,
                what: open.what,
                found,
            });
        }
        Ok(all)
    }

    async fn note_found(&self, plan: &Plan, part: Part, step: usize, found: &Found, tell: &Tell) {
        if let Some(entry) = super::inspect::outcome_of(part, step, found) {
            self.note(Some(&plan.seed), entry, tell).await;
        }
    }

    /// Writes down what a person found out about a write in doubt.
    ///
    /// # Errors
    /// It cannot be written down.
    pub async fn decide(
        &self,
        action: &ActionId,
        step: usize,
        found: Found,
        reason: &str,
    ) -> Result<(), Untrusted> {
        let seed = Seed {
            id: action.clone(),
            at: (self.place.clock)(),
        };
        let reason = Untrusted::line(reason);
        let entry = Entry::Decided {
            step,
            found,
            reason,
        };
        self.append(Some(&seed), entry).await.map(|_| ())
    }

    /// Waits until what was written down has reached its anchors too. For a process that is about to end.
    pub async fn settle(&self) {
        if let Ok(journal) = &self.journal {
            journal.settle().await;
        }
    }

    /// The journal, or why there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub fn journal(&self) -> Result<&Journal, &Untrusted> {
        self.journal.as_ref()
    }

    /// The servers.
    #[must_use]
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Writes something down; what fails is told and stops every dispatch.
    pub(super) async fn note(&self, seed: Option<&Seed>, entry: Entry, tell: &Tell) {
        if let Err(why) = self.append(seed, entry).await {
            say(tell, Event::JournalFailed(why)).await;
        }
    }

    pub(super) async fn append(&self, seed: Option<&Seed>, entry: Entry) -> Result<u64, Untrusted> {
        let journal = self.journal.as_ref().map_err(Clone::clone)?;
        let record = Record {
            at: (self.place.clock)(),
            by: self.place.by.clone(),
            env: self.place.env.clone(),
            action: seed.map(|seed| seed.id.clone()),
            entry,
        };
        journal.append(record).await.map_err(|error| {
            let why = Untrusted::line(&error.to_string());
            *lock(&self.trouble) = Some(why.clone());
            why
        })
    }
}

/// Nobody listens any more when the process ends; what was found out is in the journal.
pub(super) async fn say(tell: &Tell, event: Event) {
    let _ = tell.send(event).await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn glass_broken_until(kept: &[Kept], by: &Requester, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let broken = kept.iter().rev().filter(|kept| kept.record.by == *by);
    let mut until = broken.filter_map(|kept| match &kept.record.entry {
        Entry::BreakGlass { until, .. } => Some(*until),
        _ => None,
    });
    until.next().filter(|until| *until > now)
}
