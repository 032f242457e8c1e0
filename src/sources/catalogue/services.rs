//! Which services are a catalogue's entities, and what do they need?
//!
//! A Component or a Resource is a service, and so is a System, by whose name alerts may come. An API
//! is what provides it. Alerts and Kubernetes usually carry the `backstage.io/kubernetes-id` of an
//! entity where that differs from its name: it is declared under both, and who needs it needs both.
//! Called by [`super::answer`]; pure.

use std::collections::HashMap;

use super::entity::{Entity, Kind};
use crate::domain::service::Service;
use crate::domain::text::Untrusted;

/// A reference: `[kind:][namespace/]name`. Without a namespace it is of the one it stands in.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    kind: Option<&'a str>,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str, of: &'a Entity) -> Option<Self> {
        let text = text.trim();
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (Some(kind.trim()), rest),
            None => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (namespace.trim(), name.trim()),
            None => (&*of.namespace, rest.trim()),
        };
        (!name.is_empty()).then_some(Self {
            kind,
            namespace,
            name,
        })
    }
}

/// What an entity is found by. References are written in any case.
type Key = (Kind, String, String);

fn key(kind: Kind, namespace: &str, name: &str) -> Key {
    let lower = str::to_ascii_lowercase;
    (kind, lower(namespace), lower(name))
}

fn key_of(entity: &Entity) -> Key {
    key(entity.kind, &entity.namespace, &entity.name)
}

struct Catalogue<'a> {
    entities: HashMap<Key, &'a Entity>,
    /// Who provides an API.
    providers: HashMap<Key, Vec<&'a Entity>>,
}

/// What a reference without a kind may mean, the likeliest first.
const ANY: &[Kind] = &[Kind::Component, Kind::Resource, Kind::System, Kind::Api];

/// The services, and what is doubtful about them, a line each.
pub(super) fn of(entities: &[Entity]) -> (Vec<Service>, Vec<String>) {
    let mut problems = Vec::new();
    let mut kept: Vec<&Entity> = Vec::new();
    let mut known: HashMap<Key, &Entity> = HashMap::new();
    for entity in entities {
        let key = key_of(entity);
        match known.get(&key) {
            None => {
                known.insert(key, entity);
                kept.push(entity);
            }
            Some(first) => problems.push(format!(
                "{}: `{}` is declared a second time: left out; next: keep one of it and {}",
                entity.declared_in,
                Untrusted::line(&entity.name),
                first.declared_in
            )),
        }
    }
    let mut providers: HashMap<Key, Vec<&Entity>> = HashMap::new();
    for entity in &kept {
        for text in entity.spec.provides_apis.iter().flatten() {
            if let Some(of) = Reference::parse(text, entity) {
                let key = key(Kind::Api, of.namespace, of.name);
                providers.entry(key).or_default().push(entity);
            }
        }
    }
    let catalogue = Catalogue {
        entities: known,
        providers,
    };
    // Where two kinds have one name, what runs says more than what groups it.
    kept.sort_by_key(|entity| entity.kind);
    let mut needed_by: HashMap<Key, Vec<Untrusted>> = HashMap::new();
    for entity in &kept {
        for text in entity.spec.dependency_of.iter().flatten() {
            let by = Reference::parse(text, entity);
            if let Some(by) = by.and_then(|by| catalogue.find(&by, ANY)) {
                let needed = needed_by.entry(key_of(by)).or_default();
                needed.extend(names(entity));
            }
        }
    }
    let mut services = Vec::new();
    for entity in kept {
        if entity.kind == Kind::Api && catalogue.has_provider(entity) {
            continue;
        }
        let mut needs: Vec<Untrusted> = Vec::new();
        let of = |text: &String| catalogue.needed(text, entity, ANY);
        needs.extend(entity.spec.depends_on.iter().flatten().flat_map(of));
        let of = |text: &String| catalogue.needed(text, entity, &[Kind::Api]);
        needs.extend(entity.spec.consumes_apis.iter().flatten().flat_map(of));
        let needed = needed_by.remove(&key_of(entity));
        needs.extend(needed.unwrap_or_default());
        let own: Vec<Untrusted> = names(entity).collect();
        let mut depends_on: Vec<Untrusted> = Vec::new();
        for name in needs {
            if !own.contains(&name) && !depends_on.contains(&name) {
                depends_on.push(name);
            }
        }
        let name_of = |text: &Option<String>| {
            let text = text.as_deref()?;
            Reference::parse(text, entity).map(|of| Untrusted::line(of.name))
        };
        services.extend(own.into_iter().map(|name| Service {
            name,
            owner: name_of(&entity.spec.owner),
            system: name_of(&entity.spec.system),
            depends_on: depends_on.clone(),
            is_platform: entity.is_platform,
            declared_in: Untrusted::line(&entity.declared_in),
        }));
    }
    (services, problems)
}

/// The names that alerts and objects may give to an entity.
fn names(entity: &Entity) -> impl Iterator<Item = Untrusted> {
    let id = entity.kubernetes_id.as_ref();
    let id = id.filter(|id| **id != entity.name);
    std::iter::once(&entity.name)
        .chain(id)
        .map(|name| Untrusted::line(name))
}

impl<'a> Catalogue<'a> {
    fn has_provider(&self, api: &Entity) -> bool {
        self.providers.contains_key(&key_of(api))
    }

    /// The entity that a reference names: of the kind it gives, else the first of `kinds`.
    fn find(&self, of: &Reference<'_>, kinds: &[Kind]) -> Option<&'a Entity> {
        let get = |kind: Kind| {
            self.entities
                .get(&key(kind, of.namespace, of.name))
                .copied()
        };
        match of.kind {
            Some(kind) => get(Kind::of(kind)?),
            None => kinds.iter().find_map(|kind| get(*kind)),
        }
    }

    /// The names of the services that a reference stands for. What is not declared here may be
    /// elsewhere: it keeps the name that it is given.
    fn needed(&self, text: &str, by: &Entity, kinds: &[Kind]) -> Vec<Untrusted> {
        let Some(of) = Reference::parse(text, by) else {
            return Vec::new();
        };
        let is_api = match of.kind {
            Some(kind) => Kind::of(kind) == Some(Kind::Api),
            None => kinds == [Kind::Api],
        };
        let providers = self.providers.get(&key(Kind::Api, of.namespace, of.name));
        if let Some(providers) = providers.filter(|_| is_api) {
            return providers.iter().flat_map(|entity| names(entity)).collect();
        }
        match self.find(&of, kinds) {
            Some(entity) => names(entity).collect(),
            None => vec![Untrusted::line(of.name)],
        }
    }
}
