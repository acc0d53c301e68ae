//! The device-tree node of a device, with every property that Linux's papr_scm reads.

use super::device::Nvdimm;
use crate::abi::{BLOCK_SIZE, property};
use device_tree::Node;
use papr_dr::Resource;

impl Resource for Nvdimm {
    /// The node `ibm,pmemory@…` of this device, for the tree at start and for
    /// `ibm,configure-connector`.
    fn node(&self) -> Node {
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

/// The associativity list: its length, then the domains from the greatest to the least. All of them
/// name the NUMA node, so that it is found whatever level the machine's
/// `ibm,associativity-reference-points` choose.
fn associativity(numa_node: u32) -> [u32; 5] {
    [4, numa_node, numa_node, numa_node, numa_node]
}

#[cfg(test)]
mod tests {
    use crate::abi::property::HCALL_FLUSH_REQUIRED;
    use crate::hcall::testing::Machine;
    use papr_dr::Resource;

    #[test]
    fn the_node_has_every_property_that_linux_reads() {
        let tree = Machine::new().scm.device_tree();
        assert_eq!(
            (tree.name.as_str(), tree.children.len()),
            ("ibm,persistent-memory", 1)
        );
        assert_eq!(tree.property("#address-cells"), Some(&[0, 0, 0, 1][..]));
        assert_eq!(tree.property("#size-cells"), Some(&[0; 4][..]));
        assert_eq!(
            tree.property("device_type"),
            Some(&b"ibm,persistent-memory\0"[..])
        );
        assert_eq!(
            tree.property("ibm,drc-indexes").map(|list| &list[..8]),
            Some(&[0, 0, 1, 0, 0x90, 0, 0, 0][..])
        );
        let node = &tree.children[0];
        assert_eq!(node.name, "ibm,pmemory@90000000");
        for (name, value) in [
            ("reg", &[0x90, 0, 0, 0][..]),
            ("compatible", b"ibm,pmemory\0"),
            ("device_type", b"ibm,pmemory\0"),
            ("ibm,my-drc-index", &[0x90, 0, 0, 0]),
            (
                "ibm,associativity",
                &[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ),
            ("ibm,block-size", &[0, 0, 0, 0, 0x10, 0, 0, 0]),
            ("ibm,number-of-blocks", &[0, 0, 0, 0, 0, 0, 0, 2]),
            ("ibm,metadata-size", &[0, 2, 0, 0]),
            ("ibm,pmem-application", b"operating-system\0"),
            ("ibm,cache-flush-required", b""),
            ("ibm,hcall-flush-required", b""),
        ] {
            assert_eq!(node.property(name), Some(value), "{name}");
        }
        let uuid = Machine::new().device().uuid().to_string() + "\0";
        assert_eq!(node.property("ibm,unit-guid"), Some(uuid.as_bytes()));
    }

    #[test]
    fn only_a_guest_that_must_flush_and_can_is_told_so() {
        let told = |sync_dax, flush_hypercall| {
            let machine = Machine::with(|setup| {
                setup.sync_dax = sync_dax;
                setup.flush_hypercall = flush_hypercall;
            });
            machine
                .device()
                .node()
                .property(HCALL_FLUSH_REQUIRED)
                .is_some()
        };
        assert!(told(false, true));
        assert!(!told(true, true), "sync-dax=on");
        assert!(!told(false, false), "a machine type without the hypercall");
        assert!(!told(true, false));
    }
}
