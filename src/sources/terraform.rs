//! What do the plans of Terraform and OpenTofu say that differs?
//!
//! Reads what a pipeline leaves behind: a plan as JSON (`terraform show -json PLANFILE`), the stream of
//! `terraform plan -json` or `terraform apply -json`, or a folder of them (`*.json`, `*.jsonl`,
//! `*.ndjson`, down to three folders deep). It never runs Terraform, never asks for a state or a
//! provider, and writes nothing. Where a plan comes from may stand in a file beside it: see `sidecar`.
//! Called by [`super::delivery`].
//!
//! The files are listed by [`super::folder`] and read by `read`: first for what is sensitive in all of
//! them (`secrets`, `taint`), then for what they tell (`document` with `diff` and `plan`, or
//! `lines` with `stream`). Nothing sensitive gets beyond that: not from the marked places, and not from where the
//! same value was copied to.

mod diff;
mod document;
mod files;
mod flow;
mod lines;
mod plan;
mod read;
mod secrets;
mod sidecar;
mod stream;
mod taint;
mod tell;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::folder::{self, Identity, Links, Listed, Listing, Look};
use crate::config::delivery::{DeclaredPlace, TerraformSettings};
use crate::domain::delivery::DeliveryAnswer;
use crate::domain::source::{ErrorKind, SourceError, SourceName};

/// How the names of plans and their sidecars end.
const ENDS: [&str; 3] = [".json", ".jsonl", ".ndjson"];

/// How to look for plans.
const LOOK: Look = Look {
    depth: 3,
    links: Links::Follow,
    max_files: 500,
    is_wanted: |name| ENDS.iter().any(|end| name.ends_with(end)),
};

/// The client of one.
pub struct Terraform {
    asked: Arc<Asked>,
    last: Option<Last>,
}

struct Asked {
    name: SourceName,
    settings: TerraformSettings,
    place: DeclaredPlace,
}

/// What was answered, and to which files.
struct Last {
    listing: Listing,
    answer: Arc<DeliveryAnswer>,
    /// From then on it has to be told anew, though nobody writes.
    good_until: Option<DateTime<Utc>>,
}

impl Terraform {
    /// One that has not asked yet.
    ///
    /// # Errors
    /// None now: whether the path is there is seen with each poll.
    pub fn new(name: &SourceName, settings: &TerraformSettings, place: &DeclaredPlace) -> Self {
        Self {
            asked: Arc::new(Asked {
                name: name.clone(),
                settings: settings.clone(),
                place: place.clone(),
            }),
            last: None,
        }
    }

    /// What it tells at `now`; the same `Arc` as before where nothing has changed.
    ///
    /// # Errors
    /// `Local`: the path is not there, or may not be looked into.
    pub async fn poll(&mut self, now: DateTime<Utc>) -> Result<Arc<DeliveryAnswer>, SourceError> {
        let asked = self.asked.clone();
        let last = self.last.take();
        let work = tokio::task::spawn_blocking(move || poll(&asked, last, now));
        let (last, result) = work
            .await
            .map_err(|error| SourceError::new(ErrorKind::Local, &error.to_string()))?;
        self.last = last;
        result
    }
}

/// The listing that was answered last stays when this one fails, as the same files may come back.
fn poll(
    asked: &Asked,
    last: Option<Last>,
    now: DateTime<Utc>,
) -> (Option<Last>, Result<Arc<DeliveryAnswer>, SourceError>) {
    let mut listing = match folder::list(&asked.settings.path, LOOK) {
        Ok(listing) => listing,
        Err(error) => return (last, Err(error)),
    };
    add_sidecar_of_one(&mut listing, &asked.settings.path);
    if let Some(last) = last {
        let is_good = last.good_until.is_none_or(|until| now < until);
        if is_good && last.listing == listing {
            let answer = last.answer.clone();
            return (Some(last), Ok(answer));
        }
    }
    let read = read::read(
        &listing,
        &files::Asked {
            source: &asked.name,
            settings: &asked.settings,
            place: &asked.place,
            now,
        },
    );
    let answer = Arc::new(read.answer);
    let last = Last {
        listing,
        answer: answer.clone(),
        good_until: read.good_until,
    };
    (Some(last), Ok(answer))
}

/// A plan that is named by itself may have a sidecar all the same.
fn add_sidecar_of_one(listing: &mut Listing, path: &Path) {
    let [plan] = &listing.files[..] else {
        return;
    };
    if plan.path != path {
        return;
    }
    let names = sidecar::names_for(&plan.name);
    let beside = names.into_iter().filter_map(|name| {
        let path = path.with_file_name(&name);
        let metadata = std::fs::metadata(&path).ok()?;
        metadata.is_file().then(|| Listed {
            path,
            name,
            identity: Identity::of(&metadata),
        })
    });
    let beside: Vec<Listed> = beside.collect();
    listing.files.extend(beside);
}
