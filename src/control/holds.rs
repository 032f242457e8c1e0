//! Who else on this machine is about to act on the same thing, and has anybody pressed panic?
//!
//! Every action leaves a locked file for each of its targets, for as long as its process has it: others
//! see who plans and who is armed, and what a process left behind that died is no lock any more. It is a
//! courtesy between people on one bastion; correctness rests on what guards each write. The panic file
//! stops every dispatch on this machine. Called by [`super::perform`] and by dispatch.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::perform::Place;
use crate::config::paths::{create_private_dir, write_private};
use crate::domain::plan::{ActionId, Digest, Plan, Target};
use crate::domain::text::Untrusted;

/// Of one file; more is not ours.
const MAX_BYTES: u64 = 4096;

/// What this process holds.
pub(super) struct Holds {
    dir: PathBuf,
    held: Mutex<Vec<Held>>,
}

/// One locked file. The lock ends with the file.
struct Held {
    action: ActionId,
    path: PathBuf,
    stage: Stage,
    _file: File,
}

/// How far the one who holds it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Planning,
    Armed,
}

/// What others read.
#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    who: Untrusted,
    host: Untrusted,
    action: ActionId,
    what: Untrusted,
    since: Untrusted,
    stage: Stage,
}

impl Holds {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            held: Mutex::default(),
        }
    }

    /// Lets others see that an action is being planned. What fails is no reason not to plan.
    pub(super) fn intend(&self, plan: &Plan, place: &Place) {
        for target in &plan.targets {
            let path = self.dir_of(target).join(plan.seed.id.as_str());
            if !self.has(&path) {
                // Others not seeing it is the harm; the lock of the armed one decides.
                let _ = self.lock_file(&path, plan, place, Stage::Planning);
            }
        }
    }

    /// Takes every target for an armed action.
    ///
    /// # Errors
    /// Who has one of them.
    pub(super) fn take(&self, plan: &Plan, place: &Place) -> Result<(), Untrusted> {
        for target in &plan.targets {
            let path = self.dir_of(target).join("armed");
            if self.has_as(&path, &plan.seed.id) {
                continue;
            }
            if let Err(error) = self.lock_file(&path, plan, place, Stage::Armed) {
                self.release(|held| held.action == plan.seed.id && held.stage == Stage::Armed);
                return Err(match read_intent(&path) {
                    Some(intent) if error.kind() == io::ErrorKind::WouldBlock => words(&intent),
                    _ => Untrusted::line(&format!("{}: {error}", path.display())),
                });
            }
        }
        Ok(())
    }

    /// Who else is armed on a target, and who else plans something there.
    pub(super) fn others(
        &self,
        plan: &Plan,
        _place: &Place,
    ) -> (Option<Untrusted>, Option<Untrusted>) {
        let (mut armed, mut planning) = (None, None);
        for target in &plan.targets {
            let entries = fs::read_dir(self.dir_of(target)).into_iter().flatten();
            for entry in entries.flatten() {
                let path = entry.path();
                if self.has(&path) || !is_locked(&path) {
                    continue;
                }
                let Some(intent) = read_intent(&path) else {
                    continue;
                };
                if intent.action == plan.seed.id {
                    continue;
                }
                match intent.stage {
                    Stage::Armed => armed = Some(words(&intent)),
                    Stage::Planning => planning = Some(words(&intent)),
                }
            }
        }
        (armed, planning)
    }

    /// Whether another process has an action under way.
    pub(super) fn is_held_elsewhere(&self, action: &ActionId) -> bool {
        let dirs = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut files = dirs.map(|dir| dir.path().join("armed"));
        files.any(|path| {
            !self.has(&path)
                && is_locked(&path)
                && read_intent(&path).is_some_and(|intent| intent.action == *action)
        })
    }

    /// Gives up everything of an action.
    pub(super) fn let_go(&self, action: &ActionId) {
        self.release(|held| held.action == *action);
    }

    fn release(&self, is_meant: impl Fn(&Held) -> bool) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|one| {
            let is_over = is_meant(one);
            if is_over && one.stage == Stage::Planning {
                // It is only read while it is locked.
                let _ = fs::remove_file(&one.path);
            }
            !is_over
        });
    }

    fn lock_file(&self, path: &Path, plan: &Plan, place: &Place, stage: Stage) -> io::Result<()> {
        if let Some(dir) = path.parent() {
            create_private_dir(dir)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        let intent = Intent {
            who: place.by.name.clone(),
            host: place.by.host.clone(),
            action: plan.seed.id.clone(),
            what: Untrusted::line(&plan.request.action),
            since: Untrusted::line(&(place.clock)().format("%H:%MZ").to_string()),
            stage,
        };
        file.set_len(0)?;
        file.write_all(&serde_json::to_vec(&intent)?)?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(Held {
            action: plan.seed.id.clone(),
            path: path.to_owned(),
            stage,
            _file: file,
        });
        Ok(())
    }

    fn has(&self, path: &Path) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().any(|one| one.path == path)
    }

    fn has_as(&self, path: &Path, action: &ActionId) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter()
            .any(|one| one.path == path && one.action == *action)
    }

    fn dir_of(&self, target: &Target) -> PathBuf {
        let name = format!("{}\n{}", target.server_identity, target.name.raw());
        let digest = Digest::of(name.as_bytes());
        self.dir.join(&digest.as_str()[..32])
    }
}

fn words(intent: &Intent) -> Untrusted {
    let Intent {
        who,
        host,
        action,
        what,
        since,
        stage,
    } = intent;
    let does = match stage {
        Stage::Planning => "plans",
        Stage::Armed => "is doing",
    };
    let short = action.short();
    Untrusted::line(&format!(
        "{who}@{host} {does} {what} on it since {since} ({short})"
    ))
}

fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

fn read_intent(path: &Path) -> Option<Intent> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Who stopped every dispatch on this machine. A file that cannot be looked at counts as there: whoever
/// cannot be sure does not act.
#[must_use]
pub fn panic_of(file: &Path) -> Option<Untrusted> {
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let words = format!("{}: {error}", file.display());
            Some(Untrusted::line(&words))
        }
        Ok(_) => {
            let mut text = String::new();
            let read = File::open(file).and_then(|f| f.take(200).read_to_string(&mut text));
            let first = text.lines().next().unwrap_or_default().trim();
            Some(match (read, first) {
                (Ok(_), "") | (Err(_), _) => {
                    Untrusted::line(&format!("{} is there", file.display()))
                }
                (Ok(_), first) => Untrusted::line(first),
            })
        }
    }
}

pub(super) fn set_panic(place: &Place, is_on: bool) -> Result<(), Untrusted> {
    let file = &place.panic_file;
    let result = if is_on {
        let at = (place.clock)().format("%Y-%m-%d %H:%MZ");
        let text = format!("{}@{} since {at}\n", place.by.name, place.by.host);
        write_private(file, text.as_bytes())
    } else {
        match fs::remove_file(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    };
    result.map_err(|error| Untrusted::line(&format!("{}: {error}", file.display())))
}
