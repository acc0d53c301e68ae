//! `/event-sources`: the interrupts by which the guest hears of events.

use super::node::{Build, Node};
use super::vdevice::EDGE;
use crate::events::Class;

/// `/event-sources`.
pub(super) fn event_sources() -> Node {
    let ranges: Vec<u32> = Class::ALL
        .iter()
        .flat_map(|class| [class.irq().0, 1])
        .collect();
    let node = Node::new("event-sources")
        .flag("interrupt-controller")
        .u32("#interrupt-cells", 2)
        .cells("interrupt-ranges", &ranges);
    Class::ALL.iter().fold(node, |node, class| {
        node.child(Node::new(class.node()).cells("interrupts", &[class.irq().0, EDGE]))
    })
}
