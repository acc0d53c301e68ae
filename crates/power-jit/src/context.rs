//! What generated code has at hand beside the registers, its way to the guest's memory, and what it leaves for later.

use std::ptr::NonNull;

use power::engine::SystemFn;
use power::interrupt::Interrupt;
use power::{Cpu, Insn};
use power_float::Fpscr;

use crate::memory::Memory;

/// What a run needs beside the registers.
#[repr(C)]
pub(crate) struct Context<'a> {
    /// Instructions left, for regions.
    pub(crate) budget: u64,
    /// The scalar floating-point operation that FPSCR does not show yet: function (0: none), how many operands, and these.
    deferred: [u64; 5],
    /// What the last load through a trampoline has read.
    result: u64,
    /// Whether the last access was refused; generated code looks at it after each.
    faulted: bool,
    fault: Option<Interrupt>,
    memory: NonNull<dyn Memory + 'a>,
    /// The whole processor, for regions.
    cpu: Option<NonNull<Cpu>>,
}

impl<'a> Context<'a> {
    /// Offset of the flag that generated code reads.
    pub(crate) const FAULTED: usize = std::mem::offset_of!(Context<'static>, faulted);
    /// Offset of what a load through a trampoline has read.
    pub(crate) const RESULT: usize = std::mem::offset_of!(Context<'static>, result);
    /// Offsets of the deferred operation's function, number of operands, and operands.
    pub(crate) const DEFERRED: [usize; 5] = {
        let start = std::mem::offset_of!(Context<'static>, deferred);
        [start, start + 8, start + 16, start + 24, start + 32]
    };
    /// Offset of what is left of the budget.
    pub(crate) const BUDGET: usize = std::mem::offset_of!(Context<'static>, budget);

    /// A context for one run.
    ///
    /// # Safety
    /// While code runs with this context, `memory` must be valid, and reached by nothing else than that code.
    pub(crate) unsafe fn new(memory: NonNull<dyn Memory + 'a>) -> Self {
        Self {
            budget: 0,
            deferred: [0; 5],
            result: 0,
            faulted: false,
            fault: None,
            memory,
            cpu: None,
        }
    }

    /// A context for one run of a region, with the processor's budget.
    ///
    /// # Safety
    /// As for [`Context::new`], with `cpu` for memory.
    pub(crate) unsafe fn for_region(cpu: NonNull<Cpu>) -> Self {
        // SAFETY: promised by the caller.
        let budget = unsafe { cpu.as_ref() }.budget().into();
        Self {
            budget,
            deferred: [0; 5],
            result: 0,
            faulted: false,
            fault: None,
            memory: cpu,
            cpu: Some(cpu),
        }
    }

    /// The deferred operation, where there is one.
    pub(crate) fn deferred(&self) -> Option<[u64; 5]> {
        (self.deferred[0] != 0).then_some(self.deferred)
    }

    /// The interrupt of the access that was refused.
    pub(crate) fn take_fault(&mut self) -> Option<Interrupt> {
        self.fault.take()
    }

    /// Carries out an instruction that acts on the processor as a whole; whether code may go on ([`Cpu::carry_out`]).
    pub(crate) fn carry_out(&mut self, f: SystemFn, insn: Insn) -> bool {
        let Some(mut cpu) = self.cpu else {
            return false;
        };
        // SAFETY: by the promise made to `for_region`; only generated code has a context, and it waits for this.
        let result = unsafe { cpu.as_mut() }.carry_out(f, insn);
        self.faulted = result.is_err();
        result.unwrap_or_else(|interrupt| {
            self.fault = Some(interrupt);
            false
        })
    }

    /// The budget that a poll with nothing to do makes of what is left; 0 where it has something to do.
    pub(crate) fn poll(&mut self, left: u64) -> u64 {
        let Some(mut cpu) = self.cpu else { return 0 };
        // SAFETY: as in `carry_out`.
        let more = unsafe { cpu.as_mut() }.extend_budget(left as u32);
        more.map_or(0, u64::from)
    }

    /// Makes an access, and records whether it was refused.
    pub(crate) fn access<T: Default>(
        &mut self,
        access: impl FnOnce(&mut dyn Memory) -> Result<T, Interrupt>,
    ) -> T {
        // SAFETY: by the promise made to `new`; only generated code has a context, and it waits for this.
        let memory = unsafe { self.memory.as_mut() };
        let result = access(memory);
        self.faulted = result.is_err();
        result.unwrap_or_else(|interrupt| {
            self.fault = Some(interrupt);
            T::default()
        })
    }
}

/// Does an operation once more for what it sets in FPSCR.
///
/// # Safety
/// `function` must be a floating-point function of `count` operands, 2 or 3, as the translator puts into its code.
pub(crate) unsafe extern "C" fn settle_float(
    fpscr: &mut Fpscr,
    function: u64,
    count: u64,
    a: u64,
    b: u64,
    c: u64,
) {
    type Two = fn(&mut Fpscr, u64, u64) -> Option<u64>;
    type Three = fn(&mut Fpscr, u64, u64, u64) -> Option<u64>;
    let function = function as *const ();
    if count == 2 {
        // SAFETY: promised by the caller.
        let function = unsafe { std::mem::transmute::<*const (), Two>(function) };
        function(fpscr, a, b);
    } else {
        // SAFETY: promised by the caller.
        let function = unsafe { std::mem::transmute::<*const (), Three>(function) };
        function(fpscr, a, b, c);
    }
}
