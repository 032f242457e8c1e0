//! Which parts of a config file must an error message not show?
//!
//! Secrets do not belong in the file, but an error that says so must not print them to a terminal
//! that is shared, recorded or pasted into a chat. Called by `read` before anything is reported.
//! It would rather hide too much than too little.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::nearest::distance;

/// What stands in place of a secret.
pub(super) const MASK: &str = "***";

/// Keys under which a secret says where it is kept.
const WHEREABOUTS: [&str; 3] = ["file", "env", "command"];

/// Whether a name of a key or a header speaks of a secret, slips of the keyboard included.
pub(super) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 10] = [
        "password",
        "passwd",
        "secret",
        "token",
        "bearer",
        "authori",
        "cookie",
        "credential",
        "api_key",
        "apikey",
    ];
    const WHOLE: [&str; 4] = ["pass", "pwd", "pw", "auth"];
    let name = name.to_lowercase().replace('-', "_");
    PARTS.iter().any(|part| name.contains(part))
        || WHOLE.contains(&name.as_str())
        || distance(&name, "password") <= 2
        || distance(&name, "bearer") <= 2
}

/// The byte ranges to hide in a document that was read as far as possible.
pub(super) fn in_table(text: &str, table: &DeTable<'_>, hidden: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        in_value(text, key.get_ref(), value, hidden);
    }
}

fn in_value(text: &str, key: &str, value: &Spanned<DeValue<'_>>, hidden: &mut Vec<Range<usize>>) {
    let table = value.get_ref().as_table();
    match (key, table) {
        ("basic", Some(table)) => {
            for (key, value) in table {
                match key.get_ref().as_ref() {
                    "username" => {}
                    _ => in_secret(value, hidden),
                }
            }
        }
        ("headers", Some(table)) => {
            for (name, value) in table {
                if is_secret_name(name.get_ref()) || value.get_ref().is_table() {
                    in_secret(value, hidden);
                }
            }
        }
        ("basic" | "headers", None) => hidden.push(value.span()),
        _ if is_secret_name(key) => in_secret(value, hidden),
        (_, Some(table)) => in_table(text, table, hidden),
        (_, None) => match value.get_ref() {
            DeValue::Array(items) => {
                for item in items {
                    in_value(text, key, item, hidden);
                }
            }
            // Somebody wrote the file itself in the place of its path.
            DeValue::String(inline) if key == "kubeconfig" && inline.contains('\n') => {
                hidden.push(value.span());
            }
            DeValue::String(_) => {
                let raw = text.get(value.span()).unwrap_or_default();
                if matches!(key, "url" | "proxy") || raw.contains("://") {
                    let start = value.span().start;
                    hidden.extend(in_url(raw).map(|at| at.start + start..at.end + start));
                }
            }
            _ => {}
        },
    }
}

fn in_secret(value: &Spanned<DeValue<'_>>, hidden: &mut Vec<Range<usize>>) {
    let Some(table) = value.get_ref().as_table() else {
        hidden.push(value.span());
        return;
    };
    for (key, value) in table {
        if !WHEREABOUTS.contains(&key.get_ref().as_ref()) {
            hidden.push(value.span());
        }
    }
}

/// User, password and query of what is, or was meant to be, a URL. A password may hold any
/// character, so everything up to the last `@` counts.
pub(super) fn in_url(text: &str) -> impl Iterator<Item = Range<usize>> {
    let start = text.find("//").map_or_else(
        || text.find(|c| c != '"' && c != '\'').unwrap_or(0),
        |at| at + 2,
    );
    let user = text.rfind('@').filter(|at| *at > start).map(|at| start..at);
    let from = user.as_ref().map_or(start, |user| user.end);
    let query = text[from.min(text.len())..].find('?').and_then(|at| {
        let rest = &text[from + at + 1..];
        let end = rest.find(['#', '"', '\'']).unwrap_or(rest.len());
        (end > 0).then(|| from + at + 1..from + at + 1 + end)
    });
    user.into_iter().chain(query)
}

/// The same text with [`MASK`] in place of its user, password and query.
pub(super) fn url(text: &str) -> String {
    let mut out = text.to_owned();
    let hidden: Vec<_> = in_url(text).collect();
    for at in hidden.into_iter().rev() {
        out.replace_range(at, MASK);
    }
    out
}

/// The byte ranges to hide in a line that did not parse: all behind the name of a secret, and
/// whatever looks like a user in a URL.
pub(super) fn in_broken_line(line: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let name = words(line).find(|at| is_secret_word(&line[at.clone()]));
    hidden.extend(name.map(|at| at.end..line.len()));
    if line.contains("//") {
        hidden.extend(in_url(line));
    }
    hidden
}

/// Whether a line names a secret, so that what follows below it may be one.
pub(super) fn names_a_secret(line: &str) -> bool {
    words(line).any(|at| is_secret_word(&line[at]))
}

fn is_secret_word(word: &str) -> bool {
    matches!(word, "basic" | "headers") || is_secret_name(word)
}

/// The words of a line that could be keys.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    let separator = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    line.split(separator).filter_map(move |word| {
        let start = word.as_ptr().addr() - line.as_ptr().addr();
        (!word.is_empty()).then(|| start..start + word.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_even_misspelled() {
        for name in [
            "password",
            "pasword",
            "Password",
            "bearer",
            "baerer",
            "X-Api-Key",
            "Authorization",
            "access_token",
            "client-secret",
            "Cookie",
            "pw",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "url",
            "period",
            "key_file",
            "X-Scope-OrgID",
            "username",
            "path",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn users_passwords_and_queries_are_taken_out_of_urls() {
        for (text, shown) in [
            ("https://am:9093/x", "https://am:9093/x"),
            ("https://u:p@am:9093/x", "https://***@am:9093/x"),
            ("https://u:p/q@r@am/x", "https://***@am/x"),
            ("https:/u:p@am/x", "***@am/x"),
            ("u:p@am", "***@am"),
            ("http://am/?token=abc#x", "http://am/?***#x"),
            ("http://u@am/?a=b", "http://***@am/?***"),
            ("", ""),
            ("@", "@"),
            ("?", "?"),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }

    #[test]
    fn a_broken_line_hides_what_follows_a_secret_key() {
        let line = r#"basic = { username = "mara", password = "hunter2 "#;
        assert_eq!(&line[in_broken_line(line)[0].clone()], &line[5..]);
        let line = "password: hunter2";
        assert_eq!(&line[in_broken_line(line)[0].clone()], ": hunter2");
        let line = "mouse = \"https://u:p@am";
        assert_eq!(&line[in_broken_line(line)[0].clone()], "u:p");
        assert!(in_broken_line("theme = \"light").is_empty());
    }
}
