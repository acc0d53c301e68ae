//! What generated code has at hand beside the registers, its way to the guest's memory, and what it
//! leaves for later.

use std::ptr::NonNull;

use power::engine::SystemFn;
use power::interrupt::Interrupt;
use power::{Cpu, Insn};
use power_float::Fpscr;

use crate::image;
use crate::jump_cache::{JumpEntry, LookupContext};
use crate::memory::Memory;
use crate::trampoline::Trampolines;

/// Where shims and jumps are, for generated code.
#[repr(C)]
#[derive(Clone, Copy)]
struct Surroundings {
    /// What distances to functions of this program are counted from ([`crate::image`]).
    base: u64,
    /// Host addresses of the trampolines.
    trampolines: Trampolines,
    /// The table of jumps; none in straight code.
    jumps: *const JumpEntry,
    /// The table of the soft TLB that was in use when the run began, also where another has come
    /// into use for smaller granules.
    table: usize,
    /// The vCPU's code gate: the context ids of addresses whose top bit is 0, and 1. Other threads
    /// close it.
    gate: usize,
    /// The vCPU's reservation ([`power::ReservationLayout`]); none in straight code.
    reservation: usize,
}

/// What a run needs beside the registers.
#[repr(C)]
pub(crate) struct Context<'a> {
    /// Instructions left where a region ended the run.
    pub(crate) budget: u64,
    /// The scalar floating-point operation that FPSCR does not show yet: its function's distance
    /// (0: none), how many operands, and these.
    deferred: [u64; 5],
    /// What the last load through a trampoline has read.
    result: u64,
    surroundings: Surroundings,
    /// Whether the last access was refused; generated code looks at it after each.
    faulted: bool,
    fault: Option<Interrupt>,
    memory: NonNull<dyn Memory + 'a>,
    /// The whole processor, for regions.
    cpu: Option<NonNull<Cpu>>,
    /// What the run began with, for regions.
    now: Option<LookupContext>,
}

const SURROUNDINGS: usize = std::mem::offset_of!(Context<'static>, surroundings);

impl<'a> Context<'a> {
    /// Offset of the flag that generated code reads.
    pub(crate) const FAULTED: usize = std::mem::offset_of!(Context<'static>, faulted);
    /// Offset of what a load through a trampoline has read.
    pub(crate) const RESULT: usize = std::mem::offset_of!(Context<'static>, result);
    /// Offsets of the deferred operation's function, of how it is deferred, and of its operands.
    pub(crate) const DEFERRED: [usize; 5] = {
        let start = std::mem::offset_of!(Context<'static>, deferred);
        [start, start + 8, start + 16, start + 24, start + 32]
    };
    /// Offset of what is left of the budget.
    pub(crate) const BUDGET: usize = std::mem::offset_of!(Context<'static>, budget);
    /// Offset of the base of functions.
    pub(crate) const BASE: usize = SURROUNDINGS + std::mem::offset_of!(Surroundings, base);
    /// Offset of the trampolines' addresses.
    pub(crate) const TRAMPOLINES: usize =
        SURROUNDINGS + std::mem::offset_of!(Surroundings, trampolines);
    /// Offset of the address of the table of jumps.
    pub(crate) const JUMPS: usize = SURROUNDINGS + std::mem::offset_of!(Surroundings, jumps);
    /// Offset of the address of the soft TLB's table.
    pub(crate) const TABLE: usize = SURROUNDINGS + std::mem::offset_of!(Surroundings, table);
    /// Offset of the address of the reservation.
    pub(crate) const RESERVATION: usize =
        SURROUNDINGS + std::mem::offset_of!(Surroundings, reservation);
    /// Offset of the address of the code gate.
    pub(crate) const GATE: usize = SURROUNDINGS + std::mem::offset_of!(Surroundings, gate);

    /// A context for one run.
    ///
    /// # Safety
    /// While code runs with this context, `memory` must be valid, and reached by nothing else than
    /// that code.
    pub(crate) unsafe fn new(memory: NonNull<dyn Memory + 'a>, trampolines: Trampolines) -> Self {
        Self {
            budget: 0,
            deferred: [0; 5],
            result: 0,
            surroundings: Surroundings {
                base: image::base_address(),
                trampolines,
                jumps: std::ptr::null(),
                table: 0,
                gate: 0,
                reservation: 0,
            },
            faulted: false,
            fault: None,
            memory,
            cpu: None,
            now: None,
        }
    }

    /// A context for one run of regions, which find each other in `jumps`.
    ///
    /// # Safety
    /// As for [`Context::new`], with `cpu` for memory; and `jumps` must not change.
    pub(crate) unsafe fn for_region(
        mut cpu: NonNull<Cpu>,
        trampolines: Trampolines,
        jumps: *const JumpEntry,
        now: LookupContext,
    ) -> Self {
        // SAFETY: promised by the caller.
        let vcpu = unsafe { cpu.as_mut() };
        let (table, reservation) = (vcpu.tlb_table(), vcpu.reservation());
        // SAFETY: promised by the caller.
        let context = unsafe { Self::new(cpu, trampolines) };
        Self {
            surroundings: Surroundings {
                jumps,
                table,
                gate: vcpu.code_gate(),
                reservation,
                ..context.surroundings
            },
            cpu: Some(cpu),
            now: Some(now),
            ..context
        }
    }

    /// What is deferred of FPSCR, where there is something.
    pub(crate) fn deferred(&self) -> Option<[u64; 5]> {
        (self.deferred[1] != 0).then_some(self.deferred)
    }

    /// The interrupt of the access that was refused.
    pub(crate) fn take_fault(&mut self) -> Option<Interrupt> {
        self.fault.take()
    }

    /// Carries out an instruction that acts on the processor as a whole; whether code may go on
    /// ([`Cpu::carry_out`]).
    pub(crate) fn carry_out(&mut self, f: SystemFn, insn: Insn) -> bool {
        let Some(mut cpu) = self.cpu else {
            return false;
        };
        // SAFETY: by the promise made to `for_region`; only generated code has a context, and it
        // waits for this.
        let result = unsafe { cpu.as_mut() }.carry_out(f, insn);
        self.faulted = result.is_err();
        result.unwrap_or_else(|interrupt| {
            self.fault = Some(interrupt);
            false
        })
    }

    /// The budget that a poll with nothing to do makes of what is left; 0 where it has something to
    /// do, or where code has changed or is for other granules.
    pub(crate) fn poll(&mut self, left: u64) -> u64 {
        let Some(mut cpu) = self.cpu else { return 0 };
        // SAFETY: as in `carry_out`.
        let cpu = unsafe { cpu.as_mut() };
        if !self.now.is_some_and(|now| now.holds(cpu)) {
            return 0;
        }
        cpu.extend_budget(left as u32).map_or(0, u64::from)
    }

    /// Makes a store to `bytes` at `ea`, and records whether it was refused. One to watched code is
    /// only announced: the run ends before it, without an interrupt, and the run loop goes on with
    /// it.
    pub(crate) fn store(
        &mut self,
        ea: u64,
        bytes: u64,
        store: impl FnOnce(&mut dyn Memory) -> Result<(), Interrupt>,
    ) {
        let announced = self.access(|memory| memory.announce_store(ea, bytes));
        if announced {
            self.faulted = true;
        } else if !self.faulted {
            self.access(store);
        }
    }

    /// Makes an access, and records whether it was refused.
    pub(crate) fn access<T: Default>(
        &mut self,
        access: impl FnOnce(&mut dyn Memory) -> Result<T, Interrupt>,
    ) -> T {
        // SAFETY: by the promise made to `new`; only generated code has a context, and it waits for
        // this.
        let memory = unsafe { self.memory.as_mut() };
        let result = access(memory);
        self.faulted = result.is_err();
        result.unwrap_or_else(|interrupt| {
            self.fault = Some(interrupt);
            T::default()
        })
    }
}

/// Fields of FPSCR that operations have set after the one that is deferred, above the number of its
/// operands: new values of bits, and which bits they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LazyFpscr(pub(crate) u64);

impl LazyFpscr {
    /// The number of operands.
    pub(crate) const OPERANDS: u64 = 0xff;
    /// Where the values are.
    pub(crate) const VALUES: u32 = 8;
    /// Where the mask of those that are set is.
    pub(crate) const MASK: u32 = 16;
    /// The bits there can be: FPCC to FR.
    pub(crate) const BITS: u64 = 0x7f;
    /// Where the lowest of them is in FPSCR.
    pub(crate) const IN_FPSCR: u32 = 12;
    /// All of FPCC.
    pub(crate) const FPCC: Self = Self::of(0xf000, 0xf000);
    /// FR and FI.
    pub(crate) const ROUNDED: Self = Self::of(Self::FR | Self::FI, Self::FR | Self::FI);
    /// FR: the rounded result is the larger in size.
    const FR: u64 = 1 << 18;
    /// FI: the result is inexact.
    const FI: u64 = 1 << 17;

    const fn of(values: u64, mask: u64) -> Self {
        Self(values >> Self::IN_FPSCR << Self::VALUES | mask >> Self::IN_FPSCR << Self::MASK)
    }

    /// FPCC is a field of CR.
    pub(crate) const fn fpcc(field: u8) -> Self {
        Self::of((field as u64) << 12, 0xf000)
    }

    /// FI and FR.
    pub(crate) const fn rounded(inexact: bool, away: bool) -> Self {
        let inexact = if inexact { Self::FI } else { 0 };
        let away = if away { Self::FR } else { 0 };
        Self::of(inexact | away, Self::FR | Self::FI)
    }

    /// FPSCR with them.
    fn apply(self, fpscr: Fpscr) -> Fpscr {
        let [values, mask] = [Self::VALUES, Self::MASK]
            .map(|shift| (self.0 >> shift & Self::BITS) << Self::IN_FPSCR);
        Fpscr::from_bits(fpscr.bits() & !mask | values)
    }
}

/// Does the deferred operation once more for what it sets in FPSCR, where there is one, and then
/// sets fields.
///
/// # Safety
/// `distance` must be that of a floating-point function of as many operands as `how` says, as the
/// translator puts into its code.
pub(crate) unsafe extern "C" fn materialise_fpscr(
    fpscr: &mut Fpscr,
    distance: u64,
    how: u64,
    a: u64,
    b: u64,
    c: u64,
) {
    type One = fn(&mut Fpscr, u64) -> Option<u64>;
    type Two = fn(&mut Fpscr, u64, u64) -> Option<u64>;
    type Three = fn(&mut Fpscr, u64, u64, u64) -> Option<u64>;
    let function = image::address(distance) as *const ();
    match how & LazyFpscr::OPERANDS {
        0 => {}
        1 => {
            // SAFETY: promised by the caller.
            let function = unsafe { std::mem::transmute::<*const (), One>(function) };
            function(fpscr, a);
        }
        2 => {
            // SAFETY: promised by the caller.
            let function = unsafe { std::mem::transmute::<*const (), Two>(function) };
            function(fpscr, a, b);
        }
        _ => {
            // SAFETY: promised by the caller.
            let function = unsafe { std::mem::transmute::<*const (), Three>(function) };
            function(fpscr, a, b, c);
        }
    }
    *fpscr = LazyFpscr(how).apply(*fpscr);
}
