//! The guest's side of plugging: the RTAS calls on persistent-memory connectors.
//!
//! Each returns `None` for an index that is not one of this machine's persistent-memory connectors, so that a platform can
//! ask one owner of connectors after the other.

use std::time::Duration;

use super::Scm;
use crate::abi::rtas;
use crate::drc::{ConfigureStep, DrcIndex, Isolation, LogicalState, configure_steps, write_step};
use crate::sync::lock;

impl Scm {
    /// `set-indicator`: the RTAS status.
    ///
    /// The step by which the guest gives back a device that the machine asked for waits for the device's outstanding
    /// calls: until they are finished it answers with an extended delay, and the guest repeats it.
    pub fn set_indicator(&self, indicator: u32, index: u32, value: u32) -> Option<i32> {
        let slot = self.slot(DrcIndex::from_register(index.into()))?;
        let mut connector = lock(&slot.connector);
        let device = slot.device();
        let change = match indicator {
            rtas::INDICATOR_ISOLATION_STATE => connector.set_isolation(value),
            rtas::INDICATOR_ALLOCATION_STATE => {
                let releases = connector.unplug_requested()
                    && value == rtas::UNUSABLE
                    && connector.state() == LogicalState::Available;
                if releases {
                    slot.calls.close();
                    if slot.calls.running() > 0 {
                        return Some(rtas::EXTENDED_DELAY_10_MSEC);
                    }
                }
                connector.set_allocation(value)
            }
            // Logical connectors have no light (9002), and there are no other indicators here.
            _ => Isolation::Answer(rtas::NO_SUCH_INDICATOR),
        };
        let unisolates = (indicator, value) == (rtas::INDICATOR_ISOLATION_STATE, rtas::UNISOLATED);
        if unisolates && connector.next_piece().is_some() {
            // The guest has it, or has taken it again instead of giving it back.
            slot.calls.reopen();
        }
        drop(connector);
        Some(match change {
            Isolation::Answer(status) => status,
            Isolation::Kept => {
                tracing::warn!(drc = %slot.drc, "the guest refuses to give the device back");
                rtas::SUCCESS
            }
            Isolation::Released => {
                if let Some(device) = device {
                    self.detach(slot, &device);
                }
                rtas::SUCCESS
            }
        })
    }

    /// `get-sensor-state`: the RTAS status and the sensor's value.
    pub fn get_sensor_state(&self, sensor: u32, index: u32) -> Option<(i32, u32)> {
        let slot = self.slot(DrcIndex::from_register(index.into()))?;
        match sensor {
            rtas::SENSOR_ENTITY_SENSE => {
                Some((rtas::SUCCESS, lock(&slot.connector).entity_sense()))
            }
            _ => Some((rtas::NO_SUCH_INDICATOR, 0)),
        }
    }

    /// `ibm,configure-connector`: tells the next piece of the device's node in the work area, which names the connector in
    /// its first word, and returns the RTAS status.
    pub fn configure_connector(&self, area: &mut [u8; rtas::WORK_AREA_SIZE]) -> Option<i32> {
        let index = u32::from_be_bytes([area[0], area[1], area[2], area[3]]);
        let slot = self.slot(DrcIndex::from_register(index.into()))?;
        let mut connector = lock(&slot.connector);
        let (Some(piece), Some(device)) = (connector.next_piece(), slot.device()) else {
            return Some(rtas::CONFIGURE_NOT_CONFIGURABLE);
        };
        let node = device.node();
        let step = configure_steps(&node)
            .get(piece)
            .copied()
            .unwrap_or(ConfigureStep::Complete);
        let status = write_step(step, area);
        if status != rtas::CONFIGURE_ERROR {
            connector.piece_told(step == ConfigureStep::Complete);
        }
        Some(status)
    }

    /// Forgets the results that nobody will fetch, after what runs has ended: for a new kernel's negotiation
    /// (`ibm,client-architecture-support`), when the one before can't ask any more.
    pub fn drain_calls(&self, limit: Duration) -> usize {
        let abandoned = self.slots.iter().map(|slot| slot.calls.drain(limit)).sum();
        self.slots.iter().for_each(|slot| slot.calls.reopen());
        abandoned
    }
}
