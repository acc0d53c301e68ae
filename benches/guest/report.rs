//! The table, and the JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::figures::{Bar, Better, FIGURES, Figure};
use crate::host::Host;
use crate::monitor::Monitor;
use crate::numbers::number;
use crate::options::Options;
use crate::series::{Compared, Series};

/// A row of the table.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    better: &'static str,
    #[serde(flatten)]
    compared: Compared,
    #[serde(skip_serializing_if = "Option::is_none")]
    bar: Option<BarRow>,
}

/// What was asked of ours, and whether it holds.
#[derive(Debug, Serialize)]
struct BarRow {
    asked: String,
    met: Option<bool>,
}

/// Everything that was found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    host: Host,
    guest: Guest,
    /// What the monitors call themselves.
    ours: Option<String>,
    peer: Option<String>,
    rounds: u32,
    figures: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Guest {
    cpus: u32,
    memory: String,
    seconds_per_program: f64,
}

impl Report {
    /// Of what `series` has; figures that were obtained from none of `monitors` are there without values.
    pub(crate) fn new(
        host: Host,
        figures: &[&'static Figure],
        series: &Series,
        monitors: &[Monitor],
        options: &Options,
    ) -> Self {
        let version = |monitor: Monitor| monitors.contains(&monitor).then(|| monitor.version());
        Self {
            host,
            guest: Guest {
                cpus: options.cpus,
                memory: options.memory.clone(),
                seconds_per_program: options.seconds(),
            },
            ours: version(Monitor::Paprika),
            peer: version(Monitor::Qemu),
            rounds: options.rounds(),
            figures: figures.iter().map(|figure| row(series, figure)).collect(),
        }
    }

    /// For guest.json.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether no round of any monitor failed.
    pub(crate) fn is_complete(&self) -> bool {
        self.figures
            .iter()
            .all(|row| row.compared.failures.is_empty())
    }

    /// For the README.
    pub(crate) fn markdown(&self) -> String {
        let mut table =
            "| figure | unit | Paprika | QEMU | Paprika / QEMU |\n|---|---|---:|---:|---:|\n"
                .to_owned();
        for row in &self.figures {
            let [ours, peer, ratio] = row.compared.numbers();
            let _ = writeln!(
                table,
                "| {} ({}) | {} | {ours} | {peer} | {ratio} |",
                row.what, row.name, row.unit
            );
        }
        format!("{table}\n{}", self.circumstances())
    }

    /// On what and how all was measured.
    fn circumstances(&self) -> String {
        let version =
            |version: &Option<String>| version.clone().unwrap_or_else(|| "not measured".to_owned());
        let Host {
            cpu,
            cpus,
            load_before,
        } = &self.host;
        let mut lines = format!(
            "\nours: {}\npeer: {} (TCG)\n",
            version(&self.ours),
            version(&self.peer)
        );
        let _ = writeln!(lines, "host: {cpus} x {cpu}, load {load_before} before");
        let Guest {
            cpus,
            memory,
            seconds_per_program,
        } = &self.guest;
        let _ = writeln!(
            lines,
            "guest: {cpus} CPUs, {memory}; medians of {}; programs run {seconds_per_program} s\n",
            self.rounds
        );
        lines
    }

    /// For the terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = self.circumstances();
        table += &line(["figure", "", "unit", "ours", "peer", "ratio", ""]);
        for row in &self.figures {
            let [ours, peer, ratio] = row.compared.numbers();
            table += &line([
                row.name,
                row.what,
                row.unit,
                &ours,
                &peer,
                &ratio,
                &row.remark(),
            ]);
        }
        table += "\nratio: ours divided by the peer's\n";
        if self.host.was_busy() {
            table += "The host was busy before this began: these figures are those of a shared machine.\n";
        }
        for row in &self.figures {
            for (monitor, why) in &row.compared.failures {
                let _ = writeln!(table, "{} of {monitor}: {why}", row.name);
            }
        }
        table
    }
}

impl Row {
    /// The comparison in words, and the bar.
    fn remark(&self) -> String {
        let mut remark = String::new();
        if let Some(ratio) = self.compared.ratio {
            let good = (ratio > 1.0) == (self.better == "higher");
            let times = if ratio > 1.0 { ratio } else { 1.0 / ratio };
            if (0.97..=1.03).contains(&ratio) {
                remark += "alike";
            } else if times.is_finite() {
                let _ = write!(
                    remark,
                    "{} x {}",
                    number(times),
                    if good { "better" } else { "worse" }
                );
            }
        }
        if let Some(bar) = &self.bar {
            let met = match bar.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "unknown",
            };
            let _ = write!(
                remark,
                "{}asked {}: {met}",
                if remark.is_empty() { "" } else { "; " },
                bar.asked
            );
        }
        remark
    }
}

fn row(series: &Series, figure: &'static Figure) -> Row {
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
        better: better(figure.better),
        compared,
        bar,
    }
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

fn line(cells: [&str; 7]) -> String {
    let [name, what, unit, ours, peer, ratio, remark] = cells;
    let text = format!("{name:<12}{what:<34}{unit:<10}{ours:>11}{peer:>11}{ratio:>8}   {remark}");
    format!("{}\n", text.trim_end())
}
