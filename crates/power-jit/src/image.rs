//! Functions of this program, as generated code names them: by their distance from a base, which is the same in every process that
//! runs this build, wherever the host has loaded it. So code may be kept from one run to the next.

/// What distances are counted from: an object, because an object has one address, and a function may have several.
static BASE: u64 = 0;

/// The host address of a function of this program. Code must not hold it, but its [`HostFunction::distance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostFunction(u64);

impl HostFunction {
    /// Of a function's address.
    pub(crate) fn new(address: *const ()) -> Self {
        Self(address as u64)
    }

    /// How far it is from the base, in bytes; never 0.
    pub(crate) fn distance(self) -> i64 {
        self.0.wrapping_sub(base_address()) as i64
    }
}

/// The host address of the base in this process.
pub(crate) fn base_address() -> u64 {
    (&raw const BASE).addr() as u64
}

/// The host address of the function at a distance.
pub(crate) fn address(distance: u64) -> u64 {
    base_address().wrapping_add(distance)
}
