//! How are the labels of tens of thousands of objects kept small?
//!
//! One allocation for all pairs of an object. Called by the readers of objects, and by `tell`, which
//! makes labels of it only for what it tells of.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Pairs of strings, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Packed(Box<str>);

/// Ends each name and each value. What holds it itself is not kept: no valid label or image does.
const END: char = '\0';

impl Packed {
    pub(in super::super) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        for (name, value) in pairs {
            push(&mut text, name, value);
        }
        Self(text.into_boxed_str())
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split_terminator(END);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    pub(in super::super) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    if name.contains(END) || value.contains(END) {
        return;
    }
    for part in [name, value] {
        text.push_str(part);
        text.push(END);
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Packed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Packed, E> {
                Ok(Packed::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Packed, A::Error> {
                use std::borrow::Cow;
                let mut text = String::new();
                while let Some((name, value)) =
                    map.next_entry::<Cow<'de, str>, Option<Cow<'de, str>>>()?
                {
                    push(&mut text, &name, value.as_deref().unwrap_or_default());
                }
                Ok(Packed(text.into_boxed_str()))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn pairs_come_back_in_order_also_empty_ones() {
        let json = r#"{"a":"1","empty":"","b":"2","gone":null}"#;
        let packed: Packed = serde_json::from_str(json).unwrap();
        let pairs: Vec<_> = packed.iter().collect();
        assert_eq!(pairs, [("a", "1"), ("empty", ""), ("b", "2"), ("gone", "")]);
        assert_eq!(packed.get("b"), Some("2"));
        assert_eq!(packed.get("c"), None);
        assert!(serde_json::from_str::<Packed>("null").unwrap().is_empty());
    }

    #[test]
    fn a_value_with_the_separator_cannot_shift_the_others() {
        let json = "{\"evil\":\"x\\u0000app\\u0000admin\",\"app\":\"web\"}";
        let packed: Packed = serde_json::from_str(json).unwrap();
        assert_eq!(packed.iter().collect::<Vec<_>>(), [("app", "web")]);
    }
}
