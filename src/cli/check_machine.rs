//! What of this machine does quell need: secrets, certificates and folders?
//!
//! The part of `quell check` that looks at files. It reads each secret once and forgets it, and it
//! creates nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Access, access};

use super::check::{Area, Finding, Level};
use crate::config::Paths;
use crate::config::delivery::{DeliveryAccess, DeliverySourceSettings, KubernetesLogin};
use crate::config::secret::Secret;
use crate::config::settings::{Auth, Endpoint, HeaderValue, Settings};
use crate::domain::text::shown;

/// Files that nobody else should be able to read.
const KEY: &str = "key";
const KUBECONFIG: &str = "kubeconfig";

/// Whether every secret and certificate of the config can be read.
pub async fn credentials(settings: &Settings) -> Vec<Finding> {
    let alertmanagers = settings
        .alertmanagers
        .iter()
        .map(|am| (&am.name, &am.endpoint));
    let prometheuses = settings.prometheuses.iter().map(|p| (&p.name, &p.endpoint));
    let deliveries = settings.delivery.sources.iter();
    let deliveries = deliveries.filter_map(|d| Some((&d.name, d.endpoint()?)));
    let mut found = Vec::new();
    for (name, endpoint) in alertmanagers.chain(prometheuses).chain(deliveries) {
        for (what, secret) in secrets(endpoint) {
            found.push(of_secret(name, &what, secret).await);
        }
        found.extend(files(endpoint).map(|(what, path)| of_file(name, what, path)));
    }
    for source in &settings.delivery.sources {
        let kubeconfig = kubeconfig(source).map(|path| of_file(&source.name, KUBECONFIG, path));
        found.extend(kubeconfig);
    }
    found
}

/// The one that the config names; the usual one is looked for by the source itself.
fn kubeconfig(source: &DeliverySourceSettings) -> Option<&Path> {
    let DeliveryAccess::Kubernetes(settings) = &source.access else {
        return None;
    };
    if let KubernetesLogin::Kubeconfig { path, .. } = &settings.login {
        return path.as_deref();
    }
    None
}

fn secrets(endpoint: &Endpoint) -> Vec<(String, &Secret)> {
    let mut found = Vec::new();
    match &endpoint.auth {
        Auth::None => {}
        Auth::Basic { password, .. } => found.push(("password".to_owned(), password)),
        Auth::Bearer(token) => found.push(("token".to_owned(), token)),
    }
    for (name, value) in &endpoint.headers {
        if let HeaderValue::Secret(secret) = value {
            found.push((format!("header {}", shown(name)), secret));
        }
    }
    found
}

fn files(endpoint: &Endpoint) -> impl Iterator<Item = (&'static str, &Path)> {
    let tls = &endpoint.tls;
    let ca = tls.ca_file.as_deref().map(|path| ("authorities", path));
    let client = tls.client.as_ref();
    let cert = client.map(|c| ("certificate", c.cert_file.as_path()));
    let key = client.map(|c| (KEY, c.key_file.as_path()));
    [ca, cert, key].into_iter().flatten()
}

async fn of_secret(source: &str, what: &str, secret: &Secret) -> Finding {
    let finding = |level, text| Finding::new(level, Area::Credentials, source, text);
    match secret.read().await {
        Ok(_) => finding(Level::Ok, format!("{what}: readable from {secret}")),
        Err(error) => finding(Level::Fail, format!("{what}: {error}"))
            .next("make it readable for this user, or name another place in the config"),
    }
}

fn of_file(source: &str, what: &str, path: &Path) -> Finding {
    let place = shown(&path.to_string_lossy());
    let finding = |level, text| Finding::new(level, Area::Credentials, source, text);
    match fs::File::open(path) {
        Err(error) => finding(
            Level::Fail,
            format!("{what}: file {place}: {}", error.kind()),
        )
        .next("check the path and its permissions"),
        Ok(file) => {
            let mode = file.metadata().map_or(0, |meta| meta.permissions().mode());
            if [KEY, KUBECONFIG].contains(&what) && mode & 0o077 != 0 {
                return finding(
                    Level::Warn,
                    format!("{what}: file {place} is open to others"),
                )
                .next(format!("chmod 600 {place}"));
            }
            finding(Level::Ok, format!("{what}: readable from file {place}"))
        }
    }
}

/// Whether quell can keep what it keeps, and whether it is private.
#[must_use]
pub fn folders(paths: &Paths) -> Vec<Finding> {
    [
        ("data", &paths.data),
        ("state", &paths.state),
        ("cache", &paths.cache),
    ]
    .into_iter()
    .map(|(name, path)| folder(name, path))
    .collect()
}

fn folder(name: &str, path: &Path) -> Finding {
    let place = shown(&path.to_string_lossy());
    let finding = |level, text: String| Finding::new(level, Area::Paths, name, text);
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return missing(name, path, &place);
        }
        Err(error) => {
            return finding(Level::Fail, format!("{place}: {}", error.kind()))
                .next("check the folder and its permissions");
        }
    };
    if !meta.is_dir() {
        return finding(Level::Fail, format!("{place} is not a folder")).next("move it away");
    }
    if access(path, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return finding(Level::Fail, format!("{place} cannot be written"))
            .next("make it writable for this user: quell keeps claims and its last picture there");
    }
    // What quell writes there is private by itself; a folder that others may write is not.
    if meta.mode() & 0o022 != 0 {
        return finding(Level::Warn, format!("{place} can be written by others"))
            .next(format!("chmod go-w {place}"));
    }
    finding(Level::Ok, format!("{place} can be written"))
}

/// A folder that is made when it is needed, if the nearest one above lets it.
fn missing(name: &str, path: &Path, place: &str) -> Finding {
    let finding = |level, text| Finding::new(level, Area::Paths, name, text);
    let above = path.ancestors().find(|folder| folder.exists());
    let writable = above.is_some_and(|a| access(a, Access::WRITE_OK | Access::EXEC_OK).is_ok());
    if writable {
        return finding(Level::Ok, format!("{place} is made when it is needed"));
    }
    finding(
        Level::Fail,
        format!("{place} is not there and cannot be made"),
    )
    .next("create it, or make the folder above writable for this user")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn folders_are_judged_without_being_made() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::below(root.path());
        fs::create_dir(&paths.data).unwrap();
        fs::set_permissions(&paths.data, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(&paths.state, "a file").unwrap();
        let levels: Vec<Level> = folders(&paths).iter().map(|f| f.level).collect();
        assert_eq!(levels, [Level::Warn, Level::Fail, Level::Ok]);
        assert!(!paths.cache.exists());
    }

    #[tokio::test]
    async fn a_secret_is_never_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("token");
        fs::write(&path, "hunter2\n").unwrap();
        let good = of_secret("am-1", "token", &Secret::File(path.clone())).await;
        assert_eq!(good.level, Level::Ok);
        assert!(
            good.what.contains("token: readable from file"),
            "{}",
            good.what
        );
        fs::write(&path, "hunter2\x07\n").unwrap();
        let bad = of_secret("am-1", "token", &Secret::File(path)).await;
        assert_eq!(bad.level, Level::Fail);
        for finding in [good, bad] {
            assert!(!format!("{finding:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_a_warning() {
        let root = tempfile::tempdir().unwrap();
        let key = root.path().join("key.pem");
        assert_eq!(of_file("am-1", "key", &key).level, Level::Fail);
        fs::write(&key, "x").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(of_file("am-1", "key", &key).level, Level::Warn);
        assert_eq!(of_file("eu", KUBECONFIG, &key).level, Level::Warn);
        assert_eq!(of_file("am-1", "certificate", &key).level, Level::Ok);
    }
}
