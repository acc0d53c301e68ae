//! The interpreter, one instruction at a time: MSR\[SE\] makes it take a trace interrupt after each, and every interrupt vector
//! holds a hypercall, which leaves [`Cpu::run`].

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use power::interrupt::Interrupt;
use power::memory::HostMapping;
use power::{Cpu, Exit, Insn, Partition, Registers, msr};

use super::{CODE, DATA, PROGRAM};

/// `sc 1`.
const HYPERCALL: u32 = 0x4400_0022;
const TRACE_VECTOR: u64 = 0xd00;

/// Zeroed host memory.
struct HostMemory {
    start: NonNull<u8>,
    layout: Layout,
}

impl HostMemory {
    fn new(bytes: u64) -> Self {
        let layout =
            Layout::from_size_align(bytes as usize, 1 << 16).expect("a small multiple of 64 KiB");
        // SAFETY: the layout's size is not 0.
        let start = unsafe { alloc_zeroed(layout) };
        Self {
            start: NonNull::new(start).expect("the host has some memory left"),
            layout,
        }
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

// SAFETY: plain memory that lives as long as the value.
unsafe impl Send for HostMemory {}
// SAFETY: as for Send.
unsafe impl Sync for HostMemory {}

// SAFETY: the allocation lives as long as the value, and no reference to it is ever made.
unsafe impl HostMapping for HostMemory {
    fn start(&self) -> NonNull<u8> {
        self.start
    }
    fn len(&self) -> usize {
        self.layout.size()
    }
}

/// How a step of the interpreter ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The instruction completed.
    Completed,
    /// An interrupt was taken: what the handler finds.
    Interrupt(Taken),
}

/// What an interrupt handler finds. DAR and DSISR are 0 where the interrupt doesn't set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub vector: u64,
    pub srr0: u64,
    pub srr1: u64,
    pub dar: u64,
    pub dsisr: u32,
}

impl Taken {
    /// What delivery of `interrupt`, raised by the instruction at `nia` under `msr`, must look like (Book III, 6.5).
    pub fn expected(interrupt: Interrupt, nia: u64, msr: u64) -> Self {
        const UNCORRECTABLE: u32 = 0x8000;
        let (dar, dsisr) = match interrupt {
            Interrupt::DataStorage { ea, dsisr } => (ea, dsisr),
            Interrupt::DataSegment { ea } | Interrupt::Alignment { ea } => (ea, 0),
            Interrupt::MachineCheck { ea, .. } => (ea, UNCORRECTABLE),
            _ => (0, 0),
        };
        let srr1 = msr & power::interrupt::SRR1_MSR_MASK | interrupt.srr1();
        Self {
            vector: interrupt.vector(),
            srr0: nia,
            srr1,
            dar,
            dsisr,
        }
    }
}

/// A vCPU whose memory is [`CODE`] and [`DATA`].
pub struct Peer {
    pub cpu: Cpu,
    msr: u64,
}

impl Peer {
    pub fn new(msr: u64) -> Self {
        let partition = Partition::new(1);
        for region in [CODE, DATA] {
            let memory = HostMemory::new(region.end - region.start);
            partition
                .memory
                .map(region.start, Arc::new(memory))
                .expect("regions are apart and made of whole granules");
        }
        // Handlers start in the mode that was interrupted, as far as byte order goes, so that all code has one order.
        partition.set_interrupt_little_endian(msr & msr::LE != 0);
        let cpu = Cpu::new(&partition, 0).expect("the partition has a vCPU 0");
        let mut peer = Self { cpu, msr };
        let words = (CODE.end - CODE.start) as usize / 4;
        peer.write_code(CODE.start, &vec![Insn(HYPERCALL); words]);
        peer
    }

    pub fn write_code(&mut self, address: u64, code: &[Insn]) {
        let little = self.msr & msr::LE != 0;
        let bytes: Vec<u8> = code
            .iter()
            .flat_map(|i| {
                if little {
                    i.0.to_le_bytes()
                } else {
                    i.0.to_be_bytes()
                }
            })
            .collect();
        self.write(address, &bytes);
        self.cpu.partition().invalidate_code();
    }

    /// Puts a program at [`PROGRAM`], with hypercalls after it.
    pub fn write_program(&mut self, code: &[Insn]) {
        self.write_code(PROGRAM, &[code, &[Insn(HYPERCALL); 64]].concat());
    }

    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        self.cpu
            .partition()
            .memory
            .write(address, bytes)
            .expect("tests write where there is memory");
    }

    pub fn read(&self, range: std::ops::Range<u64>, buffer: &mut [u8]) {
        self.cpu
            .partition()
            .memory
            .read(range.start, buffer)
            .expect("tests read where there is memory");
    }

    /// Takes over a state; MSR is the peer's own.
    pub fn set_registers(&mut self, registers: &Registers) {
        self.cpu.regs = Registers {
            msr: self.msr,
            dar: 0,
            dsisr: 0,
            ..registers.clone()
        };
    }

    /// Carries out one instruction.
    pub fn step(&mut self) -> Step {
        self.cpu.set_msr(self.msr | msr::SE);
        let exit = self.cpu.run();
        assert_eq!(
            exit,
            Exit::Hypercall,
            "every vector holds a hypercall, at {:#x}",
            self.cpu.regs.nia
        );
        let vector = self.cpu.regs.nia - 4;
        if vector == TRACE_VECTOR {
            self.cpu.regs.nia = self.cpu.regs.srr0;
            return Step::Completed;
        }
        let Registers {
            srr0,
            srr1,
            dar,
            dsisr,
            ..
        } = self.cpu.regs;
        Step::Interrupt(Taken {
            vector,
            srr0,
            srr1: srr1 & !msr::SE,
            dar,
            dsisr,
        })
    }
}
