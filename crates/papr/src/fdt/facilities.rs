//! `/ibm,platform-facilities`: the random number generator (H_RANDOM).

use super::node::{Build, Node};

/// `/ibm,platform-facilities`.
pub(super) fn facilities() -> Node {
    let random = Node::new("ibm,random-v1@0")
        .string("device_type", "ibm,random-v1")
        .string("compatible", "ibm,random")
        .u32("reg", 0);
    Node::new("ibm,platform-facilities")
        .string("device_type", "ibm,platform-facilities")
        .u32("#address-cells", 1)
        .u32("#size-cells", 0)
        .child(random)
}
