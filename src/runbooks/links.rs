//! Which addresses in a text carry secrets, and where do bare ones stand in prose?
//!
//! Called by [`super::prose`] for words, and by [`super::git`] for remotes. Never connects.

use std::ops::Range;

use url::Url;

/// The bare `http` and `https` addresses in running text, as GitHub's autolink extension finds
/// them: up to white space or `<`, without the punctuation of the sentence around them.
pub(super) fn bare(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = next_scheme(text, from) {
        let tail = &text[start..];
        let end = tail
            .find(|c: char| c.is_whitespace() || c == '<')
            .unwrap_or(tail.len());
        let address = without_punctuation(&tail[..end]);
        let host = address.split_once("://").map_or("", |(_, host)| host);
        if host.starts_with(|c: char| c.is_alphanumeric() || c == '[') {
            found.push(start..start + address.len());
        }
        from = start + end.max(1);
    }
    found
}

fn next_scheme(text: &str, from: usize) -> Option<usize> {
    let starts = text[from..].match_indices("http").map(|(at, _)| from + at);
    let mut starts = starts.filter(|&at| {
        let tail = &text[at + "http".len()..];
        let before = text[..at].chars().next_back();
        (tail.starts_with("://") || tail.starts_with("s://"))
            && !before.is_some_and(char::is_alphanumeric)
    });
    starts.next()
}

fn without_punctuation(mut address: &str) -> &str {
    let count = |c| address.matches(c).count();
    let mut surplus = count(')').saturating_sub(count('('));
    loop {
        let mut shorter = address.trim_end_matches(|c: char| "?!.,:;*_~'\"`".contains(c));
        if surplus > 0
            && let Some(inner) = shorter.strip_suffix(')')
        {
            shorter = inner;
            surplus -= 1;
        }
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

/// The address of a git remote without what could be a secret: the user of an HTTP address (often
/// a token), every password, and the query.
pub(super) fn without_credentials(remote: &str) -> String {
    if let Ok(mut url) = Url::parse(remote)
        && url.has_host()
    {
        url.set_query(None);
        url.set_fragment(None);
        // Both fail only for addresses that cannot hold either.
        let stripped = url.set_password(None).is_ok()
            && (!url.scheme().starts_with("http") || url.set_username("").is_ok());
        if stripped {
            return url.into();
        }
    }
    // `git@host:path` of ssh, a path, or something that does not parse.
    let (scheme, rest) = match remote.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), remote),
    };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rsplit_once('@') {
        Some((user, _)) if !scheme.is_empty() || user.contains(':') => {
            format!("{scheme}{}", &rest[user.len() + 1..])
        }
        _ => remote.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bare_addresses_end_where_github_ends_them() {
        for (text, expected) in [
            ("see https://a.example/x.", &["https://a.example/x"][..]),
            ("(https://a.example/x_(y))", &["https://a.example/x_(y)"]),
            ("http://[::1]:9090/graph, or", &["http://[::1]:9090/graph"]),
            ("xhttps://a.example", &[]),
            ("https:// and http://.", &[]),
            (
                "http://a.example<http://b.example",
                &["http://a.example", "http://b.example"],
            ),
            ("ü https://ü.example/磁 ü", &["https://ü.example/磁"]),
        ] {
            let found: Vec<&str> = bare(text).into_iter().map(|at| &text[at]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn no_remote_keeps_a_secret() {
        for (remote, expected) in [
            (
                "https://ghp_token@github.com/o/r.git",
                "https://github.com/o/r.git",
            ),
            (
                "https://user:hunter2@git.example.com:8443/r?private_token=x#y",
                "https://git.example.com:8443/r",
            ),
            (
                "ssh://git:hunter2@git.example.com/r",
                "ssh://git@git.example.com/r",
            ),
            ("git@github.com:o/r.git", "git@github.com:o/r.git"),
            ("user:hunter2@host:o/r.git", "host:o/r.git"),
            ("https://user:hunter2@ho st/r", "https://ho st/r"),
            ("/srv/git/runbooks.git", "/srv/git/runbooks.git"),
            ("file:///srv/git/r.git", "file:///srv/git/r.git"),
        ] {
            assert_eq!(without_credentials(remote), expected);
        }
    }

    proptest! {
        #[test]
        fn addresses_lie_within_the_text(text in "[a-z ()<./:ü]{0,20}(https?://[a-zü().<_ ]{0,12}){0,3}") {
            let mut end = 0;
            for at in bare(&text) {
                prop_assert!(at.start >= end && at.end > at.start);
                prop_assert!(text.get(at.clone()).is_some());
                end = at.end;
            }
        }
    }
}
