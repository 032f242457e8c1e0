//! Does the config of changes and drift say what it means?

use std::time::Duration;

use chrono::{DateTime, Utc};
use quell::config::FoundCluster;
use quell::config::delivery::{
    DEFAULT_KEEP, DeclaredPlace, DeliveryAccess, DeliverySettings, DeliverySourceSettings,
    KUBERNETES_KINDS, KubernetesLogin,
};
use quell::domain::label::Labels;
use quell::domain::source::SourceKind;
use quell::domain::text::Untrusted;

use super::*;

fn delivery(text: &str) -> DeliverySettings {
    load_text(text, Values::default())
        .unwrap_or_else(|errors| panic!("{errors}"))
        .settings
        .delivery
}

fn good() -> Loaded {
    load_file(Path::new("tests/fixtures/config/good/delivery.toml"))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn names(delivery: &DeliverySettings) -> Vec<&str> {
    delivery.sources.iter().map(|s| &*s.name).collect()
}

fn named<'a>(delivery: &'a DeliverySettings, name: &str) -> &'a DeliverySourceSettings {
    delivery.sources.iter().find(|s| *s.name == *name).unwrap()
}

fn place(env: &str, cluster: &str, region: &str, service: &str) -> DeclaredPlace {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    DeclaredPlace {
        env: some(env),
        cluster: some(cluster),
        region: some(region),
        service: some(service),
    }
}

fn login(source: &DeliverySourceSettings) -> &KubernetesLogin {
    let DeliveryAccess::Kubernetes(settings) = &source.access else {
        panic!("{source:?}");
    };
    &settings.login
}

#[test]
fn sources_stand_in_the_order_of_the_file_under_names_of_their_own() {
    let delivery = good().settings.delivery;
    let expected = [
        "terraform-1",
        "eu",
        "prod-us-1",
        "kubernetes-3",
        "kubernetes-4",
        "argocd-1",
        "github-1",
        "ghe",
        "gitlab-1",
        "grafana-1",
        "changes-1",
        "catalogue",
        "catalogue-2",
        "catalogue-3",
    ];
    assert_eq!(names(&delivery), expected);
    let periods: Vec<u64> = delivery
        .sources
        .iter()
        .map(|s| s.period.as_secs())
        .collect();
    assert_eq!(
        periods,
        [60, 10, 2, 2, 2, 30, 60, 300, 60, 60, 1, 5, 60, 60]
    );
    let kinds: Vec<_> = delivery.sources[10..]
        .iter()
        .map(DeliverySourceSettings::kind)
        .collect();
    let (spool, catalogue) = (SourceKind::Spool, SourceKind::Services);
    assert_eq!(kinds, [spool, spool, catalogue, catalogue]);
    assert_eq!(delivery.keep, Duration::from_hours(30 * 24));
}

#[test]
fn every_key_of_a_cluster_has_its_effect() {
    let delivery = good().settings.delivery;
    let eu = named(&delivery, "eu");
    assert_eq!(eu.place, place("prod", "eu-1", "europe", ""));
    let DeliveryAccess::Kubernetes(settings) = &eu.access else {
        panic!("{eu:?}");
    };
    let KubernetesLogin::Kubeconfig { path, context } = &settings.login else {
        panic!("{settings:?}");
    };
    let path = path.as_ref().unwrap();
    assert!(
        path.ends_with("good/kube/eu"),
        "beside the config: {path:?}"
    );
    assert_eq!(context.as_deref(), Some("admin@eu"));
    assert_eq!(settings.namespaces, ["checkout", "kube-system"]);
    assert_eq!(settings.kinds, ["deployments", "secrets"]);
    assert_eq!(settings.timeout.as_secs(), 60);
    assert_eq!(settings.page_size, 50);
}

#[test]
fn a_cluster_is_called_like_its_context_only_where_that_can_be_a_name() {
    let delivery = good().settings.delivery;
    let us = named(&delivery, "prod-us-1");
    // What nobody declared is not held against an alert that names another cluster.
    assert_eq!(us.place, DeclaredPlace::default());
    let numbered = named(&delivery, "kubernetes-3");
    assert_eq!(numbered.place, DeclaredPlace::default());
    assert_eq!(
        numbered.address(),
        "arn:aws:eks:eu-west-1:123456789012:cluster/prod"
    );
    let inside = named(&delivery, "kubernetes-4");
    assert_eq!(login(inside), &KubernetesLogin::InCluster);
    let DeliveryAccess::Kubernetes(settings) = &inside.access else {
        panic!("{inside:?}");
    };
    assert_eq!((settings.timeout.as_secs(), settings.page_size), (30, 500));
    assert!(settings.kinds.is_empty() && settings.namespaces.is_empty());

    let twice = "[[kubernetes]]\ncontext = \"prod\"\n[[kubernetes]]\ncontext = \"prod\"\n\
        kubeconfig = \"/b\"\n[[prometheus]]\nname = \"kubernetes-3\"\nurl = \"http://p\"\n\
        [[kubernetes]]\n";
    let delivery = self::delivery(twice);
    assert_eq!(names(&delivery), ["prod", "kubernetes-2", "kubernetes-4"]);
}

#[test]
fn every_key_of_an_http_source_of_changes_has_its_effect() {
    let loaded = good();
    let delivery = loaded.settings.delivery;
    let argocd = named(&delivery, "argocd-1");
    assert_eq!(argocd.place, place("prod", "eu-1", "eu", ""));
    let DeliveryAccess::Argocd(settings) = &argocd.access else {
        panic!("{argocd:?}");
    };
    assert_eq!(settings.projects, ["shop"]);
    assert_eq!(settings.selector.as_deref(), Some("team=sre,tier!=batch"));
    let endpoint = argocd.endpoint().unwrap();
    assert_eq!(endpoint.url.as_str(), "http://argocd.example.org/argo/");
    assert_eq!(endpoint.timeout.as_secs(), 5);
    assert!(endpoint.tls.ca_file.is_some());
    let open = "the credentials of argocd-1 cross the network unencrypted";
    let warned = loaded.warnings.iter().any(|w| w.starts_with(open));
    assert!(warned, "{:?}", loaded.warnings);

    let github = named(&delivery, "github-1");
    assert_eq!(github.place, place("", "", "", "shop"));
    assert_eq!(github.address(), "https://api.github.com/");
    let DeliveryAccess::Github(settings) = &github.access else {
        panic!("{github:?}");
    };
    assert_eq!(settings.projects, ["acme/checkout", "acme/payments.api"]);
    assert_eq!(settings.environments, ["production"]);
    assert!(matches!(settings.endpoint.auth, Auth::Bearer(_)));
    let enterprise = named(&delivery, "ghe");
    assert_eq!(enterprise.address(), "https://github.example.org/api/v3/");

    let gitlab = named(&delivery, "gitlab-1");
    assert_eq!(gitlab.address(), "https://gitlab.com/");
    let DeliveryAccess::Gitlab(settings) = &gitlab.access else {
        panic!("{gitlab:?}");
    };
    assert_eq!(settings.projects, ["shop/backend/checkout", "4711"]);
    assert_eq!(settings.environments, ["production", "canary"]);

    let grafana = named(&delivery, "grafana-1");
    let DeliveryAccess::Grafana(settings) = &grafana.access else {
        panic!("{grafana:?}");
    };
    assert_eq!(settings.tags, ["deploy", "prod"]);
    assert_eq!(settings.endpoint.headers.len(), 1);
}

#[test]
fn every_key_of_files_of_changes_has_its_effect() {
    let delivery = good().settings.delivery;
    let terraform = named(&delivery, "terraform-1");
    assert_eq!(terraform.place, place("prod", "eu-1", "eu", "web"));
    let DeliveryAccess::Terraform(settings) = &terraform.access else {
        panic!("{terraform:?}");
    };
    assert!(settings.path.ends_with("good/plans/web.json"));
    assert_eq!(settings.cadence, Some(Duration::from_hours(6)));
    let provenance = &settings.provenance;
    let command = "terraform plan -refresh-only";
    assert_eq!(provenance.command.as_deref(), Some(command));
    assert_eq!(provenance.workspace.as_deref(), Some("prod"));
    assert_eq!(provenance.commit.as_deref(), Some("4f2c1ab"));

    let spool = named(&delivery, "changes-1");
    assert_eq!(spool.place, place("prod", "eu-1", "eu", "shop"));
    assert_eq!(spool.address(), "/home/mara/spool");
    assert_eq!(
        named(&delivery, "catalogue-3").address(),
        "/home/mara/catalog"
    );
}

#[test]
fn services_and_rules_come_from_the_same_table() {
    let delivery = good().settings.delivery;
    let services = delivery.services();
    let checkout = services.get(&Untrusted::line("checkout")).unwrap();
    assert_eq!(checkout.owner, Some(Untrusted::line("team-shop")));
    assert_eq!(checkout.system, Some(Untrusted::line("storefront")));
    let needs: Vec<_> = checkout.depends_on.iter().map(Untrusted::raw).collect();
    assert_eq!(needs, ["payments", "ingress"]);
    assert!(checkout.declared_in.raw().ends_with("delivery.toml:100"));
    let ingress = services.get(&Untrusted::line("ingress")).unwrap();
    assert!(ingress.is_platform && !checkout.is_platform);
    let mapped = |labels: &[(&str, &str)]| {
        let found = services.mapped(&Labels::of(labels));
        found.map(|name| name.raw().to_owned())
    };
    let checkout = Some("checkout".to_owned());
    assert_eq!(
        mapped(&[("namespace", "shop"), ("app", "checkout-2")]),
        checkout
    );
    assert_eq!(mapped(&[("job", "checkout-cron")]), checkout);
    assert_eq!(mapped(&[("namespace", "shop"), ("app", "cart")]), None);
    assert_eq!(
        delivery.mapping.len(),
        2,
        "a service without a match is no rule"
    );
}

#[test]
fn a_need_that_nobody_declares_is_told_unless_a_catalogue_may() {
    let text = "[[service]]\nname = \"checkout\"\ndepends_on = [\"paymets\", \"dns\"]\n\
        [[service]]\nname = \"payments\"\n";
    let warnings = load_text(text, Values::default()).unwrap().warnings;
    let [near, far] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(near.contains("`paymets`") && near.ends_with("did you mean `payments`?"));
    assert!(near.contains("config.toml:1"), "{near}");
    assert!(far.contains("`dns`") && far.contains("`catalog`"), "{far}");
    let text = format!("[services]\ncatalog = [\"catalog/\"]\n{text}");
    let warnings = load_text(&text, Values::default()).unwrap().warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn an_allowance_ends_with_its_day_or_at_its_time() {
    let delivery = good().settings.delivery;
    let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let [web, bastion] = delivery.allowances.as_slice() else {
        panic!("{:?}", delivery.allowances);
    };
    assert_eq!(web.address, "module.web.*");
    assert_eq!(web.path.as_deref(), Some("desired_*"));
    assert_eq!(web.reason, "the autoscaler owns it");
    assert_eq!(web.until, time("2027-01-01T00:00:00Z"));
    assert_eq!(bastion.path, None);
    assert_eq!(bastion.until, time("2026-11-30T17:00:00Z"));
    let expired = |now: &str| delivery.expired(time(now)).count();
    assert_eq!(expired("2026-11-30T16:59:59Z"), 0);
    assert_eq!(expired("2026-11-30T17:00:00Z"), 1);
    assert_eq!(expired("2027-01-01T00:00:00Z"), 2);
}

#[test]
fn an_allowance_of_everything_is_worth_a_word() {
    let text = "[[allow_drift]]\naddress = \"*\"\nreason = \"freeze\"\nuntil = 2026-12-31\n";
    let warnings = load_text(text, Values::default()).unwrap().warnings;
    assert!(warnings[0].contains("allows all drift"), "{warnings:?}");
}

#[test]
fn sources_of_another_environment_are_not_on_show() {
    let file = fs::read_to_string("tests/fixtures/config/good/delivery.toml").unwrap();
    let values = Values {
        env: Some("stage".into()),
        ..Values::default()
    };
    let delivery = load_text(&file, values).unwrap().settings.delivery;
    let expected = [
        "prod-us-1",
        "kubernetes-2",
        "kubernetes-3",
        "eu",
        "github-1",
        "grafana-1",
        "catalogue",
        "catalogue-2",
        "catalogue-3",
    ];
    assert_eq!(names(&delivery), expected);
    let eu = named(&delivery, "eu");
    assert_eq!(eu.place, place("stage", "", "", ""));
    let expected = KubernetesLogin::Kubeconfig {
        path: None,
        context: Some("stage-eu-1".into()),
    };
    assert_eq!(login(eu), &expected);
}

#[test]
fn flags_replace_the_sources_of_their_kind_and_leave_the_others() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().to_owned();
    let file = fs::read_to_string("tests/fixtures/config/good/delivery.toml").unwrap();
    let values = Values {
        context: Some("kind-quell".into()),
        terraforms: vec![here.clone(), here.clone()],
        ..Values::default()
    };
    let delivery = load_text(&file, values).unwrap().settings.delivery;
    let first = ["kind-quell", "terraform-1", "terraform-2", "argocd-1"];
    let mut found = names(&delivery)[..4].to_vec();
    found.sort_unstable();
    let mut expected = first.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(names(&delivery).contains(&"changes-1"));
    let kubernetes = delivery
        .sources
        .iter()
        .filter(|s| s.kind() == SourceKind::Kubernetes);
    assert_eq!(kubernetes.count(), 1);
    let context = KubernetesLogin::Kubeconfig {
        path: None,
        context: Some("kind-quell".into()),
    };
    assert_eq!(login(named(&delivery, "kind-quell")), &context);
}

#[test]
fn the_flag_of_one_half_of_a_login_and_the_variable_of_the_other_make_one_cluster() {
    let root = tempfile::tempdir().unwrap();
    let kubeconfig = root.path().join("kube");
    fs::write(&kubeconfig, "").unwrap();
    let mut overrides = flags(Values {
        context: Some("eu".into()),
        changes: vec![root.path().to_owned()],
        ..Values::default()
    });
    overrides.variables = Values {
        kubeconfig: Some(kubeconfig.clone()),
        context: Some("us".into()),
        changes: vec!["/nowhere".into()],
        ..Values::default()
    };
    let loaded = load(&overrides, &paths(root.path()), &THEMES).unwrap();
    let delivery = loaded.settings.delivery;
    assert_eq!(names(&delivery), ["eu", "changes-1"]);
    let expected = KubernetesLogin::Kubeconfig {
        path: Some(kubeconfig),
        context: Some("eu".into()),
    };
    assert_eq!(login(named(&delivery, "eu")), &expected);
}

#[test]
fn what_a_flag_names_must_be_there() {
    let mut overrides = flags(Values {
        kubeconfig: Some("/nowhere/kube".into()),
        terraforms: vec!["/nowhere/plan.json".into()],
        ..Values::default()
    });
    overrides.variables.changes = vec!["/nowhere/spool".into()];
    let root = tempfile::tempdir().unwrap();
    let errors = load(&overrides, &paths(root.path()), &THEMES).unwrap_err();
    let told = |p: &quell::config::Problem| {
        let message = &p.message;
        assert!(
            message.ends_with("there is no such file or folder"),
            "{message}"
        );
        p.given_by.clone().unwrap()
    };
    let mut by: Vec<String> = errors.problems.iter().map(told).collect();
    by.sort();
    assert_eq!(by, ["--kubeconfig", "--terraform", "QUELL_CHANGES"]);
}

#[test]
fn the_example_names_every_kind_and_its_defaults_are_the_real_ones() {
    let example = load_text(&example_in_full(), Values::default()).unwrap();
    let full = example.settings.delivery;
    let bare = "[[kubernetes]]\n[[argocd]]\nurl = \"https://a\"\n[[github]]\nrepos = [\"a/b\"]\n\
        [[gitlab]]\nprojects = [\"1\"]\n[[grafana]]\nurl = \"https://g\"\n[[changes]]\npath = \"/c\"\n\
        [[terraform]]\npath = \"/t\"\n[services]\ncatalog = [\"/k\"]\n";
    let bare = delivery(bare);
    assert_eq!(full.keep, DEFAULT_KEEP);
    for source in &bare.sources {
        let same = full.sources.iter().find(|s| s.kind() == source.kind());
        let same = same.unwrap_or_else(|| panic!("no {:?}", source.kind()));
        assert_eq!(source.period, same.period, "{}", source.name);
        if let (Some(a), Some(b)) = (source.endpoint(), same.endpoint()) {
            assert_eq!(a.timeout, b.timeout, "{}", source.name);
            assert_eq!(a.max_response_bytes, b.max_response_bytes);
        }
        match (&source.access, &same.access) {
            (DeliveryAccess::Kubernetes(a), DeliveryAccess::Kubernetes(b)) => {
                assert_eq!((a.timeout, a.page_size), (b.timeout, b.page_size));
            }
            (DeliveryAccess::Github(a), DeliveryAccess::Github(b))
            | (DeliveryAccess::Gitlab(a), DeliveryAccess::Gitlab(b)) => {
                assert_eq!(a.endpoint.url, b.endpoint.url);
            }
            _ => {}
        }
    }
    assert_eq!(bare.sources.len(), 8);
    let text = fs::read_to_string("config.example.toml").unwrap();
    for kind in KUBERNETES_KINDS {
        assert!(text.contains(kind), "{kind}");
    }
}

#[test]
fn what_init_found_of_changes_loads_back() {
    let cluster = FoundCluster {
        kubeconfig: Some("/home/mara/kube \"eu\"".into()),
        context: Some("arn:aws:eks:eu-west-1:1:cluster/prod".into()),
    };
    let found = Found {
        env: Some("prod".into()),
        kubernetes: Some(cluster.clone()),
        terraforms: vec!["/srv/plans".into(), "/srv/web.json".into()],
        changes: vec!["/var/spool/quell".into()],
        ..Found::default()
    };
    let text = render_template(&found);
    assert!(is_harmless(&text), "{text}");
    let delivery = delivery(&text);
    let expected = ["kubernetes-1", "terraform-1", "terraform-2", "changes-1"];
    assert_eq!(names(&delivery), expected);
    let env = |source: &DeliverySourceSettings| source.place.env.as_deref() == Some("prod");
    assert!(delivery.sources.iter().all(env));
    let FoundCluster {
        kubeconfig,
        context,
    } = cluster;
    let expected = KubernetesLogin::Kubeconfig {
        path: kubeconfig,
        context,
    };
    assert_eq!(login(&delivery.sources[0]), &expected);
    assert_eq!(delivery.sources[2].address(), "/srv/web.json");

    let unnamed = Found {
        kubernetes: Some(FoundCluster::default()),
        ..Found::default()
    };
    let delivery = self::delivery(&render_template(&unnamed));
    let expected = KubernetesLogin::Kubeconfig {
        path: None,
        context: None,
    };
    assert_eq!(login(&delivery.sources[0]), &expected);
}
