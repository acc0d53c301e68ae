//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::choice::{Choice, GuestChoice};
use crate::figures::Figure;
use crate::seconds::positive;

/// Measures a guest on Paprika and on its peer, qemu-system-ppc64 with TCG: prints a table, and writes bench/guest.json in the
/// target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench guest --", version)]
pub(crate) struct Options {
    /// A single round of half a second per program: to see that all works, not to compare
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    pub(crate) choice: Choice<Figure>,

    /// Paprika's engine, as `paprika run --engine` takes it
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,

    #[command(flatten)]
    pub(crate) guest: GuestChoice,

    /// Seconds that each program in the guest runs
    #[arg(long, default_value_t = 2.0, value_parser = positive, conflicts_with = "quick")]
    seconds: f64,

    /// Given by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Rounds to run.
    pub(crate) fn rounds(&self) -> u32 {
        self.choice.rounds(self.quick)
    }

    /// Seconds per program in the guest.
    pub(crate) fn seconds(&self) -> f64 {
        if self.quick { 0.5 } else { self.seconds }
    }

    /// When a guest that has not powered off is given up.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(180) + Duration::from_secs_f64(self.seconds() * 20.0)
    }
}
