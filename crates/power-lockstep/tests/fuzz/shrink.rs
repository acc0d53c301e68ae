//! Making a case that fails smaller: instructions that don't matter become nops.

use std::fmt::Write;

use power::Insn;
use power::decode::disassemble;

use super::case::Case;
use super::encode::{ISYNC, NOP};
use super::layout::CODE;

/// Runs that are spent on it.
const RUNS: u32 = 400;

/// What is left of the program when nothing more can be taken away, and how it fails then.
pub fn shrink(mut case: Case) -> String {
    let mut last = None;
    let mut runs = 0;
    let mut size = case.code.len() / 2;
    while size > 0 && runs < RUNS {
        let mut at = 0;
        while at < case.code.len() && runs < RUNS {
            let end = (at + size).min(case.code.len());
            let kept = case.code[at..end].to_vec();
            if kept.iter().any(|&word| word != NOP && word != ISYNC) {
                // Without isync the engines may differ.
                let matters = |word: &&mut u32| **word != ISYNC;
                case.code[at..end]
                    .iter_mut()
                    .filter(matters)
                    .for_each(|word| *word = NOP);
                runs += 1;
                match case.run() {
                    Ok(_) => case.code[at..end].copy_from_slice(&kept),
                    Err(error) => last = Some(error),
                }
            }
            at = end;
        }
        size /= 2;
    }
    let mut text = String::new();
    for (n, &word) in (0..)
        .zip(&case.code)
        .filter(|&(_, &word)| word != NOP && word != ISYNC)
    {
        let address = CODE + n * 4;
        // A String takes what is written to it.
        let _ = writeln!(
            text,
            "  {address:#x}  {word:#010x}  {}",
            disassemble(Insn(word), Some(address))
        );
    }
    match last {
        Some(error) => format!("{text}{error}"),
        None => text,
    }
}
