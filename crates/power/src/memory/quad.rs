//! 16-byte atomic accesses (lqarx, stqcx.), by the host's own instruction where it has one.

use portable_atomic::{AtomicU128, Ordering};

use super::host::HostSpan;

impl HostSpan {
    fn atomic(&self) -> Option<&AtomicU128> {
        if self.len() < 16 || !self.address().is_multiple_of(16) {
            return None;
        }
        // SAFETY: 16 valid, aligned bytes of a live mapping; other threads touch them with atomics too.
        Some(unsafe { AtomicU128::from_ptr(self.start.as_ptr().cast()) })
    }

    /// The 16 bytes as a number in host order; None where not aligned.
    pub(crate) fn load_quad(self) -> Option<u128> {
        self.atomic().map(|a| a.load(Ordering::SeqCst))
    }

    /// Replaces `old` by `new`; whether it did. None where not aligned.
    pub(crate) fn compare_exchange_quad(self, old: u128, new: u128) -> Option<bool> {
        let atomic = self.atomic().filter(|_| self.writable())?;
        Some(
            atomic
                .compare_exchange(old, new, Ordering::SeqCst, Ordering::Relaxed)
                .is_ok(),
        )
    }
}
