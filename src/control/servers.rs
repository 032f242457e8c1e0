//! Which servers can be written to, and what do they answer?
//!
//! One client for each Alertmanager, cluster and control plane of the settings, made when it is first
//! needed, with the login of the read side. [`Servers::send`] is the one place that sends a write of a
//! plan; [`Servers::read`] asks what a check or a search for evidence needs. Called by the families and by
//! dispatch.

use chrono::{DateTime, Utc};

use super::perform::Place;
use crate::config::settings::Settings;
use crate::domain::check::{Read, Seen};
use crate::domain::plan::{ActionId, Target, Write};
use crate::domain::record::StepOutcome;
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;

/// Every server that can be written to.
pub struct Servers {
    settings: Settings,
}

impl Servers {
    /// From the settings. Opens no connection and reads no secret.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
        }
    }

    /// The settings that they were made from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends a write, once, whatever the answer.
    pub(super) async fn send(&self, write: &Write) -> StepOutcome {
        let _ = write;
        std::future::ready(()).await;
        StepOutcome::NotSent {
            why: Untrusted::line("nothing is sent yet"),
        }
    }

    /// Who else holds the lease of a target.
    ///
    /// # Errors
    /// It cannot be found out, in words.
    pub(super) async fn lease_holder(
        &self,
        target: &Target,
        action: &ActionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Untrusted>, Untrusted> {
        let _ = (target, action, now);
        std::future::ready(()).await;
        Ok(None)
    }

    /// Takes the lease of a target. What cannot be taken because leases may not be written is no reason to
    /// stop: it is a courtesy.
    ///
    /// # Errors
    /// Who has it.
    pub(super) async fn acquire_lease(
        &self,
        target: &Target,
        action: &ActionId,
        place: &Place,
    ) -> Result<(), Untrusted> {
        let _ = (target, action, place);
        std::future::ready(()).await;
        Ok(())
    }

    /// Gives it back. One that stays runs out by itself.
    pub(super) async fn release_lease(&self, target: &Target, action: &ActionId) {
        let _ = (target, action);
        std::future::ready(()).await;
    }

    /// Pages somebody because the glass was broken: an alert at every Alertmanager cluster. Says who was
    /// told, or why nobody was.
    pub(super) async fn page_for_glass(
        &self,
        place: &Place,
        reason: &str,
        until: DateTime<Utc>,
    ) -> Untrusted {
        let _ = (place, reason, until);
        std::future::ready(()).await;
        Untrusted::line("nobody was paged: there is no Alertmanager")
    }

    /// What a server says now.
    pub(super) async fn read(&self, read: &Read) -> Result<Seen, SourceError> {
        std::future::ready(()).await;
        let detail = format!("no server `{}`", read.server);
        Err(SourceError::new(ErrorKind::Local, &detail))
    }
}
