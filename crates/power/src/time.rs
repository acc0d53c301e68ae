//! The time base: 512 MHz ticks of the host's monotonic clock.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Ticks a second.
pub const TIME_BASE_HZ: u64 = 512_000_000;

/// A partition's time base: the host's monotonic clock from a zero of its own.
#[derive(Debug)]
pub struct TimeBase {
    origin: Instant,
    /// Ticks added to what the clock says (restored or written time bases).
    offset: AtomicI64,
    /// The clock stands at `held_at`.
    held: AtomicBool,
    held_at: AtomicU64,
}

impl Default for TimeBase {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            offset: AtomicI64::new(0),
            held: AtomicBool::new(false),
            held_at: AtomicU64::new(0),
        }
    }
}

impl TimeBase {
    /// The time base now.
    #[inline]
    pub fn now(&self) -> u64 {
        if self.held.load(Ordering::Relaxed) {
            return self.held_at.load(Ordering::Relaxed);
        }
        let nanos = self.origin.elapsed().as_nanos() as u64;
        // 512 ticks in 1000 ns; the quotient and the remainder apart, so that nothing overflows for centuries.
        let ticks = (nanos / 125) * 64 + (nanos % 125) * 64 / 125;
        ticks.wrapping_add_signed(self.offset.load(Ordering::Relaxed))
    }

    /// Makes the clock stand at `value` until it is released: for engines that are compared.
    pub fn hold(&self, value: u64) {
        self.held_at.store(value, Ordering::Relaxed);
        self.held.store(true, Ordering::Release);
    }

    /// Lets the clock run on, from where the host's clock is by now.
    pub fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// Makes the time base read `value` now.
    pub fn set(&self, value: u64) {
        let difference = value.wrapping_sub(self.now()) as i64;
        self.offset.fetch_add(difference, Ordering::Relaxed);
    }
}

/// How long so many ticks last.
pub fn duration_of(ticks: u64) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(TIME_BASE_HZ);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_time_base_goes_on_from_there() {
        let clock = TimeBase::default();
        clock.set(1 << 40);
        let first = clock.now();
        assert!(first >= 1 << 40);
        assert!(clock.now() >= first);
    }

    #[test]
    fn one_second_is_512_million_ticks() {
        assert_eq!(duration_of(TIME_BASE_HZ), Duration::from_secs(1));
        assert_eq!(
            duration_of(u64::MAX),
            Duration::from_nanos(u64::MAX),
            "bounded, not wrapped"
        );
    }
}
