//! What a snapshot carries of the areas that vCPUs have registered.

use super::{ALIGNMENT, PAGE, SLB_SHADOW_SIZE, SharedAreas, TRACE_LOG_SIZE, VPA_SIZE, VcpuAreas};
use papr_dr::sync::lock;

impl VcpuAreas {
    /// Whether a guest can have registered these. Where they lie is as it is whenever they are
    /// used: an access outside memory is refused then. (One may lie outside by now, in persistent
    /// memory that was unplugged, and its guest must still be restorable.) Their contents, sizes
    /// included, are the guest's to change.
    fn are_possible(&self) -> bool {
        let possible = |area: Option<u64>, minimum: u64, one_page: bool| {
            area.is_none_or(|address| {
                address != 0
                    && address.is_multiple_of(ALIGNMENT)
                    && address.checked_add(minimum).is_some()
                    && (!one_page || address % PAGE + minimum <= PAGE)
            })
        };
        let complete =
            self.vpa.is_some() || (self.slb_shadow.is_none() && self.trace_log.is_none());
        complete
            && possible(self.vpa, VPA_SIZE, true)
            && possible(self.slb_shadow, SLB_SHADOW_SIZE, true)
            && possible(self.trace_log, TRACE_LOG_SIZE, false)
    }
}

impl SharedAreas {
    /// The state to save: the areas of each vCPU.
    pub(crate) fn export(&self) -> Vec<VcpuAreas> {
        self.areas.iter().map(|areas| *lock(areas)).collect()
    }

    /// Whether these could be the areas of as many vCPUs.
    pub(crate) fn accepts(&self, state: &[VcpuAreas]) -> bool {
        state.len() == self.areas.len() && state.iter().all(VcpuAreas::are_possible)
    }

    /// Goes to a state that it [`accepts`](SharedAreas::accepts).
    pub(crate) fn import(&self, state: Vec<VcpuAreas>) {
        for (here, saved) in self.areas.iter().zip(state) {
            *lock(here) = saved;
        }
    }
}
