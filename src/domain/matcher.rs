//! Which label sets does `alertname="X", env=~"prod|stage"` mean?
//!
//! Alertmanager's matcher language as its users type it: four operators, values quoted or bare,
//! names quoted when they are not classic, with or without braces. Used by lane rules, runbook
//! front matter, the filter and the requests to Alertmanager. It never looks at alert state.

use std::fmt;
use std::ops::Range;

use regex::Regex;
use serde::{Serialize, Serializer};

use super::label::Labels;

/// Where a text does not parse, and what to write instead. Byte positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, as a range of bytes of the input.
    pub at: Range<usize>,
    /// What is wrong, in words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.at.start + 1, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    /// An error over a range of bytes.
    #[must_use]
    pub fn new(at: Range<usize>, message: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: hint.map(ToOwned::to_owned),
        }
    }

    /// The same error within a longer text.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.at = self.at.start + by..self.at.end + by;
        self
    }
}

/// The four comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
}

impl Op {
    /// As written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        }
    }
}

/// One comparison of one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    op: Op,
    value: String,
    /// Anchored on both sides, as Alertmanager does. Only for the two regular-expression operators.
    regex: Option<Regex>,
}

impl Matcher {
    /// Builds a matcher.
    ///
    /// # Errors
    /// What the regular expression engine says of the value.
    pub fn new(name: &str, op: Op, value: &str) -> Result<Self, String> {
        let regex = match op {
            Op::Equal | Op::NotEqual => None,
            Op::Matches | Op::NotMatches => Some(anchored(value)?),
        };
        Ok(Self {
            name: name.to_owned(),
            op,
            value: value.to_owned(),
            regex,
        })
    }

    /// Whether a label set satisfies it. A label that is absent counts as empty.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.name).map_or("", |v| v.raw());
        let same = match &self.regex {
            Some(regex) => regex.is_match(found),
            None => found == self.value,
        };
        same == matches!(self.op, Op::Equal | Op::Matches)
    }

    /// The label it looks at.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    #[must_use]
    pub fn op(&self) -> Op {
        self.op
    }

    /// What it compares with, as written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value if it demands exactly one.
    #[must_use]
    pub fn exact_value(&self) -> Option<&str> {
        (self.op == Op::Equal).then_some(self.value.as_str())
    }
}

impl fmt::Display for Matcher {
    /// Always quoted, which every Alertmanager version reads the same way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_classic_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quote(&self.name))?;
        }
        write!(f, "{}{}", self.op.sign(), quote(&self.value))
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A conjunction: all must hold. An empty one holds for everything.
#[derive(Clone, Debug, Default)]
pub struct Matchers(pub Vec<Matcher>);

impl Matchers {
    /// Reads `{a="b", c=~"d|e"}`; braces and a trailing comma are optional.
    ///
    /// # Errors
    /// The first place that does not parse.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut scan = Scanner { text, at: 0 };
        scan.skip_space();
        let braced = scan.take('{');
        let mut matchers = Vec::new();
        loop {
            scan.skip_space();
            if scan.rest().is_empty() || scan.rest().starts_with('}') {
                break;
            }
            matchers.push(scan.matcher()?);
            scan.skip_space();
            if !scan.take(',') {
                break;
            }
        }
        scan.skip_space();
        if braced && !scan.take('}') {
            let end = scan.at..text.len().max(scan.at);
            return Err(SyntaxError::new(end, "expected `,` or `}`", None));
        }
        scan.skip_space();
        if scan.rest().is_empty() {
            return Ok(Self(matchers));
        }
        Err(SyntaxError::new(
            scan.at..text.len(),
            format!("unexpected `{}`", super::text::shown(scan.rest())),
            Some("separate matchers with a comma"),
        ))
    }

    /// Whether all hold.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|m| m.matches(labels))
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, matcher) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { ", " };
            write!(f, "{gap}{matcher}")?;
        }
        Ok(())
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
        // The engine's own report spans lines and shows our anchors: say it for the user's text.
        match Regex::new(pattern) {
            Err(regex::Error::CompiledTooBig(_)) => "the regular expression is too big".to_owned(),
            Err(error) => {
                let report = error.to_string();
                let last = report.lines().last().unwrap_or_default();
                super::text::shown(last.trim_start_matches("error: "))
            }
            Ok(_) => "the regular expression does not stand alone".to_owned(),
        }
    })
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
#[must_use]
pub fn is_classic_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A double-quoted string as Alertmanager reads it.
#[must_use]
pub fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads matchers off a text. Shared with the filter, which has free words between them.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    pub(super) fn matcher(&mut self) -> Result<Matcher, SyntaxError> {
        let start = self.at;
        let name = self.word("a label name")?;
        self.skip_space();
        let op = self.op(&name)?;
        self.skip_space();
        let value_at = self.at;
        // `pod=` is how people ask for "label absent".
        let value = match self.rest().chars().next() {
            None | Some(',' | '}') => String::new(),
            Some(_) => self.word("a value")?,
        };
        if name.is_empty() {
            return Err(SyntaxError::new(
                start..self.at,
                "a label name is missing",
                None,
            ));
        }
        Matcher::new(&name, op, &value).map_err(|why| {
            SyntaxError::new(
                value_at..self.at,
                format!("bad regular expression: {why}"),
                None,
            )
        })
    }

    fn op(&mut self, name: &str) -> Result<Op, SyntaxError> {
        let rest = self.rest();
        let (op, len) = match rest.as_bytes() {
            [b'=', b'~', ..] => (Op::Matches, 2),
            [b'!', b'~', ..] => (Op::NotMatches, 2),
            [b'!', b'=', ..] => (Op::NotEqual, 2),
            [b'=', b'=', ..] => {
                let hint = format!("write {}=\"value\"", super::text::shown(name));
                return Err(SyntaxError::new(
                    self.at..self.at + 2,
                    "`==` is not a matcher",
                    Some(&hint),
                ));
            }
            [b'=', ..] => (Op::Equal, 1),
            _ => {
                let end = (self.at + rest.chars().next().map_or(0, char::len_utf8)).max(self.at);
                return Err(SyntaxError::new(
                    self.at..end,
                    format!(
                        "expected =, !=, =~ or !~ after `{}`",
                        super::text::shown(name)
                    ),
                    None,
                ));
            }
        };
        self.at += len;
        Ok(op)
    }

    /// A quoted string, or bare text up to a character with a meaning.
    fn word(&mut self, what: &str) -> Result<String, SyntaxError> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || "{}=!~,\"'`\\".contains(c))
            .unwrap_or(rest.len());
        if end == 0 {
            let len = rest.chars().next().map_or(0, char::len_utf8);
            let message = match rest.chars().next() {
                None => format!("expected {what}, the text ends here"),
                Some(c) => format!(
                    "expected {what}, found `{}`",
                    super::text::shown(&c.to_string())
                ),
            };
            let hint = "put a value with special characters in double quotes";
            return Err(SyntaxError::new(
                self.at..self.at + len,
                message,
                Some(hint),
            ));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + i + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, c @ ('"' | '\\'))) => out.push(c),
                    // Alertmanager keeps the backslash of an escape it does not know: `\.`
                    Some((_, c)) => out.extend(['\\', c]),
                    None => break,
                },
                _ => out.push(c),
            }
        }
        Err(SyntaxError::new(
            start..self.text.len(),
            "the quoted value has no end",
            Some("add the closing \""),
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;
    use proptest::prelude::*;

    fn holds(text: &str, pairs: &[(&str, &str)]) -> bool {
        Matchers::parse(text).unwrap().matches(&Labels::of(pairs))
    }

    #[test]
    fn the_four_operators() {
        let labels = [("alertname", "HighLatency"), ("env", "prod")];
        for (text, expected) in [
            ("alertname=HighLatency", true),
            ("alertname=\"High\"", false),
            ("env!=stage", true),
            ("env=~\"prod|stage\"", true),
            ("env=~\"pro\"", false),
            ("env!~\"st.*\"", true),
            ("pod=\"\"", true),
            ("pod=", true),
            ("pod!=\"\"", false),
            ("{env=\"prod\", alertname=~\"High.*\",}", true),
            ("", true),
            ("{}", true),
        ] {
            assert_eq!(holds(text, &labels), expected, "{text}");
        }
    }

    #[test]
    fn alternatives_are_anchored_as_a_whole() {
        assert!(!holds("env=~\"prod|stage\"", &[("env", "prod-eu")]));
    }

    #[test]
    fn names_of_opentelemetry_and_values_with_commas() {
        assert!(holds("\"host.name\"=\"a,b\"", &[("host.name", "a,b")]));
        assert!(holds("host.name=x", &[("host.name", "x")]));
        assert!(holds(r#"path="C:\\tmp\"q""#, &[("path", "C:\\tmp\"q")]));
    }

    #[test]
    fn errors_say_where() {
        for (text, at, message) in [
            (
                "alertname",
                9..9,
                "expected =, !=, =~ or !~ after `alertname`",
            ),
            ("a=\"b", 2..4, "the quoted value has no end"),
            ("a==b", 1..3, "`==` is not a matcher"),
            ("a=b c=d", 4..7, "unexpected `c=d`"),
            ("{a=b", 4..4, "expected `,` or `}`"),
            ("=b", 0..1, "expected a label name, found `=`"),
        ] {
            let error = Matchers::parse(text).unwrap_err();
            assert_eq!(
                (error.at.clone(), error.message.as_str()),
                (at, message),
                "{text}"
            );
        }
        let error = Matchers::parse("a=~\"(\"").unwrap_err();
        assert_eq!(error.at, 3..6);
        assert!(error.message.contains("unclosed group"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(name in "[a-z_.é]{1,8}", value in any::<String>()) {
            let matcher = Matcher::new(&name, Op::Equal, &value).unwrap();
            let again = Matchers::parse(&matcher.to_string()).unwrap();
            prop_assert_eq!(again.0[0].name(), name);
            prop_assert_eq!(again.0[0].exact_value(), Some(value.as_str()));
        }

        #[test]
        fn no_text_panics_and_errors_stay_inside(text in any::<String>()) {
            if let Err(error) = Matchers::parse(&text) {
                prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len());
                prop_assert!(text.is_char_boundary(error.at.start) && text.is_char_boundary(error.at.end));
            }
        }
    }
}
