//! Several quells on one file.

use super::*;

#[tokio::test]
async fn two_quells_lose_no_row_and_see_each_others() {
    let (_root, path) = place();
    let (mut one, mut two) = (open(&path, 0).await, open(&path, 0).await);
    let (a, b): (SourceName, SourceName) = ("a".into(), "b".into());
    let mut told_a = Vec::new();
    let mut told_b = Vec::new();
    for n in 0..30 {
        told_a.push(change(&format!("a{n}"), n));
        told_b.push(change(&format!("b{n}"), n));
        let (answer_a, answer_b) = (changes(&told_a), changes(&told_b));
        let (done_a, done_b) = tokio::join!(
            one.remember(&a, &answer_a, t(n)),
            two.remember(&b, &answer_b, t(n)),
        );
        assert!(done_a.unwrap() && done_b.unwrap());
    }
    one.refresh().await.unwrap();
    two.refresh().await.unwrap();
    assert_eq!(one.past().changes.len(), 60);
    assert_eq!(one.past().changes, two.past().changes);
    assert!(!one.refresh().await.unwrap(), "nothing is news twice");
    assert_eq!(open(&path, 40).await.past().changes, one.past().changes);
}

#[tokio::test]
async fn two_quells_that_hear_the_same_count_it_once() {
    let (_root, path) = place();
    let (mut one, mut two) = (open(&path, 0).await, open(&path, 0).await);
    let mut before = 0;
    for (minute, ids) in [&["d"][..], &["d"], &[], &[], &["d"], &["d"]]
        .iter()
        .enumerate()
    {
        let minute = i64::try_from(minute).unwrap();
        one.remember(&k8s(), &drifts(ids), t(minute)).await.unwrap();
        before = written(&mut two).await;
        two.remember(&k8s(), &drifts(ids), t(minute)).await.unwrap();
    }
    assert_eq!(
        written(&mut two).await,
        before,
        "the other had written it all"
    );
    let expected = seen(0, 5, 2);
    one.refresh().await.unwrap();
    for history in [one, two] {
        let seen = history.past().drifts_seen[&line("d")];
        assert_eq!((seen.first, seen.times), (expected.first, expected.times));
    }
}

#[tokio::test]
async fn an_answer_from_before_it_went_brings_nothing_back() {
    let (_root, path) = place();
    let (mut one, mut two) = (open(&path, 0).await, open(&path, 0).await);
    let id = line("d");
    one.remember(&k8s(), &drifts(&["d"]), t(0)).await.unwrap();
    one.remember(&k8s(), &drifts(&[]), t(5)).await.unwrap();
    two.remember(&k8s(), &drifts(&["d"]), t(4)).await.unwrap();
    assert_eq!(two.past().drifts_seen[&id].times, 1);
    two.remember(&k8s(), &drifts(&["d"]), t(6)).await.unwrap();
    assert_eq!(two.past().drifts_seen[&id], seen(0, 6, 2));
}

#[tokio::test]
async fn several_quells_begin_one_file_at_once() {
    let (_root, path) = place();
    let opened = futures_util::future::join_all((0..8).map(|_| History::open(&path, KEEP, t(0))));
    let mut all: Vec<History> = opened.await.into_iter().map(Result::unwrap).collect();
    for (n, history) in all.iter_mut().enumerate() {
        assert_eq!(history.troubles(), [""; 0]);
        let source: SourceName = format!("s{n}").into();
        let told = changes(&[change(&format!("c{n}"), 0)]);
        history.remember(&source, &told, t(1)).await.unwrap();
        assert_eq!(history.past().changes.len(), n + 1);
    }
}

#[tokio::test]
async fn a_writer_that_waits_too_long_says_so_and_tries_again() {
    let (_root, path) = place();
    let (mut one, mut two) = (open(&path, 0).await, open(&path, 0).await);
    sqlx::query("PRAGMA busy_timeout = 0")
        .fetch_all(&mut two.db)
        .await
        .unwrap();
    let begun = sqlx::Connection::begin_with(&mut one.db, "BEGIN IMMEDIATE")
        .await
        .unwrap();
    let error = two
        .remember(&k8s(), &drifts(&["d"]), t(0))
        .await
        .unwrap_err();
    assert!(error.contains("another program holds it"), "{error}");
    begun.rollback().await.unwrap();
    assert!(two.remember(&k8s(), &drifts(&["d"]), t(1)).await.unwrap());
    assert_eq!(two.past().drifts_seen[&line("d")], seen(1, 1, 1));
}
