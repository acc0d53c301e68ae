//! What this benchmark's report says that others' do not: which way a figure is good, by how much, and what was asked of it.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::comparison::{self, BarRow, Layout, Row};
use crate::figures::{Bar, Better, FIGURES, Figure};
use crate::host::Host;
use crate::monitor::Monitor;
use crate::numbers::number;
use crate::options::Options;
use crate::series::{Compared, Series};

/// Everything that was found out.
pub(crate) type Report = comparison::Report<Guest, Asked>;

/// What was asked of a figure, where something was.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    bar: Option<BarRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Guest {
    cpus: u32,
    memory: String,
    seconds_per_program: f64,
    #[serde(skip)]
    rounds: u32,
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} CPUs, {}; medians of {}; programs run {} s",
            self.cpus, self.memory, self.rounds, self.seconds_per_program
        )
    }
}

const LAYOUT: Layout = Layout {
    widths: [12, 34, 10, 11],
    note: "ratio: ours divided by the peer's",
    remarks_in_markdown: false,
};

/// Of what `series` has; figures that were obtained from none of `monitors` are there without values.
pub(crate) fn of(
    host: Host,
    figures: &[&'static Figure],
    series: &Series,
    monitors: &[Monitor],
    options: &Options,
) -> Report {
    let guest = Guest {
        cpus: options.guest.cpus,
        memory: options.guest.memory.clone(),
        seconds_per_program: options.seconds(),
        rounds: options.rounds(),
    };
    let rows = figures.iter().map(|figure| row(series, figure)).collect();
    Report::new(host, guest, monitors, options.rounds(), rows, LAYOUT)
}

fn row(series: &Series, figure: &'static Figure) -> Row<Asked> {
    let compared = series.compared(figure.name);
    let (ours, ratio) = (&compared.ours, compared.ratio);
    let bar = figure.bar.map(|bar| BarRow {
        asked: match bar {
            Bar::TimesPeer(times) => format!("at most {times} x the peer's"),
            Bar::AtMost(value) => format!("at most {value} {}", figure.unit),
            Bar::AtLeast(value) => format!("at least {value} {}", figure.unit),
        },
        met: match bar {
            Bar::TimesPeer(times) => ratio.map(|ratio| ratio <= times),
            Bar::AtMost(value) => ours.as_ref().map(|ours| ours.median <= value),
            Bar::AtLeast(value) => ours.as_ref().map(|ours| ours.median >= value),
        },
    });
    Row {
        name: figure.name,
        what: figure.words,
        unit: figure.unit,
        better: Some(better(figure.better)),
        remark: remark(&compared, figure.better, bar.as_ref()),
        compared,
        bars: Asked { bar },
    }
}

/// The comparison in words, and the bar.
fn remark(compared: &Compared, better: Better, bar: Option<&BarRow>) -> String {
    let mut remark = String::new();
    if let Some(ratio) = compared.ratio {
        let good = (ratio > 1.0) == (better == Better::Higher);
        let times = if ratio > 1.0 { ratio } else { 1.0 / ratio };
        if (0.97..=1.03).contains(&ratio) {
            remark += "alike";
        } else if times.is_finite() {
            let word = if good { "better" } else { "worse" };
            let _ = write!(remark, "{} x {word}", number(times));
        }
    }
    if let Some(bar) = bar {
        let between = if remark.is_empty() { "" } else { "; " };
        let _ = write!(remark, "{between}{bar}");
    }
    remark
}

/// What can be measured.
pub(crate) fn list() -> String {
    let entry = |figure: &Figure| {
        format!(
            "{:<12}{:<34}{:<10} {} is better\n",
            figure.name,
            figure.words,
            figure.unit,
            better(figure.better)
        )
    };
    FIGURES.iter().map(entry).collect()
}

fn better(better: Better) -> &'static str {
    match better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    }
}
