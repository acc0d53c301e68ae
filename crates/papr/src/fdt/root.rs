//! The root node, and what hangs below it.

use device_tree::{Node, flatten};

use super::{Announced, DeviceTreeError, chosen, cpus, memory, rtas};
use crate::config::PlatformConfig;
use crate::rtas::RTAS_SIZE;

/// The whole tree, flattened.
///
/// # Errors
/// Where it does not fit the format, or two parts contradict each other.
pub(crate) fn device_tree(
    config: &PlatformConfig,
    announced: Announced<'_>,
) -> Result<Vec<u8>, DeviceTreeError> {
    // Linux keeps its hands off the RTAS area only if it is told to here.
    let reserved = [(config.rtas_base, u64::from(RTAS_SIZE))];
    let mut root = root(config, &announced);
    let overlay = Node {
        children: announced.nodes,
        ..Node::default()
    };
    root.merge(overlay)?;
    Ok(flatten(&root, &reserved)?)
}

fn root(config: &PlatformConfig, announced: &Announced<'_>) -> Node {
    Node::new("")
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
        .child(rtas::rtas(config, announced))
        .child(virtual_devices())
}

/// `/vdevice`: the bus of virtual devices.
fn virtual_devices() -> Node {
    Node::new("vdevice")
        .string("device_type", "vdevice")
        .string("compatible", "IBM,vdevice")
        .u32("#address-cells", 1)
        .u32("#size-cells", 0)
        .u32("#interrupt-cells", 2)
        .flag("interrupt-controller")
}
