//! How long a vCPU that waits polls for what it waits for, before its thread sleeps: to wake a
//! thread costs the one who wakes it a system call, and the one who wakes some tens of
//! microseconds, which two guest processes that answer each other pay at every turn.
//!
//! As KVM's halt polling: the time grows while waits end soon, and is nothing where they last long, so an idle guest costs nothing. It is
//! spent only where the host has a processor to spare for it: not while more vCPUs are awake than there are processors, and no longer
//! than until another thread has wanted this one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use power::signals::Signals;

use crate::host;

/// The longest that it polls. What takes longer to come is not worth it: sleeping would not have
/// been noticed.
const LONGEST: Duration = Duration::from_micros(200);

/// The first time that is tried.
const FIRST: Duration = Duration::from_micros(20);

/// Looks between two offers of the processor to other threads, and looks at the clock; about a microsecond.
const LOOKS: u32 = 32;

/// A look that comes so much later than the last one: another thread has run here.
const TAKEN: Duration = Duration::from_micros(20);

/// vCPUs that are not asleep, of all machines of this process.
static AWAKE: AtomicUsize = AtomicUsize::new(0);

/// A vCPU that is awake, while this exists.
pub(super) struct Awake(());

impl Awake {
    pub(super) fn new() -> Self {
        AWAKE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        AWAKE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long one vCPU polls.
#[derive(Debug, Default)]
pub(super) struct HaltPoller {
    now: Duration,
}

impl HaltPoller {
    /// Polls for one of `flags`, at most until the deadline; those found up are returned, 0 where
    /// there is nothing yet.
    pub(super) fn poll(&mut self, signals: &Signals, flags: u32, deadline: Option<Instant>) -> u32 {
        if self.now.is_zero() {
            return 0;
        }
        let begin = Instant::now();
        let end = deadline.map_or(begin + self.now, |deadline| deadline.min(begin + self.now));
        let mut last = begin;
        while AWAKE.load(Ordering::Relaxed) <= host::processors() {
            for _ in 0..LOOKS {
                let up = signals.flags() & flags;
                if up != 0 {
                    return up;
                }
                std::hint::spin_loop();
            }
            std::thread::yield_now();
            let now = Instant::now();
            if now - last > TAKEN {
                self.now = Duration::ZERO;
                break;
            }
            if now >= end {
                break;
            }
            last = now;
        }
        0
    }

    /// A wait is over, after this time.
    pub(super) fn learn(&mut self, waited: Duration) {
        self.now = if waited > LONGEST {
            Duration::ZERO
        } else if waited > self.now {
            (self.now * 2).clamp(FIRST, LONGEST)
        } else {
            self.now
        };
    }
}

#[cfg(test)]
mod tests {
    use power::Partition;
    use power::signals::{EXTERNAL, KICK};

    use super::*;

    #[test]
    fn waits_that_end_soon_make_it_poll_and_a_long_one_makes_it_sleep_at_once() {
        let mut halt_poll = HaltPoller::default();
        let soon = LONGEST / 2;
        let mut last = Duration::ZERO;
        while halt_poll.now < soon {
            halt_poll.learn(soon);
            assert!(
                halt_poll.now > last,
                "it grows until it would have sufficed"
            );
            last = halt_poll.now;
        }
        halt_poll.learn(soon / 4);
        assert_eq!(halt_poll.now, last, "and stays while it suffices");
        for _ in 0..100 {
            halt_poll.learn(LONGEST);
        }
        assert!(halt_poll.now <= LONGEST);
        halt_poll.learn(LONGEST * 2);
        assert_eq!(halt_poll.now, Duration::ZERO);
    }

    #[test]
    fn it_finds_what_it_looks_out_for_and_gives_up_by_itself() {
        let partition = Partition::new(1);
        let signals = partition.signals(0).expect("vCPU 0");
        let mut halt_poll = HaltPoller::default();
        signals.raise(EXTERNAL);
        assert_eq!(
            halt_poll.poll(signals, EXTERNAL, None),
            0,
            "without patience it does not even look"
        );
        halt_poll.learn(FIRST);
        assert_eq!(halt_poll.poll(signals, KICK, None), 0, "never raised");
        // Another thread may have taken the processor just then.
        halt_poll.learn(FIRST);
        assert_eq!(halt_poll.poll(signals, EXTERNAL | KICK, None), EXTERNAL);
    }
}
