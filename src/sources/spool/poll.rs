//! What does the folder tell now, after what it told before?
//!
//! [`State`] remembers how far each file was read. Called by [`super::Spool`] on a thread that may block.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::file::{Half, SpoolFile, keep_newest};
use super::gather;
use super::record::Record;
use crate::config::delivery::DeclaredPlace;
use crate::domain::delivery::{DeliveryAnswer, Part, PartState};
use crate::domain::source::{SourceError, SourceName};
use crate::domain::text::Untrusted;
use crate::sources::folder::{self, HowRefused, Links, Listing, Look};

/// How the names of files with events end.
const ENDS: [&str; 4] = [".json", ".jsonl", ".ndjson", ".log"];

/// No more files that cannot be read are named, only counted.
const MAX_FAILED: usize = 20;

const LOOK: Look = Look {
    depth: 0,
    links: Links::Refuse,
    max_files: 20_000,
    is_wanted: |name| ENDS.iter().any(|end| name.ends_with(end)),
};

/// What was read of a folder so far.
#[derive(Default)]
pub(super) struct State {
    files: BTreeMap<String, SpoolFile>,
    /// What files told that are gone, or were written anew.
    gone: Vec<Record>,
    dropped: usize,
    listing: Listing,
    last: Option<Arc<DeliveryAnswer>>,
    /// From then on it has to be told anew, though nobody writes.
    good_until: Option<DateTime<Utc>>,
}

impl State {
    /// What the folder tells at `now`; the same `Arc` as before where nothing has changed.
    pub(super) fn poll(
        &mut self,
        folder: &Path,
        source: &SourceName,
        place: &DeclaredPlace,
        now: DateTime<Utc>,
    ) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let listing = folder::list(folder, LOOK)?;
        let is_all_read = self
            .files
            .values()
            .all(|f| !f.has_more && f.failed.is_none());
        let is_good = self.good_until.is_none_or(|until| now < until);
        if let Some(last) = &self.last
            && is_good
            && is_all_read
            && listing == self.listing
        {
            return Ok(last.clone());
        }
        self.read(&listing);
        self.listing = listing;
        let answer = self.answer(source, place, now);
        // A file that still cannot be read gives no new answer with each poll.
        if let Some(last) = &self.last
            && **last == answer
        {
            return Ok(last.clone());
        }
        let answer = Arc::new(answer);
        self.last = Some(answer.clone());
        Ok(answer)
    }

    fn read(&mut self, listing: &Listing) {
        let mut before = std::mem::take(&mut self.files);
        let mut now = BTreeMap::new();
        for listed in &listing.files {
            let known = before.remove(&listed.name);
            let mut file = known.unwrap_or_else(|| SpoolFile::new(listed));
            if !file.is_read(listed) {
                self.gone.extend(file.read(listed));
            }
            now.insert(listed.name.clone(), file);
        }
        // What was taken away was told all the same.
        for file in before.into_values() {
            self.dropped += file.dropped;
            self.gone.extend(file.records);
        }
        // A file that is written anew with the same event says nothing new.
        let mut known: HashSet<u64> = HashSet::new();
        self.gone.retain(|record| {
            let mut hasher = DefaultHasher::new();
            record.hash(&mut hasher);
            known.insert(hasher.finish())
        });
        self.dropped += keep_newest(&mut self.gone);
        self.files = now;
    }

    fn answer(
        &mut self,
        source: &SourceName,
        place: &DeclaredPlace,
        now: DateTime<Utc>,
    ) -> DeliveryAnswer {
        let mut answer = DeliveryAnswer::default();
        let of_files = self.files.values().flat_map(|file| &file.records);
        let (changes, left_out) = gather::changes(self.gone.iter().chain(of_files), source, place);
        let files = match self.files.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        answer.parts.push(Part {
            what: Untrusted::line(&format!("pushed events in {files}")),
            state: PartState::Read(changes.len()),
        });
        answer.changes = changes;
        let dropped =
            left_out + self.dropped + self.files.values().map(|f| f.dropped).sum::<usize>();
        if dropped > 0 {
            let what = format!(
                "{dropped} older events are left out: the newest 10000 are kept; take old files away"
            );
            answer.limits.push(Untrusted::line(&what));
        }
        self.good_until = None;
        let mut failed: Vec<(&str, &str)> = Vec::new();
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        for file in self.files.values() {
            let mut limit = |text: &str| answer.limits.push(Untrusted::line(text));
            file.problems.iter().for_each(|problem| limit(problem));
            if file.more_problems > 0 {
                let (name, more) = (&file.name, file.more_problems);
                limit(&format!(
                    "{name}: {more} more problems; correct what writes it"
                ));
            }
            match file.half_written(now) {
                Half::None => {}
                Half::Problem(problem) => limit(problem),
                Half::WaitedFor(until) => {
                    let known = self.good_until;
                    self.good_until = Some(known.map_or(until, |known| known.min(until)));
                }
            }
            if file.has_more {
                let name = &file.name;
                limit(&format!(
                    "{name}: the rest beyond 64 MiB is read with the next poll"
                ));
            }
            if let Some(why) = &file.failed {
                failed.push((&file.name, why));
            }
            for (kind, count) in &file.others {
                *others.entry(kind).or_default() += count;
            }
        }
        if !others.is_empty() {
            let kinds: Vec<String> = others
                .iter()
                .map(|(kind, n)| format!("{kind} ({n})"))
                .collect();
            let what = format!("events that tell of no change: {}", kinds.join(", "));
            answer.limits.push(Untrusted::line(&what));
        }
        for refused in &self.listing.refused {
            match refused.how {
                HowRefused::Failed => failed.push((&refused.name, &refused.why)),
                HowRefused::LeftOut => {
                    let what = format!("{} {}", refused.name, refused.why);
                    answer.limits.push(Untrusted::line(&what));
                }
            }
        }
        for (name, why) in failed.iter().take(MAX_FAILED) {
            answer.parts.push(Part {
                what: Untrusted::line(name),
                state: PartState::Failed(Untrusted::line(why)),
            });
        }
        if let Some(more) = failed.len().checked_sub(MAX_FAILED).filter(|n| *n > 0) {
            let what = format!("{more} more files cannot be read");
            answer.limits.push(Untrusted::line(&what));
        }
        answer
    }
}
