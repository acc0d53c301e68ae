//! Load-and-reserve and conditional store in compiled code: what the interpreter makes of them, and no increment lost.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
mod common;

use std::sync::Arc;

use bare::*;
use common::eager;
use power::{Cpu, Exit, Partition, Registers, Xer, msr};
use power_jit::JitService;

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x2_0000;
/// Where RAM is mapped once more, for reading only, and again for everything.
const READ_ONLY: u64 = 1 << 39;
const ALIAS: u64 = 2 << 39;
/// Turns of a loop: most of them in compiled code.
const TURNS: u64 = 40;

/// Extended opcodes of the load and the store, and bytes.
const WIDTHS: [(u32, u32, u64); 4] = [(52, 694, 1), (116, 726, 2), (20, 150, 4), (84, 214, 8)];

/// mfcr r6; add r3, r3, r6: sums up what all turns have left in CR.
const SUM: [u32; 2] = [0x7cc0_0026, x(3, 3, 6, 266)];
/// The load and the store are of r5, at the addresses in r4 and r7.
const fn load(opcode: u32) -> u32 {
    x(5, 0, 4, opcode)
}
const fn store(opcode: u32) -> u32 {
    x(5, 0, 7, opcode) | 1
}

/// Runs a loop of `body` on the interpreter and under the second tier, until it ends or faults; registers and memory after it,
/// which are the same on both.
fn on_both(body: &[u32], prepare: impl Fn(&Arc<Partition>, &mut Cpu)) -> (Registers, Vec<u8>) {
    let service = eager();
    let mut words = body.to_vec();
    words.extend(SUM);
    words.extend([bdnz(-4 * words.len() as i16), HYPERCALL]);
    let [interpreted, compiled] = [None, Some(&service)].map(|service| {
        let partition = partition(1);
        code(&partition, CODE, &words);
        for vector in [0x300, 0x600] {
            code(&partition, vector, &[HYPERCALL]);
        }
        let mut cpu = cpu(&partition, CODE);
        cpu.regs.ctr = TURNS;
        (cpu.regs.gpr[4], cpu.regs.gpr[7]) = (DATA, DATA);
        prepare(&partition, &mut cpu);
        cpu.set_code_tier(service.map(JitService::code_tier));
        assert_eq!(cpu.run(), Exit::Hypercall);
        if let Some(service) = service {
            let made = service.statistics();
            assert!(made.regions > 0, "there is compiled code: {made:?}");
        }
        let mut bytes = vec![0; RAM as usize];
        partition.memory.read(0, &mut bytes).expect("all of RAM");
        (cpu.regs.clone(), bytes)
    });
    assert_eq!(interpreted.0, compiled.0);
    assert!(interpreted.1 == compiled.1, "memory is alike");
    compiled
}

fn number(memory: &[u8], bytes: u64, big_endian: bool) -> u64 {
    let at = DATA as usize;
    let mut number = [0; 8];
    number[..bytes as usize].copy_from_slice(&memory[at..at + bytes as usize]);
    if big_endian {
        number[..bytes as usize].reverse();
    }
    u64::from_le_bytes(number)
}

/// CR, summed up over all turns, where each has left this in CR0.
fn all_turns(field: u64) -> u64 {
    (field << 28) * TURNS
}

#[test]
fn a_counter_counts_in_every_width_and_byte_order() {
    for (loads, stores, bytes) in WIDTHS {
        for big_endian in [false, true] {
            for so in [false, true] {
                let body = [load(loads), addi(5, 5, 1), store(stores)];
                let (regs, memory) = on_both(&body, |partition, cpu| {
                    // The low byte is close to a carry.
                    let mut start = 0x1122_3344_5566_77f0_u64.to_be_bytes();
                    if !big_endian {
                        start.reverse();
                    }
                    let low = if big_endian { 8 - bytes as usize } else { 0 };
                    let start = &start[low..low + bytes as usize];
                    partition.memory.write(DATA, start).expect("RAM");
                    cpu.regs.xer = Xer {
                        so,
                        ..Xer::default()
                    };
                    if big_endian {
                        be_mode(partition, cpu);
                    }
                });
                let start = 0x1122_3344_5566_77f0 & u64::MAX >> (64 - 8 * bytes);
                let sum = (start + TURNS) & u64::MAX >> (64 - 8 * bytes);
                assert_eq!(number(&memory, bytes, big_endian), sum, "{bytes} bytes");
                assert_eq!(regs.gpr[3], all_turns(2 | u64::from(so)));
            }
        }
    }
}

/// Makes the code of [`on_both`] and the vCPU big-endian.
fn be_mode(partition: &Partition, cpu: &mut Cpu) {
    let mut bytes = [0; 64];
    partition.memory.read(CODE, &mut bytes).expect("RAM");
    let words = bytes.as_chunks().0.iter();
    let swapped: Vec<u8> = words
        .flat_map(|&word: &[u8; 4]| u32::from_le_bytes(word).to_be_bytes())
        .collect();
    partition.memory.write(CODE, &swapped).expect("RAM");
    cpu.set_msr(cpu.regs.msr & !msr::LE);
}

#[test]
fn nothing_is_stored_without_a_reservation_of_the_same_address_and_width() {
    let missing = |body: &[u32], other: u64| {
        let (regs, memory) = on_both(body, |_, cpu| {
            cpu.regs.gpr[5] = 1;
            cpu.regs.gpr[7] = DATA + other;
        });
        assert_eq!(regs.gpr[3], all_turns(0), "{body:x?}");
        assert!(memory[DATA as usize..][..64].iter().all(|&byte| byte == 0));
    };
    for (loads, stores, bytes) in WIDTHS {
        // None at all, and one that is used up: the first store, elsewhere, has ended it.
        missing(&[store(stores)], 0);
        let elsewhere = x(5, 0, 8, stores) | 1;
        missing(&[load(loads), addi(5, 0, 1), elsewhere, store(stores)], 0);
        missing(&[load(loads), addi(5, 0, 1), store(stores)], bytes);
        for (_, others, _) in WIDTHS.into_iter().filter(|&(_, _, other)| other != bytes) {
            missing(&[load(loads), addi(5, 0, 1), store(others)], 0);
        }
    }
}

#[test]
fn nothing_is_stored_where_something_else_was_stored_in_between() {
    for (loads, stores, _) in WIDTHS {
        // stb r9, 0(r4), with another value in each turn.
        let stb = 38 << 26 | 9 << 21 | 4 << 16;
        let body = [
            load(loads),
            addi(9, 9, 1),
            stb,
            addi(5, 0, 0x55),
            store(stores),
        ];
        let (regs, memory) = on_both(&body, |_, _| ());
        assert_eq!(regs.gpr[3], all_turns(0));
        assert_eq!(memory[DATA as usize], TURNS as u8);
    }
}

#[test]
fn what_is_not_aligned_raises_an_alignment_interrupt() {
    for (loads, stores, bytes) in WIDTHS.into_iter().filter(|&(_, _, bytes)| bytes > 1) {
        for off in [1, bytes / 2, bytes - 1] {
            // r4, or r7, goes astray in one of the later turns: r8 is added to it there, and 0 before.
            for (astray, of_store) in [(4, false), (7, true)] {
                let body = [
                    addi(10, 10, -1),
                    // cmpdi r10, 0; isel r11, r8, r12, eq
                    11 << 26 | 1 << 21 | 10 << 16,
                    x(11, 8, 12, 2 << 5 | 15),
                    x(astray, astray, 11, 266),
                    load(loads),
                    store(stores),
                ];
                let (regs, _) = on_both(&body, |_, cpu| {
                    cpu.regs.gpr[8] = off;
                    cpu.regs.gpr[10] = TURNS / 2;
                });
                assert_eq!(regs.nia, 0x604);
                assert_eq!(regs.dar, DATA + off);
                assert_eq!(regs.srr0, CODE + if of_store { 20 } else { 16 });
                assert_eq!(regs.ctr, TURNS - TURNS / 2 + 1);
            }
        }
    }
}

/// Puts the vCPU into a tree of three huge pages, all of them RAM from its start.
fn translate(partition: &Partition, cpu: &mut Cpu) {
    const TABLES: u64 = 0x10_0000;
    const ROOT: u64 = 0x12_0000;
    const PAGE: u64 = 3 << 62 | 0x180;
    // Of 52 bits, 13 of them by the root.
    table_entry(partition, TABLES, 2 << 61 | ROOT | 5 << 5 | 13);
    for (address, rights) in [(0, 15), (READ_ONLY, 12), (ALIAS, 14)] {
        table_entry(partition, ROOT + (address >> 39) * 8, PAGE | rights);
    }
    partition.set_process_table(Some((TABLES, 12)));
    cpu.set_msr(cpu.regs.msr | msr::IR | msr::DR);
}

#[test]
fn a_page_that_may_not_be_written_to_takes_no_conditional_store() {
    for (loads, stores, _) in WIDTHS {
        let body = [
            addi(10, 10, -1),
            // cmpdi r10, 0; isel r7, r8, r4, eq: in one of the later turns
            11 << 26 | 10 << 16,
            x(7, 8, 4, 2 << 5 | 15),
            load(loads),
            addi(5, 5, 1),
            store(stores),
        ];
        let (regs, memory) = on_both(&body, |partition, cpu| {
            translate(partition, cpu);
            cpu.regs.gpr[8] = READ_ONLY + DATA;
            cpu.regs.gpr[10] = TURNS / 2;
        });
        assert_eq!(regs.nia, 0x304);
        assert_eq!(regs.srr0, CODE + 20);
        assert_eq!(regs.dar, READ_ONLY + DATA);
        assert_eq!(regs.dsisr, 0x0a00_0000, "protection, of a store");
        assert_eq!(u64::from(memory[DATA as usize]), TURNS / 2 - 1);
    }
}

#[test]
fn a_reservation_is_of_memory_and_not_of_an_effective_address() {
    for (loads, stores, _) in WIDTHS {
        let body = [load(loads), addi(5, 5, 1), store(stores)];
        let (regs, memory) = on_both(&body, |partition, cpu| {
            translate(partition, cpu);
            cpu.regs.gpr[7] = ALIAS + DATA;
        });
        assert_eq!(regs.gpr[3], all_turns(2));
        assert_eq!(u64::from(memory[DATA as usize]), TURNS);
    }
}

#[test]
fn increments_of_compiled_code_and_of_the_interpreter_add_up() {
    const EACH: u64 = 20_000;
    for (loads, stores, bytes) in WIDTHS {
        let service = eager();
        let partition = partition(3);
        let words = [load(loads), addi(5, 5, 1), store(stores), bne(-12)];
        let words = [&words[..], &[bdnz(-16), HYPERCALL]].concat();
        code(&partition, CODE, &words);
        std::thread::scope(|scope| {
            for id in 0..3 {
                let (partition, service) = (&partition, &service);
                scope.spawn(move || {
                    let mut cpu = Cpu::new(partition, id).expect("three vCPUs");
                    if id != 0 {
                        cpu.set_code_tier(Some(service.code_tier()));
                    }
                    cpu.set_msr(cpu.regs.msr | msr::LE);
                    cpu.regs.nia = CODE;
                    (cpu.regs.gpr[4], cpu.regs.gpr[7]) = (DATA, DATA);
                    cpu.regs.ctr = EACH;
                    assert_eq!(cpu.run(), Exit::Hypercall);
                });
            }
        });
        let mut memory = vec![0; RAM as usize];
        partition.memory.read(0, &mut memory).expect("all of RAM");
        let sum = (3 * EACH) & u64::MAX >> (64 - 8 * bytes);
        assert_eq!(number(&memory, bytes, false), sum, "{bytes} bytes");
    }
}
