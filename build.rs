//! Which runbooks and SLOs does the program carry, and in which version?
//!
//! Copies `runbooks/*.md` beside the build's output and writes the table that
//! `src/runbooks/builtin.rs` includes, with what git says of those very bytes. Without git, or
//! outside a repository that knows this crate, they carry no version. Never fails for git's sake.
//! Does the same with `runbooks/slo/*.yaml` for `src/slos/builtin.rs`; these carry none.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = variable("OUT_DIR")?;
    let mut cargo = io::stdout().lock();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    writeln!(cargo, "cargo::rerun-if-changed=runbooks")?;
    let git = Repository::around(&here);
    for path in git.iter().flat_map(Repository::moves_with_head) {
        writeln!(cargo, "cargo::rerun-if-changed={}", path.display())?;
    }

    let mut table = String::from("static EMBEDDED: &[Embedded] = &[\n");
    for (number, name) in names(&here.join("runbooks"), "md")?.iter().enumerate() {
        let bytes = fs::read(here.join("runbooks").join(name))?;
        // A copy, so that what is included is what was hashed.
        let copy = format!("/runbook-{number}.md");
        fs::write(format!("{out}{copy}"), &bytes)?;
        let pin = git.as_ref().and_then(|git| git.pin(name, &bytes));
        writeln!(
            table,
            "    Embedded {{ path: {name:?}, bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), {copy:?})), git: {} }},",
            pin.as_deref().unwrap_or("None"),
        )?;
    }
    table.push_str("];\n");
    fs::write(format!("{out}/builtin_runbooks.rs"), table)?;
    fs::write(format!("{out}/builtin_slos.rs"), slo_table(&here, &out)?)?;
    Ok(())
}

fn slo_table(here: &Path, out: &str) -> Result<String, Box<dyn Error>> {
    let folder = here.join("runbooks/slo");
    let mut table = String::from("static EMBEDDED_SLOS: &[Embedded] = &[\n");
    for (number, name) in names(&folder, "yaml")?.iter().enumerate() {
        let copy = format!("/slo-{number}.yaml");
        fs::copy(folder.join(name), format!("{out}{copy}"))?;
        writeln!(
            table,
            "    Embedded {{ name: {name:?}, text: include_str!(concat!(env!(\"OUT_DIR\"), {copy:?})) }},",
        )?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}

/// The names of the files with this ending, sorted. None if there is no such folder.
fn names(folder: &Path, ending: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|end| end == ending)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The repository that tracks this crate.
struct Repository {
    crate_folder: PathBuf,
    commit: String,
    /// Where the crate lies in it: empty, or ending in `/`.
    prefix: String,
}

impl Repository {
    /// None too if the crate merely lies within somebody's repository, as an unpacked archive may.
    fn around(crate_folder: &Path) -> Option<Self> {
        let ask = |args: &[&str]| git(crate_folder, args, &[]);
        let commit = ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        let prefix = ask(&["rev-parse", "--show-prefix"])?;
        let this = Self {
            crate_folder: crate_folder.to_path_buf(),
            commit,
            prefix,
        };
        this.committed("build.rs").map(|_| this)
    }

    /// The files that change when `HEAD` does: its log, or without one the branch itself. Only
    /// those that exist, as cargo takes a missing one for a changed one, for ever.
    fn moves_with_head(&self) -> Vec<PathBuf> {
        let existing = |name: &str| {
            let path = git(&self.crate_folder, &["rev-parse", "--git-path", name], &[])?;
            Some(self.crate_folder.join(path)).filter(|path| path.exists())
        };
        let mut paths: Vec<PathBuf> = existing("HEAD").into_iter().collect();
        if let Some(log) = existing("logs/HEAD") {
            paths.push(log);
            return paths;
        }
        let branch = git(
            &self.crate_folder,
            &["symbolic-ref", "--quiet", "HEAD"],
            &[],
        );
        paths.extend(branch.as_deref().and_then(existing));
        paths.extend(existing("packed-refs"));
        paths
    }

    /// The table's words on a runbook of these bytes.
    fn pin(&self, name: &str, bytes: &[u8]) -> Option<String> {
        let args = ["hash-object", "--no-filters", "--stdin"];
        let blob = git(&self.crate_folder, &args, bytes)?;
        let dirty = self.committed(&format!("runbooks/{name}")).as_deref() != Some(&blob);
        let commit = &self.commit;
        Some(format!(
            "Some(Pin {{ commit: {commit:?}, blob: {blob:?}, dirty: {dirty} }})"
        ))
    }

    fn committed(&self, path: &str) -> Option<String> {
        let name = format!("{}:{}{path}", self.commit, self.prefix);
        git(
            &self.crate_folder,
            &["rev-parse", "--verify", "--quiet", &name],
            &[],
        )
    }
}

/// What git answers, without the last line feed. None if it says no, or is not there.
fn git(folder: &Path, args: &[&str], input: &[u8]) -> Option<String> {
    // Within a hook, git's own variables would name another repository.
    let kept = ["PATH", "HOME"].into_iter();
    let kept = kept.filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new("git")
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false"])
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "safe.directory=*",
            "-C",
        ])
        .arg(folder)
        .args(args)
        .env_clear()
        .envs(kept)
        .env("LC_ALL", "C")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    let answer = answer.strip_suffix('\n').unwrap_or(&answer);
    output.status.success().then(|| answer.to_owned())
}
