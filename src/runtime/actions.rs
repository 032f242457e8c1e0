//! Who carries out what an action on its way asks for, beside the picture?
//!
//! One task for each action takes its orders one after another and sends back what happened. Nothing here
//! is cancelled when the cockpit ends: what was begun is waited for. Called by [`super::cockpit`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::tasks::Tasks;
use crate::control::{Control, StopFlag};
use crate::domain::guard::{Event, Order, RunId};
use crate::msg::Msg;

/// Orders of one action that may wait. More can only be looks at the facts, of which one is enough.
const QUEUE: usize = 16;

/// Every action of a session.
pub(super) struct Actions {
    control: Arc<Control>,
    inbox: mpsc::Sender<Msg>,
    lanes: HashMap<RunId, Lane>,
}

struct Lane {
    orders: mpsc::Sender<Order>,
    stop: StopFlag,
    /// How many orders were taken and are not done yet.
    busy: Arc<AtomicUsize>,
}

impl Actions {
    pub(super) fn new(control: Arc<Control>, inbox: mpsc::Sender<Msg>) -> Self {
        Self {
            control,
            inbox,
            lanes: HashMap::new(),
        }
    }

    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Has an order carried out, after those before it of the same action.
    pub(super) fn perform(&mut self, run: RunId, order: Order, tasks: &mut Tasks) {
        let lane = self
            .lanes
            .entry(run)
            .or_insert_with(|| Lane::begin(run, &self.control, &self.inbox, tasks));
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
