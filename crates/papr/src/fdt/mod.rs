//! The device tree that a guest is started with: a file per part of the tree, `node` for the tree as data, `blob` for
//! its flattened form (Devicetree Specification, chapter 5).
//!
//! There is no firmware and no negotiation (CAS) before the kernel: what they would have put into the tree is there from
//! the start. The tree announces only what the platform does.

mod blob;
mod chosen;
mod cpus;
mod events;
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

use papr_scm::Scm;

use crate::config::PlatformConfig;
use crate::rtas::RTAS_SIZE;

/// The whole tree, flattened.
///
/// # Errors
/// Where it does not fit the format.
pub(crate) fn device_tree(
    config: &PlatformConfig,
    scm: Option<&Scm>,
) -> Result<Vec<u8>, DeviceTreeError> {
    let persistent_memory = scm.map(Scm::device_tree);
    // Linux keeps its hands off the RTAS area only if it is told to here.
    let reserved = [(config.rtas_base, u64::from(RTAS_SIZE))];
    blob::flatten(&root::root(config, persistent_memory), &reserved)
}
