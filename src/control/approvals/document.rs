//! How does an approval look as text?
//!
//! One line of canonical JSON, which is the statement, and behind it the armored signature of
//! `ssh-keygen -Y sign`. It is what travels in a folder and what is pasted. Read as strictly as it is
//! written: there is no second way to write the same statement. Pure.

use crate::domain::approval::Statement;
use crate::domain::text::shown;

/// A document is never longer. A statement with fifty targets is a fifth of it.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// `ssh-keygen` writes 70.
const MAX_ARMOR_COLUMNS: usize = 76;

/// A statement and what claims to be a signature of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The statement.
    pub statement: Statement,
    /// The armored signature, with a line feed at the end.
    pub signature: String,
}

impl Document {
    /// What travels.
    #[must_use]
    pub fn text(&self) -> String {
        let statement = self.statement.canonical_bytes();
        // Made from strings, it is text.
        let statement = String::from_utf8_lossy(&statement);
        format!("{statement}{}", self.signature)
    }
}

/// Reads a document. Checks its form alone: whose signature it is, and of what, is still to be seen.
///
/// # Errors
/// What is wrong, and in which line.
pub fn parse_document(text: &str) -> Result<Document, String> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(format!(
            "it has {} bytes, more than the {MAX_DOCUMENT_BYTES} that an approval may have",
            text.len()
        ));
    }
    // What is pasted often lacks the last line feed; nothing else may be missing.
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = body.split('\n').enumerate();
    let statement = lines.next().map_or("", |(_, line)| line);
    if let Some(at) = body.split('\n').position(|line| line.ends_with('\r')) {
        let line = at + 1;
        return Err(format!(
            "line {line}: it ends with a carriage return: paste it with plain line feeds"
        ));
    }
    let statement = Statement::parse(format!("{statement}\n").as_bytes())
        .map_err(|why| format!("line 1: {why}"))?;
    match lines.next() {
        Some((_, BEGIN)) => {}
        Some((_, other)) => {
            return Err(format!("line 2: `{}` is not `{BEGIN}`", cut(other)));
        }
        None => return Err("line 2: the signature is missing".to_owned()),
    }
    let mut signature = format!("{BEGIN}\n");
    let mut is_whole = false;
    for (at, line) in lines.by_ref() {
        if line == END {
            is_whole = true;
            break;
        }
        check_armor(line).map_err(|why| format!("line {}: {why}", at + 1))?;
        signature.push_str(line);
        signature.push('\n');
    }
    if !is_whole {
        let last = body.split('\n').count();
        return Err(format!(
            "line {last}: the signature is cut off before `{END}`"
        ));
    }
    if let Some((at, _)) = lines.next() {
        return Err(format!(
            "line {}: something stands behind the signature",
            at + 1
        ));
    }
    signature.push_str(END);
    signature.push('\n');
    Ok(Document {
        statement,
        signature,
    })
}

fn check_armor(line: &str) -> Result<(), String> {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    if line.is_empty() || line.len() > MAX_ARMOR_COLUMNS || !line.bytes().all(is_base64) {
        return Err(format!("`{}` is no line of a signature", cut(line)));
    }
    Ok(())
}

fn cut(line: &str) -> String {
    shown(&line.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use crate::domain::approval::tests::{now, plan};

    fn text() -> String {
        let statement = Statement::for_plan(&plan(), "iris", "", now());
        let document = Document {
            statement,
            signature: format!("{BEGIN}\nU1NIU0lH\nAAAA==\n{END}\n"),
        };
        document.text()
    }

    #[test]
    fn what_is_written_is_read() {
        let document = parse_document(&text()).unwrap();
        assert_eq!(document.text(), text());
        assert_eq!(parse_document(text().trim_end()).unwrap(), document);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let text = text();
        let cases = [
            ("", "line 1: column 0"),
            ("{}\n", "line 1: column 2: missing field"),
            (
                text.lines().next().unwrap(),
                "line 2: the signature is missing",
            ),
            (
                &text.replace(BEGIN, "-----BEGIN PGP SIGNATURE-----"),
                "line 2: `-----BEGIN PGP",
            ),
            (
                &text.replace("AAAA==", "AA AA"),
                "line 4: `AA AA` is no line",
            ),
            (&text.replace("AAAA==\n", "\n"), "line 4: `` is no line"),
            (&text.replace("AAAA==", &"A".repeat(77)), "line 4: `AAAA"),
            (&text.replace(END, ""), "line 5: `` is no line"),
            (
                &text.replace(&format!("{END}\n"), ""),
                "line 4: the signature is cut off",
            ),
            (&format!("{text}\n"), "line 6: something stands behind"),
            (&format!("{text}x"), "line 6: something stands behind"),
            (&text.repeat(2), "line 6: something stands behind"),
            (
                &text.replace('\n', "\r\n"),
                "line 1: it ends with a carriage return",
            ),
            (
                &format!(" {text}"),
                "line 1: column 1: it is not written canonically",
            ),
            (&"x".repeat(MAX_DOCUMENT_BYTES + 1), "it has 65537 bytes"),
        ];
        for (text, why) in cases {
            let found = parse_document(text).unwrap_err();
            assert!(found.starts_with(why), "{why}: {found}");
        }
    }
}
