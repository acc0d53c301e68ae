//! What blocks promise, one promise at a time: where they end, what an exit leaves behind, and that no guest gets out of them.

mod common;

use common::PROGRAM;
use common::memory::PlainMemory;
use common::random::Random;
use power::engine::Width;
use power::interrupt::{Interrupt, ProgramCause};
use power::{Insn, Registers, msr};
use power_jit::{Block, Exit, Jit, Memory, Mode, TranslateError};

const LITTLE: Mode = Mode::from_msr(msr::SF | msr::LE);
const SC: u32 = 0x4400_0002;
const NOP: u32 = 0x6000_0000;
/// addi r3,r3,1.
const INCREMENT_R3: u32 = 0x3863_0001;
/// stw r3,0(r4).
const STORE_R3: u32 = 0x9064_0000;
/// lwz r5,0(r6).
const LOAD_R5: u32 = 0x80a6_0000;

fn translate(words: &[u32]) -> Block {
    try_translate(words).unwrap_or_else(|error| panic!("{error}"))
}

fn try_translate(words: &[u32]) -> Result<Block, TranslateError> {
    let code: Vec<Insn> = words.iter().copied().map(Insn).collect();
    Jit::new()
        .expect("tests run where the engine does")
        .translate(&code, LITTLE)
}

fn at(nia: u64) -> Registers {
    Registers {
        nia,
        ..Registers::reset()
    }
}

/// Memory that refuses every access.
struct Nowhere;

impl Nowhere {
    fn refuse<T>(ea: u64) -> Result<T, Interrupt> {
        Err(Interrupt::DataSegment { ea })
    }
}

impl Memory for Nowhere {
    fn load(&mut self, ea: u64, _: Width) -> Result<u64, Interrupt> {
        Self::refuse(ea)
    }
    fn store(&mut self, ea: u64, _: u64, _: Width) -> Result<(), Interrupt> {
        Self::refuse(ea)
    }
    fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        Self::refuse(ea)
    }
    fn zero_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.store(ea, 0, Width::Byte)
    }
    fn touch_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.load(ea, Width::Byte).map(|_| ())
    }
    fn load_reserve(&mut self, ea: u64, _: Width) -> Result<u64, Interrupt> {
        Self::refuse(ea)
    }
    fn store_conditional(&mut self, ea: u64, _: u64, _: Width) -> Result<bool, Interrupt> {
        Self::refuse(ea)
    }
}

#[test]
fn a_fault_leaves_what_came_before_and_nothing_of_what_comes_after() {
    let block = translate(&[INCREMENT_R3, STORE_R3, INCREMENT_R3, LOAD_R5, INCREMENT_R3]);
    let mut memory = PlainMemory::new();
    let mut registers = at(PROGRAM);
    registers.gpr[4] = common::DATA.start;
    registers.gpr[5] = 0x5555;
    registers.gpr[6] = 0xdead_0000;
    let exit = block.run(&mut registers, &mut memory);
    assert_eq!(
        exit,
        Exit::Interrupt(Interrupt::MachineCheck {
            ea: 0xdead_0000,
            fetch: false
        })
    );
    assert_eq!(registers.nia, PROGRAM + 12);
    assert_eq!(registers.gpr[3], 2);
    assert_eq!(registers.gpr[5], 0x5555);
    assert_eq!(memory.data[..4], [1, 0, 0, 0]);
}

#[test]
fn a_condition_computed_before_a_fault_is_in_cr_after_it() {
    // cmpldi cr7,r3,5; lwz r5,0(r6)
    let block = translate(&[0x2ba3_0005, LOAD_R5]);
    let mut registers = at(0);
    registers.xer.so = true;
    registers.gpr[3] = 6;
    block.run(&mut registers, &mut Nowhere);
    assert_eq!(registers.cr, [0, 0, 0, 0, 0, 0, 0, 0b0101]);
}

#[test]
fn a_trap_exits_with_its_own_address() {
    // tdi 4,r3,7: trap if equal.
    let block = translate(&[NOP, 0x0883_0007, INCREMENT_R3]);
    let mut registers = at(0x100);
    registers.gpr[3] = 7;
    let exit = block.run(&mut registers, &mut Nowhere);
    assert_eq!(
        exit,
        Exit::Interrupt(Interrupt::Program(ProgramCause::Trap))
    );
    assert_eq!((registers.nia, registers.gpr[3]), (0x104, 7));
    registers.nia = 0x100;
    registers.gpr[3] = 8;
    assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Completed);
    assert_eq!((registers.nia, registers.gpr[3]), (0x10c, 9));
}

#[test]
fn a_branch_ends_the_block() {
    // bl .+0x100
    let block = translate(&[NOP, 0x4800_0101, INCREMENT_R3]);
    assert_eq!(block.instructions(), 2);
    let mut registers = at(0x1000);
    assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Completed);
    assert_eq!(
        (registers.nia, registers.lr, registers.gpr[3]),
        (0x1104, 0x1008, 0)
    );
}

#[test]
fn a_block_runs_at_any_address() {
    // addpcis r3,1; bcl 20,31,.-8
    let block = translate(&[0x4c60_0005, 0x429f_fff9]);
    for nia in [0, 0x1000, 0xc000_0000_0000_0000, u64::MAX - 7] {
        let mut registers = at(nia);
        assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Completed);
        assert_eq!(registers.gpr[3], nia.wrapping_add(4).wrapping_add(0x1_0000));
        assert_eq!(registers.lr, nia.wrapping_add(8));
        assert_eq!(registers.nia, nia.wrapping_sub(4));
    }
}

#[test]
fn a_loop_of_one_block_counts_down_ctr() {
    // addi r3,r3,1; bdnz .-4
    let block = translate(&[INCREMENT_R3, 0x4200_fffc]);
    let mut registers = at(0x40);
    registers.ctr = 10;
    let mut runs = 0;
    while registers.nia == 0x40 {
        assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Completed);
        runs += 1;
    }
    assert_eq!(
        (runs, registers.gpr[3], registers.ctr, registers.nia),
        (10, 10, 0, 0x48)
    );
}

#[test]
fn what_needs_the_interpreter_ends_the_block_before_it() {
    let block = translate(&[INCREMENT_R3, SC, INCREMENT_R3]);
    assert_eq!(block.instructions(), 1);
    let mut registers = at(0x200);
    assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Interpret);
    assert_eq!((registers.nia, registers.gpr[3]), (0x204, 1));
    assert!(matches!(
        try_translate(&[SC]),
        Err(TranslateError::Interpret(Insn(SC)))
    ));
}

#[test]
fn lengths_out_of_bounds_are_refused() {
    assert!(matches!(try_translate(&[]), Err(TranslateError::Length(0))));
    let too_long = Jit::INSTRUCTIONS_MAX + 1;
    assert!(
        matches!(try_translate(&vec![NOP; too_long]), Err(TranslateError::Length(length)) if length == too_long)
    );
}

#[test]
fn the_longest_block_of_accesses_translates_and_runs() {
    // stdu r3,8(r4), for ever.
    let block = translate(&[0xf864_0009; Jit::INSTRUCTIONS_MAX]);
    let mut memory = PlainMemory::new();
    let mut registers = at(0);
    registers.gpr[3] = 0x0102_0304_0506_0708;
    registers.gpr[4] = common::DATA.start - 8;
    assert_eq!(block.run(&mut registers, &mut memory), Exit::Completed);
    let filled = memory
        .data
        .chunks(8)
        .take_while(|chunk| *chunk == [8, 7, 6, 5, 4, 3, 2, 1])
        .count();
    assert_eq!(filled, Jit::INSTRUCTIONS_MAX);
}

#[test]
fn divisions_without_a_result_stay_in_the_guest() {
    // divd, divdu, divde, divdeu, divw, divwu, modsd, modud r5,r3,r4
    for xo in [489, 457, 425, 393, 491, 459, 777, 265] {
        let block = translate(&[31 << 26 | 5 << 21 | 3 << 16 | 4 << 11 | xo << 1]);
        for (a, b) in [
            (1, 0),
            (i64::MIN as u64, u64::MAX),
            (0x8000_0000, 0xffff_ffff),
            (u64::MAX, 1),
            (0, 0),
        ] {
            let mut registers = at(0);
            (registers.gpr[3], registers.gpr[4]) = (a, b);
            assert_eq!(
                block.run(&mut registers, &mut Nowhere),
                Exit::Completed,
                "{xo}"
            );
        }
    }
}

#[test]
fn any_word_is_translated_or_refused() {
    let mut random = Random::new(3);
    let mut jit = Jit::new().expect("tests run where the engine does");
    let (mut translated, mut refused) = (0, 0);
    for _ in 0..2000 {
        let code: Vec<Insn> = (0..1 + random.below(4))
            .map(|_| Insn(random.bits() as u32))
            .collect();
        match jit.translate(&code, Mode::from_msr(random.bits())) {
            Ok(block) => {
                translated += 1;
                block.run(&mut random.registers(), &mut Nowhere);
            }
            Err(TranslateError::Interpret(insn)) => {
                refused += 1;
                assert_eq!(insn, code[0]);
            }
            Err(error) => panic!("{error}: {code:?}"),
        }
    }
    assert!(
        translated > 500 && refused > 50,
        "{translated} translated, {refused} refused"
    );
}

#[test]
fn a_block_is_shared_by_threads() {
    let block = translate(&[INCREMENT_R3]);
    std::thread::scope(|scope| {
        for start in 0..4 {
            let block = &block;
            scope.spawn(move || {
                let mut registers = at(0);
                registers.gpr[3] = start;
                for _ in 0..1000 {
                    assert_eq!(block.run(&mut registers, &mut Nowhere), Exit::Completed);
                }
                assert_eq!(registers.gpr[3], start + 1000);
            });
        }
    });
}

/// Mappings of this process as the host's kernel lists them: (first address, permissions).
#[cfg(target_os = "linux")]
fn mappings() -> Vec<(String, String)> {
    let maps =
        std::fs::read_to_string("/proc/self/maps").expect("procfs is mounted where tests run");
    let field = |line: &str, n| {
        line.split_whitespace()
            .nth(n)
            .unwrap_or_default()
            .to_owned()
    };
    maps.lines()
        .map(|line| (field(line, 0), field(line, 1)))
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn no_page_is_writable_and_executable() {
    let blocks: Vec<Block> = (0..16).map(|_| translate(&[INCREMENT_R3])).collect();
    let both: Vec<_> = mappings()
        .into_iter()
        .filter(|(_, p)| p.contains('w') && p.contains('x'))
        .collect();
    assert!(both.is_empty(), "{both:?}");
    assert_eq!(blocks[7].run(&mut at(0), &mut Nowhere), Exit::Completed);
}
