//! Encodings that programs are put together from.
#![allow(dead_code, reason = "a vocabulary")]

pub(crate) const fn d(op: u32, rt: u32, ra: u32, si: u32) -> u32 {
    op << 26 | rt << 21 | ra << 16 | si & 0xffff
}
pub(crate) const fn x(rt: u32, ra: u32, rb: u32, xo: u32) -> u32 {
    31 << 26 | rt << 21 | ra << 16 | rb << 11 | xo << 1
}
pub(crate) const fn li(rt: u32, value: u32) -> u32 {
    d(14, rt, 0, value)
}
pub(crate) const fn addi(rt: u32, ra: u32, value: u32) -> u32 {
    d(14, rt, ra, value)
}
pub(crate) const fn spr(xo: u32, register: u32, number: u32) -> u32 {
    x(register, number & 31, number >> 5, xo)
}
pub(crate) const fn mtspr(number: u32, register: u32) -> u32 {
    spr(467, register, number)
}
pub(crate) const fn mfspr(register: u32, number: u32) -> u32 {
    spr(339, register, number)
}
pub(crate) const fn b(words: i64) -> u32 {
    18 << 26 | (words as u32) << 2 & 0x03ff_fffc
}
pub(crate) const fn bc(bo: u32, bi: u32, words: i64) -> u32 {
    16 << 26 | bo << 21 | bi << 16 | (words as u32) << 2 & 0xfffc
}
/// bclr, bcctr and bctar, by their extended opcode.
pub(crate) const fn bc_register(bo: u32, bi: u32, xo: u32, link: bool) -> u32 {
    19 << 26 | bo << 21 | bi << 16 | xo << 1 | link as u32
}
pub(crate) const BCLR: u32 = 16;
pub(crate) const BCCTR: u32 = 528;
pub(crate) const BCTAR: u32 = 560;
pub(crate) const ALWAYS: u32 = 20;
pub(crate) const DECREMENT: u32 = 16;

pub(crate) const LR: u32 = 8;
pub(crate) const CTR: u32 = 9;
pub(crate) const TAR: u32 = 815;
pub(crate) const DAR: u32 = 19;
pub(crate) const DEC: u32 = 22;
pub(crate) const SRR0: u32 = 26;
pub(crate) const SRR1: u32 = 27;
pub(crate) const SPRG2: u32 = 274;
pub(crate) const SPRG3: u32 = 275;

pub(crate) const NOP: u32 = 0x6000_0000;
pub(crate) const ISYNC: u32 = 0x4c00_012c;
pub(crate) const SYNC: u32 = 0x7c00_04ac;
pub(crate) const PTESYNC: u32 = 0x7c40_04ac;
pub(crate) const TLBSYNC: u32 = x(0, 0, 0, 566);
pub(crate) const RFID: u32 = 0x4c00_0024;
pub(crate) const RFSCV: u32 = 0x4c00_00a4;
pub(crate) const SC: u32 = 0x4400_0002;
pub(crate) const HYPERCALL: u32 = 0x4400_0022;
pub(crate) const fn scv(level: u32) -> u32 {
    17 << 26 | level << 5 | 1
}
/// sldi by 32.
pub(crate) const fn shift_left_32(register: u32) -> u32 {
    30 << 26 | register << 21 | register << 16 | 31 << 6 | 1 << 2 | 1 << 1
}
pub(crate) const fn mtmsrd(rs: u32, l: u32) -> u32 {
    x(rs, l, 0, 178)
}
pub(crate) const fn icbi(rb: u32) -> u32 {
    x(0, 0, rb, 982)
}
pub(crate) const fn dcbst(rb: u32) -> u32 {
    x(0, 0, rb, 54)
}
pub(crate) const fn tlbie(rb: u32, rs: u32, ric: u32) -> u32 {
    // R = 1, PRS = 1
    x(rs, ric << 2 | 2 | 1, rb, 306)
}
pub(crate) const fn tlbiel(rb: u32, rs: u32, ric: u32) -> u32 {
    x(rs, ric << 2 | 2 | 1, rb, 274)
}
