//! What does a first config look like?
//!
//! `quell init` hands over what it found and writes the answer. The text loads back to exactly
//! these settings; everything else is there as a comment with its default.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::slo::BUILT_IN;
use super::template_delivery::{self, FoundCluster};

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
    /// The same of files and folders of SLOs; `builtin:platform` for those that quell brings.
    pub slos: Vec<PathBuf>,
    /// A cluster.
    pub kubernetes: Option<FoundCluster>,
    /// Plans, or folders of them.
    pub terraforms: Vec<PathBuf>,
    /// Folders into which changes are pushed.
    pub changes: Vec<PathBuf>,
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
    slos(&mut out, &found.slos);
    template_delivery::delivery(&mut out, found);
    out.push_str(
        "# What may be done from here: builtin:observe, builtin:cautious, or a file of rules. Without it\n\
         # quell only looks.\n\
         #[actions]\n\
         #policy = \"builtin:cautious\"\n\n\
         #[screen]\n\
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
        Some(Err(path)) => not_utf8(out, path, "--runbooks"),
        None => out.push_str("#[runbooks]\n#path = \"~/runbooks\"\n"),
    }
    out.push('\n');
}

fn slos(out: &mut String, paths: &[PathBuf]) {
    out.push_str(
        "# Service levels: files or folders of OpenSLO, Sloth or Pyrra. Those that Prometheus records\n\
         # are found without any.\n",
    );
    let built_in = paths.iter().any(|path| path.as_os_str() == BUILT_IN);
    let files: Vec<&PathBuf> = paths
        .iter()
        .filter(|path| path.as_os_str() != BUILT_IN)
        .collect();
    for path in files.iter().filter(|path| path.to_str().is_none()) {
        not_utf8(out, path, "--slo");
    }
    let files: Vec<String> = files
        .iter()
        .filter_map(|path| path.to_str())
        .map(quoted)
        .collect();
    match (files.as_slice(), built_in) {
        ([], false) => out.push_str("#[slo]\n#paths = [\"slo/\"]\n"),
        ([], true) => out.push_str("[slo]\n"),
        (files, _) => push(out, format_args!("[slo]\npaths = [{}]\n", files.join(", "))),
    }
    out.push_str(if built_in {
        "builtin = true\n"
    } else {
        "#builtin = true\n"
    });
    out.push_str("#policy = \"google\"\n\n");
}

/// TOML is Unicode, so this path cannot be written down.
pub(super) fn not_utf8(out: &mut String, path: &Path, flag: &str) {
    let path = crate::domain::text::shown(&path.to_string_lossy());
    push(
        out,
        format_args!("# {path} is not UTF-8: rename it, or pass it with {flag}.\n"),
    );
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
pub(super) fn put(out: &mut String, key: &str, value: &str) {
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

pub(super) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}
