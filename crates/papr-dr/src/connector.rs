//! The state machine of a logical connector (PAPR, "Dynamic Reconfiguration", logical resource
//! dynamic reconfiguration).
//!
//! A guest takes a resource by making it usable, unisolating it and configuring it, and gives it
//! back by isolating it and making it unusable. The machine attaches a resource and asks for it
//! back; it gets it back when the guest has given it up, or at a reset. This file knows no device:
//! it serves any logical resource.

use serde::{Deserialize, Serialize};

use crate::abi::rtas;

/// Where a logical connector stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogicalState {
    /// The guest has not allocated the resource, or there is none.
    Unusable,
    /// Allocated, isolated.
    Available,
    /// Allocated, unisolated, not configured yet.
    Unisolated,
    /// In use.
    Configured,
}

/// What a change of the isolation or allocation state leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Only the answer for the guest (an RTAS status).
    Answer(i32),
    /// The guest refuses to give the resource back: answer success, and the machine forgets that it
    /// had asked.
    Kept,
    /// The guest has given back a resource that the machine had asked for: answer success, and
    /// detach it.
    Released,
}

/// What a snapshot carries of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorState {
    /// Where it stands.
    pub state: LogicalState,
    /// Has the machine asked for the resource back?
    pub unplug_requested: bool,
    /// How many pieces of the node `ibm,configure-connector` has told already.
    pub told: usize,
}

/// A logical connector.
#[derive(Debug, Clone)]
pub struct Connector {
    state: LogicalState,
    present: bool,
    unplug_requested: bool,
    told: usize,
}

impl Default for Connector {
    fn default() -> Self {
        Self::empty()
    }
}

impl Connector {
    /// A connector to which nothing is attached.
    pub fn empty() -> Self {
        Connector {
            state: LogicalState::Unusable,
            present: false,
            unplug_requested: false,
            told: 0,
        }
    }

    /// Attaches a resource. One that is there when the machine starts (`ready`) is in use at once;
    /// one that comes later waits until the guest takes it.
    pub fn attach(&mut self, ready: bool) {
        let state = if ready {
            LogicalState::Configured
        } else {
            LogicalState::Unusable
        };
        *self = Connector {
            state,
            present: true,
            unplug_requested: false,
            told: 0,
        };
    }

    /// The resource is gone.
    pub fn detach(&mut self) {
        *self = Self::empty();
    }

    /// Asks for the resource back. True where the guest does not hold it, so that it can be
    /// detached at once.
    pub fn request_unplug(&mut self) -> bool {
        if !self.present {
            return false;
        }
        self.unplug_requested = true;
        self.state == LogicalState::Unusable
    }

    /// Has the machine asked for the resource back?
    pub fn unplug_requested(&self) -> bool {
        self.unplug_requested
    }

    /// Is a resource attached?
    pub fn present(&self) -> bool {
        self.present
    }

    /// Where the connector stands.
    pub fn state(&self) -> LogicalState {
        self.state
    }

    /// `set-indicator` with the isolation state.
    pub fn set_isolation(&mut self, value: u32) -> Isolation {
        use LogicalState::{Available, Configured, Unisolated, Unusable};
        match (value, self.state) {
            (rtas::ISOLATED, Available | Unusable) => Isolation::Answer(rtas::SUCCESS),
            (rtas::ISOLATED, Configured) => {
                self.state = Available;
                Isolation::Answer(rtas::SUCCESS)
            }
            (rtas::UNISOLATED, Unisolated | Configured) if self.unplug_requested => {
                self.unplug_requested = false;
                Isolation::Kept
            }
            (rtas::UNISOLATED, Unisolated | Configured) => Isolation::Answer(rtas::SUCCESS),
            (rtas::UNISOLATED, Available) => {
                self.state = Unisolated;
                self.told = 0;
                Isolation::Answer(rtas::SUCCESS)
            }
            // A guest may not isolate what it has unisolated and not configured, nor unisolate what
            // it has not allocated; any other value is no isolation state.
            _ => Isolation::Answer(rtas::NO_SUCH_INDICATOR),
        }
    }

    /// `set-indicator` with the allocation state.
    pub fn set_allocation(&mut self, value: u32) -> Isolation {
        use LogicalState::{Available, Configured, Unisolated, Unusable};
        match (value, self.state) {
            (rtas::USABLE, Available | Unisolated | Configured) => Isolation::Answer(rtas::SUCCESS),
            // Nothing to take; or the machine wants it back, and the guest must not take it again.
            (rtas::USABLE, Unusable) if !self.present || self.unplug_requested => {
                Isolation::Answer(rtas::NO_SUCH_INDICATOR)
            }
            (rtas::USABLE, Unusable) => {
                self.state = Available;
                Isolation::Answer(rtas::SUCCESS)
            }
            (rtas::UNUSABLE, Unusable) => Isolation::Answer(rtas::SUCCESS),
            (rtas::UNUSABLE, Available) => {
                self.state = Unusable;
                if self.unplug_requested {
                    Isolation::Released
                } else {
                    Isolation::Answer(rtas::SUCCESS)
                }
            }
            _ => Isolation::Answer(rtas::NO_SUCH_INDICATOR),
        }
    }

    /// `get-sensor-state`: is there something that the guest holds?
    pub fn entity_sense(&self) -> u32 {
        match self.state {
            LogicalState::Unusable => rtas::SENSE_UNUSABLE,
            _ => rtas::SENSE_PRESENT,
        }
    }

    /// Which piece of the node `ibm,configure-connector` tells next; `None` where the connector
    /// can't be configured.
    pub fn next_piece(&self) -> Option<usize> {
        matches!(
            self.state,
            LogicalState::Unisolated | LogicalState::Configured
        )
        .then_some(self.told)
    }

    /// A piece was told. After the last one the connector is in use, and the node can be told again
    /// from the start.
    pub fn piece_told(&mut self, last: bool) {
        if last {
            self.state = LogicalState::Configured;
            self.told = 0;
        } else {
            self.told += 1;
        }
    }

    /// The machine was reset: what is attached is in use. True where a resource that the machine
    /// had asked for can be detached now.
    pub fn reset(&mut self) -> bool {
        if self.unplug_requested {
            self.detach();
            return true;
        }
        if self.present {
            self.attach(true);
        } else {
            self.detach();
        }
        false
    }

    /// What a snapshot needs.
    pub fn export(&self) -> ConnectorState {
        ConnectorState {
            state: self.state,
            unplug_requested: self.unplug_requested,
            told: self.told,
        }
    }

    /// Goes to where a snapshot stood; the same resource is attached already.
    pub fn import(&mut self, from: ConnectorState) {
        self.state = from.state;
        self.unplug_requested = from.unplug_requested;
        self.told = from.told;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rtas::{ISOLATED, NO_SUCH_INDICATOR, SUCCESS, UNISOLATED, UNUSABLE, USABLE};

    const OK: Isolation = Isolation::Answer(SUCCESS);
    const NO: Isolation = Isolation::Answer(NO_SUCH_INDICATOR);

    fn hot_plugged() -> Connector {
        let mut connector = Connector::empty();
        connector.attach(false);
        connector
    }

    #[test]
    fn a_hot_plugged_resource_goes_through_every_state_until_it_is_in_use() {
        let mut c = hot_plugged();
        assert_eq!(
            (c.state(), c.entity_sense()),
            (LogicalState::Unusable, rtas::SENSE_UNUSABLE)
        );
        assert_eq!(c.set_isolation(UNISOLATED), NO, "not allocated yet");
        assert_eq!(c.next_piece(), None);
        assert_eq!(c.set_allocation(USABLE), OK);
        assert_eq!(
            (c.state(), c.entity_sense()),
            (LogicalState::Available, rtas::SENSE_PRESENT)
        );
        assert_eq!(c.next_piece(), None);
        assert_eq!(c.set_isolation(UNISOLATED), OK);
        assert_eq!(c.state(), LogicalState::Unisolated);
        assert_eq!(c.set_isolation(ISOLATED), NO, "not before it is configured");
        assert_eq!(c.set_allocation(UNUSABLE), NO);
        assert_eq!(c.next_piece(), Some(0));
        c.piece_told(false);
        assert_eq!(c.next_piece(), Some(1));
        c.piece_told(true);
        assert_eq!(
            (c.state(), c.next_piece()),
            (LogicalState::Configured, Some(0))
        );
    }

    #[test]
    fn a_guest_gives_a_resource_back_in_two_steps() {
        let mut c = Connector::empty();
        c.attach(true);
        assert!(!c.request_unplug(), "the guest holds it");
        assert_eq!(c.set_allocation(UNUSABLE), NO, "isolate first");
        assert_eq!(c.set_isolation(ISOLATED), OK);
        assert_eq!(c.set_allocation(UNUSABLE), Isolation::Released);
        assert_eq!(c.set_allocation(USABLE), NO, "the machine wants it back");
    }

    #[test]
    fn a_guest_that_unisolates_again_keeps_the_resource() {
        let mut c = Connector::empty();
        c.attach(true);
        c.request_unplug();
        assert_eq!(c.set_isolation(UNISOLATED), Isolation::Kept);
        assert!(!c.unplug_requested());
        assert_eq!(c.set_isolation(UNISOLATED), OK);
    }

    #[test]
    fn without_a_request_a_guest_can_put_a_resource_aside_and_take_it_again() {
        let mut c = Connector::empty();
        c.attach(true);
        assert_eq!(c.set_isolation(ISOLATED), OK);
        assert_eq!(c.set_allocation(UNUSABLE), OK);
        assert!(c.present());
        assert_eq!(c.set_allocation(USABLE), OK);
    }

    #[test]
    fn an_empty_connector_can_not_be_taken() {
        let mut c = Connector::empty();
        assert_eq!(c.set_allocation(USABLE), NO);
        assert_eq!(c.set_isolation(UNISOLATED), NO);
        assert_eq!(c.set_isolation(ISOLATED), OK);
        assert_eq!(c.set_allocation(UNUSABLE), OK);
        assert!(!c.request_unplug());
    }

    #[test]
    fn values_that_are_no_state_are_refused() {
        let mut c = hot_plugged();
        assert_eq!(c.set_isolation(2), NO);
        assert_eq!(c.set_allocation(7), NO);
        assert_eq!(c.state(), LogicalState::Unusable);
    }

    #[test]
    fn a_reset_completes_a_pending_unplug_and_makes_the_rest_ready() {
        let mut asked = Connector::empty();
        asked.attach(true);
        asked.request_unplug();
        assert!(asked.reset());
        assert!(!asked.present());

        let mut waiting = hot_plugged();
        assert!(!waiting.reset());
        assert_eq!(waiting.state(), LogicalState::Configured);
    }

    #[test]
    fn a_request_for_what_the_guest_does_not_hold_is_granted_at_once() {
        assert!(hot_plugged().request_unplug());
    }
}
