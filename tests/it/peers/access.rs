//! Who may talk to a peer, and how does it know them? The web configuration of the Prometheus
//! programs (basic authentication, TLS, client certificates) and the certificates for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{cannot_start, http_client};

/// The user that [`Access::Password`] and [`Access::PasswordOverTls`] let in.
pub const USER: &str = "oncall";
/// The password of [`USER`].
pub const PASSWORD: &str = "correct horse";
/// [`PASSWORD`] under bcrypt at its lowest cost: a peer computes it for every request.
const PASSWORD_HASH: &str = "$2b$04$b5jwIfzcQlr9GhC6JXHoCO7k6DaSQQ9z0fElZLdWmLCauGc0fgnu6";

/// What a peer asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Plain HTTP, no questions.
    #[default]
    Open,
    /// Plain HTTP, basic authentication.
    Password,
    /// TLS under the private authority of [`Certificates`], basic authentication.
    PasswordOverTls,
    /// TLS both ways: a client needs a certificate of the same authority.
    ClientCertificate,
}

impl Access {
    fn has_password(self) -> bool {
        matches!(self, Self::Password | Self::PasswordOverTls)
    }

    fn has_tls(self) -> bool {
        matches!(self, Self::PasswordOverTls | Self::ClientCertificate)
    }
}

/// A private authority with a certificate for `127.0.0.1` and `localhost`, and one for a client. All
/// are PEM files, as quell's configuration names them.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's own certificate: what a client must trust.
    pub authority: PathBuf,
    /// The client's certificate.
    pub client: PathBuf,
    /// The client's private key.
    pub client_key: PathBuf,
    server: PathBuf,
    server_key: PathBuf,
}

impl Certificates {
    fn create(dir: &Path) -> Self {
        let config = dir.join("openssl.cnf");
        write(
            &config,
            "[req]\ndistinguished_name = name\nprompt = no\n\
             [name]\nCN = quell tests\n\
             [authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
             [leaf]\nbasicConstraints = critical, CA:FALSE\n\
             subjectAltName = IP:127.0.0.1, DNS:localhost\n\
             extendedKeyUsage = serverAuth, clientAuth\n",
        );
        let (authority, authority_key) = (dir.join("ca.pem"), dir.join("ca.key"));
        certify(&config, "authority", &authority, &authority_key, None);
        let leaf = |name: &str| {
            let files = (
                dir.join(format!("{name}.pem")),
                dir.join(format!("{name}.key")),
            );
            let signer = Some((authority.as_path(), authority_key.as_path()));
            certify(&config, "leaf", &files.0, &files.1, signer);
            files
        };
        let (server, server_key) = leaf("server");
        let (client, client_key) = leaf("client");
        Self {
            authority,
            client,
            client_key,
            server,
            server_key,
        }
    }
}

/// Makes a key and a certificate for it, signed by `signer` (certificate, key) or by itself.
fn certify(
    config: &Path,
    section: &str,
    certificate: &Path,
    key: &Path,
    signer: Option<(&Path, &Path)>,
) {
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-extensions", section])
        .arg("-config")
        .arg(config)
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key);
    if let Some((authority, authority_key)) = signer {
        openssl
            .arg("-CA")
            .arg(authority)
            .arg("-CAkey")
            .arg(authority_key);
    }
    let output = openssl
        .output()
        .unwrap_or_else(|e| panic!("{}", cannot_start("openssl", "openssl", &e)));
    assert!(
        output.status.success(),
        "openssl made no certificate: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The door of one peer: what it was told to ask, and the client that has the answers.
pub(super) struct Door {
    access: Access,
    certificates: Option<Certificates>,
    client: reqwest::Client,
}

impl Door {
    /// Writes what `access` needs into `dir`.
    pub fn build(access: Access, dir: &Path) -> Self {
        let certificates = access.has_tls().then(|| Certificates::create(dir));
        let mut client = http_client();
        if let Some(files) = &certificates {
            let authority = reqwest::Certificate::from_pem(&read(&files.authority))
                .unwrap_or_else(|e| panic!("the authority is no certificate: {e}"));
            let pair = [read(&files.client), read(&files.client_key)].concat();
            let identity = reqwest::Identity::from_pem(&pair)
                .unwrap_or_else(|e| panic!("the client's certificate is none: {e}"));
            client = client.tls_certs_only([authority]).identity(identity);
        }
        let client = client
            .build()
            .unwrap_or_else(|e| panic!("no HTTP client: {e}"));
        Self {
            access,
            certificates,
            client,
        }
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    pub fn scheme(&self) -> &'static str {
        if self.access.has_tls() {
            "https"
        } else {
            "http"
        }
    }

    /// `scheme://127.0.0.1:port`, with the user and password in it where they are asked for.
    pub fn origin_for_the_harness(&self, port: u16) -> String {
        let user = if self.access.has_password() {
            format!("{USER}:{}@", PASSWORD.replace(' ', "%20"))
        } else {
            String::new()
        };
        format!("{}://{user}127.0.0.1:{port}", self.scheme())
    }

    /// The arguments that put the door in front of a Prometheus program. YAML reads JSON.
    pub fn arguments(&self, dir: &Path) -> Vec<String> {
        if self.access == Access::Open {
            return Vec::new();
        }
        let mut config = serde_json::Map::new();
        if self.access.has_password() {
            config.insert(
                "basic_auth_users".to_owned(),
                json!({ USER: PASSWORD_HASH }),
            );
        }
        if let Some(files) = &self.certificates {
            let mut tls = json!({ "cert_file": files.server, "key_file": files.server_key });
            if self.access == Access::ClientCertificate {
                tls["client_auth_type"] = json!("RequireAndVerifyClientCert");
                tls["client_ca_file"] = json!(files.authority);
            }
            config.insert("tls_server_config".to_owned(), tls);
        }
        let file = dir.join("web.yml");
        write(&file, &Value::Object(config).to_string());
        vec![format!("--web.config.file={}", file.display())]
    }

    /// What Prometheus needs in its `alertmanagers` entry to get through.
    pub fn prometheus_settings(&self) -> Value {
        let mut settings = json!({ "scheme": self.scheme() });
        if self.access.has_password() {
            settings["basic_auth"] = json!({ "username": USER, "password": PASSWORD });
        }
        if let Some(files) = &self.certificates {
            settings["tls_config"] = json!({
                "ca_file": files.authority,
                "cert_file": files.client,
                "key_file": files.client_key,
            });
        }
        settings
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
}

/// Writes one configuration file of a peer.
pub(super) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
}
