//! Which documents does a text hold, and what stands where in them?
//!
//! Called once per file by [`super::batch`]. A text is cut at its `---` lines before anything is
//! parsed, so that one bad document hides no other. A document becomes a tree that keeps every scalar
//! as it was written, with its place: whether `no` or `010` means anything is decided by who asks for
//! the field. It knows no format of SLOs.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error, Location, Options, Spanned};

use crate::config::yaml;

/// A line and a column in a file, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing: `name:`, `~`, `null`.
    Null,
    /// As written, without quotes.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A field of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

impl Node {
    /// The value of a field; nothing where it is no map, or the field is empty.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.kind, Kind::Null)).then_some(&entry.value)
    }

    /// The text of a scalar field.
    pub(super) fn scalar(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.kind {
            Kind::Scalar(text) => Some(text.trim()),
            _ => None,
        }
    }
}

/// A document's text and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    text: Cow<'a, str>,
    /// How many lines of the file come before it.
    lines_before: usize,
}

/// Why a document is no YAML that is read here.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) place: Place,
    pub(super) why: String,
    pub(super) next_step: &'static str,
}

/// Cuts a text into its documents. A byte order mark, CRLF, directives and `...` are accepted;
/// documents without content are left out.
pub(super) fn split(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let mut current = Document {
        text: Cow::Borrowed(""),
        lines_before: 0,
    };
    let (mut start, mut at) = (0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let after = at + line.len();
        // At the first column these end even a quoted or a block scalar.
        let rest = after_marker(line, "---");
        if rest.is_some() || after_marker(line, "...").is_some() {
            current.append(&text[start..at]);
            documents.push(current);
            let rest = rest.unwrap_or_default();
            let has_content = !is_blank(rest);
            current = Document {
                text: Cow::Borrowed(""),
                lines_before: number + usize::from(!has_content),
            };
            if has_content {
                current.text = Cow::Owned(format!("   {rest}"));
            }
            start = after;
        }
        at = after;
    }
    current.append(&text[start..]);
    documents.push(current);
    documents.retain(Document::has_content);
    documents
}

fn after_marker<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    line.strip_prefix(marker)
        .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

impl<'a> Document<'a> {
    fn append(&mut self, text: &'a str) {
        if self.text.is_empty() {
            self.text = Cow::Borrowed(text);
        } else {
            self.text.to_mut().push_str(text);
        }
    }

    fn has_content(&self) -> bool {
        let mut lines = self.text.lines();
        !lines.all(|line| is_blank(line) || line.starts_with('%'))
    }

    /// Reads it as YAML, of which JSON is a part.
    ///
    /// # Errors
    /// It is none, or it is too large, too deep, or full of aliases.
    pub(super) fn parse(&self) -> Result<Node, Unreadable> {
        let parsed = serde_saphyr::from_str_with_options::<Spanned<Raw>>(&self.text, options());
        let raw = parsed.map_err(|error| Unreadable {
            place: error
                .location()
                .map_or(self.first(), |location| self.place(location)),
            why: yaml::explain(&error),
            next_step: self.next_step(&error),
        })?;
        self.node(raw)
    }

    fn next_step(&self, error: &Error) -> &'static str {
        match yaml::innermost(error) {
            error if yaml::is_too_much(error) => "split it into several documents",
            Error::DuplicateMappingKey { .. } => "keep one of the two",
            _ if self.text.contains("{{") => QUOTE,
            _ => "correct it; the rest of this document is not read",
        }
    }

    fn first(&self) -> Place {
        Place {
            line: self.lines_before + 1,
            column: 1,
        }
    }

    fn place(&self, location: Location) -> Place {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Place {
            line: number(location.line()).saturating_add(self.lines_before),
            column: number(location.column()),
        }
    }

    fn node(&self, raw: Spanned<Raw>) -> Result<Node, Unreadable> {
        let place = self.place(raw.referenced);
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Text(text) => Kind::Scalar(text),
            Raw::Typed(typed) => Kind::Scalar(self.written(raw.defined).unwrap_or(typed)),
            Raw::List(items) => {
                let nodes = items.into_iter().map(|item| self.node(item));
                Kind::List(nodes.collect::<Result<_, _>>()?)
            }
            Raw::Map(pairs) => {
                let entries = pairs.into_iter().map(|(key, value)| self.entry(key, value));
                Kind::Map(entries.collect::<Result<_, _>>()?)
            }
        };
        Ok(Node { place, kind })
    }

    fn entry(&self, key: Spanned<Raw>, value: Spanned<Raw>) -> Result<Entry, Unreadable> {
        let key = self.node(key)?;
        let key_place = key.place;
        let key = match key.kind {
            Kind::Scalar(text) => text,
            Kind::Null => String::new(),
            Kind::List(_) | Kind::Map(_) => {
                return Err(Unreadable {
                    place: key_place,
                    why: "a field's name must be a single text".to_owned(),
                    next_step: QUOTE,
                });
            }
        };
        Ok(Entry {
            key,
            key_place,
            value: self.node(value)?,
        })
    }

    /// A plain scalar as it stands in the text. The parser hands out the number it makes of it.
    fn written(&self, defined: Location) -> Option<String> {
        let span = defined.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let length = usize::try_from(span.byte_len()?).ok()?;
        let written = self.text.get(start..start.checked_add(length)?)?.trim();
        // Not if a tag or an anchor belongs to it.
        let is_plain = !written.is_empty() && !written.starts_with(['!', '&', '*', '"', '\'']);
        is_plain.then(|| written.to_owned())
    }
}

/// The usual slip: `query: {job="api"}` and `{{.window}}` begin a map.
const QUOTE: &str = "put a value that begins with `{` or `[` in quotes";

/// What the parser hands out.
enum Raw {
    Null,
    /// A number or a boolean, as the parser would write it.
    Typed(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Raw::Map(pairs))
    }
}

fn options() -> Options {
    let mut options = yaml::options();
    options.reject_unsupported_tags = true;
    // A number that is none is told with its place by whoever needs it.
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options
}
