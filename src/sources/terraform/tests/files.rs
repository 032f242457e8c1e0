//! Files, folders and sidecars: when they are read anew, and what is said of what cannot be read.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

#[tokio::test]
async fn the_same_files_give_the_same_answer_and_a_new_plan_another() {
    let folder = folder(&[("a.json", &fixture("01-no-drift.show.json"))]);
    let mut client = client(folder.path());
    let first = client.poll(now()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &client.poll(now()).await.unwrap()));
    // A pipeline writes beside it and renames.
    fs::write(
        folder.path().join(".new"),
        fixture("02-drift-update.show.json"),
    )
    .unwrap();
    fs::rename(folder.path().join(".new"), folder.path().join("a.json")).unwrap();
    let second = client.poll(now()).await.unwrap();
    assert_eq!(second.drifts.len(), 1);
    fs::write(
        folder.path().join("a.meta.json"),
        r#"{"workspace": "prod"}"#,
    )
    .unwrap();
    let third = client.poll(now()).await.unwrap();
    assert_eq!(
        third.drifts[0].id.raw(),
        "terraform:tf:prod:fake_service.web"
    );
}

#[tokio::test]
async fn a_plan_named_by_itself_has_its_sidecar_too() {
    let folder = folder(&[
        ("prod.tfplan.json", &fixture("02-drift-update.show.json")),
        ("prod.tfplan.provenance.json", br#"{"commit": "3f2a9c1"}"#),
        ("other.json", b"not looked at"),
    ]);
    let answer = client(&folder.path().join("prod.tfplan.json"))
        .poll(now())
        .await
        .unwrap();
    let provenance = answer.drifts[0].report.provenance.as_ref().unwrap();
    assert_eq!(provenance.raw(), "commit 3f2a9c1");
    assert_eq!(answer.parts.len(), 1);
}

#[tokio::test]
async fn a_bad_sidecar_costs_its_words_only() {
    let answer = told(&[
        ("prod.json", &fixture("02-drift-update.show.json")),
        ("prod.meta.json", b"{\n  \"workspace\": }"),
        ("gone.meta.json", b"{}"),
    ])
    .await;
    assert_eq!(answer.drifts.len(), 1);
    let limits = limits(&answer);
    assert!(
        limits[0].starts_with("prod.meta.json:2:16: expected value"),
        "{limits:?}"
    );
    assert!(
        limits[1].starts_with("gone.meta.json: speaks of no plan"),
        "{limits:?}"
    );
}

#[tokio::test]
async fn without_any_other_time_the_file_has_one_and_it_is_said() {
    let plan = changed("02-drift-update.show.json", |plan| {
        plan.as_object_mut().unwrap().remove("timestamp");
    });
    let answer = told(&[("prod.json", &plan)]).await;
    let report = &answer.drifts[0].report;
    assert!(report.at.is_some());
    assert_eq!(
        report.provenance.as_ref().unwrap().raw(),
        "time of the file"
    );
    let sidecar = br#"{"made_at": "2026-11-20T01:02:03Z"}"#;
    let answer = told(&[("prod.json", &plan), ("prod.meta.json", sidecar)]).await;
    assert_eq!(answer.drifts[0].report.at, Some(at("2026-11-20T01:02:03Z")));
}

#[tokio::test]
async fn a_time_in_the_future_is_said() {
    let plan = changed("01-no-drift.show.json", |plan| {
        plan["timestamp"] = json!("2026-11-22T19:30:00Z");
    });
    let answer = told(&[("prod.json", &plan)]).await;
    assert_eq!(
        limits(&answer),
        ["prod.json: its time is 24h in the future: a clock is wrong"]
    );
}

#[tokio::test]
async fn folders_are_looked_into_three_deep_and_no_pipe_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a/b/c/d");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x.json"), "{}").unwrap();
    fs::write(
        folder.path().join("a/b/c/y.json"),
        fixture("02-drift-update.show.json"),
    )
    .unwrap();
    fs::write(folder.path().join("notes.txt"), "not a plan").unwrap();
    let fifo = folder.path().join("pipe.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    let answer = client(folder.path()).poll(now()).await.unwrap();
    assert_eq!(
        answer.drifts[0].id.raw(),
        "terraform:tf:a/b/c/y:fake_service.web"
    );
    assert_eq!(
        limits(&answer),
        ["a/b/c/d is a folder that is not looked into"]
    );
    assert!(failure(&answer).starts_with("is no regular file"));
}

#[tokio::test]
async fn a_path_that_is_not_there_says_what_next() {
    let error = client(Path::new("/nowhere/plans"))
        .poll(now())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Local);
    assert!(error.detail.raw().contains("correct the path"), "{error}");
    let empty = TempDir::new().unwrap();
    let answer = client(empty.path()).poll(now()).await.unwrap();
    assert!(failure(&answer).starts_with("there is no plan in it"));
}

#[tokio::test]
async fn a_plan_too_large_is_refused_clearly() {
    let folder = TempDir::new().unwrap();
    let file = fs::File::create(folder.path().join("huge.json")).unwrap();
    file.set_len(257 * 1024 * 1024).unwrap();
    let answer = client(folder.path()).poll(now()).await.unwrap();
    assert!(failure(&answer).starts_with("is larger than 256 MiB"));
}
