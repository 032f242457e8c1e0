//! Which names does a list of signers have for which key?
//!
//! Reads the names and keys of OpenSSH's `allowed_signers`, so that [`super::ssh`] can say all names that
//! one key has. Whether a signature is good is never decided by this: `ssh-keygen` reads the list itself
//! for that. Names too many do no harm here: they keep somebody from approving their own plan. Pure.

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Names, and patterns of names.
    pub(super) principals: Vec<String>,
    /// Its type and its key, as OpenSSH writes public keys.
    pub(super) public_key: String,
}

/// All lines that name a key.
pub(super) fn read(list: &str) -> Vec<Line> {
    list.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    if text.starts_with('#') {
        return None;
    }
    let mut words = words(text).into_iter();
    let principals = words.next()?.replace('"', "");
    let kind = words.find(|word| is_kind(word))?;
    let key = words.next()?;
    Some(Line {
        principals: principals.split(',').map(str::to_owned).collect(),
        public_key: format!("{kind} {key}"),
    })
}

fn is_kind(word: &str) -> bool {
    let is_named = ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|start| word.starts_with(start));
    is_named && !word.contains(['=', '"'])
}

/// Words between blanks; blanks within quotes do not separate.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut previous = ' ';
    for c in text.chars() {
        if c == '"' && previous != '\\' {
            is_quoted = !is_quoted;
        }
        match words.last_mut() {
            Some(word) if is_quoted || !c.is_ascii_whitespace() => word.push(c),
            _ => words.push(String::new()),
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_found_behind_any_options() {
        let list = "\
# comment ssh-ed25519 AAAA
mara@example.com ssh-ed25519 AAAA1 a comment
iris,ivo\tnamespaces=\"approve@quell.dev,git\" valid-before=\"20300101\"   ssh-ed25519 AAAA2
\"a name\",other cert-authority,namespaces=\"ssh-rsa x\" sk-ssh-ed25519@openssh.com AAAA3

alone
ssh-ed25519 AAAA4";
        let found = read(list);
        let found: Vec<_> = found
            .iter()
            .map(|line| (line.principals.join("|"), line.public_key.as_str()))
            .collect();
        let expected = [
            ("mara@example.com", "ssh-ed25519 AAAA1"),
            ("iris|ivo", "ssh-ed25519 AAAA2"),
            ("a name|other", "sk-ssh-ed25519@openssh.com AAAA3"),
        ];
        assert_eq!(found, expected.map(|(names, key)| (names.to_owned(), key)));
    }
}
