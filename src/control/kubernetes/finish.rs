//! What does the server say of a plan before anything is sent?
//!
//! Reads objects and lists, pins targets, asks for permissions, tries each write as a dry run, and makes a
//! [`Plan`] of a [`Draft`]. Called by the planners of nodes, pods, Argo CD, Argo Rollouts and Flux.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::Cluster;
use super::draft::{Back, Draft, Rehearsal, text};
use crate::control::NoPlan;
use crate::domain::action::ActionRequest;
use crate::domain::plan::{DryRun, DryVerdict, Grade, Plan, Reverse, Seed, Target};
use crate::domain::text::Untrusted;

/// Objects of one page of a list.
const PAGE: usize = 500;
/// A list is given up after so many pages.
const MAX_PAGES: usize = 40;
/// So many dry runs are made for one plan; the rest is said.
const MAX_REHEARSALS: usize = 60;

/// An object that has to be there.
///
/// # Errors
/// It is not, or the server cannot be asked.
pub(super) async fn object(cluster: &Cluster, path: &str, what: &str) -> Result<Value, NoPlan> {
    let found = cluster.get(path).await?.value;
    found.ok_or_else(|| NoPlan::new(format!("{}: there is no {what}", cluster.name())))
}

/// An object that was pinned, as it is now.
///
/// # Errors
/// It is gone or another one, or the server cannot be asked.
pub(super) async fn pinned(
    cluster: &Cluster,
    path: &str,
    target: Option<&Target>,
) -> Result<Value, NoPlan> {
    let target = target.ok_or_else(|| NoPlan::new("nothing was resolved to be changed"))?;
    let object = object(cluster, path, target.name.shown()).await?;
    if target.uid.as_deref() == Some(text(&object, "/metadata/uid")) {
        return Ok(object);
    }
    let what = target.name.shown();
    Err(NoPlan::new(format!(
        "{what} was replaced by another of the same name since it was looked up: ask again"
    )))
}

/// Every object of a list, page by page.
///
/// # Errors
/// The server cannot be asked, refuses, does not serve it, or there are too many.
pub(super) async fn list_all(cluster: &Cluster, path: &str) -> Result<Vec<Value>, NoPlan> {
    let mut all = Vec::new();
    let join = if path.contains('?') { '&' } else { '?' };
    let mut page = format!("{path}{join}limit={PAGE}");
    for _ in 0..MAX_PAGES {
        let found = cluster.get(&page).await?.value;
        let Some(mut list) = found else {
            let name = cluster.name();
            return Err(NoPlan::new(format!("{name}: {path} is not served there")));
        };
        if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
            all.extend(items);
        }
        let next = text(&list, "/metadata/continue");
        if next.is_empty() {
            return Ok(all);
        }
        let next: String = byte_serialize(next.as_bytes()).collect();
        page = format!("{path}{join}limit={PAGE}&continue={next}");
    }
    Err(NoPlan::new(format!(
        "{}: more than {} objects at {path}",
        cluster.name(),
        PAGE * MAX_PAGES
    )))
}

/// What is changed, pinned by its uid.
///
/// # Errors
/// The cluster cannot be asked who it is.
pub(super) async fn pin(cluster: &Cluster, object: &Value, kind: &str) -> Result<Target, NoPlan> {
    let identity = cluster.identity().await?;
    Ok(target(cluster, identity, object, kind))
}

fn target(cluster: &Cluster, server_identity: String, object: &Value, kind: &str) -> Target {
    let name = text(object, "/metadata/name");
    let namespace = text(object, "/metadata/namespace");
    let full = match namespace {
        "" => format!("{kind}/{name}"),
        _ => format!("{namespace}/{kind}/{name}"),
    };
    Target {
        env: cluster.env().map(Untrusted::line),
        server: cluster.name().clone(),
        server_identity,
        name: Untrusted::line(&full),
        word: Untrusted::line(name),
        namespace: (!namespace.is_empty()).then(|| Untrusted::line(namespace)),
        service: None,
        uid: Some(text(object, "/metadata/uid").to_owned()),
    }
}

/// For whom a plan is made.
pub(super) struct Context<'a> {
    cluster: &'a Cluster,
    request: &'a ActionRequest,
    seed: &'a Seed,
    targets: &'a [Target],
}

impl<'a> Context<'a> {
    pub(super) fn new(
        cluster: &'a Cluster,
        request: &'a ActionRequest,
        seed: &'a Seed,
        targets: &'a [Target],
    ) -> Self {
        Self {
            cluster,
            request,
            seed,
            targets,
        }
    }

    /// Asks the server what only it knows.
    ///
    /// # Errors
    /// There is nothing to send.
    pub(super) async fn finish(&self, mut draft: Draft) -> Result<Plan, NoPlan> {
        if draft.steps.is_empty() || self.targets.is_empty() {
            return Err(NoPlan::new("there is nothing to do"));
        }
        let mut preconditions = Vec::new();
        for access in std::mem::take(&mut draft.access) {
            preconditions.push(self.cluster.may(&access).await);
        }
        preconditions.append(&mut draft.preconditions);
        let mut tried = Vec::new();
        for rehearsal in draft.rehearsals.iter().take(MAX_REHEARSALS) {
            tried.push((rehearsal, self.cluster.dry_run(&rehearsal.write).await));
        }
        let untried = draft.rehearsals.len() - tried.len();
        let dry_run = joined(tried, untried, draft.grade, &draft.notes);
        Ok(Plan {
            seed: self.seed.clone(),
            request: self.request.clone(),
            title: Untrusted::line(&draft.title),
            targets: self.targets.to_vec(),
            steps: draft.steps,
            reverse: reverse(draft.back),
            risk: draft.risk,
            direction: draft.direction,
            differences: draft.differences,
            blast: draft.blast,
            dry_run,
            preconditions,
            made_at: self.seed.at,
            server_ahead_secs: None,
        })
    }
}

fn reverse(back: Back) -> Reverse {
    match back {
        Back::None(why) => Reverse::None(Untrusted::line(&why)),
        Back::Steps(what, steps) => Reverse::Steps {
            what: Untrusted::line(&what),
            steps,
            dry_run: DryRun {
                grade: Grade::D,
                verdict: DryVerdict::NotRun(Untrusted::line(
                    "it only holds once the action is done: its tests would fail now",
                )),
                notes: Vec::new(),
            },
        },
    }
}

/// What all dry runs of a plan come to: the worst of them.
fn joined(
    tried: Vec<(&Rehearsal, DryRun)>,
    untried: usize,
    grade: Grade,
    notes: &[String],
) -> DryRun {
    let mut sum = DryRun {
        grade,
        verdict: DryVerdict::Accepted,
        notes: notes.iter().map(|note| Untrusted::line(note)).collect(),
    };
    if tried.is_empty() {
        sum.verdict = DryVerdict::NotRun(Untrusted::line("there is nothing to try"));
    }
    let mut waiting = Vec::new();
    for (rehearsal, run) in tried {
        let what = &rehearsal.what;
        sum.grade = sum.grade.max(run.grade);
        for note in run.notes {
            if !sum.notes.contains(&note) {
                sum.notes.push(note);
            }
        }
        let is_open = !matches!(sum.verdict, DryVerdict::Refused(_));
        match run.verdict {
            // Anything but the budget's answer is a refusal.
            DryVerdict::Refused(why) if rehearsal.may_wait && why.raw().starts_with("429") => {
                waiting.push(what.clone());
            }
            DryVerdict::Refused(why) if is_open => {
                let words = format!("{what}: {}", why.raw());
                sum.verdict = DryVerdict::Refused(Untrusted::line(&words));
            }
            DryVerdict::NotRun(why) if sum.verdict == DryVerdict::Accepted => {
                let words = format!("{what}: {}", why.raw());
                sum.verdict = DryVerdict::NotRun(Untrusted::line(&words));
            }
            DryVerdict::Accepted | DryVerdict::Refused(_) | DryVerdict::NotRun(_) => {}
        }
    }
    if !waiting.is_empty() {
        let words = format!("would wait for a budget now: {}", waiting.join(", "));
        sum.notes.push(Untrusted::line(&words));
    }
    if untried > 0 {
        let words = format!("{untried} further steps were not tried");
        sum.notes.push(Untrusted::line(&words));
        sum.grade = sum.grade.max(Grade::C);
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::plan::{HttpWrite, Verb};

    fn rehearsal(what: &str, may_wait: bool) -> Rehearsal {
        Rehearsal {
            what: what.to_owned(),
            write: HttpWrite {
                server: "eu-1".into(),
                verb: Verb::Post,
                path: "/x".to_owned(),
                content_type: None,
                headers: Vec::new(),
                body: String::new(),
            },
            may_wait,
        }
    }

    fn run(verdict: DryVerdict) -> DryRun {
        DryRun {
            grade: Grade::A,
            verdict,
            notes: vec![Untrusted::line("a warning")],
        }
    }

    #[test]
    fn the_worst_dry_run_counts() {
        let (one, two) = (rehearsal("one", false), rehearsal("two", false));
        let refused = DryVerdict::Refused(Untrusted::line("no"));
        let not_run = DryVerdict::NotRun(Untrusted::line("gone"));
        let both = |a: DryVerdict, b: DryVerdict| {
            joined(vec![(&one, run(a)), (&two, run(b))], 0, Grade::A, &[])
        };
        let good = both(DryVerdict::Accepted, DryVerdict::Accepted);
        assert_eq!((good.verdict, good.notes.len()), (DryVerdict::Accepted, 1));
        for (a, b) in [
            (not_run.clone(), refused.clone()),
            (refused.clone(), not_run.clone()),
        ] {
            assert!(matches!(both(a, b).verdict, DryVerdict::Refused(_)));
        }
        let unsure = both(DryVerdict::Accepted, not_run).verdict;
        assert_eq!(unsure, DryVerdict::NotRun(Untrusted::line("two: gone")));
        let nothing = joined(Vec::new(), 0, Grade::A, &[]);
        assert!(matches!(nothing.verdict, DryVerdict::NotRun(_)));
    }

    #[test]
    fn a_budget_that_is_used_up_makes_it_wait_not_fail() {
        let waits = rehearsal("evict a", true);
        let refused = DryVerdict::Refused(Untrusted::line("429"));
        let sum = joined(vec![(&waits, run(refused))], 3, Grade::A, &[]);
        assert_eq!(sum.verdict, DryVerdict::Accepted);
        assert_eq!(sum.grade, Grade::C);
        let forbidden = DryVerdict::Refused(Untrusted::line("403 Forbidden"));
        let worse = joined(vec![(&waits, run(forbidden))], 0, Grade::A, &[]);
        assert!(matches!(worse.verdict, DryVerdict::Refused(_)));
        let notes: Vec<&str> = sum.notes.iter().map(Untrusted::shown).collect();
        assert!(
            notes.contains(&"would wait for a budget now: evict a"),
            "{notes:?}"
        );
        assert!(
            notes.contains(&"3 further steps were not tried"),
            "{notes:?}"
        );
    }
}
