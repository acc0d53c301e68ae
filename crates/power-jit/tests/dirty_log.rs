//! The dirty log under the second tier: it loses no store of compiled code either.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
mod common;
#[path = "../../power/tests/dirty/mod.rs"]
mod dirty;

use bare::*;
use common::eager;
use power::Exit;
use power::signals::KICK;

#[test]
fn a_reader_that_copies_by_the_log_ends_with_the_memory_of_a_guest_that_ran_meanwhile() {
    let service = eager();
    dirty::no_store_is_lost(|| Some(service.code_tier()));
}

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x20_0000;

/// Runs a loop of `words`, which stores at `stored` (r4 is [`DATA`]) 1000 times, again and again: the page is in the log each time.
fn marks_the_page_each_time(words: &[u32], stored: u64) {
    let service = eager();
    let partition = partition(1);
    code(&partition, CODE, &[words, &[HYPERCALL]].concat());
    let mut cpu = cpu(&partition, CODE);
    cpu.set_code_tier(Some(service.code_tier()));
    cpu.regs.gpr[4] = DATA;
    partition.start_dirty_log(0..RAM).expect("all of RAM");
    for round in 0..5 {
        cpu.regs.nia = CODE;
        cpu.regs.ctr = 1000;
        assert_eq!(cpu.run(), Exit::Hypercall);
        let pages = partition.take_dirty_pages().expect("a log was started");
        assert!(pages.contains(stored), "round {round}");
    }
    cpu.signals().raise(KICK);
    cpu.regs.nia = CODE;
    assert_eq!(cpu.run(), Exit::Kicked);
    let pages = partition.take_dirty_pages().expect("a log was started");
    assert!(pages.is_empty(), "nothing ran");
}

#[test]
fn compiled_code_that_has_stored_before_marks_the_page_again() {
    marks_the_page_each_time(&[std(3, 8, 4), bdnz(-4)], DATA + 8);
}

#[test]
fn conditional_stores_mark_the_page() {
    let words = [lwarx(5, 4), addi(5, 5, 1), stwcx(5, 4), bdnz(-12)];
    marks_the_page_each_time(&words, DATA);
}
