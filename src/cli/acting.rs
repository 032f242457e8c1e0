//! What does a process need before it can do anything?
//!
//! Opens the journal and puts together who acts, where, and with which rules. Used by the commands that
//! act and by the cockpit. Nothing is sent here.

use std::path::PathBuf;
use std::sync::Arc;

use super::Clock;
use crate::config::Paths;
use crate::config::settings::Settings;
use crate::control::{Control, Place};
use crate::domain::action::{Catalogue, Requester};
use crate::domain::text::Untrusted;
use crate::journal::Journal;

/// Everything that acting takes, but for the rules.
pub struct Acting {
    /// Performs orders.
    pub control: Arc<Control>,
    /// What can be done here.
    pub catalogue: Arc<Catalogue>,
    /// Who acts.
    pub requester: Requester,
    /// What is wrong with the catalogue of the config, in words.
    pub problems: Vec<String>,
}

/// Puts it together. A journal that cannot be opened is no reason not to look: then nothing is dispatched.
#[must_use]
pub fn acting(settings: &Settings, paths: &Paths, clock: Clock) -> Acting {
    let requester = requester(settings);
    let place = Place {
        by: requester.clone(),
        env: environment(settings).map(Untrusted::line),
        panic_file: panic_file(settings, paths),
        holds_dir: paths.holds_dir(),
        clock,
    };
    // Where nothing can be done nothing is written, not even a new journal.
    let journal = match &settings.actions.policy {
        None => Err(Untrusted::line("read-only: nothing is written down")),
        Some(_) => Journal::open(&journal_file(settings, paths), &settings.actions.journal)
            .map_err(|error| Untrusted::line(&error.to_string())),
    };
    let (catalogue, problems) = crate::control::catalogue(&settings.actions);
    Acting {
        control: Arc::new(Control::new(settings, place, journal)),
        catalogue: Arc::new(catalogue),
        requester,
        problems,
    }
}

/// Where the journal is.
#[must_use]
pub fn journal_file(settings: &Settings, paths: &Paths) -> PathBuf {
    let configured = settings.actions.journal.path.clone();
    configured.unwrap_or_else(|| paths.journal_file(environment(settings)))
}

/// The file whose presence stops every dispatch on this machine.
#[must_use]
pub fn panic_file(settings: &Settings, paths: &Paths) -> PathBuf {
    let configured = settings.actions.panic_file.clone();
    configured.unwrap_or_else(|| paths.panic_file())
}

fn environment(settings: &Settings) -> Option<&str> {
    settings.environment.as_ref().map(|e| e.name.as_str())
}

/// Who acts: as the list of signers names them, else the operator.
fn requester(settings: &Settings) -> Requester {
    let identity = settings.actions.approvals.identity.as_deref();
    let host = rustix::system::uname();
    Requester {
        name: Untrusted::line(identity.unwrap_or(&settings.operator)),
        host: Untrusted::line(&host.nodename().to_string_lossy()),
    }
}
