//! The FPSCR instructions (Book I, 4.6.10) as operations on the register.
//!
//! None of them can store VX or FEX: these follow from the other bits. `mtfsf`, `mtfsfi` do not touch FX
//! unless they write the field it is in; `mtfsb1` sets FX like an arithmetic exception would.

use super::{Fpscr, bits as b};

impl Fpscr {
    /// `mtfsf FLM,FRB,L,W`: copies the 4-bit fields that the mask selects from `value`.
    ///
    /// `l` copies all fields; otherwise `flm` (bit 7 = leftmost field) selects among fields 0:7 of the
    /// high word if `w`, of the low word if not.
    pub fn mtfsf(&mut self, flm: u8, l: bool, w: bool, value: u64) {
        let mask = if l {
            u64::MAX
        } else {
            let fields = (0..8)
                .filter(|i| flm & 1 << i != 0)
                .fold(0, |m, i| m | 0xF << (4 * i));
            if w { fields << 32 } else { fields }
        };
        *self = Self::from_bits(self.0 & !mask | value & mask);
    }

    /// `mtfsfi BF,U,W`: writes the 4-bit field `bf` (0:7, of the high word if `w`) with `u`.
    pub fn mtfsfi(&mut self, bf: u8, u: u8, w: bool) {
        self.mtfsf(
            0x80 >> (bf & 7),
            false,
            w,
            u64::from(u & 0xF) * 0x1111_1111_1111_1111,
        );
    }

    /// `mtfsb0 BT`: clears bit 32 + `bt`; FEX and VX (1 and 2) can't be cleared.
    pub fn mtfsb0(&mut self, bt: u8) {
        *self = Self::from_bits(self.0 & !Self::low_word_bit(bt));
    }

    /// `mtfsb1 BT`: sets bit 32 + `bt`, and FX if that is a new exception; FEX and VX (1 and 2) can't be set.
    pub fn mtfsb1(&mut self, bt: u8) {
        let bit = Self::low_word_bit(bt);
        self.raise(bit);
        *self = Self::from_bits(self.0 | bit);
    }

    /// `mcrfs`: the 4-bit field `bfa` (0:7) of the low word; the exception bits in it are cleared.
    pub fn mcrfs(&mut self, bfa: u8) -> u8 {
        let shift = 28 - 4 * u32::from(bfa & 7);
        let field = 0xF << shift;
        let nibble = (self.0 >> shift & 0xF) as u8;
        *self = Self::from_bits(self.0 & !(field & (b::FX | b::STICKY)));
        nibble
    }

    /// `mffs`: the whole register.
    pub fn mffs(self) -> u64 {
        self.0
    }

    /// `mffsce`: the whole register; then the enables are cleared.
    pub fn mffsce(&mut self) -> u64 {
        let old = self.0;
        *self = Self::from_bits(old & !b::ENABLES);
        old
    }

    /// `mffscrn`, `mffscrni`: the controls; then RN is replaced.
    pub fn mffscrn(&mut self, rn: u8) -> u64 {
        let old = self.0;
        *self = self.with_rn(rn);
        controls(old)
    }

    /// `mffscdrn`, `mffscdrni`: the controls; then DRN is replaced.
    pub fn mffscdrn(&mut self, drn: u8) -> u64 {
        let old = self.0;
        *self = Self(old & !b::DRN | u64::from(drn) << b::DRN_SHIFT & b::DRN);
        controls(old)
    }

    /// `mffsl`: the controls and the non-sticky status (FR, FI, FPRF), without the sticky bits.
    pub fn mffsl(self) -> u64 {
        self.0 & (b::DRN | b::RESULTS | b::ENABLES | b::NI | b::RN)
    }

    const fn low_word_bit(bt: u8) -> u64 {
        0x8000_0000 >> (bt & 31)
    }
}

/// What the `mffscrn` and `mffscdrn` families deliver: DRN, the enables, NI and RN.
const fn controls(bits: u64) -> u64 {
    bits & (b::DRN | b::ENABLES | b::NI | b::RN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtfsf_copies_the_selected_fields_and_recomputes_the_summaries() {
        let mut f = Fpscr::from_bits(b::XX | 3);
        f.mtfsf(0x01, false, false, !0);
        assert_eq!(f.bits(), b::XX | b::FEX | b::XE | b::NI | 3);
        f.mtfsf(0xFF, false, false, b::VX | b::FEX);
        assert_eq!(f.bits(), 0);
        f.mtfsf(0, true, false, !0);
        assert_eq!(f.bits(), b::IMPLEMENTED);
        let mut f = Fpscr::default();
        f.mtfsf(0x01, false, true, !0);
        assert_eq!(f.bits(), b::DRN);
    }

    #[test]
    fn mtfsfi_writes_one_field() {
        let mut f = Fpscr::default();
        f.mtfsfi(7, 0b0110, false);
        assert_eq!(f.bits(), b::NI | 2);
        f.mtfsfi(0, 0b1111, false);
        assert_eq!(f.bits(), b::FX | b::OX | b::NI | 2);
        f.mtfsfi(7, 0b0101, true);
        assert_eq!(f.drn(), 5);
    }

    #[test]
    fn mtfsb1_of_an_exception_sets_fx_once() {
        let mut f = Fpscr::default();
        f.mtfsb1(7);
        assert_eq!(f.bits(), b::VXSNAN | b::VX | b::FX);
        f.mtfsb0(0);
        f.mtfsb1(7);
        assert!(!f.fx());
        f.mtfsb1(1);
        assert!(!f.fex());
        f.mtfsb0(2);
        assert!(f.vx());
        f.mtfsb1(31);
        assert_eq!(f.rn(), 1);
    }

    #[test]
    fn mcrfs_clears_the_exceptions_it_delivers() {
        let mut f =
            Fpscr::from_bits(b::FX | b::OX | b::VXSNAN | b::VXISI | b::XX | b::FPRF | b::VE);
        assert_eq!(f.mcrfs(0), 0b1111);
        assert_eq!(
            f.bits(),
            b::FEX | b::VX | b::VXSNAN | b::VXISI | b::XX | b::FPRF | b::VE
        );
        assert_eq!(f.mcrfs(1), 0b0011);
        assert_eq!(f.mcrfs(2), 0b1000);
        assert_eq!(f.bits(), b::FPRF | b::VE);
        assert_eq!(f.mcrfs(6), 0b1000);
        assert!(f.ve());
    }

    #[test]
    fn the_mffs_family_delivers_the_old_register() {
        let mut f = Fpscr::from_bits(b::XX | b::XE | b::FI | 1);
        let old = f.bits();
        assert_eq!(f.mffsl(), b::XE | b::FI | 1);
        assert_eq!(f.mffscrn(2), b::XE | 1);
        assert_eq!(f.mffscdrn(4), b::XE | 2);
        assert_eq!(f.mffsce(), old & !3 | 2 | 4 << b::DRN_SHIFT);
        assert_eq!((f.xe(), f.fex(), f.rn(), f.drn()), (false, false, 2, 4));
    }
}
