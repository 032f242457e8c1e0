//! Which credentials does the exec plugin of a kubeconfig print?
//!
//! As kubectl does it (`client.authentication.k8s.io`), but the program never meets our terminal: no
//! input, its own process group, both outputs taken, an end after [`TIMEOUT`]. kube's own way runs it
//! three times, on a thread that nobody can stop, and puts its output with the token into its error.
//! Called by [`super::client`].

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kube::config::ExecConfig;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::shown;
use crate::sources::http::message_line;

/// A program that asks a person, or hangs, does not hold up its source for longer.
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
const MAX_ERROR_BYTES: u64 = 64 * 1024;
/// New credentials are fetched so long before the old ones end.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

/// A program that prints credentials.
pub(super) struct Plugin {
    spec: ExecConfig,
    /// Whose credentials, as the kubeconfig names the user.
    user: String,
}

/// What a plugin printed.
pub(super) struct Credential {
    pub(super) token: Option<SecretString>,
    /// Certificate and key, as PEM.
    pub(super) certificate: Option<(String, SecretString)>,
    expires_at: Option<DateTime<Utc>>,
}

impl Credential {
    pub(super) fn is_ending(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| now + AHEAD >= at)
    }
}

#[derive(Deserialize)]
struct Printed {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<SecretString>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretString>,
}

impl Plugin {
    pub(super) fn new(spec: ExecConfig, user: String) -> Self {
        Self { spec, user }
    }

    /// Runs it once.
    ///
    /// # Errors
    /// `Local`: what the plugin said of its failure, in one line.
    pub(super) async fn run(&self) -> Result<Credential, SourceError> {
        let ran = tokio::time::timeout(TIMEOUT, self.output()).await;
        let secs = TIMEOUT.as_secs();
        let output = ran.unwrap_or_else(|_| Err(format!("no answer within {secs} s")));
        output
            .and_then(|output| credential(&output))
            .map_err(|why| {
                let program = shown(self.spec.command.as_deref().unwrap_or_default());
                let user = shown(&self.user);
                let detail =
                    format!("the plugin `{program}` of the kubeconfig's user `{user}`: {why}");
                SourceError::new(ErrorKind::Local, &detail)
            })
    }

    async fn output(&self) -> Result<Vec<u8>, String> {
        let spec = &self.spec;
        let mut command = Command::new(spec.command.as_deref().unwrap_or_default());
        command.args(spec.args.iter().flatten());
        for variable in spec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", self.exec_info()?);
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(|error| {
            let hint = spec.install_hint.as_deref().map(message_line);
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("it cannot be started: {}{hint}", error.kind())
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (output, complaint, status) = tokio::join!(
            whole(stdout, MAX_ANSWER_BYTES),
            whole(stderr, MAX_ERROR_BYTES),
            child.wait(),
        );
        let status = status.map_err(|error| error.kind().to_string())?;
        if status.success() {
            return Ok(output);
        }
        let complaint = String::from_utf8_lossy(&complaint).into_owned();
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        Err(match last {
            Some(line) => format!("{status}: {}", message_line(line)),
            None => format!("{status}, without a word; run it by hand to see why"),
        })
    }

    fn exec_info(&self) -> Result<String, String> {
        let cluster = if self.spec.provide_cluster_info {
            serde_json::to_value(&self.spec.cluster).map_err(|error| error.to_string())?
        } else {
            serde_json::Value::Null
        };
        let mut info = serde_json::json!({
            "kind": "ExecCredential",
            "apiVersion": self.spec.api_version,
            "spec": { "interactive": false },
        });
        if !cluster.is_null() {
            info["spec"]["cluster"] = cluster;
        }
        Ok(info.to_string())
    }
}

/// As much as comes and is allowed. The rest is read and dropped, so that the program can end.
async fn whole(from: Option<impl AsyncRead + Unpin>, max_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // A broken pipe is the end of it: what came is judged.
        let _end = (&mut from).take(max_bytes).read_to_end(&mut bytes).await;
        let _end = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    bytes
}

/// No text of an error holds what was printed: it may be the token.
fn credential(printed: &[u8]) -> Result<Credential, String> {
    let text = std::str::from_utf8(printed).map_err(|_| "it printed no UTF-8")?;
    // YAML too, as with kubectl.
    let printed: Printed =
        serde_saphyr::from_str(text).map_err(|_| "what it printed is no ExecCredential")?;
    let status = printed
        .status
        .ok_or("its ExecCredential has no `status`, so no credentials")?;
    let expires_at = match &status.expiration_timestamp {
        Some(text) => {
            let at = DateTime::parse_from_rfc3339(text);
            let at = at.map_err(|_| "its `expirationTimestamp` is no time")?;
            Some(at.with_timezone(&Utc))
        }
        None => None,
    };
    let certificate = status.client_certificate_data.zip(status.client_key_data);
    if status.token.is_none() && certificate.is_none() {
        return Err("its `status` has neither a token nor a certificate with its key".to_owned());
    }
    Ok(Credential {
        token: status.token,
        certificate,
        expires_at,
    })
}

/// As a kubeconfig carries PEM.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let group = three
            .iter()
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let group = group << (8 * (3 - three.len()));
        for place in 0..4 {
            if place <= three.len() {
                let six = (group >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[six as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
