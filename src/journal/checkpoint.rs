//! Who says that the journal was like this, and can that be checked later?
//!
//! A checkpoint is a signed note in the form of C2SP (`tlog-checkpoint`, `signed-note`): the journal's
//! name, its size and the root of its tree, the time as an extension line, and an Ed25519 signature. The
//! key is made with the journal; its public half stands in the journal's first line, so that records
//! sealed by another key are not this journal's. The private half stays in a file beside it, mode 0600.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest as _, Sha256};

use super::frame::Hash;
use crate::domain::plan::hex;

/// Every name of a journal begins so.
pub(super) const NAMES: &str = "quell.dev/journal/";
/// How C2SP's signed notes mark a key and a signature as Ed25519.
const ED25519: u8 = 0x01;
const PRIVATE: &str = "PRIVATE+KEY+";
const SIGNED: &str = "— ";
const TIME: &str = "time ";
/// On one line, for logs: `quell-checkpoint NAME SIZE ROOT TIME SIGNATURE`.
pub(super) const LINE: &str = "quell-checkpoint ";

/// Which journal, and who may speak for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// `quell.dev/journal/4f2c91a07d3e8b15`
    pub(super) name: String,
    key: VerifyingKey,
}

/// The private half.
pub(super) struct Sealer {
    identity: Identity,
    key: SigningKey,
}

/// What a checkpoint says, before or after its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// Of which journal.
    pub(super) name: String,
    /// How many records.
    pub(super) size: u64,
    /// Of the tree over them.
    pub(super) root: Hash,
    /// When, by the clock of the last record.
    pub(super) at: DateTime<Utc>,
    /// Four bytes that name the key, and the signature.
    signature: Vec<u8>,
}

/// Why a checkpoint proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unproven {
    /// It is of another journal.
    OtherJournal,
    /// Another key signed it.
    OtherKey,
    /// Its signature does not match.
    Forged,
}

impl Identity {
    /// As the first line of a journal carries it, in the form of C2SP's verifier keys.
    pub(super) fn text(&self) -> String {
        let public = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        format!(
            "{}+{}+{}",
            self.name,
            self.key_id(),
            STANDARD.encode(public)
        )
    }

    /// The eight hexadecimal digits that name the key.
    pub(super) fn key_id(&self) -> String {
        hex(&self.key_hash())
    }

    /// Reads what [`Identity::text`] wrote, and nothing that differs from it in any bit.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '+');
        let (name, _, public) = (parts.next()?, parts.next()?, parts.next()?);
        let public = STANDARD.decode(public).ok()?;
        let public = public.strip_prefix(&[ED25519])?.try_into().ok()?;
        let identity = Self {
            name: name.to_owned(),
            key: VerifyingKey::from_bytes(&public).ok()?,
        };
        let is_same = identity.text() == text && name.starts_with(NAMES);
        is_same.then_some(identity)
    }

    fn key_hash(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name);
        let hash = hash
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes());
        let [a, b, c, d, ..] = Hash::from(hash.finalize());
        [a, b, c, d]
    }

    /// Whether it says to be of this journal and its key. Cheap: the signature is not looked at.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub(super) fn claims(&self, checkpoint: &Checkpoint) -> Result<(), Unproven> {
        if checkpoint.name != self.name {
            return Err(Unproven::OtherJournal);
        }
        match checkpoint.signature.split_first_chunk::<4>() {
            Some((key, _)) if *key == self.key_hash() => Ok(()),
            Some(_) => Err(Unproven::OtherKey),
            None => Err(Unproven::Forged),
        }
    }

    /// Whether this journal's key signed it.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub(super) fn check(&self, checkpoint: &Checkpoint) -> Result<(), Unproven> {
        self.claims(checkpoint)?;
        let signature = checkpoint.signature.get(4..).unwrap_or_default();
        let signature = Signature::from_slice(signature).map_err(|_| Unproven::Forged)?;
        let body = checkpoint.body();
        let checked = self.key.verify_strict(body.as_bytes(), &signature);
        checked.map_err(|_| Unproven::Forged)
    }
}

impl Sealer {
    /// A new journal's.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(super) fn new() -> io::Result<Self> {
        let (mut name, mut seed) = ([0_u8; 8], [0_u8; 32]);
        fill(&mut name)?;
        fill(&mut seed)?;
        Ok(Self::of(format!("{NAMES}{}", hex(&name)), seed))
    }

    /// Another key for a name that is taken.
    #[cfg(test)]
    pub(super) fn named(name: &str) -> io::Result<Self> {
        let mut seed = [0_u8; 32];
        fill(&mut seed)?;
        Ok(Self::of(name.to_owned(), seed))
    }

    fn of(name: String, seed: [u8; 32]) -> Self {
        let key = SigningKey::from_bytes(&seed);
        let identity = Identity {
            name,
            key: key.verifying_key(),
        };
        Self { identity, key }
    }

    /// The public half.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Signs what the journal is at this time.
    pub(super) fn seal(&self, size: u64, root: Hash, at: DateTime<Utc>) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            name: self.identity.name.clone(),
            size,
            root,
            at,
            signature: self.identity.key_hash().to_vec(),
        };
        let signature = self.key.sign(checkpoint.body().as_bytes());
        checkpoint
            .signature
            .extend_from_slice(&signature.to_bytes());
        checkpoint
    }

    /// Keeps the private half, in the form of signed notes' signer keys. A file that is there is not
    /// replaced: it may be all that speaks for another journal.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(&self, path: &Path) -> io::Result<()> {
        let secret = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        let (name, id) = (&self.identity.name, self.identity.key_id());
        let text = format!("{PRIVATE}{name}+{id}+{}\n", STANDARD.encode(secret));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// The private half of this journal.
    ///
    /// # Errors
    /// Why nothing can be signed, in words. None of them holds the key.
    pub(super) fn load(path: &Path, of: &Identity) -> Result<Self, String> {
        let say = |why: &str| format!("{}: {why}", path.display());
        let data = fs::symlink_metadata(path).map_err(|error| say(&error.to_string()))?;
        if !data.is_file() {
            return Err(say("it is no regular file"));
        }
        if data.mode() & 0o077 != 0 {
            return Err(say(
                "others may read it, so that its signature proves nothing: begin a new journal",
            ));
        }
        let text = fs::read_to_string(path).map_err(|error| say(&error.to_string()))?;
        let key = read_key(text.trim_end()).ok_or_else(|| say("it is no key of a journal"))?;
        if key.identity == *of {
            return Ok(key);
        }
        Err(say("it is the key of another journal"))
    }
}

fn read_key(text: &str) -> Option<Sealer> {
    let mut parts = text.strip_prefix(PRIVATE)?.splitn(3, '+');
    let (name, _, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let secret = STANDARD.decode(secret).ok()?;
    let seed = secret.strip_prefix(&[ED25519])?.try_into().ok()?;
    Some(Sealer::of(name.to_owned(), seed))
}

fn fill(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    Ok(())
}

impl Checkpoint {
    /// What is signed.
    fn body(&self) -> String {
        let (name, size, root) = (&self.name, self.size, STANDARD.encode(self.root));
        format!("{name}\n{size}\n{root}\n{TIME}{}\n", self.time())
    }

    fn time(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// The signed note.
    pub(super) fn note(&self) -> String {
        let signature = STANDARD.encode(&self.signature);
        format!("{}\n{SIGNED}{} {signature}\n", self.body(), self.name)
    }

    /// The same on one line of ASCII.
    pub(super) fn line(&self) -> String {
        let (name, size, time) = (&self.name, self.size, self.time());
        let (root, signature) = (STANDARD.encode(self.root), STANDARD.encode(&self.signature));
        format!("{LINE}{name} {size} {root} {time} {signature}")
    }

    /// Every checkpoint in a text: notes, and lines of a log in any frame a log puts around them. Half
    /// a note is none.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let found = lines.iter().enumerate().filter_map(|(at, line)| {
            if let Some((_, fields)) = line.split_once(LINE) {
                let mut fields = fields.split_ascii_whitespace();
                let mut next = || fields.next();
                return Self::of(next()?, next()?, next()?, next()?, next()?);
            }
            let [name, size, root, time, "", signature, ..] = lines.get(at..)? else {
                return None;
            };
            let (signer, signature) = signature.strip_prefix(SIGNED)?.split_once(' ')?;
            let of = || Self::of(name, size, root, time.strip_prefix(TIME)?, signature);
            (signer == *name).then(of).flatten()
        });
        found.collect()
    }

    fn of(name: &str, size: &str, root: &str, time: &str, signature: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(time).ok()?;
        let checkpoint = Self {
            name: name.to_owned(),
            size: size.parse().ok()?,
            root: STANDARD.decode(root).ok()?.try_into().ok()?,
            at: at.with_timezone(&Utc),
            signature: STANDARD.decode(signature).ok()?,
        };
        name.starts_with(NAMES).then_some(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_269_720, 125_000_000).unwrap()
    }

    fn sealer() -> Sealer {
        Sealer::of(format!("{NAMES}00112233aabbccdd"), [7; 32])
    }

    #[test]
    fn a_note_has_the_form_of_c2sp_and_comes_back() {
        let sealer = sealer();
        let checkpoint = sealer.seal(26, [9; 32], at());
        let note = checkpoint.note();
        let lines: Vec<&str> = note.lines().collect();
        let root = STANDARD.encode([9; 32]);
        assert_eq!(
            lines[..5],
            [
                "quell.dev/journal/00112233aabbccdd",
                "26",
                &root,
                "time 2026-11-21T14:02:00.125000Z",
                ""
            ]
        );
        assert!(lines[5].starts_with("— quell.dev/journal/00112233aabbccdd "));
        for text in [
            format!("{note}\n{note}"),
            format!("Nov 21 14:02 host quell[7]: {}\n{note}", checkpoint.line()),
        ] {
            let found = Checkpoint::all(&text);
            assert_eq!(found, [checkpoint.clone(), checkpoint.clone()]);
            assert_eq!(sealer.identity().check(&found[0]), Ok(()));
        }
        assert!(checkpoint.line().is_ascii());
    }

    #[test]
    fn every_changed_bit_of_a_note_is_seen() {
        let sealer = sealer();
        let note = sealer.seal(26, [9; 32], at()).note().into_bytes();
        for bit in 0..note.len() * 8 {
            let mut changed = note.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = String::from_utf8_lossy(&changed);
            for found in Checkpoint::all(&changed) {
                // The separator may be any white space: nothing that is signed.
                let is_same = found == Checkpoint::all(std::str::from_utf8(&note).unwrap())[0];
                assert_eq!(
                    sealer.identity().check(&found).is_ok(),
                    is_same,
                    "{changed}"
                );
            }
        }
    }

    #[test]
    fn another_key_or_journal_proves_nothing() {
        let sealer = sealer();
        let theirs = Sealer::of(sealer.identity().name.clone(), [8; 32]);
        let other = Sealer::of(format!("{NAMES}ffff"), [7; 32]);
        let check = |by: &Sealer| sealer.identity().check(&by.seal(1, [0; 32], at()));
        assert_eq!(check(&theirs), Err(Unproven::OtherKey));
        assert_eq!(check(&other), Err(Unproven::OtherJournal));
        assert_eq!(check(&sealer), Ok(()));
    }

    #[test]
    fn the_public_half_comes_back_and_no_changed_bit_does() {
        let identity = sealer().identity().clone();
        let text = identity.text();
        assert_eq!(Identity::parse(&text), Some(identity));
        for bit in 0..text.len() * 8 {
            let mut changed = text.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = std::str::from_utf8(&changed) {
                assert_eq!(Identity::parse(changed), None, "{changed}");
            }
        }
    }

    #[test]
    fn the_private_half_is_the_users_alone_and_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("journal.key");
        let sealer = Sealer::new().unwrap();
        sealer.keep(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = Sealer::load(&path, sealer.identity()).unwrap();
        assert_eq!(again.identity, sealer.identity);
        assert!(Sealer::new().unwrap().keep(&path).is_err());
        let other = Sealer::new().unwrap();
        let why = Sealer::load(&path, other.identity()).err().unwrap();
        assert!(why.contains("another journal"), "{why}");
    }
}
