//! `/rtas`: the services and their tokens, where RTAS lies, and which groups of hypercalls there are.

use super::memory::MEMORY_ASSOCIATIVITY;
use super::node::Node;
use crate::config::{LMB_SIZE, PlatformConfig};
use crate::rtas::{RTAS_SIZE, SERVICES};

/// Groups of hypercalls (PAPR, "Hypervisor Call Functions"), each of which works as a whole.
const HYPERCALL_GROUPS: &[&str] = &[
    "hcall-term",
    "hcall-interrupt",
    "hcall-splpar",
    "hcall-join",
    "hcall-set-mode",
    "hcall-sprg0",
    "hcall-copy",
    "hcall-debug",
    "hcall-vphn",
];

/// Longest error log in bytes.
const ERROR_LOG_MAX: u32 = 2048;
/// How often the guest should call event-scan: times a minute.
const EVENT_SCAN_RATE: u32 = 1;
/// Where in an associativity list the NUMA node is.
const NODE_REFERENCE_POINT: u32 = MEMORY_ASSOCIATIVITY.len() as u32 - 1;

/// `/rtas`.
pub(super) fn rtas(config: &PlatformConfig) -> Node {
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
        .strings("ibm,hypertas-functions", HYPERCALL_GROUPS)
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
        .cells("ibm,max-associativity-domains", &[4, 0, 0, 0, 1]);
    SERVICES
        .iter()
        .fold(node, |node, service| node.u32(service.name, service.token))
}
