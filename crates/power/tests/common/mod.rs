//! A one-vCPU machine in real mode for tests that run a few instruction words.
#![allow(dead_code, reason = "each test uses a part of this")]

#[path = "../bare/mod.rs"]
mod bare;

use power::{Cpu, Exit, msr};

const CODE: u64 = 0x4000;
/// Where tests keep their data.
pub const DATA: u64 = 0x8000;
/// `sc 1`: the end of each program.
const HYPERCALL: u32 = 0x4400_0022;

/// A vCPU with memory of its own.
pub struct Machine {
    pub cpu: Cpu,
}

impl Machine {
    /// Little-endian, with every facility available.
    pub fn new() -> Self {
        let mut machine = Self {
            cpu: Cpu::new(&bare::partition(1), 0).expect("vCPU 0 exists"),
        };
        machine.set_msr(msr::LE, true);
        machine.set_msr(msr::FP | msr::VEC | msr::VSX, true);
        machine
    }

    /// Sets or clears bits of MSR.
    pub fn set_msr(&mut self, bits: u64, on: bool) {
        let value = self.cpu.regs.msr;
        self.cpu
            .set_msr(if on { value | bits } else { value & !bits });
    }

    /// Runs a program to its end, or into the first interrupt: then its vector.
    pub fn run(&mut self, program: &[u32]) -> Option<u64> {
        let big = self.cpu.regs.msr & msr::LE == 0;
        let code = |words: &[u32]| -> Vec<u8> {
            words
                .iter()
                .flat_map(|w| {
                    if big {
                        w.to_be_bytes()
                    } else {
                        w.to_le_bytes()
                    }
                })
                .collect()
        };
        let memory = &self.cpu.partition().memory;
        // Interrupt handlers run big-endian unless the partition says otherwise; all of them stop here.
        for vector in (0x100..0x1000).step_by(0x20) {
            memory.write(vector, &HYPERCALL.to_be_bytes()).expect("RAM");
        }
        memory
            .write(CODE, &code(&[program, &[HYPERCALL]].concat()))
            .expect("RAM");
        self.cpu.partition().invalidate_code();
        self.cpu.regs.nia = CODE;
        assert_eq!(self.cpu.run(), Exit::Hypercall);
        let end = self.cpu.regs.nia - 4;
        (end < 0x1000).then_some(end)
    }

    /// Runs a program that raises no interrupt.
    pub fn finish(&mut self, program: &[u32]) {
        assert_eq!(self.run(program), None, "no interrupt");
    }

    /// Writes guest memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        self.cpu
            .partition()
            .memory
            .write(address, bytes)
            .expect("RAM");
    }

    /// Reads guest memory.
    pub fn read<const N: usize>(&self, address: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.cpu
            .partition()
            .memory
            .read(address, &mut bytes)
            .expect("RAM");
        bytes
    }

    /// FPR `n` as a number.
    pub fn fpr(&self, n: usize) -> f64 {
        f64::from_bits((self.cpu.regs.vsr[n] >> 64) as u64)
    }

    /// Sets FPR `n`.
    pub fn set_fpr(&mut self, n: usize, value: f64) {
        self.cpu.regs.vsr[n] = u128::from(value.to_bits()) << 64;
    }
}
