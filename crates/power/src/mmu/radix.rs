//! The radix tree walk (Book III, 5.7.10) of a guest without hypervisor state: partition-scoped translation is the identity.

use super::access::{Access, Translation};
use crate::interrupt::dsisr;
use crate::partition::Partition;

/// AMR and IAMR of key 0, which is the one that radix translation has: privileged accesses to problem-state pages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keys {
    /// AMR: stores are not permitted.
    pub(crate) no_store: bool,
    /// AMR: loads are not permitted.
    pub(crate) no_load: bool,
    /// IAMR: fetches are not permitted.
    pub(crate) no_fetch: bool,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// PIDR.
    pub(crate) pid: u32,
    /// MSR\[PR\].
    pub(crate) problem_state: bool,
    /// Key 0's permissions.
    pub(crate) keys: Keys,
}

/// Why there is no translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Segment interrupt: the address is outside what the tree can map.
    Segment,
    /// Storage interrupt with these DSISR bits (those of an instruction fetch are the same bits of SRR1).
    Storage(u32),
    /// The tables or the page are not in real memory: machine check.
    NotBacked,
}

const VALID: u64 = 1 << 63;
const LEAF: u64 = 1 << 62;
const NEXT_BASE: u64 = 0x00ff_ffff_ffff_ff00;
const NEXT_SIZE: u64 = 0x1f;
const REAL_PAGE: u64 = 0x01ff_ffff_ffff_f000;
const REFERENCE: u64 = 0x100;
const CHANGE: u64 = 0x80;
const PRIVILEGED: u64 = 8;
const READ: u64 = 4;
const WRITE: u64 = 2;
const EXECUTE: u64 = 1;
/// Nothing smaller than 4 KiB, and a level resolves at most 16 bits.
const PAGE_MIN: u32 = 12;
const LEVEL_MAX: u32 = 16;

/// Translates `ea` for `access`, and sets reference and change bits on the way.
pub(crate) fn translate(
    partition: &Partition,
    context: Context,
    ea: u64,
    access: Access,
) -> Result<Translation, Fault> {
    let pid = match ea >> 62 {
        0 => context.pid,
        3 => 0,
        _ => return Err(Fault::Segment),
    };
    let (root, root_bits, size) = process_entry(partition, pid)?;
    // Bits between the quadrant and the tree's size must be 0.
    if (ea << 2 >> 2) >> size.min(62) != 0 {
        return Err(Fault::Segment);
    }
    let mut base = root;
    let mut bits = root_bits;
    let mut left = size;
    loop {
        if !(5..=LEVEL_MAX).contains(&bits) || bits > left.saturating_sub(PAGE_MIN) {
            return Err(Fault::Storage(dsisr::BAD_RADIX));
        }
        left -= bits;
        let index = (ea >> left) & ((1 << bits) - 1);
        let address = base + index * 8;
        let entry = read_entry(partition, address)?;
        if entry & VALID == 0 {
            return Err(Fault::Storage(dsisr::NO_TRANSLATION));
        }
        if entry & LEAF != 0 {
            return leaf(partition, context, ea, access, entry, address, left);
        }
        base = entry & NEXT_BASE;
        bits = (entry & NEXT_SIZE) as u32;
    }
}

/// The process table entry of `pid`: root, bits of the first level, bits of the whole address.
fn process_entry(partition: &Partition, pid: u32) -> Result<(u64, u32, u32), Fault> {
    let fault = Fault::Storage(dsisr::PROCESS_TABLE);
    let (table, size_log2) = partition.process_table().ok_or(fault)?;
    let offset = u64::from(pid) * 16;
    if offset + 16 > 1u64.checked_shl(size_log2).ok_or(fault)? {
        return Err(fault);
    }
    let entry = read_entry(partition, table.checked_add(offset).ok_or(fault)?)?;
    let size = ((entry >> 61) & 3) << 3 | (entry >> 5) & 7;
    Ok((
        entry & 0x0fff_ffff_ffff_ff00,
        (entry & NEXT_SIZE) as u32,
        size as u32 + 31,
    ))
}

fn read_entry(partition: &Partition, address: u64) -> Result<u64, Fault> {
    let span = partition.memory.span(address, 8).ok_or(Fault::NotBacked)?;
    Ok(u64::from_be(span.load()))
}

/// Checks a leaf against the access and makes the translation of it.
fn leaf(
    partition: &Partition,
    context: Context,
    ea: u64,
    access: Access,
    entry: u64,
    address: u64,
    shift: u32,
) -> Result<Translation, Fault> {
    let privileged = entry & PRIVILEGED != 0;
    if context.problem_state && privileged {
        return Err(Fault::Storage(dsisr::PROTECTION));
    }
    // Key 0 guards problem-state pages against privileged accesses.
    let keys = if context.problem_state || privileged {
        Keys::default()
    } else {
        context.keys
    };
    let may_read = entry & READ != 0;
    let may_write = entry & WRITE != 0;
    let (allowed, key) = match access {
        Access::Load => (may_read, keys.no_load),
        Access::Store => (may_write, keys.no_store),
        Access::Fetch => (entry & EXECUTE != 0, keys.no_fetch),
    };
    if !allowed {
        return Err(Fault::Storage(dsisr::PROTECTION));
    }
    if key {
        return Err(Fault::Storage(dsisr::KEY));
    }
    let entry = mark(partition, access, entry, address)?;
    let offset_mask = (1u64 << shift) - 1;
    Ok(Translation {
        real: entry & REAL_PAGE & !offset_mask | ea & offset_mask,
        page_shift: shift,
        readable: may_read && !keys.no_load,
        writable: may_write && !keys.no_store && entry & CHANGE != 0,
    })
}

/// Sets the reference bit, and for a store the change bit, unless another thread changed the entry meanwhile: then the access
/// faults as if not translated, and the guest's handler finds the new entry.
fn mark(partition: &Partition, access: Access, entry: u64, address: u64) -> Result<u64, Fault> {
    let wanted = entry | REFERENCE | if access == Access::Store { CHANGE } else { 0 };
    if wanted == entry {
        return Ok(entry);
    }
    let span = partition.memory.span(address, 8).ok_or(Fault::NotBacked)?;
    let mut old = entry;
    loop {
        let new = old | wanted & (REFERENCE | CHANGE);
        match span.compare_exchange(old.to_be(), new.to_be()) {
            Some(Ok(_)) => {
                partition.memory.note_store(address, 8);
                return Ok(new);
            }
            // Only the two bits changed, by another vCPU: try again on top of them.
            Some(Err(found))
                if u64::from_be(found) & !(REFERENCE | CHANGE) == old & !(REFERENCE | CHANGE) =>
            {
                old = u64::from_be(found);
            }
            _ => return Err(Fault::Storage(dsisr::NO_TRANSLATION)),
        }
    }
}
