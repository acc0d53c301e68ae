//! VSX scalar, vector and quad-precision instructions.

mod common;

use common::Machine;
use power::msr;

fn doubles(x: [f64; 2]) -> u128 {
    u128::from(x[0].to_bits()) << 64 | u128::from(x[1].to_bits())
}

/// A small integer in quad precision.
fn quad(x: f64) -> u128 {
    let bits = x.to_bits();
    let sign = u128::from(bits >> 63) << 127;
    if x == 0.0 {
        return sign;
    }
    let exponent = u128::from(bits >> 52 & 0x7ff) - 1023 + 16383;
    sign | exponent << 112 | u128::from(bits & ((1 << 52) - 1)) << 60
}

#[test]
fn multiply_add_forms_differ_in_which_operand_is_the_addend() {
    let mut m = Machine::new();
    m.set_fpr(1, 10.0);
    m.set_fpr(2, 2.0);
    m.set_fpr(3, 3.0);
    m.set_fpr(4, 10.0);
    // xsmaddadp vs1,vs2,vs3; xsmaddmdp vs4,vs2,vs3
    m.finish(&[0xf022_1908, 0xf082_1948]);
    assert_eq!(m.fpr(1), 2.0 * 3.0 + 10.0);
    assert_eq!(m.fpr(4), 2.0 * 10.0 + 3.0);
}

#[test]
fn vector_instructions_reach_all_64_registers() {
    let mut m = Machine::new();
    let (a, b) = (doubles([1.5, -2.0]), doubles([0.5, 8.0]));
    m.cpu.regs.vsr[34] = a;
    m.cpu.regs.vsr[35] = b;
    m.cpu.regs.vsr[44] = u128::MAX;
    m.finish(&[
        0xf022_1b07, // xvadddp vs33,vs34,vs35
        0xf082_1f5f, // xvcmpgtdp. vs36,vs34,vs35
        0xf0a2_1957, // xxpermdi vs37,vs34,vs35,1
        0xf0c2_1917, // xxsldwi vs38,vs34,vs35,1
        0xf0e2_d2d1, // xxspltib vs39,90
        0xf102_19ff, // xxsel vs40,vs34,vs35,vs39
        0xf17f_17ef, // xvtstdcdp vs43,vs34,127
        0xf184_12d7, // xxinsertw vs44,vs34,4
        0xf1c0_1363, // xvcvdpsxws vs46,vs34
    ]);
    let vsr = &m.cpu.regs.vsr;
    assert_eq!(vsr[33], doubles([2.0, 6.0]));
    assert_eq!((vsr[36], m.cpu.regs.cr[6]), (u128::from(u64::MAX) << 64, 0));
    assert_eq!(vsr[37], doubles([1.5, 8.0]));
    assert_eq!(vsr[38], a << 32 | b >> 96);
    let mask = u128::from_be_bytes([90; 16]);
    assert_eq!(vsr[39], mask);
    assert_eq!(vsr[40], a & !mask | b & mask);
    assert_eq!(vsr[43], 0, "normalised numbers are in no class");
    assert_eq!(vsr[44], 0xffff_ffff_0000_0000_ffff_ffff_ffff_ffff);
    assert_eq!(vsr[46] >> 96, 1);
    assert_eq!(vsr[46] as u64 >> 32, 0xffff_fffe);
}

#[test]
fn scalars_convert_compare_and_come_apart() {
    let mut m = Machine::new();
    m.set_fpr(2, -2.5);
    m.set_fpr(3, 3.0);
    m.set_fpr(6, -7.0);
    m.cpu.regs.gpr[4] = 1.5f64.to_bits();
    m.cpu.regs.gpr[5] = 1024;
    m.finish(&[
        0xf120_142d, // xscvdpspn vs41,vs2
        0xf140_4d2f, // xscvspdpn vs42,vs41
        0xf282_1918, // xscmpudp cr5,vs2,vs3
        0xf301_15a8, // xststdcdp cr6,vs2,1
        0xf060_156c, // xsxexpdp r3,vs2
        0xf1a4_2f2d, // xsiexpdp vs45,r4,r5
        0xf1e0_3565, // xsabsdp vs47,vs6
    ]);
    assert_eq!(m.cpu.regs.vsr[41] >> 96, u128::from((-2.5f32).to_bits()));
    assert_eq!(m.fpr(42), -2.5);
    assert_eq!(m.cpu.regs.cr[5], 0b1000);
    assert_eq!(
        m.cpu.regs.cr[6], 0b1000,
        "negative, and not a negative denormal"
    );
    assert_eq!(m.cpu.regs.gpr[3], 1024);
    assert_eq!(m.fpr(45), 3.0);
    assert_eq!(m.fpr(47), 7.0);
}

#[test]
fn quad_precision_lives_in_the_vmx_registers() {
    let mut m = Machine::new();
    let vr = |n: usize| 32 + n;
    m.cpu.regs.vsr[vr(2)] = doubles([3.0, 0.0]);
    m.cpu.regs.vsr[vr(4)] = quad(-4.0);
    m.cpu.regs.vsr[vr(7)] = quad(2.5);
    m.finish(&[
        0xfc36_1688, // xscvdpqp v1,v2
        0xfc61_0808, // xsaddqp v3,v1,v1
        0xfc81_0b08, // xsmaddqp v4,v1,v1
        0xfcb4_1e88, // xscvqpdp v5,v3
        0xfc81_1d08, // xscmpuqp cr1,v1,v3
        0xfcc1_380a, // xsrqpi 1,v6,v7,0
        0xfd39_1e88, // xscvqpsdz v9,v3
        0xfd80_0e48, // xsabsqp v12,v1
    ]);
    let vsr = &m.cpu.regs.vsr;
    assert_eq!(vsr[vr(1)], quad(3.0));
    assert_eq!(vsr[vr(3)], quad(6.0));
    assert_eq!(vsr[vr(4)], quad(5.0), "3 * 3 - 4");
    assert_eq!(vsr[vr(5)], doubles([6.0, 0.0]));
    assert_eq!(m.cpu.regs.cr[1], 0b1000);
    assert_eq!(vsr[vr(6)], quad(2.0), "to nearest, ties to even");
    assert!(!m.cpu.regs.fpscr.xx());
    assert_eq!(vsr[vr(9)], 6 << 64);
    assert_eq!(vsr[vr(12)], quad(3.0));
    m.finish(&[
        0xfd00_3e0b, // xsrqpix 0,v8,v7,3
        0xfd41_3c49, // xsdivqpo v10,v1,v7
    ]);
    assert_eq!(m.cpu.regs.vsr[vr(8)], quad(2.0));
    assert!(m.cpu.regs.fpscr.xx(), "xsrqpix tells that it rounded");
    assert_eq!(m.cpu.regs.vsr[vr(10)] & 1, 1, "1.2 rounded to odd");
}

#[test]
fn vsx_instructions_need_msr_vsx() {
    for word in [
        0xf022_1908,
        0xf022_1b07,
        0xf0a2_1957,
        0xfc61_0808,
        0xfcc1_380a,
        0xf060_156c,
    ] {
        let mut m = Machine::new();
        m.set_msr(msr::VSX, false);
        assert_eq!(m.run(&[word]), Some(0xf40), "{word:#x}");
    }
}
