//! Which metric does a file mean on this platform?
//!
//! The config gives a selector for a metric's name; it takes the place of that name in every query.
//! Used by [`super::tree`]. It asks nobody.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};

use super::promql;
use crate::domain::slo::SloProblem;
use crate::domain::text::Untrusted;

/// The series of a classic histogram go by the name of all of it.
const SUFFIXES: [&str; 3] = ["_bucket", "_count", "_sum"];

/// Names and what stands for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides(Vec<(String, VectorSelector)>);

impl Overrides {
    /// Reads the pairs of the config.
    pub(super) fn read(metrics: &[(String, String)]) -> (Self, Vec<SloProblem>) {
        let mut known = Vec::new();
        let mut problems = Vec::new();
        for (name, text) in metrics {
            match promql::read(text) {
                Ok(Expr::VectorSelector(selector))
                    if selector.offset.is_none() && selector.at.is_none() =>
                {
                    known.push((name.clone(), selector));
                }
                Ok(_) => problems.push(problem(name, text, "it is no selector")),
                Err(why) => problems.push(problem(name, text, &why)),
            }
        }
        (Self(known), problems)
    }

    /// Puts the selectors in place of the names.
    pub(super) fn apply(&self, expr: &mut Expr) {
        if self.0.is_empty() {
            return;
        }
        match expr {
            Expr::VectorSelector(selector) => self.replace(selector),
            Expr::MatrixSelector(range) => self.replace(&mut range.vs),
            _ => {
                for child in promql::children_mut(expr) {
                    self.apply(child);
                }
            }
        }
    }

    fn replace(&self, selector: &mut VectorSelector) {
        let Some(name) = promql::metric_name(selector) else {
            return;
        };
        let with = |wanted: &dyn Fn(&str) -> bool| {
            self.0.iter().find_map(|(known, own)| {
                let suffix = name.strip_prefix(known.as_str())?;
                wanted(suffix).then(|| (own, suffix.to_owned()))
            })
        };
        let found = with(&str::is_empty).or_else(|| with(&|suffix| SUFFIXES.contains(&suffix)));
        let Some((own, suffix)) = found else { return };
        let is_name = |matcher: &Matcher| matcher.name == "__name__";
        let matchers = &mut selector.matchers.matchers;
        if let Some(new) = promql::metric_name(own) {
            matchers.retain(|matcher| !is_name(matcher));
            // A name of any characters is one as a matcher.
            let new = format!("{new}{suffix}");
            let is_plain = own.name.is_some();
            selector.name = is_plain.then(|| new.clone());
            if !is_plain {
                matchers.push(Matcher::new(MatchOp::Equal, "__name__", &new));
            }
        }
        let more = own.matchers.matchers.iter().filter(|m| !is_name(m));
        matchers.extend(more.cloned());
    }
}

fn problem(name: &str, text: &str, why: &str) -> SloProblem {
    SloProblem {
        path: Untrusted::line("config"),
        line: 0,
        column: 0,
        what: Untrusted::line(&format!("slo metric `{name}`: `{text}`: {why}")),
        next_step: Untrusted::line("write a selector, such as http_requests_total{job=\"api\"}"),
    }
}
