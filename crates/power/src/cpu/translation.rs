//! tlbie, tlbiel and the SLB instructions of a radix guest (Book III, 5.9.3.3).

use super::Cpu;
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};

type Outcome = Result<(), Interrupt>;

/// What to drop of this vCPU's caches: RB with IS = 0 names one page, everything else is "all that match", which we take as all.
fn invalidate_local(cpu: &mut Cpu, i: Insn) {
    let rb = cpu.regs.gpr[i.rb() as usize];
    let one_page = rb >> 10 & 3 == 0 && i.bits(12, 2) == 0;
    if one_page {
        let ea = rb & !0xfff;
        cpu.tlb.flush_page(ea);
        // A large page may have been cached as any of its granules: AP (bits 56 to 58) tells its size.
        let actual_page = rb >> 5 & 7;
        if !matches!(actual_page, 0 | 5) {
            cpu.tlb.flush();
        }
        cpu.code.flush_translations();
    } else {
        cpu.flush_translations();
    }
}

pub(crate) fn tlbiel(cpu: &mut Cpu, i: Insn) -> Outcome {
    cpu.privileged()?;
    invalidate_local(cpu, i);
    Ok(())
}

/// tlbie: drops here at once, and asks all others; tlbsync and ptesync wait for them.
pub(crate) fn tlbie(cpu: &mut Cpu, i: Insn) -> Outcome {
    cpu.privileged()?;
    invalidate_local(cpu, i);
    cpu.partition.flush_translations();
    Ok(())
}

pub(crate) fn tlbsync(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()?;
    wait_for_others(cpu);
    Ok(())
}

/// Waits until no other vCPU runs on translations that were to be dropped; carries out what others ask of this one meanwhile,
/// so that two that wait for each other both go on.
pub(crate) fn wait_for_others(cpu: &mut Cpu) {
    let mut spins = 0u32;
    loop {
        cpu.catch_up_flush();
        if cpu.partition.flush_done() {
            return;
        }
        spins += 1;
        if spins.is_multiple_of(64) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// SLB management: there are no segments under radix translation; slbia drops nothing but what we keep for the current process.
pub(crate) fn slb(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()?;
    cpu.flush_translations();
    Ok(())
}

/// SLB reads: no entry is valid.
pub(crate) fn slb_read(cpu: &mut Cpu, i: Insn) -> Outcome {
    if cpu.regs.msr & crate::msr::PR != 0 {
        return Err(Interrupt::Program(ProgramCause::Privileged));
    }
    cpu.regs.gpr[i.rt() as usize] = 0;
    Ok(())
}

impl Cpu {
    /// Carries out a demand to drop translations, where there is one newer than the last that was.
    pub(crate) fn catch_up_flush(&mut self) {
        use std::sync::atomic::Ordering;
        let epoch = self.partition.flush_epoch();
        if self.signals.flushed.load(Ordering::Relaxed) != epoch {
            self.signals.clear(crate::signals::FLUSH);
            self.flush_translations();
            self.signals.flushed.store(epoch, Ordering::SeqCst);
        }
    }
}
