//! The root node, and what hangs below it.

use super::node::Node;
use super::{chosen, cpus, facilities, interrupts, memory, rtas, vdevice};
use crate::config::PlatformConfig;

/// The whole tree.
pub(super) fn root(config: &PlatformConfig) -> Node {
    Node::new("")
        .string("device_type", "chrp")
        .string("model", &format!("Paprika {}", config.machine.name()))
        // Linux takes any machine of type "chrp" with PAPR hypercalls for a pseries; the second name is for those that
        // look for the machine type that they know.
        .strings("compatible", &["paprika,pseries", "IBM,CHRP"])
        .u32("#address-cells", 2)
        .u32("#size-cells", 2)
        .string("system-id", &config.uuid.to_string())
        .string("vm,uuid", &config.uuid.to_string())
        .string("ibm,partition-name", &config.name)
        .child(chosen::chosen(config))
        .child(memory::memory(config))
        .child(cpus::cpus(config))
        .child(rtas::rtas(config))
        .child(interrupts::controller(config))
        .child(vdevice::vdevice())
        .child(facilities::facilities())
}
