//! What a connector is called: index, name, type, and the `ibm,drc-*` properties that list
//! connectors.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::abi::rtas::WORK_AREA_SIZE;

/// The kind of resource that a connector carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DrcType {
    /// A processor.
    Cpu,
    /// A logical memory block.
    Memory,
    /// A persistent-memory device.
    PersistentMemory,
}

impl DrcType {
    /// The number in the top four bits of a connector's index.
    pub const fn number(self) -> u32 {
        match self {
            DrcType::Cpu => 1,
            DrcType::Memory => 8,
            DrcType::PersistentMemory => 9,
        }
    }

    /// The text in `ibm,drc-types`.
    pub const fn type_name(self) -> &'static str {
        match self {
            DrcType::Cpu => "CPU",
            DrcType::Memory => "MEM",
            DrcType::PersistentMemory => "PMEM",
        }
    }

    /// What a connector's name begins with, before its id.
    pub const fn name_prefix(self) -> &'static str {
        match self {
            DrcType::Cpu => "CPU ",
            DrcType::Memory => "LMB ",
            DrcType::PersistentMemory => "PMEM ",
        }
    }
}

/// The number by which guest and hypervisor call a connector: type in the top 4 bits, id in the
/// other 28.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DrcIndex(u32);

impl DrcIndex {
    const ID_BITS: u32 = 28;

    /// The index of connector `id` of a type. Ids have 28 bits; higher bits are dropped.
    pub const fn new(kind: DrcType, id: u32) -> Self {
        DrcIndex((kind.number() << Self::ID_BITS) | (id & ((1 << Self::ID_BITS) - 1)))
    }

    /// The index that a register holds: the low 32 bits.
    pub const fn from_register(value: u64) -> Self {
        DrcIndex(value as u32)
    }

    /// The index that a work area of `ibm,configure-connector` holds in its first word.
    pub const fn of_work_area(area: &[u8; WORK_AREA_SIZE]) -> Self {
        DrcIndex(u32::from_be_bytes([area[0], area[1], area[2], area[3]]))
    }

    /// The number itself.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The connector's id, if it is one of this type.
    pub const fn id_of(self, kind: DrcType) -> Option<u32> {
        if self.0 >> Self::ID_BITS == kind.number() {
            Some(self.0 & ((1 << Self::ID_BITS) - 1))
        } else {
            None
        }
    }
}

impl From<u32> for DrcIndex {
    /// The index that a word of an argument block or a work area holds.
    fn from(value: u32) -> Self {
        DrcIndex(value)
    }
}

impl fmt::Debug for DrcIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DrcIndex({:#x})", self.0)
    }
}

impl fmt::Display for DrcIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The properties `ibm,drc-indexes`, `-names`, `-types` and `-power-domains` that list connectors,
/// given by type and id.
///
/// Each begins with the number of entries (PAPR, "Open Firmware properties for dynamic
/// reconfiguration").
pub fn drc_properties(connectors: &[(DrcType, u32)]) -> Vec<(String, Vec<u8>)> {
    // Logical connectors have no power of their own to switch.
    const NO_POWER_DOMAIN: u32 = u32::MAX;
    let count = (connectors.len() as u32).to_be_bytes().to_vec();
    let (mut indexes, mut names, mut types, mut domains) =
        (count.clone(), count.clone(), count.clone(), count);
    for &(kind, id) in connectors {
        indexes.extend(DrcIndex::new(kind, id).value().to_be_bytes());
        names.extend(format!("{}{id}\0", kind.name_prefix()).bytes());
        types.extend(format!("{}\0", kind.type_name()).bytes());
        domains.extend(NO_POWER_DOMAIN.to_be_bytes());
    }
    vec![
        ("ibm,drc-indexes".into(), indexes),
        ("ibm,drc-power-domains".into(), domains),
        ("ibm,drc-names".into(), names),
        ("ibm,drc-types".into(), types),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_carries_its_type_and_id() {
        const PMEM: DrcType = DrcType::PersistentMemory;
        assert_eq!(DrcIndex::new(PMEM, 0).value(), 0x9000_0000);
        assert_eq!(DrcIndex::new(PMEM, 255).value(), 0x9000_00FF);
        assert_eq!(DrcIndex::new(PMEM, 7).id_of(PMEM), Some(7));
        assert_eq!(DrcIndex::new(DrcType::Memory, 7).id_of(PMEM), None);
    }

    #[test]
    fn a_register_is_cut_to_32_bits() {
        assert_eq!(
            DrcIndex::from_register(0xFFFF_FFFF_9000_0001),
            DrcIndex::new(DrcType::PersistentMemory, 1)
        );
    }

    #[test]
    fn drc_lists_begin_with_their_count() {
        let list = drc_properties(&[
            (DrcType::PersistentMemory, 0),
            (DrcType::PersistentMemory, 1),
        ]);
        let of = |name: &str| {
            list.iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.clone())
                .unwrap_or_default()
        };
        assert_eq!(
            of("ibm,drc-indexes"),
            [0, 0, 0, 2, 0x90, 0, 0, 0, 0x90, 0, 0, 1]
        );
        assert_eq!(of("ibm,drc-names"), b"\0\0\0\x02PMEM 0\0PMEM 1\0");
        assert_eq!(of("ibm,drc-types"), b"\0\0\0\x02PMEM\0PMEM\0");
        assert_eq!(of("ibm,drc-power-domains")[..4], [0, 0, 0, 2]);
    }
}
