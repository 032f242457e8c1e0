//! Do quell and the real OpenSSH understand each other, with a file and with an agent?

use super::*;

#[tokio::test]
async fn openssh_verifies_what_quell_signs() {
    let scene = Scene::new();
    let signed = scene.quell_of("iris").sign(&plan(), "sre", until()).await;
    let signed = signed.unwrap();
    assert_eq!(signed.statement, statement());
    let signature = scene.write("sig", &signed.signature);
    let message = scene.write("message", "");
    std::fs::write(&message, signed.statement.canonical_bytes()).unwrap();
    let verified = |namespace: &str| {
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-I", "iris@example.com", "-n", namespace]);
        command.arg("-f").arg(scene.path.join("allowed_signers"));
        command.arg("-s").arg(&signature);
        command.stdin(std::fs::File::open(&message).unwrap());
        command.output().unwrap().status.success()
    };
    assert!(verified("approve@quell.dev"));
    assert!(!verified("file"));
}

#[tokio::test]
async fn quell_verifies_what_openssh_signed() {
    let scene = Scene::new();
    let text = scene.document(&statement(), "iris");
    let approval = scene.quell_of("mara").verify(&text).await.unwrap();
    assert_eq!(approval.signer.raw(), "iris@example.com");
    assert_eq!(approval.key.raw(), scene.fingerprint("iris"));
    let plan = plan();
    let problem = approval.problem(&plan, &plan.digest(), &mara(&scene), &policy(), now());
    assert_eq!(problem, None);
}

#[tokio::test]
async fn the_agent_signs_for_a_public_key() {
    let scene = Scene::new();
    let agent = Agent::new(&scene, &["iris"]);
    let mut settings = scene.settings("iris.pub");
    std::fs::rename(scene.path.join("iris"), scene.path.join("elsewhere")).unwrap();
    let without = Approvals::with_tools(&settings, no_agent());
    let refused = without.sign(&plan(), "", until()).await.unwrap_err();
    assert!(refused.to_string().contains("did not sign"), "{refused}");
    let quell = Approvals::with_tools(&settings, agent.tools());
    let signed = quell.sign(&plan(), "", until()).await.unwrap();
    assert_eq!(signed.statement.approver, "iris@example.com");
    assert!(quell.verify(&signed.text()).await.is_ok());
    settings.identity = Some("ivo@example.com".to_owned());
    let quell = Approvals::with_tools(&settings, agent.tools());
    let refused = quell.sign(&plan(), "", until()).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("names our key `iris@example.com`")
    );
}

#[tokio::test]
async fn a_key_with_a_passphrase_asks_nobody() {
    let scene = Scene::new();
    let changed = Command::new("ssh-keygen")
        .args(["-q", "-p", "-N", "a passphrase", "-f"])
        .arg(scene.path.join("iris"))
        .output();
    assert!(changed.unwrap().status.success());
    let refused = scene.quell_of("iris").sign(&plan(), "", until()).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("add it to the agent (ssh-add)"), "{why}");
}

#[tokio::test]
async fn a_certificate_names_its_holder() {
    let scene = Scene::new();
    scene.make_key("ca");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-I", "id", "-n", "eve@example.com", "-s"])
        .args([scene.path.join("ca"), scene.path.join("eve.pub")])
        .status();
    assert!(made.unwrap().success());
    let list = scene.line("*@example.com", "cert-authority", "ca");
    scene.write("allowed_signers", &list);
    let by_eve = Statement::for_plan(&plan(), "eve@example.com", "", until());
    let quell = scene.quell_of("mara");
    let text = scene.document(&by_eve, "eve-cert.pub");
    let approval = quell.verify(&text).await.unwrap();
    assert_eq!(approval.signer.raw(), "eve@example.com");
    // The same key without the certificate is nobody's.
    let refused = quell.verify(&scene.document(&by_eve, "eve")).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("nobody of the list")
    );
}

#[tokio::test]
async fn who_asks_is_known_by_every_key_they_hold() {
    let scene = Scene::new();
    let list = scene.line("mara@example.com,oncall", "", "mara")
        + &scene.line("iris@example.com", "", "iris")
        + &scene.line("m.ara", "namespaces=\"approve@quell.dev\"", "mara-2");
    scene.write("allowed_signers", &list);
    let agent = Agent::new(&scene, &["mara-2"]);
    let mut settings = scene.settings("mara");
    settings.identity = Some("mara".to_owned());
    let quell = Approvals::with_tools(&settings, agent.tools());
    let found = quell.requester_keys().await.unwrap();
    let all = ["m.ara", "mara", "mara@example.com", "oncall"];
    assert_eq!(found.principals, all);
    let mut keys = vec![scene.fingerprint("mara"), scene.fingerprint("mara-2")];
    keys.sort();
    assert_eq!(found.keys, keys);

    // An agent that went away with a lost connection has no keys; a key that is gone is an error.
    drop(agent);
    assert_eq!(quell.requester_keys().await.unwrap().keys.len(), 1);
    std::fs::remove_file(scene.path.join("mara")).unwrap();
    std::fs::remove_file(scene.path.join("mara.pub")).unwrap();
    assert!(quell.requester_keys().await.is_err());
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let scene = Scene::new();
    let temporary = scene.path.join("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let tools = Tools {
        temporary: temporary.clone(),
        ..no_agent()
    };
    let quell = Approvals::with_tools(&scene.settings("mara"), tools);
    let text = scene.document(&statement(), "iris");
    quell.verify(&text).await.unwrap();
    let unknown = scene.document(&statement(), "eve");
    quell.verify(&unknown).await.unwrap_err();
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    // It is used, and nothing is checked without it.
    std::fs::remove_dir(&temporary).unwrap();
    let why = quell.verify(&text).await.unwrap_err();
    assert!(matches!(why, ApprovalError::Unavailable(_)), "{why}");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let scene = Scene::new();
    let document = scene.document(&statement(), "iris");
    let mut settings = scene.settings("mara");
    let nowhere = Tools {
        search_path: scene.path.clone().into(),
        ..no_agent()
    };
    let why = Approvals::with_tools(&settings, nowhere)
        .verify(&document)
        .await;
    assert!(
        why.unwrap_err()
            .to_string()
            .contains("ssh-keygen: it is not installed")
    );
    settings.allowed_signers = None;
    let quell = Approvals::with_tools(&settings, no_agent());
    assert!(quell.collect(&plan().seed.id).await.is_err());
    let why = Approvals::with_tools(&settings, no_agent())
        .verify(&document)
        .await;
    assert!(
        why.unwrap_err()
            .to_string()
            .contains("actions.approvals.allowed_signers is not set")
    );
    settings.allowed_signers = Some(scene.path.join("missing"));
    let why = Approvals::with_tools(&settings, no_agent())
        .verify(&document)
        .await;
    assert!(why.unwrap_err().to_string().contains("cannot be read"));
}
