//! The health bitmap of `H_SCM_HEALTH`: bits are counted from the most significant one.

/// A bit of the bitmap in IBM numbering (0 is the most significant of 64).
const fn bit(n: u32) -> u64 {
    1 << (63 - n)
}

/// What is stored will not survive the next power loss (Linux: `not_armed`, the region becomes
/// read-only).
pub const UNARMED: u64 = bit(0);
/// The contents were not saved at the last shutdown.
pub const SHUTDOWN_DIRTY: u64 = bit(1);
/// The contents were saved at the last shutdown.
pub const SHUTDOWN_CLEAN: u64 = bit(2);
/// The contents could not be brought back.
pub const EMPTY: u64 = bit(3);
/// Little of the device's life is left.
pub const CRITICAL: u64 = bit(4);
/// The device has failed: data may be lost already.
pub const FATAL: u64 = bit(5);
/// The device needs attention.
pub const UNHEALTHY: u64 = bit(6);
/// Something is wrong that does not endanger data.
pub const NON_CRITICAL: u64 = bit(7);
/// The contents are encrypted.
pub const ENCRYPTED: u64 = bit(8);
/// The contents were erased and the device is locked.
pub const SCRUBBED_AND_LOCKED: u64 = bit(9);
