//! Random instructions of the table, weighted towards those that get on: with pointers where addresses are, and results where they
//! do no harm.

use std::sync::LazyLock;

use power::Insn;
use power::decode::{Opcode, Row, decode, rows};

use crate::layout::*;
use crate::random::Random;

/// What a row is, as far as weights go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Memory,
    Float,
    Vmx,
    Vsx,
    Condition,
    System,
    /// Made elsewhere, with a plan; or not the same twice.
    Never,
}

fn kind(row: &Row) -> Kind {
    const SYSTEM: [&str; 21] = [
        "tlbie", "tlbiel", "tlbsync", "slbia", "slbie", "slbieg", "slbsync", "slbmte", "slbmfev",
        "slbmfee", "msgsndp", "msgclrp", "msgsnd", "msgclr", "msgsync", "rfebb", "hrfid", "stop",
        "clrbhrb", "mfbhrbe", "mfmsr",
    ];
    // darn is random on each side.
    const NEVER: [&str; 15] = [
        "b", "bc", "bclr", "bcctr", "bctar", "sc", "scv", "rfid", "rfscv", "mtmsr", "mtmsrd",
        "mfspr", "mtspr", "icbi", "darn",
    ];
    let name = row.mnemonic;
    let memory = row.operands.contains("(ra")
        || row.operands.contains("ra0")
        || row.operands.ends_with(",ra,rb") && name.ends_with("ux");
    match row.pattern.value >> 26 {
        _ if NEVER.contains(&name) || row.pattern.mask == u32::MAX && row.pattern.value == 0 => {
            Kind::Never
        }
        _ if SYSTEM.contains(&name) => Kind::System,
        _ if memory => Kind::Memory,
        4 => Kind::Vmx,
        59 | 63 => Kind::Float,
        60 => Kind::Vsx,
        19 => Kind::Condition,
        _ => Kind::Integer,
    }
}

static BY_KIND: LazyLock<Vec<(Kind, Vec<u16>)>> = LazyLock::new(|| {
    let kinds = [
        Kind::Integer,
        Kind::Memory,
        Kind::Float,
        Kind::Vmx,
        Kind::Vsx,
        Kind::Condition,
        Kind::System,
    ];
    kinds
        .into_iter()
        .map(|of| {
            // Row 0 is what undefined words are.
            let rows = rows().iter().enumerate().skip(1);
            let those = rows.filter(|(_, row)| kind(row) == of);
            (of, those.map(|(n, _)| n as u16).collect())
        })
        .collect()
});

fn set(insn: u32, first: u32, length: u32, value: u32) -> u32 {
    let shift = 32 - first - length;
    let mask = ((1 << length) - 1) << shift;
    insn & !mask | value << shift & mask
}

/// An instruction that could be anywhere.
pub(crate) fn instruction(random: &mut Random<'_>) -> u32 {
    let of = match random.below(100) {
        0..=33 => Kind::Integer,
        34..=61 => Kind::Memory,
        62..=73 => Kind::Float,
        74..=82 => Kind::Vmx,
        83..=91 => Kind::Vsx,
        92..=96 => Kind::Condition,
        97 => Kind::System,
        _ => return random.bits() as u32,
    };
    let rows = BY_KIND.iter().find(|(kind, _)| *kind == of);
    let rows = rows.map_or(&[][..], |(_, rows)| &rows[..]);
    loop {
        let row = random.pick(rows);
        if let Some(insn) = of_row(random, Opcode(row), of) {
            return insn;
        }
    }
}

/// An instruction of a row; None where it came out as one of another.
fn of_row(random: &mut Random<'_>, opcode: Opcode, kind: Kind) -> Option<u32> {
    let row = opcode.row();
    let mut insn = random.bits() as u32;
    if random.percent(90) {
        let free = random.pick(&FREE);
        if row.operands.starts_with("rt") {
            insn = set(insn, 6, 5, free);
        } else if row.operands.starts_with("ra,") {
            insn = set(insn, 11, 5, free);
        }
    }
    if kind == Kind::Memory && random.percent(88) {
        let pointers = POINTERS.end() - POINTERS.start() + 1;
        insn = set(
            insn,
            11,
            5,
            POINTERS.start() + random.below(pointers.into()) as u32,
        );
        if row.operands.contains("(ra") {
            // Within 2 KiB of the pointer, and aligned as often as not.
            insn = set(insn, 16, 5, 0);
            if random.percent(50) {
                insn = set(insn, 28, 4, 0);
            }
        } else if row.operands.contains(",rb") {
            insn = set(insn, 16, 5, INDEX);
        }
    }
    insn = insn & !row.pattern.mask | row.pattern.value;
    (decode(Insn(insn)) == opcode).then_some(insn)
}
