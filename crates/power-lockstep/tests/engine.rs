//! Lock step on small programs: right engines go through clean, and each kind of wrong one is caught where it goes wrong.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::bare::*;
use common::{Fault, Faulty, eager, lock_step};
use power::code_tier::CodeTier;
use power::engine::Width;
use power::signals::{EXTERNAL, KICK};
use power::{Cpu, Exit, Partition, msr};
use power_lockstep::{Difference, LockStep, LockStepError, LockStepOptions};

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x10_0000;
const MFTB: u32 = 0x7c00_42a6 | 12 << 16;

/// A loop in pages of its own: counts r3 up, stores it, and calls a function elsewhere.
fn busy() -> Vec<u32> {
    vec![
        addi(3, 3, 1),
        std(3, 0, 6),
        b(0x2000) | 1,
        ld(5, 0, 6),
        addi(6, 6, 8),
        bdnz(-20),
        HYPERCALL,
    ]
}

/// A machine with [`busy`], its function at [`CODE`] + 0x2008, and a handler for each interrupt that is a hypercall.
fn machine() -> Arc<Partition> {
    let partition = partition(1);
    code(&partition, CODE, &busy());
    code(&partition, CODE + 0x2008, &[addi(4, 4, 2), 0x4e80_0020]);
    for vector in [0x200, 0x300, 0x500, 0x700, 0x900] {
        code(&partition, vector, &[HYPERCALL]);
    }
    partition
}

fn start(partition: &Arc<Partition>, jit: Box<dyn CodeTier>, turns: u64) -> (LockStep, Cpu) {
    let (engine, mut cpu) = lock_step(partition, jit, CODE);
    cpu.regs.ctr = turns;
    cpu.regs.gpr[6] = DATA;
    (engine, cpu)
}

fn must_run(engine: &mut LockStep, cpu: &mut Cpu) -> Exit {
    match engine.run(cpu) {
        Ok(exit) => exit,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn equal_engines_go_through_a_program_and_compiled_code_did_most_of_it() {
    let service = eager();
    let partition = machine();
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), 20_000);
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    assert_eq!((cpu.regs.gpr[3], cpu.regs.gpr[4]), (20_000, 40_000));
    let statistics = engine.statistics();
    assert!(statistics.stretches > 30, "{statistics:?}");
    assert!(statistics.places > 50, "{statistics:?}");
    assert!(
        statistics.compiled > 10 * statistics.interpreted,
        "{statistics:?}"
    );
}

#[test]
fn both_read_the_same_time_and_it_goes_on() {
    let service = eager();
    let partition = partition(1);
    // Reads the time base until it has moved; r7 counts, r8 sums up what was read.
    let program = [
        MFTB | 5 << 21,
        addi(7, 7, 1),
        MFTB | 6 << 21,
        x(8, 8, 6, 266),
        // cmpd r5, r6
        31 << 26 | 1 << 21 | 5 << 16 | 6 << 11,
        // beq -12
        16 << 26 | 12 << 21 | 2 << 16 | (-12i16 as u16 as u32 & 0xfffc),
        bdnz(-24),
        HYPERCALL,
    ];
    code(&partition, CODE, &program);
    let (mut engine, mut cpu) = lock_step(&partition, service.code_tier(), CODE);
    cpu.regs.ctr = 50;
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    assert!(cpu.regs.gpr[6] > cpu.regs.gpr[5]);
}

#[test]
fn a_decrementer_interrupts_both_at_the_same_instruction() {
    let service = eager();
    let partition = machine();
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), u64::MAX);
    code(&partition, CODE, &[addi(3, 3, 1), b(-4)]);
    cpu.set_msr(cpu.regs.msr | msr::EE);
    engine.restart(&mut cpu).expect("the host has memory");
    cpu.regs.decrementer_expiry = cpu.partition().time_base.now() + 2_000_000;
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    assert_eq!(cpu.regs.nia, 0x904);
    assert!(cpu.regs.gpr[3] > 1000);
}

#[test]
fn signals_of_the_machine_arrive_on_both() {
    let service = eager();
    let partition = machine();
    code(&partition, CODE, &[addi(3, 3, 1), b(-4)]);
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), 0);
    cpu.set_msr(cpu.regs.msr | msr::EE);
    for (flag, exit) in [(KICK, Exit::Kicked), (EXTERNAL, Exit::Hypercall)] {
        let signals = Arc::clone(partition.signals(0).expect("vCPU 0"));
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            signals.raise(flag);
        });
        assert_eq!(must_run(&mut engine, &mut cpu), exit);
        other.join().expect("it only signals");
    }
    assert_eq!(cpu.regs.nia, 0x504);
}

#[test]
fn what_the_monitor_changes_in_a_hypercall_is_seen_by_both() {
    let service = eager();
    let partition = machine();
    // Loads what the monitor has written, and asks again.
    code(
        &partition,
        CODE,
        &[
            HYPERCALL,
            ld(5, 0, 4),
            x(3, 3, 5, 266),
            bdnz(-12),
            HYPERCALL,
        ],
    );
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), 100);
    let mut sum = 0;
    for n in 0..100u64 {
        assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
        let at = DATA + n * 0x1008;
        partition.memory.write(at, &n.to_le_bytes()).expect("RAM");
        cpu.regs.gpr[4] = at;
        sum += n;
    }
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    assert_eq!(cpu.regs.gpr[3], sum);
}

#[test]
fn memory_that_comes_and_goes_does_so_on_both() {
    let service = eager();
    let partition = machine();
    code(&partition, CODE, &[ld(5, 0, 4), std(5, 8, 4), HYPERCALL]);
    code(&partition, 0x200, &[HYPERCALL]);
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), 0);
    let far = 1 << 40;
    // Another machine's memory will do as a module.
    let module = common::bare::partition(1)
        .memory
        .unmap(0)
        .expect("it has some");
    for round in 0..4 {
        cpu.regs.nia = CODE;
        cpu.regs.gpr[4] = far;
        cpu.set_msr(cpu.regs.msr | msr::ME);
        assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
        let plugged = round % 2 == 1;
        assert_eq!(
            cpu.regs.nia,
            if plugged { CODE + 12 } else { 0x204 },
            "round {round}"
        );
        if plugged {
            partition.memory.unmap(far).expect("it is there");
        } else {
            partition
                .memory
                .map(far, Arc::clone(&module))
                .expect("room");
        }
    }
}

/// Counts loads, and remembers the last number stored.
#[derive(Default)]
struct Counter {
    loads: std::sync::atomic::AtomicU64,
    stored: std::sync::atomic::AtomicU64,
}

impl vm_core::MmioDevice for Counter {
    fn read(&self, _: u64, data: &mut [u8]) {
        let count = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        data.copy_from_slice(&count.to_le_bytes()[..data.len()]);
    }
    fn write(&self, _: u64, data: &[u8]) {
        let mut number = [0; 8];
        number[..data.len()].copy_from_slice(data);
        self.stored
            .store(u64::from_le_bytes(number), Ordering::SeqCst);
    }
}

const DEVICE: u64 = 1 << 40;
const TURNS: u64 = 10_000;

/// A loop that adds up what it loads from a device, and stores the sum there.
fn with_device(jit: Box<dyn CodeTier>) -> (Arc<Counter>, LockStep, Cpu) {
    let partition = machine();
    let program = [
        ld(5, 0, 4),
        x(3, 3, 5, 266),
        std(3, 8, 4),
        bdnz(-12),
        HYPERCALL,
    ];
    code(&partition, CODE, &program);
    let device = Arc::new(Counter::default());
    let mapped = partition.memory.map_io(DEVICE, 0x1000, device.clone());
    mapped.expect("nothing else is there");
    let (engine, mut cpu) = start(&partition, jit, TURNS);
    cpu.regs.gpr[4] = DEVICE;
    (device, engine, cpu)
}

#[test]
fn a_device_sees_each_access_of_both_engines_once() {
    let service = eager();
    let (device, mut engine, mut cpu) = with_device(service.code_tier());
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    let sum = TURNS * (TURNS + 1) / 2;
    assert_eq!(device.loads.load(Ordering::SeqCst), TURNS);
    assert_eq!(device.stored.load(Ordering::SeqCst), sum);
    assert_eq!(cpu.regs.gpr[3], sum);
    let statistics = engine.statistics();
    assert!(
        statistics.compiled > statistics.interpreted,
        "{statistics:?}"
    );
}

#[test]
fn an_access_that_one_engine_makes_differently_is_reported() {
    let service = eager();
    let faulty = Faulty {
        inner: service.code_tier(),
        left: 3,
        // One load too many.
        fault: Box::new(|cpu| cpu.read_memory(DEVICE, Width::Double).is_ok()),
    };
    let (_, mut engine, mut cpu) = with_device(Box::new(faulty));
    let Err(LockStepError::Difference(difference)) = engine.run(&mut cpu) else {
        panic!("the engines differ");
    };
    let io = difference.io.as_ref().expect("an access is one too many");
    assert_eq!(io.jit.as_ref().map(|access| access.address), Some(DEVICE));
    assert!(
        difference.to_string().contains("I/O: JIT load at"),
        "{difference}"
    );
}

#[test]
fn a_restart_begins_with_the_memory_and_the_processor_of_the_machine() {
    let service = eager();
    let partition = machine();
    let (mut engine, mut cpu) = start(&partition, service.code_tier(), 1000);
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    cpu.reset();
    cpu.set_msr(cpu.regs.msr | msr::LE);
    cpu.regs.nia = CODE;
    cpu.regs.gpr[6] = DATA;
    cpu.regs.ctr = 3000;
    engine.restart(&mut cpu).expect("the host has memory");
    assert_eq!(must_run(&mut engine, &mut cpu), Exit::Hypercall);
    assert_eq!(cpu.regs.gpr[3], 3000);
}

#[test]
fn more_than_one_vcpu_is_refused_with_what_to_do() {
    let service = eager();
    let error = LockStep::new(
        &Partition::new(2),
        service.code_tier(),
        LockStepOptions::default(),
    )
    .err()
    .expect("two vCPUs can't be repeated");
    assert!(error.to_string().contains("--cpus 1"), "{error}");
}

/// The difference that a fault in the `nth` run of compiled code makes.
fn caught(nth: u32, options: LockStepOptions, fault: Fault) -> Difference {
    let service = eager();
    let partition = machine();
    let faulty = Faulty {
        inner: service.code_tier(),
        left: nth,
        fault,
    };
    let (mut engine, mut cpu) =
        LockStep::new(&partition, Box::new(faulty), options).expect("one vCPU");
    cpu.set_msr(cpu.regs.msr | msr::LE);
    cpu.regs.nia = CODE;
    cpu.regs.ctr = 100_000;
    cpu.regs.gpr[6] = DATA;
    match engine.run(&mut cpu) {
        Err(LockStepError::Difference(difference)) => *difference,
        other => panic!("not caught: {other:?}"),
    }
}

#[test]
fn a_wrong_register_is_caught_in_its_stretch_with_both_values_and_the_code() {
    for nth in [1, 7, 60] {
        let fault: Fault = Box::new(|cpu| {
            cpu.regs.gpr[20] ^= 1 << 33;
            true
        });
        let difference = caught(nth, LockStepOptions::default(), fault);
        let [wrong] = &difference.registers[..] else {
            panic!("{difference}")
        };
        assert_eq!(
            (wrong.name.as_str(), wrong.jit, wrong.interpreter),
            ("r20", 1 << 33, 0)
        );
        assert_eq!(difference.memory, []);
        let text = difference.to_string();
        for part in ["r20", "0x200000000", "addi r4,r4,2", "std r3,0(r6)", "CTR="] {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
}

#[test]
fn each_register_that_a_guest_has_is_watched() {
    type Spoil = fn(&mut Cpu);
    let faults: [(&str, Spoil); 9] = [
        ("vs40", |cpu| cpu.regs.vsr[40] = 1),
        ("CR", |cpu| cpu.regs.cr[7] ^= 1),
        ("XER", |cpu| cpu.regs.xer.ca ^= true),
        ("FPSCR", |cpu| {
            cpu.regs.fpscr = power_float::Fpscr::from_bits(1)
        }),
        ("CTR", |cpu| cpu.regs.ctr += 1),
        ("NIA", |cpu| cpu.regs.nia = CODE + 0x2008),
        ("SRR1", |cpu| cpu.regs.srr1 = 1),
        ("VRSAVE", |cpu| cpu.regs.vrsave = 1),
        ("MSR", |cpu| cpu.set_msr(cpu.regs.msr | msr::FP)),
    ];
    for (name, fault) in faults {
        let fault: Fault = Box::new(move |cpu| {
            fault(cpu);
            true
        });
        let difference = caught(20, LockStepOptions::default(), fault);
        assert!(
            difference.registers.iter().any(|m| m.name == name),
            "{name}: {difference}"
        );
    }
}

#[test]
fn a_wrong_byte_of_memory_is_caught_in_its_stretch() {
    let fault: Fault = Box::new(|cpu| {
        cpu.write_memory(0x30_0123, 0x5a, Width::Byte).expect("RAM");
        true
    });
    let difference = caught(50, LockStepOptions::default(), fault);
    let [line] = &difference.memory[..] else {
        panic!("{difference}")
    };
    assert_eq!(line.address, 0x30_0120);
    assert_eq!((line.jit[3], line.interpreter), (0x5a, [0; 16]));
    assert_eq!(difference.registers, []);
}

#[test]
fn memory_that_no_log_covers_is_caught_by_the_sweep() {
    let fault: Fault = Box::new(|cpu| {
        cpu.partition().stop_dirty_log();
        cpu.partition().memory.write(0x3f_0000, &[1]).expect("RAM");
        true
    });
    let difference = caught(5, LockStepOptions::default(), fault);
    assert_eq!(difference.memory[0].address, 0x3f_0000);
}

#[test]
fn an_engine_that_counts_wrong_is_caught() {
    let fault: Fault = Box::new(|cpu| {
        let left = cpu.budget().saturating_sub(1);
        cpu.set_budget(left);
        left > 0
    });
    let difference = caught(30, LockStepOptions::default(), fault);
    assert!(!difference.registers.is_empty(), "{difference}");
}
