//! Which runbooks come with this program, and in which version?
//!
//! Called by [`super::read`] when no folder is set. The table is made by `build.rs` from
//! `runbooks/*.md`, with what git said of those bytes when the program was built.

use std::borrow::Cow;

use super::{Source, unversioned};
use crate::domain::runbook::{Origin, Version};
use crate::domain::text::Untrusted;

/// A runbook as it was when the program was built.
struct Embedded {
    path: &'static str,
    bytes: &'static [u8],
    git: Option<Pin>,
}

/// git's word on the bytes.
struct Pin {
    commit: &'static str,
    blob: &'static str,
    dirty: bool,
}

include!(concat!(env!("OUT_DIR"), "/builtin_runbooks.rs"));

/// Where they come from.
pub(super) fn origin() -> Origin {
    let pins = EMBEDDED.iter().filter_map(|file| file.git.as_ref());
    Origin {
        place: Some(Untrusted::line("built in")),
        commit: pins.map(|pin| pin.commit.to_owned()).next(),
        branch: None,
        remote: None,
    }
}

/// All of them, in the order of their paths.
pub(super) fn files() -> Vec<Source> {
    let source = |file: &Embedded| Source {
        path: file.path.to_owned(),
        bytes: Cow::Borrowed(file.bytes),
        version: match &file.git {
            Some(pin) => Version::Git {
                commit: pin.commit.to_owned(),
                blob: pin.blob.to_owned(),
                dirty: pin.dirty,
            },
            None => unversioned(file.bytes),
        },
    };
    EMBEDDED.iter().map(source).collect()
}
