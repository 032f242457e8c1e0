//! What does the config mean, once it was read, merged with flags and checked?
//!
//! Complete and correct by construction: every default is filled in, every URL parsed, every
//! matcher compiled. Made by [`super::load`], read by everybody who starts something. Secrets are
//! not in it, only where to find them.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::actions::ActionSettings;
use super::delivery::DeliverySettings;
use super::secret::Secret;
use crate::domain::burn_policy::BurnPolicies;
use crate::domain::matcher::Matchers;
use crate::domain::source::SourceName;
use crate::domain::triage::TriagePolicy;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The environment on show, if the config or `--env` names one.
    pub environment: Option<Environment>,
    /// Every Alertmanager replica.
    pub alertmanagers: Vec<AlertmanagerSettings>,
    /// Every Prometheus.
    pub prometheuses: Vec<PrometheusSettings>,
    /// Where the runbooks are.
    pub runbooks: RunbookSettings,
    /// Which SLOs there are, and which burn is too much.
    pub slo: SloSettings,
    /// Where changes and drift are read, and how they are joined.
    pub delivery: DeliverySettings,
    /// What may be done from here.
    pub actions: ActionSettings,
    /// Lanes, label names, watchdogs.
    pub triage: TriagePolicy,
    /// How the screen looks.
    pub screen: ScreenSettings,
    /// The name that claims carry.
    pub operator: String,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: String,
}

impl Settings {
    /// The Prometheis that measure SLOs, and which of those that files define.
    pub fn measuring(&self) -> impl Iterator<Item = (&PrometheusSettings, Measures)> {
        let slo = &self.slo;
        let has_paths = !slo.paths.is_empty() || !slo.texts.is_empty();
        let has_files = has_paths || slo.built_in == BuiltInSlos::On;
        let is_wanted = has_files || slo.recorded == RecordedSlos::Read;
        let asked = if is_wanted { &*self.prometheuses } else { &[] };
        asked.iter().enumerate().map(move |(at, prometheus)| {
            let is_chosen = match &slo.prometheus {
                Some(name) => *name == prometheus.name,
                None => at == 0,
            };
            let measures = if is_chosen {
                Measures::Undirected
            } else {
                Measures::NamedOnly
            };
            (prometheus, measures)
        })
    }
}

/// Which SLOs of the files one Prometheus measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measures {
    /// Those that name it as their data source, and those that name none.
    Undirected,
    /// Only those that name it.
    NamedOnly,
}

/// A named environment. Production must look different from the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// As the top bar shows it.
    pub name: String,
    /// The colour of its name.
    pub accent: Accent,
}

/// The colours an environment may have; the theme says what each looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accent {
    /// Danger: production.
    Red,
    /// Care: staging.
    Yellow,
    /// Harmless: development.
    Green,
    /// Anything else.
    #[default]
    Blue,
    /// Anything else.
    Magenta,
    /// Anything else.
    Cyan,
}

/// How to reach an HTTP API.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The base, path prefix included, without `/api/...`. Ends with `/`; no user, no query.
    pub url: Url,
    /// Who we are.
    pub auth: Auth,
    /// Own authority, own certificate.
    pub tls: Tls,
    /// Sent with every request, such as `X-Scope-OrgID`.
    pub headers: Vec<(String, HeaderValue)>,
    /// `http://`, `https://` or `socks5://`. None: the environment's proxy variables.
    pub proxy: Option<Url>,
    /// For one whole request.
    pub timeout: Duration,
    /// No answer may be larger, unpacked.
    pub max_response_bytes: u64,
}

/// A header's value.
#[derive(Clone, Debug)]
pub enum HeaderValue {
    /// As written in the config.
    Plain(String),
    /// Kept elsewhere.
    Secret(Secret),
}

/// How a request authenticates.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer(Secret),
}

/// TLS beyond the machine's own trust store. Verification cannot be switched off.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A PEM file of further authorities.
    pub ca_file: Option<PathBuf>,
    /// A PEM file with our certificate, and one with its key.
    pub client: Option<ClientCertificate>,
}

/// Our certificate for mutual TLS.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// PEM, chain included.
    pub cert_file: PathBuf,
    /// PEM.
    pub key_file: PathBuf,
}

/// One Alertmanager replica.
#[derive(Clone, Debug)]
pub struct AlertmanagerSettings {
    /// `am-1`
    pub name: SourceName,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The HA cluster it belongs to. None: found from its peers.
    pub cluster: Option<String>,
    /// Pushed to the server: only alerts that satisfy all of these are read.
    pub filters: Matchers,
    /// Pushed to the server: an anchored regular expression over receivers.
    pub receiver: Option<String>,
    /// Time between two polls.
    pub period: Duration,
}

impl AlertmanagerSettings {
    /// The question that is pushed to the server, as text; empty when it is asked for everything.
    /// Only replicas that were asked the same can disagree.
    #[must_use]
    pub fn scope(&self) -> String {
        let mut parts: Vec<String> = self.filters.0.iter().map(ToString::to_string).collect();
        // The same question in another order is the same question.
        parts.sort_unstable();
        parts.extend(self.receiver.as_ref().map(|r| format!("receiver=~{r}")));
        parts.join(", ")
    }
}

/// One Prometheus, or Thanos, Mimir, VictoriaMetrics by prefix and headers.
#[derive(Clone, Debug)]
pub struct PrometheusSettings {
    /// `prom-1`
    pub name: SourceName,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Time between two polls.
    pub period: Duration,
}

impl PrometheusSettings {
    /// The name of the source that measures its SLOs.
    #[must_use]
    pub fn slo_source(&self) -> SourceName {
        format!("{}/slo", self.name).into()
    }
}

/// Where runbooks are read.
#[derive(Clone, Debug, Default)]
pub struct RunbookSettings {
    /// A folder, best within a git repository. None: the ones built into quell.
    pub path: Option<PathBuf>,
    /// See [`crate::domain::runbook_match::UrlPrefixes`].
    pub url_prefixes: Vec<String>,
}

/// Which SLOs there are, and which burn is too much.
#[derive(Clone, Debug, Default)]
pub struct SloSettings {
    /// Files, or folders of them, in any format that [`crate::slos`] reads.
    pub paths: Vec<PathBuf>,
    /// Definitions that stand in no file, each with a name for messages: the demo's.
    pub texts: &'static [(&'static str, &'static str)],
    /// Whether the SLOs that quell brings are measured.
    pub built_in: BuiltInSlos,
    /// One's own selector for a metric that a file names: `http_requests_total{job="api"}` for
    /// `platform_api_requests_total`. A histogram goes by its base name.
    pub metrics: Vec<(String, String)>,
    /// The Prometheus that measures what names no data source; none means the first one.
    pub prometheus: Option<SourceName>,
    /// Whether SLOs that Prometheus records are looked for.
    pub recorded: RecordedSlos,
    /// Which burn is too much.
    pub policies: BurnPolicies,
}

/// Whether the SLOs that quell brings are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BuiltInSlos {
    /// No: their metric names fit no platform by chance.
    #[default]
    Off,
    /// Yes.
    On,
}

/// Whether SLOs that Prometheus records are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordedSlos {
    /// Yes: one query.
    #[default]
    Read,
    /// No.
    Ignored,
}

/// How the screen looks.
#[derive(Clone, Debug)]
pub struct ScreenSettings {
    /// A theme's name: a file of the user's folder or a built-in one.
    pub theme: String,
    /// How many colours to use.
    pub colour: ColourChoice,
    /// Which signs to use.
    pub glyphs: GlyphChoice,
    /// Whether the mouse is read.
    pub mouse: Mouse,
    /// How Triage groups rows at first: a label's name, `service`, `alertname` or `none`.
    pub group_by: String,
}

/// How many colours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    /// By `NO_COLOR`, `COLORTERM` and `TERM`.
    #[default]
    Auto,
    /// None.
    Never,
    /// The terminal's 16.
    Ansi16,
    /// The 256 colour palette.
    Ansi256,
    /// 24 bit.
    TrueColour,
}

/// Which signs to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlyphChoice {
    /// By the locale.
    #[default]
    Auto,
    /// Unicode.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// Whether the mouse is read. Off, so that the terminal's own selection works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// Left to the terminal.
    #[default]
    Off,
    /// Wheel and click.
    On,
}
