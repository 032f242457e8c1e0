//! Which repositories could be read, and which not?
//!
//! A host of code is asked for each of its projects. One that fails does not stop the others, unless
//! the failure is the host's own; what was known of it stays and is said to be old.

use crate::domain::delivery::{Part, PartState};
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::Untrusted;
use crate::sources::http::HttpError;

/// So many timeouts, and the host is taken to hang.
const MAX_TIMEOUTS: usize = 2;

/// One repository or project.
pub(in crate::sources) struct Project<T> {
    /// `group/name`, or its number.
    pub(in crate::sources) full: String,
    /// What is known of it.
    pub(in crate::sources) known: T,
    state: State,
}

enum State {
    Never,
    Read,
    /// It failed; before that it was read, or not.
    Failed {
        why: HttpError,
        was_read: bool,
    },
}

impl<T: Default> Project<T> {
    pub(in crate::sources) fn new(full: &str) -> Self {
        Self {
            full: full.trim_matches('/').to_owned(),
            known: T::default(),
            state: State::Never,
        }
    }
}

impl<T> Project<T> {
    /// `checkout` of `shop/checkout`.
    pub(in crate::sources) fn name(&self) -> &str {
        self.full.rsplit('/').next().unwrap_or(&self.full)
    }

    pub(in crate::sources) fn is_read(&self) -> bool {
        matches!(self.state, State::Read)
    }

    pub(in crate::sources) fn settle(&mut self, result: Result<(), HttpError>) {
        let was_read = match &self.state {
            State::Never => false,
            State::Read => true,
            State::Failed { was_read, .. } => *was_read,
        };
        self.state = match result {
            Ok(()) => State::Read,
            Err(why) => State::Failed { why, was_read },
        };
    }

    /// Why it could not be read.
    pub(in crate::sources) fn failure(&self) -> Option<&HttpError> {
        match &self.state {
            State::Failed { why, .. } => Some(why),
            State::Never | State::Read => None,
        }
    }

    /// As a part of the answer. `count` is what it holds, `paused` why it was not asked yet.
    pub(in crate::sources) fn part(&self, count: usize, paused: Option<&Untrusted>) -> Part {
        let state = match &self.state {
            State::Read => PartState::Read(count),
            State::Never => {
                let not_yet = Untrusted::line("not asked yet");
                PartState::Failed(paused.cloned().unwrap_or(not_yet))
            }
            State::Failed { why, .. } if why.status == Some(403) && is_refused(why) => {
                PartState::NotPermitted(why.error.detail.clone())
            }
            State::Failed { why, .. } if why.status == Some(404) => PartState::Absent,
            State::Failed { why, was_read } => {
                let why = Untrusted::line(&why.error.to_string());
                match was_read {
                    true => PartState::LastKnown(why),
                    false => PartState::Failed(why),
                }
            }
        };
        Part {
            what: Untrusted::line(&self.full),
            state,
        }
    }

    /// What a refusal may mean, where its words do not say it.
    pub(in crate::sources) fn advice(&self, host: &str) -> Option<Untrusted> {
        let full = &self.full;
        let advice = match self.failure()?.status? {
            404 => format!("{full}: not found or not permitted: {host} says the same for both"),
            301 | 302 | 307 | 308 => {
                format!("{full}: renamed or moved: write its present name in `projects`")
            }
            _ => return None,
        };
        Some(Untrusted::line(&advice))
    }
}

fn is_refused(why: &HttpError) -> bool {
    why.error.kind == ErrorKind::Unauthorized
}

/// Whether a host is worth asking on, within one poll.
#[derive(Default)]
pub(in crate::sources) struct Host {
    timeouts: usize,
    stopped: Option<HttpError>,
}

impl Host {
    /// Notes what came of one project.
    pub(in crate::sources) fn note(&mut self, result: &Result<(), HttpError>) {
        let Err(why) = result else { return };
        if why.error.kind == ErrorKind::TimedOut {
            self.timeouts += 1;
        }
        let is_of_host = match why.error.kind {
            ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::Tls | ErrorKind::Local => true,
            // A wrong token is wrong for all; to send it again and again locks accounts.
            ErrorKind::Unauthorized => why.status == Some(401),
            ErrorKind::TimedOut => self.timeouts >= MAX_TIMEOUTS,
            ErrorKind::Refused | ErrorKind::Malformed | ErrorKind::TooLarge => false,
        };
        if is_of_host {
            self.stopped = Some(why.clone());
        }
    }

    /// Why it is not asked on.
    pub(in crate::sources) fn stopped(&self) -> Option<&HttpError> {
        self.stopped.as_ref()
    }
}

/// Why there is nothing at all: the failure that says most.
pub(in crate::sources) fn failure_of_all<T>(projects: &[Project<T>]) -> Option<SourceError> {
    let failures = || projects.iter().filter_map(Project::failure);
    let told = failures().find(|why| why.status != Some(404));
    let why = told.or_else(|| failures().next())?;
    let mut error = why.error.clone();
    let others = failures().count().saturating_sub(1);
    if others > 0 {
        let detail = format!("{}; {others} more projects failed", error.detail.raw());
        error.detail = Untrusted::line(&detail);
    }
    Some(error)
}
