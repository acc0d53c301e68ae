//! What a snapshot carries of the processor: the state of each vCPU ([`CpuState`]) and of what they share
//! ([`PartitionState`]), as plain data that names its parts.
//!
//! Caches of translations and of decoded code are not in it, and neither are reservations: a restored vCPU has none, as after
//! any interrupt. The external-interrupt wire is not in it either: the interrupt controller drives it again.
//!
//! Time: a snapshot is of one moment of the time base, which [`PartitionState::time_base`] holds. Decrementers are kept as the
//! ticks that were left at a time base that is kept beside them, so that vCPUs may be exported one after the other while the
//! clock runs, and fire at the very tick at which they would have.

use std::collections::BTreeMap;

use power_float::Fpscr;
use serde::{Deserialize, Serialize};

use crate::cpu::{Cpu, DebugRegisters, sprs};
use crate::msr;
use crate::partition::Partition;
use crate::registers::{Registers, Xer};
use crate::signals::{PROD, SYSTEM_RESET};

/// The version of [`CpuState`] and [`PartitionState`] that this crate writes, and the newest that it reads.
pub const STATE_VERSION: u32 = 2;

/// Bits of VSCR that a processor has: NJ and SAT.
const VSCR_BITS: u32 = 0x0001_0001;
/// More instructions than a processor can have carried out (in two centuries); sums over all vCPUs stay within 64 bits.
const INSTRUCTIONS: u64 = 1 << 56;
/// A process table is at least a page, and at most 64 GiB (log2 of bytes).
const PROCESS_TABLE_SIZES: std::ops::RangeInclusive<u32> = 12..=36;

/// One vCPU at one moment, between two instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuState {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// The vCPU's number (PIR).
    pub id: u32,
    /// General-purpose registers.
    pub gpr: [u64; 32],
    /// Vector-scalar registers 0 to 31 (the FPRs are their first halves): high doubleword, low doubleword.
    pub vsr0_31: [[u64; 2]; 32],
    /// Vector-scalar registers 32 to 63, which are the VMX registers: high doubleword, low doubleword.
    pub vsr32_63: [[u64; 2]; 32],
    /// Condition Register.
    pub cr: u32,
    /// Link Register.
    pub lr: u64,
    /// Count Register.
    pub ctr: u64,
    /// Target Address Register.
    pub tar: u64,
    /// Fixed-point Exception Register, as mfspr reads it.
    pub xer: u64,
    /// Floating-Point Status and Control Register.
    pub fpscr: u64,
    /// Vector Status and Control Register.
    pub vscr: u32,
    /// Address of the next instruction.
    pub nia: u64,
    /// Machine State Register.
    pub msr: u64,
    /// SRR0.
    pub srr0: u64,
    /// SRR1.
    pub srr1: u64,
    /// Data Address Register.
    pub dar: u64,
    /// Data Storage Interrupt Status Register.
    pub dsisr: u32,
    /// Process ID Register.
    pub pid: u32,
    /// Authority Mask Register.
    pub amr: u64,
    /// Instruction Authority Mask Register.
    pub iamr: u64,
    /// User Authority Mask Override Register.
    pub uamor: u64,
    /// Facility Status and Control Register.
    pub fscr: u64,
    /// SPRG0 to SPRG3.
    pub sprg: [u64; 4],
    /// VRSAVE.
    pub vrsave: u32,
    /// Ticks until the decrementer passes below 0 (negative: since it did), counted from `time_base`.
    pub decrementer: i64,
    /// The partition's time base when the vCPU was exported.
    pub time_base: u64,
    /// Completed Instruction Address Breakpoint Register.
    pub ciabr: u64,
    /// Data Address Watchpoint Register 0.
    pub dawr0: u64,
    /// Data Address Watchpoint Register Extension 0.
    pub dawrx0: u64,
    /// Registers that only hold what was written (DSCR, PPR, the performance monitor's and so on), by SPR number.
    pub plain_sprs: BTreeMap<u32, u64>,
    /// A system reset interrupt was asked for and not taken.
    pub system_reset_pending: bool,
    /// H_PROD was called for it and has not ended a wait.
    pub prodded: bool,
    /// Instructions carried out since power-on, for statistics.
    pub instructions: u64,
}

/// What the vCPUs of a partition share, at one moment. Memory is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionState {
    /// [`STATE_VERSION`] of who wrote it.
    pub version: u32,
    /// How many vCPUs there are.
    pub vcpus: u32,
    /// The time base at this moment, in ticks of 512 MHz.
    pub time_base: u64,
    /// Where the process table is, if one is registered.
    pub process_table: Option<ProcessTableState>,
    /// LPCR\[ILE\].
    pub interrupt_little_endian: bool,
    /// LPCR\[AIL\]: 3 (true) or 0.
    pub interrupts_relocated: bool,
}

/// A registered process table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessTableState {
    /// Its real address.
    pub base: u64,
    /// log2 of its size in bytes.
    pub size_log2: u32,
}

/// Why a saved processor can't be restored here. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Written by something newer, or by nothing at all.
    #[error(
        "the saved processor is of version {0}, and this program reads versions 1 to {STATE_VERSION}; restore it with the program that saved it"
    )]
    Version(u32),
    /// The state of another vCPU.
    #[error("the saved state is that of vCPU {saved}, and not of vCPU {here}")]
    OtherVcpu {
        /// Whose state it is.
        saved: u32,
        /// Who should take it.
        here: u32,
    },
    /// A machine of another size.
    #[error("the saved machine has {saved} vCPUs and this one has {here}; start it with as many")]
    VcpuCount {
        /// How many it had.
        saved: u32,
        /// How many there are here.
        here: u32,
    },
    /// A value that no processor can hold.
    #[error(
        "the saved state of the processor is damaged: {what} can't be {value:#x}; use another snapshot"
    )]
    Impossible {
        /// Which register.
        what: &'static str,
        /// What it is said to hold.
        value: u64,
    },
    /// Registers are missing, or there are some that this processor does not have.
    #[error(
        "the saved state of the processor is damaged: it has not the special purpose registers that a POWER9 has; use another snapshot"
    )]
    WrongSprs,
}

fn check_version(version: u32) -> Result<(), StateError> {
    if (1..=STATE_VERSION).contains(&version) {
        Ok(())
    } else {
        Err(StateError::Version(version))
    }
}

/// Checks that a register can hold `value`: that putting it in and reading it gives it back.
fn check(what: &'static str, value: u64, read_back: u64) -> Result<(), StateError> {
    if value == read_back {
        Ok(())
    } else {
        Err(StateError::Impossible { what, value })
    }
}

/// MSR as a processor would hold it, where it was set to `value` ([`Cpu::set_msr`]).
fn held_msr(value: u64) -> u64 {
    let held = value & msr::IMPLEMENTED;
    if held & msr::PR != 0 {
        held | msr::EE | msr::IR | msr::DR
    } else {
        held
    }
}

fn halves(vsr: u128) -> [u64; 2] {
    [(vsr >> 64) as u64, vsr as u64]
}

fn whole([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

impl Cpu {
    /// The state to save. Called on the vCPU's thread, or while that is not running it: between two instructions, outside
    /// [`Cpu::run`].
    pub fn export(&self) -> CpuState {
        // Field by field and without `..`: a register that is added must be saved too.
        let Registers {
            gpr,
            vsr,
            cr: _,
            lr,
            ctr,
            tar,
            xer,
            fpscr,
            vscr,
            nia,
            msr,
            srr0,
            srr1,
            dar,
            dsisr,
            pid,
            amr,
            iamr,
            uamor,
            fscr,
            sprg,
            vrsave,
            decrementer_expiry,
        } = self.regs;
        let DebugRegisters {
            ciabr,
            dawr0,
            dawrx0,
        } = self.debug;
        let time_base = self.partition.time_base.now();
        let signals = self.signals.flags();
        CpuState {
            version: STATE_VERSION,
            id: self.id(),
            gpr,
            vsr0_31: std::array::from_fn(|n| halves(vsr[n])),
            vsr32_63: std::array::from_fn(|n| halves(vsr[32 + n])),
            cr: self.regs.cr_bits(),
            lr,
            ctr,
            tar,
            xer: xer.bits(),
            fpscr: fpscr.bits(),
            vscr,
            nia,
            msr,
            srr0,
            srr1,
            dar,
            dsisr,
            pid,
            amr,
            iamr,
            uamor,
            fscr,
            sprg,
            vrsave,
            decrementer: decrementer_expiry.wrapping_sub(time_base) as i64,
            time_base,
            ciabr,
            dawr0,
            dawrx0,
            plain_sprs: self.numbered_sprs().collect(),
            system_reset_pending: signals & SYSTEM_RESET != 0,
            prodded: signals & PROD != 0,
            instructions: self.statistics().instructions,
        }
    }

    /// Goes to where a saved vCPU was, whatever this one was at. Called outside [`Cpu::run`]; the order in which vCPUs and
    /// [`Partition::import`] take their states does not matter.
    ///
    /// # Errors
    /// [`StateError`] for what is not the state of this vCPU; nothing has changed then.
    pub fn import(&mut self, state: &CpuState) -> Result<(), StateError> {
        check_version(state.version)?;
        if state.id != self.id() {
            return Err(StateError::OtherVcpu {
                saved: state.id,
                here: self.id(),
            });
        }
        let (xer, fpscr) = (Xer::from_bits(state.xer), Fpscr::from_bits(state.fpscr));
        check("MSR", state.msr, held_msr(state.msr))?;
        check("XER", state.xer, xer.bits())?;
        check("FPSCR", state.fpscr, fpscr.bits())?;
        check("VSCR", state.vscr.into(), (state.vscr & VSCR_BITS).into())?;
        check(
            "the number of instructions",
            state.instructions,
            state.instructions % INSTRUCTIONS,
        )?;
        let (other_sprs, pmu) = sprs::from_numbered(&state.plain_sprs, state.version == 1)
            .ok_or(StateError::WrongSprs)?;

        // With the reset go reservation, translations and decoded code.
        self.reset();
        self.regs = Registers {
            gpr: state.gpr,
            vsr: std::array::from_fn(|n| {
                whole(if n < 32 {
                    state.vsr0_31[n]
                } else {
                    state.vsr32_63[n - 32]
                })
            }),
            cr: [0; 8],
            lr: state.lr,
            ctr: state.ctr,
            tar: state.tar,
            xer,
            fpscr,
            vscr: state.vscr,
            nia: state.nia,
            msr: state.msr,
            srr0: state.srr0,
            srr1: state.srr1,
            dar: state.dar,
            dsisr: state.dsisr,
            pid: state.pid,
            amr: state.amr,
            iamr: state.iamr,
            uamor: state.uamor,
            fscr: state.fscr,
            sprg: state.sprg,
            vrsave: state.vrsave,
            decrementer_expiry: state.time_base.wrapping_add_signed(state.decrementer),
        };
        self.regs.set_cr_bits(state.cr);
        self.debug = DebugRegisters {
            ciabr: state.ciabr,
            dawr0: state.dawr0,
            dawrx0: state.dawrx0,
        };
        self.other_sprs = other_sprs;
        self.pmu = pmu;
        self.executed = state.instructions;
        self.budget = 0;
        for (flag, up) in [
            (SYSTEM_RESET, state.system_reset_pending),
            (PROD, state.prodded),
        ] {
            if up {
                self.signals.raise(flag);
            } else {
                self.signals.clear(flag);
            }
        }
        // What follows from MSR and AMR: byte order, address width, the table of translations.
        self.set_msr(state.msr);
        self.choose_counting();
        Ok(())
    }
}

impl Partition {
    /// The state to save, while no vCPU runs.
    pub fn export(&self) -> PartitionState {
        PartitionState {
            version: STATE_VERSION,
            vcpus: self.vcpus(),
            time_base: self.time_base.now(),
            process_table: self
                .process_table()
                .map(|(base, size_log2)| ProcessTableState { base, size_log2 }),
            interrupt_little_endian: self.interrupt_little_endian(),
            interrupts_relocated: self.interrupts_relocated(),
        }
    }

    /// Goes to where a saved partition was: the time base goes on from what it read. Called while no vCPU runs.
    ///
    /// # Errors
    /// [`StateError`] for what is not the state of a partition like this; nothing has changed then.
    pub fn import(&self, state: &PartitionState) -> Result<(), StateError> {
        check_version(state.version)?;
        if state.vcpus != self.vcpus() {
            return Err(StateError::VcpuCount {
                saved: state.vcpus,
                here: self.vcpus(),
            });
        }
        if let Some(ProcessTableState { base, size_log2 }) = state.process_table {
            if !PROCESS_TABLE_SIZES.contains(&size_log2) {
                return Err(StateError::Impossible {
                    what: "the process table's size",
                    value: size_log2.into(),
                });
            }
            if !base.is_multiple_of(4096) || base.checked_add((1 << size_log2) - 1).is_none() {
                return Err(StateError::Impossible {
                    what: "the process table's address",
                    value: base,
                });
            }
        }
        self.time_base.set(state.time_base);
        self.set_interrupt_little_endian(state.interrupt_little_endian);
        self.set_interrupts_relocated(state.interrupts_relocated);
        // Code that was decoded from memory as it was before is not looked at again, nor are translations.
        self.invalidate_code();
        self.set_process_table(
            state
                .process_table
                .map(|table| (table.base, table.size_log2)),
        );
        Ok(())
    }
}
