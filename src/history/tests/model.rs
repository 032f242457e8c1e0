//! Random answers, sessions and programs, against the simplest thing that remembers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const IDS: [&str; 6] = ["a", "b\u{202e}", "c\n", "d", "e\x07\x1b", "f"];

#[derive(Clone, Debug)]
enum Step {
    /// Which source answers, with which of its things, each in one of three states.
    Answer {
        source: usize,
        told: BTreeMap<usize, u8>,
        is_failed: bool,
    },
    /// The session ends and another begins.
    Reopen,
    /// The other of two programs goes on.
    Other,
}

fn step() -> impl Strategy<Value = Step> {
    let told = prop::collection::btree_map(0..IDS.len(), 0..3_u8, 0..IDS.len());
    let answer = (0..2_usize, told, prop::bool::weighted(0.2));
    prop_oneof![
        6 => answer.prop_map(|(source, told, is_failed)| Step::Answer { source, told, is_failed }),
        1 => Just(Step::Reopen),
        2 => Just(Step::Other),
    ]
}

/// What is known of one thing, by source and id.
#[derive(Debug)]
struct Known {
    state: u8,
    first: DateTime<Utc>,
    times: u64,
    is_gone: bool,
}

type Model = BTreeMap<(usize, usize), Known>;

fn expect(
    model: &mut Model,
    source: usize,
    told: &BTreeMap<usize, u8>,
    is_failed: bool,
    at: DateTime<Utc>,
) {
    for (id, state) in told {
        let known = model.entry((source, *id)).or_insert(Known {
            state: *state,
            first: at,
            times: 1,
            is_gone: false,
        });
        known.times += u64::from(known.is_gone);
        known.is_gone = false;
        known.state = *state;
    }
    for ((of, id), known) in model {
        if *of == source && !is_failed && !told.contains_key(id) {
            known.is_gone = true;
        }
    }
}

fn id(source: usize, id: usize) -> String {
    format!("s{source}/{}", IDS[id])
}

fn answer(source: usize, told: &BTreeMap<usize, u8>, is_failed: bool) -> DeliveryAnswer {
    let mut answer = DeliveryAnswer::default();
    for (at, state) in told {
        let mut change = change(&id(source, *at), i64::try_from(*at).unwrap());
        change.outcome = [Outcome::Running, Outcome::Ok, Outcome::Failed][usize::from(*state)];
        answer.changes.push(change);
        answer.drifts.push(drift(&id(source, *at)));
    }
    if is_failed {
        answer.parts.push(Part {
            what: line("all"),
            state: PartState::Failed(line("timed out")),
        });
    }
    answer
}

/// By the shown form of the names: a session in which something was not told yet has only that.
fn is_as_expected(history: &History, model: &Model) {
    let past = history.past();
    let shown: BTreeSet<&str> = past
        .changes
        .iter()
        .map(|change| change.id.shown())
        .collect();
    assert_eq!(shown.len(), past.changes.len(), "no change is there twice");
    assert_eq!(past.changes.len(), model.len());
    assert_eq!(past.drifts_seen.len(), model.len());
    for ((source, at), known) in model {
        let name = line(&id(*source, *at));
        let change = past
            .changes
            .iter()
            .find(|change| change.id.shown() == name.shown());
        let change = change.unwrap();
        let outcome = [Outcome::Running, Outcome::Ok, Outcome::Failed][usize::from(known.state)];
        assert_eq!(change.outcome, outcome);
        let seen = past.changes_seen[&change.id];
        assert_eq!((seen.first, seen.times), (known.first, known.times));
        let drift = past
            .drifts_seen
            .iter()
            .find(|(id, _)| id.shown() == name.shown());
        let (_, seen) = drift.unwrap();
        assert_eq!((seen.first, seen.times), (known.first, known.times));
        assert!(seen.last >= seen.first);
    }
}

async fn run(steps: &[Step]) {
    let (_root, path) = place();
    let mut model = Model::new();
    let (mut one, mut two) = (open(&path, 0).await, open(&path, 0).await);
    for (minute, step) in steps.iter().enumerate() {
        let at = i64::try_from(minute).unwrap();
        match step {
            Step::Answer {
                source,
                told,
                is_failed,
            } => {
                let name: SourceName = format!("s{source}").into();
                let answer = answer(*source, told, *is_failed);
                expect(&mut model, *source, told, *is_failed, t(at));
                one.remember(&name, &answer, t(at)).await.unwrap();
                assert!(
                    !one.remember(&name, &answer, t(at)).await.unwrap(),
                    "the same again is no news"
                );
            }
            Step::Reopen => one = open(&path, at).await,
            Step::Other => {
                std::mem::swap(&mut one, &mut two);
                one.refresh().await.unwrap();
            }
        }
        is_as_expected(&one, &model);
    }
    two.refresh().await.unwrap();
    is_as_expected(&two, &model);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_course_of_answers_and_sessions_is_remembered(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&steps));
    }

    #[test]
    fn a_name_is_kept_by_the_same_key_whether_told_or_read_back(
        // `any::<String>()` holds no control characters.
        chars in prop::collection::vec(any::<char>(), 0..40), hostile in "[\\x00-\\x1f\\u{202e}\\u{200b}a\\u{301}]{0,40}"
    ) {
        let text: String = chars.into_iter().chain(hostile.chars()).collect();
        for told in [Untrusted::line(&text), Untrusted::block(&text)] {
            let kept = ledger::key(&told);
            prop_assert_eq!(&ledger::key(&kept), &kept);
            prop_assert_eq!(kept.shown(), kept.raw());
            let read: Untrusted = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
            prop_assert_eq!(ledger::key(&read), kept);
        }
    }
}
