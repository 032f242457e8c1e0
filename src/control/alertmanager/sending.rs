//! What became of a silence that was posted or ended?
//!
//! Two writes are looked at once more right before they leave, because the server would do something else
//! than what was planned, without a word: one that changes a silence that has ended or changed meanwhile
//! would make a second one, and the reverse of a creation has to find out which silence was made.

use serde_json::Value;

use super::super::http_servers::{HttpServers, applied, in_doubt, not_sent, refusal, words_of};
use super::silence::Silence;
use super::{SILENCES, mark, silences};
use crate::domain::plan::{ActionId, HttpWrite, Verb};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::text::shown;

/// What stands for the id of a silence in the path of a write that is planned before the silence exists:
/// the action whose mark it carries, in braces. It is filled in by [`send`].
pub(super) fn placeholder(id: &ActionId) -> String {
    format!("{{{id}}}")
}

/// Sends a write once.
pub(in crate::control) async fn send(servers: &HttpServers, write: &HttpWrite) -> StepOutcome {
    let sent = match write.verb {
        Verb::Delete => end(servers, write).await,
        Verb::Post => post(servers, write).await,
        _ => Err(not_sent("Alertmanager takes POST and DELETE alone")),
    };
    sent.unwrap_or_else(|outcome| outcome)
}

async fn post(servers: &HttpServers, write: &HttpWrite) -> Result<StepOutcome, StepOutcome> {
    let body: Value = serde_json::from_str(&write.body)
        .map_err(|_| not_sent("what would be posted is no silence"))?;
    let asked = body["id"].as_str();
    if let Some(id) = asked {
        is_unchanged(servers, write, id, &body).await?;
    }
    let answer = servers.deliver(write).await?;
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let id = said.as_ref().and_then(|said| said["silenceID"].as_str());
    // A login page of a proxy answers with 200, too.
    let Some(id) = id else {
        let words = words_of(&answer);
        return Err(in_doubt(format!("the answer names no silence: {words}")));
    };
    Ok(match asked {
        Some(asked) if asked != id => applied(format!(
            "silence {id}: the server made a new one, and {asked} has ended"
        )),
        _ => applied(format!("silence {id}")),
    })
}

/// Refuses to change a silence that is not as it was when the change was planned.
async fn is_unchanged(
    servers: &HttpServers,
    write: &HttpWrite,
    id: &str,
    body: &Value,
) -> Result<(), StepOutcome> {
    let path = format!("/api/v2/silence/{id}");
    let heard = servers.ask(&write.server, &path).await;
    let heard = heard.map_err(|error| not_sent(format!("it cannot be looked at: {error}")))?;
    let Some(now) = Silence::read(&heard.value) else {
        return Err(refusal(Refusal::Gone, format!("no silence {}", shown(id))));
    };
    if now.state != "active" {
        let why = format!(
            "it is {} by now, and changing it would make another one: create a new one",
            shown(&now.state)
        );
        return Err(refusal(Refusal::Changed, why));
    }
    let same = |name: &str| heard.value[name] == body[name];
    if same("matchers") && same("startsAt") {
        return Ok(());
    }
    let why = "somebody changed its matchers or its start meanwhile";
    Err(refusal(Refusal::Changed, why))
}

async fn end(servers: &HttpServers, write: &HttpWrite) -> Result<StepOutcome, StepOutcome> {
    let Some(action) = marked_by(&write.path) else {
        servers.deliver(write).await.and_then(|a| ended(&a.body))?;
        return Ok(applied("the silence has ended"));
    };
    let found = silences(servers, &write.server).await;
    let found = found.map_err(|why| not_sent(format!("it cannot be looked for: {why}")))?;
    let mark = mark(&action);
    let made: Vec<_> = found.iter().filter(|s| s.comment.contains(&mark)).collect();
    let going: Vec<_> = made.iter().filter(|s| s.state != "expired").collect();
    match (made.is_empty(), &*going) {
        (true, _) => Err(refusal(
            Refusal::Gone,
            "no silence carries the mark of this action",
        )),
        (false, []) => Ok(applied("the silence had ended already")),
        (false, [one]) => {
            let mut write = write.clone();
            write.path = format!("/api/v2/silence/{}", one.id);
            let answer = servers.deliver(&write).await;
            answer.and_then(|a| ended(&a.body))?;
            Ok(applied(format!("silence {} has ended", one.id)))
        }
        (false, several) => {
            let ids: Vec<_> = several.iter().map(|one| &*one.id).collect();
            let ids = ids.join(", ");
            let why = format!("several silences carry the mark of this action: {ids}");
            Err(refusal(Refusal::Other, why))
        }
    }
}

/// Alertmanager says nothing when it has ended one; a proxy's page does.
fn ended(body: &[u8]) -> Result<(), StepOutcome> {
    if body.trim_ascii_start().first() == Some(&b'<') {
        return Err(in_doubt("a web page answered in place of Alertmanager"));
    }
    Ok(())
}

fn marked_by(path: &str) -> Option<ActionId> {
    let one = SILENCES.strip_suffix('s')?;
    let rest = path.strip_prefix(one)?.strip_prefix("/{")?;
    ActionId::parse(rest.strip_suffix('}')?)
}
