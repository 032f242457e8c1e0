//! Where is a secret, and how is it read?
//!
//! The config names a file, an environment variable or a program; the value is read by `sources`
//! when a request needs it and never kept in [`super::settings::Settings`], printed or logged.

use std::path::PathBuf;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// The first line a program prints. Program and arguments, no shell.
    Command(Vec<String>),
}
