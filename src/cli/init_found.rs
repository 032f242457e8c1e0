//! What does this machine already know of Alertmanager, Prometheus and Kubernetes?
//!
//! Looks where other tools keep it, so that `quell init` can offer it: variables, amtool's config and
//! the kubeconfig. Reads only; asks nobody.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::text::shown;

/// A URL and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// As found.
    pub url: String,
    /// `PROMETHEUS_URL`, `/etc/amtool/config.yml`
    pub place: String,
}

/// A cluster and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterHint {
    /// None where several files are read as one: the variable says which.
    pub kubeconfig: Option<PathBuf>,
    /// None: its current one, whichever that is.
    pub context: Option<String>,
    /// `KUBECONFIG`, `/home/mara/.kube/config`
    pub place: String,
}

/// What a kubeconfig says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kubeconfig {
    /// There is no such file.
    Missing,
    /// It names no current context.
    WithoutCurrent,
    /// The name of its current context.
    Current(String),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Alertmanagers of the first place that names any.
    pub alertmanagers: Vec<Hint>,
    /// A Prometheus.
    pub prometheuses: Vec<Hint>,
    /// The cluster that kubectl talks to.
    pub kubernetes: Option<ClusterHint>,
    /// Files that are there but could not be understood.
    pub notes: Vec<String>,
}

/// amtool's file, of which only this key matters here.
#[derive(Deserialize)]
struct Amtool {
    #[serde(rename = "alertmanager.url")]
    url: Option<String>,
}

/// A kubeconfig, of which only this key matters here.
#[derive(Deserialize)]
struct KubeconfigFile {
    #[serde(rename = "current-context")]
    current_context: Option<String>,
}

/// A config of amtool is a few lines.
const MAX_AMTOOL_BYTES: u64 = 64 * 1024;
/// A kubeconfig may hold the certificates of many clusters.
const MAX_KUBECONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Looks at variables first, then at the files of other tools below the user's home, then at those of
/// the machine.
#[must_use]
pub fn look(get: impl Fn(&str) -> Option<String>, home: &Path) -> Hints {
    let mut hints = servers(&get, &amtool_files(home));
    match cluster(&get, home) {
        Ok(found) => hints.kubernetes = found,
        Err(why) => hints.notes.push(why),
    }
    hints
}

fn servers(get: impl Fn(&str) -> Option<String>, amtool_files: &[PathBuf]) -> Hints {
    let variable = |name: &str| -> Vec<Hint> {
        let value = get(name).unwrap_or_default();
        let urls = value
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty());
        urls.map(|url| Hint {
            url: url.to_owned(),
            place: name.to_owned(),
        })
        .collect()
    };
    let mut hints = Hints {
        alertmanagers: variable("ALERTMANAGER_URL"),
        prometheuses: variable("PROMETHEUS_URL"),
        kubernetes: None,
        notes: Vec::new(),
    };
    for file in amtool_files {
        let place = shown(&file.to_string_lossy());
        match amtool(file) {
            Ok(Some(url)) if hints.alertmanagers.is_empty() => {
                hints.alertmanagers.push(Hint { url, place });
            }
            Ok(_) => {}
            Err(why) => hints.notes.push(format!("{place}: {why}")),
        }
    }
    hints
}

/// The files that kubectl would read, and the first current context among them, as it takes it.
fn cluster(
    get: impl Fn(&str) -> Option<String>,
    home: &Path,
) -> Result<Option<ClusterHint>, String> {
    let variable = get("KUBECONFIG").filter(|value| !value.is_empty());
    let usual = home.join(".kube/config");
    let (files, place) = match &variable {
        Some(value) => {
            let files = std::env::split_paths(value).filter(|file| !file.as_os_str().is_empty());
            (files.collect(), "KUBECONFIG".to_owned())
        }
        None => (vec![usual.clone()], shown(&usual.to_string_lossy())),
    };
    let mut context = None;
    let mut found = false;
    for file in &files {
        let name = shown(&file.to_string_lossy());
        match current_context(file) {
            Ok(Kubeconfig::Missing) => {}
            Ok(Kubeconfig::WithoutCurrent) => found = true,
            Ok(Kubeconfig::Current(current)) => {
                found = true;
                context.get_or_insert(current);
            }
            Err(why) => return Err(format!("{name}: {why}")),
        }
    }
    if !found {
        let missing = "KUBECONFIG names no file that is there";
        return variable.map_or(Ok(None), |_| Err(missing.to_owned()));
    }
    if context.is_none() {
        return Err(format!("{place}: no current context: pass --context NAME"));
    }
    let kubeconfig = match files.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    Ok(Some(ClusterHint {
        kubeconfig,
        context,
        place,
    }))
}

/// The current context of a kubeconfig.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn current_context(path: &Path) -> Result<Kubeconfig, String> {
    let Some(text) = read(path, MAX_KUBECONFIG_BYTES)? else {
        return Ok(Kubeconfig::Missing);
    };
    // The parser's own words may quote the file, which holds credentials.
    let config: KubeconfigFile = serde_saphyr::from_str(&text).map_err(|_| "not a kubeconfig")?;
    let current = config.current_context.filter(|name| !name.is_empty());
    Ok(current.map_or(Kubeconfig::WithoutCurrent, Kubeconfig::Current))
}

/// Where amtool looks, by its documentation.
fn amtool_files(home: &Path) -> Vec<PathBuf> {
    vec![
        home.join(".config/amtool/config.yml"),
        PathBuf::from("/etc/amtool/config.yml"),
    ]
}

fn amtool(path: &Path) -> Result<Option<String>, String> {
    let Some(text) = read(path, MAX_AMTOOL_BYTES)? else {
        return Ok(None);
    };
    let config: Amtool = serde_saphyr::from_str(&text).map_err(|_| "not a config of amtool")?;
    Ok(config.url.filter(|url| !url.is_empty()))
}

/// The text of a file, if it is there and says anything.
fn read(path: &Path, max_bytes: u64) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.kind().to_string()),
    };
    let mut text = String::new();
    file.take(max_bytes)
        .read_to_string(&mut text)
        .map_err(|error| error.kind().to_string())?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn amtool_is_asked_when_no_variable_says_more() {
        let folder = tempfile::tempdir().unwrap();
        let own = file(
            folder.path(),
            "own.yml",
            "# mine\nalertmanager.url: \"http://am:9093\"\nauthor: mara\noutput: extended\n",
        );
        let machine = file(
            folder.path(),
            "etc.yml",
            "alertmanager.url: http://other:9093\n",
        );
        let absent = folder.path().join("absent.yml");
        let files = [absent, own.clone(), machine];
        let hints = servers(|_| None, &files);
        assert_eq!(hints.alertmanagers.len(), 1);
        assert_eq!(hints.alertmanagers[0].url, "http://am:9093");
        assert_eq!(hints.alertmanagers[0].place, own.to_string_lossy());
        assert!(hints.notes.is_empty());

        let get =
            |name: &str| (name == "ALERTMANAGER_URL").then(|| "http://a:1, http://b:1".to_owned());
        let urls: Vec<_> = servers(get, &files)
            .alertmanagers
            .into_iter()
            .map(|h| h.url)
            .collect();
        assert_eq!(urls, ["http://a:1", "http://b:1"]);
    }

    #[test]
    fn a_file_that_is_not_understood_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let broken = file(folder.path(), "broken.yml", "alertmanager.url: [1, 2\n");
        let empty = file(folder.path(), "empty.yml", "\n");
        let hints = servers(|_| None, &[broken, empty, folder.path().to_owned()]);
        assert!(hints.alertmanagers.is_empty());
        assert_eq!(hints.notes.len(), 2, "{:?}", hints.notes);
        assert!(hints.notes[0].ends_with("not a config of amtool"));
    }

    #[test]
    fn the_cluster_of_kubectl_is_offered_by_its_context() {
        let home = tempfile::tempdir().unwrap();
        let none = |_: &str| None;
        assert_eq!(cluster(none, home.path()), Ok(None));
        std::fs::create_dir(home.path().join(".kube")).unwrap();
        let text = "apiVersion: v1\nkind: Config\nclusters: []\ncurrent-context: prod-eu-1\n";
        let usual = file(home.path(), ".kube/config", text);
        let found = look(none, home.path()).kubernetes.unwrap();
        assert_eq!(found.context.as_deref(), Some("prod-eu-1"));
        assert_eq!(found.kubeconfig, Some(usual.clone()));
        assert_eq!(found.place, usual.to_string_lossy());

        // Several are one: the first that names a current context has it.
        let bare = file(home.path(), "bare", "kind: Config\ncurrent-context: \"\"\n");
        let stage = file(home.path(), "stage", "current-context: stage\n");
        let absent = home.path().join("absent");
        let list = std::env::join_paths([&absent, &bare, &stage, &usual]).unwrap();
        let list = list.into_string().unwrap();
        let several = |name: &str| (name == "KUBECONFIG").then(|| list.clone());
        let found = cluster(several, home.path()).unwrap().unwrap();
        assert_eq!(found.context.as_deref(), Some("stage"));
        assert_eq!((found.kubeconfig, &*found.place), (None, "KUBECONFIG"));
    }

    #[test]
    fn a_kubeconfig_that_is_no_use_says_why_without_a_word_of_it() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &Path| {
            let value = path.to_str().unwrap().to_owned();
            cluster(
                |name| (name == "KUBECONFIG").then(|| value.clone()),
                home.path(),
            )
            .unwrap_err()
        };
        assert!(at(&home.path().join("absent")).contains("no file that is there"));
        let bare = file(home.path(), "bare", "kind: Config\n");
        assert!(at(&bare).contains("--context"), "{}", at(&bare));
        let broken = file(home.path(), "broken", "users: [token: hunter2\n");
        let why = at(&broken);
        assert!(why.ends_with("not a kubeconfig"), "{why}");
        let hints = look(|_| Some(broken.to_str().unwrap().to_owned()), home.path());
        assert!(hints.notes.iter().all(|note| !note.contains("hunter2")));
    }
}
