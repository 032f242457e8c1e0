//! Below which value lies this share of a classic histogram's observations?
//!
//! As documented for `histogram_quantile` in Prometheus 2: straight lines within a bucket, the
//! highest finite bound for what lies above it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::labels::{Labels, METRIC_NAME, value_of};
use super::Element;

const BOUND: &str = "le";

/// One bucket: how many observations are at most this large.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The quantile of every histogram among the elements. What has no bound is no bucket and left out.
pub(super) fn of_buckets(share: f64, elements: &[Element]) -> Vec<Element> {
    let mut histograms: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for element in elements {
        let Ok(bound) = value_of(&element.labels, BOUND).parse() else {
            continue;
        };
        let mut labels = (*element.labels).clone();
        labels.retain(|name, _| **name != *METRIC_NAME && **name != *BOUND);
        let count = element.value;
        histograms
            .entry(labels)
            .or_default()
            .push(Bucket { bound, count });
    }
    histograms
        .into_iter()
        .map(|(labels, buckets)| Element {
            labels: Arc::new(labels),
            value: of_one(share, buckets),
        })
        .collect()
}

fn of_one(share: f64, mut buckets: Vec<Bucket>) -> f64 {
    if share.is_nan() {
        return f64::NAN;
    }
    if share < 0.0 {
        return f64::NEG_INFINITY;
    }
    if share > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|left, right| left.bound.total_cmp(&right.bound));
    let buckets = rising(merged(buckets));
    let (Some(last), Some(highest)) = (buckets.last(), buckets.iter().rev().nth(1)) else {
        return f64::NAN;
    };
    if last.bound < f64::INFINITY || last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let rank = share * last.count;
    let finite = &buckets[..buckets.len() - 1];
    let Some(place) = finite.iter().position(|bucket| bucket.count >= rank) else {
        return highest.bound;
    };
    let bucket = finite[place];
    let Some(below) = place.checked_sub(1).map(|place| finite[place]) else {
        if bucket.bound <= 0.0 {
            return bucket.bound;
        }
        return bucket.bound * (rank / bucket.count);
    };
    let inside = (rank - below.count) / (bucket.count - below.count);
    below.bound + (bucket.bound - below.bound) * inside
}

/// Buckets that are written in two ways, as `1` and `1.0`, are one.
fn merged(buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut merged: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match merged.last_mut() {
            #[allow(clippy::float_cmp, reason = "equal bounds are equal bits")]
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => merged.push(bucket),
        }
    }
    merged
}

/// A bucket holds what the smaller ones hold, also where rounding says otherwise.
fn rising(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    let mut most = f64::NEG_INFINITY;
    for bucket in &mut buckets {
        if bucket.count > most {
            most = bucket.count;
        } else if bucket.count < most {
            bucket.count = most;
        }
    }
    buckets
}
