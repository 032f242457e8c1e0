//! Which services are declared, which drift is allowed, and how long is all of it remembered?
//!
//! Part of `resolve`: what joins the answers of several sources. It reads no catalogue, and it knows no
//! time: an allowance that has ended is told of by `quell check`.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::delivery::DEFAULT_KEEP;
use super::document::Document;
use super::finding::Spot;
use super::raw::Text;
use super::raw_delivery::{RawAllowance, RawDelivery, RawService};
use super::resolve::Resolver;
use super::triage;
use crate::domain::drift::Allowance;
use crate::domain::nearest::nearest;
use crate::domain::service::{MappingRule, Service};
use crate::domain::text::{Untrusted, shown};

const SERVICE: &str = "[[service]]";
const ALLOW_DRIFT: &str = "[[allow_drift]]";
/// What an end looks like.
const ENDS: &str = "write it like \"2026-12-31\" or \"2026-12-31T18:00:00Z\"";

/// What every `[[service]]` says. Several may have the same name: each gives it another rule.
pub(super) fn services(resolver: &mut Resolver<'_>, raw: &RawDelivery) -> Vec<Service> {
    let mut found: Vec<Service> = Vec::new();
    for written in &raw.services {
        let name = resolver.required(written.name.as_ref(), &written.header, SERVICE, "name");
        let name = resolver.words(name);
        let service = Service {
            name: Untrusted::line(name.as_deref().unwrap_or_default()),
            owner: line(resolver, written.owner.as_ref()),
            system: line(resolver, written.system.as_ref()),
            depends_on: needs(resolver, written),
            is_platform: written.platform.as_ref().is_some_and(|on| on.value),
            declared_in: declared_in(resolver, &written.header),
        };
        if name.is_none() {
            continue;
        }
        for other in found.iter().filter(|other| other.name == service.name) {
            contradiction(
                resolver,
                "owner",
                written.owner.as_ref(),
                other.owner.as_ref(),
            );
            contradiction(
                resolver,
                "system",
                written.system.as_ref(),
                other.system.as_ref(),
            );
        }
        found.push(service);
    }
    // A catalogue may declare the rest.
    if raw.catalogues.is_empty() {
        warn_of_unknown(resolver, &found);
    }
    found
}

fn line(resolver: &mut Resolver<'_>, written: Option<&Text>) -> Option<Untrusted> {
    let text = resolver.words(written)?;
    Some(Untrusted::line(&text))
}

fn needs(resolver: &mut Resolver<'_>, raw: &RawService) -> Vec<Untrusted> {
    let own = raw.name.as_ref().map(|name| &name.value);
    let texts = raw.depends_on.iter().flat_map(|texts| &texts.value);
    let mut found = Vec::new();
    for text in texts {
        if own == Some(&text.value) {
            let message = "a service does not depend on itself";
            resolver
                .findings
                .add(&text.spot, message, Some("remove it"));
        }
        found.extend(line(resolver, Some(text)));
    }
    found
}

/// Of two words only one could be shown.
fn contradiction(
    resolver: &mut Resolver<'_>,
    key: &str,
    written: Option<&Text>,
    other: Option<&Untrusted>,
) {
    if let (Some(text), Some(other)) = (written, other)
        && *text.value != *other.raw()
    {
        let message = format!("this service has another `{key}` above: {other}");
        let hint = "say it once; a second [[service]] of a name only adds a `match`";
        resolver.findings.add(&text.spot, message, Some(hint));
    }
}

/// `config.toml:12`
fn declared_in(resolver: &Resolver<'_>, header: &Spot) -> Untrusted {
    let place = |document: &Document, at: usize| {
        let path = document.path().display();
        format!("{path}:{}", document.line(at).number)
    };
    match (header, resolver.surroundings.document) {
        (Spot::File(at), Some(document)) => Untrusted::line(&place(document, at.start)),
        _ => Untrusted::line("the config"),
    }
}

/// Nothing depends on a name that nobody has: it is a slip, and no suspect would ever come of it.
fn warn_of_unknown(resolver: &mut Resolver<'_>, services: &[Service]) {
    for service in services {
        for needed in &service.depends_on {
            if services.iter().any(|other| other.name == *needed) {
                continue;
            }
            let names = services.iter().map(|other| other.name.raw());
            let hint = match nearest(needed.raw(), names.filter(|n| *n != service.name.raw())) {
                Some(near) => format!("did you mean `{}`?", shown(near)),
                None => "declare it, or name a `catalog`".to_owned(),
            };
            let place = &service.declared_in;
            let name = &service.name;
            resolver.warnings.push(format!(
                "`{name}` depends on `{needed}`, which no [[service]] declares ({place}): {hint}"
            ));
        }
    }
}

/// The rules, in the order of the config.
pub(super) fn mapping(resolver: &mut Resolver<'_>, raw: &[RawService]) -> Vec<MappingRule> {
    let mut rules = Vec::new();
    for raw in raw {
        let matchers = raw.matchers.as_ref();
        let matchers = matchers.and_then(|text| triage::matchers(resolver, text));
        if let (Some(matchers), Some(name)) = (matchers, &raw.name) {
            rules.push(MappingRule {
                matchers,
                service: Untrusted::line(&name.value),
            });
        }
    }
    rules
}

/// Each needs a reason and an end: what is allowed for ever is forgotten for ever.
pub(super) fn allowances(resolver: &mut Resolver<'_>, raw: &[RawAllowance]) -> Vec<Allowance> {
    let mut found = Vec::new();
    for raw in raw {
        let address = resolver.required(raw.address.as_ref(), &raw.header, ALLOW_DRIFT, "address");
        let address = resolver.words(address);
        let path = resolver.words(raw.path.as_ref());
        let reason = resolver.required(raw.reason.as_ref(), &raw.header, ALLOW_DRIFT, "reason");
        let reason = resolver.words(reason);
        let until = resolver.required(raw.until.as_ref(), &raw.header, ALLOW_DRIFT, "until");
        let until = until.and_then(|text| end(resolver, text));
        let (Some(address), Some(reason), Some(until)) = (address, reason, until) else {
            continue;
        };
        if path.is_none() && address.bytes().all(|b| b == b'*') {
            resolver.warnings.push(format!(
                "`address = \"{address}\"` in {ALLOW_DRIFT} allows all drift of all sources: \
                 name what it is about"
            ));
        }
        found.push(Allowance {
            address,
            path,
            reason,
            until,
        });
    }
    found
}

/// A day counts to its end. UTC, as all times of quell.
fn end(resolver: &mut Resolver<'_>, text: &Text) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(&text.value, "%Y-%m-%d").ok();
    let day = day.and_then(|day| day.succ_opt());
    let end = day.map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let end = end.or_else(|| {
        let moment = DateTime::parse_from_rfc3339(&text.value).ok();
        moment.map(|moment| moment.to_utc())
    });
    if end.is_none() {
        let message = format!(
            "`{}` is no day, and no time with its zone",
            shown(&text.value)
        );
        resolver.findings.add(&text.spot, message, Some(ENDS));
    }
    end
}

/// How long changes and drift are remembered.
pub(super) fn keep(resolver: &mut Resolver<'_>, written: Option<&Text>) -> Duration {
    let bounds = Duration::from_hours(24)..=Duration::from_hours(400 * 24);
    resolver.span_of_time(written, DEFAULT_KEEP, bounds)
}
