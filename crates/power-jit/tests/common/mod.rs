//! What the tests of the engine share: the interpreter as the peer ([`peer`]), plain memory with its rules ([`memory`]), and
//! random states and instructions ([`random`]).
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses a part of it"
)]

mod eager;
pub mod memory;
pub mod peer;
pub mod random;

pub use eager::eager;
use power::msr;

/// Real addresses of the code region: interrupt vectors, then the program.
pub const CODE: std::ops::Range<u64> = 0..0x1_0000;
/// Real addresses of the data region: two granules of the interpreter's translation cache.
pub const DATA: std::ops::Range<u64> = 0x10_0000..0x12_0000;
/// Where programs are.
pub const PROGRAM: u64 = 0x8000;

/// Every facility on.
const ALL: u64 = msr::ME | msr::FP | msr::VEC | msr::VSX;

/// MSR values for the modes that programs are run in, with their names.
pub const MODES: [(&str, u64); 5] = [
    ("little-endian", ALL | msr::SF | msr::LE),
    ("big-endian", ALL | msr::SF),
    ("32-bit", ALL | msr::LE),
    ("facilities off", msr::ME | msr::SF | msr::LE),
    (
        "floating-point exceptions on",
        ALL | msr::SF | msr::LE | msr::FE0 | msr::FE1,
    ),
];

/// By how much `POWER_JIT_ROUNDS` multiplies the work.
pub fn rounds() -> u64 {
    std::env::var("POWER_JIT_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(1)
}
