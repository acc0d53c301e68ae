//! An instruction word and its fields, named as in the Power ISA (Book I, 1.6, "Instruction Fields").
//!
//! The ISA counts bits from the most significant one; the accessors hide that.

/// A 32-bit instruction word.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Insn(pub u32);

impl Insn {
    /// `length` bits from ISA bit `first` (0 = most significant) on.
    #[inline(always)]
    pub const fn bits(self, first: u32, length: u32) -> u32 {
        (self.0 >> (32 - first - length)) & ((1 << length) - 1)
    }

    /// Primary opcode.
    #[inline(always)]
    pub const fn primary(self) -> u32 {
        self.0 >> 26
    }
    /// RT, RS, FRT, FRS, VRT, VRS, TO, BO, BT: bits 6 to 10.
    #[inline(always)]
    pub const fn rt(self) -> u32 {
        self.bits(6, 5)
    }
    /// RA, FRA, VRA, BI, BA: bits 11 to 15.
    #[inline(always)]
    pub const fn ra(self) -> u32 {
        self.bits(11, 5)
    }
    /// RB, FRB, VRB, BB, SH: bits 16 to 20.
    #[inline(always)]
    pub const fn rb(self) -> u32 {
        self.bits(16, 5)
    }
    /// RC, FRC, VRC, MB: bits 21 to 25.
    #[inline(always)]
    pub const fn rc_reg(self) -> u32 {
        self.bits(21, 5)
    }
    /// ME of the M form: bits 26 to 30.
    #[inline(always)]
    pub const fn me(self) -> u32 {
        self.bits(26, 5)
    }
    /// Rc, the record bit (LK of branches): bit 31.
    #[inline(always)]
    pub const fn rc(self) -> bool {
        self.0 & 1 != 0
    }
    /// OE: bit 21.
    #[inline(always)]
    pub const fn oe(self) -> bool {
        self.0 & 0x400 != 0
    }
    /// Rc of the VC form: bit 21.
    #[inline(always)]
    pub const fn vrc(self) -> bool {
        self.0 & 0x400 != 0
    }
    /// Rc of the XX3 compare form: bit 21.
    #[inline(always)]
    pub const fn xx3rc(self) -> bool {
        self.0 & 0x400 != 0
    }
    /// AA of branches: bit 30.
    #[inline(always)]
    pub const fn aa(self) -> bool {
        self.0 & 2 != 0
    }
    /// SI, sign-extended: bits 16 to 31.
    #[inline(always)]
    pub const fn si(self) -> i64 {
        self.0 as i16 as i64
    }
    /// UI: bits 16 to 31.
    #[inline(always)]
    pub const fn ui(self) -> u64 {
        (self.0 & 0xffff) as u64
    }
    /// DS || 0b00, sign-extended.
    #[inline(always)]
    pub const fn ds(self) -> i64 {
        (self.0 & 0xfffc) as i16 as i64
    }
    /// DQ || 0b0000, sign-extended.
    #[inline(always)]
    pub const fn dq(self) -> i64 {
        (self.0 & 0xfff0) as i16 as i64
    }
    /// D of the DX form (addpcis): d0 || d1 || d2, sign-extended.
    #[inline(always)]
    pub const fn dx(self) -> i64 {
        let d = (self.bits(16, 10) << 6) | (self.bits(11, 5) << 1) | self.bits(31, 1);
        d as i16 as i64
    }
    /// LI || 0b00 of the I form, sign-extended.
    #[inline(always)]
    pub const fn li(self) -> i64 {
        (((self.0 & 0x03ff_fffc) << 6) as i32 >> 6) as i64
    }
    /// BD || 0b00 of the B form, sign-extended.
    #[inline(always)]
    pub const fn bd(self) -> i64 {
        (self.0 & 0xfffc) as i16 as i64
    }
    /// BF: bits 6 to 8.
    #[inline(always)]
    pub const fn bf(self) -> u32 {
        self.bits(6, 3)
    }
    /// BFA: bits 11 to 13.
    #[inline(always)]
    pub const fn bfa(self) -> u32 {
        self.bits(11, 3)
    }
    /// L of compares: bit 10.
    #[inline(always)]
    pub const fn l10(self) -> bool {
        self.bits(10, 1) != 0
    }
    /// The 6-bit shift of the XS and MD forms: bit 30 || bits 16 to 20.
    #[inline(always)]
    pub const fn sh6(self) -> u32 {
        (self.bits(30, 1) << 5) | self.bits(16, 5)
    }
    /// The 6-bit mask boundary of the MD and MDS forms: bit 26 || bits 21 to 25.
    #[inline(always)]
    pub const fn mb6(self) -> u32 {
        (self.bits(26, 1) << 5) | self.bits(21, 5)
    }
    /// The SPR number, with its halves put right.
    #[inline(always)]
    pub const fn spr(self) -> u32 {
        (self.bits(16, 5) << 5) | self.bits(11, 5)
    }
    /// FXM: bits 12 to 19.
    #[inline(always)]
    pub const fn fxm(self) -> u32 {
        self.bits(12, 8)
    }
    /// XT, XS of the X and XX forms: bit 31 || bits 6 to 10.
    #[inline(always)]
    pub const fn xt(self) -> u32 {
        (self.bits(31, 1) << 5) | self.rt()
    }
    /// XA: bit 29 || bits 11 to 15.
    #[inline(always)]
    pub const fn xa(self) -> u32 {
        (self.bits(29, 1) << 5) | self.ra()
    }
    /// XB: bit 30 || bits 16 to 20.
    #[inline(always)]
    pub const fn xb(self) -> u32 {
        (self.bits(30, 1) << 5) | self.rb()
    }
    /// XC of the XX4 form: bit 28 || bits 21 to 25.
    #[inline(always)]
    pub const fn xc(self) -> u32 {
        (self.bits(28, 1) << 5) | self.rc_reg()
    }
    /// XT, XS of the DQ form (lxv, stxv): bit 28 || bits 6 to 10.
    #[inline(always)]
    pub const fn xt_dq(self) -> u32 {
        (self.bits(28, 1) << 5) | self.rt()
    }
}

impl std::fmt::Debug for Insn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:#010x} {}",
            self.0,
            crate::decode::disassemble(*self, None)
        )
    }
}
