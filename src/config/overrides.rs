//! What was said outside the config file, by flags and by `QUELL_*` variables?
//!
//! Plain data: the flags themselves are declared in `cli`, which fills [`Values`]. Applied by
//! [`super::load`]. Nothing is checked here; a wrong value is reported with the flag's name.

use std::path::{Path, PathBuf};

use super::finding::{Spot, Written};
use super::raw::{RawAlertmanager, RawConfig, RawEndpoint, RawSource, Text};
use super::raw_delivery::{RawAccess, RawDeliverySource, RawKubernetes, RawTerraform};

/// What one of the two said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// `--config FILE`, `QUELL_CONFIG`
    pub config: Option<PathBuf>,
    /// `--env NAME`, `QUELL_ENV`
    pub env: Option<String>,
    /// `--alertmanager URL`, repeatable; `QUELL_ALERTMANAGER`, with commas. Any replace the file's.
    pub alertmanagers: Vec<String>,
    /// `--prometheus URL`, repeatable; `QUELL_PROMETHEUS`, with commas. Any replace the file's.
    pub prometheuses: Vec<String>,
    /// `--runbooks PATH`, `QUELL_RUNBOOKS`
    pub runbooks: Option<PathBuf>,
    /// `--slo PATH`, repeatable; `QUELL_SLO`, with commas. Any replace the file's; `builtin:platform`
    /// is not a path but the SLOs that quell brings.
    pub slos: Vec<PathBuf>,
    /// `--burn-policy NAME`, `QUELL_BURN_POLICY`
    pub burn_policy: Option<String>,
    /// `--kubeconfig FILE`, `QUELL_KUBECONFIG`. With or without a context it replaces the file's clusters.
    pub kubeconfig: Option<PathBuf>,
    /// `--context NAME`, `QUELL_CONTEXT`. The same; without a kubeconfig it is of the usual one.
    pub context: Option<String>,
    /// `--terraform PATH`, repeatable; `QUELL_TERRAFORM`, with commas. Any replace the file's.
    pub terraforms: Vec<PathBuf>,
    /// `--changes PATH`, repeatable; `QUELL_CHANGES`, with commas. Any replace the file's.
    pub changes: Vec<PathBuf>,
    /// `--policy FILE|builtin:NAME`, `QUELL_POLICY`
    pub policy: Option<String>,
    /// `--read-only`, `QUELL_READ_ONLY`. Weighs more than any policy.
    pub read_only: bool,
    /// `--theme NAME`, `QUELL_THEME`
    pub theme: Option<String>,
    /// `--no-color`, `QUELL_NO_COLOR`
    pub no_color: bool,
    /// `--ascii`, `QUELL_ASCII`
    pub ascii: bool,
    /// `--log-level LEVEL`, `QUELL_LOG_LEVEL`
    pub log_level: Option<String>,
}

/// What was said outside the file, in its order of weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Weighs most.
    pub flags: Values,
    /// Weighs more than the file.
    pub variables: Values,
    /// The login name, for claims.
    pub user: Option<String>,
}

impl Overrides {
    /// Flags over the environment. `get` reads a variable, such as `|name| std::env::var(name).ok()`.
    /// An empty variable counts as absent.
    pub fn new(flags: Values, get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| get(name).filter(|value| !value.is_empty());
        Self {
            flags,
            variables: Values::from_environment(&get),
            user: text("USER").or_else(|| text("LOGNAME")),
        }
    }

    /// The config file that was asked for.
    pub(super) fn config(&self) -> Option<&PathBuf> {
        self.flags
            .config
            .as_ref()
            .or(self.variables.config.as_ref())
    }

    /// Lays variables, then flags over what the file says.
    pub(super) fn apply(&self, raw: &mut RawConfig) {
        self.apply_kubernetes(raw);
        apply(&self.variables, &VARIABLES, raw);
        apply(&self.flags, &FLAGS, raw);
    }

    /// Two values make one source: the flag of one and the variable of the other go together.
    fn apply_kubernetes(&self, raw: &mut RawConfig) {
        let by_weight = [(&self.flags, &FLAGS), (&self.variables, &VARIABLES)];
        let kubeconfig = by_weight.iter().find_map(|(values, names)| {
            let path = values.kubeconfig.as_ref()?;
            Some(given_path(path, names.kubeconfig))
        });
        let context = by_weight.iter().find_map(|(values, names)| {
            let context = values.context.as_ref()?;
            Some(given(context, names.context))
        });
        let spot = |a: Option<&Spot>, b: Option<&Spot>| a.or(b).cloned();
        let header = spot(
            kubeconfig.as_ref().map(|path| &path.spot),
            context.as_ref().map(|text| &text.spot),
        );
        let Some(header) = header else {
            return;
        };
        let access = RawAccess::Kubernetes(RawKubernetes {
            kubeconfig,
            context,
            ..RawKubernetes::default()
        });
        replace_sources(raw, vec![delivery_source(header, access)]);
    }
}

impl Values {
    /// The `QUELL_*` variables.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| get(name).filter(|value| !value.is_empty());
        let list = |name: &str| -> Vec<String> {
            let value = text(name).unwrap_or_default();
            let parts = value.split(',').map(str::trim);
            parts
                .filter(|p| !p.is_empty())
                .map(ToOwned::to_owned)
                .collect()
        };
        let files = |name: &str| list(name).into_iter().map(PathBuf::from).collect();
        let switch = |name: &str| text(name).is_some_and(|value| is_true(&value));
        Self {
            config: text("QUELL_CONFIG").map(PathBuf::from),
            env: text(VARIABLES.env),
            alertmanagers: list(VARIABLES.alertmanager),
            prometheuses: list(VARIABLES.prometheus),
            runbooks: text(VARIABLES.runbooks).map(PathBuf::from),
            slos: files(VARIABLES.slo),
            burn_policy: text(VARIABLES.burn_policy),
            kubeconfig: text(VARIABLES.kubeconfig).map(PathBuf::from),
            context: text(VARIABLES.context),
            terraforms: files(VARIABLES.terraform),
            changes: files(VARIABLES.changes),
            policy: text(VARIABLES.policy),
            read_only: switch("QUELL_READ_ONLY"),
            theme: text(VARIABLES.theme),
            no_color: switch(VARIABLES.no_color),
            ascii: switch(VARIABLES.ascii),
            log_level: text(VARIABLES.log_level),
        }
    }
}

/// The same words that clap takes for false; everything else is true.
fn is_true(value: &str) -> bool {
    !matches!(
        value.to_lowercase().as_str(),
        "0" | "n" | "no" | "f" | "false" | "off"
    )
}

/// What each value is called, for errors.
struct Names {
    env: &'static str,
    alertmanager: &'static str,
    prometheus: &'static str,
    runbooks: &'static str,
    slo: &'static str,
    burn_policy: &'static str,
    kubeconfig: &'static str,
    context: &'static str,
    terraform: &'static str,
    changes: &'static str,
    policy: &'static str,
    theme: &'static str,
    no_color: &'static str,
    ascii: &'static str,
    log_level: &'static str,
}

const FLAGS: Names = Names {
    env: "--env",
    alertmanager: "--alertmanager",
    prometheus: "--prometheus",
    runbooks: "--runbooks",
    slo: "--slo",
    burn_policy: "--burn-policy",
    kubeconfig: "--kubeconfig",
    context: "--context",
    terraform: "--terraform",
    changes: "--changes",
    policy: "--policy",
    theme: "--theme",
    no_color: "--no-color",
    ascii: "--ascii",
    log_level: "--log-level",
};

const VARIABLES: Names = Names {
    env: "QUELL_ENV",
    alertmanager: "QUELL_ALERTMANAGER",
    prometheus: "QUELL_PROMETHEUS",
    runbooks: "QUELL_RUNBOOKS",
    slo: "QUELL_SLO",
    burn_policy: "QUELL_BURN_POLICY",
    kubeconfig: "QUELL_KUBECONFIG",
    context: "QUELL_CONTEXT",
    terraform: "QUELL_TERRAFORM",
    changes: "QUELL_CHANGES",
    policy: "QUELL_POLICY",
    theme: "QUELL_THEME",
    no_color: "QUELL_NO_COLOR",
    ascii: "QUELL_ASCII",
    log_level: "QUELL_LOG_LEVEL",
};

fn apply(values: &Values, names: &Names, raw: &mut RawConfig) {
    let replace = |slot: &mut Option<Text>, value: Option<&str>, by: &'static str| {
        if let Some(value) = value {
            *slot = Some(given(value, by));
        }
    };
    replace(&mut raw.env, values.env.as_deref(), names.env);
    replace(&mut raw.screen.theme, values.theme.as_deref(), names.theme);
    replace(
        &mut raw.log_level,
        values.log_level.as_deref(),
        names.log_level,
    );
    let rules = values.policy.as_deref();
    replace(&mut raw.actions.policy, rules, names.policy);
    raw.actions.read_only |= values.read_only;
    let never = values.no_color.then_some("never");
    replace(&mut raw.screen.color, never, names.no_color);
    let ascii = values.ascii.then_some("ascii");
    replace(&mut raw.screen.glyphs, ascii, names.ascii);
    if let Some(path) = &values.runbooks {
        raw.runbooks.path = Some(given_path(path, names.runbooks));
    }
    if !values.slos.is_empty() {
        let paths = values.slos.iter();
        raw.slo.paths = Some(paths.map(|path| given_path(path, names.slo)).collect());
        raw.slo.builtin = None;
    }
    let policy = values.burn_policy.as_deref();
    replace(&mut raw.slo.policy, policy, names.burn_policy);
    if !values.alertmanagers.is_empty() {
        let urls = values.alertmanagers.iter();
        raw.alertmanagers = urls
            .map(|url| RawAlertmanager {
                source: source(url, names.alertmanager),
                cluster: None,
                filter: None,
                receiver: None,
            })
            .collect();
    }
    if !values.prometheuses.is_empty() {
        let urls = values.prometheuses.iter();
        raw.prometheuses = urls.map(|url| source(url, names.prometheus)).collect();
    }
    let files = |paths: &[PathBuf], by, access: fn(Written<PathBuf>) -> RawAccess| {
        let paths = paths.iter().map(|path| given_path(path, by));
        let source = |path: Written<PathBuf>| delivery_source(path.spot.clone(), access(path));
        paths.map(source).collect::<Vec<_>>()
    };
    let plans = files(&values.terraforms, names.terraform, |path| {
        RawAccess::Terraform(RawTerraform {
            path: Some(path),
            ..RawTerraform::default()
        })
    });
    replace_sources(raw, plans);
    let spools = files(&values.changes, names.changes, |path| {
        RawAccess::Changes(Some(path))
    });
    replace_sources(raw, spools);
}

/// Puts these, which are all of one kind, in the place of the others of their kind. None change nothing.
fn replace_sources(raw: &mut RawConfig, given: Vec<RawDeliverySource>) {
    let Some(kind) = given.first().map(|source| source.access.title()) else {
        return;
    };
    let sources = &mut raw.delivery.sources;
    sources.retain(|source| source.access.title() != kind);
    sources.extend(given);
}

fn given(value: &str, by: &'static str) -> Text {
    Written {
        value: value.to_owned(),
        spot: Spot::Given {
            by,
            text: value.to_owned(),
        },
    }
}

fn given_path(path: &Path, by: &'static str) -> Written<PathBuf> {
    Written {
        value: path.to_owned(),
        spot: Spot::Given {
            by,
            text: path.to_string_lossy().into_owned(),
        },
    }
}

/// A source that is only a URL. It belongs to every environment.
fn source(url: &str, by: &'static str) -> RawSource {
    let url = given(url, by);
    let mut source = bare(url.spot.clone());
    source.endpoint.url = Some(url);
    source
}

fn bare(header: Spot) -> RawSource {
    RawSource {
        header,
        name: None,
        env: None,
        period: None,
        endpoint: RawEndpoint::default(),
    }
}

/// A source of changes that is only what a flag can say. It belongs to every environment.
fn delivery_source(header: Spot, access: RawAccess) -> RawDeliverySource {
    RawDeliverySource {
        source: bare(header),
        cluster: None,
        region: None,
        service: None,
        access,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_mirror_the_flags() {
        let get = |name: &str| {
            let value = match name {
                "QUELL_CONFIG" => "/etc/quell.toml",
                "QUELL_ENV" => "prod",
                "QUELL_ALERTMANAGER" => "http://a:9093, http://b:9093,",
                "QUELL_PROMETHEUS" => "http://p:9090",
                "QUELL_RUNBOOKS" => "/srv/runbooks",
                "QUELL_SLO" => "/srv/slo, builtin:platform",
                "QUELL_BURN_POLICY" => "paas",
                "QUELL_KUBECONFIG" => "/home/mara/.kube/config",
                "QUELL_CONTEXT" => "prod-eu-1",
                "QUELL_TERRAFORM" => "/srv/plans,/srv/more",
                "QUELL_CHANGES" => "/var/spool/quell",
                "QUELL_POLICY" => "builtin:observe",
                "QUELL_READ_ONLY" => "yes",
                "QUELL_THEME" => "",
                "QUELL_ASCII" => "1",
                "QUELL_NO_COLOR" => "false",
                "QUELL_LOG_LEVEL" => "debug",
                "LOGNAME" => "mara",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let found = Overrides::new(Values::default(), get);
        let expected = Values {
            config: Some("/etc/quell.toml".into()),
            env: Some("prod".into()),
            alertmanagers: vec!["http://a:9093".into(), "http://b:9093".into()],
            prometheuses: vec!["http://p:9090".into()],
            runbooks: Some("/srv/runbooks".into()),
            slos: vec!["/srv/slo".into(), "builtin:platform".into()],
            burn_policy: Some("paas".into()),
            kubeconfig: Some("/home/mara/.kube/config".into()),
            context: Some("prod-eu-1".into()),
            terraforms: vec!["/srv/plans".into(), "/srv/more".into()],
            changes: vec!["/var/spool/quell".into()],
            policy: Some("builtin:observe".into()),
            read_only: true,
            theme: None,
            no_color: false,
            ascii: true,
            log_level: Some("debug".into()),
        };
        assert_eq!(found.variables, expected);
        assert_eq!(found.user.as_deref(), Some("mara"));
    }
}
