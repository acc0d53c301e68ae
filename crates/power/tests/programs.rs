//! Small programs: loops, atomics on several vCPUs, code that changes itself, and rubbish.

mod bare;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bare::*;
use power::signals::KICK;
use power::{Cpu, Exit, msr};

const CODE: u64 = 0x1_0000;
const COUNTER: u64 = 0x2_0000;

#[test]
fn a_loop_counts() {
    let partition = partition(1);
    code(&partition, CODE, &[addi(3, 3, 2), bdnz(-4), HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    cpu.regs.ctr = 100_000;
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!(cpu.regs.gpr[3], 200_000);
    assert!(cpu.instructions_executed() >= 200_000);
}

#[test]
fn reservations_make_increments_of_four_vcpus_add_up() {
    const EACH: u64 = 20_000;
    let partition = partition(4);
    partition.set_interrupt_little_endian(true);
    code(
        &partition,
        CODE,
        &[
            lwarx(5, 4),
            addi(5, 5, 1),
            stwcx(5, 4),
            bne(-12),
            bdnz(-16),
            HYPERCALL,
        ],
    );
    std::thread::scope(|scope| {
        for id in 0..4 {
            let partition = &partition;
            scope.spawn(move || {
                let mut cpu = Cpu::new(partition, id).expect("four vCPUs");
                cpu.set_msr(cpu.regs.msr | msr::LE);
                cpu.regs.nia = CODE;
                cpu.regs.gpr[4] = COUNTER;
                cpu.regs.ctr = EACH;
                assert_eq!(cpu.run(), Exit::Hypercall);
            });
        }
    });
    let mut bytes = [0; 4];
    partition.memory.read(COUNTER, &mut bytes).expect("RAM");
    assert_eq!(u64::from(u32::from_le_bytes(bytes)), 4 * EACH);
}

#[test]
fn code_that_changes_itself_runs_as_changed_after_icbi_and_isync() {
    let partition = partition(1);
    // The word at CODE + 0x20 is run, overwritten with r6, and run again.
    let words = [
        b(0x20),
        stw(6, 0, 7), // CODE + 4: back here after the first pass
        SYNC,
        icbi(7),
        SYNC,
        ISYNC,
        b(8),
        NOP,
        addi(3, 3, 1), // CODE + 0x20
        bdnz(-0x20),   // to CODE + 4 the first time, on the second time
        HYPERCALL,
    ];
    code(&partition, CODE, &words);
    let mut cpu = cpu(&partition, CODE);
    cpu.regs.gpr[6] = u64::from(addi(3, 3, 100));
    cpu.regs.gpr[7] = CODE + 0x20;
    cpu.regs.ctr = 2;
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!(cpu.regs.gpr[3], 101);
}

#[test]
fn random_words_with_random_registers_never_stop_the_host() {
    let mut state = 0x0123_4567_89ab_cdef_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let partition = partition(1);
    let rows = power::decode::rows();
    let done = Arc::new(AtomicBool::new(false));
    let kicker = {
        let (done, signals) = (
            Arc::clone(&done),
            Arc::clone(partition.signals(0).expect("vCPU 0")),
        );
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(std::time::Duration::from_millis(1));
                signals.raise(KICK);
            }
        })
    };
    for round in 0..100_000 {
        // Half are pure noise, half have a known opcode with noise in its operands.
        let noise = next() as u32;
        let word = if round % 2 == 0 {
            noise
        } else {
            let pattern = &rows[noise as usize % rows.len()].pattern;
            next() as u32 & !pattern.mask | pattern.value
        };
        code(&partition, CODE, &[word, HYPERCALL]);
        for vector in (0x100..0x1000).step_by(0x20) {
            if round % 1000 == 0 {
                code(&partition, vector, &[HYPERCALL]);
            }
        }
        code(&partition, 0x17000, &[HYPERCALL]);
        let mut cpu = cpu_of(&partition);
        for n in 0..32 {
            cpu.regs.gpr[n] = if next() % 2 == 0 {
                next()
            } else {
                next() & 0xffff
            };
        }
        for n in 0..64 {
            cpu.regs.vsr[n] = u128::from(next()) << 64 | u128::from(next());
        }
        cpu.regs.lr = CODE + 4;
        cpu.regs.ctr = CODE + 4;
        cpu.set_msr(
            cpu.regs.msr | msr::FP | msr::VEC | msr::VSX | if round % 3 == 0 { msr::EE } else { 0 },
        );
        // Stepped, so that one instruction is enough; where it leads astray, the kicks end it.
        cpu.set_msr(cpu.regs.msr | msr::SE);
        let exit = cpu.run();
        assert!(matches!(
            exit,
            Exit::Hypercall | Exit::Kicked | Exit::Checkstop { .. }
        ));
    }
    done.store(true, Ordering::Relaxed);
    kicker.join().expect("the kicker does not fail");
}

fn cpu_of(partition: &Arc<power::Partition>) -> Cpu {
    cpu(partition, CODE)
}
