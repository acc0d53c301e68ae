//! `paprika demo power-loss`: the campaigns, told and judged.

use std::io;
use std::io::{IsTerminal, Write};

use guest_kit::{GuestKit, Progress};

use super::harness::{Campaign, Tally};
use super::linux::{FileSystem, LinuxWriter};
use super::payload::PayloadWriter;
use super::writer::Writer;
use crate::demo::scm::devices::on_off;
use crate::demo::{Checklist, Table};

/// Lives in which a guest that does not flush must have lost something.
const CONTROL_LIVES: u64 = 20;

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Where all cuts are drawn from.
    pub seed: u64,
    /// Power losses of the bare-metal guest, half of them with a flush per record, half with a flush for several.
    pub rounds: u64,
    /// Power losses of Linux, for each file system.
    pub linux_rounds: u64,
}

/// Records per flush of the bare-metal guest's second half.
const BATCH: u64 = 8;

/// Runs everything, shown on standard output; answers whether no acknowledged record was lost, and all controls did lose some.
///
/// # Errors
/// Where a guest can't be built or started, or does something else than it is told.
pub fn run(extent: Extent) -> anyhow::Result<bool> {
    let mut list = Checklist::new(io::stdout());
    list.say("Guests write numbered, checksummed records, flush, and acknowledge each. Their machine is stopped dead, and another starts");
    list.say("on what was durable by then: the pages of the last completed sync, and of those stored since a random part, torn at sectors.");
    list.say("Every acknowledged record must be there, whole. The same guests with sync-dax=on do not flush: they must be seen to lose some,");
    list.say("or this proof proves nothing.");
    list.say(&format!(
        "Seed {} (--seed repeats the choice of cuts, not the exact moments).\n",
        extent.seed
    ));
    let payload = GuestKit::ensure_payload(&Progress::auto())?;
    let mut writers: Vec<(Box<dyn Writer>, u64)> = vec![
        (
            Box::new(PayloadWriter::new(payload.clone(), 1)),
            extent.rounds.div_ceil(2),
        ),
        (
            Box::new(PayloadWriter::new(payload, BATCH)),
            extent.rounds / 2,
        ),
    ];
    if extent.linux_rounds > 0 {
        let kit = GuestKit::ensure(&Progress::auto())?;
        for file_system in [FileSystem::Xfs, FileSystem::Ext4] {
            let writer = LinuxWriter::new(kit.clone(), file_system);
            writers.push((Box::new(writer), extent.linux_rounds));
        }
    }
    let writers = writers.into_iter().filter(|(_, lives)| *lives > 0);
    let mut told = Vec::new();
    for (number, (writer, lives)) in (0..).zip(writers) {
        for sync_dax in [false, true] {
            let campaign = Campaign {
                lives: if sync_dax { CONTROL_LIVES } else { lives },
                seed: extent.seed.wrapping_add(number),
                sync_dax,
            };
            let line = Line::new(writer.name(), sync_dax);
            let tally = campaign.run(&*writer, &mut |tally| line.show(tally))?;
            line.clear();
            told.push((writer.name().to_owned(), sync_dax, tally));
        }
    }
    list.say(&table(&told).to_string());
    list.say("\"Looked for\" counts a record again after every power loss. The other pages held what was stored and not yet durable.\n");
    for (name, sync_dax, tally) in &told {
        judge(&mut list, name, *sync_dax, tally);
    }
    Ok(list.conclude())
}

/// One line of a terminal that says how far a campaign is.
struct Line<'a> {
    name: &'a str,
    sync_dax: &'static str,
    shown: bool,
}

impl<'a> Line<'a> {
    fn new(name: &'a str, sync_dax: bool) -> Self {
        Self {
            name,
            sync_dax: on_off(sync_dax),
            shown: io::stderr().is_terminal(),
        }
    }

    fn show(&self, tally: &Tally) {
        if self.shown {
            let (name, sync_dax) = (self.name, self.sync_dax);
            let (lives, acknowledged) = (tally.lives, tally.acknowledged);
            // A terminal that is gone misses nothing.
            let _ = write!(
                io::stderr(),
                "\r\x1b[K{name}, sync-dax={sync_dax}: {lives} power losses, {acknowledged} records"
            );
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn table(told: &[(String, bool, Tally)]) -> Table {
    let mut table = Table::new(&[
        "guest",
        "sync-dax",
        "power losses",
        "in a flush",
        "acknowledged",
        "looked for",
        "lost",
        "other pages: kept/torn/gone",
    ]);
    for (name, sync_dax, tally) in told {
        let pages = &tally.pages;
        let gone = pages.dirty.saturating_sub(pages.kept + pages.torn);
        let numbers = [
            tally.lives,
            tally.in_flush,
            tally.acknowledged,
            tally.looked_for,
            tally.lost,
        ];
        let mut cells = vec![name.clone(), on_off(*sync_dax).to_owned()];
        cells.extend(numbers.map(|number| number.to_string()));
        cells.push(format!("{}/{}/{gone}", pages.kept, pages.torn));
        table.row(cells);
    }
    table
}

fn judge(list: &mut Checklist<impl Write>, name: &str, sync_dax: bool, tally: &Tally) {
    if sync_dax {
        list.check(
            &format!("{name}, control: without flushes, acknowledged records were lost"),
            tally.lost > 0,
        );
        return;
    }
    list.check(
        &format!(
            "{name}: none of {} acknowledged records was lost in {} power losses",
            tally.acknowledged, tally.lives
        ),
        tally.lost == 0 && tally.acknowledged > 0,
    );
    for (life, cut) in &tally.losses {
        list.say(&format!("          lost after power loss {life}: {cut:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(sync_dax: bool, tally: &Tally) -> bool {
        let mut list = Checklist::new(Vec::new());
        judge(&mut list, "guest", sync_dax, tally);
        list.conclude()
    }

    #[test]
    fn a_loss_fails_the_proof_and_no_loss_fails_its_control() {
        let whole = Tally {
            acknowledged: 9,
            ..Tally::default()
        };
        let lossy = Tally {
            lost: 1,
            ..whole.clone()
        };
        assert!(verdict(false, &whole) && !verdict(false, &lossy));
        assert!(verdict(true, &lossy) && !verdict(true, &whole));
    }

    #[test]
    fn a_proof_without_a_record_proves_nothing() {
        assert!(!verdict(false, &Tally::default()));
    }
}
