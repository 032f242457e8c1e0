//! Who has said "mine" of an alert?
//!
//! A claim is an owner without muting. It belongs to one occurrence: when the alert fires again,
//! nobody owns it. Kept on this machine; nothing is sent anywhere.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::label::Fingerprint;
use super::text::Untrusted;

/// One firing of one alert. A re-fire has the same fingerprint and another start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Occurrence {
    /// Of the label set.
    pub fingerprint: Fingerprint,
    /// The earliest start any replica knows.
    pub starts_at: DateTime<Utc>,
}

/// Somebody's word that they look after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose.
    pub by: Untrusted,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// All claims of this machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    entries: Vec<(Occurrence, Claim)>,
}

/// Claims of alerts that are gone this long are dropped.
const KEPT_DAYS: i64 = 30;

impl Claims {
    /// Takes or renews an occurrence.
    pub fn take(&mut self, occurrence: Occurrence, claim: Claim) {
        self.entries.retain(|(o, _)| *o != occurrence);
        self.entries
            .retain(|(_, c)| (claim.since - c.since).num_days() < KEPT_DAYS);
        self.entries.push((occurrence, claim));
    }

    /// Gives back every claim on these starts of a fingerprint.
    pub fn release(&mut self, fingerprint: Fingerprint, starts: &[DateTime<Utc>]) {
        self.entries
            .retain(|(o, _)| o.fingerprint != fingerprint || !starts.contains(&o.starts_at));
    }

    /// By fingerprint, for joining with many alerts.
    #[must_use]
    pub fn by_fingerprint(&self) -> HashMap<Fingerprint, Vec<(DateTime<Utc>, &Claim)>> {
        let mut map: HashMap<_, Vec<_>> = HashMap::with_capacity(self.entries.len());
        for (occurrence, claim) in &self.entries {
            map.entry(occurrence.fingerprint)
                .or_default()
                .push((occurrence.starts_at, claim));
        }
        map
    }
}
