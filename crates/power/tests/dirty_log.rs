//! The dirty log under the interpreter: which stores it sees, and that it loses none.

mod bare;
mod dirty;

use bare::*;
use power::memory::DIRTY_PAGE;
use power::{Cpu, Exit, Partition};

const CODE: u64 = 0x1_0000;

/// The dirty pages that `program` makes, with r6 at `at` and r3 to store.
fn dirtied(
    partition: &std::sync::Arc<Partition>,
    cpu: &mut Cpu,
    program: &[u32],
    at: u64,
) -> Vec<u64> {
    code(partition, CODE, &[program, &[HYPERCALL]].concat());
    let _ = partition.take_dirty_pages();
    cpu.regs.nia = CODE;
    cpu.regs.gpr[6] = at;
    assert_eq!(cpu.run(), Exit::Hypercall);
    let pages = partition.take_dirty_pages().expect("a log was started");
    pages.addresses().collect()
}

/// The pages of the granule that an entry of the soft TLB covers.
fn granule(at: u64) -> Vec<u64> {
    let start = at & !0xffff;
    (start..start + 0x1_0000)
        .step_by(DIRTY_PAGE as usize)
        .collect()
}

#[test]
fn every_kind_of_store_is_logged_each_time_and_loads_are_not() {
    let partition = partition(1);
    let mut cpu = cpu(&partition, CODE);
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    const DCBZ: u32 = x(0, 0, 6, 1014);
    // ldadd-like: lwat r3, r6, 0 (fetch and add)
    const LWAT: u32 = x(3, 6, 0, 582);
    let programs: [(&str, &[u32]); 5] = [
        ("std", &[std(3, 8, 6)]),
        ("std after a load", &[ld(3, 8, 6), std(3, 8, 6)]),
        ("stwcx.", &[lwarx(3, 6), stwcx(3, 6)]),
        ("dcbz", &[DCBZ]),
        ("lwat", &[LWAT]),
    ];
    for (name, program) in programs {
        for _ in 0..2 {
            assert_eq!(
                dirtied(&partition, &mut cpu, program, 0x20_0000),
                granule(0x20_0000),
                "{name}"
            );
        }
    }
    assert_eq!(
        dirtied(&partition, &mut cpu, &[ld(3, 8, 6)], 0x20_0000),
        [0; 0]
    );
    let crossing = dirtied(&partition, &mut cpu, &[std(3, 0, 6)], 0x20_fffc);
    assert_eq!(crossing, [granule(0x20_0000), granule(0x21_0000)].concat());
}

#[test]
fn a_quadword_store_conditional_marks_its_page_alone() {
    let partition = partition(1);
    let mut cpu = cpu(&partition, CODE);
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    // lqarx r8, 0, r6; stqcx. r8, 0, r6
    let program = [x(8, 0, 6, 276), x(8, 0, 6, 182) | 1];
    assert_eq!(
        dirtied(&partition, &mut cpu, &program, 0x20_3000),
        [0x20_3000]
    );
    assert_eq!(cpu.regs.cr[0], 2, "it was stored");
}

#[test]
fn what_the_monitor_writes_is_logged_and_what_it_reads_is_not() {
    let partition = partition(1);
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    partition.memory.write(0x30_0ffe, &[1; 4]).expect("RAM");
    partition.memory.read(0x10_0000, &mut [0; 64]).expect("RAM");
    let pages = partition.take_dirty_pages().expect("a log was started");
    assert_eq!(
        pages.addresses().collect::<Vec<_>>(),
        [0x30_0000, 0x30_1000]
    );
    assert!(pages.contains(0x30_1fff) && !pages.contains(0x30_2000));
}

#[test]
fn a_log_is_there_only_between_start_and_stop_and_only_for_memory_that_is_there() {
    let partition = partition(1);
    assert_eq!(partition.take_dirty_pages(), None);
    assert!(partition.start_dirty_log(0..RAM + 0x1_0000).is_err());
    assert!(partition.start_dirty_log(1..RAM).is_err());
    assert!(partition.start_dirty_log(0x1000..0x1000).is_err());
    partition.start_dirty_log(0x1000..0x2000).expect("RAM");
    partition.memory.write(0x1000, &[1]).expect("RAM");
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    let pages = partition.take_dirty_pages().expect("a log was started");
    assert!(pages.is_empty(), "a new log starts empty");
    partition.stop_dirty_log();
    assert_eq!(partition.take_dirty_pages(), None);
}

#[test]
fn a_reader_that_copies_by_the_log_ends_with_the_memory_of_a_guest_that_ran_meanwhile() {
    dirty::no_store_is_lost(|| None);
}
