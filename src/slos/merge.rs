//! Which definitions speak of the same SLO, and what is said when they disagree?
//!
//! The same service and name make the same SLO; a definition without a service joins the one of its
//! name that has one. The first definition counts. Two of one format that say different things are a
//! problem, as one of them was written by mistake; two formats that differ are a caution.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{At, Report, quoted};
use super::{objective, window};
use crate::domain::slo::{BudgetMethod, FileFormat, Indicator, Origin, Query, Slo};
use crate::domain::text::Untrusted;

/// Whether a window was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowIs {
    /// The file says so.
    Written,
    /// It does not: any other definition knows better.
    Assumed,
}

/// An SLO as one document defines it.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) slo: Slo,
    /// Where it begins.
    pub(super) at: At,
    /// Where it is named.
    pub(super) name_at: At,
    pub(super) window_is: WindowIs,
}

impl Definition {
    fn format(&self) -> Option<FileFormat> {
        self.slo.origins.first().and_then(|origin| match origin {
            Origin::File { format, .. } => Some(*format),
            Origin::Recorded { .. } => None,
        })
    }
}

/// Several definitions of one SLO, the one that counts first.
struct Group {
    first: Definition,
    others: Vec<Definition>,
}

type Key = (Option<Untrusted>, Untrusted);

/// Makes one SLO of all definitions of it, in the order of the first ones.
pub(super) fn merge(
    mut definitions: Vec<Definition>,
    paths: &[Untrusted],
    report: &mut Report,
) -> Vec<Slo> {
    definitions.sort_by_key(|definition| definition.at);
    let mut services: BTreeMap<Untrusted, BTreeSet<Untrusted>> = BTreeMap::new();
    for Definition { slo, .. } in &definitions {
        if let Some(service) = &slo.id.service {
            let known = services.entry(slo.id.name.clone()).or_default();
            known.insert(service.clone());
        }
    }
    let only_service = |name: &Untrusted| {
        let known = services.get(name).filter(|known| known.len() == 1)?;
        known.first().cloned()
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut known: BTreeMap<Key, usize> = BTreeMap::new();
    for mut definition in definitions {
        let id = &mut definition.slo.id;
        if id.service.is_none() {
            id.service = only_service(&id.name);
        }
        let key = (id.service.clone(), id.name.clone());
        match known.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some(group) => group.add(definition, paths, report),
            None => {
                known.insert(key, groups.len());
                groups.push(Group {
                    first: definition,
                    others: Vec::new(),
                });
            }
        }
    }
    groups.into_iter().map(Group::into_slo).collect()
}

/// Adds SLOs that count only where nobody else defines them.
pub(super) fn add_weaker(slos: &mut Vec<Slo>, weaker: Vec<Slo>) {
    for slo in weaker {
        let same = slos.iter_mut().find(|known| {
            known.id.name == slo.id.name
                && (known.id.service == slo.id.service || known.id.service.is_none())
        });
        match same {
            Some(known) => known.origins.extend(slo.origins),
            None => slos.push(slo),
        }
    }
}

impl Group {
    fn add(&mut self, definition: Definition, paths: &[Untrusted], report: &mut Report) {
        let earlier = std::iter::once(&self.first).chain(&self.others);
        let mut of_this_format = earlier.filter(|known| known.format() == definition.format());
        let Some(twin) = of_this_format.next() else {
            self.others.push(definition);
            return;
        };
        if says_the_same(&twin.slo, &definition.slo) {
            self.others.push(definition);
            return;
        }
        let id = &definition.slo.id;
        let service = match &id.service {
            Some(service) => format!(" of {}", quoted(service.raw())),
            None => String::new(),
        };
        let path = paths.get(twin.at.file).map_or("", Untrusted::shown);
        let what = format!(
            "the SLO {}{service} is defined a second time, and differently from {path}:{}",
            quoted(id.name.raw()),
            twin.at.place.line
        );
        let namespaces = [&twin.slo, &definition.slo].map(|slo| slo.labels.get("namespace"));
        let next_step = match (namespaces, definition.format()) {
            // Pyrra tells them apart by it, and gives them no service.
            ([ours, theirs], Some(FileFormat::Pyrra)) if ours != theirs => {
                "label each with its `pyrra.dev/service`, so that they are told apart: the first \
                 counts"
            }
            _ => "rename one of them, or remove one: the first counts",
        };
        report.problem(definition.name_at, what, next_step);
    }

    fn into_slo(self) -> Slo {
        let Group { first, others } = self;
        let mut window_is = first.window_is;
        let mut slo = first.slo;
        // The one whose window counts, for the words when another disagrees.
        let mut window_from = slo.origins.first().cloned();
        for other in others {
            let theirs = other.slo;
            let from = theirs.origins.first().cloned();
            if far(slo.objective, theirs.objective) {
                let first = (in_percent(slo.objective), slo.origins.first());
                let other = (in_percent(theirs.objective), from.as_ref());
                slo.cautions.push(disagree(&first, &other));
            }
            let is_written = other.window_is == WindowIs::Written;
            if is_written && window_is == WindowIs::Assumed {
                slo.window = theirs.window;
                window_is = WindowIs::Written;
                window_from.clone_from(&from);
            } else if is_written && slo.window != theirs.window {
                let first = (window::in_words(slo.window), window_from.as_ref());
                let other = (window::in_words(theirs.window), from.as_ref());
                slo.cautions.push(disagree(&first, &other));
            }
            if matches!(slo.indicator, Indicator::Recorded) {
                slo.indicator = theirs.indicator;
                slo.group_by = theirs.group_by;
            }
            slo.summary = slo.summary.or(theirs.summary);
            for caution in theirs.cautions {
                if !slo.cautions.contains(&caution) {
                    slo.cautions.push(caution);
                }
            }
            slo.origins.extend(theirs.origins);
        }
        slo
    }
}

/// What an origin says, and which one.
type Saying<'a> = (String, Option<&'a Origin>);

fn disagree(first: &Saying<'_>, other: &Saying<'_>) -> Untrusted {
    let place = |origin: Option<&Origin>| match origin {
        Some(Origin::File { path, line, .. }) => format!("{path}:{line}"),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Untrusted::line(&format!(
        "origins disagree: {} in {}, {} in {}",
        first.0,
        place(first.1),
        other.0,
        place(other.1)
    ))
}

fn in_percent(share: f64) -> String {
    format!("{}%", objective::in_short(share * 100.0))
}

/// Whether two numbers differ by more than what writing them down may cost.
fn far(a: f64, b: f64) -> bool {
    (a - b).abs() > 1e-9 * a.abs().max(b.abs())
}

fn says_the_same(a: &Slo, b: &Slo) -> bool {
    !far(a.objective, b.objective)
        && a.window == b.window
        && same_method(a.method, b.method)
        && same_indicator(&a.indicator, &b.indicator)
        && a.group_by == b.group_by
}

fn same_method(a: BudgetMethod, b: BudgetMethod) -> bool {
    match (a, b) {
        (
            BudgetMethod::Timeslices { slice_secs, target },
            BudgetMethod::Timeslices {
                slice_secs: secs,
                target: share,
            },
        ) => slice_secs == secs && !far(target, share),
        (a, b) => a == b,
    }
}

fn same_indicator(a: &Indicator, b: &Indicator) -> bool {
    // Line and data source may differ: it is the query that counts.
    let same = |a: &Query, b: &Query| a.text == b.text && a.metric == b.metric;
    match (a, b) {
        (
            Indicator::Events {
                part_is,
                part,
                total,
            },
            Indicator::Events {
                part_is: is,
                part: theirs,
                total: all,
            },
        ) => part_is == is && same(part, theirs) && same(total, all),
        (
            Indicator::Ratio { of, query },
            Indicator::Ratio {
                of: theirs,
                query: q,
            },
        ) => of == theirs && same(query, q),
        (
            Indicator::Threshold {
                query,
                good_when,
                value,
            },
            Indicator::Threshold {
                query: q,
                good_when: when,
                value: bound,
            },
        ) => same(query, q) && good_when == when && !far(*value, *bound),
        (
            Indicator::NativeLatency {
                histogram,
                at_most_secs,
            },
            Indicator::NativeLatency {
                histogram: h,
                at_most_secs: secs,
            },
        ) => same(histogram, h) && !far(*at_most_secs, *secs),
        (Indicator::Probe { gauge }, Indicator::Probe { gauge: g }) => same(gauge, g),
        (Indicator::Recorded, Indicator::Recorded) => true,
        _ => false,
    }
}
