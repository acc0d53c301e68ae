//! Interrupts as handlers see them (Book III, 6.5), and who wins over whom.

mod bare;

use bare::*;
use power::signals::{EXTERNAL, KICK, SYSTEM_RESET};
use power::{Cpu, Exit, msr};

const CODE: u64 = 0x1_0000;

/// Runs `words` at [`CODE`] with a hypercall at every vector; the vector reached.
fn vector_of(words: &[u32], prepare: impl FnOnce(&mut Cpu)) -> (u64, Cpu) {
    run_to_vector(CODE, words, prepare)
}

#[test]
fn a_system_call_saves_the_next_instruction() {
    let (vector, cpu) = vector_of(&[SC], |_| {});
    assert_eq!(vector, 0xc00);
    assert_eq!(cpu.regs.srr0, CODE + 4);
}

#[test]
fn a_trap_and_an_illegal_word_tell_themselves_apart_in_srr1() {
    let (vector, cpu) = vector_of(&[TRAP], |_| {});
    assert_eq!(
        (vector, cpu.regs.srr0, cpu.regs.srr1 & 0x1f_0000),
        (0x700, CODE, 1 << 17)
    );
    let (vector, cpu) = vector_of(&[0], |_| {});
    assert_eq!(
        (vector, cpu.regs.srr0, cpu.regs.srr1 & 0x1f_0000),
        (0x700, CODE, 1 << 19)
    );
}

#[test]
fn an_unaligned_reservation_is_an_alignment_interrupt() {
    let (vector, cpu) = vector_of(&[lwarx(3, 4)], |cpu| cpu.regs.gpr[4] = 0x2_0002);
    assert_eq!((vector, cpu.regs.dar), (0x600, 0x2_0002));
}

#[test]
fn floating_point_is_unavailable_until_msr_says_otherwise() {
    let lfd = 50 << 26 | 1 << 21 | 4 << 16;
    let (vector, cpu) = vector_of(&[lfd], |_| {});
    assert_eq!((vector, cpu.regs.srr0), (0x800, CODE));
    let (at, _) = vector_of(&[lfd, HYPERCALL], |cpu| cpu.set_msr(cpu.regs.msr | msr::FP));
    assert_eq!(at, CODE + 4);
}

#[test]
fn wires_and_timer_wait_for_ee_and_the_external_interrupt_comes_first() {
    let spin = [b(0)];
    let (vector, cpu) = vector_of(&spin, |cpu| {
        cpu.set_msr(cpu.regs.msr | msr::EE);
        cpu.regs.decrementer_expiry = 0;
        cpu.signals().raise(EXTERNAL);
    });
    assert_eq!(vector, 0x500);
    assert_eq!(cpu.regs.msr & msr::EE, 0);
    let (vector, _) = vector_of(&spin, |cpu| {
        cpu.set_msr(cpu.regs.msr | msr::EE);
        cpu.regs.decrementer_expiry = 0;
    });
    assert_eq!(vector, 0x900);
    let (vector, _) = vector_of(&[HYPERCALL], |cpu| cpu.signals().raise(EXTERNAL));
    assert_eq!(vector, CODE, "EE is off");
    let (vector, _) = vector_of(&spin, |cpu| cpu.signals().raise(SYSTEM_RESET));
    assert_eq!(vector, 0x100, "a system reset does not ask EE");
}

#[test]
fn setting_ee_takes_a_waiting_interrupt_before_much_else_happens() {
    // mtmsrd r5,1 with EE; a handful of instructions later the interrupt must be there.
    let mtmsrd = x(5, 0, 0, 178) | 1 << 16;
    let words: Vec<u32> = std::iter::once(mtmsrd)
        .chain(std::iter::repeat_n(NOP, 8))
        .chain([HYPERCALL])
        .collect();
    let (vector, cpu) = vector_of(&words, |cpu| {
        cpu.regs.gpr[5] = msr::EE | msr::RI;
        cpu.signals().raise(EXTERNAL);
    });
    assert_eq!((vector, cpu.regs.srr0), (0x500, CODE + 4));
}

/// mtmsrd r5,1: EE and RI from r5.
const MTMSRD_EE: u32 = x(5, 0, 0, 178) | 1 << 16;
const RFID: u32 = 19 << 26 | 18 << 1;
const RFSCV: u32 = 19 << 26 | 82 << 1;
const MFTB_R7: u32 = x(7, 12, 8, 339);
const MFDEC_R7: u32 = x(7, 22, 0, 339);
const MTDEC_R6: u32 = x(6, 22, 0, 467);

#[test]
fn a_decrementer_that_is_due_interrupts_before_the_instruction_after_ee_is_set() {
    let mtmsr = x(5, 0, 0, 146);
    let after_next = CODE + 8;
    // The program sees that the time has come, opens EE, and has one instruction in which it is open.
    for look in [MFTB_R7, MFDEC_R7] {
        for (open, enter) in [
            (MTMSRD_EE, CODE + 8),
            (mtmsr, CODE + 8),
            (RFID, after_next),
            (RFSCV, after_next),
        ] {
            let close = x(8, 0, 0, 178) | 1 << 16;
            let (vector, cpu) = vector_of(&[look, open, NOP, close, HYPERCALL], |cpu| {
                cpu.regs.decrementer_expiry = 0;
                cpu.regs.gpr[5] = cpu.regs.msr | msr::EE | msr::RI;
                (cpu.regs.srr0, cpu.regs.lr) = (after_next, after_next);
                (cpu.regs.srr1, cpu.regs.ctr) = (cpu.regs.gpr[5], cpu.regs.gpr[5]);
            });
            assert_eq!(
                (vector, cpu.regs.srr0),
                (0x900, enter),
                "{look:#x} {open:#x}"
            );
        }
    }
}

#[test]
fn a_loop_that_opens_ee_for_one_instruction_sees_its_decrementer() {
    // r5: EE on, r8: off; r9 counts windows down.
    let close = x(8, 0, 0, 178) | 1 << 16;
    let body = [NOP, NOP, MTMSRD_EE, close, NOP, NOP, bdnz(-24), HYPERCALL];
    let (vector, cpu) = vector_of(&body, |cpu| {
        cpu.regs.gpr[5] = msr::EE | msr::RI;
        cpu.regs.gpr[8] = msr::RI;
        cpu.regs.ctr = 4_000_000;
        cpu.regs.decrementer_expiry = cpu.partition().time_base.now();
    });
    assert_eq!((vector, cpu.regs.srr0), (0x900, CODE + 12));
    assert!(cpu.regs.ctr > 3_990_000, "a poll or so after it was due");
}

#[test]
fn a_negative_decrementer_written_while_ee_is_set_interrupts_at_once() {
    for (value, vector) in [
        (u64::MAX, 0x900),
        (1 << 55 | 1 << 40, 0x900),
        (1 << 54, CODE + 4),
        (1 << 56 | 1 << 50, CODE + 4),
    ] {
        let (reached, cpu) = vector_of(&[MTDEC_R6, HYPERCALL], |cpu| {
            cpu.set_msr(cpu.regs.msr | msr::EE);
            cpu.regs.gpr[6] = value;
        });
        assert_eq!(reached, vector, "{value:#x}");
        assert!(reached != 0x900 || cpu.regs.srr0 == CODE + 4);
    }
}

#[test]
fn a_decrementer_that_has_run_through_its_56_bits_is_positive_again() {
    let spin = [bdnz(0), HYPERCALL];
    for (past, vector) in [
        ((1 << 55) - 1_000_000_000, 0x900),
        ((1 << 55) + 1, CODE + 4),
    ] {
        let (reached, cpu) = vector_of(&spin, |cpu| {
            cpu.set_msr(cpu.regs.msr | msr::EE);
            cpu.regs.ctr = 100_000;
            cpu.regs.decrementer_expiry = cpu.partition().time_base.now().wrapping_sub(past);
        });
        assert_eq!(reached, vector);
        assert_eq!(cpu.decrementer() < 0, vector == 0x900);
    }
}

#[test]
fn a_decrementer_exception_ends_when_the_decrementer_is_written() {
    let words = [MFDEC_R7, MTDEC_R6, MTMSRD_EE, NOP, HYPERCALL];
    let (vector, _) = vector_of(&words, |cpu| {
        cpu.regs.decrementer_expiry = 0;
        cpu.regs.gpr[5] = msr::EE;
        cpu.regs.gpr[6] = 1 << 50;
    });
    assert_eq!(vector, CODE + 16);
}

#[test]
fn interrupts_move_with_lpcr_ail_only_where_translation_is_on() {
    let (vector, _) = vector_of(&[SC], |cpu| cpu.partition().set_interrupts_relocated(true));
    assert_eq!(vector, 0xc00, "real mode stays");
}

#[test]
fn system_call_vectored_needs_its_facility() {
    let scv = 17 << 26 | 1;
    let (vector, without) = vector_of(&[scv], |_| {});
    assert_eq!((vector, without.regs.fscr >> 56), (0xf60, 12));
    let partition = partition(1);
    code(&partition, CODE, &[scv]);
    code(&partition, 0x17000, &[HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    cpu.regs.fscr = 1 << 12;
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!((cpu.regs.nia, cpu.regs.lr), (0x17004, CODE + 4));
}

#[test]
fn single_stepping_interrupts_after_each_instruction() {
    let (vector, cpu) = vector_of(&[addi(3, 0, 1), addi(3, 3, 1)], |cpu| {
        cpu.set_msr(cpu.regs.msr | msr::SE)
    });
    assert_eq!(
        (vector, cpu.regs.srr0, cpu.regs.gpr[3]),
        (0xd00, CODE + 4, 1)
    );
}

#[test]
fn a_machine_check_with_me_off_stops_the_processor() {
    let partition = partition(1);
    code(&partition, CODE, &[ld(3, 0, 4)]);
    let mut cpu = cpu(&partition, CODE);
    cpu.set_msr(cpu.regs.msr & !msr::ME);
    cpu.regs.gpr[4] = 1 << 40;
    assert_eq!(
        cpu.run(),
        Exit::Checkstop {
            ea: 1 << 40,
            nia: CODE
        }
    );
}

#[test]
fn a_guest_that_only_takes_interrupts_can_still_be_kicked() {
    // Nothing but illegal words everywhere: an endless chain of program interrupts. Likewise a jump into the void.
    for nia in [CODE, 1 << 50, u64::MAX - 3] {
        let partition = partition(1);
        let mut cpu = cpu(&partition, nia);
        let signals = std::sync::Arc::clone(cpu.signals());
        let kicker = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            signals.raise(KICK);
        });
        assert!(matches!(cpu.run(), Exit::Kicked | Exit::Checkstop { .. }));
        kicker.join().expect("the kicker does not fail");
    }
}
