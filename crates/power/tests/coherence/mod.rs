//! Fetched code is stored code, for any engine: programs that rewrite code under every kind of
//! mapping and by every kind of store, with isync and never an icbi, on one vCPU or between
//! several.

use std::sync::Arc;
use std::time::{Duration, Instant};

use power::code_tier::CodeTier;
use power::signals::KICK;
use power::{Cpu, Exit, Partition, msr};

use super::bare::*;

/// What makes a vCPU's engine; None: the interpreter alone.
pub type Engine<'a> = &'a (dyn Fn() -> Option<Box<dyn CodeTier>> + Sync);

const CODE: u64 = 0x1_0000;
const PROCESS_TABLE: u64 = 0x2_0000;
const ROOT: u64 = 0x3_0000;
const LEVEL2: u64 = 0x4_0000;
const LEVEL3: u64 = 0x5_0000;
/// A table of 4 KiB or 64 KiB pages for each 2 MiB of the address space.
const LEVEL4: u64 = 0x6_0000;
/// The 2 MiB that the code is in, and the code in them: the last word of a 4 KiB page and what
/// follows.
const TARGET: u64 = 0x20_0000;
const FUNCTION: u64 = TARGET + 0x1_0ffc;
/// Flags of the writer and of the vCPUs that execute, 128 bytes apart.
const FLAGS: u64 = 0x10_0000;

const VALID: u64 = 1 << 63;
const LEAF: u64 = 1 << 62;
const RIGHTS: u64 = 8 | 4 | 2 | 1 | 0x100 | 0x80;

/// How the code is mapped where it is stored to and where it is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// Real mode.
    Real,
    /// The same 2 MiB page.
    Same,
    /// Two effective pages of 2 MiB.
    Large,
    /// A page of 64 KiB to store to, one of 2 MiB to execute.
    Mixed,
    /// Two effective pages of 64 KiB.
    Medium,
    /// Two effective pages of 4 KiB each.
    Small,
}

pub const MAPPINGS: [Mapping; 6] = [
    Mapping::Real,
    Mapping::Same,
    Mapping::Large,
    Mapping::Mixed,
    Mapping::Medium,
    Mapping::Small,
];

/// Where 2 MiB of effective addresses with pages of each size are; every one of them maps
/// [`TARGET`] but the first, which is real memory below it.
const LARGE: [u64; 2] = [0x40_0000, 0x60_0000];
const MEDIUM: [u64; 2] = [0x80_0000, 0xa0_0000];
const SMALL: [u64; 2] = [0xc0_0000, 0xe0_0000];

impl Mapping {
    /// Effective addresses of [`TARGET`]: to store to, and to execute.
    const fn places(self) -> [u64; 2] {
        match self {
            Self::Real => [TARGET; 2],
            Self::Same => [LARGE[0]; 2],
            Self::Large => LARGE,
            Self::Mixed => [MEDIUM[0], LARGE[0]],
            Self::Medium => MEDIUM,
            Self::Small => SMALL,
        }
    }
}

/// Page tables for PID 1: the first 2 MiB as they are, and [`TARGET`] at all the other places.
fn tables(partition: &Partition) {
    let size = 52 - 31;
    let process = (size >> 3) << 61 | (size & 7) << 5 | ROOT | 13;
    table_entry(partition, PROCESS_TABLE + 16, process);
    table_entry(partition, ROOT, VALID | LEVEL2 | 9);
    table_entry(partition, LEVEL2, VALID | LEVEL3 | 9);
    let large = |ea: u64, real: u64| {
        table_entry(
            partition,
            LEVEL3 + (ea >> 21) * 8,
            VALID | LEAF | real | RIGHTS,
        );
    };
    large(0, 0);
    LARGE.into_iter().for_each(|ea| large(ea, TARGET));
    for (n, (ea, bits)) in [(MEDIUM[0], 5), (MEDIUM[1], 5), (SMALL[0], 9), (SMALL[1], 9)]
        .into_iter()
        .enumerate()
    {
        let table = LEVEL4 + n as u64 * 0x1000;
        table_entry(partition, LEVEL3 + (ea >> 21) * 8, VALID | table | bits);
        for page in 0..1 << bits {
            let real = TARGET + (page << (21 - bits));
            table_entry(partition, table + page * 8, VALID | LEAF | real | RIGHTS);
        }
    }
    partition.set_process_table(Some((PROCESS_TABLE, 16)));
}

const BLR: u32 = 0x4e80_0020;
/// or 1,1,1: of loops that wait.
const PAUSE: u32 = x(1, 1, 1, 444);
const BCTRL: u32 = 0x4e80_0421;
/// Traps where r3 is not r9: the version that was to be run.
const TRAP_IF_WRONG: u32 = 31 << 26 | 24 << 21 | 3 << 16 | 9 << 11 | 4 << 1;
const fn mtctr(rs: u32) -> u32 {
    0x7c09_03a6 | rs << 21
}
const fn cmpd(ra: u32, rb: u32) -> u32 {
    x(1, ra, rb, 0)
}
/// The function, in its version `n`.
fn version(n: u16) -> [u32; 2] {
    [addi(3, 0, n as i16), BLR]
}

/// How the word in r6 is stored at r7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// stw
    Word,
    /// std of the word and what follows it, which is in the next page.
    Crossing,
    /// lwarx, stwcx.
    Conditional,
    /// lwat (swap)
    Atomic,
    /// dcbz, and stw.
    Zero,
    /// stxvx of the function and zeros after it.
    Vector,
}

pub const STORES: [Store; 6] = [
    Store::Word,
    Store::Crossing,
    Store::Conditional,
    Store::Atomic,
    Store::Zero,
    Store::Vector,
];

impl Store {
    /// Code that has r6 to r8 and r20 to r29 for itself but r7. r5 holds the word after the
    /// function's first, shifted left.
    fn code(self) -> Vec<u32> {
        const RLDICL_32: u32 = 30 << 26 | 6 << 21 | 20 << 16 | 1 << 5;
        match self {
            Self::Word => vec![stw(6, 0, 7)],
            // r20 = r5 | r6 (zero-extended)
            Self::Crossing => vec![RLDICL_32, x(5, 20, 20, 444), std(20, 0, 7)],
            Self::Conditional => vec![lwarx(20, 7), stwcx(6, 7), bne(-8)],
            // r22 = r6; lwat r21, r7, 8: maximum and swap are 8
            Self::Atomic => vec![x(6, 22, 6, 444), x(21, 7, 8, 582)],
            // The function's second word is in the next block.
            Self::Zero => vec![x(0, 0, 7, 1014), stw(6, 0, 7)],
            // mtvsrdd vs0, 0, r20; stxvx vs0, 0, r7
            Self::Vector => vec![
                RLDICL_32,
                x(5, 20, 20, 444),
                31 << 26 | 20 << 11 | 435 << 1,
                x(0, 0, 7, 396),
            ],
        }
    }
}

/// A vCPU that is about to run the code at `at`, and where the mapping says.
fn ready(partition: &Arc<Partition>, id: u32, at: u64, mapping: Mapping, engine: Engine) -> Cpu {
    let mut cpu = Cpu::new(partition, id).expect("there are so many vCPUs");
    cpu.set_msr(cpu.regs.msr | msr::LE | msr::FP | msr::VEC | msr::VSX);
    if mapping != Mapping::Real {
        cpu.regs.pid = 1;
        cpu.set_msr(cpu.regs.msr | msr::IR | msr::DR);
    }
    cpu.regs.nia = at;
    let [write, execute] = mapping.places();
    cpu.regs.gpr[5] = u64::from(BLR) << 32;
    cpu.regs.gpr[6] = u64::from(version(0)[0]);
    cpu.regs.gpr[7] = write + (FUNCTION - TARGET);
    cpu.regs.gpr[8] = execute + (FUNCTION - TARGET);
    cpu.set_code_tier(engine());
    cpu
}

/// Machine with page tables and the function in its version 0.
fn machine(vcpus: u32) -> Arc<Partition> {
    let partition = partition(vcpus);
    tables(&partition);
    partition.set_interrupt_little_endian(true);
    code(&partition, FUNCTION, &version(0));
    for vector in (0x200..0xf00).step_by(0x100) {
        code(&partition, vector, &[NOP, TRAP, b(0)]);
    }
    // A trap says what it found.
    code(&partition, 0x700, &[HYPERCALL]);
    partition
}

/// One vCPU rewrites the function `versions` times, and calls each version `calls` times; with an
/// isync between, or without.
pub fn one_vcpu_runs_what_it_stored(
    mapping: Mapping,
    store: Store,
    versions: u16,
    calls: i16,
    isync: bool,
    engine: Engine,
) {
    let partition = machine(1);
    let mut program = vec![addi(9, 9, 1), addi(6, 6, 1)];
    program.extend(store.code());
    program.extend([
        SYNC,
        if isync { ISYNC } else { NOP },
        addi(10, 0, calls),
        mtctr(8),
        BCTRL,
        TRAP_IF_WRONG,
    ]);
    // r10 counts calls, r11 versions.
    program.extend([addi(10, 10, -1), cmpd(10, 12), bne(-20)]);
    program.extend([addi(11, 11, -1), cmpd(11, 12)]);
    program.push(bne(-4 * program.len() as i16));
    program.push(HYPERCALL);
    code(&partition, CODE, &program);
    let mut cpu = ready(&partition, 0, CODE, mapping, engine);
    cpu.regs.gpr[11] = versions.into();
    assert_eq!(cpu.run(), Exit::Hypercall);
    let [found, expected] = [cpu.regs.gpr[3], cpu.regs.gpr[9]];
    let end = CODE + 4 * program.len() as u64;
    assert_eq!(
        (cpu.regs.nia, found),
        (end, expected),
        "{mapping:?} {store:?}: version {found} ran where {expected} was stored (SRR0 {:#x})",
        cpu.regs.srr0
    );
    assert_eq!(expected, versions.into());
}

/// Who stores the versions that the vCPUs execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Another vCPU.
    Vcpu,
    /// The host, as a device or the monitor does.
    Host,
}

/// `executors` vCPUs run each version that a writer stores, after they have seen its flag, an isync
/// between.
pub fn vcpus_run_what_another_stored(
    mapping: Mapping,
    writer: Writer,
    executors: u32,
    versions: u16,
    engine: Engine,
) {
    const DONE: u64 = 128;
    let partition = machine(executors + 1);
    // r13: the writer's flag, r14: mine.
    let execute = [
        addi(9, 9, 1),
        // wait: the flag is r9
        ld(15, 0, 13),
        PAUSE,
        cmpd(15, 9),
        bne(-12),
        ISYNC,
        addi(10, 0, 3),
        mtctr(8),
        BCTRL,
        TRAP_IF_WRONG,
        addi(10, 10, -1),
        cmpd(10, 12),
        bne(-20),
        std(9, 0, 14),
        addi(11, 11, -1),
        cmpd(11, 12),
        bne(-64),
        HYPERCALL,
    ];
    let mut write = vec![
        addi(9, 9, 1),
        addi(6, 6, 1),
        stw(6, 0, 7),
        SYNC,
        std(9, 0, 13),
    ];
    for executor in 1..=executors {
        let flag = (DONE * u64::from(executor)) as i16;
        write.extend([ld(15, flag, 13), PAUSE, cmpd(15, 9), bne(-12)]);
    }
    write.extend([addi(11, 11, -1), cmpd(11, 12)]);
    write.push(bne(-4 * write.len() as i16));
    write.push(HYPERCALL);
    code(&partition, CODE, &execute);
    code(&partition, CODE + 0x1000, &write);
    std::thread::scope(|scope| {
        for id in 0..=executors {
            if id == 0 && writer == Writer::Host {
                continue;
            }
            let partition = &partition;
            scope.spawn(move || {
                let at = if id == 0 { CODE + 0x1000 } else { CODE };
                let mut cpu = ready(partition, id, at, mapping, engine);
                cpu.regs.gpr[11] = versions.into();
                cpu.regs.gpr[13] = FLAGS;
                cpu.regs.gpr[14] = FLAGS + DONE * u64::from(id);
                let exit = cpu.run();
                let [found, expected] = [cpu.regs.gpr[3], cpu.regs.gpr[9]];
                let wrong = id != 0 && found != expected;
                if wrong {
                    // Nobody waits for a vCPU that has failed.
                    (0..=executors)
                        .filter_map(|id| partition.signals(id))
                        .for_each(|signals| signals.raise(KICK));
                }
                assert!(
                    !wrong,
                    "{mapping:?} {writer:?}: vCPU {id} ran version {found}, not {expected}"
                );
                assert_eq!(exit, Exit::Hypercall);
            });
        }
        if writer == Writer::Host {
            write_by_host(&partition, executors, versions, DONE);
        }
    });
}

fn write_by_host(partition: &Partition, executors: u32, versions: u16, done: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    for n in 1..=versions {
        let word = version(n)[0].to_le_bytes();
        partition.memory.write(FUNCTION, &word).expect("RAM");
        let flag = u64::from(n).to_le_bytes();
        partition.memory.write(FLAGS, &flag).expect("RAM");
        for executor in 1..=u64::from(executors) {
            loop {
                let mut seen = [0; 8];
                let at = FLAGS + done * executor;
                partition.memory.read(at, &mut seen).expect("RAM");
                if u64::from_le_bytes(seen) >= u64::from(n) || Instant::now() > deadline {
                    break;
                }
                std::thread::yield_now();
            }
        }
    }
}

/// A loop that counts in the page of its own code: data beside code.
pub fn data_beside_code_is_stored_and_code_goes_on(rounds: u32, engine: Engine) {
    const COUNTER: u64 = CODE + 0x800;
    let partition = machine(1);
    let program = [
        ld(3, 0, 4),
        addi(3, 3, 1),
        std(3, 0, 4),
        mtctr(8),
        BCTRL,
        addi(11, 11, -1),
        cmpd(11, 12),
        bne(-28),
        HYPERCALL,
    ];
    code(&partition, CODE, &program);
    // The function counts too.
    code(&partition, FUNCTION, &[addi(16, 16, 1), BLR]);
    let mut cpu = ready(&partition, 0, CODE, Mapping::Real, engine);
    cpu.regs.gpr[4] = COUNTER;
    cpu.regs.gpr[11] = rounds.into();
    assert_eq!(cpu.run(), Exit::Hypercall);
    let mut bytes = [0; 8];
    partition.memory.read(COUNTER, &mut bytes).expect("RAM");
    assert_eq!(
        (u64::from_le_bytes(bytes), cpu.regs.gpr[16]),
        (rounds.into(), rounds.into())
    );
}
