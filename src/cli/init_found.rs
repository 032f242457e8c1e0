//! What does this machine already know of Alertmanager and Prometheus?
//!
//! Looks where other tools keep it, so that `quell init` can offer it: variables and amtool's
//! config. Reads only; asks nobody.

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

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Alertmanagers of the first place that names any.
    pub alertmanagers: Vec<Hint>,
    /// A Prometheus.
    pub prometheuses: Vec<Hint>,
    /// Files that are there but could not be understood.
    pub notes: Vec<String>,
}

/// amtool's file, of which only this key matters here.
#[derive(Deserialize)]
struct Amtool {
    #[serde(rename = "alertmanager.url")]
    url: Option<String>,
}

/// A config of amtool is a few lines.
const MAX_BYTES: u64 = 64 * 1024;

/// Looks at variables first, then at amtool's files, the user's own before the machine's.
#[must_use]
pub fn look(get: impl Fn(&str) -> Option<String>, amtool_files: &[PathBuf]) -> Hints {
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

/// Where amtool looks, by its documentation.
#[must_use]
pub fn amtool_files(home: &Path) -> Vec<PathBuf> {
    vec![
        home.join(".config/amtool/config.yml"),
        PathBuf::from("/etc/amtool/config.yml"),
    ]
}

fn amtool(path: &Path) -> Result<Option<String>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.kind().to_string()),
    };
    let mut text = String::new();
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| error.kind().to_string())?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let config: Amtool = serde_saphyr::from_str(&text).map_err(|_| "not a config of amtool")?;
    Ok(config.url.filter(|url| !url.is_empty()))
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
        let hints = look(|_| None, &files);
        assert_eq!(hints.alertmanagers.len(), 1);
        assert_eq!(hints.alertmanagers[0].url, "http://am:9093");
        assert_eq!(hints.alertmanagers[0].place, own.to_string_lossy());
        assert!(hints.notes.is_empty());

        let get =
            |name: &str| (name == "ALERTMANAGER_URL").then(|| "http://a:1, http://b:1".to_owned());
        let urls: Vec<_> = look(get, &files)
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
        let hints = look(|_| None, &[broken, empty, folder.path().to_owned()]);
        assert!(hints.alertmanagers.is_empty());
        assert_eq!(hints.notes.len(), 2, "{:?}", hints.notes);
        assert!(hints.notes[0].ends_with("not a config of amtool"));
    }
}
