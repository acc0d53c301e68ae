//! The options of those benchmarks that compare monitors by figures: which figures, how often, on which monitors, with what machine.

use clap::Args;

use crate::monitor::Monitor;

/// A figure of a benchmark, as its options and its report know it.
pub(crate) trait Figure: Sized + Send + Sync + 'static {
    /// All that there are, in the report's order.
    const ALL: &'static [Self];

    /// As in options and in the JSON.
    fn name(&self) -> &'static str;
}

#[derive(Debug, Args)]
pub(crate) struct Choice<F: Figure> {
    /// Rounds; a figure is the median of them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99), conflicts_with = "quick")]
    rounds: u32,

    /// Measure only these, by name, with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = figure::<F>)]
    figures: Vec<&'static F>,

    /// List the figures, and measure nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Print the table as Markdown, for the README
    #[arg(long)]
    pub(crate) markdown: bool,

    /// Measure only this monitor
    #[arg(long, value_enum)]
    only: Option<Monitor>,
}

impl<F: Figure> Choice<F> {
    /// Rounds to run.
    pub(crate) fn rounds(&self, quick: bool) -> u32 {
        if quick { 1 } else { self.rounds }
    }

    /// What to measure.
    pub(crate) fn figures(&self) -> Vec<&'static F> {
        if self.figures.is_empty() {
            F::ALL.iter().collect()
        } else {
            self.figures.clone()
        }
    }

    /// On what.
    pub(crate) fn monitors(&self) -> Vec<Monitor> {
        self.only
            .map_or_else(|| vec![Monitor::Qemu, Monitor::Paprika], |only| vec![only])
    }
}

fn figure<F: Figure>(name: &str) -> Result<&'static F, String> {
    let named = F::ALL.iter().find(|figure| figure.name() == name);
    named.ok_or_else(|| {
        let names: Vec<_> = F::ALL.iter().map(Figure::name).collect();
        format!("the figures are {}", names.join(", "))
    })
}

#[derive(Debug, Args)]
pub(crate) struct GuestChoice {
    /// CPUs of the guest
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) cpus: u32,

    /// RAM of the guest
    #[arg(long, default_value = "2G", value_name = "SIZE")]
    pub(crate) memory: String,
}
