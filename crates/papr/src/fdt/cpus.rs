//! `/cpus`: what the processors are and can.

use device_tree::Node;

use crate::config::PlatformConfig;
use crate::vcpu::VcpuId;

/// What the processor version register of the processor reads: POWER9 DD 2.2.
const CPU_VERSION: u32 = 0x4E_1202;
/// Ticks of the time base a second.
const TIMEBASE_FREQUENCY: u32 = 512_000_000;
/// A nominal clock: nothing runs at it, and guests show it.
const CLOCK_FREQUENCY: u32 = 1_000_000_000;
const CACHE_LINE: u32 = 0x80;
const CACHE_SIZE: u32 = 0x8000;
/// Bits of the decrementer (LPCR\[LD\] is set).
const DECREMENTER_BITS: u32 = 56;
/// `ibm,vmx`: 2 says VMX and VSX.
const VECTOR_AND_VSX: u32 = 2;
/// `ibm,dfp`: 1 says decimal floating point.
const DECIMAL: u32 = 1;

/// Page sizes of radix translation: the AP field of `tlbie` in the top 3 bits, log2 of the size in
/// the low ones.
const RADIX_PAGE_SIZES: [u32; 4] = [12, 5 << 29 | 16, 1 << 29 | 21, 2 << 29 | 30];

/// The domains that a vCPU belongs to, from the widest to the narrowest; the last is the vCPU
/// itself.
pub(crate) fn vcpu_associativity(vcpu: VcpuId) -> [u32; 5] {
    [0, 0, 0, 0, vcpu.0]
}

/// `ibm,pa-features`, an attribute descriptor of type 0 (PAPR, "CPU node properties"): byte number
/// and value of what the processor can. Transactional memory (byte 22), event-based branches (34)
/// and copy and paste (38) are not there.
const FEATURES: &[(usize, u8)] = &[
    // MMU, FPU, SLB, run latch, DABR, no-execute pages.
    (0, 0xF6),
    // Rounding instructions, DABRX, SPRG3, and what came with them.
    (1, 0x3F),
    // Data streams, program priority.
    (2, 0xC7),
    (3, 0xC0),
    (4, 0x80),
    // Little-endian, CFAR, load and store quadword.
    (5, 0xF0),
    // Data streams of ISA 2.07.
    (6, 0x80),
    // Vector.
    (16, 0x80),
    // Vector-scalar.
    (18, 0x80),
    // Vector XOR.
    (20, 0x80),
    // Large decrementer.
    (24, 0x80),
    // 64-bit features of ISA 2.07.
    (26, 0x80),
    // Performance monitor.
    (28, 0x80),
    // Moves between register files.
    (30, 0x80),
    // Little-endian atomics.
    (32, 0x80),
    // Summary overflow in the special-purpose registers of ISA 3.0.
    (36, 0x80),
    // Radix translation.
    (40, 0x80),
    // Performance monitor of ISA 3.0.
    (42, 0x80),
    // PC-relative addition (addpcis).
    (44, 0x80),
    // System call vectored.
    (46, 0x80),
    // Vector instructions of ISA 3.0.
    (48, 0x80),
    // Quad-precision floating point.
    (50, 0x80),
    // String instructions of ISA 3.0.
    (52, 0x80),
    // Decimal floating point.
    (54, 0x80),
    // Decimal integers.
    (56, 0x80),
    // Vector SHA.
    (58, 0x80),
    // Near-memory atomics.
    (60, 0x80),
    // Random numbers (darn).
    (62, 0x80),
];
/// Bytes of features; a guest takes what lies beyond for absent.
const FEATURE_BYTES: usize = 66;

fn features() -> Vec<u8> {
    const ATTRIBUTE_TYPE: u8 = 0;
    let mut bytes = vec![0; 2 + FEATURE_BYTES];
    (bytes[0], bytes[1]) = (FEATURE_BYTES as u8, ATTRIBUTE_TYPE);
    for (byte, value) in FEATURES {
        bytes[2 + byte] = *value;
    }
    bytes
}

/// `/cpus` with a node per vCPU, each a core of one thread.
pub(super) fn cpus(config: &PlatformConfig) -> Node {
    let cpus = Node::new("cpus")
        .u32("#address-cells", 1)
        .u32("#size-cells", 0);
    (0..config.vcpus)
        .map(VcpuId)
        .map(cpu)
        .fold(cpus, Node::child)
}

fn cpu(vcpu: VcpuId) -> Node {
    let id = vcpu.0;
    let domains = vcpu_associativity(vcpu);
    let associativity: Vec<u32> = std::iter::once(domains.len() as u32)
        .chain(domains)
        .collect();
    Node::new(format!("PowerPC,POWER9@{id:x}"))
        .string("device_type", "cpu")
        .u32("reg", id)
        .string("status", "okay")
        .flag("64-bit")
        .u32("cpu-version", CPU_VERSION)
        .u32("timebase-frequency", TIMEBASE_FREQUENCY)
        .u32("clock-frequency", CLOCK_FREQUENCY)
        .u32("d-cache-block-size", CACHE_LINE)
        .u32("d-cache-line-size", CACHE_LINE)
        .u32("i-cache-block-size", CACHE_LINE)
        .u32("i-cache-line-size", CACHE_LINE)
        .u32("d-cache-size", CACHE_SIZE)
        .u32("i-cache-size", CACHE_SIZE)
        .cells("ibm,ppc-interrupt-server#s", &[id])
        .cells("ibm,ppc-interrupt-gserver#s", &[id, 0])
        .bytes("ibm,pa-features", features())
        .cells("ibm,processor-radix-AP-encodings", &RADIX_PAGE_SIZES)
        .u32("ibm,dec-bits", DECREMENTER_BITS)
        .u32("ibm,vmx", VECTOR_AND_VSX)
        .u32("ibm,dfp", DECIMAL)
        .u32("ibm,purr", 1)
        .u32("ibm,spurr", 1)
        .u32("ibm,chip-id", 0)
        .cells("ibm,associativity", &associativity)
}
