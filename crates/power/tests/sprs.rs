//! mfspr and mtspr of all 1024 numbers in problem and in privileged state, against a table written
//! from the Power ISA 3.0B, Book III, 4.4.4, for a guest without hypervisor state.

mod bare;

use std::sync::Arc;

use bare::*;
use power::{Cpu, Exit, Partition, msr};

const CODE: u64 = 0x1_0000;
const ALL: u64 = u64::MAX;
const WORD: u64 = 0xffff_ffff;

/// What a direction of an access does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It is carried out.
    Works,
    /// The register is not there for it.
    None,
    /// It needs this facility of FSCR.
    Facility(u8),
    /// Illegal in problem state though the register can be read there (MMCR0\[PMCC\] = 0).
    Illegal,
}

/// A register: what reads and writes do in problem state, and in privileged state; the bits it has.
/// What it holds is not asked of registers that are views, clocks, or have effects.
struct Register {
    numbers: std::ops::RangeInclusive<u32>,
    problem: [Way; 2],
    privileged: [Way; 2],
    bits: Option<u64>,
}

use Way::{Facility, Illegal, None as No, Works};

const fn register(
    first: u32,
    last: u32,
    problem: [Way; 2],
    privileged: [Way; 2],
    bits: Option<u64>,
) -> Register {
    Register {
        numbers: first..=last,
        problem,
        privileged,
        bits,
    }
}

const RW: [Way; 2] = [Works, Works];
const RO: [Way; 2] = [Works, No];
const WO: [Way; 2] = [No, Works];
const NO: [Way; 2] = [No, No];
const DSCR: [Way; 2] = [Facility(2); 2];
const EBB: [Way; 2] = [Facility(7); 2];
const TAR: [Way; 2] = [Facility(8); 2];
const GROUP_A: [Way; 2] = [Works, Illegal];

const REGISTERS: &[Register] = &[
    register(1, 1, RW, RW, None), // XER
    register(3, 3, DSCR, RW, Some(ALL)),
    register(8, 9, RW, RW, Some(ALL)),           // LR, CTR
    register(13, 13, RW, RW, None),              // AMR
    register(17, 17, NO, RW, Some(ALL)),         // DSCR
    register(18, 18, NO, RW, Some(WORD)),        // DSISR
    register(19, 19, NO, RW, Some(ALL)),         // DAR
    register(22, 22, NO, RW, None),              // DEC
    register(26, 28, NO, RW, Some(ALL)),         // SRR0, SRR1, CFAR
    register(29, 29, NO, RW, Some(ALL)),         // AMR
    register(48, 48, NO, RW, None),              // PIDR
    register(61, 61, NO, RW, Some(ALL)),         // IAMR
    register(136, 136, RO, RO, None),            // CTRL
    register(144, 144, NO, RW, Some(ALL)),       // TIDR
    register(152, 152, NO, WO, None),            // CTRL
    register(153, 153, NO, RW, Some(ALL)),       // FSCR
    register(157, 157, NO, RW, Some(ALL)),       // UAMOR
    register(159, 159, NO, RW, Some(WORD)),      // PSPB
    register(176, 176, NO, RO, None),            // DPDES
    register(256, 256, RW, RW, Some(WORD)),      // VRSAVE
    register(259, 259, RO, RO, None),            // SPRG3
    register(268, 269, RO, RO, None),            // TB, TBU
    register(272, 275, NO, RW, Some(ALL)),       // SPRG0 to SPRG3
    register(287, 287, NO, RO, None),            // PVR
    register(308, 309, NO, RO, None),            // SPURR, PURR
    register(446, 446, NO, RO, None),            // TIR
    register(768, 768, RO, RO, None),            // SIER
    register(769, 770, GROUP_A, RW, Some(ALL)),  // MMCR2, MMCRA
    register(771, 776, GROUP_A, RW, Some(WORD)), // PMC1 to PMC6
    register(779, 779, GROUP_A, RW, None),       // MMCR0
    register(780, 782, RO, RO, None),            // SIAR, SDAR, MMCR1
    register(784, 786, NO, RW, Some(ALL)),       // SIER, MMCR2, MMCRA
    register(787, 792, NO, RW, Some(WORD)),      // PMC1 to PMC6
    register(795, 795, NO, RW, None),            // MMCR0
    register(796, 798, NO, RW, Some(ALL)),       // SIAR, SDAR, MMCR1
    register(800, 803, EBB, RW, None),           // BESCRS, BESCRSU, BESCRR, BESCRRU
    register(804, 806, EBB, RW, Some(ALL)),      // EBBHR, EBBRR, BESCR
    register(815, 815, TAR, RW, Some(ALL)),
    register(823, 823, NO, RW, Some(ALL)),     // PSSCR
    register(848, 849, NO, RO, None),          // IC, VTB
    register(896, 896, RW, RW, Some(7 << 50)), // PPR
    register(898, 898, RW, RW, Some(7 << 18)), // PPR32
    register(1023, 1023, NO, RO, None),        // PIR
];

/// What an instruction does that is carried out: nothing to the next, or the interrupt's vector and
/// cause.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Completed,
    Illegal,
    Privileged,
    Unavailable(u8),
}

fn expected(spr: u32, write: bool, problem: bool) -> Ended {
    // Reserved: no operation in any state.
    if (808..=811).contains(&spr) {
        return Ended::Completed;
    }
    if problem && spr & 0x10 != 0 {
        return Ended::Privileged;
    }
    let known = REGISTERS.iter().find(|r| r.numbers.contains(&spr));
    let way = known.map_or(No, |register| {
        let ways = if problem {
            register.problem
        } else {
            register.privileged
        };
        ways[usize::from(write)]
    });
    match way {
        Works => Ended::Completed,
        Facility(number) => Ended::Unavailable(number),
        Illegal => Ended::Illegal,
        No if problem => Ended::Illegal,
        No if spr == 0 || !write && (4..=6).contains(&spr) => Ended::Illegal,
        No => Ended::Completed,
    }
}

const fn move_spr(spr: u32, gpr: u32, write: bool) -> u32 {
    x(gpr, spr & 31, spr >> 5, if write { 467 } else { 339 })
}

struct Machine {
    partition: Arc<Partition>,
}

impl Machine {
    fn new() -> Self {
        let partition = partition(1);
        hypercall_at_every_vector(&partition);
        Self { partition }
    }

    /// Carries words out in real mode (in problem state: translated one to one is not at hand, so
    /// MSR is set behind the processor's back, as its registers are plain data).
    fn run(&self, words: &[u32], problem: bool, prepare: impl FnOnce(&mut Cpu)) -> (Ended, Cpu) {
        code(&self.partition, CODE, words);
        code(&self.partition, CODE + 4 * words.len() as u64, &[HYPERCALL]);
        let mut cpu = cpu(&self.partition, CODE);
        prepare(&mut cpu);
        if problem {
            cpu.regs.msr |= msr::PR;
        }
        assert_eq!(cpu.run(), Exit::Hypercall);
        let ended = match cpu.regs.nia - 4 {
            0x700 if cpu.regs.srr1 >> 19 & 1 != 0 => Ended::Illegal,
            0x700 if cpu.regs.srr1 >> 18 & 1 != 0 => Ended::Privileged,
            0xf60 => Ended::Unavailable((cpu.regs.fscr >> 56) as u8),
            at if at == CODE + 4 * words.len() as u64 => Ended::Completed,
            at => panic!("{words:x?} went to {at:#x}"),
        };
        (ended, cpu)
    }
}

#[test]
fn every_number_is_there_or_not_in_each_state_as_the_architecture_has_it() {
    let machine = Machine::new();
    for problem in [false, true] {
        for write in [false, true] {
            for spr in 0..1024 {
                let (ended, cpu) = machine.run(&[move_spr(spr, 7, write)], problem, |cpu| {
                    cpu.regs.gpr[7] = 0;
                    cpu.regs.dar = 5;
                });
                let what = format!("SPR {spr}, write {write}, problem state {problem}");
                assert_eq!(ended, expected(spr, write, problem), "{what}");
                assert!(!write || cpu.regs.gpr[7] == 0, "{what}");
            }
        }
    }
}

#[test]
fn a_number_without_a_register_leaves_the_target_alone_and_keeps_nothing() {
    let machine = Machine::new();
    for spr in 1..1024 {
        let known = REGISTERS.iter().any(|r| r.numbers.contains(&spr));
        if known || (4..=6).contains(&spr) {
            continue;
        }
        let words = [move_spr(spr, 8, true), move_spr(spr, 7, false)];
        let (ended, cpu) = machine.run(&words, false, |cpu| {
            cpu.regs.gpr[7] = 0x1234;
            cpu.regs.gpr[8] = 0x5678;
        });
        assert_eq!(
            (ended, cpu.regs.gpr[7]),
            (Ended::Completed, 0x1234),
            "{spr}"
        );
    }
}

#[test]
fn registers_hold_the_bits_that_they_have() {
    let machine = Machine::new();
    for register in REGISTERS {
        let Some(bits) = register.bits else { continue };
        for spr in register.numbers.clone() {
            for value in [ALL, 0, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210] {
                let words = [move_spr(spr, 8, true), move_spr(spr, 7, false)];
                let (ended, cpu) = machine.run(&words, false, |cpu| cpu.regs.gpr[8] = value);
                assert_eq!(
                    (ended, cpu.regs.gpr[7]),
                    (Ended::Completed, value & bits),
                    "{spr}"
                );
            }
        }
    }
}

#[test]
fn bescr_is_set_and_reset_through_its_views() {
    let machine = Machine::new();
    let steps = [
        (806, 0x8000_0000_0000_0003_u64, 0x8000_0000_0000_0003_u64),
        (800, 0x10, 0x8000_0000_0000_0013),
        (801, 0xff00_0000_0000_0001, 0x8000_0001_0000_0013),
        (802, 0x3, 0x8000_0001_0000_0010),
        (803, 0x8000_0000, 0x1_0000_0010),
    ];
    let mut words = Vec::new();
    for (number, (spr, _, _)) in (8..).zip(steps) {
        words.push(move_spr(spr, number, true));
        words.push(move_spr(806, number + 8, false));
    }
    words.extend([800, 801, 802, 803].map(|spr| move_spr(spr, spr - 776, false)));
    let (ended, cpu) = machine.run(&words, false, |cpu| {
        for (number, (_, value, _)) in (8..).zip(steps) {
            cpu.regs.gpr[number] = value;
        }
    });
    assert_eq!(ended, Ended::Completed);
    for (number, (spr, _, after)) in (16..).zip(steps) {
        assert_eq!(cpu.regs.gpr[number], after, "{spr}");
    }
    assert_eq!(
        cpu.regs.gpr[24..28],
        [0x1_0000_0010, 1, 0x1_0000_0010, 1],
        "the views read as BESCR and its high half"
    );
}

/// mfbhrbe, clrbhrb, and a read and a write of PMC1, in problem state under each MMCR0[PMCC].
#[test]
fn mmcr0_says_what_of_the_monitor_problem_state_may_use() {
    let machine = Machine::new();
    let mfbhrbe = x(7, 0, 0, 302);
    let clrbhrb = x(0, 0, 0, 430);
    let monitor = || Ended::Unavailable(3);
    let history = || Ended::Unavailable(4);
    let done = || Ended::Completed;
    let table = [
        (0, history(), done(), Ended::Illegal, done(), done()),
        (1, history(), monitor(), monitor(), monitor(), monitor()),
        (2, done(), done(), done(), done(), done()),
        (3, done(), done(), done(), monitor(), done()),
    ];
    for (pmcc, bhrb, read, write, read_pmc5, read_sier) in table {
        let under = |word| {
            let set = |cpu: &mut Cpu| {
                let mut state = cpu.export();
                state.plain_sprs.insert(795, 1 << 31 | pmcc << 18);
                cpu.import(&state).expect("a state of this vCPU");
            };
            machine.run(&[word], true, set).0
        };
        assert_eq!(under(mfbhrbe), bhrb, "{pmcc}");
        assert_eq!(under(clrbhrb), bhrb, "{pmcc}");
        assert_eq!(under(move_spr(771, 7, false)), read, "{pmcc}");
        assert_eq!(under(move_spr(771, 7, true)), write, "{pmcc}");
        assert_eq!(under(move_spr(775, 7, false)), read_pmc5, "{pmcc}");
        assert_eq!(under(move_spr(768, 7, false)), read_sier, "{pmcc}");
    }
    let (ended, cpu) = machine.run(&[mfbhrbe, clrbhrb], false, |cpu| cpu.regs.gpr[7] = 1);
    assert_eq!(
        (ended, cpu.regs.gpr[7]),
        (Ended::Completed, 0),
        "privileged state finds it empty"
    );
}
