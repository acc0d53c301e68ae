//! The harness: lets guests write, cuts their power, restarts them on what was durable, and counts what is missing.
//!
//! A *life* is one machine from power-on to the loss of its power. A *campaign* is many lives on one device: every life goes on after
//! the last acknowledged record, and after every life all records that were ever acknowledged must be there, whole: as the next machine
//! sees them, and in the durable bytes themselves where the host can read them.

use std::io;
use std::sync::Arc;

use papr_scm::backing::PowerLoss;

use super::cut::{Cut, Moment};
use super::device::Device;
use super::writer::{Records, Writer, ack, acknowledged, powered_off};
use crate::machine::End;
use crate::session::{Outcome, SessionError};

/// Records after which a campaign begins anew over the old ones, so that verifying stays quick.
const RENEW: u64 = 600;

/// Lines of a guest's console in an error.
const SHOWN: usize = 12;

/// Why a campaign could not be held; a loss is no error but a result.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// A guest could not be started.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No memory for a device.
    #[error("the host gives no memory for a device whose power can be cut: {0}")]
    Device(#[from] io::Error),
    /// A guest did something else than it was told.
    #[error(
        "the guest ({guest}) was to {task} and did not ({end:?}); the end of its console:\n{console}"
    )]
    Guest {
        /// Which.
        guest: String,
        /// What it should have done.
        task: &'static str,
        /// How its machine ended.
        end: End,
        /// The last lines that it printed.
        console: String,
    },
}

impl HarnessError {
    fn guest(writer: &dyn Writer, task: &'static str, outcome: &Outcome) -> Self {
        let lines: Vec<&str> = outcome.console.lines().collect();
        Self::Guest {
            guest: writer.name().to_owned(),
            task,
            end: outcome.end.clone(),
            console: lines[lines.len().saturating_sub(SHOWN)..].join("\n"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// How often the power goes, at most.
    pub lives: u64,
    /// Where the cuts are drawn from.
    pub seed: u64,
    /// Whether guests are told, wrongly, that they need not flush: the control, which must lose something and ends when it has.
    pub sync_dax: bool,
}

/// What a campaign has come to so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// How often the power went.
    pub lives: u64,
    /// Of these, how often while a flush waited for its sync.
    pub in_flush: u64,
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// How often an acknowledged record was looked for after a power loss.
    pub looked_for: u64,
    /// How often one was missing, or not whole.
    pub lost: u64,
    /// Pages at the moments when the power went.
    pub pages: PowerLoss,
    /// Lives after which something was missing: number (from 1), and what was cut.
    pub losses: Vec<(u64, Cut)>,
}

impl Tally {
    fn add(&mut self, cut: Cut, loss: PowerLoss, before: &Records, after: &Records, found: u64) {
        self.lives += 1;
        self.in_flush += u64::from(cut.moment == Moment::InFlush);
        self.acknowledged += after.acknowledged.saturating_sub(before.acknowledged);
        self.looked_for += after.acknowledged;
        self.pages.dirty += loss.dirty;
        self.pages.kept += loss.kept;
        self.pages.torn += loss.torn;
        let lost = after.acknowledged.saturating_sub(found);
        self.lost += lost;
        if lost > 0 {
            self.losses.push((self.lives, cut));
        }
    }
}

impl Campaign {
    /// Holds the campaign; `progress` sees the tally after every life.
    ///
    /// # Errors
    /// [`HarnessError`]: not for a loss, which the tally tells.
    pub fn run(
        &self,
        writer: &dyn Writer,
        progress: &mut dyn FnMut(&Tally),
    ) -> Result<Tally, HarnessError> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut tally = Tally::default();
        let mut device = self.prepare(writer)?;
        let mut records = new_run(&mut random);
        while tally.lives < self.lives {
            if records.acknowledged > RENEW {
                records = new_run(&mut random);
            }
            let cut = Cut::draw(&mut random, writer.most_records(), self.sync_dax);
            let (next, loss, written) = live(writer, &device, &records, cut)?;
            let found = look(writer, &next, &written)?;
            tally.add(cut, loss, &records, &written, found);
            progress(&tally);
            (device, records) = (next, written);
            if found < records.acknowledged {
                if self.sync_dax {
                    break;
                }
                // Go on with a sound device: whether it was the only loss is worth knowing.
                device = self.prepare(writer)?;
                records = new_run(&mut random);
            }
        }
        Ok(tally)
    }

    /// A device that is ready for the writer. Whatever it has to do for that is durable.
    fn prepare(&self, writer: &dyn Writer) -> Result<Device, HarnessError> {
        let device = Device::new(writer.device_size(), false)?;
        if let Some(session) = writer.prepare()? {
            let outcome = session.nvdimms(vec![device.nvdimm()]).run()?;
            if !powered_off(&outcome) || outcome.exit_status() != Some(0) {
                return Err(HarnessError::guest(
                    writer,
                    "make its device ready",
                    &outcome,
                ));
            }
        }
        Ok(device.with_sync_dax(self.sync_dax))
    }
}

fn new_run(random: &mut fastrand::Rng) -> Records {
    Records {
        run: random.u32(..).into(),
        acknowledged: 0,
    }
}

/// A life: writes, until the power goes. Returns the device as the next machine finds it, what became of the pages that were not
/// durable, and what is acknowledged now.
///
/// # Errors
/// [`HarnessError`]: the guest ended by itself, or never came to the cut.
pub fn live(
    writer: &dyn Writer,
    device: &Device,
    records: &Records,
    cut: Cut,
) -> Result<(Device, PowerLoss, Records), HarnessError> {
    let backing = Arc::clone(device.backing());
    backing.slow_down(cut.slower);
    let signal = ack(records.acknowledged + cut.after);
    let session = writer
        .write(records)?
        .nvdimms(vec![device.nvdimm()])
        .at(&signal, move |machine| cut.strike(machine, &backing));
    let (outcome, after) = session.run_and(|_| device.lose_power(cut.seed))?;
    if outcome.end != End::Killed || outcome.timed_out {
        return Err(HarnessError::guest(
            writer,
            "write until its power goes",
            &outcome,
        ));
    }
    let (next, loss) = after?;
    let written = Records {
        acknowledged: acknowledged(&outcome.console).max(records.acknowledged),
        ..*records
    };
    Ok((next, loss, written))
}

/// How many of the acknowledged records are on a device, whole: the lesser of what a guest finds and what the host finds.
///
/// # Errors
/// [`HarnessError`]: the guest could not be started, or hung.
pub fn look(writer: &dyn Writer, device: &Device, records: &Records) -> Result<u64, HarnessError> {
    // First: a guest that looks may also repair.
    let by_host = writer.found_by_host(device.backing(), records);
    let outcome = writer
        .verify(records)?
        .nvdimms(vec![device.nvdimm()])
        .run()?;
    if outcome.timed_out {
        return Err(HarnessError::guest(
            writer,
            "look for its records",
            &outcome,
        ));
    }
    let by_guest = writer.found(&outcome, records);
    Ok(by_host.map_or(by_guest, |by_host| by_host.min(by_guest)))
}
