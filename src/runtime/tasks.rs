//! Who watches the tasks? A panic in any of them ends the program with a report.
//!
//! A panic hook runs in the task that panics, while the loop would go on drawing over a restored
//! terminal. So every task is spawned here, and the loop waits for their ends.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};

/// All tasks of a session.
#[derive(Default)]
pub struct Tasks(JoinSet<()>);

impl Tasks {
    /// Runs a future.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }

    /// Runs work that computes or waits for a disk.
    pub fn spawn_blocking(&mut self, work: impl FnOnce() + Send + 'static) {
        self.0.spawn_blocking(work);
    }

    /// Waits until a task has panicked. Tasks that end well are passed over.
    pub async fn panicked(&mut self) -> JoinError {
        loop {
            match self.0.join_next().await {
                Some(Err(error)) if error.is_panic() => return error,
                Some(_) => {}
                // Nothing runs: nothing can panic until something is spawned.
                None => std::future::pending().await,
            }
        }
    }

    /// Ends all tasks without waiting for them.
    pub fn abort_all(&mut self) {
        self.0.abort_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is what is tested")]
    use super::*;

    #[tokio::test]
    async fn a_panic_is_seen_behind_tasks_that_end_well() {
        let mut tasks = Tasks::default();
        tasks.spawn(async {});
        tasks.spawn(async { panic!("on purpose") });
        assert!(tasks.panicked().await.is_panic());
    }
}
