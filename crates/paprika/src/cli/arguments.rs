//! The options that describe a machine, for every command that makes one, and what can be wrong with them.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use guest_kit::{GuestKit, GuestPaths};
use papr::{LMB_SIZE, MAX_VCPUS, MachineVersion};
use papr_scm::nvdimm::NvdimmConfig;

use crate::files;
use crate::machine::{
    CODE_CACHE_VARIABLE, CodeOptions, CpuEngine, DEFAULT_MEMORY, ENGINE_VARIABLE, HostOptions,
    LEAST_CODE_MEMORY, MachineConfig,
};
use crate::sandbox::{CodePartition, Needs};

/// Kernel command line where the user gives none: the console is the terminal.
const DEFAULT_CMDLINE: &str = "console=hvc0";

/// RAM of a machine, as it is written on the command line: a whole number and a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemorySize(pub(super) u64);

impl MemorySize {
    const UNITS: [(&str, u32); 4] = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
}

/// Why a text is no size of memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SizeError {
    #[error("write a whole number and a unit (K, M, G or T), for example 2G")]
    NotASize,
    #[error("{0} of what? Add a unit, for example {0}M or 2G")]
    NoUnit(u64),
    #[error("there is no unit {0:?}; use K, M, G or T, for example 2G")]
    Unit(String),
    #[error("a guest needs memory; the least is {}M, and 2G is a good start", LMB_SIZE >> 20)]
    Zero,
    #[error("memory comes in blocks of {block}M; the next sizes are {below} and {above}", block = LMB_SIZE >> 20, below = MemorySize(*.0 / LMB_SIZE * LMB_SIZE), above = MemorySize((*.0 / LMB_SIZE + 1).saturating_mul(LMB_SIZE)))]
    NotInBlocks(u64),
    #[error("that is less than the least, {}M; 2G is a good start", LMB_SIZE >> 20)]
    TooSmall,
    #[error("that is more than any machine can have")]
    Absurd,
}

impl FromStr for MemorySize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || unit.starts_with(['.', ',']) {
            return Err(SizeError::NotASize);
        }
        // Only too many digits are left as a reason.
        let number: u64 = number.parse().map_err(|_| SizeError::Absurd)?;
        let shift = if unit.is_empty() {
            // Nothing is nothing in every unit.
            let unitless = SizeError::NoUnit(number);
            return Err(if number == 0 {
                SizeError::Zero
            } else {
                unitless
            });
        } else {
            let letters = unit.to_ascii_uppercase();
            let letter = letters
                .strip_suffix("IB")
                .or(letters.strip_suffix('B'))
                .unwrap_or(&letters);
            let known = Self::UNITS.iter().find(|(name, _)| *name == letter);
            known
                .map(|(_, shift)| *shift)
                .ok_or_else(|| SizeError::Unit(unit.to_owned()))?
        };
        let bytes = number.checked_mul(1 << shift).ok_or(SizeError::Absurd)?;
        match bytes {
            0 => Err(SizeError::Zero),
            _ if bytes < LMB_SIZE => Err(SizeError::TooSmall),
            _ if bytes % LMB_SIZE != 0 => Err(SizeError::NotInBlocks(bytes)),
            _ => Ok(Self(bytes)),
        }
    }
}

impl std::fmt::Display for MemorySize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let largest = Self::UNITS.iter().rev();
        match { largest }.find(|(_, shift)| self.0 != 0 && self.0.is_multiple_of(1 << shift)) {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{}", self.0),
        }
    }
}

/// What the host chooses, and the guest does not see.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HostArgs {
    /// What carries out the guest's instructions
    #[arg(
        long,
        value_name = "ENGINE",
        env = ENGINE_VARIABLE,
        value_enum,
        default_value_t,
        help_heading = "Machine"
    )]
    engine: CpuEngine,

    /// Where the JIT keeps compiled code, so that the next run starts warm; "off" keeps none
    /// [default: one for this machine in paprika/code of the user's cache]
    ///
    /// Machines that are given the same directory execute each other's code: give it only to
    /// machines that trust each other.
    #[arg(long, value_name = "DIR", env = CODE_CACHE_VARIABLE, help_heading = "Machine")]
    code_cache: Option<String>,

    /// Memory for compiled code; when it is full, code is compiled again as needed [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = code_memory, help_heading = "Machine")]
    code_memory: Option<u64>,

    /// Name compiled code for Linux's perf, by the guest's addresses, in /tmp/perf-PID.map; the file stays for perf report
    #[arg(long, help_heading = "Machine")]
    perf_map: bool,

    /// End, with exit code 0, where the guest asks for a reboot
    #[arg(long, help_heading = "Machine")]
    no_reboot: bool,
}

impl From<HostArgs> for HostOptions {
    fn from(args: HostArgs) -> Self {
        let mut code = CodeOptions {
            cache: CodeOptions::cache_named(args.code_cache.as_deref()),
            perf_map: args.perf_map,
            ..CodeOptions::default()
        };
        if let Some(memory) = args.code_memory {
            code.memory = memory;
        }
        Self {
            engine: args.engine,
            code,
            no_reboot: args.no_reboot,
        }
    }
}

impl HostArgs {
    /// These as options of a machine that a command finds or waits for, and of which `command` is
    /// what the user has said.
    pub(super) fn into_options(self, command: CodePartition) -> HostOptions {
        let named = self.code_cache.is_some();
        let mut host = HostOptions::from(self);
        command.choose(&mut host.code, named);
        host
    }
}

/// A size of memory for compiled code.
fn code_memory(text: &str) -> Result<u64, String> {
    let size = papr_scm::nvdimm::parse_size(text);
    size.filter(|&size| size >= LEAST_CODE_MEMORY)
        .ok_or_else(|| {
            let least = LEAST_CODE_MEMORY >> 20;
            format!("write a size of at least {least}M, for example 64M")
        })
}

/// What a machine is made of.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MachineArgs {
    /// Kernel to boot: a ppc64le vmlinux, stripped or not, plain or gzip-compressed
    ///
    /// Without it the guest kit's kernel is booted; `paprika guest build` makes the kit.
    #[arg(long, value_name = "FILE", help_heading = "What to boot")]
    kernel: Option<PathBuf>,

    /// Initial RAM disk for the kernel [default without --kernel: the guest kit's]
    #[arg(long, value_name = "FILE", help_heading = "What to boot")]
    initrd: Option<PathBuf>,

    /// Command line for the kernel
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_CMDLINE, allow_hyphen_values = true, help_heading = "What to boot")]
    cmdline: String,

    #[command(flatten)]
    hardware: HardwareArgs,
}

/// A machine of the command line, of whose files none has been read.
pub(super) struct MachinePlan {
    pub(super) config: MachineConfig,
    initrd: Option<PathBuf>,
    pub(super) nvdimms: Vec<NvdimmConfig>,
}

impl MachinePlan {
    /// Names all files to the sandbox.
    pub(super) fn tell(&self, needs: &mut Needs) {
        needs.read(&self.config.kernel);
        if let Some(initrd) = &self.initrd {
            needs.read(initrd);
        }
        self.nvdimms.iter().for_each(|nvdimm| needs.nvdimm(nvdimm));
    }

    /// Reads the RAM disk.
    pub(super) fn read(self) -> anyhow::Result<(MachineConfig, Vec<NvdimmConfig>)> {
        let mut config = self.config;
        if let Some(initrd) = self.initrd {
            config.initrd = MachineConfig::read_initrd(&initrd)?;
        }
        Ok((config, self.nvdimms))
    }
}

/// A machine without what it boots.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HardwareArgs {
    #[arg(long, value_name = "N", help = format!("Number of CPUs, 1 to {MAX_VCPUS}; each is a thread of the host"), default_value_t = 1, value_parser = cpus, help_heading = "Machine")]
    cpus: u32,

    #[arg(long, value_name = "SIZE", help = format!("Memory, a whole number with a unit (M, G, T): 512M, 2G; in blocks of {}", MemorySize(LMB_SIZE)), default_value_t = MemorySize(DEFAULT_MEMORY), help_heading = "Machine")]
    memory: MemorySize,

    /// A persistent-memory device, backed by a file; repeatable
    ///
    /// Keys: id=NAME,path=FILE (both needed), size=SIZE (creates a FILE that does not exist),
    /// label-size=SIZE, uuid=UUID, sync-dax=on|off (off: the guest is told to flush with
    /// H_SCM_FLUSH), readonly=on|off, prealloc=on|off (on: all room for FILE is taken at the
    /// start).
    #[arg(long, value_name = "id=NAME,path=FILE,...", help_heading = "Machine")]
    nvdimm: Vec<NvdimmConfig>,

    /// Machine type; a newer one tells the guest more
    #[arg(long, value_name = "TYPE", default_value = MachineVersion::default().name(), value_parser = machine_types(), help_heading = "Machine")]
    machine: MachineVersion,

    #[command(flatten)]
    host: HostArgs,

    /// Name of the machine, as the guest's tools and log lines show it
    #[arg(
        long,
        value_name = "NAME",
        default_value = "paprika",
        help_heading = "Machine"
    )]
    name: String,
}

/// A number of CPUs that a machine can have.
pub(super) fn cpus(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let possible = number.filter(|number| (1..=MAX_VCPUS).contains(number));
    possible.ok_or_else(|| format!("write a whole number from 1 to {MAX_VCPUS}"))
}

/// The names of the machine types, so that `--help` and errors list them.
pub(super) fn machine_types() -> impl TypedValueParser<Value = MachineVersion> {
    let names = MachineVersion::ALL.map(MachineVersion::name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<MachineVersion>())
}

impl MachineArgs {
    /// The machine, the RAM disk's file, which is not read yet, and the persistent memory that it
    /// is to start with. Looks for the guest kit where no kernel is named.
    pub(super) fn into_plan(self) -> anyhow::Result<MachinePlan> {
        let (kernel, initrd) = match (self.kernel, self.initrd) {
            (Some(kernel), initrd) => (kernel, initrd),
            (None, initrd) => {
                let kit = kit()?;
                (kit.vmlinux, Some(initrd.unwrap_or(kit.initramfs)))
            }
        };
        files::register("the kernel", &kernel).keep();
        let mut config = MachineConfig::new(kernel);
        if let Some(initrd) = &initrd {
            files::register("the initrd", initrd).keep();
        }
        config.cmdline = self.cmdline;
        let own_cache = self.hardware.host.code_cache.is_some();
        let nvdimms = self.hardware.put_into(&mut config);
        let mut partition = CodePartition::of_command("run")
            .with(config.name.as_bytes())
            .with_path(&config.kernel);
        if let Some(initrd) = &initrd {
            partition = partition.with_path(initrd);
        }
        for nvdimm in &nvdimms {
            partition = partition.with_path(&nvdimm.path);
        }
        partition.choose(&mut config.host.code, own_cache);
        Ok(MachinePlan {
            config,
            initrd,
            nvdimms,
        })
    }
}

impl HardwareArgs {
    /// Makes the machine of `config` this one; answers the persistent memory that it is to start with.
    pub(super) fn put_into(self, config: &mut MachineConfig) -> Vec<NvdimmConfig> {
        config.machine = self.machine;
        config.cpus = self.cpus;
        config.memory = self.memory.0;
        config.name = self.name;
        config.host = self.host.into();
        self.nvdimm
    }
}

fn kit() -> anyhow::Result<GuestPaths> {
    GuestKit::locate().context("no --kernel is given, so the guest kit's is wanted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> Result<u64, String> {
        let parsed = text.parse::<MemorySize>();
        parsed.map(|size| size.0).map_err(|error| error.to_string())
    }

    #[test]
    fn sizes_are_numbers_with_a_unit() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("2gib"), Ok(2 << 30));
        assert_eq!(size("1048576K"), Ok(1 << 30));
        assert_eq!(size("1T"), Ok(1 << 40));
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_is_wrong_and_what_would_be_right() {
        for (text, said) in [
            ("", "write a whole number and a unit"),
            ("lots", "write a whole number and a unit"),
            ("-1G", "write a whole number and a unit"),
            ("1.5G", "write a whole number and a unit"),
            ("2048", "2048 of what? Add a unit, for example 2048M or 2G"),
            ("2X", "there is no unit \"X\""),
            ("2 Go", "there is no unit"),
            ("0", "a guest needs memory"),
            ("0G", "a guest needs memory"),
            ("1K", "less than the least, 256M"),
            ("300M", "the next sizes are 256M and 512M"),
            ("1025M", "the next sizes are 1G and 1280M"),
            ("99999999999999999999G", "more than any machine"),
            ("18446744073709551615T", "more than any machine"),
        ] {
            let error = size(text).expect_err(text);
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_size_is_shown_in_its_largest_whole_unit() {
        for text in ["256M", "1G", "1280M", "1T"] {
            assert_eq!(
                text.parse::<MemorySize>().map(|s| s.to_string()),
                Ok(text.into())
            );
        }
    }
}
