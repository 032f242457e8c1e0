//! Which runbook does an alert get, in exactly which version, and what do the runbook commands say?

use std::path::Path;

use serde_json::{Value, json};

use crate::cli_scene::{alert, assert_answer, git, list, one, repository, source};
use crate::peers::{AlertSpec, Alertmanager};
use crate::quell::{Outcome, Quell};

/// One file per rule that may lead to it.
const FILES: [(&str, &str); 8] = [
    (
        "ops/disk.md",
        "---\nquell: 1\nid: disk-full\ntitle: Disk full\nowner: storage\nseverity: page\n---\n\n# Disk full\n\n## Diagnosis\n\nLook.\n",
    ),
    ("NodeDown.md", "# NodeDown\n\nIt is down.\n"),
    (
        "node.md",
        "---\nquell: 1\nid: node-of-shop\ntitle: A node of the shop\napplies_to: ['alertname=\"NodeLost\", env=\"prod\"']\n---\n# Shop\n",
    ),
    (
        "wide.md",
        "---\nquell: 1\nid: any-node\ntitle: Any node\napplies_to: ['alertname=~\"Node(Lost|Gone)\"']\n---\n# Any\n",
    ),
    (
        "renamed.md",
        "---\nquell: 1\nid: renamed\ntitle: Renamed\naliases: [OldName]\n---\n# Renamed\n",
    ),
    ("kube/KubePodCrashLooping.md", "# KubePodCrashLooping\n"),
    ("site/Latency.md", "# Latency\n"),
    ("README.md", "# What this folder is\n"),
];

/// A name, what the alert carries, the id, the rule, and the anchor.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<(&'static str, &'static str, Option<&'static str>)>,
);

const CASES: [Case; 15] = [
    (
        "ById",
        &[
            ("quell_runbook", "disk-full#diagnosis"),
            ("runbook_url", "NodeDown.md"),
        ],
        Some(("disk-full", "quell_runbook", Some("diagnosis"))),
    ),
    (
        "ByBlob",
        &[(
            "runbook_url",
            "https://github.com/o/r/blob/main/ops/disk.md#diagnosis",
        )],
        Some(("disk-full", "runbook_url", Some("diagnosis"))),
    ),
    (
        "ByRaw",
        &[(
            "runbook_url",
            "https://raw.githubusercontent.com/o/r/main/ops/disk.md",
        )],
        Some(("disk-full", "runbook_url", None)),
    ),
    (
        "ByRawHeads",
        &[(
            "runbook_url",
            "https://raw.githubusercontent.com/o/r/refs/heads/main/ops/disk.md",
        )],
        Some(("disk-full", "runbook_url", None)),
    ),
    (
        "ByGitLab",
        &[(
            "runbook_url",
            "https://gitlab.example.org/group/sub/repo/-/blob/main/runbooks/ops/disk.md",
        )],
        Some(("disk-full", "runbook_url", None)),
    ),
    (
        "ByGitLabRaw",
        &[(
            "runbook_url",
            "https://gitlab.example.org/group/repo/-/raw/main/ops/disk.md?inline=false",
        )],
        Some(("disk-full", "runbook_url", None)),
    ),
    (
        "Relative",
        &[("runbook", "ops/disk.md")],
        Some(("disk-full", "runbook_url", None)),
    ),
    (
        "KubePod",
        &[(
            "runbook_url",
            "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubepodcrashlooping/",
        )],
        Some(("KubePodCrashLooping", "runbook_url", None)),
    ),
    (
        "OwnSite",
        &[("runbook_url", "https://wiki.example/r/latency#first")],
        Some(("Latency", "runbook_url", Some("first"))),
    ),
    ("NodeLost", &[], Some(("node-of-shop", "applies_to", None))),
    ("NodeGone", &[], Some(("any-node", "applies_to", None))),
    ("OldName", &[], Some(("renamed", "alias", None))),
    ("NodeDown", &[], Some(("NodeDown", "file_name", None))),
    (
        "Nowhere",
        &[("runbook_url", "https://example.org/a/b/blob/main/none.md")],
        None,
    ),
    ("Escaping", &[("runbook_url", "../../../etc/passwd")], None),
];

/// A run with the repository and the prefix of a site of one's own configured.
fn run(quell: &Quell, arguments: &[&str]) -> Outcome {
    quell.run(&[arguments, &["--env", "prod"]].concat())
}

fn configure(quell: &Quell, am: &Alertmanager) {
    quell.write(
        "config/quell/config.toml",
        &format!(
            "[[environment]]\nname = \"prod\"\n[[alertmanager]]\nurl = \"{}\"\n[runbooks]\npath = \"~/runbooks\"\n\
             url_prefixes = [\"https://runbooks.prometheus-operator.dev/runbooks/\", \"https://wiki.example/r/\"]\n",
            am.url()
        ),
    );
}

async fn post_cases(am: &Alertmanager) {
    let alerts = CASES.map(|(name, annotations, _)| {
        let start = AlertSpec::new(name)
            .label("severity", "critical")
            .label("env", "prod");
        annotations
            .iter()
            .fold(start, |alert, (name, value)| alert.annotation(name, value))
    });
    am.post_alerts(&alerts).await;
}

#[tokio::test]
async fn every_rule_of_the_link_leads_to_the_text_in_its_version() {
    let am = Alertmanager::start().await;
    post_cases(&am).await;
    let quell = Quell::new();
    configure(&quell, &am);
    let folder = repository(&quell, &FILES);
    let head = git(&folder, &["rev-parse", "HEAD"]);

    let answer = run(&quell, &["status", "--json"]);
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(source(&document, "runbooks")["freshness"], "fresh");
    for (name, _, expected) in CASES {
        let alert = alert(&document, name);
        let link = &alert["runbook"];
        let Some((id, rule, anchor)) = expected else {
            assert_eq!(link, &Value::Null, "{name}");
            assert!(list(&alert["debt"]).contains(&json!("runbook")), "{name}");
            continue;
        };
        assert_eq!([&link["id"], &link["matched_by"]], [id, rule], "{name}");
        assert_eq!(link["anchor"], json!(anchor), "{name}");
        assert_eq!(link["caution"], Value::Null, "{name}: {link:#}");
        assert_eq!(link["commit"], head, "{name}");
        assert_eq!(link["dirty"], false, "{name}");
        let file = FILES.iter().find(|(path, text)| {
            text.contains(&format!("id: {id}\n")) || path.ends_with(&format!("{id}.md"))
        });
        let path = file.map(|(path, _)| *path).unwrap_or_default();
        assert_eq!(
            link["blob"],
            git(&folder, &["rev-parse", &format!("HEAD:{path}")]),
            "{name}"
        );
        assert!(!list(&alert["debt"]).contains(&json!("runbook")), "{name}");
    }
    an_edit_shows(&quell, &folder, &head);
}

fn an_edit_shows(quell: &Quell, folder: &Path, head: &str) {
    quell.write(
        "home/runbooks/NodeDown.md",
        "# NodeDown\n\nNow otherwise.\n",
    );
    quell.write("home/runbooks/Nowhere.md", "# Nowhere\n\nNot committed.\n");
    let document = run(quell, &["status", "--json"]).json();
    for (name, file) in [("NodeDown", "NodeDown.md"), ("Nowhere", "Nowhere.md")] {
        let link = &alert(&document, name)["runbook"];
        assert_eq!(link["commit"], head, "{name}");
        assert_eq!(link["dirty"], true, "{name}");
        assert_eq!(link["blob"], git(folder, &["hash-object", file]), "{name}");
    }
    assert_eq!(alert(&document, "OldName")["runbook"]["dirty"], false);

    let text = run(quell, &["alerts", "alertname=NodeDown"]);
    assert!(
        text.stdout
            .contains(&format!("NodeDown {}+dirty", &head[..7])),
        "{text:?}"
    );

    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "edit"]);
    let document = run(quell, &["status", "--json"]).json();
    let link = &alert(&document, "NodeDown")["runbook"];
    assert_eq!(link["commit"], git(folder, &["rev-parse", "HEAD"]));
    assert_ne!(link["commit"], head);
    assert_eq!(link["dirty"], false);
}

#[tokio::test]
async fn another_version_than_the_one_named_is_a_caution() {
    let am = Alertmanager::start().await;
    let named = "https://github.com/o/r/blob/0123456789abcdef0123456789abcdef01234567/NodeDown.md";
    am.post_alerts(&[
        AlertSpec::new("Older").annotation("runbook_url", named),
        AlertSpec::new("Branch").annotation(
            "runbook_url",
            "https://github.com/o/r/blob/next/NodeDown.md",
        ),
        AlertSpec::new("NodeDown").annotation("quell_runbook", "renamed-since"),
    ])
    .await;
    let quell = Quell::new();
    configure(&quell, &am);
    repository(&quell, &FILES);
    let document = run(&quell, &["alerts", "--json"]).json();
    let link = |name: &str| alert(&document, name)["runbook"].clone();
    let caution = |name: &str| {
        link(name)["caution"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        caution("Older").contains("0123456789abcdef"),
        "{document:#}"
    );
    assert!(caution("Branch").contains("next") && caution("Branch").contains("main"));
    assert_eq!(link("NodeDown")["matched_by"], "file_name");
    assert!(caution("NodeDown").contains("renamed-since"));
}

#[tokio::test]
async fn runbooks_are_listed_shown_and_looked_up() {
    let quell = Quell::new();
    let folder = repository(&quell, &FILES);
    let head = git(&folder, &["rev-parse", "HEAD"]);
    let place = folder.to_string_lossy().into_owned();
    let run = |arguments: &[&str]| {
        quell.run(&[&["runbook"], arguments, &["--runbooks", &place]].concat())
    };

    let answer = run(&["list", "--json"]);
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(document["schema"], "quell.runbooks/1");
    assert_eq!(
        [&document["commit"], &document["branch"]],
        [head.as_str(), "main"]
    );
    assert_eq!(
        list(&document["runbooks"]).len(),
        FILES.len() - 1,
        "a README is none"
    );
    let disk = one(&document["runbooks"], "id", "disk-full");
    assert_eq!(
        [
            &disk["title"],
            &disk["path"],
            &disk["owner"],
            &disk["severity"],
            &disk["commit"]
        ],
        ["Disk full", "ops/disk.md", "storage", "page", head.as_str()]
    );
    let text = run(&["list"]);
    assert_answer(&text, 0);
    assert!(text.stdout.contains("disk-full") && text.stdout.contains(&head[..7]));

    let shown = run(&["show", "disk-full"]);
    assert_answer(&shown, 0);
    assert_eq!(shown.stdout, FILES[0].1, "byte for byte");
    let shown = run(&["show", "disk-full", "--json"]);
    assert_answer(&shown, 0);
    let shown = shown.json();
    assert_eq!(
        [&shown["schema"], &shown["id"], &shown["text"]],
        ["quell.runbook/1", "disk-full", FILES[0].1]
    );
    assert_eq!(
        shown["blob"],
        git(&folder, &["rev-parse", "HEAD:ops/disk.md"])
    );

    for (unknown, near) in [
        ("disk-ful", "disk-full"),
        ("nodedown", "NodeDown"),
        ("renamd", "renamed"),
    ] {
        let refused = run(&["show", unknown]);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (2, ""),
            "{refused:?}"
        );
        assert!(
            refused.stderr.contains(near) && refused.stderr.contains("runbook list"),
            "{refused:?}"
        );
    }
    the_rule_is_told(&run);
    nothing_to_read_is_3(&quell);
}

fn the_rule_is_told(run: &impl Fn(&[&str]) -> Outcome) {
    let described = run(&["which", "alertname=NodeLost", "env=prod", "--json"]);
    assert_answer(&described, 0);
    let document = described.json();
    assert_eq!(
        [&document["schema"], &document["found_by"]],
        ["quell.which/1", "labels"]
    );
    assert_eq!(
        [
            &document["runbook"]["id"],
            &document["runbook"]["matched_by"]
        ],
        ["node-of-shop", "applies_to"]
    );
    assert_eq!(document["runbook"]["path"], "node.md");

    let annotated = run(&[
        "which",
        "alertname=X",
        "--annotation",
        "quell_runbook=renamed",
        "--json",
    ]);
    assert_eq!(annotated.json()["runbook"]["matched_by"], "quell_runbook");

    let none = run(&["which", "alertname=Unheard", "--json"]);
    assert_answer(&none, 0);
    assert_eq!(none.json()["runbook"], Value::Null);
    assert!(list(&none.json()["would_match"]).len() >= 4);

    let text = run(&["which", "alertname=OldName"]);
    assert_answer(&text, 0);
    for said in ["renamed", "by rule  alias", "renamed.md"] {
        assert!(text.stdout.contains(said), "{text:?}");
    }
    let two = run(&["which", "One", "Two"]);
    assert_eq!((two.code, two.stdout.as_str()), (2, ""), "{two:?}");
}

fn nothing_to_read_is_3(quell: &Quell) {
    let missing = quell
        .path("home/nothing-here")
        .to_string_lossy()
        .into_owned();
    let answer = quell.run(&["runbook", "list", "--json", "--runbooks", &missing]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stderr.contains("nothing-here"), "{answer:?}");
}

#[tokio::test]
async fn a_live_alert_is_looked_up_by_name_fingerprint_or_id() {
    let am = Alertmanager::start().await;
    am.post_alerts(&[AlertSpec::new("Live").annotation("quell_runbook", "bad-rollout")])
        .await;
    let quell = Quell::new();
    let run = |arguments: &[&str]| {
        quell.run(&[arguments, &["--json", "--alertmanager", am.url()]].concat())
    };
    let listed = run(&["alerts"]).json();
    let live = alert(&listed, "Live");
    for key in ["name", "fingerprint", "id"] {
        let asked = live[key].as_str().unwrap_or_default();
        let answer = run(&["runbook", "which", asked]);
        assert_answer(&answer, 0);
        let document = answer.json();
        assert_eq!(
            [&document["found_by"], &document["runbook"]["id"]],
            ["live", "bad-rollout"],
            "{key}"
        );
        assert_eq!(document["alert"], live["id"]);
        // Built in: pinned by the repository it was built from, else by the bytes themselves.
        let link = &document["runbook"];
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let of_these_bytes = git(root, &["hash-object", "runbooks/bad-rollout.md"]);
        let by_bytes = link["sha256"].as_str().is_some_and(|sha| sha.len() == 64);
        assert_ne!(link["blob"] == of_these_bytes, by_bytes, "{link:#}");
    }
    assert_eq!(
        run(&["runbook", "which", "Unheard"]).json()["found_by"],
        "name"
    );
}
