//! The machine that cases run in: RAM, a radix tree that maps what [`crate::layout`] promises, and
//! interrupt vectors that end the case.
//!
//! ```text
//! real 0 .. 0x1000        interrupt vectors, each an `sc 1`, which makes the CPU return
//! real 0x10000 .. 0x38000 process table and radix tree
//! real 0x40000 + x        what the case sees at x
//! ```

use std::sync::Arc;

use power::memory::HostMapping;
use power::{Cpu, Partition};

use super::MSR;
use super::ram::Ram;
use crate::layout::{
    CODE_BASE, MEMORY_BASE, MEMORY_SIZE, PADS_BASE, PADS_SIZE, REGION_BASE, REGION_SIZE,
};
use crate::state::Case;

/// The process that cases run as.
const PID: u32 = 1;
/// `sc 1`.
const HYPERCALL: u32 = 0x4400_0022;
/// `trap`: what a landing pad holds, as under the peer.
const TRAP: u32 = 0x7fe0_0008;

const VECTORS: std::ops::Range<u64> = 0x100..0x1000;
const PROCESS_TABLE: u64 = 0x1_0000;
const LEVEL1: u64 = 0x2_0000;
const LEVEL2: u64 = 0x3_0000;
const LEVEL3: u64 = 0x3_1000;
const LEVEL4: u64 = 0x3_2000;
const USER: u64 = 0x4_0000;
const PAGE: u64 = 0x1000;

/// Bits of a radix entry (Book III, 5.7.10.2).
mod entry {
    pub const VALID: u64 = 1 << 63;
    pub const LEAF: u64 = 1 << 62;
    /// Reference and change, so that no access has to set them.
    pub const USED: u64 = 0x180;
    /// Read, write, execute, in problem state.
    pub const ANY: u64 = 7;
}

/// A partition and its one vCPU, ready for cases.
pub(super) struct Machine {
    partition: Arc<Partition>,
    pub(super) cpu: Cpu,
}

impl Machine {
    pub(super) fn new() -> Self {
        let partition = Partition::new(1);
        partition
            .memory
            .map(0, Arc::new(Ram::new()) as Arc<dyn HostMapping>)
            .expect("nothing else is mapped");
        partition.set_interrupt_little_endian(true);
        let cpu = Cpu::new(&partition, 0).expect("the partition has a vCPU 0");
        let machine = Machine { partition, cpu };
        for vector in VECTORS.step_by(4) {
            machine.write(vector, &HYPERCALL.to_le_bytes());
        }
        for pad in (PADS_BASE..PADS_BASE + PADS_SIZE).step_by(4) {
            machine.write(USER + pad, &TRAP.to_le_bytes());
        }
        machine.map_user_pages();
        machine
    }

    /// Radix tree of 13 + 9 + 9 + 9 bits above pages of 4 KB.
    fn map_user_pages(&self) {
        let entry = |address: u64, value: u64| self.write(address, &value.to_be_bytes());
        // 52 bits of address, in RTS form: 31 less, its low three bits apart.
        let size = 52 - 31;
        entry(
            PROCESS_TABLE + 16 * u64::from(PID),
            (size >> 3) << 61 | (size & 7) << 5 | LEVEL1 | 13,
        );
        entry(LEVEL1, entry::VALID | LEVEL2 | 9);
        entry(LEVEL2, entry::VALID | LEVEL3 | 9);
        entry(LEVEL3, entry::VALID | LEVEL4 | 9);
        let pages =
            (PADS_BASE..PADS_BASE + PADS_SIZE).chain(REGION_BASE..REGION_BASE + REGION_SIZE);
        for page in pages.step_by(PAGE as usize) {
            entry(
                LEVEL4 + page / PAGE * 8,
                entry::VALID | entry::LEAF | (USER + page) | entry::USED | entry::ANY,
            );
        }
        self.partition.set_process_table(Some((PROCESS_TABLE, 16)));
    }

    /// Memory and code of a case; the vCPU is ready to run as the case's process, no reservation held, but for the case's
    /// registers.
    pub(super) fn load(&mut self, case: &Case) {
        self.cpu.reset();
        self.cpu.regs.pid = PID;
        self.cpu.set_msr(MSR);
        self.write(USER + REGION_BASE, &[0; REGION_SIZE as usize]);
        self.write(USER + MEMORY_BASE, &case.memory);
        let mut code = Vec::with_capacity(4 * (crate::layout::CODE_WORDS + 1));
        for n in 0..=crate::layout::CODE_WORDS {
            let word = case.code.get(n).map_or(TRAP, |step| step.word);
            code.extend_from_slice(&word.to_le_bytes());
        }
        self.write(USER + CODE_BASE, &code);
        self.partition.invalidate_code();
    }

    /// The window, and whether anything else of the data region is not zero any more.
    pub(super) fn memory(&self) -> ([u8; MEMORY_SIZE], bool) {
        let mut region = [0; REGION_SIZE as usize];
        self.partition
            .memory
            .read(USER + REGION_BASE, &mut region)
            .expect("it lies in RAM");
        let at = (MEMORY_BASE - REGION_BASE) as usize;
        let mut window = [0; MEMORY_SIZE];
        window.copy_from_slice(&region[at..at + MEMORY_SIZE]);
        let stray = region[..at]
            .iter()
            .chain(&region[at + MEMORY_SIZE..])
            .any(|&byte| byte != 0);
        (window, stray)
    }

    fn write(&self, real: u64, bytes: &[u8]) {
        self.partition
            .memory
            .write(real, bytes)
            .expect("it lies in RAM");
    }
}
