//! The table, and the JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::acceptance::{self, Bar};
use crate::host::Host;
use crate::monitor::Monitor;
use crate::numbers::number;
use crate::options::Options;
use crate::outcome::{Case, Costs, Outcome, Series, Subject};

/// Everything that was found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    host: Host,
    memory: String,
    seconds_per_measurement: f64,
    rounds: u32,
    /// What the monitors call themselves.
    ours: Option<String>,
    peer: Option<String>,
    results: Vec<Row>,
    bars: Vec<Bar>,
}

/// A case, its medians, and the rounds that they are of.
#[derive(Debug, Serialize)]
struct Row {
    who: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<u32>,
    writers: u32,
    median: Option<Outcome>,
    /// The rate divided by the peer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    times_peer: Option<f64>,
    rounds: Vec<Outcome>,
    /// Why a round is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl Report {
    /// What the rounds gave.
    pub(crate) fn new(host: Host, series: &Series, options: &Options) -> Self {
        let monitors = options.monitors();
        let version = |monitor: Monitor| monitors.contains(&monitor).then(|| monitor.version());
        Self {
            host,
            memory: options.memory.clone(),
            seconds_per_measurement: options.seconds(),
            rounds: options.rounds(),
            ours: version(Monitor::Paprika),
            peer: version(Monitor::Qemu),
            results: series
                .cases()
                .into_iter()
                .map(|case| row(series, case))
                .collect(),
            bars: acceptance::all(series, options),
        }
    }

    /// For flush.json.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether no round of anything failed.
    pub(crate) fn is_complete(&self) -> bool {
        self.results
            .iter()
            .all(|row| row.failure.is_none() && row.median.is_some())
    }

    /// For the terminal.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{}\n", self.circumstances());
        table += &line(HEADINGS);
        for row in &self.results {
            let cells = row.cells();
            table += &line(cells.each_ref().map(String::as_str));
        }
        let _ = writeln!(table, "\n{NOTE}");
        for bar in &self.bars {
            let _ = writeln!(table, "{bar}");
        }
        if self.host.was_busy() {
            table +=
                "The host was busy before this began: these are the numbers of a shared machine.\n";
        }
        for row in &self.results {
            if let Some(why) = &row.failure {
                let _ = writeln!(table, "{}: {why}", row.cells()[..4].join(" "));
            }
        }
        table
    }

    /// For the README.
    pub(crate) fn markdown(&self) -> String {
        let cells = |cells: [&str; COLUMNS]| format!("| {} |\n", cells.join(" | "));
        let mut table = cells(HEADINGS);
        table += "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
        for row in &self.results {
            table += &cells(row.cells().each_ref().map(String::as_str));
        }
        let _ = writeln!(table, "\n{NOTE}\n");
        for bar in &self.bars {
            let _ = writeln!(table, "- {bar}");
        }
        format!("{table}\n{}", self.circumstances())
    }

    /// On what and how all was measured.
    fn circumstances(&self) -> String {
        let guest = format!(
            "{}; medians of {}; {} s per measurement",
            self.memory, self.rounds, self.seconds_per_measurement,
        );
        self.host.circumstances(&self.ours, &self.peer, &guest)
    }
}

const COLUMNS: usize = 11;

const HEADINGS: [&str; COLUMNS] = [
    "target",
    "CPUs",
    "who",
    "writers",
    "flushes/s",
    "x peer",
    "p50 us",
    "p99 us",
    "syncs",
    "hcalls",
    "sleeps",
];

const NOTE: &str = "A flush is a writer's fsync (fdatasync in xfs-data). syncs, hcalls (H_SCM_FLUSH) and sleeps \
(H_LONG_BUSY_ORDER_* answers)
are per flush, from the guest's perf_stats; QEMU has none: it runs one sync per flush that Linux begins, and makes Linux sleep
in every one.";

impl Row {
    fn cells(&self) -> [String; COLUMNS] {
        let or_dash = |text: Option<String>| text.unwrap_or("-".to_owned());
        let of = |value: fn(&Outcome) -> f64| {
            or_dash(self.median.as_ref().map(|median| number(value(median))))
        };
        let cost = |value: fn(&Costs) -> f64| {
            let costs = self
                .median
                .as_ref()
                .and_then(|median| median.costs.as_ref());
            or_dash(costs.map(|costs| format!("{:.2}", value(costs))))
        };
        [
            self.target.unwrap_or("host").to_owned(),
            or_dash(self.cpus.map(|cpus| cpus.to_string())),
            self.who.to_owned(),
            self.writers.to_string(),
            of(|median| median.rate),
            or_dash(self.times_peer.map(number)),
            of(|median| median.p50_us),
            of(|median| median.p99_us),
            cost(|costs| costs.syncs),
            cost(|costs| costs.hypercalls),
            cost(|costs| costs.sleeps),
        ]
    }
}

fn row(series: &Series, case: Case) -> Row {
    let (who, target, cpus) = match case.subject {
        Subject::Guest {
            target,
            cpus,
            monitor,
        } => (monitor.name(), Some(target.name()), Some(cpus)),
        Subject::Host(method) => (method.name(), None, None),
    };
    Row {
        who,
        target,
        cpus,
        writers: case.writers,
        median: series.median(case),
        times_peer: series.times_peer(case),
        rounds: series.rounds(case).to_vec(),
        failure: series.failure(case).map(str::to_owned),
    }
}

fn line(cells: [&str; COLUMNS]) -> String {
    let [
        target,
        cpus,
        who,
        writers,
        rate,
        times,
        p50,
        p99,
        syncs,
        calls,
        sleeps,
    ] = cells;
    format!(
        "{target:<8}{cpus:>4}  {who:<19}{writers:>8}{rate:>11}{times:>8}{p50:>9}{p99:>9}{syncs:>7}{calls:>8}{sleeps:>8}\n"
    )
}
