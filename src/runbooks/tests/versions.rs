//! git's facts, compared with what git itself says.

use super::*;

/// Whether the version is of this commit and these bytes.
fn assert_version(book: &Runbook, commit: &str, file: &Path, expected_dirty: bool) {
    let Version::Git {
        commit: found,
        blob,
        dirty,
    } = &book.version
    else {
        panic!("{} is unversioned", book.path);
    };
    assert_eq!(found, commit);
    let folder = file.parent().unwrap();
    let name = file.to_str().unwrap();
    let hash = git(folder, &["hash-object", "--no-filters", "--", name]);
    assert_eq!(blob, &hash);
    assert_eq!(*dirty, expected_dirty, "{}", book.path);
}

/// For files that hold `# A`.
fn assert_unversioned(book: &Runbook) {
    let sha256 = "aa1237b773c38dbddef583c4868aaea7a44c5237ea7923aecca5513764b42d80";
    assert_eq!(
        book.version,
        Version::Unversioned {
            sha256: sha256.to_owned()
        }
    );
}

#[tokio::test]
async fn clean_changed_and_untracked_files() {
    let folder = Folder::new();
    let clean = folder.write("clean.md", "# Clean\n");
    let longer = folder.write("deep/er/longer.md", "# Before\n");
    let same_length = folder.write("same-length.md", "# One\n");
    let commit = folder.commit_all();
    git(
        &folder.path,
        &[
            "remote",
            "add",
            "up",
            "https://me:hunter2@example.com/o/r.git",
        ],
    );
    git(&folder.path, &["remote", "add", "a-later-one", "/srv/x"]);
    folder.write("deep/er/longer.md", "# Before and after\n");
    folder.write("same-length.md", "# Two\n");
    let untracked = folder.write("untracked.md", "# New\n");
    // What is staged is not committed.
    let staged = folder.write("staged.md", "# Staged\n");
    git(&folder.path, &["add", "staged.md"]);

    let library = read_folder(&folder.path).await;

    assert_eq!(library.problems, Vec::<String>::new());
    assert_version(book(&library, "clean"), &commit, &clean, false);
    assert_version(book(&library, "longer"), &commit, &longer, true);
    assert_version(book(&library, "same-length"), &commit, &same_length, true);
    assert_version(book(&library, "untracked"), &commit, &untracked, true);
    assert_version(book(&library, "staged"), &commit, &staged, true);
    let origin = library.origin;
    assert_eq!(origin.commit.unwrap(), commit);
    assert_eq!(origin.branch.unwrap().raw(), "main");
    assert_eq!(origin.remote.unwrap().raw(), "https://example.com/o/r.git");
    // A folder within the repository has the same facts.
    let deep = folder.path.join("deep");
    let library = read_folder(&deep).await;
    assert_version(book(&library, "longer"), &commit, &longer, true);
    assert_eq!(book(&library, "longer").path.raw(), "er/longer.md");
}

#[tokio::test]
async fn names_that_a_shell_or_git_could_misread() {
    let folder = Folder::new();
    let names = [
        "-v.md",
        "a b.md",
        "HEAD:x.md",
        "$(id).md",
        "*.md",
        "ü~1.md",
        "a'\"b.md",
    ];
    for name in names {
        folder.write(name, format!("# {name}\n"));
    }
    let commit = folder.commit_all();
    let library = read_folder(&folder.path).await;
    for name in names {
        let id = name.strip_suffix(".md").unwrap();
        // `./` because hash-object would take the first for an option otherwise.
        assert_version(book(&library, id), &commit, &folder.path.join(name), false);
    }
    assert_eq!(library.problems, Vec::<String>::new());
}

#[tokio::test]
async fn line_ends_that_git_would_convert_count_as_they_are() {
    let folder = Folder::new();
    folder.write(".gitattributes", "*.md text eol=crlf\n");
    let file = folder.write("crlf.md", "# Title\r\n\r\ntext\r\n");
    let commit = folder.commit_all();
    let library = read_folder(&folder.path).await;
    // git calls it clean; but these bytes are not the commit's.
    assert_eq!(git(&folder.path, &["status", "--porcelain"]), "");
    assert_version(book(&library, "crlf"), &commit, &file, true);
}

#[tokio::test]
async fn a_detached_head_has_no_branch() {
    let folder = Folder::new();
    let file = folder.write("a.md", "# A\n");
    let commit = folder.commit_all();
    git(&folder.path, &["checkout", "--quiet", "--detach"]);
    let library = read_folder(&folder.path).await;
    assert_eq!(library.origin.branch, None);
    assert_eq!(library.origin.remote, None);
    assert_version(book(&library, "a"), &commit, &file, false);
}

#[tokio::test]
async fn a_second_working_tree_and_a_shallow_clone() {
    let (folder, other) = (Folder::new(), Folder::new());
    folder.write("a.md", "# First\n");
    folder.commit_all();
    folder.write("a.md", "# Second\n");
    let commit = commit_all(&folder.path);

    let tree = other.path.join("tree");
    let tree_name = tree.to_str().unwrap();
    git(
        &folder.path,
        &["worktree", "add", "--quiet", "-b", "side", tree_name],
    );
    let library = read_folder(&tree).await;
    assert_version(book(&library, "a"), &commit, &tree.join("a.md"), false);
    assert_eq!(library.origin.branch.unwrap().raw(), "side");

    let url = format!("file://{}", folder.path.display());
    git(
        &other.path,
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
    );
    let shallow = other.path.join("shallow");
    assert_eq!(git(&shallow, &["rev-list", "--count", "HEAD"]), "1");
    let library = read_folder(&shallow).await;
    assert_version(book(&library, "a"), &commit, &shallow.join("a.md"), false);
    assert_eq!(library.origin.remote.unwrap().raw(), url);
}

#[tokio::test]
async fn files_of_a_submodule_have_its_version() {
    let (team, folder) = (Folder::new(), Folder::new());
    team.write("runbooks/team.md", "# Team\n");
    let team_commit = team.commit_all();
    let own = folder.write("own.md", "# Own\n");
    folder.commit_all();
    let url = format!("file://{}", team.path.display());
    git(&folder.path, &["submodule", "--quiet", "add", &url, "team"]);
    let commit = commit_all(&folder.path);

    let library = read_folder(&folder.path).await;

    assert_eq!(library.problems, Vec::<String>::new());
    assert_version(book(&library, "own"), &commit, &own, false);
    let inside = folder.path.join("team/runbooks/team.md");
    assert_version(book(&library, "team"), &team_commit, &inside, false);
    assert_eq!(library.origin.commit.as_ref(), Some(&commit));
    // The submodule's own folder as the path.
    let library = read_folder(&folder.path.join("team")).await;
    assert_eq!(library.origin.commit, Some(team_commit));
}

#[tokio::test]
async fn a_bare_repository_is_read_from_its_head() {
    let (folder, other) = (Folder::new(), Folder::new());
    let file = folder.write("apps/a.md", "---\nid: app-a\n---\n# A\n");
    folder.write(".hidden/b.md", "# B\n");
    folder.write("huge.md", "x".repeat(folder::MAX_FILE_BYTES + 1));
    folder.write("README.md", "# About\n");
    std::os::unix::fs::symlink("apps/a.md", folder.path.join("link.md")).unwrap();
    let commit = folder.commit_all();
    let url = format!("file://{}", folder.path.display());
    git(
        &other.path,
        &["clone", "--quiet", "--bare", &url, "all.git"],
    );

    let library = read_folder(&other.path.join("all.git")).await;

    assert_eq!(ids(&library), ["app-a"]);
    assert_version(book(&library, "app-a"), &commit, &file, false);
    assert_eq!(book(&library, "app-a").path.raw(), "apps/a.md");
    assert_eq!(library.origin.branch.unwrap().raw(), "main");
    assert_eq!(
        library.problems,
        [
            "huge.md: larger than 256 KiB: not read",
            "link.md: a link, not followed in a bare repository",
        ]
    );
}

#[tokio::test]
async fn sha256_repositories() {
    let folder = Folder::new();
    let file = folder.write("a.md", "# A\n");
    git(&folder.path, &["init", "--quiet", "--object-format=sha256"]);
    let commit = commit_all(&folder.path);
    assert_eq!(commit.len(), 64);
    let changed = folder.write("b.md", "# B\n");
    let library = read_folder(&folder.path).await;
    assert_version(book(&library, "a"), &commit, &file, false);
    assert_version(book(&library, "b"), &commit, &changed, true);
}

#[tokio::test]
async fn without_a_repository_or_a_commit_the_bytes_are_the_version() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    let library = read_folder(&folder.path).await;
    assert_unversioned(book(&library, "a"));
    git(&folder.path, &["init", "--quiet"]);
    let library = read_folder(&folder.path).await;
    assert_unversioned(book(&library, "a"));
    assert_eq!(library.problems, Vec::<String>::new());
    assert_eq!(library.origin.commit, None);
}

#[tokio::test]
async fn without_git_the_bytes_are_the_version_and_it_is_said() {
    let (folder, empty) = (Folder::new(), Folder::new());
    folder.write("a.md", "# A\n");
    folder.commit_all();
    let no_git = Git::new(Some(empty.path.clone().into()));
    let library = read_path(&no_git, &folder.path).await.unwrap();
    assert_unversioned(book(&library, "a"));
    let expected = format!(
        "{}: no versions, git is not installed: install git to see versions",
        folder.path.display()
    );
    assert_eq!(library.problems, [expected]);
}

#[tokio::test]
async fn a_working_tree_whose_repository_is_gone_is_said() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    folder.write(".git", "gitdir: /nowhere/at/all\n");
    let library = read_folder(&folder.path).await;
    assert_unversioned(book(&library, "a"));
    assert_eq!(library.problems.len(), 1);
    assert!(
        library.problems[0].contains("/nowhere/at/all"),
        "{:?}",
        library.problems
    );
}

#[tokio::test]
async fn a_damaged_repository_still_gives_its_files() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    folder.commit_all();
    let objects = folder.path.join(".git/objects");
    std::fs::remove_dir_all(&objects).unwrap();
    std::fs::create_dir(&objects).unwrap();
    let library = read_folder(&folder.path).await;
    assert_unversioned(book(&library, "a"));
    assert_eq!(library.problems.len(), 1, "{:?}", library.problems);
}

#[tokio::test]
async fn another_users_repository_has_versions_as_nothing_of_it_runs() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    let commit = folder.commit_all();
    // Of what quell always says to git, all but the trust.
    let (trust, rest) = git::ALWAYS
        .split_last_chunk::<2>()
        .map(|(r, t)| (t, r))
        .unwrap();
    assert_eq!(trust, &["-c", "safe.directory=*"]);
    let ask = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .arg("-C")
            .arg(&folder.path)
            .args(["rev-parse", "HEAD"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(git::ENVIRONMENT)
            .env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
            .output()
            .unwrap()
    };
    let refused = ask(rest);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("dubious ownership"));
    assert_eq!(
        String::from_utf8_lossy(&ask(&git::ALWAYS).stdout).trim_end(),
        commit
    );
}

#[tokio::test]
async fn nothing_a_repository_configures_is_run() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    folder.write(".gitattributes", "*.md filter=evil diff=evil\n");
    folder.commit_all();
    let trap = folder.path.join("sprung");
    let program = folder.write(
        ".git/evil",
        format!("#!/bin/sh\ntouch {}\ncat\n", trap.display()),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let program = program.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "filter.evil.clean",
        "diff.evil.textconv",
        "core.pager",
    ] {
        git(&folder.path, &["config", key, program]);
    }
    git(&folder.path, &["config", "core.hooksPath", ".git"]);
    folder.write("a.md", "# Changed\n");
    let library = read_folder(&folder.path).await;
    assert_eq!(
        book(&library, "a").version.short().split('+').nth(1),
        Some("dirty")
    );
    assert!(!trap.exists());
    // The trap works: git springs it when it may.
    git(&folder.path, &["status"]);
    assert!(trap.exists());
}

/// A folder with a program called git.
fn false_git(script: &str) -> (Folder, Git) {
    let folder = Folder::new();
    let program = folder.write("git", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(program, mode).unwrap();
    let git = Git::new(Some(folder.path.clone().into()));
    (folder, git)
}

#[tokio::test(start_paused = true)]
async fn a_git_that_hangs_is_left() {
    let (folder, git) = false_git("#!/bin/sh\nexec /bin/sleep 600\n");
    let failure = git.discover(&folder.path).await.unwrap_err();
    assert!(matches!(failure, Failure::TimedOut), "{failure}");
}

#[tokio::test]
async fn a_git_that_does_not_stop_talking_is_left() {
    for script in [
        "#!/bin/sh\nexec cat /dev/zero\n",
        "#!/bin/sh\nexec cat /dev/zero >&2\n",
    ] {
        let script = script.replace("cat", "/bin/cat");
        let (folder, git) = false_git(&script);
        let failure = git.discover(&folder.path).await.unwrap_err();
        assert!(matches!(failure, Failure::TooMuch(_)), "{failure}");
    }
}

#[tokio::test]
async fn a_git_that_talks_nonsense_is_not_believed() {
    let folder = Folder::new();
    folder.write("a.md", "# A\n");
    folder.commit_all();
    let real = Git::new(std::env::var_os("PATH"));
    let git::Found::WorkTree(repository) = real.discover(&folder.path).await.unwrap() else {
        panic!("no working tree");
    };
    for answer in ["", "x blob 4", "0123 blob 4\nmore"] {
        let (_kept, git) = false_git(&format!("#!/bin/sh\necho '{answer}'\n"));
        let failure = git
            .versions(&repository, &[("a.md", b"# A\n")])
            .await
            .unwrap_err();
        assert!(
            matches!(failure, Failure::Unexpected(_)),
            "{answer}: {failure}"
        );
    }
}
