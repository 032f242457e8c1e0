//! Who carries out what an action on its way asks for, beside the picture?
//!
//! One task for each action takes its orders one after another and sends back what happened. Nothing here
//! is cancelled when the cockpit ends: what was begun is waited for. Called by [`super::cockpit`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::clock;
use super::cockpit::Mode;
use super::tasks::Tasks;
use crate::cli;
use crate::config::Paths;
use crate::config::actions::JournalSettings;
use crate::config::settings::Settings;
use crate::control::{Control, Recovered, StopFlag};
use crate::domain::check::Found;
use crate::domain::guard::{Event, Order, RunId};
use crate::domain::record::{JournalPicture, Standing};
use crate::effect::PanicSwitch;
use crate::journal;
use crate::model::acting::Acting;
use crate::msg::Msg;

/// Orders of one action that may wait. More can only be looks at the facts, of which one is enough.
const QUEUE: usize = 16;

/// Between two looks at the panic file. What is about to be sent looks for itself.
const PANIC_EVERY: Duration = Duration::from_secs(1);

/// Where the journal is; none where nothing is kept.
type Kept = Option<(PathBuf, JournalSettings)>;

/// Every action of a session.
pub(super) struct Actions {
    /// None: read-only.
    control: Option<Arc<Control>>,
    journal: Kept,
    /// What is removed at the end: the demo's.
    scratch: Option<PathBuf>,
    inbox: mpsc::Sender<Msg>,
    lanes: HashMap<RunId, Lane>,
}

/// What acting takes, for the loop and for the model.
pub(super) fn begin(
    settings: &Settings,
    paths: &Paths,
    mode: Mode,
    tasks: &mut Tasks,
    inbox: &mpsc::Sender<Msg>,
) -> (Actions, Acting) {
    let mut model = Acting::default();
    model.policy = settings.actions.policy.clone().map(Arc::new);
    let scratch = scratch_of(mode);
    let below = scratch.as_deref().map(Paths::below);
    let paths = below.as_ref().unwrap_or(paths);
    let journal = cli::acting::journal_file(settings, paths);
    let journal = Some((journal, settings.actions.journal.clone()));
    if model.policy.is_none() {
        return (
            Actions::begin(None, journal, scratch, inbox.clone(), tasks),
            model,
        );
    }
    let acting = cli::acting::acting(settings, paths, clock::now);
    model.catalogue = acting.catalogue;
    model.requester = Some(acting.requester);
    if !acting.problems.is_empty() {
        let (words, inbox) = (acting.problems.join("; "), inbox.clone());
        tasks.spawn(async move {
            let _ = inbox.send(Msg::Trouble(words)).await;
        });
    }
    let control = Some(acting.control);
    let actions = Actions::begin(control, journal, scratch, inbox.clone(), tasks);
    (actions, model)
}

/// Where the demo keeps what it forgets at its end.
fn scratch_of(mode: Mode) -> Option<PathBuf> {
    let name = format!("quell-demo-{}", std::process::id());
    (mode == Mode::Demo).then(|| std::env::temp_dir().join(name))
}

struct Lane {
    orders: mpsc::Sender<Order>,
    stop: StopFlag,
    /// How many orders were taken and are not done yet.
    busy: Arc<AtomicUsize>,
}

impl Actions {
    /// Begins to look for panic, and finds out what became of what an earlier process left in doubt.
    pub(super) fn begin(
        control: Option<Arc<Control>>,
        journal: Kept,
        scratch: Option<PathBuf>,
        inbox: mpsc::Sender<Msg>,
        tasks: &mut Tasks,
    ) -> Self {
        if let Some(control) = &control {
            tasks.spawn(watch_panic(Arc::clone(control), inbox.clone()));
            tasks.spawn(recover(Arc::clone(control), inbox.clone()));
        }
        Self {
            control,
            journal,
            scratch,
            inbox,
            lanes: HashMap::new(),
        }
    }

    /// Waits until the journal has reached its anchors.
    pub(super) async fn settle(&self) {
        if let Some(control) = &self.control {
            control.settle().await;
        }
    }

    /// Stops every dispatch on this machine, or allows them again.
    pub(super) fn set_panic(&self, switch: PanicSwitch, tasks: &mut Tasks) {
        let Some(control) = self.control.clone() else {
            return;
        };
        let inbox = self.inbox.clone();
        tasks.spawn(async move {
            if let Err(why) = control.set_panic(switch == PanicSwitch::On).await {
                let words = format!("panic: {}", why.shown());
                let _ = inbox.send(Msg::Trouble(words)).await;
            }
            let _ = inbox.send(Msg::PanicChanged(control.panic())).await;
        });
    }

    /// Skips approvals for a while.
    pub(super) fn break_glass(&self, reason: String, tasks: &mut Tasks) {
        let Some(control) = self.control.clone() else {
            return;
        };
        let inbox = self.inbox.clone();
        tasks.spawn(async move {
            let result = control.break_glass(&reason).await;
            let result = result.map_err(|why| why.shown().to_owned());
            let _ = inbox.send(Msg::GlassBroken(result)).await;
        });
    }

    /// Takes what was pasted as an approval.
    pub(super) fn take_approval(&self, document: String) {
        if let Some(control) = &self.control {
            control.take_approval(document);
        }
    }

    /// Reads the journal again, also where nothing can be done.
    pub(super) fn read_journal(&self, tasks: &mut Tasks) {
        let (control, path, inbox) = (
            self.control.clone(),
            self.journal.clone(),
            self.inbox.clone(),
        );
        tasks.spawn_blocking(move || {
            let picture = picture(control.as_deref(), path);
            let _ = inbox.blocking_send(Msg::JournalRead(Arc::new(picture)));
        });
    }

    /// Has an order carried out, after those before it of the same action.
    pub(super) fn perform(&mut self, run: RunId, order: Order, tasks: &mut Tasks) {
        let Some(control) = &self.control else {
            return;
        };
        let lane = self
            .lanes
            .entry(run)
            .or_insert_with(|| Lane::begin(run, control, &self.inbox, tasks));
        if let Order::Stop = order {
            // It is about what is under way: it does not wait behind it.
            lane.stop.raise();
            return;
        }
        lane.busy.fetch_add(1, Ordering::SeqCst);
        if let Err(refused) = lane.orders.try_send(order) {
            lane.busy.fetch_sub(1, Ordering::SeqCst);
            let order = refused.into_inner();
            if !matches!(order, Order::ReadFacts(..)) {
                let what = format!("an order of an action could not be taken: {order:?}");
                tracing::error!(what);
                let inbox = self.inbox.clone();
                tasks.spawn(async move {
                    // The loop has ended if nobody listens.
                    let _ = inbox.send(Msg::Trouble(what)).await;
                });
            }
        }
    }

    /// Removes what nobody needs any more.
    pub(super) fn forget(&self) {
        if let Some(scratch) = &self.scratch {
            // What stays is in the folder for such things.
            let _ = std::fs::remove_dir_all(scratch);
        }
    }

    /// Whether anything is still being carried out.
    pub(super) fn is_busy(&self) -> bool {
        let mut lanes = self.lanes.values();
        lanes.any(|lane| lane.busy.load(Ordering::SeqCst) > 0)
    }
}

impl Lane {
    fn begin(
        run: RunId,
        control: &Arc<Control>,
        inbox: &mpsc::Sender<Msg>,
        tasks: &mut Tasks,
    ) -> Self {
        let (orders, mut waiting) = mpsc::channel(QUEUE);
        let (tell, mut events) = mpsc::channel::<Event>(QUEUE);
        let stop = StopFlag::default();
        let busy = Arc::new(AtomicUsize::new(0));
        let inbox = inbox.clone();
        tasks.spawn(async move {
            while let Some(event) = events.recv().await {
                if inbox.send(Msg::Action(run, Box::new(event))).await.is_err() {
                    // The loop has ended; the journal goes on.
                    events.close();
                }
            }
        });
        let (control, raised, left) = (Arc::clone(control), stop.clone(), Arc::clone(&busy));
        tasks.spawn(async move {
            while let Some(order) = waiting.recv().await {
                control.perform(order, &raised, &tell).await;
                left.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Self { orders, stop, busy }
    }
}

fn picture(control: Option<&Control>, kept: Kept) -> JournalPicture {
    let with = |standing| JournalPicture {
        standing,
        ..JournalPicture::default()
    };
    match (control.map(Control::journal), kept) {
        (Some(Ok(journal)), _) => journal.picture(),
        (Some(Err(why)), None) => with(Standing::Unwritable(why.clone())),
        (Some(Err(why)), Some((path, settings))) => JournalPicture {
            standing: Standing::Unwritable(why.clone()),
            ..journal::picture(&path, &settings)
        },
        (None, Some((path, settings))) if path.exists() => journal::picture(&path, &settings),
        (None, _) => with(Standing::Off),
    }
}

async fn watch_panic(control: Arc<Control>, inbox: mpsc::Sender<Msg>) {
    let mut before = None;
    loop {
        let looking = Arc::clone(&control);
        // A disk that hangs must not hold up anything else.
        let Ok(now) = tokio::task::spawn_blocking(move || looking.panic()).await else {
            return;
        };
        if now != before {
            before.clone_from(&now);
            if inbox.send(Msg::PanicChanged(now)).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(PANIC_EVERY).await;
    }
}

async fn recover(control: Arc<Control>, inbox: mpsc::Sender<Msg>) {
    let words = match control.recover().await {
        Ok(found) if found.is_empty() => return,
        Ok(found) => {
            let lines: Vec<String> = found.iter().map(recovered).collect();
            lines.join("; ")
        }
        Err(why) => format!("acting is off: {}", why.shown()),
    };
    let _ = inbox.send(Msg::Trouble(words)).await;
}

fn recovered(one: &Recovered) -> String {
    let (what, id) = (&one.what, one.action.short());
    match &one.found {
        Found::Applied => format!("an earlier session ended early: {what} was done ({id})"),
        Found::NotApplied => format!("an earlier session ended early: {what} was not done ({id})"),
        Found::Unknown(why) => {
            format!("IN DOUBT since an earlier session: {what} ({id}): {why}; quell action status")
        }
    }
}
