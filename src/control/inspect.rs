//! What became of a write, and does it work?
//!
//! Reads what a plan says to read, again and again, and lets the rules of the plan judge. Nothing here
//! writes to a server.

use std::time::Duration;

use super::perform::{Control, Tell, say};
use crate::domain::check::{Evidence, Found, Progress, ReadCheck};
use crate::domain::guard::Event;
use crate::domain::plan::{Part, Plan, Step};
use crate::domain::record::{Entry, Refusal, StepOutcome};
use crate::domain::text::Untrusted;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A server that just lost an answer is asked so often.
const MOST_LOOKS: u32 = 5;

impl Control {
    /// Looks for what a write would have left behind.
    pub(super) async fn inspect(&self, plan: &Plan, part: Part, step: usize) -> Found {
        match plan.steps_of(part).get(step) {
            Some(step) => self.search(&step.evidence).await,
            None => Found::Unknown(Untrusted::line("the plan has no such step")),
        }
    }

    /// Looks for evidence; a server that does not answer is asked a few times.
    pub(super) async fn search(&self, evidence: &Evidence) -> Found {
        let Evidence::Read { read, .. } = evidence else {
            return evidence.judge(&crate::domain::check::Seen::NotFound);
        };
        let mut trouble = None;
        for _ in 0..MOST_LOOKS {
            match self.servers.read(read).await {
                Ok(seen) => match evidence.judge(&seen) {
                    Found::Unknown(why) => trouble = Some(why),
                    found => return found,
                },
                Err(error) => trouble = Some(Untrusted::line(&error.to_string())),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Found::Unknown(trouble.unwrap_or_default())
    }

    /// Watches until every step has worked, or one has not.
    pub(super) async fn verify(
        &self,
        plan: &Plan,
        part: Part,
        tell: &Tell,
    ) -> Result<(), Untrusted> {
        for step in plan.steps_of(part) {
            self.watch(step, tell).await?;
        }
        Ok(())
    }

    /// Watches one step. What cannot be read for a while is no failure; what is not seen in time is.
    pub(super) async fn watch(&self, step: &Step, tell: &Tell) -> Result<(), Untrusted> {
        let Some(check) = &step.check else {
            return Ok(());
        };
        match tokio::time::timeout(check.within, self.watch_for(check, tell)).await {
            Ok(result) => result,
            Err(_) => {
                let secs = check.within.as_secs();
                let words = format!("{}: not seen to work within {secs}s", step.what.raw());
                Err(Untrusted::line(&words))
            }
        }
    }

    async fn watch_for(&self, check: &ReadCheck, tell: &Tell) -> Result<(), Untrusted> {
        let mut last = String::new();
        loop {
            let words = match self.servers.read(&check.read).await {
                Ok(seen) => match check.judge(&seen) {
                    Progress::Done => return Ok(()),
                    Progress::Failed(condition) => {
                        let words = format!("it went wrong: {}", condition.words());
                        return Err(Untrusted::line(&words));
                    }
                    Progress::Going(shown) => {
                        let shown = shown.iter();
                        let shown: Vec<String> = shown
                            .map(|(word, value)| format!("{word} {value}"))
                            .collect();
                        shown.join(", ")
                    }
                },
                Err(error) => format!("cannot be read: {error}"),
            };
            if words != last {
                say(tell, Event::Sample(Untrusted::line(&words))).await;
                last = words;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// What is written down of what was found out; nothing while it is in doubt.
pub(super) fn outcome_of(part: Part, step: usize, found: &Found) -> Option<Entry> {
    let outcome = match found {
        Found::Applied => StepOutcome::Applied {
            note: Untrusted::line("found to be done"),
        },
        Found::NotApplied => StepOutcome::Refused {
            refusal: Refusal::Other,
            why: Untrusted::line("found not to be done"),
        },
        Found::Unknown(_) => return None,
    };
    Some(Entry::Outcome {
        part,
        step,
        outcome,
    })
}
