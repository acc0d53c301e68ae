//! One machine, made of choices: program, tables, registers; and running it in lock step.

use power::signals::EXTERNAL;
use power::{Cpu, Exit, Partition, Xer, msr};
use power_float::Fpscr;
use power_jit::{JitOptions, JitService};
use power_lockstep::{LockStep, LockStepError, LockStepOptions, LockStepStatistics};

use crate::instructions::instruction;
use crate::layout::*;
use crate::random::Random;
use crate::{memory, program, tables};

/// Every facility and 64-bit mode.
const ALL: u64 = msr::SF | msr::ME | msr::FP | msr::VEC | msr::VSX | msr::RI;
/// Calls of the engine in a case of a seed, of one stretch each.
const ROUNDS: u64 = 24;
/// The same in a case of bytes: a fuzzer has more of many cases than of long ones.
const ROUNDS_OF_BYTES: u64 = 6;

/// What a machine is made of.
#[derive(Debug, Clone)]
pub struct Case {
    /// The program, which may be changed.
    pub code: Vec<u32>,
    seed: u64,
    /// Choices about all but the program.
    setup: Vec<u8>,
    rounds: u64,
}

impl Case {
    /// That of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            code: program::program(&mut Random::new(seed)),
            seed,
            setup: Vec::new(),
            rounds: ROUNDS,
        }
    }

    /// That of a fuzzer's bytes: 8 are a seed, one half of the others are choices about the
    /// program, the other half about all else. What they leave open the seed decides, so that any
    /// bytes make a whole machine.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let (seed, choices) = bytes.split_at(bytes.len().min(8));
        let seed = seed
            .iter()
            .fold(0, |seed, &byte| seed << 8 | u64::from(byte));
        let (program, setup) = choices.split_at(choices.len() / 2);
        Self {
            code: program::program(&mut Random::of_bytes(program, seed)),
            seed,
            setup: setup.to_vec(),
            rounds: ROUNDS_OF_BYTES,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// The two sides differ.
    ///
    /// # Panics
    /// Where the host has no memory for a small machine, or no JIT.
    pub fn run(&self) -> Result<LockStepStatistics, LockStepError> {
        // Not the numbers that the program was made of, so that it can be changed.
        let mut random = Random::of_bytes(&self.setup, !self.seed);
        let random = &mut random;
        let partition = memory::partition();
        let little = random.percent(80);
        partition.set_interrupt_little_endian(little);
        partition.set_interrupts_relocated(random.percent(60));
        fill(&partition, &mut random.fork());
        self.write_code(&partition, little, random);
        memory::add(&partition, TABLES);
        tables::build(&partition, random);
        partition.time_base.hold(random.below(1 << 50));

        let options = LockStepOptions::default();
        let service = eager();
        let (mut engine, mut cpu) = LockStep::new(&partition, service.code_tier(), options)?;
        set_registers(&mut cpu, little, random);
        engine.restart(&mut cpu)?;
        for _ in 0..self.rounds {
            let exit = engine.run_for(&mut cpu, 1)?;
            if matches!(exit, Some(Exit::Checkstop { .. })) {
                break;
            }
            monitor(&partition, &mut cpu, little, random);
        }
        engine.compare_memory(&mut cpu)?;
        Ok(engine.statistics())
    }

    fn write_code(&self, partition: &Partition, little: bool, random: &mut Random<'_>) {
        let write = |address: u64, words: &[u32]| {
            let order = if little {
                u32::to_le_bytes
            } else {
                u32::to_be_bytes
            };
            let bytes: Vec<u8> = words.iter().flat_map(|&word| order(word)).collect();
            partition
                .memory
                .write(address, &bytes)
                .expect("code lies in RAM");
        };
        let enable = random.percent(60);
        for vector in program::VECTORS {
            let handler = program::handler(vector, enable);
            write(vector, &handler);
            write(0x4000 + vector, &handler);
        }
        for level in 0..128 {
            for base in [0x3000, 0x1_7000] {
                write(base + level * 32, &[crate::encode::RFSCV]);
            }
        }
        write(DROP_ALL, &program::DROP_ALL_CODE);
        write(CODE, &self.code);
    }
}

/// A compiler that is asked soon and waited for.
fn eager() -> JitService {
    let options = JitOptions {
        threshold: 2,
        wait: true,
        ..JitOptions::default()
    };
    JitService::new(options).expect("the host has the JIT")
}

fn fill(partition: &Partition, random: &mut Random<'_>) {
    let bytes: Vec<u8> = (0..DATA_BYTES / 8)
        .flat_map(|_| number(random).to_le_bytes())
        .collect();
    partition
        .memory
        .write(DATA, &bytes)
        .expect("data lie in RAM");
}

/// A number that is often special in some way.
pub(crate) fn number(random: &mut Random<'_>) -> u64 {
    match random.below(8) {
        0 => random.pick(&[
            0,
            1,
            u64::MAX,
            i64::MIN as u64,
            i64::MAX as u64,
            0x8000_0000,
            0xffff_ffff,
        ]),
        1 => random.bits() as i32 as u64,
        2 => random.below(256),
        3 => random.pick(&[0x3ff0, 0x7ff0, 0x7ff8, 0x8000, 0x0001, 0x4009, 0x3f80]) << 48,
        4 => f64::from(random.bits() as i16).to_bits(),
        5 => pointer(random),
        _ => random.bits(),
    }
}

/// An address, mostly of data.
fn pointer(random: &mut Random<'_>) -> u64 {
    let offset = match random.below(4) {
        0 => random.below(DATA_BYTES),
        1 => random.below(DATA_BYTES) & !15,
        // Around the end of a page.
        _ => (random.below(DATA_BYTES / 4096) * 4096)
            .wrapping_add(random.below(64))
            .wrapping_sub(32),
    };
    match random.below(100) {
        0..=49 => WINDOW + (offset & 0x1_ffff),
        50..=79 => (LINEAR + DATA).wrapping_add(offset),
        80..=89 => DATA.wrapping_add(offset),
        90..=92 => LINEAR + CODE + (offset & 0x3fff),
        93..=94 => (LINEAR + memory::RAM)
            .wrapping_add(random.below(64))
            .wrapping_sub(48),
        95 => 0x8000_0000_0000_0000 | offset,
        _ => random.bits(),
    }
}

fn code_address(random: &mut Random<'_>) -> u64 {
    let offset = random.below(CODE_WORDS as u64 - 64) * 4;
    code_at(offset, random)
}

/// An effective address of an offset in the code.
fn code_at(offset: u64, random: &mut Random<'_>) -> u64 {
    match random.below(20) {
        0..=7 => WINDOW + offset,
        8..=16 => LINEAR + CODE + offset,
        17 | 18 => CODE + offset,
        _ => random.bits() & !3,
    }
}

fn msr_value(little: bool, random: &mut Random<'_>) -> u64 {
    let mut value = ALL | if little { msr::LE } else { 0 };
    for (bits, percent) in [
        (msr::IR | msr::DR, 75),
        (msr::PR, 20),
        (msr::EE, 40),
        (msr::FE0, 8),
        (msr::FE1, 8),
        (msr::SE, 2),
        (msr::BE, 2),
    ] {
        value |= if random.percent(percent) { bits } else { 0 };
    }
    for (bits, percent) in [
        (msr::FP, 10),
        (msr::VEC, 10),
        (msr::VSX, 10),
        (msr::ME, 2),
        (msr::SF, 4),
        (msr::IR, 4),
        (msr::DR, 4),
        (msr::LE, 2),
    ] {
        value ^= if random.percent(percent) { bits } else { 0 };
    }
    value
}

/// Puts a program somewhere, with everything that it needs to get on.
fn teleport(cpu: &mut Cpu, little: bool, random: &mut Random<'_>) {
    let regs = &mut cpu.regs;
    for n in POINTERS {
        regs.gpr[n as usize] = pointer(random);
    }
    let zone = program::zone(random);
    regs.gpr[TARGET[0] as usize] = code_at(zone, random);
    regs.gpr[TARGET[1] as usize] = code_address(random);
    let values = [msr_value(little, random), msr_value(little, random)];
    let page = WINDOW + random.below(WINDOW_PAGES) * 0x1000;
    // IS and AP.
    let page = page | (random.below(4) << 10) | random.pick(&[0, 0xa0]);
    for (register, value) in [
        (INDEX, random.below(64)),
        (ENTRY, 0),
        (PAGE, page),
        (MSR[0], values[0]),
        (MSR[1], values[1]),
        (WORD, instruction(random).into()),
        (NUMBER, random.below(3)),
    ] {
        regs.gpr[register as usize] = value;
    }
    regs.lr = code_address(random);
    regs.ctr = random.below(64);
    regs.tar = code_address(random);
    regs.amr = 0;
    regs.iamr = 0;
    // Where a handler goes that can't go back: to code that is there, in a mode in which it is.
    let relocate = random.pick(&[0, msr::IR | msr::DR]);
    regs.sprg[2] = LINEAR + CODE;
    regs.sprg[3] = ALL | relocate | if little { msr::LE } else { 0 };
    regs.nia = regs.gpr[TARGET[1] as usize];
    cpu.set_msr(values[0]);
}

fn set_registers(cpu: &mut Cpu, little: bool, random: &mut Random<'_>) {
    let regs = &mut cpu.regs;
    regs.gpr = std::array::from_fn(|_| number(random));
    regs.vsr =
        std::array::from_fn(|_| u128::from(number(random)) << 64 | u128::from(number(random)));
    regs.set_cr_bits(random.bits() as u32);
    regs.xer = Xer::from_bits(random.bits());
    let enables = random.bits() & 0xff;
    regs.fpscr = Fpscr::from_bits(random.pick(&[0, 1 << 25 | 1 << 31, enables]));
    regs.vscr = random.bits() as u32 & 0x1_0001;
    regs.srr0 = code_address(random);
    regs.srr1 = msr_value(little, random);
    regs.uamor = random.bits();
    regs.fscr = random.bits();
    teleport(cpu, little, random);
}

/// What the monitor does between two calls: answers, writes, interrupts, lets time pass.
fn monitor(partition: &Partition, cpu: &mut Cpu, little: bool, random: &mut Random<'_>) {
    let halfway = cpu.regs.gpr[ENTRY as usize] == WAY_IN;
    if random.percent(60) {
        teleport(cpu, little, random);
    }
    if halfway {
        // An entry may have been changed already, and what was made of it not been dropped.
        cpu.regs.gpr[ENTRY as usize] = 0;
        (cpu.regs.srr0, cpu.regs.srr1) = (cpu.regs.nia, cpu.regs.msr);
        cpu.regs.nia = DROP_ALL;
        cpu.set_msr(ALL | if little { msr::LE } else { 0 });
    }
    cpu.regs.gpr[3] = pointer(random);
    if random.percent(50) {
        let at = DATA + random.below(DATA_BYTES / 8) * 8;
        let bytes = number(random).to_le_bytes();
        partition.memory.write(at, &bytes).expect("data lie in RAM");
    }
    if let Some(signals) = partition.signals(0) {
        if random.percent(15) {
            signals.raise(EXTERNAL);
        } else {
            signals.clear(EXTERNAL);
        }
    }
    let now = partition.time_base.now();
    partition.time_base.hold(now + random.below(200_000));
}
