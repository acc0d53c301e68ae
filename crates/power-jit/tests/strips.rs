//! Loops that run in strips without checks, of one block and of several, against the interpreter: at page ends, at the end of memory, with steps
//! of all sizes, and where registers, memory and the number of instructions until the next poll could come out otherwise.
//! Failures name the seed; `POWER_JIT_ROUNDS` multiplies the work.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
mod common;

use std::sync::Arc;

use bare::*;
use common::random::Random;
use common::{eager, rounds};
use power::{Cpu, Exit, Partition, msr};
use power_jit::JitService;

const CODE: u64 = 0x1_0000;
/// Far from the code, which is not to change.
const DATA: u64 = 0x20_0000;
/// bne to the start of a loop of `words` before it.
const fn bne_back(words: usize) -> u32 {
    bne(-4 * words as i16)
}
/// d-form
const fn d(primary: u32, rt: u32, ra: u32, displacement: i16) -> u32 {
    primary << 26 | rt << 21 | ra << 16 | displacement as u16 as u32
}
const fn lxv(xt: u32, ra: u32, displacement: i16) -> u32 {
    d(61, xt, ra, displacement & !15) | 1
}
const fn stxv(xt: u32, ra: u32, displacement: i16) -> u32 {
    d(61, xt, ra, displacement & !15) | 5
}
/// cmpdi cr0
const fn cmpdi(ra: u32, immediate: i16) -> u32 {
    d(11, 1, ra, immediate)
}

/// andi. r12, ra, mask
const fn test_bits(ra: u32, mask: u16) -> u32 {
    28 << 26 | ra << 21 | 12 << 16 | mask as u32
}
/// beq cr0 over `words`
const fn skip_where_zero(words: u32) -> u32 {
    0x4182_0000 | (words + 1) << 2
}
/// bne cr0 out of the loop: [`program`] knows where that is.
const LEAVE: u32 = 0x4082_0000;

struct Case {
    body: Vec<u32>,
    /// What the registers are where the loop begins.
    gpr: Vec<(usize, u64)>,
    rounds: u64,
}

/// A loop, which r8 counts down where it is not CTR, from its first instruction to an hypercall after it.
fn program(case: &Case, by_ctr: bool) -> Vec<u32> {
    let mut words = case.body.clone();
    if by_ctr {
        words.push(bdnz(-4 * words.len() as i16));
    } else {
        words.extend([addi(8, 8, -1), cmpdi(8, 0)]);
        words.push(bne_back(words.len()));
    }
    words.push(HYPERCALL);
    let end = words.len() as u32 - 1;
    for (at, word) in (0..).zip(&mut words) {
        if *word == LEAVE {
            *word |= (end - at) << 2;
        }
    }
    words
}

fn prepare(partition: &Arc<Partition>, cpu: &mut Cpu, case: &Case) {
    cpu.set_msr(cpu.regs.msr | msr::FP | msr::VEC | msr::VSX | msr::ME);
    // Interrupts end the program.
    for vector in (0x100..0x1000).step_by(0x20) {
        code(partition, vector, &[HYPERCALL]);
    }
    let filler: Vec<u8> = (0..RAM - DATA).map(|at| ((at * 167) >> 3) as u8).collect();
    partition.memory.write(DATA, &filler).expect("RAM");
    for &(register, value) in &case.gpr {
        cpu.regs.gpr[register] = value;
    }
    for (register, value) in cpu.regs.vsr.iter_mut().enumerate() {
        *value = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210u128.rotate_left(register as u32 * 8);
    }
}

/// Runs a case on the interpreter and compiled, twice each: only the second time is all of it compiled.
fn check(case: &Case, what: &str) {
    for by_ctr in [true, false] {
        let words = program(case, by_ctr);
        let service = eager();
        let [interpreted, compiled] = [None, Some(&service)].map(|service| {
            let partition = partition(1);
            code(&partition, CODE, &words);
            let mut cpu = cpu(&partition, CODE);
            cpu.set_code_tier(service.map(JitService::code_tier));
            let mut states = Vec::new();
            for _ in 0..2 {
                prepare(&partition, &mut cpu, case);
                cpu.regs.nia = CODE;
                (cpu.regs.ctr, cpu.regs.gpr[8]) = (case.rounds, case.rounds);
                assert_eq!(cpu.run(), Exit::Hypercall);
                let mut memory = vec![0; RAM as usize];
                partition.memory.read(0, &mut memory).expect("RAM");
                states.push((cpu.regs.clone(), memory, cpu.instructions_executed()));
            }
            states
        });
        for (run, (one, other)) in interpreted.iter().zip(&compiled).enumerate() {
            let how = if by_ctr { "bdnz" } else { "a comparison" };
            let what = format!("{what}, run {run}, by {how}");
            assert_eq!(one.0, other.0, "{what}");
            assert!(one.1 == other.1, "{what}: memory differs");
            assert_eq!(one.2, other.2, "{what}: instructions");
        }
    }
}

fn case(body: &[u32], gpr: &[(usize, u64)], rounds: u64) -> Case {
    Case {
        body: body.to_vec(),
        gpr: gpr.to_vec(),
        rounds,
    }
}

#[test]
fn bytes_are_set_at_steps_of_all_sizes() {
    // stbx r5, r4, r6; add r6, r6, r7
    let body = [x(5, 4, 6, 215), x(6, 6, 7, 266)];
    for step in [0, 1, 3, 255, 0x1_0000, 0x3_0000, -1, -255, i64::MIN] {
        let far = step.checked_mul(40_000).unwrap_or(step).unsigned_abs();
        let rounds = if far > 0x10_0000 { 5 } else { 40_000 };
        let gpr = [
            (4, DATA + 0x10_0000),
            (5, 0xa5),
            (6, 7u64.wrapping_mul(step.unsigned_abs() & 3)),
            (7, step as u64),
        ];
        check(&case(&body, &gpr, rounds), &format!("step {step}"));
    }
}

#[test]
fn memory_is_copied_aligned_and_not_up_and_down() {
    for (from, to) in [
        (0, 0x8_0000),
        (1, 0x8_0003),
        (0xfff9, 0x8_ffff),
        (0x20, 0x18),
    ] {
        let gpr = [(4, DATA + from), (5, DATA + to), (6, 0)];
        let words = [ld(9, 0, 4), std(9, 8, 5), ld(10, 8, 4), std(10, 16, 5)];
        let step = [addi(4, 4, 16), addi(5, 5, 16)];
        let body = [&words[..], &step].concat();
        check(&case(&body, &gpr, 9000), &format!("words from {from:#x}"));
        let vectors = [lxv(0, 4, 0), lxv(1, 4, 16), stxv(0, 5, 0), stxv(1, 5, 16)];
        let step = [addi(4, 4, 32), addi(5, 5, 32)];
        let body = [&vectors[..], &step].concat();
        check(
            &case(&body, &gpr, 9000),
            &format!("quadwords from {from:#x}"),
        );
        // lvx v1, r4, r6; stvx v1, r5, r6; addi r6, r6, 16
        let body = [x(1, 4, 6, 103), x(1, 5, 6, 231), addi(6, 6, 16)];
        check(&case(&body, &gpr, 9000), &format!("lvx from {from:#x}"));
        // ldu r9, 8(r4); stdu r9, 8(r5)
        let body = [ld(9, 8, 4) | 1, std(9, 8, 5) | 1];
        check(
            &case(&body, &gpr, 9000),
            &format!("with update from {from:#x}"),
        );
        // lbzu r9, -1(r4); stbu r9, -1(r5), from above
        let body = [d(35, 9, 4, -1), d(39, 9, 5, -1)];
        let gpr = [(4, DATA + 0x4_0000 + from), (5, DATA + 0x4_0000 + to)];
        check(&case(&body, &gpr, 70_000), &format!("down from {from:#x}"));
    }
}

#[test]
fn an_access_past_the_end_of_memory_interrupts_in_its_round() {
    for (before, rounds) in [(0x2_0000, 100_000), (3, 10), (0x1_0004, 5000)] {
        let gpr = [(4, RAM - before), (6, 0), (10, 0)];
        let body = [d(34, 9, 4, 0), x(10, 10, 9, 266), addi(4, 4, 4)];
        check(&case(&body, &gpr, rounds), "loads");
        let body = [
            addi(10, 10, 1),
            std(10, 0, 4),
            addi(4, 4, 8),
            addi(9, 10, 3),
        ];
        check(&case(&body, &gpr, rounds), "stores");
    }
}

#[test]
fn a_pointer_that_is_loaded_is_followed_beside_one_that_counts() {
    // mr r4, r11 first: the filler is no pointer.
    let body = [ld(4, 0, 4), std(4, 0, 5), addi(5, 5, 8)];
    let gpr = [(4, DATA), (5, DATA + 0x1_0000)];
    let mut chase = case(&body, &gpr, 3000);
    chase.body.insert(0, x(11, 4, 11, 444));
    chase.gpr.push((11, DATA + 8));
    check(&chase, "a pointer that is set anew");
}

#[test]
fn numbers_are_added_where_they_are() {
    // lfd f0, 0(r4); fmadd f2, f0, f1, f2; fadd f3, f0, f0; stfd f3, 0(r5)
    let body = [
        d(50, 0, 4, 0),
        63 << 26 | 2 << 21 | 2 << 11 | 1 << 6 | 29 << 1,
        63 << 26 | 3 << 21 | 21 << 1,
        d(54, 3, 5, 0),
        addi(4, 4, 8),
        addi(5, 5, 8),
    ];
    let gpr = [(4, DATA + 0xfff0), (5, DATA + 0x8_0000)];
    check(&case(&body, &gpr, 5000), "fmadd");
}

#[test]
fn a_loop_of_several_blocks_is_left_in_its_midst() {
    for mask in [1, 0x40, 0x80, 0xff] {
        // lbzu r9, 1(r4); out where a bit of it is set; stb r9, 0(r5); r5 climbs
        let load = d(35, 9, 4, 1);
        let body = [
            load,
            test_bits(9, mask),
            LEAVE,
            d(38, 9, 5, 0),
            addi(5, 5, 1),
        ];
        for gpr in [
            [(4, DATA), (5, DATA + 0x8_0000)],
            [(4, DATA + 0x1_ffee), (5, DATA + 0x8_fff0)],
            [(4, RAM - 100), (5, RAM - 0x1_0000)],
        ] {
            check(&case(&body, &gpr, 3000), &format!("left at {mask:#x}"));
        }
        // The same, but what is set is left out.
        let body = [
            load,
            test_bits(9, mask),
            skip_where_zero(2),
            d(38, 9, 5, 0),
            addi(5, 5, 1),
            addi(10, 10, 3),
        ];
        let gpr = [(4, DATA + 5), (5, DATA + 0x8_fff0)];
        check(&case(&body, &gpr, 9000), &format!("skipped at {mask:#x}"));
    }
}

#[test]
fn a_loop_that_sets_its_counter_in_its_midst_is_no_strip() {
    // lbzu r9, 1(r4); a skip; mfctr r10; mtctr r10 | addi r10, r10, 1: mtctr r10; addi r10, r10, -1; mtctr r10
    const MFCTR: u32 = 31 << 26 | 10 << 21 | 9 << 16 | 339 << 1;
    const MTCTR: u32 = 31 << 26 | 10 << 21 | 9 << 16 | 467 << 1;
    for more in [0, 1] {
        let body = [
            d(35, 9, 4, 1),
            MFCTR,
            addi(10, 10, more),
            MTCTR,
            test_bits(9, 0x40),
            LEAVE,
            addi(10, 10, -more),
            MTCTR,
            test_bits(9, 0x80),
            skip_where_zero(1),
            addi(11, 11, 1),
        ];
        check(&case(&body, &[(4, DATA)], 3000), &format!("{more} more"));
    }
}

#[test]
fn tables_are_looked_into_where_an_index_has_a_bound() {
    // lbzu r9, 1(r4); xor r9, r9, r10; rldic r9, r9, 2, 54; add r9, r5, r9; lwz r10, 64(r9); stw r10, -64(r9)
    let body = [
        d(35, 9, 4, 1),
        x(9, 9, 10, 316),
        0x7929_15a8,
        x(9, 5, 9, 266),
        d(32, 10, 9, 64),
        stw(10, -64, 9),
    ];
    // In a page, across the end of one, and of memory.
    for table in [
        DATA + 0x8_0100,
        DATA + 0x8_fe00,
        DATA + 0x8_ffbc,
        RAM - 0x43c,
        RAM - 0x440,
        RAM - 0x200,
    ] {
        let gpr = [(4, DATA + 0xff00), (5, table), (10, 0)];
        check(&case(&body, &gpr, 5000), &format!("table at {table:#x}"));
    }
    // lbzx r9, r4, r6; lbzx r10, r5, r9; stbx r10, r4, r6; addi r6, r6, 1
    let body = [
        x(9, 4, 6, 87),
        x(10, 5, 9, 87),
        x(10, 4, 6, 215),
        addi(6, 6, 1),
    ];
    for table in [DATA + 0x8_ff00, DATA + 0x8_ff01, RAM - 256, RAM - 200] {
        let gpr = [(4, DATA + 0xff00), (5, table), (6, 0)];
        check(&case(&body, &gpr, 5000), &format!("bytes at {table:#x}"));
    }
}

#[test]
fn random_loops_come_out_alike() {
    for seed in 0..40 * rounds() {
        let random = &mut Random::new(seed);
        check(&random_case(random), &format!("seed {seed}"));
        let branching = with_branches(random_case(random), random);
        check(&branching, &format!("seed {seed}, with branches"));
    }
}

/// A loop with branches out of it, or over some of it, where what was loaded, or a register that climbs, has certain bits.
fn with_branches(mut case: Case, random: &mut Random) -> Case {
    for _ in 0..=random.below(2) {
        let at = random.below(case.body.len() as u64 + 1) as usize;
        let of = [4, 6, 9, 10][random.below(4) as usize];
        let mask = [1, 2, 0x18, 0x80, 0x800][random.below(5) as usize];
        let rest = case.body.len() - at;
        // Over no branch: the instruction that it looks at would be missing.
        let plain = case.body[at..].iter().take_while(|&&word| word >> 26 != 16);
        let most = plain.count().min(rest);
        let branch = match random.below(3) {
            0 => LEAVE,
            _ => skip_where_zero(random.below(most as u64 + 1) as u32),
        };
        case.body.splice(at..at, [test_bits(of, mask), branch]);
    }
    case
}

fn random_case(random: &mut Random) -> Case {
    let mut body = Vec::new();
    for _ in 0..=random.below(5) {
        let (rt, ra) = (9 + random.below(2) as u32, 4 + random.below(2) as u32);
        let displacement = random.below(64) as i16 - 24;
        let aligned = displacement & !3;
        body.push(match random.below(16) {
            0 => d(34, rt, ra, displacement),
            1 => d(38, rt, ra, displacement),
            2 => ld(rt, aligned, ra),
            3 => std(rt, aligned, ra),
            4 => stw(rt, displacement, ra),
            5 => x(rt, ra, 6, 21),
            6 => x(rt, ra, 6, 149),
            7 => x(rt, ra, 6, 215),
            8 => x(rt, ra, 6, 103),
            9 => x(rt, ra, 6, 231),
            10 => lxv(rt, ra, displacement),
            11 => stxv(rt, ra, displacement),
            12 => ld(rt, aligned, ra) | 1,
            13 => x(rt, ra, 6, 151),
            // add, or and, which makes an index of what was loaded.
            14 => x(6, 6, 7, 266),
            _ => d(28, rt, 6, 0x7ff),
        });
    }
    let steps = [0, 1, 4, 8, 16, 48, 1536, 4096, -1, -8, -16];
    for register in [4, 5, 6] {
        if random.below(3) != 0 {
            let step = steps[random.below(steps.len() as u64) as usize];
            body.push(addi(register, register, step));
        }
    }
    let place = |random: &mut Random| DATA + 0x10_0000 + random.below(0x2_0000);
    let by_register = [1, 8, 100, 0x400, -16i64 as u64];
    let gpr = vec![
        (4, place(random)),
        (5, place(random)),
        (6, random.below(64)),
        (
            7,
            by_register[random.below(by_register.len() as u64) as usize],
        ),
    ];
    Case {
        body,
        gpr,
        rounds: 1 + random.below(300),
    }
}
