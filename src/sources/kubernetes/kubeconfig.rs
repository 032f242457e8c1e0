//! Who are we at which API server, as the kubeconfig says it?
//!
//! Reads the files, picks the context, and refuses what would be unsafe, before kube's client is
//! made of it. Called by [`super::client`]. Nothing is sent and no plugin runs here, and no text of
//! an error repeats what stands in a kubeconfig but its names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, ExecConfig, ExecInteractiveMode, KubeConfigOptions, Kubeconfig,
    KubeconfigError,
};

use url::Url;

use super::no_proxy::is_exempt;
use crate::domain::nearest::nearest;
use crate::domain::source::{ErrorKind, SourceError};
use crate::domain::text::shown;
use crate::sources::http::innermost;

/// A way in that was found, before anything was sent.
pub(super) struct Login {
    /// Without the plugin.
    pub(super) config: Config,
    /// The program that prints the credentials, and whose they are.
    pub(super) plugin: Option<(ExecConfig, String)>,
    /// The context that was taken: the current one of a file may be another tomorrow.
    pub(super) context: Option<String>,
}

/// By a kubeconfig. `path` and `context` as the settings say them.
pub(super) async fn login(
    path: Option<&Path>,
    context: Option<&str>,
) -> Result<Login, SourceError> {
    let paths = match path {
        Some(path) => vec![path.to_owned()],
        None => default_paths(std::env::var_os("KUBECONFIG"), std::env::home_dir())?,
    };
    let place = place(&paths);
    let mut kubeconfig = read(&paths)?;
    let context = pick_context(&kubeconfig, context, &place)?;
    check(&mut kubeconfig, &context, &place)?;

    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let user = context_of(&kubeconfig, &context).and_then(|context| context.user.clone());
    let own_proxy = own_proxy(&kubeconfig, &context);
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| {
        let why = explain(&error);
        local(&format!("context `{}` of {place}: {why}", shown(&context)))
    })?;
    if !matches!(config.cluster_url.scheme_str(), Some("http" | "https")) {
        let (context, url) = (shown(&context), shown(&config.cluster_url.to_string()));
        return Err(local(&format!(
            "context `{context}` of {place}: its server `{url}` is no URL: begin it with https://"
        )));
    }
    // kube asks NO_PROXY about the proxy instead of the server.
    let host = config.cluster_url.host().unwrap_or_default();
    if !own_proxy && (config.cluster_url.scheme_str() == Some("http") || is_exempt(host)) {
        config.proxy_url = None;
    }
    let plugin = config.auth_info.exec.take();
    Ok(Login {
        config,
        plugin: plugin.map(|plugin| (plugin, user.unwrap_or_default())),
        context: Some(context),
    })
}

/// As the service account of the pod that we run in.
pub(super) fn in_cluster() -> Result<Login, SourceError> {
    let config = Config::incluster().map_err(|error| {
        let why = with_cause(&error);
        local(&format!(
            "this is no pod of a cluster, or its service account is not mounted: {why}"
        ))
    })?;
    Ok(Login {
        config,
        plugin: None,
        context: None,
    })
}

/// As nobody, at an address.
pub(super) fn nobody(url: &Url) -> Result<Login, SourceError> {
    let uri = url.as_str().trim_end_matches('/').parse();
    let uri = uri.map_err(|error| local(&format!("{url} is no address of a server: {error}")))?;
    Ok(Login {
        config: Config::new(uri),
        plugin: None,
        context: None,
    })
}

/// `KUBECONFIG` may name several files. As with kubectl, those of them that are not there are skipped.
fn default_paths(
    kubeconfig: Option<OsString>,
    home: Option<PathBuf>,
) -> Result<Vec<PathBuf>, SourceError> {
    let named = kubeconfig.unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if named.is_empty() {
        let home = home.ok_or_else(|| {
            local("no kubeconfig: neither KUBECONFIG nor HOME is set; set `kubeconfig`")
        })?;
        return Ok(vec![home.join(".kube").join("config")]);
    }
    let there: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
    Ok(if there.is_empty() { named } else { there })
}

fn read(paths: &[PathBuf]) -> Result<Kubeconfig, SourceError> {
    let mut merged = Kubeconfig::default();
    for path in paths {
        let place = place(std::slice::from_ref(path));
        let read = Kubeconfig::read_from(path).map_err(|error| match error {
            KubeconfigError::ReadConfig(error, _) => local(&format!(
                "{place}: {}; set `kubeconfig`, or KUBECONFIG",
                error.kind()
            )),
            error => local(&format!("{place}: {}", explain(&error))),
        })?;
        let next = merged.merge(read);
        merged = next.map_err(|error| local(&format!("{place}: {}", explain(&error))))?;
    }
    Ok(merged)
}

fn pick_context(
    kubeconfig: &Kubeconfig,
    wanted: Option<&str>,
    place: &str,
) -> Result<String, SourceError> {
    let current = kubeconfig.current_context.as_deref();
    let current = current.filter(|name| !name.is_empty());
    let names = || kubeconfig.contexts.iter().map(|named| named.name.as_str());
    let Some(name) = wanted.or(current) else {
        let known = listed(names());
        return Err(local(&format!(
            "{place} has no current context: set `context` to {known}"
        )));
    };
    if context_of(kubeconfig, name).is_some() {
        return Ok(name.to_owned());
    }
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{}`?", shown(near)),
        None => format!("it has {}", listed(names())),
    };
    let name = shown(name);
    Err(local(&format!("{place} has no context `{name}`: {hint}")))
}

/// Refuses what quell does not do, with the next step; takes the terminal away from plugins.
fn check(kubeconfig: &mut Kubeconfig, context: &str, place: &str) -> Result<(), SourceError> {
    let Some(of) = context_of(kubeconfig, context).cloned() else {
        return Ok(());
    };
    let Some(cluster) = cluster_of(kubeconfig, &of.cluster) else {
        let (context, cluster) = (shown(context), shown(&of.cluster));
        return Err(local(&format!(
            "{place}: context `{context}` names the cluster `{cluster}`, which is not there"
        )));
    };
    if cluster.insecure_skip_tls_verify == Some(true) {
        let cluster = shown(&of.cluster);
        return Err(local(&format!(
            "{place}: cluster `{cluster}` says `insecure-skip-tls-verify: true`, but quell always \
             verifies: give its CA as `certificate-authority`, or its name as `tls-server-name`"
        )));
    }
    let Some(user) = of.user.filter(|user| !user.is_empty()) else {
        return Ok(());
    };
    let mut named = kubeconfig.auth_infos.iter_mut();
    let info = named.find(|named| named.name == user);
    let Some(info) = info.and_then(|named| named.auth_info.as_mut()) else {
        let (context, user) = (shown(context), shown(&user));
        return Err(local(&format!(
            "{place}: context `{context}` names the user `{user}`, which is not there"
        )));
    };
    check_user(info, &shown(&user), place)
}

fn check_user(info: &mut AuthInfo, user: &str, place: &str) -> Result<(), SourceError> {
    if let Some(provider) = &info.auth_provider
        && provider.name != "oidc"
    {
        let name = shown(&provider.name);
        return Err(local(&format!(
            "{place}: user `{user}` logs in by the auth-provider `{name}`, which Kubernetes has \
             removed: use an exec plugin (gke-gcloud-auth-plugin, kubelogin)"
        )));
    }
    if let Some(exec) = &mut info.exec {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
        if exec.command.as_deref().is_none_or(str::is_empty) {
            return Err(local(&format!(
                "{place}: the exec plugin of user `{user}` has no `command`"
            )));
        }
    }
    Ok(())
}

fn context_of<'a>(kubeconfig: &'a Kubeconfig, name: &str) -> Option<&'a Context> {
    let mut named = kubeconfig.contexts.iter();
    let found = named.find(|named| named.name == name)?;
    found.context.as_ref()
}

fn cluster_of<'a>(kubeconfig: &'a Kubeconfig, name: &str) -> Option<&'a Cluster> {
    let mut named = kubeconfig.clusters.iter();
    let found = named.find(|named| named.name == name)?;
    found.cluster.as_ref()
}

fn own_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let cluster = context_of(kubeconfig, context).map(|context| context.cluster.as_str());
    let cluster = cluster.and_then(|name| cluster_of(kubeconfig, name));
    let proxy = cluster.and_then(|cluster| cluster.proxy_url.as_deref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

/// What is wrong, without what stands there: it may be a key.
fn explain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("line {}: no kubeconfig can be read there", at.line()),
            None => "it is not YAML, or no kubeconfig".to_owned(),
        },
        error => with_cause(error),
    }
}

fn with_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let (whole, cause) = (error.to_string(), innermost(error));
    if whole.contains(&cause) {
        whole
    } else {
        format!("{whole}: {cause}")
    }
}

fn place(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| shown(&path.to_string_lossy()))
        .collect();
    format!("kubeconfig {}", paths.join(", "))
}

/// `one of a, b, c`
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const AT_MOST: usize = 8;
    let mut names: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    if names.is_empty() {
        return "no context at all".to_owned();
    }
    let more = names.len().saturating_sub(AT_MOST);
    names.truncate(AT_MOST);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("one of {}{more}", names.join(", "))
}

fn local(detail: &str) -> SourceError {
    SourceError::new(ErrorKind::Local, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn paths(variable: Option<&str>, home: Option<&str>) -> Result<Vec<String>, SourceError> {
        let found = default_paths(variable.map(OsString::from), home.map(PathBuf::from))?;
        Ok(found
            .iter()
            .map(|path| path.display().to_string())
            .collect())
    }

    #[test]
    fn the_environment_may_name_several_files_and_those_that_are_there_count() {
        let home = Some("/home/mara");
        assert_eq!(paths(None, home).unwrap(), ["/home/mara/.kube/config"]);
        assert_eq!(paths(Some(":"), home).unwrap(), ["/home/mara/.kube/config"]);
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there").display().to_string();
        std::fs::write(&there, "").unwrap();
        let both = format!("/nonexistent/a:{there}");
        assert_eq!(paths(Some(&both), home).unwrap(), [there]);
        // None is there: each is named in the error that follows.
        let none = paths(Some("/nonexistent/a:/nonexistent/b"), home).unwrap();
        assert_eq!(none, ["/nonexistent/a", "/nonexistent/b"]);
        let error = paths(None, None).unwrap_err();
        assert!(error.detail.shown().contains("set `kubeconfig`"), "{error}");
    }

    #[test]
    fn the_first_of_several_files_wins() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, server: &str, current: &str| {
            let path = folder.path().join(name);
            let text = format!(
                "current-context: {current}\nclusters: [{{name: eu, cluster: {{server: \"{server}\"}}}}]\n\
                 contexts: [{{name: {current}, context: {{cluster: eu}}}}]\n"
            );
            std::fs::write(&path, text).unwrap();
            path
        };
        let one = write("one", "https://one", "a");
        let two = write("two", "https://two", "b");
        let merged = read(&[one, two]).unwrap();
        assert_eq!(pick_context(&merged, None, "here").unwrap(), "a");
        assert_eq!(pick_context(&merged, Some("b"), "here").unwrap(), "b");
        let cluster = cluster_of(&merged, "eu").unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://one"));
    }
}
