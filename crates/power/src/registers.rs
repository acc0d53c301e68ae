//! The architected registers of one vCPU.

use power_float::Fpscr;

use crate::msr;

/// Fixed-point Exception Register, its fields apart (Book I, 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Xer {
    /// Summary overflow.
    pub so: bool,
    /// Overflow.
    pub ov: bool,
    /// Carry.
    pub ca: bool,
    /// Overflow of the low word.
    pub ov32: bool,
    /// Carry of the low word.
    pub ca32: bool,
    /// Byte count of lswx and stswx (7 bits).
    pub count: u8,
}

impl Xer {
    /// As mfspr reads it.
    pub fn bits(self) -> u64 {
        u64::from(self.so) << 31
            | u64::from(self.ov) << 30
            | u64::from(self.ca) << 29
            | u64::from(self.ov32) << 19
            | u64::from(self.ca32) << 18
            | u64::from(self.count)
    }

    /// As mtspr writes it.
    pub fn from_bits(bits: u64) -> Self {
        let bit = |n: u32| bits >> n & 1 != 0;
        Self {
            so: bit(31),
            ov: bit(30),
            ca: bit(29),
            ov32: bit(19),
            ca32: bit(18),
            count: (bits & 0x7f) as u8,
        }
    }
}

/// Registers that user and supervisor programs see. Plain data: what must happen beside a change (of MSR, say) is the
/// [`crate::Cpu`]'s business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers {
    /// General-purpose registers.
    pub gpr: [u64; 32],
    /// Vector-scalar registers: 0 to 31 hold the FPRs in their high doubleword, 32 to 63 are the VMX registers.
    pub vsr: [u128; 64],
    /// Condition Register fields, 4 bits each.
    pub cr: [u8; 8],
    /// Link Register.
    pub lr: u64,
    /// Count Register.
    pub ctr: u64,
    /// Target Address Register.
    pub tar: u64,
    /// Fixed-point Exception Register.
    pub xer: Xer,
    /// Floating-Point Status and Control Register.
    pub fpscr: Fpscr,
    /// Vector Status and Control Register: NJ (bit 16) and SAT (bit 0).
    pub vscr: u32,
    /// Next instruction address.
    pub nia: u64,
    /// Machine State Register.
    pub msr: u64,
    /// SRR0.
    pub srr0: u64,
    /// SRR1.
    pub srr1: u64,
    /// Data Address Register.
    pub dar: u64,
    /// Data Storage Interrupt Status Register.
    pub dsisr: u32,
    /// Process ID Register.
    pub pid: u32,
    /// Authority Mask Register.
    pub amr: u64,
    /// Instruction Authority Mask Register.
    pub iamr: u64,
    /// User Authority Mask Override Register.
    pub uamor: u64,
    /// Facility Status and Control Register.
    pub fscr: u64,
    /// SPRG0 to SPRG3.
    pub sprg: [u64; 4],
    /// VRSAVE.
    pub vrsave: u32,
    /// Time base at which the decrementer passes below 0.
    pub decrementer_expiry: u64,
}

impl Registers {
    /// State after power-on: 64-bit, big-endian, real mode, everything else 0.
    pub fn reset() -> Self {
        Self {
            gpr: [0; 32],
            vsr: [0; 64],
            cr: [0; 8],
            lr: 0,
            ctr: 0,
            tar: 0,
            xer: Xer::default(),
            fpscr: Fpscr::from_bits(0),
            vscr: 0,
            nia: 0,
            msr: msr::SF | msr::ME,
            srr0: 0,
            srr1: 0,
            dar: 0,
            dsisr: 0,
            pid: 0,
            amr: 0,
            iamr: 0,
            uamor: 0,
            fscr: 0,
            sprg: [0; 4],
            vrsave: 0,
            decrementer_expiry: u64::MAX >> 9,
        }
    }

    /// CR as one 32-bit number.
    pub fn cr_bits(&self) -> u32 {
        self.cr
            .iter()
            .fold(0, |bits, &field| bits << 4 | u32::from(field))
    }

    /// Sets CR from one 32-bit number.
    pub fn set_cr_bits(&mut self, bits: u32) {
        for (n, field) in self.cr.iter_mut().enumerate() {
            *field = (bits >> (28 - 4 * n) & 15) as u8;
        }
    }
}
