//! The comparison itself and the text of a difference.

use std::fmt::{self, Display};

use super::Mask;
use crate::layout::{CODE_BASE, MEMORY_BASE};
use crate::operands::{self, Register};
use crate::state::{Case, Ending, Outcome, State};

/// How two outcomes of the same case differ; its `Display` is a report of a few lines.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The mnemonic of the step where the case ended, else of its first step.
    pub mnemonic: &'static str,
    text: String,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Compares `ours` with the `peer`'s outcome, leaving out what `mask` says. None when they agree.
pub fn compare(case: &Case, peer: &Outcome, ours: &Outcome, mask: &Mask) -> Option<Difference> {
    if mask.everything {
        return None;
    }
    let mut lines = Vec::new();
    if (peer.ending, peer.nip) != (ours.ending, ours.nip) {
        lines.push(format!(
            "  ending   peer {}, ours {}",
            ending(peer),
            ending(ours)
        ));
    } else if matches!(peer.ending, Ending::Hung | Ending::Died) {
        return None; // the rest means nothing
    }
    if peer.ending == ours.ending && peer.fault_address != ours.fault_address {
        lines.push(format!(
            "  DAR      peer {:#x}, ours {:#x}",
            peer.fault_address, ours.fault_address
        ));
    }
    lines.extend(registers(&case.state, &peer.state, &ours.state, mask));
    if !mask.memory && peer.memory != ours.memory {
        lines.push(memory(case, peer, ours));
    }
    if peer.stray_write != ours.stray_write {
        lines.push(format!(
            "  wrote beside the window: peer {}, ours {}",
            peer.stray_write, ours.stray_write
        ));
    }
    if lines.is_empty() {
        return None;
    }
    let guilty = case
        .step_at(peer.nip)
        .or(case.step_at(ours.nip))
        .or(case.code.first());
    Some(Difference {
        mnemonic: guilty.map_or("", |step| step.mnemonic),
        text: format!("{}{}\n", program(case), lines.join("\n")),
    })
}

/// The registers in which two states differ, as lines "name a, b".
pub fn differing_registers(a: &State, b: &State) -> Vec<String> {
    registers(a, a, b, &Mask::none())
}

/// The code with the registers that it names, as they were before.
fn program(case: &Case) -> String {
    let mut text = String::new();
    for (i, step) in case.code.iter().enumerate() {
        let address = CODE_BASE + 4 * i as u64;
        text += &format!(
            "{address:#x}: {:08x}  {} {}\n",
            step.word, step.mnemonic, step.operands
        );
        for (name, register) in operands::registers(step.operands, step.word) {
            text += &match register {
                Register::Gpr(n) => format!("    {name} = r{n} = {:#018x}\n", case.state.gpr[n]),
                Register::Vsr(n) => format!(
                    "    {name} = {} = {}\n",
                    vsr_name(n),
                    wide(case.state.vsr[n])
                ),
                Register::CrField(n) => format!(
                    "    {name} = cr{n} = {:#x}\n",
                    case.state.cr >> (28 - 4 * n) & 15
                ),
            };
        }
    }
    let state = &case.state;
    text + &format!(
        "    CR {:#010x} XER {:#x} FPSCR {:#x} VSCR {:#x} LR {:#x} CTR {:#x}\n",
        state.cr, state.xer, state.fpscr, state.vscr, state.lr, state.ctr
    )
}

fn ending(outcome: &Outcome) -> String {
    match outcome.landing() {
        Some(word) => format!("left for {:#x} (word {word})", outcome.nip),
        None => format!("{:?} at {:#x}", outcome.ending, outcome.nip),
    }
}

fn registers(before: &State, peer: &State, ours: &State, mask: &Mask) -> Vec<String> {
    let mut lines = Vec::new();
    let mut check = |name: &str, before: u128, peer: u128, ours: u128, mask: u128| {
        if (peer ^ ours) & !mask != 0 {
            let show = |value: u128| {
                if name.starts_with('v') {
                    wide(value)
                } else {
                    format!("{value:#x}")
                }
            };
            let left_out = if mask == 0 {
                String::new()
            } else {
                format!(" (not compared: {})", show(mask))
            };
            lines.push(format!(
                "  {name:8} peer {}\n           ours {}",
                show(peer),
                show(ours)
            ));
            lines.push(format!("           was  {}{left_out}", show(before)));
        }
    };
    for n in 0..32 {
        let [before, peer, ours] = [before, peer, ours].map(|state| u128::from(state.gpr[n]));
        check(&format!("r{n}"), before, peer, ours, mask.gpr[n].into());
    }
    for n in 0..64 {
        check(
            &vsr_name(n),
            before.vsr[n],
            peer.vsr[n],
            ours.vsr[n],
            mask.vsr[n],
        );
    }
    type Get = fn(&State) -> u64;
    let others: [(&str, Get, u64); 8] = [
        ("CR", |s| s.cr.into(), mask.cr.into()),
        ("XER", |s| s.xer, mask.xer),
        ("FPSCR", |s| s.fpscr, mask.fpscr),
        ("VSCR", |s| s.vscr.into(), mask.vscr.into()),
        ("LR", |s| s.lr, 0),
        ("CTR", |s| s.ctr, 0),
        ("TAR", |s| s.tar, 0),
        ("VRSAVE", |s| s.vrsave.into(), 0),
    ];
    for (name, get, mask) in others {
        check(
            name,
            get(before).into(),
            get(peer).into(),
            get(ours).into(),
            mask.into(),
        );
    }
    lines
}

fn memory(case: &Case, peer: &Outcome, ours: &Outcome) -> String {
    let differs = |i: usize| peer.memory[i] != ours.memory[i];
    let first = (0..peer.memory.len()).find(|&i| differs(i)).unwrap_or(0);
    let last = (first..peer.memory.len())
        .rfind(|&i| differs(i))
        .unwrap_or(first);
    // A whole block could differ: 32 bytes are enough to see how.
    let range = first..=last.min(first + 31);
    format!(
        "  memory {:#x}\n           peer {:02x?}\n           ours {:02x?}\n           was  {:02x?}",
        MEMORY_BASE + first as u64,
        &peer.memory[range.clone()],
        &ours.memory[range.clone()],
        &case.memory[range]
    )
}

fn vsr_name(n: usize) -> String {
    if n < 32 {
        format!("vs{n}")
    } else {
        format!("vs{n}/v{}", n - 32)
    }
}

/// Two doublewords, as the ISA's figures are drawn.
fn wide(value: u128) -> String {
    format!("{:016x}_{:016x}", (value >> 64) as u64, value as u64)
}
