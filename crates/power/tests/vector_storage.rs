//! VMX and VSX loads and stores in both byte orders.

mod common;

use common::{DATA, Machine};
use power::msr;

const BYTES: [u8; 16] = *b"0123456789abcdef";
const AS_BIG: u128 = u128::from_be_bytes(BYTES);

fn machine(big: bool) -> Machine {
    let mut m = Machine::new();
    m.set_msr(msr::LE, !big);
    m.write(DATA, &BYTES);
    m.cpu.regs.gpr[3] = DATA;
    m.cpu.regs.gpr[4] = DATA + 0x100;
    m
}

/// A vector whose elements of `size` bytes are at ascending addresses, each little-endian.
fn elements_of_little(size: usize) -> u128 {
    let mut bytes = BYTES;
    bytes.chunks_mut(size).for_each(<[u8]>::reverse);
    u128::from_be_bytes(bytes)
}

#[test]
fn element_loads_keep_element_zero_at_the_lowest_address() {
    // lxvd2x vs33,0,r3; lxvw4x vs1,0,r3; lxvh8x vs2,0,r3; lxvb16x vs3,0,r3; lxvx vs4,0,r3; lxv vs36,0(r3)
    let program = [
        0x7c20_1e99,
        0x7c20_1e18,
        0x7c40_1e58,
        0x7c60_1ed8,
        0x7c80_1a18,
        0xf483_0009,
    ];
    let registers = [33, 1, 2, 3, 4, 36];
    let mut m = machine(false);
    m.finish(&program);
    for (register, size) in registers.into_iter().zip([8, 4, 2, 1, 16, 16]) {
        assert_eq!(
            m.cpu.regs.vsr[register],
            elements_of_little(size),
            "elements of {size}"
        );
    }
    let mut m = machine(true);
    m.finish(&program);
    for register in registers {
        assert_eq!(m.cpu.regs.vsr[register], AS_BIG);
    }
}

#[test]
fn element_stores_undo_element_loads() {
    // lx… vs1,0,r3; stx… vs1,0,r4
    let pairs = [
        (0x7c20_1e98, 0x7c20_2798), // lxvd2x, stxvd2x
        (0x7c20_1e18, 0x7c20_2718), // lxvw4x, stxvw4x
        (0x7c20_1e58, 0x7c20_2758), // lxvh8x, stxvh8x
        (0x7c20_1ed8, 0x7c20_27d8), // lxvb16x, stxvb16x
        (0x7c20_1a18, 0x7c20_2318), // lxvx, stxvx
        (0xf423_0001, 0xf424_0005), // lxv, stxv
    ];
    for big in [false, true] {
        for (load, store) in pairs {
            let mut m = machine(big);
            m.finish(&[load, store]);
            assert_eq!(m.read::<16>(DATA + 0x100), BYTES, "{load:#x} {store:#x}");
        }
    }
}

#[test]
fn vmx_accesses_ignore_the_low_bits_of_the_address() {
    for big in [false, true] {
        let mut m = machine(big);
        m.cpu.regs.gpr[5] = DATA + 7;
        // lvx v6,0,r5
        m.finish(&[0x7cc0_28ce]);
        assert_eq!(
            m.cpu.regs.vsr[38],
            if big { AS_BIG } else { AS_BIG.swap_bytes() }
        );
        m.cpu.regs.gpr[5] = DATA + 0x106;
        // stvewx v6,0,r5: the word at +4
        m.finish(&[0x7cc0_298e]);
        assert_eq!(m.read::<12>(DATA + 0x100), *b"\0\0\0\x004567\0\0\0\0");
    }
}

#[test]
fn loads_with_length_take_as_many_bytes_as_the_first_byte_of_rb_says() {
    for (big, length, expected) in [
        (
            false,
            3,
            u128::from_le_bytes(*b"012\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
        (
            true,
            3,
            u128::from_be_bytes(*b"012\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
        (false, 200, AS_BIG.swap_bytes()),
        (false, 0, 0),
    ] {
        let mut m = machine(big);
        m.cpu.regs.gpr[6] = length << 56;
        // lxvl vs7,r3,r6; stxvl vs7,r4,r6; lxvll vs8,r3,r6
        m.finish(&[0x7ce3_321a, 0x7ce4_331a, 0x7d03_325a]);
        assert_eq!(m.cpu.regs.vsr[7], expected);
        let count = length.min(16) as usize;
        assert_eq!(m.read::<16>(DATA + 0x100)[..count], BYTES[..count]);
        assert_eq!(m.read::<16>(DATA + 0x100)[count..], [0; 16][count..]);
        assert_eq!(
            m.cpu.regs.vsr[8],
            if count == 0 {
                0
            } else {
                AS_BIG >> (128 - 8 * count) << (128 - 8 * count)
            }
        );
    }
}

#[test]
fn scalars_are_converted_on_the_way() {
    let mut m = machine(false);
    m.write(DATA, &(-2.5f32).to_le_bytes());
    m.cpu.regs.gpr[5] = DATA + 7;
    // lxsspx vs40,0,r3; lxssp v9,0(r3); lxsiwax vs10,0,r3; lxvdsx vs11,0,r3; lxvwsx vs12,0,r3; stxssp v9,0(r4)
    m.finish(&[
        0x7d00_1c19,
        0xe523_0003,
        0x7d40_1898,
        0x7d60_1a98,
        0x7d80_1ad8,
        0xf524_0003,
    ]);
    let double = u128::from((-2.5f64).to_bits()) << 64;
    assert_eq!(m.cpu.regs.vsr[40], double);
    assert_eq!(m.cpu.regs.vsr[41], double);
    let word = (-2.5f32).to_bits();
    assert_eq!(m.cpu.regs.vsr[10], u128::from(word as i32 as u64) << 64);
    assert_eq!(
        m.cpu.regs.vsr[11],
        u128::from(u64::from_le_bytes(m.read(DATA))) * (1 << 64 | 1)
    );
    assert_eq!(
        m.cpu.regs.vsr[12],
        u128::from(word) * 0x0000_0001_0000_0001_0000_0001_0000_0001
    );
    assert_eq!(m.read::<4>(DATA + 0x100), word.to_le_bytes());
}

#[test]
fn moves_reach_both_doublewords() {
    let mut m = machine(false);
    m.cpu.regs.gpr[5] = 0x1111_2222_3333_4444;
    m.cpu.regs.gpr[8] = 0xffff_ffff_8000_0001;
    // mtvsrdd vs14,0,r5; mfvsrld r7,vs14; mtvsrwa vs15,r8; mfvsrd r9,vs15; mfvsrwz r10,vs15
    m.finish(&[
        0x7dc0_2b66,
        0x7dc7_0266,
        0x7de8_01a6,
        0x7de9_0066,
        0x7dea_00e6,
    ]);
    assert_eq!(m.cpu.regs.vsr[14], 0x1111_2222_3333_4444);
    assert_eq!(m.cpu.regs.gpr[7], 0x1111_2222_3333_4444);
    assert_eq!(m.cpu.regs.gpr[9], 0xffff_ffff_8000_0001);
    assert_eq!(m.cpu.regs.gpr[10], 0x8000_0001);
}

#[test]
fn each_half_of_the_registers_has_its_facility() {
    const VMX: u64 = 0xf20;
    const VSX: u64 = 0xf40;
    const FLOAT: u64 = 0x800;
    for (off, word, expected) in [
        (msr::VSX, 0x7c20_1a18, Some(VSX)), // lxvx vs1,0,r3
        (msr::VEC, 0x7c20_1a18, None),
        (msr::VSX, 0x7c20_1a19, None), // lxvx vs33,0,r3
        (msr::VEC, 0x7c20_1a19, Some(VMX)),
        (msr::VSX, 0x7c20_1e99, Some(VSX)),  // lxvd2x vs33,0,r3
        (msr::FP, 0x7c25_0066, Some(FLOAT)), // mfvsrd r5,vs1
        (msr::VEC, 0x7cc0_28ce, Some(VMX)),  // lvx v6,0,r5
    ] {
        let mut m = machine(false);
        m.set_msr(off, false);
        assert_eq!(m.run(&[word]), expected, "{word:#x} without {off:#x}");
    }
}
