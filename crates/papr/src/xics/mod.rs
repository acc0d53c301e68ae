//! The XICS interrupt controller: sources (ICS) with a server and a priority each, and one presentation controller
//! (ICP) per vCPU with CPPR, MFRR and XIRR (PAPR, "Interrupt Presentation Layer").
//!
//! - `controller`: what the hardware does, as a plain state machine;
//! - `state`: what a snapshot carries of it;
//! - `wires`: the controller behind a lock, driving the external-interrupt wire of each vCPU.

mod controller;
#[cfg(test)]
mod scenarios;
mod state;
mod wires;

pub use controller::{Irq, Presented, Presenter, Source};
pub use state::XicsState;

pub(crate) use wires::Xics;
