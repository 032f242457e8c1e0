//! When is a freeze or a maintenance window open?
//!
//! Evaluated in the window's own time zone, for any time. Part of [`super`].

use chrono::{DateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

/// A span of time that rules ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// As rules name it: `window.NAME`.
    pub name: String,
    /// What sort of window.
    pub kind: WindowKind,
    /// When it is open.
    pub times: WindowTimes,
    /// The zone in which its times are meant.
    pub zone: Tz,
}

/// What sort of window it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// What adds risk waits.
    Freeze,
    /// What needs quiet is done now.
    Maintenance,
}

/// When a window is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowTimes {
    /// From one time to another, the second not included.
    Once {
        /// From.
        from: DateTime<Utc>,
        /// Until.
        until: DateTime<Utc>,
    },
    /// On these days, from one time of day to another, the second not included. One that ends before it
    /// begins goes over midnight and belongs to the day on which it begins.
    Weekly {
        /// On which days; none means every day.
        days: Vec<Weekday>,
        /// From.
        from: NaiveTime,
        /// Until.
        until: NaiveTime,
    },
}
