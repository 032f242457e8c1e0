//! Which alerts does a mute time interval keep quiet?
//!
//! Only `/alerts/groups` tells, group by group, and an alert that takes two routes stands in two
//! groups. It is quiet only where every one of them is muted.

use std::collections::{HashMap, HashSet};

use crate::domain::label::Fingerprint;
use crate::domain::observed::{ObservedAlert, ReplicaState};
use crate::domain::text::Untrusted;

/// What the groups tell.
#[derive(Debug, Default)]
pub(super) struct Mutes {
    muted_by: HashMap<Fingerprint, Vec<Untrusted>>,
    /// In some group without a mute. Empty once settled.
    loud: HashSet<Fingerprint>,
    told: bool,
    untold: bool,
}

impl Mutes {
    /// An alert of a group: its intervals, or `None` where the answer has no such field.
    pub(super) fn note(&mut self, alert: Fingerprint, muted_by: Option<Vec<&str>>) {
        match muted_by {
            None => self.untold = true,
            Some(_) => self.told = true,
        }
        let names = muted_by.unwrap_or_default();
        if names.is_empty() {
            self.loud.insert(alert);
            return;
        }
        let known = self.muted_by.entry(alert).or_default();
        for name in names {
            if !known.iter().any(|k| k.raw() == name) {
                known.push(Untrusted::line(name));
            }
        }
    }

    /// All groups are noted.
    pub(super) fn settled(mut self) -> Self {
        let loud = std::mem::take(&mut self.loud);
        self.muted_by.retain(|alert, _| !loud.contains(alert));
        self
    }

    /// Whether there were alerts and nothing was told of any.
    pub(super) fn is_silent(&self) -> bool {
        self.untold && !self.told
    }

    /// Writes it into the alerts.
    pub(super) fn mark(&self, alerts: &mut [ObservedAlert]) {
        if self.muted_by.is_empty() {
            return;
        }
        for alert in alerts {
            if let Some(names) = self.muted_by.get(&alert.fingerprint) {
                alert.suppression.muted_by.clone_from(names);
                alert.state = ReplicaState::Suppressed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_muted_where_all_its_groups_are() {
        let (night, both, day) = (Fingerprint(1), Fingerprint(2), Fingerprint(3));
        let mut mutes = Mutes::default();
        mutes.note(night, Some(vec!["nights"]));
        mutes.note(night, Some(vec!["nights", "weekends"]));
        mutes.note(both, Some(vec!["nights"]));
        mutes.note(both, Some(vec![]));
        mutes.note(day, Some(vec![]));
        let mutes = mutes.settled();
        let names: Vec<_> = mutes.muted_by[&night].iter().map(Untrusted::raw).collect();
        assert_eq!(names, ["nights", "weekends"]);
        assert_eq!(mutes.muted_by.len(), 1);
        assert!(!mutes.is_silent());
    }

    #[test]
    fn an_answer_without_the_field_is_silent() {
        let mut mutes = Mutes::default();
        assert!(!mutes.is_silent(), "no alerts tell nothing either way");
        mutes.note(Fingerprint(1), None);
        assert!(mutes.settled().is_silent());
    }
}
