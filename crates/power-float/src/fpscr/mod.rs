//! The Floating-Point Status and Control Register (Power ISA 3.0B, Book I, 4.2.2).
//!
//! [`Fpscr`] keeps the register in the ISA's own layout (bit 0 is the most significant of 64) and owns
//! the one rule that is easy to get wrong: FX is set only when a sticky exception bit goes from 0 to 1,
//! while VX and FEX are never stored facts but summaries, recomputed after each change.
//! `bits` names the layout; `moves` holds the instructions that move data to and from the register.

pub mod bits;
mod moves;

use bits as b;

/// How a result that does not fit its format is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest value, ties to the one with an even significand (RN = 0b00).
    NearestEven,
    /// Toward zero (RN = 0b01).
    TowardZero,
    /// Toward +infinity (RN = 0b10).
    Up,
    /// Toward -infinity (RN = 0b11).
    Down,
    /// To the nearest value, ties away from zero (`frin`, `xsrdpi`, `xsrqpi` with R=0, RMC=0).
    NearestAway,
    /// An inexact result gets an odd significand (the `o` forms of the quad instructions).
    Odd,
}

/// The FPSCR, bit for bit as `mffs` delivers it.
///
/// ```
/// use power_float::Fpscr;
/// let mut f = Fpscr::default();
/// let third = power_float::scalar::fdiv(&mut f, 1f64.to_bits(), 3f64.to_bits());
/// assert_eq!(third, Some((1.0f64 / 3.0).to_bits()));
/// assert!(f.xx() && f.fx() && f.fi());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fpscr(u64);

macro_rules! flags {
    ($($name:ident = $mask:expr, $what:literal;)*) => {
        $(#[doc = $what]
        #[inline]
        pub const fn $name(self) -> bool { self.0 & $mask != 0 })*
    };
}

impl Fpscr {
    /// A register with these contents; reserved bits are dropped, VX and FEX are recomputed.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & b::IMPLEMENTED).summarised()
    }

    /// The contents, in the ISA's layout.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    flags! {
        fx = b::FX, "FX: some exception bit went from 0 to 1 since software last cleared this.";
        fex = b::FEX, "FEX: an exception that is enabled is recorded (summary).";
        vx = b::VX, "VX: an invalid-operation exception is recorded (summary).";
        ox = b::OX, "OX: overflow.";
        ux = b::UX, "UX: underflow.";
        zx = b::ZX, "ZX: zero divide.";
        xx = b::XX, "XX: inexact.";
        vxsnan = b::VXSNAN, "VXSNAN: a signalling NaN was an operand.";
        vxisi = b::VXISI, "VXISI: infinity minus infinity.";
        vxidi = b::VXIDI, "VXIDI: infinity divided by infinity.";
        vxzdz = b::VXZDZ, "VXZDZ: zero divided by zero.";
        vximz = b::VXIMZ, "VXIMZ: infinity times zero.";
        vxvc = b::VXVC, "VXVC: a NaN in an ordered comparison.";
        fr = b::FR, "FR: the last rounding increased the magnitude.";
        fi = b::FI, "FI: the last result was inexact.";
        vxsoft = b::VXSOFT, "VXSOFT: software asked for an invalid-operation exception.";
        vxsqrt = b::VXSQRT, "VXSQRT: square root of a negative number.";
        vxcvi = b::VXCVI, "VXCVI: a conversion to integer was out of range.";
        ve = b::VE, "VE: invalid-operation exceptions are enabled.";
        oe = b::OE, "OE: overflow exceptions are enabled.";
        ue = b::UE, "UE: underflow exceptions are enabled.";
        ze = b::ZE, "ZE: zero-divide exceptions are enabled.";
        xe = b::XE, "XE: inexact exceptions are enabled.";
        ni = b::NI, "NI: non-IEEE mode; POWER9 keeps the bit and ignores it, and so does this crate.";
    }

    /// FPRF: class and sign of the last result (5 bits: C, FL, FG, FE, FU).
    #[inline]
    pub const fn fprf(self) -> u8 {
        ((self.0 & b::FPRF) >> b::FPRF_SHIFT) as u8
    }

    /// FPCC: the low four bits of FPRF (FL, FG, FE, FU), which comparisons set.
    #[inline]
    pub const fn fpcc(self) -> u8 {
        self.fprf() & 0xF
    }

    /// RN as the two bits of the register.
    #[inline]
    pub const fn rn(self) -> u8 {
        (self.0 & b::RN) as u8
    }

    /// DRN: the rounding mode of decimal arithmetic (3 bits).
    #[inline]
    pub const fn drn(self) -> u8 {
        ((self.0 & b::DRN) >> b::DRN_SHIFT) as u8
    }

    /// RN as a rounding mode.
    #[inline]
    pub const fn rounding(self) -> Rounding {
        match self.rn() {
            0 => Rounding::NearestEven,
            1 => Rounding::TowardZero,
            2 => Rounding::Up,
            _ => Rounding::Down,
        }
    }

    /// This register with RN replaced by the low two bits of `rn`.
    #[inline]
    #[must_use]
    pub const fn with_rn(self, rn: u8) -> Self {
        Self(self.0 & !b::RN | rn as u64 & b::RN)
    }

    /// Records sticky exceptions: FX if one of them is new, and the summaries.
    ///
    /// Bits of `exceptions` that are not sticky exception bits are ignored.
    #[inline]
    pub fn raise(&mut self, exceptions: u64) {
        let new = exceptions & b::STICKY & !self.0;
        if new != 0 {
            *self = Self(self.0 | new | b::FX).summarised();
        }
    }

    /// Sets FPCC (the C bit of FPRF stays), as comparisons and class tests do.
    #[inline]
    pub fn set_fpcc(&mut self, nibble: u8) {
        self.0 = self.0 & !b::FPCC | (u64::from(nibble) << b::FPRF_SHIFT) & b::FPCC;
    }

    /// Records the exceptions of a computation and says whether its result may be written.
    ///
    /// `status` has FPSCR layout. Of FR, FI and FPRF those in `results` are replaced, unless an enabled
    /// invalid-operation or zero-divide exception suppresses the result: then FR and FI become 0 and FPRF
    /// stays (4.4.1.2, 4.4.2.2).
    #[inline]
    pub fn commit(&mut self, status: u64, results: u64) -> bool {
        self.raise(status);
        let suppressed = status & (b::ALL_INVALID | b::ZX) != 0 && self.suppresses(status);
        if suppressed {
            self.0 &= !(results & (b::FR | b::FI));
        } else {
            self.0 = self.0 & !results | status & results;
        }
        !suppressed
    }

    /// Whether `status` has an invalid-operation or zero-divide exception that is enabled.
    #[inline]
    pub(crate) const fn suppresses(self, status: u64) -> bool {
        status & b::ALL_INVALID != 0 && self.ve() || status & b::ZX != 0 && self.ze()
    }

    /// Whether `status` has any exception that is enabled (what suppresses a vector result).
    #[inline]
    pub(crate) const fn traps(self, status: u64) -> bool {
        status & b::STICKY != 0
            && (self.suppresses(status)
                || (status >> b::EXCEPTION_TO_ENABLE) & self.0 & (b::OE | b::UE | b::XE) != 0)
    }

    const fn summarised(self) -> Self {
        let vx = if self.0 & b::ALL_INVALID != 0 {
            b::VX
        } else {
            0
        };
        let with_vx = self.0 & !(b::VX | b::FEX) | vx;
        // VX OX UX ZX XX stand in the same order as VE OE UE ZE XE, 22 bits further left.
        let enabled = (with_vx >> b::EXCEPTION_TO_ENABLE) & with_vx & b::ENABLES;
        Self(if enabled != 0 {
            with_vx | b::FEX
        } else {
            with_vx
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_is_set_only_by_a_new_exception() {
        let mut f = Fpscr::default();
        f.raise(b::XX);
        assert!(f.fx() && f.xx() && !f.vx());
        f.mtfsb0(0);
        f.raise(b::XX);
        assert!(!f.fx());
        f.raise(b::XX | b::OX);
        assert!(f.fx());
    }

    #[test]
    fn vx_and_fex_are_summaries() {
        assert!(!Fpscr::from_bits(b::VX | b::FEX).vx());
        assert!(!Fpscr::from_bits(b::VX | b::FEX).fex());
        assert!(Fpscr::from_bits(b::VXZDZ).vx());
        for (exception, enable) in [
            (b::VXISI, b::VE),
            (b::OX, b::OE),
            (b::UX, b::UE),
            (b::ZX, b::ZE),
            (b::XX, b::XE),
        ] {
            assert!(Fpscr::from_bits(exception | enable).fex());
            assert!(!Fpscr::from_bits(exception | (b::ENABLES & !enable)).fex());
            let f = Fpscr::from_bits(enable);
            assert!(f.traps(exception));
            assert!(!Fpscr::from_bits(b::ENABLES & !enable).traps(exception));
        }
    }

    #[test]
    fn a_suppressed_result_clears_fr_and_fi_and_keeps_fprf() {
        let mut f = Fpscr::from_bits(b::VE | b::FR | b::FI | 0x9 << b::FPRF_SHIFT);
        assert!(!f.commit(b::VXSNAN | 0x11 << b::FPRF_SHIFT, b::RESULTS));
        assert_eq!((f.fr(), f.fi(), f.fprf(), f.fex()), (false, false, 9, true));
    }
}
