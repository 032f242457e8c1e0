//! Which alert does a word mean?
//!
//! An id, a fingerprint or the beginning of one, or a name; the beginning or a part of a name where it is
//! clear which is meant. Used by `quell suspects`. It guesses nothing: what could be several is told.

use super::json::alert_id;
use crate::domain::alert::Alert;
use crate::domain::nearest::distance;
use crate::domain::text::{Untrusted, shown};

/// No more candidates than this are told.
const MOST: usize = 8;
/// No more labels of a candidate than this.
const MOST_LABELS: usize = 3;
/// Fewer digits than this are no fingerprint.
const LEAST_DIGITS: usize = 4;

/// Why a word means no alert, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// It could be several.
    Several(String),
    /// It is none that is known.
    Unknown(String),
}

/// The one that a word means.
///
/// # Errors
/// None, or too many, with those that it could be.
pub fn choose<'a>(alerts: &'a [Alert], word: &str) -> Result<&'a Alert, Unclear> {
    let ways: [fn(&Alert, &str) -> bool; 5] = [
        |alert, word| alert_id(alert) == word,
        is_fingerprint,
        |alert, word| name(alert) == word,
        |alert, word| name(alert).to_lowercase().starts_with(&word.to_lowercase()),
        |alert, word| name(alert).to_lowercase().contains(&word.to_lowercase()),
    ];
    for is_meant in ways.into_iter().filter(|_| !word.is_empty()) {
        let found: Vec<&Alert> = alerts
            .iter()
            .filter(|alert| is_meant(alert, word))
            .collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            several => return Err(Unclear::Several(ambiguous(word, several))),
        }
    }
    Err(Unclear::Unknown(unknown(word, alerts)))
}

fn is_fingerprint(alert: &Alert, word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let is_hex = word.len() >= LEAST_DIGITS && word.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex && alert.occurrence.fingerprint.to_string().starts_with(&word)
}

fn name(alert: &Alert) -> &str {
    alert.labels.get("alertname").map_or("", Untrusted::raw)
}

fn ambiguous(word: &str, found: &[&Alert]) -> String {
    let mut text = format!(
        "{} alerts could be `{}`: name one by its id",
        found.len(),
        shown(word)
    );
    for alert in found.iter().take(MOST) {
        let apart = apart(alert, found);
        text = format!("{text}\n  {}  {}{apart}", alert_id(alert), described(alert));
    }
    if found.len() > MOST {
        text = format!(
            "{text}\n  and {} more: quell alerts --json",
            found.len() - MOST
        );
    }
    text
}

/// `CheckoutHighErrorRate of checkout-api in prod/eu-1, firing`
fn described(alert: &Alert) -> String {
    let place = &alert.place;
    let service = place
        .service
        .as_ref()
        .map(|service| format!(" of {service}"));
    let parts = [&place.env, &place.location];
    let known: Vec<&str> = parts.into_iter().flatten().map(Untrusted::shown).collect();
    let place = (!known.is_empty()).then(|| format!(" in {}", known.join("/")));
    format!(
        "{}{}{}, {}",
        alert.name(),
        service.unwrap_or_default(),
        place.unwrap_or_default(),
        alert.state.word()
    )
}

/// `, pod=checkout-7`: the labels that tell it from the others, a few of them.
fn apart(alert: &Alert, found: &[&Alert]) -> String {
    let differs = |(name, value): &(&Untrusted, &Untrusted)| {
        let mut others = found.iter();
        name.raw() != "alertname" && others.any(|other| other.labels.get(name.raw()) != Some(value))
    };
    let labels = alert.labels.iter().filter(differs).take(MOST_LABELS);
    labels.fold(String::new(), |text, (name, value)| {
        format!("{text}, {name}={value}")
    })
}

fn unknown(word: &str, alerts: &[Alert]) -> String {
    let mut near: Vec<(usize, &str)> = alerts
        .iter()
        .map(|alert| {
            (
                distance(&word.to_lowercase(), &name(alert).to_lowercase()),
                alert.name(),
            )
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let hint = if names.is_empty() {
        "no alert is known now".to_owned()
    } else {
        format!("the nearest are: {}", names.join(", "))
    };
    let word = shown(word);
    format!("no alert is called `{word}`\n  {hint}\n  all of them: quell alerts")
}
