//! The root node, and what hangs below it.

use super::node::{Build, Node};
use super::{chosen, cpus, events, facilities, interrupts, memory, rtas, vdevice};
use crate::config::PlatformConfig;

/// The whole tree, with the node of persistent memory if the machine has any.
pub(super) fn root(config: &PlatformConfig, persistent_memory: Option<Node>) -> Node {
    let root = Node::new("")
        .string("device_type", "chrp")
        .string("model", &format!("Paprika {}", config.machine.name()))
        // Linux takes any machine of type "chrp" with PAPR hypercalls for a pseries.
        .string("compatible", "paprika,pseries")
        .u32("#address-cells", 2)
        .u32("#size-cells", 2)
        .string("system-id", &config.uuid.to_string())
        .string("vm,uuid", &config.uuid.to_string())
        .string("ibm,partition-name", &config.name)
        .child(chosen::chosen(config))
        .child(memory::memory(config))
        .child(cpus::cpus(config))
        .child(rtas::rtas(config, persistent_memory.as_ref()))
        .child(interrupts::controller(config))
        .child(events::event_sources())
        .child(vdevice::vdevice())
        .child(facilities::facilities());
    match persistent_memory {
        Some(node) => root.child(node),
        None => root,
    }
}
