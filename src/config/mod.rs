//! What was configured: by file, by environment and by flags.

pub mod paths;
pub mod secret;
pub mod settings;

pub use paths::Paths;
