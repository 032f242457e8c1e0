//! Which SLOs do the documents of `openslo/v1` define?
//!
//! Called by [`super::batch`] with all such documents of all files at once, as they refer to each
//! other by name ([`super::names`]). An SLO with several objectives becomes several SLOs.

use std::collections::BTreeSet;

use super::fields::{Fields, Text};
use super::merge::{Definition, WindowIs};
use super::names::{Names, Object, ObjectKind, Sli, named};
use super::report::{Cautions, Report, Subject, quoted};
use super::sli::Measure;
use super::{objective, window};
use crate::domain::label::Labels;
use crate::domain::nearest::nearest;
use crate::domain::slo::{
    BudgetMethod, BudgetWindow, Comparison, FileFormat, Indicator, Origin, Slo, SloId,
};
use crate::domain::text::Untrusted;

/// What Kubernetes adds to the metadata of what it keeps.
const KUBERNETES: &[&str] = &[
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "managedFields",
    "ownerReferences",
    "finalizers",
];

/// Reads all SLOs.
pub(super) fn read<'n>(
    objects: &[Object<'n>],
    paths: &'n [Untrusted],
    report: &mut Report,
) -> Vec<Definition> {
    let names = Names::of(objects, paths, report);
    let slos = objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Slo);
    slos.flat_map(|object| slo(object, &names, report))
        .collect()
}

/// What all objectives of an SLO share. What is None is wrong, which was said.
struct Shared<'a, 'n> {
    names: &'a Names<'n>,
    spec: &'a Fields<'n>,
    indicator: SharedIndicator,
    method: Option<MethodName>,
    window: Option<BudgetWindow>,
}

/// The indicator that is not an objective's own.
enum SharedIndicator {
    Absent,
    Wrong,
    Is(Sli),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MethodName {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

fn slo<'n>(object: &Object<'n>, names: &Names<'n>, report: &mut Report) -> Vec<Definition> {
    let Some((name, fields)) = named(object, report) else {
        return Vec::new();
    };
    let mut own = Report::default();
    let read = one(&name, &fields, names, &mut own);
    let cautions = report.absorb(own, &Subject::slo(Some(name.value)));
    let Some(read) = read else {
        return Vec::new();
    };
    let at = object.document.at;
    let path = names.paths.get(at.file).cloned();
    let origin = Origin::File {
        path: path.unwrap_or_else(|| Untrusted::line("")),
        line: at.place.line,
        format: FileFormat::OpenSlo,
    };
    let definition = |objective: ReadObjective| Definition {
        slo: Slo {
            id: SloId {
                service: read.service.clone(),
                name: objective.name,
                group: Labels::default(),
            },
            summary: read.summary.clone(),
            objective: objective.target,
            window: read.window,
            method: objective.method,
            indicator: objective.indicator,
            group_by: Vec::new(),
            labels: read.labels.clone(),
            origins: vec![origin.clone()],
            cautions: cautions.clone().and(&objective.cautions).told(names.paths),
        },
        at,
        name_at: name.at,
        window_is: read.window_is,
    };
    read.objectives.into_iter().map(definition).collect()
}

/// A document that defines one SLO, or several.
struct ReadSlo {
    service: Option<Untrusted>,
    summary: Option<Untrusted>,
    labels: Labels,
    window: BudgetWindow,
    window_is: WindowIs,
    objectives: Vec<ReadObjective>,
}

struct ReadObjective {
    name: Untrusted,
    target: f64,
    method: BudgetMethod,
    indicator: Indicator,
    cautions: Cautions,
}

fn one<'n>(
    name: &Text<'n>,
    fields: &Fields<'n>,
    names: &Names<'n>,
    report: &mut Report,
) -> Option<ReadSlo> {
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    fields.pass_over_all_but(&known, report);
    let metadata = fields.fields("metadata", report)?;
    let known = ["name", "displayName", "labels", "annotations"];
    metadata.pass_over_all_but(&[&known, KUBERNETES].concat(), report);
    let spec = fields.needed_fields("spec", report)?;
    let known = [
        "description",
        "service",
        "indicator",
        "indicatorRef",
        "timeWindow",
        "budgetingMethod",
        "objectives",
        "alertPolicies",
    ];
    spec.pass_over_all_but(&known, report);
    names.look_at_policies(&spec, report);
    let summary = spec
        .line("description", report)
        .or_else(|| metadata.line("displayName", report));
    let service = spec.line("service", report);
    let labels = Labels::new(metadata.labels("labels", report));
    let window = time_window(&spec, report);
    let method = method_name(&spec, report);
    let has_own = spec.get("indicator").is_some() || spec.get("indicatorRef").is_some();
    let indicator = match names.indicator(&spec, report) {
        _ if !has_own => SharedIndicator::Absent,
        Some(sli) if sli.measure.is_some() => SharedIndicator::Is(sli),
        _ => SharedIndicator::Wrong,
    };
    let objectives = spec.needed_items("objectives", report)?;
    let shared = Shared {
        names,
        spec: &spec,
        indicator,
        method,
        window: window.map(|(window, _)| window),
    };
    let count = objectives.len();
    let mut taken = BTreeSet::new();
    let mut read = Vec::new();
    for (number, value) in objectives.iter().enumerate() {
        let Some(fields) = value.fields(report) else {
            continue;
        };
        let suffix = (count > 1).then(|| suffix(&fields, number, &mut taken, report));
        let own_name = match suffix {
            Some(suffix) => format!("{}/{suffix}", name.value),
            None => name.value.to_owned(),
        };
        let mut own = Report::default();
        let objective = shared.objective(&fields, Untrusted::line(&own_name), &mut own);
        let cautions = report.absorb(own, &Subject::default());
        if let Some(mut objective) = objective {
            objective.cautions = objective.cautions.and(&cautions);
            read.push(objective);
        }
    }
    let (window, window_is) = window?;
    Some(ReadSlo {
        service,
        summary,
        labels,
        window,
        window_is,
        objectives: read,
    })
}

/// What tells an objective from the others of its SLO: its own name, or its number.
fn suffix(
    fields: &Fields<'_>,
    number: usize,
    taken: &mut BTreeSet<String>,
    report: &mut Report,
) -> String {
    let own = fields.text("displayName", report);
    let own = own.map(|text| text.value.to_owned());
    let own = own.filter(|own| !own.is_empty());
    let numbers = (number + 1..).map(|number| number.to_string());
    let mut free = own.into_iter().chain(numbers);
    let suffix = free.find(|suffix| !taken.contains(suffix));
    let suffix = suffix.unwrap_or_default();
    taken.insert(suffix.clone());
    suffix
}

fn time_window(spec: &Fields<'_>, report: &mut Report) -> Option<(BudgetWindow, WindowIs)> {
    let Some(windows) = spec.get("timeWindow") else {
        let what = "`spec.timeWindow` is missing: 30 days, rolling, are measured";
        report.caution(spec.at(), what);
        return Some((window::USUAL, WindowIs::Assumed));
    };
    let items = windows.items(report)?;
    let [item] = items.as_slice() else {
        let what = format!("`spec.timeWindow` has {} items", items.len());
        report.problem(windows.at, what, "leave exactly one window there");
        return None;
    };
    let fields = item.fields(report)?;
    Some((window::time_window(&fields, report)?, WindowIs::Written))
}

fn method_name(spec: &Fields<'_>, report: &mut Report) -> Option<MethodName> {
    const NAMES: [(&str, MethodName); 3] = [
        ("Occurrences", MethodName::Occurrences),
        ("Timeslices", MethodName::Timeslices),
        ("RatioTimeslices", MethodName::RatioTimeslices),
    ];
    let Some(value) = spec.get("budgetingMethod") else {
        return Some(MethodName::Occurrences);
    };
    one_of(&value.text(report)?, NAMES, report)
}

/// One of several words, in whatever case.
fn one_of<T: Copy, const N: usize>(
    text: &Text<'_>,
    words: [(&'static str, T); N],
    report: &mut Report,
) -> Option<T> {
    let found = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text.value));
    if let Some((_, meaning)) = found {
        return Some(*meaning);
    }
    let names = words.map(|(word, _)| word);
    let what = format!("{} is {}", quoted(&text.path), quoted(text.value));
    let all = names.join(", ");
    let next_step = match nearest(text.value, names) {
        Some(near) => format!("is `{near}` meant? It is one of {all}"),
        None => format!("write one of {all}"),
    };
    report.problem(text.at, what, next_step);
    None
}

impl<'n> Shared<'_, 'n> {
    fn objective(
        &self,
        fields: &Fields<'n>,
        name: Untrusted,
        report: &mut Report,
    ) -> Option<ReadObjective> {
        let known = [
            "displayName",
            "op",
            "value",
            "target",
            "targetPercent",
            "timeSliceTarget",
            "timeSliceWindow",
            "indicator",
            "indicatorRef",
            "compositeWeight",
        ];
        fields.pass_over_all_but(&known, report);
        if fields.get("compositeWeight").is_some() {
            let what = "`compositeWeight` is not read: each objective is an SLO of its own";
            report.caution(fields.at_name("compositeWeight"), what);
        }
        let target = target(fields, report);
        let method = self.method(fields, report);
        let sli = self.sli_for(fields, report)?;
        let indicator = match sli.measure? {
            Measure::Events {
                part_is,
                part,
                total,
            } => Indicator::Events {
                part_is,
                part,
                total,
            },
            Measure::Ratio { of, query } => Indicator::Ratio { of, query },
            Measure::Threshold { query } => {
                let op = fields.needed_text("op", report);
                let op = op.and_then(|text| comparison(&text, report));
                let value = fields.needed_text("value", report);
                let value = value.and_then(|text| objective::number(&text, report));
                Indicator::Threshold {
                    query,
                    good_when: op?,
                    value: value?,
                }
            }
        };
        Some(ReadObjective {
            name,
            target: target?,
            method: method?,
            indicator,
            cautions: sli.cautions,
        })
    }

    fn sli_for(&self, fields: &Fields<'n>, report: &mut Report) -> Option<Sli> {
        let own_at = ["indicator", "indicatorRef"]
            .into_iter()
            .find_map(|key| Some(fields.get(key)?.at));
        match (&self.indicator, own_at) {
            (SharedIndicator::Is(_) | SharedIndicator::Wrong, Some(at)) => {
                let what = "the objective has an indicator of its own beside that of the SLO";
                report.problem(at, what, "remove one of them");
                None
            }
            (SharedIndicator::Is(sli), None) => Some(sli.clone()),
            (SharedIndicator::Wrong, None) => None,
            (SharedIndicator::Absent, Some(_)) => self.names.indicator(fields, report),
            (SharedIndicator::Absent, None) => {
                let what = format!(
                    "{} has neither `indicator` nor `indicatorRef`",
                    self.spec.told()
                );
                let next_step = "name an SLI with `indicatorRef`, or write one in `indicator`";
                report.problem(self.spec.at(), what, next_step);
                None
            }
        }
    }

    fn method(&self, fields: &Fields<'n>, report: &mut Report) -> Option<BudgetMethod> {
        let method = self.method?;
        if method == MethodName::Occurrences {
            return Some(BudgetMethod::Occurrences);
        }
        let slice = fields.needed_text("timeSliceWindow", report);
        let slice = slice.and_then(|text| window::slice_secs(&text, self.window?, report));
        if method == MethodName::RatioTimeslices {
            return Some(BudgetMethod::RatioTimeslices { slice_secs: slice? });
        }
        let target = fields.needed_text("timeSliceTarget", report)?;
        let share = objective::number(&target, report)?;
        if share <= 0.0 || share > 1.0 {
            let what = format!(
                "{} is {}, but it lies above 0 and up to 1",
                quoted(&target.path),
                quoted(target.value)
            );
            report.problem(target.at, what, "write a share such as 0.95");
            return None;
        }
        Some(BudgetMethod::Timeslices {
            slice_secs: slice?,
            target: share,
        })
    }
}

fn target(fields: &Fields<'_>, report: &mut Report) -> Option<f64> {
    match (fields.get("target"), fields.get("targetPercent")) {
        (Some(_), Some(percent)) => {
            let what = format!("{} stands beside a `target`", quoted(&percent.path));
            report.problem(percent.at, what, "keep one of the two");
            None
        }
        (None, Some(percent)) => objective::percent(&percent.text(report)?, report),
        _ => objective::share(&fields.needed_text("target", report)?, report),
    }
}

fn comparison(text: &Text<'_>, report: &mut Report) -> Option<Comparison> {
    const WORDS: [(&str, Comparison); 4] = [
        ("lt", Comparison::Lt),
        ("lte", Comparison::Lte),
        ("gt", Comparison::Gt),
        ("gte", Comparison::Gte),
    ];
    one_of(text, WORDS, report)
}
