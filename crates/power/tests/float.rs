//! Floating-point instructions on FPRs and on FPSCR.

mod common;

use common::Machine;
use power::msr;

const PROGRAM: u64 = 0x700;
const FLOAT_UNAVAILABLE: u64 = 0x800;

fn fpscr(m: &Machine) -> u64 {
    m.cpu.regs.fpscr.bits()
}

#[test]
fn arithmetic_takes_its_operands_from_the_fields_of_its_form() {
    let mut m = Machine::new();
    m.set_fpr(2, 3.0);
    m.set_fpr(3, 0.25);
    m.set_fpr(6, 7.0);
    m.finish(&[
        0xfc22_182b, // fadd. f1,f2,f3
        0xfc81_18ba, // fmadd f4,f1,f2,f3
        0xeca2_3024, // fdivs f5,f2,f6
        0xfd82_1800, // fcmpu cr3,f2,f3
        0xfce0_048e, // mffs f7
        0xfd09_18ae, // fsel f8,f9,f2,f3
        0xfd40_4e5e, // fctidz f10,f9
    ]);
    assert_eq!(m.fpr(1), 3.25);
    assert_eq!(m.fpr(4), 10.0, "3.25 * 3 + 0.25");
    assert_eq!(m.fpr(5), f64::from(3.0f32 / 7.0));
    assert_eq!(m.cpu.regs.cr[3], 0b0100);
    assert_eq!(m.cpu.regs.cr[1], 0, "fadd. raised nothing");
    assert!(
        m.cpu.regs.fpscr.xx() && m.cpu.regs.fpscr.fx(),
        "fdivs was inexact"
    );
    // f9 was 0: not less than zero, so fsel takes FRC.
    assert_eq!(m.fpr(8), 3.0);
    assert_eq!(
        m.cpu.regs.vsr[7] as u64, 0,
        "doubleword 1 of a written FPR becomes 0"
    );
}

#[test]
fn status_instructions_move_fields_both_ways() {
    let mut m = Machine::new();
    m.finish(&[0xff80_310c]); // mtfsfi 7,3: RN = 3
    assert_eq!(fpscr(&m), 3);
    m.finish(&[
        0xfcf8_048e, // mffsl f7
        0xfd17_148e, // mffscrni f8,2
        0xfee0_004c, // mtfsb1 23: VXCVI, so VX and FX
        0xfd04_0080, // mcrfs cr2,cr1
    ]);
    assert_eq!(m.cpu.regs.vsr[7] >> 64, 3);
    assert_eq!(
        m.cpu.regs.vsr[8] >> 64,
        3,
        "mffscrni delivers the old controls"
    );
    assert_eq!(fpscr(&m) & 3, 2);
    assert!(m.cpu.regs.fpscr.vxcvi() && m.cpu.regs.fpscr.vx() && m.cpu.regs.fpscr.fx());
    assert_eq!(m.cpu.regs.cr[2], 0);
    m.cpu.regs.vsr[9] = 0x0000_0000_0000_00f8 << 64;
    m.cpu.regs.fpscr = power_float::Fpscr::from_bits(0);
    m.finish(&[
        0xfdfe_4d8e, // mtfsf 255,f9
        0xfd41_048e, // mffsce f10
        0xffa0_008c, // mtfsb0 29
    ]);
    assert_eq!(m.cpu.regs.vsr[10] >> 64, 0xf8);
    assert_eq!(fpscr(&m), 0);
}

#[test]
fn an_enabled_exception_interrupts_and_leaves_the_target() {
    let mut m = Machine::new();
    m.set_msr(msr::FE0 | msr::FE1, true);
    m.set_fpr(1, 42.0);
    m.set_fpr(2, 1.0);
    m.set_fpr(3, 0.0);
    // mtfsb1 27 (ZE); fdiv. f1,f2,f3
    assert_eq!(m.run(&[0xff60_004c, 0xfc22_1825]), Some(PROGRAM));
    assert_eq!(m.fpr(1), 42.0);
    assert!(m.cpu.regs.fpscr.zx() && m.cpu.regs.fpscr.fex());
    assert_eq!(m.cpu.regs.cr[1], 0b1100, "FX and FEX");
    assert_eq!(m.cpu.regs.srr1 & 1 << 20, 1 << 20);
}

#[test]
fn without_msr_fe_an_enabled_exception_only_leaves_the_target() {
    let mut m = Machine::new();
    m.set_fpr(1, 42.0);
    m.set_fpr(2, 1.0);
    m.finish(&[0xff60_004c, 0xfc22_1825]);
    assert_eq!(m.fpr(1), 42.0);
    assert!(m.cpu.regs.fpscr.fex());
}

#[test]
fn every_floating_point_instruction_needs_msr_fp() {
    for word in [
        0xfc22_182b,
        0xfd82_1800,
        0xfce0_048e,
        0xff80_310c,
        0xfd09_18ae,
    ] {
        let mut m = Machine::new();
        m.set_msr(msr::FP, false);
        assert_eq!(m.run(&[word]), Some(FLOAT_UNAVAILABLE), "{word:#x}");
    }
}
