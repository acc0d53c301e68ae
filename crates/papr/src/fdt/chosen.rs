//! `/chosen`: the command line, the initial RAM disk, entropy, and what negotiation has granted.

use device_tree::Node;

use crate::config::PlatformConfig;

/// `/chosen`.
pub(super) fn chosen(config: &PlatformConfig) -> Node {
    let mut node = Node::new("chosen")
        .string("bootargs", &config.cmdline)
        .bytes("rng-seed", config.rng_seed.to_vec())
        .bytes("ibm,architecture-vec-5", granted_options());
    if let Some(initrd) = &config.initrd {
        node = node
            .u64s("linux,initrd-start", &[initrd.start])
            .u64s("linux,initrd-end", &[initrd.end]);
    }
    node
}

/// Option vector 5 of PAPR's `ibm,client-architecture-support`, as granted: byte 0 holds the
/// vector's length less one, the others are numbered as PAPR numbers them.
fn granted_options() -> Vec<u8> {
    /// Byte and value of each option.
    const OPTIONS: [(usize, u8); 7] = [
        // Logical partitioning, shared processors.
        (2, 0x80 | 0x40),
        // NUMA associativity in form 1.
        (5, 0x80),
        // Hot-plug has an event source of its own.
        (6, 0x04),
        // Platform facilities: random number generator.
        (17, 0x80),
        // Interrupts: legacy (XICS) only.
        (23, 0x00),
        // Translation: radix only.
        (24, 0x40),
        // Radix: the guest invalidates translations itself (GTSE).
        (26, 0x40),
    ];
    const LAST: usize = 26;
    let mut vector = vec![0; LAST + 1];
    vector[0] = LAST as u8 - 1;
    for (byte, value) in OPTIONS {
        vector[byte] = value;
    }
    vector
}
