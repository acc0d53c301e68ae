//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;
use guest_kit::GuestPaths;

use crate::choice::{Choice, GuestChoice};
use crate::figures::Figure;
use crate::monitor::Machine;

/// Measures snapshots, restores, live migrations and hot-plugs on Paprika and on its peer, qemu-system-ppc64 with TCG: prints a
/// table, and writes bench/lifecycle.json in the target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench lifecycle --", version)]
pub(crate) struct Options {
    /// A single round with a guest that has filled little memory: to see that all works, not to compare
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    pub(crate) choice: Choice<Figure>,

    #[command(flatten)]
    pub(crate) guest: GuestChoice,

    /// MiB of the guest's RAM that it has filled with random bytes when it is saved or moved
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u32).range(0..=65_536), conflicts_with = "quick")]
    fill: u32,

    /// Where snapshots and the NVDIMMs' files are made: whose file system is measured [default: bench in the target directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,

    /// Given by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Rounds to run.
    pub(crate) fn rounds(&self) -> u32 {
        self.choice.rounds(self.quick)
    }

    /// MiB that the guest fills.
    pub(crate) fn fill(&self) -> u32 {
        if self.quick { 64 } else { self.fill }
    }

    /// The machine that both are asked for.
    pub(crate) fn machine<'a>(&'a self, kit: &'a GuestPaths, initramfs: &'a Path) -> Machine<'a> {
        Machine {
            kit,
            initramfs,
            cpus: self.guest.cpus,
            memory: &self.guest.memory,
        }
    }
}
