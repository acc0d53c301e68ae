//! Rotate and shift (Book I, 3.3.14).

use super::util::{bit, mask64, record};
use crate::engine::{Done, Engine, Width, XerBit};
use crate::insn::Insn;

#[inline(always)]
fn finish<E: Engine>(e: &mut E, i: Insn, result: E::Word) -> Done<E> {
    e.set_gpr(i.ra(), result);
    record(e, i, result);
    Ok(())
}

/// ROTL32: the word doubled, rotated as a doubleword.
#[inline(always)]
fn rotl32<E: Engine>(e: &mut E, value: E::Word, n: E::Word) -> E::Word {
    let low = e.zero_extend(value, Width::Word);
    let by = e.imm(32);
    let high = e.shl(low, by);
    let doubled = e.or(high, low);
    e.rotl(doubled, n)
}

/// What comes of a rotation of `bits` bits to the left by `n` under a mask within them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A shift to the left: what wraps round is masked out.
    Left,
    /// A shift to the right by so much: only what wraps round is left.
    Right(u32),
    /// Both.
    Rotate,
}

const fn way(n: u32, mask: u64, bits: u32) -> Way {
    let wrapped = (1 << n) - 1;
    if mask & wrapped == 0 {
        Way::Left
    } else if mask & !wrapped == 0 {
        Way::Right(bits - n)
    } else {
        Way::Rotate
    }
}

/// Under a mask, where it leaves out some of what can be `there`.
#[inline(always)]
fn masked<E: Engine>(e: &mut E, value: E::Word, mask: u64, there: u64) -> E::Word {
    if mask & there == there {
        return value;
    }
    let mask = e.imm(mask);
    e.and(value, mask)
}

pub(crate) fn rlwinm<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let (n, mask) = (i.rb(), mask64(i.rc_reg() + 32, i.me() + 32));
    let by = e.imm(u64::from(n));
    // A mask that wraps round has bits of the upper word too.
    let way = match mask >> 32 {
        0 => way(n, mask, 32),
        _ => Way::Rotate,
    };
    let r = match way {
        Way::Left => e.shl(s, by),
        Way::Right(n) => {
            let by = e.imm(n.into());
            e.shr(s, by)
        }
        Way::Rotate => rotl32(e, s, by),
    };
    let mask = e.imm(mask);
    let result = e.and(r, mask);
    finish(e, i, result)
}

pub(crate) fn rlwnm<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (s, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let low = e.imm(31);
    let n = e.and(b, low);
    let r = rotl32(e, s, n);
    let mask = e.imm(mask64(i.rc_reg() + 32, i.me() + 32));
    let result = e.and(r, mask);
    finish(e, i, result)
}

pub(crate) fn rlwimi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let n = e.imm(u64::from(i.rb()));
    let r = rotl32(e, s, n);
    insert(e, i, r, mask64(i.rc_reg() + 32, i.me() + 32))
}

/// RA = rotated under the mask, RA elsewhere.
#[inline(always)]
fn insert<E: Engine>(e: &mut E, i: Insn, rotated: E::Word, mask: u64) -> Done<E> {
    let a = e.gpr(i.ra());
    let keep = e.imm(!mask);
    let mask = e.imm(mask);
    let kept = e.and(a, keep);
    let taken = e.and(rotated, mask);
    let result = e.or(kept, taken);
    finish(e, i, result)
}

#[inline(always)]
fn rotate_double_mask<E: Engine>(e: &mut E, i: Insn, n: E::Word, mask: u64) -> Done<E> {
    let s = e.gpr(i.rt());
    let r = e.rotl(s, n);
    let mask = e.imm(mask);
    let result = e.and(r, mask);
    finish(e, i, result)
}

/// By a constant.
#[inline(always)]
fn rotate_double_by<E: Engine>(e: &mut E, i: Insn, mask: u64) -> Done<E> {
    let s = e.gpr(i.rt());
    let n = i.sh6();
    let by = e.imm(n.into());
    let (r, there) = match way(n, mask, 64) {
        Way::Left => (e.shl(s, by), u64::MAX << n),
        Way::Right(n) => {
            let by = e.imm(n.into());
            (e.shr(s, by), u64::MAX >> n)
        }
        Way::Rotate => (e.rotl(s, by), u64::MAX),
    };
    let result = masked(e, r, mask, there);
    finish(e, i, result)
}

pub(crate) fn rldicl<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    rotate_double_by(e, i, mask64(i.mb6(), 63))
}

pub(crate) fn rldicr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    rotate_double_by(e, i, mask64(0, i.mb6()))
}

pub(crate) fn rldic<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    rotate_double_by(e, i, mask64(i.mb6(), 63 - i.sh6()))
}

pub(crate) fn rldimi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let n = e.imm(u64::from(i.sh6()));
    let r = e.rotl(s, n);
    insert(e, i, r, mask64(i.mb6(), 63 - i.sh6()))
}

pub(crate) fn rldcl<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let n = e.gpr(i.rb());
    rotate_double_mask(e, i, n, mask64(i.mb6(), 63))
}

pub(crate) fn rldcr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let n = e.gpr(i.rb());
    rotate_double_mask(e, i, n, mask64(0, i.mb6()))
}

/// Whether the shift count in RB reaches the width: bit 5 for words, bit 6 for doublewords.
#[inline(always)]
fn shifted_out<E: Engine>(e: &mut E, count: E::Word, width_log2: u64) -> E::Cond {
    bit(e, count, width_log2)
}

pub(crate) fn slw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (s, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let shifted = e.shl(s, b);
    let value = e.zero_extend(shifted, Width::Word);
    let gone = shifted_out(e, b, 5);
    let zero = e.imm(0);
    let result = e.select(gone, zero, value);
    finish(e, i, result)
}

pub(crate) fn srw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (s, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let word = e.zero_extend(s, Width::Word);
    let value = e.shr(word, b);
    let gone = shifted_out(e, b, 5);
    let zero = e.imm(0);
    let result = e.select(gone, zero, value);
    finish(e, i, result)
}

pub(crate) fn sld<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (s, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let value = e.shl(s, b);
    let gone = shifted_out(e, b, 6);
    let zero = e.imm(0);
    let result = e.select(gone, zero, value);
    finish(e, i, result)
}

pub(crate) fn srd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (s, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let value = e.shr(s, b);
    let gone = shifted_out(e, b, 6);
    let zero = e.imm(0);
    let result = e.select(gone, zero, value);
    finish(e, i, result)
}

/// The algebraic shifts: `value` (sign-extended already) right by `n` (at most 63); CA where a negative value loses ones, as it
/// does where `gone` says that all of it is shifted out.
#[inline(always)]
fn algebraic<E: Engine>(e: &mut E, i: Insn, value: E::Word, n: E::Word, gone: E::Cond) -> Done<E> {
    let result = e.sar(value, n);
    let back = e.shl(result, n);
    let exact = e.eq(back, value);
    let inexact = e.negate(exact);
    let lost = e.either(inexact, gone);
    let negative = bit(e, value, 63);
    let ca = e.both(negative, lost);
    e.set_xer_bit(XerBit::Ca, ca);
    e.set_xer_bit(XerBit::Ca32, ca);
    finish(e, i, result)
}

/// The count of a register shift, held to 63, which gives all sign bits as the ISA asks for any larger count; and whether it was
/// larger than the width.
#[inline(always)]
fn saturated_count<E: Engine>(e: &mut E, i: Insn, width_log2: u64) -> (E::Word, E::Cond) {
    let b = e.gpr(i.rb());
    let gone = shifted_out(e, b, width_log2);
    let most = e.imm(63);
    let low = e.imm((1 << width_log2) - 1);
    let count = e.and(b, low);
    (e.select(gone, most, count), gone)
}

pub(crate) fn srawi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let value = e.sign_extend(s, Width::Word);
    let n = e.imm(u64::from(i.rb()));
    let gone = e.cond_imm(false);
    algebraic(e, i, value, n, gone)
}

pub(crate) fn sraw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let value = e.sign_extend(s, Width::Word);
    let (n, gone) = saturated_count(e, i, 5);
    algebraic(e, i, value, n, gone)
}

pub(crate) fn sradi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let value = e.gpr(i.rt());
    let n = e.imm(u64::from(i.sh6()));
    let gone = e.cond_imm(false);
    algebraic(e, i, value, n, gone)
}

pub(crate) fn srad<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let value = e.gpr(i.rt());
    let (n, gone) = saturated_count(e, i, 6);
    algebraic(e, i, value, n, gone)
}

pub(crate) fn extswsli<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let s = e.gpr(i.rt());
    let value = e.sign_extend(s, Width::Word);
    let n = e.imm(u64::from(i.sh6()));
    let result = e.shl(value, n);
    finish(e, i, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [u64; 4] = [
        0x0123_4567_89ab_cdef,
        0xfedc_ba98_7654_3210,
        u64::MAX,
        0x8000_0001_8000_0001,
    ];

    fn by(way: Way, value: u64, n: u32, rotated: u64) -> u64 {
        match way {
            Way::Left => value << n,
            Way::Right(n) => value >> n,
            Way::Rotate => rotated,
        }
    }

    #[test]
    fn shifts_stand_for_rotations_only_where_the_mask_makes_them_equal() {
        for (n, first, last) in (0..64).flat_map(|n| {
            (0..64).flat_map(move |first| (first..64).map(move |last| (n, first, last)))
        }) {
            let mask = mask64(first, last);
            for value in VALUES {
                let rotated = value.rotate_left(n);
                let shifted = by(way(n, mask, 64), value, n, rotated);
                assert_eq!(shifted & mask, rotated & mask, "{n} {first} {last}");
                if n < 32 && first >= 32 {
                    let rotated = u64::from((value as u32).rotate_left(n));
                    let shifted = by(way(n, mask, 32), value, n, rotated);
                    assert_eq!(shifted & mask, rotated & mask, "word {n} {first} {last}");
                }
            }
        }
    }

    #[test]
    fn the_usual_shifts_are_shifts() {
        // sldi 3, srdi 3, clrldi 32, slwi 2, srwi 8
        assert_eq!(way(3, mask64(0, 60), 64), Way::Left);
        assert_eq!(way(61, mask64(3, 63), 64), Way::Right(3));
        assert_eq!(way(0, mask64(32, 63), 64), Way::Left);
        assert_eq!(way(2, mask64(32, 61), 32), Way::Left);
        assert_eq!(way(24, mask64(40, 63), 32), Way::Right(8));
        assert_eq!(way(8, mask64(48, 63), 64), Way::Rotate);
    }
}
