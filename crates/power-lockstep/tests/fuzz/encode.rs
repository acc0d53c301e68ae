//! Encodings that programs are put together from.
#![allow(dead_code, reason = "a vocabulary")]

pub const fn d(op: u32, rt: u32, ra: u32, si: u32) -> u32 {
    op << 26 | rt << 21 | ra << 16 | si & 0xffff
}
pub const fn x(rt: u32, ra: u32, rb: u32, xo: u32) -> u32 {
    31 << 26 | rt << 21 | ra << 16 | rb << 11 | xo << 1
}
pub const fn li(rt: u32, value: u32) -> u32 {
    d(14, rt, 0, value)
}
pub const fn addi(rt: u32, ra: u32, value: u32) -> u32 {
    d(14, rt, ra, value)
}
pub const fn spr(xo: u32, register: u32, number: u32) -> u32 {
    x(register, number & 31, number >> 5, xo)
}
pub const fn mtspr(number: u32, register: u32) -> u32 {
    spr(467, register, number)
}
pub const fn mfspr(register: u32, number: u32) -> u32 {
    spr(339, register, number)
}
pub const fn b(words: i64) -> u32 {
    18 << 26 | (words as u32) << 2 & 0x03ff_fffc
}
pub const fn bc(bo: u32, bi: u32, words: i64) -> u32 {
    16 << 26 | bo << 21 | bi << 16 | (words as u32) << 2 & 0xfffc
}
/// bclr, bcctr and bctar, by their extended opcode.
pub const fn bc_register(bo: u32, bi: u32, xo: u32, link: bool) -> u32 {
    19 << 26 | bo << 21 | bi << 16 | xo << 1 | link as u32
}
pub const BCLR: u32 = 16;
pub const BCCTR: u32 = 528;
pub const BCTAR: u32 = 560;
pub const ALWAYS: u32 = 20;
pub const DECREMENT: u32 = 16;

pub const LR: u32 = 8;
pub const CTR: u32 = 9;
pub const TAR: u32 = 815;
pub const DAR: u32 = 19;
pub const DEC: u32 = 22;
pub const SRR0: u32 = 26;
pub const SRR1: u32 = 27;
pub const SPRG2: u32 = 274;
pub const SPRG3: u32 = 275;

pub const NOP: u32 = 0x6000_0000;
pub const ISYNC: u32 = 0x4c00_012c;
pub const SYNC: u32 = 0x7c00_04ac;
pub const PTESYNC: u32 = 0x7c40_04ac;
pub const TLBSYNC: u32 = x(0, 0, 0, 566);
pub const RFID: u32 = 0x4c00_0024;
pub const RFSCV: u32 = 0x4c00_00a4;
pub const SC: u32 = 0x4400_0002;
pub const HYPERCALL: u32 = 0x4400_0022;
pub const fn scv(level: u32) -> u32 {
    17 << 26 | level << 5 | 1
}
/// sldi by 32.
pub const fn shift_left_32(register: u32) -> u32 {
    30 << 26 | register << 21 | register << 16 | 31 << 6 | 1 << 2 | 1 << 1
}
pub const fn mtmsrd(rs: u32, l: u32) -> u32 {
    x(rs, l, 0, 178)
}
pub const fn icbi(rb: u32) -> u32 {
    x(0, 0, rb, 982)
}
pub const fn dcbst(rb: u32) -> u32 {
    x(0, 0, rb, 54)
}
pub const fn tlbie(rb: u32, rs: u32, ric: u32) -> u32 {
    // R = 1, PRS = 1
    x(rs, ric << 2 | 2 | 1, rb, 306)
}
pub const fn tlbiel(rb: u32, rs: u32, ric: u32) -> u32 {
    x(rs, ric << 2 | 2 | 1, rb, 274)
}
