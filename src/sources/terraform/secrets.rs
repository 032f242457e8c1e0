//! What is sensitive in a document?
//!
//! Called by [`super::read`] for every file of a source before anything of any of them is told. It
//! looks where a plan marks places (drift, changes, outputs, states) and where the configuration calls a
//! variable sensitive: its value, its default, and what a module is called with. Only secrets are kept.

use std::collections::HashMap;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess};
use serde_json::Value;

use super::diff::WireChange;
use super::document::WireResource;
use super::flow::{Each, EachEntry, Fields, Object};
use super::taint::Taint;

/// Collects what is sensitive. Of a document that breaks off, what came before counts too.
pub(super) fn collect(from: impl Read, taint: &mut Taint) -> Result<(), serde_json::Error> {
    let mut from = serde_json::Deserializer::from_reader(from);
    let mut document = DocumentSecrets {
        taint,
        variables: HashMap::new(),
        configuration: None,
    };
    let done = Object(&mut document).deserialize(&mut from);
    document.finish(done.is_ok());
    done
}

struct DocumentSecrets<'a> {
    taint: &'a mut Taint,
    /// Kept until the configuration says which are sensitive.
    variables: HashMap<String, Value>,
    configuration: Option<Module>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Configuration {
    root_module: Option<Module>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Module {
    variables: HashMap<String, Declared>,
    module_calls: HashMap<String, Call>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Declared {
    default: Value,
    sensitive: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Call {
    expressions: HashMap<String, Value>,
    module: Option<Box<Module>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Variable {
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Deferred {
    resource_change: Option<WireResource>,
}

impl Fields for DocumentSecrets<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error> {
        let taint = &mut *self.taint;
        match key {
            "resource_drift" | "resource_changes" => {
                from.next_value_seed(Each::new(|wire: WireResource| wire.change.add_to(taint)))
            }
            "deferred_changes" => from.next_value_seed(Each::new(|wire: Deferred| {
                if let Some(resource) = wire.resource_change {
                    resource.change.add_to(taint);
                }
            })),
            "output_changes" => {
                from.next_value_seed(EachEntry::new(|_, change: WireChange| change.add_to(taint)))
            }
            "variables" => {
                let variables = &mut self.variables;
                from.next_value_seed(EachEntry::new(|name, variable: Variable| {
                    variables.insert(name, variable.value);
                }))
            }
            "configuration" => {
                let read: Option<Configuration> = from.next_value()?;
                self.configuration = read.and_then(|read| read.root_module);
                Ok(())
            }
            "prior_state" => from.next_value_seed(Object(&mut StateSecrets(taint))),
            "planned_values" | "values" => from.next_value_seed(Object(&mut ValuesSecrets(taint))),
            _ => from.next_value::<IgnoredAny>().map(drop),
        }
    }
}

impl DocumentSecrets<'_> {
    fn finish(self, is_whole: bool) {
        match self.configuration {
            Some(root) => {
                for (name, value) in &self.variables {
                    if root.variables.get(name).is_none_or(|v| v.sensitive) {
                        self.taint.add_all(value);
                    }
                }
                add_module(&root, self.taint);
            }
            // Nobody says which are sensitive: any of them may be. Nothing is told of a document that
            // broke off.
            None if is_whole => self
                .variables
                .values()
                .for_each(|value| self.taint.add_all(value)),
            None => {}
        }
    }
}

fn add_module(module: &Module, taint: &mut Taint) {
    let sensitive = module.variables.values().filter(|v| v.sensitive);
    sensitive.for_each(|variable| taint.add_all(&variable.default));
    for call in module.module_calls.values() {
        let Some(called) = &call.module else {
            continue;
        };
        for (name, expression) in &call.expressions {
            if called.variables.get(name).is_some_and(|v| v.sensitive)
                && let Some(value) = expression.get("constant_value")
            {
                taint.add_all(value);
            }
        }
        add_module(called, taint);
    }
}

/// The state before: its values stand below `values`.
struct StateSecrets<'a>(&'a mut Taint);

impl Fields for StateSecrets<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error> {
        match key {
            "values" => from.next_value_seed(Object(&mut ValuesSecrets(self.0))),
            _ => from.next_value::<IgnoredAny>().map(drop),
        }
    }
}

/// Outputs and modules of a state.
struct ValuesSecrets<'a>(&'a mut Taint);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    sensitive: bool,
    value: Value,
}

impl Fields for ValuesSecrets<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error> {
        let taint = &mut *self.0;
        match key {
            "outputs" => from.next_value_seed(EachEntry::new(|_, output: Output| {
                if output.sensitive {
                    taint.add_all(&output.value);
                }
            })),
            "root_module" => from.next_value_seed(Object(&mut ModuleSecrets(taint))),
            _ => from.next_value::<IgnoredAny>().map(drop),
        }
    }
}

/// The resources of a module, and of those in it.
struct ModuleSecrets<'a>(&'a mut Taint);

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateResource {
    values: Value,
    sensitive_values: Value,
}

impl Fields for ModuleSecrets<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, from: &mut A) -> Result<(), A::Error> {
        let taint = &mut *self.0;
        match key {
            "resources" => from.next_value_seed(Each::new(|resource: StateResource| {
                taint.add_masked(&resource.values, &resource.sensitive_values);
            })),
            "child_modules" => from.next_value_seed(Modules(taint)),
            _ => from.next_value::<IgnoredAny>().map(drop),
        }
    }
}

/// A list of modules, each as it comes.
struct Modules<'a>(&'a mut Taint);

impl<'de> DeserializeSeed<'de> for Modules<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Modules<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of modules")
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        while from
            .next_element_seed(Object(&mut ModuleSecrets(self.0)))?
            .is_some()
        {}
        Ok(())
    }
}
