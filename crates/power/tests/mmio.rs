//! Loads and stores of device registers: widths, byte order, what is refused, and by which
//! interrupt.

use std::sync::{Arc, Mutex};

use power::memory::MapError;
use power::{Cpu, Exit, msr};
use vm_core::MmioDevice;

#[path = "bare/mod.rs"]
mod bare;
use bare::*;

/// Where the device is.
const DEVICE: u64 = 0x4000_0000;
/// Bytes of it.
const LEN: u64 = 0x1000;
const CODE: u64 = 0x4000;
/// r4 holds the address that programs use.
const BASE: usize = 4;
const CACHING_INHIBITED: u32 = 0x0400_0000;
const STORE: u32 = 0x0200_0000;

/// An access, as the device has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Load(u64, usize),
    Store(u64, Vec<u8>),
}

/// Answers loads with the numbers of the bytes asked for, and remembers all.
#[derive(Default)]
struct Recorder(Mutex<Vec<Seen>>);

impl Recorder {
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().expect("no test panics meanwhile"))
    }
}

impl MmioDevice for Recorder {
    fn read(&self, offset: u64, data: &mut [u8]) {
        for (n, byte) in data.iter_mut().enumerate() {
            *byte = offset as u8 + n as u8;
        }
        let seen = Seen::Load(offset, data.len());
        self.0.lock().expect("no test panics meanwhile").push(seen);
    }

    fn write(&self, offset: u64, data: &[u8]) {
        let seen = Seen::Store(offset, data.to_vec());
        self.0.lock().expect("no test panics meanwhile").push(seen);
    }
}

/// Runs one instruction with r4 = the device's address plus `offset`; the address of the hypercall
/// reached, the processor, and what the device has seen.
fn run(word: u32, offset: u64, prepare: impl FnOnce(&mut Cpu)) -> (u64, Cpu, Vec<Seen>) {
    let partition = partition(1);
    let device = Arc::new(Recorder::default());
    partition
        .memory
        .map_io(DEVICE, LEN, device.clone())
        .expect("nothing else is there");
    hypercall_at_every_vector(&partition);
    code(&partition, CODE, &[word, HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    cpu.set_msr(cpu.regs.msr | msr::FP | msr::VEC | msr::VSX);
    cpu.regs.gpr[BASE] = DEVICE + offset;
    prepare(&mut cpu);
    if cpu.regs.msr & msr::LE == 0 {
        let words = [word, HYPERCALL].map(u32::to_be_bytes).concat();
        partition
            .memory
            .write(CODE, &words)
            .expect("code lies in RAM");
        partition.invalidate_code();
    }
    assert_eq!(cpu.run(), Exit::Hypercall);
    (cpu.regs.nia - 4, cpu, device.take())
}

const fn d(primary: u32, rt: u32, offset: i16) -> u32 {
    primary << 26 | rt << 21 | (BASE as u32) << 16 | offset as u16 as u32
}
/// `op rt,0,r4`
const fn indexed(rt: u32, xo: u32) -> u32 {
    x(rt, 0, BASE as u32, xo)
}

#[test]
fn loads_of_every_width_see_the_bytes_in_order() {
    for (word, offset, len, value) in [
        (d(34, 3, 3), 0, 1, 0x03),
        (d(40, 3, 2), 4, 2, 0x0706),
        (d(32, 3, 0), 8, 4, 0x0b0a_0908),
        (ld(3, 16, BASE as u32), 0, 8, 0x1716_1514_1312_1110),
    ] {
        let (end, cpu, seen) = run(word, offset, |_| {});
        assert_eq!((end, cpu.regs.gpr[3]), (CODE + 4, value), "{word:#x}");
        let at = value & 0xff;
        assert_eq!(seen, [Seen::Load(at, len)]);
    }
}

#[test]
fn a_big_endian_guest_and_byte_reversed_loads_see_the_other_number() {
    let big = |cpu: &mut Cpu| cpu.set_msr(cpu.regs.msr & !msr::LE);
    assert_eq!(run(d(32, 3, 0), 8, big).1.regs.gpr[3], 0x0809_0a0b);
    // lwbrx
    assert_eq!(run(indexed(3, 534), 8, |_| {}).1.regs.gpr[3], 0x0809_0a0b);
}

#[test]
fn stores_of_every_width_arrive_as_bytes_in_order() {
    let value = 0x1122_3344_5566_7788;
    let prepare = |cpu: &mut Cpu| cpu.regs.gpr[3] = value;
    for (word, bytes) in [
        (d(38, 3, 0), vec![0x88]),
        (d(44, 3, 0), vec![0x88, 0x77]),
        (stw(3, 0, BASE as u32), vec![0x88, 0x77, 0x66, 0x55]),
        (std(3, 0, BASE as u32), value.to_le_bytes().to_vec()),
    ] {
        let (end, _, seen) = run(word, 0x40, prepare);
        assert_eq!(end, CODE + 4);
        assert_eq!(seen, [Seen::Store(0x40, bytes)]);
    }
    let (_, _, seen) = run(stw(3, 0, BASE as u32), 0x40, |cpu| {
        prepare(cpu);
        cpu.set_msr(cpu.regs.msr & !msr::LE);
    });
    assert_eq!(seen, [Seen::Store(0x40, vec![0x55, 0x66, 0x77, 0x88])]);
}

#[test]
fn a_vector_is_two_doublewords() {
    // lxvd2x vs3
    let (_, cpu, seen) = run(indexed(3, 844), 0x20, |_| {});
    assert_eq!(seen, [Seen::Load(0x20, 8), Seen::Load(0x28, 8)]);
    assert_eq!(cpu.regs.vsr[3] >> 64, 0x2726_2524_2322_2120);
    // stxvd2x vs3
    let (_, _, seen) = run(indexed(3, 972), 0x20, |cpu| cpu.regs.vsr[3] = 7 << 64 | 9);
    let doubleword = |n: u64| n.to_le_bytes().to_vec();
    assert_eq!(
        seen,
        [
            Seen::Store(0x20, doubleword(7)),
            Seen::Store(0x28, doubleword(9))
        ]
    );
}

#[test]
fn an_access_that_is_not_aligned_raises_an_alignment_interrupt() {
    for word in [d(32, 3, 0), stw(3, 0, BASE as u32)] {
        let (end, cpu, seen) = run(word, 2, |_| {});
        assert_eq!((end, cpu.regs.dar), (0x600, DEVICE + 2));
        assert!(seen.is_empty());
    }
}

#[test]
fn what_needs_a_cache_is_refused_before_the_device_sees_anything() {
    // lwarx, ldat; lqarx
    for word in [
        lwarx(3, BASE as u32),
        x(3, BASE as u32, 0, 614),
        x(3, BASE as u32, 24, 614),
        indexed(6, 276),
    ] {
        let (end, cpu, seen) = run(word, 0, |_| {});
        assert_eq!(end, 0x300, "{word:#x}");
        assert_eq!(cpu.regs.dsisr & !STORE, CACHING_INHIBITED, "{word:#x}");
        assert!(seen.is_empty());
    }
    // stwcx., stqcx.
    for word in [stwcx(3, BASE as u32), indexed(6, 182) | 1] {
        let (end, cpu, seen) = run(word, 0, |_| {});
        assert_eq!(
            (end, cpu.regs.dsisr),
            (0x300, CACHING_INHIBITED | STORE),
            "{word:#x}"
        );
        assert!(seen.is_empty());
    }
    // dcbz
    let (end, cpu, seen) = run(indexed(0, 1014), 0x80, |_| {});
    assert_eq!((end, cpu.regs.dar), (0x600, DEVICE + 0x80));
    assert!(seen.is_empty());
}

#[test]
fn cache_management_finds_nothing_to_do() {
    // dcbst, dcbf
    for word in [indexed(0, 54), indexed(0, 86)] {
        let (end, _, seen) = run(word, 0, |_| {});
        assert_eq!(end, CODE + 4);
        assert!(seen.is_empty());
    }
}

#[test]
fn cache_inhibited_storage_instructions_are_the_hypervisors() {
    for xo in [789, 821, 853, 885, 917, 949, 981, 1013] {
        let (end, cpu, seen) = run(indexed(3, xo), 0, |_| {});
        assert_eq!(end, 0x700, "{xo}");
        assert_ne!(cpu.regs.srr1 & 1 << 18, 0, "privileged");
        assert!(seen.is_empty());
    }
}

#[test]
fn beyond_the_device_there_is_nothing() {
    for offset in [LEN, LEN - 4] {
        let (end, _, seen) = run(ld(3, 0, BASE as u32), offset & !7 | offset & 8, |_| {});
        assert_eq!(
            (end == 0x200, seen.is_empty()),
            (offset == LEN, offset == LEN)
        );
    }
    // Nothing is fetched from it.
    let (end, ..) = run(b((DEVICE - CODE) as i32 & 0x01ff_fffc), 0, |cpu| {
        cpu.regs.lr = DEVICE;
        cpu.regs.nia = DEVICE;
    });
    assert_eq!(end, 0x200);
}

#[test]
fn a_hypercall_reaches_a_device_in_the_sizes_that_it_is_promised() {
    let partition = partition(1);
    let device = Arc::new(Recorder::default());
    let memory = &partition.memory;
    memory.map_io(DEVICE, LEN, device.clone()).expect("free");
    let mut data = [0; 4];
    assert!(memory.read_io(DEVICE + 4, &mut data));
    assert_eq!(data, [4, 5, 6, 7]);
    assert!(memory.write_io(DEVICE + 2, &[1, 2]));
    assert!(!memory.read_io(DEVICE + 2, &mut data), "not aligned");
    assert!(!memory.write_io(DEVICE, &[0; 3]), "no size of an access");
    assert!(!memory.read_io(DEVICE + LEN, &mut data), "outside");
    assert!(!memory.read_io(0x1000, &mut data), "memory");
    assert_eq!(
        device.take(),
        [Seen::Load(4, 4), Seen::Store(2, vec![1, 2])]
    );
}

#[test]
fn regions_do_not_overlap() {
    let partition = partition(1);
    let device = Arc::new(Recorder::default());
    let memory = &partition.memory;
    assert_eq!(
        memory.map_io(0, 8, device.clone()),
        Err(MapError::Overlap(0))
    );
    memory.map_io(DEVICE, LEN, device.clone()).expect("free");
    let inside = DEVICE + LEN - 1;
    assert_eq!(
        memory.map_io(inside, 8, device.clone()),
        Err(MapError::Overlap(inside))
    );
    assert_eq!(
        memory.map_io(u64::MAX, 8, device.clone()),
        Err(MapError::TooHigh(u64::MAX))
    );
    assert!(memory.unmap_io(DEVICE) && !memory.unmap_io(DEVICE));
    memory.map_io(inside, 8, device).expect("free again");
}
