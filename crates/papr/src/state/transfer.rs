//! Export and import of the platform's state.

use papr_dr::sync::lock;

use super::data::{ImportError, MachineState, PartState, PlatformState, STATE_VERSION};
use crate::part::{Commit, Part};
use crate::platform::Platform;

impl Platform {
    /// The state to save. Call it while no vCPU runs and nothing is plugged. What is typed or asked
    /// of the guest meanwhile is in it in whole, or not at all.
    ///
    /// Flushes that run go on here; the machine that the state is imported to runs them again
    /// before it answers them.
    pub fn export(&self) -> PlatformState {
        let _no_arrivals = lock(&self.arrivals);
        let state = |part: &dyn Part| {
            let version = part.state_version()?;
            let data = part.export();
            Some((part.name().to_owned(), PartState { version, data }))
        };
        PlatformState {
            version: STATE_VERSION,
            machine: MachineState::of(&self.config),
            parts: self
                .parts
                .iter()
                .filter_map(|part| state(&**part))
                .collect(),
        }
    }

    /// Goes to where a saved platform was, whatever this one was at, and drives the
    /// external-interrupt line of every vCPU.
    ///
    /// Call it while no vCPU runs, with the same persistent-memory devices plugged. Anything may be
    /// passed: what can't be the state of this machine is refused.
    ///
    /// # Errors
    /// [`ImportError`]; nothing has changed then.
    pub fn import(&self, state: PlatformState) -> Result<(), ImportError> {
        let checked = self.check_import(&state)?;
        // Backwards: the interrupt controller comes last, as its interrupt lines may wake vCPUs.
        checked.into_iter().rev().for_each(|commit| commit());
        Ok(())
    }

    /// Checks everything and changes nothing; what puts each part's state in place, in the order of
    /// the parts.
    fn check_import(&self, state: &PlatformState) -> Result<Vec<Commit<'_>>, ImportError> {
        if state.version != STATE_VERSION {
            return Err(ImportError::Version(state.version));
        }
        state.machine.check(&MachineState::of(&self.config))?;
        let versions = self
            .parts
            .iter()
            .filter_map(|part| Some((part, part.state_version()?)));
        let known: Vec<_> = versions.collect();
        let unknown = |name: &&String| !known.iter().any(|(part, _)| part.name() == *name);
        if let Some(name) = state.parts.keys().find(unknown) {
            return Err(ImportError::UnknownPart(name.clone()));
        }
        let mut commits = Vec::new();
        for (part, newest) in known {
            let name = part.name();
            let saved = state.parts.get(name);
            let saved = saved.ok_or_else(|| ImportError::MissingPart(name.to_owned()))?;
            saved.check_version(name, newest)?;
            let commit = part.import(saved.version, &saved.data);
            commits.push(commit.map_err(|error| ImportError::of_part(name, error))?);
        }
        Ok(commits)
    }
}
