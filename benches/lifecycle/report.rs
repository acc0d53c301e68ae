//! The table, and the JSON.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::figures::{Bar, FIGURES, Figure};
use crate::host::Host;
use crate::monitor::Monitor;
use crate::options::Options;
use crate::series::{Compared, Series};

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
    filled_mib: u32,
}

/// A row of the table.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    #[serde(flatten)]
    compared: Compared,
    bars: Vec<BarRow>,
}

/// What was asked of ours, and whether it holds.
#[derive(Debug, Serialize)]
struct BarRow {
    asked: String,
    /// Unknown where it could not be measured.
    met: Option<bool>,
}

impl fmt::Display for BarRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        write!(f, "asked {}: {verdict}", self.asked)
    }
}

/// How the figures are to be read.
const NOTE: &str = "Less is better of all. ratio: ours divided by the peer's. A downtime is the longest silence of the guest's console within half
a second of its change of processes, less the 10 ms between two beats. Moves are over TCP on the loopback device, with at most
300 ms of downtime asked of both; the NVDIMM's file is shared, not copied. A save ends when its files are durable (the peer's,
which its migration to `cat` leaves to the host, by an fsync); what it restores is in the host's page
cache, what Paprika restores is not where the disk was fast. QEMU 7.2 with TCG
loses the timers of a guest that it restores or receives, so that Linux waits for ever: the peer's guest counts as going on as soon
as QEMU says that its vCPUs run, which is the earliest that it can be.";

impl Report {
    /// What the rounds gave; figures that were obtained from nobody are there without values.
    pub(crate) fn new(
        host: Host,
        figures: &[&'static Figure],
        series: &Series,
        options: &Options,
    ) -> Self {
        let monitors = options.monitors();
        let version = |monitor: Monitor| monitors.contains(&monitor).then(|| monitor.version());
        Self {
            host,
            guest: Guest {
                cpus: options.cpus,
                memory: options.memory.clone(),
                filled_mib: options.fill(),
            },
            ours: version(Monitor::Paprika),
            peer: version(Monitor::Qemu),
            rounds: options.rounds(),
            figures: figures
                .iter()
                .map(|figure| Row::new(series, figure))
                .collect(),
        }
    }

    /// For lifecycle.json.
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
        let mut table = "| figure | unit | Paprika | QEMU | Paprika / QEMU | bars |\n|---|---|---:|---:|---:|---|\n".to_owned();
        for row in &self.figures {
            let [ours, peer, ratio] = row.compared.numbers();
            let _ = writeln!(
                table,
                "| {} ({}) | {} | {ours} | {peer} | {ratio} | {} |",
                row.what,
                row.name,
                row.unit,
                row.bars()
            );
        }
        format!("{table}\n{NOTE}\n{}", self.circumstances())
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
                &row.bars(),
            ]);
        }
        let _ = writeln!(table, "\n{NOTE}");
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

    /// On what and how all was measured.
    fn circumstances(&self) -> String {
        let version =
            |version: &Option<String>| version.clone().unwrap_or_else(|| "not measured".to_owned());
        let Host {
            cpu,
            cpus,
            load_before,
        } = &self.host;
        let Guest {
            cpus: guest_cpus,
            memory,
            filled_mib,
        } = &self.guest;
        format!(
            "\nours: {}\npeer: {} (TCG)\nhost: {cpus} x {cpu}, load {load_before} before\nguest: {guest_cpus} CPUs, {memory}, \
             {filled_mib} MiB of it filled with random bytes; medians of {}\n\n",
            version(&self.ours),
            version(&self.peer),
            self.rounds,
        )
    }
}

impl Row {
    fn new(series: &Series, figure: &'static Figure) -> Self {
        let compared = series.compared(figure.name);
        let (ours, peer) = (&compared.ours, &compared.peer);
        let bars = figure.bars.iter().map(|bar| match bar {
            Bar::AtMostPeer => BarRow {
                asked: "not more than the peer".to_owned(),
                met: match (ours, peer) {
                    (Some(ours), Some(peer)) => Some(ours.median <= peer.median),
                    _ => None,
                },
            },
            Bar::Below(value) => BarRow {
                asked: format!("below {value} {}", figure.unit),
                met: ours.as_ref().map(|ours| ours.median < *value),
            },
        });
        let bars = bars.collect();
        Self {
            name: figure.name,
            what: figure.words,
            unit: figure.unit,
            compared,
            bars,
        }
    }

    fn bars(&self) -> String {
        let bars: Vec<String> = self.bars.iter().map(BarRow::to_string).collect();
        bars.join("; ")
    }
}

/// What can be measured.
pub(crate) fn list() -> String {
    let entry =
        |figure: &Figure| format!("{:<16}{:<32}{}\n", figure.name, figure.words, figure.unit);
    FIGURES.iter().map(entry).collect()
}

fn line(cells: [&str; 7]) -> String {
    let [name, what, unit, ours, peer, ratio, remark] = cells;
    let text = format!("{name:<16}{what:<32}{unit:<5}{ours:>9}{peer:>9}{ratio:>8}   {remark}");
    format!("{}\n", text.trim_end())
}
