//! What do `status` and `alerts` say of real alerts? Two clustered Alertmanagers and a Prometheus tell
//! the story; the documents must hold all of it under the names of the product.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::cli_scene::{alert, assert_answer, list, names, one, silence, source};
use crate::peers::{AlertSpec, Alertmanager, AlertmanagerPair, Prometheus, WATCHDOG_RULE, until};
use crate::quell::{Outcome, Quell};

fn critical(name: &str) -> AlertSpec {
    AlertSpec::new(name).label("severity", "critical")
}

fn time(value: &Value) -> DateTime<Utc> {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no time"));
    assert!(text.ends_with('Z'), "{text} is not UTC");
    let time = DateTime::parse_from_rfc3339(text);
    time.unwrap_or_else(|e| panic!("{text}: {e}")).to_utc()
}

/// Both replicas of a cluster, asked by flags.
fn ask(quell: &Quell, pair: &AlertmanagerPair, arguments: &[&str]) -> Outcome {
    let sources = [
        "--alertmanager",
        pair.first.url(),
        "--alertmanager",
        pair.second.url(),
    ];
    quell.run(&[arguments, &sources].concat())
}

/// Waits until a replica says this of the alert's suppression.
async fn suppressed(am: &Alertmanager, alertname: &str, by: &str) {
    until(
        &format!("{alertname} is {by} at {}", am.url()),
        async || {
            let alerts = am.alerts().await;
            let named = alerts
                .iter()
                .find(|alert| alert["labels"]["alertname"] == alertname);
            let is = named.is_some_and(|alert| alert["status"][by][0].is_string());
            is.then_some(()).ok_or_else(|| format!("{alerts:?}"))
        },
    )
    .await;
}

/// A cluster with one alert of every kind.
async fn every_kind() -> AlertmanagerPair {
    let pair = AlertmanagerPair::start().await;
    let both = [
        critical("Both")
            .label("service", "checkout")
            .label("env", "prod")
            .label("team", "payments")
            .annotation("summary", "two lines\nof it"),
        critical("Quiet"),
        critical("Taken"),
        critical("NodeDown").label("node", "n1"),
        AlertSpec::new("DiskSlow")
            .label("severity", "warning")
            .label("node", "n1"),
        AlertSpec::new("Note").label("severity", "info"),
        AlertSpec::new("Unranked"),
    ];
    let since = |hours| both.clone().map(|spec| spec.since(TimeDelta::hours(hours)));
    pair.first.post_alerts(&since(1)).await;
    pair.second.post_alerts(&since(2)).await;
    pair.first.post_alerts(&[critical("OnlyHere")]).await;
    silence(&pair.first, "Quiet", "dana", "disk swap").await;
    silence(&pair.second, "Taken", "mara", "ACK! on it").await;
    for replica in [&pair.first, &pair.second] {
        suppressed(replica, "Quiet", "silencedBy").await;
        suppressed(replica, "Taken", "silencedBy").await;
        suppressed(replica, "DiskSlow", "inhibitedBy").await;
    }
    pair
}

#[tokio::test]
async fn a_cluster_is_merged_and_every_alert_says_where_it_stands() {
    let pair = every_kind().await;
    let quell = Quell::new();
    let answer = ask(&quell, &pair, &["status", "--json"]);
    assert_answer(&answer, 0);
    let document = answer.json();
    the_document_is_whole(&document);
    the_sources_are_fresh(&document);
    replicas_are_merged(&document, &pair);
    quiet_alerts_say_why(&document);
    lanes_and_debt_follow_the_labels(&document);
    the_list_is_filtered(&quell, &pair);
    people_read_the_same(&quell, &pair);
}

fn the_document_is_whole(document: &Value) {
    assert_eq!(document["schema"], "quell.status/1");
    for field in [
        "sources", "alerts", "pending", "burn", "changes", "drift", "debt", "blind",
    ] {
        list(&document[field]);
    }
    assert_eq!(
        names(document),
        [
            "Both", "DiskSlow", "NodeDown", "Note", "OnlyHere", "Quiet", "Taken", "Unranked"
        ]
    );
    assert_eq!(
        document["counts"],
        json!({ "page": 3, "ticket": 1, "info": 1, "quiet": 3, "pending": 0 })
    );
    let at = time(&document["at"]);
    for alert in list(&document["alerts"]) {
        for field in ["id", "fingerprint", "name", "lane", "state"] {
            assert!(alert[field].is_string(), "{field} of {alert:#}");
        }
        for field in ["labels", "annotations"] {
            assert!(alert[field].is_object(), "{field} of {alert:#}");
        }
        for field in ["sources", "disagree", "suspects", "receivers", "debt"] {
            list(&alert[field]);
        }
        for field in ["quiet_because", "owner", "runbook"] {
            assert!(
                alert.get(field).is_some(),
                "{field} is missing in {alert:#}"
            );
        }
        let age = (at - time(&alert["starts_at"])).num_seconds();
        assert_eq!(alert["age_secs"], age, "{alert:#}");
    }
}

fn the_sources_are_fresh(document: &Value) {
    for (name, kind) in [
        ("am-1", "alertmanager"),
        ("am-2", "alertmanager"),
        ("runbooks", "runbooks"),
    ] {
        let source = source(document, name);
        assert_eq!(source["kind"], kind);
        assert_eq!(source["freshness"], "fresh");
        assert_eq!(source["error"], Value::Null);
        assert!(source["latency_ms"].is_u64() && source["age_secs"].is_u64());
    }
}

fn replicas_are_merged(document: &Value, pair: &AlertmanagerPair) {
    let both = alert(document, "Both");
    let sightings = &both["sources"];
    let (first, second) = (
        one(sightings, "name", "am-1"),
        one(sightings, "name", "am-2"),
    );
    for sighting in [first, second] {
        assert_eq!(sighting["state"], "active");
        assert_eq!(sighting["current"], true);
    }
    assert_eq!(
        both["starts_at"], second["starts_at"],
        "the earliest start counts"
    );
    let hour = time(&first["starts_at"]) - time(&second["starts_at"]);
    assert!((3590..3660).contains(&hour.num_seconds()), "{both:#}");
    assert_eq!(both["disagree"], json!([]));
    assert_eq!(both["state"], "firing");
    assert_eq!(both["quiet_because"], Value::Null);
    assert_eq!(both["annotations"]["summary"], "two lines\nof it");
    assert_eq!(both["receivers"], json!(["pager"]));
    let id = both["id"].as_str().unwrap_or_default();
    let fingerprint = both["fingerprint"].as_str().unwrap_or_default();
    assert!(id.starts_with(fingerprint), "{both:#}");

    let alone = alert(document, "OnlyHere");
    assert_eq!(alone["disagree"], json!(["am-2 lacks this"]));
    assert_eq!(list(&alone["sources"]).len(), 1);
    assert_ne!(pair.first.url(), pair.second.url());
}

fn quiet_alerts_say_why(document: &Value) {
    let quiet = alert(document, "Quiet");
    assert_eq!(quiet["state"], "silenced");
    assert_eq!(
        quiet["quiet_because"],
        "silenced by dana until 2099-12-31 23:59Z: disk swap"
    );
    let taken = alert(document, "Taken");
    assert_eq!(taken["state"], "acked");
    assert_eq!(
        taken["quiet_because"],
        "acked by mara until 2099-12-31 23:59Z: on it"
    );
    let slow = alert(document, "DiskSlow");
    assert_eq!(slow["state"], "inhibited");
    assert_eq!(slow["quiet_because"], "inhibited by NodeDown");
    for alert in [quiet, taken, slow] {
        assert_eq!(
            alert["disagree"],
            json!([]),
            "both replicas say so: {alert:#}"
        );
        for sighting in list(&alert["sources"]) {
            assert_eq!(sighting["state"], "suppressed");
        }
    }
}

fn lanes_and_debt_follow_the_labels(document: &Value) {
    for (name, lane) in [
        ("Both", "page"),
        ("NodeDown", "page"),
        ("DiskSlow", "ticket"),
        ("Note", "info"),
        ("Unranked", "ticket"),
    ] {
        assert_eq!(alert(document, name)["lane"], lane, "{name}");
    }
    let both = alert(document, "Both");
    assert_eq!(
        [&both["owner"], &both["service"], &both["env"]],
        ["payments", "checkout", "prod"]
    );
    assert_eq!(both["runbook"], Value::Null);
    assert_eq!(both["debt"], json!(["runbook"]));
    let unranked = &alert(document, "Unranked")["debt"];
    assert_eq!(unranked, &json!(["owner", "severity", "runbook"]));
    let debt = one(&document["debt"], "name", "Unranked");
    assert_eq!(debt["kind"], "alert");
    assert_eq!(debt["alert"], alert(document, "Unranked")["id"]);
    assert_eq!(&debt["missing"], unranked);
}

fn the_list_is_filtered(quell: &Quell, pair: &AlertmanagerPair) {
    let filtered = |words: &[&str]| {
        let answer = ask(quell, pair, &[&["alerts", "--json"], words].concat());
        assert_answer(&answer, 0);
        answer.json()
    };
    let all = filtered(&[]);
    assert_eq!(all["schema"], "quell.alerts/1");
    assert_eq!(all["filter"], Value::Null);
    let quiet = |alert: &&Value| alert["quiet_because"].is_string();
    let order: Vec<bool> = list(&all["alerts"])
        .iter()
        .map(|a| quiet(&a) || a["lane"] != "page")
        .collect();
    assert!(order.is_sorted(), "pages come first: {all:#}");

    let some = filtered(&["severity=\"critical\"", "node=~\"n.\""]);
    assert_eq!(names(&some), ["NodeDown"]);
    assert_eq!(some["total"], 8, "the total is that before the filter");
    assert_eq!(some["filter"], "severity=\"critical\" node=~\"n.\"");
    assert_eq!(names(&filtered(&["chkout"])), ["Both"], "a fuzzy word");
    assert_eq!(
        names(&filtered(&["service=\"\"", "severity=info"])),
        ["Note"],
        "empty means absent"
    );
    assert_eq!(names(&filtered(&["severity=none"])), [] as [&str; 0]);

    for (wrong, caret) in [("severity=~\"(\"", "^"), ("a==b", "^"), ("a=\"b", "^")] {
        let refused = ask(quell, pair, &["alerts", "--json", wrong]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{wrong}");
        assert!(
            refused.stderr.contains(wrong) && refused.stderr.contains(caret),
            "{refused:?}"
        );
    }
}

fn people_read_the_same(quell: &Quell, pair: &AlertmanagerPair) {
    let text = ask(quell, pair, &["alerts"]);
    assert_answer(&text, 0);
    for said in [
        "Both",
        "silenced by dana until 2099-12-31 23:59Z: disk swap",
        "inhibited by NodeDown",
        "firing!",
        "replicas disagree on 1",
    ] {
        assert!(text.stdout.contains(said), "no {said}:\n{}", text.stdout);
    }
    let status = ask(quell, pair, &["status"]);
    assert_answer(&status, 0);
    for said in ["page 3", "ticket 1", "quiet 3", "am-1", "am-2", "fresh"] {
        assert!(
            status.stdout.contains(said),
            "no {said}:\n{}",
            status.stdout
        );
    }
}

/// A watchdog, a rule that fires, one that waits, and one that cannot be evaluated.
const RULES: &str = r#"
groups:
  - name: watchdog
    rules:
      - alert: Watchdog
        expr: vector(1)
        labels: { severity: none }
  - name: shop
    rules:
      - alert: Burning
        expr: vector(7)
        labels: { severity: critical, service: checkout }
      - alert: Waiting
        expr: vector(3)
        for: 1h
        labels: { severity: warning }
  - name: broken
    rules:
      - alert: Blind
        expr: label_replace(vector(1), "not-a-name!", "x", "", "")
        labels: { severity: critical }
"#;

#[tokio::test]
async fn prometheus_adds_what_pends_what_fails_and_its_own_word() {
    let am = Alertmanager::start().await;
    let prometheus = Prometheus::start(RULES, &[&am]).await;
    until("the alerts have arrived", async || {
        let alerts = am.alerts().await;
        (alerts.len() == 2)
            .then_some(())
            .ok_or(format!("{alerts:?}"))
    })
    .await;
    until("the broken rule was tried, the other pends", async || {
        let rules = prometheus.get("/rules?type=alert").await.to_string();
        let tried = rules.contains("\"err\"") && rules.contains("\"pending\"");
        tried.then_some(()).ok_or(rules)
    })
    .await;

    let sources = ["--alertmanager", am.url(), "--prometheus", prometheus.url()];
    let quell = Quell::new();
    let answer = quell.run(&[&["status", "--json"][..], &sources].concat());
    assert_answer(&answer, 0);
    let document = answer.json();
    assert_eq!(source(&document, "prom-1")["kind"], "prometheus");

    assert_eq!(names(&document), ["Burning", "Watchdog"]);
    let burning = alert(&document, "Burning");
    assert_eq!(
        burning["labels"]["cluster"], "loopback",
        "external labels stay"
    );
    assert_eq!(burning["disagree"], json!([]));
    for name in ["am-1", "prom-1"] {
        assert_eq!(one(&burning["sources"], "name", name)["current"], true);
    }
    assert_eq!(alert(&document, "Watchdog")["lane"], "info");

    let waiting = one(&document["pending"], "name", "Waiting");
    assert_eq!(
        [&waiting["source"], &waiting["lane"], &waiting["value"]],
        ["prom-1", "ticket", "3e+00"]
    );
    let age = time(&document["at"]) - time(&waiting["active_at"]);
    assert_eq!(waiting["age_secs"], age.num_seconds());

    let debt = one(&document["debt"], "kind", "rule");
    assert_eq!([&debt["rule"], &debt["source"]], ["Blind", "prom-1"]);
    let error = debt["error"].as_str().unwrap_or_default();
    assert!(error.contains("not-a-name!"), "{debt:#}");
    let blind = one(&document["blind"], "kind", "rule_failing");
    assert_eq!(list(&document["blind"]).len(), 1, "{document:#}");
    assert_eq!(blind["source"], "prom-1");
    assert!(
        blind["what"]
            .as_str()
            .is_some_and(|what| what.contains("Blind"))
    );

    let text = quell.run(&[&["status"][..], &sources].concat());
    assert_answer(&text, 0);
    for said in ["pending 1", "rule Blind fails", "1 failing rule"] {
        assert!(text.stdout.contains(said), "no {said}:\n{}", text.stdout);
    }
}

#[tokio::test]
async fn a_watchdog_that_does_not_arrive_is_blindness() {
    let am = Alertmanager::start().await;
    // It tells nobody: what a broken `alerting` section looks like.
    let mute = Prometheus::start(WATCHDOG_RULE, &[]).await;
    let unwatched = Prometheus::start("groups: []", &[&am]).await;
    until("the watchdog fires", async || {
        let alerts = mute.get("/alerts").await;
        let firing = alerts["alerts"][0]["state"] == "firing";
        firing.then_some(()).ok_or_else(|| alerts.to_string())
    })
    .await;
    let answer = Quell::new().run(&[
        "status",
        "--json",
        "--alertmanager",
        am.url(),
        "--prometheus",
        mute.url(),
        "--prometheus",
        unwatched.url(),
    ]);
    assert_answer(&answer, 0);
    let document = answer.json();
    let missing = one(&document["blind"], "kind", "watchdog_missing");
    assert_eq!(
        missing["what"],
        "Watchdog of prom-1 reaches no Alertmanager: its pages may not either"
    );
    assert_eq!(
        one(&document["blind"], "kind", "no_watchdog")["source"],
        "prom-2"
    );
    let watchdog = alert(&document, "Watchdog");
    assert_eq!(
        watchdog["disagree"],
        json!(["prom-1 fires it, no Alertmanager has it"])
    );
}
