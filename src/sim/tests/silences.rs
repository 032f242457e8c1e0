//! Are silences and sent alerts taken as an Alertmanager takes them?

use serde_json::json;

use super::*;
use crate::sim::alertmanager as handlers;

struct Cluster {
    world: World,
    now_ms: i64,
}

impl Cluster {
    fn at(secs: i64) -> Self {
        Self {
            world: WORLD.clone(),
            now_ms: secs * 1_000,
        }
    }

    fn read(&self, replica: Replica, target: &str) -> Value {
        let request = request(Method::GET, target);
        json(&handlers::answer(
            &self.world,
            replica,
            &request,
            self.now_ms,
        ))
    }

    fn write(&mut self, method: Method, target: &str, body: &Value) -> Answer {
        let asked = Request {
            content_type: "application/json".to_owned(),
            body: body.to_string().into(),
            ..request(method, target)
        };
        let now_ms = self.world.deeds.present_ms(self.now_ms);
        let written = handlers::written(&self.world, Replica::First, &asked, now_ms);
        if let Some(deeds) = written.deeds {
            self.now_ms = deeds.last_ms.unwrap();
            self.world = self.world.with(deeds);
        }
        written.answer
    }

    /// The new silence's id.
    fn post(&mut self, body: &Value) -> String {
        let answer = self.write(Method::POST, "/api/v2/silences", body);
        text(&json(&answer), "/silenceID").to_owned()
    }

    fn state(&self, replica: Replica, id: &str) -> String {
        let all = self.read(replica, "/api/v2/silences");
        let own = list(&all).iter().find(|silence| silence["id"] == id);
        own.map_or("unknown", |own| text(own, "/status/state"))
            .to_owned()
    }

    fn silence(&self, ends_secs: i64) -> Value {
        let matcher = |name: &str, value: &str| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true });
        json!({
            "matchers": [
                matcher("alertname", "CheckoutErrorBudgetBurn"), matcher("service", "checkout-api"),
            ],
            "startsAt": self.world.wall(self.now_ms), "endsAt": self.world.wall(ends_secs * 1_000),
            "createdBy": "otto", "comment": "INC-2291 \"quoted\"",
        })
    }
}

#[test]
fn a_silence_quiets_here_at_once_and_there_within_a_second() {
    let mut cluster = Cluster::at(200);
    let body = cluster.silence(500);
    let id = cluster.post(&body);
    assert_eq!(cluster.state(Replica::First, &id), "active");
    assert_eq!(cluster.state(Replica::Second, &id), "unknown");
    let burning = "/api/v2/alerts?filter=alertname%3DCheckoutErrorBudgetBurn";
    let alerts = cluster.read(Replica::First, burning);
    assert_eq!(text(&alerts, "/0/status/state"), "suppressed");
    assert_eq!(text(&alerts, "/0/status/silencedBy/0"), id);
    cluster.now_ms += 1_000;
    assert_eq!(cluster.state(Replica::Second, &id), "active");
    let gone = cluster.write(
        Method::DELETE,
        &format!("/api/v2/silence/{id}"),
        &Value::Null,
    );
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (200, ""));
    assert_eq!(cluster.state(Replica::First, &id), "expired");
    let alerts = cluster.read(Replica::First, burning);
    assert_eq!(text(&alerts, "/0/status/state"), "active");
    cluster.now_ms += 1_000;
    assert_eq!(cluster.state(Replica::Second, &id), "expired");
    let unknown = "/api/v2/silence/0e0bd1a2-0000-4000-8000-000000000000";
    assert_eq!(
        cluster
            .write(Method::DELETE, unknown, &Value::Null)
            .status
            .as_u16(),
        404
    );
}

#[test]
fn an_update_keeps_its_id_only_if_start_and_matchers_stay() {
    let mut cluster = Cluster::at(200);
    let body = cluster.silence(500);
    let id = cluster.post(&body);
    cluster.now_ms += 5_000;
    let stored = cluster.read(Replica::First, &format!("/api/v2/silence/{id}"));
    let mut longer = stored.clone();
    longer["endsAt"] = json!(cluster.world.wall(600_000));
    assert_eq!(cluster.post(&longer), id);
    let mut moved = longer.clone();
    moved["startsAt"] = json!(cluster.world.wall(cluster.now_ms));
    let second = cluster.post(&moved);
    assert_ne!(second, id);
    assert_eq!(cluster.state(Replica::First, &id), "expired");
    let mut other = cluster.read(Replica::First, &format!("/api/v2/silence/{second}"));
    other["matchers"][0]["value"] = json!("CheckoutSlowRequests");
    let third = cluster.post(&other);
    assert_ne!(third, second);
    assert_eq!(cluster.state(Replica::First, &second), "expired");
    assert_eq!(cluster.state(Replica::First, &third), "active");
}

#[test]
fn a_silence_that_cannot_be_is_refused() {
    let mut cluster = Cluster::at(200);
    let good = cluster.silence(500);
    let mut late = good.clone();
    late["startsAt"] = json!(cluster.world.wall(100_000));
    late["endsAt"] = json!(cluster.world.wall(150_000));
    let mut unnamed = good.clone();
    unnamed["id"] = json!("0e0bd1a2-0000-4000-8000-000000000000");
    let mut wide = good.clone();
    wide["matchers"] = json!([{ "name": "pod", "value": ".*", "isRegex": true }]);
    let mut mute = good.clone();
    mute.as_object_mut().unwrap().remove("comment");
    for (body, status, wanted) in [
        (late, 400, "end time can't be in the past"),
        (unnamed, 404, ""),
        (
            wide,
            400,
            "at least one matcher must not match the empty string",
        ),
        (mute, 422, "comment in body is required"),
        (json!("text"), 422, "comment in body is required"),
    ] {
        let answer = cluster.write(Method::POST, "/api/v2/silences", &body);
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert!(answer.body.contains(wanted), "{}", answer.body);
    }
    assert_eq!(
        list(&cluster.read(Replica::First, "/api/v2/silences")).len(),
        3
    );
}

#[test]
fn a_sent_alert_stays_where_it_was_sent_until_it_ends() {
    let mut cluster = Cluster::at(50);
    let alert = json!([{
        "labels": { "alertname": "QuellBreakGlass", "severity": "page" },
        "annotations": { "summary": "otto broke the glass" },
    }]);
    let answer = cluster.write(Method::POST, "/api/v2/alerts", &alert);
    assert_eq!(answer.status.as_u16(), 200);
    let sent = "/api/v2/alerts?filter=alertname%3DQuellBreakGlass";
    let held = cluster.read(Replica::First, sent);
    assert_eq!(
        held[0]["receivers"],
        json!([{ "name": "incident-bot" }, { "name": "pager" }])
    );
    assert_eq!(list(&cluster.read(Replica::Second, sent)).len(), 0);
    cluster.now_ms += 299_000;
    assert_eq!(list(&cluster.read(Replica::First, sent)).len(), 1);
    cluster.now_ms += 2_000;
    assert_eq!(list(&cluster.read(Replica::First, sent)).len(), 0);
}
