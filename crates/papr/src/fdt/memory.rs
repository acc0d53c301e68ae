//! `/memory@0`: RAM. All of it is one node of NUMA domain 0.

use device_tree::Node;

use crate::config::PlatformConfig;

/// Associativity of RAM: the length of the list, then domains from the widest to the narrowest.
pub(super) const MEMORY_ASSOCIATIVITY: [u32; 5] = [4, 0, 0, 0, 0];

/// `/memory@0`.
pub(super) fn memory(config: &PlatformConfig) -> Node {
    Node::new("memory@0")
        .string("device_type", "memory")
        .u64s("reg", &[0, config.memory])
        .cells("ibm,associativity", &MEMORY_ASSOCIATIVITY)
}
