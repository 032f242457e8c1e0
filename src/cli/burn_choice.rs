//! Which service levels does a word mean?
//!
//! A name, a service, or both as `service/name`; the beginning or a part of one where it is clear
//! which is meant. Used by `quell burn`. It guesses nothing: what could be several is told.

use super::burn_json::full_name;
use crate::domain::nearest::distance;
use crate::domain::slo_burn::SloBurn;
use crate::domain::text::shown;

/// No more names than this are told.
const MOST_NAMES: usize = 5;

/// Those that a word means, in their order.
///
/// # Errors
/// None, or too many: in words, with the names that are near.
pub fn choose<'a>(burns: &'a [SloBurn], word: &str) -> Result<Vec<&'a SloBurn>, String> {
    let is = |burn: &SloBurn| names(burn).iter().any(|name| name == word);
    let exact: Vec<&SloBurn> = burns.iter().filter(|burn| is(burn)).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let ways: [fn(&str, &str) -> bool; 2] = [
        |name, word| name.starts_with(word),
        |name, word| name.contains(word),
    ];
    let word_is_empty = word.is_empty();
    for is_meant in ways.into_iter().filter(|_| !word_is_empty) {
        let found: Vec<&SloBurn> = burns
            .iter()
            .filter(|burn| names(burn).iter().any(|name| is_meant(name, word)))
            .collect();
        if found.is_empty() {
            continue;
        }
        return if is_one(&found, |name| is_meant(name, word)) {
            Ok(found)
        } else {
            Err(ambiguous(word, &found))
        };
    }
    Err(unknown(word, burns))
}

/// What a service level may be called: name, name with its group, service, service and name.
fn names(burn: &SloBurn) -> Vec<String> {
    let id = burn.id();
    let mut names = vec![id.name.raw().to_owned()];
    if !id.group.is_empty() {
        names.push(id.to_string());
    }
    if let Some(service) = &id.service {
        names.push(service.raw().to_owned());
        names.push(format!("{}/{}", service.raw(), id.name.raw()));
    }
    names
}

/// The groups of one definition are one, and so are all that belong to one service that is meant.
fn is_one(found: &[&SloBurn], is_meant: impl Fn(&str) -> bool) -> bool {
    let Some((first, others)) = found.split_first() else {
        return false;
    };
    let first = first.id();
    let same_service = others.iter().all(|burn| burn.id().service == first.service);
    let same_name = others.iter().all(|burn| burn.id().name == first.name);
    let service = first.service.as_ref();
    let is_service = service.is_some_and(|service| is_meant(service.raw()));
    same_service && (same_name || is_service)
}

fn ambiguous(word: &str, found: &[&SloBurn]) -> String {
    let mut names: Vec<String> = found.iter().map(|burn| full_name(burn)).collect();
    names.dedup();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    let more = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let (word, names) = (shown(word), names.join(", "));
    format!("several service levels could be `{word}`: {names}{more}")
}

fn unknown(word: &str, burns: &[SloBurn]) -> String {
    let mut near: Vec<(usize, String)> = burns
        .iter()
        .map(|burn| {
            let names = names(burn);
            let far = names.iter().map(|name| distance(word, name)).min();
            (far.unwrap_or(usize::MAX), full_name(burn))
        })
        .collect();
    near.sort_unstable();
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let hint = if names.is_empty() {
        "there are none at all; --slo PATH names files of them".to_owned()
    } else {
        format!("the nearest are: {}", names.join(", "))
    };
    format!(
        "no service level or service is called `{}`\n  {hint}\n  all of them: quell burn",
        shown(word)
    )
}
