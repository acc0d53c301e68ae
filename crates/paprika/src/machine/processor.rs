//! The built-in CPU as the platform's [`Vcpu`], and what carries out its instructions.

use std::sync::Arc;

use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use power::{Cpu, CpuState, Exit, Partition, StateError, msr};
use power_jit::{HostError, JitOptions, JitService, PersistentCachePlace};
use power_lockstep::{LockStep, LockStepError, LockStepOptions};
use tracing::{info, warn};

use super::MachineError;
use super::config::{CodeOptions, CpuEngine, HostOptions};

/// How code is compiled that is to be compared: much of it, and soon.
const COMPARED: JitOptions = JitOptions {
    threshold: 50,
    warm: 0,
    code_bytes: 64 << 20,
    wait: false,
};

/// What the vCPUs of a machine share of their engine.
#[derive(Clone)]
pub(super) enum Engine {
    /// Nothing.
    Interpreter,
    /// The compiler.
    Jit(Arc<JitService>),
    /// The compiler, whose code is compared with the interpreter.
    LockStep(Arc<JitService>),
}

impl Engine {
    /// The compiler, where there is one.
    pub(super) fn compiler(&self) -> Option<&JitService> {
        match self {
            Self::Interpreter => None,
            Self::Jit(service) | Self::LockStep(service) => Some(service),
        }
    }

    /// The engine of a machine with so many vCPUs. A host that has no JIT is no reason not to run; but one not to compare it.
    pub(super) fn new(options: &HostOptions, vcpus: u32) -> Result<Self, MachineError> {
        match options.engine {
            CpuEngine::Interpreter => {
                info!("the guest is interpreted, as was asked for");
                Ok(Self::Interpreter)
            }
            CpuEngine::Jit => match compiler(&options.code) {
                Ok(service) => {
                    info!("hot code of the guest is compiled");
                    if options.code.perf_map {
                        match service.name_for_perf() {
                            Ok(map) => {
                                info!(map = %map.display(), "compiled code has names for perf")
                            }
                            Err((map, error)) => {
                                warn!(map = %map.display(), %error, "compiled code has no names for perf");
                            }
                        }
                    }
                    Ok(Self::Jit(Arc::new(service)))
                }
                Err(error) => {
                    warn!(%error, "the guest is interpreted");
                    Ok(Self::Interpreter)
                }
            },
            CpuEngine::Lockstep if vcpus != 1 => Err(MachineError::LockStep(
                LockStepError::Vcpus(vcpus).to_string(),
            )),
            CpuEngine::Lockstep => match JitService::new(COMPARED) {
                Ok(service) => Ok(Self::LockStep(Arc::new(service))),
                Err(error) => Err(MachineError::LockStep(error.to_string())),
            },
        }
    }
}

/// The compiler of a machine.
fn compiler(code: &CodeOptions) -> Result<JitService, HostError> {
    let options = JitOptions {
        code_bytes: usize::try_from(code.memory).unwrap_or(usize::MAX),
        ..JitOptions::default()
    };
    match &code.cache {
        None => JitService::new(options),
        Some(directory) => JitService::with_persistent_cache(
            options,
            PersistentCachePlace {
                directory: directory.clone(),
                max_bytes: CACHE_BYTES,
            },
        ),
    }
}

/// Bytes on disk for compiled code.
const CACHE_BYTES: u64 = 128 << 20;

/// The built-in CPU, as the platform sees it.
pub(super) struct Processor {
    pub(super) cpu: Cpu,
    lock_step: Option<LockStep>,
}

impl Processor {
    /// vCPU `id` of a machine.
    pub(super) fn new(
        partition: &Arc<Partition>,
        id: VcpuId,
        engine: &Engine,
    ) -> Result<Self, LockStepError> {
        let none = LockStepError::Vcpus(partition.vcpus());
        if let Engine::LockStep(service) = engine {
            let options = LockStepOptions::default();
            let (lock_step, cpu) = LockStep::new(partition, service.code_tier(), options)?;
            return Ok(Self {
                cpu,
                lock_step: Some(lock_step),
            });
        }
        let mut cpu = Cpu::new(partition, id.0).ok_or(none)?;
        cpu.set_code_tier(engine.compiler().map(JitService::code_tier));
        Ok(Self {
            cpu,
            lock_step: None,
        })
    }

    /// Whether it runs in lock step.
    pub(super) fn in_lock_step(&self) -> bool {
        self.lock_step.is_some()
    }

    /// Runs the guest until something needs the monitor.
    ///
    /// # Errors
    /// [`LockStepError`]: the engines that run in lock step have parted.
    pub(super) fn run(&mut self) -> Result<Exit, LockStepError> {
        match &mut self.lock_step {
            None => Ok(self.cpu.run()),
            Some(lock_step) => lock_step.run(&mut self.cpu),
        }
    }

    /// Goes to where a saved vCPU was.
    ///
    /// # Errors
    /// [`StateError`]; nothing has changed then.
    pub(super) fn import(&mut self, state: &CpuState) -> Result<(), StateError> {
        self.cpu.import(state)?;
        self.begin_anew();
        Ok(())
    }

    /// Memory and registers are others than they were at the last exit.
    fn begin_anew(&mut self) {
        if let Some(lock_step) = &mut self.lock_step {
            lock_step.forget();
        }
    }
}

impl Vcpu for Processor {
    fn id(&self) -> VcpuId {
        VcpuId(self.cpu.id())
    }

    fn gpr(&self, n: usize) -> u64 {
        self.cpu.regs.gpr[n]
    }

    fn set_gpr(&mut self, n: usize, value: u64) {
        self.cpu.regs.gpr[n] = value;
    }

    fn problem_state(&self) -> bool {
        self.cpu.regs.msr & msr::PR != 0
    }

    fn external_interrupts_enabled(&self) -> bool {
        self.cpu.regs.msr & msr::EE != 0
    }

    fn enable_external_interrupts(&mut self) {
        self.cpu.set_msr(self.cpu.regs.msr | msr::EE);
    }

    fn is_wanted(&self) -> bool {
        self.cpu.signals().flags() != 0 || self.cpu.decrementer() < 0
    }

    fn set_special(&mut self, register: Special, value: u64) {
        match register {
            Special::Sprg0 => self.cpu.regs.sprg[0] = value,
            Special::Ciabr => self.cpu.debug.ciabr = value,
            Special::Dawr0 => self.cpu.debug.dawr0 = value,
            Special::Dawrx0 => self.cpu.debug.dawrx0 = value,
        }
    }

    fn reset(&mut self, start: &StartState) {
        self.cpu.reset();
        let regs = &mut self.cpu.regs;
        regs.nia = start.nia;
        regs.gpr[3] = start.r3;
        regs.gpr[4] = start.r4;
        regs.gpr[5] = start.r5;
        let le = if start.little_endian { msr::LE } else { 0 };
        self.cpu.set_msr(self.cpu.regs.msr & !msr::LE | le);
        self.begin_anew();
    }
}
