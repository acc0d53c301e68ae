//! Makes test cases from instruction templates, from a seed: the same seed makes the same cases.
//!
//! A template says which bits of the word are fixed and names the operands. Everything else, registers and memory
//! included, is drawn at random with a taste for edges ([`integers`], [`floats`], [`vectors`]); [`constrain`] then bends what must
//! be bent: addresses into the memory window, branch targets onto landing pads, invalid forms into valid ones.

mod classify;
mod constrain;
mod decimals;
mod floats;
mod integers;
mod registers;
mod vectors;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub use classify::Flavour;

use crate::layout::CODE_WORDS;
use crate::state::{Case, State, Step};
use constrain::Slot;

/// What the generator knows of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its name; decides which values its operands like, and whether it accesses memory.
    pub mnemonic: &'static str,
    /// The bits of the word that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Bits that are neither fixed nor an operand and must be zero (the ISA's "reserved fields").
    pub reserved: u32,
    /// Operand syntax, see [`crate::operands`]. `d(ra)`, `ds(ra)` and `dq(ra)` are memory operands.
    pub operands: &'static str,
}

/// A seeded source of cases.
pub struct Generator {
    random: Random,
}

impl Generator {
    /// A generator whose cases depend on nothing but the seed.
    pub fn new(seed: u64) -> Self {
        Generator {
            random: Random(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// A case of one instruction.
    pub fn case(&mut self, template: &Template) -> Case {
        self.sequence(std::slice::from_ref(template))
    }

    /// A case that runs 1 to 8 instructions one after the other (more are left out).
    ///
    /// In a sequence of several, GPRs 16-31 are kept for addresses and the others for everything else, so that no step
    /// spoils the address of a later one; a single instruction uses all registers.
    pub fn sequence(&mut self, templates: &[Template]) -> Case {
        let templates = &templates[..templates.len().min(CODE_WORDS)];
        let random = &mut self.random;
        let flavours: Vec<Flavour> = templates
            .iter()
            .map(|each| classify::flavour(each.mnemonic))
            .collect();
        let mut case = Case::new(State::default(), Vec::new());
        registers::fill(random, &flavours, &mut case);
        for (index, template) in templates.iter().enumerate() {
            let slot = Slot {
                index,
                count: templates.len(),
            };
            let word = constrain::word(random, template, slot, &mut case);
            case.code.push(Step {
                mnemonic: template.mnemonic,
                word,
                operands: template.operands,
            });
        }
        case
    }
}

/// The random numbers that the parts of the generator share.
struct Random(ChaCha8Rng);

impl Random {
    fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.u32()) * u64::from(limit)) >> 32) as u32
    }

    /// True in `percent` of the cases.
    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
