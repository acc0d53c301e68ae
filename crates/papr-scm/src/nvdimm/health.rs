//! The health of a device, from what is known of it.

use crate::abi::health;

/// The bits that a device keeps: only these say anything, set or not.
pub(crate) const VALID: u64 =
    health::UNARMED | health::CRITICAL | health::FATAL | health::UNHEALTHY | health::NON_CRITICAL;

/// The health bitmap.
///
/// A read-only device can't make anything durable, which is what "unarmed" means (QEMU says so
/// too). A failed backing has lost data already or will at the next power loss: fatal, and unarmed,
/// so that Linux takes it read-only from the next start on.
pub(crate) fn bitmap(read_only: bool, failed: bool) -> u64 {
    let mut bits = 0;
    if read_only {
        bits |= health::UNARMED;
    }
    if failed {
        bits |= health::UNARMED | health::FATAL | health::UNHEALTHY;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_writable_device_has_no_bit_set() {
        assert_eq!(bitmap(false, false), 0);
        assert_eq!(bitmap(true, false), health::UNARMED);
        assert_ne!(bitmap(false, true) & health::FATAL, 0);
        assert_eq!(bitmap(true, true) & !VALID, 0);
    }
}
