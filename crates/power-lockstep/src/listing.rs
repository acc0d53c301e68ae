//! Disassembly of the code around a difference.

use std::collections::HashSet;
use std::fmt;

use power::decode::disassemble;
use power::engine::Width;
use power::{Cpu, Insn, msr};

use crate::watch::Step;

/// An instruction in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its effective address.
    pub address: u64,
    /// Its assembler text, or why there is none.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}  {}", self.address, self.text)
    }
}

/// Instructions before and after the place where the two part.
const AROUND: u64 = 8;
/// Blocks of a path that are listed: the last ones.
const BLOCKS: usize = 64;
/// Instructions of a block that are listed.
const BLOCK: u64 = 64;

/// Reads code as data, in the mode that it ran in. The processor is not used for anything else after this.
fn word(cpu: &mut Cpu, mode: u64, address: u64) -> Option<Insn> {
    let relocate = if mode & msr::IR != 0 { msr::DR } else { 0 };
    cpu.regs.amr = 0;
    cpu.set_msr(mode & !msr::DR | relocate);
    let word = cpu.read_memory(address, Width::Word).ok()? as u32;
    Some(Insn(if mode & msr::LE != 0 {
        word
    } else {
        word.swap_bytes()
    }))
}

fn line(cpu: &mut Cpu, mode: u64, address: u64) -> (Line, Option<Insn>) {
    let insn = word(cpu, mode, address);
    let text = match insn {
        Some(insn) => disassemble(insn, Some(address)),
        None => "(not readable)".into(),
    };
    (Line { address, text }, insn)
}

/// Whether control need not go on to the next instruction: branches, system calls, returns.
fn ends_block(insn: Insn) -> bool {
    const TO_LR_CTR_TAR_AND_RETURNS: [u32; 5] = [16, 528, 560, 18, 82];
    match insn.primary() {
        16..=18 => true,
        19 => TO_LR_CTR_TAR_AND_RETURNS.contains(&insn.bits(21, 10)),
        _ => false,
    }
}

/// The blocks of a path, each once.
pub(crate) fn path(cpu: &mut Cpu, path: &[Step]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut listed = HashSet::new();
    for step in &path[path.len().saturating_sub(BLOCKS)..] {
        if !listed.insert(step.nia) {
            lines.push(Line {
                address: step.nia,
                text: "...again".into(),
            });
            continue;
        }
        for n in 0..BLOCK {
            let (line, insn) = line(cpu, step.msr, step.nia.wrapping_add(4 * n));
            lines.push(line);
            if insn.is_none_or(ends_block) {
                break;
            }
        }
    }
    lines
}

/// The instructions around an address.
pub(crate) fn around(cpu: &mut Cpu, mode: u64, address: u64) -> Vec<Line> {
    let first = address.wrapping_sub(4 * AROUND);
    (0..=2 * AROUND)
        .map(|n| {
            let at = first.wrapping_add(4 * n);
            let mut line = line(cpu, mode, at).0;
            if at == address {
                line.text.push_str("    <--");
            }
            line
        })
        .collect()
}
