//! Do the peers do what the later tests take for granted? Each test here needs nothing of quell.

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    Access, AlertSpec, Alertmanager, AlertmanagerPair, PASSWORD, Prometheus, SilenceSpec, USER,
    WATCHDOG_RULE, http_client, until,
};

/// The alert of this name, once it has come.
async fn alert(am: &Alertmanager, alertname: &str) -> Value {
    until(&format!("{} has {alertname}", am.url()), async || {
        let alerts = am.alerts().await;
        let named = alerts
            .iter()
            .find(|alert| alert["labels"]["alertname"] == alertname);
        named.cloned().ok_or_else(|| format!("{alerts:?}"))
    })
    .await
}

async fn silence_state(am: &Alertmanager, id: &str, state: &str) {
    until(
        &format!("{} has silence {id} {state}", am.url()),
        async || {
            let silences = am.silences().await;
            let known = silences
                .iter()
                .any(|silence| silence["id"] == id && silence["status"]["state"] == state);
            known.then_some(()).ok_or_else(|| format!("{silences:?}"))
        },
    )
    .await;
}

#[tokio::test]
async fn a_pair_gossips_silences_but_not_alerts() {
    let pair = AlertmanagerPair::start().await;
    pair.first.post_alerts(&[AlertSpec::new("OnlyHere")]).await;
    alert(&pair.first, "OnlyHere").await;

    // Posted after the alert, so once it has arrived the alert would have had its chance.
    let id = pair
        .first
        .post_silence(&SilenceSpec::matching("alertname", "Elsewhere").and("node", "n1"))
        .await;
    silence_state(&pair.second, &id, "active").await;
    assert_eq!(pair.second.alerts().await, [] as [Value; 0]);

    pair.second.expire_silence(&id).await;
    silence_state(&pair.first, &id, "expired").await;
}

#[tokio::test]
async fn a_replica_that_was_killed_comes_back_on_its_port_and_learns_the_silences() {
    let mut pair = AlertmanagerPair::start().await;
    let id = pair
        .first
        .post_silence(&SilenceSpec::matching("alertname", "NodeDown"))
        .await;
    silence_state(&pair.second, &id, "active").await;

    pair.second.kill();
    let refused = stranger_gets(pair.second.url()).await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    silence_state(&pair.first, &id, "active").await;

    let url = pair.second.url().to_owned();
    pair.second.restart().await;
    assert_eq!(pair.second.url(), url);
    pair.wait_clustered().await;
    silence_state(&pair.second, &id, "active").await;
}

#[tokio::test]
async fn alerts_are_routed_inhibited_silenced_and_resolved() {
    let am = Alertmanager::start().await;
    let down = AlertSpec::new("NodeDown")
        .label("severity", "critical")
        .label("node", "n1")
        .annotation("summary", "n1 does not answer")
        .since(TimeDelta::hours(3));
    let on_it = AlertSpec::new("DiskSlow")
        .label("severity", "warning")
        .label("node", "n1");
    let beside_it = AlertSpec::new("DiskSlow")
        .label("severity", "warning")
        .label("node", "n2");
    am.post_alerts(&[down.clone(), on_it, beside_it]).await;

    until("the warning on the same node, and no other, is inhibited", async || {
        let alerts = am.alerts().await;
        let inhibited: Vec<&Value> = alerts
            .iter()
            .filter(|alert| alert["status"]["inhibitedBy"] != Value::Array(Vec::new()))
            .map(|alert| &alert["labels"])
            .collect();
        let right = matches!(inhibited[..], [labels] if labels["alertname"] == "DiskSlow" && labels["node"] == "n1");
        right.then_some(()).ok_or_else(|| format!("{inhibited:?} of {alerts:?}"))
    })
    .await;

    let page = alert(&am, "NodeDown").await;
    assert_eq!(page["receivers"][0]["name"], "pager");
    assert_eq!(page["annotations"]["summary"], "n1 does not answer");
    assert!(page["startsAt"].as_str() < page["updatedAt"].as_str());

    am.post_silence(&SilenceSpec::matching("node", "n1")).await;
    until("the page is silenced", async || {
        let status = &alert(&am, "NodeDown").await["status"];
        let silenced = status["state"] == "suppressed" && status["silencedBy"][0].is_string();
        silenced.then_some(()).ok_or_else(|| status.to_string())
    })
    .await;

    am.post_alerts(&[down.resolved()]).await;
    until("the page is gone", async || {
        let alerts = am.alerts().await;
        let there = alerts
            .iter()
            .any(|alert| alert["labels"]["alertname"] == "NodeDown");
        (!there).then_some(()).ok_or_else(|| format!("{alerts:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_route_prefix_moves_the_whole_api() {
    let am = Alertmanager::start_with("/deep/am", Access::Open).await;
    assert!(am.url().ends_with("/deep/am"));
    assert!(am.get("/status").await["versionInfo"]["version"].is_string());

    let root = am.url().trim_end_matches("/deep/am");
    let outside = stranger_gets(&format!("{root}/api/v2/status")).await;
    assert_eq!(
        outside.map(|answer| answer.status().as_u16()).ok(),
        Some(404)
    );
}

#[tokio::test]
async fn a_password_is_asked_for() {
    let am = Alertmanager::start_with("", Access::Password).await;
    let status = format!("{}/api/v2/status", am.url());
    let refused = stranger_gets(&status).await;
    assert_eq!(
        refused.map(|answer| answer.status().as_u16()).ok(),
        Some(401)
    );

    let client = http_client().build().unwrap_or_else(|e| panic!("{e}"));
    let known = client
        .get(&status)
        .basic_auth(USER, Some(PASSWORD))
        .send()
        .await;
    assert_eq!(known.map(|answer| answer.status().as_u16()).ok(), Some(200));
}

#[tokio::test]
async fn tls_asks_for_trust_in_the_private_authority_and_for_a_client_certificate() {
    for access in [Access::PasswordOverTls, Access::ClientCertificate] {
        let am = Alertmanager::start_with("", access).await;
        assert!(am.url().starts_with("https://127.0.0.1:"));
        // The harness has everything the door asks for.
        assert!(am.get("/status").await["cluster"].is_object(), "{access:?}");
        // A client that trusts the usual authorities, and has no certificate, does not get in.
        assert!(stranger_gets(am.url()).await.is_err(), "{access:?}");

        let files = am
            .certificates()
            .unwrap_or_else(|| panic!("{access:?} has certificates"));
        let pem = std::fs::read(&files.authority).unwrap_or_else(|e| panic!("{e}"));
        let authority = reqwest::Certificate::from_pem(&pem).unwrap_or_else(|e| panic!("{e}"));
        let trusting = http_client().tls_certs_only([authority]).build();
        let trusting = trusting.unwrap_or_else(|e| panic!("{e}"));
        let answer = trusting.get(am.url()).send().await;
        match access {
            Access::PasswordOverTls => {
                assert_eq!(answer.map(|a| a.status().as_u16()).ok(), Some(401));
            }
            _ => assert!(
                answer.is_err(),
                "{access:?} let a client without certificate in"
            ),
        }
    }
}

#[tokio::test]
async fn prometheus_fires_a_rule_into_both_replicas_and_comes_back_after_a_crash() {
    let pair = AlertmanagerPair::start().await;
    let mut prometheus = Prometheus::start(WATCHDOG_RULE, &[&pair.first, &pair.second]).await;
    let first = alert(&pair.first, "Watchdog").await;
    let second = alert(&pair.second, "Watchdog").await;
    assert_eq!(first["fingerprint"], second["fingerprint"]);
    assert_eq!(first["labels"]["cluster"], "loopback");

    let own = &prometheus.get("/alerts").await["alerts"][0];
    assert_eq!(own["labels"]["alertname"], "Watchdog");
    assert_eq!(
        own["labels"]["cluster"],
        Value::Null,
        "external labels are added on the way out"
    );

    until("Prometheus has scraped itself", async || {
        let up = prometheus.get("/query?query=up").await;
        (up["result"][0]["value"][1] == "1")
            .then_some(())
            .ok_or_else(|| up.to_string())
    })
    .await;

    prometheus.kill();
    assert!(stranger_gets(prometheus.url()).await.is_err());
    prometheus.restart().await;
    let groups = &prometheus.get("/rules").await["groups"];
    assert_eq!(groups[0]["name"], "watchdog");
}

#[tokio::test]
async fn prometheus_gets_through_a_prefix_a_password_and_tls() {
    let am = Alertmanager::start_with("/am", Access::PasswordOverTls).await;
    let _prometheus = Prometheus::start(WATCHDOG_RULE, &[&am]).await;
    alert(&am, "Watchdog").await;
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    let said = super::cannot_start(
        "prometheus-alertmanager",
        "prometheus-alertmanager",
        &missing,
    );
    assert!(
        said.contains("scripts/test") && said.contains("apt-get install"),
        "{said}"
    );
}

/// A GET by somebody who knows nothing of the peer.
async fn stranger_gets(url: &str) -> reqwest::Result<reqwest::Response> {
    http_client().build()?.get(url).send().await
}
