//! Who has claimed what on this machine?
//!
//! Reads the file that the cockpit keeps. It is only read: a file that cannot be understood is left
//! for the cockpit to set aside.

use std::io::ErrorKind;

use crate::config::Paths;
use crate::domain::claim::Claims;
use crate::domain::text::shown;

/// The claims; none where nobody ever claimed anything.
///
/// # Errors
/// The file is there and cannot be read, in words.
pub fn claims(paths: &Paths) -> Result<Claims, String> {
    let path = paths.claims_file();
    let told = |why: String| {
        let place = shown(&path.to_string_lossy());
        format!("claims were not read from {place}: {why}")
    };
    match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| told(shown(&error.to_string())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Claims::default()),
        Err(error) => Err(told(error.kind().to_string())),
    }
}
