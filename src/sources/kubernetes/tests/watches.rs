//! What the watches tell after the first list.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const PODS: &str = "/api/v1/pods";

#[tokio::test]
async fn a_watch_begins_where_the_list_ended_and_silence_is_the_same_answer() {
    let mut rig = deployments_of(&watched_script());
    let first = rig.poll(0).await.unwrap();
    assert_eq!(state(&first), "read 2");
    assert!(watched_from(&rig).is_empty());

    for at in [1, 2, 3] {
        let next = rig.poll(at).await.unwrap();
        assert!(Arc::ptr_eq(&first, &next), "{:?}", states(&next));
    }
    rig.poll_until(4, |rig, _| !watched_from(rig).is_empty())
        .await;
    let requests = rig.server.requests();
    let watches: Vec<_> = requests
        .iter()
        .filter(|r| r.params("watch") == ["1"])
        .collect();
    assert_eq!(watches.len(), 1);
    assert_eq!(watches[0].path(), DEPLOYMENTS);
    assert_eq!(watches[0].params("resourceVersion"), ["1056"]);
    assert_eq!(watches[0].params("allowWatchBookmarks"), ["true"]);
    assert_eq!(watches[0].params("timeoutSeconds"), ["290"]);
    assert!(watches[0].params("limit").is_empty());
    assert_eq!(lists(&rig), 1);
}

#[tokio::test]
async fn all_that_was_recorded_during_the_actions_is_followed_however_it_is_cut() {
    let recorded_list = fixture("lists/pods-by-label.json");
    let events = fixture("watch/pods-during-actions.ndjson");
    let mut expected = BTreeSet::new();
    let name =
        |object: &Value| format!("payments/{}", object["metadata"]["name"].as_str().unwrap());
    let list: Value = serde_json::from_slice(&recorded_list).unwrap();
    expected.extend(list["items"].as_array().unwrap().iter().map(name));
    let at_first = expected.clone();
    let mut version = String::new();
    for line in events
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
    {
        let event: Value = serde_json::from_slice(line).unwrap();
        let object = &event["object"];
        object["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .clone_into(&mut version);
        match event["type"].as_str().unwrap() {
            "DELETED" => assert!(expected.remove(&name(object))),
            "BOOKMARK" => {}
            _ => {
                expected.insert(name(object));
            }
        }
    }
    assert_ne!(at_first, expected);

    for size in [7919, 65_536, events.len()] {
        let script = Script::recorded();
        script.set(PODS, [Reply::ok(&recorded_list)]);
        let (sender, reply) = Reply::streamed();
        events
            .chunks(size)
            .for_each(|piece| sender.send(piece.to_vec()).unwrap());
        let held = Reply::chunked("", "").then_hold();
        script.set(&format!("watch {PODS}"), [reply, held]);
        let mut rig = Rig::of(&script, &["pods"]);
        rig.poll(0).await.unwrap();
        assert_eq!(BTreeSet::from_iter(rig.names()), at_first);
        drop(sender);
        let answer = rig
            .poll_until(1, |rig, _| watched_from(rig).len() > 1)
            .await;
        assert_eq!(BTreeSet::from_iter(rig.names()), expected);
        assert_eq!(state(&answer), format!("read {}", expected.len()));
        // It had come to its end: the next one goes on there, without a list in between.
        assert_eq!(watched_from(&rig)[1], version);
        assert_eq!(lists(&rig), 1);
    }
}

#[tokio::test]
async fn an_event_is_told_when_it_comes_and_a_deleted_object_is_gone() {
    let script = watched_script();
    let (sender, reply) = Reply::streamed();
    script.set(DEPLOYMENTS_WATCH, [reply]);
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    sender.send(event("ADDED", "ledger", "1100")).unwrap();
    rig.poll_until(1, |_, answer| state(answer) == "read 3")
        .await;
    assert_eq!(rig.names()[0], "payments/ledger");

    sender
        .send(event("DELETED", "payments-api", "1101"))
        .unwrap();
    rig.poll_until(2, |_, answer| state(answer) == "read 2")
        .await;
    assert_eq!(rig.names(), ["payments/ledger", "payments/payments-worker"]);
    assert_eq!(watched_from(&rig), ["1056"]);
}

#[tokio::test]
async fn a_bookmark_moves_the_watch_on_and_nothing_else() {
    let script = watched_script();
    let bookmark = fixture("watch/initial-events-bookmark.ndjson");
    let bookmark = bookmark
        .split_inclusive(|b| *b == b'\n')
        .next_back()
        .unwrap();
    script.set(
        DEPLOYMENTS_WATCH,
        [stream(bookmark), Reply::chunked("", "").then_hold()],
    );
    let mut rig = deployments_of(&script);
    let first = rig.poll(0).await.unwrap();
    let last = rig
        .poll_until(1, |rig, _| watched_from(rig).len() > 1)
        .await;
    assert!(Arc::ptr_eq(&first, &last));
    assert_eq!(watched_from(&rig), ["1056", "1605"]);
}

#[tokio::test]
async fn half_a_line_at_the_end_of_a_watch_is_told_again_by_the_next() {
    let script = watched_script();
    let whole = event("ADDED", "ledger", "1100");
    let (half, _) = whole.split_at(40);
    script.set(DEPLOYMENTS_WATCH, [stream(half), stream(&whole)]);
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    let answer = rig
        .poll_until(1, |_, answer| state(answer) == "read 3")
        .await;
    assert_eq!(watched_from(&rig)[..2], ["1056", "1056"]);
    assert!(limits(&answer).is_empty());
}

#[tokio::test]
async fn an_overloaded_server_is_left_in_peace_and_the_other_parts_go_on() {
    let script = watched_script();
    script.set("/api/v1/nodes", [recorded("lists/nodes.json")]);
    let busy = refusal("429 Too Many Requests", "errors/429-api-overload.txt");
    script.set(
        DEPLOYMENTS_WATCH,
        [busy, Reply::chunked("", "").then_hold()],
    );
    let mut rig = Rig::of(&script, &["deployments", "nodes"]);
    rig.poll(0).await.unwrap();
    let answer = rig
        .poll_until(1, |_, answer| states(answer)[0].1 != "read 2")
        .await;
    let states_then = states(&answer);
    assert_eq!(
        states_then[0].1,
        "last known: overloaded (429 Too Many Requests at /apis/apps/v1/deployments: Too many \
         requests, please try again later.); shown as of 06:20:00Z"
    );
    assert_eq!(states_then[1].1, "read 3");
    let of_deployments = |rig: &Rig| rig.asked(DEPLOYMENTS).len();
    assert_eq!(of_deployments(&rig), 2);
    rig.poll(5).await.unwrap();
    assert_eq!(of_deployments(&rig), 2, "asked again too soon");
    rig.poll_until(7, |_, answer| states(answer)[0].1 == "read 2")
        .await;
    assert_eq!(rig.asked(DEPLOYMENTS)[1], rig.asked(DEPLOYMENTS)[2]);
    assert_eq!(lists(&rig), 2);
}

#[tokio::test]
async fn an_object_that_becomes_unreadable_is_no_longer_what_it_was() {
    let script = watched_script();
    let (sender, reply) = Reply::streamed();
    script.set(DEPLOYMENTS_WATCH, [reply]);
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    let odd = json!({"type": "MODIFIED", "object": {"metadata": {
        "name": "payments-api", "namespace": "payments", "resourceVersion": "1100",
        "uid": 7, "labels": 7, "creationTimestamp": 7,
    }}});
    sender.send(format!("{odd}\n").into_bytes()).unwrap();
    let unreadable = |rig: &Rig| rig.source.reading.store.unreadable.len();
    let answer = rig.poll_until(1, |rig, _| unreadable(rig) == 1).await;
    assert_eq!(state(&answer), "read 2");
    assert_eq!(rig.names(), ["payments/payments-worker"]);
    sender
        .send(event("DELETED", "payments-api", "1101"))
        .unwrap();
    rig.poll_until(2, |rig, _| unreadable(rig) == 0).await;
}

#[tokio::test]
async fn a_silent_watch_is_given_up_and_resumed() {
    let script = watched_script();
    script.set(
        DEPLOYMENTS_WATCH,
        [greeting(), Reply::chunked("", "").then_hold()],
    );
    let mut rig = deployments_of(&script);
    rig.poll(0).await.unwrap();
    rig.poll_until(1, is_greeted).await;
    let first = rig.poll(140).await.unwrap();
    assert_eq!(watched_from(&rig).len(), 1);
    rig.poll(200).await.unwrap();
    let last = rig
        .poll_until(201, |rig, _| watched_from(rig).len() == 2)
        .await;
    assert_eq!(watched_from(&rig)[1], "1600");
    assert_eq!(lists(&rig), 1);
    assert_eq!(first.parts, last.parts);
}

#[tokio::test]
async fn secrets_are_watched_by_their_metadata_alone() {
    let script = Script::recorded();
    let list = json!({"kind": "PartialObjectMetadataList", "metadata": {"resourceVersion": "5"}, "items": null});
    script.set("/api/v1/secrets", [Reply::ok(list.to_string())]);
    let mut rig = Rig::of(&script, &["secrets"]);
    assert_eq!(state(&rig.poll(0).await.unwrap()), "read 0");
    rig.poll_until(1, |rig, _| watched_from(rig).len() == 1)
        .await;
    let requests = rig.server.requests();
    let watch = requests
        .iter()
        .find(|r| r.params("watch") == ["1"])
        .unwrap();
    assert_eq!(
        watch.header("accept"),
        Some("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
    );
    assert_eq!(watch.params("labelSelector"), ["owner=helm"]);
}
