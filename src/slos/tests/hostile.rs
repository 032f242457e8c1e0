//! Does anything that somebody may write harm the reader?

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Whether a text that reaches screens and logs is harmless.
fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c))
}

fn assert_harmless(files: &SloFiles) {
    for problem in &files.problems {
        assert!(is_harmless(&problem.to_string()), "{problem}");
    }
    for slo in &files.slos {
        for caution in &slo.cautions {
            assert!(is_harmless(caution.shown()), "{caution}");
        }
        assert!(is_harmless(&slo.id.to_string()), "{}", slo.id);
        assert!(
            slo.objective > 0.0 && slo.objective < 1.0,
            "{}",
            slo.objective
        );
    }
}

#[test]
fn names_with_control_characters_are_shown_with_escapes() {
    let text = sloth("\"\\e[31ms\"", "\"n\\u202e\"", "\"\\e]0;x\\a\"");
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("SLO `n\\u{202e}`"), "{}", found[0]);
    assert!(found[0].contains("is `\\u{1b}]0;x\\u{7}`"), "{}", found[0]);
    let text = sloth("\"\\e[31ms\"", "\"n\\u202e\"", "99");
    let slo = only(&text);
    assert_eq!(slo.id.name.shown(), "n\\u{202e}");
    assert_eq!(slo.id.service.unwrap().shown(), "\\u{1b}[31ms");
}

#[test]
fn a_long_value_is_quoted_in_short() {
    let found = problems(&sloth("s", "n", &"x".repeat(100_000)));
    assert_eq!(found.len(), 1);
    assert!(found[0].len() < 400, "{} bytes", found[0].len());
}

#[test]
fn bombs_are_refused() {
    let mut aliases =
        String::from("version: prometheus/v1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for number in 1..9 {
        let before = format!("*a{}, ", number - 1).repeat(10);
        writeln!(aliases, "a{number}: &a{number} [{before}]").unwrap();
    }
    let deep_flow = format!("version: prometheus/v1\na: {}\n", "[".repeat(50_000));
    let deep_block = format!("version: prometheus/v1\na:\n{}", "- ".repeat(50_000));
    let mut many_anchors = String::new();
    for number in 0..5_000 {
        writeln!(many_anchors, "k{number}: &a{number} x").unwrap();
    }
    for text in [aliases, deep_flow, deep_block, many_anchors] {
        let files = read_texts(&[("a.yaml", &text)]);
        assert_eq!(files.problems.len(), 1);
        let what = files.problems[0].what.shown();
        assert!(what.starts_with("no YAML that can be read: "), "{what}");
    }
}

#[test]
fn a_query_may_be_as_involved_as_it_is_long() {
    for query in [
        format!("{}a", "a+".repeat(4_000)),
        format!("{}a", "a^".repeat(4_000)),
        format!("{}a", "-".repeat(8_000)),
        format!("{}a{}", "(".repeat(4_000), ")".repeat(4_000)),
        format!("{}a{}", "abs(".repeat(1_600), ")".repeat(1_600)),
        format!("a{}", "[5m:1m]".repeat(1_000)),
    ] {
        let slo = only(&sloth("s", "n", "99").replace("sum(rate(e_total[{{.window}}]))", &query));
        let Indicator::Events { part, .. } = &slo.indicator else {
            panic!("{:?}", slo.indicator);
        };
        assert_eq!(part.text, query);
    }
    let text =
        sloth("s", "n", "99").replace("sum(rate(e_total[{{.window}}]))", &"a+".repeat(5_000));
    let found = problems(&text);
    assert_eq!(
        found,
        [
            "a.yaml:8:22: SLO `n`: `slos[0].sli.events.error_query` is longer than 8 KiB; record a part \
          of it as a series of its own"
        ]
    );
}

/// All fixtures in one text.
static CORPUS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let files = fixtures("good").into_iter().chain(fixtures("bad"));
    let texts: Vec<String> = files.map(|(_, text)| text).collect();
    texts.join("\n---\n").chars().collect()
});

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        assert_harmless(&read_texts(&[("a.yaml", &text)]));
    }

    #[test]
    fn no_yaml_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "apiVersion: ", "openslo/v1", "pyrra.dev/v1alpha1", "version: prometheus/v1", "kind: ",
                "SLO", "SLI", "\n", "\n  ", "\n    ", "- ", "spec:", "slos:", "objectives:", "target: ",
                "objective: ", "99.9", "-", "{", "}", "[", "]", "\"", "'", ": ", "&a ", "*a", "<<: *a",
                "---\n", "...\n", "|\n", ">-\n", "#", "\t", "é", "\u{202e}", "timeWindow:", "duration: ",
                "1M", "indicator:", "ratioMetric:", "service: x", "name: y", "metadata:", "null", "~",
            ]),
            0..60,
        ),
    ) {
        assert_harmless(&read_texts(&[("a.yaml", &parts.concat())]));
    }

    #[test]
    fn no_cut_or_torn_file_panics(
        from in 0_usize..30_000, length in 0_usize..3_000, at in 0_usize..3_000, with in any::<char>(),
    ) {
        let from = from % CORPUS.len();
        let to = (from + length).min(CORPUS.len());
        let mut cut: Vec<char> = CORPUS[from..to].to_vec();
        if !cut.is_empty() {
            let at = at % cut.len();
            cut[at] = with;
        }
        let cut: String = cut.into_iter().collect();
        assert_harmless(&read_texts(&[("a.yaml", &cut)]));
    }

    #[test]
    fn every_value_of_a_field_is_read_or_refused(value in "[ -~é\u{202e}]{0,24}") {
        let quoted = format!("'{}'", value.replace('\'', "''"));
        for text in [sloth(&quoted, "n", "99"), sloth("s", &quoted, "99"), sloth("s", "n", &quoted)] {
            let files = read_texts(&[("a.yaml", &text)]);
            assert_harmless(&files);
            prop_assert_eq!(files.slos.len() + files.problems.len(), 1, "{:?}", files.problems);
        }
        let window = openslo("x", &format!("{RATIO}timeWindow: [{{duration: {quoted}}}]\nobjectives: [{{target: 0.9}}]\n"));
        let files = read_texts(&[("a.yaml", &window)]);
        prop_assert_eq!(files.slos.len() + files.problems.len(), 1, "{:?}", files.problems);
    }
}
