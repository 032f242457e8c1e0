//! What of a budget period is closed, counted and need not be read again?
//!
//! A small file for each Prometheus keeps it over a restart. A file that is broken, of another server
//! or of another time is passed over with a word, never an error: it can always be counted anew.
//! Filled and read by [`super::period`]. It asks nobody.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::measure::Role;
use super::values::{Groups, MAX_GROUPS, Values};
use crate::config::paths::write_private;
use crate::domain::label::Labels;
use crate::domain::slo::Outcome;
use crate::domain::text::Untrusted;

/// The first words of the file. Another number: another meaning.
const FORMAT: &str = "quell closed hours 1";
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
const MAX_ENTRIES: usize = 4_000;
/// What nobody has moved on for so long is of no use to anybody.
const MAX_IDLE: TimeDelta = TimeDelta::days(2);

/// A closed part of a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Closed {
    /// After this moment …
    pub(super) from: DateTime<Utc>,
    /// … up to this one.
    pub(super) to: DateTime<Utc>,
    /// When all of it was last counted at once.
    pub(super) counted_at: DateTime<Utc>,
    /// How many.
    pub(super) sums: Sums,
}

/// Counts of each group. A group without any series is not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub(super) struct Sums(pub(super) BTreeMap<Labels, Values>);

/// A group as it stands in the file.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    group: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    bad: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    good: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
}

const ROLES: [Role; 4] = [
    Role::Bad,
    Role::Good,
    Role::Total,
    Role::Ratio(Outcome::Bad),
];

impl Sums {
    /// Adds the counts of another stretch of time, or takes them away.
    pub(super) fn add(&mut self, other: &Self, sign: f64) {
        for (labels, more) in &other.0 {
            let values = self.0.entry(labels.clone()).or_default();
            for role in ROLES {
                if let Some(more) = more.get(role) {
                    let sum = values.get(role).unwrap_or(0.0) + sign * more;
                    values.set(role, Some(sum));
                }
            }
        }
    }

    /// What rounding leaves below nothing is nothing.
    pub(super) fn keep_above_zero(&mut self) {
        for values in self.0.values_mut() {
            for role in ROLES {
                if let Some(value) = values.get(role) {
                    values.set(role, Some(value.max(0.0)));
                }
            }
        }
    }

    /// As numbers of an SLO.
    pub(super) fn groups(mut self, group_by: &[String]) -> Groups {
        if group_by.is_empty() {
            self.0.entry(Labels::default()).or_default();
        }
        self.0
    }

    fn is_sound(&self) -> bool {
        let is_count = |value: f64| value.is_finite() && value >= 0.0;
        self.0.len() <= MAX_GROUPS
            && self.0.values().all(|values| {
                ROLES
                    .iter()
                    .filter_map(|role| values.get(*role))
                    .all(is_count)
            })
    }
}

impl From<Vec<Row>> for Sums {
    fn from(rows: Vec<Row>) -> Self {
        let values = |row: &Row| Values {
            bad: row.bad,
            good: row.good,
            total: row.total,
            ratio: None,
        };
        Self(
            rows.into_iter()
                .map(|row| (row.group.clone(), values(&row)))
                .collect(),
        )
    }
}

impl From<Sums> for Vec<Row> {
    fn from(sums: Sums) -> Self {
        let row = |(group, values): (Labels, Values)| Row {
            group,
            bad: values.bad,
            good: values.good,
            total: values.total,
        };
        sums.0.into_iter().map(row).collect()
    }
}

/// Everything that is closed, by the hash of its expression.
pub(super) struct Buckets {
    file: Option<File>,
    entries: HashMap<String, Closed>,
    changed: Option<()>,
    limit: Option<Untrusted>,
}

struct File {
    path: PathBuf,
    /// The hash of the server's address.
    server: String,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    format: String,
    server: String,
    entries: HashMap<String, Closed>,
}

impl Buckets {
    /// Reads what is kept in a folder for a server.
    pub(super) fn open(folder: Option<PathBuf>, server: &str) -> Self {
        let mut buckets = Self {
            file: None,
            entries: HashMap::new(),
            changed: None,
            limit: None,
        };
        let Some(mut path) = folder else {
            return buckets;
        };
        let server = hash(server);
        path.push(format!("closed-hours-{}.json", &server[..16]));
        match load(&path, &server) {
            Ok(entries) => buckets.entries = entries,
            Err(why) => {
                let path = path.display();
                buckets.limit = Some(Untrusted::line(&format!(
                    "{path}: {why}; the periods are counted anew"
                )));
            }
        }
        buckets.file = Some(File { path, server });
        buckets
    }

    pub(super) fn get(&self, key: &str) -> Option<&Closed> {
        self.entries.get(&hash(key))
    }

    /// Keeps a closed part, unless one is kept that reaches further: somebody asked for the past.
    pub(super) fn insert(&mut self, key: &str, closed: Closed) {
        let key = hash(key);
        let is_older = |known: &Closed| known.to > closed.to;
        if self.entries.get(&key).is_some_and(is_older) || !closed.sums.is_sound() {
            return;
        }
        self.entries.insert(key, closed);
        self.changed = Some(());
    }

    pub(super) fn forget(&mut self, key: &str) {
        if self.entries.remove(&hash(key)).is_some() {
            self.changed = Some(());
        }
    }

    /// What is wrong with the file.
    pub(super) fn limit(&self) -> Option<&Untrusted> {
        self.limit.as_ref()
    }

    /// Writes what has changed. Another quell may write the same file: the later count stays.
    pub(super) fn save(&mut self) {
        let (Some(file), Some(())) = (&self.file, self.changed.take()) else {
            return;
        };
        let mut entries = load(&file.path, &file.server).unwrap_or_default();
        for (key, closed) in &self.entries {
            if entries.get(key).is_none_or(|other| other.to <= closed.to) {
                entries.insert(key.clone(), closed.clone());
            }
        }
        let newest = entries.values().map(|closed| closed.to).max();
        entries.retain(|_, closed| {
            newest.is_none_or(|newest| newest - closed.to <= MAX_IDLE)
                && closed.sums.0.keys().all(is_harmless)
        });
        if entries.len() > MAX_ENTRIES {
            let mut by_age: Vec<(DateTime<Utc>, String)> =
                entries.iter().map(|(k, c)| (c.to, k.clone())).collect();
            by_age.sort();
            for (_, key) in by_age.iter().take(entries.len() - MAX_ENTRIES) {
                entries.remove(key);
            }
        }
        let contents = Contents {
            format: FORMAT.to_owned(),
            server: file.server.clone(),
            entries,
        };
        let written = serde_json::to_vec(&contents)
            .map_err(io::Error::from)
            .and_then(|bytes| write_private(&file.path, &bytes));
        self.limit = written.err().map(|error| {
            let path = file.path.display();
            Untrusted::line(&format!("{path}: {error}; it is not kept over a restart"))
        });
    }
}

/// The file has what may be shown; of a label that differs from that, the group would not be found.
fn is_harmless(group: &Labels) -> bool {
    let same = |text: &Untrusted| text.raw() == text.shown();
    group.iter().all(|(name, value)| same(name) && same(value))
}

/// Nothing for a file that is not there.
fn load(path: &Path, server: &str) -> Result<HashMap<String, Closed>, String> {
    // A pipe would be waited for.
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() => {}
        Ok(_) => return Err("it is no file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(error.to_string()),
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(MAX_FILE_BYTES + 1);
    bounded
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("it is larger than quell writes it".to_owned());
    }
    let contents: Contents =
        serde_json::from_slice(&bytes).map_err(|_| "it is not what quell writes".to_owned())?;
    if contents.format != FORMAT {
        return Err("it is of another version".to_owned());
    }
    if contents.server != server {
        return Err("it is of another server".to_owned());
    }
    let is_sound = |closed: &Closed| closed.from < closed.to && closed.sums.is_sound();
    let mut entries = contents.entries;
    entries.retain(|_, closed| is_sound(closed));
    Ok(entries)
}

fn hash(text: &str) -> String {
    use std::fmt::Write;
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            // Writing to a string cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}
