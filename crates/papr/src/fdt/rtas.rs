//! `/rtas`: the services and their tokens, where RTAS lies, and which groups of hypercalls there
//! are.

use super::Announced;
use super::memory::MEMORY_ASSOCIATIVITY;
use device_tree::Node;

use crate::config::{LMB_SIZE, PlatformConfig};
use crate::rtas::RTAS_SIZE;

/// Longest error log in bytes.
const ERROR_LOG_MAX: u32 = 2048;
/// How often the guest should call event-scan: times a minute.
const EVENT_SCAN_RATE: u32 = 1;
/// Where in an associativity list the NUMA node is.
const NODE_REFERENCE_POINT: u32 = MEMORY_ASSOCIATIVITY.len() as u32 - 1;

/// How many NUMA nodes there can be: those of devices may lie beyond that of RAM.
fn numa_nodes(devices: &[Node]) -> u32 {
    fn last_node(device: &Node) -> u32 {
        let own = device.property("ibm,associativity").and_then(|list| {
            let domain = list.chunks_exact(4).nth(NODE_REFERENCE_POINT as usize)?;
            Some(u32::from_be_bytes(domain.try_into().ok()?))
        });
        let below = device.children.iter().map(last_node);
        below.chain(own).max().unwrap_or(0)
    }
    let last = devices.iter().map(last_node).max();
    last.unwrap_or(0).saturating_add(1)
}

/// `/rtas`.
pub(super) fn rtas(config: &PlatformConfig, announced: &Announced<'_>) -> Node {
    // RTAS lies below 1 GiB: the configuration was checked.
    let base = config.rtas_base as u32;
    let lmb = [(LMB_SIZE >> 32) as u32, LMB_SIZE as u32];
    let top = [(config.memory >> 32) as u32, config.memory as u32];
    let node = Node::new("rtas")
        .u32("linux,rtas-base", base)
        .u32("linux,rtas-entry", base)
        .u32("rtas-size", RTAS_SIZE)
        .u32("rtas-event-scan-rate", EVENT_SCAN_RATE)
        .u32("rtas-error-log-max", ERROR_LOG_MAX)
        .strings("ibm,hypertas-functions", &announced.hypercall_groups)
        // ibm,os-term returns and the machine ends at once.
        .flag("ibm,extended-os-term")
        .cells(
            "ibm,lrdr-capacity",
            &[top[0], top[1], lmb[0], lmb[1], config.max_vcpus],
        )
        .cells(
            "ibm,associativity-reference-points",
            &[NODE_REFERENCE_POINT, NODE_REFERENCE_POINT],
        )
        .cells(
            "ibm,max-associativity-domains",
            &[4, 0, 0, 0, numa_nodes(&announced.nodes)],
        );
    let services = announced.services.iter();
    services.fold(node, |node, service| {
        node.u32(service.name(), service.token())
    })
}
