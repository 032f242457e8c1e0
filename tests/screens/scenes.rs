//! What can be on screen? Every screen in every state that looks different.
//!
//! Scenes are made at 80x24 and may be resized afterwards, as a terminal is.

use quell::domain::delivery::{DeliveryAnswer, PartState};
use quell::domain::source::{ErrorKind, SourceKind};
use quell::domain::text::Untrusted;

use crate::cast::{Cast, ago, calm, climb, night, rule};
use crate::deliveries::{self, part};
use crate::slos;
use crate::stage::{Source, Stage};
use std::sync::Arc;

/// A name, and how it is made.
pub type Scene = (&'static str, fn() -> Stage);

/// All of them.
pub const ALL: &[Scene] = &[
    ("pages", pages),
    ("tickets", tickets),
    ("info", || Stage::of(&night()).press("tab tab")),
    ("quiet", quiet),
    ("pending", pending),
    ("no match", no_match),
    ("all clear", all_clear),
    ("waiting", Stage::waiting),
    ("nothing known", nothing_known),
    ("not all clear", not_all_clear),
    ("last known", last_known),
    ("unfolded", unfolded),
    ("gone", gone),
    ("news while frozen", news_while_frozen),
    ("alert", opened),
    ("alert without anything", || {
        Stage::of(&night()).press("tab tab tab enter")
    }),
    ("filter error", filter_error),
    ("palette", palette),
    ("palette with choice", || {
        Stage::of(&night()).press(": down down")
    }),
    ("help", || Stage::of(&night()).press("?")),
    ("help of an alert", || opened().press("?")),
    ("runbooks", runbooks),
    ("no runbooks", || Stage::waiting().press("5")),
    ("reader", reader),
    ("reader search", reader_search),
    ("reader link", reader_link),
    ("reader caution", reader_caution),
    ("sources", sources),
    ("sources failed", || troubled().press("8 j")),
    ("sources limits", || troubled().press("8 j j")),
    ("sources never", || Stage::waiting().press("8")),
    ("burns", burns),
    ("burns gone", burns_gone),
    ("no slos", no_slos),
    ("burn opened", burn_opened),
    ("burn explained", burn_explained),
    ("burns last known", burns_last_known),
    ("triage with a burn", burn_row),
    ("triage with a gone burn", burn_row_gone),
    ("alert with a burn", alert_with_burn),
    ("changes", changes),
    ("changes gone", changes_gone),
    ("change opened", change_opened),
    ("change last known", || changes_lost().press("enter")),
    ("changes blind", changes_blind),
    ("no changes", no_changes),
    ("drifts", drifts),
    ("drifts gone", drifts_gone),
    ("drift opened", || drifts().press("j j enter")),
    ("no drifts", no_drifts),
    ("nothing compared", nothing_compared),
];

pub fn pages() -> Stage {
    Stage::of(&night())
}

pub fn tickets() -> Stage {
    Stage::of(&night()).press("tab")
}

pub fn quiet() -> Stage {
    Stage::of(&night()).press("tab tab tab")
}

pub fn pending() -> Stage {
    Stage::of(&night()).press("tab tab tab tab")
}

pub fn no_match() -> Stage {
    Stage::of(&night())
        .press("/")
        .types("service=nowhere")
        .press("enter")
}

pub fn all_clear() -> Stage {
    Stage::of(&calm())
}

/// Every server failed before it ever answered.
pub fn nothing_known() -> Stage {
    let mut stage = Stage::waiting();
    stage.reports(Source::Books, &calm(), ago(20));
    for source in [Source::Am1, Source::Am2, Source::Prom, Source::Slos] {
        stage.fails(
            source,
            ago(95),
            ErrorKind::Unreachable,
            "connection refused",
        );
    }
    stage
}

/// The list is empty, but one replica is down.
pub fn not_all_clear() -> Stage {
    let mut stage = Stage::of(&calm());
    stage.reports(Source::Am2, &calm(), ago(70));
    stage.fails(
        Source::Am2,
        ago(45),
        ErrorKind::TimedOut,
        "no answer within 10s",
    );
    stage
}

/// Both replicas had their say, then were lost.
pub fn last_known() -> Stage {
    let mut stage = Stage::of(&night());
    for source in [Source::Am1, Source::Am2] {
        stage.reports(source, &night(), ago(140));
        stage.fails(
            source,
            ago(125),
            ErrorKind::Unreachable,
            "connection refused",
        );
    }
    stage
}

/// The group of twelve is open, and the cursor is on its third alert.
pub fn unfolded() -> Stage {
    Stage::of(&night()).press("j enter j j j")
}

/// The selected alert is gone with the next picture.
pub fn gone() -> Stage {
    let mut stage = Stage::of(&night()).press("j j");
    let mut cast = night();
    for replica in [&mut cast.am_1, &mut cast.am_2] {
        let name = |a: &quell::domain::observed::ObservedAlert| {
            a.labels.get("alertname").map(|n| n.raw().to_owned())
        };
        replica
            .alerts
            .retain(|a| name(a).as_deref() != Some("PostgresReplicationLag"));
    }
    stage.answered(&cast, ago(0));
    stage
}

/// A picture waits while a filter is typed.
pub fn news_while_frozen() -> Stage {
    let mut stage = Stage::of(&calm()).press("/").types("env=p");
    stage.answered(&night(), ago(0));
    stage
}

/// An alert as wide as the screen, with its history.
pub fn opened() -> Stage {
    let mut stage = Stage::of(&night()).press("enter");
    stage.history(Ok(climb()));
    stage
}

pub fn filter_error() -> Stage {
    Stage::of(&night()).press("/").types("env=prod service==x")
}

pub fn palette() -> Stage {
    Stage::of(&night()).press(":").types("ru")
}

pub fn runbooks() -> Stage {
    Stage::of(&night()).press("5 j")
}

/// A text, read from the list.
pub fn reader() -> Stage {
    Stage::of(&night()).press("5 enter")
}

/// Words are searched for.
pub fn reader_search() -> Stage {
    reader().press("/").types("undo").press("enter n")
}

/// A link is selected.
pub fn reader_link() -> Stage {
    reader().press("tab")
}

/// Opened for an alert that names another branch.
pub fn reader_caution() -> Stage {
    Stage::of(&night()).press("j r")
}

pub fn sources() -> Stage {
    Stage::of(&night()).press("8")
}

/// One replica stale, one failed, rules that fail, a clock that is off, limits.
pub fn troubled() -> Stage {
    let mut stage = Stage::waiting();
    let cast = troubled_cast();
    stage.answered(&cast, ago(200));
    for seconds in [185, 155, 95] {
        stage.fails(
            Source::Am2,
            ago(seconds),
            ErrorKind::Unreachable,
            "connection refused",
        );
    }
    stage.reports(Source::Prom, &cast, ago(3));
    stage.reports(Source::Slos, &cast, ago(3));
    stage.reports(Source::Books, &cast, ago(8));
    stage
}

fn troubled_cast() -> Cast {
    let mut cast = night();
    let limit = |text| vec![quell::domain::text::Untrusted::line(text)];
    cast.am_1.limits = limit("muted intervals are not told before 0.28");
    cast.prom.limits = limit("the rules were cut at 5000");
    cast.prom.clock_ahead_secs = Some(-42.0);
    cast.prom.rules.extend([
        rule(
            "IngestLag",
            "a / b",
            Some("many-to-many matching not allowed"),
        ),
        rule("QueueAge", "rate(x)", Some("expected range vector")),
    ]);
    cast
}

/// A night with SLOs, whose past is known.
fn burning() -> Stage {
    let mut stage = Stage::waiting().remembering(slos::past);
    stage.model.knowledge.claims = Arc::new(slos::burning().claims);
    stage.answered(&slos::burning(), ago(2));
    stage
}

pub fn burns() -> Stage {
    burning().press("2")
}

pub fn burns_filtered() -> Stage {
    burns()
        .press("/")
        .types("service=~\"search|billing\"")
        .press("enter")
}

pub fn burns_no_match() -> Stage {
    burns().press("/").types("nowhere-at-all").press("enter")
}

/// Nobody defined any.
pub fn no_slos() -> Stage {
    Stage::of(&night()).press("2")
}

/// The files could not be read.
pub fn unread_slos() -> Stage {
    let cast = Cast {
        burn: slos::unread(),
        ..night()
    };
    Stage::of(&cast).press("2")
}

/// What the Prometheus said before it was lost.
pub fn burns_last_known() -> Stage {
    let mut stage = burning();
    stage.reports(Source::Slos, &slos::burning(), ago(140));
    for source in [Source::Prom, Source::Slos] {
        stage.fails(
            source,
            ago(125),
            ErrorKind::Unreachable,
            "connection refused",
        );
    }
    stage.press("2")
}

pub fn burns_hundred() -> Stage {
    let cast = Cast {
        burn: slos::answer(slos::hundred()),
        ..night()
    };
    let mut stage = Stage::of(&cast);
    stage.past = Some(slos::past);
    stage.press("2 pgdn pgdn j")
}

/// The selected SLO, and the one below it, are not measured any more.
pub fn burns_gone() -> Stage {
    let mut stage = burns().press("j");
    let mut cast = slos::burning();
    let gone = ["mail-delivery", "control-plane"];
    cast.burn
        .slos
        .retain(|s| !gone.contains(&s.slo.id.name.raw()));
    stage.reports(Source::Slos, &cast, ago(0));
    stage
}

/// The opened SLO is not measured any more.
pub fn burn_gone() -> Stage {
    let mut stage = burn_opened();
    stage.reports(Source::Slos, &night(), ago(0));
    stage
}

/// One SLO by its name, as wide as the screen.
pub fn burn_of(name: &str) -> Stage {
    burns()
        .press("/")
        .types(&format!("slo={name}"))
        .press("enter enter")
}

pub fn burn_opened() -> Stage {
    burns().press("enter")
}

pub fn burn_explained() -> Stage {
    burns().press("e")
}

/// What burns without an alert, on screen 1, selected.
pub fn burn_row() -> Stage {
    burning()
}

/// It was selected, and is calm now.
pub fn burn_row_gone() -> Stage {
    let mut stage = burning().press("j k");
    let cast = Cast {
        burn: slos::answer(slos::calmed()),
        ..night()
    };
    stage.reports(Source::Slos, &cast, ago(0));
    stage
}

/// An alert whose service burns, opened.
pub fn alert_with_burn() -> Stage {
    let mut stage = burning().press("j enter");
    stage.history(Ok(climb()));
    stage
}

/// A night with SLOs in which things were changed; nobody has told of it yet.
fn delivering_none() -> Stage {
    let mut stage = burning();
    let delivery = &mut stage.model.knowledge.delivery;
    delivery.past = Arc::new(deliveries::past());
    delivery.allowances = Arc::new(deliveries::allowances());
    stage
        .with("prod-eu-1", SourceKind::Kubernetes)
        .with("argocd", SourceKind::Argocd)
        .with("github", SourceKind::Github)
        .with("tf-prod", SourceKind::Terraform)
}

/// All of it was told just now.
pub fn delivering() -> Stage {
    let mut stage = delivering_none();
    stage.delivers("prod-eu-1", deliveries::cluster(), ago(2));
    stage.delivers("argocd", deliveries::argocd(), ago(2));
    stage.delivers("github", deliveries::code_host(), ago(2));
    stage.delivers("tf-prod", deliveries::plans(), ago(2));
    stage
}

pub fn changes() -> Stage {
    delivering().press("3")
}

/// A rollout that goes on, and the past of its service's SLO was read on screen 2.
pub fn change_opened() -> Stage {
    delivering().press("2 3 j enter")
}

/// Two changes that began meanwhile wait, and one that is selected is told no more.
pub fn changes_gone() -> Stage {
    let mut stage = changes().press("j j j");
    let mut cluster = deliveries::cluster();
    cluster
        .changes
        .retain(|c| c.subject.target.raw() != "shop/deployment/search");
    for service in ["new-one", "new-two"] {
        cluster
            .changes
            .push(deliveries::change("prod-eu-1", service, 30, ["", "1"]));
    }
    stage.delivers("prod-eu-1", cluster, ago(0));
    stage
}

/// The cluster and Argo CD were lost a while ago.
pub fn changes_lost() -> Stage {
    let mut stage = delivering();
    for name in ["prod-eu-1", "argocd"] {
        stage.delivers_not(name, ago(130), "connection refused");
    }
    stage.press("3 j")
}

/// The cluster answers, but not all of it may be read.
pub fn changes_blind() -> Stage {
    let mut stage = delivering();
    let mut cluster = deliveries::cluster();
    let forbidden = || Untrusted::line("replicasets.apps is forbidden");
    cluster.parts = vec![
        part("deployments", PartState::Read(31)),
        part("replicasets", PartState::NotPermitted(forbidden())),
        part(
            "rollouts",
            PartState::Failed(Untrusted::line("no answer within 10s")),
        ),
    ];
    stage.delivers("prod-eu-1", cluster, ago(0));
    stage.press("3")
}

/// Everybody answered, and there is nothing.
fn idle() -> Stage {
    let mut stage = delivering_none();
    for name in ["prod-eu-1", "argocd", "github", "tf-prod"] {
        let answer = DeliveryAnswer {
            parts: vec![part("all of it", PartState::Read(0))],
            ..DeliveryAnswer::default()
        };
        stage.delivers(name, answer, ago(2));
    }
    stage
}

pub fn no_changes() -> Stage {
    idle().press("3")
}

/// Nothing is told, but not everybody could be asked for everything.
pub fn no_changes_known() -> Stage {
    let mut stage = idle();
    stage.delivers_not("argocd", ago(60), "connection refused");
    let answer = DeliveryAnswer {
        parts: vec![part(
            "deployments",
            PartState::NotPermitted(Untrusted::line("forbidden")),
        )],
        ..DeliveryAnswer::default()
    };
    stage.delivers("prod-eu-1", answer, ago(1));
    stage.press("3")
}

pub fn changes_failed() -> Stage {
    let mut stage = delivering_none();
    for name in ["prod-eu-1", "argocd", "github", "tf-prod"] {
        stage.delivers_not(name, ago(60), "connection refused");
    }
    stage.press("3")
}

/// Some have answered, some have not.
pub fn changes_half_heard() -> Stage {
    let mut stage = delivering_none();
    stage.delivers("argocd", deliveries::argocd(), ago(2));
    stage.press("3")
}

pub fn changes_waiting() -> Stage {
    delivering_none().press("3")
}

pub fn drifts() -> Stage {
    delivering().press("4")
}

/// One was put right, one is new.
pub fn drifts_gone() -> Stage {
    let mut stage = drifts().press("j");
    let mut plans = deliveries::plans();
    plans
        .drifts
        .retain(|d| d.subject.target.raw() != "aws_iam_role.ci");
    let kind = quell::domain::drift::DriftKind::Drift;
    plans
        .drifts
        .push(deliveries::drift("tf-prod", "aws_instance.new", kind));
    stage.delivers("tf-prod", plans, ago(0));
    stage
}

pub fn no_drifts() -> Stage {
    idle().press("4")
}

/// Nobody could compare anything, and one comparison was lost.
pub fn nothing_compared() -> Stage {
    let mut stage = idle();
    stage.delivers_not("tf-prod", ago(60), "no such file");
    for name in ["prod-eu-1", "argocd"] {
        let answer = DeliveryAnswer {
            parts: vec![part(
                "applications",
                PartState::NotPermitted(Untrusted::line("forbidden")),
            )],
            ..DeliveryAnswer::default()
        };
        stage.delivers(name, answer, ago(1));
    }
    stage.press("4")
}
