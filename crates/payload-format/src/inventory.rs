//! What the guest wants to know of its device tree: boot arguments, RTAS tokens, the time base, and the devices of persistent memory.

use core::fmt;

use crate::tree::{self, Node, Tree};

/// A device tree, asked by meaning.
#[derive(Debug, Clone, Copy)]
pub struct Inventory<'a> {
    root: Node<'a>,
}

/// A device of persistent memory as its node `ibm,pmemory@…` describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PmemDevice {
    /// DRC index: what hypercalls name it by.
    pub drc_index: u32,
    /// Bytes in a block.
    pub block_size: u64,
    /// How many blocks.
    pub blocks: u64,
    /// Whether stores become durable by `H_SCM_FLUSH` only.
    pub hcall_flush: bool,
}

/// What a node of persistent memory lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InventoryError {
    /// The property that is missing or has no sensible value.
    pub property: &'static str,
}

impl fmt::Display for InventoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = self.property;
        write!(f, "a node of persistent memory has no sensible {property}")
    }
}

impl<'a> Inventory<'a> {
    /// Takes a flattened device tree; `None` where it is none.
    pub fn new(blob: &'a [u8]) -> Option<Self> {
        Some(Self {
            root: Tree::new(blob)?.root()?,
        })
    }

    /// `/chosen/bootargs`; empty where there are none.
    pub fn boot_arguments(&self) -> &'a str {
        let chosen = self.root.child("chosen");
        let arguments = chosen
            .and_then(|chosen| chosen.property("bootargs"))
            .and_then(tree::text);
        arguments.unwrap_or("")
    }

    /// The token of an RTAS call; `None` where the platform has none of this name.
    pub fn rtas_token(&self, name: &str) -> Option<u32> {
        tree::be32(self.root.child("rtas")?.property(name)?, 0)
    }

    /// Ticks of the time base in a second.
    pub fn timebase_frequency(&self) -> Option<u32> {
        let mut cpus = self.root.child("cpus")?.children();
        cpus.find_map(|cpu| tree::be32(cpu.property("timebase-frequency")?, 0))
    }

    /// The devices of persistent memory, in the order of the tree.
    pub fn pmem_devices(&self) -> impl Iterator<Item = Result<PmemDevice, InventoryError>> + 'a {
        let parent = self.root.child("ibm,persistent-memory").into_iter();
        let nodes = parent.flat_map(Node::children);
        nodes
            .filter(|node| node.name().starts_with("ibm,pmemory@"))
            .map(PmemDevice::from_node)
    }
}

impl PmemDevice {
    fn from_node(node: Node<'_>) -> Result<Self, InventoryError> {
        let value = |property| node.property(property).ok_or(InventoryError { property });
        let doubleword = |property| {
            let number = tree::be64(value(property)?, 0).filter(|&number| number > 0);
            number.ok_or(InventoryError { property })
        };
        const INDEX: &str = "ibm,my-drc-index";
        let device = Self {
            drc_index: tree::be32(value(INDEX)?, 0).ok_or(InventoryError { property: INDEX })?,
            block_size: doubleword("ibm,block-size")?,
            blocks: doubleword("ibm,number-of-blocks")?,
            hcall_flush: node.property("ibm,hcall-flush-required").is_some(),
        };
        let fits = device.blocks.checked_mul(device.block_size).is_some();
        fits.then_some(device).ok_or(InventoryError {
            property: "ibm,number-of-blocks",
        })
    }

    /// Bytes of the data region.
    pub fn length(&self) -> u64 {
        self.blocks.saturating_mul(self.block_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;
    use vm_fdt::FdtWriter;

    fn blob(blocks: Option<u64>) -> Result<Vec<u8>, vm_fdt::Error> {
        let mut writer = FdtWriter::new()?;
        let root = writer.begin_node("")?;
        let chosen = writer.begin_node("chosen")?;
        writer.property_string("bootargs", "flush count=3")?;
        writer.end_node(chosen)?;
        let rtas = writer.begin_node("rtas")?;
        writer.property_u32("power-off", 0x2007)?;
        writer.end_node(rtas)?;
        let cpus = writer.begin_node("cpus")?;
        let cpu = writer.begin_node("PowerPC,POWER9@0")?;
        writer.property_u32("timebase-frequency", 512_000_000)?;
        writer.end_node(cpu)?;
        writer.end_node(cpus)?;
        let memory = writer.begin_node("ibm,persistent-memory")?;
        for slot in 0..2 {
            let device = writer.begin_node(if slot == 0 {
                "ibm,pmemory@90000000"
            } else {
                "ibm,pmemory@90000001"
            })?;
            writer.property_u32("ibm,my-drc-index", 0x9000_0000 + slot)?;
            writer.property_u64("ibm,block-size", 256 << 20)?;
            if let Some(blocks) = blocks {
                writer.property_u64("ibm,number-of-blocks", blocks)?;
            }
            if slot == 1 {
                writer.property_null("ibm,hcall-flush-required")?;
            }
            writer.end_node(device)?;
        }
        writer.end_node(memory)?;
        writer.end_node(root)?;
        writer.finish()
    }

    #[test]
    fn what_the_guest_needs_is_found() {
        let blob = blob(Some(4)).expect("a tree");
        let inventory = Inventory::new(&blob).expect("a tree");
        assert_eq!(inventory.boot_arguments(), "flush count=3");
        assert_eq!(inventory.rtas_token("power-off"), Some(0x2007));
        assert_eq!(inventory.rtas_token("ibm,os-term"), None);
        assert_eq!(inventory.timebase_frequency(), Some(512_000_000));
        let devices: Result<Vec<_>, _> = inventory.pmem_devices().collect();
        let devices = devices.expect("whole nodes");
        assert_eq!(
            devices.iter().map(|d| d.drc_index).collect::<Vec<_>>(),
            [0x9000_0000, 0x9000_0001]
        );
        assert_eq!(
            devices.iter().map(|d| d.hcall_flush).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(devices[0].length(), 1 << 30);
    }

    #[test]
    fn a_node_without_a_size_or_with_an_absurd_one_is_refused() {
        for blocks in [None, Some(0), Some(u64::MAX)] {
            let blob = blob(blocks).expect("a tree");
            let inventory = Inventory::new(&blob).expect("a tree");
            let error = InventoryError {
                property: "ibm,number-of-blocks",
            };
            assert_eq!(
                inventory.pmem_devices().next(),
                Some(Err(error)),
                "{blocks:?}"
            );
        }
    }
}
