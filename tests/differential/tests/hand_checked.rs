//! Instructions with results worked out by hand: proof that the harness loads, runs, catches and reports what it should.

use power_difftest::compare;
use power_difftest::layout::{CODE_BASE, MEMORY_BASE, PADS_BASE};
use power_difftest::{Case, Ending, Outcome, Peer, State, Step, memory_offset};

const ADDI_R3_R4_MINUS_5: u32 = 0x3864_fffb;
const TRAP: u32 = 0x7fe0_0008;

fn run(case: Case) -> Outcome {
    let mut peer = Peer::start().expect("the peer is needed for this test");
    peer.run(&[case]).expect("a runnable case").remove(0)
}

fn step(mnemonic: &'static str, word: u32) -> Vec<Step> {
    vec![Step {
        mnemonic,
        word,
        operands: "",
    }]
}

fn assert_same(found: &State, wanted: &State) {
    let differences = compare::differing_registers(found, wanted);
    assert!(differences.is_empty(), "{differences:#?}");
}

/// A state in which every register holds something of its own.
fn distinct() -> State {
    State {
        gpr: std::array::from_fn(|i| 0x1111_0000_2222_0000 | i as u64),
        vsr: std::array::from_fn(|i| 0x3333_0000_4444_0000_5555_0000_6666_0000 | i as u128),
        cr: 0x1234_5678,
        xer: 0xe00c_0055,
        lr: 0x7777_0000_8888_0000,
        ctr: 0x9999_0000_aaaa_0000,
        tar: 0xbbbb_0000_cccc_0000,
        fpscr: 0x0000_0005_a110_f003,
        vscr: 0x0001_0001,
        vrsave: 0xdddd_eeee,
    }
}

#[test]
fn nop_changes_nothing_at_all() {
    let before = distinct();
    let after = run(Case::new(before.clone(), step("ori", 0x6000_0000)));
    assert_eq!(after.ending, Ending::Left);
    assert_eq!(after.nip, CODE_BASE + 4);
    assert_same(&after.state, &before);
    assert!(!after.stray_write);
}

#[test]
fn trap_reports_the_whole_state() {
    let before = distinct();
    let after = run(Case::new(before.clone(), step("tw", TRAP)));
    assert_eq!((after.ending, after.nip), (Ending::Trap, CODE_BASE));
    assert_same(&after.state, &before);
}

#[test]
fn addi_adds_a_negative_immediate() {
    let mut state = distinct();
    state.gpr[4] = 3;
    let after = run(Case::new(state.clone(), step("addi", ADDI_R3_R4_MINUS_5)));
    state.gpr[3] = (-2i64) as u64;
    assert_same(&after.state, &state);
}

#[test]
fn registers_of_the_abi_are_ordinary() {
    // add r1,r2,r13
    let state = distinct();
    let after = run(Case::new(state.clone(), step("add", 0x7c22_6a14)));
    assert_eq!(after.state.gpr[1], state.gpr[2].wrapping_add(state.gpr[13]));
    assert_eq!(
        (after.state.gpr[2], after.state.gpr[13]),
        (state.gpr[2], state.gpr[13])
    );
}

#[test]
fn add_record_sets_cr0_with_the_sticky_overflow() {
    // add. r3,r4,r5
    let mut state = State {
        cr: 0x0fff_ffff,
        xer: 0x8000_0000,
        ..State::default()
    };
    state.gpr[4] = 1;
    state.gpr[5] = u64::MAX - 4;
    let after = run(Case::new(state, step("add.", 0x7c64_2a15)));
    assert_eq!(after.state.gpr[3], (-4i64) as u64);
    assert_eq!(after.state.cr, 0x9fff_ffff);
}

#[test]
fn mulldo_detects_overflow() {
    // mulldo r3,r4,r5
    let mut state = State::default();
    state.gpr[4] = 1 << 62;
    state.gpr[5] = 4;
    let after = run(Case::new(state, step("mulldo", 0x7c64_2dd2)));
    assert_eq!(after.state.gpr[3], 0);
    assert_eq!(after.state.xer, 0xc008_0000, "SO, OV and OV32");
}

#[test]
fn lwz_reads_an_unaligned_word_across_a_page() {
    // lwz r3,1(r4), at the last two bytes of the page
    let mut case = Case::new(State::default(), step("lwz", 0x8064_0001));
    case.state.gpr[4] = 0x4ffd;
    let at = memory_offset(0x4ffe);
    case.memory[at..at + 4].copy_from_slice(&[0x78, 0x56, 0x34, 0x92]);
    let after = run(case);
    assert_eq!(after.state.gpr[3], 0x9234_5678);
}

#[test]
fn stw_with_ra_zero_reaches_the_window() {
    // stw r3,0x4f84(0)
    let mut case = Case::new(State::default(), step("stw", 0x9060_4f84));
    case.state.gpr[0] = 0x1234;
    case.state.gpr[3] = 0xaabb_ccdd_1122_3344;
    let after = run(case);
    let at = memory_offset(0x4f84);
    assert_eq!(after.memory[at..at + 4], [0x44, 0x33, 0x22, 0x11]);
    assert!(!after.stray_write);
}

#[test]
fn stray_write_is_noticed_and_undone() {
    // stb r3,0(r4), one byte before the window
    let mut case = Case::new(State::default(), step("stb", 0x9864_0000));
    case.state.gpr[3] = 1;
    case.state.gpr[4] = MEMORY_BASE - 1;
    let harmless = Case::new(State::default(), step("ori", 0x6000_0000));
    let mut peer = Peer::start().unwrap();
    let after = peer.run(&[case, harmless]).unwrap();
    assert!(after[0].stray_write);
    assert!(!after[1].stray_write);
}

#[test]
fn stvx_ignores_the_low_address_bits() {
    // stvx v2,r4,r5
    let mut case = Case::new(State::default(), step("stvx", 0x7c44_29ce));
    case.state.gpr[4] = MEMORY_BASE;
    case.state.gpr[5] = 0x1f;
    case.state.vsr[34] = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
    let after = run(case);
    assert_eq!(
        after.memory[16..32],
        std::array::from_fn::<u8, 16, _>(|i| i as u8)
    );
}

#[test]
fn xvadddp_adds_both_lanes() {
    // xvadddp vs1,vs2,vs3
    let lanes = |high: f64, low: f64| u128::from(high.to_bits()) << 64 | u128::from(low.to_bits());
    let mut case = Case::new(State::default(), step("xvadddp", 0xf022_1b00));
    case.state.vsr[2] = lanes(1.5, -2.0);
    case.state.vsr[3] = lanes(0.25, 8.0);
    assert_eq!(run(case).state.vsr[1], lanes(1.75, 6.0));
}

#[test]
fn fadd_reports_inexact_in_fpscr_and_rounds_up_when_told() {
    // fadd f1,f2,f3
    let mut case = Case::new(
        State {
            fpscr: 2,
            ..State::default()
        },
        step("fadd", 0xfc22_182a),
    );
    case.state.vsr[2] = u128::from(1f64.to_bits()) << 64;
    case.state.vsr[3] = u128::from(f64::MIN_POSITIVE.to_bits()) << 64;
    let after = run(case);
    assert_eq!((after.state.vsr[1] >> 64) as u64, 1f64.to_bits() + 1);
    // FX XX FI, FPRF = +normal, RN = toward +infinity. FR, which the ISA wants too, the peer never sets.
    assert_eq!(after.state.fpscr, 0x8202_4002);
}

#[test]
fn enabled_floating_point_exception_interrupts() {
    // fdiv f1,f2,f3: 1/0 with ZE
    let mut case = Case::new(
        State {
            fpscr: 0x10,
            ..State::default()
        },
        step("fdiv", 0xfc22_1824),
    );
    case.state.vsr[1] = 0x77;
    case.state.vsr[2] = u128::from(1f64.to_bits()) << 64;
    let after = run(case);
    assert_eq!(
        (after.ending, after.nip),
        (Ending::FloatingPoint, CODE_BASE)
    );
    assert_eq!(after.state.vsr[1], 0x77, "the target keeps its value");
    // FX FEX ZX ZE; FPRF unchanged
    assert_eq!(after.state.fpscr, 0xc400_0010);
}

#[test]
fn conditional_branch_lands_where_it_was_sent() {
    // beq cr0,+0x20
    let word = 0x4182_0020;
    let taken = run(Case::new(
        State {
            cr: 0x2000_0000,
            ..State::default()
        },
        step("bc", word),
    ));
    assert_eq!((taken.ending, taken.landing()), (Ending::Left, Some(8)));
    let not_taken = run(Case::new(State::default(), step("bc", word)));
    assert_eq!(
        (not_taken.ending, not_taken.landing()),
        (Ending::Left, Some(1))
    );
}

#[test]
fn bdnz_counts_down_and_branches_back() {
    // bdnz -0x40
    let state = State {
        ctr: 2,
        ..State::default()
    };
    let after = run(Case::new(state, step("bc", 0x4200_ffc0)));
    assert_eq!((after.landing(), after.state.ctr), (Some(-16), 1));
}

#[test]
fn bclrl_jumps_through_the_old_link_register() {
    // blrl
    let state = State {
        lr: PADS_BASE + 0x103,
        ..State::default()
    };
    let after = run(Case::new(state, step("bclr", 0x4e80_0021)));
    assert_eq!((after.ending, after.nip), (Ending::Left, PADS_BASE + 0x100));
    assert_eq!(after.state.lr, CODE_BASE + 4);
}

#[test]
fn branch_into_the_void_counts_as_leaving() {
    // bctr
    let state = State {
        ctr: 0x1_2345_6788,
        ..State::default()
    };
    let after = run(Case::new(state, step("bcctr", 0x4e80_0420)));
    assert_eq!((after.ending, after.nip), (Ending::Left, 0x1_2345_6788));
}

#[test]
fn trap_condition_decides() {
    // tweqi r3,5
    let word = 0x0c83_0005;
    let mut state = State::default();
    state.gpr[3] = 0xffff_ffff_0000_0005;
    assert_eq!(
        run(Case::new(state.clone(), step("twi", word))).ending,
        Ending::Trap
    );
    state.gpr[3] = 6;
    assert_eq!(
        run(Case::new(state, step("twi", word))).ending,
        Ending::Left
    );
}

#[test]
fn illegal_and_privileged_words_are_told_apart() {
    let illegal = run(Case::new(distinct(), step("illegal", 0)));
    assert_eq!((illegal.ending, illegal.nip), (Ending::Illegal, CODE_BASE));
    assert_eq!(illegal.state.gpr, distinct().gpr);
    // mfmsr r3
    assert_eq!(
        run(Case::new(distinct(), step("mfmsr", 0x7c60_00a6))).ending,
        Ending::Privileged
    );
}

#[test]
fn storage_fault_reports_its_address_and_the_steps_before_it() {
    // addi r3,r4,-5 ; ld r5,8(r6)
    let code = vec![
        Step {
            mnemonic: "addi",
            word: ADDI_R3_R4_MINUS_5,
            operands: "",
        },
        Step {
            mnemonic: "ld",
            word: 0xe8a6_0008,
            operands: "",
        },
    ];
    let mut case = Case::new(State::default(), code);
    case.state.gpr[4] = 105;
    case.state.gpr[6] = 0x10_0000_0000;
    let after = run(case);
    assert_eq!(
        (after.ending, after.nip),
        (Ending::DataStorage, CODE_BASE + 4)
    );
    assert_eq!(after.fault_address, 0x10_0000_0008);
    assert_eq!(after.state.gpr[3], 100);
}

#[test]
fn unaligned_reservation_is_an_alignment_interrupt() {
    // lwarx r3,0,r4
    let mut case = Case::new(State::default(), step("lwarx", 0x7c60_2028));
    case.state.gpr[4] = MEMORY_BASE + 1;
    assert_eq!(run(case).ending, Ending::Alignment);
}

#[test]
fn reservation_lives_within_a_case_and_not_across() {
    let lwarx = Step {
        mnemonic: "lwarx",
        word: 0x7c60_2028,
        operands: "",
    };
    // stwcx. r5,0,r4
    let stwcx = Step {
        mnemonic: "stwcx.",
        word: 0x7ca0_212d,
        operands: "",
    };
    let case = |code| {
        let mut case = Case::new(State::default(), code);
        case.state.gpr[4] = MEMORY_BASE;
        case.state.gpr[5] = 7;
        case
    };
    let mut peer = Peer::start().unwrap();
    let after = peer
        .run(&[
            case(vec![lwarx, stwcx]),
            case(vec![lwarx]),
            case(vec![stwcx]),
        ])
        .unwrap();
    assert_eq!((after[0].state.cr, after[0].memory[0]), (0x2000_0000, 7));
    assert_eq!((after[2].state.cr, after[2].memory[0]), (0, 0));
}

#[test]
fn endless_loop_is_given_up_and_the_next_case_runs() {
    let mut peer = Peer::start().unwrap();
    let addi = Case::new(State::default(), step("addi", ADDI_R3_R4_MINUS_5));
    let after = peer
        .run(&[Case::new(distinct(), step("b", 0x4800_0000)), addi])
        .unwrap();
    assert_eq!(after[0].ending, Ending::Hung);
    assert_eq!(
        (after[1].ending, after[1].state.gpr[3]),
        (Ending::Left, (-5i64) as u64)
    );
}

#[test]
fn peer_that_dies_marks_the_case_and_goes_on() {
    // std r3,0x7c00(0): overwrites the address at which the harness goes on after a case.
    let mut killer = Case::new(State::default(), step("std", 0xf860_7c00));
    killer.state.gpr[3] = 0x40;
    let addi = Case::new(State::default(), step("addi", ADDI_R3_R4_MINUS_5));
    let mut peer = Peer::start().unwrap();
    let after = peer.run(&[addi.clone(), killer, addi]).unwrap();
    assert_eq!(after[0], after[2]);
    assert_eq!(after[0].ending, Ending::Left);
    assert_eq!(after[1].ending, Ending::Died);
}

/// The rows of the tables of exceptions and of exclusions that say so: should a newer peer learn better, they can go.
#[test]
fn peer_still_lacks_what_the_tables_say() {
    let ends = |mnemonic, word| run(Case::new(distinct(), step(mnemonic, word))).ending;
    assert_eq!(ends("lmw", 0xbbc3_0000), Ending::Died);
    assert_eq!(ends("stswi", 0x7c64_25aa), Ending::Died);
    assert_eq!(ends("wait", 0x7c00_003c), Ending::Died);
    assert_eq!(ends("copy", 0x7c22_1e0c), Ending::Illegal);
    assert_eq!(ends("rfebb", 0x4c00_0124), Ending::Illegal);
    assert_eq!(ends("dcbf", 0x7c80_20ac), Ending::Illegal);
}

#[test]
fn system_calls_are_refused() {
    let mut peer = Peer::start().unwrap();
    assert!(
        peer.run(&[Case::new(State::default(), step("sc", 0x4400_0002))])
            .is_err()
    );
    assert!(
        peer.run(&[Case::new(State::default(), Vec::new())])
            .is_err()
    );
}
