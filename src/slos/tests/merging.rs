//! Which definitions are of the same SLO, and what is said when they disagree?

use super::*;

/// An SLO of `OpenSLO` for the ratio that [`sloth`] measures.
fn open(service: Option<&str>, name: &str, target: &str, duration: &str) -> String {
    let service = service.map_or(String::new(), |service| format!("service: {service}\n"));
    openslo(
        name,
        &format!(
            "{service}{RATIO}timeWindow: [{{duration: {duration}}}]\nobjectives: [{{target: {target}}}]\n"
        ),
    )
}

fn resource(service: &str, name: &str, objective: &str) -> String {
    format!(
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {{name: r}}\nspec:\n  service: {service}\n  \
         slos:\n    - name: {name}\n      objective: {objective}\n      sli: {{plugin: {{id: x}}}}\n"
    )
}

fn origins(slo: &Slo) -> Vec<String> {
    slo.origins.iter().map(ToString::to_string).collect()
}

fn cautions(slo: &Slo) -> Vec<&str> {
    slo.cautions.iter().map(Untrusted::shown).collect()
}

#[test]
fn one_slo_in_three_formats_comes_once() {
    let files = read_texts(&[
        ("a.yaml", &open(Some("shop"), "up", "0.999", "30d")),
        ("b.yaml", &sloth("shop", "up", "99.9")),
        ("c.yaml", &resource("shop", "up", "99.9")),
    ]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(files.slos.len(), 1);
    let slo = &files.slos[0];
    assert_eq!(
        origins(slo),
        ["a.yaml:1 (OpenSLO)", "b.yaml:4 (Sloth)", "c.yaml:7 (Sloth)"]
    );
    // The caution that comes along with a plugin is kept, the first one's queries count.
    assert_eq!(
        cautions(slo),
        ["plugin SLI: only its recorded series can be read (c.yaml:9)"]
    );
    assert!(matches!(
        slo.indicator,
        Indicator::Events {
            part_is: Outcome::Good,
            ..
        }
    ));
}

#[test]
fn origins_that_disagree_are_a_caution_and_the_first_counts() {
    let files = read_texts(&[
        ("a.yaml", &open(Some("shop"), "up", "0.999", "30d")),
        ("b.yaml", &sloth("shop", "up", "99.5")),
    ]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let slo = &files.slos[0];
    assert_eq!(
        cautions(slo),
        ["origins disagree: 99.9% in a.yaml:1, 99.5% in b.yaml:4"]
    );
    assert!((slo.objective - 0.999).abs() < 1e-12);
}

#[test]
fn windows_that_disagree_are_a_caution() {
    let pyrra = "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: up}\nspec:\n  \
                 target: '99.9'\n  window: 4w\n  indicator: {bool_gauge: {metric: up}}\n";
    let files = read_texts(&[
        ("a.yaml", &open(Some("shop"), "up", "0.999", "30d")),
        ("b.yaml", pyrra),
    ]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let slo = &files.slos[0];
    assert_eq!(
        cautions(slo),
        ["origins disagree: 30d in a.yaml:1, 28d in b.yaml:1"]
    );
    assert_eq!(slo.window, BudgetWindow::Rolling { secs: 2_592_000 });
}

#[test]
fn a_window_that_is_written_counts_before_one_that_is_assumed() {
    let files = read_texts(&[
        ("a.yaml", &sloth("shop", "up", "99.9")),
        ("b.yaml", &open(Some("shop"), "up", "0.999", "28d")),
    ]);
    let slo = &files.slos[0];
    assert_eq!(slo.window, BudgetWindow::Rolling { secs: 2_419_200 });
    assert_eq!(cautions(slo), Vec::<&str>::new());
}

#[test]
fn a_definition_without_a_service_joins_the_one_that_has_it() {
    let (without, with) = (open(None, "up", "0.99", "30d"), sloth("shop", "up", "99"));
    for texts in [
        [("a.yaml", without.as_str()), ("b.yaml", with.as_str())],
        [("a.yaml", with.as_str()), ("b.yaml", without.as_str())],
    ] {
        let files = read_texts(&texts);
        assert_eq!(files.problems, Vec::<SloProblem>::new());
        assert_eq!(files.slos.len(), 1);
        assert_eq!(files.slos[0].id.service.as_ref().unwrap().raw(), "shop");
        assert_eq!(files.slos[0].origins.len(), 2);
    }
}

#[test]
fn a_name_of_two_services_is_nobody_elses() {
    let files = read_texts(&[
        ("a.yaml", &open(None, "up", "0.99", "30d")),
        ("b.yaml", &sloth("shop", "up", "99")),
        ("c.yaml", &sloth("cart", "up", "99")),
    ]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let services: Vec<Option<&str>> = files
        .slos
        .iter()
        .map(|slo| slo.id.service.as_ref().map(Untrusted::raw))
        .collect();
    assert_eq!(services, [None, Some("shop"), Some("cart")]);
}

#[test]
fn two_of_one_format_that_differ_are_a_problem() {
    let files = read_texts(&[
        ("a.yaml", &sloth("shop", "up", "99")),
        ("b.yaml", &sloth("shop", "up", "99.5")),
    ]);
    assert_eq!(files.slos.len(), 1);
    assert_eq!(files.slos[0].origins.len(), 1);
    let told: Vec<String> = files.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "b.yaml:4:11: the SLO `up` of `shop` is defined a second time, and differently from \
          a.yaml:4; rename one of them, or remove one: the first counts"
        ]
    );
}

#[test]
fn two_of_one_format_that_say_the_same_are_one() {
    let files = read_texts(&[
        ("a.yaml", &sloth("shop", "up", "99.0")),
        ("b.yaml", &sloth("shop", "up", "99")),
    ]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(files.slos.len(), 1);
    assert_eq!(files.slos[0].origins.len(), 2);
}

#[test]
fn two_namespaces_of_pyrra_are_told_apart_by_a_service() {
    let pyrra = |namespace: &str, target: &str| {
        format!(
            "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {{name: up, namespace: {namespace}}}\n\
             spec:\n  target: '{target}'\n  window: 4w\n  indicator: {{bool_gauge: {{metric: up}}}}\n"
        )
    };
    let files = read_texts(&[
        ("a.yaml", &pyrra("one", "99")),
        ("b.yaml", &pyrra("two", "95")),
    ]);
    assert_eq!(files.slos.len(), 1);
    assert_eq!(files.problems.len(), 1);
    assert_eq!(
        files.problems[0].next_step.shown(),
        "label each with its `pyrra.dev/service`, so that they are told apart: the first counts"
    );
    let labelled =
        pyrra("two", "95").replace("name: up,", "name: up, labels: {pyrra.dev/service: b},");
    let first =
        pyrra("one", "99").replace("name: up,", "name: up, labels: {pyrra.dev/service: a},");
    let files = read_texts(&[("a.yaml", &first), ("b.yaml", &labelled)]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(files.slos.len(), 2);
}

#[test]
fn objectives_of_one_slo_have_names_of_their_own() {
    let text = openslo(
        "x",
        &format!(
            "{RATIO}timeWindow: [{{duration: 30d}}]\nobjectives:\n- {{target: 0.9, displayName: '2'}}\n\
             - {{target: 0.95}}\n- {{target: 0.97, displayName: good}}\n- {{target: 0.99, displayName: good}}\n"
        ),
    );
    let files = read_texts(&[("a.yaml", &text)]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let names: Vec<&str> = files.slos.iter().map(|slo| slo.id.name.raw()).collect();
    assert_eq!(names, ["x/2", "x/3", "x/good", "x/4"]);
}

#[test]
fn refs_reach_into_every_file() {
    let sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: shared}\nspec: {thresholdMetric: {metricSource: {metricSourceRef: main, spec: {query: lag}}}}\n";
    let source =
        "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: main}\nspec: {type: Thanos}\n";
    let slo = openslo(
        "x",
        "indicatorRef: shared\ntimeWindow: [{duration: 30d}]\nobjectives: [{target: 0.9, op: lt, value: 1}]\n",
    );
    for texts in [
        [("a", slo.as_str()), ("b", sli), ("c", source)],
        [("c", source), ("b", sli), ("a", slo.as_str())],
        [("b", sli), ("a", slo.as_str()), ("c", source)],
    ] {
        let files = read_texts(&texts);
        assert_eq!(files.problems, Vec::<SloProblem>::new());
        let Indicator::Threshold { query, .. } = &files.slos[0].indicator else {
            panic!("{:?}", files.slos);
        };
        assert_eq!(query.data_source.as_ref().unwrap().raw(), "main");
        assert_eq!(query.line, 4);
    }
}

#[test]
fn problems_come_in_the_order_of_files_and_lines() {
    let bad = sloth("s", "n", "0");
    let files = read_texts(&[
        ("b.yaml", &format!("{bad}---\n{bad}")),
        ("a.yaml", &openslo("x", "objectives: []\n")),
        ("c.yaml", "a: b\n"),
    ]);
    let places: Vec<(String, usize)> = files
        .problems
        .iter()
        .map(|problem| (problem.path.shown().to_owned(), problem.line))
        .collect();
    let expected = [("b.yaml", 5), ("b.yaml", 15), ("a.yaml", 5), ("c.yaml", 0)];
    let expected: Vec<(String, usize)> = expected
        .iter()
        .map(|(path, line)| ((*path).to_owned(), *line))
        .collect();
    assert_eq!(places, expected);
}

#[test]
fn what_quell_brings_counts_only_where_nobody_else_defines_it() {
    let own = read_texts(&[("a.yaml", &open(Some("api"), "up", "0.9", "30d"))]).slos;
    let brought = read_texts(&[
        (
            "builtin:slo/a.yaml",
            &open(Some("api"), "up", "0.999", "30d"),
        ),
        (
            "builtin:slo/b.yaml",
            &open(Some("api"), "fast", "0.999", "30d"),
        ),
    ])
    .slos;
    let mut slos = own;
    merge::add_weaker(&mut slos, brought);
    let names: Vec<&str> = slos.iter().map(|slo| slo.id.name.raw()).collect();
    assert_eq!(names, ["up", "fast"]);
    assert!((slos[0].objective - 0.9).abs() < 1e-12);
    assert_eq!(
        origins(&slos[0]),
        ["a.yaml:1 (OpenSLO)", "builtin:slo/a.yaml:1 (OpenSLO)"]
    );
}

#[test]
fn what_quell_brings_can_be_read() {
    let settings = SloSettings {
        built_in: BuiltInSlos::On,
        ..SloSettings::default()
    };
    let files = read(&settings);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    let mut of_builtin: Vec<String> = files
        .slos
        .iter()
        .flat_map(origins)
        .filter_map(|origin| Some(origin.rsplit_once(':')?.0.to_owned()))
        .collect();
    of_builtin.sort();
    of_builtin.dedup();
    assert_eq!(of_builtin, slo_files());
    assert!(read(&SloSettings::default()).slos.is_empty());
}

/// The files of the repository's own folder, as they are called once they are built in.
fn slo_files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/slo");
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter_map(|name| Some(format!("{}.yaml", name.strip_suffix(".yaml")?)));
    let mut names: Vec<String> = names.map(|name| format!("builtin:slo/{name}")).collect();
    names.sort();
    names
}
