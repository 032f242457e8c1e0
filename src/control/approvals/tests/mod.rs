//! Approvals against the real tools of OpenSSH and the real git.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

mod carriers;
mod forgeries;
mod keys;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::domain::approval::NAMESPACE;
use crate::domain::approval::tests::{now, plan, policy};
use chrono::TimeDelta;
use tempfile::TempDir;

/// Until when the approvals of these tests count.
fn until() -> DateTime<Utc> {
    now() + TimeDelta::minutes(10)
}

/// A statement that is as it should be, by iris.
fn statement() -> Statement {
    Statement::for_plan(&plan(), "iris@example.com", "sre", until())
}

/// Who asked, as quell found it out.
fn mara(scene: &Scene) -> RequesterKeys {
    RequesterKeys {
        principals: vec!["mara@example.com".to_owned()],
        keys: vec![scene.fingerprint("mara"), scene.fingerprint("mara-2")],
    }
}

/// A folder with keys, a list of signers and a folder through which approvals travel.
pub(crate) struct Scene {
    _kept: TempDir,
    pub(crate) path: PathBuf,
}

impl Scene {
    /// With keys of mara, iris and ivo on the list, a second one of mara's and one of eve's that are not.
    pub(crate) fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().canonicalize().unwrap();
        let scene = Self { _kept: kept, path };
        for name in ["mara", "mara-2", "iris", "ivo", "eve"] {
            scene.make_key(name);
        }
        let list = ["mara", "iris", "ivo"]
            .map(|name| scene.line(&format!("{name}@example.com"), "", name))
            .concat();
        scene.write("allowed_signers", &list);
        std::fs::create_dir(scene.path.join("shared")).unwrap();
        scene
    }

    fn make_key(&self, name: &str) {
        let file = self.path.join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(file)
            .status();
        assert!(made.unwrap().success());
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn public_key(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path.join(format!("{name}.pub"))).unwrap();
        text.rsplit_once(' ').unwrap().0.to_owned()
    }

    /// A line of a list of signers.
    fn line(&self, principals: &str, options: &str, key: &str) -> String {
        format!("{principals} {options} {}\n", self.public_key(key))
    }

    fn fingerprint(&self, name: &str) -> String {
        let file = self.path.join(format!("{name}.pub"));
        let said = Command::new("ssh-keygen").arg("-lf").arg(file).output();
        let said = String::from_utf8(said.unwrap().stdout).unwrap();
        said.split(' ').nth(1).unwrap().to_owned()
    }

    fn settings(&self, name: &str) -> ApprovalSettings {
        ApprovalSettings {
            allowed_signers: Some(self.path.join("allowed_signers")),
            signing_key: Some(self.path.join(name)),
            folder: Some(self.path.join("shared")),
            ..ApprovalSettings::default()
        }
    }

    /// Somebody's quell, without an agent.
    pub(crate) fn quell_of(&self, name: &str) -> Approvals {
        Approvals::with_tools(&self.settings(name), no_agent())
    }

    /// What the real `ssh-keygen` signs.
    fn sign(&self, key: &str, namespace: &str, bytes: &[u8]) -> String {
        let mut child = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(self.path.join(key))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
        let said = child.wait_with_output().unwrap();
        assert!(said.status.success());
        String::from_utf8(said.stdout).unwrap()
    }

    /// A document of a statement.
    fn document(&self, statement: &Statement, key: &str) -> String {
        let bytes = statement.canonical_bytes();
        let signature = self.sign(key, NAMESPACE, &bytes);
        String::from_utf8(bytes).unwrap() + &signature
    }
}

fn no_agent() -> Tools {
    Tools {
        agent: None,
        ..Tools::of_process()
    }
}

/// A real agent that ends with the test.
struct Agent {
    process: Child,
    socket: PathBuf,
}

impl Agent {
    fn new(scene: &Scene, keys: &[&str]) -> Self {
        let socket = scene.path.join("agent");
        // It says where it listens before it listens to anybody.
        let mut process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 1];
        let stdout = process.stdout.as_mut().unwrap();
        std::io::Read::read_exact(stdout, &mut said).unwrap();
        let agent = Self { process, socket };
        for key in keys {
            let added = Command::new("ssh-add")
                .arg("-q")
                .arg(scene.path.join(key))
                .env("SSH_AUTH_SOCK", &agent.socket)
                .status();
            assert!(added.unwrap().success());
        }
        agent
    }

    fn tools(&self) -> Tools {
        Tools {
            agent: Some(self.socket.clone().into()),
            ..Tools::of_process()
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Runs the real git.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}
