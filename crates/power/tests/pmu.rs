//! The performance monitor (Book III, 9): what counts, when it is frozen, and alerts.

mod bare;

use bare::*;
use power::{Cpu, Exit, msr};

const CODE: u64 = 0x1_0000;
const FC: u64 = 1 << 31;
const FCS: u64 = 1 << 30;
const PMAE: u64 = 1 << 26;
const FCECE: u64 = 1 << 25;
const PMC1CE: u64 = 1 << 15;
const PMCJCE: u64 = 1 << 14;
const CC56RUN: u64 = 1 << 8;
const PMAO: u64 = 1 << 7;
const FC56: u64 = 1 << 4;
const MMCR0: u32 = 795;
const MMCR1: u32 = 798;
const PMC1: u32 = 787;
const PMC5: u32 = 791;
const PMC6: u32 = 792;
const SIAR: u32 = 796;
/// PM_INST_CMPL, PM_CYC, PM_INST_CMPL, and an event that is not there, on PMC1 to PMC4.
const EVENTS: u64 = 0x021e_0236;

const fn mtspr(spr: u32, gpr: u32) -> u32 {
    x(gpr, spr & 31, spr >> 5, 467)
}
const fn mfspr(gpr: u32, spr: u32) -> u32 {
    x(gpr, spr & 31, spr >> 5, 339)
}

/// Sets registers of the monitor from outside.
fn program(cpu: &mut Cpu, registers: &[(u32, u64)]) {
    let mut state = cpu.export();
    state.plain_sprs.extend(registers.iter().copied());
    cpu.import(&state).expect("a state of this vCPU");
}

/// Maps the 64 KiB page of [`CODE`] for problem state of process 1, at its own address.
fn map_code(partition: &power::Partition) {
    const TABLES: u64 = 0x20_0000;
    const VALID: u64 = 1 << 63;
    const LEAF: u64 = 1 << 62;
    const READ_WRITE_EXECUTE: u64 = 7;
    let table = |n: u64| TABLES + n * 0x1_0000;
    let size = 52 - 31;
    let root = (size >> 3) << 61 | (size & 7) << 5 | table(1) | 13;
    table_entry(partition, table(0) + 16, root);
    table_entry(partition, table(1), VALID | table(2) | 9);
    table_entry(partition, table(2), VALID | table(3) | 9);
    table_entry(partition, table(3), VALID | table(4) | 5);
    let leaf = VALID | LEAF | CODE | 0x180 | READ_WRITE_EXECUTE;
    table_entry(partition, table(4) + (CODE >> 16) * 8, leaf);
    partition.set_process_table(Some((table(0), 16)));
}

fn counters(cpu: &Cpu) -> [u64; 6] {
    let sprs = cpu.export().plain_sprs;
    std::array::from_fn(|n| sprs[&(PMC1 + n as u32)])
}

/// Runs a program at [`CODE`] to its hypercall or that of a vector.
fn run(words: &[u32], prepare: impl FnOnce(&mut Cpu)) -> (u64, Cpu) {
    run_to_vector(CODE, words, prepare)
}

/// Starts the counters by r10, loops r11 times over two instructions, stops them by r12.
const MEASURED: [u32; 7] = [
    mtspr(9, 11),
    mtspr(MMCR0, 10),
    addi(3, 3, 1),
    bdnz(-4),
    mtspr(MMCR0, 12),
    NOP,
    HYPERCALL,
];

fn measured(mmcr0: u64, rounds: u64) -> [u64; 6] {
    let (_, cpu) = run(&MEASURED, |cpu| {
        program(cpu, &[(MMCR1, EVENTS)]);
        cpu.regs.gpr[10] = mmcr0;
        cpu.regs.gpr[11] = rounds;
        cpu.regs.gpr[12] = FC;
    });
    counters(&cpu)
}

#[test]
fn instructions_are_counted_exactly_and_cycles_go_by() {
    for rounds in [1, 100, 10_000] {
        let [one, cycles, three, four, five, six] = measured(CC56RUN, rounds);
        assert_eq!((one, three, five), (2 * rounds, 2 * rounds, 2 * rounds));
        assert_eq!(four, 0, "no such event");
        assert!(cycles > 0 && six > 0 && cycles.abs_diff(six) < 10);
    }
}

#[test]
fn frozen_counters_stand_still() {
    assert_eq!(measured(FC, 100), [0; 6]);
    assert_eq!(measured(FCS, 100), [0; 6], "in privileged state");
    let [one, _, _, _, five, six] = measured(CC56RUN | FC56, 100);
    assert_eq!((one, five, six), (200, 0, 0));
    let [one, _, _, _, five, six] = measured(0, 100);
    assert_eq!((one, five, six), (200, 0, 0), "CTRL[RUN] is 0");
}

#[test]
fn a_counter_that_is_read_while_it_counts_is_exact() {
    let words = [
        mtspr(MMCR0, 10),
        addi(3, 3, 1),
        bdnz(-4),
        mfspr(5, PMC5),
        NOP,
        mfspr(6, PMC5),
        HYPERCALL,
    ];
    let (_, cpu) = run(&words, |cpu| {
        cpu.regs.gpr[10] = CC56RUN;
        cpu.regs.ctr = 3000;
    });
    assert_eq!((cpu.regs.gpr[5], cpu.regs.gpr[6]), (6000, 6002));
}

#[test]
fn states_are_counted_apart() {
    // rfid to problem state, a loop there, and sc back to the hypercall at 0xc00.
    let rfid = 19 << 26 | 18 << 1;
    let words = [mtspr(MMCR0, 10), NOP, rfid, addi(3, 3, 1), bdnz(-4), SC];
    let count = |mmcr0, mmcr2| {
        let partition = partition(1);
        code(&partition, 0xc00, &[NOP, HYPERCALL]);
        code(&partition, CODE, &words);
        let mut cpu = cpu(&partition, CODE);
        map_code(&partition);
        cpu.regs.pid = 1;
        program(&mut cpu, &[(MMCR1, EVENTS), (785, mmcr2)]);
        cpu.regs.gpr[10] = mmcr0;
        cpu.regs.ctr = 50;
        cpu.regs.srr0 = CODE + 12;
        cpu.regs.srr1 = cpu.regs.msr | msr::PR | msr::IR | msr::DR | msr::EE;
        assert_eq!(cpu.run(), Exit::Hypercall);
        assert_eq!(cpu.regs.nia, 0xc08);
        counters(&cpu)[0]
    };
    let problem = 101;
    assert_eq!(count(FCS, 0), problem);
    assert_eq!(
        count(1 << 29, 0),
        4,
        "NOP and rfid before, NOP and sc after"
    );
    assert_eq!(count(0, 1 << 63), problem, "FC1S of MMCR2");
    assert_eq!(count(0, 1 << 62), 4, "FC1P0 of MMCR2");
    assert_eq!(count(0, 0), problem + 4);
}

#[test]
fn a_counter_that_becomes_negative_alerts_and_interrupts_once_ee_is_set() {
    let words = [mtspr(MMCR0, 10), addi(3, 3, 1), bdnz(-4), HYPERCALL];
    let alert = |pmc: u32, enable, ee| {
        run(&words, |cpu| {
            program(cpu, &[(MMCR1, EVENTS), (pmc, 0x8000_0000 - 10_000)]);
            cpu.regs.gpr[10] = PMAE | FCECE | CC56RUN | enable;
            cpu.regs.ctr = 1_000_000;
            cpu.set_msr(cpu.regs.msr | ee);
        })
    };
    for (pmc, enable) in [(PMC1, PMC1CE), (PMC5, PMCJCE), (PMC6, PMCJCE)] {
        let (vector, cpu) = alert(pmc, enable, msr::EE);
        assert_eq!(vector, 0xf00);
        let sprs = cpu.export().plain_sprs;
        let mmcr0 = sprs[&MMCR0];
        assert_eq!(mmcr0 & (PMAE | PMAO | FC), PMAO | FC);
        assert!((CODE..CODE + 12).contains(&sprs[&SIAR]));
        assert_eq!(sprs[&SIAR], cpu.regs.srr0, "nothing was carried out since");
        assert!(cpu.regs.ctr > 900_000);
        let (at, cpu) = alert(pmc, enable, 0);
        assert_eq!(at, CODE + 12, "EE is off");
        assert_eq!(cpu.export().plain_sprs[&MMCR0] & PMAO, PMAO);
        let mut cpu = cpu;
        cpu.regs.nia = CODE + 12;
        cpu.set_msr(cpu.regs.msr | msr::EE);
        assert_eq!(cpu.run(), Exit::Hypercall);
        assert_eq!(cpu.regs.nia, 0xf04, "it waited for EE");
    }
    let (at, cpu) = alert(PMC1, PMCJCE, msr::EE);
    assert_eq!(at, CODE + 12, "PMC1 is not enabled");
    assert!(counters(&cpu)[0] > 0x8000_0000, "it counts on");
}

#[test]
fn what_an_interrupts_handler_does_is_not_counted_as_the_programs() {
    let partition = partition(1);
    // The handler of the decrementer: three instructions and the end.
    code(&partition, 0x900, &[NOP, NOP, NOP, HYPERCALL]);
    code(&partition, CODE, &[addi(3, 3, 1), b(-4)]);
    map_code(&partition);
    let mut cpu = cpu(&partition, CODE);
    program(&mut cpu, &[(MMCR1, EVENTS), (MMCR0, FCS)]);
    cpu.regs.pid = 1;
    cpu.set_msr(cpu.regs.msr | msr::PR);
    cpu.regs.decrementer_expiry = partition.time_base.now() + 1_000_000;
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!(cpu.regs.nia, 0x910);
    let odd = (cpu.regs.srr0 - CODE) / 4;
    assert_eq!(counters(&cpu)[0], 2 * (cpu.regs.gpr[3] - odd) + odd);
}
