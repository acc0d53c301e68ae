//! Dynamic reconfiguration connectors: where a resource is attached to, and detached from, a running machine.
//!
//! - `index`: what a connector is called, as a number, a name and in the `ibm,drc-*` properties;
//! - `connector`: the state machine of a logical connector (isolation, allocation, entity sense);
//! - `configure`: how `ibm,configure-connector` tells a device-tree node piece by piece;
//! - `calls` and `token`: hypercalls that can't answer at once. They know nothing of what the calls do.

pub(crate) mod calls;
#[cfg(test)]
mod calls_tests;
pub(crate) mod configure;
pub(crate) mod connector;
pub(crate) mod index;
pub(crate) mod token;

pub use calls::{AsyncCalls, CallsState, Claim, Completion, Refusal};
pub use configure::{ConfigureStep, configure_steps, write_step};
pub use connector::{Connector, ConnectorState, Isolation, LogicalState};
pub use index::{DrcIndex, DrcType, drc_properties};
pub use token::{ContinueToken, TokenSource};
