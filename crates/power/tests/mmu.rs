//! Radix translation as a guest sees it: what is found, what faults, and how (Book III, 5.7.10, 6.5.3).

mod bare;

use std::sync::Arc;

use bare::*;
use power::{Cpu, Exit, Partition, msr};

const CODE: u64 = 0x1000;
const PROCESS_TABLE: u64 = 0x1_0000;
const ROOT: u64 = 0x2_0000;
const LEVEL2: u64 = 0x3_0000;
const LEVEL3: u64 = 0x4_0000;
const LEVEL4: u64 = 0x5_0000;
const PAGE: u64 = 0x10_0000;
/// Where the page appears.
const EA: u64 = 0x20_0000;

const VALID: u64 = 1 << 63;
const LEAF: u64 = 1 << 62;
const PRIVILEGED: u64 = 8;
const READ: u64 = 4;
const WRITE: u64 = 2;
const REFERENCE: u64 = 0x100;
const CHANGE: u64 = 0x80;

/// Tables as Linux has them: 52 bits = 13 + 9 + 9 + 5 and a 64 KiB page, for PID 1 (quadrant 0).
fn tables(partition: &Partition, leaf_bits: u64) -> u64 {
    let size = 52 - 31;
    table_entry(
        partition,
        PROCESS_TABLE + 16,
        (size >> 3) << 61 | (size & 7) << 5 | ROOT | 13,
    );
    table_entry(partition, ROOT, VALID | LEVEL2 | 9);
    table_entry(partition, LEVEL2, VALID | LEVEL3 | 9);
    table_entry(partition, LEVEL3 + (EA >> 21) * 8, VALID | LEVEL4 | 5);
    let leaf = LEVEL4 + (EA >> 16 & 31) * 8;
    table_entry(partition, leaf, VALID | LEAF | PAGE | leaf_bits);
    partition.set_process_table(Some((PROCESS_TABLE, 16)));
    leaf
}

/// A vCPU with data translation on and PID 1 that is about to run `word` and then a hypercall.
fn about_to_run(partition: &Arc<Partition>, word: u32) -> Cpu {
    code(partition, CODE, &[word, HYPERCALL]);
    for vector in [0x200, 0x300, 0x380, 0x700] {
        code(partition, vector, &[HYPERCALL]);
    }
    let mut cpu = cpu(partition, CODE);
    cpu.regs.pid = 1;
    cpu.set_msr(cpu.regs.msr | msr::DR);
    cpu.regs.gpr[4] = EA;
    cpu
}

/// Runs to the hypercall that ends every path; where it stood.
fn run(cpu: &mut Cpu) -> u64 {
    assert_eq!(cpu.run(), Exit::Hypercall);
    cpu.regs.nia - 4
}

const DONE: u64 = CODE + 4;
const LOAD: u32 = ld(3, 8, 4);
const STORE: u32 = std(3, 8, 4);

#[test]
fn a_load_finds_its_page_and_marks_it_referenced_only() {
    let partition = partition(1);
    let leaf = tables(&partition, READ | WRITE | PRIVILEGED);
    partition
        .memory
        .write(PAGE + 8, &0x1234_5678_9abc_def0_u64.to_le_bytes())
        .expect("RAM");
    let mut cpu = about_to_run(&partition, LOAD);
    assert_eq!(run(&mut cpu), DONE);
    assert_eq!(cpu.regs.gpr[3], 0x1234_5678_9abc_def0);
    assert_eq!(
        read_entry(&partition, leaf) & (REFERENCE | CHANGE),
        REFERENCE
    );
}

#[test]
fn a_store_marks_its_page_changed_even_after_a_load_cached_it() {
    let partition = partition(1);
    let leaf = tables(&partition, READ | WRITE | PRIVILEGED);
    let mut cpu = about_to_run(&partition, LOAD);
    run(&mut cpu);
    code(&partition, CODE, &[STORE, HYPERCALL]);
    cpu.regs.nia = CODE;
    cpu.regs.gpr[3] = 7;
    assert_eq!(run(&mut cpu), DONE);
    assert_eq!(
        read_entry(&partition, leaf) & (REFERENCE | CHANGE),
        REFERENCE | CHANGE
    );
    let mut bytes = [0; 8];
    partition.memory.read(PAGE + 8, &mut bytes).expect("RAM");
    assert_eq!(u64::from_le_bytes(bytes), 7);
}

/// Runs `word` on these tables and asserts the data storage interrupt with DSISR and DAR.
fn faults(leaf_bits: u64, word: u32, dsisr: u32, prepare: impl FnOnce(&mut Cpu)) {
    let partition = partition(1);
    tables(&partition, leaf_bits);
    let mut cpu = about_to_run(&partition, word);
    prepare(&mut cpu);
    assert_eq!(run(&mut cpu), 0x300);
    assert_eq!(cpu.regs.dsisr, dsisr);
    assert_eq!(cpu.regs.dar, cpu.regs.gpr[4] + 8);
    assert_eq!(cpu.regs.srr0, CODE);
}

#[test]
fn a_store_to_a_read_only_page_is_a_protection_fault() {
    faults(READ | PRIVILEGED, STORE, 0x0a00_0000, |_| {});
}

#[test]
fn an_address_without_a_page_is_not_translated() {
    faults(READ | PRIVILEGED, LOAD, 0x4000_0000, |cpu| {
        cpu.regs.gpr[4] = EA + 0x1_0000
    });
    faults(READ | PRIVILEGED, STORE, 0x4200_0000, |cpu| {
        cpu.regs.gpr[4] = EA + 0x1_0000
    });
}

#[test]
fn key_0_of_amr_guards_problem_state_pages_against_privileged_accesses() {
    let set = |amr: u64| move |cpu: &mut Cpu| cpu.regs.amr = amr;
    faults(READ | WRITE, LOAD, 0x0020_0000, set(1 << 62));
    faults(READ | WRITE, STORE, 0x0220_0000, set(1 << 63));
    // And does not guard privileged pages.
    let partition = partition(1);
    tables(&partition, READ | WRITE | PRIVILEGED);
    let mut cpu = about_to_run(&partition, STORE);
    cpu.regs.amr = u64::MAX;
    assert_eq!(run(&mut cpu), DONE);
}

#[test]
fn problem_state_can_not_reach_privileged_pages() {
    let partition = partition(1);
    tables(&partition, READ | WRITE | PRIVILEGED);
    let mut cpu = about_to_run(&partition, LOAD);
    // Code is fetched through translation too in problem state, and the page is privileged: the fetch faults first.
    code(&partition, 0x400, &[HYPERCALL]);
    cpu.set_msr(cpu.regs.msr | msr::PR);
    cpu.regs.nia = EA;
    assert_eq!(run(&mut cpu), 0x400);
    assert_eq!(cpu.regs.srr0, EA);
    assert_eq!(cpu.regs.srr1 & 0x783f_0000, 0x1000_0000);
}

#[test]
fn quadrants_1_and_2_and_addresses_beyond_the_tree_are_segment_interrupts() {
    for ea in [1 << 62, 2 << 62, 1 << 53] {
        let partition = partition(1);
        tables(&partition, READ | PRIVILEGED);
        let mut cpu = about_to_run(&partition, LOAD);
        cpu.regs.gpr[4] = ea;
        assert_eq!(run(&mut cpu), 0x380, "{ea:#x}");
        assert_eq!(cpu.regs.dar, ea + 8);
    }
}

#[test]
fn a_page_that_is_not_backed_is_a_machine_check() {
    let partition = partition(1);
    let leaf = tables(&partition, 0);
    table_entry(
        &partition,
        leaf,
        VALID | LEAF | 1 << 40 | READ | WRITE | PRIVILEGED,
    );
    let mut cpu = about_to_run(&partition, LOAD);
    assert_eq!(run(&mut cpu), 0x200);
    assert_eq!(cpu.regs.dar, EA + 8);
    assert_eq!(cpu.regs.msr & msr::ME, 0);
}

#[test]
fn a_missing_process_table_is_told_and_not_a_panic() {
    let partition = partition(1);
    let mut cpu = about_to_run(&partition, LOAD);
    assert_eq!(run(&mut cpu), 0x300);
    assert_eq!(cpu.regs.dsisr, 0x0002_0000);
}

#[test]
fn any_rubbish_in_the_tables_ends_in_an_interrupt() {
    // A fixed sequence of rubbish (xorshift), written over every level in turn.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..20_000 {
        let partition = partition_cached();
        tables(&partition, READ | PRIVILEGED);
        let place = [
            PROCESS_TABLE + 16,
            ROOT,
            LEVEL2,
            LEVEL3 + (EA >> 21) * 8,
            LEVEL4 + (EA >> 16 & 31) * 8,
        ][round % 5];
        table_entry(
            &partition,
            place,
            next() | if round % 2 == 0 { VALID } else { 0 },
        );
        let mut cpu = about_to_run(&partition, LOAD);
        let end = run(&mut cpu);
        assert!([DONE, 0x200, 0x300, 0x380].contains(&end), "{end:#x}");
    }
}

/// One partition for the many rounds.
fn partition_cached() -> Arc<Partition> {
    thread_local!(static ONE: Arc<Partition> = partition(1));
    ONE.with(Arc::clone)
}

#[test]
fn a_page_smaller_than_the_granule_is_honoured() {
    let partition = partition(1);
    tables(&partition, 0);
    table_entry(
        &partition,
        LEVEL3 + (EA >> 21) * 8,
        VALID | LEAF | PAGE & !0x1f_ffff | READ | PRIVILEGED,
    );
    let mut cpu = about_to_run(&partition, LOAD);
    cpu.regs.gpr[4] = EA + 0x1f_0000;
    assert_eq!(run(&mut cpu), DONE, "a 2 MiB page spans its granules");
    // 4 KiB pages: 9 bits at the last level.
    table_entry(&partition, LEVEL3 + (EA >> 21) * 8, VALID | LEVEL4 | 9);
    table_entry(
        &partition,
        LEVEL4,
        VALID | LEAF | PAGE | READ | WRITE | PRIVILEGED,
    );
    table_entry(
        &partition,
        LEVEL4 + 8,
        VALID | LEAF | (PAGE + 0x3000) | READ | PRIVILEGED,
    );
    partition.set_process_table(Some((PROCESS_TABLE, 16)));
    code(&partition, CODE, &[STORE, HYPERCALL]);
    cpu.regs.nia = CODE;
    cpu.regs.gpr[4] = EA;
    assert_eq!(run(&mut cpu), DONE);
    cpu.regs.nia = CODE;
    cpu.regs.gpr[4] = EA + 0x1000;
    assert_eq!(run(&mut cpu), 0x300, "the neighbour is read-only");
    assert_eq!(cpu.regs.dsisr, 0x0a00_0000);
}

#[test]
fn an_access_across_two_small_pages_reaches_both_whichever_was_used_before() {
    let partition = partition(1);
    tables(&partition, 0);
    table_entry(&partition, LEVEL3 + (EA >> 21) * 8, VALID | LEVEL4 | 9);
    for (n, page) in [(0, PAGE), (1, PAGE + 0x3000)] {
        table_entry(
            &partition,
            LEVEL4 + n * 8,
            VALID | LEAF | page | READ | WRITE | PRIVILEGED,
        );
    }
    for used_before in [EA, EA + 0x1000] {
        partition.set_process_table(Some((PROCESS_TABLE, 16)));
        partition
            .memory
            .write(PAGE + 0xffc, &[1, 2, 3, 4])
            .expect("RAM");
        partition
            .memory
            .write(PAGE + 0x3000, &[5, 6, 7, 8])
            .expect("RAM");
        let mut cpu = about_to_run(&partition, LOAD);
        cpu.regs.gpr[4] = used_before;
        assert_eq!(run(&mut cpu), DONE);
        cpu.regs.nia = CODE;
        cpu.regs.gpr[4] = EA + 0xffc - 8;
        assert_eq!(run(&mut cpu), DONE);
        assert_eq!(cpu.regs.gpr[3], 0x0807_0605_0403_0201);
        code(&partition, CODE, &[STORE, HYPERCALL]);
        cpu.regs.nia = CODE;
        cpu.regs.gpr[3] = 0x1817_1615_1413_1211;
        assert_eq!(run(&mut cpu), DONE);
        let (mut low, mut high) = ([0; 4], [0; 4]);
        partition.memory.read(PAGE + 0xffc, &mut low).expect("RAM");
        partition
            .memory
            .read(PAGE + 0x3000, &mut high)
            .expect("RAM");
        assert_eq!(
            (low, high),
            ([0x11, 0x12, 0x13, 0x14], [0x15, 0x16, 0x17, 0x18])
        );
    }
}

/// A second process (PID 2) that has another page at the same address.
const PAGE_OF_2: u64 = 0x11_0000;

fn second_process(partition: &Partition) {
    let size = 52 - 31;
    let [root, level2, level3, level4] = [0x6_0000, 0x7_0000, 0x8_0000, 0x9_0000];
    table_entry(
        partition,
        PROCESS_TABLE + 32,
        (size >> 3) << 61 | (size & 7) << 5 | root | 13,
    );
    table_entry(partition, root, VALID | level2 | 9);
    table_entry(partition, level2, VALID | level3 | 9);
    table_entry(partition, level3 + (EA >> 21) * 8, VALID | level4 | 5);
    let leaf = level4 + (EA >> 16 & 31) * 8;
    table_entry(
        partition,
        leaf,
        VALID | LEAF | PAGE_OF_2 | READ | WRITE | PRIVILEGED,
    );
}

/// What a load at [`EA`] finds for a process.
fn seen_by(cpu: &mut Cpu, pid: u32) -> u64 {
    cpu.regs.pid = pid;
    cpu.regs.nia = CODE;
    assert_eq!(run(cpu), DONE);
    cpu.regs.gpr[3]
}

/// tlbie, process-scoped, radix: RS in r6, RB in r7.
const TLBIE: u32 = 31 << 26 | 6 << 21 | 1 << 17 | 1 << 16 | 7 << 11 | 306 << 1;

#[test]
fn processes_take_turns_and_see_each_its_own_page_and_what_is_invalidated_anew() {
    let ap_64k = 5 << 5;
    let (one_page, one_process, everything) = (EA | ap_64k, 1 << 10, 3 << 10);
    for rb in [one_page, one_process, everything] {
        let partition = partition(1);
        let leaf = tables(&partition, READ | WRITE | PRIVILEGED);
        second_process(&partition);
        for (page, value) in [(PAGE, 1u64), (PAGE_OF_2, 2)] {
            partition
                .memory
                .write(page + 8, &value.to_le_bytes())
                .expect("RAM");
        }
        let mut cpu = about_to_run(&partition, LOAD);
        for _ in 0..3 {
            assert_eq!((seen_by(&mut cpu, 1), seen_by(&mut cpu, 2)), (1, 2));
        }
        let misses = cpu.statistics().tlb_misses;
        seen_by(&mut cpu, 1);
        assert!(cpu.statistics().tlb_misses - misses <= 1);
        // Process 1 gets the page of process 2, and says so while process 2 is the current one.
        table_entry(
            &partition,
            leaf,
            VALID | LEAF | PAGE_OF_2 | READ | WRITE | PRIVILEGED,
        );
        seen_by(&mut cpu, 2);
        let other = CODE + 0x1000;
        code(&partition, other, &[TLBIE, HYPERCALL]);
        (cpu.regs.gpr[6], cpu.regs.gpr[7]) = (1 << 32, rb);
        cpu.regs.nia = other;
        assert_eq!(run(&mut cpu), other + 4);
        assert_eq!(
            (seen_by(&mut cpu, 1), seen_by(&mut cpu, 2)),
            (2, 2),
            "RB {rb:#x}"
        );
    }
}

#[test]
fn an_invalidation_of_one_page_reaches_the_other_vcpu() {
    let partition = partition(2);
    let leaf = tables(&partition, READ | WRITE | PRIVILEGED);
    partition
        .memory
        .write(PAGE_OF_2 + 8, &2u64.to_le_bytes())
        .expect("RAM");
    let mut cpu = about_to_run(&partition, LOAD);
    let mut other = Cpu::new(&partition, 1).expect("vCPU 1 exists");
    other.set_msr(cpu.regs.msr);
    other.regs.gpr = cpu.regs.gpr;
    assert_eq!((seen_by(&mut cpu, 1), seen_by(&mut other, 1)), (0, 0));
    table_entry(
        &partition,
        leaf,
        VALID | LEAF | PAGE_OF_2 | READ | WRITE | PRIVILEGED,
    );
    let invalidate = CODE + 0x1000;
    code(&partition, invalidate, &[TLBIE, HYPERCALL]);
    (cpu.regs.gpr[6], cpu.regs.gpr[7]) = (1 << 32, EA | 5 << 5);
    cpu.regs.nia = invalidate;
    assert_eq!(run(&mut cpu), invalidate + 4);
    assert_eq!(seen_by(&mut other, 1), 2);
}
