//! The XICS interrupt controller: sources (ICS) with a server and a priority each, and one
//! presentation controller (ICP) per vCPU with CPPR, MFRR and XIRR (PAPR, "Interrupt Presentation
//! Layer").
//!
//! - `controller`: what the hardware does, as a plain state machine;
//! - `state`: what a snapshot carries of it;
//! - `hcall`, `rtas`: how a guest reaches it;
//! - `part`: the controller as a part of the platform;
//! - `interrupt_lines`: the controller behind a lock, driving the external-interrupt line of each
//!   vCPU.

mod controller;
mod hcall;
mod interrupt_lines;
mod part;
mod rtas;
#[cfg(test)]
mod scenarios;
mod state;

pub use controller::{Icp, Irq, Presented, Source};
pub use state::XicsState;

pub(crate) use interrupt_lines::Xics;
pub(crate) use part::EDGE;
