//! A small machine for tests: one partition with some RAM, and the encodings that the tests are written in.
#![allow(dead_code, reason = "each test file uses its part")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

use power::memory::HostMapping;
use power::{Cpu, Partition};

/// RAM of the test machine, in bytes.
pub const RAM: u64 = 4 << 20;

struct TestRam(NonNull<u8>);

const LAYOUT: Layout = match Layout::from_size_align(RAM as usize, 1 << 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

impl TestRam {
    fn new() -> Self {
        // SAFETY: the layout is not empty.
        Self(NonNull::new(unsafe { alloc_zeroed(LAYOUT) }).expect("memory for a test"))
    }
}

impl Drop for TestRam {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.0.as_ptr(), LAYOUT) };
    }
}

// SAFETY: plain memory that lives as long as the value.
unsafe impl Send for TestRam {}
// SAFETY: as for Send.
unsafe impl Sync for TestRam {}

// SAFETY: the allocation lives as long as the value and no reference to it is ever made.
unsafe impl HostMapping for TestRam {
    fn start(&self) -> NonNull<u8> {
        self.0
    }
    fn len(&self) -> usize {
        RAM as usize
    }
}

/// A partition with [`RAM`] bytes at 0.
pub fn partition(vcpus: u32) -> Arc<Partition> {
    let partition = Partition::new(vcpus);
    partition
        .memory
        .map(0, Arc::new(TestRam::new()))
        .expect("nothing else is mapped");
    partition
}

/// [`RAM`] more bytes, at `base`.
pub fn more_memory(partition: &Partition, base: u64) {
    partition
        .memory
        .map(base, Arc::new(TestRam::new()))
        .expect("nothing else is mapped");
}

/// vCPU 0 of a partition, little-endian, in real mode, at `nia`.
pub fn cpu(partition: &Arc<Partition>, nia: u64) -> Cpu {
    let mut cpu = Cpu::new(partition, 0).expect("vCPU 0 exists");
    cpu.set_msr(cpu.regs.msr | power::msr::LE);
    cpu.regs.nia = nia;
    partition.set_interrupt_little_endian(true);
    cpu
}

/// Writes little-endian code.
pub fn code(partition: &Partition, address: u64, words: &[u32]) {
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    partition
        .memory
        .write(address, &bytes)
        .expect("code lies in RAM");
    partition.invalidate_code();
}

/// Runs little-endian `words` at `address`, with a hypercall at every vector; the address of the hypercall reached.
pub fn run_to_vector(address: u64, words: &[u32], prepare: impl FnOnce(&mut Cpu)) -> (u64, Cpu) {
    let partition = partition(1);
    hypercall_at_every_vector(&partition);
    code(&partition, address, words);
    let mut cpu = cpu(&partition, address);
    prepare(&mut cpu);
    assert_eq!(cpu.run(), power::Exit::Hypercall);
    (cpu.regs.nia - 4, cpu)
}

/// Puts a hypercall at every interrupt vector.
pub fn hypercall_at_every_vector(partition: &Partition) {
    for vector in (0x100..0x1000).step_by(0x20) {
        code(partition, vector, &[HYPERCALL]);
    }
}

/// Writes a doubleword in big-endian order, as page tables have them.
pub fn table_entry(partition: &Partition, address: u64, value: u64) {
    partition
        .memory
        .write(address, &value.to_be_bytes())
        .expect("tables lie in RAM");
}

/// Reads a doubleword in big-endian order.
pub fn read_entry(partition: &Partition, address: u64) -> u64 {
    let mut bytes = [0; 8];
    partition
        .memory
        .read(address, &mut bytes)
        .expect("tables lie in RAM");
    u64::from_be_bytes(bytes)
}

pub const HYPERCALL: u32 = 0x4400_0022;
pub const SC: u32 = 0x4400_0002;
pub const ISYNC: u32 = 0x4c00_012c;
pub const SYNC: u32 = 0x7c00_04ac;
pub const NOP: u32 = 0x6000_0000;
pub const TRAP: u32 = 0x7fe0_0008;

pub const fn addi(rt: u32, ra: u32, si: i16) -> u32 {
    14 << 26 | rt << 21 | ra << 16 | si as u16 as u32
}
pub const fn b(offset: i32) -> u32 {
    18 << 26 | offset as u32 & 0x03ff_fffc
}
/// bdnz
pub const fn bdnz(offset: i16) -> u32 {
    16 << 26 | 16 << 21 | offset as u16 as u32 & 0xfffc
}
/// bne cr0
pub const fn bne(offset: i16) -> u32 {
    16 << 26 | 4 << 21 | 2 << 16 | offset as u16 as u32 & 0xfffc
}
pub const fn ld(rt: u32, d: i16, ra: u32) -> u32 {
    58 << 26 | rt << 21 | ra << 16 | d as u16 as u32 & 0xfffc
}
pub const fn std(rs: u32, d: i16, ra: u32) -> u32 {
    62 << 26 | rs << 21 | ra << 16 | d as u16 as u32 & 0xfffc
}
pub const fn stw(rs: u32, d: i16, ra: u32) -> u32 {
    36 << 26 | rs << 21 | ra << 16 | d as u16 as u32
}
pub const fn x(rt: u32, ra: u32, rb: u32, xo: u32) -> u32 {
    31 << 26 | rt << 21 | ra << 16 | rb << 11 | xo << 1
}
pub const fn lwarx(rt: u32, rb: u32) -> u32 {
    x(rt, 0, rb, 20)
}
pub const fn stwcx(rs: u32, rb: u32) -> u32 {
    x(rs, 0, rb, 150) | 1
}
pub const fn icbi(rb: u32) -> u32 {
    x(0, 0, rb, 982)
}
