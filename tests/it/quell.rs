//! How does a test run the built quell? Headless here, in a terminal through [`Terminal`], both in a
//! home of their own and with an environment that holds nothing of the developer's.
//!
//! ```ignore
//! let quell = Quell::new();
//! quell.write("config/quell/config.toml", "[[alertmanager]]\nurl = \"http://127.0.0.1:1\"\n");
//! let answer = quell.run(&["alerts", "--format", "json"]);
//! assert_eq!(answer.code, 0, "{answer:?}");
//! assert_eq!(answer.json()["alerts"][0]["labels"]["alertname"], "NodeDown");
//! ```

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::peers::PATIENCE;
use crate::terminal::{HangUp, Size, Terminal};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_quell");

/// A person's machine with nothing on it but quell: an empty home, `TZ=UTC`, a UTF-8 locale.
///
/// The folders are `home`, `config`, `data`, `state`, `cache` and `runtime`, named to programs by
/// `HOME` and the `XDG_*` variables. They are deleted with the value.
pub struct Quell {
    dir: TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

/// What a headless run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Standard output as JSON; fails, with both outputs, if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }
}

impl Quell {
    /// An empty home.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"));
        for folder in ["home", "config", "data", "state", "cache", "runtime"] {
            fs::create_dir(dir.path().join(folder)).unwrap_or_else(|e| panic!("no {folder}: {e}"));
        }
        Self {
            dir,
            variables: Vec::new(),
        }
    }

    /// Sets a variable beside those that every home has.
    pub fn with_variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// A place in this home, such as `state/quell`.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// Writes a file, with the folders above it, and returns where it is.
    pub fn write(&self, inside: &str, text: &str) -> PathBuf {
        let path = self.path(inside);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        path
    }

    /// Runs quell without a terminal until it ends; fails if it does not end within [`PATIENCE`] or
    /// ends by a signal.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_program(PROGRAM, arguments)
    }

    /// quell in this home, for a test that sets variables, pipes or a folder of its own.
    pub fn command(&self) -> Command {
        self.clean_command(PROGRAM)
    }

    /// Starts quell in a terminal of this size.
    ///
    /// ```ignore
    /// let terminal = quell.terminal(&["demo"], Size::new(80, 24));
    /// terminal.wait_for_text("triage");
    /// ```
    pub fn terminal(&self, arguments: &[&str], size: Size) -> Terminal {
        self.program_in_terminal(PROGRAM, arguments, size, HangUp::Deadly)
    }

    /// The same under `nohup`'s conditions: SIGHUP is ignored from the start.
    pub fn terminal_ignoring_hang_up(&self, arguments: &[&str], size: Size) -> Terminal {
        self.program_in_terminal(PROGRAM, arguments, size, HangUp::Ignored)
    }

    fn run_program(&self, program: &str, arguments: &[&str]) -> Outcome {
        let output = assert_cmd::Command::from_std(self.clean_command(program))
            .args(arguments)
            .timeout(PATIENCE)
            .output()
            .unwrap_or_else(|e| panic!("cannot run {program}: {e}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let Some(code) = output.status.code() else {
            panic!(
                "{program} {arguments:?} did not end by itself within {PATIENCE:?} ({}):\n{stdout}\n{stderr}",
                output.status
            );
        };
        Outcome {
            code,
            stdout,
            stderr,
        }
    }

    fn program_in_terminal(
        &self,
        program: &str,
        arguments: &[&str],
        size: Size,
        hang_up: HangUp,
    ) -> Terminal {
        Terminal::start(program, arguments, size, hang_up, |wrapper| {
            self.clean_command(wrapper)
        })
    }

    /// A command that knows this home and, of the developer's environment, only where programs are.
    fn clean_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_RUNTIME_DIR", self.path("runtime"))
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .envs(self.variables.iter().copied())
            .current_dir(self.path("home"));
        command
    }
}

mod tests {
    use super::*;

    #[test]
    fn a_run_sees_its_own_home_and_nothing_of_ours() {
        let quell = Quell::new();
        let seen = quell.run_program("env", &[]);
        assert_eq!(seen.code, 0);
        let names: Vec<&str> = seen
            .stdout
            .lines()
            .filter_map(|line| line.split('=').next())
            .collect();
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "TZ", "PATH"] {
            assert!(names.contains(&name), "{name} is missing: {names:?}");
        }
        // Cargo sets this one for every test.
        assert!(!names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");

        let written = quell.write("config/quell/config.toml", "{\"a\": [1]}");
        let read = quell.run_program("cat", &[&written.to_string_lossy()]);
        assert_eq!(read.json()["a"][0], 1);
    }

    #[test]
    fn codes_and_both_outputs_are_kept_apart() {
        let failed = Quell::new().run_program("ls", &["not-there"]);
        assert_eq!((failed.code, failed.stdout.as_str()), (2, ""));
        assert!(failed.stderr.contains("not-there"), "{failed:?}");
    }

    #[test]
    fn the_built_program_starts_headless_and_in_a_terminal() {
        let quell = Quell::new();
        let answer = quell.run(&["--version"]);
        assert_eq!(answer.code, 0, "{answer:?}");
        for terminal in [
            quell.terminal(&["--version"], Size::new(80, 24)),
            quell.terminal_ignoring_hang_up(&["--version"], Size::new(80, 24)),
        ] {
            let ending = terminal.wait_end();
            assert!(ending.status.success(), "{}", ending.status);
            ending.assert_restored();
        }
    }
}
