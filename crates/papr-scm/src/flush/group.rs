//! Group commit with an error latch: who waits for which sync.
//!
//! A request is satisfied by any sync that *began* after the request. At most one sync runs, and the requests that come
//! meanwhile form one batch for the next: any number of concurrent requests costs at most two syncs. The first sync that
//! fails (or whose end is never heard of) latches: no request succeeds ever after, because the host reports a write-back
//! error once and then forgets it, so a later sync that "succeeds" proves nothing.
//!
//! Before a sync begins it may *gather*: wait a little for those who took part in the last round and are likely to ask
//! again at once. Without that, two writers take turns, each with a sync of its own, and of many a half shares a sync.
//!
//! The lock is held for a few instructions and never while something waits or a waiter is told. `tests/model.rs`
//! checks this file under loom, so locks come from `crate::sync` alone.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, PoisonError, deadline, lock};

/// The greatest round that is gathered again: the last of a greater one would be long in coming. `n` writers who are not
/// gathered share a sync by `n / 2` on average.
///
/// Measured with 16 writers on 8 vCPUs and 2 host processors, `O_DIRECT`: 6 and 16 give as many flushes a second; 6 takes
/// 0.23 syncs for each, 16 takes 0.14 and a sixth less of the host's CPU time.
pub(super) const GREATEST_GATHERING: usize = 16;

/// The group of one backing. `W` is someone who waits; `E` says why a sync failed.
pub struct GroupCommit<W, E> {
    state: Mutex<State<W, E>>,
    arrived: Condvar,
}

struct State<W, E> {
    phase: Phase,
    /// Those whom the running sync satisfies.
    batch: Vec<W>,
    /// Those who wait for the next sync.
    waiting: Vec<W>,
    /// The next sync is wanted even if nobody waits for it.
    wanted: bool,
    /// How many the next sync gathers: as many as took part in the last round (were satisfied by its sync, or waited when
    /// it ended), or none where these are many.
    crowd: usize,
    failure: Option<E>,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Phase {
    Idle,
    /// A sync was handed to the executor and has not begun: requests still join it.
    Queued,
    Syncing,
}

/// What to do after a request was taken in.
#[must_use]
pub enum Asked<W, E> {
    /// Hand one sync to the executor: it will satisfy this request.
    Submit,
    /// A sync that is queued, or the one after the running one, will satisfy this request.
    Joined,
    /// The latch is set. Tell the one who asked, if there was one.
    Failed(Option<W>, E),
}

/// What to do after a sync.
#[must_use]
pub struct Ended<W, E> {
    /// Whom to tell the outcome.
    pub done: Vec<W>,
    /// What to tell them.
    pub outcome: Result<(), E>,
    /// Hand another sync to the executor: requests came while this one ran.
    pub submit: bool,
    /// This is the sync that set the latch.
    pub latched: bool,
}

impl<W, E: Clone> Default for GroupCommit<W, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W, E: Clone> GroupCommit<W, E> {
    /// A group in which nothing runs.
    pub fn new() -> Self {
        let (batch, waiting) = (Vec::new(), Vec::new());
        let state = State {
            phase: Phase::Idle,
            batch,
            waiting,
            wanted: false,
            crowd: 0,
            failure: None,
        };
        GroupCommit {
            state: Mutex::new(state),
            arrived: Condvar::new(),
        }
    }

    /// Sets the latch by other means than a sync: a snapshot carries it. A sync that runs no longer succeeds.
    pub fn latch(&self, failure: E) {
        lock(&self.state).failure.get_or_insert(failure);
    }

    /// Asks for a sync that begins after this call, on behalf of `waiter`, or of nobody (`None`).
    pub fn ask(&self, waiter: Option<W>) -> Asked<W, E> {
        let mut state = lock(&self.state);
        if let Some(failure) = &state.failure {
            return Asked::Failed(waiter, failure.clone());
        }
        state.wanted = true;
        state.waiting.extend(waiter);
        if state.phase == Phase::Idle {
            state.phase = Phase::Queued;
            Asked::Submit
        } else {
            if state.phase == Phase::Queued && state.waiting.len() >= state.crowd {
                self.arrived.notify_all();
            }
            Asked::Joined
        }
    }

    /// Will a sync that is queued have company worth waiting for?
    pub fn gathers(&self) -> bool {
        let state = lock(&self.state);
        state.waiting.len() < state.crowd
    }

    /// Waits, before a sync begins, until as many wait for it as took part in the last round, and at most for `limit`.
    pub fn gather(&self, limit: Duration) {
        let mut state = lock(&self.state);
        let deadline = deadline(limit);
        while state.waiting.len() < state.crowd && state.failure.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let wait = self.arrived.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The executor begins the sync it was given. Requests from now on wait for the next one.
    ///
    /// Returns how many wait for this one.
    pub fn begin(&self) -> usize {
        let mut state = lock(&self.state);
        state.phase = Phase::Syncing;
        state.wanted = false;
        state.batch = std::mem::take(&mut state.waiting);
        state.batch.len()
    }

    /// The sync ended. A sync that was lost before it began ends with an error too.
    pub fn end(&self, result: Result<(), E>) -> Ended<W, E> {
        let mut state = lock(&self.state);
        let mut done = std::mem::take(&mut state.batch);
        let round = done.len() + state.waiting.len();
        state.crowd = if round <= GREATEST_GATHERING {
            round
        } else {
            0
        };
        let latched = result.is_err() && state.failure.is_none();
        if let Err(failure) = result {
            state.failure.get_or_insert(failure);
        }
        if let Some(failure) = state.failure.clone() {
            done.append(&mut state.waiting);
            state.phase = Phase::Idle;
            state.wanted = false;
            return Ended {
                done,
                outcome: Err(failure),
                submit: false,
                latched,
            };
        }
        let submit = state.wanted;
        state.phase = if submit { Phase::Queued } else { Phase::Idle };
        Ended {
            done,
            outcome: Ok(()),
            submit,
            latched,
        }
    }

    /// The failure that set the latch.
    pub fn failure(&self) -> Option<E> {
        lock(&self.state).failure.clone()
    }

    /// Is a sync running right now (so that a new request would wait for the one after it)?
    pub fn syncing(&self) -> bool {
        lock(&self.state).phase == Phase::Syncing
    }
}
