//! A processor that was saved and restored elsewhere goes on as if nothing had happened.

mod bare;

use std::sync::Arc;

use bare::*;
use power::signals::{EXTERNAL, KICK, PROD, SYSTEM_RESET};
use power::{Cpu, CpuState, Exit, Partition, PartitionState, StateError, msr};
use proptest::prelude::*;
use proptest::sample::select;

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x2_0000;
const DATA_SIZE: usize = 0x100;

/// Through text and back, as in a file.
fn through_a_file<T: serde::Serialize + serde::de::DeserializeOwned>(state: &T) -> T {
    serde_json::from_str(&serde_json::to_string(state).expect("plain data"))
        .expect("what was written")
}

/// All of RAM.
fn ram(partition: &Partition) -> Vec<u8> {
    let mut bytes = vec![0; RAM as usize];
    partition.memory.read(0, &mut bytes).expect("RAM");
    bytes
}

/// Another machine at the same point: a copy of memory, and the states through a file.
fn restored(from: &Cpu) -> Cpu {
    let elsewhere = partition(from.partition().vcpus());
    elsewhere
        .memory
        .write(0, &ram(from.partition()))
        .expect("RAM");
    let mut cpu = Cpu::new(&elsewhere, from.id()).expect("as many vCPUs");
    cpu.import(&through_a_file(&from.export()))
        .expect("the same vCPU");
    elsewhere
        .import(&through_a_file(&from.partition().export()))
        .expect("the same machine");
    cpu
}

/// What can be compared between vCPUs that were exported at different moments: the moment at which the decrementer expires,
/// in place of the moment of the export and what was left then.
fn timeless(cpu: &Cpu) -> CpuState {
    let mut state = cpu.export();
    state.decrementer = state.time_base.wrapping_add_signed(state.decrementer) as i64;
    state.time_base = 0;
    state
}

/// Registers that software can write and read back, with neither time nor place in them.
const SPRS: [u32; 20] = [
    1, 3, 8, 9, 13, 18, 19, 26, 27, 29, 61, 256, 272, 273, 274, 275, 784, 799, 815, 896,
];

fn move_spr(register: u32, spr: u32, opcode: u32) -> u32 {
    x(register, spr & 31, spr >> 5, opcode)
}

/// What touches registers alone.
const ARITHMETIC: &[&str] = &[
    "add", "addc", "adde", "addze", "subf", "subfe", "neg", "mulld", "mulhdu", "divd", "divwu",
    "modsd", "and", "or", "xor", "nor", "sld", "srad", "rlwinm", "rldicl", "rlwimi", "cntlzd",
    "popcntd", "extsw", "cmp", "cmpl", "cmpi", "crand", "crxor", "mcrf", "mfcr", "mtcrf", "isel",
    "setb", "addi", "addis", "addic", "andi.", "ori", "xoris", "fadd", "fsub", "fmul", "fdiv",
    "fsqrt", "fmadd", "fctid", "fcfid", "frsp", "fcmpu", "mffs", "mtfsf", "mtfsb1", "xsadddp",
    "xvadddp", "xvmulsp", "xvdivdp", "xxlxor", "xxpermdi", "xxspltw", "vadduwm", "vaddubs",
    "vaddsws", "vperm", "vsel", "vsldoi", "vmuleuw", "vcmpequb", "mfvscr", "mtvscr", "vaddfp",
    "mfvsrd", "mtvsrd", "mtvsrdd",
];

fn instruction() -> impl Strategy<Value = u32> {
    let rows: Vec<_> = power::decode::rows()
        .iter()
        .filter(|row| ARITHMETIC.contains(&row.mnemonic))
        .collect();
    assert!(
        rows.len() >= 60,
        "the list names instructions that there are"
    );
    let offset = (0..DATA_SIZE as i16 / 8).prop_map(|n| n * 8);
    prop_oneof![
        10 => (select(rows), any::<u32>()).prop_map(|(row, noise)| noise & !row.pattern.mask | row.pattern.value),
        2 => (0u32..32, select(&SPRS[..])).prop_map(|(register, spr)| move_spr(register, spr, 339)),
        2 => (0u32..32, select(&SPRS[..])).prop_map(|(register, spr)| move_spr(register, spr, 467)),
        // The address register is loaded before each access, since everything may have changed it.
        2 => (0u32..30, offset.clone()).prop_map(|(register, at)| std(register, at, 30)),
        2 => (0u32..30, offset).prop_map(|(register, at)| ld(register, at, 30)),
    ]
}

/// Puts [`DATA`] into r30 before what goes by it.
fn with_addresses(words: &[u32]) -> Vec<u32> {
    let lis = addi(30, 0, 0) | 1 << 26 | (DATA >> 16) as u32;
    words
        .iter()
        .flat_map(|&word| {
            if matches!(word >> 26, 58 | 62) {
                vec![lis, word]
            } else {
                vec![word]
            }
        })
        .collect()
}

/// Runs on through the program's next end: its hypercall, or an interrupt's at a vector.
fn go_on(cpu: &mut Cpu) {
    assert_eq!(cpu.run(), Exit::Hypercall);
    // An interrupt has ended at its vector; the program goes on where it was, one instruction further.
    while cpu.regs.nia < 0x1000 {
        cpu.regs.nia = cpu.regs.srr0 + 4;
        assert_eq!(cpu.run(), Exit::Hypercall);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_program_that_is_moved_half_way_ends_as_one_that_is_not(
        first in prop::collection::vec(instruction(), 1..60),
        second in prop::collection::vec(instruction(), 1..60),
        gprs in prop::array::uniform32(any::<u64>()),
        vectors in prop::array::uniform32(any::<u128>()),
        (big_endian, float_exceptions) in any::<(bool, bool)>(),
    ) {
        let partition = partition(1);
        hypercall_at_every_vector(&partition);
        let program = [with_addresses(&first), vec![HYPERCALL], with_addresses(&second), vec![HYPERCALL]].concat();
        let mut cpu = cpu(&partition, CODE);
        if big_endian {
            let bytes: Vec<u8> = program.iter().flat_map(|word| word.to_be_bytes()).collect();
            partition.memory.write(CODE, &bytes).expect("RAM");
            for vector in (0x100..0x1000).step_by(0x20) {
                partition.memory.write(vector, &HYPERCALL.to_be_bytes()).expect("RAM");
            }
            partition.set_interrupt_little_endian(false);
        } else {
            code(&partition, CODE, &program);
        }
        cpu.regs.gpr = gprs;
        for (n, vector) in vectors.into_iter().enumerate() {
            (cpu.regs.vsr[n], cpu.regs.vsr[63 - n]) = (vector, vector.rotate_left(77));
        }
        let mut msr = msr::SF | msr::ME | msr::FP | msr::VEC | msr::VSX;
        msr |= if big_endian { 0 } else { msr::LE };
        msr |= if float_exceptions { msr::FE0 | msr::FE1 } else { 0 };
        cpu.set_msr(msr);

        go_on(&mut cpu);
        // An interrupt may have left the program with another MSR: put it back, as rfid would.
        cpu.set_msr(msr);
        let mut moved = restored(&cpu);
        prop_assert_eq!(timeless(&moved), timeless(&cpu));
        go_on(&mut cpu);
        go_on(&mut moved);
        prop_assert_eq!(timeless(&moved), timeless(&cpu));
        prop_assert!(ram(moved.partition()) == ram(cpu.partition()), "memory differs");
    }

    #[test]
    fn any_state_that_is_taken_is_given_back_and_any_other_changes_nothing(
        flips in prop::collection::vec((0usize..40, any::<u64>()), 0..4),
    ) {
        let partition = partition(1);
        let mut cpu = cpu(&partition, CODE);
        let before = timeless(&cpu);
        let mut value = serde_json::to_value(cpu.export()).expect("plain data");
        for (field, number) in flips {
            let fields = value.as_object_mut().expect("a structure");
            let count = fields.len();
            let field = fields.values_mut().nth(field % count).expect("within");
            *field = number.into();
        }
        if let Ok(state) = serde_json::from_value::<CpuState>(value) {
            let expected = match cpu.import(&state) {
                Ok(()) => CpuState {
                    decrementer: state.time_base.wrapping_add_signed(state.decrementer) as i64,
                    time_base: 0,
                    ..state
                },
                Err(_) => before,
            };
            prop_assert_eq!(timeless(&cpu), expected);
            // Whatever it was, it can be run, and asked to stop.
            cpu.signals().raise(KICK);
            prop_assert_eq!(cpu.run(), Exit::Kicked);
        }
    }
}

#[test]
fn a_loop_that_is_kicked_at_any_moment_goes_on_elsewhere_to_the_same_end() {
    let partition = partition(1);
    code(
        &partition,
        CODE,
        &[addi(3, 3, 2), x(4, 4, 3, 266), bdnz(-8), HYPERCALL],
    );
    let mut cpu = cpu(&partition, CODE);
    const ROUNDS: u64 = 3_000_000;
    cpu.regs.ctr = ROUNDS;
    let mut moves = 0;
    loop {
        let signals = Arc::clone(cpu.signals());
        let kicker = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_micros(300));
            signals.raise(KICK);
        });
        let exit = cpu.run();
        kicker.join().expect("the kicker does not fail");
        match exit {
            Exit::Kicked => cpu = restored(&cpu),
            exit => {
                assert_eq!(exit, Exit::Hypercall);
                break;
            }
        }
        moves += 1;
    }
    assert!(moves > 0, "the loop takes longer than a kick");
    assert_eq!((cpu.regs.ctr, cpu.regs.gpr[3]), (0, 2 * ROUNDS));
    assert_eq!(cpu.regs.gpr[4], ROUNDS * (ROUNDS + 1));
}

#[test]
fn a_timer_fires_elsewhere_at_the_tick_that_it_was_set_to() {
    let partition = partition(1);
    partition.time_base.set(1 << 50);
    let mut cpu = cpu(&partition, CODE);
    cpu.regs.decrementer_expiry = (1 << 50) + 512_000_000_000;
    let state = cpu.export();
    // The vCPU first and the time base after it, which moves by a thousand years.
    let elsewhere = bare::partition(1);
    let mut moved = Cpu::new(&elsewhere, 0).expect("vCPU 0");
    moved
        .import(&through_a_file(&state))
        .expect("the same vCPU");
    elsewhere
        .import(&through_a_file(&partition.export()))
        .expect("the same machine");
    assert_eq!(moved.regs.decrementer_expiry, cpu.regs.decrementer_expiry);
    assert!(moved.decrementer() > 0 && moved.decrementer() <= state.decrementer);
    cpu.regs.decrementer_expiry = 5;
    assert!(cpu.export().decrementer < 0, "long since");
    moved.import(&cpu.export()).expect("the same vCPU");
    assert_eq!(moved.regs.decrementer_expiry, 5);
}

#[test]
fn what_waits_to_be_taken_is_carried_but_for_the_wire_that_others_drive() {
    let partition = partition(1);
    let cpu = cpu(&partition, CODE);
    cpu.signals().raise(SYSTEM_RESET | PROD | EXTERNAL | KICK);
    let mut moved = restored(&cpu);
    assert_eq!(
        moved.signals().flags() & (SYSTEM_RESET | PROD | EXTERNAL | KICK),
        SYSTEM_RESET | PROD
    );
    cpu.signals().clear(SYSTEM_RESET | PROD);
    moved.signals().raise(EXTERNAL);
    moved.import(&cpu.export()).expect("the same vCPU");
    assert_eq!(
        moved.signals().flags() & (SYSTEM_RESET | PROD | EXTERNAL),
        EXTERNAL
    );
}

#[test]
fn a_reservation_does_not_outlive_a_move() {
    let partition = partition(1);
    code(
        &partition,
        CODE,
        &[lwarx(5, 4), HYPERCALL, stwcx(4, 4), HYPERCALL],
    );
    let mut cpu = cpu(&partition, CODE);
    cpu.regs.gpr[4] = DATA;
    assert_eq!(cpu.run(), Exit::Hypercall);
    let mut moved = restored(&cpu);
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!(moved.run(), Exit::Hypercall);
    assert_eq!((cpu.regs.cr[0] & 2, moved.regs.cr[0] & 2), (2, 0));
}

#[test]
fn a_processor_that_ran_other_code_forgets_it() {
    let partition = partition(1);
    code(&partition, CODE, &[addi(3, 0, 1), HYPERCALL]);
    let saved = cpu(&partition, CODE);
    let elsewhere = bare::partition(1);
    code(&elsewhere, CODE, &[addi(3, 0, 2), HYPERCALL]);
    let mut moved = cpu(&elsewhere, CODE);
    assert_eq!(moved.run(), Exit::Hypercall);
    elsewhere.memory.write(0, &ram(&partition)).expect("RAM");
    moved.import(&saved.export()).expect("the same vCPU");
    assert_eq!(moved.run(), Exit::Hypercall);
    assert_eq!(moved.regs.gpr[3], 1);
}

#[test]
fn the_partition_is_carried_and_what_is_none_is_refused() {
    let partition = partition(2);
    partition.set_process_table(Some((0x10_0000, 16)));
    partition.set_interrupts_relocated(true);
    partition.time_base.set(1 << 45);
    let state = through_a_file(&partition.export());
    let elsewhere = bare::partition(2);
    elsewhere.import(&state).expect("the same machine");
    let again = elsewhere.export();
    assert!(again.time_base >= state.time_base);
    assert_eq!(
        PartitionState {
            time_base: 0,
            ..again
        },
        PartitionState {
            time_base: 0,
            ..state.clone()
        }
    );

    let table = |base, size_log2| Some(power::ProcessTableState { base, size_log2 });
    for (base, size) in [
        (0x10_0000, 11),
        (0x10_0000, 37),
        (0x10_0000, u32::MAX),
        (0x10_0010, 16),
        (u64::MAX - 4095, 16),
    ] {
        let damaged = PartitionState {
            process_table: table(base, size),
            interrupts_relocated: false,
            ..state.clone()
        };
        assert!(
            matches!(
                elsewhere.import(&damaged),
                Err(StateError::Impossible { .. })
            ),
            "{base:#x} {size}"
        );
    }
    assert!(elsewhere.interrupts_relocated(), "nothing changed");
    let other = PartitionState {
        vcpus: 3,
        ..state.clone()
    };
    assert_eq!(
        elsewhere.import(&other),
        Err(StateError::VcpuCount { saved: 3, here: 2 })
    );
    for version in [0, power::STATE_VERSION + 1] {
        let other = PartitionState {
            version,
            ..state.clone()
        };
        assert_eq!(elsewhere.import(&other), Err(StateError::Version(version)));
    }
}

#[test]
fn states_that_no_vcpu_can_be_in_are_refused() {
    let partition = partition(2);
    let mut cpu = cpu(&partition, CODE);
    let good = cpu.export();
    type Damage = fn(&mut CpuState);
    let damages: [(Damage, &str); 9] = [
        (|s| s.msr |= msr::HV, "hypervisor state"),
        (|s| s.msr |= msr::PR, "problem state without translation"),
        (|s| s.xer |= 1 << 40, "XER"),
        (|s| s.fpscr |= 1 << 50, "FPSCR"),
        (|s| s.vscr |= 2, "VSCR"),
        (|s| s.instructions = u64::MAX, "instructions"),
        (|s| s.version = 99, "version"),
        (|s| s.plain_sprs.clear(), "no SPRs"),
        (
            |s| {
                s.plain_sprs.insert(1000, 0);
            },
            "an SPR that is not there",
        ),
    ];
    for (damage, what) in damages {
        let mut state = good.clone();
        damage(&mut state);
        assert!(cpu.import(&state).is_err(), "{what}");
    }
    let other = CpuState { id: 1, ..good };
    assert_eq!(
        cpu.import(&other),
        Err(StateError::OtherVcpu { saved: 1, here: 0 })
    );
}

#[test]
fn a_state_of_the_first_version_may_hold_registers_that_are_no_more() {
    let partition = partition(1);
    let mut cpu = cpu(&partition, 0x1000);
    let mut state = cpu.export();
    state.plain_sprs.insert(787, 0x1_2345_6789);
    state.plain_sprs.remove(&823);
    state
        .plain_sprs
        .extend([793, 794, 799, 800, 801, 802, 803, 848, 855].map(|spr| (spr, 7)));
    assert!(
        cpu.import(&state).is_err(),
        "not in a state of this version"
    );
    state.version = 1;
    cpu.import(&state).expect("as the first version wrote it");
    let now = cpu.export();
    assert_eq!(
        (now.plain_sprs[&787], now.plain_sprs[&823]),
        (0x2345_6789, 0)
    );
    assert!(!now.plain_sprs.contains_key(&855));
    state.plain_sprs.insert(1000, 0);
    assert!(cpu.import(&state).is_err(), "a register that never was");
}
