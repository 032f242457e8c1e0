//! How far back does a server remember?
//!
//! Asked seldom: it changes with a restart. Called by the poll.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::duration;
use crate::sources::prometheus::QueryHandle;

const KNOWN_FOR: TimeDelta = TimeDelta::hours(6);
const RETRY_AFTER: TimeDelta = TimeDelta::minutes(10);

/// What is known of it.
#[derive(Default)]
pub(super) struct Retention {
    asked: Option<Asked>,
}

struct Asked {
    at: DateTime<Utc>,
    again_after: TimeDelta,
    secs: Option<u64>,
}

impl Retention {
    /// Asks if it is time to.
    pub(super) async fn refresh(&mut self, queries: &QueryHandle, now: DateTime<Utc>) {
        let is_due = self
            .asked
            .as_ref()
            .is_none_or(|asked| now < asked.at || now - asked.at >= asked.again_after);
        if !is_due {
            return;
        }
        let known = self.secs();
        // A server that does not tell is no failure of anything: it only cannot be warned of.
        let (again_after, secs) = match queries.retention().await {
            Ok(text) => (KNOWN_FOR, text.as_deref().and_then(secs_of)),
            Err(_) => (RETRY_AFTER, known),
        };
        self.asked = Some(Asked {
            at: now,
            again_after,
            secs,
        });
    }

    /// In seconds. `None` where the server does not tell.
    pub(super) fn secs(&self) -> Option<u64> {
        self.asked.as_ref()?.secs
    }
}

/// `15d`, `60d or 10GiB`; by size alone there is no time to name.
fn secs_of(text: &str) -> Option<u64> {
    text.split_whitespace()
        .find_map(|word| duration::parse(word).ok())
        .map(|length| length.as_secs())
        .filter(|secs| *secs > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_time_is_a_retention() {
        for (text, secs) in [
            ("15d", Some(15 * 86_400)),
            ("60d or 10GiB", Some(60 * 86_400)),
            ("8w4d", Some(60 * 86_400)),
            ("10GiB", None),
            ("0s", None),
            ("", None),
        ] {
            assert_eq!(secs_of(text), secs, "{text}");
        }
    }
}
