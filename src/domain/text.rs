//! How can a string from outside be shown without harm?
//!
//! Every label, annotation, error body, file name or runbook text becomes an [`Untrusted`] where it
//! enters. Control, C1, bidirectional and invisible characters are turned into visible escapes and
//! the length is bounded there, once, so that no screen, log or JSON writer has to remember it.
//! Nothing here decides where a text is shown.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// No foreign string keeps more than this many bytes. A runbook body is not a string of this kind.
pub const MAX_BYTES: usize = 16 * 1024;

/// More zero-width marks than this on one base character is an attack on the screen, not a script.
const MAX_STACKED_MARKS: usize = 4;

/// A string from outside. Cheap to clone; equal, ordered and hashed by what was received.
#[derive(Clone)]
pub struct Untrusted(Arc<Inner>);

struct Inner {
    raw: Box<str>,
    /// Only where it differs from `raw`: nearly every label in the field is harmless.
    shown: Option<Box<str>>,
}

/// Whether line breaks and tabs survive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Escape,
    Keep,
}

impl Untrusted {
    /// One line of text: line breaks and tabs become `\n` and `\t`.
    #[must_use]
    pub fn line(text: &str) -> Self {
        Self::with(text, Breaks::Escape)
    }

    /// Text of several lines (an annotation, an error body): line feeds and tabs stay.
    #[must_use]
    pub fn block(text: &str) -> Self {
        Self::with(text, Breaks::Keep)
    }

    fn with(text: &str, breaks: Breaks) -> Self {
        let kept = cut(text, MAX_BYTES);
        let mut shown = make_safe(kept, breaks);
        if kept.len() < text.len() {
            let more = format!("…[+{} bytes]", text.len() - kept.len());
            shown = Some(format!("{}{more}", shown.as_deref().unwrap_or(kept)));
        }
        Self(Arc::new(Inner {
            raw: kept.into(),
            shown: shown.map(String::into_boxed_str),
        }))
    }

    /// What a person may see.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.0.shown.as_deref().unwrap_or(&self.0.raw)
    }

    /// What was received. For matching and for sending back to where it came from, never for a
    /// screen, a log or a file.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0.raw
    }

    /// Columns that the shown form takes on a terminal.
    #[must_use]
    pub fn width(&self) -> usize {
        UnicodeWidthStr::width(self.shown())
    }

    /// Whether nothing was received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.raw.is_empty()
    }
}

/// The shown form of a text that is used at once, such as part of an error message.
#[must_use]
pub fn shown(text: &str) -> String {
    Untrusted::line(text).shown().to_owned()
}

fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `None` where the text is already safe.
fn make_safe(text: &str, breaks: Breaks) -> Option<String> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut marks = 0;
    let mut changed = false;
    for c in text.chars() {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        let kept = match c {
            '\n' | '\t' => breaks == Breaks::Keep,
            _ => !is_harmful(c) && marks <= MAX_STACKED_MARKS,
        };
        if kept {
            out.push(c);
            continue;
        }
        changed = true;
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ => out.extend(c.escape_unicode()),
        }
    }
    changed.then_some(out)
}

/// Characters that move the cursor, reorder text, or are not seen at all.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

impl Default for Untrusted {
    fn default() -> Self {
        Self::line("")
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.shown())
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.shown(), f)
    }
}

impl PartialEq for Untrusted {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.raw() == other.raw()
    }
}

impl Eq for Untrusted {}

impl PartialOrd for Untrusted {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Untrusted {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.raw().cmp(other.raw())
    }
}

impl Hash for Untrusted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw().hash(state);
    }
}

impl Borrow<str> for Untrusted {
    fn borrow(&self) -> &str {
        self.raw()
    }
}

impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

impl<'de> Deserialize<'de> for Untrusted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::block(&String::deserialize(deserializer)?))
    }
}

/// Keeps one copy of each string of an answer: ten thousand alerts share a few hundred values.
#[derive(Default)]
pub struct Interner {
    lines: HashSet<Untrusted>,
    blocks: HashSet<Untrusted>,
}

impl Interner {
    /// As [`Untrusted::line`], shared.
    pub fn line(&mut self, text: &str) -> Untrusted {
        intern(&mut self.lines, text, Untrusted::line)
    }

    /// As [`Untrusted::block`], shared.
    pub fn block(&mut self, text: &str) -> Untrusted {
        intern(&mut self.blocks, text, Untrusted::block)
    }
}

fn intern(known: &mut HashSet<Untrusted>, text: &str, make: fn(&str) -> Untrusted) -> Untrusted {
    if let Some(found) = known.get(text) {
        return found.clone();
    }
    let made = make(text);
    known.insert(made.clone());
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn harmless_text_is_not_copied() {
        let text = Untrusted::line("checkout-api");
        assert!(text.0.shown.is_none());
        assert_eq!(text.shown(), "checkout-api");
    }

    #[test]
    fn harmful_characters_become_visible() {
        let cases = [
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("user\u{202e}gpj.exe", "user\\u{202e}gpj.exe"),
            ("pay\u{200b}ment", "pay\\u{200b}ment"),
            ("two\nlines\tand\rmore", "two\\nlines\\tand\\rmore"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Untrusted::line(raw).shown(), shown);
            assert_eq!(Untrusted::line(raw).raw(), raw);
        }
        assert_eq!(Untrusted::block("a\n\tb\x07").shown(), "a\n\tb\\u{7}");
    }

    #[test]
    fn other_scripts_stay_readable() {
        for text in ["Überlast", "磁盘已满", "диск", "naïve é"] {
            assert_eq!(Untrusted::line(text).shown(), text);
        }
        assert_eq!(Untrusted::line("磁盘").width(), 4);
    }

    #[test]
    fn stacked_marks_are_bounded() {
        let tower = format!("a{}", "\u{301}".repeat(50));
        let shown = Untrusted::line(&tower).shown().to_owned();
        assert_eq!(shown.matches('\u{301}').count(), MAX_STACKED_MARKS);
        assert!(shown.contains("\\u{301}"));
    }

    #[test]
    fn length_is_bounded_and_says_so() {
        let long = Untrusted::line(&"é".repeat(MAX_BYTES));
        assert!(long.raw().len() <= MAX_BYTES);
        assert!(long.shown().ends_with(&format!("…[+{MAX_BYTES} bytes]")));
    }

    #[test]
    fn equal_text_is_shared() {
        let mut interner = Interner::default();
        let (a, b) = (interner.line("prod"), interner.line("prod"));
        assert!(Arc::ptr_eq(&a.0, &b.0));
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_ever_shown(text in any::<String>()) {
            let line = Untrusted::line(&text);
            prop_assert!(!line.shown().chars().any(is_harmful));
            let block = Untrusted::block(&text);
            prop_assert!(!block.shown().chars().any(|c| is_harmful(c) && c != '\n' && c != '\t'));
        }
    }
}
