//! Shifts and rotates, by element and of the whole register (Power ISA 3.0B, Book I, 6.9.5, and
//! the octet shifts of 6.8).

use crate::Vector;
use crate::lanes::{vector_ops, zip, zip3};

// A shift count is the low bits of its element, as many as the width needs: exactly what the
// `wrapping_` shifts of std mask off.
vector_ops! {
    /// Vector Rotate Left Byte.
    vrlb(a, b) = zip(a, b, |x: u8, n| x.rotate_left(n.into()));
    /// Vector Rotate Left Halfword.
    vrlh(a, b) = zip(a, b, |x: u16, n| x.rotate_left(n.into()));
    /// Vector Rotate Left Word.
    vrlw(a, b) = zip(a, b, |x: u32, n| x.rotate_left(n % 32));
    /// Vector Rotate Left Doubleword.
    vrld(a, b) = zip(a, b, |x: u64, n| x.rotate_left(n as u32 % 64));

    /// Vector Shift Left Byte.
    vslb(a, b) = zip(a, b, |x: u8, n| x.wrapping_shl(n.into()));
    /// Vector Shift Left Halfword.
    vslh(a, b) = zip(a, b, |x: u16, n| x.wrapping_shl(n.into()));
    /// Vector Shift Left Word.
    vslw(a, b) = zip(a, b, u32::wrapping_shl);
    /// Vector Shift Left Doubleword.
    vsld(a, b) = zip(a, b, |x: u64, n| x.wrapping_shl(n as u32));

    /// Vector Shift Right Byte.
    vsrb(a, b) = zip(a, b, |x: u8, n| x.wrapping_shr(n.into()));
    /// Vector Shift Right Halfword.
    vsrh(a, b) = zip(a, b, |x: u16, n| x.wrapping_shr(n.into()));
    /// Vector Shift Right Word.
    vsrw(a, b) = zip(a, b, u32::wrapping_shr);
    /// Vector Shift Right Doubleword.
    vsrd(a, b) = zip(a, b, |x: u64, n| x.wrapping_shr(n as u32));

    /// Vector Shift Right Algebraic Byte.
    vsrab(a, b) = zip(a, b, |x: i8, n| x.wrapping_shr(n as u32));
    /// Vector Shift Right Algebraic Halfword.
    vsrah(a, b) = zip(a, b, |x: i16, n| x.wrapping_shr(n as u32));
    /// Vector Shift Right Algebraic Word.
    vsraw(a, b) = zip(a, b, |x: i32, n| x.wrapping_shr(n as u32));
    /// Vector Shift Right Algebraic Doubleword.
    vsrad(a, b) = zip(a, b, |x: i64, n| x.wrapping_shr(n as u32));
}

vector_ops! {
    /// Vector Rotate Left Word then Mask Insert: `t` is the old target.
    ///
    /// Each word of `b` packs mask begin, mask end and shift count, one to a byte.
    vrlwmi(t, a, b) = zip3(t, a, b, |old: u32, x, control| {
        let mask = word_mask(control);
        (x.rotate_left(control % 32) & mask) | (old & !mask)
    });
    /// Vector Rotate Left Word then AND with Mask.
    vrlwnm(a, b) = zip(a, b, |x: u32, control| {
        x.rotate_left(control % 32) & word_mask(control)
    });
    /// Vector Rotate Left Doubleword then Mask Insert: `t` is the old target.
    vrldmi(t, a, b) = zip3(t, a, b, |old: u64, x, control| {
        let mask = doubleword_mask(control);
        (x.rotate_left(control as u32 % 64) & mask) | (old & !mask)
    });
    /// Vector Rotate Left Doubleword then AND with Mask.
    vrldnm(a, b) = zip(a, b, |x: u64, control| {
        x.rotate_left(control as u32 % 64) & doubleword_mask(control)
    });
}

/// `MASK(mb, me)` of a control word: ones from bit `mb` to bit `me`, wrapping past the end.
#[inline]
fn word_mask(control: u32) -> u32 {
    let (begin, end) = (control >> 16 & 31, control >> 8 & 31);
    let (from, to) = (u32::MAX >> begin, u32::MAX << (31 - end));
    if begin <= end { from & to } else { from | to }
}

/// `MASK(mb, me)` of a control doubleword.
#[inline]
fn doubleword_mask(control: u64) -> u64 {
    let (begin, end) = (control >> 16 & 63, control >> 8 & 63);
    let (from, to) = (u64::MAX >> begin, u64::MAX << (63 - end));
    if begin <= end { from & to } else { from | to }
}

vector_ops! {
    /// Vector Shift Left: the register, by the last three bits of `b`.
    ///
    /// The ISA defines it only when all bytes of `b` agree in those bits; here the last byte counts.
    vsl(a, b) = a << (b & 7);
    /// Vector Shift Right: the register, by the last three bits of `b`.
    vsr(a, b) = a >> (b & 7);
    /// Vector Shift Left by Octet: the register, by the byte count in bits 121:124 of `b`.
    vslo(a, b) = a << (b & 0x78);
    /// Vector Shift Right by Octet.
    vsro(a, b) = a >> (b & 0x78);

    /// Vector Shift Left Variable: each byte by its own count, filled from the byte to its right.
    vslv(a, b) = zip3(a, a << 8, b, |x: u8, right, n| {
        (u16::from_be_bytes([x, right]) << (n & 7) >> 8) as u8
    });
    /// Vector Shift Right Variable: each byte by its own count, filled from the byte to its left.
    vsrv(a, b) = zip3(a, a >> 8, b, |x: u8, left, n| {
        (u16::from_be_bytes([left, x]) >> (n & 7)) as u8
    });
}

/// Vector Shift Left Double by Octet Immediate: 16 bytes of `a || b` from byte `shb` (modulo 16).
#[inline]
#[must_use]
pub fn vsldoi(a: Vector, b: Vector, shb: u8) -> Vector {
    match u32::from(shb & 15) * 8 {
        0 => a,
        bits => a << bits | b >> (128 - bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_are_modulo_the_element_width() {
        assert_eq!(vslb(0x81, 0x09), 0x02);
        assert_eq!(vsrb(0x81, 0xf9), 0x40);
        assert_eq!(vsrab(0x81, 0x01), 0xc0);
        assert_eq!(vrlh(0x8001, 0x0014), 0x0018);
        assert_eq!(vsrah(0x8000, 0x000f), 0xffff);
        assert_eq!(vsraw(0x8000_0000, 0xffff_ffe4), 0xf800_0000);
        assert_eq!(vsrad(1 << 63, 0x1_0000_0041), 0xc000_0000_0000_0000);
        assert_eq!(vsld(1, 0x40), 1);
    }

    #[test]
    fn rotate_masks_wrap_past_the_end() {
        // mb = 28, me = 3, shift = 4: the mask is both ends.
        let control = 0x001c_0304;
        assert_eq!(vrlwnm(0x1234_5678, control), 0x2000_0001);
        assert_eq!(vrlwmi(0xffff_ffff, 0x1234_5678, control), 0x2fff_fff1);
        // mb = 8, me = 15, shift = 8 of a doubleword.
        assert_eq!(
            vrldnm(0x1234_5678_9abc_def0, 0x0008_0f08),
            0x0056_0000_0000_0000
        );
        assert_eq!(
            vrldmi(u64::MAX.into(), 0, 0x0008_0f08),
            0xff00_ffff_ffff_ffff
        );
    }

    #[test]
    fn octet_and_bit_shifts_split_one_count() {
        let v = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        for count in 0..128_u128 {
            assert_eq!(vsl(vslo(v, count), count), v << count);
            assert_eq!(vsr(vsro(v, count), count), v >> count);
        }
    }

    #[test]
    fn double_octet_shift_slides_over_both_operands() {
        let (a, b) = (
            u128::from_be_bytes(*b"abcdefghijklmnop"),
            u128::from_be_bytes(*b"ABCDEFGHIJKLMNOP"),
        );
        assert_eq!(vsldoi(a, b, 0), a);
        assert_eq!(vsldoi(a, b, 5).to_be_bytes(), *b"fghijklmnopABCDE");
        assert_eq!(vsldoi(a, b, 15).to_be_bytes(), *b"pABCDEFGHIJKLMNO");
    }

    proptest! {
        #[test]
        fn variable_shifts_by_one_count_are_register_shifts(a: u128, n in 0_u8..8) {
            let counts = u128::from_be_bytes([n; 16]);
            prop_assert_eq!(vslv(a, counts), a << n);
            prop_assert_eq!(vsrv(a, counts), a >> n);
        }

        #[test]
        fn rotation_is_undone_by_its_complement(a: u128, b: u128) {
            let back = crate::vsubuwm(0, b);
            prop_assert_eq!(vrlw(vrlw(a, b), back), a);
            let back = crate::vsubudm(0, b);
            prop_assert_eq!(vrld(vrld(a, b), back), a);
        }
    }
}
