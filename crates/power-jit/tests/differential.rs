//! The translated code against the interpreter: every row of the instruction table that translates, alone and in random
//! sequences, in every mode. `POWER_JIT_ROUNDS` multiplies the work; failures name the seed.

mod common;

use common::memory::PlainMemory;
use common::peer::{Peer, Step, Taken};
use common::random::Random;
use common::{CODE, DATA, MODES, PROGRAM, rounds};
use power::decode::{disassemble, rows};
use power::{Insn, Registers};
use power_jit::{Block, Exit, Jit, Mode, TranslateError};

/// How much longer than usual to run.
/// The two engines in one mode, with the same memory.
struct Pair {
    name: &'static str,
    msr: u64,
    jit: Jit,
    peer: Peer,
    memory: PlainMemory,
    /// Runs that stored to code, which the two need not see alike, and were not compared.
    discarded: u64,
    compared: u64,
}

impl Pair {
    fn new((name, msr): (&'static str, u64), random: &mut Random) -> Self {
        let mut peer = Peer::new(msr);
        let mut memory = PlainMemory::new();
        random.fill(&mut memory.data);
        peer.write(DATA.start, &memory.data);
        peer.read(CODE, &mut memory.code);
        let jit = Jit::new().expect("tests run where the engine does");
        Self {
            name,
            msr,
            jit,
            peer,
            memory,
            discarded: 0,
            compared: 0,
        }
    }

    /// Both get the program; None where its first instruction is for the interpreter.
    fn load(&mut self, code: &[Insn]) -> Option<Block> {
        self.peer.write_program(code);
        self.peer.read(CODE, &mut self.memory.code);
        match self.jit.translate(code, Mode::from_msr(self.msr)) {
            Ok(block) => Some(block),
            Err(TranslateError::Interpret(_)) => None,
            Err(error) => panic!("{error}: {code:?}"),
        }
    }

    /// Runs the program from `start` on both, and compares all that the architecture shows. How it ended; None where it
    /// was not compared.
    fn compare(&mut self, code: &[Insn], block: &Block, start: &Registers) -> Option<Exit> {
        let before = (self.memory.data.clone(), self.memory.reservation);
        let mut ours = Registers {
            msr: self.msr,
            ..start.clone()
        };
        let exit = block.run(&mut ours, &mut self.memory);
        if std::mem::take(&mut self.memory.code_written) {
            (self.memory.data, self.memory.reservation) = before;
            self.peer.read(CODE, &mut self.memory.code);
            self.discarded += 1;
            return None;
        }
        self.compared += 1;
        let complain = |what: &str| -> String {
            let text: Vec<String> = code
                .iter()
                .map(|&i| format!("{:#010x} {}", i.0, disassemble(i, None)))
                .collect();
            format!(
                "{what} ({}, {exit:x?})\n{}\nfrom {start:x?}",
                self.name,
                text.join("\n")
            )
        };
        // How many instructions ran, the one that an interrupt ended among them.
        let ran = match exit {
            Exit::Completed | Exit::Interpret => block.instructions() as u64,
            Exit::Interrupt(_) => ours.nia.wrapping_sub(PROGRAM) / 4 + 1,
        };
        self.peer.set_registers(start);
        for n in 0..ran {
            let step = self.peer.step();
            let expected = match exit {
                Exit::Interrupt(interrupt) if n + 1 == ran => {
                    Step::Interrupt(Taken::expected(interrupt, ours.nia, self.msr))
                }
                _ => Step::Completed,
            };
            assert_eq!(
                step,
                expected,
                "{}",
                complain(&format!("instruction {n} ended otherwise"))
            );
        }
        if let Exit::Interrupt(_) = exit {
            ours.nia = self.peer.cpu.regs.nia;
        }
        let differences = differences(&ours, &self.peer.cpu.regs);
        assert!(
            differences.is_empty(),
            "{}",
            complain(&format!(
                "ours and the interpreter's differ: {differences:#?}"
            ))
        );
        let mut data = vec![0; self.memory.data.len()];
        self.peer.read(DATA, &mut data);
        if let Some(at) = (0..data.len()).find(|&n| data[n] != self.memory.data[n]) {
            panic!(
                "{}",
                complain(&format!("memory differs at {:#x}", DATA.start + at as u64))
            );
        }
        Some(exit)
    }
}

/// The registers that differ, of those that the engine works on.
fn differences(ours: &Registers, theirs: &Registers) -> Vec<String> {
    let mut all = Vec::new();
    let mut check = |name: String, a: u128, b: u128| {
        if a != b {
            all.push(format!("{name}: {a:#x}, not {b:#x}"));
        }
    };
    for n in 0..32 {
        check(format!("r{n}"), ours.gpr[n].into(), theirs.gpr[n].into());
    }
    for n in 0..64 {
        check(format!("vs{n}"), ours.vsr[n], theirs.vsr[n]);
    }
    for n in 0..8 {
        check(format!("cr{n}"), ours.cr[n].into(), theirs.cr[n].into());
    }
    for (name, a, b) in [
        ("lr", ours.lr, theirs.lr),
        ("ctr", ours.ctr, theirs.ctr),
        ("tar", ours.tar, theirs.tar),
        ("xer", ours.xer.bits(), theirs.xer.bits()),
        ("fpscr", ours.fpscr.bits(), theirs.fpscr.bits()),
        ("vscr", ours.vscr.into(), theirs.vscr.into()),
        ("nia", ours.nia, theirs.nia),
    ] {
        check(name.into(), a.into(), b.into());
    }
    all
}

/// Instructions whose semantics are spelled in primitives and which this engine is for.
const EXPECTED: &str = "addi addis addpcis add subf addic addic. subfic addc subfc adde subfe addme subfme addze subfze neg \
    mulli mullw mulhw mulhwu divw divwu divwe divweu modsw moduw mulld mulhd mulhdu maddhd maddhdu maddld divd divdu divde \
    divdeu modsd modud cmpi cmpli cmp cmpl cmprb cmpeqb twi tdi tw td isel setb addg6s andi. andis. ori oris xori xoris and \
    xor nand or nor eqv andc orc extsb extsh extsw cntlzw cnttzw cntlzd cnttzd cmpb popcntb popcntw popcntd prtyd prtyw \
    bpermd cdtbcd cbcdtd rlwinm rlwnm rlwimi rldicl rldicr rldic rldimi rldcl rldcr slw srw srawi sraw sld srd sradi srad \
    extswsli mcrxrx b bc bclr bcctr bctar crand crnand cror crxor crnor creqv crandc crorc mcrf mfcr mfocrf mtcrf mtocrf lbz \
    lbzu lbzx lbzux lhz lhzu lhzx lhzux lha lhau lhax lhaux lwz lwzu lwzx lwzux lwa lwax lwaux ld ldu ldx ldux lhbrx lwbrx \
    ldbrx lq stb stbu stbx stbux sth sthu sthx sthux stw stwu stwx stwux std stdu stdx stdux sthbrx stwbrx stdbrx stq lbarx \
    lharx lwarx ldarx stbcx. sthcx. stwcx. stdcx. lfs lfd stfs stfd lfdp stfdp sync eieio mfspr mtspr";

#[test]
fn every_instruction_that_translates_does_what_the_interpreter_does() {
    let seed = 1;
    let mut random = Random::new(seed);
    let mut pairs = MODES.map(|mode| Pair::new(mode, &mut random));
    let (mut covered, mut left) = (Vec::new(), Vec::new());
    for (index, row) in rows().iter().enumerate() {
        let mut translated = false;
        for (n, pair) in pairs.iter_mut().enumerate() {
            // Most instructions do the same in every mode: the first gets most of the time.
            let words = if n == 0 { 8 } else { 2 };
            for variant in 0..words * rounds() {
                let Some(insn) = random.instruction_variant(index, variant) else {
                    continue;
                };
                let Some(block) = pair.load(&[insn]) else {
                    continue;
                };
                translated = true;
                for _ in 0..6 {
                    pair.compare(&[insn], &block, &random.registers());
                }
            }
        }
        if translated {
            covered.push(row.mnemonic)
        } else {
            left.push(row.mnemonic)
        }
    }
    let compared: u64 = pairs.iter().map(|pair| pair.compared).sum();
    let discarded: u64 = pairs.iter().map(|pair| pair.discarded).sum();
    println!(
        "covered: {} of {} rows; {compared} runs compared, {discarded} not (stores to code)",
        covered.len(),
        rows().len()
    );
    println!("left to the interpreter: {}", left.join(" "));
    let missing: Vec<&str> = EXPECTED
        .split_whitespace()
        .filter(|name| !covered.contains(name))
        .collect();
    assert!(missing.is_empty(), "not translated: {missing:?}");
    assert!(
        discarded < compared / 4,
        "{discarded} of {compared} runs were not compared"
    );
}

/// Whether a row's instructions are branches, which end a block.
fn branches(row: usize) -> bool {
    rows()[row].operands.starts_with("li") || rows()[row].operands.starts_with("bo")
}

/// Whether a row's instructions may fault in most states: addresses and traps are random too.
fn stops_often(row: usize) -> bool {
    let operands = rows()[row].operands;
    operands.contains("ra0") || operands.contains("(ra") || operands.contains("to,")
}

/// The rows that a pair translates and that may be followed by more.
fn rows_for_sequences(pair: &mut Pair, random: &mut Random) -> Vec<usize> {
    (0..rows().len())
        .filter(|&row| !branches(row))
        .filter(|&row| {
            random
                .instruction(row)
                .is_some_and(|insn| pair.load(&[insn]).is_some())
        })
        .collect()
}

/// `length` random instructions, the last of any row at all.
fn sequence(random: &mut Random, pool: &[usize], length: usize) -> Vec<Insn> {
    let mut code = Vec::with_capacity(length);
    while code.len() + 1 < length {
        let row = pool[random.below(pool.len() as u64) as usize];
        if !stops_often(row) || random.below(8) == 0 {
            code.extend(random.instruction(row));
        }
    }
    while code.len() < length {
        let row = random.below(rows().len() as u64) as usize;
        code.extend(random.instruction(row));
    }
    code
}

#[test]
fn random_sequences_do_what_the_interpreter_does() {
    let mut random = Random::new(2);
    let mut pairs = MODES.map(|mode| Pair::new(mode, &mut random));
    let (mut translated, mut completed, mut runs) = (0, 0, 0);
    for pair in &mut pairs {
        let pool = rows_for_sequences(pair, &mut random);
        for _ in 0..150 * rounds() {
            let length = 1 + random.below(32) as usize;
            let code = sequence(&mut random, &pool, length);
            let Some(block) = pair.load(&code) else {
                continue;
            };
            translated += block.instructions();
            for _ in 0..6 {
                runs += 1;
                completed += u64::from(!matches!(
                    pair.compare(&code, &block, &random.registers()),
                    Some(Exit::Interrupt(_))
                ));
            }
        }
    }
    println!(
        "{translated} instructions in sequences; {completed} of {runs} runs reached the end of their block"
    );
    assert!(
        completed > runs / 4,
        "{completed} of {runs} runs reached the end of their block"
    );
}
