//! The compiler of a machine: a thread that translates what the vCPUs find hot, once for all of them.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use power::Insn;
use power::code_tier::{CodeTier, PAGE_WORDS, Reached};
use thread_role::Role;

use crate::compile_worker::CompileWorker;
use crate::jit::HostError;
use crate::mode::Mode;
use crate::pages::Pages;
use crate::perf_map::PerfMap;
use crate::persistent_cache::PersistentCachePlace;
use crate::region::Region;
use crate::statistics::JitStatistics;
use crate::tier::JitTier;

/// Requests that may wait; past it the oldest are dropped, and their code stays cold a while longer.
const QUEUE: usize = 512;
/// Pages that may wait to be looked for in earlier runs: as many as a vCPU has decoded at once.
const PAGES: usize = 4096;

/// Notes that wait.
const HINTS: usize = 1 << 14;

/// vCPUs that are taken to run the same code, at most.
const MOST_ALIKE: u32 = 4;

/// How a machine compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitOptions {
    /// Entries after which code counts as hot; 0 counts as 1. Each vCPU counts for itself, and all run what one has found hot: where
    /// there are several, fewer will do.
    pub threshold: u32,
    /// Entries after which code is compiled when the compiler has nothing else to do; 0: none is. Not where vCPUs `wait`.
    pub warm: u32,
    /// Bytes of host code kept; at most twice as much exists while vCPUs move to a new space.
    pub code_bytes: usize,
    /// Whether a vCPU waits for the compiler, so that what runs compiled depends on the guest alone. For tests.
    pub wait: bool,
}

impl Default for JitOptions {
    fn default() -> Self {
        Self {
            threshold: 2000,
            warm: 62,
            code_bytes: 64 << 20,
            wait: false,
        }
    }
}

/// Something to be had of a page of code.
pub(crate) struct Job {
    pub(crate) words: Box<[Insn; PAGE_WORDS]>,
    pub(crate) wanted: JobKind,
    /// A number for this that no other has.
    pub(crate) request_id: u64,
    pub(crate) reply: Reply,
}

/// The way back to a vCPU.
#[derive(Clone)]
pub(crate) struct Reply {
    answers: Sender<Answer>,
    /// What was sent unasked, and not yet been taken.
    pub(crate) unasked: Arc<AtomicUsize>,
}

/// What may wait unasked for a vCPU, which may be asleep.
const UNASKED: usize = 4096;

impl Reply {
    /// A way back, and what comes over it.
    pub(crate) fn new() -> (Self, Receiver<Answer>) {
        let (answers, received) = mpsc::channel();
        let reply = Self {
            answers,
            unasked: Arc::default(),
        };
        (reply, received)
    }

    /// Sends what was not asked for, where the vCPU takes it; false: it is gone.
    pub(crate) fn offer(&self, answer: Answer) -> bool {
        if self.unasked.load(Ordering::Relaxed) >= UNASKED {
            return true;
        }
        self.unasked.fetch_add(1, Ordering::Relaxed);
        self.answers.send(answer).is_ok()
    }
}

/// A region of a page.
#[derive(Clone, Copy)]
pub(crate) struct CompileRequest {
    /// The word where it is entered.
    pub(crate) entry: usize,
    pub(crate) mode: Mode,
    /// Where branches have gone to in the page.
    pub(crate) reached: Reached,
}

/// Code that has become warm.
#[derive(Clone, Copy)]
pub(crate) struct WarmHint {
    /// That of the page.
    pub(crate) request_id: u64,
    pub(crate) request: CompileRequest,
}

/// What is wanted of a page.
#[derive(Clone, Copy)]
pub(crate) enum JobKind {
    /// A region.
    Region(CompileRequest),
    /// What is there already, and from now on what comes.
    All,
}

/// The answer to a [`Job`].
pub(crate) struct Answer {
    pub(crate) request_id: u64,
    pub(crate) outcome: Outcome,
}

/// What became of a job.
pub(crate) enum Outcome {
    /// It is done.
    Region(Arc<Region>),
    /// This code is for the interpreter.
    Interpret,
    /// Hotter code has crowded it out: it may be asked for again.
    Dropped,
    /// All regions of the page that there are, by the word where they are entered.
    All(Vec<(usize, Arc<Region>)>),
    /// A region of a page that was asked for before, entered at a word.
    More(usize, Arc<Region>),
}

/// What vCPUs see of the compiler.
pub(crate) struct Shared {
    pub(crate) options: JitOptions,
    /// Counts how often all code was dropped.
    pub(crate) generation: AtomicU64,
    pages: Mutex<Pages>,
    /// vCPUs that there have been.
    vcpus: AtomicU32,
    /// The last request id that was given.
    pub(crate) request_ids: AtomicU64,
    /// Where code is given names, where that is wanted.
    pub(crate) perf_map: OnceLock<PerfMap>,
    queue: Mutex<Queue>,
    changed: Condvar,
    statistics: Mutex<JitStatistics>,
}

/// Jobs that wait.
#[derive(Default)]
struct Queue {
    /// For what is there already: they cost next to nothing, may save the others, and are asked once, so they come first.
    pages: VecDeque<Job>,
    /// For code to be compiled. The newest comes first: what is hot now matters most.
    jobs: VecDeque<Job>,
    /// What may be compiled when there is nothing else.
    hints: Vec<WarmHint>,
    /// Whether the thread waits.
    idle: bool,
    closed: bool,
}

impl Queue {
    /// Takes a job; what has to give way to it is returned.
    fn push(&mut self, job: Job) -> Option<Job> {
        let (queue, room) = match job.wanted {
            JobKind::All => (&mut self.pages, PAGES),
            JobKind::Region(_) => (&mut self.jobs, QUEUE),
        };
        let oldest = if queue.len() >= room {
            queue.pop_front()
        } else {
            None
        };
        queue.push_back(job);
        oldest
    }

    fn pop(&mut self) -> Option<Job> {
        self.pages.pop_front().or_else(|| self.jobs.pop_back())
    }

    fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.jobs.is_empty() && self.hints.is_empty()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries after which code counts as hot on one of the vCPUs.
    pub(crate) fn threshold(&self) -> u32 {
        let alike = match self.options.wait {
            true => 1,
            false => (self.vcpus.load(Ordering::Relaxed) / 2).clamp(1, MOST_ALIKE),
        };
        (self.options.threshold / alike).max(1)
    }

    /// The pages of code that vCPUs have.
    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what somebody has done.
    pub(crate) fn add(&self, done: &JitStatistics) {
        let mut statistics = self
            .statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *statistics += done;
    }

    /// Queues a job; the oldest goes where there is no room.
    pub(crate) fn submit(&self, job: Job) {
        let mut queue = self.lock();
        let oldest = queue.push(job);
        self.wake(queue);
        if let Some(job) = oldest {
            self.add(&JitStatistics {
                dropped: 1,
                ..JitStatistics::default()
            });
            job.answer(Outcome::Dropped);
        }
    }

    /// Tells of code that has become warm. What does not fit is forgotten.
    pub(crate) fn hint(&self, hint: WarmHint) {
        let mut queue = self.lock();
        if queue.hints.len() < HINTS {
            queue.hints.push(hint);
            self.wake(queue);
        }
    }

    /// Takes all hints.
    pub(crate) fn take_notes(&self) -> Vec<WarmHint> {
        std::mem::take(&mut self.lock().hints)
    }

    /// Wakes the thread where it waits.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        if std::mem::take(&mut queue.idle) {
            drop(queue);
            self.changed.notify_one();
        }
    }

    /// The next job, waited for; None: there will be none. What `rest` does is done before that: it says after which time it
    /// wants to be called again.
    fn next(&self, mut rest: impl FnMut() -> Option<Duration>) -> Option<Job> {
        loop {
            let mut queue = self.lock();
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.pop() {
                return Some(job);
            }
            drop(queue);
            let pause = rest();
            let mut queue = self.lock();
            if queue.closed || !queue.is_empty() || pause == Some(Duration::ZERO) {
                continue;
            }
            queue.idle = true;
            // Woken for whatever reason, it looks again.
            match pause {
                Some(pause) => drop(self.changed.wait_timeout(queue, pause)),
                None => drop(self.changed.wait(queue)),
            }
        }
    }
}

impl Job {
    pub(crate) fn answer(self, outcome: Outcome) {
        // A vCPU that is gone needs no answer.
        let _ = self.reply.answers.send(Answer {
            request_id: self.request_id,
            outcome,
        });
    }
}

/// The compiler of one machine. Dropping it ends its thread; vCPUs go on with what they have.
pub struct JitService {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl JitService {
    /// Starts a compiler.
    ///
    /// # Errors
    /// [`HostError`] where this host can't run translated code.
    pub fn new(options: JitOptions) -> Result<Self, HostError> {
        Self::start(CompileWorker::new(options, None)?, options)
    }

    /// Starts a compiler that keeps what it has compiled in `place`, and finds there what it compiled in earlier runs. Where that
    /// can't be used, a warning says why, and nothing is kept.
    ///
    /// # Errors
    /// [`HostError`] where this host can't run translated code.
    pub fn with_persistent_cache(
        options: JitOptions,
        place: PersistentCachePlace,
    ) -> Result<Self, HostError> {
        Self::start(CompileWorker::new(options, Some(place))?, options)
    }

    fn start(compile_worker: CompileWorker, options: JitOptions) -> Result<Self, HostError> {
        let shared = Arc::new(Shared {
            options,
            generation: AtomicU64::new(0),
            pages: Mutex::default(),
            vcpus: AtomicU32::new(0),
            request_ids: AtomicU64::new(0),
            perf_map: OnceLock::new(),
            queue: Mutex::default(),
            changed: Condvar::new(),
            statistics: Mutex::default(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("jit".into())
            .spawn(move || work(compile_worker, &for_thread))
            .map_err(|error| HostError::Unsupported(error.to_string()))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// From now on names compiled code for Linux's `perf`, by the guest's addresses. The file stays when the process has ended,
    /// because `perf report` reads it then; the caller says so to the user.
    ///
    /// # Errors
    /// The file, and why it can't be made: a file that is there already is not touched.
    pub fn name_for_perf(&self) -> Result<PathBuf, (PathBuf, io::Error)> {
        let place = PerfMap::place();
        match PerfMap::take_or_create(&place) {
            Ok(map) => {
                // A second call fails at the file.
                let _ = self.shared.perf_map.set(map);
                Ok(place)
            }
            Err(error) => Err((place, error)),
        }
    }

    /// A second tier for one vCPU.
    pub fn code_tier(&self) -> Box<dyn CodeTier> {
        self.shared.vcpus.fetch_add(1, Ordering::Relaxed);
        Box::new(JitTier::new(Arc::clone(&self.shared)))
    }

    /// What the compiler has done so far, and what the second tiers of those vCPUs have that are gone.
    pub fn statistics(&self) -> JitStatistics {
        *self
            .shared
            .statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for JitService {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has not panicked in a way that anybody could do something about.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for JitService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JitService")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

/// How much nicer the compiler's thread is than the one that starts it: where the host has no processor to spare, the guest comes
/// first, but not so much that it is interpreted for long.
const NICENESS: i32 = 12;

fn work(mut compile_worker: CompileWorker, shared: &Shared) {
    // Of this thread only, as Linux has it. Where the host refuses, compiling competes with the guest, and that is all.
    if let Ok(niceness) = rustix::process::getpriority_process(None) {
        let _ = rustix::process::setpriority_process(None, niceness + NICENESS);
    }
    compile_worker.open_persistent_cache(shared);
    // All files are open, and the thread that writes them has started.
    thread_role::begin(Role::Compiler);
    while let Some(job) = shared.next(|| compile_worker.rest(shared)) {
        compile_worker.take(job, shared);
    }
    compile_worker.close(shared);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_comes_first_and_is_not_crowded_out_by_what_is_hot() {
        let (reply, _answers) = Reply::new();
        let job = |request_id, wanted| Job {
            words: Box::new([Insn(0); PAGE_WORDS]),
            wanted,
            request_id,
            reply: reply.clone(),
        };
        let mut queue = Queue::default();
        assert!(queue.push(job(0, JobKind::All)).is_none());
        let last = QUEUE as u64 + 1;
        for request_id in 1..=last {
            let request = CompileRequest {
                entry: 0,
                mode: Mode::from_msr(0),
                reached: Reached::ALL,
            };
            let oldest = queue.push(job(request_id, JobKind::Region(request)));
            let gone = oldest.map(|job| job.request_id);
            assert_eq!(
                gone,
                (request_id == last).then_some(1),
                "the oldest code goes"
            );
        }
        assert_eq!(queue.pop().map(|job| job.request_id), Some(0));
        assert_eq!(
            queue.pop().map(|job| job.request_id),
            Some(last),
            "the newest"
        );
        assert!(!queue.is_empty());
    }
}
