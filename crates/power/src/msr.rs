//! Bits of the Machine State Register (Book III, 3.2.1).

/// 64-bit mode.
pub const SF: u64 = 1 << 63;
/// Hypervisor state.
pub const HV: u64 = 1 << 60;
/// VMX available.
pub const VEC: u64 = 1 << 25;
/// VSX available.
pub const VSX: u64 = 1 << 23;
/// External interrupts enabled.
pub const EE: u64 = 1 << 15;
/// Problem state.
pub const PR: u64 = 1 << 14;
/// Floating point available.
pub const FP: u64 = 1 << 13;
/// Machine check enabled.
pub const ME: u64 = 1 << 12;
/// Floating-point exception mode, high bit.
pub const FE0: u64 = 1 << 11;
/// Single-step trace.
pub const SE: u64 = 1 << 10;
/// Branch trace.
pub const BE: u64 = 1 << 9;
/// Floating-point exception mode, low bit.
pub const FE1: u64 = 1 << 8;
/// Instruction relocation.
pub const IR: u64 = 1 << 5;
/// Data relocation.
pub const DR: u64 = 1 << 4;
/// Performance monitor mark.
pub const PMM: u64 = 1 << 2;
/// Recoverable interrupt.
pub const RI: u64 = 1 << 1;
/// Little-endian.
pub const LE: u64 = 1;

/// Bits that this processor has; the others read as 0. There is no transactional memory.
pub const IMPLEMENTED: u64 =
    SF | VEC | VSX | EE | PR | FP | ME | FE0 | SE | BE | FE1 | IR | DR | PMM | RI | LE;
