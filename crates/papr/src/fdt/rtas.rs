//! `/rtas`: the services and their tokens, where RTAS lies, and which groups of hypercalls there are.

use super::memory::MEMORY_ASSOCIATIVITY;
use super::node::{Build, Node};
use crate::config::{LMB_SIZE, PlatformConfig};
use crate::rtas::{RTAS_SIZE, SERVICES};

/// Groups of hypercalls (PAPR, "Hypervisor Call Functions"): those in which everything works that guests use.
const HYPERCALL_GROUPS: &[&str] = &[
    "hcall-term",
    "hcall-interrupt",
    "hcall-splpar",
    "hcall-join",
    "hcall-set-mode",
    "hcall-sprg0",
    "hcall-copy",
    "hcall-vphn",
];

/// Longest error log in bytes.
const ERROR_LOG_MAX: u32 = 2048;
/// How often the guest should call event-scan: times a minute.
const EVENT_SCAN_RATE: u32 = 1;
/// Where in an associativity list the NUMA node is.
const NODE_REFERENCE_POINT: u32 = MEMORY_ASSOCIATIVITY.len() as u32 - 1;

/// The group of the hypercalls of persistent memory.
const SCM_HYPERCALLS: &str = "hcall-scm";

/// How many NUMA nodes there can be: those of persistent-memory devices may lie beyond that of RAM.
fn numa_nodes(persistent_memory: Option<&Node>) -> u32 {
    let devices = persistent_memory.map_or(&[][..], |node| &node.children);
    let node_of = |device: &Node| {
        let domain = device
            .property("ibm,associativity")?
            .chunks_exact(4)
            .nth(NODE_REFERENCE_POINT as usize)?;
        Some(u32::from_be_bytes([
            domain[0], domain[1], domain[2], domain[3],
        ]))
    };
    devices
        .iter()
        .filter_map(node_of)
        .max()
        .unwrap_or(0)
        .saturating_add(1)
}

/// `/rtas`.
pub(super) fn rtas(config: &PlatformConfig, persistent_memory: Option<&Node>) -> Node {
    let mut groups = HYPERCALL_GROUPS.to_vec();
    groups.extend(persistent_memory.map(|_| SCM_HYPERCALLS));
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
        .strings("ibm,hypertas-functions", &groups)
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
            &[4, 0, 0, 0, numa_nodes(persistent_memory)],
        );
    SERVICES
        .iter()
        .fold(node, |node, service| node.u32(service.name, service.token))
}
