//! How does a large JSON document flow through without being kept?
//!
//! Seeds for `serde` that hand on one field, one element or one entry at a time. Used by
//! [`super::document`]; nothing here knows what a plan is. Null is an empty list or map, as Go
//! programs write it.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// Takes the fields of an object as they come.
pub(super) trait Fields {
    /// Takes the value of one field, also where it is of no use.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error>;
}

/// Hands the fields of one object on.
pub(super) struct Object<'a, F>(pub(super) &'a mut F);

impl<'de, F: Fields> DeserializeSeed<'de> for Object<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, F: Fields> Visitor<'de> for Object<'_, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        while let Some(key) = from.next_key::<String>()? {
            self.0.field(&key, &mut from)?;
        }
        Ok(())
    }
}

/// Hands the elements of one list on.
pub(super) struct Each<T, F>(F, PhantomData<T>);

impl<T, F: FnMut(T)> Each<T, F> {
    pub(super) fn new(each: F) -> Self {
        Self(each, PhantomData)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<(), A::Error> {
        while let Some(element) = from.next_element()? {
            self.0(element);
        }
        Ok(())
    }
}

/// Hands the entries of one map on.
pub(super) struct EachEntry<T, F>(F, PhantomData<T>);

impl<T, F: FnMut(String, T)> EachEntry<T, F> {
    pub(super) fn new(each: F) -> Self {
        Self(each, PhantomData)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(String, T)> DeserializeSeed<'de> for EachEntry<T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: DeserializeOwned, F: FnMut(String, T)> Visitor<'de> for EachEntry<T, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<(), A::Error> {
        while let Some((key, value)) = from.next_entry()? {
            self.0(key, value);
        }
        Ok(())
    }
}
