//! Are documents cut where YAML cuts them, and are lines and columns those of the file?

use super::*;
use crate::slos::document::split;

fn documents(text: &str) -> usize {
    split(text).len()
}

#[test]
fn documents_end_at_markers_in_the_first_column_only() {
    for (text, count) in [
        ("", 0),
        ("\n\n# x\n", 0),
        ("---\n---\n---\n", 0),
        ("a: 1\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("---\na: 1\n...\n---\nb: 2\n...\n", 2),
        ("%YAML 1.2\n---\na: 1\n", 1),
        ("a: |\n  ---\n  x\n", 1),
        ("a: |\n ---x\n----\n", 1),
        ("--- {a: 1}\n--- # remark\nb: 2\n", 2),
        ("a: 1\r\n---\r\nb: 2\r\n", 2),
        ("\u{feff}---\na: 1\n", 1),
    ] {
        assert_eq!(documents(text), count, "{text:?}");
    }
}

/// The place that a wrong objective is reported at.
fn place(text: &str) -> (usize, usize) {
    let files = read_texts(&[("a.yaml", text)]);
    assert_eq!(files.problems.len(), 1, "{:?}", files.problems);
    (files.problems[0].line, files.problems[0].column)
}

#[test]
fn a_place_is_that_in_the_file() {
    let document = sloth("s", "n", "120");
    let (line, column) = (5, 16);
    assert_eq!(place(&document), (line, column));
    let right = sloth("other", "n", "99");
    for before in [
        "---\n",
        "\u{feff}---\n",
        "\n\n\n",
        "# é\n# x\n---\n",
        "%YAML 1.2\n---\n",
        &format!("{right}---\n"),
        &format!("{right}...\n# between\n---\n"),
        &format!("{right}---\n# nothing\n---\n"),
    ] {
        let text = format!("{before}{document}");
        let lines = before.lines().count();
        assert_eq!(place(&text), (line + lines, column), "{before:?}");
        let text = text.replace('\n', "\r\n");
        assert_eq!(place(&text), (line + lines, column), "{before:?} with CRLF");
    }
}

#[test]
fn columns_count_characters() {
    let text = "version: prometheus/v1\nservice: s\nslos:\n  - {name: 'größer 🔥', objective: 120, sli: {plugin: {}}}\n";
    let line: Vec<char> = text.lines().nth(3).unwrap().chars().collect();
    let column = line.iter().position(|c| *c == '1').unwrap() + 1;
    assert_eq!(place(text), (4, column));
}

#[test]
fn content_behind_a_marker_keeps_its_column() {
    let text = "--- {version: prometheus/v1, service: s, slos: [{name: n, objective: 0, sli: {plugin: {}}}]}\n";
    let column = text.find("0, sli").unwrap() + 1;
    assert_eq!(place(text), (1, column));
}

#[test]
fn a_broken_document_hides_no_other() {
    let text = format!(
        "{}---\na: [\n---\n{}---\n\"open\n---\n{}",
        sloth("one", "n", "99"),
        sloth("two", "n", "99"),
        sloth("three", "n", "99")
    );
    let files = read_texts(&[("a.yaml", &text)]);
    let services: Vec<&str> = files
        .slos
        .iter()
        .map(|slo| slo.id.service.as_ref().unwrap().raw())
        .collect();
    assert_eq!(services, ["one", "two", "three"]);
    assert_eq!(files.problems.len(), 2, "{:?}", files.problems);
    let lines = text.lines().count();
    for problem in &files.problems {
        assert!(
            problem
                .what
                .shown()
                .starts_with("no YAML that can be read: "),
            "{problem}"
        );
        assert!(problem.line > 9 && problem.line < lines, "{problem}");
    }
}

#[test]
fn an_slo_begins_at_its_entry() {
    let text = format!("# first\n\n---\n{}", sloth("s", "n", "99"));
    let slo = only(&text);
    assert_eq!(slo.origins[0].to_string(), "a.yaml:7 (Sloth)");
    let text = format!(
        "# first\n---\n\n{}",
        openslo(
            "x",
            &format!("{RATIO}timeWindow: [{{duration: 1d}}]\nobjectives: [{{target: 0.9}}]\n")
        )
    );
    assert_eq!(only(&text).origins[0].to_string(), "a.yaml:4 (OpenSLO)");
}
