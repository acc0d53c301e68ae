//! Functions of this program, as generated code names them: by their distance from a base, which is the same in every process that
//! runs this build, wherever the host has loaded it. So code may be kept from one run to the next.

/// What distances are counted from: an object, because an object has one address, and a function may have several.
static BASE: u64 = 0;

/// The host address of the base in this process.
pub(crate) fn base_address() -> u64 {
    (&raw const BASE).addr() as u64
}

/// How far a function is from the base, in bytes; never 0.
pub(crate) fn distance(function: u64) -> i64 {
    function.wrapping_sub(base_address()) as i64
}

/// The host address of the function at a distance.
pub(crate) fn address(distance: u64) -> u64 {
    base_address().wrapping_add(distance)
}
