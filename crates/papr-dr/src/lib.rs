//! Dynamic reconfiguration (DR) of PAPR guests: the connectors by which resources come and go, and
//! hypercalls of those resources that can't answer at once.
//!
//! The layer is general. It knows no device, no CPU and no monitor: a kind of resource (persistent
//! memory, memory blocks, processors, host bridges) is a type that implements [`Resource`], put
//! into a [`Slot`].
//!
//! - `slot`: a connector with what is attached to it and that resource's asynchronous calls; the
//!   RTAS services on it (`set-indicator`, `get-sensor-state`, `ibm,configure-connector`);
//! - `connector`: the state machine of a logical connector (isolation, allocation, entity sense);
//! - `index`: what a connector is called, as a number, a name and in the `ibm,drc-*` properties;
//! - `configure`: how `ibm,configure-connector` tells a device-tree node piece by piece;
//! - `calls`, `token`: the asynchronous hypercalls. See the README for their contract;
//! - `guest`: guest memory, as hypercalls and RTAS services reach it;
//! - [`abi`]: numbers of PAPR; [`sync`]: how locks are taken.
#![forbid(unsafe_code)]

pub mod abi;
mod calls;
#[cfg(test)]
mod calls_tests;
mod configure;
mod connector;
mod guest;
mod index;
mod slot;
pub mod sync;
mod token;

pub use calls::{AsyncCalls, CallsState, Claim, Completion, Refusal};
pub use configure::{ConfigureStep, configure_steps, write_step};
pub use connector::{Connector, ConnectorState, Isolation, LogicalState};
pub use guest::{GuestMemory, GuestMemoryError};
pub use index::{DrcIndex, DrcType, drc_properties};
pub use slot::{Connectors, IndicatorSet, Resource, Slot, configure_connector};
pub use token::{ContinueToken, TokenSource};

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
