//! What the platform needs of a virtual CPU: the registers that hypercalls pass, a few special
//! registers that hypercalls set, and a reset. The built-in POWER9 CPU implements it; a KVM vCPU of
//! a POWER host can.
//!
//! A `&mut dyn Vcpu` is only ever handed to the platform by the thread that runs this vCPU, while
//! the vCPU is stopped at an instruction boundary. What one vCPU does to *another* goes through
//! [`crate::host::Host`].

use serde::{Deserialize, Serialize};

/// The number of a vCPU, which is also its interrupt server number and its `reg` under `/cpus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VcpuId(pub u32);

/// A special register that a hypercall may set in the calling vCPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// SPRG0 (H_SET_SPRG0).
    Sprg0,
    /// Completed Instruction Address Breakpoint Register (H_SET_MODE, resource 1).
    Ciabr,
    /// Data Address Watchpoint Register 0 (H_SET_MODE, resource 2).
    Dawr0,
    /// Data Address Watchpoint Register Extension 0 (H_SET_MODE, resource 2).
    Dawrx0,
}

/// Where and how a vCPU begins: at power-on, or when RTAS `start-cpu` or H_SIGNAL_SYS_RESET sends
/// it somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartState {
    /// Real address of the first instruction.
    pub nia: u64,
    /// r3 at entry.
    pub r3: u64,
    /// r4 at entry.
    pub r4: u64,
    /// r5 at entry.
    pub r5: u64,
    /// MSR\[LE\] at entry.
    pub little_endian: bool,
}

/// One virtual CPU, stopped at an instruction boundary, in the hands of its own thread.
pub trait Vcpu {
    /// Which one this is.
    fn id(&self) -> VcpuId;
    /// General-purpose register `n` (0 to 31).
    fn gpr(&self, n: usize) -> u64;
    /// Sets general-purpose register `n` (0 to 31).
    fn set_gpr(&mut self, n: usize, value: u64);
    /// Whether MSR\[PR\] is set: a hypercall from problem state is refused with H_PRIVILEGE.
    fn problem_state(&self) -> bool;
    /// Whether MSR\[EE\] is set: H_JOIN is refused with H_BAD_MODE then.
    fn external_interrupts_enabled(&self) -> bool;
    /// Sets MSR\[EE\]: H_CEDE waits with external interrupts enabled.
    fn enable_external_interrupts(&mut self);
    /// Whether it has anything else to do than to wait in a hypercall: an interrupt to take, or to
    /// stand still. True where that is not known, which makes such waits short.
    fn is_wanted(&self) -> bool {
        true
    }
    /// Sets a special register.
    fn set_special(&mut self, register: Special, value: u64);
    /// Puts the vCPU into the architected state after reset (64-bit real mode, everything else 0)
    /// and then into `start`.
    fn reset(&mut self, start: &StartState);
}
