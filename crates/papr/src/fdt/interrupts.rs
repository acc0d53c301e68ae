//! `/interrupt-controller`: the presentation controllers of an XICS.

use super::node::Node;
use crate::config::PlatformConfig;

/// Phandle of the interrupt controller.
pub(super) const PHANDLE: u32 = 0x1111;

/// `/interrupt-controller`: servers 0 to the last vCPU that the machine can have.
pub(super) fn controller(config: &PlatformConfig) -> Node {
    Node::new("interrupt-controller")
        .string("device_type", "PowerPC-External-Interrupt-Presentation")
        .string("compatible", "IBM,ppc-xicp")
        .flag("interrupt-controller")
        .u32("#interrupt-cells", 2)
        .cells("ibm,interrupt-server-ranges", &[0, config.max_vcpus])
        .u32("phandle", PHANDLE)
        .u32("linux,phandle", PHANDLE)
}
