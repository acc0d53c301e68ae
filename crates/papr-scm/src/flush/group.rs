//! Group commit with an error latch: who waits for which sync.
//!
//! A request is satisfied by any sync that *began* after the request. Those that come while a sync
//! runs form one batch for the next, so any number of concurrent requests costs few syncs. The
//! first sync that fails (or whose end is never heard of) latches: no request succeeds ever after,
//! because the host reports a write-back error once and then forgets it, so a later sync that
//! "succeeds" proves nothing.
//!
//! Before a sync begins it may *gather*: wait a little for those who took part in the last round
//! and are likely to ask again at once. Without that, two writers take turns, each with a sync of
//! its own, and of many a half shares a sync.
//!
//! Where there are enough writers, a second sync begins beside the first as soon as half of them
//! wait for it: some compute while the data of the others is on its way to the disk. Each runs in a
//! *sync slot* of its own, which is sure to hear what went wrong with what it wrote; but what it
//! should make durable, the other may have begun to write. So a sync that ends well while another
//! runs is *held*: its success is told when that one has ended well too. Whichever failed in the
//! host before a success is told, it has been heard.
//!
//! The lock is held for a few instructions and never while something waits or a waiter is told.
//! `tests/model.rs` checks this file under loom, so locks come from `crate::sync` alone.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, PoisonError, deadline, lock};

/// The greatest round that is gathered again: the last of a greater one would be long in coming.
/// `n` writers who are not gathered share a sync by `n / 2` on average.
///
/// Measured with 16 writers on 8 vCPUs and 2 host processors, `O_DIRECT`: 6 and 16 give as many
/// flushes a second; 6 takes 0.23 syncs for each, 16 takes 0.14 and a sixth less of the host's CPU
/// time.
pub(super) const GREATEST_GATHERING: usize = 16;

/// The group of one backing. `W` is someone who waits; `E` says why a sync failed.
pub struct GroupCommit<W, E> {
    state: Mutex<State<W, E>>,
    arrived: Condvar,
}

struct State<W, E> {
    /// A sync was handed to the executor and has not begun: requests still join it.
    queued: bool,
    /// The syncs that run: two at most.
    running: Vec<Running<W>>,
    /// Those who wait for the next sync.
    waiting: Vec<W>,
    /// The next sync is wanted even if nobody waits for it.
    wanted: bool,
    /// How many writers there seem to be: as many as took part in the last round, which are those
    /// whom its sync satisfied, those who waited when it ended, and those of a sync beside it.
    concurrent: usize,
    /// As for [`new`](GroupCommit::new).
    second_from: Option<usize>,
    failure: Option<E>,
}

struct Running<W> {
    sync_slot: usize,
    /// Those whom its success satisfies.
    batch: Vec<W>,
    /// Those whom a sync satisfies that ended well while this one ran.
    held: Vec<W>,
    /// How many it began with.
    size: usize,
    /// How many took part in the sync that ended while this one ran.
    beside: usize,
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

/// A sync that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// 0 or 1: no other sync that runs has the same.
    pub sync_slot: usize,
    /// How many wait for it.
    pub size: usize,
}

/// What to do after a sync.
#[must_use]
pub struct Ended<W, E> {
    /// Whom to tell the outcome: nobody, where it is a success and another sync still runs.
    pub done: Vec<W>,
    /// What to tell them.
    pub outcome: Result<(), E>,
    /// Hand another sync to the executor, for requests that came meanwhile.
    pub submit: bool,
    /// This is the sync that set the latch.
    pub latched: bool,
}

impl<W, E: Clone> GroupCommit<W, E> {
    /// A group in which nothing runs. `second_from` is how many writers make two syncs at once
    /// worth while; none where the backing does not take two.
    pub fn new(second_from: Option<usize>) -> Self {
        let state = State {
            queued: false,
            running: Vec::new(),
            waiting: Vec::new(),
            wanted: false,
            concurrent: 0,
            second_from,
            failure: None,
        };
        GroupCommit {
            state: Mutex::new(state),
            arrived: Condvar::new(),
        }
    }

    /// Sets the latch by other means than a sync: a snapshot carries it. A sync that runs no longer
    /// succeeds.
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
        if state.queued {
            if !state.gathers() {
                self.arrived.notify_all();
            }
            Asked::Joined
        } else if state.may_begin() {
            state.queued = true;
            Asked::Submit
        } else {
            Asked::Joined
        }
    }

    /// Will a sync that is queued have company worth waiting for?
    pub fn gathers(&self) -> bool {
        lock(&self.state).gathers()
    }

    /// Waits, before a sync begins, until its share of the writers waits for it, and at most for
    /// `limit`.
    pub fn gather(&self, limit: Duration) {
        let mut state = lock(&self.state);
        let deadline = deadline(limit);
        while state.gathers() && state.failure.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let wait = self.arrived.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The executor begins the sync it was given. Requests from now on wait for the next one.
    pub fn begin(&self) -> Begun {
        let mut state = lock(&self.state);
        state.queued = false;
        state.wanted = false;
        let sync_slot = usize::from(state.running.iter().any(|sync| sync.sync_slot == 0));
        let batch = std::mem::take(&mut state.waiting);
        let size = batch.len();
        state.running.push(Running {
            sync_slot,
            batch,
            held: Vec::new(),
            size,
            beside: 0,
        });
        Begun { sync_slot, size }
    }

    /// A sync ended: that of this sync slot, or one that was lost before it began, and then
    /// `result` is an error.
    pub fn end(&self, sync_slot: Option<usize>, result: Result<(), E>) -> Ended<W, E> {
        let mut state = lock(&self.state);
        let mut done = match sync_slot {
            Some(sync_slot) => state.take(sync_slot),
            None => {
                state.queued = false;
                Vec::new()
            }
        };
        let latched = result.is_err() && state.failure.is_none();
        if let Err(failure) = result {
            state.failure.get_or_insert(failure);
        }
        if let Some(failure) = state.failure.clone() {
            for sync in &mut state.running {
                done.append(&mut sync.held);
                done.append(&mut sync.batch);
            }
            done.append(&mut state.waiting);
            state.wanted = false;
            return Ended {
                done,
                outcome: Err(failure),
                submit: false,
                latched,
            };
        }
        let submit = state.wanted && !state.queued && state.may_begin();
        state.queued |= submit;
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
        !lock(&self.state).running.is_empty()
    }
}

impl<W, E> State<W, E> {
    /// Are there enough writers for two syncs at once?
    fn shares_out(&self) -> bool {
        self.second_from.is_some_and(|many| self.concurrent >= many)
    }

    /// How many a sync should satisfy.
    fn share(&self) -> usize {
        if self.shares_out() {
            self.concurrent.div_ceil(2)
        } else {
            self.concurrent
        }
    }

    fn gathers(&self) -> bool {
        let share = self.share();
        share <= GREATEST_GATHERING && self.waiting.len() < share
    }

    /// May a sync be handed to the executor, where one is wanted? One alone always; a second for
    /// its share of the writers.
    fn may_begin(&self) -> bool {
        match self.running.len() {
            0 => true,
            1 => self.shares_out() && self.waiting.len() >= self.share(),
            _ => false,
        }
    }

    /// A sync runs no more. Gives those who may be told if it succeeded: where another runs, they
    /// are those who were held for this one, and its own are held for the other.
    fn take(&mut self, sync_slot: usize) -> Vec<W> {
        let of_this = |sync: &Running<W>| sync.sync_slot == sync_slot;
        let Some(place) = self.running.iter().position(of_this) else {
            return Vec::new();
        };
        let mut ended = self.running.swap_remove(place);
        let mut done = ended.held;
        let other = self.running.last_mut();
        let others = other.as_ref().map_or(0, |sync| sync.size);
        self.concurrent = ended.size + ended.beside.max(others + self.waiting.len());
        match other {
            Some(sync) => {
                sync.beside = ended.size;
                sync.held.append(&mut ended.batch);
            }
            None => done.append(&mut ended.batch),
        }
        done
    }
}
