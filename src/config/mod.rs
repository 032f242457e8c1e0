//! What was configured: by file, by environment and by flags.

pub mod secret;
pub mod settings;
