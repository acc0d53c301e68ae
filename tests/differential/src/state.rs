//! What a test case is and what comes out of it: plain data, shared by the peer, the engines and the comparison.
//!
//! Register values are numbers with the ISA's bit 0 as the most significant bit. `vsr[0..32]` hold FPR 0-31 in their
//! upper 64 bits, `vsr[32..64]` are VR 0-31.

use crate::layout::{
    CASE_SIZE, CODE_BASE, CODE_WORDS, MEMORY_BASE, MEMORY_SIZE, OUTCOME_SIZE, STATE_SIZE, offset,
};

/// The user-visible registers of a POWER9 thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// General purpose registers.
    pub gpr: [u64; 32],
    /// Vector-scalar registers.
    pub vsr: [u128; 64],
    /// Condition register; field 0 in the top four bits.
    pub cr: u32,
    /// Fixed-point exception register.
    pub xer: u64,
    /// Link register.
    pub lr: u64,
    /// Count register.
    pub ctr: u64,
    /// Target address register.
    pub tar: u64,
    /// Floating-point status and control register. An initial state has no enabled exception pending (FEX=0).
    pub fpscr: u64,
    /// Vector status and control register: NJ is bit value 0x10000, SAT is bit value 1.
    pub vscr: u32,
    /// VRSAVE.
    pub vrsave: u32,
}

impl Default for State {
    /// All zero.
    fn default() -> Self {
        State {
            gpr: [0; 32],
            vsr: [0; 64],
            cr: 0,
            xer: 0,
            lr: 0,
            ctr: 0,
            tar: 0,
            fpscr: 0,
            vscr: 0,
            vrsave: 0,
        }
    }
}

/// One instruction of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, for reports and for the table of exceptions.
    pub mnemonic: &'static str,
    /// The instruction word, as a number.
    pub word: u32,
    /// Its operand syntax ("rt,ra,rb"), see [`crate::operands`].
    pub operands: &'static str,
}

/// A test case: load `state` and `memory`, run `code` from [`CODE_BASE`] until control leaves it.
///
/// The machine is 64-bit, little-endian, problem state, with FP, VMX and VSX available and MSR\[FE0,FE1\] = 0b11
/// (floating-point exceptions precise); no reservation is held at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Registers at the start.
    pub state: State,
    /// The window at [`MEMORY_BASE`]; the rest of the data region is zero.
    pub memory: [u8; MEMORY_SIZE],
    /// 1 to [`CODE_WORDS`] instructions.
    pub code: Vec<Step>,
}

impl Case {
    /// A case with zero memory.
    pub fn new(state: State, code: Vec<Step>) -> Self {
        Case {
            state,
            memory: [0; MEMORY_SIZE],
            code,
        }
    }

    /// The address after the last instruction: where control goes when nothing branches.
    pub fn code_end(&self) -> u64 {
        CODE_BASE + 4 * self.code.len() as u64
    }

    /// Whether `nip` is the address of one of the instructions, and which.
    pub fn step_at(&self, nip: u64) -> Option<&Step> {
        let distance = nip.checked_sub(CODE_BASE)?;
        self.code.get(usize::try_from(distance / 4).ok()?)
    }

    /// The instructions from this address on: none where `nip` is not the address of one.
    pub(crate) fn rest_from(&self, nip: u64) -> &[Step] {
        match self.step_at(nip) {
            Some(_) => &self.code[((nip - CODE_BASE) / 4) as usize..],
            None => &[],
        }
    }

    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        let start = into.len();
        self.state.encode(into);
        into.extend_from_slice(&self.memory);
        for i in 0..CODE_WORDS {
            into.extend_from_slice(&self.code.get(i).map_or(0, |step| step.word).to_le_bytes());
        }
        into.extend_from_slice(&(self.code.len() as u32).to_le_bytes());
        into.resize(start + CASE_SIZE, 0);
    }
}

/// Why a case stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Control left the code; [`Outcome::nip`] says to where. A branch to an address that cannot be fetched counts too.
    Left,
    /// Trap: a program interrupt of type trap (SIGTRAP).
    Trap,
    /// Program interrupt of type illegal instruction (SIGILL).
    Illegal,
    /// Program interrupt of type privileged instruction (SIGILL with ILL_PRVOPC or ILL_PRVREG).
    Privileged,
    /// Program interrupt of type floating-point enabled exception (SIGFPE).
    FloatingPoint,
    /// Data storage or data segment interrupt (SIGSEGV).
    DataStorage,
    /// Alignment interrupt (SIGBUS).
    Alignment,
    /// Another interrupt, by the offset of its vector. No case of a test should raise one.
    Other(u64),
    /// The case did not end.
    Hung,
    /// The process that ran it died.
    Died,
}

/// What a case left behind. With [`Ending::Hung`] and [`Ending::Died`] the rest is meaningless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it stopped.
    pub ending: Ending,
    /// Next instruction: the landing place, or the instruction that was interrupted.
    pub nip: u64,
    /// For [`Ending::DataStorage`], the effective address (DAR).
    pub fault_address: u64,
    /// Registers at the end.
    pub state: State,
    /// The window at the end.
    pub memory: [u8; MEMORY_SIZE],
    /// Something beside the window was written.
    pub stray_write: bool,
}

impl Outcome {
    /// The landing pad that was reached, in words from the start of the code; the one after the last instruction when
    /// nothing branched. None when the case was interrupted.
    pub fn landing(&self) -> Option<i64> {
        (self.ending == Ending::Left).then(|| (self.nip.wrapping_sub(CODE_BASE) as i64) / 4)
    }

    /// The outcome of a case whose process died.
    pub(crate) fn died(case: &Case) -> Self {
        Outcome {
            ending: Ending::Died,
            nip: CODE_BASE,
            fault_address: 0,
            state: case.state.clone(),
            memory: case.memory,
            stray_write: false,
        }
    }

    /// Reads an outcome of [`OUTCOME_SIZE`] bytes.
    pub(crate) fn decode(case: &Case, bytes: &[u8; OUTCOME_SIZE]) -> Self {
        let tail = STATE_SIZE + MEMORY_SIZE;
        let nip = u64_at(bytes, tail);
        let signal = u32_at(bytes, tail + 16);
        let code = u32_at(bytes, tail + 20);
        let ending = match signal {
            26 => Ending::Hung,
            _ if case.step_at(nip).is_none() => Ending::Left,
            4 if code == 5 || code == 6 => Ending::Privileged,
            4 => Ending::Illegal,
            5 => Ending::Trap,
            7 => Ending::Alignment,
            8 => Ending::FloatingPoint,
            _ => Ending::DataStorage,
        };
        let mut memory = [0; MEMORY_SIZE];
        memory.copy_from_slice(&bytes[STATE_SIZE..tail]);
        let fault_address = if ending == Ending::DataStorage {
            u64_at(bytes, tail + 8)
        } else {
            0
        };
        Outcome {
            ending,
            nip,
            fault_address,
            state: State::decode(bytes),
            memory,
            stray_write: u32_at(bytes, tail + 24) != 0,
        }
    }
}

impl State {
    fn encode(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.resize(start + STATE_SIZE, 0);
        let bytes = &mut into[start..];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        for (i, value) in self.gpr.iter().enumerate() {
            put(offset::GPR + 8 * i, &value.to_le_bytes());
        }
        for (i, value) in self.vsr.iter().enumerate() {
            put(offset::VSR + 16 * i, &value.to_le_bytes());
        }
        for (at, value) in [
            (offset::VSCR, u64::from(self.vscr)),
            (offset::FPSCR, self.fpscr),
            (offset::LR, self.lr),
            (offset::CTR, self.ctr),
            (offset::XER, self.xer),
            (offset::TAR, self.tar),
            (offset::CR, u64::from(self.cr)),
            (offset::VRSAVE, u64::from(self.vrsave)),
        ] {
            put(at, &value.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Self {
        State {
            gpr: std::array::from_fn(|i| u64_at(bytes, offset::GPR + 8 * i)),
            vsr: std::array::from_fn(|i| {
                let at = offset::VSR + 16 * i;
                u128::from(u64_at(bytes, at)) | u128::from(u64_at(bytes, at + 8)) << 64
            }),
            cr: u32_at(bytes, offset::CR),
            xer: u64_at(bytes, offset::XER),
            lr: u64_at(bytes, offset::LR),
            ctr: u64_at(bytes, offset::CTR),
            tar: u64_at(bytes, offset::TAR),
            fpscr: u64_at(bytes, offset::FPSCR),
            vscr: u32_at(bytes, offset::VSCR),
            vrsave: u32_at(bytes, offset::VRSAVE),
        }
    }
}

/// The window's bytes at an effective address, for tests that look at memory.
pub fn memory_offset(address: u64) -> usize {
    address.wrapping_sub(MEMORY_BASE) as usize
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}
