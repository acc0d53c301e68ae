//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::monitor::Monitor;
use crate::seconds::positive;

/// Measures flushes of persistent memory on Paprika, on its peer qemu-system-ppc64 (TCG), and in a program of the host:
/// prints a table, and writes bench/flush.json in the target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench flush --", version)]
pub(crate) struct Options {
    /// A single round of half a second per measurement: to see that all works, not to compare
    #[arg(long)]
    quick: bool,

    /// Rounds; a number is the median of them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99), conflicts_with = "quick")]
    rounds: u32,

    /// Seconds per measurement
    #[arg(long, default_value_t = 3.0, value_parser = positive, conflicts_with = "quick")]
    seconds: f64,

    /// Concurrent writers, with commas between
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 4, 16], value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) writers: Vec<u32>,

    /// CPUs of the guest; several numbers with commas between measure several guests
    ///
    /// A writer of a Linux guest occupies its CPU until its flush is answered, so no more flushes than the guest has CPUs
    /// can share a sync: hence 8 beside 2.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [2, 8], value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) cpus: Vec<u32>,

    /// RAM of the guest
    #[arg(long, default_value = "2G", value_name = "SIZE")]
    pub(crate) memory: String,

    /// Measure only this
    #[arg(long, value_enum)]
    only: Option<Only>,

    /// Where the NVDIMMs' files and the host program's are made: whose file system is measured [default: bench in the
    /// target directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,

    /// Print the table as Markdown, for the README
    #[arg(long)]
    pub(crate) markdown: bool,

    /// Given by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Paprika,
    Qemu,
    Host,
}

impl Options {
    /// Rounds to run.
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    /// Seconds per measurement.
    pub(crate) fn seconds(&self) -> f64 {
        if self.quick { 0.5 } else { self.seconds }
    }

    /// Whether the host's program is measured.
    pub(crate) fn wants_host(&self) -> bool {
        matches!(self.only, None | Some(Only::Host))
    }

    /// Whether any guest is measured.
    pub(crate) fn wants_guests(&self) -> bool {
        !self.monitors().is_empty()
    }

    /// On which monitors.
    pub(crate) fn monitors(&self) -> Vec<Monitor> {
        match self.only {
            None => vec![Monitor::Qemu, Monitor::Paprika],
            Some(Only::Paprika) => vec![Monitor::Paprika],
            Some(Only::Qemu) => vec![Monitor::Qemu],
            Some(Only::Host) => Vec::new(),
        }
    }

    /// When a guest that has not powered off is given up.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(240) + Duration::from_secs_f64(self.seconds() * 50.0)
    }
}
