//! Is only what the approver saw approved, with real keys?
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::io;

use chrono::TimeDelta;
use serde_json::Value;

use super::Show;
use super::approve::{Desk, MayWrite};
use super::args::{ApproveArgs, Cli, Command, Format, Print};
use super::output::tests::Kept;
use super::output::{Answer, Output, Terminal};
use super::page::Page;
use crate::control::approval_tests::Scene;
use crate::domain::approval::ApprovalRequest;
use crate::domain::approval::tests::{now, plan, plan_of, policy};
use crate::domain::plan::{Difference, Plan};
use crate::domain::text::Untrusted;

/// Two people and a folder.
struct Team {
    scene: Scene,
    format: Format,
    may_write: MayWrite,
}

impl Team {
    fn new() -> Self {
        Self {
            scene: Scene::new(),
            format: Format::Text,
            may_write: MayWrite::Yes,
        }
    }

    /// mara asks for what she planned.
    async fn asks(&self, plan: &Plan) {
        let request = request(plan);
        self.scene.quell_of("mara").publish(&request).await.unwrap();
    }

    /// What somebody's `quell approve` answers, who comes to this plan and types this.
    async fn approve(
        &self,
        who: &str,
        line: &str,
        plan: &Plan,
        typed: Option<&str>,
    ) -> (Answer, String) {
        let words = ["quell", "approve"]
            .into_iter()
            .chain(line.split_whitespace());
        let cli = Cli::read(words.map(Into::into)).unwrap();
        let Some(Command::Print(Print::Approve(args))) = cli.command else {
            unreachable!("{line}");
        };
        self.answer(who, &args, plan, typed).await
    }

    async fn answer(
        &self,
        who: &str,
        args: &ApproveArgs,
        plan: &Plan,
        typed: Option<&str>,
    ) -> (Answer, String) {
        let policy = policy();
        let desk = Desk {
            approvals: self.scene.quell_of(who),
            policy: Some(&policy),
            may_write: self.may_write,
            clock: now,
            show: Show {
                format: self.format,
                page: Page::plain(),
            },
        };
        let paper = Kept::default();
        let terminal = if typed.is_some() {
            Terminal::Columns(80)
        } else {
            Terminal::No
        };
        let mut output = Output::to(Box::new(paper.clone()), Box::new(io::sink()), terminal);
        let mut typed = typed.map(str::as_bytes);
        let answer = desk
            .run(
                args,
                typed.as_mut(),
                &mut output,
                async |_| Ok(plan.clone()),
            )
            .await;
        (answer.unwrap_or_else(|answer| answer), paper.text())
    }

    async fn approvals_of(&self, plan: &Plan) -> usize {
        let found = self.scene.quell_of("mara").collect(&plan.seed.id).await;
        let found = found.unwrap();
        assert_eq!(found.rejected, []);
        found.approvals.len()
    }
}

fn request(plan: &Plan) -> ApprovalRequest {
    let until = now() + TimeDelta::minutes(14);
    ApprovalRequest::for_plan(plan, None, (1, Some("sre".to_owned())), until)
}

fn complaint(answer: &Answer) -> &str {
    answer.complaint.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn what_was_seen_is_approved_with_its_code() {
    let team = Team::new();
    let plan = plan();
    team.asks(&plan).await;
    let code = plan.digest().code().to_owned();
    let (seen, _) = team.approve("iris", "0707", &plan, None).await;
    assert_eq!(seen.exit.status(), 4);
    let hint = format!("quell approve 07070707 --yes --code {code}");
    assert!(complaint(&seen).ends_with(&hint), "{seen:?}");
    let expected = format!(
        "undo rollout of checkout/deployment/checkout-api
  plan        07070707070707070707070707070707 code {code}
  action      k8s.rollout.undo target=checkout/deployment/checkout-api
  asked by    mara@example.com on bastion-1, 0s ago
  reason      maintenance of the node
  target      checkout/deployment/checkout-api on prod eu-1 (6f0e8d1c), uid 1c2d3e4f
  sends       1 write
  dry run     A accepted: the server checked this very request
  taken back  cannot be: nothing takes it back
  risk        R2, reduces risk
  asks for    1 approval of role sre, until 14:16:00Z
"
    );
    assert_eq!(seen.document, expected);
    assert_eq!(team.approvals_of(&plan).await, 0);

    let line = format!("0707 --yes --code {code}");
    let (done, _) = team.approve("iris", &line, &plan, None).await;
    assert_eq!(done.exit.status(), 0, "{done:?}");
    let begin = "approved 07070707 as iris@example.com (SHA256:";
    assert!(done.document.starts_with(begin), "{}", done.document);
    assert!(
        done.document.ends_with(") until 14:16:00Z\n"),
        "{}",
        done.document
    );
    assert_eq!(team.approvals_of(&plan).await, 1);
}

#[tokio::test]
async fn on_a_terminal_the_code_is_typed() {
    let team = Team::new();
    let plan = plan();
    team.asks(&plan).await;
    let code = format!("{}\n", plan.digest().code());
    for typed in ["", "y\n", "yes\n", "0000\n"] {
        let (answer, paper) = team.approve("iris", "0707", &plan, Some(typed)).await;
        assert_eq!(answer.exit.status(), 4, "{typed}");
        assert!(paper.contains("Type the plan's code"), "{paper}");
    }
    assert_eq!(team.approvals_of(&plan).await, 0);
    let (answer, paper) = team.approve("iris", "0707", &plan, Some(&code)).await;
    assert_eq!(answer.exit.status(), 0, "{answer:?}");
    assert!(paper.contains("touch your key"), "{paper}");
    assert_eq!(team.approvals_of(&plan).await, 1);
}

#[tokio::test]
async fn nothing_else_is_ever_approved() {
    let mut team = Team::new();
    let plan = plan();
    team.asks(&plan).await;
    let line = format!("0707 --yes --code {}", plan.digest().code());
    let mut changed = plan.clone();
    changed.targets[0].uid = Some("another".to_owned());
    let cases = [
        ("iris", line.as_str(), &changed, "they plan again"),
        (
            "iris",
            "0707 --yes --code 0000",
            &plan,
            "not that of this plan",
        ),
        (
            "mara",
            line.as_str(),
            &plan,
            "mara@example.com asked for it",
        ),
    ];
    for (who, line, plan, why) in cases {
        let (answer, _) = team.approve(who, line, plan, None).await;
        assert_eq!(answer.exit.status(), 4, "{why}");
        assert!(complaint(&answer).contains(why), "{answer:?}");
    }
    let mut late = request(&plan_of([1; 16], "late"));
    late.expires_at = now();
    let mut of_role = request(&plan_of([2; 16], "role"));
    of_role.role = Some("admin".to_owned());
    let mut own_key = request(&plan_of([3; 16], "key"));
    own_key.requester_key = Some(
        team.scene
            .quell_of("iris")
            .own_key()
            .await
            .unwrap()
            .fingerprint,
    );
    for (request, id, why) in [
        (late, "0101", "they ask again"),
        (of_role, "0202", "does not have the role `admin`"),
        (own_key, "0303", "iris@example.com asked for it"),
    ] {
        team.scene.quell_of("mara").publish(&request).await.unwrap();
        let (answer, _) = team.approve("iris", id, &plan, None).await;
        assert_eq!(answer.exit.status(), 4, "{why}");
        assert!(complaint(&answer).contains(why), "{answer:?}");
    }
    team.may_write = MayWrite::No;
    let (answer, _) = team.approve("iris", &line, &plan, None).await;
    assert_eq!(answer.exit.status(), 4);
    assert!(complaint(&answer).contains("--read-only"), "{answer:?}");
    assert_eq!(team.approvals_of(&plan).await, 0);
}

#[tokio::test]
async fn an_approval_can_be_printed_and_a_request_be_a_file() {
    let team = Team::new();
    let plan = plan();
    let file = team.scene.path.join("request");
    std::fs::write(&file, request(&plan).canonical_bytes()).unwrap();
    let args = ApproveArgs {
        plan: Some(file.to_str().unwrap().to_owned()),
        yes: true,
        code: Some(plan.digest().code().to_owned()),
        print: true,
        ..ApproveArgs::default()
    };
    let (answer, _) = team.answer("iris", &args, &plan, None).await;
    let verified = team.scene.quell_of("mara").verify(&answer.document).await;
    assert_eq!(verified.unwrap().signer.raw(), "iris@example.com");
    assert_eq!(team.approvals_of(&plan).await, 0, "it was not handed in");
    std::fs::write(&file, "{}").unwrap();
    let (answer, _) = team.answer("iris", &args, &plan, None).await;
    assert_eq!(answer.exit.status(), 2);
    assert!(
        complaint(&answer).contains("it is no request"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn json_tells_the_same() {
    let mut team = Team::new();
    team.format = Format::Json;
    let plan = plan();
    team.asks(&plan).await;
    let (answer, _) = team.approve("iris", "", &plan, None).await;
    let list: Value = serde_json::from_str(&answer.document).unwrap();
    assert_eq!(list["schema"], "quell.approvals/1");
    assert_eq!(list["requests"][0]["by"], "mara@example.com");
    assert_eq!(list["requests"][0]["is_expired"], false);
    let state = async |line: &str| {
        let (answer, _) = team.approve("iris", line, &plan, None).await;
        let document: Value = serde_json::from_str(&answer.document).unwrap();
        (answer.exit.status(), document)
    };
    let (exit, document) = state("0707").await;
    assert_eq!((exit, &document["state"]), (4, &"waits".into()));
    assert_eq!(document["targets"][0]["uid"], "1c2d3e4f");
    assert_eq!(document["approver"], Value::Null);
    let code = plan.digest().code().to_owned();
    let (exit, document) = state(&format!("0707 --yes --code {code} --print")).await;
    assert_eq!((exit, &document["state"]), (0, &"to_paste".into()));
    assert!(
        document["document"]
            .as_str()
            .unwrap()
            .contains("BEGIN SSH SIGNATURE")
    );
    let (exit, document) = state(&format!("0707 --yes --code {code}")).await;
    assert_eq!((exit, &document["state"]), (0, &"handed_in".into()));
    assert_eq!(document["approver"], "iris@example.com");
}

#[tokio::test]
async fn the_list_shows_who_waits_and_what_is_no_request() {
    let team = Team::new();
    let plan = plan();
    let (answer, _) = team.approve("iris", "", &plan, None).await;
    assert_eq!(
        answer,
        Answer::whole("nobody asks for an approval\n".to_owned())
    );
    team.asks(&plan).await;
    team.asks(&plan_of([8; 16], "x")).await;
    let shared = team.scene.path.join("shared");
    std::fs::write(shared.join("x.request.json"), "{}").unwrap();
    let (answer, _) = team.approve("iris", "", &plan, None).await;
    assert_eq!(answer.exit.status(), 1);
    let lines: Vec<&str> = answer.document.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(
        lines[1],
        "          by mara@example.com 0s ago, waits 14m for sre"
    );
    assert!(
        lines[4].starts_with("not read: x.request.json: column"),
        "{lines:?}"
    );
    for (named, why) in [("07", "too short"), ("0a0a", "nobody asks for approval")] {
        let (answer, _) = team.approve("iris", named, &plan, None).await;
        assert_eq!(answer.exit.status(), 2);
        assert!(complaint(&answer).contains(why), "{answer:?}");
    }
}

#[tokio::test]
async fn nothing_of_the_plan_can_forge_a_line_of_it() {
    let team = Team::new();
    let mut plan = plan_of([7; 16], "why\n  target      harmless\u{202e}\x1b[2J");
    plan.differences.push(Difference {
        path: Untrusted::line("image"),
        before: None,
        after: Some(Untrusted::block("a\n  risk        R0, reduces risk")),
    });
    team.asks(&plan).await;
    let (answer, _) = team.approve("iris", "0707", &plan, None).await;
    let text = &answer.document;
    assert_eq!(text.matches("\n  target ").count(), 1, "{text}");
    assert_eq!(text.matches("\n  risk ").count(), 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}
