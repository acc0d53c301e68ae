//! The device-tree node of a device, with every property that Linux's papr_scm reads.

use super::device::Nvdimm;
use crate::abi::{BLOCK_SIZE, property};
use crate::node::Node;

impl Nvdimm {
    /// The node `ibm,pmemory@…` of this device, for the tree at start and for `ibm,configure-connector`.
    pub fn node(&self) -> Node {
        let drc = self.drc().value();
        let mut node = Node::new(format!("{}@{drc:x}", property::PMEMORY))
            .u32("reg", drc)
            .string("compatible", property::PMEMORY)
            .string("device_type", property::PMEMORY)
            .cells("ibm,associativity", &associativity(self.numa_node()))
            .string("ibm,unit-guid", &self.uuid().hyphenated().to_string())
            .u32("ibm,my-drc-index", drc)
            .u64("ibm,block-size", BLOCK_SIZE)
            .u64("ibm,number-of-blocks", self.blocks())
            .u32("ibm,metadata-size", self.label_size() as u32)
            .string("ibm,pmem-application", property::APPLICATION)
            .flag(property::CACHE_FLUSH_REQUIRED);
        if self.flush_announced() {
            node = node.flag(property::HCALL_FLUSH_REQUIRED);
        }
        node
    }
}

/// The associativity list: its length, then the domains from the greatest to the least. All of them name the NUMA node,
/// so that it is found whatever level the machine's `ibm,associativity-reference-points` choose.
fn associativity(numa_node: u32) -> [u32; 5] {
    [4, numa_node, numa_node, numa_node, numa_node]
}
