//! How far is the rollout of checkout-api at that time?
//!
//! The turns of the story and those that were written, and the restarts, as the steps of one
//! deployment: each makes a revision and replaces the pods two at a time. Called by
//! [`super::checkout`] and [`super::argocd`]; it builds no object.

use super::super::curve::Curve;
use super::super::plot::{By, Plot, REACTION_SECS, Turn, Version};
use super::super::series::secs_of;
use super::super::story::{BAD_VERSION, CHECKOUT_PODS, CYCLE_MS, GOOD_VERSION, ms_of};
use super::super::world::World;
use super::checkout::{NAMESPACE, SERVICE};

/// When the good version was rolled out for the first time.
pub(super) const GOOD_SINCE_MS: i64 = -9 * 86_400_000;

/// How long a rollout takes, from its first pod to its last one being ready.
pub(super) const ROLLOUT_MS: i64 = 35_000;

/// The revision that the story opens with.
pub(super) const FIRST_REVISION: u32 = 30;

/// Another template is wanted from here on.
#[derive(Debug, Clone)]
struct Step {
    at_ms: i64,
    by: By,
    version: Version,
    /// What tells its replica set from others: the version, and which restart of it.
    key: String,
    /// When its first pods are replaced; none is when a telling begins, since all are there.
    first_wave_ms: Option<i64>,
}

/// A replica set of it.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub key: String,
    pub version: Version,
    /// Every number it had, the present one last.
    pub numbers: Vec<u32>,
    pub created_ms: i64,
}

/// A pod's place at a time: what runs there, and since when.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub key: String,
    pub version: Version,
    pub since_ms: i64,
}

/// How far the rollout is.
pub(super) struct Rollout {
    /// Whether the bad version is the one that is wanted.
    pub is_bad: bool,
    /// What tells the wanted replica set from others.
    pub key: String,
    /// The number of the present revision.
    pub revision: u32,
    /// When it began.
    pub began_ms: i64,
    /// When the controller saw it.
    pub seen_ms: i64,
    /// When it was complete; later than the time asked about while it goes on.
    pub ends_ms: i64,
    /// When the telling began.
    pub opens_ms: i64,
    /// How the telling goes.
    pub plot: Plot,
    pub sets: Vec<Set>,
    /// The steps of this telling.
    steps: Vec<Step>,
}

pub(super) fn text(version: Version) -> &'static str {
    match version {
        Version::Good => GOOD_VERSION,
        Version::Bad => BAD_VERSION,
    }
}

impl Rollout {
    pub(super) fn at(world: &World, at_ms: i64) -> Self {
        let telling = at_ms.max(0) / CYCLE_MS;
        let opens_ms = telling * CYCLE_MS;
        let mut sets = vec![Set {
            key: GOOD_VERSION.to_owned(),
            version: Version::Good,
            numbers: vec![FIRST_REVISION],
            created_ms: GOOD_SINCE_MS,
        }];
        let mut now = Step {
            at_ms: GOOD_SINCE_MS,
            by: By::Story,
            version: Version::Good,
            key: GOOD_VERSION.to_owned(),
            first_wave_ms: Some(GOOD_SINCE_MS),
        };
        let mut revision = FIRST_REVISION;
        let mut steps = Vec::new();
        for cycle in 0..=telling {
            steps = steps_of(world, cycle, &now.key);
            // A new telling brings a new build of the bad version.
            sets.retain(|set| set.version == Version::Good || cycle == 0);
            for step in steps.iter().filter(|step| step.at_ms <= at_ms) {
                revision += 1;
                match sets.iter_mut().find(|set| set.key == step.key) {
                    Some(set) => set.numbers.push(revision),
                    None => sets.push(Set {
                        key: step.key.clone(),
                        version: step.version,
                        numbers: vec![revision],
                        created_ms: step.at_ms,
                    }),
                }
                now = step.clone();
            }
        }
        Self {
            is_bad: now.version == Version::Bad,
            key: now.key,
            revision,
            began_ms: now.at_ms,
            seen_ms: match now.by {
                By::Story => now.at_ms,
                By::Deed => now.at_ms + ms_of(REACTION_SECS),
            },
            ends_ms: now.at_ms + ROLLOUT_MS,
            opens_ms,
            plot: world.deeds.plot(telling),
            sets,
            steps,
        }
    }

    pub(super) fn version(&self) -> &'static str {
        text(if self.is_bad {
            Version::Bad
        } else {
            Version::Good
        })
    }

    /// When the story, or a deed, first wanted the bad version in this telling.
    pub(super) fn bad_since_ms(&self) -> Option<i64> {
        let bad = |turn: &&Turn| turn.to == Version::Bad;
        let turn = self.plot.turns.iter().find(bad)?;
        Some(self.opens_ms + ms_of(turn.at_secs))
    }

    /// What runs at the place of pod number `pod`.
    pub(super) fn place(&self, pod: u32, at_ms: i64) -> Place {
        let mut place = Place {
            key: GOOD_VERSION.to_owned(),
            version: Version::Good,
            since_ms: self.opens_ms - 300_000,
        };
        for (number, step) in self.steps.iter().enumerate() {
            let Some(first_ms) = step.first_wave_ms else {
                continue;
            };
            let switched_ms = first_ms + i64::from(pod / 2) * 5_000;
            let next = self.steps.get(number + 1);
            let is_overtaken = next.is_some_and(|next| next.at_ms <= switched_ms);
            if switched_ms <= at_ms && !is_overtaken && step.key != place.key {
                place = Place {
                    key: step.key.clone(),
                    version: step.version,
                    since_ms: switched_ms,
                };
            }
        }
        place
    }

    /// How many pods run what this replica set is for.
    pub(super) fn pods_of(&self, key: &str, at_ms: i64) -> u32 {
        let runs = |pod: &u32| self.place(*pod, at_ms).key == key;
        let count = (0..CHECKOUT_PODS).filter(runs).count();
        u32::try_from(count).unwrap_or(CHECKOUT_PODS)
    }

    /// How many pods are not available because of the rollout.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a handful of pods"
    )]
    pub(super) fn unavailable(&self, at_ms: i64) -> u32 {
        if at_ms < 0 {
            return 0;
        }
        let secs = secs_of(at_ms - self.opens_ms);
        Curve::through(&self.plot.unavailable()).at(secs) as u32
    }

    /// The last time at which anything of the rollout changed.
    pub(super) fn changed_ms(&self, at_ms: i64) -> i64 {
        let waves = self.steps.iter().flat_map(|step| {
            let first_ms = step.first_wave_ms.into_iter();
            let waves = first_ms.flat_map(|first| (0..6).map(move |wave| first + wave * 5_000));
            waves.chain([step.at_ms, step.at_ms + ROLLOUT_MS])
        });
        let unavailable = self.plot.unavailable();
        let turns = unavailable
            .iter()
            .map(|(secs, _)| self.opens_ms + ms_of(*secs));
        let moments = waves
            .chain(turns)
            .chain([self.began_ms, self.seen_ms, self.ends_ms]);
        let past = moments.filter(|moment| *moment <= at_ms);
        past.max().unwrap_or(self.began_ms)
    }
}

/// What happens to the deployment in a telling that finds this replica set in use.
fn steps_of(world: &World, cycle: i64, found: &str) -> Vec<Step> {
    let opens_ms = cycle * CYCLE_MS;
    let turns = world.deeds.plot(cycle).turns;
    let mut steps: Vec<Step> = turns
        .iter()
        .map(|turn| Step {
            at_ms: opens_ms + ms_of(turn.at_secs),
            by: turn.by,
            version: turn.to,
            key: text(turn.to).to_owned(),
            first_wave_ms: Some(opens_ms + ms_of(turn.wave(0))),
        })
        .collect();
    if found != GOOD_VERSION {
        steps.push(Step {
            at_ms: opens_ms,
            by: By::Story,
            version: Version::Good,
            key: GOOD_VERSION.to_owned(),
            first_wave_ms: None,
        });
    }
    let edits = world
        .deeds
        .edits_of("deployments", NAMESPACE, SERVICE, opens_ms + CYCLE_MS - 1);
    for edit in edits.filter(|edit| edit.at_ms >= opens_ms) {
        let Some(key) = &edit.rolls_to else {
            continue;
        };
        let is_bad = key.starts_with(BAD_VERSION);
        steps.push(Step {
            at_ms: edit.at_ms,
            by: By::Deed,
            version: if is_bad { Version::Bad } else { Version::Good },
            key: key.clone(),
            first_wave_ms: Some(edit.at_ms + ms_of(REACTION_SECS)),
        });
    }
    steps.sort_by_key(|step| step.at_ms);
    steps
}
