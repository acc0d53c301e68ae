//! When the power goes: drawn from a seed, as far as a moment in another thread's life can be.

use std::time::{Duration, Instant};

use papr_scm::backing::CrashBacking;

use crate::machine::Machine;

/// A machine whose guest does not come to its next flush is stopped nevertheless.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether a flush waits.
const LOOK: Duration = Duration::from_micros(100);

/// Hypercalls since the hold after which it is certain that a guest waits for a held sync: one may have been on its way, and one may
/// have been answered already.
const WAITING: u64 = 3;

/// How a machine loses its power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// After how many acknowledged records of this life.
    pub after: u64,
    /// Where in the guest's work.
    pub moment: Moment,
    /// How long before, counted from the acknowledgement or from the wait for a sync. The guest runs on meanwhile.
    pub delay: Duration,
    /// How much longer every sync of this life takes, so that more of the guest's time is spent between a flush and its answer.
    pub slower: Duration,
    /// Which pages survive.
    pub seed: u64,
}

/// Where in the guest's work the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Wherever it is: storing, flushing, printing.
    Anywhere,
    /// While it waits for a flush whose sync does not end.
    InFlush,
}

impl Cut {
    /// Draws one. A guest that never flushes (`sync_dax`) can't be stopped in a flush.
    pub fn draw(random: &mut fastrand::Rng, most_records: u64, sync_dax: bool) -> Self {
        let moment = match random.u8(..3) {
            0 if !sync_dax => Moment::InFlush,
            _ => Moment::Anywhere,
        };
        Self {
            after: random.u64(1..=most_records.max(1)),
            moment,
            delay: Duration::from_micros(random.u64(..3000)),
            slower: Duration::from_micros(*random.choice(&[0, 0, 200, 2000]).unwrap_or(&0)),
            seed: random.u64(..),
        }
    }

    /// Stops the machine, now that as many records as it takes are acknowledged.
    pub(super) fn strike(self, machine: &Machine, backing: &CrashBacking) {
        if self.moment == Moment::InFlush {
            backing.hold();
            let hypercalls = || {
                let devices = machine.scm().devices();
                devices
                    .first()
                    .map_or(0, |device| device.counters().hypercalls)
            };
            let (before, deadline) = (hypercalls(), Instant::now() + PATIENCE);
            while hypercalls() < before + WAITING && Instant::now() < deadline {
                std::thread::sleep(LOOK);
            }
        }
        std::thread::sleep(self.delay);
        machine.outside().crash();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sync_dax: bool) -> Vec<Cut> {
        let mut random = fastrand::Rng::with_seed(1);
        (0..200)
            .map(|_| Cut::draw(&mut random, 10, sync_dax))
            .collect()
    }

    #[test]
    fn a_seed_draws_the_same_cuts_again() {
        assert_eq!(drawn(false), drawn(false));
    }

    #[test]
    fn every_kind_of_cut_is_drawn_and_none_that_never_comes() {
        let cuts = drawn(false);
        assert!(cuts.iter().any(|cut| cut.moment == Moment::InFlush));
        assert!(cuts.iter().any(|cut| cut.moment == Moment::Anywhere));
        assert!(cuts.iter().any(|cut| cut.slower.is_zero()));
        assert!(cuts.iter().any(|cut| !cut.slower.is_zero()));
        assert!(cuts.iter().all(|cut| (1..=10).contains(&cut.after)));
        assert!(drawn(true).iter().all(|cut| cut.moment == Moment::Anywhere));
    }
}
