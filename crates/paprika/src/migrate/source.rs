//! A machine whose guest is to go on in another process.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr_scm::flush::SyncFailure;
use paprika_migration::{PageSet, Problem, RamShape, SourceMachine, StoppedMachine};
use power::memory::DirtyPages;

use super::message::{self, Offer, Parting};
use super::throttle::Throttle;
use super::{FLUSH_LIMIT, PAGE, backing};
use crate::machine::state::Description;
use crate::machine::{MachineControl, QuiescedMachine, RunState, Successor};
use crate::memory::Touched;

/// In such pieces RAM is looked at for ever having been touched.
const PIECE: u64 = 256 << 10;

/// A machine, as the source of a migration.
pub struct MigrationSource {
    machine: Arc<MachineControl>,
    /// Where it goes, for its last words.
    to: String,
    touched: Touched,
    brake: Throttle,
    /// What the destination was told.
    offered: Mutex<Option<Description>>,
    /// How often the machine had been reset when its dirty pages were last taken.
    resets: AtomicU64,
}

impl MigrationSource {
    /// The machine, which goes to `to`.
    pub fn new(machine: &Arc<MachineControl>, to: impl Into<String>) -> Self {
        Self {
            touched: Touched::of(machine.ram()),
            brake: Throttle::new(machine),
            machine: Arc::clone(machine),
            to: to.into(),
            offered: Mutex::default(),
            resets: AtomicU64::new(0),
        }
    }

    fn offered(&self) -> MutexGuard<'_, Option<Description>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine, with paths that hold in another directory too.
    fn describe(&self) -> Description {
        let mut description = self.machine.description();
        for device in &mut description.nvdimms {
            if let Ok(path) = std::path::absolute(&device.path) {
                device.path = path;
            }
        }
        description
    }

    /// Adds what was logged; all pages where the machine was reset.
    fn add(&self, taken: Option<(DirtyPages, u64)>, pages: &mut PageSet) {
        let Some((dirty, resets)) = taken else {
            return pages.insert_range(0..pages.pages());
        };
        if self.resets.swap(resets, Ordering::SeqCst) != resets {
            pages.insert_range(0..pages.pages());
        }
        for address in dirty.addresses() {
            pages.insert(address / PAGE);
        }
    }
}

impl SourceMachine for MigrationSource {
    fn description(&self) -> Result<Vec<u8>, Problem> {
        alive(&self.machine)?;
        let description = self.describe();
        *self.offered() = Some(description.clone());
        message::write(&Offer::new(description, self.machine.boot_state().clone()))
    }

    fn static_payload(&self) -> Result<Vec<u8>, Problem> {
        Ok([self.machine.kernel(), self.machine.initrd()].concat())
    }

    fn ram(&self) -> RamShape {
        RamShape {
            page_size: PAGE as u32,
            pages: self.machine.memory() / PAGE,
        }
    }

    fn start_dirty_log(&self) -> Result<(), Problem> {
        self.machine.start_dirty_log().map_err(Problem::new)?;
        // Whatever reset came before is in RAM by the time that it is read, or shows as one more.
        let taken = self.machine.take_dirty_pages();
        let resets = taken.map_or(0, |(_, resets)| resets);
        self.resets.store(resets, Ordering::SeqCst);
        Ok(())
    }

    fn fetch_dirty(&self, pages: &mut PageSet) {
        self.add(self.machine.take_dirty_pages(), pages);
    }

    fn stop_dirty_log(&self) {
        self.machine.stop_dirty_log();
    }

    fn next_populated(&self, from: u64) -> Option<Range<u64>> {
        let size = self.machine.memory();
        let mut start = from * PAGE;
        while start < size {
            let end = (start / PIECE * PIECE + PIECE).min(size);
            if self.touched.any(&(start..end)) {
                return Some(start / PAGE..end / PAGE);
            }
            start = end;
        }
        None
    }

    fn read_page(&self, page: u64, bytes: &mut [u8]) {
        if let Err(error) = self.machine.ram().read(page * PAGE, bytes) {
            // Only pages of `ram` are asked for.
            tracing::error!(%error, "a page can't be read");
        }
    }

    fn throttle(&self, percent: u8) -> bool {
        self.brake.set(percent)
    }

    fn flush_ahead(&self) -> Result<(), Problem> {
        flush(&self.machine).map_err(Problem::new)
    }

    fn pause(&self) -> Result<Box<dyn StoppedMachine + '_>, Problem> {
        self.brake.set(0);
        let quiesced = self.machine.stand_still().map_err(Problem::new)?;
        Ok(Box::new(Quiesced {
            leaving: self,
            quiesced: Some(quiesced),
            released: AtomicBool::new(false),
            left_as: Mutex::default(),
        }))
    }

    fn hindrance(&self) -> Option<Problem> {
        alive(&self.machine).err()
    }
}

fn alive(machine: &MachineControl) -> Result<(), Problem> {
    if machine.state() == RunState::Ended {
        return Err(Problem::new("the machine has ended"));
    }
    Ok(())
}

/// Makes durable what a running guest has stored so far.
fn flush(machine: &MachineControl) -> Result<(), SyncFailure> {
    let until = Instant::now() + FLUSH_LIMIT;
    machine.scm().flush_all(until).collect()
}

/// The machine while its guest stands still.
struct Quiesced<'a> {
    leaving: &'a MigrationSource,
    /// None: told what to do with it.
    quiesced: Option<QuiescedMachine<'a>>,
    /// The locks were given up: the guest must not go on here.
    released: AtomicBool,
    /// How the files were when they were let go of.
    left_as: Mutex<Option<Description>>,
}

impl<'a> Quiesced<'a> {
    fn quiesced(&self) -> Result<&QuiescedMachine<'a>, Problem> {
        self.quiesced
            .as_ref()
            .ok_or_else(|| Problem::new("the guest has gone on"))
    }

    /// The machine with what its files are like now.
    fn look(&self, description: &mut Description) -> Result<(), Problem> {
        let quiesced = self.quiesced()?;
        for device in &mut description.nvdimms {
            let backing = quiesced.backing(&device.id);
            // One that is no file can't be known again; it is for the destination to have it.
            let Some(file) = backing.as_deref().and_then(|backing| backing.sync_fd(0)) else {
                continue;
            };
            let found = backing::of_file(file);
            let found = found.map_err(|error| {
                Problem(format!(
                    "nvdimm {}: its file can't be looked at: {error}",
                    device.id
                ))
            })?;
            device.backing = Some(found);
        }
        Ok(())
    }

    fn left_as(&self) -> MutexGuard<'_, Option<Description>> {
        self.left_as.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoppedMachine for Quiesced<'_> {
    fn fetch_dirty(&self, pages: &mut PageSet) {
        if let Some(quiesced) = &self.quiesced {
            self.leaving.add(quiesced.take_dirty_pages(), pages);
        }
    }

    fn settle(&self) -> Result<(), Problem> {
        self.quiesced()?
            .flush_nvdimms(FLUSH_LIMIT)
            .map_err(Problem::new)
    }

    fn state(&self) -> Result<Vec<u8>, Problem> {
        let quiesced = self.quiesced()?;
        let mut machine = quiesced.export().map_err(Problem::new)?;
        machine.description = self.leaving.describe();
        if self.leaving.offered().as_ref() != Some(&machine.description) {
            let words = "the machine has changed while it moved (an NVDIMM was plugged or unplugged, or the guest was reset); try again";
            return Err(Problem::new(words));
        }
        self.look(&mut machine.description)?;
        *self.left_as() = Some(machine.description.clone());
        message::write(&Parting {
            machine,
            paused: quiesced.stays_paused(),
        })
    }

    fn release(&self) -> Result<(), Problem> {
        let quiesced = self.quiesced()?;
        self.released.store(true, Ordering::SeqCst);
        if let Err(error) = quiesced.unlock_nvdimms() {
            self.reclaim()?;
            return Err(Problem::new(error));
        }
        Ok(())
    }

    fn reclaim(&self) -> Result<(), Problem> {
        self.quiesced()?.lock_nvdimms().map_err(Problem::new)?;
        let left_as = self.left_as().clone();
        if let Some(left_as) = left_as {
            let mut now = left_as.clone();
            self.look(&mut now)?;
            let changed = left_as
                .nvdimms
                .iter()
                .zip(&now.nvdimms)
                .find(|(then, now)| {
                    let known = |it: &Option<crate::machine::state::BackingIdentity>| {
                        it.as_ref().map(|it| (it.length, it.modified))
                    };
                    known(&then.backing) != known(&now.backing)
                });
            if let Some((device, _)) = changed {
                return Err(Problem(format!(
                    "nvdimm {}: another program has written to its file while it was being handed over; the guest's memory and the file no longer agree",
                    device.id
                )));
            }
        }
        self.released.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn resume(mut self: Box<Self>) -> Result<(), Problem> {
        alive(&self.leaving.machine)?;
        drop(self.quiesced.take());
        Ok(())
    }

    fn leave(mut self: Box<Self>) {
        if let Some(quiesced) = self.quiesced.take() {
            quiesced.leave(Successor::Moved(self.leaving.to.clone()));
        }
    }
}

impl Drop for Quiesced<'_> {
    fn drop(&mut self) {
        if let Some(quiesced) = self.quiesced.take()
            && self.released.load(Ordering::SeqCst)
            && self.leaving.machine.state() != RunState::Ended
        {
            // Not told what to do with a guest that may be another's: it never goes on here.
            tracing::error!(
                "the migration ended without knowing who has the guest; it stays where it stands"
            );
            std::mem::forget(quiesced);
        }
    }
}
