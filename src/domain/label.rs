//! What identifies a series or an alert: its label set, and the fingerprint over it.
//!
//! Used by every source, the matchers and the screens. It does not know what any label means.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Untrusted;

/// A label or annotation set, sorted by name, names unique.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Box<[(Untrusted, Untrusted)]>);

impl Labels {
    /// Sorts by name. Of a name that comes twice the later value stays, as in JSON readers.
    #[must_use]
    pub fn new(mut pairs: Vec<(Untrusted, Untrusted)>) -> Self {
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Self(pairs.into_boxed_slice())
    }

    /// For tests, flags and built-in values: from names and values of our own.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self::new(
            pairs
                .iter()
                .map(|(n, v)| (Untrusted::line(n), Untrusted::line(v)))
                .collect(),
        )
    }

    /// The value of a label, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Untrusted> {
        let at = self.0.binary_search_by(|(n, _)| n.raw().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// The first of several names that has a non-empty value.
    #[must_use]
    pub fn first_of(&self, names: &[String]) -> Option<&Untrusted> {
        names
            .iter()
            .find_map(|name| self.get(name).filter(|v| !v.is_empty()))
    }

    /// All pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Untrusted, &Untrusted)> {
        self.0.iter().map(|(n, v)| (n, v))
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every label of `other` is here with the same value.
    #[must_use]
    pub fn contains_all(&self, other: &Labels) -> bool {
        other.iter().all(|(n, v)| self.get(n.raw()) == Some(v))
    }

    /// The fingerprint Alertmanager and Prometheus compute: FNV-1a 64 over each name and value,
    /// each followed by the byte 0xff, in name order (`prometheus/common`, `model/signature.go`).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash: u64 = 14_695_981_039_346_656_037;
        let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211);
        for (name, value) in self.iter() {
            name.raw().bytes().for_each(&mut add);
            add(0xff);
            value.raw().bytes().for_each(&mut add);
            add(0xff);
        }
        Fingerprint(hash)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Labels::new(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The identity of a label set: 16 hexadecimal digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Reads the wire form; `None` where it is not up to 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn labels_are_sorted_and_the_later_value_stays() {
        let labels = Labels::of(&[("b", "2"), ("a", "1"), ("b", "3")]);
        let pairs: Vec<_> = labels.iter().map(|(n, v)| (n.raw(), v.raw())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "3")]);
    }

    #[test]
    fn the_empty_set_hashes_to_the_offset_basis() {
        assert_eq!(
            Labels::default().fingerprint().to_string(),
            "cbf29ce484222325"
        );
    }

    #[test]
    fn a_fingerprint_survives_its_text() {
        let print = Labels::of(&[("alertname", "Up"), ("job", "node")]).fingerprint();
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_eq!(Fingerprint::parse("not hex"), None);
        assert_eq!(Fingerprint::parse(""), None);
    }

    #[test]
    fn labels_survive_json() {
        let labels = Labels::of(&[("alertname", "Up"), ("path", "/a,b")]);
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(text, r#"{"alertname":"Up","path":"/a,b"}"#);
        assert_eq!(serde_json::from_str::<Labels>(&text).unwrap(), labels);
    }
}
