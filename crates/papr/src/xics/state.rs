//! What a snapshot carries of the interrupt controller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::controller::{Controller, IPI, Icp, Irq, Source};

/// The interrupt controller at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XicsState {
    /// The presentation controllers, by the number of their vCPU.
    pub icps: Vec<Icp>,
    /// The interrupt sources by their number.
    pub sources: BTreeMap<Irq, Source>,
}

impl XicsState {
    /// Whether all that is presented is what a controller can present, given where its sources are
    /// routed.
    fn is_consistent(&self) -> bool {
        let routed = |source: &Source| (source.server as usize) < self.icps.len();
        let presents_rightly = |(server, icp): (usize, &Icp)| {
            let Some(presented) = icp.presented else {
                return true;
            };
            let sound = match self.sources.get(&presented.irq) {
                // Changing the route takes back what is presented, and an edge is not latched
                // meanwhile.
                Some(source) => {
                    !source.latched
                        && source.server as usize == server
                        && source.priority == presented.priority
                }
                None => presented.irq == IPI,
            };
            sound && presented.priority < icp.cppr
        };
        self.sources.values().all(routed) && self.icps.iter().enumerate().all(presents_rightly)
    }
}

impl Controller {
    /// The state to save.
    pub(super) fn export(&self) -> XicsState {
        XicsState {
            icps: self.icps.clone(),
            sources: self.sources.clone(),
        }
    }

    /// Whether a saved state is one of a controller with the same servers and sources.
    pub(super) fn accepts(&self, state: &XicsState) -> bool {
        state.icps.len() == self.icps.len()
            && state.sources.keys().eq(self.sources.keys())
            && state.is_consistent()
    }

    /// Goes to a state that it [`accepts`](Controller::accepts).
    pub(super) fn import(&mut self, state: XicsState) {
        self.icps = state.icps;
        self.sources = state.sources;
        // Changes nothing in what a controller saved; in what somebody edited, no interrupt is left
        // waiting for ever.
        for server in 0..self.servers() {
            self.evaluate(server);
        }
    }
}
