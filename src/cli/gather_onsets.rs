//! Since when has it been going wrong?
//!
//! Asks for the past of the SLOs that burn now, for the services that alerts are about, and notes the
//! moment since which each has burnt. Called by `quell suspects` and `quell status` with a picture that
//! is already there. What cannot be read is said; the alert's own start counts then.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::gather::Picture;
use crate::config::settings::Settings;
use crate::domain::observed::Sample;
use crate::domain::slo::{Slo, SloId};
use crate::domain::slo_burn::SloBurn;
use crate::domain::slo_measured::Span;
use crate::domain::source::{SourceError, SourceName};
use crate::domain::suspect;
use crate::domain::text::Untrusted;
use crate::sources::{BurnHistory, BurnSource};

/// No more SLOs than this are asked for: what runs out first comes first.
const MOST_SLOS: usize = 20;
/// How far before a beginning is looked at in fine steps: two steps of a span.
const AROUND_SECS: u64 = 600;
/// What has burnt for longer than this many spans has burnt for at least so long.
const MOST_SPANS: usize = 4;

/// Asks for those that belong to one of the services, and adds what is found to the picture.
pub(super) async fn add(settings: &Settings, picture: &mut Picture, services: &HashSet<Untrusted>) {
    let (chosen, left) = choose(&picture.board.burns, services);
    if left > 0 {
        picture.gaps.onsets.push(format!(
            "onset: {left} more SLOs burn; the past of {MOST_SLOS} was read"
        ));
    }
    let end = picture.burn_at();
    let mut by_source: HashMap<SourceName, Vec<Slo>> = HashMap::new();
    for burn in chosen {
        let slos = by_source.entry(burn.source.clone()).or_default();
        slos.push(burn.measured.slo.clone());
    }
    let asked = by_source.into_iter().map(async |(source, slos)| {
        let found = of_source(settings, &source, slos, end).await;
        (source, found)
    });
    let mut onsets = HashMap::new();
    for (source, (found, trouble)) in join_all(asked).await {
        onsets.extend(found);
        let said = trouble.map(|error| {
            format!("onset: {source}: {error}; the alert's own start counts where none was found")
        });
        picture.gaps.onsets.extend(said);
    }
    let onsets = Arc::new(onsets);
    picture.inputs.onsets = onsets.clone();
    picture.board.onsets = onsets;
}

/// The services that loud and quiet alerts are about.
pub(super) fn services(picture: &Picture) -> HashSet<Untrusted> {
    let alerts = picture.board.alerts.iter();
    let services = alerts.filter_map(|alert| alert.place.service.clone());
    services.collect()
}

/// Those that burn, and how many more there are.
fn choose<'a>(burns: &'a [SloBurn], services: &HashSet<Untrusted>) -> (Vec<&'a SloBurn>, usize) {
    let is_wanted = |burn: &&SloBurn| {
        let service = burn.id().service.as_ref();
        burn.verdict.level().is_some() && service.is_some_and(|service| services.contains(service))
    };
    let mut wanted: Vec<&SloBurn> = burns.iter().filter(is_wanted).collect();
    let left = wanted.len().saturating_sub(MOST_SLOS);
    wanted.truncate(MOST_SLOS);
    (wanted, left)
}

type Onsets = HashMap<SloId, DateTime<Utc>>;

async fn of_source(
    settings: &Settings,
    source: &SourceName,
    slos: Vec<Slo>,
    end: DateTime<Utc>,
) -> (Onsets, Option<SourceError>) {
    let mut measuring = settings.measuring();
    let Some((prometheus, measures)) = measuring.find(|(p, _)| p.slo_source() == *source) else {
        return (Onsets::new(), None);
    };
    match BurnSource::new(prometheus, &settings.slo, measures, None) {
        Ok(source) => read(&source.history(), slos, end).await,
        Err(error) => (Onsets::new(), Some(error)),
    }
}

/// Span by span backwards, for as long as something burnt already where a span begins.
async fn read(
    history: &BurnHistory,
    slos: Vec<Slo>,
    end: DateTime<Utc>,
) -> (Onsets, Option<SourceError>) {
    let span = Span::SixHours.secs();
    let mut end = end;
    let mut open = slos;
    let mut samples: HashMap<SloId, Vec<Sample>> = HashMap::new();
    let mut onsets = Onsets::new();
    let all = open.clone();
    for _ in 0..MOST_SPANS {
        let told = match history.ask(&open, span, end).await {
            Ok(told) => told,
            Err(error) => return (onsets, Some(error)),
        };
        let mut still_open = Vec::new();
        for (id, mut before) in told {
            let Some(slo) = open.iter().find(|slo| slo.id == id) else {
                continue;
            };
            before.extend(samples.remove(&id).unwrap_or_default());
            if let Some(at) = suspect::onset(&before, slo.objective) {
                if burnt_from_the_first(&before, at) {
                    still_open.push(slo.clone());
                }
                onsets.insert(id.clone(), at);
            }
            samples.insert(id, before);
        }
        if still_open.is_empty() {
            break;
        }
        open = still_open;
        end -= TimeDelta::seconds(i64::try_from(span).unwrap_or(i64::MAX / 1_000));
    }
    let trouble = refine(history, &all, &mut onsets).await;
    (onsets, trouble)
}

/// A span is read in steps of five minutes, and a change is done in less: each beginning is looked at
/// once more in fine steps. What cannot be read stays as it was found.
async fn refine(history: &BurnHistory, slos: &[Slo], onsets: &mut Onsets) -> Option<SourceError> {
    let mut by_moment: BTreeMap<DateTime<Utc>, Vec<Slo>> = BTreeMap::new();
    for slo in slos {
        if let Some(at) = onsets.get(&slo.id) {
            by_moment.entry(*at).or_default().push(slo.clone());
        }
    }
    for (at, slos) in by_moment {
        let told = match history.ask(&slos, AROUND_SECS, at).await {
            Ok(told) => told,
            Err(error) => return Some(error),
        };
        for (id, samples) in told {
            let slo = slos.iter().find(|slo| slo.id == id);
            let found = slo.and_then(|slo| suspect::onset(&samples, slo.objective));
            if let Some(found) = found {
                onsets.insert(id, found);
            }
        }
    }
    None
}

/// Whether the burn may have begun before what was read.
#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970")]
fn burnt_from_the_first(samples: &[Sample], onset: DateTime<Utc>) -> bool {
    let first = samples.first().map(|(at, _)| *at);
    first.is_some_and(|first| onset.timestamp_millis() as f64 / 1_000.0 - first < 1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn a_burn_without_a_beginning_is_looked_for_further_back() {
        let base = 1_800_000_000.0;
        let samples = |ratios: &[f64]| -> Vec<Sample> {
            let mut at = base;
            let mut next = |ratio: &f64| {
                at += 300.0;
                (at, *ratio)
            };
            ratios.iter().map(&mut next).collect()
        };
        for (ratios, expected) in [(&[0.5, 0.5][..], true), (&[0.0, 0.5, 0.5], false)] {
            let samples = samples(ratios);
            let at = suspect::onset(&samples, 0.999).unwrap();
            assert_eq!(burnt_from_the_first(&samples, at), expected);
        }
    }
}
