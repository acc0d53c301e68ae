//! The two monitors' command lines. Whatever differs between them is here.

use std::path::Path;
use std::process::Command;

use guest_kit::GuestPaths;

/// A program that runs guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Monitor {
    /// Ours.
    #[value(name = "paprika")]
    Paprika,
    /// The peer.
    #[value(name = "qemu")]
    Qemu,
}

/// The machine that a monitor is asked for.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    /// The kernels.
    pub(crate) kit: &'a GuestPaths,
    /// The initramfs, with the scenario's script in it.
    pub(crate) initramfs: &'a Path,
    /// Number of CPUs.
    pub(crate) cpus: u32,
    /// RAM, as both monitors take it: a number with a unit.
    pub(crate) memory: &'a str,
}

/// For both; a kernel that dies ends the run at once.
const KERNEL_COMMAND_LINE: &str = "console=hvc0 quiet oops=panic panic=-1";

const QEMU: &str = "qemu-system-ppc64";

impl Monitor {
    /// As in file names and in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Paprika => "paprika",
            Self::Qemu => "qemu",
        }
    }

    /// The command that boots `machine` with its console on standard output.
    pub(crate) fn command(self, machine: &Machine<'_>) -> Command {
        match self {
            Self::Paprika => paprika(machine),
            Self::Qemu => qemu(machine),
        }
    }

    /// What it calls itself.
    pub(crate) fn version(self) -> String {
        let program = match self {
            Self::Paprika => env!("CARGO_BIN_EXE_paprika"),
            Self::Qemu => QEMU,
        };
        let output = Command::new(program).arg("--version").output();
        let text = output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        text.lines().next().unwrap_or("unknown").to_owned()
    }
}

fn paprika(machine: &Machine<'_>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paprika"));
    command
        .arg("run")
        .arg("--kernel")
        .arg(&machine.kit.vmlinux)
        .arg("--initrd")
        .arg(machine.initramfs);
    command.args([
        "--cmdline",
        KERNEL_COMMAND_LINE,
        "--memory",
        machine.memory,
        "--cpus",
        &machine.cpus.to_string(),
    ]);
    command
}

fn qemu(machine: &Machine<'_>) -> Command {
    let mut command = Command::new(QEMU);
    // The same platform as ours as far as QEMU lets one choose: no Open Firmware, XICS, radix, nothing on the buses.
    command.args([
        "-accel",
        "tcg",
        "-M",
        "pseries,x-vof=on,ic-mode=xics,nvdimm=on",
        "-cpu",
        "power9",
    ]);
    command.args(["-smp", &machine.cpus.to_string(), "-m", machine.memory]);
    command.args(["-nographic", "-vga", "none", "-nic", "none", "-no-reboot"]);
    command
        .arg("-kernel")
        .arg(&machine.kit.vmlinux_peer)
        .arg("-initrd")
        .arg(machine.initramfs);
    command.args(["-append", KERNEL_COMMAND_LINE]);
    command
}
