//! The guest's side of plugging: the RTAS calls on persistent-memory connectors.

use std::time::Duration;

use papr_dr::{Connectors, DrcIndex};

use super::Scm;
use crate::abi::rtas::WORK_AREA_SIZE;

impl Connectors for Scm {
    fn set_indicator(&self, indicator: u32, drc: DrcIndex, value: u32) -> Option<i32> {
        let slot = self.slot(drc)?;
        let set = slot.set_indicator(indicator, value);
        if let Some(device) = set.released {
            self.detach(slot, &device);
        }
        Some(set.status)
    }

    fn sensor_state(&self, sensor: u32, drc: DrcIndex) -> Option<(i32, u32)> {
        Some(self.slot(drc)?.sensor_state(sensor))
    }

    fn configure(&self, drc: DrcIndex, area: &mut [u8; WORK_AREA_SIZE]) -> Option<i32> {
        Some(self.slot(drc)?.configure(area))
    }
}

impl Scm {
    /// Forgets the results that nobody will fetch, after what runs has ended: for a new kernel's
    /// negotiation (`ibm,client-architecture-support`), when the one before can't ask any more.
    pub fn drain_calls(&self, limit: Duration) -> usize {
        let abandoned = self
            .slots
            .iter()
            .map(|slot| slot.calls().drain(limit))
            .sum();
        self.slots.iter().for_each(|slot| slot.calls().reopen());
        abandoned
    }
}
