//! Which files are read, and what is said of the others.

use super::*;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

struct Folder {
    _kept: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().canonicalize().unwrap();
        Self { _kept: kept, path }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let at = self.path.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, content).unwrap();
        at
    }
}

fn read_these(paths: &[PathBuf]) -> SloFiles {
    read(&SloSettings {
        paths: paths.to_vec(),
        ..SloSettings::default()
    })
}

fn services(files: &SloFiles) -> Vec<&str> {
    let services = files.slos.iter().map(|slo| slo.id.service.as_ref());
    services.map(|service| service.unwrap().raw()).collect()
}

/// The problems, with the folder's own path left out.
fn told(files: &SloFiles, folder: &Folder) -> Vec<String> {
    let own = format!("{}/", folder.path.display());
    let problems = files.problems.iter().map(ToString::to_string);
    problems.map(|problem| problem.replace(&own, "")).collect()
}

#[test]
fn a_folder_is_read_in_the_order_of_its_names() {
    let folder = Folder::new();
    for path in ["b.yaml", "a/z.yml", "a/b/c.json", "c.yml"] {
        folder.write(path, sloth(&path.replace('/', "-"), "n", "99"));
    }
    for path in [
        ".hidden.yaml",
        ".git/x.yaml",
        "d.txt",
        "e.yaml.bak",
        "f.YAML",
    ] {
        folder.write(path, sloth("never", "n", "0"));
    }
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(
        services(&files),
        ["a-b-c.json", "a-z.yml", "b.yaml", "c.yml"]
    );
    let origin = files.slos[0].origins[0].to_string();
    assert_eq!(
        origin,
        format!("{}/a/b/c.json:4 (Sloth)", folder.path.display())
    );
}

#[test]
fn a_file_is_read_whatever_its_name() {
    let folder = Folder::new();
    let path = folder.write(".slo", sloth("s", "n", "99"));
    let files = read_these(&[path]);
    assert_eq!(services(&files), ["s"]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
}

#[test]
fn links_to_files_and_folders_are_followed_once() {
    let (folder, other) = (Folder::new(), Folder::new());
    // As Kubernetes mounts a ConfigMap: the name leads through a hidden folder.
    folder.write("..2026/one.yaml", sloth("one", "n", "99"));
    symlink("..2026", folder.path.join("..data")).unwrap();
    symlink("..data/one.yaml", folder.path.join("one.yaml")).unwrap();
    symlink("one.yaml", folder.path.join("same.yaml")).unwrap();
    let outside = other.write("x/two.yaml", sloth("two", "n", "99"));
    symlink(outside.parent().unwrap(), folder.path.join("x")).unwrap();
    symlink(&folder.path, folder.path.join("circle")).unwrap();
    symlink("nowhere.yaml", folder.path.join("gone.yaml")).unwrap();
    symlink("nowhere", folder.path.join("gone")).unwrap();
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(services(&files), ["one", "two"]);
    let told = told(&files, &folder);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("gone.yaml: cannot be read: No such file"),
        "{}",
        told[0]
    );
}

#[test]
fn what_is_named_twice_is_read_once() {
    let folder = Folder::new();
    let file = folder.write("a.yaml", sloth("s", "n", "99"));
    let paths = [file.clone(), folder.path.clone(), folder.path.clone(), file];
    let files = read_these(&paths);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(services(&files), ["s"]);
    assert_eq!(files.slos[0].origins.len(), 1);
}

#[test]
fn other_documents_of_a_folder_are_passed_over() {
    let folder = Folder::new();
    folder.write("slo.yaml", sloth("s", "n", "99"));
    folder.write(
        "rule.yaml",
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {}\n",
    );
    folder.write(
        "service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {}\n",
    );
    folder.write(
        "openebs.yaml",
        "apiVersion: openebs/v1\nkind: Pool\nspec: {}\n",
    );
    folder.write(
        "template.yaml",
        "{{- if .Values.on }}\na: {{ .Values.b }}\n{{- end }}\n",
    );
    folder.write("list.json", "[1, \"two\", null]\n");
    folder.write("empty.yml", "");
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(files.problems, Vec::<SloProblem>::new());
    assert_eq!(services(&files), ["s"]);
}

#[test]
fn a_broken_file_of_ours_is_a_problem_in_a_folder_too() {
    let folder = Folder::new();
    folder.write("slo.yaml", sloth("s", "n", "99"));
    folder.write("broken.yaml", "version: prometheus/v1\nslos: [\n");
    folder.write(
        "template.yaml",
        "apiVersion: pyrra.dev/v1alpha1\nkind: {{ .x }}\n",
    );
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(services(&files), ["s"]);
    let told = told(&files, &folder);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("broken.yaml:2:7: no YAML that can be read: "),
        "{}",
        told[0]
    );
    assert!(
        told[1].starts_with("template.yaml:2:8: no YAML that can be read: "),
        "{}",
        told[1]
    );
    assert!(
        told[1].ends_with("; put a value that begins with `{` or `[` in quotes"),
        "{}",
        told[1]
    );
}

#[test]
fn a_file_that_was_named_and_holds_no_slo_is_a_problem() {
    let folder = Folder::new();
    let rule = folder.write(
        "rule.yaml",
        "kind: PrometheusRule\n---\nkind: PrometheusRule\n",
    );
    let empty = folder.write("empty.yaml", "");
    let files = read_these(&[rule, empty]);
    let next_step = "name a file of OpenSLO v1, Sloth or Pyrra, or remove it from `slo.paths`";
    assert_eq!(
        told(&files, &folder),
        [
            format!("rule.yaml: there is no SLO in it, only `PrometheusRule`; {next_step}"),
            format!("empty.yaml: there is no SLO in it; {next_step}"),
        ]
    );
}

#[test]
fn a_file_of_indicators_needs_no_slo() {
    let folder = Folder::new();
    let path = folder.write(
        "sli.yaml",
        "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: x}\nspec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: a}}}}\n",
    );
    let files = read_these(&[path]);
    assert_eq!(files.problems, Vec::<SloProblem>::new());
}

#[test]
fn a_folder_without_any_slo_is_a_problem() {
    let folder = Folder::new();
    folder.write("notes/a.yaml", "a: b\n");
    let files = read_these(&[folder.path.join("notes")]);
    assert_eq!(
        told(&files, &folder),
        [
            "notes: there is no SLO in any of its files; name a folder with files of OpenSLO v1, Sloth or Pyrra"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_a_problem() {
    let folder = Folder::new();
    let binary = folder.write("binary.yaml", b"version: \xff\xfe\n");
    let large = folder.write("large.yaml", vec![b'#'; 1024 * 1024 + 1]);
    let whole = folder.write("whole.yaml", {
        let mut text = sloth("s", "n", "99");
        text.push_str(&"#".repeat(1024 * 1024 - text.len()));
        text
    });
    let gone = folder.path.join("gone\x1b[31m.yaml");
    let files = read_these(&[binary, large, whole, gone, PathBuf::from("/dev/null")]);
    assert_eq!(services(&files), ["s"]);
    let told = told(&files, &folder);
    let expected = [
        "binary.yaml: is no text in UTF-8; save it as UTF-8",
        "large.yaml: is larger than 1 MiB; split it, or name the right file",
        "gone\\u{1b}[31m.yaml: cannot be read: No such file or directory (os error 2); correct `slo.paths`",
        "/dev/null: is no regular file; name a file or a folder",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = Folder::new();
    let path = folder.path.join("pipe.yaml");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    folder.write("slo.yaml", sloth("s", "n", "99"));
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(services(&files), ["s"]);
    assert_eq!(
        told(&files, &folder),
        ["pipe.yaml: is no regular file; name a file or a folder"]
    );
}

#[test]
fn folders_are_entered_to_a_depth() {
    let folder = Folder::new();
    let deep = |depth: usize| format!("{}x.yaml", "d/".repeat(depth));
    folder.write(&deep(16), sloth("near", "n", "99"));
    folder.write(&deep(17), sloth("far", "n", "99"));
    let files = read_these(std::slice::from_ref(&folder.path));
    assert_eq!(services(&files), ["near"]);
    let told = told(&files, &folder);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].ends_with("d: lies more than 16 folders deep; name it in `slo.paths` by itself"),
        "{}",
        told[0]
    );
}

#[test]
fn a_limit_is_said_once_and_the_rest_by_its_path() {
    let (many, after) = (Folder::new(), Folder::new());
    for number in 0..5_001 {
        many.write(&format!("{number:05}.yaml"), "a: b\n");
    }
    after.write("slo.yaml", sloth("s", "n", "99"));
    let files = read_these(&[many.path.clone(), after.path.clone()]);
    assert!(files.slos.is_empty());
    let own = format!("{}/", many.path.display());
    let told: Vec<String> = files.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            format!(
                "{own}05000.yaml: comes after 5000 other files; name a folder that holds SLOs only; the rest is left out"
            ),
            format!(
                "{}: comes after too many other files; name folders that hold SLOs only",
                after.path.display()
            ),
        ]
    );
}
