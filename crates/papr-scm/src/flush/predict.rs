//! How long a sync will take, and what a hypercall makes of it: how long it waits, and which busy
//! answer it gives.
//!
//! The prediction is the median of the last few syncs, so one outlier neither makes the next guest
//! sleep a second nor lets it spin. A flush that outlives its prediction is predicted to need as
//! long again as it has had: the answers of a sync that hangs grow by themselves.
//!
//! Answering `H_BUSY` early where others are flushing too, so that the guest may run another writer
//! meanwhile, gains nothing: after `H_BUSY` Linux calls `cond_resched()`, which changes the thread
//! only where a tick has already asked for that (every 4 ms), and then asks again. With 16 writers
//! on 2 vCPUs, an answer after 20 µs instead of the sync's time made 0.48 syncs per flush of 0.50,
//! and three times as many hypercalls. As many flushes share a sync as there are vCPUs, unless the
//! guest sleeps, which costs it 4 to 8 ms at 250 Hz: so a hypercall waits, and answers earlier only
//! where its vCPU has an interrupt to take.

use std::time::Duration;

use crate::abi::status;
use crate::sync::{Mutex, lock};

/// How many syncs the median is taken over.
const WINDOW: usize = 7;

/// Before anything is known.
const FIRST_GUESS: Duration = Duration::from_micros(500);

/// The longest that one hypercall waits: a vCPU that is away for longer is missed by its guest. A
/// flush waits for a sync that runs, a gathering and its own sync, which is a millisecond where a
/// sync takes a third of one; to answer before that costs the vCPU another hypercall and another
/// sleep (measured: a tenth of the flushes of 16 writers).
pub(crate) const PATIENCE_LIMIT: Duration = Duration::from_millis(2);

/// How often a hypercall that waits looks whether its vCPU is wanted elsewhere.
pub(crate) const SLICE: Duration = Duration::from_micros(500);

/// How long a hypercall waits where waiting for the result is hopeless, in case the prediction is
/// wrong.
const PROBE: Duration = Duration::from_micros(50);

/// From this much on, a guest had better sleep than spin. A Linux that sleeps "1 ms" is away for 1
/// to 20 ms, and a flush takes up to two syncs and a gathering, so nothing whose sync takes under a
/// millisecond gets here.
const WORTH_SLEEPING: Duration = Duration::from_millis(3);

/// The longest that a sync is held back for company.
const GATHERING_LIMIT: Duration = Duration::from_micros(300);

/// The last durations of a backing's syncs.
#[derive(Debug, Default)]
pub(crate) struct Predictor {
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    durations: [Duration; WINDOW],
    seen: usize,
}

impl Predictor {
    /// A sync took this long.
    pub fn observe(&self, duration: Duration) {
        let mut recent = lock(&self.recent);
        let place = recent.seen % WINDOW;
        recent.durations[place] = duration;
        recent.seen += 1;
    }

    /// How long the next sync will take.
    pub fn sync_time(&self) -> Duration {
        let recent = lock(&self.recent);
        let known = recent.seen.min(WINDOW);
        if known == 0 {
            return FIRST_GUESS;
        }
        let mut sorted = recent.durations;
        let sorted = &mut sorted[..known];
        sorted.sort_unstable();
        sorted[known / 2]
    }
}

/// How long a sync that takes this long may be held back for company. Those who are waited for have
/// to compute first, which takes a guest longer than a quick sync: with four times the sync's time
/// instead of one, 2 writers had a third more flushes a second where a sync takes 80 us.
pub(crate) fn gathering(sync: Duration) -> Duration {
    (sync * 4).min(GATHERING_LIMIT)
}

/// How much longer a flush of this age needs, when `expected` was predicted for the whole of it.
pub(crate) fn remaining(expected: Duration, age: Duration) -> Duration {
    match expected.checked_sub(age) {
        Some(left) if !left.is_zero() => left,
        _ => age,
    }
}

/// How long a hypercall waits for a flush that needs this much longer.
pub(crate) fn patience(remaining: Duration) -> Duration {
    if remaining >= WORTH_SLEEPING {
        PROBE
    } else {
        (remaining * 2).clamp(PROBE * 2, PATIENCE_LIMIT)
    }
}

/// The busy answer for a flush that needs this much longer: the longest sleep that does not
/// overshoot.
pub(crate) fn busy_answer(remaining: Duration) -> i64 {
    match remaining.as_millis() {
        _ if remaining < WORTH_SLEEPING => status::H_BUSY,
        0..10 => status::H_LONG_BUSY_ORDER_1_MSEC,
        10..100 => status::H_LONG_BUSY_ORDER_10_MSEC,
        100..1000 => status::H_LONG_BUSY_ORDER_100_MSEC,
        // Longer sleeps exist, but a guest that sleeps ten seconds is away for nine after a hung
        // disk comes back.
        _ => status::H_LONG_BUSY_ORDER_1_SEC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    #[test]
    fn one_outlier_does_not_change_the_prediction() {
        let predictor = Predictor::default();
        (0..7).for_each(|_| predictor.observe(micros(100)));
        predictor.observe(Duration::from_secs(5));
        assert_eq!(predictor.sync_time(), micros(100));
    }

    #[test]
    fn a_device_that_became_slow_is_predicted_to_be_slow() {
        let predictor = Predictor::default();
        (0..7).for_each(|_| predictor.observe(micros(100)));
        (0..4).for_each(|_| predictor.observe(micros(20_000)));
        assert_eq!(predictor.sync_time(), micros(20_000));
    }

    #[test]
    fn a_flush_of_short_syncs_never_makes_the_guest_sleep() {
        // Syncs of just under a millisecond: one that runs, a gathering, and the one that counts.
        let expected = micros(999) + gathering(micros(999)) + micros(999);
        for age in (0..3000).map(micros) {
            assert_eq!(busy_answer(remaining(expected, age)), status::H_BUSY);
        }
    }

    #[test]
    fn busy_answers_grow_as_a_sync_hangs() {
        let answers: Vec<i64> = [1, 3, 15, 150, 1500, 60_000]
            .map(|ms| busy_answer(remaining(micros(100), micros(ms * 1000))))
            .into();
        assert_eq!(
            answers,
            [
                status::H_BUSY,
                status::H_LONG_BUSY_ORDER_1_MSEC,
                status::H_LONG_BUSY_ORDER_10_MSEC,
                status::H_LONG_BUSY_ORDER_100_MSEC,
                status::H_LONG_BUSY_ORDER_1_SEC,
                status::H_LONG_BUSY_ORDER_1_SEC
            ]
        );
    }

    #[test]
    fn the_answer_fits_the_predicted_time_from_the_first_call_on() {
        assert_eq!(
            busy_answer(remaining(micros(20_000), micros(50))),
            status::H_LONG_BUSY_ORDER_10_MSEC
        );
    }

    #[test]
    fn a_hypercall_never_waits_longer_than_a_hypercall_may() {
        for expected in [0, 1, 100, 400, 2999, 3000, 5_000_000].map(micros) {
            assert!(patience(expected) <= PATIENCE_LIMIT);
        }
        assert_eq!(patience(micros(100)), micros(200));
        assert_eq!(patience(micros(2999)), PATIENCE_LIMIT);
        assert_eq!(patience(Duration::from_secs(5)), PROBE);
    }
}
