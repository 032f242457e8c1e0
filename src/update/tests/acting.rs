//! From a row to a confirmed plan: which keys lead where, and that none of them sends anything by itself.

use std::sync::Arc;
use std::time::Duration;

use super::world::{World, page, source};
use crate::domain::action::Requester;
use crate::domain::action::{Direction, Risk};
use crate::domain::approval::RequesterKeys;
use crate::domain::check::{Evidence, Found};
use crate::domain::guard::{Confirmation, Dispatched, Event, Facts, Order, RunId, State};
use crate::domain::plan::{
    ActionId, Blast, DryRun, DryVerdict, Grade, HttpWrite, Part, Plan, Reverse, Seed, Step, Target,
    Verb, WhenBusy, Write,
};
use crate::domain::policy::Policy;
use crate::domain::record::{End, Entry, JournalPicture, Kept, Record, Standing};
use crate::domain::source::SourceKind;
use crate::domain::text::Untrusted;
use crate::effect::{Effect, PanicSwitch};
use crate::model::acting::READ_ONLY;
use crate::model::dialog::{Button, Dialog};
use crate::model::session::Screen;
use crate::msg::Msg;

/// Under the cautious rules, with a role that may break the glass.
pub fn acting(mut world: World) -> World {
    let policy = Policy {
        break_glass_role: Some("sre".into()),
        ..Policy::cautious()
    };
    world.model.acting.policy = Some(Arc::new(policy));
    world.model.acting.requester = Some(Requester {
        name: Untrusted::line("mara"),
        host: Untrusted::line("bastion-1"),
    });
    world
}

/// An alert that names a deployment, in the one cluster there is.
pub fn deployed() -> World {
    let alert = page("A")
        .with("namespace", "shop")
        .with("deployment", "cart")
        .with("service", "shop-cart");
    let mut world = World::showing(&[alert]);
    let cluster = source("eu-1", SourceKind::Kubernetes);
    world.model.knowledge.sources.push(cluster);
    world
}

/// A silence of the selected alert is planned. Gives what is ordered first.
pub fn begun(world: &mut World) -> Vec<Effect> {
    world.press("s");
    world.type_text("disk swap");
    world.press("enter")
}

fn run(world: &World) -> &crate::model::acting::Run {
    world.model.acting.runs.last().unwrap()
}

fn state(world: &World) -> State {
    run(world).pipeline.state().clone()
}

fn seed() -> Seed {
    Seed {
        id: ActionId::new([7; 16]),
        at: super::world::t(100),
    }
}

fn target() -> Target {
    Target {
        env: None,
        server: "am-1".into(),
        server_identity: "am".into(),
        name: Untrusted::line("alertname=A"),
        word: Untrusted::line("A"),
        namespace: None,
        service: None,
        uid: None,
    }
}

fn step(what: &str) -> Step {
    Step {
        what: Untrusted::line(what),
        target: 0,
        write: Write::Http(HttpWrite {
            server: "am-1".into(),
            verb: Verb::Post,
            path: "/api/v2/silences".into(),
            content_type: Some("application/json".into()),
            headers: Vec::new(),
            body: "{}".into(),
        }),
        check: None,
        evidence: Evidence::None(Untrusted::line("no marker")),
        when_busy: WhenBusy::AskAgain,
    }
}

fn plan(world: &World, risk: Risk) -> Plan {
    let dry_run = DryRun {
        grade: Grade::C,
        verdict: DryVerdict::Accepted,
        notes: Vec::new(),
    };
    Plan {
        seed: seed(),
        request: run(world).pipeline.request().clone(),
        title: Untrusted::line("silence A"),
        targets: vec![target()],
        steps: vec![step("create the silence")],
        reverse: Reverse::Steps {
            what: Untrusted::line("expire it"),
            steps: vec![step("expire the silence")],
            dry_run: dry_run.clone(),
        },
        risk,
        direction: Direction::Neutral,
        differences: Vec::new(),
        blast: Blast {
            count: Some(1),
            of: Some(1),
            ..Blast::default()
        },
        dry_run,
        preconditions: Vec::new(),
        made_at: world.model.now,
        server_ahead_secs: None,
    }
}

fn facts() -> Facts {
    Facts {
        requester: RequesterKeys {
            principals: vec!["mara".into()],
            keys: Vec::new(),
        },
        ..Facts::default()
    }
}

/// The round of the last question.
fn round(effects: &[Effect]) -> u32 {
    let mut rounds = effects.iter().filter_map(|effect| match effect {
        Effect::Action(_, order) => match &**order {
            Order::Resolve(round, ..)
            | Order::Plan(round, ..)
            | Order::ReadFacts(round, _)
            | Order::Recheck(round, _) => Some(*round),
            _ => None,
        },
        _ => None,
    });
    rounds.next().unwrap()
}

fn tell(world: &mut World, event: Event) -> Vec<Effect> {
    let id = run(world).id;
    world.tell(Msg::Action(id, Box::new(event)))
}

fn checked_as(world: &mut World, effects: &[Effect], risk: Risk) {
    let at = round(effects);
    let effects = tell(world, Event::Resolved(at, Ok((seed(), vec![target()]))));
    let plan = plan(world, risk);
    let effects = tell(world, Event::Planned(round(&effects), Ok(Box::new(plan))));
    tell(world, Event::FactsRead(round(&effects), Box::new(facts())));
}

/// A silence whose plan may be confirmed.
fn checked() -> World {
    let mut world = acting(deployed());
    let effects = begun(&mut world);
    checked_as(&mut world, &effects, Risk::R1);
    assert_eq!(
        state(&world),
        State::Checked,
        "{:?}",
        run(&world).pipeline.trail()
    );
    world
}

fn confirmed(world: &mut World) -> Vec<Effect> {
    world.press("tab tab");
    assert_eq!(button(world), Button::Confirm);
    world.press("enter")
}

/// A silence that is being sent.
fn dispatching() -> World {
    let mut world = checked();
    let effects = confirmed(&mut world);
    assert_eq!(state(&world), State::Armed);
    let plan = plan(&world, Risk::R1);
    let event = Event::Rechecked(round(&effects), Ok(Box::new(plan)), Box::new(facts()));
    assert!(
        !dispatches(&tell(&mut world, event)),
        "the countdown goes on"
    );
    world.tell(Msg::Steady(Duration::from_secs(6)));
    let effects = world.tell(Msg::Tick);
    assert!(dispatches(&effects), "{:?}", state(&world));
    world
}

fn dispatches(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match effect {
        Effect::Action(_, order) => matches!(**order, Order::Dispatch(_)),
        _ => false,
    })
}

fn button(world: &World) -> Button {
    match &world.model.session.acting.dialog {
        Some(Dialog::Plan(plan)) => plan.button,
        other => panic!("{other:?}"),
    }
}

fn is_open(world: &World) -> bool {
    world.model.session.acting.dialog.is_some()
}

#[test]
fn in_read_only_no_key_acts_and_each_says_why() {
    for key in ["x", "s", "u", "!", "A"] {
        let mut world = deployed();
        let effects = world.press(key);
        assert!(effects.is_empty(), "{key}: {effects:?}");
        assert_eq!(world.refusal(), Some(READ_ONLY), "{key}");
        assert!(!is_open(&world));
    }
}

#[test]
fn no_single_key_orders_anything_of_the_world() {
    for key in ["x", "s", "u"] {
        let mut world = acting(deployed());
        assert!(world.press(key).is_empty(), "{key}");
        assert!(is_open(&world), "{key} opens a dialog");
        assert!(world.model.acting.runs.is_empty(), "{key} begins nothing");
    }
}

#[test]
fn the_menu_offers_what_reduces_risk_first() {
    let mut world = acting(deployed());
    world.press("x");
    let Some(Dialog::Menu(menu)) = &world.model.session.acting.dialog else {
        panic!("no menu");
    };
    let told: Vec<String> = menu
        .offers
        .all
        .iter()
        .map(|o| format!("{} {}", o.action, o.target.shown()))
        .collect();
    assert_eq!(
        told,
        [
            "k8s.rollout.undo shop/deployment/cart",
            "k8s.rollout.pause shop/deployment/cart",
            "k8s.rollout.restart shop/deployment/cart",
            "k8s.scale shop/deployment/cart",
            "silence.create A",
            "k8s.rollout.resume shop/deployment/cart",
        ]
    );
    let undo = &menu.offers.all[0];
    assert_eq!(undo.given["target"], "shop/deployment/cart");
    assert_eq!(undo.given["cluster"], "eu-1");
    let silence = &menu.offers.all[4];
    assert_eq!(
        silence.given["matchers"],
        "alertname=\"A\", namespace=\"shop\", service=\"shop-cart\""
    );
}

#[test]
fn words_of_an_alert_never_name_a_target() {
    let alert = page("A")
        .with("namespace", "shop,kube-system/x")
        .with("deployment", "cart")
        .annotated("summary", "kube-system/deployment/coredns");
    let mut world = World::showing(&[alert]);
    world
        .model
        .knowledge
        .sources
        .push(source("eu-1", SourceKind::Kubernetes));
    let mut world = acting(world);
    assert!(world.press("u").is_empty());
    assert_eq!(
        world.refusal(),
        Some("no rollout is known that could be undone")
    );
}

#[test]
fn a_cluster_that_is_not_configured_is_not_acted_on() {
    let alert = page("A")
        .with("namespace", "shop")
        .with("deployment", "cart")
        .with("cluster", "us-2");
    let mut world = World::showing(&[alert]);
    let mut cluster = source("prod", SourceKind::Kubernetes);
    cluster.cluster = Some("eu-1".into());
    world.model.knowledge.sources.push(cluster);
    let mut world = acting(world);
    world.press("x");
    let Some(Dialog::Menu(menu)) = &world.model.session.acting.dialog else {
        panic!("no menu");
    };
    for offer in menu
        .offers
        .all
        .iter()
        .filter(|o| o.action.starts_with("k8s."))
    {
        assert_eq!(
            offer.off,
            Some("it is in a cluster that is not configured here")
        );
    }
}

#[test]
fn a_runbook_that_is_read_for_an_alert_offers_what_can_be_done_about_it() {
    let alert = page("A")
        .with("namespace", "shop")
        .with("deployment", "cart")
        .annotated("quell_runbook", "dns");
    let mut world = World::showing(&[alert]);
    let cluster = source("eu-1", SourceKind::Kubernetes);
    world.model.knowledge.sources.push(cluster);
    let mut world = acting(world);
    world.press("r");
    world.press("x");
    let Some(Dialog::Menu(menu)) = &world.model.session.acting.dialog else {
        panic!("no menu");
    };
    assert_eq!(menu.offers.all[0].action, "k8s.rollout.undo");
    world.press("enter");
    world.type_text("it burns");
    let effects = world.press("enter");
    let [Effect::Action(_, order)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let Order::Resolve(_, request, None) = &**order else {
        panic!("{order:?}");
    };
    let runbook = request.occasion.runbook.as_ref().unwrap();
    assert_eq!(runbook.raw(), "dns@unversioned 9c1185a5");

    // One that was opened from the list is about nothing in particular.
    let mut world = acting(deployed());
    world.press("5");
    world.press("enter");
    world.press("x");
    assert_eq!(
        world.refusal(),
        Some("this runbook was not opened from an alert")
    );
}

#[test]
fn a_form_begins_nothing_before_all_of_it_holds() {
    let mut world = acting(deployed());
    world.press("s");
    assert!(world.press("enter").is_empty());
    let said = world.notice().to_owned();
    assert!(said.contains("reason"), "{said}");
    world.press("shift-tab");
    world.type_text("x");
    assert!(world.press("enter").is_empty(), "30mx is no time span");
    world.press("backspace tab");
    world.type_text("disk swap");
    let effects = world.press("enter");
    let [Effect::Action(_, order)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let Order::Resolve(_, request, None) = &**order else {
        panic!("{order:?}");
    };
    assert_eq!(
        request.to_string(),
        "silence.create duration=30m matchers=alertname=\"A\", namespace=\"shop\", service=\"shop-cart\" reason=disk swap"
    );
    assert_eq!(request.occasion.reason.as_ref().unwrap().raw(), "disk swap");
    assert!(request.occasion.alert.is_some());
    assert_eq!(request.by.name.raw(), "mara");
}

#[test]
fn the_safest_button_comes_first_and_enter_alone_never_confirms() {
    let mut world = checked();
    assert_eq!(button(&world), Button::Cancel);
    let effects = world.press("enter enter enter");
    assert!(!dispatches(&effects));
    assert_eq!(state(&world), State::Ended(End::Cancelled));
}

#[test]
fn a_plan_is_confirmed_counts_down_and_is_sent_once() {
    let mut world = dispatching();
    assert_eq!(
        button(&world),
        Button::Close,
        "nothing selected for another state counts"
    );
    world.tell(Msg::Steady(Duration::from_secs(7)));
    assert!(!dispatches(&world.tell(Msg::Tick)));
}

#[test]
fn esc_stops_the_countdown() {
    let mut world = checked();
    confirmed(&mut world);
    world.press("esc");
    assert_eq!(state(&world), State::Ended(End::Cancelled));
    assert!(is_open(&world), "it says that it was stopped");
    world.tell(Msg::Steady(Duration::from_mins(1)));
    assert!(!dispatches(&world.tell(Msg::Tick)));
}

#[test]
fn r2_takes_the_name_and_a_paste_does_not_count() {
    let mut world = acting(deployed());
    let policy = Policy {
        rules: vec![crate::domain::policy::Rule {
            id: "all".into(),
            ..Default::default()
        }],
        ..Policy::cautious()
    };
    world.model.acting.policy = Some(Arc::new(policy));
    let effects = begun(&mut world);
    checked_as(&mut world, &effects, Risk::R2);
    world.press("tab tab enter");
    assert_eq!(state(&world), State::Checked, "a line is open");
    world.tell(Msg::Paste("A".into()));
    assert!(world.press("enter").is_empty(), "nothing was typed");
    world.type_text("B");
    assert!(world.press("enter").is_empty());
    assert_eq!(state(&world), State::Checked);
    world.type_text("A");
    world.press("esc");
    assert!(is_open(&world), "one Esc leaves the line");
    world.press("enter");
    world.type_text("A");
    world.press("enter");
    assert_eq!(state(&world), State::Armed);
}

#[test]
fn what_waits_for_approval_goes_on_when_its_dialog_is_closed() {
    let mut world = acting(deployed());
    let effects = begun(&mut world);
    checked_as(&mut world, &effects, Risk::R2);
    world.press("tab tab tab");
    assert_eq!(button(&world), Button::Confirm);
    assert!(world.press("enter").is_empty());
    assert_eq!(world.refusal(), Some("approvals are missing"));
    world.press("shift-tab shift-tab");
    let effects = world.press("enter");
    let publishes = |e: &Effect| matches!(e, Effect::Action(_, order) if matches!(**order, Order::PublishApproval(..)));
    assert!(effects.iter().any(publishes));
    assert_eq!(state(&world), State::AwaitingApproval);
    let effects = world.tell(Msg::Paste("-----BEGIN SSH SIGNATURE-----".into()));
    assert!(matches!(&effects[..], [Effect::TakeApproval(_)]));
    world.press("esc");
    assert!(!is_open(&world));
    assert_eq!(state(&world), State::AwaitingApproval);
    world.press("A");
    assert!(is_open(&world));
    assert_eq!(button(&world), Button::Close);
}

#[test]
fn the_panic_key_stops_at_once_and_resuming_is_typed() {
    let mut world = checked();
    confirmed(&mut world);
    let effects = world.press("!");
    let is_on = |e: &Effect| matches!(e, Effect::SetPanic(PanicSwitch::On));
    assert!(effects.iter().any(is_on));
    assert_eq!(state(&world), State::Ended(End::Blocked));
    world.tell(Msg::PanicChanged(Some(Untrusted::line(
        "mara on bastion-1",
    ))));
    world.press("esc");
    world.command("panic off");
    assert!(world.press("enter").is_empty(), "nothing was typed");
    world.command("panic off");
    world.type_text("resume");
    let effects = world.press("enter");
    assert!(matches!(effects[..], [Effect::SetPanic(PanicSwitch::Off)]));
}

#[test]
fn somebody_elses_panic_stops_ours() {
    let mut world = checked();
    confirmed(&mut world);
    world.tell(Msg::PanicChanged(Some(Untrusted::line("ilya"))));
    assert_eq!(state(&world), State::Ended(End::Blocked));
}

#[test]
fn the_glass_takes_a_reason() {
    let mut world = acting(deployed());
    world.command("break-glass");
    assert!(world.press("enter").is_empty());
    world.command("break-glass");
    world.type_text("nobody answers");
    let effects = world.press("enter");
    let [Effect::BreakGlass { reason }] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(reason, "nobody answers");
}

#[test]
fn leaving_while_something_is_under_way_takes_two_presses() {
    let mut world = dispatching();
    world.press("esc");
    assert!(world.press("q").is_empty());
    assert!(
        world.notice().contains("q again to leave"),
        "{}",
        world.notice()
    );
    world.press("j");
    assert!(world.press("q").is_empty(), "another key begins it anew");
    let effects = world.press("q");
    let stops =
        |e: &Effect| matches!(e, Effect::Action(_, order) if matches!(**order, Order::Stop));
    assert!(effects.iter().any(stops));
    assert!(matches!(effects.last(), Some(Effect::Quit)));
}

#[test]
fn what_is_in_doubt_is_looked_at_and_decided_with_a_reason() {
    let mut world = dispatching();
    let doubt = Dispatched::InDoubt {
        step: 0,
        why: Untrusted::line("the answer was lost"),
    };
    let effects = tell(&mut world, Event::Dispatched(Part::Forward, doubt));
    let inspects =
        |e: &Effect| matches!(e, Effect::Action(_, order) if matches!(**order, Order::Inspect(..)));
    assert!(effects.iter().any(inspects));
    tell(
        &mut world,
        Event::Inspected(Found::Unknown(Untrusted::line("no marker"))),
    );
    assert_eq!(world.model.acting.tally().in_doubt, 1);
    world.press("tab");
    let effects = world.press("enter");
    assert!(effects.iter().any(inspects), "look again: {effects:?}");
    world.press("tab enter");
    assert!(world.press("enter").is_empty(), "a reason is needed");
    world.type_text("seen in the web UI");
    world.press("enter");
    assert_eq!(state(&world), State::Verifying(Part::Forward));
}

#[test]
fn taking_back_is_confirmed_again() {
    let mut world = dispatching();
    tell(
        &mut world,
        Event::Dispatched(Part::Forward, Dispatched::Applied),
    );
    tell(&mut world, Event::Verified(Part::Forward, Ok(())));
    assert_eq!(state(&world), State::Ended(End::Verified));
    world.press("tab");
    assert_eq!(button(&world), Button::Revert);
    assert!(dispatches(&world.press("enter")));
    assert_eq!(state(&world), State::Dispatching(Part::Reverse));
}

#[test]
fn answers_for_nobody_change_nothing() {
    let mut world = checked();
    let effects = world.tell(Msg::Action(
        RunId(99),
        Box::new(Event::Confirm(Confirmation::Yes)),
    ));
    assert!(effects.is_empty());
    assert_eq!(state(&world), State::Checked);
}

#[test]
fn nothing_moves_under_a_dialog() {
    let mut world = acting(deployed());
    world.press("x");
    let before = world.rows();
    world.fires(&[page("Z")]);
    assert_eq!(world.rows(), before);
    world.press("esc");
    assert_ne!(world.rows(), before);
}

fn note(seq: u64, text: &str) -> Kept {
    Kept {
        seq,
        record: Record {
            at: super::world::t(100),
            by: Requester {
                name: Untrusted::line("mara"),
                host: Untrusted::line("bastion-1"),
            },
            env: None,
            action: None,
            entry: Entry::Note {
                text: Untrusted::line(text),
            },
        },
    }
}

fn journal(texts: &[&str]) -> Msg {
    let records = (0..)
        .zip(texts)
        .map(|(seq, text)| note(seq, text))
        .collect();
    Msg::JournalRead(Arc::new(JournalPicture {
        records,
        total: texts.len() as u64,
        standing: Standing::Whole(Untrusted::line("up to record 1")),
    }))
}

#[test]
fn the_journal_is_read_when_its_screen_opens_and_stands_still() {
    let mut world = deployed();
    let effects = world.press("7");
    assert!(matches!(effects[..], [Effect::ReadJournal]));
    assert_eq!(world.model.session.screen, Screen::Journal);
    world.tell(journal(&["one", "two"]));
    let seqs = |world: &World| {
        let rows = world.model.session.journal.list.rows.iter();
        rows.map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(seqs(&world), [1, 0], "newest first");
    world.tell(journal(&["one", "two", "three"]));
    assert_eq!(seqs(&world), [1, 0]);
    assert_eq!(world.model.session.journal.list.new, 1);
    world.press("o");
    assert_eq!(seqs(&world), [2, 1, 0]);
    world.press("/");
    world.type_text("three");
    world.press("enter");
    assert_eq!(seqs(&world), [2]);
    world.press("enter esc esc esc");
    assert_eq!(world.model.session.screen, Screen::Triage);
}
