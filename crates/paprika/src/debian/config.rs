//! The machine of a Debian system, and what its boot is told.
//!
//! The kit's initramfs mounts the root, adds to the system's /run what the host has put into the
//! initramfs below /paprika/run, and hands over to systemd. So an image needs nothing of ours in
//! it, and a newer Paprika brings its newer units and agent along.

use std::path::{Path, PathBuf};
use std::time::Duration;

use guest_kit::GuestPaths;
use guest_kit::debian::ROOT_ID;
use papr_scm::nvdimm::NvdimmConfig;

use super::error::DebianError;
use crate::machine::{Blueprint, MachineConfig};

/// How long a system may take to be up. Not a measure of anything: only so that one that hangs is
/// given up.
const BOOT_TIMEOUT: Duration = Duration::from_secs(300);

/// Kernel command line of every system: the first NVDIMM is its root.
const ROOT: &str = "console=hvc0 root=/dev/pmem0";
/// For one that takes commands: nothing on the console but frames, unless the kernel dies.
const SILENT: &str = "quiet loglevel=2 oops=panic panic=-1 systemd.show_status=0 systemd.unit=paprika-command.target";
/// Units that systemd starts only to load drivers, which the kit's kernel has built in: each costs
/// a process at least.
const DRIVERS: [&str; 6] = ["configfs", "dm_mod", "drm", "efi_pstore", "fuse", "loop"];
/// Tells init which region the files to be copied come in: the second NVDIMM's.
const TRANSFER: &str = "paprika.transfer=region1";

/// Where init looks for units.
const UNITS: &str = "/paprika/run/systemd/system";
/// Reached where a system is up as far as commands need it: everything that systemd does at early
/// boot, and no services.
const TARGET: &str = "\
[Unit]
Description=Commands from the host
Requires=basic.target
After=basic.target
Wants=paprika-agent.service
AllowIsolate=yes
";
/// Runs the agent, and what that runs: with root's environment and without limits of its own.
const SERVICE: &str = "\
[Unit]
Description=Agent that runs the host's commands
After=basic.target

[Service]
Type=exec
ExecStart=/run/paprika/agent serve /dev/hvc0
WorkingDirectory=/root
Environment=HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8 TERM=vt220
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
IgnoreSIGPIPE=no
OOMPolicy=continue
TasksMax=infinity
";

/// A Debian system that is to be booted.
#[derive(Debug, Clone)]
pub struct DebianConfig {
    /// Its machine: CPUs, memory, engine, kernel. The command line is completed with what a system
    /// needs.
    pub machine: MachineConfig,
    /// The image that it is on; it is changed.
    pub image: PathBuf,
    /// Further NVDIMMs.
    pub nvdimms: Vec<NvdimmConfig>,
    /// Whether files can be copied in and out.
    pub copies: bool,
    /// How long it may take to be up.
    pub boot_timeout: Duration,
}

impl DebianConfig {
    /// A system on the default machine with the kit's kernel; files can be copied.
    ///
    /// # Errors
    /// [`DebianError::Machine`] where the kit can't be read.
    pub fn new(kit: &GuestPaths, image: impl Into<PathBuf>) -> Result<Self, DebianError> {
        let mut machine = MachineConfig::new(&kit.vmlinux);
        machine.initrd = MachineConfig::read_initrd(&kit.initramfs)?;
        Ok(Self {
            machine,
            image: image.into(),
            nvdimms: Vec::new(),
            copies: true,
            boot_timeout: BOOT_TIMEOUT,
        })
    }

    /// Changes anything about the machine.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut MachineConfig)) -> Self {
        change(&mut self.machine);
        self
    }

    /// The machine of a system that takes commands.
    pub(super) fn for_commands(&self) -> Result<Blueprint, DebianError> {
        let mut machine = self.machine.clone();
        let transfer = if self.copies { TRANSFER } else { "" };
        let masks = DRIVERS.map(|driver| format!("systemd.mask=modprobe@{driver}.service"));
        let masks = masks.join(" ");
        machine.cmdline = cmdline(&[ROOT, SILENT, &masks, transfer, &machine.cmdline]);
        let target = format!("{UNITS}/paprika-command.target");
        let service = format!("{UNITS}/paprika-agent.service");
        let files = [
            (target.as_str(), 0o644, TARGET.as_bytes()),
            (service.as_str(), 0o644, SERVICE.as_bytes()),
        ];
        machine.initrd = guest_kit::with_files(&machine.initrd, &files)?.into();
        Ok(Blueprint::new(machine)?)
    }

    /// The machine of a system that somebody logs into, and its NVDIMMs.
    ///
    /// # Errors
    /// [`DebianError`]: there is no such image, or what can't be a machine.
    pub fn for_login(mut self) -> Result<(Blueprint, Vec<NvdimmConfig>), DebianError> {
        let root = root_nvdimm(&self.image)?;
        self.machine.cmdline = cmdline(&[ROOT, &self.machine.cmdline]);
        let mut nvdimms = vec![root];
        nvdimms.append(&mut self.nvdimms);
        Ok((Blueprint::new(self.machine)?, nvdimms))
    }
}

fn cmdline(parts: &[&str]) -> String {
    let said = parts.iter().filter(|part| !part.is_empty());
    said.copied().collect::<Vec<_>>().join(" ")
}

/// The NVDIMM that an image is.
pub(super) fn root_nvdimm(image: &Path) -> Result<NvdimmConfig, DebianError> {
    if !image.exists() {
        return Err(DebianError::NoImage(image.to_owned()));
    }
    Ok(NvdimmConfig::new(ROOT_ID, image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_adds_to_the_command_line_comes_last() {
        assert_eq!(cmdline(&[ROOT, "", "xmon=on"]), format!("{ROOT} xmon=on"));
        assert_eq!(cmdline(&[ROOT, ""]), ROOT);
    }

    #[test]
    fn an_image_that_is_not_there_is_named_with_the_command_that_makes_it() {
        let error = root_nvdimm(Path::new("/no/such.img")).expect_err("not there");
        let said = error.to_string();
        assert!(said.contains("paprika debian build /no/such.img"), "{said}");
    }
}
