//! Decimal floating-point instructions on FPRs, pairs of them, and FPSCR.

mod common;

use common::Machine;
use power::decode::{decode, disassemble, rows};
use power::{Insn, msr};

const PROGRAM: u64 = 0x700;
const FLOAT_UNAVAILABLE: u64 = 0x800;

/// 5, 3 and 0 in DFP long.
const FIVE: u64 = 0x2238_0000_0000_0005;
const THREE: u64 = 0x2238_0000_0000_0003;
const ZERO: u64 = 0x2238_0000_0000_0000;
/// The high half of a small integer in DFP extended.
const HIGH: u64 = 0x2208_0000_0000_0000;

fn set(m: &mut Machine, n: usize, value: u64) {
    m.cpu.regs.vsr[n] = u128::from(value) << 64 | 0xABCD;
}

fn fpr(m: &Machine, n: usize) -> u64 {
    (m.cpu.regs.vsr[n] >> 64) as u64
}

#[test]
fn numbers_are_in_fprs_and_in_pairs_of_them() {
    let mut m = Machine::new();
    for (n, value) in [(1, FIVE), (2, THREE), (4, HIGH), (5, 5), (6, HIGH), (7, 3)] {
        set(&mut m, n, value);
    }
    m.finish(&[
        0xed01_1004, // dadd f8,f1,f2
        0xed21_1404, // dsub f9,f1,f2
        0xfd44_3044, // dmulq f10,f4,f6
    ]);
    assert_eq!(fpr(&m, 8), 0x2238_0000_0000_0008);
    assert_eq!(fpr(&m, 9), 0x2238_0000_0000_0002);
    assert_eq!(
        (fpr(&m, 10), fpr(&m, 11)),
        (HIGH, 0x15),
        "15, in its declet"
    );
    for n in 8..12 {
        assert_eq!(m.cpu.regs.vsr[n] as u64, 0, "doubleword 1 becomes 0");
    }
}

#[test]
fn an_enabled_division_by_zero_interrupts_and_leaves_both_targets() {
    let mut m = Machine::new();
    m.set_msr(msr::FE0 | msr::FE1, true);
    for (n, value) in [(2, HIGH), (3, 5), (4, HIGH), (5, 0), (8, 42), (9, 43)] {
        set(&mut m, n, value);
    }
    // mtfsb1 27 (ZE); ddivq. f8,f2,f4
    assert_eq!(m.run(&[0xff60_004c, 0xfd02_2445]), Some(PROGRAM));
    assert_eq!((fpr(&m, 8), fpr(&m, 9)), (42, 43));
    assert_eq!(m.cpu.regs.vsr[8] as u64, 0xABCD);
    assert!(m.cpu.regs.fpscr.zx() && m.cpu.regs.fpscr.fex());
    assert_eq!(m.cpu.regs.cr[1], 0b1100, "FX and FEX");
    assert_eq!(m.cpu.regs.srr1 & 1 << 20, 1 << 20);
}

#[test]
fn without_an_enable_it_delivers_an_infinity() {
    let mut m = Machine::new();
    set(&mut m, 1, FIVE);
    set(&mut m, 2, ZERO);
    m.finish(&[0xed01_1445]); // ddiv. f8,f1,f2
    assert_eq!(fpr(&m, 8), 0x7800_0000_0000_0000);
    assert_eq!(m.cpu.regs.cr[1], 0b1000);
}

/// The rows of the family.
fn decimal() -> impl Iterator<Item = &'static power::decode::Row> {
    rows()
        .iter()
        .filter(|row| matches!(row.pattern.value >> 26, 59 | 63) && row.mnemonic.starts_with('d'))
}

#[test]
fn every_decimal_instruction_needs_msr_fp() {
    assert_eq!(decimal().count(), 52);
    for row in decimal() {
        let mut m = Machine::new();
        m.set_msr(msr::FP, false);
        let before = m.cpu.regs.clone();
        assert_eq!(
            m.run(&[Insn(row.pattern.value).0]),
            Some(FLOAT_UNAVAILABLE),
            "{}",
            row.mnemonic
        );
        assert_eq!(m.cpu.regs.fpscr, before.fpscr);
    }
}

#[test]
fn an_odd_register_for_a_pair_is_no_instruction() {
    for row in decimal() {
        for (pair, single, bit) in [
            ("frtp", "frt", 1 << 21),
            ("frap", "fra", 1 << 16),
            ("frbp", "frb", 1 << 11),
        ] {
            let names: Vec<&str> = row.operands.split(',').collect();
            let odd = decode(Insn(row.pattern.value | bit)).row().mnemonic;
            if names.contains(&pair) {
                assert_eq!(odd, "illegal", "{}", row.mnemonic);
            } else if names.contains(&single) {
                assert_eq!(odd, row.mnemonic);
            }
        }
    }
}

#[test]
fn the_disassembler_writes_them_as_assemblers_do() {
    for (word, text) in [
        (0xefc0_f204, "dctdp f30,f30"),
        (0xed01_1005, "dadd. f8,f1,f2"),
        (0xfd44_3044, "dmulq f10,f4,f6"),
        (0xee1f_1886, "dquai -1,f16,f3,0"),
        (0xec41_1c47, "drrnd. f2,f1,f3,2"),
        (0xec41_0ec6, "drintx 1,f2,f1,3"),
        (0xed8a_8d84, "dtstdc cr3,f10,35"),
        (0xed82_1d44, "dtstsf cr3,f2,f3"),
        (0xfd85_2546, "dtstsfiq cr3,5,f4"),
        (0xec50_1a84, "ddedpd 2,f2,f3"),
        (0xec50_1e84, "denbcd 1,f2,f3"),
        (0xec43_4884, "dscli f2,f3,18"),
    ] {
        assert_eq!(disassemble(Insn(word), None), text);
    }
}
