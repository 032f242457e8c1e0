//! Which sources tell of changes and drift, and is what the config says of them sound?
//!
//! Part of `resolve`. It connects to nothing and opens no kubeconfig, plan or folder. Sources of every
//! environment are checked; only those of the one on show are kept.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::delivery::{
    ArgocdSettings, CodeHostSettings, DeclaredPlace, DeliveryAccess, DeliverySettings,
    DeliverySourceSettings, GrafanaSettings, KUBERNETES_KINDS, KubernetesLogin, KubernetesSettings,
    Provenance, TerraformSettings,
};
use super::finding::{Spot, Written};
use super::naming::{Names, is_on_show};
use super::raw::{RawSource, Text, Texts};
use super::raw_delivery::{
    RawAccess, RawCodeHost, RawDelivery, RawDeliverySource, RawKubernetes, RawTerraform,
};
use super::resolve::Resolver;
use super::resolve_services;
use super::settings::Endpoint;
use crate::domain::source::SourceName;
use crate::domain::text::shown;

/// For one request to a Kubernetes API server.
const KUBERNETES_TIMEOUT: Duration = Duration::from_secs(30);
/// Objects in one page of a list, where the config says nothing.
const PAGE_SIZE: u32 = 500;
/// Small pages cost a request each, large ones cost the API server its memory.
const PAGE_SIZES: RangeInclusive<u32> = 50..=5_000;
/// Time between two looks at a catalogue of services.
const CATALOGUE_PERIOD: Duration = Duration::from_mins(1);
/// How often a plan is made.
const CADENCES: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(366 * 24);
/// Where GitHub's API is for everybody.
const GITHUB: &str = "https://api.github.com";
/// Where GitLab is for everybody.
const GITLAB: &str = "https://gitlab.com";

/// The sources on show, and what joins what they tell.
pub(super) fn resolve(
    resolver: &mut Resolver<'_>,
    raw: &RawDelivery,
    show: Option<&str>,
    names: &mut Names,
) -> DeliverySettings {
    let mut orders: HashMap<&'static str, usize> = HashMap::new();
    let mut sources: Vec<(usize, DeliverySourceSettings)> = Vec::new();
    for raw in &raw.sources {
        let found = source(resolver, raw, show, names, &mut orders);
        sources.extend(found.map(|found| (position(&raw.source.header), found)));
    }
    for path in &raw.catalogues {
        let found = catalogue(resolver, path, names);
        sources.extend(found.map(|found| (position(&path.spot), found)));
    }
    // They were read kind by kind.
    sources.sort_by_key(|(at, _)| *at);
    DeliverySettings {
        sources: sources.into_iter().map(|(_, source)| source).collect(),
        services: resolve_services::services(resolver, raw),
        mapping: resolve_services::mapping(resolver, &raw.services),
        allowances: resolve_services::allowances(resolver, &raw.allowances),
        keep: resolve_services::keep(resolver, raw.keep.as_ref()),
    }
}

/// What flags name goes first.
fn position(spot: &Spot) -> usize {
    match spot {
        Spot::Given { .. } => 0,
        Spot::File(at) => at.start,
    }
}

fn source(
    resolver: &mut Resolver<'_>,
    raw: &RawDeliverySource,
    show: Option<&str>,
    names: &mut Names,
    orders: &mut HashMap<&'static str, usize>,
) -> Option<DeliverySourceSettings> {
    let kind = Kind::of(&raw.access);
    let period = resolver.span_of_time(
        raw.source.period.as_ref(),
        kind.period,
        kind.periods.clone(),
    );
    let place = DeclaredPlace {
        env: raw.source.env.as_ref().map(|env| env.value.clone()),
        cluster: resolver.words(raw.cluster.as_ref()),
        region: resolver.words(raw.region.as_ref()),
        service: resolver.words(raw.service.as_ref()),
    };
    let access = access(resolver, raw);
    let access = access.filter(|_| is_on_show(&raw.source, show))?;
    let order = orders.entry(kind.prefix).or_default();
    let name = match given_name(&raw.source, &access, names) {
        Some(name) => {
            *order += 1;
            name
        }
        None => names.name(&raw.source, kind.prefix, order),
    };
    let found = DeliverySourceSettings {
        name,
        place,
        period,
        access,
    };
    if let Some(endpoint) = found.endpoint() {
        resolver.warn_of_open_secrets(&found.name, endpoint);
    }
    Some(found)
}

/// Its own name, or that of its context.
fn given_name(
    source: &RawSource,
    access: &DeliveryAccess,
    names: &mut Names,
) -> Option<SourceName> {
    if let Some(name) = &source.name {
        return Some(name.value.as_str().into());
    }
    match access {
        DeliveryAccess::Kubernetes(KubernetesSettings {
            login:
                KubernetesLogin::Kubeconfig {
                    context: Some(context),
                    ..
                },
            ..
        }) => names.adopt(context),
        _ => None,
    }
}

/// What differs by kind alone.
struct Kind {
    /// Of the names of those that have none.
    prefix: &'static str,
    /// Time between two polls.
    period: Duration,
    periods: RangeInclusive<Duration>,
}

impl Kind {
    fn of(access: &RawAccess) -> Self {
        let second = Duration::from_secs(1);
        let (prefix, period_secs, most) = match access {
            // A watch is held open: this is how often it is looked at.
            RawAccess::Kubernetes(_) => ("kubernetes", 2, Duration::from_mins(1)),
            RawAccess::Argocd { .. } => ("argocd", 15, Duration::from_hours(1)),
            RawAccess::Github(_) => ("github", 60, Duration::from_hours(1)),
            RawAccess::Gitlab(_) => ("gitlab", 60, Duration::from_hours(1)),
            RawAccess::Grafana { .. } => ("grafana", 60, Duration::from_hours(1)),
            RawAccess::Changes(_) => ("changes", 5, Duration::from_hours(1)),
            RawAccess::Terraform(_) => ("terraform", 30, Duration::from_hours(1)),
        };
        Self {
            prefix,
            period: Duration::from_secs(period_secs),
            periods: second..=most,
        }
    }
}

fn access(resolver: &mut Resolver<'_>, raw: &RawDeliverySource) -> Option<DeliveryAccess> {
    let title = raw.access.title();
    let source = &raw.source;
    let access = match &raw.access {
        RawAccess::Kubernetes(raw) => {
            DeliveryAccess::Kubernetes(kubernetes(resolver, raw, source)?)
        }
        RawAccess::Argocd { projects, selector } => {
            let endpoint = resolver.endpoint(&source.endpoint, &source.header, title);
            let projects = resolver.list_of_words(projects.as_ref());
            let selector = resolver.words(selector.as_ref());
            DeliveryAccess::Argocd(ArgocdSettings {
                endpoint: endpoint?,
                projects,
                selector,
            })
        }
        RawAccess::Github(host) => {
            let endpoint = resolver.endpoint_or(&source.endpoint, GITHUB);
            if let (Some(url), Some(endpoint)) = (&source.endpoint.url, &endpoint)
                && matches!(
                    endpoint.url.host_str(),
                    Some("github.com" | "www.github.com")
                )
            {
                let message = "this is GitHub's site, not its API";
                let hint = format!("leave `url` out, or write {GITHUB}");
                resolver.findings.add(&url.spot, message, Some(&hint));
            }
            let host = code_host(resolver, host, &source.header, &REPOSITORY, endpoint);
            DeliveryAccess::Github(host?)
        }
        RawAccess::Gitlab(host) => {
            let endpoint = resolver.endpoint_or(&source.endpoint, GITLAB);
            // With or without `/api/v4`: GitLab's own documents write both.
            let host = code_host(resolver, host, &source.header, &PROJECT, endpoint);
            DeliveryAccess::Gitlab(host?)
        }
        RawAccess::Grafana { tags } => {
            let endpoint = resolver.endpoint(&source.endpoint, &source.header, title);
            if let (Some(url), Some(endpoint)) = (&source.endpoint.url, &endpoint)
                && endpoint.url.path().ends_with("/api/")
            {
                let message = "quell adds the API's own path";
                let hint = "remove `/api` and keep only what is in front of it";
                resolver.findings.add(&url.spot, message, Some(hint));
            }
            let tags = resolver.list_of_words(tags.as_ref());
            DeliveryAccess::Grafana(GrafanaSettings {
                endpoint: endpoint?,
                tags,
            })
        }
        RawAccess::Changes(path) => {
            let path = resolver.required(path.as_ref(), &source.header, title, "path");
            let hint = "name the folder that changes are pushed into";
            DeliveryAccess::Spool(path.and_then(|path| resolver.place(path, hint))?)
        }
        RawAccess::Terraform(raw) => DeliveryAccess::Terraform(terraform(resolver, raw, source)?),
    };
    Some(access)
}

fn kubernetes(
    resolver: &mut Resolver<'_>,
    raw: &RawKubernetes,
    source: &RawSource,
) -> Option<KubernetesSettings> {
    let kinds = KUBERNETES_KINDS.map(|kind| (kind, kind));
    let written = raw.kinds.iter().flat_map(|texts| &texts.value);
    let kinds = written
        .filter_map(|text| resolver.choice(text, "kind", &kinds))
        .map(ToOwned::to_owned)
        .collect();
    let namespaces = raw.namespaces.iter().flat_map(|texts| &texts.value);
    let namespaces = namespaces
        .map(|text| {
            if !is_namespace(&text.value) {
                let message = format!("`{}` is no name of a namespace", shown(&text.value));
                let hint = "small letters, digits and `-`, at most 63 of them; no patterns";
                resolver.findings.add(&text.spot, message, Some(hint));
            }
            text.value.clone()
        })
        .collect();
    let most = Duration::from_millis(100)..=Duration::from_mins(5);
    let timeout = source.endpoint.timeout.as_ref();
    let timeout = resolver.span_of_time(timeout, KUBERNETES_TIMEOUT, most);
    let page_size = page_size(resolver, raw.page_size.as_ref());
    Some(KubernetesSettings {
        login: login(resolver, raw)?,
        namespaces,
        kinds,
        timeout,
        page_size,
    })
}

fn login(resolver: &mut Resolver<'_>, raw: &RawKubernetes) -> Option<KubernetesLogin> {
    let hint = "name a kubeconfig";
    let path = raw.kubeconfig.as_ref();
    let path = path.map(|path| resolver.place(path, hint));
    let context = resolver.words(raw.context.as_ref());
    if !raw.in_cluster.as_ref().is_some_and(|switch| switch.value) {
        return Some(KubernetesLogin::Kubeconfig {
            path: path.map_or(Some(None), |path| path.map(Some))?,
            context,
        });
    }
    let excluded = [
        (raw.kubeconfig.as_ref().map(|path| &path.spot), "kubeconfig"),
        (raw.context.as_ref().map(|text| &text.spot), "context"),
    ];
    for (spot, key) in excluded {
        if let Some(spot) = spot {
            let message = format!("`in_cluster` excludes `{key}`");
            let hint = "remove one of them: in a cluster the pod's service account logs in";
            resolver.findings.add(spot, message, Some(hint));
        }
    }
    Some(KubernetesLogin::InCluster)
}

fn page_size(resolver: &mut Resolver<'_>, written: Option<&Written<u64>>) -> u32 {
    let Some(written) = written else {
        return PAGE_SIZE;
    };
    let size = u32::try_from(written.value).ok();
    size.filter(|size| PAGE_SIZES.contains(size))
        .unwrap_or_else(|| {
            let (low, high) = (PAGE_SIZES.start(), PAGE_SIZES.end());
            let message = format!("`page_size` must be from {low} to {high}");
            let hint = format!("the default is {PAGE_SIZE}");
            resolver.findings.add(&written.spot, message, Some(&hint));
            PAGE_SIZE
        })
}

/// RFC 1123, section 2.1, as Kubernetes wants it.
pub(super) fn is_namespace(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What a host of code calls the things that are deployed from it.
struct Repositories {
    title: &'static str,
    key: &'static str,
    what: &'static str,
    example: &'static str,
    is_one: fn(&str) -> bool,
}

const REPOSITORY: Repositories = Repositories {
    title: "[[github]]",
    key: "repos",
    what: "repository",
    example: "write it like acme/checkout: owner and name",
    is_one: |text| text.split('/').count() == 2 && text.split('/').all(is_path_part),
};

const PROJECT: Repositories = Repositories {
    title: "[[gitlab]]",
    key: "projects",
    what: "project",
    example: "write it like shop/checkout, its whole path, or its number",
    is_one: |text| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number || text.contains('/') && text.split('/').all(is_path_part)
    },
};

fn is_path_part(part: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(allowed)
}

fn code_host(
    resolver: &mut Resolver<'_>,
    raw: &RawCodeHost,
    header: &Spot,
    which: &Repositories,
    endpoint: Option<Endpoint>,
) -> Option<CodeHostSettings> {
    let written = resolver.required(raw.projects.as_ref(), header, which.title, which.key);
    if let Some(texts) = written.filter(|texts| texts.value.is_empty()) {
        let message = format!("`{}` names no {}", which.key, which.what);
        let hint = Some(which.example);
        resolver.findings.add(&texts.spot, message, hint);
    }
    let texts = written.iter().flat_map(|texts| &texts.value);
    let projects = texts
        .map(|text| {
            if !(which.is_one)(&text.value) {
                let message = format!("`{}` is no {}", shown(&text.value), which.what);
                let hint = Some(which.example);
                resolver.findings.add(&text.spot, message, hint);
            }
            text.value.clone()
        })
        .collect();
    let environments = resolver.list_of_words(raw.environments.as_ref());
    written?;
    Some(CodeHostSettings {
        endpoint: endpoint?,
        projects,
        environments,
    })
}

fn terraform(
    resolver: &mut Resolver<'_>,
    raw: &RawTerraform,
    source: &RawSource,
) -> Option<TerraformSettings> {
    let path = resolver.required(raw.path.as_ref(), &source.header, "[[terraform]]", "path");
    let hint = "name a plan as JSON, or a folder of them";
    let path = path.and_then(|path| resolver.place(path, hint));
    let cadence = raw.cadence.as_ref();
    let no_default = "leave it out if nobody makes plans by the clock";
    let cadence = cadence.and_then(|text| resolver.span_within(text, &CADENCES, no_default));
    let provenance = Provenance {
        command: resolver.words(raw.command.as_ref()),
        workspace: resolver.words(raw.workspace.as_ref()),
        commit: resolver.words(raw.commit.as_ref()),
    };
    Some(TerraformSettings {
        path: path?,
        cadence,
        provenance,
    })
}

fn catalogue(
    resolver: &mut Resolver<'_>,
    path: &Written<PathBuf>,
    names: &mut Names,
) -> Option<DeliverySourceSettings> {
    let path = resolver.place(path, "name a catalog-info.yaml, or a folder of them")?;
    let numbered = (2..).map(|order: usize| format!("catalogue-{order}"));
    let mut candidates = std::iter::once("catalogue".to_owned()).chain(numbered);
    Some(DeliverySourceSettings {
        name: candidates.find_map(|name| names.adopt(&name))?,
        place: DeclaredPlace::default(),
        period: CATALOGUE_PERIOD,
        access: DeliveryAccess::Catalogue(path),
    })
}

impl Resolver<'_> {
    /// A file or folder. One that a flag names must be there.
    fn place(&mut self, path: &Written<PathBuf>, hint: &str) -> Option<PathBuf> {
        let text = path.value.to_string_lossy();
        if text.is_empty() || text.chars().any(char::is_control) {
            self.findings.add(&path.spot, "this is no path", Some(hint));
            return None;
        }
        let located = self.located(path);
        self.must_be_there(&path.spot, &located, hint);
        Some(located)
    }

    /// A line of text that says something.
    pub(super) fn words(&mut self, written: Option<&Text>) -> Option<String> {
        let text = written?;
        if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
            let message = "this must be one line of text, and not empty";
            let hint = "remove it if there is nothing to say";
            self.findings.add(&text.spot, message, Some(hint));
            return None;
        }
        Some(text.value.clone())
    }

    /// Several of them.
    pub(super) fn list_of_words(&mut self, written: Option<&Texts>) -> Vec<String> {
        let texts = written.iter().flat_map(|texts| &texts.value);
        texts.filter_map(|text| self.words(Some(text))).collect()
    }
}
