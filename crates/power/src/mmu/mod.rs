//! Address translation: the radix walk (with process table, quadrants, reference and change bits, keys) and the soft TLB.

mod access;
pub(crate) mod radix;
#[allow(unsafe_code)]
pub(crate) mod tlb;

pub(crate) use access::{Access, Translation};
