//! What the dirty log promises, for any engine: a guest that stores all over its memory, and a reader that copies by the log.

use std::sync::Arc;

use power::code_tier::CodeTier;
use power::memory::DIRTY_PAGE;
use power::signals::KICK;
use power::{Cpu, Exit, Partition};

use super::bare::*;

const CODE: u64 = 0x1_0000;
/// Where the guest stores: from here to the end of RAM.
const FIRST: u64 = 0x10_0000;

/// rldicl
const fn rldicl(ra: u32, rs: u32, sh: u32, mb: u32) -> u32 {
    30 << 26
        | rs << 21
        | ra << 16
        | (sh & 31) << 11
        | (mb & 31) << 6
        | (mb >> 5) << 5
        | (sh >> 5) << 1
}
const fn rldicr(ra: u32, rs: u32, sh: u32, me: u32) -> u32 {
    rldicl(ra, rs, sh, me) | 1 << 2
}
const fn mulld(rt: u32, ra: u32, rb: u32) -> u32 {
    x(rt, ra, rb, 233)
}
const fn add(rt: u32, ra: u32, rb: u32) -> u32 {
    x(rt, ra, rb, 266)
}
const fn dcbz(rb: u32) -> u32 {
    x(0, 0, rb, 1014)
}

/// For ever: a random address in r6 of 1 MiB to 4 MiB, a multiple of 8; a store, a store conditional, or a block of zeros there.
pub const SCRIBBLE: [u32; 17] = [
    mulld(3, 3, 4),       // r3 = r3 * r4 + r5
    add(3, 3, 5),         //
    rldicl(6, 3, 20, 43), // r6 = 21 bits of it
    rldicr(6, 6, 0, 60),  // a multiple of 8
    add(6, 6, 7),         // from r7 on
    std(3, 0, 6),
    rldicl(8, 3, 40, 61), // three more bits: seldom 0
    addi(9, 9, 1),
    // cmpdi r8, 0
    11 << 26 | 1 << 21 | 8 << 16,
    bne(0x18),
    add(6, 6, 10), // the upper part of memory
    lwarx(11, 6),
    stwcx(3, 6),
    add(6, 6, 12),
    dcbz(6),
    // stdx r3, r6, r12
    x(3, 6, 12, 149),
    b(-0x40),
];

/// A vCPU about to scribble.
pub fn scribbler(partition: &Arc<Partition>) -> Cpu {
    code(partition, CODE, &SCRIBBLE);
    let mut cpu = cpu(partition, CODE);
    cpu.regs.gpr[3] = 1;
    cpu.regs.gpr[4] = 6_364_136_223_846_793_005;
    cpu.regs.gpr[5] = 1_442_695_040_888_963_407;
    cpu.regs.gpr[7] = FIRST;
    cpu.regs.gpr[10] = 0x8_0000;
    cpu.regs.gpr[12] = 0x1000;
    cpu
}

fn copy(partition: &Partition, address: u64, image: &mut [u8]) {
    let page = &mut image[address as usize..][..DIRTY_PAGE as usize];
    partition.memory.read(address, page).expect("all of RAM");
}

/// Copies the memory of a running guest, first all of it and then what has become dirty; at the end the copy must be equal.
pub fn no_store_is_lost(code_tier: impl FnOnce() -> Option<Box<dyn CodeTier>> + Send) {
    const ROUNDS: u64 = 40;
    let partition = partition(1);
    let signals = Arc::clone(partition.signals(0).expect("vCPU 0 exists"));
    let mut image = vec![0; RAM as usize];
    std::thread::scope(|scope| {
        let of_vcpu = Arc::clone(&partition);
        let guest = scope.spawn(move || {
            let mut cpu = scribbler(&of_vcpu);
            cpu.set_code_tier(code_tier());
            assert_eq!(cpu.run(), Exit::Kicked);
            (cpu.regs.gpr[9], cpu.instructions_executed())
        });
        partition.start_dirty_log(0..RAM).expect("all of RAM");
        for address in (0..RAM).step_by(DIRTY_PAGE as usize) {
            copy(&partition, address, &mut image);
        }
        let mut seen = 0;
        let mut rounds = 0;
        // A guest that has not been scheduled yet dirties nothing: go on until it has.
        while rounds < ROUNDS || seen == 0 {
            let pages = partition.take_dirty_pages().expect("a log was started");
            seen += pages.addresses().filter(|&page| page >= FIRST).count();
            for address in pages.addresses() {
                copy(&partition, address, &mut image);
            }
            // The monitor writes as well.
            partition
                .memory
                .write(0x8_0000 + rounds % 100 * 0x1000 + rounds, &[rounds as u8])
                .expect("RAM");
            rounds += 1;
        }
        signals.raise(KICK);
        let (stores, _) = guest.join().expect("the vCPU's thread");
        assert_ne!(stores, 0);
        let last = partition.take_dirty_pages().expect("a log was started");
        for address in last.addresses() {
            copy(&partition, address, &mut image);
        }
    });
    let mut memory = vec![0; RAM as usize];
    partition.memory.read(0, &mut memory).expect("all of RAM");
    let lost = (0..RAM as usize).find(|&at| memory[at] != image[at]);
    assert_eq!(lost, None, "the first byte that differs");
}
