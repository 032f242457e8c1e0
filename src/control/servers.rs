//! Which servers can be written to, and what do they answer?
//!
//! One client for each Alertmanager, cluster and control plane of the settings, made when it is first
//! needed, with the login of the read side. [`Servers::send`] is the one place that sends a write of a
//! plan; [`Servers::read`] asks what a check or a search for evidence needs. Called by the families and by
//! dispatch.

use crate::config::settings::Settings;
use crate::domain::check::{Read, Seen};
use crate::domain::plan::Write;
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

    /// What a server says now.
    pub(super) async fn read(&self, read: &Read) -> Result<Seen, SourceError> {
        std::future::ready(()).await;
        let detail = format!("no server `{}`", read.server);
        Err(SourceError::new(ErrorKind::Local, &detail))
    }
}
