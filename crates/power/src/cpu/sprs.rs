//! Special purpose registers behind mfspr and mtspr (Book III, 4.4.4, table of SPR numbers).
//!
//! A guest has no hypervisor state, so a register of the hypervisor's is to it as one that is not there.

use std::collections::BTreeMap;

use super::Cpu;
use super::pmu::{self, mmcr0};
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};
use crate::msr;
use crate::registers::Xer;

type Outcome = Result<(), Interrupt>;

/// PVR of a POWER9 DD2.2.
pub const PVR_POWER9: u32 = 0x004e_1202;
/// Facility numbers of FSCR\[IC\]; where FSCR has one, also the number of its enable bit.
mod facility {
    pub(super) const DSCR: u8 = 2;
    pub(super) const PERFORMANCE_MONITOR: u8 = 3;
    pub(super) const EVENT_BASED_BRANCHES: u8 = 7;
    pub(super) const TAR: u8 = 8;
}

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
    pub(super) const CFAR: u32 = 28;
    pub(super) const AMR: u32 = 29;
    pub(super) const PID: u32 = 48;
    pub(super) const IAMR: u32 = 61;
    pub(super) const CTRL_READ: u32 = 136;
    pub(super) const TIDR: u32 = 144;
    pub(super) const CTRL_WRITE: u32 = 152;
    pub(super) const FSCR: u32 = 153;
    pub(super) const UAMOR: u32 = 157;
    pub(super) const PSPB: u32 = 159;
    pub(super) const DPDES: u32 = 176;
    pub(super) const VRSAVE: u32 = 256;
    pub(super) const SPRG3_USER: u32 = 259;
    pub(super) const TB: u32 = 268;
    pub(super) const TBU: u32 = 269;
    pub(super) const SPRG0: u32 = 272;
    pub(super) const SPRG3: u32 = 275;
    pub(super) const PVR: u32 = 287;
    pub(super) const SPURR: u32 = 308;
    pub(super) const PURR: u32 = 309;
    pub(super) const TIR: u32 = 446;
    pub(super) const BESCRS: u32 = 800;
    pub(super) const BESCRSU: u32 = 801;
    pub(super) const BESCRR: u32 = 802;
    pub(super) const BESCRRU: u32 = 803;
    pub(super) const EBBHR: u32 = 804;
    pub(super) const EBBRR: u32 = 805;
    pub(super) const BESCR: u32 = 806;
    /// Numbers that do nothing in any state.
    pub(super) const NO_OPERATION: std::ops::RangeInclusive<u32> = 808..=811;
    pub(super) const TAR: u32 = 815;
    pub(super) const PSSCR: u32 = 823;
    pub(super) const IC: u32 = 848;
    pub(super) const VTB: u32 = 849;
    pub(super) const PPR: u32 = 896;
    pub(super) const PPR32: u32 = 898;
    pub(super) const PIR: u32 = 1023;
    /// The performance monitor, by the numbers for problem state; those for privileged state are 16 higher.
    pub(super) const PMU_USER: std::ops::RangeInclusive<u32> = 768..=783;
    pub(super) const PMU: std::ops::RangeInclusive<u32> = 784..=799;
    pub(super) const SIER: u32 = 784;
    pub(super) const MMCR2: u32 = 785;
    pub(super) const MMCRA: u32 = 786;
    pub(super) const PMC1: u32 = 787;
    pub(super) const PMC5: u32 = 791;
    pub(super) const PMC6: u32 = 792;
    pub(super) const MMCR0: u32 = 795;
    pub(super) const SIAR: u32 = 796;
    pub(super) const SDAR: u32 = 797;
    pub(super) const MMCR1: u32 = 798;
    /// Registers that only hold what was written.
    pub(super) const PLAIN: [u32; 9] = [
        DSCR, CFAR, CTRL_READ, TIDR, PSPB, EBBHR, EBBRR, BESCR, PSSCR,
    ];
    /// The performance monitor's, in a snapshot.
    pub(super) const PMU_HELD: [u32; 13] = [
        784, 785, 786, 787, 788, 789, 790, 791, 792, 795, 796, 797, 798,
    ];
    /// Numbers that snapshots of the first version held beside, and nothing reads.
    pub(super) const FORMER: [u32; 9] = [793, 794, 799, 800, 801, 802, 803, 848, 855];
}

/// Bits that PPR has: the program's priority.
const PPR_BITS: u64 = 7 << 50;

/// Registers that do nothing but hold what was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Others {
    plain: [u64; number::PLAIN.len()],
    ppr: u64,
}

impl Others {
    fn plain(&mut self, spr: u32) -> Option<&mut u64> {
        let index = number::PLAIN.iter().position(|&n| n == spr)?;
        Some(&mut self.plain[index])
    }

    /// CTRL\[RUN\].
    pub(super) fn run_latch(&self) -> bool {
        const INDEX: usize = 2;
        const { assert!(number::PLAIN[INDEX] == number::CTRL_READ) };
        self.plain[INDEX] & 1 != 0
    }

    pub(super) fn set_run_latch(&mut self, run: bool) {
        if let Some(ctrl) = self.plain(number::CTRL_READ) {
            *ctrl = run.into();
        }
    }

    fn bescr(&mut self) -> &mut u64 {
        const INDEX: usize = 7;
        const { assert!(number::PLAIN[INDEX] == number::BESCR) };
        &mut self.plain[INDEX]
    }
}

impl Cpu {
    /// The number and value of each register that only holds what was written, and of the performance monitor's, for a snapshot.
    pub(crate) fn numbered_sprs(&self) -> impl Iterator<Item = (u32, u64)> {
        let plain = number::PLAIN.into_iter().zip(self.other_sprs.plain);
        let pmu = number::PMU_HELD.map(|spr| (spr, read_pmu(&self.pmu, spr).unwrap_or(0)));
        plain.chain([(number::PPR, self.other_sprs.ppr)]).chain(pmu)
    }
}

/// The registers from the numbers and values of a snapshot; None where some are missing or there are others. The first version
/// had some numbers more, and one less.
pub(crate) fn from_numbered(
    values: &BTreeMap<u32, u64>,
    first_version: bool,
) -> Option<(Others, pmu::Pmu)> {
    let mut used = 0;
    let mut value = |spr: u32| match values.get(&spr) {
        Some(&value) => {
            used += 1;
            Some(value)
        }
        None => (first_version && spr == number::PSSCR).then_some(0),
    };
    let mut others = Others {
        ppr: value(number::PPR)? & PPR_BITS,
        ..Others::default()
    };
    for (spr, held) in number::PLAIN.into_iter().zip(&mut others.plain) {
        *held = value(spr)?;
    }
    let mut monitor = pmu::Pmu::default();
    for spr in number::PMU_HELD {
        write_pmu(&mut monitor, spr, value(spr)?)?;
    }
    let former = |spr: &&u32| values.contains_key(*spr);
    if first_version {
        used += number::FORMER.iter().filter(former).count();
    }
    (used == values.len()).then_some((others, monitor))
}

/// What an access to a register number that is not there does (mfspr, mtspr): in problem state a privileged number is a
/// privileged instruction, another an illegal one; in privileged state nothing happens, but for the `reserved` numbers.
fn undefined(cpu: &Cpu, spr: u32, reserved: &[u32]) -> Outcome {
    let problem = cpu.regs.msr & msr::PR != 0;
    if problem || reserved.contains(&spr) {
        return Err(Interrupt::Program(ProgramCause::Illegal));
    }
    Ok(())
}

/// Whether an access may be made at all: numbers with bit 0x10 are privileged, and facilities may be denied to problem state.
fn check(cpu: &Cpu, spr: u32, writes: bool) -> Outcome {
    if cpu.regs.msr & msr::PR == 0 {
        return Ok(());
    }
    if spr & 0x10 != 0 {
        return Err(Interrupt::Program(ProgramCause::Privileged));
    }
    let facility = match spr {
        number::DSCR_USER => facility::DSCR,
        number::TAR => facility::TAR,
        number::BESCRS..=number::BESCR => facility::EVENT_BASED_BRANCHES,
        spr if number::PMU_USER.contains(&spr) => return check_pmu(cpu, spr, writes),
        _ => return Ok(()),
    };
    if cpu.regs.fscr >> facility & 1 == 0 {
        return Err(Interrupt::FacilityUnavailable(facility));
    }
    Ok(())
}

/// What MMCR0\[PMCC\] lets problem state do with the performance monitor (Book III, 9.4.4).
fn check_pmu(cpu: &Cpu, spr: u32, writes: bool) -> Outcome {
    let unavailable = Err(Interrupt::FacilityUnavailable(
        facility::PERFORMANCE_MONITOR,
    ));
    let spr = spr + 16;
    if read_pmu(&cpu.pmu, spr).is_none() {
        return Ok(());
    }
    // SIER, SIAR, SDAR and MMCR1 are read only.
    let read_only = matches!(
        spr,
        number::SIER | number::SIAR | number::SDAR | number::MMCR1
    );
    match (cpu.pmu.mmcr0 & mmcr0::PMCC) >> 18 {
        1 => unavailable,
        3 if matches!(spr, number::PMC5 | number::PMC6) => unavailable,
        0 if writes && !read_only => Err(Interrupt::Program(ProgramCause::Illegal)),
        _ => Ok(()),
    }
}

/// A register of the performance monitor, by its privileged number.
fn read_pmu(pmu: &pmu::Pmu, spr: u32) -> Option<u64> {
    Some(match spr {
        number::SIER => pmu.sier,
        number::MMCR2 => pmu.mmcr2,
        number::MMCRA => pmu.mmcra,
        number::PMC1..=number::PMC6 => pmu.pmc[(spr - number::PMC1) as usize].into(),
        number::MMCR0 => pmu.mmcr0,
        number::SIAR => pmu.siar,
        number::SDAR => pmu.sdar,
        number::MMCR1 => pmu.mmcr1,
        _ => return None,
    })
}

fn write_pmu(pmu: &mut pmu::Pmu, spr: u32, value: u64) -> Option<()> {
    match spr {
        number::SIER => pmu.sier = value,
        number::MMCR2 => pmu.mmcr2 = value,
        number::MMCRA => pmu.mmcra = value,
        number::PMC1..=number::PMC6 => pmu.pmc[(spr - number::PMC1) as usize] = value as u32,
        number::MMCR0 => pmu.mmcr0 = value & 0xffff_ffff,
        number::SIAR => pmu.siar = value,
        number::SDAR => pmu.sdar = value,
        number::MMCR1 => pmu.mmcr1 = value,
        _ => return None,
    }
    Some(())
}

/// What problem state sees and changes of a register of the performance monitor.
fn pmu_mask(cpu: &Cpu, spr: u32) -> u64 {
    match spr {
        _ if cpu.regs.msr & msr::PR == 0 => u64::MAX,
        number::MMCR0 => mmcr0::PROBLEM,
        number::MMCR2 => pmu::MMCR2_PROBLEM,
        _ => u64::MAX,
    }
}

/// What an access to a register number comes to.
enum Access<T> {
    Done(T),
    /// There is no such register, or not for this direction.
    Undefined,
    /// The instruction is carried out once more, where the counters are exact.
    Repeat,
}

impl<T> From<Option<T>> for Access<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Undefined, Self::Done)
    }
}

/// Reads a register of the performance monitor, by its privileged number.
fn read_monitor(cpu: &mut Cpu, spr: u32) -> Access<u64> {
    let counter = matches!(spr, number::PMC1..=number::PMC6);
    if counter && !cpu.reach_counters() {
        return Access::Repeat;
    }
    let mask = pmu_mask(cpu, spr);
    read_pmu(&cpu.pmu, spr).map(|value| value & mask).into()
}

/// Writes a register of the performance monitor, by its privileged number.
fn write_monitor(cpu: &mut Cpu, spr: u32, value: u64) -> Access<()> {
    let Some(old) = read_pmu(&cpu.pmu, spr) else {
        return Access::Undefined;
    };
    let samples = matches!(
        spr,
        number::SIER | number::SIAR | number::SDAR | number::MMCRA
    );
    if !samples && !cpu.reach_counters() {
        return Access::Repeat;
    }
    let mask = pmu_mask(cpu, spr);
    let done = write_pmu(&mut cpu.pmu, spr, old & !mask | value & mask);
    if !samples {
        cpu.counters_written();
    }
    done.into()
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
        number::FSCR => cpu.regs.fscr,
        // No doorbell is ever pending, and each core has one thread.
        number::DPDES | number::TIR => 0,
        number::VRSAVE => u64::from(cpu.regs.vrsave),
        number::SPRG3_USER => cpu.regs.sprg[3],
        number::SPRG0..=number::SPRG3 => cpu.regs.sprg[(spr - number::SPRG0) as usize],
        number::TB | number::VTB | number::PURR | number::SPURR => cpu.read_time_base(),
        number::TBU => cpu.read_time_base() >> 32,
        number::IC => cpu.completed(),
        number::PVR => u64::from(PVR_POWER9),
        number::BESCRS | number::BESCRR => *cpu.other_sprs.bescr(),
        number::BESCRSU | number::BESCRRU => *cpu.other_sprs.bescr() >> 32,
        number::TAR => cpu.regs.tar,
        number::PPR => cpu.other_sprs.ppr,
        number::PPR32 => cpu.other_sprs.ppr >> 32,
        number::PIR => u64::from(cpu.id),
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
        number::CTRL_WRITE => cpu.set_run_latch(value & 1 != 0),
        number::FSCR => cpu.regs.fscr = value,
        number::PSPB => *cpu.other_sprs.plain(spr)? = value & 0xffff_ffff,
        number::VRSAVE => cpu.regs.vrsave = value as u32,
        number::SPRG0..=number::SPRG3 => cpu.regs.sprg[(spr - number::SPRG0) as usize] = value,
        number::BESCRS => *cpu.other_sprs.bescr() |= value,
        number::BESCRSU => *cpu.other_sprs.bescr() |= value << 32,
        number::BESCRR => *cpu.other_sprs.bescr() &= !value,
        number::BESCRRU => *cpu.other_sprs.bescr() &= !(value << 32),
        number::TAR => cpu.regs.tar = value,
        number::PPR => cpu.other_sprs.ppr = value & PPR_BITS,
        number::PPR32 => cpu.other_sprs.ppr = value << 32 & PPR_BITS,
        number::CTRL_READ => return None,
        spr => *cpu.other_sprs.plain(spr)? = value,
    }
    Some(())
}

pub(crate) fn mfspr(cpu: &mut Cpu, i: Insn) -> Outcome {
    let spr = i.spr();
    if number::NO_OPERATION.contains(&spr) {
        return Ok(());
    }
    check(cpu, spr, false)?;
    let value = match spr {
        spr if number::PMU.contains(&spr) => read_monitor(cpu, spr),
        spr if number::PMU_USER.contains(&spr) => read_monitor(cpu, spr + 16),
        spr => read(cpu, spr).into(),
    };
    match value {
        Access::Done(value) => cpu.regs.gpr[i.rt() as usize] = value,
        Access::Undefined => undefined(cpu, spr, &[0, 4, 5, 6])?,
        Access::Repeat => {}
    }
    Ok(())
}

pub(crate) fn mtspr(cpu: &mut Cpu, i: Insn) -> Outcome {
    let spr = i.spr();
    if number::NO_OPERATION.contains(&spr) {
        return Ok(());
    }
    check(cpu, spr, true)?;
    let value = cpu.regs.gpr[i.rt() as usize];
    let done = match spr {
        spr if number::PMU.contains(&spr) => write_monitor(cpu, spr, value),
        // By these numbers, these can't be written in any state.
        768 | 780..=782 => Access::Undefined,
        spr if number::PMU_USER.contains(&spr) => write_monitor(cpu, spr + 16, value),
        spr => write(cpu, spr, value).into(),
    };
    match done {
        Access::Undefined => undefined(cpu, spr, &[0]),
        Access::Done(()) | Access::Repeat => Ok(()),
    }
}

/// mftb: TB and TBU only.
pub(crate) fn mftb(cpu: &mut Cpu, i: Insn) -> Outcome {
    match i.spr() {
        number::TB | number::TBU => mfspr(cpu, i),
        _ => Err(Interrupt::Program(ProgramCause::Illegal)),
    }
}
