//! Which actions does the config add to the catalogue?
//!
//! Operations of control planes and local commands. Called by whoever makes the catalogue; it reads the
//! `OpenAPI` documents that the config names, and asks nobody.

use super::{command, http_plane};
use crate::config::actions::ActionSettings;
use crate::domain::action::ActionSpec;

/// The actions of the config, and what is wrong with those that cannot be used, in words.
#[must_use]
pub fn configured_actions(settings: &ActionSettings) -> (Vec<ActionSpec>, Vec<String>) {
    let (mut specs, problems) = http_plane::specs(settings);
    specs.extend(command::specs(settings));
    (specs, problems)
}
