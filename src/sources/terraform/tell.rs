//! How do the words of one plan become drift, changes and troubles?
//!
//! [`Origin`] knows what is the same for everything that one file tells: its place, its report, its
//! secrets. Used by [`super::plan`] and [`super::stream`]. Every foreign text passes
//! [`Origin::line`] here, which hides secrets.

use chrono::{DateTime, Utc};

use super::taint::Taint;
use crate::config::delivery::DeclaredPlace;
use crate::domain::change::{Change, Subject};
use crate::domain::delivery::{Trouble, TroubleKind};
use crate::domain::drift::{Drift, DriftKind, DriftPath, Report};
use crate::domain::label::Labels;
use crate::domain::source::SourceName;
use crate::domain::text::Untrusted;

/// What one file tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) drifts: Vec<Drift>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) changes: Vec<Change>,
    pub(super) limits: Vec<Untrusted>,
    /// What is said of it beside its name: `only outputs would change`.
    pub(super) notes: Vec<String>,
    /// The version of the program that made it.
    pub(super) version: Option<Untrusted>,
    /// Until when it may be told like this, though nobody writes.
    pub(super) good_until: Option<DateTime<Utc>>,
}

impl Told {
    /// How many things it tells of: a verdict on the file itself is none.
    pub(super) fn rows(&self) -> usize {
        let is_row = |drift: &&Drift| matches!(drift.kind, DriftKind::Drift | DriftKind::Pending);
        self.drifts.iter().filter(is_row).count() + self.changes.len()
    }
}

/// What is the same for everything that one file tells.
pub(super) struct Origin<'a> {
    pub(super) source: &'a SourceName,
    pub(super) place: &'a DeclaredPlace,
    /// The workspace, or the file's name.
    pub(super) scope: &'a str,
    /// The file's name.
    pub(super) file: &'a str,
    pub(super) commit: Option<&'a str>,
    pub(super) report: Report,
    pub(super) taint: &'a Taint,
    pub(super) now: DateTime<Utc>,
}

/// A resource, as it is named in labels.
#[derive(Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub(super) address: &'a str,
    pub(super) kind: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) module: Option<&'a str>,
}

/// What a row says besides.
#[derive(Default)]
pub(super) struct Row {
    pub(super) actions: Vec<String>,
    pub(super) paths: Vec<DriftPath>,
    pub(super) reverted_by_apply: Option<bool>,
    pub(super) details: Vec<String>,
}

impl Origin<'_> {
    /// A text without secrets.
    pub(super) fn line(&self, text: &str) -> Untrusted {
        Untrusted::line(&self.taint.redact(text))
    }

    /// Names something that this file tells of.
    pub(super) fn id(&self, what: &str) -> Untrusted {
        self.line(&format!("terraform:{}:{}:{what}", self.source, self.scope))
    }

    /// `file: what`.
    pub(super) fn limit(&self, what: &str) -> Untrusted {
        self.line(&format!("{}: {what}", self.file))
    }

    pub(super) fn subject(&self, named: Named<'_>) -> Subject {
        let place = self.place;
        let labels = [
            ("kind", named.kind),
            ("name", named.name),
            ("module", named.module),
            ("source", Some(&**self.source)),
            ("cluster", place.cluster.as_deref()),
            ("region", place.region.as_deref()),
        ];
        let labels = labels.into_iter().filter_map(|(label, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((Untrusted::line(label), self.line(value)))
        });
        Subject {
            target: self.line(named.address),
            service: place.service.as_deref().map(Untrusted::line),
            env: place.env.as_deref().map(Untrusted::line),
            labels: Labels::new(labels.collect()),
        }
    }

    /// A row of one resource.
    pub(super) fn drift(&self, named: Named<'_>, kind: DriftKind, row: Row) -> Drift {
        let what = match kind {
            DriftKind::Pending => format!("{}:pending", named.address),
            _ => named.address.to_owned(),
        };
        let actions = row.actions.iter().map(|action| match &**action {
            // Terraform's own words are told, whatever is secret.
            "create" | "update" | "delete" | "replace" | "forget" | "remove" => {
                Untrusted::line(action)
            }
            action => self.line(action),
        });
        let details = row.details.join("; ");
        Drift {
            id: self.id(&what),
            source: self.source.clone(),
            subject: self.subject(named),
            kind,
            actions: actions.collect(),
            paths: row.paths,
            reverted_by_apply: row.reverted_by_apply,
            report: self.report.clone(),
            detail: (!details.is_empty()).then(|| self.line(&details)),
        }
    }

    /// A row of the whole file: it could not tell, or not all.
    pub(super) fn verdict(&self, kind: DriftKind, detail: &str) -> Drift {
        let named = Named {
            address: self.scope,
            kind: Some("plan"),
            ..Named::default()
        };
        let mut drift = self.drift(named, kind, Row::default());
        drift.id = self.id(&format!("(plan):{}", kind.word()));
        drift.detail = Some(self.line(detail));
        drift
    }

    /// A check that does not hold.
    pub(super) fn trouble(&self, address: &str, what: &str, count: usize) -> Trouble {
        let named = Named {
            address,
            kind: Some("check"),
            ..Named::default()
        };
        Trouble {
            subject: self.subject(named),
            kind: TroubleKind::Policy,
            what: self.line(what),
            since: self.report.at,
            count: count.max(1) as u64,
        }
    }
}
