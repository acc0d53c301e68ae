//! The layout of the FPSCR: one mask a field. Comments give the ISA's bit numbers (0 = most significant of 64).

/// DRN, bits 29:31: decimal rounding mode.
pub const DRN: u64 = 0x7 << DRN_SHIFT;
/// Distance of DRN from the least significant bit.
pub const DRN_SHIFT: u32 = 32;
/// FX, bit 32.
pub const FX: u64 = 1 << 31;
/// FEX, bit 33 (summary).
pub const FEX: u64 = 1 << 30;
/// VX, bit 34 (summary).
pub const VX: u64 = 1 << 29;
/// OX, bit 35.
pub const OX: u64 = 1 << 28;
/// UX, bit 36.
pub const UX: u64 = 1 << 27;
/// ZX, bit 37.
pub const ZX: u64 = 1 << 26;
/// XX, bit 38.
pub const XX: u64 = 1 << 25;
/// VXSNAN, bit 39.
pub const VXSNAN: u64 = 1 << 24;
/// VXISI, bit 40.
pub const VXISI: u64 = 1 << 23;
/// VXIDI, bit 41.
pub const VXIDI: u64 = 1 << 22;
/// VXZDZ, bit 42.
pub const VXZDZ: u64 = 1 << 21;
/// VXIMZ, bit 43.
pub const VXIMZ: u64 = 1 << 20;
/// VXVC, bit 44.
pub const VXVC: u64 = 1 << 19;
/// FR, bit 45.
pub const FR: u64 = 1 << 18;
/// FI, bit 46.
pub const FI: u64 = 1 << 17;
/// FPRF, bits 47:51.
pub const FPRF: u64 = 0x1F << FPRF_SHIFT;
/// FPCC, bits 48:51.
pub const FPCC: u64 = 0xF << FPRF_SHIFT;
/// Distance of FPRF from the least significant bit.
pub const FPRF_SHIFT: u32 = 12;
/// VXSOFT, bit 53.
pub const VXSOFT: u64 = 1 << 10;
/// VXSQRT, bit 54.
pub const VXSQRT: u64 = 1 << 9;
/// VXCVI, bit 55.
pub const VXCVI: u64 = 1 << 8;
/// VE, bit 56.
pub const VE: u64 = 1 << 7;
/// OE, bit 57.
pub const OE: u64 = 1 << 6;
/// UE, bit 58.
pub const UE: u64 = 1 << 5;
/// ZE, bit 59.
pub const ZE: u64 = 1 << 4;
/// XE, bit 60.
pub const XE: u64 = 1 << 3;
/// NI, bit 61.
pub const NI: u64 = 1 << 2;
/// RN, bits 62:63.
pub const RN: u64 = 0x3;

/// The exceptions that VX summarises.
pub const ALL_INVALID: u64 =
    VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI;
/// The sticky exception bits: those whose change from 0 to 1 sets FX.
pub const STICKY: u64 = OX | UX | ZX | XX | ALL_INVALID;
/// The enable bits.
pub const ENABLES: u64 = VE | OE | UE | ZE | XE;
/// Distance between VX OX UX ZX XX and VE OE UE ZE XE.
pub const EXCEPTION_TO_ENABLE: u32 = 22;
/// What an arithmetic instruction reports about its result.
pub const RESULTS: u64 = FR | FI | FPRF;
/// Every bit that POWER9 implements.
pub const IMPLEMENTED: u64 = DRN | FX | FEX | VX | STICKY | RESULTS | ENABLES | NI | RN;
