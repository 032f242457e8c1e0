//! What does a field hold, and what is said when it is missing or of the wrong kind?
//!
//! The one way in which the readers of the formats look into a [`Node`]. Every complaint names the
//! field by its path in the document and points at the value itself. It knows no format.

use super::document::{Entry, Kind, Node};
use super::report::{At, Report, Said, quoted};
use crate::domain::label::Labels;
use crate::domain::nearest::nearest;
use crate::domain::text::Untrusted;

/// A map of fields.
#[derive(Clone, Debug)]
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    at: At,
    /// As `spec.objectives[0]`; empty at the top.
    path: String,
}

/// A value that is there, of any kind.
#[derive(Clone, Debug)]
pub(super) struct Value<'n> {
    node: &'n Node,
    pub(super) at: At,
    pub(super) path: String,
}

/// A single text, without the white space around it.
#[derive(Clone, Debug)]
pub(super) struct Text<'n> {
    pub(super) value: &'n str,
    pub(super) at: At,
    pub(super) path: String,
}

impl<'n> Value<'n> {
    /// A whole document, or an item of a list of them.
    pub(super) fn document(node: &'n Node, file: usize) -> Self {
        Self {
            node,
            at: At {
                file,
                place: node.place,
            },
            path: String::new(),
        }
    }

    /// The value itself.
    pub(super) fn node(&self) -> &'n Node {
        self.node
    }

    /// Its fields.
    pub(super) fn fields(&self, report: &mut Report) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &self.node.kind else {
            self.wrong(
                "must be a map of fields",
                "write `name: value` lines below it",
                report,
            );
            return None;
        };
        Some(Fields {
            entries,
            at: self.at,
            path: self.path.clone(),
        })
    }

    /// Its text.
    pub(super) fn text(&self, report: &mut Report) -> Option<Text<'n>> {
        let Kind::Scalar(text) = &self.node.kind else {
            self.wrong(
                "must be a single text",
                "put it in quotes if it begins with `{` or `[`",
                report,
            );
            return None;
        };
        Some(Text {
            value: text.trim(),
            at: self.at,
            path: self.path.clone(),
        })
    }

    /// Whether it is a single text: a name, where fields are allowed too.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.node.kind, Kind::Scalar(_))
    }

    /// Its items, those left out that are empty.
    pub(super) fn items(&self, report: &mut Report) -> Option<Vec<Value<'n>>> {
        let Kind::List(items) = &self.node.kind else {
            self.wrong("must be a list", "write `- ` before each item", report);
            return None;
        };
        let items = items.iter().enumerate();
        let item = |(number, node): (usize, &'n Node)| Value {
            node,
            at: At {
                file: self.at.file,
                place: node.place,
            },
            path: format!("{}[{number}]", self.path),
        };
        Some(items.map(item).collect())
    }

    fn wrong(&self, must_be: &str, next_step: &str, report: &mut Report) {
        let what = format!("{} {must_be}", told(&self.path));
        report.problem(self.at, what, next_step);
    }
}

impl<'n> Fields<'n> {
    /// Where they begin.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// What they are called in a message.
    pub(super) fn told(&self) -> String {
        told(&self.path)
    }

    /// Their path with another step.
    pub(super) fn path_to(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// The names that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'n str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// A field that is there and not empty.
    pub(super) fn get(&self, key: &str) -> Option<Value<'n>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.value.kind, Kind::Null)).then(|| Value {
            node: &entry.value,
            at: self.at_of(&entry.value),
            path: self.path_to(key),
        })
    }

    /// Where a field's name stands, or where they all begin.
    pub(super) fn at_name(&self, key: &str) -> At {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map_or(self.at, |entry| At {
            file: self.at.file,
            place: entry.key_place,
        })
    }

    /// A text, if it is there.
    pub(super) fn text(&self, key: &str, report: &mut Report) -> Option<Text<'n>> {
        self.get(key)?.text(report)
    }

    /// A text that must be there and not be empty.
    pub(super) fn needed_text(&self, key: &str, report: &mut Report) -> Option<Text<'n>> {
        let text = self.needed(key, report)?.text(report)?;
        if text.value.is_empty() {
            let what = format!("{} is empty", quoted(&text.path));
            report.problem(text.at, what, format!("fill in `{key}`"));
            return None;
        }
        Some(text)
    }

    /// Fields, if they are there.
    pub(super) fn fields(&self, key: &str, report: &mut Report) -> Option<Fields<'n>> {
        self.get(key)?.fields(report)
    }

    /// Fields that must be there.
    pub(super) fn needed_fields(&self, key: &str, report: &mut Report) -> Option<Fields<'n>> {
        self.needed(key, report)?.fields(report)
    }

    /// A list that must be there and have items.
    pub(super) fn needed_items(&self, key: &str, report: &mut Report) -> Option<Vec<Value<'n>>> {
        let value = self.needed(key, report)?;
        let items = value.items(report)?;
        if items.is_empty() {
            let what = format!("{} is empty", quoted(&value.path));
            report.problem(value.at, what, "add at least one item");
            return None;
        }
        Some(items)
    }

    /// A text as one line of somebody else's, if it is there and not empty.
    pub(super) fn line(&self, key: &str, report: &mut Report) -> Option<Untrusted> {
        let text = self.text(key, report)?;
        let words: Vec<&str> = text.value.split_whitespace().collect();
        (!words.is_empty()).then(|| Untrusted::line(&words.join(" ")))
    }

    /// `true` or `false`, if it is there.
    ///
    /// # Errors
    /// It is neither.
    pub(super) fn flag(&self, key: &str, report: &mut Report) -> Result<Option<bool>, Said> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text = value.text(report).ok_or(Said)?;
        match text.value {
            "true" | "True" | "TRUE" => Ok(Some(true)),
            "false" | "False" | "FALSE" => Ok(Some(false)),
            other => {
                let what = format!("{} is {}", quoted(&text.path), quoted(other));
                report.problem(text.at, what, "write `true` or `false`");
                Err(Said)
            }
        }
    }

    /// Names and texts; a list of texts becomes one with commas.
    pub(super) fn labels(&self, key: &str, report: &mut Report) -> Vec<(Untrusted, Untrusted)> {
        let Some(fields) = self.fields(key, report) else {
            return Vec::new();
        };
        let pair = |entry: &Entry| {
            let value = match &entry.value.kind {
                Kind::Null => String::new(),
                Kind::Scalar(text) => text.trim().to_owned(),
                Kind::List(items) => {
                    let texts = items.iter().map(|item| match &item.kind {
                        Kind::Scalar(text) => Some(text.trim()),
                        _ => None,
                    });
                    texts.collect::<Option<Vec<_>>>()?.join(",")
                }
                Kind::Map(_) => return None,
            };
            Some((Untrusted::line(entry.key.trim()), Untrusted::line(&value)))
        };
        let mut pairs = Vec::new();
        for entry in fields.entries {
            match pair(entry) {
                Some(pair) => pairs.push(pair),
                None => report.caution(
                    fields.at_of(&entry.value),
                    format!(
                        "{} is passed over: a label holds a text",
                        quoted(&fields.path_to(&entry.key))
                    ),
                ),
            }
        }
        pairs
    }

    /// Says which fields nobody reads.
    pub(super) fn pass_over_all_but(&self, known: &[&str], report: &mut Report) {
        for entry in self.entries {
            let key = entry.key.as_str();
            if known.contains(&key) {
                continue;
            }
            let at = At {
                file: self.at.file,
                place: entry.key_place,
            };
            let meant = nearest(key, known.iter().copied());
            let meant = meant.map_or(String::new(), |name| format!(": is it `{name}`?"));
            let what = format!("unknown field {}{meant}", quoted(&self.path_to(key)));
            report.caution(at, what);
        }
    }

    fn at_of(&self, node: &Node) -> At {
        At {
            file: self.at.file,
            place: node.place,
        }
    }

    fn needed(&self, key: &str, report: &mut Report) -> Option<Value<'n>> {
        if let Some(value) = self.get(key) {
            return Some(value);
        }
        let what = format!("`{key}` is missing from {}", self.told());
        // A name that is there with nothing behind it needs no other name.
        let is_there = self.names().any(|name| name == key);
        let meant = nearest(key, self.names()).filter(|_| !is_there);
        let next_step = match meant {
            Some(name) => format!("is {} meant to be `{key}`?", quoted(name)),
            None => format!("add `{key}`"),
        };
        report.problem(self.at_name(key), what, next_step);
        None
    }
}

fn told(path: &str) -> String {
    match path {
        "" => "the document".to_owned(),
        path => quoted(path),
    }
}

/// Labels of several levels: of a name that comes twice the later level counts.
pub(super) fn joined(levels: Vec<Vec<(Untrusted, Untrusted)>>) -> Labels {
    Labels::new(levels.into_iter().flatten().collect())
}
