//! A connector with what is attached to it, and the RTAS services on it.
//!
//! The steps by which a guest takes a resource and gives it back are the same for every kind of
//! resource. What differs is how the host takes one out of the machine, so [`Slot::set_indicator`]
//! only says that the guest has given it back, and its owner does the rest.

use std::time::Duration;

use device_tree::Node;

use crate::abi::rtas;
use crate::calls::AsyncCalls;
use crate::configure::{ConfigureStep, configure_steps, write_step};
use crate::connector::{Connector, ConnectorState, Isolation, LogicalState};
use crate::guest::GuestMemory;
use crate::index::DrcIndex;
use crate::sync::{Arc, Mutex, lock};

/// Something that is attached to a connector.
pub trait Resource: Send + Sync {
    /// Its device-tree node, which `ibm,configure-connector` tells to the guest. The same for as
    /// long as it is attached. Called with the connector locked.
    fn node(&self) -> Node;
}

/// A connector with what is attached to it (`T`) and the asynchronous calls of that: `R` asks for a
/// call, `A` is its answer.
///
/// Every method may be called from any thread. Locks are held for moments only, in the order of the
/// fields.
pub struct Slot<T, R, A> {
    drc: DrcIndex,
    connector: Mutex<Connector>,
    resource: Mutex<Option<Arc<T>>>,
    calls: AsyncCalls<R, A>,
}

/// What a `set-indicator` came to.
pub struct IndicatorSet<T> {
    /// The RTAS status.
    pub status: i32,
    /// What the guest has given back by it, since the machine asked for it: now its owner's to take
    /// out ([`Slot::detach`]).
    pub released: Option<Arc<T>>,
}

impl<T: Resource, R: Clone, A: Clone> Slot<T, R, A> {
    /// A connector to which nothing is attached.
    pub fn new(drc: DrcIndex, calls: AsyncCalls<R, A>) -> Self {
        Slot {
            drc,
            connector: Mutex::new(Connector::empty()),
            resource: Mutex::new(None),
            calls,
        }
    }

    /// What the connector is called.
    pub fn drc(&self) -> DrcIndex {
        self.drc
    }

    /// What is attached.
    pub fn resource(&self) -> Option<Arc<T>> {
        lock(&self.resource).clone()
    }

    /// The asynchronous calls of what is attached.
    pub fn calls(&self) -> &AsyncCalls<R, A> {
        &self.calls
    }

    /// Where the connector stands.
    pub fn state(&self) -> ConnectorState {
        lock(&self.connector).export()
    }

    /// Whether the guest holds what is attached, or is about to: it can be configured.
    pub fn is_held(&self) -> bool {
        lock(&self.connector).next_piece().is_some()
    }

    /// Attaches a resource to the empty connector. One that is there when the machine starts
    /// (`ready`) is in use at once; one that comes later waits until the guest takes it.
    pub fn attach(&self, resource: &Arc<T>, ready: bool) {
        self.calls.reopen();
        let mut connector = lock(&self.connector);
        connector.attach(ready);
        *lock(&self.resource) = Some(Arc::clone(resource));
    }

    /// Asks for the resource back. True where the guest does not hold it, so that it can be
    /// detached at once.
    pub fn request_unplug(&self) -> bool {
        lock(&self.connector).request_unplug()
    }

    /// Detaches `resource` and forgets its calls, which are not waited for. False where it is not
    /// there any more.
    ///
    /// Names the resource, since two may have found that it can go, and another may be in its
    /// place.
    pub fn detach(&self, resource: &Arc<T>) -> bool {
        {
            let mut connector = lock(&self.connector);
            let mut attached = lock(&self.resource);
            if !attached
                .as_ref()
                .is_some_and(|it| Arc::ptr_eq(it, resource))
            {
                return false;
            }
            *attached = None;
            connector.detach();
        }
        self.calls.drain(Duration::ZERO);
        true
    }

    /// The machine is reset: what is attached is in use. What was asked back its owner has detached
    /// before.
    pub fn reset(&self) {
        lock(&self.connector).reset();
    }

    /// Brings the connector to where a snapshot had it; the same resource is attached already.
    pub fn import(&self, state: ConnectorState) {
        lock(&self.connector).import(state);
    }

    /// `set-indicator`.
    ///
    /// The step by which the guest gives back a resource that the machine asked for waits for the
    /// outstanding calls: until they are finished it answers with an extended delay, and the guest
    /// repeats it.
    pub fn set_indicator(&self, indicator: u32, value: u32) -> IndicatorSet<T> {
        let only = |status| IndicatorSet {
            status,
            released: None,
        };
        let mut connector = lock(&self.connector);
        let resource = self.resource();
        let change = match indicator {
            rtas::INDICATOR_ISOLATION_STATE => connector.set_isolation(value),
            rtas::INDICATOR_ALLOCATION_STATE => {
                let releases = connector.unplug_requested()
                    && value == rtas::UNUSABLE
                    && connector.state() == LogicalState::Available;
                if releases {
                    self.calls.close();
                    if self.calls.running() > 0 {
                        return only(rtas::EXTENDED_DELAY_10_MSEC);
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
            self.calls.reopen();
        }
        match change {
            Isolation::Answer(status) => only(status),
            Isolation::Kept => {
                tracing::warn!(drc = %self.drc, "the guest refuses to give the device back");
                only(rtas::SUCCESS)
            }
            Isolation::Released => IndicatorSet {
                status: rtas::SUCCESS,
                released: resource,
            },
        }
    }

    /// `get-sensor-state`: the RTAS status and the sensor's value.
    pub fn sensor_state(&self, sensor: u32) -> (i32, u32) {
        match sensor {
            rtas::SENSOR_ENTITY_SENSE => (rtas::SUCCESS, lock(&self.connector).entity_sense()),
            _ => (rtas::NO_SUCH_INDICATOR, 0),
        }
    }

    /// `ibm,configure-connector`: tells the next piece of the resource's node in the work area, and
    /// returns the RTAS status.
    pub fn configure(&self, area: &mut [u8; rtas::WORK_AREA_SIZE]) -> i32 {
        let mut connector = lock(&self.connector);
        let (Some(piece), Some(resource)) = (connector.next_piece(), self.resource()) else {
            return rtas::CONFIGURE_NOT_CONFIGURABLE;
        };
        let node = resource.node();
        let step = configure_steps(&node)
            .get(piece)
            .copied()
            .unwrap_or(ConfigureStep::Complete);
        let status = write_step(step, area);
        if status != rtas::CONFIGURE_ERROR {
            connector.piece_told(step == ConfigureStep::Complete);
        }
        status
    }
}

/// The connectors of one kind, as the RTAS services of a platform reach them.
///
/// Each method answers `None` for an index that is none of these connectors, so that a platform can
/// ask one owner of connectors after the other. All may be called from any thread, and wait for
/// nothing.
pub trait Connectors: Send + Sync {
    /// `set-indicator`: the RTAS status.
    fn set_indicator(&self, indicator: u32, drc: DrcIndex, value: u32) -> Option<i32>;

    /// `get-sensor-state`: the RTAS status and the sensor's value.
    fn sensor_state(&self, sensor: u32, drc: DrcIndex) -> Option<(i32, u32)>;

    /// `ibm,configure-connector`: tells the next piece of the node of what is attached, and answers
    /// the RTAS status. The work area is left as it was where there is nothing to tell.
    fn configure(&self, drc: DrcIndex, area: &mut [u8; rtas::WORK_AREA_SIZE]) -> Option<i32>;
}

/// `ibm,configure-connector` as a guest calls it: the work area at `address` names the connector in
/// its first word, and gets the next piece of its node. The RTAS status.
pub fn configure_connector<'a>(
    owners: impl IntoIterator<Item = &'a dyn Connectors>,
    memory: &dyn GuestMemory,
    address: u64,
) -> i32 {
    let mut area = [0; rtas::WORK_AREA_SIZE];
    if memory.read(address, &mut area).is_err() {
        return rtas::CONFIGURE_ERROR;
    }
    let drc = DrcIndex::of_work_area(&area);
    let mut owners = owners.into_iter();
    let Some(status) = owners.find_map(|owner| owner.configure(drc, &mut area)) else {
        return rtas::CONFIGURE_INVALID_INDEX;
    };
    match memory.write(address, &area) {
        Ok(()) => status,
        Err(_) => rtas::CONFIGURE_ERROR,
    }
}
