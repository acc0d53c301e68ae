//! Makes the cases, runs them everywhere, and counts.

use super::tally::{Summary, Tally};
use crate::compare::{self, Difference, Mask};
use crate::engine::Engine;
use crate::generate::{Generator, Template};
use crate::layout::CODE_WORDS;
use crate::peer::{Peer, PeerError};
use crate::plan::Plan;
use crate::state::{Case, Outcome};

/// Differences that are kept in full, per instruction.
const KEPT: usize = 3;

/// The plan, both sides, and what was found so far.
pub struct Campaign {
    seed: u64,
    plan: Plan,
    peer: Peer,
    engines: Vec<Box<dyn Engine>>,
    tallies: Vec<Tally>,
    rounds: u64,
}

impl Campaign {
    /// A campaign whose cases depend on the seed alone: an instruction gets the same cases in a plan restricted to it.
    ///
    /// # Errors
    /// As [`Peer::start`].
    pub fn new(seed: u64, plan: Plan, engines: Vec<Box<dyn Engine>>) -> Result<Self, PeerError> {
        let tallies = engines
            .iter()
            .map(|engine| Tally::new(engine.name(), KEPT))
            .collect();
        Ok(Campaign {
            seed,
            plan,
            peer: Peer::start()?,
            engines,
            tallies,
            rounds: 0,
        })
    }

    /// Keeps this many differences of an instruction in full, for the report.
    pub fn keep(&mut self, differences: usize) {
        for tally in &mut self.tallies {
            tally.keep(differences);
        }
    }

    /// One round: `each` cases of every instruction and then as many sequences of several. `progress` is told of each
    /// instruction before its cases run, and ends the round early by returning false.
    ///
    /// # Errors
    /// When the peer can't be restarted.
    pub fn round(
        &mut self,
        each: usize,
        mut progress: impl FnMut(&str) -> bool,
    ) -> Result<(), PeerError> {
        let round = self.rounds;
        self.rounds += 1;
        for index in 0..self.plan.tested.len() {
            let template = self.plan.tested[index].template;
            if !progress(template.mnemonic) {
                return Ok(());
            }
            let mut generator = Generator::new(mix(self.seed, round, hash(&template)));
            let cases: Vec<Case> = (0..each).map(|_| generator.case(&template)).collect();
            self.compare(&cases)?;
        }
        if progress("sequences") {
            let cases = self.sequences(round, 10 * each);
            self.compare(&cases)?;
        }
        Ok(())
    }

    /// Sequences of 2 to 8 instructions whose results are defined.
    fn sequences(&self, round: u64, count: usize) -> Vec<Case> {
        let pool: Vec<Template> = self
            .plan
            .tested
            .iter()
            .filter(|planned| planned.in_sequences)
            .map(|planned| planned.template)
            .collect();
        if pool.is_empty() {
            return Vec::new();
        }
        let mut seed = mix(self.seed, round, 0);
        let mut pick = |limit: usize| {
            seed = mix(seed, 1, 2);
            (seed >> 32) as usize % limit
        };
        (0..count)
            .map(|_| {
                let length = 2 + pick(CODE_WORDS - 1);
                let templates: Vec<Template> =
                    (0..length).map(|_| pool[pick(pool.len())]).collect();
                Generator::new(pick(usize::MAX) as u64).sequence(&templates)
            })
            .collect()
    }

    fn compare(&mut self, cases: &[Case]) -> Result<(), PeerError> {
        let theirs = self.peer.run(cases)?;
        for (index, (case, mut peer)) in cases.iter().zip(theirs).enumerate() {
            for (engine, tally) in self.engines.iter_mut().zip(&mut self.tallies) {
                if !index.is_multiple_of(engine.one_in()) {
                    continue;
                }
                let Some(ours) = engine.run(case) else {
                    tally.left_out();
                    continue;
                };
                let mut difference = compare(case, &peer, &ours);
                if matches!(difference, Verdict::Different(_)) {
                    // The peer loses FPSCR[DRN] when its clock ticks at the wrong time: only what it repeats counts.
                    if let Some(again) = self.peer.run(std::slice::from_ref(case))?.pop() {
                        peer = again;
                        difference = compare(case, &peer, &ours);
                    }
                }
                match difference {
                    Verdict::NotComparable => tally.not_comparable(),
                    Verdict::Same => tally.compared(case, None),
                    Verdict::Different(difference) => tally.compared(case, Some(difference)),
                }
            }
        }
        Ok(())
    }

    /// What was found so far.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            plan: &self.plan,
            tallies: &self.tallies,
            seed: self.seed,
        }
    }
}

enum Verdict {
    Same,
    Different(Difference),
    /// The table of exceptions leaves nothing of the case.
    NotComparable,
}

fn compare(case: &Case, peer: &Outcome, ours: &Outcome) -> Verdict {
    let mask = Mask::for_case(case, peer);
    if mask.leaves_nothing() {
        return Verdict::NotComparable;
    }
    compare::compare(case, peer, ours, &mask).map_or(Verdict::Same, Verdict::Different)
}

/// A number that depends on all three (splitmix64's finalizer over a sum with odd factors).
fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut z = a
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(b.wrapping_mul(0xd1b5_4a32_d192_ed03))
        .wrapping_add(c.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Tells instructions apart, whatever their place in the table.
fn hash(template: &Template) -> u64 {
    u64::from(template.mask) << 32 | u64::from(template.value)
}
