//! `/vdevice`: virtual devices: the console's terminal and the non-volatile memory.

use super::node::{Build, Node};
use crate::console::VTY_UNIT;
use crate::nvram::NVRAM_SIZE;
use crate::platform::VTY_IRQ;

/// Path of the terminal.
pub(super) const VTY_PATH: &str = "/vdevice/vty@71000000";

/// Unit address of the non-volatile memory.
const NVRAM_UNIT: u32 = VTY_UNIT + 1;

/// Second cell of an interrupt specifier: edge-triggered.
pub(super) const EDGE: u32 = 0;

/// `/vdevice`.
pub(super) fn vdevice() -> Node {
    let vty = Node::new(format!("vty@{VTY_UNIT:x}"))
        .string("device_type", "serial")
        .string("compatible", "hvterm1")
        .u32("reg", VTY_UNIT)
        .cells("interrupts", &[VTY_IRQ.0, EDGE]);
    let nvram = Node::new(format!("nvram@{NVRAM_UNIT:x}"))
        .string("device_type", "nvram")
        .string("compatible", "paprika,nvram")
        .u32("reg", NVRAM_UNIT)
        .u32("#bytes", NVRAM_SIZE as u32);
    Node::new("vdevice")
        .string("device_type", "vdevice")
        .string("compatible", "IBM,vdevice")
        .u32("#address-cells", 1)
        .u32("#size-cells", 0)
        .u32("#interrupt-cells", 2)
        .flag("interrupt-controller")
        .child(vty)
        .child(nvram)
}
