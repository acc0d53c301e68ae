//! What the compiler's thread does: jobs become regions, each made once for all vCPUs, and finished several at a time, because
//! only whole pages of the host become executable.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use code_store::Key;
use power::Insn;
use power::code_tier::PAGE_WORDS;

use crate::code_space::SpaceError;
use crate::compile::Compiler;
use crate::host_code::{CodeArena, HostCode};
use crate::jit::{HostError, TranslateError};
use crate::mode::Mode;
use crate::pages;
use crate::persistent_cache::{PersistentCache, PersistentCachePlace, StoredRegion};
use crate::plan::{Plan, PlannedBlock};
use crate::region::{Region, RegionFacts};
use crate::service::{CompileRequest, JitOptions, Job, JobKind, Outcome, Shared, WarmHint};
use crate::statistics::JitStatistics;
use crate::warm_queue::{Next, WarmQueue};

/// Bytes of code that are worth being finished while there is more to do.
const BATCH: usize = 64 << 10;

/// Most bytes of earlier runs' code that are finished at the start: several times what a kernel's boot is.
const FILL: u64 = 24 << 20;

/// A room holds a batch and the trampolines at least.
const MIN_ROOM: usize = 4 * BATCH;

/// Sources that are known, past which those for the interpreter are forgotten; the room bounds the others.
const KNOWN_MAX: usize = 1 << 16;

/// How long the thread is idle before it saves what it has compiled.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// And how long that waits at most.
const SAVE_AT_LATEST: Duration = Duration::from_secs(60);

/// What code is made of.
type Source = (Mode, Vec<PlannedBlock>);

/// What is known about some code.
enum Known {
    /// It is finished.
    Region(Arc<Region>),
    /// It is for the interpreter.
    Interpret,
    /// It is compiled: an index of what waits to be finished.
    Waiting(usize),
}

/// Compiled, now or in an earlier run, and waiting to be finished.
struct Waiting {
    /// Where it was compiled now.
    source: Option<Source>,
    page: Key,
    kept: StoredRegion,
    jobs: Vec<Job>,
}

/// The thread that compiles, and what it keeps between two jobs.
pub(crate) struct CompileWorker {
    compiler: Compiler,
    options: JitOptions,
    /// Where code goes; made when first needed, and another when full.
    room: Option<Arc<CodeArena>>,
    known: HashMap<Source, Known>,
    warm: WarmQueue,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    /// Who wants to know of all regions of a page.
    waiting_for_pages: Vec<(Key, Job)>,
    /// When code was finished last.
    delivered: Instant,
    place: Option<PersistentCachePlace>,
    persistent_cache: Option<PersistentCache>,
}

impl CompileWorker {
    /// A compile worker for this host.
    ///
    /// # Errors
    /// [`HostError`].
    pub(crate) fn new(
        options: JitOptions,
        place: Option<PersistentCachePlace>,
    ) -> Result<Self, HostError> {
        Ok(Self {
            compiler: Compiler::new()?,
            options,
            room: None,
            known: HashMap::new(),
            warm: WarmQueue::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_for_pages: Vec::new(),
            delivered: Instant::now(),
            place,
            persistent_cache: None,
        })
    }

    /// Opens the persistent cache, where there is to be one, and takes from it what may be needed
    /// before it is asked for.
    pub(crate) fn open_persistent_cache(&mut self, shared: &Shared) {
        let Some(place) = self.place.take() else {
            shared.pages().fill(Vec::new(), true);
            return;
        };
        match PersistentCache::open(&place, self.compiler.isa()) {
            Ok(persistent_cache) => {
                self.fill(&persistent_cache, shared);
                self.persistent_cache = Some(persistent_cache);
            }
            Err(error) => {
                tracing::warn!(%error, "compiled code is not kept for later runs");
                shared.pages().fill(Vec::new(), true);
            }
        }
    }

    /// Finishes what the last runs have used.
    fn fill(&mut self, persistent_cache: &PersistentCache, shared: &Shared) {
        let start = Instant::now();
        let most = (self.options.code_bytes as u64 / 2).min(FILL);
        let (kept, complete) = persistent_cache.most(most);
        if kept.is_empty() {
            return shared.pages().fill(Vec::new(), complete);
        }
        let pieces: Vec<&[u8]> = kept.iter().map(|(_, kept)| &kept.code[..]).collect();
        let placed = match self.place(&pieces, shared) {
            Ok(placed) => placed,
            Err(error) => {
                tracing::warn!(%error, "kept code is not used for now");
                return;
            }
        };
        let regions: Vec<_> = kept
            .into_iter()
            .zip(placed)
            .map(|((page, kept), code)| {
                let region = Region::new(code, kept.facts);
                (page, usize::from(kept.entry), Arc::new(region))
            })
            .collect();
        shared.add(&JitStatistics {
            loaded: regions.len() as u64,
            compile_time: start.elapsed(),
            ..JitStatistics::default()
        });
        shared.pages().fill(regions, complete);
    }

    /// Does a job, or as much of it as can be done before its code is finished.
    pub(crate) fn take(&mut self, job: Job, shared: &Shared) {
        self.warm.asked();
        let start = Instant::now();
        let mut done = JitStatistics::default();
        let page = pages::key(&job.words);
        match job.wanted {
            JobKind::All => self.all_of_page(page, job, shared, &mut done),
            JobKind::Region(request) => {
                let words = job.words.clone();
                self.compile(&words, page, request, Some(job), shared, &mut done);
            }
        }
        done.compile_time = start.elapsed();
        shared.add(&done);
        if self.waiting_bytes >= BATCH || self.options.wait {
            self.deliver(shared);
        }
    }

    /// Compiles the region that a page has at an entry, for a mode.
    fn compile(
        &mut self,
        words: &[Insn; PAGE_WORDS],
        page: Key,
        request: CompileRequest,
        job: Option<Job>,
        shared: &Shared,
        done: &mut JitStatistics,
    ) {
        let CompileRequest {
            entry,
            mode,
            reached,
        } = request;
        match Plan::region(words, entry, mode, &reached) {
            Some((plan, depends)) => {
                let facts = RegionFacts {
                    mode,
                    depends,
                    entry_charge: plan.entry_charge(),
                };
                self.plan(&plan, facts, (page, entry), job, shared, done);
            }
            None => answer(job, || Outcome::Interpret),
        }
    }

    /// There is nothing else to do now. How long until this wants to be called again.
    pub(crate) fn rest(&mut self, shared: &Shared) -> Option<Duration> {
        let is_waited_for = |waiting: &Waiting| !waiting.jobs.is_empty();
        if !self.waiting_for_pages.is_empty() || self.waiting.iter().any(is_waited_for) {
            self.deliver(shared);
        }
        self.warm.add(shared.take_notes());
        let again = match self.warm.next() {
            Next::Compile(hint) => {
                self.warm_up(hint, shared);
                return Some(Duration::ZERO);
            }
            Next::Later(pause) => Some(pause),
            Next::Nothing => None,
        };
        self.deliver(shared);
        let waits = self
            .persistent_cache
            .as_ref()
            .and_then(PersistentCache::fresh_for);
        let (Some(persistent_cache), Some(waits)) = (&mut self.persistent_cache, waits) else {
            return again;
        };
        if self.delivered.elapsed() >= SAVE_AFTER || waits >= SAVE_AT_LATEST {
            save(persistent_cache, shared);
            return again;
        }
        Some(again.map_or(SAVE_AFTER, |again| again.min(SAVE_AFTER)))
    }

    /// Compiles warm code, where nobody has yet.
    fn warm_up(&mut self, hint: WarmHint, shared: &Shared) {
        let pages = shared.pages();
        let Some((page, words)) = pages.of_request(hint.request_id) else {
            return;
        };
        if pages.has(&page, hint.request.entry, hint.request.mode) {
            return;
        }
        drop(pages);
        let start = Instant::now();
        let mut done = JitStatistics::default();
        self.compile(&words, page, hint.request, None, shared, &mut done);
        done.compile_time = start.elapsed();
        self.warm.compiled_in(done.compile_time);
        shared.add(&done);
    }

    /// Keeps what is to be kept.
    pub(crate) fn close(mut self, shared: &Shared) {
        if let Some(persistent_cache) = &mut self.persistent_cache {
            save(persistent_cache, shared);
        }
    }

    /// Answers with all regions of a page, once those of earlier runs are finished.
    fn all_of_page(&mut self, page: Key, job: Job, shared: &Shared, done: &mut JitStatistics) {
        let mut in_earlier_runs = match &self.persistent_cache {
            Some(persistent_cache) if shared.pages().search(&page) => persistent_cache.page(&page),
            _ => Vec::new(),
        };
        // Some may be there since the start.
        let pages = shared.pages();
        in_earlier_runs.retain(|kept| !pages.has(&page, kept.entry.into(), kept.facts.mode));
        drop(pages);
        done.loaded = in_earlier_runs.len() as u64;
        for kept in in_earlier_runs {
            self.waiting_bytes += kept.code.len();
            self.waiting.push(Waiting {
                source: None,
                page,
                kept,
                jobs: Vec::new(),
            });
        }
        self.waiting_for_pages.push((page, job));
    }

    fn plan(
        &mut self,
        plan: &Plan,
        facts: RegionFacts,
        (page, entry): (Key, usize),
        job: Option<Job>,
        shared: &Shared,
        done: &mut JitStatistics,
    ) {
        let source = (facts.mode, plan.blocks.clone());
        match self.known.get(&source) {
            Some(Known::Region(region)) => {
                let mut pages = shared.pages();
                if !pages.has(&page, entry, facts.mode) {
                    pages.add_and_tell(page, entry, region);
                }
                drop(pages);
                answer(job, || Outcome::Region(Arc::clone(region)));
            }
            Some(Known::Interpret) => answer(job, || Outcome::Interpret),
            Some(&Known::Waiting(index)) => self.waiting[index].jobs.extend(job),
            None => match self.compiler.plan(plan, facts.mode) {
                Ok(compiled) => {
                    done.regions = 1;
                    done.translated = compiled.instructions as u64;
                    done.code_bytes = compiled.bytes.len() as u64;
                    self.waiting_bytes += compiled.bytes.len();
                    let index = Known::Waiting(self.waiting.len());
                    self.known.insert(source.clone(), index);
                    let kept = StoredRegion {
                        entry: entry as u16,
                        facts,
                        code: compiled.bytes,
                    };
                    self.waiting.push(Waiting {
                        source: Some(source),
                        page,
                        kept,
                        jobs: job.into_iter().collect(),
                    });
                }
                Err(error) => {
                    let error = TranslateError::from(error);
                    tracing::debug!(%error, "code stays interpreted");
                    if self.known.len() >= KNOWN_MAX {
                        self.known
                            .retain(|_, known| !matches!(known, Known::Interpret));
                    }
                    self.known.insert(source, Known::Interpret);
                    answer(job, || Outcome::Interpret);
                }
            },
        }
    }

    /// Finishes what waits, and answers the jobs.
    pub(crate) fn deliver(&mut self, shared: &Shared) {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if !waiting.is_empty() {
            self.delivered = Instant::now();
            let pieces: Vec<&[u8]> = waiting.iter().map(|w| &w.kept.code[..]).collect();
            match self.place(&pieces, shared) {
                Ok(placed) => self.hand_out(waiting, placed, shared),
                Err(error) => {
                    tracing::warn!(%error, "code stays interpreted for now");
                    self.give_up(waiting);
                }
            }
        }
        for (page, job) in std::mem::take(&mut self.waiting_for_pages) {
            job.answer(Outcome::All(shared.pages().regions(&page)));
        }
    }

    fn hand_out(&mut self, waiting: Vec<Waiting>, placed: Vec<HostCode>, shared: &Shared) {
        for (waiting, code) in waiting.into_iter().zip(placed) {
            let Waiting {
                source,
                page,
                kept,
                jobs,
            } = waiting;
            let region = Arc::new(Region::new(code, kept.facts));
            let entry = usize::from(kept.entry);
            match source {
                // Who asked for the page is told of all of them.
                None => shared.pages().add(page, entry, &region),
                Some(_) => shared.pages().add_and_tell(page, entry, &region),
            }
            if let Some(source) = source {
                self.known
                    .insert(source, Known::Region(Arc::clone(&region)));
                if let Some(persistent_cache) = &mut self.persistent_cache {
                    persistent_cache.keep(page, kept);
                }
            }
            for job in jobs {
                job.answer(Outcome::Region(Arc::clone(&region)));
            }
        }
    }

    fn give_up(&mut self, waiting: Vec<Waiting>) {
        for waiting in waiting {
            if let Some(source) = waiting.source {
                self.known.remove(&source);
            }
            for job in waiting.jobs {
                job.answer(Outcome::Dropped);
            }
        }
    }

    /// Finishes pieces, where the room is full in a new one: then everything before is dropped.
    fn place(
        &mut self,
        pieces: &[&[u8]],
        shared: &Shared,
    ) -> Result<Vec<HostCode>, TranslateError> {
        if let Some(room) = &self.room {
            match room.place(pieces) {
                Err(SpaceError::Full) => {}
                placed => return Ok(placed?),
            }
            self.known
                .retain(|_, known| matches!(known, Known::Waiting(_)));
            shared.pages().drop_regions();
            shared.add(&JitStatistics {
                evictions: 1,
                ..JitStatistics::default()
            });
            shared.generation.fetch_add(1, Ordering::Release);
        }
        let room = CodeArena::new(self.compiler.isa(), self.options.code_bytes.max(MIN_ROOM))?;
        Ok(self.room.insert(room).place(pieces)?)
    }
}

/// Keeps what is new, and says what was used.
fn save(persistent_cache: &mut PersistentCache, shared: &Shared) {
    for page in shared.pages().take_used() {
        persistent_cache.touch(&page);
    }
    persistent_cache.save();
}

/// Answers a job, where there is one.
fn answer(job: Option<Job>, outcome: impl FnOnce() -> Outcome) {
    if let Some(job) = job {
        job.answer(outcome());
    }
}
