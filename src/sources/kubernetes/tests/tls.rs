//! Certificates: the server's, always verified, and ours.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::domain::source::ErrorKind;
use crate::sources::http::install_crypto_provider;

fn pem(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/tls").join(name)
}

/// Lets in who has a certificate, and then permits nothing: that it says so is proof enough.
fn server() -> Server {
    install_crypto_provider();
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(pem("authority.pem")).unwrap();
    roots.add(authority).unwrap();
    let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
    let certificate = CertificateDer::from_pem_file(pem("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("server-key.pem")).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let config = config.with_single_cert(vec![certificate], key).unwrap();
    Server::tls(
        config,
        refusal("403 Forbidden", "errors/403-anonymous.json"),
    )
}

fn with_authority(path: &Path, authority: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let line = "- name: rig\n  cluster:\n";
    let ca = pem(authority);
    let with = format!("{line}    certificate-authority: {}\n", ca.display());
    std::fs::write(path, text.replacen(line, &with, 1)).unwrap();
}

fn nodes(path: &Path) -> Kubernetes {
    source(&KubernetesSettings {
        kinds: vec!["nodes".to_owned()],
        ..settings(path, None)
    })
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let path = kubeconfig(folder.path(), &server, "token: t0ken");
    let error = nodes(&path).poll(t(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(
        error.detail.shown().contains("invalid peer certificate"),
        "{error}"
    );

    with_authority(&path, "client.pem");
    let error = nodes(&path).poll(t(0)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
}

#[tokio::test]
async fn our_certificate_comes_from_the_kubeconfig_or_from_its_plugin() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let path = kubeconfig(folder.path(), &server, "token: t0ken");
    with_authority(&path, "authority.pem");
    let error = nodes(&path).poll(t(0)).await.unwrap_err();
    // Its refusal is an alert, or only the end of the connection, whichever comes first.
    assert!(
        matches!(error.kind, ErrorKind::Tls | ErrorKind::Unreachable),
        "{error}"
    );

    let files = format!(
        "client-certificate: {}\n    client-key: {}",
        pem("client.pem").display(),
        pem("client-key.pem").display()
    );
    let path = kubeconfig(folder.path(), &server, &files);
    with_authority(&path, "authority.pem");
    let by_files = state(&nodes(&path).poll(t(0)).await.unwrap());
    assert!(
        by_files.starts_with("not permitted: 403 Forbidden"),
        "{by_files}"
    );

    let read = |name: &str| std::fs::read_to_string(pem(name)).unwrap();
    let printed = serde_json::json!({"status": {
        "clientCertificateData": read("client.pem"),
        "clientKeyData": read("client-key.pem"),
    }});
    let credential = folder.path().join("credential");
    std::fs::write(&credential, printed.to_string()).unwrap();
    let plugin = format!("exec: {{command: cat, args: [{}]}}", credential.display());
    let path = kubeconfig(folder.path(), &server, &plugin);
    with_authority(&path, "authority.pem");
    assert_eq!(state(&nodes(&path).poll(t(0)).await.unwrap()), by_files);
}
