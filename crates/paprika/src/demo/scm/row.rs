//! The table of the demonstration: what the guest saw of each device, beside what the host counted.

use std::io::Write;

use papr_scm::flush::FlushCounters;

use super::devices::{DEVICES, Device, on_off};
use super::guest::{ABSENT, GRANTED, PRESENT, QUESTIONS, RECORDS, REFUSED, WRITERS};
use crate::demo::{Checklist, Table};

/// What flushes came to between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flushes {
    /// `H_SCM_FLUSH` hypercalls, repeats included.
    pub hypercalls: u64,
    /// Flushes asked for.
    pub flushes: u64,
    /// Syncs of the file.
    pub syncs: u64,
    /// Flushes that shared their sync with an earlier one.
    pub coalesced: u64,
    /// Flushes and syncs that failed.
    pub failed: u64,
}

impl Flushes {
    /// What was counted between two looks at a device.
    pub fn between(before: &FlushCounters, after: &FlushCounters) -> Self {
        let failed = |counters: &FlushCounters| counters.failed_flushes + counters.failed_syncs;
        Self {
            hypercalls: after.hypercalls.saturating_sub(before.hypercalls),
            flushes: after.flushes.saturating_sub(before.flushes),
            syncs: after.syncs.saturating_sub(before.syncs),
            coalesced: after.coalesced.saturating_sub(before.coalesced),
            failed: failed(after).saturating_sub(failed(before)),
        }
    }
}

/// What is known of a device at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The guest's answers, as its commands printed them.
    pub answers: [String; QUESTIONS],
    /// The host's counters while the records were written; none where the guest did not get there.
    pub flushes: Option<Flushes>,
}

impl Row {
    /// Whether all is as the device's `sync-dax` demands.
    fn is_right(&self, device: Device) -> bool {
        let [announced, map_sync, acknowledged] = self.answers.each_ref().map(|a| a.trim());
        let Some(counted) = self.flushes else {
            return false;
        };
        let guest = if device.sync_dax {
            announced == ABSENT && map_sync.contains(GRANTED)
        } else {
            announced == PRESENT && map_sync == REFUSED
        };
        let host = if device.sync_dax {
            counted.hypercalls == 0 && counted.flushes == 0
        } else {
            // Every flush has its hypercall and nobody was told of a success without a sync.
            counted.hypercalls >= counted.flushes && counted.flushes > 0 && counted.syncs > 0
        };
        guest && host && counted.failed == 0 && acknowledged.parse() == Ok(WRITERS * RECORDS)
    }

    fn cells(&self, device: Device) -> Vec<String> {
        let [announced, map_sync, acknowledged] = self.answers.each_ref().map(|a| a.trim());
        let map_sync = match map_sync {
            granted if granted.contains(GRANTED) => "works",
            other => other.strip_prefix("Failed to mmap with ").unwrap_or(other),
        };
        let fsync = match acknowledged.parse::<u64>() {
            Ok(number) => format!("{number} of {} ok", WRITERS * RECORDS),
            Err(_) => "?".into(),
        };
        let mut cells = vec![
            device.id.to_owned(),
            on_off(device.sync_dax).to_owned(),
            announced.to_owned(),
            map_sync.to_owned(),
            fsync,
        ];
        let numbers = self
            .flushes
            .map(|f| [f.hypercalls, f.flushes, f.syncs, f.coalesced]);
        cells.extend(numbers.map_or_else(
            || vec!["?".to_owned(); 4],
            |numbers| numbers.map(|n| n.to_string()).into(),
        ));
        cells
    }
}

/// Shows the table, and checks every row.
pub fn judge(list: &mut Checklist<impl Write>, rows: &[Row; 2]) {
    let mut table = Table::new(&[
        "device",
        "sync-dax",
        "flush property",
        "MAP_SYNC",
        "fsync",
        "H_SCM_FLUSH calls",
        "flushes",
        "syncs run",
        "coalesced",
    ]);
    for (device, row) in DEVICES.into_iter().zip(rows) {
        table.row(row.cells(device));
    }
    list.say(&table.to_string());
    for (device, row) in DEVICES.into_iter().zip(rows) {
        let sync_dax = on_off(device.sync_dax);
        let claim = format!("{} is what sync-dax={sync_dax} means", device.id);
        list.check(&claim, row.is_right(device));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [Row; 2] {
        let answers = |announced: &str, map_sync: &str| {
            [announced, map_sync, "64"].map(|answer| format!("{answer}\n"))
        };
        let flushes = Flushes {
            hypercalls: 90,
            flushes: 70,
            syncs: 40,
            coalesced: 30,
            failed: 0,
        };
        [
            Row {
                answers: answers(ABSENT, "mmap: ok\nmsync: ok"),
                flushes: Some(Flushes::default()),
            },
            Row {
                answers: answers(PRESENT, REFUSED),
                flushes: Some(flushes),
            },
        ]
    }

    fn verdict(rows: &[Row; 2]) -> (bool, String) {
        let mut shown = Vec::new();
        let mut list = Checklist::new(&mut shown);
        judge(&mut list, rows);
        (
            list.conclude(),
            String::from_utf8_lossy(&shown).into_owned(),
        )
    }

    #[test]
    fn the_table_of_the_mission_is_accepted() {
        let (right, shown) = verdict(&rows());
        assert!(right, "{shown}");
        let row = shown.lines().find(|line| line.contains("pmem1"));
        let cells: Vec<&str> = row
            .expect("a row")
            .split("  ")
            .filter(|c| !c.is_empty())
            .collect();
        let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "pmem1",
                "off",
                "present",
                "Operation not supported",
                "64 of 64 ok",
                "90",
                "70",
                "40",
                "30"
            ]
        );
    }

    #[test]
    fn anything_else_is_not() {
        let wrong = |change: fn(&mut [Row; 2])| {
            let mut rows = rows();
            change(&mut rows);
            !verdict(&rows).0
        };
        assert!(wrong(|rows| rows.swap(0, 1)));
        assert!(wrong(|rows| rows[0].answers[1] = REFUSED.into()));
        assert!(wrong(|rows| rows[1].answers[1] = GRANTED.into()));
        assert!(wrong(
            |rows| rows[1].answers[1] = "Failed to mmap with Invalid argument".into()
        ));
        assert!(wrong(|rows| rows[1].answers[0] = ABSENT.into()));
        assert!(wrong(|rows| rows[1].answers[2] = "63".into()));
        assert!(wrong(|rows| rows[1].flushes = Some(Flushes::default())));
        assert!(wrong(|rows| rows[1].flushes = None));
        assert!(wrong(|rows| rows[0].flushes = rows[1].flushes));
        assert!(wrong(|rows| {
            if let Some(flushes) = &mut rows[1].flushes {
                flushes.failed = 1;
            }
        }));
    }
}
