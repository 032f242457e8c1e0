//! What do the documents of `openslo/v1` define by name, for others to refer to?
//!
//! Called by [`super::openslo`]. Alert policies are read over, as quell judges by its own; only what
//! would mislead is said of them. Indicators are read by [`super::sli`].

use std::collections::BTreeMap;

use super::fields::{Fields, Text, Value};
use super::report::{At, Cautions, Report, Subject, quoted};
use super::sli::{DataSources, Measure, measure};
use crate::domain::nearest::nearest;
use crate::domain::text::Untrusted;

/// A document's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Slo,
    Sli,
    DataSource,
    AlertPolicy,
    AlertCondition,
    /// Known, and of no use here: services, notification targets, adjustments.
    Other,
}

impl ObjectKind {
    /// All kinds of the specification.
    pub(super) const NAMES: [(&'static str, ObjectKind); 8] = [
        ("SLO", Self::Slo),
        ("SLI", Self::Sli),
        ("DataSource", Self::DataSource),
        ("AlertPolicy", Self::AlertPolicy),
        ("AlertCondition", Self::AlertCondition),
        ("AlertNotificationTarget", Self::Other),
        ("Service", Self::Other),
        ("BudgetAdjustment", Self::Other),
    ];
}

/// A document with its kind.
pub(super) struct Object<'n> {
    pub(super) kind: ObjectKind,
    pub(super) document: Value<'n>,
}

/// What the documents define by name.
pub(super) struct Names<'n> {
    /// Of all files.
    pub(super) paths: &'n [Untrusted],
    slis: BTreeMap<&'n str, Sli>,
    data_sources: DataSources<'n>,
    policies: BTreeMap<&'n str, Fields<'n>>,
    conditions: BTreeMap<&'n str, Fields<'n>>,
}

/// An indicator by name, and what is to be known of it.
#[derive(Clone)]
pub(super) struct Sli {
    at: At,
    /// None if it is wrong, which was said.
    pub(super) measure: Option<Measure>,
    pub(super) cautions: Cautions,
}

/// A document's name and fields.
pub(super) fn named<'n>(
    object: &Object<'n>,
    report: &mut Report,
) -> Option<(Text<'n>, Fields<'n>)> {
    let fields = object.document.fields(report)?;
    let metadata = fields.needed_fields("metadata", report)?;
    let name = metadata.needed_text("name", report)?;
    Some((name, fields))
}

impl<'n> Names<'n> {
    /// Collects what all documents define.
    pub(super) fn of(objects: &[Object<'n>], paths: &'n [Untrusted], report: &mut Report) -> Self {
        let mut names = Self {
            paths,
            slis: BTreeMap::new(),
            data_sources: DataSources::default(),
            policies: BTreeMap::new(),
            conditions: BTreeMap::new(),
        };
        let mut slis = Vec::new();
        for object in objects {
            match object.kind {
                ObjectKind::Slo | ObjectKind::Other => {}
                // They name data sources, which may come after them.
                ObjectKind::Sli => slis.push(object),
                ObjectKind::DataSource | ObjectKind::AlertPolicy | ObjectKind::AlertCondition => {
                    names.add(object, report);
                }
            }
        }
        for object in slis {
            names.add_sli(object, report);
        }
        names
    }

    fn add(&mut self, object: &Object<'n>, report: &mut Report) {
        let Some((name, fields)) = named(object, report) else {
            return;
        };
        match object.kind {
            ObjectKind::DataSource => self.data_sources.add(&name, &fields, report),
            ObjectKind::AlertPolicy => {
                self.policies.entry(name.value).or_insert(fields);
            }
            ObjectKind::AlertCondition => {
                self.conditions.entry(name.value).or_insert(fields);
            }
            ObjectKind::Slo | ObjectKind::Sli | ObjectKind::Other => {}
        }
    }

    fn add_sli(&mut self, object: &Object<'n>, report: &mut Report) {
        let Some((name, fields)) = named(object, report) else {
            return;
        };
        if let Some(first) = self.slis.get(name.value) {
            let path = self.paths.get(first.at.file).map_or("", Untrusted::shown);
            let what = format!(
                "a second SLI has the name {}; the first is in {path}:{}",
                quoted(name.value),
                first.at.place.line
            );
            report.problem(name.at, what, "rename one of them, or remove one");
            return;
        }
        let mut own = Report::default();
        let spec = fields.needed_fields("spec", &mut own);
        let measure = spec.and_then(|spec| measure(&spec, &self.data_sources, &mut own));
        let sli = Sli {
            at: name.at,
            measure,
            cautions: report.absorb(own, &Subject::sli(name.value)),
        };
        self.slis.insert(name.value, sli);
    }

    /// The indicator that `indicator` or `indicatorRef` gives. None within if it is wrong.
    pub(super) fn indicator(&self, fields: &Fields<'n>, report: &mut Report) -> Option<Sli> {
        let inline = fields.get("indicator");
        let by_name = fields.text("indicatorRef", report);
        match (inline, by_name) {
            (Some(_), Some(name)) => {
                let what = format!(
                    "{} stands beside an `indicator` of its own",
                    quoted(&name.path)
                );
                report.problem(name.at, what, "keep one of the two");
                None
            }
            (Some(inline), None) => {
                let inline = inline.fields(report)?;
                inline.pass_over_all_but(&["metadata", "spec"], report);
                let spec = inline.needed_fields("spec", report)?;
                Some(Sli {
                    at: inline.at(),
                    measure: Some(measure(&spec, &self.data_sources, report)?),
                    cautions: Cautions::default(),
                })
            }
            (None, Some(name)) => self.sli(&name, report),
            (None, None) => None,
        }
    }

    fn sli(&self, name: &Text<'n>, report: &mut Report) -> Option<Sli> {
        let Some(sli) = self.slis.get(name.value) else {
            let what = format!(
                "{} names the SLI {}, which none of the files define",
                quoted(&name.path),
                quoted(name.value)
            );
            let next_step = match nearest(name.value, self.slis.keys().copied()) {
                Some(near) => format!("is {} meant?", quoted(near)),
                None => "add a document of `kind: SLI` with this name".to_owned(),
            };
            report.problem(name.at, what, next_step);
            return None;
        };
        if sli.measure.is_none() {
            let what = format!(
                "{} names the SLI {}, which cannot be used",
                quoted(&name.path),
                quoted(name.value)
            );
            report.problem(name.at, what, "correct the SLI, which is a problem too");
        }
        Some(sli.clone())
    }

    /// What is odd about an SLO's alert policies. They are not obeyed here, whatever they say.
    pub(super) fn look_at_policies(&self, spec: &Fields<'n>, report: &mut Report) {
        let Some(policies) = spec.get("alertPolicies") else {
            return;
        };
        for policy in policies.items(report).into_iter().flatten() {
            let Some(policy) = Self::at_hand(&policy, "alertPolicyRef", &self.policies) else {
                continue;
            };
            let silent = &mut Report::default();
            let conditions = policy
                .fields("spec", silent)
                .and_then(|spec| spec.get("conditions"))
                .and_then(|conditions| conditions.items(silent));
            for condition in conditions.into_iter().flatten() {
                let condition = Self::at_hand(&condition, "conditionRef", &self.conditions);
                let condition = condition
                    .and_then(|condition| condition.fields("spec", silent))
                    .and_then(|spec| spec.fields("condition", silent));
                let Some(op) = condition.and_then(|condition| condition.text("op", silent)) else {
                    continue;
                };
                if ["lt", "lte"].contains(&op.value) {
                    let what = format!(
                        "an alert condition has `op: {}`, which would alert while the burn is low: \
                         quell reads no alert conditions and burns by its own policies",
                        op.value
                    );
                    report.caution(op.at, what);
                }
            }
        }
    }

    /// What is written here, or what its name refers to.
    fn at_hand(
        value: &Value<'n>,
        reference: &str,
        known: &BTreeMap<&'n str, Fields<'n>>,
    ) -> Option<Fields<'n>> {
        let silent = &mut Report::default();
        if value.is_text() {
            return known.get(value.text(silent)?.value).cloned();
        }
        let fields = value.fields(silent)?;
        match fields.text(reference, silent) {
            Some(name) => known.get(name.value).cloned(),
            None => Some(fields),
        }
    }
}
