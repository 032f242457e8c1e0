//! Does it work where it is used: through a real sshd, on a line that is lost?
//!
//! A private OpenSSH server on loopback, as the user who runs the tests, with keys of its own.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Signal, getuid};
use tempfile::TempDir;

use crate::endings::{GONE_WITHIN, is_drawn};
use crate::peers::{cannot_start, free_port, until};
use crate::quell::{PROGRAM, Quell};
use crate::screen::{NARROW, escape, has, size};
use crate::terminal::{HangUp, Terminal};

/// sshd wants to be called by its full path, because it starts itself again for each connection.
const SSHD: &str = "/usr/sbin/sshd";

/// A server that lets its own key in. Ended, with its connections, when dropped.
struct Sshd {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Sshd {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"));
        let path = |name: &str| dir.path().join(name);
        for key in ["host", "user"] {
            make_key(&path(key));
        }
        fs::copy(path("user.pub"), path("authorized")).unwrap_or_else(|e| panic!("{e}"));
        if getuid().is_root() {
            // Where a real server of the machine would separate its privileges.
            let made = DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create("/run/sshd");
            made.unwrap_or_else(|e| panic!("/run/sshd: {e}"));
        }
        let port = free_port();
        let port_text = port.to_string();
        let log = File::create(path("log")).unwrap_or_else(|e| panic!("{e}"));
        let option = |name: &str, value: &str| format!("-o{name}={value}");
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f", "/dev/null", "-p", &port_text])
            .args([
                option("ListenAddress", "127.0.0.1"),
                option("HostKey", &path("host").to_string_lossy()),
                option("AuthorizedKeysFile", &path("authorized").to_string_lossy()),
                option("PidFile", "none"),
                option("StrictModes", "no"),
                option("UsePAM", "no"),
                option("PermitRootLogin", "prohibit-password"),
                option("PrintLastLog", "no"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{}", cannot_start(SSHD, "openssh-server", &e)));
        Self { child, port, dir }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_else(|e| format!("no log: {e}"))
    }

    /// Waits until it takes connections.
    async fn wait_ready(&self) {
        until("sshd listens", async || {
            std::net::TcpStream::connect(("127.0.0.1", self.port))
                .map(drop)
                .map_err(|e| format!("{e}\n{}", self.log()))
        })
        .await;
    }

    /// A person's `ssh -tt` to it, in a terminal, with a command.
    fn connect(&self, command: &str) -> Terminal {
        let key = self.dir.path().join("user");
        let port = self.port.to_string();
        let arguments = [
            "-tt",
            "-F/dev/null",
            "-i",
            &key.to_string_lossy(),
            "-p",
            &port,
            "-oStrictHostKeyChecking=no",
            "-oUserKnownHostsFile=/dev/null",
            "-oIdentitiesOnly=yes",
            "-oBatchMode=yes",
            "-oLogLevel=ERROR",
            "127.0.0.1",
            command,
        ];
        Terminal::start("ssh", &arguments, size(NARROW), HangUp::Deadly, |wrapper| {
            let mut command = Command::new(wrapper);
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.env_clear().env("PATH", path).env("LANG", "C.UTF-8");
            command
        })
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Both fail only when it has ended already. Its connections end with their clients.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_key(file: &Path) {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file)
        .output()
        .unwrap_or_else(|e| panic!("{}", cannot_start("ssh-keygen", "openssh-client", &e)));
    assert!(output.status.success(), "{output:?}");
}

/// The running quells whose environment names this home.
fn quells_at(home: &Path) -> Vec<u32> {
    let program = fs::canonicalize(PROGRAM).unwrap_or_else(|e| panic!("{e}"));
    let home = home.to_string_lossy().into_owned();
    let is_one = |folder: &PathBuf| {
        let runs = fs::read_link(folder.join("exe")).is_ok_and(|exe| exe == program);
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        runs && String::from_utf8_lossy(&environment).contains(&home)
    };
    let processes = fs::read_dir("/proc").unwrap_or_else(|e| panic!("/proc: {e}"));
    processes
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_one)
        .filter_map(|folder| folder.file_name()?.to_str()?.parse().ok())
        .collect()
}

#[tokio::test]
async fn it_draws_through_ssh_and_is_gone_when_the_line_is_cut() {
    let sshd = Sshd::start();
    sshd.wait_ready().await;
    let quell = Quell::new();
    let home = quell.path("home");
    let command = format!(
        "exec env HOME={home} XDG_STATE_HOME={home} LANG=C.UTF-8 {PROGRAM} demo --seed 1",
        home = home.display()
    );

    let terminal = sshd.connect(&command);
    terminal.wait_for("the demo at work", is_drawn);
    terminal.send("?");
    terminal.wait_for("the help, by a key through the line", |screen| {
        has(screen, "Keys on Triage")
    });
    escape(&terminal, "the demo again", is_drawn);
    terminal.send("q");
    let ending = terminal.wait_end();
    assert!(ending.status.success(), "{}\n{}", ending.status, sshd.log());
    ending.assert_restored();

    let terminal = sshd.connect(&command);
    terminal.wait_for("the demo at work", is_drawn);
    assert_eq!(quells_at(&home).len(), 1, "the demo is not behind sshd");
    let begun = Instant::now();
    terminal.signal(Signal::KILL);
    until("quell is gone", async || match quells_at(&home)[..] {
        [] => Ok(()),
        ref left => Err(format!("processes {left:?} are left\n{}", sshd.log())),
    })
    .await;
    let took = begun.elapsed();
    assert!(took < GONE_WITHIN, "it stayed for {took:?}");
}
