//! What files of a Backstage catalogue are read as, and what is said of those that are not read.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::domain::service::Service;
use proptest::prelude::*;
use tempfile::TempDir;

/// As Backstage's own documentation writes it, with everything around it that is passed over.
const CHECKOUT: &str = r#"
# The shop's checkout.
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  description: {{DESCRIPTION}}
  labels:
    example.com/custom: custom_label_value
  annotations:
    backstage.io/kubernetes-id: checkout-web
    backstage.io/source-location: url:https://github.com/shop/checkout/
    circleci.com/project-slug: github/shop/checkout
  tags: [java, "8"]
  links:
    - url: https://admin.example.com
      title: Admin
      icon: dashboard
spec:
  type: service
  lifecycle: production
  owner: group:default/team-checkout
  system: shop
  subcomponentOf: storefront
  dependsOn:
    - component:default/payments
    - resource:checkout-db
    - Cart
    - component:elsewhere
  providesApis: [checkout-api]
  consumesApis:
    - ledger-api
    - api:default/fx-rates
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: checkout-db }
spec: { type: database, owner: user:jo, system: shop }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: shop }
spec: { owner: team-shop, domain: commerce }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: checkout-api }
spec:
  type: openapi
  owner: team-checkout
  definition: |
    openapi: "3.0.0"
    ---not a marker
"#;

const REST: &str = r#"---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: payments }
spec: { type: service, owner: team-payments, consumesApis: [checkout-api] }
--- # the cart
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: cart
  annotations: { backstage.io/kubernetes-id: cart }
spec: { type: service, owner: "group:team-cart" }
...
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ledger }
spec: { type: service, owner: team-ledger, providesApis: [ledger-api] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: team-cart }
spec: { type: team, children: [] }
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: t }
spec: {}
---
apiVersion: backstage.io/v1beta3
kind: Template
metadata: { name: t }
spec: { steps: [{ input: "${{ parameters.name }}" }] }
"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn source(path: &Path) -> Catalogue {
    Catalogue::new(&"backstage".into(), path, &DeclaredPlace::default()).unwrap()
}

async fn poll(source: &mut Catalogue) -> Arc<DeliveryAnswer> {
    source.poll(DateTime::default()).await.unwrap()
}

async fn of(files: &[(&str, &str)]) -> (Vec<Service>, Vec<String>) {
    let root = folder(files);
    let answer = poll(&mut source(root.path())).await;
    let base = format!("{}/", root.path().canonicalize().unwrap().display());
    let limits = answer.limits.iter().map(|l| l.shown().replace(&base, ""));
    (answer.services.clone(), limits.collect())
}

fn service<'a>(services: &'a [Service], name: &str) -> &'a Service {
    let found: Vec<&Service> = services.iter().filter(|s| s.name.raw() == name).collect();
    assert_eq!(found.len(), 1, "{name} in {services:?}");
    found[0]
}

fn needs(service: &Service) -> Vec<&str> {
    service.depends_on.iter().map(Untrusted::raw).collect()
}

#[tokio::test]
async fn a_catalogue_becomes_services_with_what_they_need() {
    let checkout = CHECKOUT.replace("{{DESCRIPTION}}", "Takes the money");
    let files = [
        ("checkout/catalog-info.yaml", &*checkout),
        ("rest/catalog-info.yml", REST),
        ("rest/values.yaml", "not: [a catalogue"),
        (".git/catalog-info.yaml", "not: [a catalogue"),
    ];
    let (services, limits) = of(&files).await;
    assert_eq!(
        limits,
        [
            "rest/catalog-info.yml: 1 of kind Template: not read; next: nothing, unless it should be a Component"
        ],
        "it is of another apiVersion"
    );
    let names: Vec<&str> = services.iter().map(|s| s.name.raw()).collect();
    let expected = [
        "checkout",
        "checkout-web",
        "payments",
        "cart",
        "ledger",
        "checkout-db",
        "shop",
    ];
    assert_eq!(names, expected);
    let needed = [
        "payments",
        "checkout-db",
        "cart",
        "elsewhere",
        "ledger",
        "fx-rates",
    ];
    for name in ["checkout", "checkout-web"] {
        let checkout = service(&services, name);
        assert_eq!(needs(checkout), needed);
        assert_eq!(checkout.owner, Some(Untrusted::line("team-checkout")));
        assert_eq!(checkout.system, Some(Untrusted::line("shop")));
        let place = checkout.declared_in.shown();
        assert!(place.ends_with("checkout/catalog-info.yaml:6"), "{place}");
        assert!(!checkout.is_platform);
    }
    let payments = service(&services, "payments");
    assert_eq!(
        needs(payments),
        ["checkout", "checkout-web"],
        "by either name"
    );
    assert_eq!(
        service(&services, "checkout-db").owner,
        Some(Untrusted::line("jo"))
    );
    assert_eq!(
        service(&services, "cart").owner,
        Some(Untrusted::line("team-cart"))
    );
    assert!(
        service(&services, "ledger")
            .declared_in
            .shown()
            .ends_with("catalog-info.yml:17")
    );
}

fn component(name: &str, rest: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n{rest}\n"
    )
}

#[tokio::test]
async fn what_everything_runs_on_is_told_by_type_tag_or_annotation() {
    let cases = [
        ("spec: { type: Infrastructure }", true),
        ("spec: { type: ingress }", true),
        ("  tags: [go, platform]", true),
        ("  annotations: { quell.dev/platform: \"true\" }", true),
        ("  annotations: { quell.dev/platform: true }", true),
        ("  annotations: { quell.dev/platform: \"false\" }", false),
        ("spec: { type: service }\n", false),
        ("  tags:\n  annotations:\nspec:", false),
    ];
    for (rest, is_platform) in cases {
        let (services, limits) = of(&[("catalog-info.yaml", &component("dns", rest))]).await;
        assert_eq!(limits, [""; 0], "{rest}");
        assert_eq!(services[0].is_platform, is_platform, "{rest}");
    }
}

#[tokio::test]
async fn a_resource_may_say_who_depends_on_it() {
    let text = format!(
        "{}---\n{}",
        component("web", "  namespace: shop"),
        component(
            "db",
            "  namespace: shop\nspec: { dependencyOf: [component:web, nobody] }"
        )
    );
    let (services, _) = of(&[("catalog-info.yaml", &text)]).await;
    assert_eq!(needs(service(&services, "web")), ["db"]);
}

#[tokio::test]
async fn a_bad_document_is_named_with_its_place_and_the_others_are_read() {
    let good = component("good", "");
    let cases = [
        (
            "kind: Component\n  indented: wrong",
            "catalog-info.yaml:8:11: ",
        ),
        (
            "apiVersion: backstage.io/v1\nkind: API\nkind: API",
            ":9:1: `kind` stands here a second time; next: keep one of the two",
        ),
        (
            "apiVersion: backstage.io/v1\nkind: API\nmetadata: {}",
            ":9:11: an entity without `metadata.name`; next: give it a name",
        ),
        (
            "apiVersion: backstage.io/v1\nkind: API\nmetadata: { name: a }\nspec: { dependsOn: b }",
            ":10:20: it must be a list",
        ),
        ("a: b", ":6:1: a document without `kind`"),
        (
            "apiVersion: apps/v1\nkind: Deployment",
            "1 of kind Deployment: not read",
        ),
        (
            "kind: \"Evil\\u202e\\x1b\"",
            "1 of kind Evil\\u{202e}\\u{1b}: not read",
        ),
    ];
    for (bad, expected) in cases {
        let text = format!("{good}---\n{bad}\n---\n{}", component("other", ""));
        let (services, limits) = of(&[("catalog-info.yaml", &text)]).await;
        assert_eq!(services.len(), 2, "{bad}: {limits:?}");
        assert_eq!(limits.len(), 1, "{bad}: {limits:?}");
        assert!(limits[0].contains(expected), "{}", limits[0]);
        assert!(limits[0].contains("; next: "), "{}", limits[0]);
    }
}

#[tokio::test]
async fn a_bomb_is_refused_in_words() {
    let levels = (1..12).map(|n| {
        let nine = vec![format!("*a{}", n - 1); 9].join(", ");
        format!("a{n}: &a{n} [{nine}]\n")
    });
    let first = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let bomb: String = std::iter::once(first).chain(levels).collect();
    let (services, limits) = of(&[("catalog-info.yaml", &bomb)]).await;
    assert!(services.is_empty());
    assert!(limits[0].contains("too many aliases"), "{limits:?}");
}

#[tokio::test]
async fn locations_are_followed_within_the_folder_and_nowhere_else() {
    let outside = folder(&[("secret.yaml", &component("secret", ""))]);
    let location = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {{ name: all }}\nspec:\n  \
         target: ./more/a.yaml\n  targets:\n    - more/b.yaml\n    - ./more/a.yaml\n    - \
         https://github.com/shop/x/catalog-info.yaml\n    - more/*.yaml\n    - missing.yaml\n    - {}\n    - \
         ../../../../../etc/passwd\n    - more/link.yaml\n",
        outside.path().join("secret.yaml").display()
    );
    let back = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: back }\n\
                spec: { target: ../catalog-info.yaml }";
    let root = folder(&[
        ("catalog-info.yaml", &location),
        ("more/a.yaml", &component("a", "")),
        ("more/b.yaml", &format!("{}---\n{back}", component("b", ""))),
    ]);
    symlink(
        outside.path().join("secret.yaml"),
        root.path().join("more/link.yaml"),
    )
    .unwrap();
    symlink(root.path(), root.path().join("more/round")).unwrap();
    let mut source = source(root.path());
    let answer = poll(&mut source).await;
    let names: Vec<&str> = answer.services.iter().map(|s| s.name.raw()).collect();
    assert_eq!(names, ["a", "b"]);
    let limits: Vec<&str> = answer.limits.iter().map(Untrusted::shown).collect();
    let expected = [
        ":9:7: target `https://github.com/shop/x/catalog-info.yaml` is an address: not followed; next: ",
        ":10:7: target `more/*.yaml` has a wildcard",
        ":11:7: target `missing.yaml` cannot be read",
        "secret.yaml` leads out of the folder",
        "etc/passwd` ",
        "link.yaml` leads out of the folder",
    ];
    assert_eq!(limits.len(), expected.len(), "{limits:#?}");
    for (limit, expected) in limits.iter().zip(expected) {
        assert!(limit.contains(expected), "{limit} has no {expected}");
    }
    // What was missing comes, without anything else being touched.
    fs::write(root.path().join("missing.yaml"), component("late", "")).unwrap();
    let answer = poll(&mut source).await;
    assert_eq!(answer.services.len(), 3);
}

#[tokio::test]
async fn an_answer_is_the_same_until_a_file_changes() {
    let root = folder(&[("a/catalog-info.yaml", &component("a", ""))]);
    let mut source = source(root.path());
    let first = poll(&mut source).await;
    assert!(Arc::ptr_eq(&first, &poll(&mut source).await));
    fs::write(root.path().join("a/notes.txt"), "nothing of it").unwrap();
    assert!(Arc::ptr_eq(&first, &poll(&mut source).await));
    fs::write(root.path().join("a/catalog-info.yaml"), component("bb", "")).unwrap();
    let second = poll(&mut source).await;
    assert_eq!(second.services[0].name.raw(), "bb");
    fs::create_dir(root.path().join("b")).unwrap();
    fs::write(root.path().join("b/catalog-info.yaml"), component("c", "")).unwrap();
    assert_eq!(poll(&mut source).await.services.len(), 2);
    fs::remove_file(root.path().join("a/catalog-info.yaml")).unwrap();
    let last = poll(&mut source).await;
    assert_eq!(last.services[0].name.raw(), "c");
    assert_eq!(last.parts[0].state, PartState::Read(1));
}

#[tokio::test]
async fn a_file_may_have_any_name_if_it_is_named_itself() {
    let root = folder(&[("services.yaml", &component("a", ""))]);
    let answer = poll(&mut source(&root.path().join("services.yaml"))).await;
    assert_eq!(answer.services.len(), 1);
    let answer = poll(&mut source(root.path())).await;
    assert!(
        answer.services.is_empty(),
        "in a folder it is none of the catalogue's"
    );
}

#[tokio::test]
async fn what_is_not_there_or_no_file_is_an_error_and_never_an_empty_catalogue() {
    let root = folder(&[]);
    for path in [root.path().join("missing"), PathBuf::from("/dev/null")] {
        let error = source(&path).poll(DateTime::default()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Local);
        assert!(error.detail.shown().contains(&*path.to_string_lossy()));
    }
}

#[tokio::test]
async fn limits_of_size_and_depth_are_said() {
    let large = format!("{}\n# {}", component("large", ""), "x".repeat(1024 * 1024));
    let files = [
        ("catalog-info.yaml", &*large),
        ("1/2/3/4/5/catalog-info.yaml", &component("deep", "")),
        ("1/2/3/4/5/6/catalog-info.yaml", &component("deeper", "")),
    ];
    let (services, limits) = of(&files).await;
    assert_eq!(services.len(), 1);
    assert_eq!(services[0].name.raw(), "deep");
    assert!(
        limits[0].contains("1 folders lie more than 5 deep"),
        "{limits:?}"
    );
    assert!(
        limits[1].contains("catalog-info.yaml: is larger than 1 MiB; next: split it"),
        "{limits:?}"
    );
}

#[tokio::test]
async fn a_second_declaration_is_said_with_both_places() {
    let twice = format!("{}---\n{}", component("a", ""), component("A", ""));
    let (services, limits) = of(&[("catalog-info.yaml", &twice)]).await;
    assert_eq!(services.len(), 1);
    assert_eq!(limits.len(), 1);
    assert!(
        limits[0].starts_with("catalog-info.yaml:10: `A` is declared a second time"),
        "{limits:?}"
    );
    assert!(limits[0].ends_with("catalog-info.yaml:4"), "{limits:?}");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "(?s).{0,200}", cut in 0..2_000_usize) {
        let whole = format!("{CHECKOUT}{REST}");
        let mut cut = cut.min(whole.len());
        while !whole.is_char_boundary(cut) {
            cut -= 1;
        }
        for text in [text.clone(), format!("{}{text}\n---\n{REST}", &whole[..cut])] {
            let found = entity::of("file", &text);
            let (services, _) = services::of(&found.entities);
            prop_assert!(services.len() <= 2 * found.entities.len());
            for problem in found.problems {
                prop_assert!(problem.starts_with("file:") && problem.contains("; next: "), "{}", problem);
            }
        }
    }
}
