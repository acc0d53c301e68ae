//! The flush engine of one device: the group commit, tied to a backing, an executor, counters and
//! the prediction.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::counters::{Counting, FlushCounters, count};
use super::executor::Executor;
use super::group::{Asked, Begun, GroupCommit};
use super::predict::{Predictor, gathering};
use crate::backing::Backing;
use crate::sync::{Arc, Condvar, Mutex, PoisonError, deadline, lock};

/// From this many writers on, two syncs run at once where the backing has sync slots for them.
/// Fewer gain nothing by it: they compute beside each other.
const CROWD_FOR_TWO: usize = 6;

/// Why a backing counts as failed, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error(
    "the backing of {device} failed to make data durable ({reason}); it stays failed until it is replaced"
)]
pub struct SyncFailure {
    /// The id of the device.
    pub device: String,
    /// What the host said.
    pub reason: String,
}

/// How a flush ended.
pub type FlushOutcome = Result<(), SyncFailure>;

/// Is told how a flush ended, once, on the executor's thread; it must not block.
type Told = Box<dyn FnOnce(FlushOutcome) + Send>;

struct Waiter {
    asked: Instant,
    told: Told,
}

/// A device's flush engine. Clones are handles to the same engine.
#[derive(Clone)]
pub struct FlushEngine {
    inner: Arc<Inner>,
}

struct Inner {
    device: String,
    backing: Arc<dyn Backing>,
    executor: Arc<dyn Executor>,
    group: GroupCommit<Waiter, SyncFailure>,
    predictor: Predictor,
    counting: Counting,
}

impl FlushEngine {
    /// An engine for the backing of `device` (its id, for messages).
    pub fn new(device: String, backing: Arc<dyn Backing>, executor: Arc<dyn Executor>) -> Self {
        let group = GroupCommit::new((backing.sync_slots() > 1).then_some(CROWD_FOR_TWO));
        FlushEngine {
            inner: Arc::new(Inner {
                device,
                backing,
                executor,
                group,
                predictor: Predictor::default(),
                counting: Counting::default(),
            }),
        }
    }

    /// Asks for everything stored before this call to become durable; `told` hears of it.
    ///
    /// Never waits. `told` may be called before this returns, where the backing has failed.
    pub fn flush(&self, told: impl FnOnce(FlushOutcome) + Send + 'static) {
        count(&self.inner.counting.flushes, 1);
        self.ask(Some(Waiter {
            asked: Instant::now(),
            told: Box::new(told),
        }));
    }

    /// Asks for the same, with nobody to tell: a failure still sets the latch.
    pub fn flush_in_background(&self) {
        self.ask(None);
    }

    /// Makes everything durable and waits for it, at most for `limit`. For the host's own use
    /// (shutdown, snapshots).
    ///
    /// # Errors
    /// When the backing failed, now or earlier, or did not end in time.
    pub fn flush_and_wait(&self, limit: Duration) -> FlushOutcome {
        let cell = Arc::new((Mutex::new(None), Condvar::new()));
        let teller = Arc::clone(&cell);
        let told = move |outcome| {
            *lock(&teller.0) = Some(outcome);
            teller.1.notify_all();
        };
        self.ask(Some(Waiter {
            asked: Instant::now(),
            told: Box::new(told),
        }));
        let deadline = deadline(limit);
        let mut outcome = lock(&cell.0);
        loop {
            if let Some(outcome) = outcome.take() {
                return outcome;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("a sync did not end within {} s", limit.as_secs_f32());
                return Err(SyncFailure {
                    device: self.inner.device.clone(),
                    reason,
                });
            }
            outcome = cell
                .1
                .wait_timeout(outcome, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn ask(&self, waiter: Option<Waiter>) {
        match self.inner.group.ask(waiter) {
            Asked::Submit => self.inner.executor.submit(SyncJob::new(&self.inner)),
            Asked::Joined => {}
            Asked::Failed(waiter, failure) => self.inner.tell(waiter, &Err(failure)),
        }
    }

    /// Sets the error latch for a reason that is not a sync's.
    pub(crate) fn fail(&self, reason: &str) {
        let failure = SyncFailure {
            device: self.inner.device.clone(),
            reason: reason.into(),
        };
        tracing::error!(device = self.inner.device, reason, "{failure}");
        self.latch(failure);
    }

    /// Sets the error latch: a snapshot carries it, and restoring one heals nothing.
    pub(crate) fn latch(&self, failure: SyncFailure) {
        self.inner.group.latch(failure);
    }

    /// The failure that set the error latch, if it is set.
    pub fn failure(&self) -> Option<SyncFailure> {
        self.inner.group.failure()
    }

    /// How long a flush that is asked for now will take.
    pub(crate) fn expected(&self) -> Duration {
        let inner = &self.inner;
        let sync = inner.predictor.sync_time();
        // A running sync can't satisfy it: it waits for that one and then for its own.
        let running = if inner.group.syncing() {
            sync
        } else {
            Duration::ZERO
        };
        let gathering = if inner.group.gathers() {
            gathering(sync)
        } else {
            Duration::ZERO
        };
        running + gathering + sync
    }

    pub(crate) fn counting(&self) -> &Counting {
        &self.inner.counting
    }

    /// The counters as they are now.
    pub fn counters(&self) -> FlushCounters {
        self.inner.counting.snapshot()
    }

    /// What the syncs run on.
    pub fn executor(&self) -> &'static str {
        self.inner.executor.name()
    }

    pub(crate) fn backing(&self) -> &Arc<dyn Backing> {
        &self.inner.backing
    }
}

impl Inner {
    fn tell(&self, waiters: impl IntoIterator<Item = Waiter>, outcome: &FlushOutcome) {
        for waiter in waiters {
            self.counting.flush_latency.record(waiter.asked.elapsed());
            if outcome.is_err() {
                count(&self.counting.failed_flushes, 1);
            }
            (waiter.told)(outcome.clone());
        }
    }

    /// Takes in how a sync ended. Gives the next, where one is wanted already, and whom to tell
    /// what.
    fn ended(
        self: &Arc<Self>,
        began: Option<(Instant, Begun)>,
        result: io::Result<()>,
    ) -> (Option<SyncJob>, Vec<Waiter>, FlushOutcome) {
        if let Some((at, _)) = began {
            let took = at.elapsed();
            self.predictor.observe(took);
            self.counting.sync_latency.record(took);
            count(&self.counting.syncs, 1);
        }
        let result = result.map_err(|error| SyncFailure {
            device: self.device.clone(),
            reason: error.to_string(),
        });
        match &result {
            Ok(()) => {
                let size = began.map_or(0, |(_, sync)| sync.size);
                count(&self.counting.coalesced, size.saturating_sub(1) as u64);
            }
            Err(_) => count(&self.counting.failed_syncs, 1),
        }
        let ended = self
            .group
            .end(began.map(|(_, sync)| sync.sync_slot), result);
        if let (true, Err(failure)) = (ended.latched, &ended.outcome) {
            tracing::error!(device = self.device, reason = failure.reason, "{failure}");
        }
        let next = ended.submit.then(|| SyncJob::new(self));
        (next, ended.done, ended.outcome)
    }
}

/// One sync for an executor to run. However it is lost, its waiters hear of it: dropping it
/// unfinished is a failure.
pub struct SyncJob {
    inner: Arc<Inner>,
    began: Option<(Instant, Begun)>,
    result: Option<io::Result<()>>,
    /// The engine knows how it ended.
    settled: bool,
}

impl SyncJob {
    fn new(inner: &Arc<Inner>) -> Self {
        SyncJob {
            inner: Arc::clone(inner),
            began: None,
            result: None,
            settled: false,
        }
    }

    /// Runs the sync on this thread, from begin to end, and those that are wanted by then: a thread
    /// that is awake needs not wake another.
    pub fn run(self) {
        let mut next = Some(self);
        while let Some(job) = next {
            next = job.run_once();
        }
    }

    fn run_once(mut self) -> Option<SyncJob> {
        let span = tracing::debug_span!("sync", device = self.inner.device).entered();
        if self.gathers() {
            let limit = gathering(self.inner.predictor.sync_time());
            self.inner.group.gather(limit);
        }
        let sync_slot = self.begin();
        self.result = Some(self.inner.backing.sync(sync_slot));
        drop(span);
        let (next, done, outcome) = self.settle();
        // Those who are told are the ones whom the next sync may gather.
        self.inner.tell(done, &outcome);
        next
    }

    /// Is it worth waiting a little for company before this sync begins? [`run`](Self::run) does
    /// so; an executor that can't wait should leave such a job to one that can.
    pub fn gathers(&self) -> bool {
        self.began.is_none() && self.inner.group.gathers()
    }

    /// The sync begins now, by other means than [`run`](Self::run): requests from here on wait for
    /// the next one.
    ///
    /// Returns its sync slot.
    pub fn begin(&mut self) -> usize {
        let began = self.began.get_or_insert_with(|| {
            let sync = self.inner.group.begin();
            (Instant::now(), sync)
        });
        began.1.sync_slot
    }

    /// Is the whole of the sync an `fdatasync` of a file, which
    /// [`begin_with_file`](Self::begin_with_file) gives?
    pub fn has_file(&self) -> bool {
        self.inner.backing.sync_fd(0).is_some()
    }

    /// Begins the sync as [`begin`](Self::begin) does, and gives the file whose `fdatasync` is the
    /// whole of it, where there is one. The job keeps it open.
    pub fn begin_with_file(&mut self) -> Option<BorrowedFd<'_>> {
        let sync_slot = self.begin();
        self.inner.backing.sync_fd(sync_slot)
    }

    /// The sync ended.
    pub fn finish(mut self, result: io::Result<()>) {
        self.result = Some(result);
    }

    /// Tells the engine how this ended: see [`Inner::ended`].
    fn settle(&mut self) -> (Option<SyncJob>, Vec<Waiter>, FlushOutcome) {
        self.settled = true;
        let lost = || Err(io::Error::other("the thread that ran the sync died"));
        let result = self.result.take().unwrap_or_else(lost);
        // A job that ends well has begun; were it otherwise, nothing could be said of its waiters.
        let result = if self.began.is_none() && result.is_ok() {
            lost()
        } else {
            result
        };
        self.inner.ended(self.began, result)
    }
}

impl Drop for SyncJob {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (next, done, outcome) = self.settle();
        // The next sync first: it runs while the waiters of this one are told.
        if let Some(next) = next {
            self.inner.executor.submit(next);
        }
        self.inner.tell(done, &outcome);
    }
}

impl fmt::Debug for FlushEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushEngine")
            .field("device", &self.inner.device)
            .finish_non_exhaustive()
    }
}
