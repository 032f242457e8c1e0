//! Which tables and keys does the file hold, and are they of the right type?
//!
//! Walks the TOML tree against the shapes of `raw` and goes on after every problem, which serde cannot:
//! all unknown keys and wrong types are reported at once. Called by `load`. It never judges a
//! value beyond its type, with one exception: a secret written inline is refused before anybody
//! can hold it.

use std::path::PathBuf;

use toml::de::DeTable;

use super::document::Document;
use super::finding::{Findings, Spot, Written};
use super::mask;
use super::raw::{self, RawConfig};
use super::reader::{Reader, Table};
use super::{read_actions, read_delivery};

/// Reads what can be read. After it, `document` hides every secret it found.
pub(super) fn read(document: &mut Document, findings: &mut Findings) -> RawConfig {
    walk(document, findings, &raw::TABLES, config)
}

/// Parses a file and has its tables read by `what`, as far as it parses.
pub(super) fn walk<T: Default>(
    document: &mut Document,
    findings: &mut Findings,
    tables: &'static [&'static raw::Shape],
    what: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> T,
) -> T {
    let text = document.text();
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut hidden = Vec::new();
    mask::in_table(text, table.get_ref(), &mut hidden);

    let mut broken = Vec::new();
    let mut header_broken = false;
    for error in errors {
        let at = error.span().unwrap_or_default();
        let line = document.line(at.start);
        header_broken |= text[line.bytes.clone()].trim_start().starts_with('[');
        // One slip makes the parser stumble several times on its line.
        if !broken.iter().any(|(number, _)| *number == line.number) {
            let start = at.start.clamp(line.bytes.start, line.bytes.end);
            findings.add_syntax(
                start..at.end.max(start),
                error.message(),
                Some(hint_for(&error)),
            );
            broken.push((line.number, at.start));
        }
    }
    // Below a header that does not parse, keys count to the wrong table.
    let raw = if header_broken {
        T::default()
    } else {
        what(&mut Reader { findings, tables }, table.get_ref())
    };
    document.hide(hidden);
    for (_, at) in broken {
        document.hide_broken_line(at);
    }
    raw
}

fn hint_for(error: &toml::de::Error) -> &'static str {
    let message = error.message();
    if message.contains("must be quoted") {
        "put the text in double quotes"
    } else if message.starts_with("duplicate key") {
        "keep one of them; a table that repeats is written [[name]]"
    } else if message.starts_with("unclosed") && message.contains("table") {
        "close the header: [name], or [[name]] for one of several"
    } else if message.contains("basic string") {
        "close the string; in double quotes a backslash is written \\\\, in single quotes \\"
    } else if message.contains("expected newline") {
        "write one `key = value` on a line"
    } else {
        "check quotes, commas and brackets here and on the line above"
    }
}

fn config(reader: &mut Reader<'_>, table: &DeTable<'_>) -> RawConfig {
    let top = reader.check(table, &raw::TOP, Spot::File(0..0));
    RawConfig {
        env: reader.text(&top, "env"),
        operator: reader.text(&top, "operator"),
        log_level: reader.text(&top, "log_level"),
        screen: reader
            .table(&top, "screen", &raw::SCREEN)
            .map(|t| screen(reader, &t))
            .unwrap_or_default(),
        environments: reader
            .tables(&top, "environment", &raw::ENVIRONMENT)
            .iter()
            .map(|t| raw::RawEnvironment {
                header: t.header.clone(),
                name: reader.text(t, "name"),
                accent: reader.text(t, "accent"),
            })
            .collect(),
        alertmanagers: reader
            .tables(&top, "alertmanager", &raw::ALERTMANAGER)
            .iter()
            .map(|t| raw::RawAlertmanager {
                source: source(reader, t),
                cluster: reader.text(t, "cluster"),
                filter: reader.texts(t, "filter"),
                receiver: reader.text(t, "receiver"),
            })
            .collect(),
        prometheuses: reader
            .tables(&top, "prometheus", &raw::PROMETHEUS)
            .iter()
            .map(|t| source(reader, t))
            .collect(),
        runbooks: reader
            .table(&top, "runbooks", &raw::RUNBOOKS)
            .map(|t| raw::RawRunbooks {
                path: reader.text(&t, "path").map(path),
                url_prefixes: reader.texts(&t, "url_prefixes"),
            })
            .unwrap_or_default(),
        slo: reader
            .table(&top, "slo", &raw::SLO)
            .map(|t| slo(reader, &t))
            .unwrap_or_default(),
        burn_policies: reader
            .tables(&top, "burn_policy", &raw::BURN_POLICY)
            .iter()
            .map(|t| burn_policy(reader, t))
            .collect(),
        delivery: read_delivery::delivery(reader, &top),
        actions: read_actions::actions(reader, &top),
        triage: reader
            .table(&top, "triage", &raw::TRIAGE)
            .map(|t| triage(reader, &t))
            .unwrap_or_default(),
    }
}

fn screen(reader: &mut Reader<'_>, table: &Table<'_>) -> raw::RawScreen {
    raw::RawScreen {
        theme: reader.text(table, "theme"),
        color: reader.text(table, "color"),
        glyphs: reader.text(table, "glyphs"),
        mouse: reader.switch(table, "mouse"),
        group_by: reader.text(table, "group_by"),
    }
}

/// What every source has.
pub(super) fn source(reader: &mut Reader<'_>, table: &Table<'_>) -> raw::RawSource {
    raw::RawSource {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        env: reader.text(table, "env"),
        period: reader.text(table, "period"),
        endpoint: raw::RawEndpoint {
            url: reader.text(table, "url"),
            timeout: reader.text(table, "timeout"),
            max_response_mib: reader.whole_number(table, "max_response_mib"),
            basic: reader.basic(table),
            bearer: reader.secret(table, "bearer"),
            headers: reader.headers(table),
            tls: raw::RawTls {
                ca_file: reader.text(table, "ca_file"),
                cert_file: reader.text(table, "cert_file"),
                key_file: reader.text(table, "key_file"),
            },
            proxy: reader.text(table, "proxy"),
        },
    }
}

pub(super) fn path(text: raw::Text) -> Written<PathBuf> {
    Written {
        value: PathBuf::from(text.value),
        spot: text.spot,
    }
}

pub(super) fn paths(texts: raw::Texts) -> Vec<Written<PathBuf>> {
    texts.value.into_iter().map(path).collect()
}

fn slo(reader: &mut Reader<'_>, table: &Table<'_>) -> raw::RawSlo {
    raw::RawSlo {
        paths: reader.texts(table, "paths").map(paths),
        builtin: reader.switch(table, "builtin"),
        recorded: reader.switch(table, "recorded"),
        prometheus: reader.text(table, "prometheus"),
        policy: reader.text(table, "policy"),
        metrics: reader.named_texts(table, "metrics"),
        uses: reader
            .tables(table, "use", &raw::SLO_USE)
            .iter()
            .map(|t| raw::RawSloUse {
                header: t.header.clone(),
                matchers: reader.text(t, "match"),
                policy: reader.text(t, "policy"),
            })
            .collect(),
    }
}

fn burn_policy(reader: &mut Reader<'_>, table: &Table<'_>) -> raw::RawBurnPolicy {
    raw::RawBurnPolicy {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        summary: reader.text(table, "summary"),
        conditions: reader
            .tables(table, "condition", &raw::BURN_CONDITION)
            .iter()
            .map(|t| raw::RawCondition {
                header: t.header.clone(),
                name: reader.text(t, "name"),
                level: reader.text(t, "level"),
                burn: reader.number(t, "burn"),
                budget: reader.number(t, "budget"),
                window: reader.text(t, "window"),
                confirm: reader.text(t, "confirm"),
                held_for: reader.text(t, "for"),
                or_equal: reader.switch(t, "or_equal"),
            })
            .collect(),
    }
}

fn triage(reader: &mut Reader<'_>, table: &Table<'_>) -> raw::RawTriage {
    raw::RawTriage {
        default_lane: reader.text(table, "default_lane"),
        watchdogs: reader.texts(table, "watchdogs"),
        severity_labels: reader.texts(table, "severity_labels"),
        service_labels: reader.texts(table, "service_labels"),
        env_labels: reader.texts(table, "env_labels"),
        location_labels: reader.texts(table, "location_labels"),
        owner_labels: reader.texts(table, "owner_labels"),
        lanes: reader
            .tables(table, "lane", &raw::LANE)
            .iter()
            .map(|t| raw::RawLane {
                header: t.header.clone(),
                lane: reader.text(t, "lane"),
                matchers: reader.text(t, "match"),
            })
            .collect(),
    }
}
