//! Export and import of the platform's state.

use papr_scm::ScmState;

use super::data::{ImportError, MachineState, PlatformState, STATE_VERSION};
use super::hex::HexBytes;
use crate::console::INPUT_LIMIT;
use crate::nvram::NVRAM_SIZE;
use crate::platform::Platform;
use crate::sync::lock;

impl Platform {
    /// The state to save, persistent memory's included. Call it while no vCPU runs and nothing is plugged. What is typed or
    /// asked of the guest meanwhile is in it in whole, or not at all.
    ///
    /// Flushes that run go on here; the machine that the state is imported to runs them again before it answers them.
    pub fn export(&self) -> PlatformState {
        let _no_arrivals = lock(&self.arrivals);
        PlatformState {
            version: STATE_VERSION,
            machine: MachineState::of(&self.config),
            xics: self.xics.export(),
            console_input: HexBytes(self.console.export()),
            areas: self.areas.export(),
            joined: lock(&self.joined).clone(),
            events: self.events.export(),
            clock: self.clock.export(),
            nvram: HexBytes(self.nvram.save()),
            scm: self.scm.as_ref().map(|scm| scm.export()),
        }
    }

    /// Goes to where a saved platform was, whatever this one was at, and drives the external-interrupt wire of every vCPU.
    ///
    /// Call it while no vCPU runs, with the same persistent-memory devices plugged. Anything may be passed: what can't be the state of this machine is refused.
    ///
    /// # Errors
    /// [`ImportError`]; nothing has changed then.
    pub fn import(&self, state: PlatformState) -> Result<(), ImportError> {
        self.check_import(&state)?;
        // The one step that can still fail, before all that can't.
        self.import_scm(state.scm)?;
        self.console.import(state.console_input.0);
        self.areas.import(state.areas);
        *lock(&self.joined) = state.joined;
        self.events.import(state.events);
        self.clock.import(state.clock);
        if let Err(error) = self.nvram.load(&state.nvram.0) {
            tracing::error!(%error, "NVRAM was checked and does not fit");
        }
        // The wires last: they may wake vCPUs.
        self.xics.import(state.xics);
        Ok(())
    }

    /// Checks all but the persistent memory, which checks itself.
    fn check_import(&self, state: &PlatformState) -> Result<(), ImportError> {
        if !(1..=STATE_VERSION).contains(&state.version) {
            return Err(ImportError::Version(state.version));
        }
        state.machine.check(&MachineState::of(&self.config))?;
        let parts = [
            ("interrupt controller", self.xics.accepts(&state.xics)),
            ("console", state.console_input.0.len() <= INPUT_LIMIT),
            ("virtual processor areas", self.areas.accepts(&state.areas)),
            (
                "joined CPUs",
                state.joined.iter().all(|id| self.has_vcpu(*id)),
            ),
            ("events", state.events.is_possible()),
            ("clock", state.clock.is_possible()),
            ("NVRAM", state.nvram.0.len() == NVRAM_SIZE),
        ];
        match parts.into_iter().find(|(_, sound)| !sound) {
            Some((what, _)) => Err(ImportError::Damaged(what)),
            None => Ok(()),
        }
    }

    fn import_scm(&self, saved: Option<ScmState>) -> Result<(), ImportError> {
        match (&self.scm, saved) {
            (Some(scm), Some(saved)) => Ok(scm.import(saved)?),
            (None, None) => Ok(()),
            (_, saved) => Err(ImportError::PersistentMemory {
                saved: saved.is_some(),
            }),
        }
    }
}
