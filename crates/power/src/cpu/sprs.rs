//! Special purpose registers behind mfspr and mtspr (Book III, 4.4.4, table of SPR numbers).

use std::collections::BTreeMap;

use super::Cpu;
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};
use crate::msr;
use crate::registers::Xer;

type Outcome = Result<(), Interrupt>;

/// PVR of a POWER9 DD2.2.
pub const PVR_POWER9: u32 = 0x004e_1202;
/// Facility numbers of FSCR: also its enable bits.
const FACILITY_DSCR: u8 = 2;
const FACILITY_TAR: u8 = 8;

mod number {
    pub(super) const XER: u32 = 1;
    pub(super) const DSCR_USER: u32 = 3;
    pub(super) const AMR_USER: u32 = 13;
    pub(super) const DSCR: u32 = 17;
    pub(super) const DSISR: u32 = 18;
    pub(super) const DAR: u32 = 19;
    pub(super) const DEC: u32 = 22;
    pub(super) const SRR0: u32 = 26;
    pub(super) const SRR1: u32 = 27;
    pub(super) const AMR: u32 = 29;
    pub(super) const PID: u32 = 48;
    pub(super) const IAMR: u32 = 61;
    pub(super) const CTRL_READ: u32 = 136;
    pub(super) const CTRL: u32 = 152;
    pub(super) const FSCR: u32 = 153;
    pub(super) const UAMOR: u32 = 157;
    pub(super) const VRSAVE: u32 = 256;
    pub(super) const SPRG3_USER: u32 = 259;
    pub(super) const TB: u32 = 268;
    pub(super) const TBU: u32 = 269;
    pub(super) const SPRG0: u32 = 272;
    pub(super) const SPRG3: u32 = 275;
    pub(super) const PVR: u32 = 287;
    pub(super) const PURR: u32 = 309;
    pub(super) const SPURR: u32 = 308;
    pub(super) const TAR: u32 = 815;
    pub(super) const VTB: u32 = 849;
    pub(super) const PPR: u32 = 896;
    pub(super) const PPR32: u32 = 898;
    pub(super) const PIR: u32 = 1023;
    /// Performance monitor: 768 to 783 are the user's view of 784 to 799.
    pub(super) const PMU_USER: std::ops::RangeInclusive<u32> = 768..=783;
    pub(super) const PMU: std::ops::RangeInclusive<u32> = 784..=799;
    /// Registers that only hold what was written: DSCR, CTRL, TIDR, PSPB, EBB and BESCR family, CFAR, IC, PSSCR, PPR.
    pub(super) const PLAIN: [u32; 14] = [
        17, 28, 136, 144, 159, 800, 801, 802, 803, 804, 805, 806, 848, 855,
    ];
}

/// Registers that do nothing but hold what was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Others {
    plain: [u64; number::PLAIN.len()],
    ppr: u64,
    pmu: [u64; 16],
}

impl Others {
    fn plain(&mut self, spr: u32) -> Option<&mut u64> {
        let index = number::PLAIN.iter().position(|&n| n == spr)?;
        Some(&mut self.plain[index])
    }

    /// Each register's number and value, for a snapshot.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, u64)> {
        let plain = number::PLAIN.into_iter().zip(self.plain);
        let pmu = number::PMU.zip(self.pmu);
        plain.chain([(number::PPR, self.ppr)]).chain(pmu)
    }

    /// The registers from their numbers and values; None where some are missing or there are others.
    pub(crate) fn from_numbered(values: &BTreeMap<u32, u64>) -> Option<Self> {
        let value = |spr: u32| values.get(&spr).copied();
        let mut others = Self {
            ppr: value(number::PPR)?,
            ..Self::default()
        };
        for (spr, held) in number::PLAIN.into_iter().zip(&mut others.plain) {
            *held = value(spr)?;
        }
        for (spr, held) in number::PMU.zip(&mut others.pmu) {
            *held = value(spr)?;
        }
        (others.numbered().count() == values.len()).then_some(others)
    }
}

/// What an access to a register number that is not there does (mfspr, mtspr): in problem state a privileged number is a
/// privileged instruction, another an illegal one; in privileged state nothing happens, but for the four reserved numbers.
fn undefined(cpu: &Cpu, spr: u32) -> Outcome {
    let problem = cpu.regs.msr & msr::PR != 0;
    if problem && spr & 0x10 != 0 {
        return Err(Interrupt::Program(ProgramCause::Privileged));
    }
    if problem || matches!(spr, 0 | 4 | 5 | 6) {
        return Err(Interrupt::Program(ProgramCause::Illegal));
    }
    Ok(())
}

/// Numbers with bit 0x10 are privileged.
fn check(cpu: &Cpu, spr: u32) -> Outcome {
    if spr & 0x10 != 0 && cpu.regs.msr & msr::PR != 0 {
        return Err(Interrupt::Program(ProgramCause::Privileged));
    }
    let facility = match spr {
        number::DSCR_USER => FACILITY_DSCR,
        number::TAR => FACILITY_TAR,
        _ => return Ok(()),
    };
    if cpu.regs.msr & msr::PR != 0 && cpu.regs.fscr >> facility & 1 == 0 {
        return Err(Interrupt::FacilityUnavailable(facility));
    }
    Ok(())
}

/// None: there is no such register.
fn read(cpu: &mut Cpu, spr: u32) -> Option<u64> {
    Some(match spr {
        number::XER => cpu.regs.xer.bits(),
        number::DSCR_USER => *cpu.other_sprs.plain(number::DSCR)?,
        number::AMR | number::AMR_USER => cpu.regs.amr,
        number::DSISR => u64::from(cpu.regs.dsisr),
        number::DAR => cpu.regs.dar,
        number::DEC => {
            let now = cpu.read_time_base();
            cpu.decrementer_at(now) as u64
        }
        number::SRR0 => cpu.regs.srr0,
        number::SRR1 => cpu.regs.srr1,
        number::PID => u64::from(cpu.regs.pid),
        number::IAMR => cpu.regs.iamr,
        number::UAMOR => cpu.regs.uamor,
        number::CTRL => *cpu.other_sprs.plain(number::CTRL_READ)?,
        number::FSCR => cpu.regs.fscr,
        number::VRSAVE => u64::from(cpu.regs.vrsave),
        number::SPRG3_USER => cpu.regs.sprg[3],
        number::SPRG0..=number::SPRG3 => cpu.regs.sprg[(spr - number::SPRG0) as usize],
        number::TB | number::VTB | number::PURR | number::SPURR => cpu.read_time_base(),
        number::TBU => cpu.read_time_base() >> 32,
        number::PVR => u64::from(PVR_POWER9),
        number::TAR => cpu.regs.tar,
        number::PPR => cpu.other_sprs.ppr,
        number::PPR32 => cpu.other_sprs.ppr >> 32,
        number::PIR => u64::from(cpu.id),
        spr if number::PMU.contains(&spr) => {
            cpu.other_sprs.pmu[(spr - number::PMU.start()) as usize]
        }
        spr if number::PMU_USER.contains(&spr) => {
            cpu.other_sprs.pmu[(spr - number::PMU_USER.start()) as usize]
        }
        spr => *cpu.other_sprs.plain(spr)?,
    })
}

/// None: there is no such register (or it can't be written).
fn write(cpu: &mut Cpu, spr: u32, value: u64) -> Option<()> {
    match spr {
        number::XER => cpu.regs.xer = Xer::from_bits(value),
        number::DSCR_USER => *cpu.other_sprs.plain(number::DSCR)? = value,
        number::AMR => {
            cpu.regs.amr = value;
            cpu.select_table();
        }
        number::AMR_USER => {
            // Problem state changes only what UAMOR lets it.
            let mask = if cpu.regs.msr & msr::PR != 0 {
                cpu.regs.uamor
            } else {
                u64::MAX
            };
            cpu.regs.amr = cpu.regs.amr & !mask | value & mask;
            cpu.select_table();
        }
        number::DSISR => cpu.regs.dsisr = value as u32,
        number::DAR => cpu.regs.dar = value,
        number::DEC => cpu.set_decrementer(value),
        number::SRR0 => cpu.regs.srr0 = value,
        number::SRR1 => cpu.regs.srr1 = value,
        number::PID => {
            cpu.regs.pid = value as u32;
            cpu.switch_process();
        }
        number::IAMR => {
            if cpu.regs.iamr != value {
                cpu.regs.iamr = value;
                cpu.code.flush_translations();
            }
        }
        number::UAMOR => cpu.regs.uamor = value,
        number::CTRL => *cpu.other_sprs.plain(number::CTRL_READ)? = value & 1,
        number::FSCR => cpu.regs.fscr = value,
        number::VRSAVE => cpu.regs.vrsave = value as u32,
        number::SPRG0..=number::SPRG3 => cpu.regs.sprg[(spr - number::SPRG0) as usize] = value,
        number::TAR => cpu.regs.tar = value,
        number::PPR => cpu.other_sprs.ppr = value,
        number::PPR32 => cpu.other_sprs.ppr = value << 32,
        spr if number::PMU.contains(&spr) => {
            cpu.other_sprs.pmu[(spr - number::PMU.start()) as usize] = value;
        }
        number::CTRL_READ => return None,
        spr => *cpu.other_sprs.plain(spr)? = value,
    }
    Some(())
}

pub(crate) fn mfspr(cpu: &mut Cpu, i: Insn) -> Outcome {
    check(cpu, i.spr())?;
    match read(cpu, i.spr()) {
        Some(value) => cpu.regs.gpr[i.rt() as usize] = value,
        None => undefined(cpu, i.spr())?,
    }
    Ok(())
}

pub(crate) fn mtspr(cpu: &mut Cpu, i: Insn) -> Outcome {
    check(cpu, i.spr())?;
    let value = cpu.regs.gpr[i.rt() as usize];
    match write(cpu, i.spr(), value) {
        Some(()) => Ok(()),
        None => undefined(cpu, i.spr()),
    }
}

/// mftb: TB and TBU only.
pub(crate) fn mftb(cpu: &mut Cpu, i: Insn) -> Outcome {
    match i.spr() {
        number::TB | number::TBU => mfspr(cpu, i),
        _ => Err(Interrupt::Program(ProgramCause::Illegal)),
    }
}
