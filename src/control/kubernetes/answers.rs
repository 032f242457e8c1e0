//! What does the answer of an API server to a write mean, and what of it may be shown?
//!
//! Pure: from a status, headers and a body to what can be done about it. The words of a server are passed
//! on where they do not quote the object, for objects hold secrets; else only which fields it complained
//! about. Called by [`super::cluster`].

use http::header::{DATE, RETRY_AFTER, WARNING};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use chrono::{DateTime, Utc};

use crate::domain::plan::{DryRun, DryVerdict, Grade, HttpWrite};
use crate::domain::record::{Refusal, StepOutcome};
use crate::domain::text::Untrusted;
use crate::sources::carried::{Answer, NoAnswer};

/// Of a server's words, this much is passed on.
const MAX_WORDS_CHARS: usize = 300;
/// Of its warnings, so many.
const MAX_WARNINGS: usize = 8;
/// The type of a patch whose tests guard it.
pub(super) const JSON_PATCH: &str = "application/json-patch+json";

/// Kubernetes' own words for a refusal, as far as they are used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Status {
    fn of(answer: &Answer) -> Option<Self> {
        let status: Self = serde_json::from_slice(&answer.body).ok()?;
        (status.kind == "Status").then_some(status)
    }

    fn causes(&self) -> &[Cause] {
        self.details
            .as_ref()
            .map_or(&[], |details| details.causes.as_slice())
    }

    /// What it says, without values of the object.
    fn words(&self) -> String {
        let quotes = ["Invalid value", "Unsupported value", "Duplicate value", "{"];
        let holds_values = |text: &str| quotes.iter().any(|sign| text.contains(sign));
        let mut words = if holds_values(&self.message) {
            let start = self.message.split_once(" is invalid").map(|(who, _)| who);
            let who = start.map(str::trim).filter(|who| who.len() < 200);
            let who = who.filter(|who| !who.is_empty() && !holds_values(who));
            who.map_or_else(
                || "it is invalid".to_owned(),
                |who| format!("{who} is invalid"),
            )
        } else {
            self.message.clone()
        };
        let mut fields: Vec<String> = Vec::new();
        for cause in self.causes() {
            let told = if !cause.field.is_empty() {
                format!("{} ({})", cause.field, cause.reason)
            } else if holds_values(&cause.message) || self.message.contains(&cause.message) {
                continue;
            } else {
                cause.message.clone()
            };
            if !fields.contains(&told) {
                fields.push(told);
            }
        }
        if !fields.is_empty() {
            words = format!("{words}: {}", fields.join(", "));
        }
        words
    }

    /// Whether a test of a JSON patch failed. The server only says that something of the patch could not
    /// be done, without a cause; what is wrong with a value has one.
    fn is_failed_test(&self, write: &HttpWrite) -> bool {
        let is_patch = write.content_type.as_deref() == Some(JSON_PATCH);
        let is_identity =
            |cause: &Cause| matches!(&*cause.field, "metadata.uid" | "metadata.resourceVersion");
        (is_patch && self.reason == "Invalid" && self.causes().is_empty())
            || self.causes().iter().any(is_identity)
    }
}

/// The words of a refusal, in one bounded line: `403 Forbidden: …`.
fn words(answer: &Answer) -> String {
    let code = answer.status.as_u16();
    let name = answer.status.canonical_reason().unwrap_or("unknown status");
    let said = match Status::of(answer) {
        Some(status) => status.words(),
        None => plain(&answer.body),
    };
    let mut text = format!("{code} {name}");
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(&bounded(&said));
    }
    if let Some(wait) = answer.headers.get(RETRY_AFTER) {
        let wait = String::from_utf8_lossy(wait.as_bytes());
        let unit = if wait.parse::<u32>().is_ok() {
            " s"
        } else {
            ""
        };
        text = format!("{text} (try again after {}{unit})", bounded(&wait));
    }
    text
}

/// What is no `Status`: an overloaded server's or a proxy's one line. Anything that looks like an object
/// or a page is not repeated.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MAX_WORDS_CHARS)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    match line.unwrap_or_default() {
        line if line.starts_with('<') => "a web page, not this API".to_owned(),
        line if line.contains('{') => String::new(),
        line => line.to_owned(),
    }
}

fn bounded(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    match line.char_indices().nth(MAX_WORDS_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// What became of a write.
pub(super) fn outcome(write: &HttpWrite, answer: Result<Answer, NoAnswer>) -> StepOutcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer::NotSent(error)) => {
            let why = Untrusted::line(&error.to_string());
            return StepOutcome::NotSent { why };
        }
        Err(NoAnswer::Lost(error)) => {
            let why = Untrusted::line(&error.to_string());
            return StepOutcome::InDoubt { why };
        }
    };
    if answer.status.is_success() {
        return taken(&answer);
    }
    let why = Untrusted::line(&words(&answer));
    match refusal(write, &answer) {
        Some(refusal) => StepOutcome::Refused { refusal, why },
        None => StepOutcome::InDoubt { why },
    }
}

fn taken(answer: &Answer) -> StepOutcome {
    let Ok(object @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) else {
        let detail = format!(
            "{}, but what came is not an object of this API: did a proxy answer?",
            answer.status.as_u16()
        );
        let why = Untrusted::line(&detail);
        return StepOutcome::InDoubt { why };
    };
    let version = object["metadata"]["resourceVersion"].as_str();
    let note = match version {
        Some(version) => format!("rv {version}"),
        None => format!("{}", answer.status.as_u16()),
    };
    StepOutcome::Applied {
        note: Untrusted::line(&note),
    }
}

/// Why it was refused; none where that it was not done is not certain.
fn refusal(write: &HttpWrite, answer: &Answer) -> Option<Refusal> {
    let is_failed_test = || Status::of(answer).is_some_and(|s| s.is_failed_test(write));
    Some(match answer.status {
        StatusCode::CONFLICT => Refusal::Changed,
        StatusCode::UNPROCESSABLE_ENTITY if is_failed_test() => Refusal::Changed,
        StatusCode::BAD_REQUEST
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Refusal::Invalid,
        StatusCode::FORBIDDEN => Refusal::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => Refusal::Gone,
        StatusCode::TOO_MANY_REQUESTS => Refusal::Busy,
        // Said by whoever gave up waiting, while what it waited for goes on.
        StatusCode::REQUEST_TIMEOUT => return None,
        status if status.is_client_error() || status.is_redirection() => Refusal::Other,
        _ => return None,
    })
}

/// What a dry run came to.
/// A dry run that cannot be asked for.
pub(super) fn not_rehearsed(why: &str) -> DryRun {
    not_run(why, Vec::new())
}

pub(super) fn dry_run(write: &HttpWrite, answer: Result<Answer, NoAnswer>) -> DryRun {
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer::NotSent(error) | NoAnswer::Lost(error)) => {
            return not_run(&error.to_string(), Vec::new());
        }
    };
    let notes = warnings(&answer.headers);
    let said = words(&answer);
    let verdict = match answer.status {
        status if status.is_success() => match serde_json::from_slice::<Value>(&answer.body) {
            Ok(Value::Object(_)) => DryVerdict::Accepted,
            _ => return not_run("what came is not an object of this API", notes),
        },
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT => return not_run(&said, notes),
        // Overload, not a budget: that comes as a `Status`.
        StatusCode::TOO_MANY_REQUESTS if Status::of(&answer).is_none() => {
            return not_run(&said, notes);
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            return not_run(&said, notes);
        }
        _ if said.contains("does not support dry run") => return not_run(&said, notes),
        _ if refusal(write, &answer) == Some(Refusal::Changed) => {
            let why = format!("it changed since it was read ({said}): plan again");
            DryVerdict::Refused(Untrusted::line(&why))
        }
        _ => DryVerdict::Refused(Untrusted::line(&said)),
    };
    DryRun {
        grade: Grade::A,
        verdict,
        notes,
    }
}

fn not_run(why: &str, notes: Vec<Untrusted>) -> DryRun {
    DryRun {
        grade: Grade::A,
        verdict: DryVerdict::NotRun(Untrusted::line(why)),
        notes,
    }
}

/// The texts of `Warning` headers: `299 - "text"`, several with commas.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<Untrusted> {
    let mut found = Vec::new();
    for value in headers.get_all(WARNING) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let mut quoted: Option<String> = None;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (&mut quoted, c) {
                (None, '"') => quoted = Some(String::new()),
                (None, _) => {}
                (Some(text), '\\') => text.extend(chars.next()),
                (Some(text), '"') => {
                    // Where it is a quoted date behind the text, it is one more note: harmless.
                    found.push(Untrusted::line(&bounded(text)));
                    quoted = None;
                }
                (Some(text), c) => text.push(c),
            }
        }
    }
    found.truncate(MAX_WARNINGS);
    found
}

/// What the server's clock said.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let parsed = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some(parsed.to_utc())
}

/// Whether a 404 is the API server's own word that there is no such object, not that of something between.
pub(super) fn is_not_found(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND
        && Status::of(answer).is_some_and(|status| status.reason == "NotFound")
}
