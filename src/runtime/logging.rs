//! Where do logs go? Into the state folder, never to the terminal.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A log larger than this is set aside when a session begins; one older log is kept.
const SET_ASIDE_BYTES: u64 = 8 * 1024 * 1024;

/// Begins to log into a folder that exists. `level` is a word such as `info`.
///
/// # Errors
/// The file cannot be opened.
pub fn begin(folder: &Path, level: &str) -> io::Result<()> {
    let path = folder.join("quell.log");
    match std::fs::metadata(&path) {
        Ok(about) if about.len() > SET_ASIDE_BYTES => {
            std::fs::rename(&path, folder.join("quell.log.1"))?;
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)?;
    // Only our own words: a library's debug lines could hold a header or a body.
    let filter = EnvFilter::new(format!("quell={level}"));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file));
    // A second session in one process keeps the first one's log.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    Ok(())
}
