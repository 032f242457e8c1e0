//! What does the file hold of changes and drift, and is it of the right type?
//!
//! The part of `read` that fills [`RawDelivery`].

use super::raw::Shape;
use super::raw_delivery::{
    self as raw, RawAccess, RawAllowance, RawCodeHost, RawDelivery, RawDeliverySource,
    RawKubernetes, RawService, RawTerraform,
};
use super::read::{path, paths, source};
use super::reader::{Reader, Table};

/// Everything about changes and drift.
pub(super) fn delivery(reader: &mut Reader<'_>, top: &Table<'_>) -> RawDelivery {
    RawDelivery {
        sources: sources(reader, top),
        catalogues: reader
            .table(top, "services", &raw::SERVICES)
            .and_then(|t| reader.texts(&t, "catalog"))
            .map(paths)
            .unwrap_or_default(),
        services: reader
            .tables(top, "service", &raw::SERVICE)
            .iter()
            .map(|t| service(reader, t))
            .collect(),
        allowances: reader
            .tables(top, "allow_drift", &raw::ALLOW_DRIFT)
            .iter()
            .map(|t| RawAllowance {
                header: t.header.clone(),
                address: reader.text(t, "address"),
                path: reader.text(t, "path"),
                reason: reader.text(t, "reason"),
                until: reader.moment(t, "until"),
            })
            .collect(),
        keep: reader
            .table(top, "history", &raw::HISTORY)
            .and_then(|t| reader.text(&t, "keep")),
    }
}

fn sources(reader: &mut Reader<'_>, top: &Table<'_>) -> Vec<RawDeliverySource> {
    let kinds: [(&str, &'static Shape, Access); 7] = [
        ("kubernetes", &raw::KUBERNETES, kubernetes),
        ("argocd", &raw::ARGOCD, argocd),
        ("github", &raw::GITHUB, github),
        ("gitlab", &raw::GITLAB, gitlab),
        ("grafana", &raw::GRAFANA, grafana),
        ("changes", &raw::CHANGES, changes),
        ("terraform", &raw::TERRAFORM, terraform),
    ];
    let mut found = Vec::new();
    for (key, shape, access) in kinds {
        for table in reader.tables(top, key, shape) {
            found.push(RawDeliverySource {
                // Keys that this kind does not know are reported already.
                source: source(reader, &table),
                cluster: reader.text(&table, "cluster"),
                region: reader.text(&table, "region"),
                service: reader.text(&table, "service"),
                access: access(reader, &table),
            });
        }
    }
    found
}

/// Reads what only one kind has.
type Access = fn(&mut Reader<'_>, &Table<'_>) -> RawAccess;

fn kubernetes(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Kubernetes(RawKubernetes {
        kubeconfig: reader.text(table, "kubeconfig").map(path),
        context: reader.text(table, "context"),
        in_cluster: reader.switch(table, "in_cluster"),
        namespaces: reader.texts(table, "namespaces"),
        kinds: reader.texts(table, "kinds"),
        page_size: reader.whole_number(table, "page_size"),
    })
}

fn argocd(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Argocd {
        projects: reader.texts(table, "projects"),
        selector: reader.text(table, "selector"),
    }
}

fn github(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Github(RawCodeHost {
        projects: reader.texts(table, "repos"),
        environments: reader.texts(table, "environments"),
    })
}

fn gitlab(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Gitlab(RawCodeHost {
        projects: reader.texts(table, "projects"),
        environments: reader.texts(table, "environments"),
    })
}

fn grafana(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Grafana {
        tags: reader.texts(table, "tags"),
    }
}

fn changes(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Changes(reader.text(table, "path").map(path))
}

fn terraform(reader: &mut Reader<'_>, table: &Table<'_>) -> RawAccess {
    RawAccess::Terraform(RawTerraform {
        path: reader.text(table, "path").map(path),
        cadence: reader.text(table, "cadence"),
        workspace: reader.text(table, "workspace"),
        commit: reader.text(table, "commit"),
        command: reader.text(table, "command"),
    })
}

fn service(reader: &mut Reader<'_>, table: &Table<'_>) -> RawService {
    RawService {
        header: table.header.clone(),
        name: reader.text(table, "name"),
        matchers: reader.text(table, "match"),
        depends_on: reader.texts(table, "depends_on"),
        owner: reader.text(table, "owner"),
        system: reader.text(table, "system"),
        platform: reader.switch(table, "platform"),
    }
}
