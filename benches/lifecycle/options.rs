//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;
use guest_kit::GuestPaths;

use crate::figures::{FIGURES, Figure};
use crate::monitor::{Machine, Monitor};

/// Measures snapshots, restores, live migrations and hot-plugs on Paprika and on its peer, qemu-system-ppc64 with TCG: prints a
/// table, and writes bench/lifecycle.json in the target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench lifecycle --", version)]
pub(crate) struct Options {
    /// A single round with a guest that has filled little memory: to see that all works, not to compare
    #[arg(long)]
    quick: bool,

    /// Rounds; a figure is the median of them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99), conflicts_with = "quick")]
    rounds: u32,

    /// Measure only these, by name, with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = figure)]
    figures: Vec<&'static Figure>,

    /// List the figures, and measure nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Print the table as Markdown, for the README
    #[arg(long)]
    pub(crate) markdown: bool,

    /// Measure only this monitor
    #[arg(long, value_enum)]
    only: Option<Monitor>,

    /// CPUs of the guest
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) cpus: u32,

    /// RAM of the guest
    #[arg(long, default_value = "2G", value_name = "SIZE")]
    pub(crate) memory: String,

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
        if self.quick { 1 } else { self.rounds }
    }

    /// MiB that the guest fills.
    pub(crate) fn fill(&self) -> u32 {
        if self.quick { 64 } else { self.fill }
    }

    /// What to measure.
    pub(crate) fn figures(&self) -> Vec<&'static Figure> {
        if self.figures.is_empty() {
            FIGURES.iter().collect()
        } else {
            self.figures.clone()
        }
    }

    /// On what.
    pub(crate) fn monitors(&self) -> Vec<Monitor> {
        self.only
            .map_or_else(|| vec![Monitor::Qemu, Monitor::Paprika], |only| vec![only])
    }

    /// The machine that both are asked for.
    pub(crate) fn machine<'a>(&'a self, kit: &'a GuestPaths, initramfs: &'a Path) -> Machine<'a> {
        Machine {
            kit,
            initramfs,
            cpus: self.cpus,
            memory: &self.memory,
        }
    }
}

fn figure(name: &str) -> Result<&'static Figure, String> {
    let named = FIGURES.iter().find(|figure| figure.name == name);
    named.ok_or_else(|| {
        let names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
        format!("the figures are {}", names.join(", "))
    })
}
