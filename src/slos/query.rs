//! Is a text a query that can be asked?
//!
//! Only what would surely fail is refused: nothing, or far too much. PromQL that the parser at hand
//! does not understand is a caution, as Prometheus and its kin know more than it does. Queries are
//! kept as written: who asks them puts the windows in.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::LazyLock;

use promql_parser::parser::{Expr, parse};
use promql_parser::util::{ExprVisitor, walk_expr};
use regex::Regex;

use super::fields::Text;
use super::report::{Report, quoted};
use crate::domain::slo::{MetricKind, Query};
use crate::domain::text::{Untrusted, shown};

/// No longer query is read. The parser's stack grows with its terms.
const MAX_BYTES: usize = 8 * 1024;

/// What stands for a window: Sloth's, and Grafana's.
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"\{\{ *\.window *\}\}|\$\{?(?:window|__rate_interval|__interval|__range)\b\}?";
    Regex::new(pattern).ok()
});

/// What is known of the kind of a query's selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selectors {
    /// The format says so.
    Are(MetricKind),
    /// Nothing: their names tell.
    NamedByKind,
}

/// Whether a query must say where its window goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Windows {
    /// Bare selectors are wrapped.
    Optional,
    /// Without one the same span would be measured for every window.
    Needed,
}

/// Reads a query.
pub(super) fn query(
    text: &Text<'_>,
    selectors: Selectors,
    windows: Windows,
    data_source: Option<Untrusted>,
    report: &mut Report,
) -> Option<Query> {
    if text.value.is_empty() {
        let what = format!("{} is empty", quoted(&text.path));
        report.problem(text.at, what, "write the PromQL");
        return None;
    }
    if text.value.len() > MAX_BYTES {
        let what = format!(
            "{} is longer than {} KiB",
            quoted(&text.path),
            MAX_BYTES / 1024
        );
        report.problem(text.at, what, "record a part of it as a series of its own");
        return None;
    }
    let seen = Seen::of(text.value);
    if let Err(why) = &seen {
        let what = format!(
            "{} may be no PromQL: {}",
            quoted(&text.path),
            shown(why.trim())
        );
        report.caution(text.at, what);
    }
    let seen = seen.unwrap_or_default();
    let has_window = seen.ranges > 0 || has_placeholder(text.value);
    if windows == Windows::Needed && seen.selectors > 0 && !has_window {
        let what = format!(
            "{} has neither `{{{{.window}}}}` nor a range: it may count the same for every window",
            quoted(&text.path)
        );
        report.caution(text.at, what);
    }
    let metric = match selectors {
        Selectors::Are(kind) => kind,
        Selectors::NamedByKind if seen.selectors > seen.counters => MetricKind::Gauge,
        Selectors::NamedByKind => MetricKind::Counter,
    };
    Some(Query {
        text: text.value.to_owned(),
        metric,
        line: text.at.place.line,
        data_source,
    })
}

fn has_placeholder(text: &str) -> bool {
    let placeholder = PLACEHOLDER.as_ref();
    placeholder.is_some_and(|placeholder| placeholder.is_match(text))
}

/// What a query is made of.
#[derive(Debug, Default)]
struct Seen {
    selectors: usize,
    /// Those that are named as counters are.
    counters: usize,
    ranges: usize,
}

impl Seen {
    fn of(text: &str) -> Result<Self, String> {
        let asked = match PLACEHOLDER.as_ref() {
            Some(placeholder) => placeholder.replace_all(text, "5m"),
            None => Cow::Borrowed(text),
        };
        let tree = parse(&asked)?;
        let mut seen = Self::default();
        match walk_expr(&mut seen, &tree) {
            Ok(_) => Ok(seen),
            Err(never) => match never {},
        }
    }

    fn selector(&mut self, name: Option<&str>) {
        const COUNTERS: [&str; 4] = ["_total", "_count", "_sum", "_bucket"];
        self.selectors += 1;
        let is_counter = name.is_some_and(|name| COUNTERS.iter().any(|end| name.ends_with(end)));
        self.counters += usize::from(is_counter);
    }
}

impl ExprVisitor for Seen {
    type Error = Infallible;

    fn pre_visit(&mut self, part: &Expr) -> Result<bool, Infallible> {
        match part {
            Expr::VectorSelector(selector) => self.selector(selector.name.as_deref()),
            Expr::MatrixSelector(range) => {
                self.ranges += 1;
                self.selector(range.vs.name.as_deref());
            }
            Expr::Subquery(_) => self.ranges += 1,
            _ => {}
        }
        Ok(true)
    }
}
