//! Asynchronous hypercalls of one connector: calls that can't answer before they are asked again.
//!
//! A hypercall that can't answer at once *begins* a call: it gets a token for the guest and a
//! [`Completion`] for whoever does the work. The guest repeats its hypercall with the token, which
//! *claims* the call: still running, finished (the answer is handed out once and the token is
//! spent), or unknown. The layer is general: `R` says what was asked for (so that a restored
//! machine can ask again), `A` is the answer, and nothing here knows what either means.
//!
//! What holds: a call's answer is given out at most once; a call that was begun always finishes,
//! even if the thread that does the work dies; a guest that never comes back costs at most `limit`
//! entries; no lock is held while a claim waits. `tests/model.rs` checks this file under loom, so
//! locks come from `crate::sync` alone.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::sync::{Arc, Condvar, Mutex, PoisonError, deadline, lock};
use crate::token::{ContinueToken, TokenSource};

/// The calls of one connector. Clones are handles to the same calls.
pub struct AsyncCalls<R, A> {
    shared: Arc<Shared<R, A>>,
}

struct Shared<R, A> {
    limit: usize,
    lost: A,
    table: Mutex<Table<R, A>>,
    /// Nothing runs any more.
    idle: Condvar,
}

struct Table<R, A> {
    tokens: TokenSource,
    calls: HashMap<ContinueToken, Call<R, A>>,
    running: usize,
    open: bool,
    /// Counts imports: what was begun before one does not finish a call that came with it, even if
    /// the tokens agree.
    epoch: u64,
}

enum Call<R, A> {
    Running {
        request: R,
        since: Instant,
        /// Where its claimers wait, made by the first of them. One for all calls would wake, for
        /// each that finishes, the claimers of all others.
        awaited: Option<Arc<Condvar>>,
    },
    Finished(A),
}

impl<R, A> Call<R, A> {
    fn begun(request: R, since: Instant) -> Self {
        Call::Running {
            request,
            since,
            awaited: None,
        }
    }

    /// Wakes those who wait for it, to look again.
    fn wake_claimers(&self) {
        if let Call::Running {
            awaited: Some(awaited),
            ..
        } = self
        {
            awaited.notify_all();
        }
    }
}

impl<R, A> Shared<R, A> {
    /// Wakes whoever drains the table, where nothing runs in it any more.
    fn wake_if_idle(&self, table: &Table<R, A>) {
        if table.running == 0 {
            self.idle.notify_all();
        }
    }
}

impl<R, A> Table<R, A> {
    /// Forgets every call; whoever waits for one finds that it is unknown.
    fn clear(&mut self) {
        for (_, call) in self.calls.drain() {
            call.wake_claimers();
        }
    }
}

/// Why a call could not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many calls as the limit allows are running or wait to be claimed: come again.
    Full,
    /// The connector takes no calls: it is being drained, or what was attached to it leaves.
    Closed,
}

/// What became of the call that a token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<A> {
    /// Not finished; the call is this old.
    Running {
        /// Time since the call began (or was taken up again after a restore).
        age: Duration,
    },
    /// Finished with this answer. The token is spent.
    Finished(A),
    /// Never issued, or spent.
    Unknown,
}

/// What a snapshot carries of a connector's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallsState<R, A> {
    /// Where the next tokens come from.
    pub tokens: TokenSource,
    /// Calls that run: they have to be asked for again after a restore.
    pub running: Vec<(ContinueToken, R)>,
    /// Calls that are finished and not claimed.
    pub finished: Vec<(ContinueToken, A)>,
}

impl<R, A> CallsState<R, A> {
    /// How many calls are in it; none where two of them have the same token, which no table ever
    /// said.
    pub fn calls(&self) -> Option<usize> {
        let running = self.running.iter().map(|(token, _)| token);
        let finished = self.finished.iter().map(|(token, _)| token);
        let mut seen = HashSet::new();
        running
            .chain(finished)
            .all(|token| seen.insert(token))
            .then_some(seen.len())
    }
}

impl<R: Clone, A: Clone> AsyncCalls<R, A> {
    /// An empty table that holds at most `limit` calls. A call whose [`Completion`] is dropped
    /// finishes with `lost`.
    pub fn new(tokens: TokenSource, limit: usize, lost: A) -> Self {
        let table = Table {
            tokens,
            calls: HashMap::new(),
            running: 0,
            open: true,
            epoch: 0,
        };
        AsyncCalls {
            shared: Arc::new(Shared {
                limit,
                lost,
                table: Mutex::new(table),
                idle: Condvar::new(),
            }),
        }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// [`Refusal`] where there is no room, or the connector is closed. Nothing was begun then.
    pub fn begin(&self, request: R) -> Result<(ContinueToken, Completion<R, A>), Refusal> {
        let mut table = lock(&self.shared.table);
        if !table.open {
            return Err(Refusal::Closed);
        }
        if table.calls.len() >= self.shared.limit {
            return Err(Refusal::Full);
        }
        let token = table.tokens.issue();
        table
            .calls
            .insert(token, Call::begun(request, Instant::now()));
        table.running += 1;
        Ok((token, self.completion(token, table.epoch)))
    }

    /// Asks for a call, and waits for it up to `patience` if it is still running.
    ///
    /// The wait holds no lock: other threads begin, complete and claim meanwhile.
    pub fn claim(&self, token: ContinueToken, patience: Duration) -> Claim<A> {
        let mut until = None;
        let mut table = lock(&self.shared.table);
        loop {
            let (age, awaited) = match table.calls.get_mut(&token) {
                None => return Claim::Unknown,
                Some(Call::Finished(_)) => break,
                Some(Call::Running { since, awaited, .. }) => (since.elapsed(), awaited),
            };
            if patience.is_zero() {
                return Claim::Running { age };
            }
            let now = Instant::now();
            let deadline = *until.get_or_insert_with(|| deadline(patience));
            let Some(left) = deadline
                .checked_duration_since(now)
                .filter(|left| !left.is_zero())
            else {
                return Claim::Running { age };
            };
            let awaited = Arc::clone(awaited.get_or_insert_with(|| Arc::new(Condvar::new())));
            table = awaited
                .wait_timeout(table, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        match table.calls.remove(&token) {
            Some(Call::Finished(answer)) => Claim::Finished(answer),
            _ => Claim::Unknown,
        }
    }

    /// Takes no more calls until [`reopen`](Self::reopen). Calls that run go on, and finished ones
    /// can be claimed.
    pub fn close(&self) {
        lock(&self.shared.table).open = false;
    }

    /// Takes calls again.
    pub fn reopen(&self) {
        lock(&self.shared.table).open = true;
    }

    /// How many calls run.
    pub fn running(&self) -> usize {
        lock(&self.shared.table).running
    }

    /// How many calls the table holds, running or finished.
    pub fn outstanding(&self) -> usize {
        lock(&self.shared.table).calls.len()
    }

    /// Closes the table, waits up to `limit` until nothing runs, and forgets everything. Tokens
    /// issued so far are spent.
    ///
    /// Returns how many calls were still running at the end of the wait; they are abandoned: their
    /// completions come to nothing. The table stays closed.
    pub fn drain(&self, limit: Duration) -> usize {
        let deadline = deadline(limit);
        let mut table = lock(&self.shared.table);
        table.open = false;
        while table.running > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            table = self
                .shared
                .idle
                .wait_timeout(table, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        table.clear();
        let abandoned = std::mem::take(&mut table.running);
        // Another drain may wait for the same.
        self.shared.wake_if_idle(&table);
        abandoned
    }

    /// What a snapshot needs. Calls go on running; take it while no vCPU runs, or it is out of date
    /// at once.
    pub fn export(&self) -> CallsState<R, A> {
        let table = lock(&self.shared.table);
        let (mut running, mut finished) = (Vec::new(), Vec::new());
        for (&token, call) in &table.calls {
            match call {
                Call::Running { request, .. } => running.push((token, request.clone())),
                Call::Finished(answer) => finished.push((token, answer.clone())),
            }
        }
        running.sort_by_key(|(token, _)| *token);
        finished.sort_by_key(|(token, _)| *token);
        CallsState {
            tokens: table.tokens.clone(),
            running,
            finished,
        }
    }

    /// Puts a snapshot's calls in the place of all that the table holds.
    ///
    /// Returns what has to be done again, each with its completion, so that tokens stay good across
    /// the snapshot.
    pub fn import(&self, state: CallsState<R, A>) -> Vec<(R, Completion<R, A>)> {
        let mut table = lock(&self.shared.table);
        table.clear();
        table.tokens = state.tokens;
        table.running = state.running.len();
        table.open = true;
        table.epoch += 1;
        let since = Instant::now();
        let mut again = Vec::new();
        for (token, request) in state.running {
            table
                .calls
                .insert(token, Call::begun(request.clone(), since));
            again.push((request, self.completion(token, table.epoch)));
        }
        for (token, answer) in state.finished {
            table.calls.insert(token, Call::Finished(answer));
        }
        self.shared.wake_if_idle(&table);
        again
    }

    fn completion(&self, token: ContinueToken, epoch: u64) -> Completion<R, A> {
        Completion {
            shared: Arc::clone(&self.shared),
            token,
            epoch,
            answer: None,
        }
    }
}

impl<R, A> Clone for AsyncCalls<R, A> {
    fn clone(&self) -> Self {
        AsyncCalls {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The duty to finish one call, from any thread. Dropping it unfulfilled finishes the call with the
/// `lost` answer.
pub struct Completion<R, A: Clone> {
    shared: Arc<Shared<R, A>>,
    token: ContinueToken,
    epoch: u64,
    answer: Option<A>,
}

impl<R, A: Clone> Completion<R, A> {
    /// Finishes the call.
    pub fn complete(mut self, answer: A) {
        self.answer = Some(answer);
    }
}

impl<R, A: Clone> Drop for Completion<R, A> {
    fn drop(&mut self) {
        let answer = self
            .answer
            .take()
            .unwrap_or_else(|| self.shared.lost.clone());
        let mut table = lock(&self.shared.table);
        if table.epoch != self.epoch {
            return;
        }
        // A call that was drained away is no longer there; a token is never used again, so no other
        // can be hit.
        let Some(call @ Call::Running { .. }) = table.calls.get_mut(&self.token) else {
            return;
        };
        let begun = std::mem::replace(call, Call::Finished(answer));
        table.running -= 1;
        self.shared.wake_if_idle(&table);
        // Who is woken wants the lock.
        drop(table);
        begun.wake_claimers();
    }
}
