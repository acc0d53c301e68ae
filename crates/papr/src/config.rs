//! What a machine is made of, and the limits of what it can be made of.

use std::ops::Range;
use std::str::FromStr;

use uuid::Uuid;

/// Most vCPUs of a machine.
pub const MAX_VCPUS: u32 = 16;

/// Size of a logical memory block in bytes: memory comes and goes in these, so RAM is a multiple of
/// it.
pub const LMB_SIZE: u64 = 256 << 20;

/// RTAS is entered in 32-bit mode, and Linux places its argument buffers within the first GiB
/// beside it.
pub const RTAS_AREA_LIMIT: u64 = 1 << 30;

/// Version of the machine type: what a guest is told, frozen for ever once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum MachineVersion {
    /// `pseries-1.0`: without H_SCM_FLUSH.
    V1_0,
    /// `pseries-1.1`: with H_SCM_FLUSH. The default.
    #[default]
    V1_1,
}

impl MachineVersion {
    /// All versions, oldest first.
    pub const ALL: [MachineVersion; 2] = [MachineVersion::V1_0, MachineVersion::V1_1];

    /// The name on the command line and in snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            MachineVersion::V1_0 => "pseries-1.0",
            MachineVersion::V1_1 => "pseries-1.1",
        }
    }

    /// Whether devices may announce that they need H_SCM_FLUSH.
    pub const fn has_scm_flush(self) -> bool {
        match self {
            MachineVersion::V1_0 => false,
            MachineVersion::V1_1 => true,
        }
    }
}

impl FromStr for MachineVersion {
    type Err = ConfigError;

    /// Takes a version's name, or `pseries` for the default.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        if name == "pseries" {
            return Ok(MachineVersion::default());
        }
        let known = Self::ALL.into_iter().find(|version| version.name() == name);
        known.ok_or_else(|| ConfigError::UnknownMachine(name.into()))
    }
}

/// What a machine is made of.
#[derive(Debug, Clone)]
pub struct PlatformConfig {
    /// Machine type.
    pub machine: MachineVersion,
    /// vCPUs that the guest finds (vCPU 0 runs, the others are stopped until RTAS start-cpu).
    pub vcpus: u32,
    /// vCPUs that the machine can ever have; interrupts can be routed to all of them.
    pub max_vcpus: u32,
    /// RAM in bytes, from address 0: a multiple of [`LMB_SIZE`].
    pub memory: u64,
    /// Kernel command line.
    pub cmdline: String,
    /// Where the initial RAM disk lies, first byte to one past the last.
    pub initrd: Option<Range<u64>>,
    /// Where the kernel was loaded: r4 at entry, and the first instruction.
    pub kernel_start: u64,
    /// Where the monitor loads [`Platform::rtas_stub`](crate::Platform::rtas_stub); page-aligned,
    /// below [`RTAS_AREA_LIMIT`].
    pub rtas_base: u64,
    /// What the guest knows the machine by (`system-id`, and a system parameter).
    pub uuid: Uuid,
    /// Name of the partition, as the guest's tools show it.
    pub name: String,
    /// Entropy for `/chosen/rng-seed`.
    pub rng_seed: [u8; 32],
}

/// Why a machine can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Number of vCPUs out of range.
    #[error("a machine has 1 to {MAX_VCPUS} CPUs, not {0}; choose a number in that range")]
    VcpuCount(u32),
    /// More vCPUs at start than ever.
    #[error(
        "{vcpus} CPUs at start are more than the {max} that the machine may have; raise the maximum or start with fewer"
    )]
    MoreVcpusThanMaximum {
        /// At start.
        vcpus: u32,
        /// Ever.
        max: u32,
    },
    /// RAM not a positive multiple of the memory block.
    #[error("memory of {0} bytes is not a positive multiple of 256 MiB; choose for example 2G")]
    MemorySize(u64),
    /// RAM larger than what the machine can address.
    #[error("memory of {0} bytes is more than the {max} GiB that a machine may have; choose less", max = MAX_MEMORY >> 30)]
    MemoryTooLarge(u64),
    /// RTAS area misplaced.
    #[error("the RTAS area at {0:#x} must be aligned to 64 KiB and lie within RAM below 1 GiB")]
    RtasPlacement(u64),
    /// RAM disk outside RAM.
    #[error(
        "the initial RAM disk at {start:#x}..{end:#x} does not lie within the {memory:#x} bytes of memory"
    )]
    InitrdPlacement {
        /// First byte.
        start: u64,
        /// One past the last.
        end: u64,
        /// RAM in bytes.
        memory: u64,
    },
    /// Kernel outside RAM.
    #[error("the kernel's start {start:#x} does not lie within the {memory:#x} bytes of memory")]
    KernelPlacement {
        /// First instruction.
        start: u64,
        /// RAM in bytes.
        memory: u64,
    },
    /// A text that ends up as a C string holds a zero byte.
    #[error("the {0} holds a zero byte, which a device tree can't carry; remove it")]
    ZeroByte(&'static str),
    /// The persistent memory was made for another machine type.
    #[error("{} has H_SCM_FLUSH: {}; its persistent memory: {flush}; make both for the same machine type",
        machine.name(), machine.has_scm_flush())]
    FlushMismatch {
        /// Machine type.
        machine: MachineVersion,
        /// Whether the persistent memory has the hypercall.
        flush: bool,
    },
    /// Two parts of the platform have the same name.
    #[error("two parts of the platform are called {0:?}; leave one of them out")]
    DuplicatePart(&'static str),
    /// Two parts of the platform have the same hypercall.
    #[error(
        "the hypercall {opcode:#x} is both that of {} and of {}; leave one of these parts out", parts[0], parts[1]
    )]
    DuplicateHypercall {
        /// Its opcode.
        opcode: u64,
        /// Who has it.
        parts: [&'static str; 2],
    },
    /// Two parts of the platform have the same RTAS service, by name or by token.
    #[error(
        "the RTAS service {service} (token {token:#x}) is both that of {} and of {}; leave one of these parts out", parts[0], parts[1]
    )]
    DuplicateService {
        /// Its name.
        service: &'static str,
        /// Its token.
        token: u32,
        /// Who has it.
        parts: [&'static str; 2],
    },
    /// A service that no argument block has room for.
    #[error(
        "the RTAS service {service} of {part} has more arguments and results than a call can have, or none; correct the program"
    )]
    ServiceShape {
        /// Its name.
        service: &'static str,
        /// Who has it.
        part: &'static str,
    },
    /// No such machine type.
    #[error("there is no machine type {0:?}; there are pseries-1.0 and pseries-1.1")]
    UnknownMachine(String),
}

/// Most RAM: well below the 51 bits of real address that a radix guest can map on POWER9.
const MAX_MEMORY: u64 = 1 << 40;

impl PlatformConfig {
    /// Checks that such a machine can be.
    ///
    /// # Errors
    /// [`ConfigError`], the first thing that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for count in [self.vcpus, self.max_vcpus] {
            if !(1..=MAX_VCPUS).contains(&count) {
                return Err(ConfigError::VcpuCount(count));
            }
        }
        if self.vcpus > self.max_vcpus {
            return Err(ConfigError::MoreVcpusThanMaximum {
                vcpus: self.vcpus,
                max: self.max_vcpus,
            });
        }
        let memory = self.memory;
        if memory == 0 || !memory.is_multiple_of(LMB_SIZE) {
            return Err(ConfigError::MemorySize(memory));
        }
        if memory > MAX_MEMORY {
            return Err(ConfigError::MemoryTooLarge(memory));
        }
        if !self.rtas_base.is_multiple_of(0x1_0000) || self.rtas_base >= memory.min(RTAS_AREA_LIMIT)
        {
            return Err(ConfigError::RtasPlacement(self.rtas_base));
        }
        if self.kernel_start >= memory {
            return Err(ConfigError::KernelPlacement {
                start: self.kernel_start,
                memory,
            });
        }
        if let Some(Range { start, end }) = self.initrd.clone()
            && (start >= end || end > memory)
        {
            return Err(ConfigError::InitrdPlacement { start, end, memory });
        }
        for (what, text) in [
            ("kernel command line", &self.cmdline),
            ("name of the machine", &self.name),
        ] {
            if text.contains('\0') {
                return Err(ConfigError::ZeroByte(what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn a_usual_machine_is_valid() {
        assert_eq!(config(2).validate(), Ok(()));
    }

    #[test]
    fn cpu_counts_outside_the_limits_are_refused() {
        for count in [0, 17, u32::MAX] {
            assert_eq!(
                PlatformConfig {
                    vcpus: count,
                    ..config(1)
                }
                .validate(),
                Err(ConfigError::VcpuCount(count))
            );
            assert_eq!(
                PlatformConfig {
                    max_vcpus: count,
                    ..config(1)
                }
                .validate(),
                Err(ConfigError::VcpuCount(count))
            );
        }
        let error = PlatformConfig {
            max_vcpus: 2,
            ..config(4)
        }
        .validate();
        assert_eq!(
            error,
            Err(ConfigError::MoreVcpusThanMaximum { vcpus: 4, max: 2 })
        );
    }

    #[test]
    fn memory_that_is_no_multiple_of_a_block_or_absurd_is_refused() {
        for memory in [0, 1, LMB_SIZE - 1, LMB_SIZE + 4096] {
            assert_eq!(
                PlatformConfig {
                    memory,
                    ..config(1)
                }
                .validate(),
                Err(ConfigError::MemorySize(memory))
            );
        }
        let memory = u64::MAX - LMB_SIZE + 1;
        assert_eq!(
            PlatformConfig {
                memory,
                ..config(1)
            }
            .validate(),
            Err(ConfigError::MemoryTooLarge(memory))
        );
    }

    #[test]
    fn what_is_loaded_must_lie_in_memory() {
        let memory = config(1).memory;
        let wrong = PlatformConfig {
            rtas_base: 0x1234,
            ..config(1)
        };
        assert_eq!(wrong.validate(), Err(ConfigError::RtasPlacement(0x1234)));
        let wrong = PlatformConfig {
            rtas_base: RTAS_AREA_LIMIT,
            memory: 4 << 30,
            ..config(1)
        };
        assert_eq!(
            wrong.validate(),
            Err(ConfigError::RtasPlacement(RTAS_AREA_LIMIT))
        );
        let wrong = PlatformConfig {
            kernel_start: memory,
            ..config(1)
        };
        assert_eq!(
            wrong.validate(),
            Err(ConfigError::KernelPlacement {
                start: memory,
                memory
            })
        );
        let wrong = PlatformConfig {
            initrd: Some(memory - 1..memory + 1),
            ..config(1)
        };
        assert!(matches!(
            wrong.validate(),
            Err(ConfigError::InitrdPlacement { .. })
        ));
    }

    #[test]
    fn machine_names_are_understood_and_others_named_in_the_error() {
        assert_eq!("pseries-1.0".parse(), Ok(MachineVersion::V1_0));
        assert_eq!("pseries".parse(), Ok(MachineVersion::V1_1));
        let error = "pseries-9".parse::<MachineVersion>();
        assert_eq!(error, Err(ConfigError::UnknownMachine("pseries-9".into())));
    }

    #[test]
    fn a_zero_byte_in_the_command_line_is_refused() {
        let wrong = PlatformConfig {
            cmdline: "a\0b".into(),
            ..config(1)
        };
        assert_eq!(
            wrong.validate(),
            Err(ConfigError::ZeroByte("kernel command line"))
        );
    }
}
