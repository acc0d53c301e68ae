//! Instructions that act on the processor as a whole, over the concrete state.

use tracing::debug;

use super::Cpu;
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause, dsisr};
use crate::mmu::Access;
use crate::msr;

type Outcome = Result<(), Interrupt>;

/// The cache block of dcbz, dcbf and their kin, in bytes.
pub(crate) const BLOCK: u64 = 128;

impl Cpu {
    fn gpr_or_zero(&self, n: u32) -> u64 {
        if n == 0 { 0 } else { self.regs.gpr[n as usize] }
    }

    fn ea_indexed(&self, i: Insn) -> u64 {
        self.gpr_or_zero(i.ra())
            .wrapping_add(self.regs.gpr[i.rb() as usize])
            & self.ea_mask
    }

    pub(crate) fn privileged(&self) -> Outcome {
        if self.regs.msr & msr::PR != 0 {
            return Err(Interrupt::Program(ProgramCause::Privileged));
        }
        Ok(())
    }

    /// Undoes the move to the next instruction: the address of the one being carried out.
    fn cia(&self) -> u64 {
        self.regs.nia.wrapping_sub(4)
    }
}

/// An undefined instruction: the illegal instruction type program interrupt. Programs try instructions out, so that is no cause
/// for a warning; each is logged once, for who looks for what is missing here.
pub(crate) fn illegal(cpu: &mut Cpu, i: Insn) -> Outcome {
    if i.0 != 0 && cpu.code.first_sight(i) {
        debug!(address = format_args!("{:#x}", cpu.cia()), instruction = ?i, "instruction not implemented");
    }
    Err(Interrupt::Program(ProgramCause::Illegal))
}

/// Instructions that need hypervisor state, which a guest never has.
pub(crate) fn hypervisor_only(_: &mut Cpu, _: Insn) -> Outcome {
    Err(Interrupt::Program(ProgramCause::Privileged))
}

/// Pauses after which a loop that waits lets others have the host's processor: what it waits for may be the business of a vCPU that
/// has none. Linux's locks look some ten thousand times before they ask for that with H_CONFER.
const PAUSES: u32 = 32;

/// A pause of a loop that waits.
pub(crate) fn pause(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.pauses = cpu.pauses.wrapping_add(1);
    if cpu.pauses.is_multiple_of(PAUSES) {
        cpu.yield_host_processor();
    }
    Ok(())
}

pub(crate) fn sc(cpu: &mut Cpu, i: Insn) -> Outcome {
    let _ = &cpu;
    Err(if i.bits(20, 7) == 1 {
        Interrupt::Hypercall
    } else {
        Interrupt::SystemCall
    })
}

pub(crate) fn scv(cpu: &mut Cpu, i: Insn) -> Outcome {
    const FSCR_SCV: u8 = 12;
    if cpu.regs.fscr >> FSCR_SCV & 1 == 0 {
        return Err(Interrupt::FacilityUnavailable(FSCR_SCV));
    }
    Err(Interrupt::SystemCallVectored(i.bits(20, 7)))
}

/// isync: what was decoded before is looked at again, where code has changed since.
pub(crate) fn isync(cpu: &mut Cpu, _: Insn) -> Outcome {
    let epoch = cpu.partition.code_epoch();
    cpu.code.leave_page_if_changed(epoch);
    Ok(())
}

/// icbi: nothing is left to do where fetches see what was stored (as on a POWER9, whose instruction cache snoops), but its access is
/// checked as that of a load (Book II, 4.3.1).
pub(crate) fn icbi(cpu: &mut Cpu, i: Insn) -> Outcome {
    let ea = cpu.ea_indexed(i);
    cpu.translate(ea, Access::Load)?;
    Ok(())
}

/// ptesync: orders as sync, and waits until the translations that this vCPU had invalidated are gone everywhere.
pub(crate) fn ptesync(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()?;
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    super::translation::wait_for_others(cpu);
    Ok(())
}

/// copy and paste have no accelerator to reach: a data storage interrupt for the attribute, as on memory that can't be pasted to.
pub(crate) fn copy_paste(cpu: &mut Cpu, i: Insn) -> Outcome {
    let ea = cpu.ea_indexed(i);
    Err(Interrupt::DataStorage {
        ea,
        dsisr: dsisr::ATTRIBUTE,
    })
}

/// lmw, stmw and the strings raise an alignment interrupt in little-endian mode.
pub(crate) fn big_endian_only(cpu: &mut Cpu, i: Insn) -> Outcome {
    if cpu.big_endian {
        return Ok(());
    }
    let ea = if i.primary() == 31 {
        // lswi and stswi have NB where others have RB.
        if matches!(i.bits(21, 10), 597 | 725) {
            cpu.gpr_or_zero(i.ra())
        } else {
            cpu.ea_indexed(i)
        }
    } else {
        cpu.gpr_or_zero(i.ra()).wrapping_add(i.si() as u64) & cpu.ea_mask
    };
    Err(Interrupt::Alignment { ea })
}

pub(crate) fn lswx(cpu: &mut Cpu, i: Insn) -> Outcome {
    big_endian_only(cpu, i)?;
    let ea = cpu.ea_indexed(i);
    let count = u64::from(cpu.regs.xer.count);
    let mut loaded = Vec::with_capacity(count as usize);
    for n in 0..count {
        loaded.push(cpu.load_host::<u8>(ea.wrapping_add(n))?);
    }
    for (n, chunk) in loaded.chunks(4).enumerate() {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        cpu.regs.gpr[(i.rt() as usize + n) % 32] = u64::from(u32::from_be_bytes(bytes));
    }
    Ok(())
}

pub(crate) fn stswx(cpu: &mut Cpu, i: Insn) -> Outcome {
    big_endian_only(cpu, i)?;
    let ea = cpu.ea_indexed(i);
    for n in 0..u64::from(cpu.regs.xer.count) {
        let register = cpu.regs.gpr[(i.rt() as usize + n as usize / 4) % 32] as u32;
        let byte = register.to_be_bytes()[n as usize % 4];
        cpu.store_host(ea.wrapping_add(n), byte)?;
    }
    Ok(())
}

/// The value of a quadword in memory as a number, from host order.
fn quad_order(cpu: &Cpu, value: u128) -> u128 {
    if cpu.big_endian {
        u128::from_be(value)
    } else {
        u128::from_le(value)
    }
}

pub(crate) fn lqarx(cpu: &mut Cpu, i: Insn) -> Outcome {
    let ea = cpu.ea_indexed(i);
    let (_, span) = cpu.quad_span(ea, Access::Load)?;
    let seen = span.load_quad().ok_or(Interrupt::Alignment { ea })?;
    cpu.reserve_quad(span.address(), seen);
    let value = quad_order(cpu, seen);
    let rt = (i.rt() & !1) as usize;
    cpu.regs.gpr[rt] = (value >> 64) as u64;
    cpu.regs.gpr[rt + 1] = value as u64;
    Ok(())
}

pub(crate) fn stqcx(cpu: &mut Cpu, i: Insn) -> Outcome {
    let ea = cpu.ea_indexed(i);
    let (real, span) = cpu.quad_span(ea, Access::Store)?;
    let rs = (i.rt() & !1) as usize;
    let value = u128::from(cpu.regs.gpr[rs]) << 64 | u128::from(cpu.regs.gpr[rs + 1]);
    let new = quad_order(cpu, value);
    let stored = match cpu.take_quad_reservation(span.address()) {
        Some(old) => span
            .compare_exchange_quad(old, new)
            .ok_or(Interrupt::Alignment { ea })?,
        None => false,
    };
    if stored {
        cpu.partition.memory.note_store(real, 16);
    }
    cpu.regs.cr[0] = u8::from(stored) << 1 | u8::from(cpu.regs.xer.so);
    Ok(())
}

/// Atomic memory operations on words (Book II, 4.6.2).
pub(crate) fn load_atomic_word(cpu: &mut Cpu, i: Insn) -> Outcome {
    super::amo::load::<u32>(cpu, i)
}

pub(crate) fn load_atomic_double(cpu: &mut Cpu, i: Insn) -> Outcome {
    super::amo::load::<u64>(cpu, i)
}

pub(crate) fn store_atomic_word(cpu: &mut Cpu, i: Insn) -> Outcome {
    super::amo::store::<u32>(cpu, i)
}

pub(crate) fn store_atomic_double(cpu: &mut Cpu, i: Insn) -> Outcome {
    super::amo::store::<u64>(cpu, i)
}

pub(crate) fn mfmsr(cpu: &mut Cpu, i: Insn) -> Outcome {
    cpu.privileged()?;
    cpu.regs.gpr[i.rt() as usize] = cpu.regs.msr;
    Ok(())
}

/// mtmsrd and mtmsr can't change these (HV, ME, LE; mtmsr: the high half too).
const MTMSR_FIXED: u64 = msr::HV | msr::ME | msr::LE;

fn move_to_msr(cpu: &mut Cpu, i: Insn, fixed: u64) -> Outcome {
    cpu.privileged()?;
    let value = cpu.regs.gpr[i.rt() as usize];
    let old = cpu.regs.msr;
    let changing = if i.bits(15, 1) != 0 {
        msr::EE | msr::RI
    } else {
        !fixed
    };
    cpu.set_msr(old & !changing | value & changing);
    cpu.code.leave_page();
    Ok(())
}

pub(crate) fn mtmsr(cpu: &mut Cpu, i: Insn) -> Outcome {
    move_to_msr(cpu, i, MTMSR_FIXED | 0xffff_ffff_0000_0000)
}

pub(crate) fn mtmsrd(cpu: &mut Cpu, i: Insn) -> Outcome {
    move_to_msr(cpu, i, MTMSR_FIXED)
}

fn return_to(cpu: &mut Cpu, address: u64, saved: u64) {
    // HV and ME stay as they are for a guest without hypervisor state; the bits that held causes are not MSR's.
    let kept = msr::HV
        | if cpu.regs.msr & msr::HV == 0 {
            msr::ME
        } else {
            0
        };
    let value = saved & crate::interrupt::SRR1_MSR_MASK & !kept
        | saved & (msr::VEC | msr::VSX)
        | cpu.regs.msr & kept;
    cpu.set_msr(value | saved & msr::ME);
    cpu.regs.nia = address & !3 & cpu.ea_mask;
    cpu.code.leave_page();
}

pub(crate) fn rfid(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()?;
    let (address, saved) = (cpu.regs.srr0, cpu.regs.srr1);
    return_to(cpu, address, saved);
    Ok(())
}

pub(crate) fn rfscv(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()?;
    let (address, saved) = (cpu.regs.lr, cpu.regs.ctr);
    return_to(cpu, address, saved);
    Ok(())
}

/// Event-based branches are not enabled (HFSCR): the facility unavailable interrupt.
pub(crate) fn rfebb(_: &mut Cpu, _: Insn) -> Outcome {
    Err(Interrupt::FacilityUnavailable(7))
}

/// The branch history rolling buffer is unavailable to problem state unless MMCR0\[PMCC\] has its high bit (Book III, 9.4.4).
/// It is always empty.
fn branch_history(cpu: &Cpu) -> Outcome {
    const BHRB: u8 = 4;
    if cpu.regs.msr & msr::PR != 0 && !cpu.pmu.is_open_to_problem_state() {
        return Err(Interrupt::FacilityUnavailable(BHRB));
    }
    Ok(())
}

pub(crate) fn clrbhrb(cpu: &mut Cpu, _: Insn) -> Outcome {
    branch_history(cpu)
}

pub(crate) fn mfbhrbe(cpu: &mut Cpu, i: Insn) -> Outcome {
    branch_history(cpu)?;
    cpu.regs.gpr[i.rt() as usize] = 0;
    Ok(())
}

pub(crate) fn darn(cpu: &mut Cpu, i: Insn) -> Outcome {
    let mut bytes = [0; 8];
    let random = getrandom::fill(&mut bytes).map(|()| u64::from_le_bytes(bytes));
    cpu.regs.gpr[i.rt() as usize] = match (i.bits(14, 2), random) {
        (0, Ok(value)) => value & 0xffff_ffff,
        (1 | 2, Ok(value)) => value,
        _ => u64::MAX,
    };
    Ok(())
}
