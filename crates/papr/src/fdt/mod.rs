//! The device tree that a guest is started with (Devicetree Specification, chapter 5): what follows
//! from the machine's configuration is here, a file per node; the rest is what the parts of the
//! platform add.
//!
//! There is no firmware and no negotiation (CAS) before the kernel: what they would have put into
//! the tree is there from the start. The tree announces only what the platform does.

mod chosen;
mod cpus;
mod memory;
mod root;
mod rtas;
#[cfg(test)]
mod tests;

pub(crate) use cpus::vcpu_associativity;
pub(crate) use root::device_tree;

use device_tree::{Conflict, FlattenError, Node};

use crate::rtas::Service;

/// Why there can't be a device tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceTreeError {
    /// Offsets are 32 bits.
    #[error(transparent)]
    TooLarge(#[from] FlattenError),
    /// A mistake in the program.
    #[error("two parts of the platform contradict each other: {0}")]
    Conflict(#[from] Conflict),
}

/// What the parts of a platform announce in its tree.
pub(crate) struct Announced<'a> {
    /// RTAS services, in the order of their tokens.
    pub(crate) services: Vec<&'a Service>,
    /// Groups of hypercalls.
    pub(crate) hypercall_groups: Vec<&'static str>,
    /// Nodes for below the root, or overlays of those that are there.
    pub(crate) nodes: Vec<Node>,
}
