//! The flattened form of a tree (Devicetree Specification, "Flattened Devicetree (DTB) Format",
//! version 17).
//!
//! Not one of the crates that write it: they hold names to the specification's 31 characters,
//! which PAPR does not (`ibm,associativity-reference-points` has 34), as no reader does either.

use std::collections::HashMap;

use crate::Node;

const MAGIC: u32 = 0xD00D_FEED;
const VERSION: u32 = 17;
/// The oldest version that readers must know to read this one.
const COMPATIBLE_VERSION: u32 = 16;
const HEADER: usize = 40;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const END: u32 = 9;

/// Why a tree can't be flattened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlattenError {
    /// Offsets are 32 bits.
    #[error("the device tree is larger than its format allows; shorten the kernel command line")]
    TooLarge,
}

/// Writes the tree as a blob, with memory that the guest must not use: pairs of address and size.
///
/// # Errors
/// [`FlattenError`] where the tree does not fit the format's 32-bit offsets.
pub fn flatten(root: &Node, reserved: &[(u64, u64)]) -> Result<Vec<u8>, FlattenError> {
    let mut writer = Writer::default();
    writer.node(root)?;
    writer.cell(END);

    let mut reservations = Vec::new();
    for (address, size) in reserved.iter().copied().chain([(0, 0)]) {
        reservations.extend(address.to_be_bytes());
        reservations.extend(size.to_be_bytes());
    }
    let structure_at = HEADER + reservations.len();
    let strings_at = structure_at + writer.structure.len();
    let total = strings_at + writer.strings.len();
    // Blocks begin where their alignment wants them: the header has a multiple of 8 bytes, and so
    // have reservations.
    let boot_cpu = 0;
    let mut blob = Vec::with_capacity(total);
    for number in [total, structure_at, strings_at, HEADER] {
        blob.extend(cell(number)?);
    }
    for number in [VERSION, COMPATIBLE_VERSION, boot_cpu] {
        blob.extend(number.to_be_bytes());
    }
    for number in [writer.strings.len(), writer.structure.len()] {
        blob.extend(cell(number)?);
    }
    blob.splice(0..0, MAGIC.to_be_bytes());
    blob.extend(reservations);
    blob.extend(writer.structure);
    blob.extend(writer.strings);
    Ok(blob)
}

fn cell(number: usize) -> Result<[u8; 4], FlattenError> {
    u32::try_from(number)
        .map(u32::to_be_bytes)
        .map_err(|_| FlattenError::TooLarge)
}

#[derive(Default)]
struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
    /// Where each property name begins in `strings`.
    names: HashMap<String, usize>,
}

impl Writer {
    fn cell(&mut self, value: u32) {
        self.structure.extend(value.to_be_bytes());
    }

    fn align(&mut self) {
        self.structure
            .resize(self.structure.len().next_multiple_of(4), 0);
    }

    fn node(&mut self, node: &Node) -> Result<(), FlattenError> {
        self.cell(BEGIN_NODE);
        self.structure.extend(node.name.bytes().chain([0]));
        self.align();
        for (name, value) in &node.properties {
            self.cell(PROPERTY);
            self.structure.extend(cell(value.len())?);
            let name = cell(self.name(name))?;
            self.structure.extend(name);
            self.structure.extend(value);
            self.align();
        }
        for child in &node.children {
            self.node(child)?;
        }
        self.cell(END_NODE);
        Ok(())
    }

    fn name(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let at = self.strings.len();
        self.strings.extend(name.bytes().chain([0]));
        self.names.insert(name.into(), at);
        at
    }
}
