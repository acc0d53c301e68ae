//! The trace facility (Book III, 6.5.15), and the completed instruction address breakpoint.

mod bare;

use bare::*;
use power::{Cpu, Exit, msr};

const CODE: u64 = 0x1_0000;
const LIMIT: usize = 64;
/// SRR1 bits 33, 35 and 36.
const TRACED: u64 = 1 << 30;
const LOADED: u64 = 1 << 28;
const STORED: u64 = 1 << 27;
const CAUSES: u64 = 0x783f_0000;
const RFID: u32 = 19 << 26 | 18 << 1;
const SIAR: u32 = 796;
const SDAR: u32 = 797;

/// A trace interrupt: where the program goes on, the bits of SRR1 that tell the cause, SIAR and
/// SDAR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stop {
    next: u64,
    cause: u64,
    instruction: u64,
    operand: u64,
}

/// Runs a program up to its hypercall, its trace interrupts on the way. A handler like a debugger's
/// has it go on with the same MSR each time.
fn stops(words: &[u32], prepare: impl FnOnce(&mut Cpu)) -> Vec<Stop> {
    let partition = partition(1);
    code(&partition, 0xd00, &[HYPERCALL, RFID]);
    code(&partition, CODE, words);
    let mut cpu = cpu(&partition, CODE);
    prepare(&mut cpu);
    let mut stops = Vec::new();
    for _ in 0..LIMIT {
        assert_eq!(cpu.run(), Exit::Hypercall);
        if cpu.regs.nia != 0xd04 {
            return stops;
        }
        let spr = |number| cpu.export().plain_sprs[&number];
        stops.push(Stop {
            next: cpu.regs.srr0 - CODE,
            cause: cpu.regs.srr1 & CAUSES,
            instruction: spr(SIAR).wrapping_sub(CODE),
            operand: spr(SDAR),
        });
    }
    panic!("the program does not end: {stops:?}");
}

fn nexts(words: &[u32], prepare: impl FnOnce(&mut Cpu)) -> Vec<u64> {
    stops(words, prepare).iter().map(|stop| stop.next).collect()
}

/// bdz
const fn bdz(offset: i16) -> u32 {
    16 << 26 | 18 << 21 | offset as u16 as u32 & 0xfffc
}

#[test]
fn a_branch_trace_stops_after_each_branch_taken_or_not_and_to_the_next_instruction() {
    // bne (not taken), b to the next, bdz over a nop; then others that are no branches.
    let words = [bne(8), b(4), bdz(8), NOP, NOP, addi(3, 0, 1), HYPERCALL];
    let stopped = nexts(&words, |cpu| {
        cpu.regs.cr[0] = 2;
        cpu.regs.ctr = 1;
        cpu.set_msr(cpu.regs.msr | msr::BE);
    });
    assert_eq!(stopped, [4, 8, 16]);
}

#[test]
fn branches_through_registers_are_traced_and_jumps_of_other_instructions_are_not() {
    let blr = 19 << 26 | 20 << 21 | 16 << 1;
    let bctr = 19 << 26 | 20 << 21 | 528 << 1;
    let (to_srr0, to_srr1) = (x(10, 26, 0, 467), x(11, 27, 0, 467));
    let words = [blr, NOP, bctr, NOP, to_srr0, to_srr1, RFID, NOP, HYPERCALL];
    let stopped = nexts(&words, |cpu| {
        cpu.regs.lr = CODE + 8;
        cpu.regs.ctr = CODE + 16;
        cpu.set_msr(cpu.regs.msr | msr::BE);
        (cpu.regs.gpr[10], cpu.regs.gpr[11]) = (CODE + 32, cpu.regs.msr);
    });
    assert_eq!(stopped, [8, 16]);
}

#[test]
fn a_step_tells_loads_and_stores_and_their_operands() {
    let words = [
        addi(3, 0, 1),
        ld(5, 8, 4),
        std(5, -8, 4),
        x(5, 4, 6, 23),
        x(0, 4, 6, 1014),
        b(4),
        HYPERCALL,
    ];
    let found = stops(&words, |cpu| {
        cpu.regs.gpr[4] = 0x2_0000;
        cpu.regs.gpr[6] = 0x80;
        cpu.set_msr(cpu.regs.msr | msr::SE);
    });
    let stop = |n: u64, cause, operand| Stop {
        next: 4 * n + 4,
        cause: TRACED | cause,
        instruction: 4 * n,
        operand,
    };
    assert_eq!(
        found,
        [
            stop(0, 0, 0),
            stop(1, LOADED, 0x2_0008),
            stop(2, STORED, 0x1_fff8),
            stop(3, LOADED, 0x2_0080),
            stop(4, STORED, 0x2_0080),
            stop(5, 0, 0),
        ]
    );
}

#[test]
fn an_mtmsrd_that_ends_single_steps_is_the_last_that_is_traced() {
    let mtmsrd = x(5, 0, 0, 178);
    let stopped = nexts(&[NOP, mtmsrd, NOP, HYPERCALL], |cpu| {
        cpu.regs.gpr[5] = cpu.regs.msr;
        cpu.set_msr(cpu.regs.msr | msr::SE);
    });
    assert_eq!(stopped, [4, 8]);
}

#[test]
fn sampling_keeps_siar_while_the_performance_monitor_has_it() {
    let found = stops(&[NOP, HYPERCALL], |cpu| {
        let mut state = cpu.export();
        state.plain_sprs.insert(795, 1 << 31 | 1 << 26);
        state.plain_sprs.insert(SIAR, 0x1234 + CODE);
        cpu.import(&state).expect("a state of this vCPU");
        cpu.set_msr(cpu.regs.msr | msr::SE);
    });
    assert_eq!(found[0].instruction, 0x1234);
}

#[test]
fn a_breakpoint_stops_after_its_instruction_in_its_state_alone() {
    let words = [addi(3, 3, 1), addi(4, 4, 1), bdnz(-8), HYPERCALL];
    for (state, expected) in [(0, vec![]), (1, vec![]), (2, vec![8, 8, 8])] {
        let stopped = nexts(&words, |cpu| {
            cpu.debug.ciabr = (CODE + 4) | state;
            cpu.regs.ctr = 3;
        });
        assert_eq!(stopped, expected, "state {state}");
    }
    let at_branch = nexts(&words, |cpu| {
        cpu.debug.ciabr = (CODE + 8) | 2;
        cpu.regs.ctr = 2;
    });
    assert_eq!(at_branch, [0, 12]);
}
