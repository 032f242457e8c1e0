//! What would a plan of Terraform change?
//!
//! Of `terraform show -json`: addresses, what is done to each and the names of what changes. No value: which
//! of them are secret is known to the providers alone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::plan::{Blast, Difference};
use crate::domain::text::Untrusted;

const MAX_ROWS: usize = 100;
const MAX_NAMED: usize = 10;

/// What would change.
#[derive(Debug, Default)]
pub(super) struct Summary {
    rows: Vec<Row>,
    outputs: usize,
}

#[derive(Debug)]
struct Row {
    address: String,
    kind: Kind,
    attributes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Change,
    Destroy,
    Replace,
    Forget,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "created",
            Self::Change => "changed in place",
            Self::Destroy => "destroyed",
            Self::Replace => "destroyed and created anew",
            Self::Forget => "forgotten, and left as it is",
        }
    }
}

impl Summary {
    /// Reads the document.
    ///
    /// # Errors
    /// It is none, or not one of a whole plan.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(json)
            .map_err(|_| "what it shows of the plan is no JSON".to_owned())?;
        if document["format_version"].as_str().is_none() {
            return Err("what it shows has no `format_version`".to_owned());
        }
        if document["errored"] == true {
            return Err("the plan was made with errors: it cannot be applied".to_owned());
        }
        let changes = document["resource_changes"].as_array();
        let changes = changes.map_or(&[][..], Vec::as_slice);
        let mut rows = Vec::new();
        for one in changes {
            rows.extend(Row::read(one)?);
        }
        let outputs = document["output_changes"].as_object().into_iter().flatten();
        let outputs = outputs.filter(|(_, one)| one["actions"] != serde_json::json!(["no-op"]));
        Ok(Self {
            rows,
            outputs: outputs.count(),
        })
    }

    /// Whether something is destroyed, for good or to be created anew.
    pub(super) fn destroys(&self) -> bool {
        let destroys = |row: &Row| matches!(row.kind, Kind::Destroy | Kind::Replace);
        self.rows.iter().any(destroys)
    }

    /// `1 to add, 2 to change, 1 to destroy; replaces aws_instance.web`
    pub(super) fn words(&self) -> String {
        let replaced = self.of(Kind::Replace);
        let (add, change) = (self.of(Kind::Add).len(), self.of(Kind::Change).len());
        let destroy = self.of(Kind::Destroy).len();
        let mut words = format!(
            "{} to add, {change} to change, {} to destroy",
            add + replaced.len(),
            destroy + replaced.len()
        );
        for (what, rows) in [("replaces", replaced), ("destroys", self.of(Kind::Destroy))] {
            if !rows.is_empty() {
                words = format!("{words}; {what} {}", named(&rows));
            }
        }
        if self.outputs > 0 {
            words = format!("{words}; {} outputs change", self.outputs);
        }
        words
    }

    fn of(&self, kind: Kind) -> Vec<&str> {
        let rows = self.rows.iter().filter(|row| row.kind == kind);
        rows.map(|row| row.address.as_str()).collect()
    }

    pub(super) fn blast(&self) -> Blast {
        Blast {
            count: u32::try_from(self.rows.len()).ok(),
            words: vec![Untrusted::line(&self.words())],
            ..Blast::default()
        }
    }

    pub(super) fn differences(&self) -> Vec<Difference> {
        let rows = self.rows.iter().take(MAX_ROWS).map(|row| {
            let names = match &*row.attributes {
                [] => String::new(),
                some => format!(": {}", named(some)),
            };
            Difference {
                path: Untrusted::line(&row.address),
                before: (row.kind != Kind::Add).then(|| Untrusted::line("it is there")),
                after: Some(Untrusted::line(&format!("{}{names}", row.kind.word()))),
            }
        });
        let mut rows: Vec<_> = rows.collect();
        if self.rows.len() > MAX_ROWS {
            rows.push(Difference {
                path: Untrusted::line(&format!("and {} more", self.rows.len() - MAX_ROWS)),
                before: None,
                after: None,
            });
        }
        rows
    }
}

impl Row {
    fn read(value: &Value) -> Result<Option<Self>, String> {
        let change = &value["change"];
        let actions = change["actions"].as_array().map_or(&[][..], Vec::as_slice);
        let actions: Vec<_> = actions.iter().filter_map(Value::as_str).collect();
        let kind = match &*actions {
            ["no-op" | "read"] => return Ok(None),
            ["create"] => Kind::Add,
            ["update"] => Kind::Change,
            ["delete"] => Kind::Destroy,
            ["delete", "create"] | ["create", "delete"] => Kind::Replace,
            ["forget"] => Kind::Forget,
            other => return Err(format!("it does something unknown: {}", other.join(", "))),
        };
        let address = value["address"]
            .as_str()
            .unwrap_or("a resource without an address");
        Ok(Some(Self {
            address: address.to_owned(),
            kind,
            attributes: attributes(kind, change),
        }))
    }
}

/// The names of what changes; of a new or a destroyed one everything does.
fn attributes(kind: Kind, change: &Value) -> Vec<String> {
    if !matches!(kind, Kind::Change | Kind::Replace) {
        return Vec::new();
    }
    let sides = ["before", "after", "after_unknown"];
    let fields = sides.iter().filter_map(|side| change[side].as_object());
    let names: BTreeSet<_> = fields.flat_map(|fields| fields.keys()).collect();
    let changes = |name: &&&String| {
        let is_unknown = change["after_unknown"].get(name.as_str());
        let is_unknown = is_unknown.is_some_and(|one| one == true);
        is_unknown || change["before"].get(name.as_str()) != change["after"].get(name.as_str())
    };
    names
        .iter()
        .filter(changes)
        .map(ToString::to_string)
        .collect()
}

fn named(all: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = all.iter().take(MAX_NAMED).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(MAX_NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
