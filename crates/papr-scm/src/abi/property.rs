//! Names of device-tree nodes and properties, and their fixed values.

/// The node, a child of the root, under which persistent-memory devices live.
pub const PERSISTENT_MEMORY: &str = "ibm,persistent-memory";
/// One device: name of its node (before the `@`), and its `compatible` and `device_type`.
pub const PMEMORY: &str = "ibm,pmemory";
/// Empty; present where the guest must flush by `H_SCM_FLUSH`. Linux then makes the region
/// asynchronous.
pub const HCALL_FLUSH_REQUIRED: &str = "ibm,hcall-flush-required";
/// Empty; present where the region is persistent at all.
pub const CACHE_FLUSH_REQUIRED: &str = "ibm,cache-flush-required";
/// The value of `ibm,pmem-application`: who may use the device.
pub const APPLICATION: &str = "operating-system";
