//! VMX instructions.

mod common;

use common::Machine;
use power::msr;

const V2: u128 = 0xfff0_0102_0304_0506_0708_090a_0b0c_0d0e;
const V3: u128 = 0x0220_0101_0101_0101_0101_0101_0101_0101;

fn bytewise(f: impl Fn(u8, u8) -> u8) -> u128 {
    let (a, b) = (V2.to_be_bytes(), V3.to_be_bytes());
    u128::from_be_bytes(std::array::from_fn(|n| f(a[n], b[n])))
}

fn singles(x: [f32; 4]) -> u128 {
    x.into_iter()
        .fold(0, |v, x| v << 32 | u128::from(x.to_bits()))
}

#[test]
fn integer_and_permute_instructions_use_the_registers_that_they_name() {
    let mut m = Machine::new();
    let vr = |n: usize| 32 + n;
    m.cpu.regs.vsr[vr(2)] = V2;
    m.cpu.regs.vsr[vr(3)] = V3;
    m.cpu.regs.vsr[vr(8)] = 0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110;
    m.cpu.regs.vsr[vr(16)] = u128::MAX;
    m.cpu.regs.gpr[4] = 1;
    m.finish(&[
        0x1022_1800, // vaddubm v1,v2,v3
        0x1082_1a00, // vaddubs v4,v2,v3
        0x10a0_0604, // mfvscr v5
        0x10c2_1406, // vcmpequb. v6,v2,v2
        0x10e2_1a2b, // vperm v7,v2,v3,v8
        0x113d_030c, // vspltisb v9,-3
        0x1142_192c, // vsldoi v10,v2,v3,4
        0x1064_160d, // vextublx r3,r4,v2
        0x10a0_1602, // vclzlsbb r5,v2
        0x1204_138d, // vinsertw v16,v2,4
        0x1221_128c, // vspltw v17,v2,1
    ]);
    let vsr = &m.cpu.regs.vsr;
    assert_eq!(vsr[vr(1)], bytewise(u8::wrapping_add));
    assert_eq!(vsr[vr(4)], bytewise(u8::saturating_add));
    assert_eq!(vsr[vr(5)], 1, "VSCR[SAT]");
    assert_eq!((vsr[vr(6)], m.cpu.regs.cr[6]), (u128::MAX, 0b1000));
    assert_eq!(vsr[vr(7)], V3.swap_bytes());
    assert_eq!(vsr[vr(9)], u128::from_be_bytes([0xfd; 16]));
    assert_eq!(vsr[vr(10)], V2 << 32 | V3 >> 96);
    assert_eq!(m.cpu.regs.gpr[3], 0xf0);
    assert_eq!(m.cpu.regs.gpr[5], 0, "the first byte is odd");
    assert_eq!(vsr[vr(16)], 0xffff_ffff_0304_0506_ffff_ffff_ffff_ffff);
    assert_eq!(vsr[vr(17)], 0x0304_0506_0304_0506_0304_0506_0304_0506);
}

#[test]
fn floats_obey_nj_and_leave_fpscr_alone() {
    let mut m = Machine::new();
    m.cpu.regs.vsr[44] = singles([1.5, -2.0, 3.0, 1e9]);
    m.finish(&[
        0x116c_632e, // vmaddfp v11,v12,v12,v12
        0x11a1_63ca, // vctsxs v13,v12,1
        0x126c_66c6, // vcmpgtfp. v19,v12,v12
    ]);
    assert_eq!(
        m.cpu.regs.vsr[43],
        singles([3.75, 2.0, 12.0, 1e9f32.mul_add(1e9, 1e9)])
    );
    assert_eq!(
        m.cpu.regs.vsr[45],
        0x0000_0003_ffff_fffc_0000_0006_7735_9400
    );
    assert_eq!((m.cpu.regs.vsr[51], m.cpu.regs.cr[6]), (0, 0b0010));
    assert_eq!(m.cpu.regs.fpscr.bits(), 0);
    let tiny = singles([f32::from_bits(1); 4]);
    m.cpu.regs.vsr[35] = tiny;
    // vaddfp v2,v3,v3
    m.finish(&[0x1043_180a]);
    assert_eq!(m.cpu.regs.vsr[34], singles([f32::from_bits(2); 4]));
    m.cpu.regs.vsr[33] = u128::MAX;
    // mtvscr v1; vaddfp v2,v3,v3; mfvscr v4
    m.finish(&[0x1000_0e44, 0x1043_180a, 0x1080_0604]);
    assert_eq!(m.cpu.regs.vsr[34], 0, "NJ flushes denormalised operands");
    assert_eq!(m.cpu.regs.vsr[36], 0x0001_0001, "VSCR has two bits");
}

#[test]
fn decimal_sums_set_cr6() {
    let mut m = Machine::new();
    m.cpu.regs.vsr[47] = 0x0000_0123_456c;
    // bcdadd. v14,v15,v15,0
    m.finish(&[0x11cf_7c01]);
    assert_eq!(m.cpu.regs.vsr[46], 0x0000_0246_912c);
    assert_eq!(m.cpu.regs.cr[6], 0b0100, "positive");
}

#[test]
fn every_vmx_instruction_needs_msr_vec() {
    for word in [
        0x1022_1800,
        0x1082_1a00,
        0x10a0_0604,
        0x10c2_1406,
        0x116c_632e,
        0x11cf_7c01,
        0x1000_0e44,
    ] {
        let mut m = Machine::new();
        m.set_msr(msr::VEC, false);
        assert_eq!(m.run(&[word]), Some(0xf20), "{word:#x}");
    }
}
