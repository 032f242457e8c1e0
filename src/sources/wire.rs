//! How does JSON from outside become domain values?
//!
//! The borrowed strings, label sets and times that all upstream formats share, and errors that say
//! where. Used by the wire modules of each source; nothing here knows a particular format.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::http::message_line;
use crate::domain::label::Labels;
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::{Interner, Untrusted};

/// A string that borrows from the answer unless it has escapes.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a line, or nothing where it says nothing.
    pub(super) fn line(&self) -> Option<Untrusted> {
        (!self.is_empty()).then(|| Untrusted::line(&self.0))
    }
}

/// A map of strings, in the order it came.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

impl Pairs<'_> {
    /// Label values are one line each.
    pub(super) fn labels(&self, interner: &mut Interner) -> Labels {
        self.with(interner, Interner::line)
    }

    /// Annotations may have several lines.
    pub(super) fn annotations(&self, interner: &mut Interner) -> Labels {
        self.with(interner, Interner::block)
    }

    fn with(&self, interner: &mut Interner, value: fn(&mut Interner, &str) -> Untrusted) -> Labels {
        let pairs = self.0.iter();
        Labels::new(
            pairs
                .map(|(n, v)| (interner.line(&n.0), value(interner, &v.0)))
                .collect(),
        )
    }
}

/// An RFC 3339 time. Go's zero time means that there is none.
pub(super) fn time(text: &Text<'_>) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(&text.0).ok()?.to_utc();
    (time > DateTime::UNIX_EPOCH).then_some(time)
}

/// Decodes one JSON value that begins at `offset` of the answer.
///
/// # Errors
/// `Malformed`, with the byte of the answer.
pub(super) fn decode<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    offset: u64,
) -> Result<T, SourceError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = offset + error.valid_up_to() as u64;
        malformed(&format!("byte {at}: not UTF-8"))
    })?;
    serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            let end = offset + bytes.len() as u64;
            return malformed(&format!("the answer ends early after {end} bytes"));
        }
        let at = offset + position(text, &error) as u64;
        let message = error.to_string();
        let what = message.rsplit_once(" at line ").map_or(&*message, |m| m.0);
        malformed(&format!("byte {at}: {}", message_line(what)))
    })
}

pub(super) fn malformed(detail: &str) -> SourceError {
    SourceError::new(ErrorKind::Malformed, detail)
}

/// The byte that an error's line and column point at.
fn position(text: &str, error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    before + error.column().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn strings_borrow_where_they_can() {
        let text: Text<'_> = decode(br#""plain""#, 0).unwrap();
        assert!(matches!(text.0, Cow::Borrowed("plain")));
        let text: Text<'_> = decode(br#""tab\t""#, 0).unwrap();
        assert_eq!(text.0, "tab\t");
    }

    #[test]
    fn labels_and_annotations_treat_line_breaks_differently() {
        let pairs: Pairs<'_> = decode(br#"{"b":"x\ny","a":"1"}"#, 0).unwrap();
        let mut interner = Interner::default();
        assert_eq!(
            pairs.labels(&mut interner).get("b").unwrap().shown(),
            "x\\ny"
        );
        let annotations = pairs.annotations(&mut interner);
        assert_eq!(annotations.get("b").unwrap().shown(), "x\ny");
    }

    #[test]
    fn errors_say_where_in_the_answer() {
        let detail = |bytes: &[u8]| decode::<Pairs<'_>>(bytes, 100).unwrap_err().detail;
        assert_eq!(
            detail(b"{\n\"a\": 5}").shown(),
            "byte 107: invalid type: integer `5`, expected a string"
        );
        assert_eq!(
            detail(b"{\"a\":\"b").shown(),
            "the answer ends early after 107 bytes"
        );
        assert_eq!(detail(b"{\"a\":\"\xff\"}").shown(), "byte 106: not UTF-8");
        assert_eq!(detail(b"{}x").shown(), "byte 102: trailing characters");
    }

    #[test]
    fn the_zero_time_is_none() {
        let at = |text| time(&Text(Cow::Borrowed(text)));
        assert_eq!(at("0001-01-01T00:00:00Z"), None);
        assert_eq!(at("yesterday"), None);
        let full = at("2026-11-21T08:08:34.901+01:00").unwrap();
        assert_eq!(full.to_rfc3339(), "2026-11-21T07:08:34.901+00:00");
    }
}
