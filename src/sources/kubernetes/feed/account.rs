//! What does a feed say of itself?
//!
//! The state of its part of the answer, and what it could not tell. Called by [`super::super::reading`].

use super::{Feed, RELIST, Standing};
use crate::domain::delivery::{Part, PartState};
use crate::domain::text::Untrusted;
use crate::sources::kubernetes::store::Store;

/// So many nameless objects are told one by one.
const MAX_NAMELESS: usize = 10;

impl Feed {
    pub(in super::super) fn part(&self, store: &Store) -> Part {
        let last_known = |why: &str| {
            let listed = self.listed.as_ref()?;
            let at = listed.at.format("%H:%M:%SZ");
            let text = format!("{why}; shown as of {at}");
            Some(PartState::LastKnown(Untrusted::line(&text)))
        };
        let state = match &self.standing {
            Standing::Good if self.listed.is_some() => {
                PartState::Read(store.count(&self.target.scope))
            }
            Standing::Good => PartState::Failed(Untrusted::line("not asked yet")),
            Standing::Missing => PartState::Absent,
            Standing::Denied(words) => last_known(&format!("no longer permitted: {words}"))
                .unwrap_or_else(|| {
                    let text = format!("{words}{}", self.target.advice);
                    PartState::NotPermitted(Untrusted::line(&text))
                }),
            Standing::Troubled(error) => last_known(&error.error.to_string())
                .unwrap_or_else(|| PartState::Failed(Untrusted::line(&error.error.to_string()))),
        };
        Part {
            what: Untrusted::line(&self.target.label),
            state,
        }
    }

    pub(in super::super) fn limits(&self) -> Vec<Untrusted> {
        let mut limits = Vec::new();
        limits.extend(self.remark.as_ref().map(|(_, why)| why.clone()));
        if let Some((_, why)) = &self.unwatchable {
            let secs = RELIST.num_seconds();
            limits.push(format!(
                "cannot be watched, listed every {secs} s instead: {why}"
            ));
        }
        limits.extend(self.nameless.iter().take(MAX_NAMELESS).cloned());
        if self.nameless.len() > MAX_NAMELESS {
            let more = self.nameless.len() - MAX_NAMELESS;
            limits.push(format!("{more} more objects have no name"));
        }
        let label = &self.target.label;
        limits
            .iter()
            .map(|text| Untrusted::line(&format!("{label}: {text}")))
            .collect()
    }
}
