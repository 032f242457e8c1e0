//! What time is it? The only place that asks.

use chrono::{DateTime, Utc};

/// The present time.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
