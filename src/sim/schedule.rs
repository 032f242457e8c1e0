//! Which alerts are pending or firing at that time, and since when?
//!
//! Nobody writes the alerts down: the rules are evaluated over the series through one telling of the
//! story, once, when the simulation is bound, and again for a telling that a write turns. So what `/alerts` says and what the rules' expressions
//! give cannot differ. Both peers ask this module; it never answers a request itself.

use std::collections::BTreeMap;
use std::ops::Range;

use super::curve::Curve;
use super::labels::{Labels, METRIC_NAME};
use super::promql::{self, Engine, Query, Value};
use super::rule::Rule;
use super::rules;
use super::series::{Life, Series, Store};
use super::story::{CYCLE_MS, RETENTION_MS, SCRAPE_MS};

/// A rule with its parsed expression.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub rule: &'static Rule,
    query: Query,
}

/// A span in which one rule's condition holds for one label set.
#[derive(Debug, Clone)]
struct Occurrence {
    rule: &'static Rule,
    /// The alert's labels, `alertname` and the rule's own included, the external ones not.
    labels: Labels,
    when: When,
    fires_ms: i64,
}

/// In which time an occurrence is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    /// Milliseconds of the story; the same in every telling.
    EachCycle(Range<i64>),
    /// From this time since the start on, usually a negative one, through every telling.
    Standing(i64),
}

/// How far an alert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Firing,
}

/// An alert as it stands at some time. Times are milliseconds since the start.
#[derive(Debug, Clone)]
pub(super) struct Alert<'a> {
    pub rule: &'static Rule,
    pub labels: &'a Labels,
    pub state: State,
    pub active_ms: i64,
    /// When it began to fire, or will.
    pub fires_ms: i64,
}

/// All rules, and all that they will ever say.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    rules: Vec<Parsed>,
    occurrences: Vec<Occurrence>,
    /// What they say in tellings that go otherwise, by the telling's number.
    retold: BTreeMap<i64, Vec<Occurrence>>,
}

impl Schedule {
    /// Evaluates every rule over one telling. A rule that fails has no occurrences; its failure
    /// shows where the rules are listed.
    ///
    /// # Errors
    /// [`promql::Error::Parse`] for a rule that is not PromQL.
    pub(super) fn of(store: &Store, epoch_ms: i64) -> Result<Schedule, promql::Error> {
        let mut rules = Vec::new();
        let mut occurrences = Vec::new();
        for rule in rules::all() {
            let parsed = Parsed {
                rule,
                query: promql::parse(rule.expr)?,
            };
            occurrences.extend(parsed.occurrences(store, epoch_ms));
            rules.push(parsed);
        }
        Ok(Schedule {
            rules,
            occurrences,
            retold: BTreeMap::new(),
        })
    }

    /// In the telling of this number the rules see `store`, in which every telling goes like that one.
    pub(super) fn retell(&mut self, cycle: i64, store: &Store, epoch_ms: i64) {
        let is_of_the_telling = |own: &Occurrence| !own.is_standing();
        let story = self.rules.iter();
        let story = story.filter(|parsed| rules::is_of_the_story(parsed.rule));
        let told = story.flat_map(|parsed| parsed.occurrences(store, epoch_ms));
        let background = self.occurrences.iter();
        let background = background.filter(|own| !rules::is_of_the_story(own.rule));
        let all = told.chain(background.cloned());
        self.retold
            .insert(cycle, all.filter(is_of_the_telling).collect());
    }

    /// Every rule, in the order of the groups.
    pub(super) fn rules(&self) -> &[Parsed] {
        &self.rules
    }

    /// The rule of this name.
    pub(super) fn rule(&self, name: &str) -> Option<&Parsed> {
        self.rules.iter().find(|parsed| parsed.rule.name == name)
    }

    /// The alerts that are pending or firing at a time.
    pub(super) fn alerts(&self, at_ms: i64) -> impl Iterator<Item = Alert<'_>> {
        let retold = self.retold.get(&at_ms.div_euclid(CYCLE_MS));
        self.occurrences
            .iter()
            .filter(move |own| retold.is_none() || matches!(own.when, When::Standing(_)))
            .chain(retold.into_iter().flatten())
            .filter_map(move |occurrence| occurrence.alert(at_ms))
    }

    /// The synthetic `ALERTS` series of what has been scheduled.
    pub(super) fn series(&self) -> impl Iterator<Item = Series> {
        let standing = self.occurrences.iter().filter(|own| own.is_standing());
        let standing = standing.flat_map(|occurrence| {
            let lives = [
                ("pending", occurrence.pending()),
                ("firing", occurrence.firing()),
            ];
            let there = lives
                .into_iter()
                .filter_map(|(state, life)| Some((state, life?)));
            there.map(|(state, life)| alert_series(&occurrence.labels, state, life))
        });
        let told = self.occurrences.iter().filter(|own| !own.is_standing());
        let told: Vec<&Occurrence> = told.collect();
        let mut known: Vec<&Labels> = told.iter().map(|own| &own.labels).collect();
        known.extend(self.retold.values().flatten().map(|own| &own.labels));
        known.sort();
        known.dedup();
        let by_labels = known.into_iter().flat_map(move |labels| {
            let lives = |of: &[&Occurrence]| {
                let own = of.iter().filter(|own| own.labels == *labels);
                let spans: Vec<_> = own.filter_map(|own| own.alert_spans()).collect();
                ["pending", "firing"].map(|state| {
                    let spans = spans.iter().map(|[pending, firing]| match state {
                        "pending" => pending.clone(),
                        _ => firing.clone(),
                    });
                    Life::EachCycle {
                        spans: spans.filter(|span| !span.is_empty()).collect(),
                        history: false,
                    }
                })
            };
            let mut series = ["pending", "firing"]
                .into_iter()
                .zip(lives(&told))
                .map(|(state, life)| alert_series(labels, state, life))
                .collect::<Vec<Series>>();
            for (cycle, retold) in &self.retold {
                let retold: Vec<&Occurrence> = retold.iter().collect();
                for (series, life) in series.iter_mut().zip(lives(&retold)) {
                    let other = Series::gauge(Labels::new(), Curve::flat(1.0), life);
                    series.retell(*cycle, &other);
                }
            }
            series
        });
        standing.chain(by_labels)
    }
}

impl Parsed {
    /// What the rule's expression gives at its last evaluation before `now_ms`, by alert labels.
    ///
    /// # Errors
    /// [`promql::Error::Execution`] as a real rule fails: with the reason that `lastError` shows.
    pub(super) fn values(
        &self,
        store: &Store,
        epoch_ms: i64,
        now_ms: i64,
    ) -> Result<BTreeMap<Labels, f64>, promql::Error> {
        let at_ms = evaluated_ms(now_ms);
        let engine = Engine::new(store, epoch_ms, at_ms);
        Ok(match engine.evaluate(&self.query, at_ms)? {
            Value::Scalar(value) => BTreeMap::from([(self.alert_labels(&Labels::new()), value)]),
            Value::Vector(elements) => elements
                .into_iter()
                .map(|element| (self.alert_labels(&element.labels), element.value))
                .collect(),
        })
    }

    fn alert_labels(&self, sample: &Labels) -> Labels {
        let mut labels = sample.clone();
        labels.remove(METRIC_NAME);
        let own = self
            .rule
            .labels
            .iter()
            .copied()
            .chain([("alertname", self.rule.name)]);
        labels.extend(own.map(|(name, value)| (name.into(), value.into())));
        labels
    }

    fn occurrences(&self, store: &Store, epoch_ms: i64) -> Vec<Occurrence> {
        let active = |at_ms: i64| self.values(store, epoch_ms, at_ms).unwrap_or_default();
        let mut open: BTreeMap<Labels, i64> = BTreeMap::new();
        let mut closed: Vec<(Labels, Range<i64>)> = Vec::new();
        for at_ms in (0..CYCLE_MS).step_by(EVALUATION_STEP) {
            let now = active(at_ms);
            let ended: Vec<Labels> = open
                .keys()
                .filter(|labels| !now.contains_key(*labels))
                .cloned()
                .collect();
            for labels in ended {
                let from = open.remove(&labels).unwrap_or(at_ms);
                closed.push((labels, from..at_ms));
            }
            for labels in now.into_keys() {
                open.entry(labels).or_insert(at_ms);
            }
        }
        let cyclic = closed.into_iter().map(|(labels, span)| {
            let fires_ms = fires_after(self.rule, span.start);
            Occurrence {
                rule: self.rule,
                labels,
                fires_ms,
                when: When::EachCycle(span),
            }
        });
        let standing = open.into_keys().map(|labels| {
            let from = first_active(&labels, active);
            let fires_ms = fires_after(self.rule, from);
            Occurrence {
                rule: self.rule,
                labels,
                fires_ms,
                when: When::Standing(from),
            }
        });
        cyclic.chain(standing).collect()
    }
}

/// Rules are evaluated on the scrape grid.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "2,000 fits"
)]
const EVALUATION_STEP: usize = SCRAPE_MS as usize;

/// When rules were last evaluated.
pub(super) fn evaluated_ms(now_ms: i64) -> i64 {
    now_ms.div_euclid(SCRAPE_MS) * SCRAPE_MS
}

/// The first evaluation at which the condition has held long enough.
fn fires_after(rule: &Rule, active_ms: i64) -> i64 {
    let due = active_ms + rule.hold_secs * 1000;
    -(-due).div_euclid(SCRAPE_MS) * SCRAPE_MS
}

/// When a condition that holds at the opening began to hold, if it did so once and for good.
fn first_active(labels: &Labels, active: impl Fn(i64) -> BTreeMap<Labels, f64>) -> i64 {
    let (mut before, mut after) = (-RETENTION_MS, 0);
    if active(before).contains_key(labels) {
        return before;
    }
    while after - before > SCRAPE_MS {
        let middle = evaluated_ms(i64::midpoint(before, after));
        if active(middle).contains_key(labels) {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

impl Occurrence {
    fn alert(&self, at_ms: i64) -> Option<Alert<'_>> {
        let (opens, active_ms) = match &self.when {
            When::Standing(from) => (0, *from),
            When::EachCycle(span) => {
                let opens = at_ms.div_euclid(CYCLE_MS) * CYCLE_MS;
                let there = at_ms >= 0 && span.contains(&evaluated_ms(at_ms - opens));
                (opens, there.then_some(span.start + opens)?)
            }
        };
        let fires_ms = self.fires_ms + opens;
        let state = if at_ms >= fires_ms {
            State::Firing
        } else {
            State::Pending
        };
        let alert = Alert {
            rule: self.rule,
            labels: &self.labels,
            state,
            active_ms,
            fires_ms,
        };
        (at_ms >= active_ms).then_some(alert)
    }

    fn is_standing(&self) -> bool {
        matches!(self.when, When::Standing(_))
    }

    /// When `ALERTS` says pending and firing, in milliseconds of the story. None for what stands.
    fn alert_spans(&self) -> Option<[Range<i64>; 2]> {
        match &self.when {
            When::Standing(_) => None,
            When::EachCycle(span) => {
                let fires_ms = self.fires_ms.min(span.end);
                Some([span.start..fires_ms, fires_ms..span.end])
            }
        }
    }

    /// When `ALERTS` says pending.
    fn pending(&self) -> Option<Life> {
        match &self.when {
            When::Standing(from) => life_once(*from..self.fires_ms),
            When::EachCycle(_) => None,
        }
    }

    /// When `ALERTS` says firing.
    fn firing(&self) -> Option<Life> {
        match &self.when {
            When::Standing(_) => life_once(self.fires_ms..i64::MAX),
            When::EachCycle(_) => None,
        }
    }
}

fn life_once(span: Range<i64>) -> Option<Life> {
    (!span.is_empty()).then_some(Life::Once(span))
}

/// One of the synthetic `ALERTS` series.
fn alert_series(labels: &Labels, state: &str, life: Life) -> Series {
    let mut labels = labels.clone();
    labels.insert(METRIC_NAME.into(), "ALERTS".into());
    labels.insert("alertstate".into(), state.into());
    Series::gauge(labels, Curve::flat(1.0), life)
}
