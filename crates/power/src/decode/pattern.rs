//! Instruction patterns: which bits of a word are fixed, by the form's name in the ISA.

/// The fixed bits of an instruction, and which suffixes its other bits spell.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// Bits that are fixed.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// What optional bits add to the mnemonic.
    pub suffix: Suffix,
}

impl Pattern {
    /// This pattern with `length` more bits fixed, from ISA bit `first` on: what tells forms apart, and reserved fields, in
    /// which anything but 0 is an invalid form.
    pub const fn fix(self, first: u32, length: u32, value: u32) -> Self {
        let shift = 32 - first - length;
        let mask = ((1 << length) - 1) << shift;
        Self {
            mask: self.mask | mask,
            value: self.value | value << shift,
            ..self
        }
    }
    /// This pattern with a reserved field.
    pub const fn reserved(self, first: u32, length: u32) -> Self {
        self.fix(first, length, 0)
    }
}

/// Optional bits that change the mnemonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    /// None.
    Plain,
    /// Bit 31 is Rc: `.`.
    Record,
    /// Bit 21 is OE (`o`) and bit 31 is Rc (`.`).
    OverflowRecord,
    /// Bit 21 is Rc (`.`): VC and XX3 compares.
    VectorRecord,
    /// Bit 31 is LK (`l`).
    Link,
    /// Bit 30 is AA (`a`) and bit 31 is LK (`l`).
    AbsoluteLink,
    /// Bit 31 is RO (`o`, round to odd) of the quad-precision operations.
    RoundOdd,
}

const fn op(primary: u32) -> u32 {
    primary << 26
}

const fn pattern(mask: u32, value: u32, suffix: Suffix) -> Pattern {
    Pattern {
        mask: 0xfc00_0000 | mask,
        value,
        suffix,
    }
}

/// D, I, B and other forms whose primary opcode says all.
pub const fn d(primary: u32) -> Pattern {
    pattern(0, op(primary), Suffix::Plain)
}
/// I and B forms: AA and LK.
pub const fn branch(primary: u32) -> Pattern {
    pattern(0, op(primary), Suffix::AbsoluteLink)
}
/// SC form: bits 30 and 31.
pub const fn sc(low: u32) -> Pattern {
    pattern(3, op(17) | low, Suffix::Plain)
}
/// DS form: bits 30 and 31.
pub const fn ds(primary: u32, xo: u32) -> Pattern {
    pattern(3, op(primary) | xo, Suffix::Plain)
}
/// DQ form: bits 29 to 31.
pub const fn dq(primary: u32, xo: u32) -> Pattern {
    pattern(7, op(primary) | xo, Suffix::Plain)
}
/// M form (rlwinm …): Rc.
pub const fn m(primary: u32) -> Pattern {
    pattern(0, op(primary), Suffix::Record)
}
/// MD form: bits 27 to 29; Rc.
pub const fn md(primary: u32, xo: u32) -> Pattern {
    pattern(7 << 2, op(primary) | xo << 2, Suffix::Record)
}
/// MDS form: bits 27 to 30; Rc.
pub const fn mds(primary: u32, xo: u32) -> Pattern {
    pattern(15 << 1, op(primary) | xo << 1, Suffix::Record)
}
/// X, XL and XFX forms without Rc: bits 21 to 30, bit 31 zero.
pub const fn x(primary: u32, xo: u32) -> Pattern {
    pattern(0x7ff, op(primary) | xo << 1, Suffix::Plain)
}
/// X form with a 1 in bit 31 (stwcx., tbegin. …); the dot belongs to the mnemonic.
pub const fn x1(primary: u32, xo: u32) -> Pattern {
    pattern(0x7ff, op(primary) | xo << 1 | 1, Suffix::Plain)
}
/// X form whose bit 31 means nothing or is an operand (EH, the high bit of XT).
pub const fn xany(primary: u32, xo: u32) -> Pattern {
    pattern(0x7fe, op(primary) | xo << 1, Suffix::Plain)
}
/// X form with Rc.
pub const fn xrc(primary: u32, xo: u32) -> Pattern {
    pattern(0x7fe, op(primary) | xo << 1, Suffix::Record)
}
/// X form with RO in bit 31.
pub const fn xro(primary: u32, xo: u32) -> Pattern {
    pattern(0x7fe, op(primary) | xo << 1, Suffix::RoundOdd)
}
/// X form with RO whose operation is told further by bits 11 to 15.
pub const fn xro_sub(primary: u32, sub: u32, xo: u32) -> Pattern {
    pattern(
        0x001f_07fe,
        op(primary) | sub << 16 | xo << 1,
        Suffix::RoundOdd,
    )
}
/// X form whose operation is told further by bits 11 to 15; bit 31 zero.
pub const fn x_sub(primary: u32, sub: u32, xo: u32) -> Pattern {
    pattern(
        0x001f_07ff,
        op(primary) | sub << 16 | xo << 1,
        Suffix::Plain,
    )
}
/// X form whose operation is told further by bits 11 to 15; Rc.
pub const fn xrc_sub(primary: u32, sub: u32, xo: u32) -> Pattern {
    pattern(
        0x001f_07fe,
        op(primary) | sub << 16 | xo << 1,
        Suffix::Record,
    )
}
/// X form where bit 11 tells two instructions apart (mfcr and mfocrf, mtcrf and mtocrf).
pub const fn x_bit11(primary: u32, bit: u32, xo: u32) -> Pattern {
    pattern(
        0x0010_07ff,
        op(primary) | bit << 20 | xo << 1,
        Suffix::Plain,
    )
}
/// XL form branches: LK.
pub const fn xl(primary: u32, xo: u32) -> Pattern {
    pattern(0x7fe, op(primary) | xo << 1, Suffix::Link)
}
/// XO form with OE and Rc: bits 22 to 30.
pub const fn xo(primary: u32, xo: u32) -> Pattern {
    pattern(0x3fe, op(primary) | xo << 1, Suffix::OverflowRecord)
}
/// XO form without OE: bits 21 to 30 with bit 21 ignored (mulhd …); Rc.
pub const fn xo_norc_oe(primary: u32, xo: u32) -> Pattern {
    pattern(0x3fe, op(primary) | xo << 1, Suffix::Record)
}
/// XS form (sradi, extswsli): bits 21 to 29; Rc.
pub const fn xs(primary: u32, xo: u32) -> Pattern {
    pattern(0x7fc, op(primary) | xo << 2, Suffix::Record)
}
/// A form: bits 26 to 30; Rc.
pub const fn a(primary: u32, xo: u32) -> Pattern {
    pattern(0x3e, op(primary) | xo << 1, Suffix::Record)
}
/// A form with bits 26 to 30 and no Rc (isel).
pub const fn a_plain(primary: u32, xo: u32) -> Pattern {
    pattern(0x3f, op(primary) | xo << 1, Suffix::Plain)
}
/// DX form (addpcis): bits 26 to 30.
pub const fn dx(primary: u32, xo: u32) -> Pattern {
    pattern(0x3e, op(primary) | xo << 1, Suffix::Plain)
}
/// Z22 form (DCMX and such): bits 22 to 30; Rc.
pub const fn z22(primary: u32, xo: u32) -> Pattern {
    pattern(0x3fe, op(primary) | xo << 1, Suffix::Record)
}
/// Z23 form: bits 23 to 30; Rc or RO.
pub const fn z23(primary: u32, xo: u32) -> Pattern {
    pattern(0x1fe, op(primary) | xo << 1, Suffix::Plain)
}
/// Z23 form of the decimal operations: bits 23 to 30; Rc.
pub const fn z23_rc(primary: u32, xo: u32) -> Pattern {
    pattern(0x1fe, op(primary) | xo << 1, Suffix::Record)
}
/// VX form: bits 21 to 31.
pub const fn vx(xo: u32) -> Pattern {
    pattern(0x7ff, op(4) | xo, Suffix::Plain)
}
/// VX form told further by bits 11 to 15.
pub const fn vx_sub(sub: u32, xo: u32) -> Pattern {
    pattern(0x001f_07ff, op(4) | sub << 16 | xo, Suffix::Plain)
}
/// VX form of the decimal operations, whose bit 22 is PS: bits 21 and 23 to 31.
pub const fn vx_ps(xo: u32) -> Pattern {
    pattern(0x5ff, op(4) | xo, Suffix::Plain)
}
/// VX form of the decimal operations told further by bits 11 to 15.
pub const fn vx_ps_sub(sub: u32, xo: u32) -> Pattern {
    pattern(0x001f_05ff, op(4) | sub << 16 | xo, Suffix::Plain)
}
/// VC form: bits 22 to 31, Rc in bit 21.
pub const fn vc(xo: u32) -> Pattern {
    pattern(0x3ff, op(4) | xo, Suffix::VectorRecord)
}
/// VA form: bits 26 to 31.
pub const fn va(xo: u32) -> Pattern {
    pattern(0x3f, op(4) | xo, Suffix::Plain)
}
/// XX1 form in opcode 60 told by bits 21 to 30, XT's high bit in 31 (xxspltib).
pub const fn xx1_sub(sub: u32, xo: u32) -> Pattern {
    pattern(0x0018_07fe, op(60) | sub << 19 | xo << 1, Suffix::Plain)
}
/// XX2 form: bits 21 to 29.
pub const fn xx2(xo: u32) -> Pattern {
    pattern(0x7fc, op(60) | xo << 2, Suffix::Plain)
}
/// XX2 form told further by bits 11 to 15.
pub const fn xx2_sub(sub: u32, xo: u32) -> Pattern {
    pattern(0x001f_07fc, op(60) | sub << 16 | xo << 2, Suffix::Plain)
}
/// XX2 form of xvtstdc*: bits 21 to 24 and 26 to 28 (dc and dm are operands).
pub const fn xx2_dcmx(xo_high: u32, xo_low: u32) -> Pattern {
    pattern(
        0x0000_07b8,
        op(60) | xo_high << 7 | xo_low << 3,
        Suffix::Plain,
    )
}
/// XX3 form: bits 21 to 28.
pub const fn xx3(xo: u32) -> Pattern {
    pattern(0x7f8, op(60) | xo << 3, Suffix::Plain)
}
/// XX3 form with an operand in bits 22 and 23 (DM, SHW): bits 21 and 24 to 28.
pub const fn xx3_dm(xo: u32) -> Pattern {
    pattern(0x4f8, op(60) | xo << 3, Suffix::Plain)
}
/// XX3 compares: bits 22 to 28, Rc in bit 21.
pub const fn xx3_rc(xo: u32) -> Pattern {
    pattern(0x3f8, op(60) | xo << 3, Suffix::VectorRecord)
}
/// XX4 form: bits 26 and 27.
pub const fn xx4(xo: u32) -> Pattern {
    pattern(0x30, op(60) | xo << 4, Suffix::Plain)
}
