//! Which files are read, and what is said of the others.

use super::*;
use std::os::unix::fs::symlink;

#[tokio::test]
async fn files_of_all_folders_but_hidden_ones() {
    let folder = Folder::new();
    for path in [
        "b.md",
        "x/a.md",
        "x/y/c.md",
        ".git/d.md",
        "x/.cache/e.md",
        ".f.md",
        "g.txt",
    ] {
        folder.write(path, "# Title\n");
    }
    folder.write("README.md", "# About this folder\n");
    folder.write("x/README.md", "---\nid: about\n---\n# Read me\n");
    let library = read_folder(&folder.path).await;
    assert_eq!(ids(&library), ["a", "about", "b", "c"]);
    assert_eq!(book(&library, "c").path.raw(), "x/y/c.md");
    assert_eq!(library.problems, Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_folder_is_an_empty_library() {
    let library = read_folder(&Folder::new().path).await;
    assert!(library.runbooks.is_empty() && library.problems.is_empty());
}

#[tokio::test]
async fn a_folder_that_is_none_says_what_to_do() {
    let folder = Folder::new();
    let file = folder.write("a.md", "# A\n");
    for (path, expected) in [
        (
            folder.path.join("gone\x1b[31m"),
            "gone\\u{1b}[31m: no such folder: correct the path",
        ),
        (file, "a.md: a file: name the folder it is in"),
    ] {
        let settings = RunbookSettings {
            path: Some(path),
            ..RunbookSettings::default()
        };
        let error = read(&settings).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Local);
        assert!(error.detail.shown().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn links_within_the_repository_only() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let secret = outside.write("secret.md", "# Secret\n");
    outside.write("more/other.md", "# Other\n");
    folder.write("docs/real.md", "---\nid: real\n---\n# Real\n");
    let root = folder.path.join("runbooks");
    std::fs::create_dir(&root).unwrap();
    symlink("../docs/real.md", root.join("inside.md")).unwrap();
    symlink(&secret, root.join("escape.md")).unwrap();
    symlink("../../../../../../../etc/hostname", root.join("up.md")).unwrap();
    symlink(&outside.path, root.join("whole-folder")).unwrap();
    symlink(".", root.join("circle")).unwrap();
    symlink("nowhere.md", root.join("dangling.md")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    let commit = folder.commit_all();

    let library = read_folder(&root).await;

    assert_eq!(ids(&library), ["real"]);
    let real = book(&library, "real");
    assert_eq!(real.path.raw(), "inside.md");
    // The version is of the bytes that are read, not of the link.
    let blob = git(&folder.path, &["rev-parse", "HEAD:docs/real.md"]);
    let dirty = false;
    assert_eq!(
        real.version,
        Version::Git {
            commit,
            blob,
            dirty
        }
    );
    let escape = "a link out of the repository: not followed";
    assert_eq!(
        library.problems,
        [
            "dangling.md: No such file or directory (os error 2): not read".to_owned(),
            format!("escape.md: {escape}"),
            format!("up.md: {escape}"),
            format!("whole-folder: {escape}"),
        ]
    );
}

#[tokio::test]
async fn without_a_repository_the_folder_is_the_boundary() {
    let folder = Folder::new();
    folder.write("outside.md", "# Outside\n");
    folder.write("in/side.md", "# Inside\n");
    symlink("../outside.md", folder.path.join("in/link.md")).unwrap();
    symlink("side.md", folder.path.join("in/twin.md")).unwrap();
    let library = read_folder(&folder.path.join("in")).await;
    assert_eq!(ids(&library), ["side", "twin"]);
    assert_eq!(
        library.problems,
        ["link.md: a link out of the repository: not followed"]
    );
}

#[tokio::test]
async fn what_is_no_text_is_named_and_the_rest_goes_on() {
    let folder = Folder::new();
    folder.write("good.md", "# Good\n");
    folder.write("huge.md", "x".repeat(folder::MAX_FILE_BYTES + 1));
    folder.write("largest.md", "x".repeat(folder::MAX_FILE_BYTES));
    folder.write("latin1.md", b"# Caf\xe9\n");
    folder.write("picture.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    folder.write("nul.md", "a\0b");
    folder.write("line\nfeed.md", "# Title\n");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path.join("pipe.md"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"bad\xff.md");
    std::fs::write(folder.path.join(name), "# Title\n").unwrap();

    let library = read_folder(&folder.path).await;

    assert_eq!(ids(&library), ["good", "largest"]);
    let mut problems = library.problems;
    problems.sort();
    assert_eq!(
        problems,
        [
            "bad\u{fffd}.md: a name that is not plain text: not read",
            "huge.md: larger than 256 KiB: not read",
            "latin1.md: not UTF-8 at byte 5: not read",
            "line\\nfeed.md: a name that is not plain text: not read",
            "nul.md: not text, a NUL at byte 1: not read",
            "picture.md: not UTF-8 at byte 0: not read",
            "pipe.md: not a regular file: not read",
        ]
    );
}

#[tokio::test]
async fn there_is_an_end_to_files_and_to_folders() {
    let folder = Folder::new();
    for number in 0..=folder::MAX_FILES {
        folder.write(&format!("{number:05}.md"), "# Title\n");
    }
    let library = read_folder(&folder.path).await;
    assert_eq!(library.runbooks.len(), folder::MAX_FILES);
    assert_eq!(
        library.problems,
        ["more than 2000 runbooks: the rest is left out"]
    );

    let deep = Folder::new();
    deep.write(&format!("{}a.md", "x/".repeat(33)), "# Too deep\n");
    deep.write("b.md", "# Here\n");
    let library = read_folder(&deep.path).await;
    assert_eq!(ids(&library), ["b"]);
    assert!(library.problems[0].ends_with("more than 32 folders deep: not read"));
}

#[tokio::test]
async fn of_two_with_one_id_the_first_path_stays() {
    let folder = Folder::new();
    folder.write("b/second.md", "---\nid: same\n---\n# Second\n");
    folder.write("a/first.md", "---\nid: same\n---\n# First\n");
    folder.write("same.md", "# Third\n");
    let library = read_folder(&folder.path).await;
    assert_eq!(ids(&library), ["same"]);
    assert_eq!(book(&library, "same").title.raw(), "First");
    assert_eq!(
        library.problems,
        [
            "b/second.md: the id `same` is taken by a/first.md: left out",
            "same.md: the id `same` is taken by a/first.md: left out",
        ]
    );
}
