//! What this benchmark's report says that others' do not: what was asked of each figure, and how all of them are to be read.

use std::fmt;

use serde::Serialize;

use crate::comparison::{self, BarRow, Layout, Row};
use crate::figures::{Bar, FIGURES, Figure};
use crate::host::Host;
use crate::options::Options;
use crate::series::Series;

/// Everything that was found out.
pub(crate) type Report = comparison::Report<Guest, Asked>;

/// What was asked of a figure.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    bars: Vec<BarRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Guest {
    cpus: u32,
    memory: String,
    filled_mib: u32,
    #[serde(skip)]
    rounds: u32,
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} CPUs, {}, {} MiB of it filled with random bytes; medians of {}",
            self.cpus, self.memory, self.filled_mib, self.rounds
        )
    }
}

const LAYOUT: Layout = Layout {
    widths: [16, 32, 5, 9],
    note: "Less is better of all. ratio: ours divided by the peer's. A downtime is the longest silence of the guest's console within half
a second of its change of processes, less the 10 ms between two beats. Moves are over TCP on the loopback device, with at most
300 ms of downtime asked of both; the NVDIMM's file is shared, not copied. A save ends when its files are durable (the peer's,
which its migration to `cat` leaves to the host, by an fsync); what it restores is in the host's page
cache, what Paprika restores is not where the disk was fast. QEMU 7.2 with TCG
loses the timers of a guest that it restores or receives, so that Linux waits for ever: the peer's guest counts as going on as soon
as QEMU says that its vCPUs run, which is the earliest that it can be.",
    remarks_in_markdown: true,
};

/// What the rounds gave; figures that were obtained from nobody are there without values.
pub(crate) fn of(
    host: Host,
    figures: &[&'static Figure],
    series: &Series,
    options: &Options,
) -> Report {
    let guest = Guest {
        cpus: options.guest.cpus,
        memory: options.guest.memory.clone(),
        filled_mib: options.fill(),
        rounds: options.rounds(),
    };
    let rows = figures.iter().map(|figure| row(series, figure)).collect();
    let monitors = options.choice.monitors();
    Report::new(host, guest, &monitors, options.rounds(), rows, LAYOUT)
}

fn row(series: &Series, figure: &'static Figure) -> Row<Asked> {
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
    let bars: Vec<BarRow> = bars.collect();
    let remarks: Vec<String> = bars.iter().map(BarRow::to_string).collect();
    Row {
        name: figure.name,
        what: figure.words,
        unit: figure.unit,
        better: None,
        compared,
        bars: Asked { bars },
        remark: remarks.join("; "),
    }
}

/// What can be measured.
pub(crate) fn list() -> String {
    let entry =
        |figure: &Figure| format!("{:<16}{:<32}{}\n", figure.name, figure.words, figure.unit);
    FIGURES.iter().map(entry).collect()
}
