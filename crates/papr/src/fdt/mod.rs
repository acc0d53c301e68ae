//! The device tree that a guest is started with: a file per part of the tree, `node` for the tree as data, `blob` for
//! its flattened form (Devicetree Specification, chapter 5).
//!
//! There is no firmware and no negotiation (CAS) before the kernel: what they would have put into the tree is there from
//! the start. The tree announces only what the platform does.

mod blob;
mod chosen;
mod cpus;
mod facilities;
mod interrupts;
mod memory;
mod node;
mod root;
mod rtas;
#[cfg(test)]
mod tests;
mod vdevice;

pub use blob::DeviceTreeError;
pub(crate) use cpus::vcpu_associativity;

use crate::config::PlatformConfig;
use crate::rtas::RTAS_SIZE;

/// The whole tree, flattened.
///
/// # Errors
/// Where it does not fit the format.
pub(crate) fn device_tree(config: &PlatformConfig) -> Result<Vec<u8>, DeviceTreeError> {
    // Linux keeps its hands off the RTAS area only if it is told to here.
    let reserved = [(config.rtas_base, u64::from(RTAS_SIZE))];
    blob::flatten(&root::root(config), &reserved)
}
