//! What is filled in before an action is planned?
//!
//! One line for each parameter, checked by the catalogue as it is typed. A reason and a ticket are asked
//! for where a rule wants them. Nothing is planned before all of it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use tui_textarea::TextArea;

use super::Model;
use super::actions::Offer;
use super::dialog::{line, text_of};
use super::knowledge::SourceState;
use super::scroll::Scroll;
use super::session::Screen;
use crate::domain::action::{
    ActionRequest, ActionSpec, CLUSTER, Catalogue, Need, Occasion, Requester, Upstream,
};
use crate::domain::policy::Policy;
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;

/// The parameters of an action, while they are filled in.
#[derive(Debug)]
pub struct Form {
    /// The action.
    pub spec: ActionSpec,
    /// What it is done to, and who says so.
    pub from: Untrusted,
    /// The fingerprint of the alert that it is for.
    pub alert: Option<Untrusted>,
    /// The runbook that it was begun from, in its version.
    pub runbook: Option<Untrusted>,
    /// One for each parameter.
    pub fields: Vec<Field>,
    /// Which field is typed into, and the window.
    pub scroll: Scroll,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Whether the operator has tried to go on: before, what is empty is no mistake.
    pub tried: Tried,
}

/// Whether the operator has tried to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tried {
    /// Not yet.
    #[default]
    No,
    /// Yes.
    Yes,
}

/// One line.
#[derive(Debug)]
pub struct Field {
    /// What it is for.
    pub what: FieldKind,
    /// As the catalogue calls it.
    pub name: String,
    /// What may be typed.
    pub kind: String,
    /// What it says.
    pub help: String,
    /// Whether it may be left out.
    pub need: Need,
    /// The line.
    pub input: TextArea<'static>,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A parameter of the action.
    Parameter,
    /// Why it is done.
    Reason,
    /// A ticket.
    Ticket,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// At which line; none where it is at no one line.
    pub field: Option<usize>,
    /// What.
    pub words: String,
}

impl Field {
    /// What is typed.
    #[must_use]
    pub fn text(&self) -> &str {
        text_of(&self.input).trim()
    }
}

impl Form {
    /// For an offer, with what it fills in.
    #[must_use]
    pub fn new(offer: &Offer, alert: Option<Untrusted>, model: &Model) -> Option<Self> {
        let spec = model.acting.catalogue.get(&offer.action)?.clone();
        let policy = model.acting.policy.as_deref()?;
        let clusters: Vec<&str> = clusters(model).collect();
        let mut fields: Vec<Field> = Vec::new();
        for parameter in &spec.parameters {
            let given = offer.given.get(&*parameter.name);
            fields.push(Field {
                what: FieldKind::Parameter,
                name: parameter.name.to_string(),
                kind: parameter.kind.word(),
                help: parameter.help.to_string(),
                need: parameter.need,
                input: line(given.map_or("", String::as_str)),
            });
        }
        let given = offer.given.get(CLUSTER);
        if spec.upstream == Upstream::Kubernetes && (given.is_some() || clusters.len() > 1) {
            fields.push(Field {
                what: FieldKind::Parameter,
                name: CLUSTER.to_owned(),
                kind: "NAME".to_owned(),
                help: format!("one of {}", clusters.join(", ")),
                need: Need::Required,
                input: line(given.map_or("", String::as_str)),
            });
        }
        fields.extend(asked_by(policy, &spec));
        let mut form = Self {
            from: Untrusted::line(&format!(
                "{}, named by {}",
                offer.target.raw(),
                offer.from.raw()
            )),
            alert,
            runbook: runbook_read(model),
            scroll: Scroll::default(),
            problems: Vec::new(),
            tried: Tried::default(),
            spec,
            fields,
        };
        // To the first that has to be filled in.
        let first = form
            .fields
            .iter()
            .position(|f| f.need == Need::Required && f.text().is_empty());
        form.scroll.cursor = first.unwrap_or(0);
        form.check(&model.acting.catalogue);
        Some(form)
    }

    /// What is filled in.
    #[must_use]
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        for field in self
            .fields
            .iter()
            .filter(|f| f.what == FieldKind::Parameter)
        {
            match field.name.strip_suffix('*') {
                // `requests.cpu=20 limits.memory=8Gi`
                Some(start) => {
                    for pair in field.text().split_whitespace() {
                        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                        let name = name.strip_prefix(start).unwrap_or(name);
                        out.insert(format!("{start}{name}"), value.to_owned());
                    }
                }
                None if field.text().is_empty() => {}
                None => {
                    out.insert(field.name.clone(), field.text().to_owned());
                }
            }
        }
        out
    }

    /// Looks at all of it again.
    pub fn check(&mut self, catalogue: &Catalogue) {
        let given = self.parameters();
        let wrong = catalogue.check(&self.spec.name, &given).err();
        let problems = wrong.into_iter().flatten().map(|words| Problem {
            field: self.field_of(&words),
            words,
        });
        let mut problems: Vec<Problem> = problems.collect();
        for (at, field) in self.fields.iter().enumerate() {
            let is_checked = field.what == FieldKind::Parameter && field.name != CLUSTER;
            if !is_checked && field.need == Need::Required && field.text().is_empty() {
                problems.push(Problem {
                    field: Some(at),
                    words: format!("`{}` is missing: {}", field.name, field.help),
                });
            }
        }
        self.problems = problems;
    }

    /// The line that a problem is about, by the name with which it begins.
    fn field_of(&self, words: &str) -> Option<usize> {
        let name = words.strip_prefix('`')?.split(['`', '=']).next()?;
        self.fields
            .iter()
            .position(|f| match f.name.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => f.name == name,
            })
    }

    /// What is wrong with a line that is to be shown now.
    #[must_use]
    pub fn problem(&self, at: usize) -> Option<&Problem> {
        let is_empty = self.fields.get(at).is_none_or(|f| f.text().is_empty());
        if is_empty && self.tried == Tried::No {
            return None;
        }
        self.problems.iter().find(|p| p.field == Some(at))
    }

    /// The request, once nothing is wrong.
    #[must_use]
    pub fn request(&self, by: Requester) -> ActionRequest {
        let text = |what: FieldKind| {
            let field = self.fields.iter().find(|f| f.what == what);
            let text = field.map(Field::text).filter(|text| !text.is_empty());
            text.map(Untrusted::line)
        };
        let parameters = self.parameters();
        // Where the action itself takes a reason, it is asked for once.
        let own = parameters.get("reason").map(|text| Untrusted::line(text));
        ActionRequest {
            action: self.spec.name.to_string(),
            parameters,
            by,
            occasion: Occasion {
                reason: text(FieldKind::Reason).or(own),
                ticket: text(FieldKind::Ticket),
                incident: None,
                alert: self.alert.clone(),
                runbook: self.runbook.clone(),
            },
        }
    }
}

/// `bad-rollout@4f2c91a` of the runbook that is open.
fn runbook_read(model: &Model) -> Option<Untrusted> {
    let reader = model.session.runbooks.reader.as_ref();
    let reader = reader.filter(|_| model.session.screen == Screen::Runbooks)?;
    let library = model.knowledge.library();
    let runbook = library.runbooks.iter().find(|one| one.id == reader.id)?;
    let words = format!("{}@{}", runbook.id.raw(), runbook.version.short());
    Some(Untrusted::line(&words))
}

fn clusters(model: &Model) -> impl Iterator<Item = &str> {
    let of_kind = |s: &&SourceState| s.kind == SourceKind::Kubernetes;
    model
        .knowledge
        .sources
        .iter()
        .filter(of_kind)
        .map(|s| &*s.name)
}

/// The reason and the ticket, where some rule that may be about it wants them. A reason may always be
/// given: it is what others read.
fn asked_by(policy: &Policy, spec: &ActionSpec) -> Vec<Field> {
    let may_match = |rule: &&crate::domain::policy::Rule| {
        let matches = &rule.matches;
        let named = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => spec.name.starts_with(start),
            None => *wanted == spec.name,
        };
        (matches.actions.is_empty() || matches.actions.iter().any(named))
            && (matches.risks.is_empty() || matches.risks.contains(&spec.risk))
            && matches
                .direction
                .is_none_or(|direction| direction == spec.direction)
    };
    let rules = || policy.rules.iter().filter(may_match);
    let field = |what, name: &str, help: &str, need| Field {
        what,
        name: name.to_owned(),
        kind: "TEXT".to_owned(),
        help: help.to_owned(),
        need,
        input: line(""),
    };
    let need = |is_wanted| {
        if is_wanted {
            Need::Required
        } else {
            Need::Optional
        }
    };
    let mut asked = Vec::new();
    if !spec.parameters.iter().any(|p| p.name == "reason") {
        let need = need(rules().any(|rule| rule.require.reason));
        asked.push(field(
            FieldKind::Reason,
            "reason",
            "why, for whoever approves or reads it",
            need,
        ));
    }
    if rules().any(|rule| rule.require.ticket) {
        asked.push(field(
            FieldKind::Ticket,
            "ticket",
            "the ticket that it belongs to",
            Need::Required,
        ));
    }
    asked
}

/// The name and the host of whoever sits here.
#[must_use]
pub fn requester(model: &Model) -> Requester {
    model.acting.requester.clone().unwrap_or_else(|| Requester {
        name: Untrusted::line(&model.session.identity.operator),
        host: Untrusted::line(""),
    })
}

/// Keeps the catalogue at hand while the form is changed.
#[must_use]
pub fn catalogue(model: &Model) -> Arc<Catalogue> {
    Arc::clone(&model.acting.catalogue)
}
