//! Syncs on threads: as many as run at once, started when needed, kept for the next.
//!
//! At most two syncs run per device, so the number of devices bounds that of threads.

use std::collections::VecDeque;
use std::thread;

use thread_role::Role;

use super::Executor;
use crate::flush::engine::SyncJob;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, lock};

/// As many as a machine's devices may sync at once, with room for those that still tell waiters
/// when the next sync starts.
const MAX_THREADS: usize = 3 * crate::abi::MAX_SLOTS as usize;

/// Runs each sync on a thread of its own.
pub struct ThreadExecutor {
    pool: Arc<Pool>,
}

struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<SyncJob>,
    threads: usize,
    idle: usize,
    stopping: bool,
}

impl ThreadExecutor {
    /// An executor; threads start with the first jobs.
    pub fn new() -> Self {
        ThreadExecutor {
            pool: Arc::new(Pool {
                state: Mutex::new(State::default()),
                work: Condvar::new(),
            }),
        }
    }
}

impl Default for ThreadExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for ThreadExecutor {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn submit(&self, job: SyncJob) {
        let state = lock(&self.pool.state);
        self.take(state, job);
    }
}

impl ThreadExecutor {
    /// Takes a job if fewer than `limit` are taken and not done.
    ///
    /// # Errors
    /// Gives the job back otherwise.
    pub(super) fn submit_within(&self, limit: usize, job: SyncJob) -> Result<(), SyncJob> {
        let state = lock(&self.pool.state);
        if state.threads - state.idle + state.jobs.len() >= limit {
            return Err(job);
        }
        self.take(state, job);
        Ok(())
    }

    fn take(&self, mut state: MutexGuard<'_, State>, job: SyncJob) {
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads >= MAX_THREADS {
            self.pool.work.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let member = Member(Arc::clone(&self.pool));
        let spawned = thread::Builder::new()
            .name("scm-sync".into())
            .spawn(move || {
                thread_role::begin(Role::Sync);
                member.serve();
            });
        if let Err(error) = spawned {
            // The closure, and with it the member, was dropped: the thread is uncounted again.
            tracing::error!(%error, "no thread to run a sync on");
            let mut state = lock(&self.pool.state);
            // Somebody alive will come for the job; if nobody is, nobody ever would.
            let orphans = if state.threads == 0 {
                std::mem::take(&mut state.jobs)
            } else {
                VecDeque::new()
            };
            drop(state);
            drop(orphans);
        }
    }
}

impl Drop for ThreadExecutor {
    fn drop(&mut self) {
        // Not joined: the last handle may be dropped by one of these threads.
        lock(&self.pool.state).stopping = true;
        self.pool.work.notify_all();
    }
}

/// A thread's place in the pool, given up however the thread ends.
struct Member(Arc<Pool>);

impl Drop for Member {
    fn drop(&mut self) {
        lock(&self.0.state).threads -= 1;
    }
}

impl Member {
    fn serve(&self) {
        while let Some(job) = self.0.next() {
            job.run();
        }
    }
}

impl Pool {
    fn next(&self) -> Option<SyncJob> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.stopping {
                return None;
            }
            state.idle += 1;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}
