//! The XICS interrupt controller: sources (ICS) with a server and a priority each, and one
//! presentation controller (ICP) per vCPU with CPPR, MFRR and XIRR (PAPR, "Interrupt Presentation
//! Layer").
//!
//! - `controller`: what the hardware does, as a plain state machine;
//! - `state`: what a snapshot carries of it;
//! - `hcall`, `rtas`: how a guest reaches it;
//! - `part`: the controller as a part of the platform;
//! - `wires`: the controller behind a lock, driving the external-interrupt wire of each vCPU.

mod controller;
mod hcall;
mod part;
mod rtas;
#[cfg(test)]
mod scenarios;
mod state;
mod wires;

pub use controller::{Irq, Presented, Presenter, Source};
pub use state::XicsState;

pub(crate) use part::EDGE;
pub(crate) use wires::Xics;
