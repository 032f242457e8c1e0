//! What does a first config say of changes and drift?
//!
//! The part of `template` about Kubernetes, plans and pushed changes.

use std::path::{Path, PathBuf};

use super::template::{Found, not_utf8, push, put};

/// A kubeconfig that `quell init` found or was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCluster {
    /// None: `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// None: whichever is its current one when quell starts.
    pub context: Option<String>,
}

pub(super) fn delivery(out: &mut String, found: &Found) {
    let env = found.env.as_deref();
    out.push_str(
        "# What was deployed, and what is wrong there: read with your own kubeconfig, nothing is changed.\n",
    );
    match &found.kubernetes {
        Some(cluster) => kubernetes(out, cluster, env),
        None => out.push_str("#[[kubernetes]]\n#context = \"prod-eu-1\"\n\n"),
    }
    files(
        out,
        "terraform",
        "Drift: plans of Terraform or OpenTofu as JSON, a file or a folder of them.",
        "--terraform",
        (&found.terraforms, "plans/"),
        env,
    );
    files(
        out,
        "changes",
        "A folder into which CI or scripts push what they change, a line of JSON each.",
        "--changes",
        (&found.changes, "/var/spool/quell"),
        env,
    );
    out.push_str(
        "# More that tells of changes: [[argocd]], [[github]], [[gitlab]], [[grafana]]. Which service\n\
         # depends on which: [[service]], or a Backstage catalogue.\n\
         #[services]\n\
         #catalog = [\"catalog-info.yaml\"]\n\n",
    );
}

fn kubernetes(out: &mut String, cluster: &FoundCluster, env: Option<&str>) {
    out.push_str("[[kubernetes]]\n");
    match cluster
        .kubeconfig
        .as_deref()
        .map(|path| path.to_str().ok_or(path))
    {
        Some(Ok(path)) => put(out, "kubeconfig", path),
        Some(Err(path)) => not_utf8(out, path, "--kubeconfig"),
        None => out.push_str("#kubeconfig = \"~/.kube/config\"\n"),
    }
    match &cluster.context {
        Some(context) => put(out, "context", context),
        None => out.push_str("#context = \"prod-eu-1\"\n"),
    }
    if let Some(env) = env {
        put(out, "env", env);
    }
    out.push_str(
        "# The value of the label `cluster` in alerts, if it is not the context's name.\n\
         #cluster = \"eu-1\"\n\n",
    );
}

fn files(
    out: &mut String,
    table: &str,
    why: &str,
    flag: &str,
    (paths, example): (&[PathBuf], &str),
    env: Option<&str>,
) {
    push(out, format_args!("# {why}\n"));
    for path in paths.iter().map(PathBuf::as_path) {
        one(out, table, flag, path, env);
    }
    if paths.is_empty() {
        push(out, format_args!("#[[{table}]]\n#path = \"{example}\"\n\n"));
    }
}

fn one(out: &mut String, table: &str, flag: &str, path: &Path, env: Option<&str>) {
    let Some(text) = path.to_str() else {
        not_utf8(out, path, flag);
        out.push('\n');
        return;
    };
    push(out, format_args!("[[{table}]]\n"));
    put(out, "path", text);
    if let Some(env) = env {
        put(out, "env", env);
    }
    out.push('\n');
}
