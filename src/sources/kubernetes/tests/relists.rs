//! When a watch cannot go on, or cannot be believed, and the list is asked for again.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use serde_json::Value;

use super::*;

#[tokio::test]
async fn a_watch_from_too_long_ago_is_listed_again() {
    // In a 200, as the API server does it, and as a plain 410.
    for gone in [
        stream(&fixture("watch/410-too-old.ndjson")),
        refusal("410 Gone", "errors/410-list-exact-compacted.json"),
    ] {
        let script = watched_script();
        script.set(
            DEPLOYMENTS,
            [list_at("1056"), recorded("lists/deployments-all.json")],
        );
        script.set(
            DEPLOYMENTS_WATCH,
            [gone, Reply::chunked("", "").then_hold()],
        );
        let mut rig = deployments_of(&script);
        assert_eq!(state(&rig.poll(0).await.unwrap()), "read 2");
        let answer = rig
            .poll_until(1, |_, answer| state(answer) == "read 4")
            .await;
        assert!(limits(&answer).is_empty(), "{:?}", limits(&answer));
        rig.poll_until(2, |rig, _| watched_from(rig).len() > 1)
            .await;
        assert_eq!(lists(&rig), 2);
        let list: Value = serde_json::from_slice(&fixture("lists/deployments-all.json")).unwrap();
        assert_eq!(list["metadata"]["resourceVersion"], watched_from(&rig)[1]);
    }
}

#[tokio::test]
async fn the_old_objects_are_the_last_known_until_the_new_list_is_complete() {
    let script = watched_script();
    let busy = refusal(
        "503 Service Unavailable",
        "errors/503-aggregated-api-down.txt",
    );
    script.set(DEPLOYMENTS, [list_at("1056"), busy, list_at("1700")]);
    script.set(
        DEPLOYMENTS_WATCH,
        [stream(&fixture("watch/410-too-old.ndjson"))],
    );
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    let gone = rig.source.poll(t(1)).await;
    let mut failed = gone;
    for _ in 0..200 {
        if failed.is_err() {
            break;
        }
        failed = rig.poll(1).await;
    }
    // It is all that is read, so the whole source has failed; the model keeps its last answer.
    let error = failed.unwrap_err();
    assert_eq!(
        error.to_string(),
        "overloaded (503 Service Unavailable at /apis/apps/v1/deployments: service unavailable)"
    );
    assert_eq!(
        states(&DeliveryAnswer {
            parts: rig.source.reading.parts(),
            ..DeliveryAnswer::default()
        })[0]
            .1,
        "last known: overloaded (503 Service Unavailable at /apis/apps/v1/deployments: service \
         unavailable); shown as of 06:20:01Z"
    );
    assert_eq!(rig.names().len(), 2);
    assert_eq!(lists(&rig), 2);
    assert!(rig.poll(5).await.is_err());
    assert_eq!(lists(&rig), 2, "asked again too soon");
    script.set(DEPLOYMENTS_WATCH, [Reply::chunked("", "").then_hold()]);
    assert_eq!(state(&rig.poll(6).await.unwrap()), "read 2");
    assert_eq!(lists(&rig), 3);
}

#[tokio::test]
async fn a_version_that_the_server_cannot_read_is_listed_again() {
    let script = watched_script();
    let odd = Reply::status(
        "500 Internal Server Error",
        "",
        fixture("watch/500-bad-rv.json"),
    );
    script.set(DEPLOYMENTS, [list_at("abc"), list_at("1056")]);
    script.set(DEPLOYMENTS_WATCH, [odd, Reply::chunked("", "").then_hold()]);
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    rig.poll_until(1, |rig, _| watched_from(rig).len() > 1)
        .await;
    assert_eq!(watched_from(&rig), ["abc", "1056"]);
    assert_eq!(lists(&rig), 2);
}

#[tokio::test]
async fn a_watch_that_makes_no_sense_is_reported_and_listed_again() {
    let nameless = br#"{"type":"ADDED","object":{"metadata":{"resourceVersion":"9"}}}"#;
    let unknown = br#"{"type":"RENAMED","object":{"metadata":{"name":"x"}}}"#;
    for (line, why) in [
        (&b"{\"type\":\"MODI\n"[..], "EOF while parsing a string"),
        (b"<html>\n", "expected value at line 1 column 1"),
        (&[&nameless[..], b"\n"].concat(), "missing field `name`"),
        (
            &[&unknown[..], b"\n"].concat(),
            "an event of the unknown type RENAMED",
        ),
    ] {
        let script = watched_script();
        script.set(
            DEPLOYMENTS_WATCH,
            [stream(line), Reply::chunked("", "").then_hold()],
        );
        let mut rig = deployments_of(&script);
        rig.poll(0).await.unwrap();
        let answer = rig
            .poll_until(1, |_, answer| !limits(answer).is_empty())
            .await;
        let limit = limits(&answer)[0].to_owned();
        assert!(
            limit.starts_with("deployments: its watch told what cannot be read ("),
            "{limit}"
        );
        assert!(limit.contains(why), "{limit}");
        assert_eq!((lists(&rig), state(&answer).as_str()), (2, "read 2"));
        // It is seen for a while, then it is history.
        assert_eq!(limits(&rig.poll(200).await.unwrap()).len(), 1);
        script.set("/version", [recorded("meta/version.json")]);
        assert!(limits(&rig.poll(302).await.unwrap()).is_empty());
    }
}

#[tokio::test]
async fn what_may_be_listed_but_not_watched_is_listed_at_times() {
    let script = watched_script();
    let refused = refusal("403 Forbidden", "errors/403-viewer-secrets.json");
    script.set(DEPLOYMENTS_WATCH, [refused]);
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    let answer = rig
        .poll_until(1, |_, answer| !limits(answer).is_empty())
        .await;
    assert_eq!(state(&answer), "read 2");
    let limit = limits(&answer)[0];
    assert!(
        limit.starts_with(
            "deployments: cannot be watched, listed every 60 s instead: 403 Forbidden"
        ),
        "{limit}"
    );
    script.set(DEPLOYMENTS, [recorded("lists/deployments-all.json")]);
    assert_eq!(state(&rig.poll(59).await.unwrap()), "read 2");
    assert_eq!(state(&rig.poll(61).await.unwrap()), "read 4");
    assert_eq!(watched_from(&rig).len(), 1);
}
