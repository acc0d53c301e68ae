//! The built-in CPU as the platform's [`Vcpu`].

use std::sync::Arc;

use papr::vcpu::{Special, StartState, Vcpu, VcpuId};
use power::{Cpu, msr};
use power_jit::{JitOptions, JitService};
use tracing::warn;

use super::config::CpuEngine;

/// The compiler that the vCPUs of a machine share, where its engine has one. A host that has none is no reason not to run.
pub(super) fn compiler(engine: CpuEngine) -> Option<Arc<JitService>> {
    if engine != CpuEngine::Jit {
        return None;
    }
    match JitService::new(JitOptions::default()) {
        Ok(service) => Some(Arc::new(service)),
        Err(error) => {
            warn!(%error, "the guest is interpreted");
            None
        }
    }
}

/// The built-in CPU, as the platform sees it.
pub(super) struct Processor(pub(super) Cpu);

impl Vcpu for Processor {
    fn id(&self) -> VcpuId {
        VcpuId(self.0.id())
    }

    fn gpr(&self, n: usize) -> u64 {
        self.0.regs.gpr[n]
    }

    fn set_gpr(&mut self, n: usize, value: u64) {
        self.0.regs.gpr[n] = value;
    }

    fn problem_state(&self) -> bool {
        self.0.regs.msr & msr::PR != 0
    }

    fn external_interrupts_enabled(&self) -> bool {
        self.0.regs.msr & msr::EE != 0
    }

    fn enable_external_interrupts(&mut self) {
        self.0.set_msr(self.0.regs.msr | msr::EE);
    }

    fn set_special(&mut self, register: Special, value: u64) {
        match register {
            Special::Sprg0 => self.0.regs.sprg[0] = value,
            Special::Ciabr => self.0.debug.ciabr = value,
            Special::Dawr0 => self.0.debug.dawr0 = value,
            Special::Dawrx0 => self.0.debug.dawrx0 = value,
        }
    }

    fn reset(&mut self, start: &StartState) {
        self.0.reset();
        let regs = &mut self.0.regs;
        regs.nia = start.nia;
        regs.gpr[3] = start.r3;
        regs.gpr[4] = start.r4;
        regs.gpr[5] = start.r5;
        let le = if start.little_endian { msr::LE } else { 0 };
        self.0.set_msr(self.0.regs.msr & !msr::LE | le);
    }
}
