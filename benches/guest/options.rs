//! The command line.

use std::time::Duration;

use clap::Parser;

use crate::figures::{FIGURES, Figure};
use crate::monitor::Monitor;

/// Measures a guest on Paprika and on its peer, qemu-system-ppc64 with TCG: prints a table, and writes bench/guest.json in the
/// target directory.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench guest --", version)]
pub(crate) struct Options {
    /// A single round of half a second per program: to see that all works, not to compare
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

    /// Paprika's engine, as `paprika run --engine` takes it
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,

    /// CPUs of the guest
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) cpus: u32,

    /// RAM of the guest
    #[arg(long, default_value = "2G", value_name = "SIZE")]
    pub(crate) memory: String,

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
        if self.quick { 1 } else { self.rounds }
    }

    /// Seconds per program in the guest.
    pub(crate) fn seconds(&self) -> f64 {
        if self.quick { 0.5 } else { self.seconds }
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

    /// When a guest that has not powered off is given up.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(180) + Duration::from_secs_f64(self.seconds() * 20.0)
    }
}

fn figure(name: &str) -> Result<&'static Figure, String> {
    let named = FIGURES.iter().find(|figure| figure.name == name);
    named.ok_or_else(|| {
        let names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
        format!("the figures are {}", names.join(", "))
    })
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.01 to 600 is expected".into()),
    }
}
