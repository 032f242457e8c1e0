//! Do requests and approvals reach the others, through a folder and through git?

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::domain::approval::tests::plan_of;

fn request(plan: &Plan) -> ApprovalRequest {
    ApprovalRequest::for_plan(plan, None, (1, Some("sre".to_owned())), until())
}

#[tokio::test]
async fn a_folder_carries_them_there_and_back() {
    let scene = Scene::new();
    let (asks, approves) = (scene.quell_of("mara"), scene.quell_of("iris"));
    let request = request(&plan());
    asks.publish(&request).await.unwrap();
    // A plan that was made again replaces what was asked.
    asks.publish(&request).await.unwrap();
    let seen = approves.requests().await.unwrap();
    assert_eq!(seen.requests, [request]);
    assert_eq!(seen.problems, []);
    let signed = approves.sign(&plan(), "sre", until()).await.unwrap();
    approves.submit(&signed).await.unwrap();
    let found = asks.collect(&plan().seed.id).await.unwrap();
    assert_eq!(found.rejected, []);
    assert_eq!(found.approvals.len(), 1);
    assert_eq!(found.approvals[0].statement, statement());

    let entries = std::fs::read_dir(scene.path.join("shared")).unwrap();
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o640, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names.len(), 2, "nothing else stays: {names:?}");
    let id = plan().seed.id;
    assert!(
        names.iter().all(|name| name.starts_with(id.as_str())),
        "{names:?}"
    );
}

#[tokio::test]
async fn what_is_no_request_is_named() {
    let scene = Scene::new();
    let quell = scene.quell_of("iris");
    let shared = scene.path.join("shared");
    let good = request(&plan());
    quell.publish(&good).await.unwrap();
    let name = |id: u8| shared.join(format!("{}.request.json", format!("{id:02x}").repeat(16)));
    std::fs::write(name(1), good.canonical_bytes()).unwrap();
    std::fs::write(name(2), "{}").unwrap();
    symlink(name(1), name(3)).unwrap();
    let found = quell.requests().await.unwrap();
    assert_eq!(found.requests, [good]);
    let words: Vec<&str> = found.problems.iter().map(Untrusted::raw).collect();
    assert_eq!(words.len(), 3);
    assert!(
        words[0].contains("another action than its name"),
        "{words:?}"
    );
    assert!(words[1].contains("missing field"), "{words:?}");
    assert!(words[2].contains("it is a link"), "{words:?}");
}

#[tokio::test]
async fn nothing_in_the_folder_is_followed_or_believed() {
    let scene = Scene::new();
    let shared = scene.path.join("shared");
    let id = plan().seed.id;
    let name = |n: u8| shared.join(format!("{id}.{n:016x}.approval"));
    let good = scene.document(&statement(), "iris");
    let elsewhere = scene.write("elsewhere", &good);
    symlink(&elsewhere, name(1)).unwrap();
    std::fs::create_dir(name(2)).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        name(3),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    std::fs::write(name(4), good.clone() + &"\n".repeat(70_000)).unwrap();
    std::fs::write(name(5), b"\xff\xfe").unwrap();
    std::fs::write(name(6), &good).unwrap();
    std::fs::set_permissions(name(6), std::fs::Permissions::from_mode(0o666)).unwrap();
    let other = plan_of([8; 16], "x");
    let other = Statement::for_plan(&other, "iris@example.com", "sre", until());
    std::fs::write(name(7), scene.document(&other, "iris")).unwrap();
    std::fs::write(name(8), "x").unwrap();
    std::fs::write(shared.join(format!("{id}x.approval")), &good).unwrap();
    let found = scene.quell_of("mara").collect(&id).await.unwrap();
    assert_eq!(found.approvals, []);
    let mut why: Vec<&str> = found
        .rejected
        .iter()
        .map(|words| words.raw().split_once(".approval: ").unwrap().1)
        .collect();
    let mut expected = [
        "it is a link",
        "it is no file",
        "it is no file",
        "it has more than 65536 bytes",
        "it is not UTF-8",
        "everybody may write it",
        "it is for another action",
        "line 1: column 1: expected value at line 1 column 1",
    ];
    why.sort_unstable();
    expected.sort_unstable();
    assert_eq!(why, expected);
}

#[tokio::test]
async fn places_that_others_could_use_are_refused() {
    let scene = Scene::new();
    let shared = scene.path.join("shared");
    let open = |mode| std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(mode));
    let quell = scene.quell_of("mara");
    open(0o777).unwrap();
    let why = quell.requests().await.unwrap_err().to_string();
    assert!(why.contains("everybody may write it"), "{why}");
    open(0o1777).unwrap();
    quell.requests().await.unwrap();
    open(0o770).unwrap();
    quell.requests().await.unwrap();

    // A link in place of our file is not written through.
    let target = scene.write("target", "before");
    let name = format!("{}.request.json", plan().seed.id);
    symlink(&target, shared.join(name)).unwrap();
    let why = quell.publish(&request(&plan())).await.unwrap_err();
    assert!(why.to_string().contains("somebody else"), "{why}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "before");

    // Who may hand in an approval may not make themselves a signer by it.
    let mut settings = scene.settings("mara");
    std::fs::copy(scene.path.join("allowed_signers"), shared.join("signers")).unwrap();
    settings.allowed_signers = Some(shared.join("signers"));
    let quell = Approvals::with_tools(&settings, no_agent());
    let why = quell.collect(&plan().seed.id).await.unwrap_err();
    assert!(matches!(why, ApprovalError::NotConfigured(_)), "{why}");
    let list = scene.path.join("allowed_signers");
    std::fs::set_permissions(list, std::fs::Permissions::from_mode(0o666)).unwrap();
    let text = scene.document(&statement(), "iris");
    let why = scene.quell_of("mara").verify(&text).await.unwrap_err();
    assert!(why.to_string().contains("everybody may write it"), "{why}");
}

#[test]
fn an_action_that_is_a_path_is_none() {
    let text = format!("\"{}\"", "../".repeat(10));
    assert!(serde_json::from_str::<ActionId>(&text).is_err());
}

/// A bare repository and a clone of it for each of two people.
fn clones(scene: &Scene) -> [Approvals; 2] {
    let origin = scene.path.join("origin.git");
    std::fs::create_dir(&origin).unwrap();
    git(
        &origin,
        &["init", "--quiet", "--bare", "--initial-branch=main"],
    );
    ["mara", "iris"].map(|name| {
        let clone = format!("clone-{name}");
        let place = scene.path.join(&clone);
        let origin = origin.to_str().unwrap();
        git(&scene.path, &["clone", "--quiet", origin, &clone]);
        let mut settings = scene.settings(name);
        settings.folder = Some(place.join("approvals"));
        settings.carrier = Carrier::Git;
        Approvals::with_tools(&settings, no_agent())
    })
}

#[tokio::test]
async fn git_carries_them_there_and_back() {
    let scene = Scene::new();
    let [asks, approves] = clones(&scene);
    let request = request(&plan());
    asks.publish(&request).await.unwrap();
    asks.publish(&request).await.unwrap();
    assert_eq!(approves.requests().await.unwrap().requests, [request]);
    let signed = approves.sign(&plan(), "sre", until()).await.unwrap();
    approves.submit(&signed).await.unwrap();
    let found = asks.collect(&plan().seed.id).await.unwrap();
    assert_eq!((found.approvals.len(), found.rejected.len()), (1, 0));
    let log = git(
        &scene.path.join("origin.git"),
        &["log", "--format=%s", "main"],
    );
    assert_eq!(log, "Approve 07070707\nAsk for approval of 07070707\n");
}

#[tokio::test]
async fn two_pushes_at_once_both_arrive() {
    let scene = Scene::new();
    let [one, other] = clones(&scene);
    one.publish(&request(&plan())).await.unwrap();
    other.requests().await.unwrap();
    let plans = [1, 2, 3, 4].map(|n| plan_of([n; 16], "x"));
    for pair in plans.chunks(2) {
        let first = request(&pair[0]);
        let second = request(&pair[1]);
        let both = tokio::join!(one.publish(&first), other.publish(&second));
        assert_eq!(both, (Ok(()), Ok(())));
    }
    let seen = one.requests().await.unwrap();
    assert_eq!((seen.requests.len(), seen.problems.len()), (5, 0));
}

#[tokio::test]
async fn a_push_that_lost_the_race_is_made_again() {
    let scene = Scene::new();
    let [one, other] = clones(&scene);
    one.publish(&request(&plan())).await.unwrap();
    other.requests().await.unwrap();
    // The other pushes between our pull and our push.
    let folder = scene.path.join("clone-mara/approvals");
    other
        .publish(&request(&plan_of([1; 16], "x")))
        .await
        .unwrap();
    std::fs::write(folder.join("ours"), "x").unwrap();
    git::push(&no_agent(), &folder, "ours", "Ours", None)
        .await
        .unwrap();
    let log = git(
        &scene.path.join("origin.git"),
        &["log", "--format=%s", "main"],
    );
    assert_eq!(log.lines().next(), Some("Ours"));
    assert_eq!(log.lines().count(), 3);
}

#[tokio::test]
async fn git_runs_nothing_of_the_repository_and_follows_no_link() {
    let scene = Scene::new();
    let [asks, approves] = clones(&scene);
    asks.publish(&request(&plan())).await.unwrap();
    let clone = scene.path.join("clone-iris");
    approves.requests().await.unwrap();
    let mark = scene.path.join("mark");
    for hook in [
        "pre-commit",
        "post-merge",
        "pre-push",
        "post-checkout",
        "post-rewrite",
    ] {
        let hook = clone.join(".git/hooks").join(hook);
        std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Somebody pushes a link in place of an approval.
    let mara = scene.path.join("clone-mara");
    let secret = scene.write("secret", &scene.document(&statement(), "iris"));
    let id = plan().seed.id;
    let link = format!("approvals/{id}.00.approval");
    symlink(&secret, mara.join(&link)).unwrap();
    git(&mara, &["add", &link]);
    git(&mara, &["commit", "--quiet", "-m", "a link"]);
    git(&mara, &["push", "--quiet"]);
    let found = approves.collect(&id).await.unwrap();
    assert_eq!(found.approvals, []);
    assert_eq!(found.rejected.len(), 1);
    let signed = approves.sign(&plan(), "sre", until()).await.unwrap();
    approves.submit(&signed).await.unwrap();
    assert!(!mark.exists(), "a hook ran");

    // The list of signers does not come with the same pushes.
    let mut settings = scene.settings("iris");
    std::fs::copy(scene.path.join("allowed_signers"), clone.join("signers")).unwrap();
    settings.allowed_signers = Some(clone.join("signers"));
    settings.folder = Some(clone.join("approvals"));
    settings.carrier = Carrier::Git;
    let quell = Approvals::with_tools(&settings, no_agent());
    let why = quell.collect(&id).await.unwrap_err();
    assert!(matches!(why, ApprovalError::NotConfigured(_)), "{why}");
}

#[tokio::test]
async fn a_folder_outside_of_git_is_said() {
    let scene = Scene::new();
    let mut settings = scene.settings("mara");
    settings.carrier = Carrier::Git;
    let quell = Approvals::with_tools(&settings, no_agent());
    let why = quell.requests().await.unwrap_err();
    assert!(
        why.to_string()
            .contains("git: it could not be pulled: fatal: not a git"),
        "{why}"
    );
}
