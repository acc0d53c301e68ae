//! The data address watchpoint (DAWR0, DAWRX0): a data storage interrupt before the access (Book
//! III, 6.5.3 and 8).

mod bare;

use bare::*;
use power::{Cpu, Exit};

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x2_0000;
const WATCHED: u64 = DATA + 0x40;
const STORES: u64 = 0x40;
const LOADS: u64 = 0x20;
const ANY_TRANSLATION: u64 = 0x08;
const PRIVILEGED: u64 = 0x02;
const WATCHPOINT: u32 = 0x0040_0000;
const STORE: u32 = 0x0200_0000;

/// Runs a word and then a hypercall, with r4 = `ea` and what `kinds` watches for; DSISR and DAR of
/// its interrupt.
fn meets(word: u32, ea: u64, kinds: u64) -> Option<(u32, u64)> {
    let partition = partition(1);
    code(&partition, 0x300, &[HYPERCALL]);
    // A load brings the granule in first.
    code(&partition, CODE, &[ld(6, 0, 5), word, HYPERCALL]);
    let mut cpu: Cpu = cpu(&partition, CODE);
    (cpu.regs.gpr[4], cpu.regs.gpr[5]) = (ea, DATA);
    cpu.set_msr(cpu.regs.msr | power::msr::VEC | power::msr::VSX);
    cpu.debug.dawr0 = WATCHED;
    cpu.debug.dawrx0 = kinds | ANY_TRANSLATION | PRIVILEGED;
    cpu.regs.gpr[3] = 0x55;
    assert_eq!(cpu.run(), Exit::Hypercall);
    let mut bytes = [0; 8];
    partition.memory.read(WATCHED, &mut bytes).expect("RAM");
    if cpu.regs.nia == CODE + 12 {
        return None;
    }
    assert_eq!((cpu.regs.nia, cpu.regs.srr0), (0x304, CODE + 4));
    assert_eq!(bytes, [0; 8], "the access was not made");
    Some((cpu.regs.dsisr, cpu.regs.dar))
}

#[test]
fn accesses_to_watched_bytes_interrupt_and_others_of_the_same_page_do_not() {
    let (lwarx, stwcx, dcbz) = (lwarx(3, 4), stwcx(3, 4), x(0, 0, 4, 1014));
    let (lvx, stvx) = (x(3, 0, 4, 103), x(3, 0, 4, 231));
    let (lqarx, stdat) = (x(6, 0, 4, 276), x(3, 4, 0, 742));
    let load = Some((WATCHPOINT, WATCHED));
    let store = Some((WATCHPOINT | STORE, WATCHED));
    for (word, ea, on_load, on_store) in [
        (ld(3, 0, 4), WATCHED, load, None),
        (ld(3, 0, 4), WATCHED - 8, None, None),
        (ld(3, 0, 4), WATCHED + 8, None, None),
        (ld(3, -4, 4), WATCHED, load, None),
        (std(3, 0, 4), WATCHED, None, store),
        (stw(3, -1, 4), WATCHED, None, store),
        (stw(3, -4, 4), WATCHED, None, None),
        (lwarx, WATCHED, load, None),
        (stwcx, WATCHED, None, store),
        (lwarx, WATCHED + 8, None, None),
        (dcbz, WATCHED + 0x20, None, store),
        (lvx, WATCHED, load, None),
        (stvx, WATCHED, None, store),
        (lqarx, WATCHED, load, None),
        (stdat, WATCHED, load, store),
    ] {
        assert_eq!(meets(word, ea, LOADS), on_load, "{word:#x} at {ea:#x}");
        assert_eq!(meets(word, ea, STORES), on_store, "{word:#x} at {ea:#x}");
        assert_eq!(meets(word, ea, 0), None);
    }
}

#[test]
fn the_second_half_of_a_vector_is_watched_too() {
    let (lvx, stvx) = (x(3, 0, 4, 103), x(3, 0, 4, 231));
    let partition = partition(1);
    code(&partition, 0x300, &[HYPERCALL]);
    for word in [lvx, stvx] {
        code(&partition, CODE, &[word, HYPERCALL]);
        let mut cpu = cpu(&partition, CODE);
        cpu.set_msr(cpu.regs.msr | power::msr::VEC);
        cpu.regs.gpr[4] = WATCHED;
        cpu.debug.dawr0 = WATCHED + 8;
        cpu.debug.dawrx0 = LOADS | STORES | ANY_TRANSLATION | PRIVILEGED;
        assert_eq!(cpu.run(), Exit::Hypercall);
        assert_eq!((cpu.regs.nia, cpu.regs.dar), (0x304, WATCHED + 8));
    }
}
