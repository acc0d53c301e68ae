//! Small loops under the second tier, in processor time per instruction: for working on the translator.
//!
//!     cargo run --release -p power-jit --example loops [NAME]
//!
//! `POWER_JIT_CODE=1` prints the host code of each region.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;

use std::time::Duration;

use bare::*;
use power::{Cpu, Exit, msr};
use power_jit::{JitOptions, JitService};

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x10_0000;
const BLR: u32 = 0x4e80_0020;
/// add r6, r6, r7
const ADD: u32 = x(6, 6, 7, 266);

/// The loop that walks through memory and is set back at its end.
const SETS_BACK: &str = "crc of gcc";

/// A loop: its name, and its words; CTR counts down with a bdnz that is added at the end.
const LOOPS: [(&str, &[u32]); 16] = [
    // stbx r5, r4, r6
    ("sieve", &[x(5, 4, 6, 215), ADD]),
    // As gcc has it, with a way out: lbzu r9, 1(r11); srwi r12, r10, 8; cmpd cr7, r11, r13; xor r9, r9, r10; rldic r9, r9, 2, 54;
    // add r9, r5, r9; lwz r10, 64(r9); xor r10, r10, r12; beq cr7, to where r11 is set back
    (
        SETS_BACK,
        &[
            35 << 26 | 9 << 21 | 11 << 16 | 1,
            21 << 26 | 10 << 21 | 12 << 16 | 24 << 11 | 8 << 6 | 31 << 1,
            x(7 << 2 | 1, 11, 13, 0),
            x(9, 9, 10, 316),
            0x7929_15a8,
            x(9, 5, 9, 266),
            32 << 26 | 10 << 21 | 9 << 16 | 64,
            x(10, 10, 12, 316),
            16 << 26 | 12 << 21 | 30 << 16 | 12,
        ],
    ),
    // lbz r9, 0(r4); xor r9, r9, r10; rlwinm r9, r9, 2, 22, 29; lwzx r9, r5, r9; srwi r10, r10, 8; xor r10, r10, r9
    (
        "crc",
        &[
            34 << 26 | 9 << 21 | 4 << 16,
            x(9, 9, 10, 316),
            21 << 26 | 9 << 21 | 9 << 16 | 2 << 11 | 22 << 6 | 29 << 1,
            x(9, 5, 9, 23),
            21 << 26 | 10 << 21 | 10 << 16 | 24 << 11 | 8 << 6 | 31 << 1,
            x(10, 10, 9, 316),
        ],
    ),
    (
        "copy",
        &[ld(9, 0, 4), std(9, 0, 5), ld(10, 8, 4), std(10, 8, 5)],
    ),
    // lxv vs0, 0(r4); stxv vs0, 0(r5); lxv vs1, 16(r4); stxv vs1, 16(r5)
    (
        "vector copy",
        &[0xf404_0001, 0xf405_0005, 0xf424_0011, 0xf425_0015],
    ),
    // lfd f0, 0(r4); lfd f1, 0(r5); fmadd f2, f0, f1, f2
    (
        "fmadd",
        &[
            0xc804_0008,
            0xc825_0000,
            63 << 26 | 2 << 21 | 2 << 11 | 1 << 6 | 29 << 1,
        ],
    ),
    // lxv vs0, 0(r4); lxv vs1, 0(r5); xvmaddasp vs1, vs0, vs2; stxv vs1, 0(r5)
    (
        "saxpy",
        &[
            0xf404_0001,
            0xf425_0001,
            60 << 26 | 1 << 21 | 2 << 11 | 65 << 3,
            0xf425_0005,
        ],
    ),
    // ld r4, 0(r4)
    ("chase", &[ld(4, 0, 4)]),
    // cmpdi r6, 5; addi r6, r6, 1; cmpldi r6, 9
    ("compare", &[0x2c26_0005, addi(6, 6, 1), 0x2826_0009]),
    // A counter that other processors may count as well.
    (
        "atomic",
        &[lwarx(9, 4), addi(9, 9, 1), stwcx(9, 4), bne(-12)],
    ),
    // fcmpu cr0, f1, f2; cror 0, 0, 1; fcmpu cr1, f2, f1
    (
        "fcmpu",
        &[
            63 << 26 | 1 << 16 | 2 << 11,
            19 << 26 | 1 << 11 | 449 << 1,
            63 << 26 | 1 << 23 | 2 << 16 | 1 << 11,
        ],
    ),
    // fctidz f3, f1; fcfid f4, f3
    (
        "convert",
        &[
            63 << 26 | 3 << 21 | 1 << 11 | 815 << 1,
            63 << 26 | 4 << 21 | 3 << 11 | 846 << 1,
        ],
    ),
    // fsqrt f3, f2
    ("sqrt", &[63 << 26 | 3 << 21 | 2 << 11 | 22 << 1]),
    // lfs f0, 8(r4); fadds f3, f3, f0; stfs f3, 8(r5)
    (
        "singles",
        &[
            48 << 26 | 4 << 16 | 8,
            59 << 26 | 3 << 21 | 3 << 16 | 21 << 1,
            52 << 26 | 3 << 21 | 5 << 16 | 8,
        ],
    ),
    // frin f3, f1; xsmaxdp vs4, vs3, vs2; xvcmpgtdp vs5, vs4, vs2
    (
        "round and pick",
        &[
            63 << 26 | 3 << 21 | 1 << 11 | 392 << 1,
            60 << 26 | 4 << 21 | 3 << 16 | 2 << 11 | 160 << 3,
            60 << 26 | 5 << 21 | 4 << 16 | 2 << 11 | 107 << 3,
        ],
    ),
    ("call", &[]),
];

fn main() {
    let wanted = std::env::args().nth(1);
    let service = JitService::new(JitOptions {
        threshold: 2,
        wait: true,
        ..JitOptions::default()
    })
    .expect("a host that Cranelift knows");
    for (name, body) in LOOPS {
        if wanted.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let partition = partition(1);
        let mut words = body.to_vec();
        if name == "call" {
            // A function in another page, called from a loop.
            code(&partition, CODE + 0x2000, &[addi(3, 3, 1), BLR]);
            words = vec![b(0x2000) | 1];
        }
        words.extend([bdnz(-4 * words.len() as i16), HYPERCALL]);
        if name == SETS_BACK {
            // mr r11, r4
            words.extend([x(4, 11, 4, 444), b(-12)]);
        }
        code(&partition, CODE, &words);
        let mut cpu = cpu(&partition, CODE);
        cpu.set_msr(cpu.regs.msr | msr::FP | msr::VEC | msr::VSX);
        cpu.set_code_tier(Some(service.code_tier()));
        prepare(&mut cpu);
        run(&mut cpu, 10_000);
        let before = cpu.instructions_executed();
        let start = processor_time();
        run(&mut cpu, 50_000_000);
        let spent = processor_time() - start;
        let instructions = cpu.instructions_executed() - before;
        println!(
            "{name:12} {:6.3} ns per instruction, {:7.3} ns per round",
            spent.as_secs_f64() * 1e9 / instructions as f64,
            spent.as_secs_f64() * 1e9 / 5e7,
        );
    }
}

fn prepare(cpu: &mut Cpu) {
    let registers = [(4, DATA), (5, DATA + 0x1_0000), (11, DATA)];
    for (register, value) in registers.into_iter().chain([(13, DATA + 0xff00)]) {
        cpu.regs.gpr[register] = value;
    }
    // XX is set, as in every program that has computed a while, and there are numbers to compute with.
    cpu.regs.fpscr = power_float::Fpscr::from_bits(1 << 25);
    cpu.regs.vsr[1] = u128::from(2.75f64.to_bits()) << 64;
    cpu.regs.vsr[2] = u128::from(1.5f64.to_bits()) << 64;
    // A pointer to itself.
    cpu.partition()
        .memory
        .write(DATA, &DATA.to_le_bytes())
        .expect("RAM");
    for at in (DATA + 8..DATA + 0x2_0000).step_by(8) {
        let bytes = 1.25f64.to_le_bytes();
        cpu.partition().memory.write(at, &bytes).expect("RAM");
    }
}

fn run(cpu: &mut Cpu, rounds: u64) {
    cpu.regs.nia = CODE;
    cpu.regs.ctr = rounds;
    cpu.regs.gpr[6] = 0;
    assert_eq!(cpu.run(), Exit::Hypercall);
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
