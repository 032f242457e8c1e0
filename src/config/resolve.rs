//! What do file, variables and flags mean together?
//!
//! Turns the [`RawConfig`] into complete [`Settings`] and reports every value that makes no sense.
//! Called by `load`, which throws the settings away if there was any problem. Sources of every
//! environment are checked; only those of the one on show are kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::document::Document;
use super::finding::{Findings, Spot, Written};
use super::naming::{Names, is_on_show};
use super::paths::Paths;
use super::raw::{RawAlertmanager, RawConfig, RawRunbooks, RawScreen, RawSource, Text, Texts};
use super::settings::{
    AlertmanagerSettings, Auth, ColourChoice, Endpoint, GlyphChoice, HeaderValue, Mouse,
    PrometheusSettings, RunbookSettings, ScreenSettings, Settings,
};
use super::{resolve_actions, resolve_delivery, slo, triage};
use crate::domain::matcher::{Matcher, Matchers, Op};
use crate::domain::nearest::nearest;
use crate::domain::text::shown;
use crate::domain::triage::TriagePolicy;

/// Time between two polls of an Alertmanager.
const ALERTMANAGER_PERIOD: Duration = Duration::from_secs(15);
/// Time between two polls of a Prometheus.
const PROMETHEUS_PERIOD: Duration = Duration::from_secs(30);
/// What the config is resolved against.
pub(super) struct Surroundings<'a> {
    /// The file, for places within strings.
    pub(super) document: Option<&'a Document>,
    /// Its folder, which relative paths start from.
    pub(super) folder: Option<PathBuf>,
    /// Home and the user's themes.
    pub(super) paths: &'a Paths,
    /// Themes that need no file.
    pub(super) built_in_themes: &'a [&'a str],
    /// The login name.
    pub(super) user: Option<&'a str>,
}

/// Settings and warnings. With new findings the settings are only a stopgap.
pub(super) fn resolve(
    raw: &RawConfig,
    surroundings: &Surroundings<'_>,
    findings: &mut Findings,
) -> (Settings, Vec<String>) {
    let mut resolver = Resolver {
        surroundings,
        findings,
        warnings: Vec::new(),
    };
    let settings = resolver.settings(raw);
    (settings, resolver.warnings)
}

/// Goes through the config and notes what is wrong. `naming`, `endpoint`, `slo`, `triage` and
/// `resolve_delivery` add to it.
pub(super) struct Resolver<'a> {
    pub(super) surroundings: &'a Surroundings<'a>,
    pub(super) findings: &'a mut Findings,
    pub(super) warnings: Vec<String>,
}

impl Resolver<'_> {
    fn settings(&mut self, raw: &RawConfig) -> Settings {
        let environments = self.environments(&raw.environments);
        let environment = self.environment(raw, &environments);
        let show = environment.as_ref().map(|e| e.name.as_str());
        let mut names = self.names(raw, &environments, show);
        let runbooks = self.runbooks(&raw.runbooks);
        let url_prefixes = runbooks.url_prefixes.clone();
        let alertmanagers = self.alertmanagers(&raw.alertmanagers, show, &mut names);
        let prometheuses = self.prometheuses(&raw.prometheuses, show, &mut names);
        Settings {
            actions: resolve_actions::resolve(self, &raw.actions, show, &mut names),
            delivery: resolve_delivery::resolve(self, &raw.delivery, show, &mut names),
            slo: slo::resolve(self, raw, &prometheuses),
            alertmanagers,
            prometheuses,
            triage: triage::resolve(self, &raw.triage, url_prefixes),
            screen: self.screen(&raw.screen),
            operator: self.operator(raw.operator.as_ref()),
            log_level: self.log_level(raw.log_level.as_ref()),
            runbooks,
            environment,
        }
    }

    fn alertmanagers(
        &mut self,
        raw: &[RawAlertmanager],
        show: Option<&str>,
        names: &mut Names,
    ) -> Vec<AlertmanagerSettings> {
        let mut all = Vec::new();
        let mut order = 0;
        for raw in raw {
            let source = &raw.source;
            let endpoint = self.endpoint(&source.endpoint, &source.header, "[[alertmanager]]");
            let period = self.period(source, ALERTMANAGER_PERIOD);
            let (filters, receiver) = self.narrowing(raw);
            let cluster = raw.cluster.as_ref().map(|cluster| {
                self.check_name(cluster);
                cluster.value.clone()
            });
            let Some(endpoint) = endpoint.filter(|_| is_on_show(source, show)) else {
                continue;
            };
            let name = names.name(source, "am", &mut order);
            self.warn_of_open_secrets(&name, &endpoint);
            all.push(AlertmanagerSettings {
                name,
                endpoint,
                cluster,
                filters,
                receiver,
                period,
            });
        }
        all
    }

    fn prometheuses(
        &mut self,
        raw: &[RawSource],
        show: Option<&str>,
        names: &mut Names,
    ) -> Vec<PrometheusSettings> {
        let mut all = Vec::new();
        let mut order = 0;
        for source in raw {
            let endpoint = self.endpoint(&source.endpoint, &source.header, "[[prometheus]]");
            let period = self.period(source, PROMETHEUS_PERIOD);
            let Some(endpoint) = endpoint.filter(|_| is_on_show(source, show)) else {
                continue;
            };
            let name = names.name(source, "prom", &mut order);
            self.warn_of_open_secrets(&name, &endpoint);
            all.push(PrometheusSettings {
                name,
                endpoint,
                period,
            });
        }
        all
    }

    fn period(&mut self, source: &RawSource, default: Duration) -> Duration {
        let bounds = Duration::from_secs(1)..=Duration::from_hours(1);
        self.span_of_time(source.period.as_ref(), default, bounds)
    }

    /// What the Alertmanager is asked to leave out.
    fn narrowing(&mut self, raw: &RawAlertmanager) -> (Matchers, Option<String>) {
        let texts = raw.filter.iter().flat_map(|texts| &texts.value);
        let mut filters = Matchers::default();
        for text in texts {
            let found = triage::matchers(self, text);
            filters.0.extend(found.unwrap_or_default().0);
        }
        let receiver = raw.receiver.as_ref().map(|text| {
            // Only to have the expression checked, and the error in words.
            if let Err(why) = Matcher::new("receiver", Op::Matches, &text.value) {
                let message = format!("bad regular expression: {why}");
                let hint = "it must hold for the whole name: team-.*";
                self.findings.add(&text.spot, message, Some(hint));
            }
            text.value.clone()
        });
        (filters, receiver)
    }

    pub(super) fn warn_of_open_secrets(&mut self, name: &str, endpoint: &Endpoint) {
        let secret_header = |(_, value): &(_, HeaderValue)| matches!(value, HeaderValue::Secret(_));
        let secret =
            !matches!(endpoint.auth, Auth::None) || endpoint.headers.iter().any(secret_header);
        if secret && endpoint.url.scheme() == "http" && !is_loopback(&endpoint.url) {
            let advice = "use https, or a tunnel to localhost";
            self.warnings.push(format!(
                "the credentials of {name} cross the network unencrypted: {advice}"
            ));
        }
    }

    fn runbooks(&mut self, raw: &RawRunbooks) -> RunbookSettings {
        let url_prefixes = match &raw.url_prefixes {
            Some(texts) => self.url_prefixes(texts),
            None => TriagePolicy::default().runbook_url_prefixes,
        };
        let path = raw.path.as_ref().map(|path| self.located(path));
        RunbookSettings { path, url_prefixes }
    }

    fn url_prefixes(&mut self, texts: &Texts) -> Vec<String> {
        for text in &texts.value {
            let is_web = Url::parse(&text.value).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.username().is_empty()
            });
            if !is_web {
                let message = "this is not the beginning of a web address";
                let hint = "write it like https://wiki.example.org/runbooks/";
                self.findings.add(&text.spot, message, Some(hint));
            }
        }
        texts.value.iter().map(|text| text.value.clone()).collect()
    }

    fn screen(&mut self, raw: &RawScreen) -> ScreenSettings {
        let colours = [
            ("auto", ColourChoice::Auto),
            ("never", ColourChoice::Never),
            ("16", ColourChoice::Ansi16),
            ("256", ColourChoice::Ansi256),
            ("truecolor", ColourChoice::TrueColour),
        ];
        let glyphs = [
            ("auto", GlyphChoice::Auto),
            ("unicode", GlyphChoice::Unicode),
            ("ascii", GlyphChoice::Ascii),
        ];
        let colour = raw.color.as_ref();
        let colour = colour.and_then(|text| self.choice(text, "color", &colours));
        let signs = raw.glyphs.as_ref();
        let signs = signs.and_then(|text| self.choice(text, "glyphs", &glyphs));
        let mouse = match &raw.mouse {
            Some(Written { value: true, .. }) => Mouse::On,
            _ => Mouse::Off,
        };
        let group_by = raw.group_by.as_ref();
        if let Some(text) = group_by.filter(|text| text.value.is_empty()) {
            let hint = "write a label's name, or \"none\"";
            self.findings
                .add(&text.spot, "`group_by` is empty", Some(hint));
        }
        ScreenSettings {
            theme: self.theme(raw.theme.as_ref()),
            colour: colour.unwrap_or_default(),
            glyphs: signs.unwrap_or_default(),
            mouse,
            group_by: group_by.map_or_else(|| "service".to_owned(), |text| text.value.clone()),
        }
    }

    fn theme(&mut self, written: Option<&Text>) -> String {
        let Some(text) = written else {
            return "default".to_owned();
        };
        let own = themes_in(&self.surroundings.paths.themes_dir());
        let built_in = self.surroundings.built_in_themes.iter().copied();
        let known: Vec<(&str, ())> = built_in
            .chain(own.iter().map(String::as_str))
            .map(|name| (name, ()))
            .collect();
        self.choice(text, "theme", &known);
        text.value.clone()
    }

    fn operator(&mut self, written: Option<&Text>) -> String {
        let Some(text) = written else {
            return self.surroundings.user.unwrap_or("unknown").to_owned();
        };
        if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
            let hint = "write the name your colleagues know you by";
            self.findings.add(&text.spot, "this is no name", Some(hint));
        }
        text.value.clone()
    }

    fn log_level(&mut self, written: Option<&Text>) -> String {
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        written
            .and_then(|text| self.choice(text, "log level", &levels))
            .unwrap_or("info")
            .to_owned()
    }

    /// A key that must be there. One of the wrong type is reported already.
    pub(super) fn required<'w, T>(
        &mut self,
        written: Option<&'w T>,
        header: &Spot,
        title: &str,
        key: &str,
    ) -> Option<&'w T> {
        if written.is_none() && !self.findings.was_refused(header, key) {
            let message = format!("`{key}` is missing in {title}");
            let hint = format!("add `{key}`");
            self.findings.add(header, message, Some(&hint));
        }
        written
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        text: &Text,
        what: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let found = known.iter().find(|(word, _)| *word == text.value);
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let list = words.join(", ");
        let hint = match nearest(&text.value, words) {
            Some(near) => format!("did you mean `{near}`? known: {list}"),
            None => format!("known: {list}"),
        };
        let message = format!("unknown {what} `{}`", shown(&text.value));
        self.findings.add(&text.spot, message, Some(&hint));
        None
    }

    /// A path, relative to the config's folder if the file names it.
    pub(super) fn path(&mut self, text: &Text) -> Option<PathBuf> {
        if text.value.is_empty() || text.value.contains('\0') {
            self.findings
                .add(&text.spot, "this is no path", Some("name a file"));
            return None;
        }
        Some(self.located(&Written {
            value: PathBuf::from(&text.value),
            spot: text.spot.clone(),
        }))
    }

    /// Whether a path of a flag or a variable leads somewhere: nobody names one by accident. One of
    /// the config may come and go with its disk.
    pub(super) fn must_be_there(&mut self, spot: &Spot, path: &Path, hint: &str) {
        let (Spot::Given { .. }, Err(error)) = (spot, path.metadata()) else {
            return;
        };
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            kind => format!("it cannot be read: {kind}"),
        };
        self.findings.add(spot, message, Some(hint));
    }

    pub(super) fn located(&self, path: &Written<PathBuf>) -> PathBuf {
        let expanded = self.surroundings.paths.expand(&path.value);
        match (&path.spot, &self.surroundings.folder) {
            (Spot::File(_), Some(folder)) => folder.join(expanded),
            _ => expanded,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The user's own themes, for a guess at what was meant. Most users have no such folder; one that
/// cannot be read is told of by the theme room when it needs a file of it.
fn themes_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort_unstable();
    names
}
