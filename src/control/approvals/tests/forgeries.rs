//! Is any forgery taken for an approval? Each class is a case with its name and the words it is refused with.

use super::*;
use crate::domain::approval::different_people;
use crate::domain::approval::tests::plan_of;
use crate::domain::plan::Digest;

/// What is handed in, and what surrounds it.
struct Forgery {
    /// What it is, and a part of the words that it has to be refused with.
    name: &'static str,
    why: &'static str,
    text: String,
    /// A list of signers of its own.
    list: Option<String>,
    revoked: Option<String>,
}

fn forgery(name: &'static str, text: String, why: &'static str) -> Forgery {
    Forgery {
        name,
        why,
        text,
        list: None,
        revoked: None,
    }
}

/// Why it is no approval of the plan; none where it is taken.
async fn judge(scene: &Scene, forgery: &Forgery) -> Option<String> {
    let mut settings = scene.settings("mara");
    if let Some(list) = &forgery.list {
        settings.allowed_signers = Some(scene.write("list", list));
    }
    if let Some(revoked) = &forgery.revoked {
        settings.revoked_keys = Some(scene.write("revoked", revoked));
    }
    let quell = Approvals::with_tools(&settings, no_agent());
    match quell.verify(&forgery.text).await {
        Err(error) => Some(error.to_string()),
        Ok(approval) => {
            let plan = plan();
            let problem = approval.problem(&plan, &plan.digest(), &mara(scene), &policy(), now());
            problem.map(|why| why.to_string())
        }
    }
}

/// A text that was signed as it is, whatever it says.
fn signed_text(scene: &Scene, text: &str) -> String {
    let signature = scene.sign("iris", NAMESPACE, text.as_bytes());
    format!("{text}{signature}")
}

fn changed(change: fn(&mut Statement)) -> Statement {
    let mut other = statement();
    change(&mut other);
    other
}

/// Bytes that are changed after they were signed.
fn altered(scene: &Scene) -> Vec<Forgery> {
    let good = scene.document(&statement(), "iris");
    let swap = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        text
    };
    let digest = plan().digest();
    let other = Digest::of(b"another plan");
    let end = "-----END SSH SIGNATURE-----\n";
    let armor = good.find("-----BEGIN").unwrap();
    let middle = good[armor..].lines().nth(2).unwrap().to_owned() + "\n";
    let unsigned = "is not good: Signature verification failed: incorrect signature";
    let broken = "no signature of its statement";
    vec![
        forgery(
            "altered plan digest",
            swap(digest.as_str(), other.as_str()),
            unsigned,
        ),
        forgery(
            "altered target",
            swap("checkout-api uid", "billing-api uid"),
            unsigned,
        ),
        forgery(
            "altered cluster",
            swap("[6f0e8d1c]", "[6f0e8d1d]"),
            unsigned,
        ),
        forgery(
            "altered role",
            swap(r#""role":"sre""#, r#""role":"admin""#),
            unsigned,
        ),
        forgery("altered expiry", swap("14:12:00Z", "14:13:00Z"), unsigned),
        forgery("altered approver", swap("iris@", "ivo@"), unsigned),
        forgery(
            "altered action",
            swap(&"07".repeat(16), &"08".repeat(16)),
            unsigned,
        ),
        forgery(
            "altered signature",
            swap("\nU1NIU0lH", "\nU1NIU0lI"),
            broken,
        ),
        forgery("truncated signature", swap(&middle, ""), broken),
        forgery(
            "signature without end",
            swap(end, ""),
            "the signature is cut off",
        ),
        forgery(
            "truncated statement",
            good[40..].to_owned(),
            "line 1: column",
        ),
        forgery(
            "statement without signature",
            good[..armor].to_owned(),
            "the signature is missing",
        ),
        forgery(
            "empty signature",
            good[..armor + 30].to_owned() + end,
            broken,
        ),
        forgery(
            "trailing bytes",
            good.clone() + "x",
            "something stands behind",
        ),
        forgery(
            "two statements in one document",
            good.repeat(2),
            "something stands behind",
        ),
        forgery(
            "carriage returns",
            good.replace('\n', "\r\n"),
            "carriage return",
        ),
        forgery(
            "oversized document",
            good.clone() + &"\n".repeat(70_000),
            "bytes, more than",
        ),
        forgery(
            "the signature of another statement",
            good[..armor].to_owned() + &scene.sign("iris", NAMESPACE, b"{}\n"),
            unsigned,
        ),
    ]
}

/// Signatures of somebody on the list, over other bytes than the one form of a statement.
fn wrongly_written(scene: &Scene) -> Vec<Forgery> {
    let text = String::from_utf8(statement().canonical_bytes()).unwrap();
    let role = r#""role":"sre","#;
    let reordered = text
        .replace(role, "")
        .replacen('{', &format!("{{{role}"), 1);
    let canonical = "not written canonically";
    vec![
        forgery(
            "other namespace",
            text.clone() + &scene.sign("iris", "file", text.as_bytes()),
            "namespace",
        ),
        forgery("re-ordered JSON", signed_text(scene, &reordered), canonical),
        forgery(
            "duplicated keys in JSON",
            signed_text(scene, &text.replace(role, &role.repeat(2))),
            "duplicate field",
        ),
        forgery(
            "unknown keys in JSON",
            signed_text(scene, &text.replace(role, "\"also\":1,\"role\":\"sre\",")),
            "unknown field",
        ),
        forgery(
            "signature over non-canonical bytes",
            signed_text(scene, &text.replace(role, "\"role\": \"sre\",")),
            canonical,
        ),
        forgery(
            "canonical bytes, signature over others",
            text.clone() + &scene.sign("iris", NAMESPACE, text.replace(':', ": ").as_bytes()),
            "incorrect signature",
        ),
        forgery(
            "signature without the line feed",
            text.clone() + &scene.sign("iris", NAMESPACE, text.trim_end().as_bytes()),
            "incorrect signature",
        ),
    ]
}

/// Statements in their one form that say what does not hold.
fn wrongly_stated(scene: &Scene) -> Vec<Forgery> {
    let by_iris = |change| scene.document(&changed(change), "iris");
    let other_plan = plan_of([7; 16], "another reason");
    let other_plan = Statement::for_plan(&other_plan, "iris@example.com", "sre", until());
    let other_action = plan_of([8; 16], "maintenance of the node");
    let other_action = Statement::for_plan(&other_action, "iris@example.com", "sre", until());
    vec![
        forgery(
            "replay for another action",
            scene.document(&other_action, "iris"),
            "it is for the action",
        ),
        forgery(
            "replay for another plan",
            scene.document(&other_plan, "iris"),
            "another plan",
        ),
        forgery(
            "expired statement",
            by_iris(|s| s.expires_at = now() - TimeDelta::seconds(1)),
            "expired",
        ),
        forgery(
            "statement that lasts too long",
            by_iris(|s| s.expires_at = now() + TimeDelta::days(1)),
            "longer than",
        ),
        forgery(
            "other cluster identity",
            by_iris(|s| s.targets[0] = s.targets[0].replace("6f0e8d1c", "0000")),
            "its targets",
        ),
        forgery(
            "other object of the same name",
            by_iris(|s| s.targets[0] = s.targets[0].replace("1c2d3e4f", "0000")),
            "its targets",
        ),
        forgery(
            "role that the signer does not have",
            by_iris(|s| s.role = "admin".to_owned()),
            "does not have the role",
        ),
        forgery(
            "other identity",
            by_iris(|s| s.approver = "ivo@example.com".to_owned()),
            "signed it",
        ),
        forgery(
            "other schema",
            by_iris(|s| s.schema = "quell.approval/0".to_owned()),
            "schema",
        ),
        forgery(
            "unknown key",
            scene.document(&statement(), "eve"),
            "nobody of the list",
        ),
        forgery(
            "signer is the requester by principal",
            scene.document(
                &Statement::for_plan(&plan(), "mara@example.com", "", until()),
                "mara",
            ),
            "is who asked",
        ),
    ]
}

/// A list of signers that does not let the key sign this, or names it deceptively.
fn by_list(scene: &Scene) -> Vec<Forgery> {
    let good = || scene.document(&statement(), "iris");
    let iris = |options: &str| scene.line("iris@example.com", options, "iris");
    let with = |name, list: String, text: String, why| Forgery {
        list: Some(list),
        ..forgery(name, text, why)
    };
    let named = |name: &str, key: &str| {
        let statement = Statement::for_plan(&plan(), name, "", until());
        (scene.line(name, "", key), scene.document(&statement, key))
    };
    let cyrillic = named("ir\u{456}s@example.com", "eve");
    let second = named("marta@example.com", "mara-2");
    let other_case = named("MARA@Example.com", "eve");
    let tagged = named("mara+oncall@example.com", "eve");
    vec![
        with(
            "key outside valid-before",
            iris("valid-before=\"20200101\""),
            good(),
            "key has expired",
        ),
        with(
            "key before valid-after",
            iris("valid-after=\"20990101\""),
            good(),
            "key is not yet valid",
        ),
        with(
            "key for another namespace",
            iris("namespaces=\"git\""),
            good(),
            "not permitted for use in signature namespace",
        ),
        with(
            "key under a pattern of names",
            scene.line("*@example.com", "", "iris"),
            good(),
            "no plain ASCII name of one person",
        ),
        with("empty list", "\n".to_owned(), good(), "nobody of the list"),
        with(
            "homoglyph principal",
            cyrillic.0,
            cyrillic.1,
            "no plain ASCII name",
        ),
        with(
            "signer is the requester by second key",
            second.0,
            second.1,
            "is a key of who asked",
        ),
        with(
            "signer is the requester in other case",
            other_case.0,
            other_case.1,
            "is who asked",
        ),
        with(
            "signer is the requester with a tag",
            tagged.0,
            tagged.1,
            "is who asked",
        ),
        Forgery {
            revoked: Some(scene.public_key("iris")),
            ..forgery("revoked key", good(), "is not good")
        },
    ]
}

#[tokio::test]
async fn no_forgery_counts() {
    let scene = Scene::new();
    let genuine = forgery("genuine", scene.document(&statement(), "iris"), "");
    assert_eq!(
        judge(&scene, &genuine).await,
        None,
        "the rest would prove nothing"
    );
    let mut all = altered(&scene);
    all.extend(wrongly_written(&scene));
    all.extend(wrongly_stated(&scene));
    all.extend(by_list(&scene));
    assert!(all.len() > 40);
    let mut wrong = Vec::new();
    for forgery in &all {
        let Forgery { name, why, .. } = forgery;
        match judge(&scene, forgery).await {
            None => wrong.push(format!("{name} was accepted")),
            Some(found) if !found.contains(why) => wrong.push(format!("{name}: {found}")),
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(judge(&scene, &genuine).await, None);
}

#[tokio::test]
async fn the_same_person_with_two_keys_counts_once() {
    let scene = Scene::new();
    let list =
        scene.line("iris@example.com", "", "iris") + &scene.line("iris@example.com", "", "eve");
    scene.write("allowed_signers", &list);
    let quell = scene.quell_of("mara");
    let mut both = Vec::new();
    for key in ["iris", "eve"] {
        let document = parse_document(&scene.document(&statement(), key)).unwrap();
        both.push(scene.quell_of("ivo").submit(&document).await.unwrap());
    }
    let found = quell.collect(&plan().seed.id).await.unwrap();
    assert_eq!((found.approvals.len(), found.rejected.len()), (2, 0));
    assert_eq!(different_people(&found.approvals), 1);
}

#[tokio::test]
async fn an_approval_is_used_up_with_its_action() {
    let scene = Scene::new();
    let document = parse_document(&scene.document(&statement(), "iris")).unwrap();
    let quell = scene.quell_of("mara");
    quell.submit(&document).await.unwrap();
    let id = plan().seed.id;
    let found = quell.collect(&id).await.unwrap();
    assert_eq!(found.clone().unless_used(&id, |_| false).approvals.len(), 1);
    let used = found.unless_used(&id, |action| *action == id);
    assert!(used.approvals.is_empty());
    assert!(used.rejected[0].raw().contains("used up"), "{used:?}");
}
