//! Does the pack of service levels hold what its README says, and is every file one that can be read?
//!
//! The README's two tables are data here: the 50 indicators of the guides, each with a file or the
//! reason for none, and the metrics that the queries expect. Nothing is asked of a Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use promql_parser::parser::Expr;
use promql_parser::util::{ExprVisitor, walk_expr};
use quell::config::settings::RunbookSettings;
use quell::domain::burn_policy::{BurnPolicies, POLICY_LABEL};
use quell::domain::label::Labels as PolicyLabels;
use quell::domain::runbook::Library;
use serde::Deserialize;

/// The guides, and how many indicators each names: `M1` to `Mn`.
const GUIDES: [(&str, u32); 5] = [
    ("MPS", 10),
    ("PaaS", 10),
    ("PE", 8),
    ("PT", 12),
    ("SSP", 10),
];

/// The indicators that are the burn rate itself.
const BURN_ROWS: [&str; 5] = ["mps-m9", "paas-m6", "pe-m8", "pt-m6", "ssp-m6"];

const THRESHOLD_OPS: [&str; 4] = ["lt", "lte", "gt", "gte"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Slo {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    name: String,
    display_name: String,
    labels: Labels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    guide: String,
    row: String,
    burn_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    description: String,
    service: String,
    indicator: Indicator,
    time_window: [TimeWindow; 1],
    budgeting_method: String,
    objectives: [Objective; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Indicator {
    metadata: IndicatorName,
    spec: Metric,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndicatorName {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Metric {
    #[serde(rename_all = "camelCase")]
    RatioMetric {
        counter: bool,
        good: Option<Source>,
        bad: Option<Source>,
        total: Source,
    },
    #[serde(rename_all = "camelCase")]
    ThresholdMetric { metric_source: MetricSource },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Source {
    metric_source: MetricSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricSource {
    #[serde(rename = "type")]
    kind: String,
    spec: Query,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    query: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimeWindow {
    duration: String,
    is_rolling: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Objective {
    display_name: String,
    target: f64,
    op: Option<String>,
    value: Option<f64>,
    time_slice_target: Option<f64>,
    time_slice_window: Option<String>,
}

impl Metric {
    fn queries(&self) -> Vec<&str> {
        let sources = match self {
            Self::RatioMetric {
                good, bad, total, ..
            } => {
                let counted = good.iter().chain(bad).chain([total]);
                counted.map(|source| &source.metric_source).collect()
            }
            Self::ThresholdMetric { metric_source } => vec![metric_source],
        };
        let queries = sources.into_iter().map(|source| {
            assert_eq!(source.kind, "Prometheus");
            source.spec.query.as_str()
        });
        queries.collect()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/slo")
}

/// The files' names without `.yaml`, with what they say.
fn files() -> BTreeMap<String, Slo> {
    let paths = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path());
    let paths = paths.filter(|path| path.file_name().unwrap() != "README.md");
    let read = paths.map(|path| {
        assert_eq!(path.extension().unwrap(), "yaml", "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let slo = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), slo)
    });
    read.collect()
}

/// The cells of the README's table below this head.
fn table(head: &str) -> Vec<Vec<String>> {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let mut lines = readme.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "no table `{head}`");
    let columns = head.matches('|').count() - 1;
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let rows = rows.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        let cells: Vec<String> = cells.map(str::to_owned).collect();
        assert_eq!(cells.len(), columns, "{line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        cells
    });
    rows.collect()
}

fn indicators() -> Vec<Vec<String>> {
    table("| row | indicator | target | file, or why there is none |")
}

fn metrics() -> Vec<Vec<String>> {
    table("| metric | type | labels and meaning | typically from | used by |")
}

/// `PaaS M10` as it begins a file's name: `paas-m10`.
fn prefix(row: &str) -> String {
    row.replace(' ', "-").to_lowercase()
}

/// What stands between backticks.
fn in_backticks(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The names of a query's metrics, as written.
fn names(query: &str) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl ExprVisitor for Names {
        type Error = String;
        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
            if let Expr::VectorSelector(selector) = expr {
                let name = selector.name.clone().ok_or("a selector without a name")?;
                self.0.insert(name);
            }
            Ok(true)
        }
    }
    let expr = promql_parser::parser::parse(query)
        .unwrap_or_else(|error| panic!("`{query}` does not parse: {error}"));
    let mut names = Names(BTreeSet::new());
    walk_expr(&mut names, &expr).unwrap();
    assert!(!names.0.is_empty(), "`{query}` asks for no metric");
    names.0
}

#[test]
fn every_file_is_an_slo_of_the_row_in_its_name() {
    let files = files();
    assert!(!files.is_empty());
    for (stem, slo) in &files {
        assert_eq!(slo.api_version, "openslo/v1", "{stem}");
        assert_eq!(slo.kind, "SLO", "{stem}");
        assert_eq!(&slo.metadata.name, stem);
        assert_eq!(&slo.spec.indicator.metadata.name, stem);
        let labels = &slo.metadata.labels;
        assert!(stem.starts_with(&format!("{}-", labels.row)), "{stem}");
        assert!(
            labels.row.starts_with(&format!("{}-m", labels.guide)),
            "{stem}"
        );
        for text in [
            &slo.metadata.display_name,
            &slo.spec.description,
            &slo.spec.service,
            &slo.spec.objectives[0].display_name,
        ] {
            assert!(!text.trim().is_empty(), "{stem}");
        }
        let [window] = &slo.spec.time_window;
        let duration = if stem.starts_with("pt-m1-") {
            "1d"
        } else {
            "30d"
        };
        assert_eq!(window.duration, duration, "{stem}");
        assert!(window.is_rolling, "{stem}");
    }
}

#[test]
fn every_objective_can_be_kept_and_can_be_missed() {
    for (stem, slo) in files() {
        let [objective] = &slo.spec.objectives;
        let inside = 0.0 < objective.target && objective.target < 1.0;
        assert!(inside, "{stem}: {}", objective.target);
        match &slo.spec.indicator.spec {
            Metric::RatioMetric {
                counter, good, bad, ..
            } => {
                assert!(counter, "{stem}");
                assert_ne!(good.is_some(), bad.is_some(), "{stem}: good or bad");
                assert_eq!(slo.spec.budgeting_method, "Occurrences", "{stem}");
                assert!(
                    objective.op.is_none() && objective.value.is_none(),
                    "{stem}"
                );
                assert!(objective.time_slice_window.is_none(), "{stem}");
            }
            Metric::ThresholdMetric { .. } => {
                assert_eq!(slo.spec.budgeting_method, "Timeslices", "{stem}");
                let op = objective.op.as_deref().unwrap();
                assert!(THRESHOLD_OPS.contains(&op), "{stem}: {op}");
                assert!(objective.value.unwrap().is_finite(), "{stem}");
                // OpenSLO requires both of timeslices.
                assert_eq!(objective.time_slice_target, Some(1.0), "{stem}");
                assert_eq!(objective.time_slice_window.as_deref(), Some("1m"), "{stem}");
            }
        }
    }
}

#[test]
fn counted_events_are_bare_selectors_and_a_threshold_is_one_series() {
    for (stem, slo) in files() {
        let metric = &slo.spec.indicator.spec;
        for query in metric.queries() {
            let expr = promql_parser::parser::parse(query).unwrap();
            let bare = matches!(expr, Expr::VectorSelector(_));
            let counted = matches!(metric, Metric::RatioMetric { .. });
            assert_eq!(bare, counted, "{stem}: {query}");
            if !counted {
                assert!(is_one_series(&expr), "{stem}: {query}");
            }
        }
    }
}

/// Whether it is made of aggregations over everything.
fn is_one_series(expr: &Expr) -> bool {
    match expr {
        Expr::Aggregate(aggregate) => aggregate.modifier.is_none(),
        Expr::Binary(binary) => is_one_series(&binary.lhs) && is_one_series(&binary.rhs),
        _ => false,
    }
}

#[test]
fn the_metrics_of_the_readme_are_those_of_the_queries() {
    let rows = metrics();
    let mut documented = BTreeMap::new();
    for row in &rows {
        let [name] = in_backticks(&row[0])[..] else {
            panic!("no metric: {}", row[0]);
        };
        assert_eq!(row[0], format!("`{name}`"));
        let kind = row[1].as_str();
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        let used_by: BTreeSet<&str> = in_backticks(&row[4]).into_iter().collect();
        assert!(
            documented.insert(name, (kind, used_by)).is_none(),
            "{name} stands there twice"
        );
    }

    let files = files();
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for slo in files.values() {
        let row = slo.metadata.labels.row.as_str();
        for name in slo
            .spec
            .indicator
            .spec
            .queries()
            .into_iter()
            .flat_map(names)
        {
            let base = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let histogram = base.and_then(|base| documented.get_key_value(base));
            let (known, (kind, _)) = histogram
                .or_else(|| documented.get_key_value(name.as_str()))
                .unwrap_or_else(|| panic!("{row}: {name} is not in the README's table"));
            assert_eq!(histogram.is_some(), *kind == "histogram", "{row}: {name}");
            used.entry(known).or_default().insert(row);
        }
    }
    for (name, (_, used_by)) in &documented {
        assert_eq!(used.get(name), Some(used_by), "{name}");
    }
}

#[test]
fn the_buckets_that_are_asked_for_are_named() {
    let rows = metrics();
    for (stem, slo) in files() {
        for query in slo.spec.indicator.spec.queries() {
            let Some((base, le)) = query.split_once("_bucket{le=\"") else {
                assert!(!query.contains("_bucket"), "{stem}: {query}");
                continue;
            };
            let le = le.strip_suffix("\"}").unwrap();
            let name = format!("`{base}`");
            let row = rows.iter().find(|row| row[0] == name).unwrap();
            let (_, buckets) = row[2].split_once("bucket").unwrap();
            let buckets = buckets.trim_start_matches('s').split(',').map(str::trim);
            assert!(buckets.into_iter().any(|b| b == le), "{stem}: {le}");
        }
    }
}

#[test]
fn each_of_the_50_indicators_has_a_file_or_a_reason() {
    let expected = GUIDES.iter().flat_map(|(guide, count)| {
        let rows = 1..=*count;
        rows.map(move |number| format!("{guide} M{number}"))
    });
    let expected: Vec<String> = expected.collect();
    assert_eq!(expected.len(), 50);
    let rows = indicators();
    let found: Vec<&String> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());

    let files = files();
    let mut linked = BTreeSet::new();
    for row in &rows {
        let prefix = prefix(&row[0]);
        if let Some(reason) = row[3].strip_prefix("none: ") {
            assert!(reason.len() > 20, "{prefix}: {reason}");
            let is_burn = reason.starts_with("this is what quell computes for every SLO");
            assert_eq!(is_burn, BURN_ROWS.contains(&prefix.as_str()), "{prefix}");
            continue;
        }
        let link = row[3].strip_prefix('[').unwrap();
        let (shown, target) = link.strip_suffix(')').unwrap().split_once("](").unwrap();
        assert_eq!(shown, target, "{prefix}");
        let stem = target.strip_suffix(".yaml").unwrap();
        let slo = files
            .get(stem)
            .unwrap_or_else(|| panic!("{prefix}: no {target}"));
        assert_eq!(slo.metadata.labels.row, prefix);
        linked.insert(stem);
    }
    let all: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(linked, all);
}

#[test]
fn a_value_that_is_ours_is_said_to_be_ours_in_both_places() {
    let files = files();
    for row in indicators() {
        let Some(slo) = files
            .values()
            .find(|slo| slo.metadata.labels.row == prefix(&row[0]))
        else {
            continue;
        };
        let ours = slo.spec.description.ends_with("a starting value of ours.");
        let guides = slo
            .spec
            .description
            .contains("the starting target of the guide");
        assert_ne!(ours, guides, "{}", slo.metadata.name);
        assert_eq!(ours, row[2].contains("ours: "), "{}", slo.metadata.name);
    }
}

/// Otherwise the README would be offered on call as a runbook named `README`.
#[tokio::test]
async fn nothing_of_it_is_taken_for_a_runbook() {
    let settings = |path: Option<PathBuf>| RunbookSettings {
        path,
        ..RunbookSettings::default()
    };
    let paths = |library: &Library| -> BTreeSet<String> {
        let runbooks = library.runbooks.iter();
        runbooks.map(|r| r.path.raw().to_owned()).collect()
    };
    let all = folder().parent().unwrap().to_path_buf();
    let below = quell::runbooks::read(&settings(Some(all))).await.unwrap();
    let built_in = quell::runbooks::read(&settings(None)).await.unwrap();
    assert!(!below.runbooks.is_empty());
    assert_eq!(paths(&below), paths(&built_in));
    assert!(!paths(&below).iter().any(|path| path.contains("slo/")));
    assert!(!below.problems.iter().any(|why| why.contains("slo/")));
    let pack = quell::runbooks::read(&settings(Some(folder())))
        .await
        .unwrap();
    assert_eq!(paths(&pack), BTreeSet::new());
}

/// A condition that can never fire would look like a calm budget.
#[test]
fn every_condition_of_a_files_policy_can_fire() {
    let policies = BurnPolicies::default();
    for (stem, slo) in files() {
        let named = slo.metadata.labels.burn_policy.as_deref();
        let labels = named.map(|name| (POLICY_LABEL, name));
        let policy = policies
            .of(&PolicyLabels::of(labels.as_slice()))
            .unwrap_or_else(|| panic!("{stem} has no policy"));
        assert!(
            named.is_none_or(|name| name == policy.name),
            "{stem}: {named:?}"
        );
        for condition in &policy.conditions {
            let target = slo.spec.objectives[0].target;
            assert!(
                condition.is_reachable(target, 30.0 * 86_400.0),
                "{stem}: {} at {target}",
                condition.name
            );
        }
    }
}
