//! What the compiler's thread does: jobs become regions, each made once for all vCPUs, and finished several at a time, because
//! only whole pages of the host become executable.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::code_space::SpaceError;
use crate::compile::{Compiled, Compiler, PlanError};
use crate::host_code::CodeRoom;
use crate::jit::{HostError, TranslateError};
use crate::mode::Mode;
use crate::plan::{Plan, PlannedBlock};
use crate::region::{Region, RegionFacts};
use crate::service::{Job, JitOptions, Outcome, Shared};
use crate::statistics::JitStatistics;

/// Bytes of code that are worth being finished while there is more to do.
const BATCH: usize = 64 << 10;

/// Sources that are known, past which those for the interpreter are forgotten; the room bounds the others.
const KNOWN_MAX: usize = 1 << 16;

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

/// Compiled, and waiting to be finished.
struct Waiting {
    source: Source,
    compiled: Compiled,
    facts: RegionFacts,
    jobs: Vec<Job>,
}

/// See the module.
pub(crate) struct Workshop {
    compiler: Compiler,
    options: JitOptions,
    /// Where code goes; made when first needed, and another when full.
    room: Option<Arc<CodeRoom>>,
    known: HashMap<Source, Known>,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
}

impl Workshop {
    /// A workshop for this host.
    ///
    /// # Errors
    /// [`HostError`].
    pub(crate) fn new(options: JitOptions) -> Result<Self, HostError> {
        Ok(Self {
            compiler: Compiler::new()?,
            options,
            room: None,
            known: HashMap::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
        })
    }

    /// Does a job, or as much of it as can be done before its code is finished.
    pub(crate) fn take(&mut self, job: Job, shared: &Shared) {
        let start = Instant::now();
        let mut done = JitStatistics::default();
        match Plan::region(&job.words, job.entry, job.mode) {
            None => job.answer(Outcome::Interpret),
            Some((plan, depends)) => self.plan(&plan, depends, job, &mut done),
        }
        done.compile_time = start.elapsed();
        shared.add(&done);
        if self.waiting_bytes >= BATCH || self.options.wait {
            self.deliver(shared);
        }
    }

    fn plan(&mut self, plan: &Plan, depends: Mode, job: Job, done: &mut JitStatistics) {
        let source = (job.mode, plan.blocks.clone());
        match self.known.get(&source) {
            Some(Known::Region(region)) => job.answer(Outcome::Region(Arc::clone(region))),
            Some(Known::Interpret) => job.answer(Outcome::Interpret),
            Some(&Known::Waiting(index)) => self.waiting[index].jobs.push(job),
            None => match self.compiler.plan(plan, job.mode) {
                Ok(compiled) => {
                    done.regions = 1;
                    done.translated = compiled.instructions as u64;
                    done.code_bytes = compiled.bytes.len() as u64;
                    self.waiting_bytes += compiled.bytes.len();
                    let index = Known::Waiting(self.waiting.len());
                    self.known.insert(source.clone(), index);
                    self.waiting.push(Waiting {
                        source,
                        facts: RegionFacts {
                            mode: job.mode,
                            depends,
                            entry_charge: plan.entry_charge(),
                            instructions: compiled.instructions as u32,
                        },
                        compiled,
                        jobs: vec![job],
                    });
                }
                Err(error) => {
                    let error = match error {
                        PlanError::Interpret(insn) => TranslateError::Interpret(insn),
                        PlanError::Compile(error) => TranslateError::Compile(error),
                    };
                    tracing::debug!(%error, "code stays interpreted");
                    if self.known.len() >= KNOWN_MAX {
                        self.known
                            .retain(|_, known| !matches!(known, Known::Interpret));
                    }
                    self.known.insert(source, Known::Interpret);
                    job.answer(Outcome::Interpret);
                }
            },
        }
    }

    /// Finishes what waits, and answers the jobs.
    pub(crate) fn deliver(&mut self, shared: &Shared) {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if waiting.is_empty() {
            return;
        }
        let pieces: Vec<&[u8]> = waiting.iter().map(|w| &w.compiled.bytes[..]).collect();
        let placed = match self.place(&pieces, shared) {
            Ok(placed) => placed,
            Err(error) => {
                tracing::warn!(%error, "code stays interpreted for now");
                for waiting in waiting {
                    self.known.remove(&waiting.source);
                    for job in waiting.jobs {
                        job.answer(Outcome::Dropped);
                    }
                }
                return;
            }
        };
        for (waiting, code) in waiting.into_iter().zip(placed) {
            let region = Arc::new(Region {
                code,
                facts: waiting.facts,
            });
            self.known
                .insert(waiting.source, Known::Region(Arc::clone(&region)));
            for job in waiting.jobs {
                job.answer(Outcome::Region(Arc::clone(&region)));
            }
        }
    }

    /// Finishes pieces, where the room is full in a new one: then everything before is dropped.
    fn place(
        &mut self,
        pieces: &[&[u8]],
        shared: &Shared,
    ) -> Result<Vec<crate::host_code::HostCode>, TranslateError> {
        if let Some(room) = &self.room {
            match room.place(pieces) {
                Err(SpaceError::Full) => {}
                placed => return Ok(placed?),
            }
            self.known
                .retain(|_, known| matches!(known, Known::Waiting(_)));
            shared.add(&JitStatistics {
                evictions: 1,
                ..JitStatistics::default()
            });
            shared.generation.fetch_add(1, Ordering::Release);
        }
        let room = CodeRoom::new(self.compiler.isa(), self.options.code_bytes.max(MIN_ROOM))?;
        Ok(self.room.insert(room).place(pieces)?)
    }
}

/// A room holds a batch and the trampolines at least.
const MIN_ROOM: usize = 4 * BATCH;
