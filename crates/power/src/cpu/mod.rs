//! One virtual POWER9: its registers, its caches of translations and of decoded code, and its wires.
//!
//! What instructions do to the processor as a whole is in the files beside this one; how the stream of instructions is run
//! is the engines' business ([`crate::interp`]).

pub(crate) mod access;
mod amo;
mod debug;
mod deliver;
mod io;
pub(crate) mod pmu;
mod port;
mod reservation;
pub(crate) mod sprs;
pub(crate) mod system;
pub(crate) mod translation;

use std::sync::Arc;

use crate::interp::code::CodeCache;
use crate::interp::code_tier::CodeTier;
use crate::interrupt::Interrupt;
use crate::mmu::radix::Keys;
use crate::mmu::tlb::{Table, Tlb};
use crate::msr;
use crate::partition::Partition;
use crate::registers::Registers;
use crate::signals::Signals;

use reservation::Reservation;

pub use debug::DebugRegisters;
pub use port::TlbLayout;
pub use reservation::ReservationLayout;
pub use sprs::PVR_POWER9;

/// What a vCPU, or several together, have done since power-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuStatistics {
    /// Instructions carried out, by whichever tier (to within one poll interval).
    pub instructions: u64,
    /// Data accesses whose page the soft TLB did not know.
    pub tlb_misses: u64,
    /// Fetches whose page of code was not known at its effective address.
    pub code_misses: u64,
    /// Interrupts taken.
    pub interrupts: u64,
}

impl std::ops::AddAssign for CpuStatistics {
    fn add_assign(&mut self, other: Self) {
        self.instructions += other.instructions;
        self.tlb_misses += other.tlb_misses;
        self.code_misses += other.code_misses;
        self.interrupts += other.interrupts;
    }
}

/// A vCPU. It belongs to the thread that runs it; other threads reach it through its [`Signals`].
pub struct Cpu {
    /// Architected registers.
    pub regs: Registers,
    /// Debug registers.
    pub debug: DebugRegisters,
    pub(crate) other_sprs: sprs::Others,
    pub(crate) pmu: pmu::Pmu,
    pub(crate) partition: Arc<Partition>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) tlb: Tlb,
    pub(crate) code: CodeCache,
    /// The interrupt that ended the current instruction.
    pub(crate) pending: Option<Interrupt>,
    reservation: Reservation,
    /// MSR\[LE\] is 0: memory operands are swapped.
    pub(crate) big_endian: bool,
    /// All ones, or the low word in 32-bit mode.
    pub(crate) ea_mask: u64,
    /// What the fetch context is, for the code cache's tags.
    pub(crate) fetch_context: u64,
    /// Instructions until the run loop looks at signals and timers.
    pub(crate) budget: u32,
    /// The current page must be left for a poll.
    pub(crate) poll_now: bool,
    /// Pauses of loops that wait.
    pauses: u32,
    /// Instructions carried out since power-on, in whole budgets.
    pub(crate) executed: u64,
    /// Interrupts taken since power-on.
    interrupts: u64,
    /// Whether an enabled floating-point exception interrupts: MSR\[FE0\] or MSR\[FE1\].
    pub(crate) float_exceptions: bool,
    /// The decrementer was seen to be negative: by a poll, by the program reading the time, or as it was written. So MSR\[EE\] can
    /// be set without a look at the clock, which costs as much as a dozen instructions.
    decrementer_due: bool,
    /// The second tier, while the run loop does not hold it.
    pub(crate) code_tier: Option<Box<dyn CodeTier>>,
    /// This processor's id register (PIR).
    id: u32,
}

impl Cpu {
    /// vCPU `id` of `partition`, in its state after reset. None where the partition has no such vCPU. A `Cpu` stays on the
    /// thread that makes it.
    pub fn new(partition: &Arc<Partition>, id: u32) -> Option<Self> {
        let signals = Arc::clone(partition.signals(id)?);
        let mut cpu = Self {
            regs: Registers::reset(),
            debug: DebugRegisters::default(),
            other_sprs: sprs::Others::default(),
            pmu: pmu::Pmu::default(),
            partition: Arc::clone(partition),
            signals,
            tlb: Tlb::new(),
            code: CodeCache::default(),
            pending: None,
            reservation: Reservation::NONE,
            big_endian: true,
            ea_mask: u64::MAX,
            fetch_context: 0,
            budget: 0,
            poll_now: false,
            pauses: 0,
            executed: 0,
            interrupts: 0,
            float_exceptions: false,
            decrementer_due: false,
            code_tier: None,
            id,
        };
        cpu.set_msr(cpu.regs.msr);
        Some(cpu)
    }

    /// This processor's number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Back to the state after reset. Signals stay as they are.
    pub fn reset(&mut self) {
        self.regs = Registers::reset();
        self.debug = DebugRegisters::default();
        self.other_sprs = sprs::Others::default();
        self.pmu = pmu::Pmu::default();
        self.pending = None;
        self.decrementer_due = false;
        self.reservation = Reservation::NONE;
        self.flush_translations();
        self.code.clear();
        self.set_msr(self.regs.msr);
    }

    /// The wires into this vCPU.
    pub fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// The partition that it belongs to.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Instructions carried out since power-on (to within one poll interval while running).
    pub fn instructions_executed(&self) -> u64 {
        self.executed
    }

    /// What it has done since power-on.
    pub fn statistics(&self) -> CpuStatistics {
        CpuStatistics {
            instructions: self.completed(),
            tlb_misses: self.tlb.misses,
            code_misses: self.code.misses,
            interrupts: self.interrupts,
        }
    }

    /// Sets MSR, bits that this processor lacks dropped, and everything that follows from it.
    pub fn set_msr(&mut self, value: u64) {
        let mut value = value & msr::IMPLEMENTED;
        // Problem state implies interrupts and translation (Book III, 3.2.1 and mtmsrd).
        if value & msr::PR != 0 {
            value |= msr::EE | msr::IR | msr::DR;
        }
        let changed = self.regs.msr ^ value;
        self.regs.msr = value;
        self.big_endian = value & msr::LE == 0;
        self.ea_mask = if value & msr::SF != 0 {
            u64::MAX
        } else {
            0xffff_ffff
        };
        // In 32-bit mode the high half of an instruction's address is 0 (Book I, 1.11.3).
        self.regs.nia &= self.ea_mask;
        self.float_exceptions = value & (msr::FE0 | msr::FE1) != 0;
        // LE, PR, IR: what a fetch depends on.
        self.fetch_context = value & (msr::LE | msr::IR) | (value & msr::PR) >> 13;
        self.select_table();
        // Something may have waited for EE, and tracing is the poll's work: look after this instruction.
        let waits = self.decrementer_due || self.pmu.has_exception() || self.signals.peek() != 0;
        if value & msr::EE != 0 && waits
            || value & (msr::SE | msr::BE) != 0
            || self.pmu.is_sensitive_to(changed)
        {
            self.request_poll();
        }
    }

    /// Has signals and timers looked at before the next instruction.
    pub(crate) fn request_poll(&mut self) {
        self.poll_now = true;
        self.code.leave_page();
    }

    /// Instructions completed since power-on, exact between two instructions that the run loop carries out.
    pub(crate) fn completed(&self) -> u64 {
        self.executed.wrapping_sub(self.budget.into())
    }

    /// Gives the run loop so many instructions until the next poll.
    pub(crate) fn begin_interval(&mut self, instructions: u32) {
        self.executed = self.executed.wrapping_add(instructions.into());
        self.budget = instructions;
    }

    /// Has the next poll come now: what is left of the interval was not carried out.
    pub(crate) fn end_interval(&mut self) {
        self.executed = self.completed();
        self.budget = 0;
    }

    /// Chooses the TLB table that fits MSR and AMR.
    pub(crate) fn select_table(&mut self) {
        let keys = self.keys();
        self.tlb.select(if self.regs.msr & msr::DR == 0 {
            Table::Real
        } else if self.regs.msr & msr::PR != 0 {
            Table::Problem
        } else {
            Table::Privileged {
                no_store: keys.no_store,
                no_load: keys.no_load,
            }
        });
    }

    /// Key 0's permissions.
    pub(crate) fn keys(&self) -> Keys {
        Keys {
            no_store: self.regs.amr >> 63 != 0,
            no_load: self.regs.amr >> 62 & 1 != 0,
            no_fetch: self.regs.iamr >> 62 & 1 != 0,
        }
    }

    /// Uses the cached translations of the process that PID names.
    pub(crate) fn switch_process(&mut self) {
        self.tlb.switch(self.regs.pid);
        self.code.switch(self.regs.pid);
    }

    /// Drops every cached translation of this vCPU.
    pub(crate) fn flush_translations(&mut self) {
        self.tlb.flush();
        self.code.flush_translations();
    }

    /// The decrementer's value now.
    pub fn decrementer(&self) -> i64 {
        self.decrementer_at(self.partition.time_base.now())
    }

    /// The decrementer's value at a time: it wraps at its own width.
    pub(crate) fn decrementer_at(&self, time_base: u64) -> i64 {
        decrementer_value(self.regs.decrementer_expiry.wrapping_sub(time_base))
    }

    /// The time base, for a program that reads it: one that has seen the decrementer's time come finds its exception there.
    pub(crate) fn read_time_base(&mut self) -> u64 {
        let now = self.partition.time_base.now();
        self.decrementer_due = self.decrementer_at(now) < 0;
        now
    }

    /// Whether there is a decrementer exception (Book III, 6.5.11): as long as the decrementer is negative.
    pub(crate) fn decrementer_exception(&mut self) -> bool {
        self.read_time_base();
        self.decrementer_due
    }

    /// Sets the decrementer (mtspr DEC).
    pub(crate) fn set_decrementer(&mut self, value: u64) {
        let ticks = decrementer_value(value);
        let now = self.partition.time_base.now();
        self.regs.decrementer_expiry = now.wrapping_add_signed(ticks);
        self.decrementer_due = ticks < 0;
        if self.decrementer_due && self.regs.msr & msr::EE != 0 {
            self.request_poll();
        }
    }

    /// Records why the instruction ends here.
    #[cold]
    pub(crate) fn stop(&mut self, interrupt: Interrupt) -> Stopped {
        self.pending = Some(interrupt);
        Stopped
    }
}

/// The decrementer is this wide (LPCR\[LD\] = 1, POWER9).
const DECREMENTER_BITS: u32 = 56;

/// The number that the decrementer's bits stand for.
const fn decrementer_value(bits: u64) -> i64 {
    const UNUSED: u32 = u64::BITS - DECREMENTER_BITS;
    (bits << UNUSED) as i64 >> UNUSED
}

/// Proof that an instruction ended early, its interrupt recorded in the vCPU.
#[derive(Debug)]
pub struct Stopped;
