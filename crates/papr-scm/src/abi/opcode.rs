//! The numbers of the SCM hypercalls (in r3 when the guest executes `sc 1`).

/// Read 1, 2, 4 or 8 bytes of the label area.
pub const H_SCM_READ_METADATA: u64 = 0x3E4;
/// Write 1, 2, 4 or 8 bytes of the label area.
pub const H_SCM_WRITE_METADATA: u64 = 0x3E8;
/// Bind blocks of a device to guest real addresses.
pub const H_SCM_BIND_MEM: u64 = 0x3EC;
/// Undo a bind of some blocks.
pub const H_SCM_UNBIND_MEM: u64 = 0x3F0;
/// Where is this block bound?
pub const H_SCM_QUERY_BLOCK_MEM_BINDING: u64 = 0x3F4;
/// Which block is bound at this address?
pub const H_SCM_QUERY_LOGICAL_MEM_BINDING: u64 = 0x3F8;
/// Undo the binds of one device, or of all.
pub const H_SCM_UNBIND_ALL: u64 = 0x3FC;
/// The health bitmap of a device.
pub const H_SCM_HEALTH: u64 = 0x400;
/// The statistics of a device.
pub const H_SCM_PERFORMANCE_STATS: u64 = 0x418;
/// Make every store that the guest has done to a device durable.
pub const H_SCM_FLUSH: u64 = 0x44C;

/// All of them.
pub const ALL: [u64; 10] = [
    H_SCM_READ_METADATA,
    H_SCM_WRITE_METADATA,
    H_SCM_BIND_MEM,
    H_SCM_UNBIND_MEM,
    H_SCM_QUERY_BLOCK_MEM_BINDING,
    H_SCM_QUERY_LOGICAL_MEM_BINDING,
    H_SCM_UNBIND_ALL,
    H_SCM_HEALTH,
    H_SCM_PERFORMANCE_STATS,
    H_SCM_FLUSH,
];
