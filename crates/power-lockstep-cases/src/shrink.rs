//! Making a case that fails smaller: instructions that don't matter become nops.

use std::fmt::Write;
use std::ops::Range;

use power::Insn;
use power::decode::disassemble;

use crate::case::Case;
use crate::encode::{ISYNC, NOP};
use crate::layout::CODE;
use crate::program::{CHANGE_BEGINS, CHANGE_ENDS, CHANGE_LENGTH};

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
            let piece = whole_changes(&case.code, at..end);
            let kept = case.code[piece.clone()].to_vec();
            if kept.iter().any(|&word| word != NOP && word != ISYNC) {
                // Without isync the engines may differ.
                let matters = |word: &&mut u32| **word != ISYNC;
                case.code[piece.clone()]
                    .iter_mut()
                    .filter(matters)
                    .for_each(|word| *word = NOP);
                runs += 1;
                match case.run() {
                    Ok(_) => case.code[piece.clone()].copy_from_slice(&kept),
                    Err(error) => last = Some(error),
                }
            }
            at = piece.end;
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

/// A piece of the code with all of each change of an entry that it has a part of: without its tlbie the engines may differ.
fn whole_changes(code: &[u32], piece: Range<usize>) -> Range<usize> {
    let begins = |from: usize| {
        let before = code[from.saturating_sub(CHANGE_LENGTH - 1)..from].iter();
        let back = before.rev().take_while(|&&word| word != CHANGE_ENDS);
        back.zip(1..).find(|&(&word, _)| word == CHANGE_BEGINS)
    };
    let start = begins(piece.start).map_or(piece.start, |(_, back)| piece.start - back);
    let end = match begins(piece.end) {
        Some(_) => {
            let after = code[piece.end..]
                .iter()
                .position(|&word| word == CHANGE_ENDS);
            after.map_or(code.len(), |n| piece.end + n + 1)
        }
        None => piece.end,
    };
    start..end
}
