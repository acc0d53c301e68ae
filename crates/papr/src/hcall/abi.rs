//! Numbers of the hypercall interface (PAPR, "Hypervisor Call Functions"): opcodes and return
//! codes.

/// Set SPRG0.
pub const H_SET_SPRG0: u64 = 0x24;
/// Zero or copy a page.
pub const H_PAGE_INIT: u64 = 0x2C;
/// Cache-inhibited load from a logical address.
pub const H_LOGICAL_CI_LOAD: u64 = 0x3C;
/// Cache-inhibited store to a logical address.
pub const H_LOGICAL_CI_STORE: u64 = 0x40;
/// Read from the terminal.
pub const H_GET_TERM_CHAR: u64 = 0x54;
/// Write to the terminal.
pub const H_PUT_TERM_CHAR: u64 = 0x58;
/// End of interrupt.
pub const H_EOI: u64 = 0x64;
/// Set the current processor priority.
pub const H_CPPR: u64 = 0x68;
/// Set a processor's most favoured request register.
pub const H_IPI: u64 = 0x6C;
/// Look at a processor's interrupt registers.
pub const H_IPOLL: u64 = 0x70;
/// Accept an interrupt.
pub const H_XIRR: u64 = 0x74;
/// Performance monitor: which of its modes are in use.
pub const H_PERFMON: u64 = 0x7C;
/// Register the areas that a vCPU shares with the hypervisor.
pub const H_REGISTER_VPA: u64 = 0xDC;
/// Wait for something to do.
pub const H_CEDE: u64 = 0xE0;
/// Give time to another vCPU.
pub const H_CONFER: u64 = 0xE4;
/// Wake a vCPU.
pub const H_PROD: u64 = 0xE8;
/// Partition performance parameters.
pub const H_GET_PPP: u64 = 0xEC;
/// Pool idle count.
pub const H_PIC: u64 = 0xF8;
/// Which mitigations this processor needs.
pub const H_GET_CPU_CHARACTERISTICS: u64 = 0x1C8;
/// Wait until all vCPUs wait.
pub const H_JOIN: u64 = 0x298;
/// NUMA home of a vCPU.
pub const H_HOME_NODE_ASSOCIATIVITY: u64 = 0x2EC;
/// Accept an interrupt, with the time it was presented.
pub const H_XIRR_X: u64 = 0x2FC;
/// Random number.
pub const H_RANDOM: u64 = 0x300;
/// Set a processor mode.
pub const H_SET_MODE: u64 = 0x31C;
/// Register the process table.
pub const H_REGISTER_PROC_TBL: u64 = 0x37C;
/// System reset interrupt to a vCPU.
pub const H_SIGNAL_SYS_RESET: u64 = 0x380;
/// Call RTAS with the argument block at r4: private to this platform's RTAS stub (the number that
/// KVM and QEMU use).
pub const H_RTAS: u64 = 0xF000;

/// Calls that every stock kernel tries at boot (0x28, 0x398, 0xF080), or reading
/// /proc/powerpc/lparcfg (0x2B8, 0x2D4), and that this platform does not have: not worth a warning.
pub(crate) const PROBES: [u64; 5] = [0x28, 0x2B8, 0x2D4, 0x398, 0xF080];

pub use papr_dr::abi::status::*;
