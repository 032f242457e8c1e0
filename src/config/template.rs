//! What does a first config look like?
//!
//! `quell init` hands over what it found and writes the answer. The text loads back to exactly
//! these settings; everything else is there as a comment with its default.

use std::fmt::Write;
use std::path::PathBuf;

/// What `quell init` found or was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The environment all of it belongs to.
    pub env: Option<String>,
    /// URLs.
    pub alertmanagers: Vec<String>,
    /// URLs.
    pub prometheuses: Vec<String>,
    /// Absolute, or relative to the folder of the config to be.
    pub runbooks: Option<PathBuf>,
}

/// A commented config for what was found.
#[must_use]
pub fn render_template(found: &Found) -> String {
    let mut out = String::from(
        "# The configuration of quell. `quell check` says whether it holds, and\n\
         # config.example.toml explains every key.\n\n",
    );
    environment(&mut out, found.env.as_deref());
    sources(
        &mut out,
        "alertmanager",
        "Every Alertmanager replica by itself: quell merges them and shows where they disagree.",
        &found.alertmanagers,
        "http://localhost:9093",
    );
    sources(
        &mut out,
        "prometheus",
        "Prometheus, or Thanos, Mimir, VictoriaMetrics by path prefix and headers.",
        &found.prometheuses,
        "http://localhost:9090",
    );
    out.push_str(
        "# Credentials never stand here, only where they are kept. Below a source's url:\n\
         #basic = { username = \"quell\", password = { file = \"~/.secrets/am\" } }\n\
         #bearer = { command = [\"pass\", \"show\", \"am-token\"] }\n\
         #headers = { X-Scope-OrgID = \"tenant\" }\n\n",
    );
    runbooks(&mut out, found.runbooks.as_ref());
    out.push_str(
        "#[screen]\n\
         #theme = \"default\"\n\
         #color = \"auto\"\n",
    );
    out
}

fn environment(out: &mut String, env: Option<&str>) {
    match env {
        Some(name) => {
            out.push_str("# The environment on show; `--env NAME` picks another one.\n");
            put(out, "env", name);
            out.push_str("\n# Its colour in the top bar: production must look different.\n");
            out.push_str("[[environment]]\n");
            put(out, "name", name);
            put(out, "accent", accent_for(name));
        }
        None => out.push_str(
            "# Name the environments if there are several, and give each source its `env`.\n\
             #env = \"prod\"\n\
             #[[environment]]\n\
             #name = \"prod\"\n\
             #accent = \"red\"\n",
        ),
    }
    out.push('\n');
}

fn sources(out: &mut String, table: &str, why: &str, urls: &[String], example: &str) {
    push(out, format_args!("# {why}\n"));
    for url in urls {
        push(out, format_args!("[[{table}]]\n"));
        put(out, "url", url);
        out.push('\n');
    }
    if urls.is_empty() {
        push(out, format_args!("#[[{table}]]\n#url = \"{example}\"\n\n"));
    }
}

fn runbooks(out: &mut String, path: Option<&PathBuf>) {
    out.push_str("# A folder of Markdown files, best within a git repository.\n");
    match path.map(|path| path.to_str().ok_or(path)) {
        Some(Ok(path)) => {
            out.push_str("[runbooks]\n");
            put(out, "path", path);
        }
        // TOML is Unicode, so this path cannot be written down.
        Some(Err(path)) => push(
            out,
            format_args!(
                "# {} is not UTF-8: rename it, or pass it with --runbooks.\n",
                crate::domain::text::shown(&path.to_string_lossy())
            ),
        ),
        None => out.push_str("#[runbooks]\n#path = \"~/runbooks\"\n"),
    }
    out.push('\n');
}

/// What a name suggests.
fn accent_for(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["prod", "prd", "live"]) {
        "red"
    } else if has(&["stag", "stg", "canary", "pre"]) {
        "yellow"
    } else if has(&["dev", "test", "qa", "local", "sandbox"]) {
        "green"
    } else {
        "blue"
    }
}

/// `key = "value"`, escaped as TOML wants it.
fn put(out: &mut String, key: &str, value: &str) {
    push(out, format_args!("{key} = {}\n", quoted(value)));
}

/// A basic string on one line, with everything escaped that could be misread.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Not only control characters: nobody should be fooled by their own config.
            c if crate::domain::text::shown(c.encode_utf8(&mut [0; 4]))
                .chars()
                .eq([c]) =>
            {
                out.push(c);
            }
            c => push(&mut out, format_args!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
