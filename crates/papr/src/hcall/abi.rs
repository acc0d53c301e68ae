//! Numbers of the hypercall interface (PAPR, "Hypervisor Call Functions"): opcodes and return codes.

/// Set SPRG0.
pub(crate) const H_SET_SPRG0: u64 = 0x24;
/// Zero or copy a page.
pub(crate) const H_PAGE_INIT: u64 = 0x2C;
/// Cache-inhibited load from a logical address.
pub(crate) const H_LOGICAL_CI_LOAD: u64 = 0x3C;
/// Cache-inhibited store to a logical address.
pub(crate) const H_LOGICAL_CI_STORE: u64 = 0x40;
/// Read from the terminal.
pub(crate) const H_GET_TERM_CHAR: u64 = 0x54;
/// Write to the terminal.
pub(crate) const H_PUT_TERM_CHAR: u64 = 0x58;
/// End of interrupt.
pub(crate) const H_EOI: u64 = 0x64;
/// Set the current processor priority.
pub(crate) const H_CPPR: u64 = 0x68;
/// Set a processor's most favoured request register.
pub(crate) const H_IPI: u64 = 0x6C;
/// Look at a processor's interrupt registers.
pub(crate) const H_IPOLL: u64 = 0x70;
/// Accept an interrupt.
pub(crate) const H_XIRR: u64 = 0x74;
/// Performance monitor: which of its modes are in use.
pub(crate) const H_PERFMON: u64 = 0x7C;
/// Register the areas that a vCPU shares with the hypervisor.
pub(crate) const H_REGISTER_VPA: u64 = 0xDC;
/// Wait for something to do.
pub(crate) const H_CEDE: u64 = 0xE0;
/// Give time to another vCPU.
pub(crate) const H_CONFER: u64 = 0xE4;
/// Wake a vCPU.
pub(crate) const H_PROD: u64 = 0xE8;
/// Partition performance parameters.
pub(crate) const H_GET_PPP: u64 = 0xEC;
/// Pool idle count.
pub(crate) const H_PIC: u64 = 0xF8;
/// Which mitigations this processor needs.
pub(crate) const H_GET_CPU_CHARACTERISTICS: u64 = 0x1C8;
/// Wait until all vCPUs wait.
pub(crate) const H_JOIN: u64 = 0x298;
/// NUMA home of a vCPU.
pub(crate) const H_HOME_NODE_ASSOCIATIVITY: u64 = 0x2EC;
/// Accept an interrupt, with the time it was presented.
pub(crate) const H_XIRR_X: u64 = 0x2FC;
/// Random number.
pub(crate) const H_RANDOM: u64 = 0x300;
/// Set a processor mode.
pub(crate) const H_SET_MODE: u64 = 0x31C;
/// Register the process table.
pub(crate) const H_REGISTER_PROC_TBL: u64 = 0x37C;
/// System reset interrupt to a vCPU.
pub(crate) const H_SIGNAL_SYS_RESET: u64 = 0x380;
/// Call RTAS with the argument block at r4: private to this platform's RTAS stub (the number that KVM and QEMU use).
pub(crate) const H_RTAS: u64 = 0xF000;

/// Calls that every stock kernel tries at boot (0x28, 0x398, 0xF080), or reading /proc/powerpc/lparcfg (0x2B8, 0x2D4), and that this
/// platform does not have: not worth a warning.
pub(crate) const PROBES: [u64; 5] = [0x28, 0x2B8, 0x2D4, 0x398, 0xF080];

/// Done.
pub(crate) const H_SUCCESS: i64 = 0;
/// Not now: come again.
pub(crate) const H_BUSY: i64 = 1;
/// H_JOIN: all others wait.
pub(crate) const H_CONTINUE: i64 = 18;
/// The hardware, or what stands for it, failed.
pub(crate) const H_HARDWARE: i64 = -1;
/// No such hypercall.
pub(crate) const H_FUNCTION: i64 = -2;
/// Called from problem state.
pub(crate) const H_PRIVILEGE: i64 = -3;
/// The first parameter is wrong.
pub(crate) const H_PARAMETER: i64 = -4;
/// MSR is not as it has to be.
pub(crate) const H_BAD_MODE: i64 = -5;
/// The partition may not do this.
pub(crate) const H_AUTHORITY: i64 = -10;
/// Something needed is not there, or is misaligned.
pub(crate) const H_RESOURCE: i64 = -16;
/// The second parameter is wrong.
pub(crate) const H_P2: i64 = -55;
/// The third parameter is wrong.
pub(crate) const H_P3: i64 = -56;
/// The fourth parameter is wrong.
pub(crate) const H_P4: i64 = -57;
/// A flag is not supported (the first of a range: H_UNSUPPORTED_FLAG minus the flag's bit number).
pub(crate) const H_UNSUPPORTED_FLAG: i64 = -256;
