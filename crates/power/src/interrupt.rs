//! Interrupts that an instruction or the machine raises, with what Book III, 6.5 says about each: vector, SRR1 bits, DAR, DSISR.

use crate::decode::Traced;
use crate::msr;

/// Why a program interrupt (0x700) is taken: its SRR1 bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum ProgramCause {
    /// An enabled floating-point exception.
    FloatingPoint = 1 << 20,
    /// Illegal instruction.
    Illegal = 1 << 19,
    /// Privileged instruction in problem state.
    Privileged = 1 << 18,
    /// tw, td and their kin.
    Trap = 1 << 17,
}

/// An interrupt to be taken. Addresses are effective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// System reset (0x100).
    SystemReset,
    /// Machine check (0x200): an access to real memory that is not there or has failed.
    MachineCheck {
        /// The address whose access failed.
        ea: u64,
        /// Whether it was an instruction fetch.
        fetch: bool,
    },
    /// Data storage (0x300).
    DataStorage {
        /// For DAR.
        ea: u64,
        /// For DSISR.
        dsisr: u32,
    },
    /// Data segment (0x380).
    DataSegment {
        /// For DAR.
        ea: u64,
    },
    /// Instruction storage (0x400), with the SRR1 bits that tell the cause.
    InstructionStorage {
        /// SRR1 bits 33 to 36 and 42 to 47.
        srr1: u64,
    },
    /// Instruction segment (0x480).
    InstructionSegment,
    /// External (0x500).
    External,
    /// Alignment (0x600).
    Alignment {
        /// For DAR.
        ea: u64,
    },
    /// Program (0x700).
    Program(ProgramCause),
    /// Floating-point unavailable (0x800).
    FloatUnavailable,
    /// Decrementer (0x900).
    Decrementer,
    /// Directed privileged doorbell (0xA00).
    Doorbell,
    /// System call (0xC00).
    SystemCall,
    /// System call vectored (0x3000 or 0x17000), with its level.
    SystemCallVectored(u32),
    /// Trace (0xD00), after an instruction of this kind.
    Trace(Traced),
    /// Performance monitor (0xF00).
    PerformanceMonitor,
    /// Vector unavailable (0xF20).
    VmxUnavailable,
    /// VSX unavailable (0xF40).
    VsxUnavailable,
    /// Facility unavailable (0xF60), with the facility's number for FSCR\[IC\].
    FacilityUnavailable(u8),
    /// Not an interrupt of the guest: `sc 1`, for the monitor.
    Hypercall,
}

impl Interrupt {
    /// Offset of the vector. System call vectored and hypercalls have none.
    pub const fn vector(self) -> u64 {
        match self {
            Self::SystemReset => 0x100,
            Self::MachineCheck { .. } => 0x200,
            Self::DataStorage { .. } => 0x300,
            Self::DataSegment { .. } => 0x380,
            Self::InstructionStorage { .. } => 0x400,
            Self::InstructionSegment => 0x480,
            Self::External => 0x500,
            Self::Alignment { .. } => 0x600,
            Self::Program(_) => 0x700,
            Self::FloatUnavailable => 0x800,
            Self::Decrementer => 0x900,
            Self::Doorbell => 0xa00,
            Self::SystemCall => 0xc00,
            Self::Trace(_) => 0xd00,
            Self::PerformanceMonitor => 0xf00,
            Self::VmxUnavailable => 0xf20,
            Self::VsxUnavailable => 0xf40,
            Self::FacilityUnavailable(_) => 0xf60,
            Self::SystemCallVectored(_) | Self::Hypercall => 0,
        }
    }

    /// Bits that the interrupt puts into SRR1 beside those of MSR.
    pub const fn srr1(self) -> u64 {
        match self {
            Self::InstructionStorage { srr1 } => srr1,
            Self::Program(cause) => cause as u64,
            // SRR1 bit 33; 35 and 36 for a load and a store.
            Self::Trace(Traced::Load) => 1 << 30 | 1 << 28,
            Self::Trace(Traced::Store) => 1 << 30 | 1 << 27,
            Self::Trace(_) => 1 << 30,
            // Uncorrectable error: SRR1 bit 42 for loads and stores, bits 43 to 45 = 0b001 for a fetch (POWER9 user manual).
            Self::MachineCheck { fetch: false, .. } => 1 << 21,
            Self::MachineCheck { fetch: true, .. } => 1 << 18,
            _ => 0,
        }
    }

    /// Whether LPCR\[AIL\] moves this interrupt: all but system reset and machine check.
    pub const fn relocatable(self) -> bool {
        !matches!(self, Self::SystemReset | Self::MachineCheck { .. })
    }

    /// Whether SRR0 is the address after the instruction rather than its own.
    pub const fn completes_instruction(self) -> bool {
        matches!(
            self,
            Self::SystemCall | Self::SystemCallVectored(_) | Self::Hypercall
        )
    }
}

/// MSR bits that an interrupt leaves to SRR1: all but those that carry cause bits (33 to 36 and 42 to 47).
pub const SRR1_MSR_MASK: u64 = !0x783f_0000;

/// Bits of DSISR (Book III, 6.5.3).
pub mod dsisr {
    /// No translation was found.
    pub const NO_TRANSLATION: u32 = 0x4000_0000;
    /// The page's attributes don't allow this instruction.
    pub const ATTRIBUTE: u32 = 0x0400_0000;
    /// The page's protection forbids the access.
    pub const PROTECTION: u32 = 0x0800_0000;
    /// The access was a store.
    pub const STORE: u32 = 0x0200_0000;
    /// The access matches the data address watchpoint (DAWR0).
    pub const WATCHPOINT: u32 = 0x0040_0000;
    /// A virtual page class key (AMR) forbids the access.
    pub const KEY: u32 = 0x0020_0000;
    /// The radix tree has a form that is not supported.
    pub const BAD_RADIX: u32 = 0x0008_0000;
    /// The process table could not be used.
    pub const PROCESS_TABLE: u32 = 0x0002_0000;
}

/// The MSR with which a handler starts: what stays and what the partition chooses.
pub const fn handler_msr(old: u64, little_endian: bool, relocated: bool) -> u64 {
    let mut new = (old & (msr::ME | msr::HV)) | msr::SF;
    if little_endian {
        new |= msr::LE;
    }
    if relocated {
        new |= msr::IR | msr::DR;
    }
    new
}
