//! What does one JSON value of a spool say?
//!
//! A `CloudEvent`, a bare `CDEvent`, or a plain object, told apart by what they hold. Called by
//! [`super::file`].

use serde_json::Value;

use super::cdevents::{self, Heard};
use super::plain;
use super::record::{Problem, Record};

/// What was heard, and what of it is not used.
pub(super) struct Event {
    pub(super) heard: Heard,
    pub(super) problems: Vec<Problem>,
}

/// What one value says.
///
/// # Errors
/// It is no event, or lacks what is needed.
pub(super) fn read(value: &Value) -> Result<Event, Problem> {
    let Value::Object(event) = value else {
        let what = "is no JSON object: write one event as {\"service\": …, \"at\": …}";
        return Err(Problem::of_all(what));
    };
    let heard = if cdevents::is_cloud_event(event) {
        cdevents::read_cloud_event(event)?
    } else if cdevents::is_bare(event) {
        cdevents::read(event, None)?
    } else {
        let (push, problems) = plain::read(event)?;
        let heard = Heard::Record(Record::Push(Box::new(push)));
        return Ok(Event { heard, problems });
    };
    Ok(Event {
        heard,
        problems: Vec::new(),
    })
}
