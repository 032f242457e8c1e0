//! What becomes of whole files, good and bad ones: one snapshot a file.

use super::*;

#[test]
fn good_files_have_no_problem() {
    let files = fixtures("good");
    assert!(files.len() >= 9, "the fixtures are there");
    for (name, text) in files {
        let read = read_texts(&[(&name, &text)]);
        assert_eq!(read.problems, Vec::<SloProblem>::new(), "{name}");
        assert!(!read.slos.is_empty(), "{name}");
        insta::assert_snapshot!(format!("good_{}", name.replace('.', "_")), told(&read));
    }
}

#[test]
fn good_files_have_no_problem_together() {
    let files = fixtures("good");
    let texts: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    let read = read_texts(&texts);
    assert_eq!(read.problems, Vec::<SloProblem>::new());
    let alone: usize = texts
        .iter()
        .map(|text| read_texts(&[*text]).slos.len())
        .sum();
    assert_eq!(read.slos.len(), alone);
}

#[test]
fn bad_files_say_what_is_wrong_where_and_what_to_do() {
    let files = fixtures("bad");
    assert!(files.len() >= 9, "the fixtures are there");
    for (name, text) in files {
        let read = read_texts(&[(&name, &text)]);
        assert!(!read.problems.is_empty(), "{name}");
        for problem in &read.problems {
            let lines = text.lines().count();
            assert!(problem.line <= lines.max(1), "{problem}");
            assert!(
                !problem.what.is_empty() && !problem.next_step.is_empty(),
                "{problem}"
            );
        }
        insta::assert_snapshot!(format!("bad_{}", name.replace('.', "_")), told(&read));
    }
}
