//! Fills registers and memory of a case with values that suit its instructions.

use super::classify::{FLAVOURS, Flavour};
use super::{Random, decimals, integers, vectors};
use crate::state::{Case, State};

const XER_BITS: u64 = 0xe00c_007f;
const VSCR_BITS: u32 = 0x0001_0001;

/// FPSCR fields, as bits of the 64-bit register.
mod fpscr {
    pub const FX: u64 = 1 << 31;
    pub const VX: u64 = 1 << 29;
    /// OX UX ZX XX
    pub const STICKY: u64 = 0x1e00_0000;
    /// VXSNAN VXISI VXIDI VXZDZ VXIMZ VXVC, and VXSOFT VXSQRT VXCVI
    pub const INVALID: u64 = 0x01f8_0700;
    /// FR FI FPRF
    pub const RESULT: u64 = 0x0007_f000;
    /// VE OE UE ZE XE
    pub const ENABLES: u64 = 0xf8;
    /// RN
    pub const ROUNDING: u64 = 0x3;
    /// DRN
    pub const DECIMAL_ROUNDING: u64 = 0x7 << 32;
}

/// Draws everything but the code.
pub(super) fn fill(random: &mut Random, flavours: &[Flavour], case: &mut Case) {
    let flavour = |random: &mut Random| match flavours {
        [] => Flavour::Integer,
        _ if random.chance(15) => random.pick(&FLAVOURS),
        _ => random.pick(flavours),
    };
    let state = &mut case.state;
    for gpr in &mut state.gpr {
        *gpr = integers::doubleword(random);
    }
    for vsr in &mut state.vsr {
        let flavour = flavour(random);
        *vsr = vectors::vector(random, flavour);
    }
    if flavours.contains(&Flavour::DecimalExtended) {
        pair(random, state);
    }
    relate(random, state);
    state.cr = if random.chance(80) {
        random.u32()
    } else {
        integers::doubleword(random) as u32
    };
    state.xer = random.u64() & XER_BITS;
    state.vscr = random.u32() & VSCR_BITS;
    state.vrsave = random.u32();
    state.lr = integers::doubleword(random);
    state.ctr = integers::doubleword(random);
    state.tar = integers::doubleword(random);
    state.fpscr = floating_point_status(random);
    for chunk in case.memory.chunks_exact_mut(16) {
        let flavour = flavour(random);
        let value = vectors::vector(random, flavour);
        chunk.copy_from_slice(&value.to_le_bytes());
    }
}

/// Puts numbers of DFP extended into most pairs of FPRs.
fn pair(random: &mut Random, state: &mut State) {
    for pair in state.vsr[..32].chunks_exact_mut(2) {
        if random.chance(80) {
            let number = decimals::decimal_float(random, decimals::EXTENDED);
            for (register, half) in pair.iter_mut().zip([number >> 64, number]) {
                *register = half << 64 | u128::from(random.u64());
            }
        }
    }
}

/// Makes some registers equal, opposite or neighbours of others: comparisons and subtractions need that.
fn relate(random: &mut Random, state: &mut State) {
    for _ in 0..random.below(12) {
        let (from, to) = (random.below(32) as usize, random.below(32) as usize);
        let value = state.gpr[from];
        state.gpr[to] = random.pick(&[
            value,
            value,
            !value,
            value.wrapping_neg(),
            value.wrapping_add(1),
        ]);
        let (from, to) = (random.below(64) as usize, random.below(64) as usize);
        let value = state.vsr[from];
        let signs = 0x8000_0000_0000_0000_8000_0000_0000_0000;
        let neighbour = value.wrapping_add(0x0000_0000_0000_0001_0000_0000_0000_0001);
        state.vsr[to] = random.pick(&[value, value ^ signs, neighbour, value & !signs]);
    }
}

/// Any state of FPSCR that a program can reach with no enabled exception pending: summary bits agree with what they
/// sum up, and FEX is 0.
fn floating_point_status(random: &mut Random) -> u64 {
    use fpscr::*;
    let any = random.u64();
    let mut status = any & (RESULT | ROUNDING | DECIMAL_ROUNDING);
    if random.chance(50) {
        status |= any & random.u64() & (STICKY | INVALID) | any & FX;
    }
    if status & INVALID != 0 {
        status |= VX;
    }
    if random.chance(25) {
        // VX OX UX ZX XX are 0x3e000000, their enables 0xf8: the same order, 22 bits apart.
        let pending = status >> 22 & ENABLES;
        status |= random.u64() & ENABLES & !pending;
    }
    status
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn no_initial_fpscr_has_an_enabled_exception_pending() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(6));
        let (mut enabled, mut raised) = (0, 0);
        for _ in 0..2000 {
            let status = floating_point_status(&mut random);
            assert_eq!(status >> 22 & status & fpscr::ENABLES, 0, "{status:#x}");
            assert_eq!(status & fpscr::VX != 0, status & fpscr::INVALID != 0);
            enabled += u32::from(status & fpscr::ENABLES != 0);
            raised += u32::from(status & fpscr::STICKY != 0);
        }
        assert!(enabled > 100 && raised > 100);
    }
}
