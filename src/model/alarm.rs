//! What has to be said of acting on every screen, before anything else?
//!
//! That nothing is dispatched, that approvals are skipped, that nobody knows what became of a write.

use super::Model;
use crate::domain::duration::short;

/// The lines, the worst first.
#[must_use]
pub fn lines(model: &Model) -> Vec<String> {
    let alarm = &model.acting.alarm;
    let mut lines = Vec::new();
    if let Some(who) = &alarm.panic {
        lines.push(format!(
            "PANIC: nothing is dispatched ({who}); :panic off resumes"
        ));
    }
    if let Some(left) = glass_left(model) {
        lines.push(format!(
            "GLASS BROKEN: approvals are skipped for {left} more; every step is recorded"
        ));
    }
    lines
}

/// How long the glass is still broken.
#[must_use]
pub fn glass_left(model: &Model) -> Option<String> {
    let until = model.acting.alarm.glass_until?;
    let left = u64::try_from((until - model.now).num_seconds()).ok()?;
    (left > 0).then(|| short(left))
}
