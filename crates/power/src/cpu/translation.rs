//! tlbie, tlbiel and the SLB instructions of a radix guest (Book III, 5.9.3.3).

use std::sync::Arc;

use super::Cpu;
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};

type Outcome = Result<(), Interrupt>;

/// What a program asks to drop of the caches of translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalidation {
    /// Everything.
    All,
    /// What is known of a process.
    Process(u32),
    /// One page of a process, of up to 64 KiB.
    Page(u32, u64),
}

impl Invalidation {
    /// What tlbie and tlbiel name: RB\[IS\] = 0 is a page, 1 a process, which RS names; anything else is "all that match", which we
    /// take as all. So we do where the operands are not those of a process-scoped radix translation (R, PRS).
    fn of(cpu: &Cpu, i: Insn) -> Self {
        let (rs, rb) = (cpu.regs.gpr[i.rt() as usize], cpu.regs.gpr[i.rb() as usize]);
        let process_scoped = i.bits(14, 1) != 0 && i.bits(15, 1) != 0;
        let pid = (rs >> 32) as u32;
        match rb >> 10 & 3 {
            _ if !process_scoped => Self::All,
            // AP (bits 56 to 58) is the size: a larger page may have been cached as any of its granules.
            // RIC = 3 names a group of pages.
            0 if matches!(rb >> 5 & 7, 0 | 5) && i.bits(12, 2) != 3 => Self::Page(pid, rb & !0xfff),
            0 | 1 => Self::Process(pid),
            _ => Self::All,
        }
    }
}

pub(crate) fn tlbiel(cpu: &mut Cpu, i: Insn) -> Outcome {
    cpu.privileged()?;
    let what = Invalidation::of(cpu, i);
    cpu.invalidate(what);
    Ok(())
}

/// tlbie: drops here at once, and asks all others; tlbsync and ptesync wait for them.
pub(crate) fn tlbie(cpu: &mut Cpu, i: Insn) -> Outcome {
    cpu.privileged()?;
    let what = Invalidation::of(cpu, i);
    cpu.invalidate(what);
    cpu.partition.invalidate(what);
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
            cpu.yield_host_processor();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// SLB management: there are no segments under radix translation, and nothing is cached that a tlbie leaves and slbia would drop
/// (Linux has one follow each tlbiel, for lookaside buffers before the TLB).
pub(crate) fn slb(cpu: &mut Cpu, _: Insn) -> Outcome {
    cpu.privileged()
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
    /// Drops cached translations of this vCPU.
    fn invalidate(&mut self, what: Invalidation) {
        match what {
            Invalidation::All => self.flush_translations(),
            Invalidation::Process(pid) => {
                self.tlb.flush_process(pid);
                self.code.flush_process(pid);
            }
            Invalidation::Page(pid, ea) => {
                self.tlb.flush_page(ea);
                self.code.flush_page(pid, ea);
            }
        }
    }

    /// Lets other threads have the host's processor. On a busy host it is gone for milliseconds: nobody waits meanwhile for this vCPU
    /// to drop translations, as it carries out no instruction before it has.
    pub(crate) fn yield_host_processor(&mut self) {
        use std::sync::atomic::Ordering;
        self.signals.in_guest.store(false, Ordering::SeqCst);
        std::thread::yield_now();
        self.signals.in_guest.store(true, Ordering::SeqCst);
        self.catch_up_flush();
    }

    /// Carries out the demands that came since the last time: to drop translations, and store tags for watched code.
    pub(crate) fn catch_up_flush(&mut self) {
        use std::sync::atomic::Ordering;
        let flushed = self.signals.flushed.load(Ordering::Relaxed);
        let watched = self.signals.stores_checked.load(Ordering::Relaxed);
        let partition = Arc::clone(&self.partition);
        let events = partition.memory.code();
        if (flushed, watched) == (partition.flush_epoch(), events.watch_epoch()) {
            return;
        }
        self.signals.clear(crate::signals::FLUSH);
        let epoch = partition.invalidations_since(flushed, |what| self.invalidate(what));
        self.signals.flushed.store(epoch, Ordering::SeqCst);
        let epoch = events.watches_since(watched, |real| match real {
            Some(real) => self.tlb.check_stores(real),
            None => self.tlb.check_all_stores(),
        });
        self.signals.stores_checked.store(epoch, Ordering::SeqCst);
    }
}
