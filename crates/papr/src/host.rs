//! What the platform asks of the monitor that carries it: guest memory, the interrupt lines to
//! other vCPUs, the partition-wide processor settings, time and randomness. One object per machine,
//! shared by all threads.

pub use papr_dr::{GuestMemory, GuestMemoryError};

use crate::vcpu::{StartState, VcpuId};

/// How effective addresses of the whole partition are translated, set by H_REGISTER_PROC_TBL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessTable {
    /// Real address of the table.
    pub base: u64,
    /// log2 of its size in bytes (12 to 36).
    pub size_log2: u32,
    /// Radix (true) or hashed page table translation.
    pub radix: bool,
    /// Whether the guest runs tlbie itself (GTSE).
    pub gtse: bool,
}

/// How Alternate Interrupt Location is set (LPCR\[AIL\]): where interrupts are taken when
/// translation is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptLocation {
    /// Real mode, at the architected vector (AIL 0).
    Real,
    /// Translation on, at 0xC000_0000_0000_4000 + vector (AIL 3).
    Relocated,
}

/// The monitor, as the platform sees it. All methods may be called from any thread and don't wait
/// for a vCPU.
pub trait Host: Send + Sync {
    /// Guest memory.
    fn memory(&self) -> &dyn GuestMemory;
    /// Drives the external-interrupt line of a vCPU (level-sensitive). A vCPU that waits in H_CEDE
    /// wakes when it rises; one that is stopped stays so. Called for every vCPU that the machine
    /// can ever have, with the interrupt controller locked: it must not call the platform.
    fn set_external_interrupt(&self, vcpu: VcpuId, asserted: bool);
    /// Ends the wait of a vCPU (H_PROD, H_CONFER to it, an expired timer): it returns from the
    /// hypercall that it waits in. Kept as a one-deep memory when the vCPU does not wait, as PAPR
    /// has it for H_PROD.
    fn prod(&self, vcpu: VcpuId);
    /// Starts a stopped vCPU (RTAS start-cpu).
    fn start(&self, vcpu: VcpuId, state: StartState);
    /// Whether a vCPU is stopped (RTAS query-cpu-stopped-state).
    fn is_stopped(&self, vcpu: VcpuId) -> bool;
    /// Makes `vcpu` take a system reset interrupt at its next instruction boundary
    /// (H_SIGNAL_SYS_RESET).
    fn system_reset(&self, vcpu: VcpuId);
    /// Sets or clears LPCR\[ILE\] on every vCPU: the endianness of interrupt handlers.
    fn set_interrupt_little_endian(&self, little: bool);
    /// Sets LPCR\[AIL\] on every vCPU.
    fn set_interrupt_location(&self, location: InterruptLocation);
    /// Installs the process table for every vCPU and drops cached translations; `None` unregisters
    /// it.
    fn set_process_table(&self, table: Option<ProcessTable>);
    /// The partition's time base now, in ticks of 512 MHz.
    fn time_base(&self) -> u64;
    /// 64 unpredictable bits (H_RANDOM, rng-seed).
    fn random(&self) -> u64;
}
