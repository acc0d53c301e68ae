//! Random registers, memory and instructions, with the values at which things break in their midst.

use power::decode::{Opcode, decode, rows};
use power::{Insn, Registers, Xer};
use power_float::Fpscr;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{DATA, PROGRAM};

const EDGES: [u64; 16] = [
    0,
    1,
    2,
    u64::MAX,
    i64::MIN as u64,
    i64::MAX as u64,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_7fff_ffff,
    63,
    64,
    32,
    0x8000,
];

/// Doubles, and pairs of singles, of all kinds.
const FLOATS: [u64; 12] = [
    0x3ff0_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x0000_0000_0000_0001,
    0x7fef_ffff_ffff_ffff,
    0x4009_21fb_5444_2d18,
    0x3f80_0000_4049_0fdb,
    0x7f80_0001_7fc0_0000,
    0x0000_0001_ff80_0000,
];

/// The field of mfspr and mtspr; LR is 8 and CTR is 9 in its half at bit 16.
const SPR_FIELD: u32 = 0x3ff << 11;

pub struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Less than `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// An address in the data region or just past its ends.
    fn pointer(&mut self) -> u64 {
        let length = DATA.end - DATA.start;
        match self.below(8) {
            0 => DATA.start.wrapping_add(self.below(64)).wrapping_sub(32),
            1 => DATA.end.wrapping_add(self.below(64)).wrapping_sub(48),
            // Around the border of the two granules.
            2 => DATA.start + length / 2 + self.below(32) - 16,
            3 | 4 => (DATA.start + self.below(length)) & !15,
            _ => DATA.start + self.below(length),
        }
    }

    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 | 1 => EDGES[self.below(EDGES.len() as u64) as usize],
            2 => self.bits() as i32 as u64,
            3 => self.below(256),
            4 | 5 => self.pointer(),
            _ => self.bits(),
        }
    }

    fn doubleword(&mut self) -> u64 {
        match self.below(3) {
            0 => FLOATS[self.below(FLOATS.len() as u64) as usize],
            1 => self.number(),
            _ => self.bits(),
        }
    }

    pub fn registers(&mut self) -> Registers {
        let mut registers = Registers::reset();
        registers.gpr = std::array::from_fn(|_| self.number());
        registers.vsr = std::array::from_fn(|_| {
            u128::from(self.doubleword()) << 64 | u128::from(self.doubleword())
        });
        registers.set_cr_bits(self.bits() as u32);
        registers.xer = Xer::from_bits(self.bits());
        registers.lr = self.number();
        registers.ctr = self.number();
        registers.tar = self.number();
        registers.fpscr = Fpscr::from_bits(if self.below(2) == 0 { 0 } else { self.bits() });
        registers.vscr = self.bits() as u32 & 0x1_0001;
        registers.nia = PROGRAM;
        registers
    }

    /// An instruction of a row, its operands random. None where they all came out as a more special row's.
    pub fn instruction(&mut self, row: usize) -> Option<Insn> {
        let variant = self.bits();
        self.instruction_variant(row, variant)
    }

    /// As [`Random::instruction`]; `variant` modulo 4 chooses Rc and OE, or what is in their places.
    pub fn instruction_variant(&mut self, row: usize, variant: u64) -> Option<Insn> {
        const CHOSEN: u32 = 1 << 10 | 1;
        let pattern = &rows()[row].pattern;
        let names_spr = rows()[row].operands.contains("spr");
        let chosen = (variant as u32 & 1) | (variant as u32 >> 1 & 1) << 10;
        (0..64)
            .map(|_| {
                let mut operands = self.bits() as u32 & !CHOSEN | chosen;
                if names_spr && self.below(2) == 0 {
                    operands = operands & !SPR_FIELD | (8 + self.below(2) as u32) << 16;
                }
                Insn(pattern.value | operands & !pattern.mask)
            })
            .find(|&insn| decode(insn) == Opcode(row as u16))
    }
}
