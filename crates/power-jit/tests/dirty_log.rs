//! The dirty log under the second tier: it loses no store of compiled code either.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
mod common;
#[path = "../../power/tests/dirty/mod.rs"]
mod dirty;

use common::eager;
use power::Exit;
use power::signals::KICK;

#[test]
fn a_reader_that_copies_by_the_log_ends_with_the_memory_of_a_guest_that_ran_meanwhile() {
    let service = eager();
    dirty::no_store_is_lost(|| Some(service.accelerator()));
}

#[test]
fn compiled_code_that_has_stored_before_marks_the_page_again() {
    use bare::*;
    const CODE: u64 = 0x1_0000;
    let service = eager();
    let partition = partition(1);
    // A loop around one store, 1000 times.
    code(&partition, CODE, &[std(3, 8, 6), bdnz(-4), HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    cpu.set_accelerator(Some(service.accelerator()));
    cpu.regs.gpr[6] = 0x20_0000;
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    for round in 0..5 {
        cpu.regs.nia = CODE;
        cpu.regs.ctr = 1000;
        assert_eq!(cpu.run(), Exit::Hypercall);
        let pages = partition.take_dirty_pages().expect("a log was started");
        assert!(pages.contains(0x20_0008), "round {round}");
    }
    cpu.signals().raise(KICK);
    cpu.regs.nia = CODE;
    assert_eq!(cpu.run(), Exit::Kicked);
    let pages = partition.take_dirty_pages().expect("a log was started");
    assert!(pages.is_empty(), "nothing ran");
}
