//! How is what the guard let through sent: once, in order, written down before and after?
//!
//! Consumes the `Approved`. For each step the intent is on disk before the first byte leaves; what the
//! server said is written down before the next step begins. Nothing is sent after panic, stop, a record
//! that was not kept, or a step that did not work. A busy server is asked again only where its answer says
//! that nothing was done.

use std::collections::BTreeSet;
use std::time::Duration;

use super::perform::{Control, StopFlag, Tell, say};
use super::servers::Leases;
use crate::domain::check::Evidence;
use crate::domain::guard::{Approved, Dispatched, Event};
use crate::domain::plan::{Digest, Part, Plan, Step, WhenBusy, Write};
use crate::domain::record::{Entry, Kept, Refusal, StepOutcome};
use crate::domain::text::Untrusted;

/// A busy server is asked again so often.
const MOST_RETRIES: u32 = 3;
/// Between two of them.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Between two looks at a disruption budget that is used up.
const BUDGET_AFTER: Duration = Duration::from_secs(5);

/// What became of a step, as far as the next one cares.
enum Went {
    On,
    Failed(Option<Refusal>, Untrusted),
    Doubtful(Untrusted),
}

impl Control {
    /// Sends everything that was let through.
    pub(super) async fn dispatch(
        &self,
        approved: Approved,
        stop: &StopFlag,
        tell: &Tell,
    ) -> Dispatched {
        let plan = std::sync::Arc::clone(approved.plan());
        let part = approved.part();
        let leases = match self.may_begin(&plan, part).await {
            Ok(leases) => leases,
            Err(why) => return refused(0, Some(Refusal::Busy), why),
        };
        let how = tokio::select! {
            biased;
            how = self.send_all(&approved, &plan, part, stop, tell) => how,
            // It never ends by itself.
            () = self.servers.renew_leases(&leases, &self.place) => {
                refused(0, None, Untrusted::line("the leases ended"))
            }
        };
        self.servers.give_back(leases).await;
        how
    }

    async fn send_all(
        &self,
        approved: &Approved,
        plan: &Plan,
        part: Part,
        stop: &StopFlag,
        tell: &Tell,
    ) -> Dispatched {
        let steps = plan.steps_of(part);
        let batches = approved.batches();
        let (mut done, mut failures) = (0, 0);
        let mut last_failure = None;
        for (at, batch) in batches.iter().enumerate() {
            for number in batch.clone() {
                if stop.is_raised() {
                    return Dispatched::Stopped { done };
                }
                if let Some(who) = self.panic() {
                    say(tell, Event::Sample(who)).await;
                    return Dispatched::Stopped { done };
                }
                let Some(step) = steps.get(number) else {
                    continue;
                };
                match self
                    .one(plan, approved.digest(), part, number, step, stop, tell)
                    .await
                {
                    Went::On => done += 1,
                    Went::Doubtful(why) => return Dispatched::InDoubt { step: number, why },
                    Went::Failed(refusal, why) => {
                        failures += 1;
                        if failures >= approved.max_failures() {
                            return refused(done, refusal, why);
                        }
                        last_failure = Some(why);
                    }
                }
            }
            if at + 1 == batches.len() {
                break;
            }
            for step in steps.get(batch.clone()).unwrap_or_default() {
                if let Err(why) = self.watch(step, tell).await {
                    failures += 1;
                    if failures >= approved.max_failures() {
                        return Dispatched::StepFailed { done, why };
                    }
                    last_failure = Some(why);
                }
            }
        }
        match last_failure {
            None => Dispatched::Applied,
            Some(why) => {
                let words = format!(
                    "{failures} of {} failed, the last: {}",
                    steps.len(),
                    why.raw()
                );
                let why = Untrusted::line(&words);
                Dispatched::StepFailed { done, why }
            }
        }
    }

    /// What only this moment can tell: whether it was dispatched before, and whether another one holds the
    /// lease.
    async fn may_begin(&self, plan: &Plan, part: Part) -> Result<Leases, Untrusted> {
        let journal = self.journal().map_err(Clone::clone)?;
        let records = journal
            .records()
            .map_err(|error| Untrusted::line(&error.to_string()))?;
        if was_sent(&records, plan, part) {
            return Err(Untrusted::line("this very plan was dispatched before"));
        }
        self.servers.take_leases(plan, &self.place).await
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one step in all its circumstances"
    )]
    async fn one(
        &self,
        plan: &Plan,
        digest: &Digest,
        part: Part,
        number: usize,
        step: &Step,
        stop: &StopFlag,
        tell: &Tell,
    ) -> Went {
        let (mut retries, mut waited) = (0, Duration::ZERO);
        loop {
            let intent = Entry::Intent {
                digest: digest.clone(),
                part,
                step: number,
                what: step.what.clone(),
                write: digest_of(&step.write),
                evidence: evidence_of(step),
            };
            if let Err(why) = self.append(Some(&plan.seed), intent).await {
                let words = format!("not sent, for it could not be written down: {}", why.raw());
                return Went::Failed(None, Untrusted::line(&words));
            }
            say(tell, Event::Sample(step.what.clone())).await;
            let outcome = self.servers.send(&step.write).await;
            let entry = Entry::Outcome {
                part,
                step: number,
                outcome: outcome.clone(),
            };
            let is_kept = self.append(Some(&plan.seed), entry).await;
            let (pause, why) = match outcome {
                StepOutcome::Applied { note } => {
                    say(tell, Event::Sample(note)).await;
                    // It was done; what follows it is not begun without a record.
                    return match is_kept {
                        Ok(_) => Went::On,
                        Err(why) => Went::Doubtful(why),
                    };
                }
                StepOutcome::InDoubt { why } => return Went::Doubtful(why),
                StepOutcome::NotSent { why } => return Went::Failed(None, why),
                StepOutcome::Refused {
                    refusal: Refusal::Busy,
                    why,
                } => match step.when_busy {
                    WhenBusy::AskAgain if retries < MOST_RETRIES => (RETRY_AFTER, why),
                    WhenBusy::WaitFor(most) if waited < most => (BUDGET_AFTER, why),
                    _ => return Went::Failed(Some(Refusal::Busy), why),
                },
                StepOutcome::Refused { refusal, why } => return Went::Failed(Some(refusal), why),
            };
            if let Err(why) = is_kept {
                return Went::Failed(None, why);
            }
            say(tell, Event::Sample(why.clone())).await;
            retries += 1;
            waited += pause;
            tokio::time::sleep(pause).await;
            let panic = self.panic();
            if let Some(who) = panic.clone() {
                say(tell, Event::Sample(who)).await;
            }
            if stop.is_raised() || panic.is_some() {
                return Went::Failed(Some(Refusal::Busy), why);
            }
        }
    }
}

fn refused(done: usize, refusal: Option<Refusal>, why: Untrusted) -> Dispatched {
    Dispatched::Refused { done, refusal, why }
}

/// Whether a write of this very plan may have been done before. One that was clearly refused, or never
/// left, was not.
fn was_sent(records: &[Kept], plan: &Plan, part: Part) -> bool {
    let wanted = plan.digest();
    let mut sent = BTreeSet::new();
    for kept in records {
        if kept.record.action.as_ref() != Some(&plan.seed.id) {
            continue;
        }
        match &kept.record.entry {
            Entry::Intent {
                part: of,
                digest,
                step,
                ..
            } if *of == part && *digest == wanted => {
                sent.insert(*step);
            }
            Entry::Outcome {
                part: of,
                step,
                outcome: StepOutcome::Refused { .. } | StepOutcome::NotSent { .. },
            } if *of == part => {
                sent.remove(step);
            }
            _ => {}
        }
    }
    !sent.is_empty()
}

/// What the journal keeps of a write: never its body.
fn digest_of(write: &Write) -> Digest {
    Digest::of(&serde_json::to_vec(write).unwrap_or_default())
}

fn evidence_of(step: &Step) -> Evidence {
    step.evidence.clone()
}
