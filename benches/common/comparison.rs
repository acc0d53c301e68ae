//! The report of those benchmarks that compare the two monitors by figures: a row per figure, as a table, as Markdown and as JSON.
//!
//! What a benchmark asks of its figures, and what it says about its guest, is its own.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::host::Host;
use crate::monitor::Monitor;
use crate::series::Compared;

/// What was asked of ours, and whether it holds.
#[derive(Debug, Serialize)]
pub(crate) struct BarRow {
    /// In words.
    pub(crate) asked: String,
    /// Unknown where it could not be measured.
    pub(crate) met: Option<bool>,
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

/// A figure of both monitors. `B`: what was asked, as the benchmark writes it into its JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Row<B> {
    pub(crate) name: &'static str,
    /// In words.
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// Which way is good, where that is not the same for all figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) better: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) compared: Compared,
    #[serde(flatten)]
    pub(crate) bars: B,
    /// The table's last column.
    #[serde(skip)]
    pub(crate) remark: String,
}

/// How a benchmark's table looks.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Characters of name, words, unit and each of the two monitors' numbers.
    pub(crate) widths: [usize; 4],
    /// How the figures are to be read.
    pub(crate) note: &'static str,
    /// Whether the Markdown has the remarks and the note as well.
    pub(crate) remarks_in_markdown: bool,
}

/// Everything that was found out. `G`: the guest, as the benchmark writes it into its JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Report<G, B> {
    host: Host,
    guest: G,
    /// What the monitors call themselves.
    ours: Option<String>,
    peer: Option<String>,
    rounds: u32,
    figures: Vec<Row<B>>,
    #[serde(skip)]
    layout: Layout,
}

impl<G: Serialize + fmt::Display, B: Serialize> Report<G, B> {
    /// Of what so many rounds on `monitors` gave. `guest`, as it is shown, also says how often and how long was measured.
    pub(crate) fn new(
        host: Host,
        guest: G,
        monitors: &[Monitor],
        rounds: u32,
        figures: Vec<Row<B>>,
        layout: Layout,
    ) -> Self {
        let version = |monitor: Monitor| monitors.contains(&monitor).then(|| monitor.version());
        Self {
            host,
            guest,
            ours: version(Monitor::Paprika),
            peer: version(Monitor::Qemu),
            rounds,
            figures,
            layout,
        }
    }

    /// For a file.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether no round of any monitor failed.
    pub(crate) fn is_complete(&self) -> bool {
        self.figures
            .iter()
            .all(|row| row.compared.failures.is_empty())
    }

    /// For the terminal, or for the README.
    pub(crate) fn text(&self, markdown: bool) -> String {
        if markdown {
            self.markdown()
        } else {
            self.table()
        }
    }

    fn markdown(&self) -> String {
        let remarks = self.layout.remarks_in_markdown;
        let more = |cell: &str| match remarks {
            true => format!(" {cell} |\n"),
            false => "\n".to_owned(),
        };
        let mut table = format!(
            "| figure | unit | Paprika | QEMU | Paprika / QEMU |{}|---|---|---:|---:|---:|{}",
            more("bars"),
            if remarks { "---|\n" } else { "\n" }
        );
        for row in &self.figures {
            let [ours, peer, ratio] = row.compared.numbers();
            let _ = write!(
                table,
                "| {} ({}) | {} | {ours} | {peer} | {ratio} |{}",
                row.what,
                row.name,
                row.unit,
                more(&row.remark)
            );
        }
        if remarks {
            let _ = write!(table, "\n{}", self.layout.note);
        }
        format!("{table}\n{}", self.circumstances())
    }

    fn table(&self) -> String {
        let mut table = self.circumstances();
        table += &self.line(["figure", "", "unit", "ours", "peer", "ratio", ""]);
        for row in &self.figures {
            let [ours, peer, ratio] = row.compared.numbers();
            table += &self.line([
                row.name,
                row.what,
                row.unit,
                &ours,
                &peer,
                &ratio,
                &row.remark,
            ]);
        }
        let _ = writeln!(table, "\n{}", self.layout.note);
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

    fn line(&self, cells: [&str; 7]) -> String {
        let [name, what, unit, ours, peer, ratio, remark] = cells;
        let [names, words, units, numbers] = self.layout.widths;
        let text = format!(
            "{name:<names$}{what:<words$}{unit:<units$}{ours:>numbers$}{peer:>numbers$}{ratio:>8}   {remark}"
        );
        format!("{}\n", text.trim_end())
    }

    /// On what and how all was measured.
    fn circumstances(&self) -> String {
        let text = self
            .host
            .circumstances(&self.ours, &self.peer, &self.guest.to_string());
        format!("\n{text}\n")
    }
}
