//! What does a table say under a key, if it is of the right type?
//!
//! The typed access that `read` uses for every table. Whatever is unknown or of the wrong type is
//! reported with an example of what to write, and then counts as absent.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Findings, Spot, Written};
use super::mask;
use super::raw::{self, RawHeader, RawSecret, Shape, Text, Texts};
use crate::domain::nearest::nearest;
use crate::domain::text::shown;

/// Where a secret may live.
const SECRET_PLACES: &str = "name its place instead: { file = \"~/.secrets/am\" }, \
    { env = \"AM_SECRET\" } or { command = [\"pass\", \"show\", \"am\"] }";

/// What other tools, or other tables, call a key.
const SYNONYMS: [(&str, &str); 7] = [
    ("token", "bearer"),
    ("password", "basic"),
    ("projects", "repos"),
    ("repositories", "repos"),
    ("repos", "projects"),
    ("folder", "path"),
    ("namespace", "namespaces"),
];

type Value<'t> = Spanned<DeValue<'t>>;

/// A table whose keys were checked.
pub(super) struct Table<'t> {
    keys: &'t DeTable<'t>,
    pub(super) header: Spot,
}

/// Reads tables and notes what is wrong.
pub(super) struct Reader<'f> {
    pub(super) findings: &'f mut Findings,
    /// The tables of this kind of file, for a key that stands in the wrong one.
    pub(super) tables: &'static [&'static Shape],
}

impl Reader<'_> {
    /// Reports the keys that the table may not have.
    pub(super) fn check<'t>(
        &mut self,
        keys: &'t DeTable<'t>,
        shape: &'static Shape,
        header: Spot,
    ) -> Table<'t> {
        for key in keys.keys() {
            if !shape.keys.contains(&key.get_ref().as_ref()) {
                self.unknown(key.get_ref(), shape, &Spot::File(key.span()));
            }
        }
        Table { keys, header }
    }

    fn unknown(&mut self, key: &str, shape: &Shape, spot: &Spot) {
        let synonyms = SYNONYMS.iter().filter(|(other, _)| *other == key);
        let mut meant = synonyms.map(|(_, own)| *own);
        let near = nearest(key, shape.keys.iter().copied())
            .or_else(|| meant.find(|own| shape.keys.contains(own)));
        let elsewhere = self
            .tables
            .iter()
            .find(|other| other.keys.contains(&key))
            .map(|other| other.title);
        let hint = match (near, elsewhere) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(title)) if title == raw::TOP.title => {
                format!("`{key}` belongs at {title}, above the first [table]")
            }
            (None, Some(title)) => format!("`{key}` belongs in {title}"),
            (None, None) => format!("known here: {}", shape.keys.join(", ")),
        };
        let place = match shape.title {
            title if title == raw::TOP.title => String::new(),
            title => format!(" in {title}"),
        };
        let message = format!("unknown key `{}`{place}", shown(key));
        self.findings.add(spot, message, Some(&hint));
    }

    fn wrong_type(&mut self, key: &str, value: &Value<'_>, wanted: &str, example: &str) {
        let message = format!(
            "`{}` must be {wanted}, this is {}",
            shown(key),
            type_name(value.get_ref())
        );
        let hint = format!("write it like: {example}");
        self.findings
            .add(&Spot::File(value.span()), message, Some(&hint));
    }

    pub(super) fn text(&mut self, table: &Table<'_>, key: &str) -> Option<Text> {
        let value = table.keys.get(key)?;
        // Here it is a line of provenance, with a secret it is a list of words.
        let example = match key {
            "command" => "terraform plan -refresh-only",
            _ => example_of(key),
        };
        let text = self.as_text(key, value, &format!("{key} = \"{example}\""));
        if text.is_none() {
            self.findings.refuse(&table.header, key);
        }
        text
    }

    fn as_text(&mut self, key: &str, value: &Value<'_>, example: &str) -> Option<Text> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a string", example);
            return None;
        };
        Some(Written {
            value: text.to_owned(),
            spot: Spot::File(value.span()),
        })
    }

    pub(super) fn texts(&mut self, table: &Table<'_>, key: &str) -> Option<Texts> {
        let value = table.keys.get(key)?;
        let example = format!("{key} = [\"{}\"]", example_of(key));
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, "a list of strings", &example);
            self.findings.refuse(&table.header, key);
            return None;
        };
        let texts = items
            .iter()
            .filter_map(|item| self.as_text(key, item, &example))
            .collect();
        Some(Written {
            value: texts,
            spot: Spot::File(value.span()),
        })
    }

    /// A day or a time, as a string or as TOML's own date.
    pub(super) fn moment(&mut self, table: &Table<'_>, key: &str) -> Option<Text> {
        let value = table.keys.get(key)?;
        match value.get_ref() {
            DeValue::Datetime(moment) => Some(Written {
                value: moment.to_string(),
                spot: Spot::File(value.span()),
            }),
            _ => self.text(table, key),
        }
    }

    pub(super) fn switch(&mut self, table: &Table<'_>, key: &str) -> Option<Written<bool>> {
        let value = table.keys.get(key)?;
        let Some(on) = value.get_ref().as_bool() else {
            self.wrong_type(key, value, "true or false", &format!("{key} = true"));
            return None;
        };
        Some(Written {
            value: on,
            spot: Spot::File(value.span()),
        })
    }

    pub(super) fn whole_number(&mut self, table: &Table<'_>, key: &str) -> Option<Written<u64>> {
        let value = table.keys.get(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        let Some(number) = number else {
            self.wrong_type(
                key,
                value,
                "a whole number, 1 or more",
                &format!("{key} = 256"),
            );
            return None;
        };
        Some(Written {
            value: number,
            spot: Spot::File(value.span()),
        })
    }

    /// With or without a fraction, `inf` and `nan` included: TOML has them.
    pub(super) fn number(&mut self, table: &Table<'_>, key: &str) -> Option<Written<f64>> {
        let value = table.keys.get(key)?;
        let number: Option<f64> = match value.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            let example = format!("{key} = {}", example_of(key));
            self.wrong_type(key, value, "a number", &example);
            self.findings.refuse(&table.header, key);
            return None;
        };
        Some(Written {
            value: number,
            spot: Spot::File(value.span()),
        })
    }

    pub(super) fn table<'t>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        shape: &'static Shape,
    ) -> Option<Table<'t>> {
        let value = table.keys.get(key)?;
        let DeValue::Table(keys) = value.get_ref() else {
            let message = format!(
                "`{key}` must be one table, this is {}",
                type_name(value.get_ref())
            );
            let hint = format!("write {} and its keys below", shape.title);
            self.findings
                .add(&Spot::File(value.span()), message, Some(&hint));
            return None;
        };
        Some(self.check(keys, shape, Spot::File(value.span())))
    }

    pub(super) fn tables<'t>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        shape: &'static Shape,
    ) -> Vec<Table<'t>> {
        let Some(value) = table.keys.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.not_repeated(key, value, shape);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(keys) => {
                    tables.push(self.check(keys, shape, Spot::File(item.span())));
                }
                _ => self.not_repeated(key, item, shape),
            }
        }
        tables
    }

    fn not_repeated(&mut self, key: &str, value: &Value<'_>, shape: &Shape) {
        let message = format!(
            "`{key}` must be a list of tables, this is {}",
            type_name(value.get_ref())
        );
        let hint = format!("write {} with double brackets", shape.title);
        self.findings
            .add(&Spot::File(value.span()), message, Some(&hint));
    }

    pub(super) fn basic(&mut self, table: &Table<'_>) -> Option<Written<raw::RawBasic>> {
        let value = table.keys.get("basic")?;
        let DeValue::Table(keys) = value.get_ref() else {
            let example = "basic = { username = \"quell\", password = { env = \"AM_PASSWORD\" } }";
            self.wrong_type("basic", value, "a user and a password", example);
            return None;
        };
        let basic = self.check(keys, &raw::BASIC, Spot::File(value.span()));
        Some(Written {
            value: raw::RawBasic {
                username: self.text(&basic, "username"),
                password: self.secret(&basic, "password"),
            },
            spot: basic.header,
        })
    }

    pub(super) fn secret(&mut self, table: &Table<'_>, key: &str) -> Option<Written<RawSecret>> {
        let value = table.keys.get(key)?;
        Some(self.as_secret(key, value))
    }

    fn as_secret(&mut self, key: &str, value: &Value<'_>) -> Written<RawSecret> {
        let spot = Spot::File(value.span());
        let secret = match value.get_ref() {
            DeValue::Table(keys) => self.whereabouts(key, keys, &spot),
            _ => None,
        };
        if !value.get_ref().is_table() {
            let message = format!("the value of `{}` may not stand in the config", shown(key));
            self.findings.add(&spot, message, Some(SECRET_PLACES));
        }
        Written {
            value: secret.unwrap_or(RawSecret::Broken),
            spot,
        }
    }

    fn whereabouts(&mut self, key: &str, keys: &DeTable<'_>, spot: &Spot) -> Option<RawSecret> {
        let before = self.findings.count();
        let table = self.check(keys, &raw::SECRET, spot.clone());
        let file = self.text(&table, "file").map(RawSecret::File);
        let env = self.text(&table, "env").map(RawSecret::Env);
        let command = self.texts(&table, "command").map(RawSecret::Command);
        let mut places = [file, env, command].into_iter().flatten();
        let place = places.next();
        if self.findings.count() > before {
            return None;
        }
        if place.is_none() || places.next().is_some() {
            let message = format!("`{}` needs exactly one place", shown(key));
            self.findings.add(spot, message, Some(SECRET_PLACES));
            return None;
        }
        place
    }

    /// A string, or a list of them.
    pub(super) fn text_or_texts(&mut self, table: &Table<'_>, key: &str) -> Option<Texts> {
        match table.keys.get(key)?.get_ref() {
            DeValue::Array(_) => self.texts(table, key),
            _ => self.text(table, key).map(|text| Written {
                spot: text.spot.clone(),
                value: vec![text],
            }),
        }
    }

    /// A whole number, which may be negative.
    pub(super) fn integer(&mut self, table: &Table<'_>, key: &str) -> Option<Written<i64>> {
        let value = table.keys.get(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let Some(number) = number else {
            let example = format!("{key} = {}", example_of(key));
            self.wrong_type(key, value, "a whole number", &example);
            self.findings.refuse(&table.header, key);
            return None;
        };
        Some(Written {
            value: number,
            spot: Spot::File(value.span()),
        })
    }

    /// All keys of a table whose names are free and whose values are lists of strings.
    pub(super) fn named_lists(&mut self, table: &Table<'_>, key: &str) -> Vec<(Text, Texts)> {
        let example = format!("[{key}] and below it {} = [\"mara\"]", example_of(key));
        let Some(names) = self.names(table, key, "a table of names and lists", &example) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, spot) in names.keys.keys().map(|k| (k.get_ref().clone(), k.span())) {
            let texts = self.texts(&names, &name);
            let name = Written {
                value: name.into_owned(),
                spot: Spot::File(spot),
            };
            found.extend(texts.map(|texts| (name, texts)));
        }
        found
    }

    /// All tables of a table whose names are free.
    pub(super) fn named_tables<'t>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        shape: &'static Shape,
    ) -> Vec<(Text, Table<'t>)> {
        let example = format!("{key}.{} = {{ {} = ... }}", example_of(key), shape.keys[0]);
        let Some(names) = self.names(table, key, "a table of tables", &example) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in names.keys {
            let DeValue::Table(keys) = value.get_ref() else {
                self.wrong_type(name.get_ref(), value, "a table", &example);
                continue;
            };
            let name = Written {
                value: name.get_ref().clone().into_owned(),
                spot: Spot::File(name.span()),
            };
            found.push((name, self.check(keys, shape, Spot::File(value.span()))));
        }
        found
    }

    /// A table whose names are free.
    fn names<'t>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        wanted: &str,
        example: &str,
    ) -> Option<Table<'t>> {
        let value = table.keys.get(key)?;
        let DeValue::Table(keys) = value.get_ref() else {
            self.wrong_type(key, value, wanted, example);
            return None;
        };
        Some(Table {
            keys,
            header: Spot::File(value.span()),
        })
    }

    /// A table whose names are free and whose values are strings.
    pub(super) fn named_texts(&mut self, table: &Table<'_>, key: &str) -> Vec<(Text, Text)> {
        let Some(value) = table.keys.get(key) else {
            return Vec::new();
        };
        let DeValue::Table(keys) = value.get_ref() else {
            let example = format!("{key} = {{ {} }}", example_of(key));
            self.wrong_type(key, value, "a table of names and strings", &example);
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in keys {
            let name = Written {
                value: name.get_ref().clone().into_owned(),
                spot: Spot::File(name.span()),
            };
            let text = self.as_text(&name.value, value, example_of(key));
            found.extend(text.map(|text| (name, text)));
        }
        found
    }

    pub(super) fn headers(&mut self, table: &Table<'_>) -> Vec<(Text, RawHeader)> {
        let Some(value) = table.keys.get("headers") else {
            return Vec::new();
        };
        let example = "headers = { X-Scope-OrgID = \"tenant\" }";
        let DeValue::Table(keys) = value.get_ref() else {
            self.wrong_type("headers", value, "a table of names and values", example);
            return Vec::new();
        };
        let mut headers = Vec::new();
        for (key, value) in keys {
            let name = Written {
                value: key.get_ref().clone().into_owned(),
                spot: Spot::File(key.span()),
            };
            if value.get_ref().is_table() || mask::is_secret_name(&name.value) {
                let secret = self.as_secret(&name.value, value);
                headers.push((name, RawHeader::Secret(secret)));
            } else if let Some(text) = self.as_text(&name.value, value, example) {
                headers.push((name, RawHeader::Plain(text)));
            }
        }
        headers
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value that makes the hint concrete.
fn example_of(key: &str) -> &'static str {
    match key {
        "url" => "http://localhost:9093",
        "period" => "15s",
        "timeout" => "10s",
        "filter" | "match" => "severity=\\\"critical\\\"",
        "color" => "256",
        "lane" | "default_lane" | "level" => "page",
        "log_level" => "info",
        "command" => "pass\", \"show\", \"am",
        "url_prefixes" => "https://runbooks.example.org/",
        "paths" => "slo/",
        "prometheus" => "prom-1",
        // Of [slo] and of [actions] alike: both names are worth a try.
        "policy" => "google",
        "zone" => "Europe/Berlin",
        "kind" => "freeze",
        "days" => "mon",
        "start" => "22:00",
        "end" => "06:00",
        "from" => "2026-12-20T00:00:00Z",
        "id" => "prod-adds-risk",
        "deny_if" | "abort_if" => "burn.short > 2.0",
        "mode" => "enforce",
        "revert" => "offer",
        "soak" | "cooldown" => "10m",
        "silence" => "4h",
        "roles" | "role" | "requester_role" | "override_role" | "break_glass_role" => "sre",
        "env" => "prod",
        "action" | "actions" => "k8s.*",
        "direction" => "adds",
        "risk" | "risks" => "R2",
        "anchors" => "syslog",
        "carrier" => "folder",
        "method" => "POST",
        "program" => "/usr/local/bin/flush-cache",
        "arguments" => "--zone={zone}",
        "parameters" => "zone",
        "environment" => "TZ = \"UTC\"",
        "with" => "mode = \"{mode}\"",
        "verify" => "\"/state\" = \"{mode}\"",
        "min" => "0",
        "max" => "100",
        "metrics" => "platform_requests_total = \"http_requests_total{job='api'}\"",
        "burn" => "14.4",
        "budget" => "0.02",
        "window" | "cadence" => "1h",
        "confirm" => "5m",
        "for" => "2m",
        "kubeconfig" => "~/.kube/config",
        "namespaces" | "name" | "service" => "checkout",
        "kinds" => "deployments",
        "repos" => "acme/checkout",
        "projects" => "shop/checkout",
        "depends_on" => "payments",
        "catalog" => "catalog-info.yaml",
        "until" => "2026-12-31",
        "keep" => "90d",
        _ => "...",
    }
}
