//! What does the cluster hold right now, as far as it was read?

use std::collections::BTreeMap;

use super::object::Object;
use super::resource::Resource;

/// Names an object within a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: Resource,
    /// The plural name in its path: several for [`Resource::Constraints`].
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// Everything that was read and is still there.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<Key, Object>,
    /// Objects that could not be read, and why.
    pub(super) unreadable: BTreeMap<Key, String>,
}

/// What one list holds: a resource, everywhere or in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) resource: Resource,
    pub(super) plural: String,
    /// None: in every namespace, or in none for what has none.
    pub(super) namespace: Option<String>,
}

/// One object, or why it could not be read.
pub(super) type Read = Result<Object, String>;

impl Scope {
    pub(super) fn key(&self, namespace: Option<String>, name: String) -> Key {
        Key {
            resource: self.resource,
            plural: self.plural.clone(),
            namespace,
            name,
        }
    }

    fn holds(&self, key: &Key) -> bool {
        key.resource == self.resource
            && key.plural == self.plural
            && (self.namespace.is_none() || key.namespace == self.namespace)
    }

    /// No key of this scope sorts before it.
    fn first(&self) -> Key {
        self.key(self.namespace.clone(), String::new())
    }
}

impl Store {
    /// What there is in a scope from now on.
    pub(super) fn replace(&mut self, scope: &Scope, listed: impl IntoIterator<Item = (Key, Read)>) {
        self.clear(scope);
        for (key, read) in listed {
            self.hold(key, read);
        }
    }

    pub(super) fn hold(&mut self, key: Key, read: Read) {
        match read {
            Ok(object) => {
                self.unreadable.remove(&key);
                self.objects.insert(key, object);
            }
            // What was known of it is no longer so.
            Err(why) => {
                self.objects.remove(&key);
                self.unreadable.insert(key, why);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.objects.remove(key);
        self.unreadable.remove(key);
    }

    pub(super) fn clear(&mut self, scope: &Scope) {
        clear(&mut self.objects, scope);
        clear(&mut self.unreadable, scope);
    }

    /// How many objects there are in a scope, readable or not.
    pub(super) fn count(&self, scope: &Scope) -> usize {
        of(&self.objects, scope).count() + of(&self.unreadable, scope).count()
    }
}

fn of<'a, T>(map: &'a BTreeMap<Key, T>, scope: &'a Scope) -> impl Iterator<Item = &'a Key> {
    let from_first = map.range(scope.first()..).map(|(key, _)| key);
    from_first.take_while(|key| scope.holds(key))
}

fn clear<T>(map: &mut BTreeMap<Key, T>, scope: &Scope) {
    let keys: Vec<Key> = of(map, scope).cloned().collect();
    for key in keys {
        map.remove(&key);
    }
}
