//! Enough of Rust's lexical rules to tell code from strings and comments. Every house rule reads its
//! tokens. It never fails: text that is no Rust becomes some list of tokens.

#[derive(Debug, PartialEq)]
pub enum Kind {
    /// An identifier, a keyword or a number.
    Word(String),
    /// `::`
    Colons,
    Punct(char),
    /// What a string literal holds, escapes untouched.
    Text(String),
    Comment(String),
}

#[derive(Debug)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
}

impl Token {
    pub fn is(&self, punct: char) -> bool {
        self.kind == Kind::Punct(punct)
    }

    pub fn is_word(&self, word: &str) -> bool {
        self.one_of(&[word]).is_some()
    }

    pub fn one_of<'w>(&self, words: &[&'w str]) -> Option<&'w str> {
        match &self.kind {
            Kind::Word(own) => words.iter().find(|word| **word == own).copied(),
            _ => None,
        }
    }
}

pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next_token(rest, first);
        if let Some(kind) = kind {
            tokens.push(Token { line, kind });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The token `rest` starts with, if it is more than white space, and its length in bytes.
fn next_token(rest: &str, first: char) -> (Option<Kind>, usize) {
    if rest.starts_with("//") {
        let length = rest.find('\n').unwrap_or(rest.len());
        return (Some(Kind::Comment(rest[..length].to_owned())), length);
    }
    if rest.starts_with("/*") {
        let length = block_comment_length(rest);
        return (Some(Kind::Comment(rest[..length].to_owned())), length);
    }
    if let Some(literal) = string_literal(rest) {
        return literal;
    }
    if first.is_alphanumeric() || first == '_' {
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        return (Some(Kind::Word(rest[..length].to_owned())), length);
    }
    if rest.starts_with("::") {
        return (Some(Kind::Colons), 2);
    }
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    (Some(Kind::Punct(first)), first.len_utf8())
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// A string, byte string, raw string or character at the start of `rest`. A character is no token;
/// a lifetime is none of these.
fn string_literal(rest: &str) -> Option<(Option<Kind>, usize)> {
    let after_prefix = rest.trim_start_matches(['b', 'c', 'r']);
    let prefix = rest.len() - after_prefix.len();
    if prefix > 2 {
        return None;
    }
    let raw = rest[..prefix].ends_with('r');
    let hashes = after_prefix.len() - after_prefix.trim_start_matches('#').len();
    if raw && after_prefix[hashes..].starts_with('"') {
        let body = &after_prefix[hashes + 1..];
        let close = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&close).unwrap_or(body.len());
        let whole = prefix + hashes + 1 + length + close.len();
        return Some((
            Some(Kind::Text(body[..length].to_owned())),
            whole.min(rest.len()),
        ));
    }
    if after_prefix.starts_with('"') {
        let length = quoted_length(after_prefix, '"');
        let text = after_prefix[1..length].trim_end_matches('"').to_owned();
        return Some((Some(Kind::Text(text)), prefix + length));
    }
    if after_prefix.starts_with('\'') {
        let mut chars = after_prefix.chars().skip(1);
        let escaped = chars.next() == Some('\\');
        if escaped || chars.next() == Some('\'') {
            return Some((None, prefix + quoted_length(after_prefix, '\'')));
        }
    }
    None
}

/// The length of a quoted literal with both its quotes.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
