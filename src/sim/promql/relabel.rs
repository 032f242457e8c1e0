//! What does `label_replace` make of a label set?
//!
//! The pattern is compiled once for a run and applied to every element.

use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use promql_parser::parser::{Call, Expr};
use regex::Regex;

use super::super::labels::{METRIC_NAME, value_of};
use super::run::Run;
use super::{Element, Error, Outcome, distinct, unsupported};

/// One `label_replace`: which label it writes, from what.
#[derive(Debug)]
pub(super) struct Replacement {
    target: String,
    template: String,
    source: String,
    pattern: Regex,
}

impl Run<'_, '_> {
    pub(super) fn label_replace(&self, call: &Call, at_ms: i64) -> Outcome<Vec<Element>> {
        let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
        let [inner, target, template, source, pattern] = arguments.as_slice() else {
            return Err(unsupported("label_replace without five arguments"));
        };
        let known = self
            .replacements
            .borrow()
            .get(&ptr::from_ref(call))
            .cloned();
        let replacement = match known {
            Some(known) => known,
            None => {
                let compiled = Rc::new(Replacement::new([target, template, source, pattern])?);
                let mut all = self.replacements.borrow_mut();
                all.insert(ptr::from_ref(call), Rc::clone(&compiled));
                compiled
            }
        };
        let mut elements = self.vector(inner, at_ms, "call to function \"label_replace\"")?;
        for element in &mut elements {
            replacement.apply(element);
        }
        distinct(elements)
    }
}

impl Replacement {
    fn new([target, template, source, pattern]: [&Expr; 4]) -> Outcome<Replacement> {
        let pattern = text(pattern)?;
        let replacement = Replacement {
            target: text(target)?.to_owned(),
            template: text(template)?.to_owned(),
            source: text(source)?.to_owned(),
            pattern: Regex::new(&format!("^(?:{pattern})$")).map_err(|_| {
                Error::Execution(format!(
                    "invalid regular expression in label_replace(): {pattern}"
                ))
            })?,
        };
        if !is_label_name(&replacement.target) {
            return Err(Error::Execution(format!(
                "invalid destination label name in label_replace(): {}",
                replacement.target
            )));
        }
        Ok(replacement)
    }

    /// An element whose source the pattern does not match stays as it is; an empty result takes the
    /// label away.
    fn apply(&self, element: &mut Element) {
        let Some(captures) = self
            .pattern
            .captures(value_of(&element.labels, &self.source))
        else {
            return;
        };
        let mut value = String::new();
        captures.expand(&self.template, &mut value);
        let labels = Arc::make_mut(&mut element.labels);
        if value.is_empty() {
            labels.remove(self.target.as_str());
        } else {
            labels.insert(self.target.as_str().into(), value.into());
        }
    }
}

fn text(expr: &Expr) -> Outcome<&str> {
    match expr {
        Expr::StringLiteral(literal) => Ok(&literal.val),
        Expr::Paren(inner) => text(&inner.expr),
        _ => Err(unsupported("a string that is computed")),
    }
}

fn is_label_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name == METRIC_NAME
        || (name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()))
}
