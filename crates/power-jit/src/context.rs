//! What generated code has at hand beside the registers, and its way to the guest's memory.

use std::ptr::NonNull;

use power::interrupt::Interrupt;

use crate::memory::Memory;

/// What a run needs beside the registers.
#[repr(C)]
pub(crate) struct Context<'a> {
    /// Instructions left, for regions.
    pub(crate) budget: u64,
    /// Whether the last access was refused; generated code looks at it after each.
    faulted: bool,
    fault: Option<Interrupt>,
    memory: NonNull<dyn Memory + 'a>,
}

impl<'a> Context<'a> {
    /// Offset of the flag that generated code reads.
    pub(crate) const FAULTED: usize = std::mem::offset_of!(Context<'static>, faulted);
    /// Offset of what is left of the budget.
    pub(crate) const BUDGET: usize = std::mem::offset_of!(Context<'static>, budget);

    /// A context for one run.
    ///
    /// # Safety
    /// While code runs with this context, `memory` must be valid, and reached by nothing else than that code.
    pub(crate) unsafe fn new(memory: NonNull<dyn Memory + 'a>, budget: u64) -> Self {
        Self {
            budget,
            faulted: false,
            fault: None,
            memory,
        }
    }

    /// The interrupt of the access that was refused.
    pub(crate) fn take_fault(&mut self) -> Option<Interrupt> {
        self.fault.take()
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
